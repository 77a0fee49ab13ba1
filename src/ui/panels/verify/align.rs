//! The dialog in which a face is marked: found by a detector, or by two clicks on the eyes.

use super::TITLES;
use crate::app::{Action, AlignView, FaceAction, State};
use crate::ui::media::Media;
use crate::ui::panels::face_marker::{
    MARKER_PT, face_marker_ui, key_pressed, marker_button, primary_marker_button, unmarked, without_picture,
};
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::detector_row::{DetectorReply, detector_row};
use eframe::egui::{self, Id, Key, Modal, Ui};

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
    let entered = mark.is_ready() && key_pressed(ui, Key::Enter);
    ui.horizontal(|ui| {
        let apply = primary_marker_button(ui, "Apply", "Compares the aligned face (Enter)", unmarked(mark));
        if apply.clicked() || entered {
            out.push(FaceAction::Apply.into());
        }
        let found = mark.face().is_some();
        let help = if found { "Back to the face that was found" } else { "Takes the marks away" };
        if marker_button(ui, "Reset", help, without_picture(mark)) {
            out.push(FaceAction::Reset.into());
        }
        if found && marker_button(ui, "Mark the eyes", "Takes the points away, to click the eyes by hand", None) {
            out.push(FaceAction::ByHand.into());
        }
        let help = "Compares the image without an alignment";
        if view.is_aligned && marker_button(ui, "Use the whole image", help, None) {
            out.push(FaceAction::UseWhole.into());
        }
        if marker_button(ui, "Cancel", "Leaves the image as it is (Esc)", None) {
            out.push(FaceAction::Cancel.into());
        }
    });
}
