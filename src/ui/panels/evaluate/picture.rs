//! The button that writes the curves in sight to a file, and the way to that file.

use crate::app::{Action, PictureAction, State, command};
use eframe::egui::{Button, Ui};

/// Draws the buttons; the layout runs from the right.
pub(super) fn picture_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let Some(command) = command("evaluate.picture") else { return };
    let action = (command.action)(state);
    let obstacle = state.evaluate.picture_obstacle().unwrap_or_default();
    let button = ui.add_enabled(action.is_some(), Button::new("Save picture…"));
    if button.on_hover_text(command.tooltip()).on_disabled_hover_text(obstacle).clicked() {
        out.extend(action);
    }
    if let Some(file) = &state.evaluate.picture.saved
        && ui.button("Show in folder").on_hover_text(file.display().to_string()).clicked()
    {
        out.push(PictureAction::ShowFolder.into());
    }
}
