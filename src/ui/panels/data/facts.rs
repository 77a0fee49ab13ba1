//! What takes a pass over all images to know, counted once per data set and per change of the settings.

use crate::app::OpenData;
use crate::data::{Catalog, Split, SplitKind};
use std::ops::Range;

/// Counts of one data set under one split.
#[derive(Debug)]
pub(super) struct Facts {
    fingerprint: String,
    revision: u64,
    /// Positions of the images of each class: the catalogue is sorted by class.
    ranges: Vec<Range<u32>>,
    /// `48×48 px` or `32 to 512 px`.
    pub sizes: String,
    /// `8 to 12`.
    pub per_class: String,
    /// Pairs of held-out images of the same class.
    pub genuine: usize,
    /// Pairs of held-out images of different classes.
    pub impostor: usize,
}

impl Facts {
    /// Counts.
    pub(super) fn of(data: &OpenData) -> Self {
        let (genuine, impostor) = data.split.as_ref().map_or((0, 0), |split| pairs(&data.catalog, split));
        Self {
            fingerprint: data.catalog.fingerprint.clone(),
            revision: data.revision,
            ranges: ranges(&data.catalog),
            sizes: sizes(&data.catalog),
            per_class: per_class(&data.class_counts),
            genuine,
            impostor,
        }
    }

    /// Do these still hold?
    pub(super) fn are_of(&self, data: &OpenData) -> bool {
        self.revision == data.revision && self.fingerprint == data.catalog.fingerprint
    }

    /// Positions of a class's images.
    pub(super) fn items(&self, class: u32) -> Range<u32> {
        self.ranges.get(class as usize).cloned().unwrap_or(0..0)
    }
}

fn ranges(catalog: &Catalog) -> Vec<Range<u32>> {
    let mut start = 0;
    (0..catalog.classes.len() as u32)
        .map(|class| {
            let end = catalog.items.partition_point(|item| item.class <= class) as u32;
            let range = start..end;
            start = end;
            range
        })
        .collect()
}

fn sizes(catalog: &Catalog) -> String {
    let size = |item: &crate::data::Item| (item.width, item.height);
    let Some(first) = catalog.items.first().map(size) else { return "none".to_owned() };
    if catalog.items.iter().all(|item| size(item) == first) {
        return format!("{}×{} px", first.0, first.1);
    }
    let sides = || catalog.items.iter().map(|item| item.width.min(item.height));
    let (low, high) = (sides().min().unwrap_or(0), sides().max().unwrap_or(0));
    if low == high { format!("about {low} px") } else { format!("{low} to {high} px") }
}

fn per_class(counts: &[u32]) -> String {
    let (low, high) = (counts.iter().min().copied().unwrap_or(0), counts.iter().max().copied().unwrap_or(0));
    if low == high { low.to_string() } else { format!("{low} to {high}") }
}

fn pairs(catalog: &Catalog, split: &Split) -> (usize, usize) {
    let mut counts = vec![0_usize; catalog.classes.len()];
    for item in split.validation.iter().filter_map(|&item| catalog.items.get(item as usize)) {
        if let Some(count) = counts.get_mut(item.class as usize) {
            *count += 1;
        }
    }
    let of = |n: usize| n * n.saturating_sub(1) / 2;
    let genuine: usize = counts.iter().map(|&n| of(n)).sum();
    (genuine, of(split.validation.len()) - genuine)
}

/// Name and meaning of a split.
pub(super) fn kind_in_words(kind: SplitKind) -> (&'static str, &'static str) {
    match kind {
        SplitKind::ByIdentity => (
            "by identity (open-set)",
            "Whole classes are held out, so the error rates tell how well the model tells apart people it has never seen.",
        ),
        SplitKind::ByImage => (
            "by image (closed-set)",
            "Some images of every class are held out, so the error rates tell how well known classes are recognised.",
        ),
    }
}
