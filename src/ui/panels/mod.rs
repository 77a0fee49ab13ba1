//! One screen per workspace. A panel holds only what is lost without harm: scroll positions, half-typed text, caches of
//! what is expensive to draw. It reads the state, and what a person wants goes out as an action.

mod augmentation;
mod data;
mod evaluate;
mod explore;
mod face_marker;
mod first_step;
mod runs;
mod train;
mod verify;

use super::Media;
use crate::app::{Action, State, Workspace};
use eframe::egui::Ui;

/// All panels.
#[derive(Debug, Default)]
pub(super) struct Panels {
    data: data::DataPanel,
    train: train::TrainPanel,
    explore: explore::ExplorePanel,
    evaluate: evaluate::EvaluatePanel,
    verify: verify::VerifyPanel,
    runs: runs::RunsPanel,
}

impl Panels {
    /// Draws the workspace that is shown.
    pub(super) fn ui(&mut self, ui: &mut Ui, state: &State, media: &mut Media, out: &mut Vec<Action>) {
        match state.workspace {
            Workspace::Data => self.data.ui(ui, state, media, out),
            Workspace::Train => self.train.ui(ui, state, media, out),
            Workspace::Explore => self.explore.ui(ui, state, media, out),
            Workspace::Evaluate => self.evaluate.ui(ui, state, media, out),
            Workspace::Verify => self.verify.ui(ui, state, media, out),
            Workspace::Runs => self.runs.ui(ui, state, out),
        }
    }
}
