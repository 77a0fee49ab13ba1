//! Starting, pausing, stopping and continuing a run.

use super::action::Effect;
use super::notice::{Notice, Severity};
use super::series::Series;
use super::state::{State, TrainPhase, TrainView, Workspace};
use super::update::{open_data, start};
use crate::config::RunConfig;
use crate::data::Catalog;
use crate::train::Place;
use crate::worker::protocol::Request;
use std::path::PathBuf;
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
    let (job, effects) = start(state, Request::Train { catalog, config: Box::new(config.clone()), place });
    state.training = Some(TrainView::new(job, config));
    effects
}

/// Continues a run; its images are opened first if they are not.
pub(super) fn continue_run(state: &mut State, run: PathBuf) -> Vec<Effect> {
    if state.is_training() {
        state.notify(
            Notice::new(Severity::Warning, "A run is being trained").hint("Stop it before continuing another."),
        );
        return Vec::new();
    }
    let Some(entry) = state.run_entry(&run).cloned() else { return Vec::new() };
    let fingerprint = entry.config.run.as_ref().map(|run| run.data_fingerprint.clone()).unwrap_or_default();
    let catalog =
        state.open_data().map(|data| Arc::clone(&data.catalog)).filter(|catalog| catalog.fingerprint == fingerprint);
    let Some(catalog) = catalog else {
        let data = entry.config.run.as_ref().map(|run| run.data.clone()).unwrap_or_default();
        state.notify(
            Notice::new(Severity::Info, format!("Opening the images of this run first: {data}"))
                .hint("When they are open, continue the run again."),
        );
        return open_data(state, PathBuf::from(data));
    };
    let config = entry.config.clone();
    state.series = None;
    state.workspace = Workspace::Train;
    begin_training(state, catalog, config, Place::Resume(run))
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
    if let Some(job) = state.job(job) {
        job.control.cancel();
    }
    Vec::new()
}
