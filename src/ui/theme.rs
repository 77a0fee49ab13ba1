//! Colours, spacing and text sizes: the look of the program, dark and light, in one place.
//!
//! The only file that constructs colours. Everything else asks [`tokens`] for a colour by its meaning, so a second
//! theme costs nothing and contrast can be tested here (it is, below). Not for layout: panels arrange themselves.

use crate::app::{Action, Notice};
use eframe::egui::style::{HandleShape, WidgetVisuals};
use eframe::egui::{
    self, Color32, CornerRadius, FontFamily, FontId, Frame, Margin, Response, RichText, Shadow, Stroke, TextStyle, Ui, Vec2, Visuals,
};

/// The grid everything is aligned to, in points; use multiples of it or its half.
pub const SPACE: f32 = 8.0;
/// Corner radius of cards, in points.
pub const RADIUS: u8 = 8;
/// Text size of a number that stands for itself, in points.
const VALUE_SIZE: f32 = 20.0;
/// Height of a button that does the main thing on a screen, in points.
pub const PRIMARY_HEIGHT: f32 = 40.0;

/// Colours by meaning.
#[derive(Debug)]
pub struct Tokens {
    /// The one colour of emphasis: primary buttons, selection, focus.
    pub accent: Color32,
    /// Text on `accent`.
    pub accent_text: Color32,
    /// A faint wash of the accent behind selected things.
    pub accent_faint: Color32,
    /// Behind everything.
    pub background: Color32,
    /// Navigation, bars.
    pub panel: Color32,
    /// Raised areas.
    pub card: Color32,
    /// Their border.
    pub card_border: Color32,
    /// Fields and buttons on a card.
    pub control: Color32,
    /// The same under the pointer.
    pub control_hover: Color32,
    /// Text.
    pub text: Color32,
    /// Less important text; still at least 4.5 : 1 on `card`.
    pub text_dim: Color32,
    /// Done, same, better.
    pub good: Color32,
    /// Left out, repaired, undecided.
    pub warning: Color32,
    /// Failed, different, worse.
    pub bad: Color32,
    /// Pairs of the same identity.
    pub genuine: Color32,
    /// Pairs of different identities.
    pub impostor: Color32,
    /// Grid lines of plots.
    pub plot_grid: Color32,
    /// Drawn over the window behind an overlay.
    pub dim: Color32,
    series: [Color32; 8],
    class_lightness: f32,
    class_chroma: f32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

static DARK: Tokens = Tokens {
    accent: rgb(0x7A_A9_FF),
    accent_text: rgb(0x0B_16_2B),
    accent_faint: rgb(0x25_32_4C),
    background: rgb(0x12_15_1A),
    panel: rgb(0x18_1C_23),
    card: rgb(0x1E_23_2C),
    card_border: rgb(0x2C_33_3F),
    control: rgb(0x2A_31_3D),
    control_hover: rgb(0x36_3F_4E),
    text: rgb(0xE8_EC_F2),
    text_dim: rgb(0xA0_AB_BA),
    good: rgb(0x5F_CF_93),
    warning: rgb(0xE9_B9_5A),
    bad: rgb(0xF5_80_80),
    genuine: rgb(0x5A_B8_EE),
    impostor: rgb(0xF0_A0_3C),
    plot_grid: rgb(0x6B_76_88),
    dim: Color32::from_black_alpha(190),
    // Okabe and Ito's colours, brightened where the originals sink into a dark background.
    series: [
        rgb(0x5A_B8_EE), rgb(0xF0_A0_3C), rgb(0x2F_C4_9A), rgb(0xE0_8A_C0), rgb(0xEC_DF_4E), rgb(0xF0_77_3F), rgb(0x96_9C_FF), rgb(0xB6_BE_C9),
    ],
    class_lightness: 0.75,
    class_chroma: 0.13,
};

static LIGHT: Tokens = Tokens {
    accent: rgb(0x25_57_C7),
    accent_text: rgb(0xFF_FF_FF),
    accent_faint: rgb(0xE1_EA_FB),
    background: rgb(0xF2_F4_F8),
    panel: rgb(0xFA_FB_FD),
    card: rgb(0xFF_FF_FF),
    card_border: rgb(0xDD_E2_EA),
    control: rgb(0xEC_EF_F4),
    control_hover: rgb(0xDF_E4_EC),
    text: rgb(0x1A_1F_28),
    text_dim: rgb(0x56_60_70),
    good: rgb(0x14_74_43),
    warning: rgb(0x8A_58_00),
    bad: rgb(0xB4_25_25),
    genuine: rgb(0x00_6A_AB),
    impostor: rgb(0xA6_4A_00),
    plot_grid: rgb(0x9A_A4_B2),
    dim: Color32::from_black_alpha(150),
    series: [
        rgb(0x00_6A_AB), rgb(0xA6_4A_00), rgb(0x00_7A_58), rgb(0xA2_3F_7C), rgb(0x7D_66_00), rgb(0xC2_3B_22), rgb(0x4F_4B_C4), rgb(0x5B_63_70),
    ],
    class_lightness: 0.56,
    class_chroma: 0.15,
};

/// The colours of the theme in force.
pub fn tokens(ui: &Ui) -> &'static Tokens {
    tokens_of(ui.visuals().dark_mode)
}

/// The colours of the dark or the light theme.
pub fn tokens_of(dark: bool) -> &'static Tokens {
    if dark { &DARK } else { &LIGHT }
}

/// One of eight colours that stay apart for colour-blind eyes; repeats beyond eight.
pub fn series(ui: &Ui, index: usize) -> Color32 {
    let colours = &tokens(ui).series;
    colours.get(index % colours.len()).copied().unwrap_or_default()
}

/// A colour for a class among many: hues a golden angle apart at equal perceived lightness, in three shades.
pub fn class_colour(ui: &Ui, class: usize) -> Color32 {
    let tokens = tokens(ui);
    let hue_deg = (class as f32 * 137.507_77 + 230.0) % 360.0;
    let shade = [0.0, 0.07, -0.07].get((class / 7) % 3).copied().unwrap_or_default();
    oklch(tokens.class_lightness + shade, tokens.class_chroma, hue_deg)
}

/// A colour `t` of the way from one to the other, in [0, 1].
pub fn mix(from: Color32, to: Color32, t: f32) -> Color32 {
    from.lerp_to_gamma(to, t.clamp(0.0, 1.0))
}

/// OKLCH to sRGB (B. Ottosson, 2020), clipped to the gamut.
fn oklch(lightness: f32, chroma: f32, hue_deg: f32) -> Color32 {
    let (sin, cos) = hue_deg.to_radians().sin_cos();
    let (a, b) = (chroma * cos, chroma * sin);
    let l = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let m = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let s = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    let linear = [
        4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
        -1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s,
        -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
    ];
    let [red, green, blue] = linear.map(|x| {
        let x = x.clamp(0.0, 1.0);
        let encoded = if x <= 0.003_130_8 { 12.92 * x } else { 1.055 * x.powf(1.0 / 2.4) - 0.055 };
        (encoded * 255.0).round() as u8
    });
    Color32::from_rgb(red, green, blue)
}

/// Gives the context both themes; call once.
pub fn install(ctx: &egui::Context) {
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
            style.spacing.scroll = egui::style::ScrollStyle::solid();
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
        (TextStyle::Heading, font(22.0, FontFamily::Proportional)),
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
    // Handles of scroll bars and sliders, boxes of check marks: they have no border to be seen by.
    visuals.widgets.inactive.bg_fill = mix(tokens.control, tokens.text_dim, 0.35);
    visuals.widgets.hovered = state(tokens.control_hover, tokens.text_dim, tokens.text);
    visuals.widgets.active = state(tokens.control_hover, tokens.accent, tokens.text);
    visuals.widgets.open = state(tokens.control_hover, tokens.accent, tokens.text);
    visuals.selection.bg_fill = tokens.accent_faint;
    visuals.selection.stroke = Stroke::new(1.5, tokens.accent);
    visuals.weak_text_color = Some(tokens.text_dim);
    visuals.hyperlink_color = tokens.accent;
    visuals.faint_bg_color = mix(tokens.card, tokens.background, 0.5);
    visuals.extreme_bg_color = tokens.background;
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

/// Title of a workspace or of a dialog.
pub fn heading(text: impl Into<String>) -> RichText {
    RichText::new(text).size(22.0).strong()
}

/// Title of a card.
pub fn subheading(text: impl Into<String>) -> RichText {
    RichText::new(text).size(15.0).strong()
}

/// Small, quiet text below or beside something.
pub fn caption(text: impl Into<String>) -> RichText {
    RichText::new(text).size(12.0).weak()
}

/// A raised area with a border and 16 points of air, as wide as there is room.
pub fn card<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> egui::InnerResponse<R> {
    let frame = card_frame(ui);
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        add(ui)
    })
}

/// The frame of [`card`], for areas that set their own width.
pub fn card_frame(ui: &Ui) -> Frame {
    let tokens = tokens(ui);
    Frame::new()
        .fill(tokens.card)
        .stroke(Stroke::new(1.0, tokens.card_border))
        .corner_radius(CornerRadius::same(RADIUS))
        .inner_margin(Margin::same(16))
}

/// The frame of a dialog in front of everything.
pub fn dialog_frame(ui: &Ui) -> Frame {
    card_frame(ui).inner_margin(Margin::same(20)).corner_radius(CornerRadius::same(12)).shadow(ui.visuals().window_shadow)
}

/// A number with its name above it; hovering explains the name.
pub fn stat(ui: &mut Ui, label: &str, value: &str, tooltip: &str) -> Response {
    let response = ui
        .vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
            ui.label(caption(label));
            ui.label(RichText::new(value).size(VALUE_SIZE).strong());
        })
        .response;
    if tooltip.is_empty() { response } else { response.on_hover_text(tooltip) }
}

/// Several [`stat`]s of (name, value, tooltip) side by side, in as many rows as they need.
pub fn stats(ui: &mut Ui, items: &[(&str, String, &str)]) {
    let gap = SPACE * 3.0;
    let width = |ui: &Ui, text: &str, size: f32| ui.painter().layout_no_wrap(text.to_owned(), FontId::proportional(size), Color32::WHITE).size().x;
    let room = ui.available_width();
    let mut rest = items;
    while !rest.is_empty() {
        let mut used = 0.0;
        let fit = rest.iter().take_while(|(label, value, _)| {
            used += width(ui, label, 12.0).max(width(ui, value, VALUE_SIZE)) + gap;
            used - gap <= room
        });
        let (row, later) = rest.split_at(fit.count().max(1).min(rest.len()));
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = gap;
            for (label, value, help) in row {
                stat(ui, label, value, help);
            }
        });
        rest = later;
    }
}

/// The button that does the main thing on a screen; one per screen.
pub fn primary_button(ui: &mut Ui, label: &str) -> Response {
    let tokens = tokens(ui);
    let enabled = ui.is_enabled();
    let (fill, text) = if enabled { (tokens.accent, tokens.accent_text) } else { (tokens.control, tokens.text_dim) };
    ui.scope(|ui| {
        let widgets = &mut ui.visuals_mut().widgets;
        widgets.hovered.weak_bg_fill = mix(fill, tokens.text, 0.12);
        widgets.active.weak_bg_fill = mix(fill, tokens.background, 0.12);
        widgets.inactive.weak_bg_fill = fill;
        for state in [&mut widgets.inactive, &mut widgets.hovered, &mut widgets.active] {
            state.bg_stroke = Stroke::NONE;
            state.fg_stroke.color = text;
            state.corner_radius = CornerRadius::same(RADIUS);
        }
        ui.spacing_mut().button_padding.x = 20.0;
        ui.add(egui::Button::new(RichText::new(label).size(15.0).color(text)).min_size(Vec2::new(0.0, PRIMARY_HEIGHT)))
    })
    .inner
}

/// A screen with nothing on it yet: what to do, and the button that does it.
pub fn empty_state<R>(ui: &mut Ui, title: &str, text: &str, buttons: impl FnOnce(&mut Ui) -> R) -> R {
    let room = ui.available_height();
    ui.vertical_centered(|ui| {
        ui.add_space((room * 0.28).clamp(SPACE * 2.0, 240.0));
        ui.label(heading(title));
        ui.add_space(SPACE / 2.0);
        ui.scope(|ui| {
            ui.set_max_width(460.0);
            ui.label(RichText::new(text).weak());
        });
        ui.add_space(SPACE * 2.0);
        buttons(ui)
    })
    .inner
}

/// What went wrong, what to do, and the causes on request. `out` receives nothing but what the buttons ask for.
pub fn error_card(ui: &mut Ui, notice: &Notice, out: &mut Vec<Action>) {
    let tokens = tokens(ui);
    let frame = card_frame(ui).stroke(Stroke::new(1.0, tokens.bad));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.vertical(|ui| error_ui(ui, notice, out));
    });
}

fn error_ui(ui: &mut Ui, notice: &Notice, out: &mut Vec<Action>) {
    ui.label(subheading(notice.headline.clone()).color(tokens(ui).bad));
    if let Some(hint) = &notice.hint {
        ui.label(hint);
    }
    if !notice.causes.is_empty() {
        egui::CollapsingHeader::new("Details").id_salt(("causes", &notice.headline)).show(ui, |ui| {
            for cause in &notice.causes {
                ui.label(caption(cause.clone()));
            }
        });
    }
    if ui.button("Copy message").on_hover_text("Copies the message with its details").clicked() {
        ui.copy_text(notice.text());
        out.push(Action::Say(crate::app::Severity::Info, "The message was copied".to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(colour: Color32) -> f32 {
        let channel = |byte: u8| {
            let x = f32::from(byte) / 255.0;
            if x <= 0.040_45 { x / 12.92 } else { ((x + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(colour.r()) + 0.7152 * channel(colour.g()) + 0.0722 * channel(colour.b())
    }

    fn contrast(a: Color32, b: Color32) -> f32 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_text_colour_reads_at_four_and_a_half_to_one_on_every_background() {
        for tokens in [&DARK, &LIGHT] {
            for surface in [tokens.background, tokens.panel, tokens.card, tokens.accent_faint] {
                for text in [tokens.text, tokens.text_dim, tokens.accent, tokens.good, tokens.warning, tokens.bad, tokens.genuine, tokens.impostor] {
                    assert!(contrast(text, surface) >= 4.5, "{text:?} on {surface:?}: {:.2}", contrast(text, surface));
                }
            }
            for surface in [tokens.control, tokens.control_hover] {
                assert!(contrast(tokens.text, surface) >= 4.5, "{surface:?}");
            }
            assert!(contrast(tokens.accent_text, tokens.accent) >= 4.5);
        }
    }

    #[test]
    fn class_colours_are_apart_and_visible_on_cards() {
        let ctx = egui::Context::default();
        install(&ctx);
        for theme in [egui::Theme::Dark, egui::Theme::Light] {
            ctx.set_theme(theme);
            let _output = ctx.run_ui(egui::RawInput::default(), |ui| {
                let colours: Vec<Color32> = (0..40).map(|class| class_colour(ui, class)).collect();
                let distinct: std::collections::BTreeSet<[u8; 4]> = colours.iter().map(Color32::to_array).collect();
                assert_eq!(distinct.len(), colours.len());
                for colour in colours {
                    assert!(contrast(colour, tokens(ui).card) >= 2.4, "{colour:?}");
                }
            });
        }
    }
}
