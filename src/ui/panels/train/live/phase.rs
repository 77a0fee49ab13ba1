//! The head of a run: what it does now, how far it is, and what can be done about it.

use crate::app::{Action, RunAction, State, TrainPhase, TrainView, Workspace};
use crate::ui::panels::runs::SETTINGS_AGAIN;
use crate::ui::panels::runs::longer::{ASK, ASK_HELP, why_not_longer};
use crate::ui::theme::{self, SPACE, plain_button};
use crate::ui::widgets::figures::{count_text, counted_spaced, rate_text};
use crate::ui::widgets::job_bar::progress_bar;
use eframe::egui::{self, Align, Layout, Ui};
use std::path::Path;

/// Room kept for the buttons beside the title.
const BUTTONS_WIDTH: f32 = 230.0;

/// The likeliest thing to do with a run that is over. Its button is the one loud button of the page.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::ui::panels::train) enum NextStep<'a> {
    /// To look at what was learned.
    Explore,
    /// To begin anew with its settings, once they are changed.
    Renew(&'a Path),
    /// To go on with it.
    Continue(&'a Path),
}

impl<'a> NextStep<'a> {
    /// `None` while it is trained, and where nothing is left of it.
    pub(in crate::ui::panels::train) fn of(state: &State, view: &'a TrainView) -> Option<Self> {
        if state.is_training() || state.is_watched_run_gone() {
            return None;
        }
        match view.phase {
            TrainPhase::Done => Some(Self::Explore),
            // A run that diverged has gone back as often as it may and keeps count of it, and a continued one keeps its settings
            // and its seed: it would end the same way. Who wants to try finds Continue in Runs.
            TrainPhase::Failed if view.is_of_seed => view.run().map(Self::Renew),
            _ => view.run().map(Self::Continue),
        }
    }
}

/// Draws the head.
pub(super) fn phase_ui(ui: &mut Ui, state: &State, view: &TrainView, out: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let buttons = if state.is_training() { BUTTONS_WIDTH } else { 0.0 };
            ui.set_max_width((ui.available_width() - buttons).max(160.0));
            ui.label(theme::strong(title(view)).size(18.0));
            let series = state.series.as_ref().filter(|_| state.is_training());
            let seed =
                series.map_or_else(String::new, |series| format!("seed {} of {} · ", series.number(), series.seeds));
            subtitle_ui(ui, &format!("{seed}{}", subtitle(state, view)), view);
        });
        if state.is_training() {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| brakes_ui(ui, view, out));
        }
    });
    ui.add_space(SPACE);
    if state.is_training() {
        ui.add(progress_bar(ui, share(view)));
    } else {
        ui.horizontal_wrapped(|ui| next_ui(ui, state, view, out));
    }
}

fn title(view: &TrainView) -> String {
    let epochs = view.config.train.epochs;
    let done = view.epochs.last().map_or(0, |epoch| epoch.epoch);
    match view.phase {
        TrainPhase::Preparing => "Reading the images".to_owned(),
        TrainPhase::Running => "Training".to_owned(),
        TrainPhase::Paused => "Paused".to_owned(),
        TrainPhase::Stopping => "Saving the checkpoint".to_owned(),
        TrainPhase::Done => match view.summary.as_ref().and_then(|summary| summary.eer) {
            Some(eer) => format!("Done: {} equal error rate", rate_text(eer)),
            None => "Done".to_owned(),
        },
        TrainPhase::Stopped => format!("Stopped after {done} of {}", counted_spaced(epochs as usize, "epoch")),
        TrainPhase::Failed => format!("Ended by an error after {}", counted_spaced(done as usize, "epoch")),
    }
}

fn subtitle(state: &State, view: &TrainView) -> String {
    if view.phase == TrainPhase::Preparing {
        let (done, total) = view.preparing;
        return if total > 0 {
            format!("{} of {}", count_text(done), counted_spaced(total, "image"))
        } else {
            "looking at the files".to_owned()
        };
    }
    let Some(started) = &view.started else { return String::new() };
    format!("{} · {}", state.run_name(&started.run), started.device)
}

/// With the number of weights where there is room for the whole of it: one that is cut reads as another number.
fn subtitle_ui(ui: &mut Ui, text: &str, view: &TrainView) {
    let weights = view.started.as_ref().map(|started| count_text(started.footprint.parameters));
    let whole = weights.map_or_else(|| text.to_owned(), |weights| format!("{text} · {weights} weights"));
    let line = egui::WidgetText::from(theme::caption(whole.as_str()));
    let line = line.into_galley(ui, Some(egui::TextWrapMode::Extend), f32::INFINITY, egui::TextStyle::Body);
    let shown = if line.size().x <= ui.available_width() { whole.as_str() } else { text };
    let label = egui::Label::new(theme::caption(shown)).truncate().show_tooltip_when_elided(false);
    ui.add(label).on_hover_text(whole.as_str());
}

fn share(view: &TrainView) -> f32 {
    if view.phase == TrainPhase::Preparing {
        let (done, total) = view.preparing;
        return done as f32 / total.max(1) as f32;
    }
    let epochs = f64::from(view.config.train.epochs.max(1));
    view.steps.last().map_or(0.0, |step| (step.epoch / epochs).clamp(0.0, 1.0) as f32)
}

/// Right to left.
fn brakes_ui(ui: &mut Ui, view: &TrainView, out: &mut Vec<Action>) {
    if view.phase == TrainPhase::Stopping {
        return;
    }
    let stop = ui.add(plain_button("Stop training"));
    if stop.on_hover_text("Stops and keeps everything; the run can be continued").clicked() {
        out.push(Action::StopTraining);
    }
    let pause = match view.phase {
        TrainPhase::Running => "Pause",
        TrainPhase::Paused => "Resume",
        _ => return,
    };
    if ui.add(plain_button(pause)).on_hover_text("Pauses or resumes the run (Space)").clicked() {
        out.push(Action::TogglePause);
    }
}

/// What can be done with a run that is over; the likeliest first.
fn next_ui(ui: &mut Ui, state: &State, view: &TrainView, out: &mut Vec<Action>) {
    if state.is_watched_run_gone() {
        ui.label(theme::caption("The run was moved to the bin: nothing goes on with it from here."));
        return;
    }
    let has_model = !view.epochs.is_empty();
    if let Some(step) = NextStep::of(state, view) {
        step_button(ui, &step, out);
    }
    if has_model
        && ui
            .add(plain_button("Read the error rates"))
            .on_hover_text("How often it is wrong, on held-out images (4)")
            .clicked()
    {
        out.push(Action::Go(Workspace::Evaluate));
    }
    if has_model
        && ui.add(plain_button("Verify two images")).on_hover_text("Compares two images with this model (5)").clicked()
    {
        out.push(Action::Go(Workspace::Verify));
    }
    if view.phase == TrainPhase::Done && has_model {
        longer_button(ui, state, view, out);
    }
}

fn step_button(ui: &mut Ui, step: &NextStep<'_>, out: &mut Vec<Action>) {
    let (label, help, action) = match *step {
        NextStep::Explore => {
            ("Explore the map", "The embeddings of the held-out images (3)", Action::Go(Workspace::Explore))
        }
        NextStep::Renew(run) => {
            (SETTINGS_AGAIN, "Takes its settings over, to be changed", RunAction::Duplicate(run.to_owned()).into())
        }
        NextStep::Continue(run) => {
            ("Continue training", "Goes on from the last checkpoint", Action::ContinueRun(run.to_owned()))
        }
    };
    if theme::primary_button(ui, label).on_hover_text(help).clicked() {
        out.push(action);
    }
}

/// What the menu of the run in Runs offers as well.
fn longer_button(ui: &mut Ui, state: &State, view: &TrainView, out: &mut Vec<Action>) {
    let Some(run) = view.run() else { return };
    let why_not = state.run_so_far(run).and_then(|so_far| why_not_longer(so_far.planned));
    let button = ui.add_enabled(why_not.is_none(), plain_button(ASK));
    if button.on_hover_text(ASK_HELP).on_disabled_hover_text(why_not.unwrap_or_default()).clicked() {
        out.push(RunAction::AskLonger(run.to_owned()).into());
    }
}
