//! A choice of a few words side by side, one of them pressed.
//!
//! Not for long lists (a combo box). Joined buttons rather than radio buttons, because the choices here are ways of
//! looking at the same thing and are tried one after the other.

use crate::ui::theme;
use eframe::egui::{self, Button, CornerRadius, Margin, RichText, Ui, vec2};

/// One of the choices.
#[derive(Clone, Debug)]
pub struct Segment<T> {
    /// What it stands for.
    pub value: T,
    /// Its word.
    pub label: String,
    /// Its name where the word alone would not be understood.
    pub name: String,
    /// One sentence about it.
    pub tooltip: String,
    /// It can be chosen; if not, the tooltip says why.
    pub enabled: bool,
}

impl<T> Segment<T> {
    /// A choice that is always open.
    pub fn new(value: T, label: impl Into<String>, tooltip: impl Into<String>) -> Self {
        let label = label.into();
        Self { value, name: label.clone(), label, tooltip: tooltip.into(), enabled: true }
    }
}

/// Draws the choices and returns the one that was just chosen.
pub fn segmented<T: PartialEq>(ui: &mut Ui, mut segments: Vec<Segment<T>>, current: &T) -> Option<T> {
    // A row that grows from the right would show the choices backwards.
    if ui.layout().prefer_right_to_left() {
        segments.reverse();
    }
    let tokens = theme::tokens(ui);
    let mut chosen = None;
    let frame = egui::Frame::new()
        .fill(tokens.control)
        .corner_radius(CornerRadius::same(theme::RADIUS))
        .inner_margin(Margin::same(2));
    frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            ui.spacing_mut().button_padding = vec2(8.0, 3.0);
            for segment in segments {
                let selected = segment.value == *current;
                let text = RichText::new(&segment.label).color(match (selected, segment.enabled) {
                    (true, _) => tokens.accent,
                    (false, true) => tokens.text,
                    (false, false) => tokens.text_dim,
                });
                let fill = if selected { tokens.card } else { tokens.control };
                let button = Button::selectable(selected, text).fill(fill).min_size(vec2(0.0, 24.0));
                let response = ui.add_enabled(segment.enabled, button).accessible_name(&segment.name);
                if response.clicked() && !selected {
                    chosen = Some(segment.value);
                }
                if !segment.tooltip.is_empty() {
                    response.on_hover_text(&segment.tooltip).on_disabled_hover_text(&segment.tooltip);
                }
            }
        });
    });
    chosen
}
