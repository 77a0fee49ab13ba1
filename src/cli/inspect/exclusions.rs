//! What `--include` and `--exclude` change: which images and unreadable files the file beside the data leaves out.

use crate::cli::output;
use crate::data::{Catalog, Diagnosis, Examination, Finding, FindingKind, WarningKind, exclude};
use clap::ArgMatches;
use clap::builder::PossibleValue;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What `--include` takes besides.
const ALL: &str = "all";

/// What `--exclude` takes.
pub fn excludable() -> Vec<PossibleValue> {
    kinds().map(|kind| PossibleValue::new(kind.word()).help(kind.label())).collect()
}

fn kinds() -> impl Iterator<Item = FindingKind> {
    FindingKind::ALL.into_iter().filter(|kind| kind.can_be_excluded())
}

/// What `--include` takes.
pub fn includable() -> Vec<PossibleValue> {
    let all = PossibleValue::new(ALL).help("Every excluded image and file");
    excludable().into_iter().chain([all]).collect()
}

/// The changes that were asked for.
pub struct Changes {
    includes_all: bool,
    include: Vec<FindingKind>,
    exclude: Vec<FindingKind>,
}

/// A data set after its changes.
pub struct Changed {
    /// Without what is excluded now.
    pub catalog: Arc<Catalog>,
    /// What is wrong with it.
    pub diagnosis: Arc<Diagnosis>,
    /// Images and files excluded by this command.
    pub excluded: usize,
    /// Images and files included again by this command.
    pub included: usize,
}

impl Changes {
    /// As typed.
    pub fn of(matches: &ArgMatches) -> Self {
        let words = |flag| matches.get_many::<String>(flag).into_iter().flatten();
        let typed = |flag| {
            let kind_of = |word: &String| kinds().find(|kind| kind.word() == word);
            words(flag).filter_map(kind_of).collect()
        };
        Self {
            includes_all: words("include").any(|word| word == ALL),
            include: typed("include"),
            exclude: typed("exclude"),
        }
    }

    /// Nothing was asked for.
    pub fn is_none(&self) -> bool {
        !self.includes_all && self.include.is_empty() && self.exclude.is_empty()
    }

    /// Checks that everything asked for can be found.
    ///
    /// # Errors
    /// When `is_quick` and the images of one of the kinds are only known by reading them.
    pub fn check(&self, is_quick: bool) -> anyhow::Result<()> {
        let typed = self.include.iter().map(|kind| ("include", kind));
        let mut typed = typed.chain(self.exclude.iter().map(|kind| ("exclude", kind)));
        if let Some((flag, kind)) = typed.find(|(_, kind)| is_quick && kind.needs_a_look()) {
            let word = kind.word();
            anyhow::bail!("--{flag} {word} needs every image to be read; leave --quick out");
        }
        Ok(())
    }

    /// Includes, then excludes what is found among the rest, and keeps that in the file beside the data.
    ///
    /// # Errors
    /// When no image would be left, or the file cannot be written; then nothing is changed.
    pub fn apply(&self, catalog: Arc<Catalog>, examination: &Arc<Examination>) -> anyhow::Result<Changed> {
        let mut doctor = Doctor { examination, last: None };
        let before: BTreeSet<u32> = catalog.excluded().iter().copied().collect();
        let now = self.excluded_after(&before, &mut doctor);
        let (excluded, included) = (now.difference(&before).count(), before.difference(&now).count());
        let catalog = if excluded + included == 0 {
            catalog
        } else {
            let now: Vec<u32> = now.iter().copied().collect();
            exclude(&catalog.whole(), &now)?
        };
        if !self.is_none() {
            let files = before.difference(&now).any(|position| catalog.whole().left_out().contains(position));
            lines(&catalog.whole(), excluded, included, files).into_iter().for_each(output::line);
        }
        let diagnosis = doctor.diagnose(catalog.excluded());
        Ok(Changed { catalog, diagnosis, excluded, included })
    }

    /// Positions in the whole data set.
    fn excluded_after(&self, before: &BTreeSet<u32>, doctor: &mut Doctor) -> BTreeSet<u32> {
        let mut excluded = if self.includes_all { BTreeSet::new() } else { before.clone() };
        if !self.include.is_empty() && !excluded.is_empty() {
            // What an excluded image was excluded for is only seen with all of them back.
            for finding in of_kinds(&doctor.diagnose(&[]), &self.include) {
                for item in finding.items() {
                    excluded.remove(&item);
                }
            }
        }
        if !self.exclude.is_empty() {
            let rest: Vec<u32> = excluded.iter().copied().collect();
            for finding in of_kinds(&doctor.diagnose(&rest), &self.exclude) {
                excluded.extend(if finding.has_copies() { finding.all_but_first() } else { finding.items() });
            }
        }
        excluded
    }
}

/// Diagnoses anew only when other images are excluded than the last time.
struct Doctor<'a> {
    examination: &'a Arc<Examination>,
    last: Option<Arc<Diagnosis>>,
}

impl Doctor<'_> {
    fn diagnose(&mut self, excluded: &[u32]) -> Arc<Diagnosis> {
        let known = self.last.take().filter(|last| last.excluded == excluded);
        let diagnosis = known.unwrap_or_else(|| Arc::new(self.examination.diagnose(excluded)));
        Arc::clone(self.last.insert(diagnosis))
    }
}

fn of_kinds<'a>(diagnosis: &'a Diagnosis, kinds: &'a [FindingKind]) -> impl Iterator<Item = &'a Finding> {
    diagnosis.findings.iter().filter(|finding| kinds.contains(&finding.kind))
}

/// What was changed; `has_files`: some of what is included are files of which nothing could be read.
fn lines(whole: &Catalog, excluded: usize, included: usize, has_files: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if included > 0 {
        lines.push(format!("included {included} again"));
        if has_files && whole.warnings.count(WarningKind::NotTried) > 0 {
            lines.push("         files that were not tried are tried when the data set is opened next".to_owned());
        }
    }
    if excluded > 0 {
        lines.push(format!("excluded {excluded} more, kept in {}", whole.exclude_path().display()));
    }
    if excluded + included == 0 {
        lines.push("excluded and included nothing: nothing of these kinds was found".to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::draw_classes;

    #[test]
    fn what_was_diagnosed_last_is_not_diagnosed_again() {
        let folder = tempfile::tempdir().unwrap();
        draw_classes(folder.path(), 3, 3);
        let catalog = Arc::new(Catalog::open(folder.path(), &|_| {}, &|| false).unwrap());
        let examination = Arc::new(Examination::none(&catalog));
        let mut doctor = Doctor { examination: &examination, last: None };
        let (first, again, other) = (doctor.diagnose(&[]), doctor.diagnose(&[]), doctor.diagnose(&[1]));
        assert!(Arc::ptr_eq(&first, &again) && !Arc::ptr_eq(&first, &other));
        assert_eq!(other.excluded, [1]);
    }

    #[test]
    fn a_change_that_changes_nothing_leaves_the_data_set_and_its_list_alone() {
        let folder = tempfile::tempdir().unwrap();
        draw_classes(folder.path(), 3, 3);
        let catalog = Arc::new(Catalog::open(folder.path(), &|_| {}, &|| false).unwrap());
        // Were it written, the list that cannot be understood would be in the way.
        std::fs::write(catalog.exclude_path(), "not a list").unwrap();
        let changes = Changes { includes_all: true, include: Vec::new(), exclude: vec![FindingKind::Unreadable] };
        let examination = Arc::new(Examination::none(&catalog));
        let changed = changes.apply(Arc::clone(&catalog), &examination).unwrap();
        assert!(Arc::ptr_eq(&changed.catalog, &catalog));
        assert_eq!((changed.excluded, changed.included), (0, 0));
    }

    #[test]
    fn only_files_that_are_included_again_are_said_to_be_tried_next() {
        let folder = tempfile::tempdir().unwrap();
        draw_classes(folder.path(), 3, 3);
        std::fs::write(folder.path().join("p00/empty.png"), b"").unwrap();
        let open = || Arc::new(Catalog::open(folder.path(), &|_| {}, &|| false).unwrap());
        exclude(&open(), &[9]).unwrap();
        let whole = open().whole();
        assert!(lines(&whole, 0, 1, true).iter().any(|line| line.contains("opened next")));
        assert_eq!(lines(&whole, 0, 1, false), ["included 1 again"]);
    }
}
