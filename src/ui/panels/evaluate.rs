//! Error rates: what the embeddings of one or more runs are worth, and the threshold that follows.
//!
//! Not the computation (a worker's). The operating point is dragged on the DET curve; while it moves everything on this page
//! follows a preview kept here, and only letting go changes the state, because the state also writes it into the run.

mod runs;
mod tables;

use crate::app::{Action, Dialog, Overlay, State, Workspace};
use crate::eval::{OperatingPoint, OperatingRule, angle_deg};
use crate::ui::media::Media;
use crate::ui::theme;
use crate::ui::widgets::det_plot::{RateCurve, det_plot};
use crate::ui::widgets::figures::{count_text, interval_text, rate_text};
use crate::ui::widgets::operating_rule::{OperatingMemory, rule_chooser};
use crate::ui::widgets::roc_plot::roc_plot;
use crate::ui::widgets::score_histogram::{ScoreHistogram, score_histogram};
use crate::worker::protocol::Evaluation;
use eframe::egui::{self, Align, Ui, Vec2, vec2};

/// Narrower than this, cards stand below each other, in points.
const TWO_COLUMNS_PT: f32 = 720.0;
/// Width of the right column, in points.
const RIGHT_PT: f32 = 352.0;
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
        let evaluate = &state.evaluate;
        let Some(overlay) = evaluate.overlays.get(evaluate.current) else {
            nothing_ui(ui, state, out);
            return;
        };
        let evaluation = &*overlay.evaluation;
        let rule = self.preview_far.map_or(evaluate.rule, OperatingRule::Far);
        let point = self.operating.get(&evaluation.rates, rule);
        egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            header_ui(ui, state, evaluation, out);
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
            ui.add_space(theme::SPACE * 1.5);
            self.main_row(ui, state, evaluation, &point, out);
            ui.add_space(theme::SPACE * 1.5);
            plots_row(ui, state, evaluation, &point);
            if evaluate.overlays.len() > 1 {
                ui.add_space(theme::SPACE * 1.5);
                theme::card(ui, |ui| tables::comparison_ui(ui, &evaluate.overlays, evaluate.current));
            }
            ui.add_space(theme::SPACE);
        });
    }

    /// The DET curve with everything that belongs to the threshold beside it.
    fn main_row(&mut self, ui: &mut Ui, state: &State, evaluation: &Evaluation, point: &OperatingPoint, out: &mut Vec<Action>) {
        let right = |ui: &mut Ui, out: &mut Vec<Action>| {
            theme::card(ui, |ui| operating_ui(ui, state, evaluation, point, out));
            ui.add_space(theme::SPACE * 0.5);
            theme::card(ui, |ui| tables::tar_ui(ui, &evaluation.report));
            ui.add_space(theme::SPACE * 0.5);
            theme::card(ui, |ui| runs::overlays_ui(ui, state, out));
        };
        if ui.available_width() < TWO_COLUMNS_PT {
            self.det_ui(ui, state, point, DET_HEIGHT_PT, out);
            ui.add_space(theme::SPACE * 1.5);
            right(ui, out);
            return;
        }
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = theme::SPACE * 1.5;
            let left = ui.available_width() - RIGHT_PT - theme::SPACE * 1.5;
            let height = self.det_height.max(DET_HEIGHT_PT);
            let det = ui.allocate_ui(vec2(left, 0.0), |ui| ui.vertical(|ui| self.det_ui(ui, state, point, height, out)).response.rect);
            let beside = ui.vertical(|ui| right(ui, out)).response.rect;
            self.det_height = height + beside.height() - det.inner.height();
        });
    }

    fn det_ui(&mut self, ui: &mut Ui, state: &State, point: &OperatingPoint, height: f32, out: &mut Vec<Action>) {
        theme::card(ui, |ui| {
            ui.label(theme::subheading("Detection error trade-off")).on_hover_text(
                "Both error rates at every threshold, on axes on which normally distributed scores give a straight line; nearer to the lower left is better",
            );
            ui.label(theme::caption("Drag the point along its curve to choose the threshold. The band is the 95 % interval."));
            let curves = curves(ui, state);
            let reply = det_plot(ui, vec2(ui.available_width(), height), &curves, Some(point));
            self.preview_far = reply.preview;
            out.extend(reply.chosen.map(|far| Action::SetRule(OperatingRule::Far(far))));
        });
    }
}

/// The visible runs; each keeps its colour wherever it is drawn.
fn curves<'a>(ui: &Ui, state: &'a State) -> Vec<RateCurve<'a>> {
    let shown = |index: usize, overlay: &Overlay| overlay.visible || index == state.evaluate.current;
    let overlays = state.evaluate.overlays.iter().enumerate().filter(|(index, overlay)| shown(*index, overlay));
    let curve = |(index, overlay): (usize, &'a Overlay)| RateCurve {
        name: &overlay.evaluation.name,
        points: &overlay.evaluation.report.det,
        colour: theme::series(ui, index),
        current: index == state.evaluate.current,
    };
    overlays.map(curve).collect()
}

fn header_ui(ui: &mut Ui, state: &State, evaluation: &Evaluation, out: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.set_min_height(32.0);
        ui.label(theme::heading("Evaluate"));
        ui.add_space(theme::SPACE);
        ui.with_layout(egui::Layout::right_to_left(Align::Center), |ui| {
            runs::evaluate_menu(ui, state, out);
            ui.with_layout(egui::Layout::left_to_right(Align::Center), |ui| {
                ui.add(egui::Label::new(theme::caption(format!("{}, {}", evaluation.name, evaluation.on))).truncate());
            });
        });
    });
}

/// The headline figures of the current run.
fn stats_ui(ui: &mut Ui, evaluation: &Evaluation) {
    let report = &evaluation.report;
    let accuracy = report.accuracy_10fold.map_or_else(|| "too few pairs".to_owned(), |mean| format!("{:.1} %", mean * 100.0));
    let error = report.accuracy_10fold_se.map_or_else(String::new, |se| format!("± {:.2} % standard error", se * 100.0));
    let pairs = format!("{} genuine, {} impostor", count_text(report.n_genuine), count_text(report.n_impostor));
    let mut stats = vec![
        (
            "Equal error rate (EER)",
            rate_text(report.eer),
            interval_text(report.eer_low, report.eer_high),
            "The error rate at the threshold where false accepts and false rejects are equally frequent; below it the 95 % interval",
        ),
        ("10-fold accuracy", accuracy, error, "Share of pairs decided rightly, each tenth of the pairs at the threshold that is best on the other nine tenths"),
        ("Area under ROC (AUC)", format!("{:.4}", report.auc), "1 is perfect, 0.5 is chance".to_owned(), "The chance that a genuine pair scores higher than an impostor pair"),
        ("Separation d'", format!("{:.2}", report.d_prime), "in standard deviations".to_owned(), "How many standard deviations lie between the means of genuine and impostor scores"),
        ("Pairs", count_text(report.pairs), pairs, "Genuine pairs show the same class, impostor pairs two classes"),
    ];
    if let Some(classification) = evaluation.classification {
        let loss = format!("loss {:.3} without margin", classification.loss);
        let tooltip = "Share of held-out images whose nearest class centre is their own; exists only where the held-out classes were trained on";
        stats.push(("Recognised", rate_text(classification.accuracy), loss, tooltip));
    }
    theme::card(ui, |ui| {
        let columns = ((ui.available_width() / 150.0) as usize).clamp(1, stats.len());
        // Rows of equal length: five figures in a row of four would leave a widow.
        let columns = stats.len().div_ceil(stats.len().div_ceil(columns));
        for (index, row) in stats.chunks(columns).enumerate() {
            ui.add_space(if index > 0 { theme::SPACE } else { 0.0 });
            ui.columns(columns, |columns| {
                for (column, (label, value, below, tooltip)) in columns.iter_mut().zip(row) {
                    theme::stat(column, label, value, tooltip);
                    column.add(egui::Label::new(theme::caption(below)).truncate());
                }
            });
        }
    });
}

/// Threshold and its measured cost.
fn operating_ui(ui: &mut Ui, state: &State, evaluation: &Evaluation, point: &OperatingPoint, out: &mut Vec<Action>) {
    ui.label(theme::subheading("Operating point")).on_hover_text("The threshold that Verify uses, and what it costs on these pairs");
    ui.label(theme::caption("By equal errors, or by false accept rate"));
    let chosen = ui.horizontal(|ui| rule_chooser(ui, state.evaluate.rule, evaluation.report.n_impostor)).inner;
    out.extend(chosen.map(Action::SetRule));
    ui.add_space(theme::SPACE / 2.0);
    let angle = angle_deg(point.threshold);
    egui::Grid::new("operating point").num_columns(3).spacing(vec2(16.0, 6.0)).show(ui, |ui| {
        let mut row = |label: &str, value: String, interval: String, tooltip: &str| {
            ui.label(label).on_hover_text(tooltip);
            ui.label(egui::RichText::new(value).strong());
            ui.label(theme::caption(interval));
            ui.end_row();
        };
        let same_from = "Two images count as the same from this cosine similarity on";
        row("Threshold", format!("{:.3}", point.threshold), format!("an angle of {angle:.1}°"), same_from);
        let far = "False accept rate: share of impostor pairs that are accepted";
        row("FAR", rate_text(point.far), format!("[{}]", interval_text(point.far_low, point.far_high)), far);
        let frr = "False reject rate: share of genuine pairs that are rejected";
        row("FRR", rate_text(point.frr), format!("[{}]", interval_text(point.frr_low, point.frr_high)), frr);
    });
    if point.limited {
        let text = format!("Too few impostor pairs to measure this rate: none is accepted, the true rate may be up to {}.", rate_text(point.far_high));
        ui.label(theme::caption(text).color(theme::tokens(ui).warning));
    }
}

/// ROC and scores.
fn plots_row(ui: &mut Ui, state: &State, evaluation: &Evaluation, point: &OperatingPoint) {
    let roc = |ui: &mut Ui| {
        theme::card(ui, |ui| {
            ui.label(theme::subheading("ROC")).on_hover_text("Genuine pairs accepted over impostor pairs accepted; the latter on a logarithmic axis");
            let curves = curves(ui, state);
            roc_plot(ui, Vec2::new(ui.available_width(), SMALL_PLOT_PT), &curves, Some(point));
        });
    };
    let scores = |ui: &mut Ui| {
        theme::card(ui, |ui| {
            ui.label(theme::subheading("Scores")).on_hover_text("Similarities of all genuine and all impostor pairs of the current run");
            let report = &evaluation.report;
            let scores =
                ScoreHistogram { genuine: &report.genuine_hist, impostor: &report.impostor_hist, operating: Some(point), similarity: None };
            score_histogram(ui, Vec2::new(ui.available_width(), SMALL_PLOT_PT), &scores);
        });
    };
    if ui.available_width() < TWO_COLUMNS_PT {
        roc(ui);
        ui.add_space(theme::SPACE * 1.5);
        scores(ui);
    } else {
        ui.spacing_mut().item_spacing.x = theme::SPACE * 1.5;
        ui.columns_const(|[left, right]| {
            roc(left);
            scores(right);
        });
    }
}

fn busy_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let Some(id) = state.evaluate.job else { return };
    theme::card(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(theme::subheading("Measuring error rates"));
            ui.with_layout(egui::Layout::right_to_left(Align::Center), |ui| {
                if ui.button("Cancel").clicked() {
                    out.push(Action::CancelJob(id));
                }
            });
        });
        let progress = state.job(id).map(|job| job.progress).unwrap_or_default();
        if progress.total > 0 {
            ui.add(egui::ProgressBar::new(progress.done as f32 / progress.total as f32).desired_height(6.0));
            ui.label(theme::caption(format!("{} of {} images embedded", count_text(progress.done as usize), count_text(progress.total as usize))));
        } else {
            ui.label(theme::caption("Loading the model"));
        }
    });
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
        if let Some(run) = &state.active_run
            && ui.button("Try again").clicked()
        {
            out.push(Action::Evaluate(run.clone()));
        }
        return;
    }
    let text = "Train a model or open a run. Its held-out images are compared pair by pair, and you see how often it would accept a stranger or reject the right one.";
    theme::empty_state(ui, "No error rates yet", text, |ui| {
        let active = state.active_run.as_deref().and_then(|run| state.run_entry(run));
        let usable = active.into_iter().chain(&state.runs).find(|run| run.has_model);
        if let Some(run) = usable {
            if theme::primary_button(ui, "Measure error rates").on_hover_text(format!("Evaluates the run {}", run.name)).clicked() {
                out.push(Action::Evaluate(run.path.clone()));
            }
            ui.label(theme::caption(format!("of the run {}", run.name)));
        } else if theme::primary_button(ui, "Go to training").clicked() {
            out.push(Action::Go(Workspace::Train));
        }
        ui.add_space(theme::SPACE);
        if ui.button("Open a run").clicked() {
            out.push(Action::Ask(Dialog::OpenRun));
        }
    });
}

#[cfg(test)]
mod tests;
