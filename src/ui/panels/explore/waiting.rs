//! What stands in the place of the map while there is none.

use crate::app::{Action, ExploreView, State, Workspace};
use crate::map::MapMethod;
use crate::ui::command_button::CommandButton;
use crate::ui::panels::evaluate;
use crate::ui::theme;
use crate::ui::widgets::job_bar::titled_job;
use eframe::egui::Ui;

/// The place of the map while there is none yet.
pub(super) fn first_map_ui(ui: &mut Ui, state: &State, explore: &ExploreView, out: &mut Vec<Action>) {
    theme::card(ui, |ui| {
        let room = ui.available_height();
        ui.set_min_height(room);
        ui.add_space((room * 0.36).max(0.0));
        let inset = ((ui.available_width() - 420.0) / 2.0).max(0.0);
        ui.horizontal(|ui| {
            ui.add_space(inset);
            ui.vertical(|ui| {
                ui.set_max_width(420.0);
                busy_ui(ui, state, explore, out);
            });
        });
    });
}

/// What is being done, how far it is, and how to stop it.
pub(super) fn busy_ui(ui: &mut Ui, state: &State, explore: &ExploreView, out: &mut Vec<Action>) {
    let Some(job) = explore.job else { return };
    let progress = state.job(job).map(|job| job.progress).unwrap_or_default();
    let text = match explore.method {
        MapMethod::Tsne => {
            "t-SNE takes a while for many images and cannot be interrupted inside; cancelling throws its result away."
        }
        MapMethod::Pca | MapMethod::Sphere => "This takes a moment.",
    };
    if titled_job(ui, "Computing the map", &progress, text) {
        out.push(Action::CancelJob(job));
    }
}

/// Nothing to show: what the embeddings come from that are on their way, or how to get some.
pub(super) fn empty_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    if state.evaluate.job.is_some() {
        ui.label(theme::heading("Explore"));
        ui.add_space(theme::SPACE);
        evaluate::busy_ui(ui, state, out);
        ui.label(theme::caption("The map is made of the same embeddings, and follows by itself."));
        return;
    }
    if state.is_training() {
        let text =
            "The map appears after the first epoch of the run that is being trained, and follows it from then on.";
        theme::empty_state(ui, "No embeddings yet", text, |ui| {
            if theme::primary_button(ui, "See how the training goes").clicked() {
                out.push(Action::Go(Workspace::Train));
            }
        });
        return;
    }
    let text = "Train a model, or open a run: every held-out image becomes a point, and images the model finds alike lie together.";
    theme::empty_state(ui, "No embeddings yet", text, |ui| {
        if state.open_data().is_some() && theme::primary_button(ui, "Go to training").clicked() {
            out.push(Action::Go(Workspace::Train));
        }
        if state.open_data().is_none() {
            CommandButton::new("data.sample").primary_ui(ui, state, out);
        }
        ui.add_space(theme::SPACE);
        if let Some(run) = state.newest_model()
            && ui.button(format!("Use the run {}", run.name)).clicked()
        {
            out.push(Action::UseRun(run.path.clone()));
        }
        CommandButton::new("run.open").ui(ui, state, out);
    });
}
