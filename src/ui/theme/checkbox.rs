//! The box to tick: an empty one has a border to be seen by, a ticked one is filled.
//!
//! It is egui's own, with its accessibility and its way of being clicked, in other colours: egui draws every box with the
//! fill that handles of scroll bars have, so that an empty one looks filled already, or out of use.

use super::{Tokens, mix, tokens};
use eframe::egui::{Checkbox, Response, RichText, Stroke, StrokeKind, Ui, Visuals};
use std::sync::Arc;

/// Width of the border, in points.
const BORDER_PT: f32 = 1.5;
/// Width of the tick's line, in points.
const TICK_PT: f32 = 2.0;

/// A box with its label; without one where the label is empty, and then its response wants an accessible name.
pub fn checkbox(ui: &mut Ui, is_on: &mut bool, label: impl Into<RichText>) -> Response {
    let (label, tokens) = (label.into(), tokens(ui));
    // Not a scope of its own, which would take a place in the layout.
    let plain = Arc::clone(ui.style());
    dress(ui.visuals_mut(), tokens, *is_on);
    let widget = if label.is_empty() { Checkbox::without_text(is_on) } else { Checkbox::new(is_on, label) };
    let response = ui.add(widget);
    ui.set_style(plain);
    if response.has_focus() {
        let stroke = Stroke::new(1.5, tokens.accent);
        ui.painter().rect_stroke(response.rect.expand(1.0), 6.0, stroke, StrokeKind::Outside);
    }
    response
}

fn dress(visuals: &mut Visuals, tokens: &Tokens, is_on: bool) {
    // Else the label would have the colour of the tick.
    visuals.override_text_color = Some(tokens.text);
    let (fill, border, border_under_pointer) =
        if is_on { (tokens.accent, tokens.accent, tokens.accent) } else { (tokens.card, tokens.text_dim, tokens.text) };
    let widgets = &mut visuals.widgets;
    widgets.inactive.bg_fill = fill;
    widgets.inactive.bg_stroke = Stroke::new(BORDER_PT, border);
    for state in [&mut widgets.hovered, &mut widgets.active] {
        state.bg_fill = mix(fill, tokens.text, 0.12);
        state.bg_stroke = Stroke::new(BORDER_PT, border_under_pointer);
    }
    for state in [&mut widgets.inactive, &mut widgets.hovered, &mut widgets.active] {
        state.fg_stroke = Stroke::new(TICK_PT, tokens.accent_text);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::contrast;
    use super::super::{install, tokens_of};
    use super::*;
    use crate::ui::test_page::text_shape;
    use eframe::egui::epaint::{ColorMode, PathStroke, RectShape};
    use eframe::egui::{Color32, Shape, Theme, Vec2};
    use egui_kittest::Harness;

    /// A window with one box in it.
    fn window(is_dark: bool, mut is_on: bool) -> Harness<'static> {
        let draw = move |ui: &mut Ui| {
            // Fonts are there from the next pass on.
            if ui.ctx().cumulative_pass_nr() == 0 {
                return install(ui.ctx());
            }
            checkbox(ui, &mut is_on, "Class names");
        };
        let theme = if is_dark { Theme::Dark } else { Theme::Light };
        let mut harness = Harness::builder().with_size((200.0, 80.0)).with_theme(theme).build_ui(draw);
        harness.run_steps(4);
        harness
    }

    fn the_box(harness: &Harness<'_>) -> RectShape {
        let is_box = |size: Vec2| (size - Vec2::splat(18.0)).length() < 1.0;
        let mut rects = harness.output().shapes.iter().filter_map(|clipped| match &clipped.shape {
            Shape::Rect(rect) if is_box(rect.rect.size()) => Some(rect.clone()),
            _ => None,
        });
        rects.next_back().expect("a box is drawn")
    }

    fn tick(harness: &Harness<'_>) -> Option<PathStroke> {
        harness.output().shapes.iter().find_map(|clipped| match &clipped.shape {
            Shape::Path(path) => Some(path.stroke.clone()),
            _ => None,
        })
    }

    fn colour_of_label(harness: &Harness<'_>) -> Color32 {
        let label = text_shape(harness, "Class names").expect("the label is drawn");
        let own = label.galley.job.sections[0].format.color;
        if own == Color32::PLACEHOLDER { label.fallback_color } else { own }
    }

    #[test]
    fn an_empty_box_has_a_border_to_be_seen_by_and_no_fill() {
        for is_dark in [false, true] {
            let tokens = tokens_of(is_dark);
            let harness = window(is_dark, false);
            let empty = the_box(&harness);
            assert_eq!(empty.fill, tokens.card);
            assert!((empty.stroke.width - 1.5).abs() < 0.01, "{:?}", empty.stroke);
            for surface in [tokens.card, tokens.background] {
                let seen = contrast(empty.stroke.color, surface);
                assert!(seen >= 3.0, "border on {surface:?}: {seen:.2}");
            }
            assert!(tick(&harness).is_none());
            assert_eq!(colour_of_label(&harness), tokens.text);
        }
    }

    #[test]
    fn a_ticked_box_is_filled_and_its_tick_stands_out() {
        for is_dark in [false, true] {
            let tokens = tokens_of(is_dark);
            let harness = window(is_dark, true);
            let (filled, tick) = (the_box(&harness), tick(&harness).expect("a tick is drawn"));
            for surface in [tokens.card, tokens.background] {
                assert!(contrast(filled.fill, surface) >= 3.0, "{:?} on {surface:?}", filled.fill);
            }
            let ColorMode::Solid(colour) = tick.color else { panic!("a tick has one colour: {:?}", tick.color) };
            assert!(contrast(colour, filled.fill) >= 3.0, "{colour:?} on {:?}", filled.fill);
            assert!((tick.width - 2.0).abs() < 0.01, "{tick:?}");
            assert_eq!(colour_of_label(&harness), tokens.text);
        }
    }
}
