//! The dialog in which a face is marked: found by a detector, or by two clicks on the eyes.

use super::TITLES;
use crate::app::{Action, AlignView, FaceAction, State};
use crate::ui::media::Media;
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::detector_row::{DetectorReply, detector_row};
use crate::ui::widgets::face_picture::{FacePicture, FaceReply, face_picture};
use eframe::egui::{self, Button, Id, Key, Modal, Modifiers, Sense, Ui, Vec2, vec2};

/// Room for the picture, in points.
const PICTURE_PT: Vec2 = vec2(460.0, 400.0);
/// Side of the preview, in points.
const PREVIEW_PT: f32 = 168.0;

/// Draws the dialog.
pub(super) fn align_ui(ui: &mut Ui, state: &State, view: &AlignView, media: &mut Media, out: &mut Vec<Action>) {
    let response = Modal::new(Id::unique("align face")).frame(theme::dialog_frame(ui)).show(ui.ctx(), |ui| {
        ui.set_width(PICTURE_PT.x + PREVIEW_PT + SPACE * 3.0);
        let title = TITLES.get(view.slot).copied().unwrap_or("image").to_lowercase();
        ui.label(theme::heading(format!("Align the face of the {title}")));
        ui.add(egui::Label::new(theme::caption(view.source.name())).truncate());
        ui.add_space(SPACE);
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = SPACE * 3.0;
            ui.allocate_ui(PICTURE_PT, |ui| {
                ui.set_min_size(PICTURE_PT);
                picture_ui(ui, view, media, out);
            });
            ui.vertical(|ui| {
                ui.set_width(PREVIEW_PT);
                side_ui(ui, view, media);
            });
        });
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

fn picture_ui(ui: &mut Ui, view: &AlignView, media: &mut Media, out: &mut Vec<Action>) {
    if let Some(notice) = &view.error {
        theme::error_card(ui, notice, out);
        return;
    }
    let Some(found) = &view.found else {
        ui.label("Loading the picture…");
        return;
    };
    let texture = media.pixels(ui.ctx(), ("align picture", view.picture), &found.picture);
    let picture = FacePicture {
        texture: &texture,
        image_px: [found.width_px, found.height_px],
        face: view.face(),
        points: &view.points,
        room: PICTURE_PT,
    };
    out.extend(face_picture(ui, &picture).map(|reply| match reply {
        FaceReply::Place(point) => FaceAction::Place(point).into(),
        FaceReply::Move(index, point) => FaceAction::Move(index, point).into(),
    }));
}

fn side_ui(ui: &mut Ui, view: &AlignView, media: &mut Media) {
    ui.label(theme::subheading("What will be compared"));
    let size = Vec2::splat(PREVIEW_PT);
    match &view.preview {
        Some(preview) => {
            let texture = media.pixels(ui.ctx(), ("align preview", view.revision), preview);
            let image = egui::Image::from_texture((texture.id(), size)).corner_radius(4);
            ui.add(image.alt_text("The aligned face"));
        }
        None => {
            let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
            ui.painter().rect_filled(rect, 4, theme::tokens(ui).control);
        }
    }
    ui.add_space(SPACE / 2.0);
    ui.add(egui::Label::new(advice(view)).wrap());
}

/// What was found, and what to do.
fn advice(view: &AlignView) -> String {
    let Some(found) = &view.found else { return String::new() };
    match (&found.face, view.points.len()) {
        (_, 1) => "Now click the other eye.".to_owned(),
        (Ok(Some(face)), 5) => format!("Face found, score {:.2}. Drag a point that is off.", face.score),
        (_, 2..) => "Drag a point that is off; arrow keys move it too.".to_owned(),
        (Ok(Some(_)), _) => "Click the two eyes, or go back to the face that was found with Reset.".to_owned(),
        (Ok(None), _) => "Click the two eyes.".to_owned(),
        (Err(reason), _) => format!("Click the two eyes. The detector was no help: {reason}"),
    }
}

fn buttons_ui(ui: &mut Ui, view: &AlignView, out: &mut Vec<Action>) {
    let ready = view.landmarks().is_some() && view.found.is_some();
    let free = ui.memory(|memory| memory.focused().is_none());
    // With a focus, Enter presses what has it.
    let entered = ready && free && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter));
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
        let found = view.face().is_some();
        let help = if found { "Back to the face that was found" } else { "Takes the marks away" };
        if button(ui, view.found.is_some(), "Reset", help) {
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
