//! The dialog in which a face is marked: found by a detector, or by two clicks on the eyes.

use super::TITLES;
use crate::app::{Action, AlignView, FaceAction, State};
use crate::ui::media::Media;
use crate::ui::panels::face_marker::{MARKER_PT, face_marker_ui, key_pressed};
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::detector_row::{DetectorReply, detector_row};
use eframe::egui::{self, Button, Id, Key, Modal, Ui, vec2};

/// Draws the dialog.
pub(super) fn align_ui(ui: &mut Ui, state: &State, view: &AlignView, media: &mut Media, out: &mut Vec<Action>) {
    let response = Modal::new(Id::unique("align face")).frame(theme::dialog_frame(ui)).show(ui.ctx(), |ui| {
        ui.set_width(MARKER_PT);
        let title = TITLES.get(view.slot).copied().unwrap_or("image").to_lowercase();
        ui.label(theme::heading(format!("Align the face of the {title}")));
        ui.add(egui::Label::new(theme::caption(view.mark.source.name())).truncate());
        ui.add_space(SPACE);
        face_marker_ui(ui, &view.mark, "What will be compared", media, out);
        ui.add_space(SPACE);
        let by_hand = "Without a detector, click the two eyes.";
        match detector_row(ui, state.faces.detector.as_deref(), by_hand) {
            Some(DetectorReply::Choose) => out.push(FaceAction::AskDetector.into()),
            Some(DetectorReply::Forget) => out.push(FaceAction::ForgetDetector.into()),
            None => {}
        }
        ui.add_space(SPACE * 2.0);
        buttons_ui(ui, view, out);
    });
    if response.should_close() {
        out.push(FaceAction::Cancel.into());
    }
}

fn buttons_ui(ui: &mut Ui, view: &AlignView, out: &mut Vec<Action>) {
    let mark = &view.mark;
    let ready = mark.is_ready();
    let entered = ready && key_pressed(ui, Key::Enter);
    ui.horizontal(|ui| {
        let apply = ui.add_enabled_ui(ready, |ui| theme::primary_button(ui, "Apply"));
        if apply.inner.on_hover_text("Compares the aligned face (Enter)").clicked() || entered {
            out.push(FaceAction::Apply.into());
        }
        let button = |ui: &mut Ui, enabled: bool, label: &str, help: &str| {
            let button = Button::new(label).min_size(vec2(0.0, theme::PRIMARY_HEIGHT));
            ui.add_enabled(enabled, button).on_hover_text(help).clicked()
        };
        if button(ui, true, "Cancel", "Leaves the image as it is (Esc)") {
            out.push(FaceAction::Cancel.into());
        }
        let found = mark.face().is_some();
        let help = if found { "Back to the face that was found" } else { "Takes the marks away" };
        if button(ui, mark.found.is_some(), "Reset", help) {
            out.push(FaceAction::Reset.into());
        }
        if found && button(ui, true, "Mark the eyes", "Takes the points away, to click the eyes by hand") {
            out.push(FaceAction::ByHand.into());
        }
        if view.is_aligned && button(ui, true, "Use the whole image", "Compares the image without an alignment") {
            out.push(FaceAction::UseWhole.into());
        }
    });
}
