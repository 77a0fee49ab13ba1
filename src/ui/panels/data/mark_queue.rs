//! The dialog in which the faces of a folder are marked by hand, one image after the other.

use crate::app::{Action, FaceAction, MarkView, QueueAction, QueuePhase, QueueView};
use crate::ui::media::Media;
use crate::ui::panels::face_marker::{MARKER_PT, face_marker_ui, key_pressed};
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::figures::{count_text, counted};
use eframe::egui::{self, Button, Id, Key, Modal, Ui, vec2};

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
    if button(ui, true, "Cancel", "Back to the folder (Esc)") {
        out.push(QueueAction::Close.into());
    }
}

fn unlisted_ui(ui: &mut Ui, out: &mut Vec<Action>) {
    ui.add_space(SPACE * 2.0);
    ui.horizontal(|ui| {
        if theme::primary_button(ui, "Try again").clicked() {
            out.push(QueueAction::Open.into());
        }
        if button(ui, true, "Close", "Back to the folder (Esc)") {
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
        let ready = queue.can_write();
        let next = ui.add_enabled_ui(ready, |ui| theme::primary_button(ui, "Next")).inner;
        let next = next.on_hover_text("Writes the aligned face and goes on (Enter)").clicked();
        if next || (ready && key_pressed(ui, Key::Enter)) {
            out.push(QueueAction::Next.into());
        }
        if queue.can_reload() && button(ui, true, "Try again", "Loads the picture again") {
            out.push(QueueAction::Reload.into());
        }
        let (can_skip, found) = (queue.can_skip(), mark.face().is_some());
        let skip = button(ui, can_skip, "Skip", "Leaves this image without an aligned face and goes on (S)");
        if skip || (can_skip && key_pressed(ui, Key::S)) {
            out.push(QueueAction::Skip.into());
        }
        back_ui(ui, queue, out);
        let help = if found { "Back to the face that was found" } else { "Takes the marks away" };
        if button(ui, can_skip && mark.found.is_some(), "Reset", help) {
            out.push(FaceAction::Reset.into());
        }
        if found && button(ui, can_skip, "Mark the eyes", "Takes the points away, to click the eyes by hand") {
            out.push(FaceAction::ByHand.into());
        }
        if button(ui, true, "Close", "Leaves off; what was marked is kept (Esc)") {
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
        format!("{} marked, {} skipped.", counted(queue.marked(), "face"), count_text(queue.skipped()))
    });
    if queue.skipped() > 0 {
        ui.label(theme::caption("What was skipped comes up again the next time."));
    }
    ui.add_space(SPACE * 2.0);
    ui.horizontal(|ui| {
        let any = queue.phase == QueuePhase::Marking && (was_empty || queue.marked() > 0);
        if ui.add_enabled_ui(any, |ui| theme::primary_button(ui, "Open the aligned images").clicked()).inner {
            out.push(FaceAction::OpenAligned.into());
        }
        if !was_empty {
            back_ui(ui, queue, out);
        }
        if button(ui, true, "Close", "Back to the folder (Esc)") {
            out.push(QueueAction::Close.into());
        }
    });
}

fn back_ui(ui: &mut Ui, queue: &QueueView, out: &mut Vec<Action>) {
    let can_go_back = queue.can_go_back();
    let back = button(ui, can_go_back, "Back", "Takes the last image back, and what was written of it (Backspace)");
    if back || (can_go_back && key_pressed(ui, Key::Backspace)) {
        out.push(QueueAction::Back.into());
    }
}

fn button(ui: &mut Ui, enabled: bool, label: &str, help: &str) -> bool {
    let button = Button::new(label).min_size(vec2(0.0, theme::PRIMARY_HEIGHT));
    ui.add_enabled(enabled, button).on_hover_text(help).clicked()
}
