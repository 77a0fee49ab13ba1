//! The figures of the current run as cards: what it is worth, and what its threshold costs.

use crate::app::Action;
use crate::eval::{OperatingPoint, angle_deg};
use crate::ui::theme;
use crate::ui::widgets::figures::{auc_text, count_text, interval_text, rate_text, standard_error_text};
use crate::ui::widgets::operating_cost::{COST_COLUMNS, cost_rows};
use crate::ui::widgets::operating_rule::rule_chooser;
use crate::worker::protocol::Evaluation;
use eframe::egui::{self, Ui, vec2};

/// The headline figures of the current run.
pub(super) fn stats_ui(ui: &mut Ui, evaluation: &Evaluation) {
    let report = &evaluation.report;
    let accuracy = report.accuracy_10fold.map_or_else(|| "too few pairs".to_owned(), rate_text);
    let error = report.accuracy_10fold_se.map_or_else(String::new, standard_error_text);
    let pairs = format!("{} genuine\n{} impostor", count_text(report.n_genuine), count_text(report.n_impostor));
    let mut stats = vec![
        (
            "Equal error rate (EER)",
            rate_text(report.eer),
            format!("95 %: {}", interval_text(report.eer_low, report.eer_high)),
            "The error rate at the threshold where false accepts and false rejects are equally frequent; below it the 95 % interval",
        ),
        (
            "10-fold accuracy",
            accuracy,
            error,
            "Share of pairs decided rightly, each tenth of the pairs at the threshold that is best on the other nine tenths; of as many genuine as impostor pairs, unless a published list says which",
        ),
        (
            "Area under ROC (AUC)",
            auc_text(report.auc),
            "1 is perfect, 0.5 is chance".to_owned(),
            "The chance that a genuine pair scores higher than an impostor pair",
        ),
        (
            "Separation d'",
            format!("{:.2}", report.d_prime),
            "in standard deviations".to_owned(),
            "How many standard deviations lie between the means of genuine and impostor scores",
        ),
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
            theme::columns(ui, columns, |index, ui| {
                let Some((label, value, below, tooltip)) = row.get(index) else { return };
                theme::stat(ui, label, value, tooltip);
                for line in below.lines() {
                    ui.add(egui::Label::new(theme::caption(line)).wrap());
                }
            });
        }
    });
}

/// Threshold and its measured cost.
pub(super) fn operating_ui(ui: &mut Ui, evaluation: &Evaluation, point: &OperatingPoint, out: &mut Vec<Action>) {
    let tooltip = match &evaluation.kept_elsewhere {
        None => "The threshold that Verify uses while this run is in use, and what it costs on these pairs",
        Some(_) => "The threshold that the rule gives on these pairs, and what it costs on them",
    };
    ui.label(theme::subheading("Operating point")).on_hover_text(tooltip);
    ui.label(theme::caption("By equal errors, or by false accept rate"));
    let chosen = ui.horizontal(|ui| rule_chooser(ui, evaluation.rule, evaluation.report.n_impostor)).inner;
    out.extend(chosen.map(|rule| Action::SetRule { run: evaluation.run.clone(), rule }));
    ui.add_space(theme::SPACE / 2.0);
    let angle = angle_deg(point.threshold);
    egui::Grid::new("operating point").num_columns(COST_COLUMNS).min_row_height(20.0).spacing(vec2(16.0, 6.0)).show(
        ui,
        |ui| {
            ui.label("Threshold").on_hover_text("Two images count as the same from this cosine similarity on");
            ui.label(theme::strong(format!("{:.3}", point.threshold)));
            ui.label(theme::caption(format!("an angle of {angle:.1}°")));
            ui.end_row();
            cost_rows(ui, point, ["FAR", "FRR"]);
        },
    );
    if point.limited {
        let text = format!(
            "Too few impostor pairs to measure this rate: none is accepted, the true rate may be up to {}.",
            rate_text(point.far_high)
        );
        ui.label(theme::caption(text).color(theme::tokens(ui).warning));
    }
    if let Some(kept) = &evaluation.kept_elsewhere {
        kept_elsewhere_ui(ui, evaluation, kept, out);
    }
}

/// Which threshold Verify uses where it is not the one above.
fn kept_elsewhere_ui(ui: &mut Ui, evaluation: &Evaluation, kept: &OperatingPoint, out: &mut Vec<Action>) {
    ui.add_space(theme::SPACE / 2.0);
    let text = format!("The run keeps a threshold of {:.3} from other images; Verify uses that one.", kept.threshold);
    ui.label(theme::caption(text));
    let take = ui.button("Use the one above").on_hover_text("Keeps it with the run, for Verify and the command line");
    if take.clicked() {
        out.push(Action::SetRule { run: evaluation.run.clone(), rule: evaluation.rule });
    }
}
