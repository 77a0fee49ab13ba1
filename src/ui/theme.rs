//! Colours, spacing and text sizes: the look of the program, dark and light, in one place.
//!
//! The only place that constructs colours. Everything else asks [`tokens`] for a colour by its meaning, so a second
//! theme costs nothing and contrast can be tested here (it is, below). Not for layout: panels arrange themselves.

mod checkbox;
mod fonts;
mod parts;
mod visuals;

pub use checkbox::checkbox;
pub use parts::{
    caption, card, card_frame, columns, dialog_frame, empty_state, error_card, gap, heading, keyed_stats, plain_button,
    primary_button, stat, stats, strong, subheading,
};
pub use visuals::install;

use crate::eval::{RUN_COLOURS_DARK, RUN_COLOURS_LIGHT};
use eframe::egui::{Color32, Ui};

/// The grid everything is aligned to, in points; use multiples of it or its half.
pub const SPACE: f32 = 8.0;
/// Between two cards, beside or below each other, in points.
pub const GAP: f32 = SPACE * 2.0;
/// Corner radius of cards, in points.
pub const RADIUS: u8 = 8;
/// Height of a button that does the main thing on a screen, in points.
const PRIMARY_HEIGHT: f32 = 40.0;

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

const fn all_rgb<const N: usize>(hex: [u32; N]) -> [Color32; N] {
    let mut colours = [Color32::BLACK; N];
    let mut index = 0;
    while index < N {
        colours[index] = rgb(hex[index]);
        index += 1;
    }
    colours
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
    series: all_rgb(RUN_COLOURS_DARK),
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
    series: all_rgb(RUN_COLOURS_LIGHT),
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
    let (red_green, yellow_blue) = (chroma * cos, chroma * sin);
    let long = (lightness + 0.396_337_78 * red_green + 0.215_803_76 * yellow_blue).powi(3);
    let medium = (lightness - 0.105_561_346 * red_green - 0.063_854_17 * yellow_blue).powi(3);
    let short = (lightness - 0.089_484_18 * red_green - 1.291_485_5 * yellow_blue).powi(3);
    let linear = [
        4.076_741_7 * long - 3.307_711_6 * medium + 0.230_969_94 * short,
        -1.268_438 * long + 2.609_757_4 * medium - 0.341_319_38 * short,
        -0.004_196_086_3 * long - 0.703_418_6 * medium + 1.707_614_7 * short,
    ];
    let [red, green, blue] = linear.map(|x| {
        let x = x.clamp(0.0, 1.0);
        let encoded = if x <= 0.003_130_8 { 12.92 * x } else { 1.055 * x.powf(1.0 / 2.4) - 0.055 };
        (encoded * 255.0).round() as u8
    });
    Color32::from_rgb(red, green, blue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui;

    fn luminance(colour: Color32) -> f32 {
        let channel = |byte: u8| {
            let x = f32::from(byte) / 255.0;
            if x <= 0.040_45 { x / 12.92 } else { ((x + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(colour.r()) + 0.7152 * channel(colour.g()) + 0.0722 * channel(colour.b())
    }

    /// By WCAG, from 1 to 21; tests of the parts want it, too.
    pub(super) fn contrast(a: Color32, b: Color32) -> f32 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_text_colour_reads_at_four_and_a_half_to_one_on_every_background() {
        for tokens in [&DARK, &LIGHT] {
            for surface in [tokens.background, tokens.panel, tokens.card, tokens.accent_faint] {
                for text in [
                    tokens.text,
                    tokens.text_dim,
                    tokens.accent,
                    tokens.good,
                    tokens.warning,
                    tokens.bad,
                    tokens.genuine,
                    tokens.impostor,
                ] {
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
    fn no_run_has_the_colour_of_a_kind_of_pairs_until_all_others_are_taken() {
        for tokens in [&DARK, &LIGHT] {
            let (first, last) = tokens.series.split_at(tokens.series.len() - 2);
            for kind in [tokens.genuine, tokens.impostor] {
                assert!(!first.contains(&kind) && last.contains(&kind), "{kind:?}");
            }
            for run in tokens.series {
                assert!(contrast(run, tokens.card) >= 4.5, "names of runs are written in {run:?}");
            }
        }
    }

    #[test]
    fn the_tracks_of_bars_are_seen_and_so_are_the_handles_on_them() {
        let ctx = egui::Context::default();
        install(&ctx);
        for (theme, tokens) in [(egui::Theme::Dark, &DARK), (egui::Theme::Light, &LIGHT)] {
            let style = ctx.style_of(theme);
            let visuals = &style.visuals;
            let track = visuals.extreme_bg_color;
            for surface in [tokens.card, tokens.background] {
                assert!(contrast(track, surface) >= 1.3, "{surface:?}: {:.2}", contrast(track, surface));
            }
            assert!(contrast(tokens.accent, track) >= 3.0, "what is done stands out from what is not");
            assert!(contrast(visuals.widgets.inactive.bg_fill, track) >= 1.6, "handles of scroll bars");
            // Text is written on fields, which have a ground of their own.
            assert_eq!(visuals.text_edit_bg_color(), tokens.background);
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
