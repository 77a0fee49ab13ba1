//! The selected image: large, named, with its nearest images by true cosine.

use super::Shown;
use crate::app::Action;
use crate::ui::media::Media;
use crate::ui::theme;
use crate::ui::widgets::neighbour_strip::{NeighbourStrip, fit_picture};
use crate::worker::protocol::ImageSource;
use eframe::egui::{self, Align, Sense, Ui, vec2};
use std::sync::Arc;

/// Side of the picture, in points.
const PICTURE_PT: f32 = 112.0;
/// Pixels asked for.
const PICTURE_PX: u32 = 256;

/// A side panel lower than this shows one line of neighbours, in points: more would leave a slit for the classes.
const LOW_PT: f32 = 720.0;

/// Draws the card.
pub(super) fn selection_ui(ui: &mut Ui, shown: &Shown<'_>, row: u32, media: &mut Media, out: &mut Vec<Action>) {
    let Some(item) = shown.table.items().get(row as usize).copied() else { return };
    let room = ui.available_height();
    ui.horizontal_top(|ui| {
        picture_ui(ui, shown, item, media);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            ui.add(egui::Label::new(theme::subheading(shown.catalog.class_name(item as usize))).truncate());
            let path = shown.catalog.name(item as usize);
            let file = path.rsplit(['/', '\\']).next().unwrap_or(&path);
            let file = egui::Label::new(theme::caption(file)).truncate().show_tooltip_when_elided(false);
            ui.add(file).on_hover_text(&path);
            if ui.button("Verify").on_hover_text("Puts this image into the first slot of Verify").clicked() {
                out.push(Action::SetSlot(0, ImageSource::Item(Arc::clone(shown.catalog), item)));
            }
            if ui
                .button("Clear")
                .on_hover_text("Selects nothing (Esc); arrow keys walk to the next point in a direction")
                .clicked()
            {
                out.push(Action::Select(None));
            }
        });
    });
    ui.add_space(theme::SPACE / 2.0);
    let strip = NeighbourStrip {
        catalog: shown.catalog,
        table: shown.table,
        neighbours: &shown.explore.neighbours,
        own_class: shown.table.classes().get(row as usize).copied(),
    };
    ui.label(theme::subheading("Nearest images"));
    let (same, all) = (strip.same_class(), shown.explore.neighbours.len());
    ui.label(theme::caption(format!(
        "{same} of {all} are of the same class. By cosine similarity, not by their place on the map."
    )));
    // In a low window one line leaves room for the legend.
    let clicked = if room < LOW_PT {
        strip.line_ui(ui, media)
    } else {
        let scroll = egui::ScrollArea::vertical().id_salt("neighbours").max_height(228.0).auto_shrink([false, true]);
        scroll.show(ui, |ui| strip.wrapped_ui(ui, media)).inner
    };
    out.extend(clicked.map(|row| Action::Select(Some(row))));
}

fn picture_ui(ui: &mut Ui, shown: &Shown<'_>, item: u32, media: &mut Media) {
    let tokens = theme::tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(PICTURE_PT, PICTURE_PT), Sense::hover());
    let name = format!("Selected image {}", shown.catalog.name(item as usize));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &name));
    ui.painter().rect_filled(rect, 6.0, tokens.background);
    if let Some(texture) = media.item(ui.ctx(), shown.catalog, item, PICTURE_PX) {
        fit_picture(ui, rect, &texture);
    } else {
        ui.painter().text(
            rect.center(),
            egui::Align2([Align::Center; 2]),
            "loading",
            egui::FontId::proportional(12.0),
            tokens.text_dim,
        );
    }
}
