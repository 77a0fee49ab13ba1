//! What a threshold costs on the measured pairs: both error rates with their intervals, the same wherever they stand.
//!
//! Not the threshold, and not how it is chosen (`operating_rule`).

use super::figures::{interval_text, rate_text};
use crate::eval::OperatingPoint;
use crate::ui::theme;
use eframe::egui::{Label, Ui};

/// Columns that the rows take in a grid.
pub const COST_COLUMNS: usize = 3;

const FAR_HELP: &str = "False accept rate: share of impostor pairs, which show two classes, that are accepted";
const FRR_HELP: &str = "False reject rate: share of genuine pairs, which show the same class, that are rejected";

/// Rows of a grid: a line of titles, then the rate of false accepts and that of false rejects, called by `names`.
pub fn cost_rows(ui: &mut Ui, point: &OperatingPoint, names: [&str; 2]) {
    // The first two columns say what they are.
    for title in ["", "", "95 % interval"] {
        ui.add(Label::new(theme::caption(title)).extend());
    }
    ui.end_row();
    let accepts = (point.far, interval_text(point.far_low, point.far_high), FAR_HELP);
    let rejects = (point.frr, interval_text(point.frr_low, point.frr_high), FRR_HELP);
    for (name, (rate, interval, help)) in names.into_iter().zip([accepts, rejects]) {
        ui.label(name).on_hover_text(help);
        ui.add(Label::new(theme::strong(rate_text(rate))).extend());
        ui.add(Label::new(theme::caption(interval)).extend());
        ui.end_row();
    }
}
