//! Making a run longer: how many epochs it should have in all, asked in a dialog. A run that is over learns on, too; what that
//! means for its margin and its learning rate is the trainer's.

use super::action::Effect;
use super::state::State;
use super::training;
use crate::config::{Kind, ParamSpec, RunConfig, spec};
use std::path::{Path, PathBuf};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongerView {
    /// The run.
    pub run: PathBuf,
    /// Epochs that it should have in all.
    pub epochs: u32,
}

/// What is known of a run that may be made longer.
#[derive(Clone, Debug)]
pub struct RunSoFar<'a> {
    /// What it is called.
    pub name: String,
    /// Its settings.
    pub config: &'a RunConfig,
    /// Epochs that it was to have so far.
    pub planned: u32,
    /// Those of them that are done.
    pub epochs_done: u32,
}

impl LongerView {
    /// Half as many again, which is seldom too few to see whether it is worth while.
    fn new(run: &Path, planned: u32) -> Self {
        let epochs = planned.saturating_add((planned / 2).max(1));
        Self { run: run.to_owned(), epochs: epochs.min(most_epochs()).max(planned) }
    }

    /// The run has more epochs then.
    pub fn is_longer_than(&self, run: &RunSoFar<'_>) -> bool {
        self.epochs > run.planned
    }
}

impl State {
    /// A run as the list of runs and the run watched last tell of it: the list may be from before that one was trained. What
    /// was asked for and never began has changed nothing of a run.
    pub fn run_so_far(&self, run: &Path) -> Option<RunSoFar<'_>> {
        let listed = self.run_entry(run);
        let watched = self.training.as_ref().filter(|view| view.started.is_some() && view.is_of(run));
        let config = watched.map(|view| &view.config).or(listed.map(|entry| &entry.config))?;
        let planned = listed.map_or(0, |entry| entry.config.train.epochs).max(config.train.epochs);
        let watched_done = watched.and_then(|view| view.epochs.last()).map_or(0, |epoch| epoch.epoch);
        let epochs_done = listed.map_or(0, |entry| entry.epochs_done).max(watched_done);
        Some(RunSoFar { name: self.run_name(run), config, planned, epochs_done })
    }
}

/// Epochs of a run at most.
pub fn most_epochs() -> u32 {
    let most = |spec: &ParamSpec| if let Kind::Int { max, .. } = spec.kind { u32::try_from(max).ok() } else { None };
    spec("train.epochs").and_then(most).unwrap_or(u32::MAX)
}

/// Opens the dialog.
pub(super) fn ask(state: &mut State, run: &Path) {
    state.runs_view.longer = state.run_so_far(run).map(|so_far| LongerView::new(run, so_far.planned));
}

/// So many epochs are chosen there.
pub(super) fn choose(state: &mut State, epochs: u32) {
    if let Some(view) = &mut state.runs_view.longer {
        view.epochs = epochs;
    }
}

/// Goes on with the run.
pub(super) fn start(state: &mut State) -> Vec<Effect> {
    let Some(view) = state.runs_view.longer.take() else { return Vec::new() };
    let is_longer = state.run_so_far(&view.run).is_some_and(|run| view.is_longer_than(&run));
    if is_longer { training::train_longer(state, view.run, view.epochs) } else { Vec::new() }
}
