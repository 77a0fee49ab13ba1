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
    use crate::app::{Action, State, on_event, update};
    use crate::config::Value;
    use crate::data::Catalog;
    use crate::ui::test_page::{self, Page, pictures};
    use crate::worker::protocol::{Event, OpenedData};
    use eframe::egui::{Color32, ColorImage};
    use egui_kittest::Harness;
    use std::path::Path;
    use std::sync::Arc;

    /// The preview of a data set.
    fn previewed(folder: &Path) -> Harness<'static, Page<Preview>> {
        let mut state = State::new("runs".into());
        let effects = update(&mut state, Action::OpenData(folder.to_owned()));
        let job = effects.into_iter().find_map(test_page::job_of).unwrap().id;
        let catalog = Arc::new(Catalog::open(folder, &|_| {}, &|| false).unwrap());
        on_event(&mut state, Event::DataOpened { job, data: OpenedData { catalog, elapsed_secs: 0.1 } });
        test_page::page_of(state, [1000.0, 500.0], |panel: &mut Preview, ui, state, media, _| {
            if let Some(data) = state.open_data() {
                panel.ui(ui, data, None, "", media);
            }
        })
    }

    /// The pictures once a setting is changed.
    fn shown(harness: &mut Harness<'static, Page<Preview>>, key: &'static str, value: Value) -> Vec<Arc<ColorImage>> {
        update(&mut harness.state_mut().state, Action::Set { key, value });
        harness.run_steps(2);
        pictures(harness).into_iter().map(|(_, picture)| picture).collect()
    }

    #[test]
    fn a_strength_that_is_changed_changes_the_pictures_and_only_those_that_it_is_about() {
        let folder = tempfile::tempdir().unwrap();
        crate::data::testing::draw_classes(folder.path(), 12, 4);
        let mut harness = previewed(folder.path());
        let strengths = [
            ("augment.shift", 0.5),
            ("augment.scale", 0.5),
            ("augment.rotate_deg", 90.0),
            ("augment.colour", 0.9),
            ("augment.hue_deg", 90.0),
            ("augment.crop", 1.0),
            ("augment.low_resolution", 1.0),
            ("augment.blur", 1.0),
            ("augment.grey", 1.0),
            ("augment.jpeg", 1.0),
            ("augment.cutout", 1.0),
        ];
        for (key, _) in strengths {
            shown(&mut harness, key, Value::Float(0.0));
        }
        // The drawn images are small and plain: what is seen of a weak blur is lost in rounding.
        shown(&mut harness, "augment.blur_largest", Value::Float(0.3));
        let plain = shown(&mut harness, "augment.flip", Value::Bool(false));
        let has_colours = |picture: &Arc<ColorImage>| picture.pixels.iter().any(|pixel| pixel.r() != pixel.g());
        assert!(plain.iter().all(has_colours), "a change of colours is not seen on what has none");
        for (key, strength) in strengths {
            let [without, with, again] =
                [0.0, strength, 0.0].map(|value| shown(&mut harness, key, Value::Float(value)));
            let all_together = 1 + VARIANTS as usize;
            assert!(without.len() >= all_together, "{key}: {}", without.len());
            assert_eq!(with.len(), without.len() + 1, "{key} by itself is shown, too");
            assert!(with[0] == without[0], "the first is unchanged, whatever {key} is");
            let differ = (1..all_together).filter(|&place| with[place] != without[place]).count();
            assert!(differ > all_together / 2, "{key}: {differ} of the pictures differ");
            assert!(again == without, "{key}");
        }
        let mirrored = |picture: &Arc<ColorImage>| -> Vec<Color32> {
            picture.pixels.chunks(picture.size[0]).flat_map(|row| row.iter().rev().copied()).collect()
        };
        let flipped = shown(&mut harness, "augment.flip", Value::Bool(true));
        assert_eq!(flipped.len(), plain.len(), "it has no strength to be shown by itself");
        assert!(flipped[0] == plain[0], "the first is unchanged");
        let (same, others): (Vec<_>, Vec<_>) =
            flipped.iter().zip(&plain).partition(|(flipped, plain)| flipped == plain);
        assert!(same.len() > 1 && !others.is_empty(), "some are mirrored: {} of {}", others.len(), plain.len());
        assert!(others.iter().all(|(flipped, plain)| flipped.pixels == mirrored(plain)));
        assert!(shown(&mut harness, "augment.flip", Value::Bool(false)) == plain);
    }

    #[test]
    fn every_shuffle_takes_the_next_image_wherever_it_stands() {
        let chosen = |shuffled, all, items: Option<&[u32]>| Preview { shuffled }.chosen(all, items);
        assert_eq!([0, 1, 2, 3].map(|shuffled| chosen(shuffled, 10, Some(&[7, 2, 5]))), [7, 2, 5, 7].map(Some));
        assert_eq!([1, 4].map(|shuffled| chosen(shuffled, 3, None)), [Some(1), Some(1)]);
        assert_eq!([chosen(4, 9, Some(&[])), chosen(4, 0, None)], [None, None]);
    }
}
