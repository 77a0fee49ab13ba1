//! Which images are trained on and which are held out.
//!
//! By identity (open-set) no class is on both sides: it measures people never seen in training, which is what an
//! embedding is for. By image (closed-set) some images of every class are held out. A division that the folder itself
//! has is used whenever it is of the kind asked for; otherwise both its parts are pooled and divided anew.

use super::held_out;
use super::{Catalog, DataError, Part, seeded};
use crate::config::{DataConfig, SplitBy, classes_text, counted};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Classes from which holding out whole classes leaves enough to train on, for the automatic choice.
const AUTO_IDENTITY_CLASSES: usize = 10;

/// What is held out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitKind {
    /// Images of the same classes (closed-set).
    ByImage,
    /// Whole classes (open-set).
    ByIdentity,
}

/// A division of a catalogue. All lists are sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// What is held out.
    pub kind: SplitKind,
    /// Images to train on (positions in the catalogue).
    pub train: Vec<u32>,
    /// Images held out.
    pub validation: Vec<u32>,
    /// Classes trained on; the label of a class is its position here.
    pub train_classes: Vec<u32>,
    /// Classes of the held-out images.
    pub validation_classes: Vec<u32>,
}

impl Split {
    /// The label of a catalogue class, if it is trained on.
    pub fn label(&self, class: u32) -> Option<u32> {
        self.train_classes.binary_search(&class).ok().map(|label| label as u32)
    }

    /// Every image of either side, sorted.
    pub fn all_items(&self) -> Vec<u32> {
        let mut items = [self.train.as_slice(), &self.validation].concat();
        items.sort_unstable();
        items
    }

    /// Leaves out images that cannot be read (sorted). Classes keep their labels, even when nothing is left of them.
    pub fn remove(&mut self, failed: &[u32]) {
        self.train.retain(|item| failed.binary_search(item).is_err());
        self.validation.retain(|item| failed.binary_search(item).is_err());
    }
}

/// Divides a catalogue as the settings say; the same seed gives the same division.
///
/// # Errors
/// Says what is in the way and what would help.
pub fn split(catalog: &Catalog, config: &DataConfig, seed: u64) -> Result<Split, DataError> {
    let divider = Divider { catalog, config, seed };
    if !config.held_out.trim().is_empty() {
        return split_named(catalog, &config.held_out, config);
    }
    let own = catalog.has_parts().then(|| divider.own_kind());
    let kind = match (config.split, own) {
        (SplitBy::Image, _) => SplitKind::ByImage,
        (SplitBy::Identity, _) => SplitKind::ByIdentity,
        (SplitBy::Auto, Some(own)) => own,
        (SplitBy::Auto, None) => divider.auto_kind(),
    };
    let split = match kind {
        _ if own == Some(kind) => divider.by_parts(kind),
        SplitKind::ByIdentity => divider.by_identity()?,
        SplitKind::ByImage => divider.by_image()?,
    };
    divider.check(split)
}

/// Holds out the classes that match `patterns` (`s31..s40, test_*`).
///
/// # Errors
/// When a pattern matches nothing, or too little is left on one side.
pub fn split_named(catalog: &Catalog, patterns: &str, config: &DataConfig) -> Result<Split, DataError> {
    let divider = Divider { catalog, config, seed: 0 };
    let held = held_out::matching(&catalog.classes, patterns)?;
    let is_held = |class: u32| held.get(class as usize).copied().unwrap_or(false);
    let counts = catalog.class_counts();
    let train_classes = divider.classes_where(&counts, config.min_images, |class| !is_held(class));
    let validation_classes = divider.classes_where(&counts, 1, is_held);
    divider.check(divider.by_classes(train_classes, validation_classes))
}

struct Divider<'a> {
    catalog: &'a Catalog,
    config: &'a DataConfig,
    seed: u64,
}

impl Divider<'_> {
    fn part_counts(&self, part: Part) -> Vec<u32> {
        let mut counts = vec![0; self.catalog.classes.len()];
        for item in self.catalog.items.iter().filter(|item| item.part == part) {
            if let Some(count) = counts.get_mut(item.class as usize) {
                *count += 1;
            }
        }
        counts
    }

    #[expect(clippy::unused_self, reason = "reads as one of the divider's questions")]
    fn classes_where(&self, counts: &[u32], at_least: u32, keep: impl Fn(u32) -> bool) -> Vec<u32> {
        let enough = |(class, &count): (u32, &u32)| (count >= at_least.max(1) && keep(class)).then_some(class);
        (0..).zip(counts).filter_map(enough).collect()
    }

    /// Closed-set when at least half of the held-out classes are trained on too.
    fn own_kind(&self) -> SplitKind {
        let (train, held) = (self.part_counts(Part::Train), self.part_counts(Part::HeldOut));
        let held_classes = held.iter().filter(|&&count| count > 0).count();
        let shared = train.iter().zip(&held).filter(|(t, h)| **t > 0 && **h > 0).count();
        if shared * 2 >= held_classes { SplitKind::ByImage } else { SplitKind::ByIdentity }
    }

    fn auto_kind(&self) -> SplitKind {
        let at_least = self.config.min_images.max(2);
        let with_pairs = self.catalog.class_counts().iter().filter(|&&count| count >= at_least).count();
        // Holding out digits 3 and 7 is not what anybody expects of MNIST.
        let is_idx = self.catalog.layout == super::Layout::Idx;
        if with_pairs >= AUTO_IDENTITY_CLASSES && !is_idx { SplitKind::ByIdentity } else { SplitKind::ByImage }
    }

    /// The folder's own division; held-out classes that do not fit its kind are left out.
    fn by_parts(&self, kind: SplitKind) -> Split {
        let (train, held) = (self.part_counts(Part::Train), self.part_counts(Part::HeldOut));
        let train_classes = self.classes_where(&train, self.config.min_images, |_| true);
        let is_trained = |class: u32| train.get(class as usize).is_some_and(|&count| count > 0);
        let fits = |class: u32| match kind {
            SplitKind::ByImage => train_classes.binary_search(&class).is_ok(),
            SplitKind::ByIdentity => !is_trained(class),
        };
        let validation_classes = self.classes_where(&held, 1, fits);
        let of = |part: Part, classes: &[u32]| {
            self.items_where(|item| item.part == part && classes.binary_search(&item.class).is_ok())
        };
        Split {
            kind,
            train: of(Part::Train, &train_classes),
            validation: of(Part::HeldOut, &validation_classes),
            train_classes,
            validation_classes,
        }
    }

    fn items_where(&self, keep: impl Fn(&super::Item) -> bool) -> Vec<u32> {
        (0..).zip(&self.catalog.items).filter_map(|(index, item)| keep(item).then_some(index)).collect()
    }

    fn by_classes(&self, train_classes: Vec<u32>, validation_classes: Vec<u32>) -> Split {
        let of = |classes: &[u32]| self.items_where(|item| classes.binary_search(&item.class).is_ok());
        Split {
            kind: SplitKind::ByIdentity,
            train: of(&train_classes),
            validation: of(&validation_classes),
            train_classes,
            validation_classes,
        }
    }

    fn by_identity(&self) -> Result<Split, DataError> {
        let counts = self.catalog.class_counts();
        let mut classes = self.classes_where(&counts, self.config.min_images, |_| true);
        let has_pair = |class: &u32| counts.get(*class as usize).is_some_and(|&count| count >= 2);
        let with_pairs = classes.iter().filter(|class| has_pair(class)).count();
        if classes.len() < 4 || with_pairs < 2 {
            return Err(DataError::split(
                format!(
                    "holding out whole classes needs at least 4 classes with {} (data.min_images), two of \
                     them with 2 images or more, but there are {} and {with_pairs}",
                    counted(self.config.min_images as usize, "image"),
                    classes.len()
                ),
                "add classes or images, or set data.split to \"image\"",
            ));
        }
        let wanted = (self.config.validation_fraction * classes.len() as f64).round() as usize;
        let wanted = wanted.clamp(2, classes.len() - 2).min(with_pairs);
        seeded::shuffle(&mut classes, &mut seeded::stream(self.seed, "split by identity", 0));
        let mut validation: Vec<u32> = classes.iter().copied().filter(has_pair).take(wanted).collect();
        validation.sort_unstable();
        classes.retain(|class| validation.binary_search(class).is_err());
        classes.sort_unstable();
        Ok(self.by_classes(classes, validation))
    }

    fn by_image(&self) -> Result<Split, DataError> {
        let counts = self.catalog.class_counts();
        let train_classes = self.classes_where(&counts, self.config.min_images, |_| true);
        let mut of_class = vec![Vec::new(); counts.len()];
        for (index, item) in (0..).zip(&self.catalog.items) {
            if let Some(items) = of_class.get_mut(item.class as usize) {
                items.push(index);
            }
        }
        let (mut train, mut validation) = (Vec::new(), Vec::new());
        let mut validation_classes = BTreeSet::new();
        for &class in &train_classes {
            let Some(items) = of_class.get_mut(class as usize) else { continue };
            // A stream per class: a new class does not change how the others are divided.
            seeded::shuffle(items, &mut seeded::stream(self.seed, "split by image", class.into()));
            let held = (self.config.validation_fraction * items.len() as f64).round() as usize;
            let held = held.max(1).min(items.len().saturating_sub(1));
            let (held, kept) = items.split_at(held);
            if !held.is_empty() {
                validation_classes.insert(class);
            }
            validation.extend_from_slice(held);
            train.extend_from_slice(kept);
        }
        if validation.is_empty() && !train.is_empty() {
            return Err(DataError::split(
                "every class has one image, so none can be held out",
                "add images, or hold out whole classes (data.held_out) that have two images or more",
            ));
        }
        train.sort_unstable();
        validation.sort_unstable();
        let validation_classes = validation_classes.into_iter().collect();
        Ok(Split { kind: SplitKind::ByImage, train, validation, train_classes, validation_classes })
    }

    /// Both sides must allow what they are for: a margin between two classes, and pairs of both kinds.
    fn check(&self, split: Split) -> Result<Split, DataError> {
        let counts = self.catalog.class_counts();
        if split.train_classes.len() < 2 {
            let most = counts.iter().copied().max().unwrap_or(0);
            return Err(DataError::split(
                format!(
                    "training needs at least 2 classes with {} (data.min_images); {} of {} classes are left \
                     (the largest has {most})",
                    counted(self.config.min_images as usize, "image"),
                    split.train_classes.len(),
                    counts.len()
                ),
                "add classes or images, lower data.min_images, or hold out less",
            ));
        }
        let mut held = vec![0_u32; counts.len()];
        for &item in &split.validation {
            let class = self.catalog.items.get(item as usize).map(|item| item.class as usize);
            if let Some(count) = class.and_then(|class| held.get_mut(class)) {
                *count += 1;
            }
        }
        let is_open = split.kind == SplitKind::ByIdentity;
        if is_open && (split.validation_classes.len() < 2 || held.iter().all(|&count| count < 2)) {
            return Err(DataError::split(
                format!(
                    "the held-out part has {} and {}; comparing needs at least 2 classes, one of them with 2 images",
                    classes_text(split.validation_classes.len()),
                    counted(split.validation.len(), "image")
                ),
                "hold out more, or set data.split to \"image\"",
            ));
        }
        Ok(split)
    }
}

#[cfg(test)]
mod tests;
