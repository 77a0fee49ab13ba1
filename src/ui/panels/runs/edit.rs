//! The dialog for a run's name and note.

use crate::app::{Action, RunAction, RunEdit};
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::dialog::focus_first;
use eframe::egui::{Id, Key, Modal, TextEdit, Ui};

/// Draws the dialog; what is typed goes into the state at once.
pub(super) fn edit_ui(ui: &mut Ui, edit: &RunEdit, out: &mut Vec<Action>) {
    let mut typed = edit.clone();
    let id = Id::unique(("name and note", edit.serial));
    let response = Modal::new(id).frame(theme::dialog_frame(ui)).show(ui.ctx(), |ui| {
        ui.set_width(420.0);
        ui.label(theme::heading("Name and note"));
        ui.add_space(SPACE);
        let label = ui.label(theme::caption("Name (of the folder, too)"));
        let name = ui.add(TextEdit::singleline(&mut typed.name).desired_width(f32::INFINITY)).labelled_by(label.id);
        focus_first(ui, "form", &name);
        let entered = name.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        ui.add_space(SPACE);
        let label = ui.label(theme::caption("Note: what was tried, and why"));
        let note = TextEdit::multiline(&mut typed.note).desired_rows(4).desired_width(f32::INFINITY);
        ui.add(note).labelled_by(label.id);
        if let Some(error) = &edit.error {
            ui.add_space(SPACE);
            theme::error_card(ui, error, out);
        }
        ui.add_space(SPACE * 2.0);
        ui.horizontal(|ui| {
            let has_name = !typed.name.trim().is_empty();
            let save = ui.add_enabled_ui(has_name, |ui| theme::primary_button(ui, "Save")).inner;
            if save.on_disabled_hover_text("A run needs a name").clicked() || (entered && has_name) {
                out.push(RunAction::Write(typed.clone()).into());
                out.push(RunAction::SaveEdit.into());
            } else if typed != *edit {
                out.push(RunAction::Write(typed.clone()).into());
            }
            if ui.add(theme::plain_button("Cancel")).on_hover_text("Changes nothing (Esc)").clicked() {
                out.push(RunAction::CancelEdit.into());
            }
        });
    });
    if response.should_close() {
        out.push(RunAction::CancelEdit.into());
    }
}
