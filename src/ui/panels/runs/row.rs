//! One run of the list.

use super::SETTINGS_AGAIN;
use super::longer::{ASK, ASK_HELP, why_not_longer};
use crate::app::{Action, MOST_COMPARED, OPEN_IMAGES_HELP, RunAction, State};
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::figures::{classes_spaced, counted_spaced, rate_text};
use crate::worker::protocol::RunEntry;
use eframe::egui::{self, Align, Label, Layout, RichText, Ui};
use std::path::Path;

/// Height of one run.
pub(super) const HEIGHT: f32 = 72.0;

/// Draws one run.
pub(super) fn run_ui(ui: &mut Ui, state: &State, run: &RunEntry, out: &mut Vec<Action>) {
    let active = state.active_run.as_deref() == Some(run.path.as_path());
    let mut frame = theme::card_frame(ui);
    if active {
        frame = frame.stroke(egui::Stroke::new(1.0, theme::tokens(ui).accent));
    }
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            let widths = if ui.available_width() < NARROW { CLOSE } else { WIDE };
            ui.spacing_mut().item_spacing.x = widths.gap;
            compare_ui(ui, state, run, out);
            let numbers: f32 = widths.numbers.iter().map(|width| width + widths.gap).sum();
            let rest = ui.available_width() - numbers - BUTTONS_WIDTH - widths.gap;
            cell_ui(ui, rest.clamp(140.0, 420.0), |ui| name_ui(ui, run, active));
            numbers_ui(ui, state, run, widths.numbers);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| buttons_ui(ui, state, run, active, out));
        });
    });
}

/// Room for the buttons.
const BUTTONS_WIDTH: f32 = 276.0;
/// Why a run's model cannot be used.
const NO_MODEL: &str = "No epoch was finished, so there is no model yet";
/// Why no run can go on.
const IS_BUSY: &str = "Another run is being trained";
/// Why the run that is being trained can neither go on nor be changed.
const IS_TRAINED: &str = "It is being trained; stop it first, or wait until it is done";
/// Rows below this width have their cells closer together.
const NARROW: f32 = 900.0;

/// Widths of the three numbers, and the gap beside each.
#[derive(Clone, Copy)]
struct Widths {
    numbers: [f32; 3],
    gap: f32,
}

const WIDE: Widths = Widths { numbers: [100.0, 88.0, 72.0], gap: SPACE * 2.0 };
const CLOSE: Widths = Widths { numbers: [84.0, 62.0, 60.0], gap: SPACE };

/// Columns align because every cell has its width, whatever is in it.
fn cell_ui(ui: &mut Ui, width: f32, add: impl FnOnce(&mut Ui)) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(egui::vec2(width, HEIGHT - 34.0), egui::Sense::hover());
    let mut cell = ui.new_child(egui::UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Min)));
    cell.spacing_mut().item_spacing.y = 2.0;
    add(&mut cell);
    response
}

/// Chooses the run for comparison; the box has the colour of its curve.
fn compare_ui(ui: &mut Ui, state: &State, run: &RunEntry, out: &mut Vec<Action>) {
    let compared = &state.runs_view.compared;
    let place = compared.iter().position(|path| *path == run.path);
    let mut chosen = place.is_some();
    let full = !chosen && compared.len() >= MOST_COMPARED;
    let response = ui.add_enabled(!full, |ui: &mut Ui| theme::checkbox(ui, &mut chosen, ""));
    let response = response.accessible_name(format!("Compare {}", run.name));
    let help = format!("No more than {MOST_COMPARED} runs are compared at once");
    let response = response.on_hover_text("Compares this run with the others chosen").on_disabled_hover_text(help);
    if let Some(place) = place {
        let rect = response.rect.expand(3.0);
        ui.painter().rect_stroke(
            rect,
            4.0,
            egui::Stroke::new(2.0, theme::series(ui, place)),
            egui::StrokeKind::Outside,
        );
    }
    if response.clicked() {
        out.push(RunAction::Compare(run.path.clone()).into());
    }
}

fn name_ui(ui: &mut Ui, run: &RunEntry, active: bool) {
    ui.add(Label::new(theme::strong(&run.name).size(15.0)).truncate()).on_hover_text(run.path.display().to_string());
    let place = if run.is_elsewhere { ", opened from elsewhere" } else { "" };
    let used = if active { format!("{place}, in use") } else { place.to_owned() };
    let seed = run.series().map(|_| format!(", seed {} of a series", run.config.train.seed)).unwrap_or_default();
    let facts = match &run.config.run {
        Some(facts) if run.is_imported() => format!("imported from {}{used}", facts.imported),
        Some(facts) => format!("{}, {}{seed}{used}", run.data_name(), classes_spaced(facts.classes as usize)),
        None => format!("{}{used}", run.data_name()),
    };
    let first_line = run.note.lines().next().unwrap_or_default();
    let text = if first_line.is_empty() { facts.clone() } else { format!("{first_line} ({facts})") };
    let response = ui.add(Label::new(theme::caption(text)).truncate());
    if !run.note.is_empty() {
        response.on_hover_text(&run.note);
    }
}

fn numbers_ui(ui: &mut Ui, state: &State, run: &RunEntry, [loss_width, epochs_width, eer_width]: [f32; 3]) {
    let cell = |ui: &mut Ui, width: f32, label: &str, value: &str, help: &str| {
        let response = cell_ui(ui, width, |ui| {
            ui.label(theme::caption(label));
            ui.add(Label::new(RichText::new(value).size(15.0)).truncate());
        });
        response.on_hover_text(help)
    };
    // How imported weights were trained is not known.
    let known = |text: String| if run.is_imported() { "–".to_owned() } else { text };
    let loss = known(run.config.loss.head.label().to_owned());
    cell(ui, loss_width, "Loss", &loss, "The margin head it was trained with");
    let epochs = known(format!("{} of {}", run.epochs_done, run.config.train.epochs));
    cell(ui, epochs_width, "Epochs", &epochs, "Passes over the training images that were done");
    let eer = run.eer.map_or_else(|| "–".to_owned(), rate_text);
    let response = cell(ui, eer_width, "Best EER", &eer, "Lowest equal error rate on held-out pairs");
    if let Some(words) = state.series_facts(run).and_then(|series| series.words.as_deref()) {
        // Below the first one; written only for the row under the pointer.
        response.on_hover_ui(|ui| {
            ui.set_max_width(ui.spacing().tooltip_width);
            ui.label(format!("Of its series, measured at the end: {words}"));
        });
    }
}

fn buttons_ui(ui: &mut Ui, state: &State, run: &RunEntry, active: bool, out: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.x = SPACE;
    menu_ui(ui, state, run, out);
    let mut button = |label: &str, enabled: bool, help: &str, action: Action| {
        let name = format!("{label} {}", run.name);
        let response = ui.add_enabled(enabled, egui::Button::new(label)).accessible_name(name);
        if response.on_hover_text(help).on_disabled_hover_text(help).clicked() {
            out.push(action);
        }
    };
    let path = run.path.clone();
    let measure_help = match (run.has_model, run.is_imported()) {
        (false, _) => NO_MODEL,
        (true, false) => "Measures its error rates on its held-out images",
        (true, true) => "Measures its error rates on the images that are open",
    };
    button("Measure", run.has_model, measure_help, Action::Evaluate(path.clone()));
    let busy = why_busy(state, &run.path);
    let continue_help = match (run.resumable, busy) {
        (_, Some(IS_TRAINED)) => IS_TRAINED,
        (false, _) if run.is_imported() => "It was trained elsewhere; Fine-tune, in the menu, starts from its weights",
        (false, _) if ended_early(run) => {
            "It ended early, because nothing improved any more; Train longer, in the menu, goes on with it"
        }
        (false, _) => "All epochs are done; Train longer, in the menu, gives it more",
        (true, Some(why)) => why,
        (true, None) => "Goes on from the last checkpoint",
    };
    button("Continue", run.resumable && busy.is_none(), continue_help, Action::ContinueRun(path.clone()));
    let use_help = match (run.has_model, active) {
        (false, _) => NO_MODEL,
        (true, true) => "Explore, Evaluate and Verify use this model",
        (true, false) => "Lets Explore, Evaluate and Verify use this model",
    };
    button("Use", run.has_model && !active, use_help, Action::UseRun(path));
}

/// Why this run cannot go on while one is being trained; `None` when none is.
pub(super) fn why_busy(state: &State, run: &Path) -> Option<&'static str> {
    state.is_training().then(|| if state.is_being_trained(run) { IS_TRAINED } else { IS_BUSY })
}

/// An entry of the menu; `why_not` says why it cannot be chosen, where it cannot.
fn item(ui: &mut Ui, label: &str, help: &str, why_not: Option<&str>, action: impl Into<Action>, out: &mut Vec<Action>) {
    let item = ui.add_enabled(why_not.is_none(), egui::Button::new(label));
    if item.on_hover_text(help).on_disabled_hover_text(why_not.unwrap_or_default()).clicked() {
        out.push(action.into());
        ui.close();
    }
}

/// What is wanted less often.
fn menu_ui(ui: &mut Ui, state: &State, run: &RunEntry, out: &mut Vec<Action>) {
    let menu = ui.menu_button("…", |ui| {
        let items = [
            ("Name and note…", "Gives the run a name and a note", RunAction::Edit(run.path.clone())),
            (SETTINGS_AGAIN, "Takes its settings to Train, to be changed", RunAction::Duplicate(run.path.clone())),
            (
                "Fine-tune",
                "A new run that starts from this one's network, on the images that are open",
                RunAction::FineTune(run.path.clone()),
            ),
            (
                "Export…",
                "Writes its network for other programs: ONNX, or safetensors for PyTorch",
                RunAction::Export(run.path.clone()),
            ),
            ("Show folder", "Opens the run's folder in the file manager", RunAction::OpenFolder(run.path.clone())),
        ];
        // Imported weights come without settings of their own.
        let offered = |action: &RunAction| !(run.is_imported() && matches!(action, RunAction::Duplicate(_)));
        for (label, help, action) in items.into_iter().filter(|(_, _, action)| offered(action)) {
            let why_not = match action {
                RunAction::FineTune(_) | RunAction::Export(_) if !run.has_model => Some(NO_MODEL),
                RunAction::Edit(_) if state.is_being_trained(&run.path) => Some(IS_TRAINED),
                _ => None,
            };
            item(ui, label, help, why_not, action, out);
        }
        longer_ui(ui, state, run, out);
        open_images_ui(ui, state, run, out);
        series_ui(ui, state, run, out);
        ui.separator();
        bin_ui(ui, state, run, out);
    });
    menu.response.accessible_name(format!("More for {}", run.name)).on_hover_text("Name, note, settings, folder, bin");
}

/// Last and apart, so that no hand slips onto it.
fn bin_ui(ui: &mut Ui, state: &State, run: &RunEntry, out: &mut Vec<Action>) {
    let help = "Moves it to the folder bin beside the runs, from where it can be moved back";
    let why_not = state.is_being_trained(&run.path).then_some(IS_TRAINED);
    item(ui, "Move to the bin", help, why_not, RunAction::Delete(run.path.clone()), out);
}

/// How weights that were imported were trained is not known.
fn longer_ui(ui: &mut Ui, state: &State, run: &RunEntry, out: &mut Vec<Action>) {
    if run.is_imported() {
        return;
    }
    let why_not = if !run.resumable && !run.has_model {
        Some(NO_MODEL)
    } else {
        why_not_longer(run.config.train.epochs).or(why_busy(state, &run.path))
    };
    item(ui, ASK, ASK_HELP, why_not, RunAction::AskLonger(run.path.clone()), out);
}

/// Evaluate does that already with weights that were imported.
fn open_images_ui(ui: &mut Ui, state: &State, run: &RunEntry, out: &mut Vec<Action>) {
    if run.is_imported() {
        return;
    }
    let why_not = match (run.has_model, state.open_data()) {
        (false, _) => Some(NO_MODEL),
        (true, None) => Some("Open a folder of images in Data first"),
        (true, Some(_)) => None,
    };
    let action = Action::EvaluateOpen(run.path.clone());
    item(ui, "Measure on the open images", OPEN_IMAGES_HELP, why_not, action, out);
}

/// Only where a series has something left to do.
fn series_ui(ui: &mut Ui, state: &State, run: &RunEntry, out: &mut Vec<Action>) {
    let left = state.series_facts(run).map_or(0, |series| series.left);
    if left == 0 {
        return;
    }
    let left = counted_spaced(left, "run");
    let help = format!("Trains what is missing or unfinished of its series, one run after the other: {left}");
    let action = RunAction::ContinueSeries(run.path.clone());
    item(ui, "Continue the series", &help, why_busy(state, &run.path), action, out);
}

fn ended_early(run: &RunEntry) -> bool {
    let train = &run.config.train;
    train.stop_after > 0 && run.has_model && run.epochs_done < train.epochs
}
