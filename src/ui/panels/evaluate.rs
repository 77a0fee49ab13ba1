//! Error rates: what the embeddings of one or more runs are worth, and the threshold that follows.
//!
//! Not the computation (a worker's). The operating point is dragged on the DET curve; while it moves everything on this page
//! follows a preview kept here, and only letting go changes the state, because the state also writes it into the run.

mod figures;
mod pairs;
mod picture;
mod runs;
mod tables;

use self::figures::{operating_ui, stats_ui};
use crate::app::{Action, Overlay, State};
use crate::config::capitalised;
use crate::eval::{OperatingPoint, OperatingRule};
use crate::train::Doubt;
use crate::ui::command_button::CommandButton;
use crate::ui::media::Media;
use crate::ui::panels::first_step::{Lack, first_step_ui};
use crate::ui::theme;
use crate::ui::widgets::det_plot::{RateCurve, det_plot};
use crate::ui::widgets::figures::counted_spaced;
use crate::ui::widgets::job_bar::{done_text, titled_job, with_time_left};
use crate::ui::widgets::operating_rule::OperatingMemory;
use crate::ui::widgets::roc_plot::roc_plot;
use crate::ui::widgets::score_histogram::{ScoreHistogram, score_histogram};
use crate::ui::widgets::set_buttons::set_buttons;
use crate::worker::protocol::Evaluation;
use eframe::egui::{self, Align, Ui, Vec2, vec2};

/// Narrower than this, cards stand below each other, in points.
const TWO_COLUMNS_PT: f32 = 720.0;
/// Width of the right column, in points.
const RIGHT_PT: f32 = 372.0;
const DET_HEIGHT_PT: f32 = 420.0;
const SMALL_PLOT_PT: f32 = 260.0;

/// The threshold while it is being dragged.
#[derive(Debug, Default)]
pub struct EvaluatePanel {
    preview_far: Option<f64>,
    operating: OperatingMemory,
    /// Height the DET plot needs to end where the right column ends, as the last frame showed it.
    det_height: f32,
}

impl EvaluatePanel {
    /// Draws the workspace.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, _media: &mut Media, out: &mut Vec<Action>) {
        if let Some(view) = state.pairs_sheet() {
            pairs::pairs_ui(ui, state, view, out);
            ui.add_space(theme::SPACE);
        }
        let evaluate = &state.evaluate;
        let Some(overlay) = evaluate.overlays.get(evaluate.current) else {
            nothing_ui(ui, state, out);
            return;
        };
        let evaluation = &*overlay.evaluation;
        let rule = self.preview_far.map_or(evaluation.rule, OperatingRule::Far);
        let point = self.operating.get(&evaluation.rates, rule);
        egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            header_ui(ui, state, evaluation, out);
            left_out_ui(ui, evaluation);
            outdated_ui(ui, state);
            doubt_ui(ui, evaluation);
            ui.add_space(theme::SPACE);
            if let Some(notice) = &evaluate.error {
                theme::error_card(ui, notice, out);
                ui.add_space(theme::SPACE);
            }
            if evaluate.job.is_some() {
                busy_ui(ui, state, out);
                ui.add_space(theme::SPACE);
            }
            stats_ui(ui, evaluation);
            theme::gap(ui);
            self.main_row(ui, state, evaluation, &point, out);
            theme::gap(ui);
            plots_row(ui, state, evaluation, &point);
            if evaluate.overlays.len() > 1 {
                theme::gap(ui);
                theme::card(ui, |ui| tables::comparison_ui(ui, &evaluate.overlays, evaluate.current));
            }
            ui.add_space(theme::SPACE);
        });
    }

    /// The DET curve with everything that belongs to the threshold beside it.
    fn main_row(
        &mut self,
        ui: &mut Ui,
        state: &State,
        evaluation: &Evaluation,
        point: &OperatingPoint,
        out: &mut Vec<Action>,
    ) {
        let right = |ui: &mut Ui, out: &mut Vec<Action>| {
            theme::card(ui, |ui| operating_ui(ui, evaluation, point, out));
            theme::gap(ui);
            theme::card(ui, |ui| tables::tar_ui(ui, &evaluation.report));
            theme::gap(ui);
            theme::card(ui, |ui| runs::overlays_ui(ui, state, out));
        };
        if ui.available_width() < TWO_COLUMNS_PT {
            self.det_ui(ui, state, point, DET_HEIGHT_PT, out);
            theme::gap(ui);
            right(ui, out);
            return;
        }
        ui.horizontal_top(|ui| {
            let left = ui.available_width() - RIGHT_PT - theme::GAP;
            let height = self.det_height.max(DET_HEIGHT_PT);
            let det = ui.allocate_ui(vec2(left, 0.0), |ui| {
                ui.vertical(|ui| self.det_ui(ui, state, point, height, out)).response.rect
            });
            theme::gap(ui);
            let beside = ui.vertical(|ui| right(ui, out)).response.rect;
            self.det_height = height + beside.height() - det.inner.height();
        });
    }

    fn det_ui(&mut self, ui: &mut Ui, state: &State, point: &OperatingPoint, height: f32, out: &mut Vec<Action>) {
        theme::card(ui, |ui| {
            ui.horizontal(|ui| {
                ui.with_layout(egui::Layout::right_to_left(Align::Center), |ui| {
                    picture::picture_ui(ui, state, out);
                    // In what the buttons leave, which is little in a narrow window once a picture was saved.
                    ui.with_layout(egui::Layout::left_to_right(Align::Center), det_title_ui);
                });
            });
            ui.label(theme::caption(
                "Drag the point along its curve to choose the threshold. The band is the 95 % interval.",
            ));
            let curves = curves(ui, state);
            let reply = det_plot(ui, vec2(ui.available_width(), height), &curves, Some(point));
            self.preview_far = reply.preview;
            let run = state.evaluate.current().map(|evaluation| evaluation.run.clone());
            let chosen = reply.chosen.map(OperatingRule::Far).zip(run);
            out.extend(chosen.map(|(rule, run)| Action::SetRule { run, rule }));
        });
    }
}

fn det_title_ui(ui: &mut Ui) {
    let help = "Both error rates at every threshold, on axes on which normally distributed scores give a straight line; nearer to the lower left is better";
    ui.add(egui::Label::new(theme::subheading("Detection error trade-off")).truncate()).on_hover_text(help);
}

/// The visible runs; each keeps its colour wherever it is drawn.
fn curves<'a>(ui: &Ui, state: &'a State) -> Vec<RateCurve<'a>> {
    let curve = |(index, overlay): (usize, &'a Overlay)| RateCurve {
        name: overlay.evaluation.label(),
        points: &overlay.evaluation.report.det,
        colour: theme::series(ui, index),
        current: index == state.evaluate.current,
    };
    state.evaluate.shown().map(curve).collect()
}

fn header_ui(ui: &mut Ui, state: &State, evaluation: &Evaluation, out: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.set_min_height(32.0);
        ui.label(theme::heading("Evaluate"));
        ui.add_space(theme::SPACE);
        ui.with_layout(egui::Layout::right_to_left(Align::Center), |ui| {
            runs::evaluate_menu(ui, state, out);
            pairs_button(ui, state, out);
            ui.with_layout(egui::Layout::left_to_right(Align::Center), |ui| {
                ui.add(egui::Label::new(theme::caption(format!("{}, {}", evaluation.name, evaluation.on))).truncate());
            });
        });
    });
}

/// What could not be measured: the figures are of the rest then.
fn left_out_ui(ui: &mut Ui, evaluation: &Evaluation) {
    for group in evaluation.warnings.groups() {
        let text = theme::caption(format!("{}. {}", group.headline, group.hint));
        ui.label(text.color(theme::tokens(ui).warning)).on_hover_text(group.examples.join("\n"));
    }
}

/// That the figures are of an earlier network of the run.
fn outdated_ui(ui: &mut Ui, state: &State) {
    let Some(measured) = state.evaluate.current().filter(|_| state.evaluate.is_outdated()) else { return };
    let network = match measured.epoch {
        0 => "the network that the run started from".to_owned(),
        epoch => format!("the checkpoint of epoch {epoch}"),
    };
    let text = format!(
        "These were measured with {network}, and another one is the run's best now. Measure the run again to choose its threshold."
    );
    ui.label(theme::caption(text).color(theme::tokens(ui).warning));
}

/// That copies of images, or a network that learned nothing, make the figures what they are.
fn doubt_ui(ui: &mut Ui, evaluation: &Evaluation) {
    let Some(doubt) = evaluation.doubt else { return };
    let advice = match doubt {
        Doubt::Collapsed => "",
        Doubt::Copies { .. } => " Look for them with Check, in Data, before you trust these rates.",
    };
    let text = format!("{}.{advice}", capitalised(&doubt.words(counted_spaced)));
    ui.label(theme::caption(text).color(theme::tokens(ui).warning));
}

/// Another question to the same model; those that lie beside the open data need not be looked for.
fn pairs_button(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    CommandButton::new("run.evaluate_pairs").ui(ui, state, out);
    let sets = state.open_data().map(|data| data.catalog.verification_sets.as_slice()).unwrap_or_default();
    if !sets.is_empty() {
        let menu = ui.menu_button("Verification sets", |ui| {
            out.extend(set_buttons(ui, sets).map(|set| Action::LookAtPairs(set.clone())));
        });
        menu.response.on_hover_text("Those that lie beside the open data");
    }
}

/// Why nothing can be measured while no model is in use.
const NO_MODEL: &str = "No model is in use: choose a run in Runs, or train one";

/// Why the model in use cannot be measured, for when it cannot.
pub(super) fn why_not_measured(state: &State) -> &'static str {
    if state.evaluate.job.is_some() { "Error rates are being measured already" } else { NO_MODEL }
}

/// ROC and scores.
fn plots_row(ui: &mut Ui, state: &State, evaluation: &Evaluation, point: &OperatingPoint) {
    let roc = |ui: &mut Ui| {
        theme::card(ui, |ui| {
            ui.label(theme::subheading("ROC"))
                .on_hover_text("Genuine pairs accepted over impostor pairs accepted; the latter on a logarithmic axis");
            let curves = curves(ui, state);
            roc_plot(ui, Vec2::new(ui.available_width(), SMALL_PLOT_PT), &curves, Some(point));
        });
    };
    let scores = |ui: &mut Ui| {
        theme::card(ui, |ui| {
            ui.label(theme::subheading("Scores"))
                .on_hover_text("Similarities of all genuine and all impostor pairs of the current run");
            let report = &evaluation.report;
            let scores = ScoreHistogram {
                genuine: &report.genuine_hist,
                impostor: &report.impostor_hist,
                operating: Some(point),
                similarity: None,
            };
            score_histogram(ui, Vec2::new(ui.available_width(), SMALL_PLOT_PT), &scores);
        });
    };
    if ui.available_width() < TWO_COLUMNS_PT {
        roc(ui);
        theme::gap(ui);
        scores(ui);
    } else {
        ui.spacing_mut().item_spacing.x = theme::GAP;
        ui.columns_const(|[left, right]| {
            roc(left);
            scores(right);
        });
    }
}

/// How far the measurement is, and how to stop it; nothing while there is none.
pub(super) fn busy_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let Some(id) = state.evaluate.job else { return };
    let progress = state.job(id).map(|job| job.progress).unwrap_or_default();
    let done = done_text(&progress, "image").map(|done| with_time_left(format!("{done} embedded"), &progress));
    // Training may take hours: a bar that runs all the while would be of something that is done.
    let waits = done.is_none() && state.measuring_waits();
    let before = if waits { "Waits until the training is over" } else { "Loading the model" };
    let text = done.unwrap_or_else(|| before.to_owned());
    let shown = (!waits).then_some(&progress);
    if theme::card(ui, |ui| titled_job(ui, "Measuring error rates", shown, &text)).inner {
        out.push(Action::CancelJob(id));
    }
}

/// No run has been evaluated: busy, failed, or not begun.
fn nothing_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    if state.evaluate.job.is_some() {
        ui.label(theme::heading("Evaluate"));
        ui.add_space(theme::SPACE);
        busy_ui(ui, state, out);
        return;
    }
    if let Some(notice) = &state.evaluate.error {
        ui.label(theme::heading("Evaluate"));
        ui.add_space(theme::SPACE);
        theme::error_card(ui, notice, out);
        ui.add_space(theme::SPACE);
        ui.horizontal(|ui| {
            // Of pairs, the sheet above asks for that.
            let is_for_sheet = state.evaluate.is_on_pairs && state.pairs.is_some();
            if !is_for_sheet
                && let Some(run) = &state.active_run
                && ui.button("Try again").on_hover_text("Measures the run in use once more").clicked()
            {
                out.push(Action::Evaluate(run.clone()));
            }
            // Its own images may be gone for good.
            if state.open_data().is_some() {
                CommandButton::new("run.evaluate_open").why_not(why_not_measured(state)).ui(ui, state, out);
            } else {
                CommandButton::new("data.open_folder").ui(ui, state, out);
            }
        });
        return;
    }
    if state.pairs.is_some() && state.has_model() {
        return;
    }
    let text = "Train a model on your images, or open a run. Its held-out images are compared pair by pair, and you see how often it would accept a stranger or reject the right one.";
    theme::empty_state(ui, "No error rates yet", text, |ui| {
        let active = state.active_run.as_deref().and_then(|run| state.run_entry(run)).filter(|run| run.has_model);
        let Some(run) = active.or_else(|| state.newest_model()) else {
            first_step_ui(ui, state, Lack::Run, out);
            // One that is being trained is in use before it is in the list.
            if state.has_model() {
                pairs_button(ui, state, out);
            }
            return;
        };
        if theme::primary_button(ui, "Measure error rates")
            .on_hover_text(format!("Measures the run {}", run.name))
            .clicked()
        {
            out.push(Action::Evaluate(run.path.clone()));
        }
        ui.label(theme::caption(format!("of the run {}", run.name)));
        ui.add_space(theme::SPACE);
        if state.has_model() {
            pairs_button(ui, state, out);
        }
        CommandButton::new("run.open").ui(ui, state, out);
    });
}

#[cfg(test)]
mod tests;
