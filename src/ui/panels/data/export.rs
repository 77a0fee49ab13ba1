//! The dialog that writes the open data set in a form other trainers read.

use crate::app::{Action, ExportAction, ExportSubject, ExportView, NAMELESS, OpenData, State};
use crate::convert::{ConvertForm, ConvertRequest, PAIRS_RANGE, PX_RANGE};
use crate::data::Part;
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::dialog::focus_first;
use crate::ui::widgets::figures::{count_text, counted_spaced};
use crate::ui::widgets::job_bar::{JobReply, job_in_dialog, share_done, with_time_left};
use crate::ui::widgets::number_row::number_row;
use crate::ui::widgets::segmented::{Segment, segmented};
use crate::worker::protocol::JobId;
use eframe::egui::{self, DragValue, Id, Modal, Ui};

/// Width of the dialog, in points.
const WIDTH_PT: f32 = 520.0;
/// The side that squares begin with, in pixels: what InsightFace's trainers take.
const USUAL_PX: u32 = 112;
/// Why a list has no size.
const NO_IMAGES: &str = "A list names the images; it does not hold them";
/// Why records have no pairs.
const NO_PAIRS: &str = "RecordIO holds classes of images, not pairs";

/// Draws the dialog.
pub(super) fn export_ui(ui: &mut Ui, state: &State, data: &OpenData, out: &mut Vec<Action>) {
    let view = &state.export;
    let response = Modal::new(Id::unique("export data")).frame(theme::dialog_frame(ui)).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH_PT);
        ui.label(theme::heading("Export the images"));
        ui.add_space(SPACE / 2.0);
        ui.label(
            "Writes them for other trainers. Your images are only read. A file that is there already is never replaced, \
             even where the system's dialog offers it.",
        );
        ui.add_space(SPACE);
        if let Some(job) = view.job {
            running_ui(ui, state, job, out);
            return;
        }
        if let Some(notice) = &view.error {
            theme::error_card(ui, notice, out);
            ui.add_space(SPACE);
        }
        match (view.summary(), &view.subject) {
            (Some(summary), _) => done_ui(ui, view, &summary, out),
            (None, Some(subject)) => form_ui(ui, view, subject, data, out),
            (None, None) => {}
        }
    });
    if response.should_close() {
        out.push(ExportAction::Close.into());
    }
}

fn form_ui(ui: &mut Ui, view: &ExportView, subject: &ExportSubject, data: &OpenData, out: &mut Vec<Action>) {
    let mut request = view.request;
    egui::Grid::new("export form").num_columns(2).spacing([SPACE * 2.0, SPACE]).show(ui, |ui| {
        ui.label("Form");
        what_ui(ui, subject, &mut request);
        ui.end_row();
        ui.label("Images");
        part_ui(ui, subject, &mut request);
        ui.end_row();
        ui.label("Size");
        size_ui(ui, &mut request);
        ui.end_row();
        let help = "At most so many pairs of the same class, and as many of different ones, in ten equal parts";
        let no_pairs = (!request.form.is_of_pairs()).then_some(NO_PAIRS);
        let pairs = DragValue::new(&mut request.pairs).range(PAIRS_RANGE).speed(10.0);
        number_row(ui, "Pairs of each kind", help, no_pairs, pairs);
        let help = "The same seed draws the same pairs again";
        let seed = DragValue::new(&mut request.seed).range(0..=u32::MAX).speed(0.1);
        number_row(ui, "Seed", help, no_pairs, seed);
    });
    if request != view.request {
        out.push(ExportAction::Set(request).into());
    }
    ui.add_space(SPACE);
    ui.label(theme::caption(about(view.request.form)));
    ui.label(theme::caption(extent(&view.request, subject, data.catalog.excluded_images())));
    let obstacle = view.obstacle(data);
    if let Some(why) = obstacle {
        ui.label(theme::caption(why).color(theme::tokens(ui).warning));
    }
    ui.add_space(SPACE * 2.0);
    ui.horizontal(|ui| {
        let choose = ui.add_enabled_ui(obstacle.is_none(), |ui| theme::primary_button(ui, "Choose where…")).inner;
        let choose = choose
            .on_hover_text("Asks for a file, then writes it")
            .on_disabled_hover_text(obstacle.unwrap_or_default());
        focus_first(ui, "form", &choose);
        if choose.clicked() {
            out.push(ExportAction::Choose.into());
        }
        close_ui(ui, out);
    });
}

fn what_ui(ui: &mut Ui, subject: &ExportSubject, request: &mut ConvertRequest) {
    let segment = |form: ConvertForm| {
        let is_nameless = form == ConvertForm::PairList && !subject.has_names;
        let help = if is_nameless { NAMELESS } else { about(form) };
        Segment { enabled: !is_nameless, ..Segment::new(form, form.label(), help) }
    };
    if let Some(form) = segmented(ui, ConvertForm::ALL.into_iter().map(segment).collect(), &request.form) {
        request.form = form;
    }
}

fn part_ui(ui: &mut Ui, subject: &ExportSubject, request: &mut ConvertRequest) {
    let part = |part: Part, label: &str, help: &str| {
        let help = if subject.is_divided { help } else { "The folder itself is not divided into two parts" };
        Segment { enabled: subject.is_divided, ..Segment::new(part, label, help) }
    };
    let segments = vec![
        Segment::new(Part::All, "All", "Every image that is not excluded"),
        part(Part::Train, "Training part", "The images that the folder itself says to train on"),
        part(Part::HeldOut, "Held-out part", "The images that the folder itself keeps apart to measure on"),
    ];
    if let Some(part) = segmented(ui, segments, &request.part) {
        request.part = part;
    }
}

fn size_ui(ui: &mut Ui, request: &mut ConvertRequest) {
    let holds_images = request.form != ConvertForm::PairList;
    let segment = |is_square: bool, label: &str, help: &str| {
        let help = if holds_images { help } else { NO_IMAGES };
        Segment { enabled: holds_images, ..Segment::new(is_square, label, help) }
    };
    ui.horizontal(|ui| {
        let segments = vec![
            segment(false, "As they are", "JPEG and PNG files are passed on byte by byte; other images become PNG"),
            segment(true, "Square", "Every image becomes a square of this side, as PNG"),
        ];
        if let Some(is_square) = segmented(ui, segments, &request.px.is_some()) {
            request.px = is_square.then_some(USUAL_PX);
        }
        if let Some(px) = &mut request.px {
            let side = DragValue::new(px).range(PX_RANGE).speed(0.5).suffix(" px");
            let side = ui.add_enabled(holds_images, side).accessible_name("Side of the squares");
            side.on_hover_text("InsightFace's trainers take 112 px").on_disabled_hover_text(NO_IMAGES);
        }
    });
}

fn about(form: ConvertForm) -> &'static str {
    match form {
        ConvertForm::Records => {
            "train.rec, train.idx, property and classes.txt, as InsightFace's trainers read them. Choose a folder of \
             their own."
        }
        ConvertForm::VerificationSet => "One file that holds pairs of images, as InsightFace's lfw.bin does.",
        ConvertForm::PairList => {
            "A text that names pairs of images: as LFW's pairs.txt where the files are named as LFW's are, else two \
             paths and 1 or 0. Best kept in the folder of the images."
        }
    }
}

/// How many images are meant.
fn extent(request: &ConvertRequest, subject: &ExportSubject, excluded: usize) -> String {
    let mut images = counted_spaced(subject.images(request.part), "image");
    if subject.is_divided && request.part == Part::All {
        let [train, held_out] = [Part::Train, Part::HeldOut].map(|part| count_text(subject.images(part)));
        images += &format!(" of both parts ({train} to train on, {held_out} held out)");
    }
    let mut text = if request.form.is_of_pairs() {
        format!("Pairs are made of {images}")
    } else {
        format!("{images} will be written")
    };
    if excluded > 0 {
        text += &format!("; {} excluded", counted_spaced(excluded, "image"));
        text += if excluded == 1 { " is left out" } else { " are left out" };
    }
    text
}

fn running_ui(ui: &mut Ui, state: &State, job: JobId, out: &mut Vec<Action>) {
    let progress = state.job(job).map(|job| job.progress).unwrap_or_default();
    let percent = format!("{:.0} %", share_done(&progress).unwrap_or_default() * 100.0);
    let text = with_time_left(percent, &progress);
    out.extend(job_in_dialog(ui, &progress, &text, "Nothing of it is kept").map(|reply| match reply {
        JobReply::GoOn => ExportAction::Close.into(),
        JobReply::Stop => Action::CancelJob(job),
    }));
}

fn done_ui(ui: &mut Ui, view: &ExportView, summary: &str, out: &mut Vec<Action>) {
    ui.label(format!("{summary}."));
    let groups = view.done.as_deref().map(|done| done.warnings.groups()).unwrap_or_default();
    for group in groups {
        ui.label(theme::caption(group.headline)).on_hover_text(group.examples.join("\n"));
    }
    ui.add_space(SPACE * 2.0);
    ui.horizontal(|ui| {
        let show = theme::primary_button(ui, "Show the folder");
        focus_first(ui, "done", &show);
        if show.clicked() {
            out.push(ExportAction::ShowFolder.into());
        }
        let again = ui.add(theme::plain_button("Export again"));
        if again.on_hover_text("Back to the form, to write another").clicked() {
            out.push(ExportAction::Open.into());
        }
        close_ui(ui, out);
    });
}

fn close_ui(ui: &mut Ui, out: &mut Vec<Action>) {
    if ui.add(theme::plain_button("Close")).on_hover_text("Back to the images (Esc)").clicked() {
        out.push(ExportAction::Close.into());
    }
}
