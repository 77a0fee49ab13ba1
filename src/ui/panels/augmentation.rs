//! One image as it is and as the network will see it after random changes: the quickest way to notice that characters
//! are mirrored or faces turned upside down. Below it what each change does by itself.

use crate::app::OpenData;
use crate::config::Resolved;
use crate::data::Augment;
use crate::ui::Media;
use crate::ui::media::Variant;
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::neighbour_strip::fit_picture;
use eframe::egui::{Align, Align2, FontId, Layout, Sense, Ui, Vec2, vec2};

/// Random variants beside the original.
const VARIANTS: u64 = 6;
const TILE: f32 = 80.0;
/// Room for a tile with a name below it.
const NAMED: Vec2 = vec2(100.0, TILE + 18.0);

/// Which image and which variants are shown.
#[derive(Debug, Default)]
pub(super) struct Preview {
    shuffled: u64,
}

impl Preview {
    /// Draws one of the images at these places in the catalogue, of all without them; `strengths` says where the strengths
    /// of the changes are set, and nothing where that is beside it.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        data: &OpenData,
        items: Option<&[u32]>,
        strengths: &str,
        media: &mut Media,
    ) {
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
        let Ok(resolved) = &data.resolved else {
            ui.label(theme::caption("Shown when the settings in Train fit the data."));
            return;
        };
        let Some(item) = self.chosen(data.catalog.items.len(), items) else {
            ui.label(theme::caption("No usable image"));
            return;
        };
        let mut tile = Tile { data, item, name: "", media };
        let all = Augment::of(&resolved.config.augment, resolved.flip);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(SPACE, SPACE);
            tile.ui(ui, 0, Augment::identity());
            for variant in 1..=VARIANTS {
                tile.ui(ui, self.shuffled * VARIANTS + variant, all);
            }
        });
        let text = "The first is unchanged; the others are changed at random, differently in every epoch.";
        ui.label(theme::caption(format!("{text} {strengths}").trim_end()));
        singles_ui(ui, resolved, &mut tile, self.shuffled + 1);
    }

    /// The image that is shown, of `all` or of those at some places; every shuffle takes the next.
    fn chosen(&self, all: usize, items: Option<&[u32]>) -> Option<u32> {
        let place = self.shuffled.checked_rem(items.map_or(all, <[u32]>::len) as u64)? as u32;
        items.map_or(Some(place), |items| items.get(place as usize).copied())
    }
}

/// A rare change is not seen among a few random variants, and a weak one not among strong ones.
fn singles_ui(ui: &mut Ui, resolved: &Resolved, tile: &mut Tile<'_>, variant: u64) {
    let changes = resolved.config.single_changes(resolved.channels);
    if changes.is_empty() {
        return;
    }
    ui.add_space(SPACE / 2.0);
    ui.label(theme::strong("Each change by itself").size(14.0));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(0.0, SPACE);
        for (spec, augment) in changes {
            tile.name = spec.label;
            tile.ui(ui, variant, Augment::of(&augment, false));
        }
    });
}

struct Tile<'a> {
    data: &'a OpenData,
    item: u32,
    /// Of the change; empty for all of them together.
    name: &'static str,
    media: &'a mut Media,
}

impl Tile<'_> {
    fn ui(&mut self, ui: &mut Ui, number: u64, augment: Augment) {
        let size = if self.name.is_empty() { vec2(TILE, TILE) } else { NAMED };
        let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
        let picture = Align2::LEFT_TOP.align_size_within_rect(vec2(TILE, TILE), rect);
        let tokens = theme::tokens(ui);
        ui.painter().rect_filled(picture, 6.0, tokens.control);
        let variant = Variant { item: self.item, number, name: self.name, augment };
        if let Some(texture) = self.media.augmented(ui.ctx(), self.data, variant) {
            fit_picture(ui, picture, &texture);
        }
        if !self.name.is_empty() {
            let font = FontId::proportional(12.0);
            ui.painter().text(rect.left_bottom(), Align2::LEFT_BOTTOM, self.name, font, tokens.text_dim);
        }
        let of = self.data.catalog.name(self.item as usize);
        response.on_hover_text(match (number, self.name) {
            (0, _) => "Unchanged".to_owned(),
            (_, "") => format!("{of}, changed at random"),
            (_, name) => format!("{of}, only changed by: {name}"),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shuffle_takes_the_next_image_wherever_it_stands() {
        let chosen = |shuffled, all, items: Option<&[u32]>| Preview { shuffled }.chosen(all, items);
        assert_eq!([0, 1, 2, 3].map(|shuffled| chosen(shuffled, 10, Some(&[7, 2, 5]))), [7, 2, 5, 7].map(Some));
        assert_eq!([1, 4].map(|shuffled| chosen(shuffled, 3, None)), [Some(1), Some(1)]);
        assert_eq!([chosen(4, 9, Some(&[])), chosen(4, 0, None)], [None, None]);
    }
}
