//! What `--include` and `--exclude` change: which images and unreadable files the file beside the data leaves out.

use crate::cli::output;
use crate::data::{Catalog, Diagnosis, Finding, FindingKind, WarningKind, write_exclusions};
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
    pub diagnosis: Diagnosis,
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
    pub fn apply(&self, catalog: Arc<Catalog>, diagnosis: Diagnosis) -> anyhow::Result<Changed> {
        if self.is_none() {
            return Ok(Changed { catalog, diagnosis, excluded: 0, included: 0 });
        }
        let before: BTreeSet<u32> = diagnosis.excluded.iter().copied().collect();
        let now = self.excluded_after(&diagnosis);
        let (excluded, included) = (now.difference(&before).count(), before.difference(&now).count());
        let now: Vec<u32> = now.into_iter().collect();
        let whole = catalog.whole();
        let catalog = if now.is_empty() { Arc::clone(&whole) } else { Arc::new(whole.without(&now)?) };
        if excluded + included > 0 {
            write_exclusions(&whole, &now)?;
        }
        say(&whole, excluded, included);
        let diagnosis = diagnosis.examination.diagnose(&now);
        Ok(Changed { catalog, diagnosis, excluded, included })
    }

    /// Positions in the whole data set.
    fn excluded_after(&self, diagnosis: &Diagnosis) -> BTreeSet<u32> {
        let examination = &diagnosis.examination;
        let mut excluded: BTreeSet<u32> = diagnosis.excluded.iter().copied().collect();
        if self.includes_all {
            excluded.clear();
        }
        if !self.include.is_empty() {
            // What an excluded image was excluded for is only seen with all of them back.
            for finding in of_kinds(&examination.diagnose(&[]), &self.include) {
                for item in finding.items() {
                    excluded.remove(&item);
                }
            }
        }
        if !self.exclude.is_empty() {
            let rest: Vec<u32> = excluded.iter().copied().collect();
            for finding in of_kinds(&examination.diagnose(&rest), &self.exclude) {
                excluded.extend(if finding.has_copies() { finding.all_but_first() } else { finding.items() });
            }
        }
        excluded
    }
}

fn of_kinds<'a>(diagnosis: &'a Diagnosis, kinds: &'a [FindingKind]) -> impl Iterator<Item = &'a Finding> {
    diagnosis.findings.iter().filter(|finding| kinds.contains(&finding.kind))
}

fn say(whole: &Catalog, excluded: usize, included: usize) {
    let path = whole.exclude_path();
    if included > 0 {
        output::line(format!("included {included} again"));
        if whole.warnings.count(WarningKind::NotTried) > 0 {
            output::line("         files that were not tried are tried when the data set is opened next");
        }
    }
    if excluded > 0 {
        output::line(format!("excluded {excluded} more, kept in {}", path.display()));
    }
    if excluded + included == 0 {
        output::line("excluded and included nothing: nothing of these kinds was found");
    }
}
