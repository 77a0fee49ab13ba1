//! The images of the selected class; only the rows on screen exist.

use super::facts::Facts;
use crate::app::OpenData;
use crate::ui::Media;
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::figures::counted_spaced;
use crate::ui::widgets::neighbour_strip::fit_picture;
use eframe::egui::{ScrollArea, Sense, Ui, vec2};

const TILE: f32 = 80.0;
const TILE_PX: u32 = 160;
/// Rows before the gallery scrolls by itself.
const ROWS: usize = 2;

/// Draws the selected class.
pub(super) fn gallery_ui(ui: &mut Ui, data: &OpenData, facts: &Facts, class: u32, media: &mut Media) {
    let items = facts.items(class);
    ui.horizontal(|ui| {
        let name = data.catalog.classes.get(class as usize).map_or("", String::as_str);
        ui.label(theme::subheading(name));
        ui.label(theme::caption(counted_spaced(items.len(), "image")));
    });
    if items.is_empty() {
        ui.label(theme::caption("No usable image"));
        return;
    }
    ui.spacing_mut().item_spacing = vec2(SPACE, SPACE);
    let width = ui.available_width() - SPACE * 2.0;
    let columns = (((width + SPACE) / (TILE + SPACE)).floor() as usize).max(1);
    let rows = items.len().div_ceil(columns);
    let shown = rows.min(ROWS) as f32;
    let height = shown * TILE + (shown - 1.0) * SPACE;
    let area = ScrollArea::vertical()
        .id_salt(("gallery", class))
        .max_height(height)
        .min_scrolled_height(height)
        .auto_shrink([false, true]);
    area.show_rows(ui, TILE, rows, |ui, visible| {
        for row in items.chunks(columns).skip(visible.start).take(visible.len()) {
            ui.horizontal(|ui| {
                for &item in row {
                    tile_ui(ui, data, item, media);
                }
            });
        }
    });
}

fn tile_ui(ui: &mut Ui, data: &OpenData, item: u32, media: &mut Media) {
    let (rect, response) = ui.allocate_exact_size(vec2(TILE, TILE), Sense::hover());
    ui.painter().rect_filled(rect, 6.0, theme::tokens(ui).control);
    let texture = if ui.is_rect_visible(rect) { media.item(ui.ctx(), &data.catalog, item, TILE_PX) } else { None };
    if let Some(texture) = texture {
        fit_picture(ui, rect, &texture);
    }
    response.on_hover_ui(|ui| {
        ui.label(data.catalog.name(item as usize));
        if let Some(item) = data.catalog.items.get(item as usize) {
            ui.label(theme::caption(format!("{}×{} px, {}", item.width, item.height, item.mode)));
        }
    });
}
