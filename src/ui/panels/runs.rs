//! Runs: what was trained, newest first; each can be used, continued or measured.

use crate::app::{Action, State, Workspace};
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::figures::rate_text;
use crate::worker::protocol::{JobKind, RunEntry};
use eframe::egui::{self, Align, Label, Layout, RichText, ScrollArea, Ui};
use std::path::Path;

/// Height of one run.
const ROW_HEIGHT: f32 = 72.0;

/// Draws the panel; it has nothing of its own, the list is the state's.
pub fn runs_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    if state.runs.is_empty() {
        empty_ui(ui, state, out);
        return;
    }
    ui.horizontal(|ui| {
        ui.label(theme::heading("Runs"));
        ui.add_space(SPACE / 2.0);
        ui.add(Label::new(theme::caption(format!("kept in {}", state.runs_root.display()))).truncate());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button("Refresh").on_hover_text("Reads the folder again (F5)").clicked() {
                out.push(Action::RefreshRuns);
            }
        });
    });
    ui.add_space(SPACE / 2.0);
    ui.spacing_mut().item_spacing.y = SPACE;
    ScrollArea::vertical().auto_shrink([false, false]).show_rows(ui, ROW_HEIGHT, state.runs.len(), |ui, rows| {
        for run in state.runs.get(rows).unwrap_or_default() {
            run_ui(ui, state, run, out);
        }
    });
}

fn empty_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let searching = state.jobs.iter().any(|job| job.kind == JobKind::ListRuns);
    let title = if searching { "Looking for runs" } else { "No runs yet" };
    let text = format!(
        "Every training run is kept in a folder of its own below {}, readable without this program.",
        state.runs_root.display()
    );
    theme::empty_state(ui, title, &text, |ui| {
        let has_data = state.open_data().is_some();
        let label = if has_data { "Train a model" } else { "Open some images" };
        if theme::primary_button(ui, label).clicked() {
            out.push(Action::Go(if has_data { Workspace::Train } else { Workspace::Data }));
        }
        ui.add_space(SPACE);
        if ui.button("Open a run…").on_hover_text("Uses a run folder from elsewhere (Ctrl+R)").clicked() {
            out.push(Action::Ask(crate::app::Dialog::OpenRun));
        }
    });
}

fn run_ui(ui: &mut Ui, state: &State, run: &RunEntry, out: &mut Vec<Action>) {
    let active = state.active_run.as_deref() == Some(run.path.as_path());
    let mut frame = theme::card_frame(ui);
    if active {
        frame = frame.stroke(egui::Stroke::new(1.0, theme::tokens(ui).accent));
    }
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = SPACE * 2.0;
            let rest = ui.available_width() - NUMBERS_WIDTH - BUTTONS_WIDTH;
            cell_ui(ui, rest.clamp(180.0, 420.0), |ui| name_ui(ui, run, active));
            numbers_ui(ui, run);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| buttons_ui(ui, state, run, active, out));
        });
    });
}

/// Room for the three numbers, and for the three buttons.
const NUMBERS_WIDTH: f32 = 340.0;
const BUTTONS_WIDTH: f32 = 260.0;

/// Columns align because every cell has its width, whatever is in it.
fn cell_ui(ui: &mut Ui, width: f32, add: impl FnOnce(&mut Ui)) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(egui::vec2(width, ROW_HEIGHT - 34.0), egui::Sense::hover());
    let mut cell = ui.new_child(egui::UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Min)));
    cell.spacing_mut().item_spacing.y = 2.0;
    add(&mut cell);
    response
}

fn name_ui(ui: &mut Ui, run: &RunEntry, active: bool) {
    ui.add(Label::new(theme::strong(&run.name).size(15.0)).truncate()).on_hover_text(run.path.display().to_string());
    let facts = run.config.run.as_ref();
    let data = facts.map_or("unknown data", |facts| facts.data.as_str());
    let data = Path::new(data).file_name().map_or(data.into(), |name| name.to_string_lossy());
    let classes = facts.map(|facts| format!(", {} classes", facts.classes)).unwrap_or_default();
    let used = if active { ", in use" } else { "" };
    ui.add(Label::new(theme::caption(format!("{data}{classes}{used}"))).truncate());
}

fn numbers_ui(ui: &mut Ui, run: &RunEntry) {
    let cell = |ui: &mut Ui, width: f32, label: &str, value: &str, help: &str| {
        let response = cell_ui(ui, width, |ui| {
            ui.label(theme::caption(label));
            ui.add(Label::new(RichText::new(value).size(15.0)).truncate());
        });
        response.on_hover_text(help);
    };
    cell(ui, 100.0, "Loss", run.config.loss.head.label(), "The margin head it was trained with");
    let epochs = format!("{} of {}", run.epochs_done, run.config.train.epochs);
    cell(ui, 88.0, "Epochs", &epochs, "Passes over the training images that were done");
    let eer = run.eer.map_or_else(|| "–".to_owned(), rate_text);
    cell(ui, 72.0, "Best EER", &eer, "Lowest equal error rate on held-out pairs");
}

fn buttons_ui(ui: &mut Ui, state: &State, run: &RunEntry, active: bool, out: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.x = SPACE;
    let mut button = |label: &str, enabled: bool, help: &str, action: Action| {
        let name = format!("{label} {}", run.name);
        let response = ui.add_enabled(enabled, egui::Button::new(label)).accessible_name(name);
        if response.on_hover_text(help).on_disabled_hover_text(help).clicked() {
            out.push(action);
        }
    };
    let path = run.path.clone();
    let measure_help = if run.has_model {
        "Measures its error rates on its held-out images"
    } else {
        "No epoch was finished, so there is no model yet"
    };
    button("Evaluate", run.has_model, measure_help, Action::Evaluate(path.clone()));
    let idle = !state.is_training();
    let continue_help = match (run.resumable, idle) {
        (false, _) => "All epochs are done",
        (true, false) => "Another run is being trained",
        (true, true) => "Goes on from the last checkpoint",
    };
    button("Continue", run.resumable && idle, continue_help, Action::ContinueRun(path.clone()));
    let use_help = if active {
        "Explore, Evaluate and Verify use this model"
    } else {
        "Lets Explore, Evaluate and Verify use this model"
    };
    button("Use", run.has_model && !active, use_help, Action::UseRun(path));
}
