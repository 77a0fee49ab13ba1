//! Which runs are drawn, which one fills the page, and the menu that adds another.

use crate::app::{Action, OPEN_IMAGES_HELP, Overlay, State, Workspace};
use crate::ui::command_button::CommandButton;
use crate::ui::theme;
use crate::ui::widgets::figures::{counted_spaced, rate_text};
use eframe::egui::{self, Align, Sense, Stroke, Ui, vec2};

/// Runs offered in the menu at most; the others are on the page of runs.
const MENU_RUNS: usize = 12;

/// One row per evaluated run.
pub(super) fn overlays_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    ui.label(theme::subheading("Runs in the plots"))
        .on_hover_text("The selected run fills the figures and holds the operating point");
    for (index, overlay) in state.evaluate.overlays.iter().enumerate() {
        overlay_ui(ui, index, overlay, index == state.evaluate.current, out);
    }
}

fn overlay_ui(ui: &mut Ui, index: usize, overlay: &Overlay, current: bool, out: &mut Vec<Action>) {
    let evaluation = &overlay.evaluation;
    let label = evaluation.label();
    ui.horizontal(|ui| {
        let mut visible = overlay.visible || current;
        // The current run cannot be hidden: its operating point is in the hand.
        let toggle = ui.add_enabled(!current, |ui: &mut Ui| theme::checkbox(ui, &mut visible, ""));
        let toggle = toggle.accessible_name(format!("Draw {label}"));
        if toggle
            .on_hover_text("Draws this run or leaves it out")
            .on_disabled_hover_text("The selected run is always drawn")
            .clicked()
        {
            out.push(Action::ToggleOverlay(index));
        }
        let (swatch, _) = ui.allocate_exact_size(vec2(20.0, 12.0), Sense::hover());
        let colour = theme::series(ui, index);
        ui.painter().hline(swatch.x_range(), swatch.center().y, Stroke::new(3.0, colour));
        ui.with_layout(egui::Layout::right_to_left(Align::Center), |ui| {
            let remove = ui.add(egui::Button::new("×").frame_when_inactive(false));
            let remove = remove.accessible_name(format!("Remove {label}"));
            if remove.on_hover_text("Takes this run out of the plots; the run itself stays").clicked() {
                out.push(Action::RemoveOverlay(index));
            }
            ui.with_layout(
                egui::Layout::left_to_right(Align::Center).with_main_justify(true).with_main_align(Align::Min),
                |ui| {
                    let tokens = theme::tokens(ui);
                    let fill = if current { tokens.accent_faint } else { tokens.card };
                    let name = egui::RichText::new(&label).color(tokens.text);
                    let name = egui::Button::selectable(current, name).fill(fill).truncate();
                    let tooltip =
                        format!("{label}, EER {}. A click shows its numbers", rate_text(evaluation.report.eer));
                    if ui.add(name).on_hover_text(tooltip).clicked() && !current {
                        out.push(Action::ShowOverlay(index));
                    }
                },
            );
        });
    });
}

/// What else the run on the page can be measured on.
fn current_ui(ui: &mut Ui, state: &State, current: &Overlay, out: &mut Vec<Action>) {
    let run = &current.evaluation.run;
    // What is on the page may be of pairs, or of all open images.
    let help = "Measures it on the images that it held out; imported weights on the images that are open";
    if ui.button("Measure this run again").on_hover_text(help).clicked() {
        out.push(Action::Evaluate(run.clone()));
    }
    let has_images = state.open_data().is_some();
    let on_open = ui.add_enabled(has_images, egui::Button::new("Measure it on the open images"));
    if on_open.on_hover_text(OPEN_IMAGES_HELP).on_disabled_hover_text("Open a folder of images in Data first").clicked()
    {
        out.push(Action::EvaluateOpen(run.clone()));
    }
}

/// The menu with the runs on disk that are not in the plots yet.
pub(super) fn evaluate_menu(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    ui.menu_button("Measure another run", |ui| {
        let shown =
            |path: &std::path::Path| state.evaluate.overlays.iter().any(|overlay| overlay.evaluation.run == path);
        let mut others = state.runs.iter().filter(|run| run.has_model && !shown(&run.path)).peekable();
        if others.peek().is_none() {
            ui.label(theme::caption("Every run with a model is in the plots"));
        }
        for run in others.by_ref().take(MENU_RUNS) {
            if ui.button(&run.name).clicked() {
                out.push(Action::Evaluate(run.path.clone()));
            }
        }
        let more = others.count();
        if more > 0 {
            let help = "Goes to Runs, where each can be measured";
            if ui.button(format!("{} in Runs", counted_spaced(more, "more run"))).on_hover_text(help).clicked() {
                out.push(Action::Go(Workspace::Runs));
            }
        }
        ui.separator();
        if let Some(current) = state.evaluate.overlays.get(state.evaluate.current) {
            current_ui(ui, state, current, out);
        }
        CommandButton::new("run.open").ui(ui, state, out);
    });
}
