//! The dialog that aligns the faces of the open folder into a new one.

use crate::app::{Action, FaceAction, FinderKind, FolderView, QueueAction, State};
use crate::config::capitalised;
use crate::faces::{AlignOptions, Aligned, CROP_PX_RANGE, CropFormat};
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::detector_row::{DetectorReply, NO_FINDER, detector_row};
use crate::ui::widgets::dialog::focus_first;
use crate::ui::widgets::figures::{count_text, counted_spaced};
use crate::ui::widgets::job_bar::{JobReply, images_text, job_in_dialog};
use crate::ui::widgets::number_row::number_row;
use crate::ui::widgets::segmented::{Segment, segmented};
use crate::worker::protocol::JobId;
use eframe::egui::{self, DragValue, Id, Modal, Ui};
use std::path::Path;

/// Width of the dialog, in points.
const WIDTH_PT: f32 = 560.0;
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
        let why_not = obstacle(folder.finder, state.faces.finder_file().is_some(), cfg!(feature = "faces"));
        let label = if folder.done.is_some() { "Go on" } else { "Align" };
        let start = ui.add_enabled_ui(why_not.is_none(), |ui| theme::primary_button(ui, label)).inner;
        focus_first(ui, "form", &start);
        let start = start.on_hover_text("Runs in the background; your images are only read");
        if start.on_disabled_hover_text(why_not.unwrap_or_default()).clicked() {
            out.push(FaceAction::StartFolder.into());
        }
        by_hand_ui(ui, out);
        if folder.marked > 0 && button(ui, "Open the aligned images", "Opens the crops as a data set") {
            out.push(FaceAction::OpenAligned.into());
        }
        close_ui(ui, out);
    });
}

/// Why the folder cannot be aligned now. `has_file`: the detector or the list is chosen; `has_detection`: this build can run
/// a detector.
fn obstacle(finder: FinderKind, has_file: bool, has_detection: bool) -> Option<&'static str> {
    match finder {
        FinderKind::Detector if !has_detection => Some(NO_FINDER),
        FinderKind::Detector => (!has_file).then_some("Choose a detector first"),
        FinderKind::List => (!has_file).then_some("Choose a list of points first"),
    }
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
    let side = DragValue::new(&mut options.size_px).range(CROP_PX_RANGE).speed(0.5).suffix(" px");
    number_row(ui, "Size", "Side of the crops; published face networks take 112 px", None, side);
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
    let score = DragValue::new(&mut options.min_score).range(0.0..=1.0).speed(0.005).fixed_decimals(2);
    let help = "Faces the detector is less sure of are passed over, 0 to 1";
    number_row(ui, "Least score", help, (finder == FinderKind::List).then_some("A list has no scores"), score);
    ui.label("Without a face");
    theme::checkbox(ui, &mut options.keep_unfound, "Write the middle of the image")
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
        ui.label(format!("{} marked by hand.", counted_spaced(folder.marked as usize, "face")));
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
    let text = images_text(&progress, "Listing the files");
    let reply = job_in_dialog(ui, &progress, &text, "Keeps what was done; starting again goes on");
    out.extend(reply.map(|reply| match reply {
        JobReply::GoOn => FaceAction::CloseFolder.into(),
        JobReply::Stop => Action::CancelJob(job),
    }));
}

fn done_ui(ui: &mut Ui, folder: &FolderView, done: &Aligned, out: &mut Vec<Action>) {
    ui.label(summary(done));
    if let Some(doubt) = done.doubt {
        ui.add(egui::Label::new(format!("{}.", capitalised(doubt))).wrap());
    }
    if let Some(otherwise) = otherwise(done) {
        ui.add(egui::Label::new(theme::caption(otherwise)).wrap());
    }
    let has_left = done.unfound + done.left_out > 0;
    if has_left {
        let name = done.record.file_name().unwrap_or_default().to_string_lossy();
        ui.label(theme::caption(format!("The reasons are in {name}, in the new folder.")));
    }
    marked_ui(ui, folder);
    ui.add_space(SPACE * 2.0);
    ui.horizontal(|ui| {
        let any = done.aligned + done.already + folder.marked > 0;
        let open = ui.add_enabled_ui(any, |ui| theme::primary_button(ui, "Open the aligned images")).inner;
        focus_first(ui, "done", &open);
        let open = open.on_hover_text("Opens the crops as a data set").on_disabled_hover_text("No face was aligned");
        if open.clicked() {
            out.push(FaceAction::OpenAligned.into());
        }
        if has_left {
            by_hand_ui(ui, out);
        }
        close_ui(ui, out);
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

fn close_ui(ui: &mut Ui, out: &mut Vec<Action>) {
    if button(ui, "Close", "Back to the images (Esc)") {
        out.push(FaceAction::CloseFolder.into());
    }
}

fn button(ui: &mut Ui, label: &str, help: &str) -> bool {
    ui.add(theme::plain_button(label)).on_hover_text(help).clicked()
}

/// Of crops that are there already, and are not as they would be made now.
fn otherwise(done: &Aligned) -> Option<String> {
    let words = done.otherwise_words(count_text)?;
    Some(format!("{words}. Remove such crops from the new folder to have them made anew."))
}

fn summary(done: &Aligned) -> String {
    format!("{}.", done.words(count_text))
}

#[cfg(test)]
mod tests;
