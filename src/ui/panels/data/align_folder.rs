//! The dialog that aligns the faces of the open folder into a new one.

use crate::app::{Action, FaceAction, FinderKind, FolderView, QueueAction, State};
use crate::faces::{AlignOptions, Aligned, CROP_PX_RANGE, CropFormat};
use crate::ui::format;
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::detector_row::{DetectorReply, detector_row};
use crate::ui::widgets::figures::{count_text, counted};
use crate::ui::widgets::segmented::{Segment, segmented};
use crate::worker::protocol::JobId;
use eframe::egui::{self, Button, DragValue, Id, Modal, ProgressBar, Ui, vec2};
use std::path::Path;

/// Width of the dialog, in points.
const WIDTH_PT: f32 = 560.0;
/// Width of a number, in points.
const NUMBER_WIDTH_PT: f32 = 96.0;
/// What a list of points is.
const LIST: &str = "A path and 4 numbers a line (x and y of the left and right eye as seen) or 10 (and nose, left and right \
                    corner of the mouth), in pixels; align.csv is one";

/// Draws the dialog.
pub(super) fn align_folder_ui(ui: &mut Ui, state: &State, folder: &FolderView, out: &mut Vec<Action>) {
    let response = Modal::new(Id::unique("align folder")).frame(theme::dialog_frame(ui)).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH_PT);
        ui.label(theme::heading("Align faces"));
        ui.add_space(SPACE / 2.0);
        let name = folder.root.file_name().unwrap_or_default().to_string_lossy();
        ui.label(format!(
            "Writes the face of every image of {name} upright, {0}×{0} px, into a new folder with the same sub-folders. Your \
             images are only read.",
            folder.options.size_px
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
            Some(done) if !done.stopped => done_ui(ui, folder, done, out),
            stopped => {
                if let Some(done) = stopped {
                    ui.label(summary(done));
                }
                start_ui(ui, state, folder, out);
            }
        }
    });
    if response.should_close() {
        out.push(FaceAction::CloseFolder.into());
    }
}

fn start_ui(ui: &mut Ui, state: &State, folder: &FolderView, out: &mut Vec<Action>) {
    marked_ui(ui, folder);
    form_ui(ui, folder, out);
    ui.add_space(SPACE);
    source_ui(ui, state, folder, out);
    ui.add_space(SPACE * 2.0);
    ui.horizontal(|ui| {
        let can_run = folder.finder == FinderKind::List || cfg!(feature = "faces");
        let possible = can_run && state.faces.finder_file().is_some();
        let label = if folder.done.is_some() { "Go on" } else { "Align" };
        if ui.add_enabled_ui(possible, |ui| theme::primary_button(ui, label).clicked()).inner {
            out.push(FaceAction::StartFolder.into());
        }
        by_hand_ui(ui, out);
        if folder.marked > 0 && button(ui, "Open the aligned images", "Opens the crops as a data set") {
            out.push(FaceAction::OpenAligned.into());
        }
        close_ui(ui, "Close", out);
    });
}

fn form_ui(ui: &mut Ui, folder: &FolderView, out: &mut Vec<Action>) {
    let mut options = folder.options;
    egui::Grid::new("align form").num_columns(2).spacing([SPACE * 2.0, SPACE]).show(ui, |ui| {
        ui.label("Faces");
        let segments = vec![
            Segment::new(FinderKind::Detector, "Detector", "A detector finds the main face of every image"),
            Segment::new(FinderKind::List, "List of points", LIST),
        ];
        out.extend(segmented(ui, segments, &folder.finder).map(|finder| FaceAction::FindBy(finder).into()));
        ui.end_row();
        options_ui(ui, folder.finder, &mut options);
    });
    if options != folder.options {
        out.push(FaceAction::SetOptions(options).into());
    }
}

fn options_ui(ui: &mut Ui, finder: FinderKind, options: &mut AlignOptions) {
    let label = ui.label("Size");
    let side = DragValue::new(&mut options.size_px).range(CROP_PX_RANGE).speed(0.5).suffix(" px");
    let side = ui.add_sized(vec2(NUMBER_WIDTH_PT, 24.0), side).labelled_by(label.id);
    side.on_hover_text("Side of the crops; published face networks take 112 px");
    ui.end_row();
    ui.label("Kind of file");
    let help = |format| match format {
        CropFormat::Png => "Without loss",
        CropFormat::Jpeg => "A fifth of the size",
    };
    let segment = |format: CropFormat| Segment::new(format, format.label(), help(format));
    if let Some(format) = segmented(ui, CropFormat::ALL.into_iter().map(segment).collect(), &options.format) {
        options.format = format;
    }
    ui.end_row();
    let label = ui.label("Least score");
    ui.add_enabled_ui(finder == FinderKind::Detector, |ui| {
        let score = DragValue::new(&mut options.min_score).range(0.0..=1.0).speed(0.005).fixed_decimals(2);
        let score = ui.add_sized(vec2(NUMBER_WIDTH_PT, 24.0), score).labelled_by(label.id);
        score
            .on_hover_text("Faces the detector is less sure of are passed over, 0 to 1")
            .on_disabled_hover_text("A list has no scores");
    });
    ui.end_row();
    ui.label("Without a face");
    ui.checkbox(&mut options.keep_unfound, "Write the middle of the image")
        .on_hover_text("Else such an image has no crop, and can be marked by hand");
    ui.end_row();
}

/// The file that says where the faces are.
fn source_ui(ui: &mut Ui, state: &State, folder: &FolderView, out: &mut Vec<Action>) {
    if folder.finder == FinderKind::List {
        list_ui(ui, folder.list.as_deref(), out);
        return;
    }
    let without = "No detector comes with the program. Without one, choose a list of points or mark the faces by hand.";
    match detector_row(ui, state.faces.detector.as_deref(), without) {
        Some(DetectorReply::Choose) => out.push(FaceAction::AskDetector.into()),
        Some(DetectorReply::Forget) => out.push(FaceAction::ForgetDetector.into()),
        None => {}
    }
}

fn list_ui(ui: &mut Ui, list: Option<&Path>, out: &mut Vec<Action>) {
    ui.horizontal_wrapped(|ui| {
        if let Some(list) = list {
            let name = list.file_name().unwrap_or_default().to_string_lossy();
            ui.label(theme::caption(format!("List: {name}"))).on_hover_text(list.display().to_string());
        }
        let label = if list.is_some() { "Change…" } else { "Choose a list…" };
        let choose = ui.button(label).on_hover_text(LIST);
        if choose.accessible_name("Choose a list of points").clicked() {
            out.push(FaceAction::AskList.into());
        }
    });
    if list.is_none() {
        ui.add(egui::Label::new(theme::caption(format!("{LIST}."))).wrap());
    }
}

/// How many faces a person marked.
fn marked_ui(ui: &mut Ui, folder: &FolderView) {
    if folder.marked > 0 {
        ui.label(format!("{} marked by hand.", counted(folder.marked as usize, "face")));
        ui.add_space(SPACE);
    }
}

fn by_hand_ui(ui: &mut Ui, out: &mut Vec<Action>) {
    if button(ui, "Mark by hand…", "Click the eyes of every image without an aligned face, one after the other") {
        out.push(QueueAction::Open.into());
    }
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

fn done_ui(ui: &mut Ui, folder: &FolderView, done: &Aligned, out: &mut Vec<Action>) {
    ui.label(summary(done));
    let has_left = done.unfound + done.left_out > 0;
    if has_left {
        let name = done.record.file_name().unwrap_or_default().to_string_lossy();
        ui.label(theme::caption(format!("The reasons are in {name}, in the new folder.")));
    }
    marked_ui(ui, folder);
    ui.add_space(SPACE * 2.0);
    ui.horizontal(|ui| {
        let any = done.aligned + done.already + folder.marked > 0;
        if ui.add_enabled_ui(any, |ui| theme::primary_button(ui, "Open the aligned images").clicked()).inner {
            out.push(FaceAction::OpenAligned.into());
        }
        if has_left {
            by_hand_ui(ui, out);
        }
        close_ui(ui, "Close", out);
    });
    ui.horizontal(|ui| {
        if button(ui, "Align again…", "Back to the choices; what is aligned stays") {
            out.push(FaceAction::ReviseFolder.into());
        }
        if button(ui, "Show the folder", "Shows the crops in the system's file manager") {
            out.push(FaceAction::ShowAligned.into());
        }
    });
}

fn close_ui(ui: &mut Ui, label: &str, out: &mut Vec<Action>) {
    if ui.add(Button::new(label).min_size(vec2(0.0, theme::PRIMARY_HEIGHT))).clicked() {
        out.push(FaceAction::CloseFolder.into());
    }
}

fn button(ui: &mut Ui, label: &str, help: &str) -> bool {
    ui.add(Button::new(label).min_size(vec2(0.0, theme::PRIMARY_HEIGHT))).on_hover_text(help).clicked()
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

#[cfg(test)]
mod tests;
