//! The left column: the form, and the one button that starts.

use crate::app::{Action, MOST_SEEDS, RunAction, State};
use crate::config::{Preset, Value, window_text};
use crate::ui::command_button::CommandButton;
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::param_form::{Edit, FormInput, ParamForm};
use eframe::egui::{self, Align, Layout, Panel, RichText, ScrollArea, Ui};

/// How loud the button is that starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// It does the main thing of the page.
    Main,
    /// Beside it stands a run that is over, and what to do next with that one is the main thing.
    Aside,
}

/// Draws the column.
pub(super) fn settings_ui(ui: &mut Ui, form: &mut ParamForm, start: Start, state: &State, out: &mut Vec<Action>) {
    theme::card(ui, |ui| {
        let height = ui.available_height();
        ui.set_min_height(height);
        heading_ui(ui, state, out);
        Panel::bottom("start training")
            .frame(egui::Frame::NONE)
            .show_separator_line(false)
            .resizable(false)
            .show(ui, |ui| start_ui(ui, start, state, out));
        egui::CentralPanel::default().frame(egui::Frame::NONE).show(ui, |ui| {
            ScrollArea::vertical()
                .id_salt("settings")
                .auto_shrink([false, false])
                .show(ui, |ui| form_ui(ui, form, state, out));
        });
    });
}

fn heading_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.label(theme::subheading("Settings"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().button_padding = egui::vec2(8.0, 2.0);
            presets_ui(ui, out);
            let button = |id, label: &str| CommandButton::new(id).label(theme::caption(label));
            button("edit.reset_all", "Reset").ui(ui, state, out);
            button("edit.redo", "Redo").why_not("There is nothing to redo").ui(ui, state, out);
            button("edit.undo", "Undo").why_not("There is nothing to undo").ui(ui, state, out);
        });
    });
    if state.is_training() {
        ui.label(theme::caption("For the next run; the one under way keeps its own."));
    }
}

/// Settings for a kind of data, to start from.
fn presets_ui(ui: &mut Ui, out: &mut Vec<Action>) {
    let response = ui.menu_button(theme::caption("Presets"), |ui| {
        for preset in Preset::every() {
            if ui.button(preset.label()).on_hover_text(preset.advice()).clicked() {
                out.push(Action::UsePreset(preset));
                ui.close();
            }
        }
    });
    response.response.on_hover_text("Settings for a kind of data to start from; can be undone");
}

fn form_ui(ui: &mut Ui, form: &mut ParamForm, state: &State, out: &mut Vec<Action>) {
    let resolved = state.open_data().map(|data| &data.resolved);
    let runs: Vec<(String, String)> = state
        .runs
        .iter()
        .filter(|run| run.has_model)
        .map(|run| (run.path.to_string_lossy().into_owned(), run.name.clone()))
        .collect();
    let input = FormInput {
        runs: &runs,
        config: &state.config,
        resolved: resolved.and_then(|resolved| resolved.as_ref().ok()).map(AsRef::as_ref),
        problem: resolved.and_then(|resolved| resolved.as_ref().err()).map(String::as_str),
        devices: &state.devices,
    };
    out.extend(form.ui(ui, &input).into_iter().map(|edit| match edit {
        Edit::Set("train.start_from", Value::Text(run)) if !run.is_empty() => RunAction::FineTune(run.into()).into(),
        Edit::Set(key, value) => Action::Set { key, value },
        Edit::Reset(key) => Action::Reset(key),
        Edit::Seal => Action::SealEdit,
    }));
}

fn start_ui(ui: &mut Ui, start: Start, state: &State, out: &mut Vec<Action>) {
    ui.add_space(SPACE);
    let problem = match state.open_data() {
        None => Some("Open a data set to train again.".to_owned()),
        Some(data) => data.resolved.as_ref().err().map(|problem| window_text(problem)),
    };
    if let Some(problem) = &problem {
        ui.add(egui::Label::new(RichText::new(problem).size(13.0).color(theme::tokens(ui).bad)).wrap());
    }
    seeds_ui(ui, state, out);
    let why_not = if state.is_training() {
        "A run is being trained; stop it first"
    } else {
        "What has to be changed first stands above this button"
    };
    let button = CommandButton::new("train.start").why_not(why_not);
    ui.vertical_centered_justified(|ui| match start {
        Start::Main => button.primary_ui(ui, state, out),
        Start::Aside => button.label("Start a new run").plain_ui(ui, state, out),
    });
}

/// How often the run is made.
fn seeds_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let help = "Makes the run so many times, one after the other, each with the next seed, and tells mean and spread of what \
                was reached";
    ui.horizontal(|ui| {
        let label = ui.label("Repeat with seeds").on_hover_text(help);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let mut seeds = state.seeds;
            let value = egui::DragValue::new(&mut seeds).range(1..=MOST_SEEDS).speed(0.05);
            if ui.add_sized([64.0, 28.0], value).labelled_by(label.id).on_hover_text(help).changed() {
                out.push(Action::SetSeeds(seeds));
            }
        });
    });
    ui.add_space(SPACE / 2.0);
}
