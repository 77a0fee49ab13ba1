//! Runs: what was trained; each can be used, continued, measured, compared, described, copied and thrown away.

mod compare;
mod edit;
mod import;
pub(super) mod longer;
mod row;

use crate::app::{Action, Dialog, Notice, RunAction, RunOrder, State};
use crate::ui::command_button::CommandButton;
use crate::ui::panels::first_step::{Lack, first_step_ui};
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::figures::counted_spaced;
use crate::worker::protocol::JobKind;
use eframe::egui::{self, Align, Label, Layout, Panel, ScrollArea, Ui};

/// What importing is.
const IMPORT_HELP: &str = "Makes a run of weights from elsewhere: PyTorch's .pt, .pth and .ckpt, or safetensors";

/// Taking the settings of a run for a new one, wherever it is offered.
pub(super) const SETTINGS_AGAIN: &str = "New run with these settings";

/// What is made of the runs that are compared; the list is the state's.
#[derive(Debug, Default)]
pub struct RunsPanel {
    comparison: compare::Comparison,
}

impl RunsPanel {
    /// Draws the panel.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
        let has_nothing = state.runs.is_empty() && state.import.is_none();
        match &state.runs_view.error {
            Some(error) if has_nothing => unread_ui(ui, state, error, out),
            None if has_nothing => empty_ui(ui, state, out),
            _ => self.page_ui(ui, state, out),
        }
        dialogs_ui(ui, state, out);
    }

    fn page_ui(&mut self, ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
        heading_ui(ui, state, out);
        ui.add_space(SPACE / 2.0);
        if let Some(error) = &state.runs_view.error {
            // Refresh, in the heading, tries again.
            theme::error_card(ui, error, out);
            ui.add_space(SPACE);
        }
        if let Some(view) = &state.import {
            import::import_ui(ui, state, view, out);
            ui.add_space(SPACE);
        }
        if state.runs_view.compared.len() > 1 {
            Panel::bottom("compared runs")
                .frame(egui::Frame::NONE)
                .show_separator_line(false)
                .resizable(true)
                .default_size(ui.available_height() * 0.5)
                .min_size(160.0)
                .show(ui, |ui| self.comparison.ui(ui, state, out));
        }
        list_ui(ui, state, out);
    }
}

/// Even where no run is left: as long as a dialog is open, it has the keys of the window. The one for more epochs may have been
/// opened in Train, over the other one, which waited here: one after the other.
fn dialogs_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    match &state.runs_view.edit {
        Some(edit) if state.runs_view.longer.is_none() => edit::edit_ui(ui, edit, out),
        _ => longer::longer_ui(ui, state, out),
    }
}

fn list_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    egui::CentralPanel::default().frame(egui::Frame::NONE).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = SPACE;
        ScrollArea::vertical().auto_shrink([false, false]).show_rows(ui, row::HEIGHT, state.runs.len(), |ui, rows| {
            for run in state.runs.get(rows).unwrap_or_default() {
                row::run_ui(ui, state, run, out);
            }
        });
    });
}

fn heading_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.label(theme::heading("Runs"));
        ui.add_space(SPACE / 2.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            CommandButton::new("runs.refresh").label("Refresh").ui(ui, state, out);
            if ui.button("Import…").on_hover_text(IMPORT_HELP).clicked() {
                out.push(Action::Ask(Dialog::ImportWeights));
            }
            order_ui(ui, state.runs_view.order, out);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(theme::caption(kept_text(state))).truncate());
            });
        });
    });
}

/// How many runs there are, and where.
fn kept_text(state: &State) -> String {
    let elsewhere = state.runs.iter().filter(|run| run.is_elsewhere).count();
    let (own, place) = (state.runs.len() - elsewhere, state.runs_root.display());
    let runs = counted_spaced(own, "run");
    let mut text = match (state.runs_view.error.is_some(), own) {
        (false, _) => format!("{runs}, kept in {place}"),
        // How many there are is not known.
        (true, 0) => format!("Kept in {place}"),
        (true, _) => format!("{runs} as last read, kept in {place}"),
    };
    if elsewhere > 0 {
        text += &format!("; {elsewhere} opened from elsewhere");
    }
    text
}

fn order_ui(ui: &mut Ui, order: RunOrder, out: &mut Vec<Action>) {
    let label =
        |order: RunOrder| RunOrder::ALL.iter().find(|(known, _)| *known == order).map_or("", |(_, label)| label);
    let response =
        egui::ComboBox::from_id_salt("order of runs").width(150.0).selected_text(label(order)).show_ui(ui, |ui| {
            for (choice, text) in RunOrder::ALL {
                if ui.selectable_label(choice == order, text).clicked() {
                    out.push(RunAction::Sort(choice).into());
                }
            }
        });
    response.response.on_hover_text("Order of the list");
}

/// In the place of the empty page: whether there are runs is not known.
fn unread_ui(ui: &mut Ui, state: &State, error: &Notice, out: &mut Vec<Action>) {
    ui.vertical_centered(|ui| {
        ui.add_space(SPACE * 8.0);
        ui.set_max_width(640.0);
        theme::error_card(ui, error, out);
        ui.add_space(SPACE * 2.0);
        CommandButton::new("runs.refresh").label("Try again").primary_ui(ui, state, out);
        ui.add_space(SPACE);
        CommandButton::new("run.open").ui(ui, state, out);
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
        first_step_ui(ui, state, Lack::Run, out);
        if ui.button("Import weights…").on_hover_text(IMPORT_HELP).clicked() {
            out.push(Action::Ask(Dialog::ImportWeights));
        }
    });
}

#[cfg(test)]
mod tests;
