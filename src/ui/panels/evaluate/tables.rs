//! Figures as tables: the true accept rate at fixed false accept rates, and the runs side by side.

use crate::app::Overlay;
use crate::eval::VerificationReport;
use crate::ui::theme;
use crate::ui::widgets::figures::{accuracy_text, auc_text, count_text, interval_text, rate_text, tick_text};
use crate::ui::widgets::operating_rule::pairs_needed;
use eframe::egui::{self, RichText, Ui, vec2};

/// False accept rates of the comparison.
const COMPARED_FAR: [f64; 2] = [1e-2, 1e-3];

/// True accept rates with their intervals; a rate the pairs cannot measure says how many it would take.
pub(super) fn tar_ui(ui: &mut Ui, report: &VerificationReport) {
    ui.label(theme::subheading("True accept rate")).on_hover_text(
        "Share of genuine pairs accepted while at most the given share of impostor pairs is (TAR at FAR)",
    );
    egui::Grid::new("tar at far").num_columns(4).spacing(vec2(8.0, 6.0)).show(ui, |ui| {
        for title in ["at FAR", "TAR", "95 % interval", "Threshold"] {
            ui.label(theme::caption(title));
        }
        ui.end_row();
        for (far, found) in &report.tar_at_far {
            ui.label(tick_text(*far));
            if let Some(found) = found {
                ui.label(theme::strong(rate_text(found.tar)));
                ui.label(interval_text(found.tar_low, found.tar_high));
                ui.label(format!("{:.3}", found.threshold));
            } else {
                ui.label("–");
            }
            ui.end_row();
        }
    });
    let refused = report.tar_at_far.iter().filter(|(_, found)| found.is_none()).map(|(far, _)| *far);
    for far in refused {
        let text = format!(
            "FAR {} needs at least {} impostor pairs; there are {}.",
            tick_text(far),
            count_text(pairs_needed(far)),
            count_text(report.n_impostor)
        );
        ui.label(theme::caption(text));
    }
}

/// The runs in the plots side by side.
pub(super) fn comparison_ui(ui: &mut Ui, overlays: &[Overlay], current: usize) {
    ui.label(theme::subheading("Runs side by side"));
    let titles =
        ["Run", "EER", "95 % interval", "AUC", "d'", "10-fold accuracy", "TAR at FAR 1 %", "at FAR 0.1 %", "Pairs"];
    egui::ScrollArea::horizontal().show(ui, |ui| {
        egui::Grid::new("runs side by side").num_columns(titles.len()).spacing(vec2(24.0, 8.0)).show(ui, |ui| {
            for title in titles {
                ui.label(theme::caption(title));
            }
            ui.end_row();
            for (index, overlay) in overlays.iter().enumerate() {
                comparison_row(ui, overlay, index == current);
                ui.end_row();
            }
        });
    });
}

fn comparison_row(ui: &mut Ui, overlay: &Overlay, current: bool) {
    let report = &overlay.evaluation.report;
    let label = overlay.evaluation.label();
    ui.label(if current { theme::strong(&label) } else { RichText::new(&label) });
    ui.label(theme::strong(rate_text(report.eer)));
    ui.label(interval_text(report.eer_low, report.eer_high));
    ui.label(auc_text(report.auc));
    ui.label(format!("{:.2}", report.d_prime));
    let folds = report.accuracy_10fold.zip(report.accuracy_10fold_se);
    ui.label(folds.map_or_else(|| "–".to_owned(), |(mean, error)| accuracy_text(mean, error)));
    for far in COMPARED_FAR {
        let found = report
            .tar_at_far
            .iter()
            .find(|(target, _)| (target - far).abs() < far * 1e-6)
            .and_then(|(_, found)| *found);
        ui.label(found.map_or_else(|| "–".to_owned(), |found| rate_text(found.tar)));
    }
    ui.label(count_text(report.pairs));
}
