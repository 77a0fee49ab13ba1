//! The nearest known images as thumbnails with their similarity; those of another class say so in words.
//!
//! Not the search itself: neighbours are found on the embeddings, never on the map, and arrive here ready.

use crate::data::Catalog;
use crate::eval::{EmbeddingTable, Neighbour};
use crate::ui::media::Media;
use crate::ui::theme;
use eframe::egui::{
    self, Align2, CursorIcon, FontId, Pos2, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, vec2,
};
use std::sync::Arc;

/// Side of a thumbnail, in points.
const THUMB_PT: f32 = 68.0;
/// Pixels asked for; sharp on a doubled screen.
const THUMB_PX: u32 = 144;
/// Two lines of text below.
const TEXT_PT: f32 = 34.0;

/// What the strip shows.
pub struct NeighbourStrip<'a> {
    /// The images.
    pub catalog: &'a Arc<Catalog>,
    /// The embeddings the rows belong to.
    pub table: &'a EmbeddingTable,
    /// Nearest first.
    pub neighbours: &'a [Neighbour],
    /// Class of the image they are near to, if it is known.
    pub own_class: Option<u32>,
}

impl NeighbourStrip<'_> {
    /// How many are of the own class.
    pub fn same_class(&self) -> usize {
        self.neighbours.iter().filter(|neighbour| !self.is_other(neighbour)).count()
    }

    fn class(&self, neighbour: &Neighbour) -> Option<u32> {
        self.table.classes().get(neighbour.row).copied()
    }

    fn is_other(&self, neighbour: &Neighbour) -> bool {
        self.own_class.is_some() && self.class(neighbour) != self.own_class
    }

    /// Draws the thumbnails over as many lines as they need; returns the row that was clicked.
    pub fn wrapped_ui(&self, ui: &mut Ui, media: &mut Media) -> Option<u32> {
        ui.horizontal_wrapped(|ui| self.thumbs_ui(ui, media)).inner
    }

    /// Draws the thumbnails in one line that scrolls; returns the row that was clicked.
    pub fn line_ui(&self, ui: &mut Ui, media: &mut Media) -> Option<u32> {
        let scroll = egui::ScrollArea::horizontal().id_salt("line of neighbours").auto_shrink([false, true]);
        scroll.show(ui, |ui| ui.horizontal(|ui| self.thumbs_ui(ui, media)).inner).inner
    }

    fn thumbs_ui(&self, ui: &mut Ui, media: &mut Media) -> Option<u32> {
        ui.spacing_mut().item_spacing = Vec2::splat(theme::SPACE);
        let mut clicked = None;
        for neighbour in self.neighbours {
            if self.thumb_ui(ui, media, neighbour) {
                clicked = Some(neighbour.row as u32);
            }
        }
        clicked
    }

    fn thumb_ui(&self, ui: &mut Ui, media: &mut Media, neighbour: &Neighbour) -> bool {
        let tokens = theme::tokens(ui);
        let Some(item) = self.table.items().get(neighbour.row).copied() else { return false };
        let class_name = self.catalog.class_name(item as usize).to_owned();
        let other = self.is_other(neighbour);
        let (rect, response) = ui.allocate_exact_size(vec2(THUMB_PT, THUMB_PT + TEXT_PT), Sense::click());
        let verdict = if other { ", another class" } else { "" };
        let name = format!(
            "{} of {class_name}, similarity {:.2}{verdict}",
            self.catalog.name(item as usize),
            neighbour.cosine
        );
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        let picture = Rect::from_min_size(rect.min, Vec2::splat(THUMB_PT));
        ui.painter().rect_filled(picture, 6.0, tokens.background);
        if let Some(texture) = media.item(ui.ctx(), self.catalog, item, THUMB_PX) {
            fit_picture(ui, picture, &texture);
        }
        let border = match (response.hovered() || response.has_focus(), other) {
            (true, _) => Stroke::new(2.0, tokens.accent),
            (false, true) => Stroke::new(2.0, tokens.bad),
            (false, false) => Stroke::new(1.0, tokens.card_border),
        };
        ui.painter().rect_stroke(picture, 6.0, border, StrokeKind::Inside);
        let text_colour = if other { tokens.bad } else { tokens.text_dim };
        let below = |y: f32| Pos2::new(picture.center().x, picture.bottom() + y);
        let similarity = format!("{:.2}", neighbour.cosine);
        ui.painter().text(below(3.0), Align2::CENTER_TOP, similarity, FontId::proportional(12.0), tokens.text);
        let label = if other { format!("not: {class_name}") } else { class_name };
        one_line(ui, below(18.0), &label, text_colour);
        response.on_hover_cursor(CursorIcon::PointingHand).on_hover_text(name).clicked()
    }
}

/// A picture, whole and centred in a square.
pub fn fit_picture(ui: &Ui, room: Rect, texture: &egui::TextureHandle) {
    let size = texture.size_vec2();
    let scale = (room.width() / size.x.max(1.0)).min(room.height() / size.y.max(1.0));
    let place = Rect::from_center_size(room.center(), size * scale);
    egui::Image::from_texture((texture.id(), place.size())).corner_radius(6).paint_at(ui, place);
}

/// Text of one line, cut off at the width of a thumbnail.
fn one_line(ui: &Ui, top: Pos2, text: &str, colour: egui::Color32) {
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), FontId::proportional(11.0), colour);
    job.wrap = egui::text::TextWrapping::truncate_at_width(THUMB_PT);
    let galley = ui.painter().layout_job(job);
    ui.painter().galley(top - vec2(galley.size().x / 2.0, 0.0), galley, colour);
}
