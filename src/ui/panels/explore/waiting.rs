//! What stands in the place of the map while there is none.

use crate::app::{Action, Dialog, ExploreView, State, Workspace};
use crate::map::MapMethod;
use crate::ui::theme;
use eframe::egui::{self, Align, Ui};

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
    ui.horizontal(|ui| {
        ui.label(theme::subheading("Computing the map"));
        ui.with_layout(egui::Layout::right_to_left(Align::Center), |ui| {
            if let Some(job) = explore.job
                && ui.button("Cancel").clicked()
            {
                out.push(Action::CancelJob(job));
            }
        });
    });
    let progress =
        explore.job.and_then(|job| state.job(job)).map(|job| job.progress).filter(|progress| progress.total > 0);
    if let Some(progress) = progress {
        let share = progress.done as f32 / progress.total as f32;
        ui.add(egui::ProgressBar::new(share).desired_height(6.0).fill(theme::tokens(ui).accent));
    }
    let text = match explore.method {
        MapMethod::Tsne => {
            "t-SNE takes a while for many images and cannot be interrupted inside; cancelling throws its result away."
        }
        MapMethod::Pca | MapMethod::Sphere => "This takes a moment.",
    };
    ui.label(theme::caption(text));
}

/// Nothing to show: how to get embeddings.
pub(super) fn empty_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let text = "Train a model, or open a run: every held-out image becomes a point, and images the model finds alike lie together.";
    theme::empty_state(ui, "No embeddings yet", text, |ui| {
        let usable = state.runs.iter().find(|run| run.has_model);
        if state.open_data().is_some() && theme::primary_button(ui, "Go to training").clicked() {
            out.push(Action::Go(Workspace::Train));
        }
        if state.open_data().is_none() && theme::primary_button(ui, "Open the sample data").clicked() {
            out.push(Action::OpenSample);
        }
        ui.add_space(theme::SPACE);
        if let Some(run) = usable
            && ui.button(format!("Use the run {}", run.name)).clicked()
        {
            out.push(Action::UseRun(run.path.clone()));
        }
        if ui.button("Open a run").clicked() {
            out.push(Action::Ask(Dialog::OpenRun));
        }
    });
}
