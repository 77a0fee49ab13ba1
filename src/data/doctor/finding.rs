//! What can be found, in words: how grave it is, what it means, what to do. Not how it is found (`diagnose.rs`).

use crate::data::WarningKind;
use crate::data::warnings::LEFT_OUT;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Something is labelled wrongly, or the measured rates will not be true.
    Serious,
    /// Something is lost or weakened.
    Warning,
    /// Good to know.
    Note,
}

/// What is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// The same file in several classes.
    CopiesAcrossClasses,
    /// Images of different classes that look almost the same.
    NearAcrossClasses,
    /// Files that cannot be decoded.
    Unreadable,
    /// The same file several times in one class.
    CopiesInClass,
    /// Classes with one image.
    TinyClasses,
    /// Very different numbers of images.
    Imbalance,
    /// Images much smaller, much larger or of another shape than most.
    MixedSizes,
    /// Some images are grey, some have colour; or some have transparency, 16 bits, a printer's inks.
    MixedModes,
    /// What a person excluded.
    Excluded,
}

impl FindingKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::CopiesAcrossClasses,
        Self::NearAcrossClasses,
        Self::Unreadable,
        Self::CopiesInClass,
        Self::TinyClasses,
        Self::Imbalance,
        Self::MixedSizes,
        Self::MixedModes,
        Self::Excluded,
    ];

    /// Its images can be left out, which mends it. Of an imbalance only a few examples are known; what is excluded can
    /// only be included again.
    pub fn can_be_excluded(self) -> bool {
        !matches!(self, Self::Imbalance | Self::Excluded)
    }

    /// Name for scripts.
    pub fn word(self) -> &'static str {
        match self {
            Self::CopiesAcrossClasses => "copies_across_classes",
            Self::NearAcrossClasses => "near_copies_across_classes",
            Self::Unreadable => "unreadable",
            Self::CopiesInClass => "copies_in_class",
            Self::TinyClasses => "tiny_classes",
            Self::Imbalance => "imbalance",
            Self::MixedSizes => "mixed_sizes",
            Self::MixedModes => "mixed_modes",
            Self::Excluded => "excluded",
        }
    }

    /// Name on screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::CopiesAcrossClasses => "Copies across classes",
            Self::NearAcrossClasses => "Near copies across classes",
            Self::Unreadable => "Unreadable files",
            Self::CopiesInClass => "Copies in one class",
            Self::TinyClasses => "Tiny classes",
            Self::Imbalance => "Imbalance",
            Self::MixedSizes => "Mixed sizes",
            Self::MixedModes => "Mixed colour modes",
            Self::Excluded => "Excluded images",
        }
    }

    /// How much it matters.
    pub fn weight(self) -> Weight {
        match self {
            Self::CopiesAcrossClasses | Self::NearAcrossClasses => Weight::Serious,
            Self::Unreadable | Self::CopiesInClass | Self::TinyClasses => Weight::Warning,
            Self::Imbalance | Self::MixedSizes | Self::MixedModes | Self::Excluded => Weight::Note,
        }
    }

    /// Only found when every image has been read and compared.
    pub fn needs_a_look(self) -> bool {
        matches!(self, Self::CopiesAcrossClasses | Self::NearAcrossClasses | Self::Unreadable | Self::CopiesInClass)
    }

    /// Why it matters, and what to do.
    pub fn advice(self) -> &'static str {
        match self {
            Self::CopiesAcrossClasses => {
                "One picture under two names: at most one of the labels is right, and the network is taught both. Exclude \
                 the wrong ones, or all of a group when you cannot tell."
            }
            Self::NearAcrossClasses => {
                "They differ by a change of size, compression or brightness only, so at most one of their labels is right, \
                 unless the classes themselves look alike. Compare them, and exclude the wrong ones."
            }
            Self::Unreadable => {
                "They are left out of everything. Replace them if they matter, or exclude them: then they are no longer \
                 tried, and the records of a .rec file no longer told of."
            }
            Self::CopiesInClass => {
                "A copy teaches nothing new, and where one copy is trained on and another held out, the measured error \
                 rates look better than they are. Exclude all but the first."
            }
            Self::TinyClasses => {
                "One image gives no pair of the same class, so nothing can be learned or measured about what its class has \
                 in common. Add images, or let the fewest images per class (data.min_images) leave it out."
            }
            Self::Imbalance => {
                "Large classes dominate the training. Add images to the small ones, or draw classes equally often \
                 (train.sampler)."
            }
            Self::MixedSizes => {
                "The centred square of each image is brought to one size. What is much smaller becomes blurred, and the \
                 network may learn the blur instead of the subject; what is much larger is often a whole photograph among \
                 crops; of a longer image more is cut off at the ends. Look at them, and replace or exclude what does not \
                 belong."
            }
            Self::MixedModes => {
                "Where the classes differ in it, the network learns that difference instead of the subject. Where grey and \
                 colour are mixed, train on grey images (data.colour) or take colours away at random (augment.grey). \
                 Transparent parts are laid on white, more than 8 bits become 8, and CMYK becomes RGB without a colour \
                 profile: convert such images yourself where that looks wrong."
            }
            Self::Excluded => {
                "They are left out of classes, split and training. The files are untouched; include them again at any time. \
                 Files that could not be read are tried again when the data set is opened next."
            }
        }
    }

    /// Warnings of opening that say the same.
    pub fn covers(self) -> &'static [WarningKind] {
        match self {
            Self::CopiesAcrossClasses => &[WarningKind::DuplicateOtherClass],
            Self::CopiesInClass => &[WarningKind::DuplicateSameClass],
            Self::Unreadable => &LEFT_OUT,
            Self::TinyClasses => &[WarningKind::TinyClass],
            Self::Imbalance => &[WarningKind::Imbalance],
            Self::Excluded => &[WarningKind::Excluded, WarningKind::ExcludedFile],
            Self::NearAcrossClasses | Self::MixedSizes | Self::MixedModes => &[],
        }
    }
}

/// Images that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What they have in common, in a few words.
    pub title: String,
    /// Positions in the whole data set, ascending.
    pub items: Vec<u32>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// Of what the headline counts: groups of copies across classes, images, or classes.
    pub count: usize,
    /// One sentence without a full stop.
    pub headline: String,
    /// The images. No image is in two groups of a finding.
    pub groups: Vec<Group>,
    /// Files that are not among the images, "path: why"; the first of them.
    pub files: Vec<String>,
    /// Their positions in the whole data set, after those of its images, ascending; of more files than are named in
    /// `files`, but not of millions.
    pub file_positions: Vec<u32>,
    /// How many such files there are.
    pub files_total: usize,
    /// A limit was met: there may be more.
    pub is_cut: bool,
}

impl Finding {
    /// Every image and every file of it, sorted.
    pub fn items(&self) -> Vec<u32> {
        let images = self.groups.iter().flat_map(|group| &group.items);
        let mut items: Vec<u32> = images.chain(&self.file_positions).copied().collect();
        items.sort_unstable();
        items
    }

    /// How many images it has.
    pub fn images(&self) -> usize {
        self.groups.iter().map(|group| group.items.len()).sum()
    }

    /// All but the first of each group, sorted: what can go when groups are copies of one image.
    pub fn all_but_first(&self) -> Vec<u32> {
        let mut items: Vec<u32> = self.groups.iter().flat_map(|group| group.items.iter().skip(1)).copied().collect();
        items.sort_unstable();
        items
    }

    /// Its groups are copies of one image each.
    pub fn has_copies(&self) -> bool {
        use FindingKind::{CopiesAcrossClasses, CopiesInClass, NearAcrossClasses};
        matches!(self.kind, CopiesAcrossClasses | CopiesInClass | NearAcrossClasses)
    }
}
