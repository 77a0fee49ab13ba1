//! A place for one image: drop it, click to choose it, see what the network sees of it.
//!
//! Not the taking of drops (the whole window does that, because some systems do not tell where a file was let go) and no
//! decoding (`Media` does). The crop is shown beside the image, because a verdict on a face that was cut off is about the
//! cut, and nobody would know.

use super::neighbour_strip::fit_picture;
use crate::data::Thumb;
use crate::ui::media::Media;
use crate::ui::theme;
use crate::worker::protocol::ImageSource;
use eframe::egui::{
    self, Color32, CursorIcon, FontId, Rect, Response, Role, Sense, Shape, Stroke, TextureHandle, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};

/// Longest side of the picture asked for, in pixels; sharp on a doubled screen.
const PICTURE_PX: u32 = 512;
/// Side of the crop shown below, in points.
const CROP_PT: f32 = 56.0;

/// Narrower than this, the title of a filled slot is its first word, in points.
const WHOLE_TITLE_PT: f32 = 260.0;

/// What the length of an embedding is good for.
const LENGTH_HELP: &str = "Length of the embedding. The loss of this model makes it tell how good an image is to recognise: \
     the longer, the better";

/// What is in the slot.
pub struct ImageSlot<'a> {
    /// "First image" or "Second image".
    pub title: &'a str,
    /// The image, if there is one.
    pub source: Option<&'a ImageSource>,
    /// What the network saw of it, once it was compared.
    pub crop: Option<&'a Thumb>,
    /// Length of its embedding, where that tells how good the image is.
    pub length: Option<f32>,
    /// Height of the picture, in points.
    pub height: f32,
}

/// What the person wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotReply {
    /// Choose a file.
    pub pick: bool,
    /// Empty the slot.
    pub clear: bool,
    /// Mark the face, to compare an aligned crop.
    pub align: bool,
}

/// Draws the slot over the available width.
pub fn image_slot(ui: &mut Ui, media: &mut Media, slot: &ImageSlot<'_>) -> SlotReply {
    let mut reply = SlotReply::default();
    ui.vertical(|ui| {
        title_row(ui, slot, &mut reply);
        let picture = slot.source.and_then(|source| media.source(ui.ctx(), source, PICTURE_PX));
        let response = zone(ui, slot, picture.as_ref());
        reply.pick = response.clicked();
        if slot.source.is_some() {
            ui.add_space(theme::SPACE / 2.0);
            foot(ui, media, slot);
        }
    });
    reply
}

fn title_row(ui: &mut Ui, slot: &ImageSlot<'_>, reply: &mut SlotReply) {
    ui.horizontal(|ui| {
        ui.set_min_height(28.0);
        // In a narrow slot the buttons need the room.
        let short = slot.source.is_some() && ui.available_width() < WHOLE_TITLE_PT;
        let title = if short { slot.title.split(' ').next().unwrap_or_default() } else { slot.title };
        ui.label(theme::subheading(title));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if slot.source.is_some() {
                let clear = ui.button("Clear").on_hover_text("Takes the image out of this slot");
                reply.clear = clear.accessible_name(format!("Clear {}", slot.title.to_lowercase())).clicked();
                let align = ui.button("Align…").on_hover_text("Cuts the face out upright, as face networks expect it");
                reply.align = align.accessible_name(format!("Align {}", slot.title.to_lowercase())).clicked();
            }
        });
    });
}

/// The area that shows the picture, or what to do.
fn zone(ui: &mut Ui, slot: &ImageSlot<'_>, picture: Option<&Result<TextureHandle, String>>) -> Response {
    let tokens = theme::tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), slot.height), Sense::click());
    let what = slot.source.map_or_else(|| "empty".to_owned(), ImageSource::name);
    let name = format!("{}: {what}. Click to choose a file", slot.title);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    let dropping = ui.input(|input| !input.raw.hovered_files.is_empty());
    let lit = response.hovered() || response.has_focus() || dropping;
    ui.painter().rect_filled(rect, theme::RADIUS, if lit { tokens.accent_faint } else { tokens.background });
    match picture {
        Some(Ok(texture)) => fit_picture(ui, rect.shrink(theme::SPACE), texture),
        Some(Err(_)) => invite(ui, rect, "This image cannot be read", "Click to choose another one", tokens.bad),
        None if slot.source.is_some() => invite(ui, rect, "Loading the image", "", tokens.text_dim),
        None => invite(ui, rect, "Drop an image here", "or click to choose a file", tokens.text),
    }
    outline(ui, rect, if lit { tokens.accent } else { tokens.text_dim.gamma_multiply(0.6) }, slot.source.is_none());
    response.on_hover_cursor(CursorIcon::PointingHand)
}

fn invite(ui: &Ui, rect: Rect, title: &str, text: &str, colour: Color32) {
    let tokens = theme::tokens(ui);
    let painter = ui.painter();
    let title = painter.layout(title.to_owned(), FontId::proportional(16.0), colour, rect.width() - 2.0 * theme::SPACE);
    let text =
        painter.layout(text.to_owned(), FontId::proportional(13.0), tokens.text_dim, rect.width() - 2.0 * theme::SPACE);
    let height = title.size().y + 4.0 + text.size().y;
    let top = rect.center().y - height / 2.0;
    let centred = |width: f32, y: f32| pos2(rect.center().x - width / 2.0, y);
    let below = top + title.size().y + 4.0;
    let (title_at, text_at) = (centred(title.size().x, top), centred(text.size().x, below));
    painter.galley(title_at, title, colour);
    painter.galley(text_at, text, tokens.text_dim);
}

/// Dashed while something can be dropped into an empty slot, a quiet line around a picture.
fn outline(ui: &Ui, rect: Rect, colour: Color32, dashed: bool) {
    let stroke = Stroke::new(1.5, colour);
    if !dashed {
        ui.painter().rect_stroke(rect, theme::RADIUS, Stroke::new(1.0, colour), egui::StrokeKind::Inside);
        return;
    }
    let inner = rect.shrink(0.75);
    let radius = f32::from(theme::RADIUS);
    ui.painter().extend(Shape::dashed_line(&rounded_path(inner, radius), stroke, 6.0, 5.0));
}

/// A closed path around a rectangle with round corners.
fn rounded_path(rect: Rect, radius: f32) -> Vec<egui::Pos2> {
    let quarter = std::f32::consts::FRAC_PI_2;
    let inner = rect.shrink(radius);
    let corners = [inner.right_bottom(), inner.left_bottom(), inner.left_top(), inner.right_top()];
    let mut path: Vec<egui::Pos2> = Vec::with_capacity(33);
    for (corner, start) in corners.into_iter().zip([0.0, 1.0, 2.0, 3.0]) {
        path.extend((0..=6_u8).map(|step| corner + radius * Vec2::angled((start + f32::from(step) / 6.0) * quarter)));
    }
    path.extend(path.first().copied());
    path
}

/// File name and crop.
fn foot(ui: &mut Ui, media: &mut Media, slot: &ImageSlot<'_>) {
    let Some(source) = slot.source else { return };
    ui.horizontal(|ui| {
        ui.set_min_height(CROP_PT);
        if let Some(crop) = slot.crop {
            // The texture is named by its pixels: a new comparison may have another crop in the same slot.
            let texture = media.pixels(ui.ctx(), ("crop", slot.title, &crop.rgba), crop);
            let image = egui::Image::from_texture((texture.id(), Vec2::splat(CROP_PT))).corner_radius(4);
            ui.add(image.alt_text(format!("What the network sees of the {}", slot.title.to_lowercase())));
        }
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.add(egui::Label::new(source.name()).truncate());
            let caption = if slot.crop.is_some() { "What the network sees" } else { "Not compared yet" };
            ui.add(egui::Label::new(theme::caption(caption)).truncate());
            if let Some(length) = slot.length {
                let text = egui::Label::new(theme::caption(format!("Length {length:.1}"))).truncate();
                ui.add(text).on_hover_text(LENGTH_HELP);
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dashed_outline_is_closed_and_stays_inside() {
        let rect = Rect::from_min_max(pos2(10.0, 20.0), pos2(210.0, 120.0));
        let path = rounded_path(rect, 8.0);
        assert_eq!(path.first(), path.last());
        assert!(path.iter().all(|point| rect.expand(0.01).contains(*point)), "{path:?}");
    }
}
