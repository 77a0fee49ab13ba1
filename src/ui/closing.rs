//! The one question the program asks before closing, and only while closing would break something off.

use super::theme::{self, SPACE};
use super::widgets::dialog::focus_first;
use crate::app::{Action, Unfinished};
use eframe::egui::{self, Id, Modal, RichText};

/// What the question says.
struct Words {
    heading: &'static str,
    /// What becomes of the work, one sentence for each.
    lines: Vec<&'static str>,
    close: &'static str,
    stay: &'static str,
    /// Closing throws something away.
    is_lossy: bool,
}

impl Words {
    fn of(unfinished: Unfinished) -> Self {
        let Unfinished { training, export, alignment, typing } = unfinished;
        let lines = [
            (training, "What was trained so far is saved, and the run can be continued from Runs."),
            (export, "The export is stopped, and nothing of it is kept."),
            (alignment, "The faces aligned so far are kept; aligning the folder again goes on from there."),
            (typing, "What was typed about a run is not saved, and is lost; it waits in Runs."),
        ];
        let lines = lines.into_iter().filter_map(|(is_under_way, line)| is_under_way.then_some(line)).collect();
        let (heading, close, stay) = match (training, export, alignment, typing) {
            (true, false, false, false) => ("Training is running", "Close and continue later", "Keep training"),
            (false, true, false, false) => ("The images are being exported", "Close and stop it", "Keep exporting"),
            (false, false, true, false) => ("Faces are being aligned", "Close and continue later", "Keep aligning"),
            (false, false, false, true) => ("A name or a note is not saved", "Close without it", "Stay"),
            // It ended while the question was open.
            (false, false, false, false) => ("Nothing is going on any more", "Close", "Stay"),
            _ => ("Work is going on", "Close and stop it", "Stay"),
        };
        Self { heading, lines, close, stay, is_lossy: export || typing }
    }
}

/// Asks whether to close although something is under way.
pub fn closing_ui(ui: &mut egui::Ui, unfinished: Unfinished, out: &mut Vec<Action>) {
    let words = Words::of(unfinished);
    let response = Modal::new(Id::unique("closing")).frame(theme::dialog_frame(ui)).show(ui.ctx(), |ui| {
        ui.set_width(400.0);
        ui.label(theme::heading(words.heading));
        ui.add_space(SPACE / 2.0);
        for line in &words.lines {
            ui.label(RichText::new(*line).weak());
        }
        ui.add_space(SPACE * 2.0);
        ui.horizontal(|ui| {
            let close = theme::primary_button(ui, words.close);
            let stay = ui.add(theme::plain_button(words.stay));
            focus_first(ui, "question", if words.is_lossy { &stay } else { &close });
            if close.clicked() {
                out.push(Action::ConfirmClose);
            }
            if stay.clicked() {
                out.push(Action::CancelClose);
            }
        });
    });
    if response.should_close() {
        out.push(Action::CancelClose);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_tells_what_becomes_of_everything_under_way() {
        let one = Unfinished { export: true, ..Unfinished::default() };
        let words = Words::of(one);
        assert!(words.heading.contains("exported") && words.lines.len() == 1, "{:?}", words.lines);
        assert!(words.lines[0].contains("nothing of it is kept") && words.is_lossy);
        assert!(!Words::of(Unfinished { training: true, alignment: true, ..Unfinished::default() }).is_lossy);
        let typed = Words::of(Unfinished { typing: true, ..Unfinished::default() });
        assert!(typed.is_lossy && typed.heading.contains("not saved") && typed.lines.len() == 1);
        let all = Words::of(Unfinished { training: true, export: true, alignment: true, typing: true });
        assert_eq!((all.heading, all.lines.len()), ("Work is going on", 4));
        assert!(Words::of(Unfinished::default()).lines.is_empty(), "all of it ended meanwhile");
    }
}
