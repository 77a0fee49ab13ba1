//! What takes a pass over all images to know, counted once per data set and per change of the settings.

use crate::app::OpenData;
use crate::data::{Buckets, Catalog, Split, SplitKind};

/// Counts of one data set under one split.
#[derive(Debug)]
pub(super) struct Facts {
    fingerprint: String,
    revision: u64,
    /// Positions of the images by their classes; those of one need not stand together in the catalogue.
    by_class: Buckets,
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
    /// Counts; what `before` knows of the same images is kept.
    pub(super) fn of(data: &OpenData, before: Option<Self>) -> Self {
        let before = before.filter(|before| before.fingerprint == data.catalog.fingerprint);
        let (genuine, impostor) = data.split.as_ref().map_or((0, 0), |split| pairs(&data.catalog, split));
        Self {
            fingerprint: data.catalog.fingerprint.clone(),
            revision: data.revision,
            by_class: before.map_or_else(|| by_class(&data.catalog), |before| before.by_class),
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

    /// Positions of a class's images, ascending.
    pub(super) fn items(&self, class: u32) -> &[u32] {
        self.by_class.get(class as usize)
    }
}

fn by_class(catalog: &Catalog) -> Buckets {
    Buckets::new(catalog.classes.len(), catalog.items.iter().map(|item| item.class as usize))
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

/// A split as people read it.
pub(super) struct KindWords {
    /// What it is called.
    pub name: &'static str,
    /// What it means for the error rates: one line on the page.
    pub meaning: &'static str,
    /// What the term in its name says.
    pub term: &'static str,
}

/// The words for a kind of split.
pub(super) fn kind_in_words(kind: SplitKind) -> KindWords {
    match kind {
        SplitKind::ByIdentity => KindWords {
            name: "by identity (open-set)",
            meaning: "Whole classes are held out: the error rates are those of classes the model has never seen.",
            term: "Open-set: new classes come after training, as new people do, and the model has to tell them apart, too",
        },
        SplitKind::ByImage => KindWords {
            name: "by image (closed-set)",
            meaning: "Some images of every class are held out: the error rates are those of new images of known classes.",
            term: "Closed-set: all classes are known in training, and the model meets new images of these only",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{Action, Effect, State, on_event, update};
    use crate::data::testing::draw_idx;
    use crate::worker::protocol::{Event, OpenedData};
    use std::sync::Arc;

    #[test]
    fn images_are_found_by_their_class_where_the_files_mix_the_classes() {
        let folder = tempfile::tempdir().unwrap();
        draw_idx(folder.path(), &[7, 3, 7, 5, 3, 7]);
        let catalog = Arc::new(Catalog::open(folder.path(), &|_| {}, &|| false).unwrap());
        let mut state = State::new("runs".into());
        let effects = update(&mut state, Action::OpenData(folder.path().to_owned()));
        let [Effect::Send(job)] = effects.as_slice() else { panic!("{effects:?}") };
        on_event(&mut state, Event::DataOpened { job: job.id, data: OpenedData { catalog, elapsed_secs: 0.1 } });
        let data = state.open_data().unwrap();
        let facts = Facts::of(data, None);
        let expected: [&[u32]; 4] = [&[1, 4], &[3], &[0, 2, 5], &[]];
        assert_eq!([0, 1, 2, 3].map(|class| facts.items(class)), expected);
        assert_eq!(data.catalog.classes, ["3", "5", "7"]);
        let again = Facts::of(data, Some(facts));
        assert_eq!([0, 1, 2, 3].map(|class| again.items(class)), expected);
    }
}
