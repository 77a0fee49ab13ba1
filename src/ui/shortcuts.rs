//! Keys: looked at once per frame, before anything is drawn, from the one table of commands.

use super::widgets::sheet::is_covered;
use crate::app::{Action, COMMANDS, Shortcut, State};
use eframe::egui::{Context, Key, Modifiers};

/// What has the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// Nothing is in front of the page.
    Page,
    /// The palette is, which its own shortcut closes.
    Palette,
    /// A dialog is: it answers to Enter and Escape by itself, and to nothing else.
    Dialog,
}

/// Sends the actions of the pressed shortcuts; `true` when the palette was asked for.
///
/// Keys belong to the text field while one is edited.
pub(super) fn shortcuts(ctx: &Context, state: &State, front: Front, out: &mut Vec<Action>) -> bool {
    let is_asked = || ctx.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::P));
    let palette = front != Front::Dialog && is_asked();
    if front != Front::Page || ctx.text_edit_focused() {
        return palette;
    }
    let is_taken = ctx.memory(|memory| memory.focused().is_some()) || is_covered(ctx);
    // The more modifiers the earlier: egui takes Ctrl+Shift+Z for Ctrl+Z as well.
    let mut commands: Vec<_> =
        COMMANDS.iter().filter_map(|command| command.shortcut.map(|key| (key, command))).collect();
    commands.sort_by_key(|(key, _)| (!key.shift, !key.ctrl));
    for (shortcut, command) in commands {
        // Space and Enter press the focused button, Escape leaves it, and closes a menu.
        if is_taken && !shortcut.ctrl && matches!(shortcut.key, "Space" | "Enter" | "Escape") {
            continue;
        }
        let Some((modifiers, key)) = keys(shortcut) else { continue };
        let Some(action) = (command.action)(state) else { continue };
        if ctx.input_mut(|input| input.consume_key(modifiers, key)) {
            out.push(action);
        }
    }
    palette
}

fn keys(shortcut: Shortcut) -> Option<(Modifiers, Key)> {
    let mut modifiers = Modifiers::NONE;
    if shortcut.ctrl {
        modifiers = modifiers.plus(Modifiers::COMMAND);
    }
    if shortcut.shift {
        modifiers = modifiers.plus(Modifiers::SHIFT);
    }
    Key::from_name(shortcut.key).map(|key| (modifiers, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::Ui;
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    #[test]
    fn every_shortcut_names_a_key_egui_knows() {
        for command in COMMANDS {
            if let Some(shortcut) = command.shortcut {
                assert!(keys(shortcut).is_some(), "{}", command.id);
            }
        }
    }

    #[test]
    fn escape_closes_a_menu_before_it_clears_the_selection() {
        let mut state = State::new("runs".into());
        state.explore.selected = Some(3);
        let draw = move |ui: &mut Ui, out: &mut Vec<Action>| {
            shortcuts(ui.ctx(), &state, Front::Page, out);
            ui.menu_button("Menu", |ui| ui.label("Entry"));
        };
        let mut harness = Harness::builder().with_size((300.0, 300.0)).build_ui_state(draw, Vec::new());
        harness.run_steps(2);
        harness.get_by_label("Menu").click();
        harness.run_steps(3);
        harness.key_press(Key::Escape);
        harness.run_steps(3);
        assert!(harness.state().is_empty() && harness.query_by_label("Entry").is_none(), "{:?}", harness.state());
        harness.key_press(Key::Escape);
        harness.run_steps(2);
        assert_eq!(*harness.state(), [Action::Select(None)]);
    }
}
