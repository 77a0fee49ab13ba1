//! A button for something out of the table of commands, which says what it does, by which key, and whether it is possible.
//!
//! Not for what differs from the command of the same key: a button that does something else says so itself.

use super::theme;
use crate::app::{Action, Command, State, command};
use eframe::egui::{Button, Response, Ui, WidgetText};

/// A button to be drawn.
pub(super) struct CommandButton<'a> {
    id: &'a str,
    label: Option<WidgetText>,
    why_not: &'a str,
}

impl<'a> CommandButton<'a> {
    /// The button of the command with this name, which is written on it.
    pub(super) fn new(id: &'a str) -> Self {
        Self { id, label: None, why_not: "Not possible now" }
    }

    /// Other words on it, where the place says a part of what the command's own say.
    pub(super) fn label(self, label: impl Into<WidgetText>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// Why it cannot be pressed, for when it cannot.
    pub(super) fn why_not(self, why_not: &'a str) -> Self {
        Self { why_not, ..self }
    }

    /// Draws it; a click asks for what the command does.
    pub(super) fn ui(self, ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
        self.show(state, out, |command, label, is_possible| {
            let label = label.unwrap_or_else(|| command.label.into());
            ui.add_enabled(is_possible, Button::new(label))
        });
    }

    /// Draws it as the button that does the main thing on a screen.
    pub(super) fn primary_ui(self, ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
        self.show(state, out, |command, label, is_possible| {
            let label = label.as_ref().map_or(command.label, WidgetText::text);
            if is_possible {
                theme::primary_button(ui, label)
            } else {
                ui.add_enabled_ui(false, |ui| theme::primary_button(ui, label)).inner
            }
        });
    }

    /// Draws it as high as the primary one, where another button does the main thing.
    pub(super) fn plain_ui(self, ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
        self.show(state, out, |command, label, is_possible| {
            let label = label.as_ref().map_or(command.label, WidgetText::text);
            ui.add_enabled(is_possible, theme::plain_button(label))
        });
    }

    fn show(
        self,
        state: &State,
        out: &mut Vec<Action>,
        draw: impl FnOnce(&Command, Option<WidgetText>, bool) -> Response,
    ) {
        let Some(command) = command(self.id) else { return };
        let action = (command.action)(state);
        let button = draw(command, self.label, action.is_some());
        if button.on_hover_text(command.tooltip()).on_disabled_hover_text(self.why_not).clicked() {
            out.extend(action);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Dialog;
    use egui_kittest::Harness;
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    /// Three buttons in a program in which nothing was opened or changed.
    fn harness() -> Harness<'static, Vec<Action>> {
        let state = State::new("runs".into());
        let draw = move |ui: &mut Ui, out: &mut Vec<Action>| {
            // Fonts are there from the next pass on.
            if ui.ctx().cumulative_pass_nr() == 0 {
                return theme::install(ui.ctx());
            }
            CommandButton::new("run.open").ui(ui, &state, out);
            CommandButton::new("edit.undo").label("Back").why_not("Nothing was changed yet").ui(ui, &state, out);
            CommandButton::new("train.start").why_not("There are no images").primary_ui(ui, &state, out);
        };
        let mut harness = Harness::builder().with_size((400.0, 300.0)).build_ui_state(draw, Vec::new());
        harness.run_steps(3);
        harness
    }

    #[test]
    fn what_a_command_does_is_asked_for_once() {
        let mut harness = harness();
        harness.get_by_label("Open a run…").click();
        harness.run_steps(2);
        assert_eq!(*harness.state(), [Action::Ask(Dialog::OpenRun)]);
    }

    #[test]
    fn what_is_not_possible_says_why_under_the_pointer() {
        for (label, why_not) in [("Back", "Nothing was changed yet"), ("Start training", "There are no images")] {
            let mut harness = harness();
            assert!(harness.get_by_label(label).accesskit_node().is_disabled());
            harness.get_by_label(label).hover();
            harness.run_steps(8);
            assert!(harness.query_by_label(why_not).is_some(), "{label}");
        }
    }
}
