//! The one question the program asks before closing, and only while a run is being trained.

use super::theme::{self, SPACE};
use crate::app::Action;
use eframe::egui::{self, Id, Modal, RichText};

/// Asks whether to close although a run is being trained.
pub fn closing_ui(ui: &mut egui::Ui, out: &mut Vec<Action>) {
    let response = Modal::new(Id::unique("closing")).frame(theme::dialog_frame(ui)).show(ui.ctx(), |ui| {
        ui.set_width(400.0);
        ui.label(theme::heading("Training is running"));
        ui.add_space(SPACE / 2.0);
        ui.label(
            RichText::new(
                "Close and continue later? What was trained so far is saved, and the run can be continued from Runs.",
            )
            .weak(),
        );
        ui.add_space(SPACE * 2.0);
        ui.horizontal(|ui| {
            if theme::primary_button(ui, "Close and continue later").clicked() {
                out.push(Action::ConfirmClose);
            }
            if ui.add(egui::Button::new("Keep training").min_size(egui::vec2(0.0, theme::PRIMARY_HEIGHT))).clicked() {
                out.push(Action::CancelClose);
            }
        });
    });
    if response.should_close() {
        out.push(Action::CancelClose);
    }
}
