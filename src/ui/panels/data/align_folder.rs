//! The dialog that aligns the faces of the open folder into a new one.

use crate::app::{Action, FaceAction, FolderView, State};
use crate::faces::{Aligned, CROP_PX};
use crate::ui::format;
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::detector_row::{DetectorReply, detector_row};
use crate::ui::widgets::figures::{count_text, counted};
use crate::worker::protocol::JobId;
use eframe::egui::{self, Button, Id, Modal, ProgressBar, Ui, vec2};

/// Width of the dialog, in points.
const WIDTH_PT: f32 = 480.0;

/// Draws the dialog.
pub(super) fn align_folder_ui(ui: &mut Ui, state: &State, folder: &FolderView, out: &mut Vec<Action>) {
    let response = Modal::new(Id::unique("align folder")).frame(theme::dialog_frame(ui)).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH_PT);
        ui.label(theme::heading("Align faces"));
        ui.add_space(SPACE / 2.0);
        let name = folder.root.file_name().unwrap_or_default().to_string_lossy();
        ui.label(format!(
            "Finds the face of every image of {name} and writes it upright, {CROP_PX}×{CROP_PX} px, into a new folder with \
             the same sub-folders. Your images are only read."
        ));
        ui.add_space(SPACE);
        let into = ui.label(theme::caption(format!("Into {}", folder.out.display())));
        into.on_hover_text("What is there already is skipped, so a stopped job goes on");
        ui.add_space(SPACE);
        if let Some(job) = folder.job {
            running_ui(ui, state, job, out);
            return;
        }
        if let Some(notice) = &folder.error {
            theme::error_card(ui, notice, out);
            ui.add_space(SPACE);
        }
        match folder.done.as_deref() {
            Some(done) if !done.stopped => done_ui(ui, done, out),
            stopped => {
                if let Some(done) = stopped {
                    ui.label(summary(done));
                }
                start_ui(ui, state, stopped.is_some(), out);
            }
        }
    });
    if response.should_close() {
        out.push(FaceAction::CloseFolder.into());
    }
}

fn start_ui(ui: &mut Ui, state: &State, goes_on: bool, out: &mut Vec<Action>) {
    let detector = state.faces.detector.as_deref();
    match detector_row(ui, detector, "A whole folder needs a detector; none comes with the program.") {
        Some(DetectorReply::Choose) => out.push(FaceAction::AskDetector.into()),
        Some(DetectorReply::Forget) => out.push(FaceAction::ForgetDetector.into()),
        None => {}
    }
    ui.add_space(SPACE * 2.0);
    ui.horizontal(|ui| {
        let possible = detector.is_some() && cfg!(feature = "faces");
        let label = if goes_on { "Go on" } else { "Align" };
        if ui.add_enabled_ui(possible, |ui| theme::primary_button(ui, label).clicked()).inner {
            out.push(FaceAction::StartFolder.into());
        }
        close_ui(ui, "Close", out);
    });
}

fn running_ui(ui: &mut Ui, state: &State, job: JobId, out: &mut Vec<Action>) {
    let progress = state.job(job).map(|job| job.progress).unwrap_or_default();
    let share = if progress.total > 0 { progress.done as f32 / progress.total as f32 } else { 0.0 };
    ui.add(ProgressBar::new(share).desired_height(8.0).fill(theme::tokens(ui).accent));
    let left = progress.eta_secs.map(|secs| format!(", {} left", format::duration(secs))).unwrap_or_default();
    ui.label(theme::caption(if progress.total > 0 {
        format!("{} of {}{left}", count_text(progress.done as usize), counted(progress.total as usize, "image"))
    } else {
        "Listing the files".to_owned()
    }));
    ui.add_space(SPACE * 2.0);
    ui.horizontal(|ui| {
        close_ui(ui, "Go on in the background", out);
        let stop = Button::new("Stop").min_size(vec2(0.0, theme::PRIMARY_HEIGHT));
        if ui.add(stop).on_hover_text("Keeps what was done; starting again goes on").clicked() {
            out.push(Action::CancelJob(job));
        }
    });
}

fn done_ui(ui: &mut Ui, done: &Aligned, out: &mut Vec<Action>) {
    ui.label(summary(done));
    if done.unfound + done.left_out > 0 {
        let name = done.record.file_name().unwrap_or_default().to_string_lossy();
        ui.label(theme::caption(format!("The reasons are in {name}, in the new folder.")));
    }
    ui.add_space(SPACE * 2.0);
    ui.horizontal(|ui| {
        let any = done.aligned + done.already > 0;
        if ui.add_enabled_ui(any, |ui| theme::primary_button(ui, "Open the aligned images").clicked()).inner {
            out.push(FaceAction::OpenAligned.into());
        }
        if ui.add(Button::new("Show the folder").min_size(vec2(0.0, theme::PRIMARY_HEIGHT))).clicked() {
            out.push(FaceAction::ShowAligned.into());
        }
        close_ui(ui, "Close", out);
    });
}

fn close_ui(ui: &mut Ui, label: &str, out: &mut Vec<Action>) {
    if ui.add(egui::Button::new(label).min_size(vec2(0.0, theme::PRIMARY_HEIGHT))).clicked() {
        out.push(FaceAction::CloseFolder.into());
    }
}

fn summary(done: &Aligned) -> String {
    let part = |count: u64, words: &str| match count {
        0 => String::new(),
        count => format!(", {} {words}", count_text(count as usize)),
    };
    format!(
        "{} of {} aligned{}{}.",
        count_text((done.aligned + done.already) as usize),
        counted(done.images as usize, "image"),
        part(done.unfound, "without a face"),
        part(done.left_out, "left out")
    )
}
