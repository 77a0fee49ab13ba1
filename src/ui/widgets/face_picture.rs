//! A picture with a face's box and points: click to mark, drag to correct; every point also moves by the arrow keys.

use crate::faces::{Face, Point};
use crate::ui::theme;
use eframe::egui::{
    self, CursorIcon, EventFilter, Key, Pos2, Rect, Role, Sense, Stroke, StrokeKind, TextureHandle, Ui, Vec2,
    WidgetInfo, vec2,
};

/// Radius of a point, in points of the screen.
const RADIUS_PT: f32 = 5.0;
/// Radius in which a point can be grabbed.
const GRAB_PT: f32 = 12.0;
/// Eyes of a face that fills a picture, in shares of its sides: where they are put without a pointer.
const USUAL_EYES: [[f64; 2]; 2] = [[0.36, 0.42], [0.64, 0.42]];
const NAMES: [&str; 5] = ["Left eye", "Right eye", "Nose", "Left corner of the mouth", "Right corner of the mouth"];

/// What is drawn.
pub struct FacePicture<'a> {
    /// The picture, of any size.
    pub texture: &'a TextureHandle,
    /// Sides of the image the points belong to, in pixels.
    pub image_px: [u32; 2],
    /// The box that was found.
    pub face: Option<&'a Face>,
    /// Up to five points in pixels of the image.
    pub points: &'a [Point],
    /// The most room there is.
    pub room: Vec2,
}

/// What the person did, in pixels of the image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaceReply {
    /// Marked an eye.
    Place(Point),
    /// Moved a point.
    Move(usize, Point),
}

/// From pixels of the image to the screen and back.
#[derive(Clone, Copy)]
struct Scale {
    origin: Pos2,
    factor: f32,
}

impl Scale {
    fn screen(self, point: Point) -> Pos2 {
        // Whole numbers are centres of pixels.
        let at = |value: f64| (value as f32 + 0.5) * self.factor;
        self.origin + vec2(at(point[0]), at(point[1]))
    }

    fn image(self, at: Pos2) -> Point {
        let offset = (at - self.origin) / self.factor.max(f32::MIN_POSITIVE);
        [f64::from(offset.x) - 0.5, f64::from(offset.y) - 0.5]
    }
}

/// Draws the picture as large as there is room.
pub fn face_picture(ui: &mut Ui, picture: &FacePicture<'_>) -> Option<FaceReply> {
    let [width, height] = picture.image_px.map(|side| side.max(1) as f32);
    let factor = (picture.room.x / width).min(picture.room.y / height);
    let (rect, response) = ui.allocate_exact_size(vec2(width, height) * factor, Sense::click());
    let scale = Scale { origin: rect.min, factor };
    let missing = 2_usize.saturating_sub(picture.points.len());
    let name = match missing {
        0 => "Picture with the marked face",
        1 => "Picture: mark the other eye",
        _ => "Picture: mark the eyes",
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Button, missing > 0, name));
    egui::Image::from_texture((picture.texture.id(), rect.size())).paint_at(ui, rect);
    let tokens = theme::tokens(ui);
    if let Some(face) = picture.face {
        let corner = scale.screen([f64::from(face.left), f64::from(face.top)]);
        let area = Rect::from_min_size(corner, vec2(face.width, face.height) * factor);
        ui.painter().with_clip_rect(rect).rect_stroke(area, 2, Stroke::new(1.5, tokens.accent), StrokeKind::Middle);
    }
    let mut reply = None;
    if missing > 0 {
        let response = response.on_hover_cursor(CursorIcon::Crosshair);
        if response.clicked() {
            let by_key = USUAL_EYES.get(picture.points.len()).copied().unwrap_or([0.5, 0.5]);
            let usual = [by_key[0] * f64::from(width), by_key[1] * f64::from(height)];
            reply = Some(FaceReply::Place(response.interact_pointer_pos().map_or(usual, |at| scale.image(at))));
        }
    }
    for (index, point) in picture.points.iter().enumerate() {
        if let Some(moved) = point_ui(ui, index, *point, scale) {
            reply = Some(FaceReply::Move(index, moved));
        }
    }
    reply
}

fn point_ui(ui: &mut Ui, index: usize, point: Point, scale: Scale) -> Option<Point> {
    let tokens = theme::tokens(ui);
    let centre = scale.screen(point);
    let id = ui.scope_id().with(("face point", index));
    let response = ui.interact(Rect::from_center_size(centre, Vec2::splat(2.0 * GRAB_PT)), id, Sense::click_and_drag());
    let name = NAMES.get(index).copied().unwrap_or("Point");
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let lit = response.hovered() || response.dragged() || response.has_focus();
    let painter = ui.painter();
    let radius = if lit { RADIUS_PT + 2.0 } else { RADIUS_PT };
    // Dark around bright: seen on any skin and any background.
    painter.circle(centre, radius + 1.5, tokens.background, Stroke::NONE);
    painter.circle(centre, radius, tokens.accent, Stroke::new(1.5, tokens.accent_text));
    let dragged = response.drag_delta();
    let response = response.on_hover_cursor(CursorIcon::Grab).on_hover_text(name);
    if dragged != Vec2::ZERO {
        return Some(scale.image(centre + dragged));
    }
    if !response.has_focus() {
        return None;
    }
    // Arrows move the point instead of the focus.
    let arrows = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, arrows));
    let step = ui.input(|input| {
        let pressed = |key| f64::from(u8::from(input.key_pressed(key)));
        [pressed(Key::ArrowRight) - pressed(Key::ArrowLeft), pressed(Key::ArrowDown) - pressed(Key::ArrowUp)]
    });
    // A point of the screen, or a pixel of a small image.
    let pixels = (1.0 / f64::from(scale.factor.max(f32::MIN_POSITIVE))).max(1.0);
    (step != [0.0, 0.0]).then(|| [point[0] + step[0] * pixels, point[1] + step[1] * pixels])
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::pos2;

    #[test]
    fn screen_and_image_are_inverse_and_pixel_centres_lie_half_a_pixel_in() {
        let scale = Scale { origin: pos2(100.0, 50.0), factor: 2.0 };
        assert_eq!(scale.screen([0.0, 0.0]), pos2(101.0, 51.0));
        for point in [[0.0, 0.0], [17.25, 3.5], [249.0, 100.0]] {
            let back = scale.image(scale.screen(point));
            assert!((back[0] - point[0]).abs() < 1e-4 && (back[1] - point[1]).abs() < 1e-4, "{back:?}");
        }
    }
}
