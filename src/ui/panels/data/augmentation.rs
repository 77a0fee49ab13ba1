//! One image as it is and as the network will see it after random changes: the quickest way to notice that characters
//! are mirrored or faces turned upside down.

use super::facts::Facts;
use crate::app::OpenData;
use crate::ui::Media;
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::neighbour_strip::fit_picture;
use eframe::egui::{Align, Layout, Sense, Ui, vec2};

/// Random variants beside the original.
const VARIANTS: u64 = 6;
const TILE: f32 = 80.0;

/// Which image and which variants are shown.
#[derive(Debug, Default)]
pub(super) struct Preview {
    shuffled: u64,
}

impl Preview {
    /// Draws the row.
    pub(super) fn ui(&mut self, ui: &mut Ui, data: &OpenData, facts: &Facts, class: u32, media: &mut Media) {
        ui.horizontal(|ui| {
            ui.label(theme::subheading("What the network sees"));
            if let Ok(resolved) = &data.resolved {
                let colour = if resolved.channels == 1 { "grey" } else { "colour" };
                ui.label(theme::caption(format!("{px}×{px} px, {colour}", px = resolved.image_px)));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button("Shuffle").on_hover_text("Takes another image and other random changes").clicked() {
                    self.shuffled += 1;
                }
            });
        });
        if data.resolved.is_err() {
            ui.label(theme::caption("Shown when the settings in Train fit the data."));
            return;
        }
        let items = facts.items(class);
        let count = items.len().max(1) as u64;
        let item = items.start + (self.shuffled % count) as u32;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(SPACE, SPACE);
            for variant in 0..=VARIANTS {
                let number = if variant == 0 { 0 } else { self.shuffled * VARIANTS + variant };
                tile_ui(ui, data, item, number, media);
            }
        });
        ui.label(theme::caption("The first is unchanged; the others are changed at random, differently in every epoch. The strengths are in Train, under Augmentation."));
    }
}

fn tile_ui(ui: &mut Ui, data: &OpenData, item: u32, variant: u64, media: &mut Media) {
    let (rect, response) = ui.allocate_exact_size(vec2(TILE, TILE), Sense::hover());
    ui.painter().rect_filled(rect, 6.0, theme::tokens(ui).control);
    if let Some(texture) = media.augmented(ui.ctx(), data, item, variant) {
        fit_picture(ui, rect, &texture);
    }
    response.on_hover_text(if variant == 0 {
        "Unchanged".to_owned()
    } else {
        format!("{}, changed at random", data.catalog.name(item as usize))
    });
}
