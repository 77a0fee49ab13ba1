//! From what was seen, and what the catalogue knows, to findings, with excluded images left out of all of them but the
//! one that lists them.

use super::finding::{Finding, FindingKind, Group};
use super::near::NearPair;
use super::size::{Oddity, Usual};
use super::{Diagnosis, Examination};
use crate::config::{counted, counted_as};
use crate::data::warnings::LEFT_OUT;
use crate::data::{Catalog, Item, Mode, Warning, WarningKind, class_sizes};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::Arc;

/// Files named that are not among the images; all of them are counted.
const MAX_FILES: usize = 200;
/// Images shown of the smallest and the largest class.
const EXAMPLES: usize = 12;

impl Examination {
    /// The findings while `excluded` (positions in the whole data set, sorted) are left out.
    pub fn diagnose(self: &Arc<Self>, excluded: &[u32]) -> Diagnosis {
        let view = View { examination: self, catalog: &self.catalog, excluded };
        let (across, within) = view.copies();
        let findings = [
            across,
            view.near(),
            view.unreadable(),
            within,
            view.tiny_classes(),
            view.imbalance(),
            view.sizes(),
            view.modes(),
            view.excluded(),
        ];
        let findings = findings.into_iter().flatten().collect();
        Diagnosis { examination: Arc::clone(self), excluded: excluded.to_vec(), findings }
    }

    /// "path: why" of a file that is not among the images, by its position in the whole data set; for those that
    /// [`Finding::files`] does not name.
    pub fn file_in_words(&self, position: u32) -> Option<String> {
        let file = position.checked_sub(self.catalog.left_out().start)?;
        self.catalog.warnings.files_left_out().get(file as usize).map(Warning::in_words)
    }
}

struct View<'a> {
    examination: &'a Examination,
    catalog: &'a Catalog,
    excluded: &'a [u32],
}

fn finding(kind: FindingKind, count: usize, headline: String, groups: Vec<Group>) -> Option<Finding> {
    (count > 0).then(|| Finding {
        kind,
        count,
        headline,
        groups,
        files: Vec::new(),
        file_positions: Vec::new(),
        files_total: 0,
        is_cut: false,
    })
}

/// `1 much smaller, 2 of another shape`.
fn in_words<T: Display>(counts: &BTreeMap<T, usize>) -> String {
    counts.iter().map(|(what, count)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}

impl View<'_> {
    fn is_in(&self, item: u32) -> bool {
        self.excluded.binary_search(&item).is_err()
    }

    /// The images that are not excluded.
    fn items(&self) -> impl Iterator<Item = (u32, &Item)> {
        (0..).zip(&self.catalog.items).filter(|(item, _)| self.is_in(*item))
    }

    fn class_of(&self, item: u32) -> u32 {
        self.catalog.items.get(item as usize).map_or(0, |item| item.class)
    }

    fn class_name(&self, class: u32) -> &str {
        self.catalog.classes.get(class as usize).map_or("", String::as_str)
    }

    fn counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.catalog.classes.len()];
        for (_, item) in self.items() {
            if let Some(count) = counts.get_mut(item.class as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// Names of the classes of some images: `anna, bert and 2 more`.
    fn classes_in_words(&self, items: &[u32]) -> String {
        const NAMED: usize = 3;
        let classes: BTreeSet<u32> = items.iter().map(|item| self.class_of(*item)).collect();
        let names: Vec<&str> = classes.iter().take(NAMED).map(|class| self.class_name(*class)).collect();
        let more = classes.len().saturating_sub(NAMED);
        let names = names.join(", ");
        if more > 0 { format!("{names} and {more} more") } else { names }
    }

    fn copies(&self) -> (Option<Finding>, Option<Finding>) {
        let (mut across, mut within) = (Vec::new(), Vec::new());
        for group in &self.examination.copies {
            let items: Vec<u32> = group.iter().copied().filter(|item| self.is_in(*item)).collect();
            let Some((first, others)) = items.split_first().filter(|(_, others)| !others.is_empty()) else { continue };
            let own = self.class_of(*first);
            let same = others.iter().all(|item| self.class_of(*item) == own);
            let group = Group { title: self.classes_in_words(&items), items };
            if same { within.push(group) } else { across.push(group) }
        }
        let headline = counted_as(across.len(), "image is in several classes", "images are in several classes");
        let across = finding(FindingKind::CopiesAcrossClasses, across.len(), headline, across);
        let surplus = within.iter().map(|group| group.items.len() - 1).sum();
        let headline =
            counted_as(surplus, "image repeats another of its class", "images repeat another of their class");
        (across, finding(FindingKind::CopiesInClass, surplus, headline, within))
    }

    fn near(&self) -> Option<Finding> {
        let near = &self.examination.near;
        let pairs: Vec<NearPair> =
            near.pairs.iter().copied().filter(|pair| self.is_in(pair.a) && self.is_in(pair.b)).collect();
        let groups = connected(&pairs).into_iter().map(|(items, distance)| {
            let title = format!("{}; hashes differ in {distance} of 64 bits", self.classes_in_words(&items));
            Group { title, items }
        });
        let groups: Vec<Group> = groups.collect();
        let headline = counted_as(
            groups.len(),
            "image looks almost the same in several classes",
            "images look almost the same in several classes",
        );
        let mut finding = finding(FindingKind::NearAcrossClasses, groups.len(), headline, groups)?;
        finding.is_cut = near.is_cut;
        Some(finding)
    }

    fn unreadable(&self) -> Option<Finding> {
        let every: usize = LEFT_OUT.iter().map(|kind| self.catalog.warnings.count(*kind)).sum();
        let left_out = every.saturating_sub(self.excluded_apart().1.len());
        let mut by_reason: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (item, problem) in self.examination.unreadable.iter().filter(|(item, _)| self.is_in(*item)) {
            by_reason.entry(problem.kind.headline(1)).or_default().push(*item);
        }
        let groups: Vec<Group> = by_reason.into_iter().map(|(title, items)| Group { title, items }).collect();
        let count = left_out + groups.iter().map(|group| group.items.len()).sum::<usize>();
        let positions: Vec<u32> = self.catalog.left_out().filter(|position| self.is_in(*position)).collect();
        let mut headline = counted_as(count, "file cannot be read", "files cannot be read");
        match count - left_out.saturating_sub(positions.len()) {
            known if known == count => {}
            0 => headline += "; they are too many to be excluded by name: move or delete them",
            known => {
                headline += &format!(
                    "; {known} of them can be excluded, the others are too many to be kept by name: move or delete them",
                );
            }
        }
        let mut finding = finding(FindingKind::Unreadable, count, headline, groups)?;
        finding.file_positions = positions;
        finding.files = self.files_in_words(&finding.file_positions);
        finding.files_total = left_out;
        Some(finding)
    }

    /// The excluded images, and the excluded files that are none.
    fn excluded_apart(&self) -> (&[u32], &[u32]) {
        let images = self.catalog.items.len();
        self.excluded.split_at(self.excluded.partition_point(|position| (*position as usize) < images))
    }

    /// The first of some files that were left out, "path: why".
    fn files_in_words(&self, positions: &[u32]) -> Vec<String> {
        positions.iter().filter_map(|position| self.examination.file_in_words(*position)).take(MAX_FILES).collect()
    }

    fn tiny_classes(&self) -> Option<Finding> {
        let tiny: BTreeSet<u32> = class_sizes::tiny(&self.counts()).collect();
        let groups: Vec<Group> = self
            .items()
            .filter(|(_, item)| tiny.contains(&item.class))
            .map(|(item, of)| Group { title: self.class_name(of.class).to_owned(), items: vec![item] })
            .collect();
        let headline = WarningKind::TinyClass.headline(groups.len());
        finding(FindingKind::TinyClasses, groups.len(), headline, groups)
    }

    fn imbalance(&self) -> Option<Finding> {
        let counts = self.counts();
        let (smallest, largest) = class_sizes::imbalance(&counts)?;
        let groups = [("The largest", largest), ("The smallest", smallest)].into_iter().filter_map(|(word, size)| {
            let class = (0..).zip(&counts).find(|(_, count)| **count == size)?.0;
            let items = self.items().filter(|(_, item)| item.class == class).map(|(item, _)| item);
            let title = format!("{word}: {}, {}", self.class_name(class), counted(size as usize, "image"));
            Some(Group { title, items: items.take(EXAMPLES).collect() })
        });
        let headline = format!("The largest class has {largest} images, the smallest {smallest}");
        finding(FindingKind::Imbalance, 1, headline, groups.collect())
    }

    fn sizes(&self) -> Option<Finding> {
        let sizes: Vec<[u32; 2]> = self.items().map(|(_, item)| [item.width, item.height]).collect();
        let usual = Usual::of(&sizes)?;
        let mut odd: BTreeMap<Oddity, Vec<([u32; 2], u32)>> = BTreeMap::new();
        for ((item, _), size) in self.items().zip(&sizes) {
            if let Some(oddity) = usual.oddity_of(*size) {
                odd.entry(oddity).or_default().push((*size, item));
            }
        }
        let kinds: BTreeMap<Oddity, usize> = odd.iter().map(|(oddity, items)| (*oddity, items.len())).collect();
        let count: usize = kinds.values().sum();
        let verb = if count == 1 { "differs" } else { "differ" };
        let headline =
            format!("{count} of {} images {verb} much from the usual {usual}: {}", sizes.len(), in_words(&kinds));
        // Photographs have a size of their own each: a group for every size would be a list without an order.
        let groups = odd.into_iter().map(|(oddity, mut items)| {
            items.sort_unstable();
            let title = format!("{oddity}: {}", span(&items));
            Group { title, items: items.into_iter().map(|(_, item)| item).collect() }
        });
        finding(FindingKind::MixedSizes, count, headline, groups.collect())
    }

    fn modes(&self) -> Option<Finding> {
        let mut counts: BTreeMap<Mode, usize> = BTreeMap::new();
        self.items().for_each(|(_, item)| *counts.entry(item.mode.as_seen()).or_default() += 1);
        let total: usize = counts.values().sum();
        let usual = counts.iter().max_by_key(|(_, count)| **count).map(|(mode, _)| *mode)?;
        counts.remove(&usual);
        let count: usize = counts.values().sum();
        let verb = if count == 1 { "is" } else { "are" };
        let headline = format!(
            "{count} of {total} images {verb} stored in another way than the usual {usual}: {}",
            in_words(&counts)
        );
        let groups = counts.keys().map(|mode| {
            let items = self.items().filter(|(_, item)| item.mode.as_seen() == *mode).map(|(item, _)| item);
            Group { title: mode.to_string(), items: items.collect() }
        });
        finding(FindingKind::MixedModes, count, headline, groups.collect())
    }

    fn excluded(&self) -> Option<Finding> {
        let (images, files) = self.excluded_apart();
        let headline = match (images.len(), files.len()) {
            (images, 0) => WarningKind::Excluded.headline(images),
            (0, files) => WarningKind::ExcludedFile.headline(files),
            (images, files) => {
                let images = counted(images, "image");
                format!("{images} and {} are excluded", counted(files, "unreadable file"))
            }
        };
        let mut finding = finding(FindingKind::Excluded, self.excluded.len(), headline, self.by_class(images))?;
        finding.files = self.files_in_words(files);
        finding.file_positions = files.to_vec();
        finding.files_total = files.len();
        Some(finding)
    }

    /// Images by their classes; those of one need not stand together in the catalogue.
    fn by_class(&self, items: &[u32]) -> Vec<Group> {
        let mut of_class: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for item in items {
            of_class.entry(self.class_of(*item)).or_default().push(*item);
        }
        let group = |(class, items)| Group { title: self.class_name(class).to_owned(), items };
        of_class.into_iter().map(group).collect()
    }
}

/// Sizes in ascending order: `40×30 px`, or `from 40×30 to 52×64 px`.
fn span(items: &[([u32; 2], u32)]) -> String {
    let text = |[width, height]: [u32; 2]| format!("{width}×{height}");
    let ends = items.first().zip(items.last()).map(|((first, _), (last, _))| (*first, *last)).unwrap_or_default();
    if ends.0 == ends.1 {
        format!("{} px", text(ends.0))
    } else {
        format!("from {} to {} px", text(ends.0), text(ends.1))
    }
}

/// Pairs to groups that hang together, each ascending with the smallest distance in it; the closest group first.
fn connected(pairs: &[NearPair]) -> Vec<(Vec<u32>, u32)> {
    let mut parent: BTreeMap<u32, u32> = BTreeMap::new();
    for pair in pairs {
        let (a, b) = (root(&mut parent, pair.a), root(&mut parent, pair.b));
        parent.insert(a.max(b), a.min(b));
    }
    let members: Vec<u32> = parent.keys().copied().collect();
    let mut groups: BTreeMap<u32, (Vec<u32>, u32)> = BTreeMap::new();
    for item in members {
        groups.entry(root(&mut parent, item)).or_insert((Vec::new(), u32::MAX)).0.push(item);
    }
    for pair in pairs {
        if let Some((_, distance)) = groups.get_mut(&root(&mut parent, pair.a)) {
            *distance = (*distance).min(pair.distance);
        }
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|(items, distance)| (*distance, items.first().copied()));
    groups
}

/// The smallest member of an item's group so far; paths are halved on the way.
fn root(parent: &mut BTreeMap<u32, u32>, mut item: u32) -> u32 {
    loop {
        let above = *parent.entry(item).or_insert(item);
        if above == item {
            return item;
        }
        let next = parent.get(&above).copied().unwrap_or(above);
        parent.insert(item, next);
        item = next;
    }
}
