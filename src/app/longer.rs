//! Making a run longer: how many epochs it should have in all, asked in a dialog. A run that is over learns on, too; what that
//! means for its margin and its learning rate is the trainer's.

use super::action::Effect;
use super::state::State;
use super::training;
use crate::config::{Kind, ParamSpec, spec};
use crate::worker::protocol::RunEntry;
use std::path::{Path, PathBuf};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongerView {
    /// The run.
    pub run: PathBuf,
    /// Epochs that it was to have so far.
    pub planned: u32,
    /// Epochs that it should have in all.
    pub epochs: u32,
}

impl LongerView {
    /// Half as many again, which is seldom too few to see whether it is worth while.
    fn of(run: &RunEntry) -> Self {
        let planned = run.config.train.epochs;
        let epochs = planned.saturating_add((planned / 2).max(1));
        Self { run: run.path.clone(), planned, epochs: epochs.min(most_epochs()).max(planned) }
    }

    /// The run has more epochs then.
    pub fn is_longer(&self) -> bool {
        self.epochs > self.planned
    }
}

/// Epochs of a run at most.
pub fn most_epochs() -> u32 {
    let most = |spec: &ParamSpec| if let Kind::Int { max, .. } = spec.kind { u32::try_from(max).ok() } else { None };
    spec("train.epochs").and_then(most).unwrap_or(u32::MAX)
}

/// Opens the dialog.
pub(super) fn ask(state: &mut State, run: &Path) {
    state.runs_view.longer = state.run_entry(run).map(LongerView::of);
}

/// So many epochs are chosen there.
pub(super) fn choose(state: &mut State, epochs: u32) {
    if let Some(view) = &mut state.runs_view.longer {
        view.epochs = epochs;
    }
}

/// Goes on with the run.
pub(super) fn start(state: &mut State) -> Vec<Effect> {
    match state.runs_view.longer.take() {
        Some(view) if view.is_longer() => training::train_longer(state, view.run, view.epochs),
        _ => Vec::new(),
    }
}
