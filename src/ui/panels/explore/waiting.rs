//! What stands in the place of the map while there is none.

use crate::app::{Action, ExploreView, MapJob, State, Workspace};
use crate::map::MapMethod;
use crate::ui::command_button::CommandButton;
use crate::ui::panels::evaluate;
use crate::ui::panels::first_step::{Lack, first_step_ui};
use crate::ui::theme;
use crate::ui::widgets::figures::{count_text, counted_spaced};
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
    let progress = state.job(job.id).map(|view| view.progress).unwrap_or_default();
    if titled_job(ui, "Computing the map", Some(&progress), &busy_text(job)) {
        out.push(Action::CancelJob(job.id));
    }
}

/// What is being computed, of how many images, and what stopping it does.
fn busy_text(job: MapJob) -> String {
    let all = job.images;
    let drawn = all.min(job.max_points);
    let images = counted_spaced(all, "image");
    let what = match job.method {
        MapMethod::Tsne if drawn < all => format!("t-SNE of {} of {images} takes a while", count_text(drawn)),
        MapMethod::Tsne => format!("t-SNE of {images} takes a while"),
        MapMethod::Pca => format!("PCA of {images} takes a moment"),
        MapMethod::Sphere => format!("The sphere of {images} takes a moment"),
    };
    format!("{what}. It cannot be interrupted inside; Cancel throws its result away.")
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
    let text = "Train a model on your images, or open a run: every held-out image becomes a point, and images the model finds alike lie together.";
    theme::empty_state(ui, "No embeddings yet", text, |ui| {
        let Some(run) = state.newest_model() else { return first_step_ui(ui, state, Lack::Run, out) };
        if theme::primary_button(ui, "Use the newest run").on_hover_text(run.name.clone()).clicked() {
            out.push(Action::UseRun(run.path.clone()));
        }
        ui.add_space(theme::SPACE);
        CommandButton::new("run.open").ui(ui, state, out);
    });
}
