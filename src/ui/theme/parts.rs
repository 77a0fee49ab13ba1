//! Parts every screen is made of: titles, cards, numbers, the large buttons, empty states, error cards.

use super::fonts::semibold;
use super::{GAP, PRIMARY_HEIGHT, RADIUS, SPACE, mix, tokens};
use crate::app::{Action, Notice};
use eframe::egui::{
    self, Align, Color32, CornerRadius, FontId, Frame, Layout, Margin, Response, RichText, Stroke, Ui, Vec2,
};

/// Text size of a number that stands for itself, in points.
const VALUE_SIZE: f32 = 20.0;
/// Side of a swatch before a name, and its distance from it, in points.
const SWATCH_SIZE: f32 = 10.0;
const SWATCH_GAP: f32 = 5.0;

/// Title of a workspace or of a dialog.
pub fn heading(text: impl Into<String>) -> RichText {
    strong(text).size(22.0)
}

/// Title of a card.
pub fn subheading(text: impl Into<String>) -> RichText {
    strong(text).size(15.0)
}

/// Text with weight: names and numbers that stand out on a card.
pub fn strong(text: impl Into<String>) -> RichText {
    RichText::new(text).family(semibold()).strong()
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

/// The room between two cards, beside or below each other: what the layout leaves between any two things, and the rest of it.
pub fn gap(ui: &mut Ui) {
    let spacing = ui.spacing().item_spacing;
    let left = if ui.layout().is_horizontal() { spacing.x } else { spacing.y };
    ui.add_space(GAP - left);
}

/// Columns of equal width, each with its number. egui's own stretch the lines of a wrapped text over the whole width, as a
/// newspaper does.
pub fn columns(ui: &mut Ui, count: usize, mut add: impl FnMut(usize, &mut Ui)) {
    ui.columns(count, |columns| {
        for (index, column) in columns.iter_mut().enumerate() {
            column.with_layout(Layout::top_down(Align::LEFT), |ui| add(index, ui));
        }
    });
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
    card_frame(ui)
        .inner_margin(Margin::same(20))
        .corner_radius(CornerRadius::same(12))
        .shadow(ui.visuals().window_shadow)
}

/// A number with its name above it; hovering explains the name.
pub fn stat(ui: &mut Ui, label: &str, value: &str, tooltip: &str) -> Response {
    keyed_stat(ui, label, value, tooltip, None)
}

/// The same, with a swatch before the name where a colour on something drawn stands for the number.
fn keyed_stat(ui: &mut Ui, label: &str, value: &str, tooltip: &str, colour: Option<Color32>) -> Response {
    let response = ui
        .vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
            match colour {
                Some(colour) => keyed_name_ui(ui, label, colour),
                None => {
                    ui.label(caption(label));
                }
            }
            ui.label(strong(value).size(VALUE_SIZE));
        })
        .response;
    if tooltip.is_empty() { response } else { response.on_hover_text(tooltip) }
}

/// As high as a name without a swatch, beside which it may stand.
fn keyed_name_ui(ui: &mut Ui, name: &str, colour: Color32) {
    let size = Vec2::new(ui.available_width(), ui.text_style_height(&egui::TextStyle::Small));
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = SWATCH_GAP;
        let (swatch, _) = ui.allocate_exact_size(Vec2::splat(SWATCH_SIZE), egui::Sense::hover());
        ui.painter().rect_filled(swatch, 2.0, colour);
        ui.label(caption(name));
    });
}

/// Several [`stat`]s of (name, value, tooltip) side by side, in as many rows as they need.
pub fn stats(ui: &mut Ui, items: &[(&str, String, &str)]) {
    keyed_stats(ui, items, &[]);
}

/// The same; the first ones have these colours on something drawn, each of which stands before its name.
pub fn keyed_stats(ui: &mut Ui, items: &[(&str, String, &str)], colours: &[Color32]) {
    let gap = SPACE * 3.0;
    let colours = colours.iter().copied().map(Some).chain(std::iter::repeat(None));
    let items: Vec<_> = items.iter().zip(colours).collect();
    let width =
        |ui: &Ui, text: &str, font: FontId| ui.painter().layout_no_wrap(text.to_owned(), font, Color32::WHITE).size().x;
    let room = ui.available_width();
    let mut rest = items.as_slice();
    while !rest.is_empty() {
        let mut used = 0.0;
        let fit = rest.iter().take_while(|((label, value, _), colour)| {
            let value = width(ui, value, FontId::new(VALUE_SIZE, semibold()));
            let swatch = if colour.is_some() { SWATCH_SIZE + SWATCH_GAP } else { 0.0 };
            used += (swatch + width(ui, label, FontId::proportional(12.0))).max(value) + gap;
            used - gap <= room
        });
        let (row, later) = rest.split_at(fit.count().max(1).min(rest.len()));
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = gap;
            for ((label, value, help), colour) in row {
                keyed_stat(ui, label, value, help, *colour);
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
        ui.add(
            egui::Button::new(RichText::new(label).size(15.0).family(semibold()).color(text))
                .min_size(Vec2::new(0.0, PRIMARY_HEIGHT)),
        )
    })
    .inner
}

/// A button as high as the primary one, beside which it stands.
pub fn plain_button(label: &str) -> egui::Button<'_> {
    egui::Button::new(label).min_size(Vec2::new(0.0, PRIMARY_HEIGHT))
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
