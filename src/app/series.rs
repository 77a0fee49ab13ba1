//! The same settings over several seeds, one run after the other: what a measure is worth is its mean and its spread,
//! not the luckiest run.
//!
//! A series is kept in its runs, each of which says in its `run.toml` which series it is of. Here is only the one that is
//! being made; what is known of the others is read off the list of runs.

use super::action::Effect;
use super::notice::{Notice, Severity};
use super::runs::MOST_COMPARED;
use super::state::{State, Workspace};
use super::training::{Continuing, begin_training, go_on, images_of, is_busy, open_first};
use crate::config::{RunConfig, RunInfo, SeriesInfo};
use crate::data::Catalog;
use crate::train::{MeanSd, Place, RunSummary, measures};
use crate::worker::protocol::RunEntry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Runs in a series at most.
pub const MOST_SEEDS: u32 = 20;

/// Runs that differ in their seed only, one of which is under way.
#[derive(Clone, Debug)]
pub struct Series {
    /// How many.
    pub seeds: u32,
    /// Of runs that have not begun; the seed is each run's own.
    config: RunConfig,
    catalog: Arc<Catalog>,
    runs: Runs,
    /// No run follows the one under way.
    is_stopping: bool,
}

/// The runs of a series by their seeds, in the order in which they are made.
#[derive(Clone, Debug, Default)]
struct Runs {
    done: Vec<(u32, RunSummary)>,
    /// The first is the one under way. What has begun has a folder.
    left: VecDeque<(u32, Option<PathBuf>)>,
}

impl Series {
    /// A series of as many runs as are asked for; none for a single one.
    pub(super) fn new(seeds: u32, config: &RunConfig, catalog: &Arc<Catalog>) -> Option<Self> {
        let info = (seeds > 1).then(|| SeriesInfo::begun_now(config.train.seed, seeds))?;
        let left = info.all_seeds().into_iter().map(|seed| (seed, None)).collect();
        Some(Self::of(config, info, catalog, Runs { done: Vec::new(), left }))
    }

    fn of(config: &RunConfig, info: SeriesInfo, catalog: &Arc<Catalog>, runs: Runs) -> Self {
        let config = RunConfig { run: Some(RunInfo::before(info)), ..config.clone() };
        Self { seeds: runs.len() as u32, config, catalog: Arc::clone(catalog), runs, is_stopping: false }
    }

    /// A person asked to stop: even if the run under way comes to its end just now, none follows.
    pub(super) fn stop(&mut self) {
        self.is_stopping = true;
    }

    /// The run under way, from 1.
    pub fn number(&self) -> usize {
        self.runs.done.len() + 1
    }

    /// The folders of its runs, which a person may rename meanwhile.
    pub(super) fn folders_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let Runs { done, left } = &mut self.runs;
        done.iter_mut().map(|(_, summary)| &mut summary.run).chain(left.iter_mut().filter_map(|(_, run)| run.as_mut()))
    }
}

impl Runs {
    /// Those of a series, as far as the list of runs tells. Where two have the same seed, the finished one counts.
    fn listed(entries: &[RunEntry], series: &SeriesInfo) -> Self {
        let mut known: BTreeMap<u32, &RunEntry> = BTreeMap::new();
        let mut told: BTreeSet<&SeriesInfo> = BTreeSet::new();
        for entry in entries {
            let Some(info) = entry.series().filter(|info| info.id == series.id) else { continue };
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
        self.done.len() + self.left.len()
    }

    /// What the finished runs came to: `3 of 5 runs, seeds 7 to 9: EER 3.0 ± 1.0 %`. `None` when none is finished.
    fn words(&self) -> Option<String> {
        let ((first, _), (last, _)) = (self.done.first()?, self.done.last()?);
        let of = |(name, measure): (&str, MeanSd)| match name {
            "eer" => Some(format!("EER {}", measure.percent_text())),
            "val_accuracy" => Some(format!("accuracy {}", measure.percent_text())),
            _ => None,
        };
        let summaries: Vec<RunSummary> = self.done.iter().map(|(_, summary)| summary.clone()).collect();
        let rates: Vec<String> = measures(&summaries).into_iter().filter_map(of).collect();
        let of_all = if self.left.is_empty() { String::new() } else { format!(" of {}", self.len()) };
        let seeds = if first == last { format!("seed {first}") } else { format!("seeds {first} to {last}") };
        Some(format!("{}{of_all} runs, {seeds}: {}", self.done.len(), rates.join(", ")))
    }
}

/// What is known of the series that a run is one of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesFacts {
    /// Mean and spread of its finished runs in words; `None` when none is finished.
    pub words: Option<String>,
    /// Runs that are missing or not finished.
    pub left: usize,
}

/// What the list of runs tells of the series that one of them is of; `None` for a run by itself.
pub fn series_facts(entries: &[RunEntry], run: &RunEntry) -> Option<SeriesFacts> {
    let runs = Runs::listed(entries, run.series()?);
    Some(SeriesFacts { words: runs.words(), left: runs.left.len() })
}

/// Begins the next run of the series, or goes on with it; `None` when none is left.
pub(super) fn next(state: &mut State) -> Option<Vec<Effect>> {
    let series = state.series.as_ref()?;
    let (seed, begun) = series.runs.left.front().cloned()?;
    let (mut config, catalog) = (series.config.clone(), Arc::clone(&series.catalog));
    if let Some(effects) = begun.and_then(|run| go_on(state, run, &catalog)) {
        return Some(effects);
    }
    config.train.seed = seed;
    let place = Place::NewIn(state.runs_root.clone());
    Some(begin_training(state, catalog, config, place))
}

/// Takes a finished run in and starts the next, or says what came of them.
pub(super) fn trained(state: &mut State, summary: &RunSummary) -> Vec<Effect> {
    let Some(series) = &mut state.series else { return Vec::new() };
    if !summary.stopped
        && let Some((seed, _)) = series.runs.left.pop_front()
    {
        series.runs.done.push((seed, summary.clone()));
    }
    let goes_on = !summary.stopped && !series.is_stopping;
    if let Some(effects) = goes_on.then(|| next(state)).flatten() {
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
    if runs.done.len() > 1 {
        tell(state, runs);
    }
}

/// Says what the finished runs came to, and compares them.
fn tell(state: &mut State, runs: Runs) {
    let Some(words) = runs.words() else { return };
    let hint = if runs.left.is_empty() {
        "Mean and standard deviation over the runs, which are compared in Runs."
    } else {
        "Mean and standard deviation over the runs, which are compared in Runs; the menu of each continues the series."
    };
    state.notify(Notice::new(Severity::Info, words).hint(hint));
    state.runs_view.compared = runs.done.into_iter().map(|(_, summary)| summary.run).take(MOST_COMPARED).collect();
}

/// Goes on with the series that a run is one of: makes the runs that are missing and finishes those that are not. The
/// images are opened first if they are not.
pub(super) fn continue_series(state: &mut State, run: PathBuf) -> Vec<Effect> {
    if is_busy(state) {
        return Vec::new();
    }
    let Some(facts) = state.run_entry(&run).and_then(|entry| entry.config.run.clone()) else { return Vec::new() };
    let Some(info) = facts.series else { return Vec::new() };
    let runs = Runs::listed(&state.runs, &info);
    if runs.left.is_empty() {
        tell(state, runs);
        return Vec::new();
    }
    let Some(catalog) = images_of(state, &run) else {
        return open_first(state, Continuing::Series(run), PathBuf::from(facts.data));
    };
    state.workspace = Workspace::Train;
    begin(state, &run, info, &catalog, runs)
}

/// The images that a series waited for are open: it goes on, if they are those that it was begun with.
pub(super) fn images_open(state: &mut State, run: &Path) -> Vec<Effect> {
    let Some(info) = state.run_entry(run).and_then(RunEntry::series).cloned() else { return Vec::new() };
    let Some(catalog) = images_of(state, run) else {
        let text = "The series cannot go on: the images differ from those it was begun with";
        state.notify(
            Notice::new(Severity::Warning, text)
                .hint("Undo what was added, removed, changed or excluded since, or start a new series."),
        );
        return Vec::new();
    };
    let runs = Runs::listed(&state.runs, &info);
    begin(state, run, info, &catalog, runs)
}

/// `run` is one of them, whose settings the others have but for the seed.
fn begin(state: &mut State, run: &Path, info: SeriesInfo, catalog: &Arc<Catalog>, runs: Runs) -> Vec<Effect> {
    let Some(config) = state.run_entry(run).map(|entry| entry.config.as_asked()) else { return Vec::new() };
    state.series = Some(Series::of(&config, info, catalog, runs));
    next(state).unwrap_or_default()
}
