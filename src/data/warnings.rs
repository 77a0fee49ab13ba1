//! Partial failures: what is wrong with some images while the rest can be used.
//!
//! Collected, grouped and counted, never printed here. A hostile folder may produce millions, so only the first
//! [`MAX_STORED`] are kept word for word; the counts stay exact. Files that are left out are kept apart from that, and
//! more of them, because a person can exclude them by name.

use super::{DataError, ImageProblem};
use std::collections::{BTreeMap, BTreeSet};

/// Warnings kept word for word.
pub const MAX_STORED: usize = 10_000;
/// Most bytes kept of files that are left out, without the particulars: some 600,000 of them. More are counted, but cannot be
/// excluded. The list of excluded images almost always has room for all of them, as an entry here takes more than its line
/// there, unless the name has many letters that must be escaped.
const MAX_LEFT_OUT_BYTES: usize = 64 << 20;
/// Examples in a [`WarningGroup`].
const EXAMPLES: usize = 5;

/// Files that are left out when a data set is opened, because nothing can be read of them.
pub(super) const LEFT_OUT: [WarningKind; 9] = [
    WarningKind::Unreadable,
    WarningKind::Vanished,
    WarningKind::Truncated,
    WarningKind::Empty,
    WarningKind::NotAnImage,
    WarningKind::Unsupported,
    WarningKind::TooSmall,
    WarningKind::TooLarge,
    WarningKind::NotTried,
];

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WarningKind {
    /// The system refused, or the decoder gave up.
    Unreadable,
    /// Gone between opening and reading.
    Vanished,
    /// The end is missing.
    Truncated,
    /// Zero bytes.
    Empty,
    /// Named like an image, holding something else.
    NotAnImage,
    /// An image format this program does not read.
    Unsupported,
    /// Named like one format, holding another; it is read.
    WrongExtension,
    /// Too few pixels.
    TooSmall,
    /// Too many pixels.
    TooLarge,
    /// Only the first frame is used.
    Animated,
    /// A class folder without a usable image.
    EmptyClass,
    /// A class with one image.
    TinyClass,
    /// Very different numbers of images.
    Imbalance,
    /// Two classes whose names differ only in case.
    DuplicateName,
    /// The same bytes in two classes.
    DuplicateOtherClass,
    /// The same bytes twice in one class.
    DuplicateSameClass,
    /// A name that is not valid Unicode; it is opened.
    NotUtf8Name,
    /// A link that leads in a circle or nowhere.
    SymlinkLoop,
    /// Images below a sub-folder of a class.
    NestedFolder,
    /// Images outside any class folder.
    LooseImage,
    /// A folder that is not part of the division in use.
    IgnoredFolder,
    /// An image named by a pair list is not there.
    MissingPair,
    /// An image named by a list of labels is not there.
    MissingListed,
    /// A label that is no whole number, or none at all.
    BadLabel,
    /// A record of boxes around objects, which has no class.
    DetectionRecord,
    /// Images that lie on their side in their file.
    Turned,
    /// A description beside the data says another number.
    Mismatch,
    /// An index beside records that leads to no image of theirs.
    UnusedIndex,
    /// A file that was not read, because the list of excluded images names it as unreadable.
    NotTried,
    /// Left out because a person said so.
    Excluded,
    /// An unreadable file that is not told of any more, because a person said so.
    ExcludedFile,
    /// The list of excluded images names one that is not there.
    UnknownExclusion,
    /// The list of excluded images cannot be used.
    BadExclusions,
}

impl WarningKind {
    /// One sentence for a notice.
    pub fn headline(self, count: usize) -> String {
        let n = |one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        match self {
            Self::Unreadable => n("file could not be read", "files could not be read"),
            Self::Vanished => n("image is gone", "images are gone"),
            Self::Truncated => n("image is cut off", "images are cut off"),
            Self::Empty => n("file is empty", "files are empty"),
            Self::NotAnImage => {
                n("file is named like an image but is none", "files are named like images but are none")
            }
            Self::Unsupported => n("file has a format that is not read", "files have a format that is not read"),
            Self::WrongExtension => n("image has the wrong extension", "images have the wrong extension"),
            Self::TooSmall => n("image is too small", "images are too small"),
            Self::TooLarge => n("image is too large", "images are too large"),
            Self::Animated => n("image is animated", "images are animated"),
            Self::EmptyClass => n("class has no usable image", "classes have no usable image"),
            Self::TinyClass => n("class has one image", "classes have one image each"),
            Self::Imbalance => "the classes differ much in size".to_owned(),
            Self::DuplicateName => n("class is named like another", "classes are named like another"),
            Self::DuplicateOtherClass => n("image is also in another class", "images are also in another class"),
            Self::DuplicateSameClass => n("image is in its class twice", "images are in their class twice"),
            Self::NotUtf8Name => n("name is not valid Unicode", "names are not valid Unicode"),
            Self::SymlinkLoop => n("link leads in a circle or nowhere", "links lead in a circle or nowhere"),
            Self::NestedFolder => n("class has sub-folders", "classes have sub-folders"),
            Self::LooseImage => n("image lies outside the class folders", "images lie outside the class folders"),
            Self::IgnoredFolder => n("folder is not used", "folders are not used"),
            Self::MissingPair => n("image of the pair list is missing", "images of the pair list are missing"),
            Self::MissingListed => n("image of the list is missing", "images of the list are missing"),
            Self::BadLabel => n("image has no usable label", "images have no usable label"),
            Self::DetectionRecord => {
                n("record is for detection and has no class", "records are for detection and have no class")
            }
            Self::Turned => n("file of images was turned upright", "files of images were turned upright"),
            Self::Mismatch => n("number differs from the description", "numbers differ from the description"),
            Self::UnusedIndex => n("index leads to no image", "indexes lead to no image"),
            Self::NotTried => n("file was excluded and is not tried", "files were excluded and are not tried"),
            Self::Excluded => n("image is excluded", "images are excluded"),
            Self::ExcludedFile => n("unreadable file is excluded", "unreadable files are excluded"),
            Self::UnknownExclusion => n("excluded image is not there", "excluded images are not there"),
            Self::BadExclusions => "the list of excluded images is not used".to_owned(),
        }
    }

    /// What follows from it, or what to do.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Unreadable | Self::Truncated | Self::Empty | Self::NotAnImage => {
                "Left out. Replace or delete them if they matter."
            }
            Self::Vanished => "Left out. Is a drive disconnected? Open the data set again.",
            Self::Unsupported => "Left out. Convert them to JPEG or PNG.",
            Self::WrongExtension => "Read by content; nothing to do.",
            Self::TooSmall => "Left out: so few pixels show nothing.",
            Self::TooLarge => "Left out to protect the memory. Scale them down.",
            Self::Animated => "The first frame is used.",
            Self::EmptyClass => "Left out.",
            Self::TinyClass => "One image gives no pair of the same class; add images.",
            Self::Imbalance => "Large classes dominate the training; consider fewer of their images.",
            Self::DuplicateName => "Names that differ only in upper and lower case are often one class by mistake.",
            Self::DuplicateOtherClass => "The same picture under two names is a labelling mistake; remove one.",
            Self::DuplicateSameClass => "Copies make the measured error rates look better than they are.",
            Self::NotUtf8Name => "Opened; the odd bytes are shown as \\xNN.",
            Self::SymlinkLoop => "Not followed.",
            Self::NestedFolder => "Images in the sub-folders count as images of the class.",
            Self::LooseImage => "Left out. Put them into the folder of their class.",
            Self::IgnoredFolder => "The division train and held-out is used; open this folder by itself to look at it.",
            Self::MissingPair => "Their pairs are left out, so the result covers a part of the protocol.",
            Self::MissingListed => "Left out. The list must lie beside the images it names.",
            Self::BadLabel => "Left out. A label is a whole number from 0; write the file anew.",
            Self::DetectionRecord => "Left out. Cut the objects out into one folder per class, and open that.",
            Self::Turned => {
                "EMNIST stores its images lying on their side. Where these lie now, write \"upright\" into the names of \
                 their files."
            }
            Self::Mismatch => "What is in the file counts; is it complete?",
            Self::UnusedIndex => {
                "It is empty or of other records, and every record is read without it. Delete it, or put the right one \
                 beside them."
            }
            Self::NotTried => "Open the data set again to try them.",
            Self::ExcludedFile => {
                "Not tried, as arclens-exclude.toml beside the data says; Data → Check includes them again."
            }
            Self::Excluded => {
                "Left out as arclens-exclude.toml beside the data says; Data → Check includes them again."
            }
            Self::UnknownExclusion => "arclens-exclude.toml names images that were moved or deleted; nothing to do.",
            Self::BadExclusions => "Every image is used. Repair or delete the file, then open the data set again.",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What.
    pub kind: WarningKind,
    /// Where, relative to the data set where possible.
    pub path: String,
    /// The particulars.
    pub detail: String,
}

/// All warnings of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarningGroup {
    /// What.
    pub kind: WarningKind,
    /// How many, exact.
    pub count: usize,
    /// One sentence with the count.
    pub headline: String,
    /// What follows, or what to do.
    pub hint: &'static str,
    /// The first few, "path: detail".
    pub examples: Vec<String>,
}

/// A bounded collection of warnings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warnings {
    stored: Vec<Warning>,
    counts: BTreeMap<WarningKind, usize>,
    left_out: Vec<Warning>,
    left_out_bytes: usize,
}

impl Warnings {
    /// Adds one.
    pub fn push(&mut self, kind: WarningKind, path: impl Into<String>, detail: impl Into<String>) {
        self.add(Warning { kind, path: path.into(), detail: detail.into() });
    }

    /// Adds one that is made already.
    pub fn add(&mut self, warning: Warning) {
        *self.counts.entry(warning.kind).or_default() += 1;
        if LEFT_OUT.contains(&warning.kind) {
            self.keep_left_out(&warning);
        }
        if self.stored.len() < MAX_STORED {
            self.stored.push(warning);
        }
    }

    /// The particulars, a sentence at most, do not count: a file that is left out for another reason the next time, because
    /// it was excluded, must find the same room.
    fn keep_left_out(&mut self, warning: &Warning) {
        let bytes = self.left_out_bytes + size_of::<Warning>() + warning.path.len();
        if bytes <= MAX_LEFT_OUT_BYTES {
            self.left_out_bytes = bytes;
            self.left_out.push(warning.clone());
        }
    }

    /// Adds what stands for an image left out because of `error`.
    pub fn left_out(&mut self, name: &str, error: &DataError) {
        self.add(Warning::from_error(name, error));
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: Self) {
        for (kind, count) in other.counts {
            *self.counts.entry(kind).or_default() += count;
        }
        let room = MAX_STORED.saturating_sub(self.stored.len());
        self.stored.extend(other.stored.into_iter().take(room));
        other.left_out.iter().for_each(|warning| self.keep_left_out(warning));
    }

    /// What remains when some of the files left out (positions in [`Self::left_out`], each once) are not told of. Which
    /// files those are is not kept.
    pub(super) fn without_files(&self, gone: impl Iterator<Item = usize>) -> Self {
        let mut rest = Self { counts: self.counts.clone(), ..Self::default() };
        let mut names = BTreeSet::new();
        for warning in gone.filter_map(|at| self.left_out.get(at)) {
            names.insert((warning.kind, warning.path.as_str()));
            rest.count_down(warning.kind);
        }
        let is_kept = |warning: &&Warning| !names.contains(&(warning.kind, warning.path.as_str()));
        rest.stored = self.stored.iter().filter(is_kept).cloned().collect();
        rest
    }

    fn count_down(&mut self, kind: WarningKind) {
        if let Some(count) = self.counts.get_mut(&kind) {
            *count = count.saturating_sub(1);
        }
        self.counts.retain(|_, count| *count > 0);
    }

    /// What remains when some of the stored ones no longer hold.
    pub(super) fn without(mut self, is_settled: impl Fn(&Warning) -> bool) -> Self {
        let stored = std::mem::take(&mut self.stored);
        let (settled, stored): (Vec<Warning>, Vec<Warning>) = stored.into_iter().partition(is_settled);
        settled.iter().for_each(|warning| self.count_down(warning.kind));
        self.stored = stored;
        self
    }

    /// How many, of every kind.
    pub fn total(&self) -> usize {
        self.counts.values().sum()
    }

    /// How many of one kind.
    pub fn count(&self, kind: WarningKind) -> usize {
        self.counts.get(&kind).copied().unwrap_or(0)
    }

    /// Nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The first [`MAX_STORED`], in the order found.
    pub fn stored(&self) -> &[Warning] {
        &self.stored
    }

    /// The files that are left out, in the order found, up to a bound in bytes.
    pub(super) fn files_left_out(&self) -> &[Warning] {
        &self.left_out
    }

    /// One entry per kind, in the order of [`WarningKind`].
    pub fn groups(&self) -> Vec<WarningGroup> {
        self.counts
            .iter()
            .map(|(&kind, &count)| WarningGroup {
                kind,
                count,
                headline: kind.headline(count),
                hint: kind.hint(),
                examples: self.stored.iter().filter(|w| w.kind == kind).take(EXAMPLES).map(Warning::in_words).collect(),
            })
            .collect()
    }
}

impl Warning {
    /// `path: detail`, or whichever there is.
    pub(super) fn in_words(&self) -> String {
        match (self.path.is_empty(), self.detail.is_empty()) {
            (_, true) => self.path.clone(),
            (true, false) => self.detail.clone(),
            (false, false) => format!("{}: {}", self.path, self.detail),
        }
    }

    /// The warning that stands for an image left out because of `error`.
    pub(super) fn from_error(path: &str, error: &DataError) -> Self {
        let (kind, detail) = match error {
            DataError::Image { problem, .. } => (problem.into(), problem.to_string()),
            DataError::Vanished(_) => (WarningKind::Vanished, String::new()),
            DataError::Io { source, .. } => (WarningKind::Unreadable, source.to_string()),
            other => (WarningKind::Unreadable, other.to_string()),
        };
        Self { kind, path: path.to_owned(), detail }
    }
}

impl From<&ImageProblem> for WarningKind {
    fn from(problem: &ImageProblem) -> Self {
        match problem {
            ImageProblem::Empty => Self::Empty,
            ImageProblem::NotAnImage => Self::NotAnImage,
            ImageProblem::Truncated => Self::Truncated,
            ImageProblem::TooSmall { .. } => Self::TooSmall,
            ImageProblem::TooLarge { .. } => Self::TooLarge,
            ImageProblem::Unsupported(_) => Self::Unsupported,
            ImageProblem::Broken(_) => Self::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_left_out_are_kept_beyond_the_other_warnings_up_to_a_bound() {
        let mut warnings = Warnings::default();
        (0..MAX_STORED).for_each(|i| warnings.push(WarningKind::Animated, i.to_string(), ""));
        (0..3).for_each(|i| warnings.push(WarningKind::Empty, format!("{i}.png"), "it is empty"));
        assert_eq!((warnings.stored().len(), warnings.files_left_out().len()), (MAX_STORED, 3));
        let rest = warnings.without_files([0, 2, 99].into_iter());
        assert_eq!((rest.count(WarningKind::Empty), rest.total(), rest.files_left_out().len()), (1, MAX_STORED + 1, 0));
        let long = "x".repeat(MAX_LEFT_OUT_BYTES / 2);
        (0..3).for_each(|_| warnings.push(WarningKind::Empty, long.as_str(), ""));
        assert_eq!((warnings.files_left_out().len(), warnings.count(WarningKind::Empty)), (4, 6));
    }

    #[test]
    fn a_file_that_was_excluded_finds_the_room_that_it_had_before() {
        let kept = |detail: &str| {
            let mut warnings = Warnings::default();
            let name = "x".repeat(MAX_LEFT_OUT_BYTES / 3 - size_of::<Warning>());
            (0..4).for_each(|_| warnings.push(WarningKind::NotTried, name.as_str(), detail));
            warnings.files_left_out().len()
        };
        assert_eq!([kept(""), kept("not tried, because it was excluded")], [3, 3]);
    }

    #[test]
    fn counts_stay_exact_when_more_warnings_come_than_are_stored() {
        let mut warnings = Warnings::default();
        for i in 0..MAX_STORED + 7 {
            warnings.push(WarningKind::Empty, format!("{i}.png"), "");
        }
        warnings.push(WarningKind::Truncated, "x.png", "cut");
        assert_eq!(warnings.stored().len(), MAX_STORED);
        assert_eq!(warnings.count(WarningKind::Empty), MAX_STORED + 7);
        let groups = warnings.groups();
        let truncated = groups.iter().find(|g| g.kind == WarningKind::Truncated).unwrap();
        assert_eq!(truncated.headline, "1 image is cut off");
        assert_eq!(groups.iter().map(|g| g.count).sum::<usize>(), warnings.total());
    }

    #[test]
    fn merging_adds_counts_and_keeps_the_bound() {
        let mut a = Warnings::default();
        let mut b = Warnings::default();
        for i in 0..MAX_STORED - 1 {
            a.push(WarningKind::Empty, i.to_string(), "");
        }
        b.push(WarningKind::Empty, "b1", "");
        b.push(WarningKind::TooLarge, "b2", "");
        a.merge(b);
        assert_eq!(a.stored().len(), MAX_STORED);
        assert_eq!(a.total(), MAX_STORED + 1);
    }
}
