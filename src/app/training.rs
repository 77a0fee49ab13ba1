//! Starting, pausing, stopping and continuing a run.

use super::action::Effect;
use super::notice::{Notice, Severity};
use super::series::Series;
use super::state::{DataState, State, TrainPhase, TrainView, Workspace};
use super::update::{open_data, start};
use crate::config::RunConfig;
use crate::data::Catalog;
use crate::train::{EpochMetrics, Place, StepMetrics};
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
        let notice =
            Notice::new(Severity::Error, problem.clone()).hint("Change the setting that is named, then start again.");
        state.notify(notice);
        return Vec::new();
    }
    let catalog = Arc::clone(&data.catalog);
    let config = state.config.clone();
    let place = Place::NewIn(state.runs_root.clone());
    state.series = Series::new(state.seeds, &config, &catalog);
    state.workspace = Workspace::Train;
    begin_training(state, catalog, config, place)
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
        let fingerprint = entry.config.run.as_ref().map_or("", |facts| facts.data_fingerprint.as_str());
        Some(Self {
            config: entry.config.clone(),
            steps: Vec::new(),
            epochs: entry.epochs.to_vec(),
            catalog: state.open_data().and_then(|data| data.catalog.with_fingerprint(fingerprint)),
        })
    }
}

/// Continues a run; its images are opened first if they are not.
pub(super) fn continue_run(state: &mut State, run: PathBuf) -> Vec<Effect> {
    if state.is_training() {
        state.notify(
            Notice::new(Severity::Warning, "A run is being trained").hint("Stop it before continuing another."),
        );
        return Vec::new();
    }
    let Some(past) = Past::of(state, &run) else { return Vec::new() };
    let Some(catalog) = past.catalog.clone() else {
        let data = past.config.run.map(|facts| facts.data).unwrap_or_default();
        return open_first(state, run, PathBuf::from(data));
    };
    state.workspace = Workspace::Train;
    resume(state, run, past, catalog)
}

fn open_first(state: &mut State, run: PathBuf, data: PathBuf) -> Vec<Effect> {
    let text = format!("Opening the images of this run first: {}", data.display());
    state.notify(Notice::new(Severity::Info, text).hint("When they are open, the run goes on by itself."));
    let effects = open_data(state, data);
    if let DataState::Opening { job, .. } = &state.data {
        state.continuing = Some((*job, run));
    }
    effects
}

/// Images were opened by `job`: the run that waits for them goes on.
pub(super) fn images_open(state: &mut State, job: JobId) -> Vec<Effect> {
    let Some((_, run)) = state.continuing.take().filter(|(opening, _)| *opening == job) else { return Vec::new() };
    let Some(past) = Past::of(state, &run) else { return Vec::new() };
    // Images that changed since are not the run's: the trainer refuses them, and says why.
    let open = state.open_data().map(|data| Arc::clone(&data.catalog));
    let Some(catalog) = past.catalog.clone().or(open) else { return Vec::new() };
    // Who went elsewhere while the images were read stays there.
    if state.workspace == Workspace::Data {
        state.workspace = Workspace::Train;
    }
    resume(state, run, past, catalog)
}

/// The earlier curves stay, and the new ones go on from them.
fn resume(state: &mut State, run: PathBuf, past: Past, catalog: Arc<Catalog>) -> Vec<Effect> {
    state.series = None;
    if state.open_data().is_some_and(|data| data.catalog.fingerprint != catalog.fingerprint) {
        state.say("The run goes on with the images it began with, whatever is open or excluded now");
    }
    let effects = begin_training(state, catalog, past.config, Place::Resume(run));
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
    if let Some(job) = state.job(job) {
        job.control.cancel();
    }
    Vec::new()
}
