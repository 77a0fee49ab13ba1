//! The keyboard's focus in a dialog: whatever Enter should do first has it as soon as the dialog is there, without a Tab.

use eframe::egui::{Response, Ui};

/// What a dialog showed in the pass before.
#[derive(Clone, Copy)]
struct Shown {
    content: &'static str,
    pass: u64,
    /// The focus is owed to its first widget: a person was typing when the content changed.
    waits: bool,
}

/// Gives the keyboard to this widget when the dialog that `ui` belongs to has just opened, or shows other content than before
/// (a form, its job, what came of it); later a person decides. `content` names what is shown. A field in which a person types
/// keeps the focus until it is left.
pub fn focus_first(ui: &Ui, content: &'static str, widget: &Response) {
    // That pass finds out how large the dialog is; nothing in it can have the focus.
    if ui.is_sizing_pass() {
        return;
    }
    let ctx = ui.ctx();
    let (slot, pass) = (ui.layer_id().id.with("first focus"), ctx.cumulative_pass_nr());
    let before: Option<Shown> = ctx.data(|data| data.get_temp(slot));
    // Not drawn in the pass before: it was away meanwhile.
    let before = before.filter(|shown| shown.pass + 1 >= pass);
    let is_changed = before.is_some_and(|shown| shown.content != content);
    let is_owed = before.is_some_and(|shown| shown.waits);
    let (is_typing, is_free) = (ctx.text_edit_focused(), ctx.memory(|memory| memory.focused().is_none()));
    let is_due = before.is_none() || (is_changed && !is_typing) || (is_owed && is_free);
    if is_due && widget.enabled() {
        widget.request_focus();
    }
    let waits = !is_due && is_typing && (is_changed || is_owed);
    ctx.data_mut(|data| data.insert_temp(slot, Shown { content, pass, waits }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{Id, Key, Modal};
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    /// A dialog with a button for what it shows, a field, and another button.
    fn dialog() -> Harness<'static, (&'static str, String)> {
        let mut harness = Harness::new_ui_state(
            |ui, (content, typed): &mut (&'static str, String)| {
                Modal::new(Id::unique("dialog")).show(ui.ctx(), |ui| {
                    let first = ui.button(*content);
                    focus_first(ui, content, &first);
                    let label = ui.label("Field");
                    ui.text_edit_singleline(typed).labelled_by(label.id);
                    let _ = ui.button("Other");
                });
            },
            ("Form", String::new()),
        );
        harness.run_steps(4);
        harness
    }

    fn has_focus(harness: &Harness<'static, (&'static str, String)>, label: &str) -> bool {
        harness.get_by_label(label).is_focused()
    }

    #[test]
    fn each_content_of_a_dialog_gives_the_keyboard_to_its_first_button_and_then_leaves_it_alone() {
        let mut harness = dialog();
        assert!(has_focus(&harness, "Form"));
        harness.get_by_label("Other").focus();
        harness.run_steps(2);
        assert!(has_focus(&harness, "Other"), "a person decides");
        harness.state_mut().0 = "Done";
        harness.run_steps(2);
        assert!(has_focus(&harness, "Done"));
    }

    #[test]
    fn a_field_in_which_a_person_types_keeps_the_keyboard_until_it_is_left() {
        let mut harness = dialog();
        harness.get_by_label("Field").focus();
        harness.run_steps(2);
        harness.state_mut().0 = "Done";
        harness.run_steps(3);
        assert!(!has_focus(&harness, "Done"));
        harness.get_by_label("Field").type_text("ab");
        harness.run_steps(2);
        assert_eq!(harness.state().1, "ab");
        harness.key_press(Key::Enter);
        harness.run_steps(3);
        assert!(has_focus(&harness, "Done"));
    }
}
