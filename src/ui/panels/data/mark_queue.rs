//! The dialog in which the faces of a folder are marked by hand, one image after the other.

use crate::app::{Action, FaceAction, MarkView, QueueAction, QueuePhase, QueueView};
use crate::ui::media::Media;
use crate::ui::panels::face_marker::{
    MARKER_PT, face_marker_ui, forget_repeats, key_pressed, marker_button, primary_marker_button, unmarked,
    without_picture,
};
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::dialog::focus_first;
use crate::ui::widgets::figures::{count_text, counted_spaced};
use eframe::egui::{self, Id, Key, Modal, Ui};

/// Draws the dialog.
pub(super) fn mark_queue_ui(ui: &mut Ui, queue: &QueueView, media: &mut Media, out: &mut Vec<Action>) {
    let response = Modal::new(Id::unique("mark faces")).frame(theme::dialog_frame(ui)).show(ui.ctx(), |ui| {
        ui.set_width(MARKER_PT);
        ui.label(theme::heading("Mark faces by hand"));
        if let Some(notice) = &queue.error {
            ui.add_space(SPACE);
            theme::error_card(ui, notice, out);
        }
        match (queue.phase, &queue.mark) {
            (QueuePhase::Listing(_), _) => listing_ui(ui, out),
            (QueuePhase::Unlisted, _) => unlisted_ui(ui, out),
            (_, Some(mark)) => marking_ui(ui, queue, mark, media, out),
            (_, None) => through_ui(ui, queue, out),
        }
    });
    if response.should_close() {
        out.push(QueueAction::Close.into());
    }
}

fn listing_ui(ui: &mut Ui, out: &mut Vec<Action>) {
    ui.label("Looking for images without an aligned face…");
    ui.add_space(SPACE * 2.0);
    if marker_button(ui, "Cancel", "Back to the folder (Esc)", None) {
        out.push(QueueAction::Close.into());
    }
}

fn unlisted_ui(ui: &mut Ui, out: &mut Vec<Action>) {
    ui.add_space(SPACE * 2.0);
    ui.horizontal(|ui| {
        let help = "Looks once more for images without an aligned face";
        let again = primary_marker_button(ui, "Try again", help, None);
        focus_first(ui, "unlisted", &again);
        if again.clicked() {
            out.push(QueueAction::Open.into());
        }
        if marker_button(ui, "Close", "Back to the folder (Esc)", None) {
            out.push(QueueAction::Close.into());
        }
    });
}

fn marking_ui(ui: &mut Ui, queue: &QueueView, mark: &MarkView, media: &mut Media, out: &mut Vec<Action>) {
    let name = queue.image().map(|image| image.name.as_str()).unwrap_or_default();
    let place = format!("{} of {}: {name}", count_text(queue.at + 1), count_text(queue.images.len()));
    ui.add(egui::Label::new(theme::caption(place)).truncate());
    ui.add_space(SPACE);
    face_marker_ui(ui, mark, "What will be written", media, out);
    ui.add_space(SPACE * 2.0);
    ui.horizontal(|ui| {
        let (can_skip, busy) = (queue.can_skip(), busy(queue));
        let help = "Writes the aligned face and goes on (Enter)";
        let next = primary_marker_button(ui, "Next", help, busy.or_else(|| unmarked(mark)));
        if next.clicked() || (queue.can_write() && key_pressed(ui, Key::Enter)) {
            out.push(QueueAction::Next.into());
        }
        if queue.can_reload() && marker_button(ui, "Try again", "Loads the picture again", None) {
            out.push(QueueAction::Reload.into());
        }
        let skip = marker_button(ui, "Skip", "Leaves this image without an aligned face and goes on (S)", busy);
        if skip || (can_skip && key_pressed(ui, Key::S)) {
            out.push(QueueAction::Skip.into());
        }
        back_ui(ui, queue, out);
        let found = mark.face().is_some();
        let help = if found { "Back to the face that was found" } else { "Takes the marks away" };
        if marker_button(ui, "Reset", help, busy.or_else(|| without_picture(mark))) {
            out.push(FaceAction::Reset.into());
        }
        if found && marker_button(ui, "Mark the eyes", "Takes the points away, to click the eyes by hand", busy) {
            out.push(FaceAction::ByHand.into());
        }
        if marker_button(ui, "Close", "Leaves off; what was marked is kept (Esc)", None) {
            out.push(QueueAction::Close.into());
        }
        if let Some(words) = under_way(queue.phase) {
            ui.label(theme::caption(words));
        }
    });
}

fn under_way(phase: QueuePhase) -> Option<&'static str> {
    match phase {
        QueuePhase::Writing(_) => Some("Writing…"),
        QueuePhase::TakingBack(_) => Some("Taking back…"),
        QueuePhase::Listing(_) | QueuePhase::Unlisted | QueuePhase::Marking => None,
    }
}

/// All images are through, or there was none.
fn through_ui(ui: &mut Ui, queue: &QueueView, out: &mut Vec<Action>) {
    let was_empty = queue.images.is_empty();
    ui.label(if was_empty {
        "Every image has its aligned face already.".to_owned()
    } else {
        format!("{} marked, {} skipped.", counted_spaced(queue.marked(), "face"), count_text(queue.skipped()))
    });
    if queue.skipped() > 0 {
        ui.label(theme::caption("What was skipped comes up again the next time."));
    }
    ui.add_space(SPACE * 2.0);
    forget_repeats(ui, Key::Enter);
    // Whatever is drawn in this place before or after, the focus is not its own.
    ui.push_id("through", |ui| ui.horizontal(|ui| through_buttons_ui(ui, queue, out)));
}

fn through_buttons_ui(ui: &mut Ui, queue: &QueueView, out: &mut Vec<Action>) {
    let was_empty = queue.images.is_empty();
    let none = (!was_empty && queue.marked() == 0).then_some("No face was marked");
    let why_not = busy(queue).or(none);
    let open = primary_marker_button(ui, "Open the aligned images", "Opens the crops as a data set", why_not);
    focus_first(ui, "through", &open);
    if open.clicked() {
        out.push(FaceAction::OpenAligned.into());
    }
    if !was_empty {
        back_ui(ui, queue, out);
    }
    if marker_button(ui, "Close", "Back to the folder (Esc)", None) {
        out.push(QueueAction::Close.into());
    }
}

fn back_ui(ui: &mut Ui, queue: &QueueView, out: &mut Vec<Action>) {
    let can_go_back = queue.can_go_back();
    let why_not = busy(queue).or((!can_go_back).then_some("This is the first image"));
    let help = "Takes the last image back, and what was written of it (Backspace)";
    if marker_button(ui, "Back", help, why_not) || (can_go_back && key_pressed(ui, Key::Backspace)) {
        out.push(QueueAction::Back.into());
    }
}

/// Why nothing can be done now, if a step is under way.
fn busy(queue: &QueueView) -> Option<&'static str> {
    (queue.phase != QueuePhase::Marking).then_some("The step before is not done yet")
}
