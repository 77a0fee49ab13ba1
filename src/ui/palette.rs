//! The command palette (Ctrl+P): every command by name, found by typing a few of its letters.
//!
//! Commands that are not possible now are shown as well, dimmed: the palette doubles as the list of what there is.

use super::theme::{self, SPACE};
use crate::app::{Action, COMMANDS, Command, State};
use eframe::egui::{self, Id, Key, Modal, RichText};

/// Rows drawn at once.
const ROWS: usize = 10;

/// What was typed and which row is chosen.
#[derive(Debug, Default)]
pub struct Palette {
    open: bool,
    typed: String,
    chosen: usize,
}

impl Palette {
    /// Opens it with an empty line, or closes it.
    pub fn toggle(&mut self) {
        *self = Self { open: !self.open, ..Self::default() };
    }

    /// Puts it away, where it is open.
    pub fn close(&mut self) {
        self.open = false;
    }

    /// Is it shown?
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Draws it and sends the chosen command's action.
    pub fn ui(&mut self, ui: &mut egui::Ui, state: &State, out: &mut Vec<Action>) {
        if !self.open {
            return;
        }
        let found = search(&self.typed);
        let mut run = self.keys(ui, &found);
        let response = Modal::new(Id::unique("palette")).frame(theme::dialog_frame(ui)).show(ui.ctx(), |ui| {
            ui.set_width(520.0);
            ui.spacing_mut().item_spacing.y = 2.0;
            self.line_ui(ui);
            ui.add_space(SPACE);
            if found.is_empty() {
                ui.label(RichText::new("No command has these letters").weak());
            }
            // The chosen row stays in sight without scroll state: the window of rows follows it.
            let first = self.chosen.saturating_sub(ROWS - 1);
            for (index, command) in found.iter().enumerate().skip(first).take(ROWS) {
                let possible = (command.action)(state).is_some();
                if row_ui(ui, command, index == self.chosen, possible) {
                    run = Some(*command);
                }
            }
        });
        if let Some(action) = run.and_then(|command| (command.action)(state)) {
            out.push(action);
            self.open = false;
        }
        if response.should_close() {
            self.open = false;
        }
    }

    fn keys(&mut self, ui: &egui::Ui, found: &[&'static Command]) -> Option<&'static Command> {
        let pressed = |key| ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, key));
        if pressed(Key::ArrowDown) {
            self.chosen += 1;
        }
        if pressed(Key::ArrowUp) {
            self.chosen = self.chosen.saturating_sub(1);
        }
        self.chosen = self.chosen.min(found.len().saturating_sub(1));
        if pressed(Key::Enter) { found.get(self.chosen).copied() } else { None }
    }

    fn line_ui(&mut self, ui: &mut egui::Ui) {
        let label = ui.label(theme::caption("Type a few letters of a command"));
        ui.add_space(SPACE / 2.0);
        let edit = egui::TextEdit::singleline(&mut self.typed)
            .desired_width(f32::INFINITY)
            .margin(egui::Margin::symmetric(10, 8));
        let response = ui.add(edit).labelled_by(label.id);
        if response.changed() {
            self.chosen = 0;
        }
        response.request_focus();
    }
}

fn row_ui(ui: &mut egui::Ui, command: &Command, chosen: bool, possible: bool) -> bool {
    let tokens = theme::tokens(ui);
    let colour = if possible { tokens.text } else { tokens.text_dim };
    let shortcut = command.shortcut.map(crate::app::Shortcut::text).unwrap_or_default();
    let button = egui::Button::new(RichText::new(command.label).color(colour))
        .right_text(theme::caption(shortcut))
        .fill(if chosen { tokens.accent_faint } else { tokens.card })
        .stroke(egui::Stroke::NONE)
        .min_size(egui::vec2(ui.available_width(), 32.0));
    let help = if possible { command.help.to_owned() } else { format!("{} (not possible now)", command.help) };
    ui.add_enabled(possible, button).on_hover_text(&help).on_disabled_hover_text(help).clicked()
}

/// The commands whose names contain the letters in this order, best match first.
fn search(typed: &str) -> Vec<&'static Command> {
    let mut found: Vec<(usize, &Command)> =
        COMMANDS.iter().filter_map(|command| score(typed, command.label).map(|score| (score, command))).collect();
    found.sort_by_key(|(score, _)| *score);
    found.into_iter().map(|(_, command)| command).collect()
}

/// How well the letters fit: the number of gaps between them, late starts counted; `None` when they do not occur.
fn score(typed: &str, label: &str) -> Option<usize> {
    let label: Vec<char> = label.to_lowercase().chars().collect();
    let mut at = 0;
    let mut score = 0;
    for letter in typed.to_lowercase().chars().filter(|letter| !letter.is_whitespace()) {
        let gap = label.iter().skip(at).position(|found| *found == letter)?;
        let starts_word =
            (at + gap).checked_sub(1).and_then(|before| label.get(before)).is_none_or(|before| *before == ' ');
        score += if starts_word { gap.min(1) } else { gap * 2 };
        at += gap + 1;
    }
    Some(score)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_typed_lists_every_command_in_order() {
        let all: Vec<_> = search("").iter().map(|command| command.id).collect();
        assert_eq!(all, COMMANDS.iter().map(|command| command.id).collect::<Vec<_>>());
    }

    #[test]
    fn a_few_letters_find_the_command_first() {
        for (typed, id) in [
            ("start", "train.start"),
            ("gv", "go.verify"),
            ("OF", "data.open_folder"),
            ("undo", "edit.undo"),
            ("swap", "verify.swap"),
        ] {
            assert_eq!(search(typed).first().map(|command| command.id), Some(id), "{typed}");
        }
        assert!(search("zzzz").is_empty());
    }
}
