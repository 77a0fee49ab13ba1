//! A row of a form with a number in it: its name, the field, and what is to be known about it.

use eframe::egui::{DragValue, Ui, vec2};

/// Room for the field, in points.
const FIELD_PT: [f32; 2] = [96.0, 24.0];

/// Draws a row of the grid that `ui` is one of; `why_not` says why the number does not matter now, if it does not.
pub fn number_row(ui: &mut Ui, name: &str, help: &str, why_not: Option<&str>, value: DragValue<'_>) {
    let label = ui.label(name);
    ui.add_enabled_ui(why_not.is_none(), |ui| {
        let field = ui.add_sized(vec2(FIELD_PT[0], FIELD_PT[1]), value).labelled_by(label.id);
        field.on_hover_text(help).on_disabled_hover_text(why_not.unwrap_or_default());
    });
    ui.end_row();
}
