//! The same settings over several seeds, one run after the other: what a measure is worth is its mean and its spread,
//! not the luckiest run.
//!
//! A series is kept in its runs, each of which says in its `run.toml` which series it is of. Here is only the one that is
//! being made; what is known of the others is read off the list of runs.

use super::action::Effect;
use super::notice::{Notice, Severity};
use super::runs::MOST_COMPARED;
use super::state::{State, Workspace};
use super::training::{Awaited, Continuing, begin_training, go_on, images_of, is_busy, open_first};
use super::update::refresh_runs;
use crate::config::{RunConfig, RunInfo, SeriesInfo, counted};
use crate::data::Catalog;
use crate::train::{Place, RunStarted, RunSummary, different_lengths, measures, run_of_seed};
use crate::worker::protocol::RunEntry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Runs of a series that the window offers to begin at most. The command line makes longer ones, up to
/// [`SeriesInfo::MOST_SEEDS`], and the window goes on with them all the same.
pub const MOST_SEEDS: u32 = 20;

/// Measures of which a sentence tells; the others stand in the comparison of runs.
const TOLD: [&str; 2] = ["eer", "val_accuracy"];

/// Runs that differ in their seed only, one of which is under way.
#[derive(Clone, Debug)]
pub struct Series {
    /// How many.
    pub seeds: u32,
    /// Of runs that have not begun; the seed is each run's own.
    config: RunConfig,
    catalog: Arc<Catalog>,
    /// The folder that its runs lie in; `None` where they lie among all others.
    folder: Option<PathBuf>,
    runs: Runs,
    /// No run follows the one under way.
    is_stopping: bool,
}

/// The runs of a series by their seeds, in the order in which they are made.
#[derive(Clone, Debug, Default)]
struct Runs {
    done: Vec<(u32, RunSummary)>,
    /// Those that failed by themselves while the series was made, as a run does that diverges, and why.
    failed: Vec<(u32, String)>,
    /// The first is the one under way. What has begun has a folder.
    left: VecDeque<(u32, Option<PathBuf>)>,
}

impl Series {
    /// A series of as many runs as are asked for; none for a single one.
    pub(super) fn new(seeds: u32, config: &RunConfig, catalog: &Arc<Catalog>) -> Option<Self> {
        let info = (seeds > 1).then(|| SeriesInfo::begun_now(config.train.seed, seeds))?;
        let left = info.all_seeds().into_iter().map(|seed| (seed, None)).collect();
        let runs = Runs { left, ..Runs::default() };
        let config = RunConfig { run: Some(RunInfo::before(info)), ..config.clone() };
        Some(Self::of(config, catalog, runs))
    }

    fn of(config: RunConfig, catalog: &Arc<Catalog>, runs: Runs) -> Self {
        let (seeds, catalog) = (runs.len() as u32, Arc::clone(catalog));
        Self { seeds, config, catalog, folder: None, runs, is_stopping: false }
    }

    /// Where the run of this seed is made. `listed` are the runs on disk: an earlier series may lie in the same folder.
    fn place(&self, seed: u32, runs_root: &Path, listed: &[RunEntry]) -> Place {
        let Some(folder) = &self.folder else { return Place::NewIn(runs_root.to_owned()) };
        // As the command line does it, which finds it there when it goes on with the series.
        let run = run_of_seed(folder, seed);
        let is_taken = listed.iter().any(|entry| entry.path == run);
        if is_taken { Place::NewIn(folder.clone()) } else { Place::NewAt(run) }
    }

    /// The runs that follow have the network of the first one and start from the weights that it started from, whatever
    /// becomes of those meanwhile.
    fn follow(&mut self, begun: &RunStarted) {
        self.config.follow(&begun.config);
    }

    /// A person asked to stop: even if the run under way comes to its end just now, none follows.
    pub(super) fn stop(&mut self) {
        self.is_stopping = true;
    }

    /// The run under way, from 1.
    pub fn number(&self) -> usize {
        self.runs.done.len() + self.runs.failed.len() + 1
    }

    /// The settings of its runs that have not begun.
    pub(super) fn settings_mut(&mut self) -> &mut RunConfig {
        &mut self.config
    }

    /// The folders of its runs, which a person may rename meanwhile.
    pub(super) fn folders_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let Runs { done, left, .. } = &mut self.runs;
        done.iter_mut().map(|(_, summary)| &mut summary.run).chain(left.iter_mut().filter_map(|(_, run)| run.as_mut()))
    }
}

impl Runs {
    /// Those of the series of this name, as far as a list of runs tells. Where two have the same seed, the finished one
    /// counts. What lies elsewhere does not: it may be a copy.
    fn listed<'a>(entries: impl IntoIterator<Item = &'a RunEntry>, series_id: &str) -> Self {
        let mut known: BTreeMap<u32, &RunEntry> = BTreeMap::new();
        let mut told: BTreeSet<&SeriesInfo> = BTreeSet::new();
        for entry in entries {
            let Some(info) = listed_series(entry).filter(|info| info.id == series_id) else { continue };
            told.insert(info);
            let place = known.entry(entry.config.train.seed).or_insert(entry);
            if entry.finished.is_some() {
                *place = entry;
            }
        }
        let mut runs = Self::default();
        // Runs may tell differently of the same series: it can be made longer when it goes on.
        let mut seen = BTreeSet::new();
        for seed in told.into_iter().flat_map(SeriesInfo::all_seeds).filter(|seed| seen.insert(*seed)) {
            let entry = known.get(&seed);
            match entry.and_then(|entry| entry.finished.clone()) {
                Some(summary) => runs.done.push((seed, summary)),
                None => runs.left.push_back((seed, entry.map(|entry| entry.path.clone()))),
            }
        }
        runs
    }

    fn len(&self) -> usize {
        self.done.len() + self.failed.len() + self.left.len()
    }

    /// What the finished runs came to, measure by measure; none where nothing could be measured.
    fn rates(&self) -> Vec<String> {
        let measures = measures(self.done.iter().map(|(_, summary)| summary));
        let told = measures.iter().filter(|measure| TOLD.contains(&measure.key.as_str()));
        told.filter_map(|measure| Some(format!("{} {}", measure.label, measure.mean_text()?))).collect()
    }

    /// The same in a sentence, of [`Runs::rates`]: `3 of 5 runs, seeds 7 to 9: EER 3.0 ± 1.0 %`. Where they did not learn for the
    /// same time, that is said: `3 runs of 4 to 60 epochs`. `None` when none is finished.
    fn words(&self, rates: &[String]) -> Option<String> {
        let ((first, _), (last, _)) = (self.done.first()?, self.done.last()?);
        let rates = if rates.is_empty() { String::new() } else { format!(": {}", rates.join(", ")) };
        let done = self.done.len();
        let runs =
            if done == self.len() { counted(done, "run") } else { format!("{done} of {}", counted(self.len(), "run")) };
        let seeds = if first == last { format!("seed {first}") } else { format!("seeds {first} to {last}") };
        let lengths = different_lengths(self.done.iter().map(|(_, summary)| summary));
        let lengths = lengths.map(|lengths| format!(" of {lengths}")).unwrap_or_default();
        Some(format!("{runs}{lengths}, {seeds}{rates}"))
    }

    /// Which seeds failed and why, in short: each has a notice of its own. `None` when none did.
    fn failures(&self) -> Option<String> {
        let short = |reason: &str| reason.split("; ").next().unwrap_or_default().trim_end_matches('.').to_owned();
        let failed: Vec<String> =
            self.failed.iter().map(|(seed, reason)| format!("seed {seed} ({})", short(reason))).collect();
        (!failed.is_empty()).then(|| {
            let again = "Continue the series tries again what failed, from its last checkpoint if it has one.";
            format!("Failed, and in no mean: {}. {again}", failed.join(", "))
        })
    }

    fn facts(self) -> SeriesFacts {
        let rates = self.rates();
        let words = self.words(&rates).filter(|_| !rates.is_empty());
        let left = self.left.len();
        SeriesFacts { words, left, finished: self.done.into_iter().map(|(_, summary)| summary).collect() }
    }
}

/// What is known of a series.
#[derive(Clone, Debug)]
pub struct SeriesFacts {
    /// Mean and spread of its finished runs in words; `None` when none was measured.
    pub words: Option<String>,
    /// Runs that are missing or not finished.
    pub left: usize,
    /// What its finished runs came to, in the order of their seeds.
    pub finished: Vec<RunSummary>,
}

/// The series that a run is one of, where the others of it are in the list of runs, too: those of a run that was opened from
/// elsewhere lie beside it there.
fn listed_series(run: &RunEntry) -> Option<&SeriesInfo> {
    run.series().filter(|_| !run.is_elsewhere)
}

/// What a list of runs tells of every series in it, by its name.
pub(super) fn all_facts(entries: &[RunEntry]) -> BTreeMap<String, SeriesFacts> {
    let mut of_series: BTreeMap<&str, Vec<&RunEntry>> = BTreeMap::new();
    for entry in entries {
        if let Some(series) = listed_series(entry) {
            of_series.entry(&series.id).or_default().push(entry);
        }
    }
    of_series.into_iter().map(|(id, entries)| (id.to_owned(), Runs::listed(entries, id).facts())).collect()
}

impl State {
    /// What the list of runs tells of the series that a run is one of; `None` for a run by itself, and for one opened from
    /// elsewhere.
    pub fn series_facts(&self, run: &RunEntry) -> Option<&SeriesFacts> {
        self.runs_view.series.get(&listed_series(run)?.id)
    }
}

/// Begins the next run of the series, or goes on with it; `None` when none is left.
pub(super) fn next(state: &mut State) -> Option<Vec<Effect>> {
    let series = state.series.as_ref()?;
    let (seed, begun) = series.runs.left.front().cloned()?;
    let (mut config, catalog) = (series.config.clone(), Arc::clone(&series.catalog));
    let place = series.place(seed, &state.runs_root, &state.runs);
    if let Some(effects) = begun.and_then(|run| go_on(state, run, &catalog)) {
        return Some(effects);
    }
    config.train.seed = seed;
    Some(begin_training(state, catalog, config, place))
}

/// Takes a finished run in and starts the next, or says what came of them.
pub(super) fn trained(state: &mut State, summary: &RunSummary) -> Vec<Effect> {
    let Some(runs) = came_to_end(state) else { return Vec::new() };
    if summary.stopped {
        ended(state);
        return Vec::new();
    }
    if let Some((seed, _)) = runs.left.pop_front() {
        runs.done.push((seed, summary.clone()));
    }
    next_or_end(state)
}

/// The run under way failed by itself, as one does that diverges; the others may not. It is noted, and the next one begins.
pub(super) fn failed(state: &mut State, reason: &str) -> Vec<Effect> {
    let Some(runs) = came_to_end(state) else { return Vec::new() };
    if let Some((seed, _)) = runs.left.pop_front() {
        runs.failed.push((seed, reason.to_owned()));
    }
    next_or_end(state)
}

/// The runs of the series whose run under way has come to an end. What that one said when it began is known from now on.
fn came_to_end(state: &mut State) -> Option<&mut Runs> {
    let series = state.series.as_mut()?;
    if let Some(begun) = state.training.as_ref().and_then(|view| view.started.as_ref()) {
        series.follow(begun);
    }
    Some(&mut series.runs)
}

fn next_or_end(state: &mut State) -> Vec<Effect> {
    let goes_on = state.series.as_ref().is_some_and(|series| !series.is_stopping);
    // It has the plan of the run before, which belongs to the same series.
    let told = state.training.as_ref().map(|view| view.told.clone()).unwrap_or_default();
    if let Some(effects) = goes_on.then(|| next(state)).flatten() {
        if let Some(view) = &mut state.training {
            view.told = told;
        }
        return effects;
    }
    ended(state);
    Vec::new()
}

/// The series is over, finished or not.
pub(super) fn ended(state: &mut State) {
    let Some(Series { mut runs, .. }) = state.series.take() else { return };
    // When it went on, runs of later seeds may have been finished already.
    runs.done.sort_by_key(|(seed, _)| *seed);
    if runs.done.len() > 1 || !runs.failed.is_empty() {
        tell(state, runs);
    }
}

/// Says what the finished runs came to, and compares them.
fn tell(state: &mut State, runs: Runs) {
    let rates = runs.rates();
    let failures = runs.failures();
    let Some(words) = runs.words(&rates) else {
        if let Some(failures) = failures {
            let notice = Notice::new(Severity::Warning, "No run of the series came to its end");
            state.notify(notice.hint(failures));
        }
        return;
    };
    let what = match (rates.is_empty(), runs.done.len()) {
        (true, _) => "Nothing could be measured on the held-out images; the runs are compared in Runs",
        (false, 1) => "One run has no spread; the runs are compared in Runs",
        (false, _) => "Mean and standard deviation over the runs, which are compared in Runs",
    };
    let end = if runs.left.is_empty() { "." } else { "; the menu of each continues the series." };
    let severity = if failures.is_some() { Severity::Warning } else { Severity::Info };
    let failures = failures.map(|failures| format!(" {failures}")).unwrap_or_default();
    state.notify(Notice::new(severity, words).hint(format!("{what}{end}{failures}")));
    state.runs_view.compared = runs.done.into_iter().map(|(_, summary)| summary.run).take(MOST_COMPARED).collect();
}

/// Goes on with the series that a run is one of: makes the runs that are missing and finishes those that are not. Which
/// these are is read from the disk first: the list at hand may not know of runs that are finished by now.
pub(super) fn continue_series(state: &mut State, run: PathBuf) -> Vec<Effect> {
    if is_busy(state) {
        return Vec::new();
    }
    state.continuing = Some((Awaited::Runs, Continuing::Series(run)));
    refresh_runs(state)
}

/// The list of runs that a series waited for is there: it goes on. The images are opened first if they are not.
pub(super) fn runs_listed(state: &mut State, run: PathBuf) -> Vec<Effect> {
    let Some((series, data)) = known_of(state, &run) else {
        let notice = Notice::new(Severity::Warning, "The series cannot go on: the run it was asked of is gone");
        state.notify(notice.hint("Choose Continue the series in the menu of another of its runs."));
        return Vec::new();
    };
    let runs = Runs::listed(&state.runs, &series.id);
    if runs.left.is_empty() {
        tell(state, runs);
        return Vec::new();
    }
    let Some(catalog) = images_of(state, &run) else {
        return open_first(state, Continuing::Series(run), PathBuf::from(data));
    };
    // Who went elsewhere while the list was made stays there.
    if state.workspace == Workspace::Runs {
        state.workspace = Workspace::Train;
    }
    begin(state, &run, &catalog, runs)
}

/// The series that a run is one of, and where the run itself has its images from. Whether they are there still, or another run of
/// the series knows a newer place, only the disk could tell, which may keep the window waiting.
fn known_of(state: &State, run: &Path) -> Option<(SeriesInfo, String)> {
    let facts = state.run_entry(run)?.config.run.as_ref()?;
    Some((facts.series.clone()?, facts.data.clone()))
}

/// The runs of a series that have begun, as far as the list of runs tells.
fn listed_of<'a>(state: &'a State, series_id: &'a str) -> impl Iterator<Item = &'a RunEntry> {
    state.runs.iter().filter(move |entry| listed_series(entry).is_some_and(|series| series.id == series_id))
}

/// The images that a series waited for are open: it goes on, if they are those that it was begun with.
pub(super) fn images_open(state: &mut State, run: &Path) -> Vec<Effect> {
    let Some((series, _)) = known_of(state, run) else { return Vec::new() };
    let Some(catalog) = images_of(state, run) else {
        let text = "The series cannot go on: the images differ from those it was begun with";
        state.notify(
            Notice::new(Severity::Warning, text).hint(
                "Undo what was added, removed, changed, excluded or included again since, or start a new series.",
            ),
        );
        return Vec::new();
    };
    let runs = Runs::listed(&state.runs, &series.id);
    begin(state, run, &catalog, runs)
}

/// Goes on with what is left of a series; where nothing is, what the runs came to is told. `run` is one of them, whose
/// settings the others have but for the seed.
fn begin(state: &mut State, run: &Path, catalog: &Arc<Catalog>, runs: Runs) -> Vec<Effect> {
    let Some(entry) = state.run_entry(run) else { return Vec::new() };
    let (asked, folder) = (&entry.config, entry.series_folder().map(Path::to_owned));
    let Some(before) = asked.run.as_ref().and_then(RunInfo::further) else { return Vec::new() };
    let id = before.series.as_ref().map(|series| series.id.clone()).unwrap_or_default();
    let mut config = RunConfig { run: Some(before), ..asked.as_asked() };
    if let Some(first) = listed_of(state, &id).min_by_key(|entry| entry.config.train.seed) {
        config.follow(&first.config);
    }
    state.series = Some(Series { folder, ..Series::of(config, catalog, runs) });
    if let Some(effects) = next(state) {
        return effects;
    }
    if let Some(series) = state.series.take() {
        tell(state, series.runs);
    }
    Vec::new()
}
