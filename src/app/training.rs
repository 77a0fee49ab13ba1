//! Starting, pausing, stopping and continuing a run.

use super::action::Effect;
use super::notice::{Notice, Severity};
use super::series::{self, Series};
use super::state::{DataState, State, TrainPhase, TrainView, Workspace};
use super::update::{open_data, start};
use crate::config::{RunConfig, RunInfo};
use crate::data::Catalog;
use crate::train::{EpochMetrics, Place, StepMetrics, data_of};
use crate::worker::protocol::{JobId, Request};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Trains with the present settings, or says what is missing.
pub(super) fn start_training(state: &mut State) -> Vec<Effect> {
    if state.is_training() {
        return Vec::new();
    }
    let Some(data) = state.open_data() else {
        state.notify(
            Notice::new(Severity::Warning, "There are no images to train on yet").hint("Open a folder in Data first."),
        );
        return Vec::new();
    };
    if let Err(problem) = &data.resolved {
        let notice = Notice::told(Severity::Error, problem);
        state.notify(notice.hint("Change the setting that is named, then start again."));
        return Vec::new();
    }
    let catalog = Arc::clone(&data.catalog);
    let config = state.config.clone();
    let place = Place::NewIn(state.runs_root.clone());
    state.series = Series::new(state.seeds, &config, &catalog);
    // Beside a run that is watched, its curves may stand in the place of the plan.
    let is_plan_in_sight = state.workspace == Workspace::Train && state.training.is_none();
    state.workspace = Workspace::Train;
    let cost = state.footprint().filter(|_| is_plan_in_sight);
    let told = cost.map(|cost| state.plan_warnings(&cost)).unwrap_or_default();
    let effects = series::next(state).unwrap_or_else(|| begin_training(state, catalog, config, place));
    if let Some(view) = &mut state.training {
        view.told = told;
    }
    effects
}

/// Wherever the person is; who asks for a training is taken to it, who waits for a series is not.
pub(super) fn begin_training(state: &mut State, catalog: Arc<Catalog>, config: RunConfig, place: Place) -> Vec<Effect> {
    state.continuing = None;
    let resumed = match &place {
        Place::Resume(run) => Some(run.clone()),
        Place::NewIn(_) | Place::NewAt(_) => None,
    };
    let request = Request::Train { catalog: Arc::clone(&catalog), config: Box::new(config.clone()), place };
    let (job, effects) = start(state, request);
    state.training = Some(TrainView { resumed, ..TrainView::new(job, config, catalog) });
    effects
}

/// What goes on by itself, later.
#[derive(Clone, Debug)]
pub(super) enum Continuing {
    /// This run.
    Run(Wanted),
    /// The series that this run is one of.
    Series(PathBuf),
}

/// A run that is to go on.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    run: PathBuf,
    /// Epochs that it should have in all, where that is more than it was to have.
    epochs: Option<u32>,
}

impl Wanted {
    fn as_planned(run: PathBuf) -> Self {
        Self { run, epochs: None }
    }
}

/// What it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    /// The images that this job opens.
    Images(JobId),
    /// A list of runs that is made from now on.
    Runs,
}

impl Continuing {
    /// The folder of the run, which a person may rename meanwhile.
    pub(super) fn run_mut(&mut self) -> &mut PathBuf {
        match self {
            Self::Run(wanted) => &mut wanted.run,
            Self::Series(run) => run,
        }
    }
}

/// What is known of a run that is to be continued.
struct Past {
    config: RunConfig,
    steps: Vec<StepMetrics>,
    epochs: Vec<EpochMetrics>,
    /// Its images, where they are at hand.
    catalog: Option<Arc<Catalog>>,
}

impl Past {
    /// Of the run watched last everything is known; of any other, what the list of runs says.
    fn of(state: &State, run: &Path) -> Option<Self> {
        if let Some(view) = state.training.as_ref().filter(|view| view.is_of(run)) {
            return Some(Self {
                config: view.config.clone(),
                steps: view.steps.clone(),
                epochs: view.epochs.clone(),
                catalog: Some(Arc::clone(&view.catalog)),
            });
        }
        let entry = state.run_entry(run)?;
        let open = state.open_data().map(|data| Arc::clone(&data.catalog));
        let mut at_hand = open.into_iter().flat_map(|open| [Arc::clone(&open), open.whole()]);
        let facts = entry.config.run.as_ref();
        Some(Self {
            config: entry.config.clone(),
            steps: Vec::new(),
            epochs: entry.epochs.to_vec(),
            catalog: at_hand.find(|catalog| facts.is_some_and(|facts| is_noted(facts, catalog))),
        })
    }
}

/// A run noted these images. Where it noted them as earlier versions would have, too, this version has begun it or gone on with
/// it, and its own fingerprint is enough: the earlier one of millions of records takes seconds, for which the window would wait.
pub(super) fn is_noted(facts: &RunInfo, catalog: &Catalog) -> bool {
    if facts.earlier_fingerprint.is_empty() {
        catalog.has_fingerprint(&facts.data_fingerprint)
    } else {
        catalog.fingerprint == facts.data_fingerprint
    }
}

/// A run is being trained, which is then said: another one cannot go on.
pub(super) fn is_busy(state: &mut State) -> bool {
    let is_busy = state.is_training();
    if is_busy {
        state.notify(
            Notice::new(Severity::Warning, "A run is being trained").hint("Stop it before continuing another."),
        );
    }
    is_busy
}

/// The images that a run began with, where they are at hand.
pub(super) fn images_of(state: &State, run: &Path) -> Option<Arc<Catalog>> {
    let facts = state.run_entry(run)?.config.run.as_ref()?;
    let catalog = Past::of(state, run)?.catalog?;
    is_noted(facts, &catalog).then_some(catalog)
}

/// Continues a run; its images are opened first if they are not.
pub(super) fn continue_run(state: &mut State, run: PathBuf) -> Vec<Effect> {
    continue_wanted(state, Wanted::as_planned(run))
}

/// The same until it has so many epochs.
pub(super) fn train_longer(state: &mut State, run: PathBuf, epochs: u32) -> Vec<Effect> {
    continue_wanted(state, Wanted { run, epochs: Some(epochs) })
}

fn continue_wanted(state: &mut State, wanted: Wanted) -> Vec<Effect> {
    if is_busy(state) {
        return Vec::new();
    }
    let Some(past) = Past::of(state, &wanted.run) else { return Vec::new() };
    let Some(catalog) = past.catalog.clone() else {
        return match data_of(&past.config) {
            Ok(data) => open_first(state, Continuing::Run(wanted), data),
            Err(error) => {
                state.notify(Notice::told(Severity::Error, &error.to_string()));
                Vec::new()
            }
        };
    };
    state.workspace = Workspace::Train;
    state.series = None;
    resume(state, wanted, past, catalog)
}

/// Opens the images in `data`, and remembers what waits for them.
pub(super) fn open_first(state: &mut State, continuing: Continuing, data: PathBuf) -> Vec<Effect> {
    let what = match continuing {
        Continuing::Run(_) => "run",
        Continuing::Series(_) => "series",
    };
    let text = format!("Opening the images of this {what} first: {}", data.display());
    state.notify(Notice::new(Severity::Info, text).hint(format!("When they are open, the {what} goes on by itself.")));
    let effects = open_data(state, data);
    if let DataState::Opening { job, .. } = &state.data {
        state.continuing = Some((Awaited::Images(*job), continuing));
    }
    effects
}

/// Images were opened by `job`: what waits for them goes on.
pub(super) fn images_open(state: &mut State, job: JobId) -> Vec<Effect> {
    let effects = match arrived(state, Awaited::Images(job)) {
        Some(Continuing::Run(wanted)) => run_goes_on(state, wanted),
        Some(Continuing::Series(run)) => series::images_open(state, &run),
        None => return Vec::new(),
    };
    // Who went elsewhere while the images were read stays there.
    if state.is_training() && state.workspace == Workspace::Data {
        state.workspace = Workspace::Train;
    }
    effects
}

/// The list of runs is there: what waits for it goes on, unless it is from before it was asked for.
pub(super) fn runs_listed(state: &mut State) -> Vec<Effect> {
    if state.runs_view.is_stale {
        return Vec::new();
    }
    match arrived(state, Awaited::Runs) {
        Some(Continuing::Run(wanted)) => continue_wanted(state, wanted),
        Some(Continuing::Series(run)) => series::runs_listed(state, run),
        None => Vec::new(),
    }
}

/// What waited for this.
fn arrived(state: &mut State, awaited: Awaited) -> Option<Continuing> {
    state.continuing.take_if(|(waits_for, _)| *waits_for == awaited).map(|(_, continuing)| continuing)
}

/// What waits for this waits no more.
pub(super) fn does_not_come(state: &mut State, awaited: Awaited) {
    drop(arrived(state, awaited));
}

fn run_goes_on(state: &mut State, wanted: Wanted) -> Vec<Effect> {
    let Some(past) = Past::of(state, &wanted.run) else { return Vec::new() };
    // Images that changed since are not the run's: the trainer refuses them, and says why.
    let open = state.open_data().map(|data| Arc::clone(&data.catalog));
    let Some(catalog) = past.catalog.clone().or(open) else { return Vec::new() };
    state.series = None;
    resume(state, wanted, past, catalog)
}

/// Goes on with a run of a series; `None` when nothing is known of it any more.
pub(super) fn go_on(state: &mut State, run: PathBuf, catalog: &Arc<Catalog>) -> Option<Vec<Effect>> {
    let past = Past::of(state, &run)?;
    Some(resume(state, Wanted::as_planned(run), past, Arc::clone(catalog)))
}

/// The earlier curves stay, and the new ones go on from them.
fn resume(state: &mut State, wanted: Wanted, mut past: Past, catalog: Arc<Catalog>) -> Vec<Effect> {
    if state.open_data().is_some_and(|data| data.catalog.fingerprint != catalog.fingerprint) {
        state.say("The run goes on with the images it began with, whatever is open or excluded now");
    }
    // What was asked for last counts, also below what was asked for before and never began. The run itself is never made shorter.
    if let Some(epochs) = wanted.epochs {
        past.config.train.epochs = epochs;
    }
    let effects = begin_training(state, catalog, past.config, Place::Resume(wanted.run));
    if let Some(view) = &mut state.training {
        (view.steps, view.epochs) = (past.steps, past.epochs);
    }
    effects
}

/// Pauses or goes on.
pub(super) fn toggle_pause(state: &mut State) -> Vec<Effect> {
    let Some(view) = &mut state.training else { return Vec::new() };
    let paused = match view.phase {
        TrainPhase::Running | TrainPhase::Preparing => true,
        TrainPhase::Paused => false,
        _ => return Vec::new(),
    };
    view.phase = if paused { TrainPhase::Paused } else { TrainPhase::Running };
    let job = view.job;
    if let Some(job) = state.job(job) {
        job.control.set_paused(paused);
    }
    Vec::new()
}

/// Asks the run to stop; what was learned is kept.
pub(super) fn stop_training(state: &mut State) -> Vec<Effect> {
    if !state.is_training() {
        return Vec::new();
    }
    let Some(view) = &mut state.training else { return Vec::new() };
    view.phase = TrainPhase::Stopping;
    let job = view.job;
    if let Some(series) = &mut state.series {
        series.stop();
    }
    state.cancel(job);
    Vec::new()
}
