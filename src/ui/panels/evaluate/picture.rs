//! The button that writes the curves in sight to a file, and the way to that file.

use crate::app::{Action, PictureAction, State};
use crate::ui::command_button::CommandButton;
use eframe::egui::Ui;

/// Draws the buttons; the layout runs from the right.
pub(super) fn picture_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let obstacle = state.evaluate.picture_obstacle().unwrap_or_default();
    CommandButton::new("evaluate.picture").label("Save picture…").why_not(obstacle).ui(ui, state, out);
    if let Some(file) = &state.evaluate.picture.saved
        && ui.button("Show in folder").on_hover_text(file.display().to_string()).clicked()
    {
        out.push(PictureAction::ShowFolder.into());
    }
}
