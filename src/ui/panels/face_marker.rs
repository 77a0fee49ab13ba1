//! A face being marked: the picture, beside it the crop that the points give and what to do next. Verify marks one face
//! in it, Data those of a whole folder.

use crate::app::{Action, FaceAction, MarkView};
use crate::ui::media::Media;
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::face_picture::{FacePicture, FaceReply, face_picture};
use eframe::egui::{self, Event, Key, Modifiers, Response, Sense, Ui, Vec2, vec2};

/// Room for the picture, in points.
const PICTURE_PT: Vec2 = vec2(460.0, 400.0);
/// Side of the preview, in points.
const PREVIEW_PT: f32 = 168.0;
/// Width of both, in points.
pub(super) const MARKER_PT: f32 = PICTURE_PT.x + PREVIEW_PT + SPACE * 3.0;

/// Draws the picture and the preview; `title` says what the preview is of.
pub(super) fn face_marker_ui(ui: &mut Ui, mark: &MarkView, title: &str, media: &mut Media, out: &mut Vec<Action>) {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = SPACE * 3.0;
        ui.allocate_ui(PICTURE_PT, |ui| {
            ui.set_min_size(PICTURE_PT);
            picture_ui(ui, mark, media, out);
        });
        ui.vertical(|ui| {
            ui.set_width(PREVIEW_PT);
            preview_ui(ui, mark, title, media);
        });
    });
}

/// A button below the picture; `why_not` says why it cannot be pressed, if it cannot.
pub(super) fn marker_button(ui: &mut Ui, label: &str, help: &str, why_not: Option<&str>) -> bool {
    let button = ui.add_enabled(why_not.is_none(), theme::plain_button(label));
    button.on_hover_text(help).on_disabled_hover_text(why_not.unwrap_or_default()).clicked()
}

/// The one of them that does the main thing.
pub(super) fn primary_marker_button(ui: &mut Ui, label: &str, help: &str, why_not: Option<&str>) -> Response {
    let button = ui.add_enabled_ui(why_not.is_none(), |ui| theme::primary_button(ui, label)).inner;
    button.on_hover_text(help).on_disabled_hover_text(why_not.unwrap_or_default())
}

/// Why nothing can be marked yet; `None` when there is a picture.
pub(super) fn without_picture(mark: &MarkView) -> Option<&'static str> {
    let words = if mark.job.is_some() { "The picture is still being loaded" } else { "There is no picture" };
    mark.found.is_none().then_some(words)
}

/// Why the marks give no face yet; `None` when they do.
pub(super) fn unmarked(mark: &MarkView) -> Option<&'static str> {
    without_picture(mark).or_else(|| (!mark.is_ready()).then_some("Mark both eyes first"))
}

/// A key was pressed for the dialog that `ui` belongs to: it is the foremost one, and nothing that has the focus takes the
/// key, as a field takes each and a button takes Enter. A key that is held down was pressed once: what it repeats for is a
/// face nobody has looked at.
pub(super) fn key_pressed(ui: &Ui, key: Key) -> bool {
    let layer = ui.layer_id();
    let (is_foremost, has_focus) =
        ui.memory(|memory| (memory.top_modal_layer() == Some(layer), memory.focused().is_some()));
    let is_taken = if key == Key::Enter { has_focus } else { ui.ctx().text_edit_focused() };
    is_foremost && !is_taken && ui.input_mut(|input| consume_press(&mut input.events, key))
}

/// A key that is still held down from the page before presses no button of this one.
pub(super) fn forget_repeats(ui: &Ui, held: Key) {
    ui.input_mut(|input| {
        input.events.retain(|event| !matches!(event, Event::Key { key, repeat: true, .. } if *key == held));
    });
}

/// Takes the presses of a key and what it repeats out of the events; tells whether there was a press.
fn consume_press(events: &mut Vec<Event>, wanted: Key) -> bool {
    let mut is_pressed = false;
    events.retain(|event| match event {
        Event::Key { key, pressed: true, repeat, modifiers, .. }
            if *key == wanted && modifiers.matches_logically(Modifiers::NONE) =>
        {
            is_pressed |= !repeat;
            false
        }
        _ => true,
    });
    is_pressed
}

fn picture_ui(ui: &mut Ui, mark: &MarkView, media: &mut Media, out: &mut Vec<Action>) {
    if let Some(notice) = &mark.error {
        theme::error_card(ui, notice, out);
        return;
    }
    let Some(found) = &mark.found else {
        ui.label("Loading the picture…");
        return;
    };
    let texture = media.pixels(ui.ctx(), ("align picture", mark.picture), &found.picture);
    let picture = FacePicture {
        texture: &texture,
        image_px: [found.width_px, found.height_px],
        face: mark.face(),
        points: &mark.points,
        room: PICTURE_PT,
    };
    out.extend(face_picture(ui, &picture).map(|reply| match reply {
        FaceReply::Place(point) => FaceAction::Place(point).into(),
        FaceReply::Move(index, point) => FaceAction::Move(index, point).into(),
    }));
}

fn preview_ui(ui: &mut Ui, mark: &MarkView, title: &str, media: &mut Media) {
    ui.label(theme::subheading(title));
    let size = Vec2::splat(PREVIEW_PT);
    match &mark.preview {
        Some(preview) => {
            let texture = media.pixels(ui.ctx(), ("align preview", mark.revision), preview);
            let image = egui::Image::from_texture((texture.id(), size)).corner_radius(4);
            ui.add(image.alt_text("The aligned face"));
        }
        None => {
            let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
            ui.painter().rect_filled(rect, 4, theme::tokens(ui).control);
        }
    }
    ui.add_space(SPACE / 2.0);
    ui.add(egui::Label::new(advice(mark)).wrap());
}

/// What was found, and what to do.
fn advice(mark: &MarkView) -> String {
    let Some(found) = &mark.found else { return String::new() };
    match (&found.face, mark.points.len()) {
        (_, 1) => "Now click the other eye.".to_owned(),
        (Ok(Some(face)), 5) => format!("Face found, score {:.2}. Drag a point that is off.", face.score),
        (_, 2..) => "Drag a point that is off; arrow keys move it too.".to_owned(),
        (Ok(Some(_)), _) => "Click the two eyes, or go back to the face that was found with Reset.".to_owned(),
        (Ok(None), _) => "Click the two eyes.".to_owned(),
        (Err(reason), _) => format!("Click the two eyes. The detector was no help: {reason}"),
    }
}
