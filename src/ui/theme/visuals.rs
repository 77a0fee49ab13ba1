//! The tokens turned into egui's own style, so that plain buttons, fields and sliders look like the rest.

use super::{RADIUS, SPACE, Tokens, mix, tokens_of};
use eframe::egui::style::{HandleShape, ScrollStyle, WidgetVisuals};
use eframe::egui::{self, Color32, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, TextStyle, Vec2, Visuals};

/// Gives the context fonts and both themes; call once, before the first pass (fonts are there from the next one on).
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(super::fonts::definitions());
    for (theme, dark) in [(egui::Theme::Dark, true), (egui::Theme::Light, false)] {
        ctx.style_mut_of(theme, |style| {
            style.visuals = visuals(tokens_of(dark), dark);
            style.text_styles = text_styles();
            style.spacing.item_spacing = Vec2::splat(SPACE);
            style.spacing.button_padding = Vec2::new(12.0, 5.0);
            style.spacing.interact_size = Vec2::new(40.0, 28.0);
            style.spacing.icon_width = 18.0;
            style.spacing.icon_width_inner = 10.0;
            style.spacing.combo_width = 96.0;
            style.spacing.window_margin = Margin::same(16);
            style.spacing.menu_margin = Margin::same(6);
            style.spacing.tooltip_width = 320.0;
            style.spacing.scroll = ScrollStyle::solid();
            style.spacing.scroll.bar_width = 8.0;
            style.spacing.scroll.bar_inner_margin = 4.0;
            style.interaction.tooltip_delay = 0.35;
            style.interaction.selectable_labels = false;
        });
    }
}

fn text_styles() -> std::collections::BTreeMap<TextStyle, FontId> {
    let font = |size, family| FontId::new(size, family);
    [
        (TextStyle::Heading, font(22.0, super::fonts::semibold())),
        (TextStyle::Body, font(14.0, FontFamily::Proportional)),
        (TextStyle::Button, font(14.0, FontFamily::Proportional)),
        (TextStyle::Small, font(12.0, FontFamily::Proportional)),
        (TextStyle::Monospace, font(13.0, FontFamily::Monospace)),
    ]
    .into()
}

fn visuals(tokens: &Tokens, dark: bool) -> Visuals {
    let mut visuals = if dark { Visuals::dark() } else { Visuals::light() };
    let radius = CornerRadius::same(6);
    let state = |fill: Color32, border: Color32, text: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, border),
        corner_radius: radius,
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    visuals.widgets.noninteractive = state(tokens.panel, tokens.card_border, tokens.text);
    visuals.widgets.inactive = state(tokens.control, tokens.card_border, tokens.text);
    // Handles of scroll bars and sliders: they have no border to be seen by, neither on a card nor on a track.
    visuals.widgets.inactive.bg_fill = mix(tokens.control, tokens.text_dim, 0.55);
    visuals.widgets.hovered = state(tokens.control_hover, tokens.text_dim, tokens.text);
    visuals.widgets.active = state(tokens.control_hover, tokens.accent, tokens.text);
    visuals.widgets.open = state(tokens.control_hover, tokens.accent, tokens.text);
    visuals.selection.bg_fill = tokens.accent_faint;
    visuals.selection.stroke = Stroke::new(1.5, tokens.accent);
    visuals.weak_text_color = Some(tokens.text_dim);
    visuals.hyperlink_color = tokens.accent;
    visuals.faint_bg_color = mix(tokens.card, tokens.background, 0.5);
    // Tracks of progress and scroll bars: visible on cards and on the background.
    visuals.extreme_bg_color = mix(tokens.control, tokens.text_dim, 0.2);
    visuals.text_edit_bg_color = Some(tokens.background);
    visuals.code_bg_color = tokens.control;
    visuals.warn_fg_color = tokens.warning;
    visuals.error_fg_color = tokens.bad;
    visuals.window_fill = tokens.card;
    visuals.window_stroke = Stroke::new(1.0, tokens.card_border);
    visuals.window_corner_radius = CornerRadius::same(12);
    visuals.menu_corner_radius = CornerRadius::same(RADIUS);
    visuals.panel_fill = tokens.background;
    visuals.window_shadow = shadow(24, dark);
    visuals.popup_shadow = shadow(12, dark);
    visuals.slider_trailing_fill = true;
    visuals.handle_shape = HandleShape::Circle;
    visuals.striped = false;
    visuals.indent_has_left_vline = false;
    visuals
}

fn shadow(blur: u8, dark: bool) -> Shadow {
    Shadow { offset: [0, 6], blur, spread: 0, color: Color32::from_black_alpha(if dark { 110 } else { 40 }) }
}
