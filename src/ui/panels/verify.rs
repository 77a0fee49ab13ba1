//! Two images: same, different, or cannot tell, with the error rates measured at the threshold in force.
//!
//! Not a probability that the two show the same: nothing here knows how often strangers are compared. What is said is what
//! was counted, how often this threshold was wrong on pairs of the person's own data.

mod align;
mod verdict;

use self::verdict::verdict_ui;
use crate::app::{Action, Dialog, FaceAction, State};
use crate::ui::command_button::CommandButton;
use crate::ui::media::Media;
use crate::ui::panels::first_step::{Lack, first_step_ui};
use crate::ui::theme;
use crate::ui::widgets::image_slot::{ImageSlot, image_slot};
use crate::ui::widgets::neighbour_strip::NeighbourStrip;
use crate::ui::widgets::operating_rule::{OperatingMemory, rule_chooser};
use crate::ui::widgets::score_histogram::{ScoreHistogram, score_histogram};
use crate::worker::protocol::{Evaluation, ImageSource, VerifyResult};
use eframe::egui::{self, Align, Ui, vec2};
use std::sync::Arc;

/// Narrower than this, the verdict stands below the images, in points.
const THREE_COLUMNS_PT: f32 = 780.0;
/// Width of the verdict beside the images, in points.
const VERDICT_PT: f32 = 340.0;
const TITLES: [&str; 2] = ["First image", "Second image"];

/// The memory of the threshold.
#[derive(Debug, Default)]
pub struct VerifyPanel {
    operating: OperatingMemory,
}

impl VerifyPanel {
    /// Draws the workspace.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, media: &mut Media, out: &mut Vec<Action>) {
        if state.has_model() {
            self.page_ui(ui, state, media, out);
        } else {
            empty_ui(ui, state, out);
        }
        // Even where the model is gone meanwhile: as long as the dialog is open, it has the keys of the window.
        if let Some(view) = &state.faces.align {
            self::align::align_ui(ui, state, view, media, out);
        }
    }

    fn page_ui(&mut self, ui: &mut Ui, state: &State, media: &mut Media, out: &mut Vec<Action>) {
        egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            header_ui(ui, state, out);
            ui.add_space(theme::SPACE);
            top_ui(ui, state, media, out);
            theme::gap(ui);
            self.scores_ui(ui, state, out);
            if let Some(result) = &state.verify.result {
                neighbours_ui(ui, result, media, out);
            }
            ui.add_space(theme::SPACE);
        });
    }

    /// Where this similarity falls among all pairs that were measured.
    fn scores_ui(&mut self, ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
        // Those of another network than the one that compared the two images would say nothing of them.
        let is_of_result = |known: &Evaluation| {
            state.verify.result.as_ref().is_none_or(|result| result.model_sha256 == known.model_sha256)
        };
        let Some(evaluation) = state.active_evaluation().filter(|known| is_of_result(known)) else { return };
        let kept_elsewhere = evaluation.kept_elsewhere.clone();
        let point = kept_elsewhere.unwrap_or_else(|| self.operating.get(&evaluation.rates, evaluation.rule));
        theme::card(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.label(theme::subheading("Scores and threshold"))
                    .on_hover_text("Similarities of the genuine and impostor pairs that this model was measured on");
                ui.add_space(theme::SPACE);
                let chosen = rule_chooser(ui, evaluation.rule, evaluation.report.n_impostor);
                out.extend(chosen.map(|rule| Action::SetRule { run: evaluation.run.clone(), rule }));
            });
            let report = &evaluation.report;
            let similarity = state.verify.result.as_ref().map(|result| result.similarity);
            let scores = ScoreHistogram {
                genuine: &report.genuine_hist,
                impostor: &report.impostor_hist,
                operating: Some(&point),
                similarity,
            };
            score_histogram(ui, vec2(ui.available_width(), 220.0), &scores);
            if point.undecided_high > point.undecided_low {
                let band = format!(
                    "Shaded: between {:.2} and {:.2} the measured pairs cannot tell the two apart.",
                    point.undecided_low, point.undecided_high
                );
                ui.label(theme::caption(band));
            }
        });
    }
}

/// The two images and what they amount to.
fn top_ui(ui: &mut Ui, state: &State, media: &mut Media, out: &mut Vec<Action>) {
    let beside = ui.available_width() >= THREE_COLUMNS_PT;
    let room = ui.available_width() - if beside { VERDICT_PT + theme::GAP } else { 0.0 };
    let slot_width = ((room - theme::GAP) / 2.0).max(120.0);
    ui.horizontal_top(|ui| {
        for index in 0..2 {
            if index > 0 {
                theme::gap(ui);
            }
            ui.allocate_ui(vec2(slot_width, 0.0), |ui| slot_ui(ui, index, state, media, out));
        }
        if beside {
            theme::gap(ui);
            ui.vertical(|ui| theme::card(ui, |ui| verdict_ui(ui, state, out)));
        }
    });
    if !beside {
        theme::gap(ui);
        theme::card(ui, |ui| verdict_ui(ui, state, out));
    }
}

fn header_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.set_min_height(32.0);
        ui.label(theme::heading("Verify"));
        ui.add_space(theme::SPACE);
        ui.with_layout(egui::Layout::right_to_left(Align::Center), |ui| {
            CommandButton::new("verify.paste").label("Paste").ui(ui, state, out);
            let swap = CommandButton::new("verify.swap").label("Swap");
            swap.why_not("There is no image to exchange yet").ui(ui, state, out);
            ui.with_layout(egui::Layout::left_to_right(Align::Center), |ui| {
                let run = state.active_run.as_deref().map(|run| state.run_name(run)).unwrap_or_default();
                ui.add(egui::Label::new(theme::caption(format!("with the model of {run}"))).truncate());
            });
        });
    });
}

fn slot_ui(ui: &mut Ui, index: usize, state: &State, media: &mut Media, out: &mut Vec<Action>) {
    let slot = ImageSlot {
        title: TITLES.get(index).copied().unwrap_or_default(),
        source: state.verify.slots.get(index).and_then(Option::as_ref),
        crop: state.verify.result.as_ref().and_then(|result| result.crops.get(index)),
        length: state.verify.result.as_ref().and_then(|result| result.lengths?.get(index).copied()),
        height: (ui.available_width() * 0.92).clamp(180.0, 280.0),
    };
    let reply = image_slot(ui, media, &slot);
    if reply.pick {
        out.push(Action::Ask(Dialog::PickImage(index)));
    }
    if reply.clear {
        out.push(Action::ClearSlot(index));
    }
    if reply.align {
        out.push(FaceAction::Open(index).into());
    }
}

/// The nearest known images to each of the two.
fn neighbours_ui(ui: &mut Ui, result: &VerifyResult, media: &mut Media, out: &mut Vec<Action>) {
    let Some(measured) = &result.measured else { return };
    let (table, catalog) = (&measured.table, &measured.catalog);
    if result.neighbours.iter().all(Vec::is_empty) {
        return;
    }
    theme::gap(ui);
    let columns = if ui.available_width() < 560.0 { 1 } else { 2 };
    ui.spacing_mut().item_spacing.x = theme::GAP;
    theme::columns(ui, columns, |column, ui| {
        let all = result.neighbours.iter().zip(TITLES).enumerate();
        for (index, (neighbours, title)) in all.filter(|(index, _)| index % columns == column) {
            if index >= columns {
                theme::gap(ui);
            }
            theme::card(ui, |ui| {
                ui.label(theme::subheading(format!("Nearest to the {}", title.to_lowercase())));
                ui.label(theme::caption("Known images by cosine similarity. A click puts one into the other slot."));
                let strip = NeighbourStrip { catalog, table, neighbours, own_class: None };
                if let Some(item) = strip.wrapped_ui(ui, media).and_then(|row| table.items().get(row as usize).copied())
                {
                    out.push(Action::SetSlot(1 - index, ImageSource::Item(Arc::clone(catalog), item)));
                }
            });
        }
    });
}

fn empty_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let text =
        "Verify compares two images with a trained model and tells how often it was wrong on pairs of your own data.";
    theme::empty_state(ui, "Train or open a run first", text, |ui| {
        let Some(run) = state.newest_model() else { return first_step_ui(ui, state, Lack::Run, out) };
        if theme::primary_button(ui, "Use the newest run").on_hover_text(run.name.clone()).clicked() {
            out.push(Action::UseRun(run.path.clone()));
        }
        ui.add_space(theme::SPACE);
        CommandButton::new("run.open").ui(ui, state, out);
    });
}

#[cfg(test)]
mod tests;
