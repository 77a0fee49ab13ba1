//! The open data set written in a form other trainers read: what is asked for, and what became of it.

use super::action::{Action, Dialog, Effect};
use super::notice::{Notice, Severity};
use super::state::{OpenData, State, Workspace};
use super::update::start;
use crate::convert::{ConvertForm, ConvertRequest};
use crate::data::endings::ends_with;
use crate::data::{Catalog, Exported, Location, Part};
use crate::worker::protocol::{JobId, Request};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The dialog, and the export under way or the last one.
#[derive(Clone, Debug, Default)]
pub struct ExportView {
    /// What is asked for; kept from one export to the next.
    pub request: ConvertRequest,
    /// What the dialog is about.
    pub subject: Option<ExportSubject>,
    /// The dialog is in front, as long as Data is shown.
    pub is_open: bool,
    /// The work.
    pub job: Option<JobId>,
    /// What was written.
    pub done: Option<Box<Exported>>,
    /// Why it failed.
    pub error: Option<Notice>,
}

/// What takes a look at every image of a data set to know.
#[derive(Clone, Debug)]
pub struct ExportSubject {
    fingerprint: String,
    images: usize,
    in_training: usize,
    held_out: usize,
    /// The folder itself divides the images into a training and a held-out part.
    pub is_divided: bool,
    /// The images are files, which a list can name.
    pub has_names: bool,
}

impl ExportSubject {
    fn of(catalog: &Catalog) -> Self {
        let count = |part| catalog.items.iter().filter(|item| item.part == part).count();
        Self {
            fingerprint: catalog.fingerprint.clone(),
            images: catalog.items.len(),
            in_training: count(Part::Train),
            held_out: count(Part::HeldOut),
            is_divided: catalog.has_parts(),
            has_names: catalog.items.first().is_some_and(|item| matches!(item.location, Location::File(_))),
        }
    }

    /// Images of a part.
    pub fn images(&self, part: Part) -> usize {
        match part {
            Part::All => self.images,
            Part::Train => self.in_training,
            Part::HeldOut => self.held_out,
        }
    }
}

impl ExportView {
    /// Why nothing can be written now, if so.
    pub fn obstacle(&self, data: &OpenData) -> Option<&'static str> {
        if data.check.change.is_some() {
            return Some("The excluded images are being changed; this takes a moment");
        }
        let is_nameless = self.subject.as_ref().is_some_and(|subject| !subject.has_names);
        (is_nameless && self.request.form == ConvertForm::PairList).then_some(NAMELESS)
    }

    /// What was written, in one sentence without a full stop.
    pub fn summary(&self) -> Option<String> {
        self.done.as_deref().map(|done| summary(self.request.form, done))
    }
}

/// Why there can be no list of pairs.
pub const NAMELESS: &str = "These images are no files of their own that a list could name; choose the verification set";

impl State {
    /// The dialog for an export is in front.
    pub fn shows_export(&self) -> bool {
        self.export.is_open && self.workspace == Workspace::Data && self.open_data().is_some()
    }
}

/// What can be asked for about an export.
#[derive(Clone, Debug, PartialEq)]
pub enum ExportAction {
    /// Show the dialog.
    Open,
    /// Put it away; the work goes on.
    Close,
    /// What was chosen there.
    Set(ConvertRequest),
    /// Ask where to write to.
    Choose,
    /// Write there.
    WriteTo(PathBuf),
    /// Show what was written in the system's file manager.
    ShowFolder,
}

impl From<ExportAction> for Action {
    fn from(action: ExportAction) -> Self {
        Self::ExportData(action)
    }
}

/// Does what a person asked for.
pub(super) fn update(state: &mut State, action: ExportAction) -> Vec<Effect> {
    match action {
        ExportAction::Open => {
            open(state);
            Vec::new()
        }
        ExportAction::Close => {
            state.export.is_open = false;
            Vec::new()
        }
        ExportAction::Set(request) => {
            set(state, request);
            Vec::new()
        }
        ExportAction::Choose => {
            let is_possible = ready(state).is_some();
            is_possible.then_some(Effect::Ask(Dialog::ExportData(state.export.request.form))).into_iter().collect()
        }
        ExportAction::WriteTo(out) => write_to(state, out),
        ExportAction::ShowFolder => {
            let file = state.export.done.as_ref().and_then(|done| done.files.first());
            file.map(|file| Effect::ShowFolder(folder_of(file).to_owned())).into_iter().collect()
        }
    }
}

fn open(state: &mut State) {
    let Some(catalog) = state.open_data().map(|data| Arc::clone(&data.catalog)) else {
        let notice = Notice::new(Severity::Warning, "There are no images to export");
        state.notify(notice.hint("Open a folder of images first."));
        return;
    };
    state.workspace = Workspace::Data;
    let view = &mut state.export;
    view.is_open = true;
    if view.job.is_some() {
        // One at a time: the dialog of the running one comes back.
        return;
    }
    view.subject = Some(ExportSubject::of(&catalog));
    view.request.part = view.request.form.default_part(&catalog);
    view.done = None;
    view.error = None;
}

/// Other images are excluded now: the dialog is about what is left.
pub(super) fn renew(state: &mut State) {
    let Some(catalog) = state.open_data().map(|data| Arc::clone(&data.catalog)) else { return };
    let view = &mut state.export;
    if !view.is_open || view.job.is_some() {
        return;
    }
    let subject = ExportSubject::of(&catalog);
    if !subject.is_divided {
        view.request.part = Part::All;
    }
    view.subject = Some(subject);
}

fn set(state: &mut State, request: ConvertRequest) {
    let usual_part = state.open_data().map(|data| request.form.default_part(&data.catalog));
    let view = &mut state.export;
    if view.job.is_some() {
        return;
    }
    let part = usual_part.filter(|_| request.form != view.request.form).unwrap_or(request.part);
    view.request = ConvertRequest { part, ..request };
    view.done = None;
    view.error = None;
}

/// The images of the dialog, when they can be written: a person may take hours to choose a file.
fn ready(state: &State) -> Option<Arc<Catalog>> {
    let (view, data) = (&state.export, state.open_data()?);
    let is_same = view.subject.as_ref()?.fingerprint == data.catalog.fingerprint;
    let is_possible = is_same && view.job.is_none() && view.obstacle(data).is_none();
    is_possible.then(|| Arc::clone(&data.catalog))
}

fn write_to(state: &mut State, out: PathBuf) -> Vec<Effect> {
    let Some(catalog) = ready(state) else {
        let notice = Notice::new(Severity::Warning, "Nothing was exported: other images are open or chosen now");
        state.notify(notice.hint("Choose Export… in Data again."));
        return Vec::new();
    };
    let request = state.export.request;
    let out = with_ending(out, request.form);
    let (job, effects) = start(state, Request::ExportData { catalog, request, out });
    let view = &mut state.export;
    view.job = Some(job);
    view.done = None;
    view.error = None;
    effects
}

/// File dialogs of some systems leave the ending out when it is not typed.
fn with_ending(out: PathBuf, form: ConvertForm) -> PathBuf {
    let usual = form.endings().first().filter(|_| !ends_with(&out, form.endings()));
    let Some(usual) = usual else { return out };
    let mut name = out.into_os_string();
    name.push(".");
    name.push(usual);
    name.into()
}

/// The data set was written.
pub(super) fn exported(state: &mut State, job: JobId, done: Box<Exported>) -> Vec<Effect> {
    let view = &mut state.export;
    if view.job != Some(job) {
        return Vec::new();
    }
    let notice = written(view.request.form, &done);
    view.done = Some(done);
    state.notify(notice);
    Vec::new()
}

fn written(form: ConvertForm, done: &Exported) -> Notice {
    let groups = done.warnings.groups();
    let severity = if groups.is_empty() { Severity::Success } else { Severity::Warning };
    let mut notice = Notice::new(severity, summary(form, done));
    let mut hint: Vec<String> = groups.iter().map(|group| group.headline.clone()).collect();
    if let Some(file) = done.files.first() {
        hint.push(format!("It is in {}", folder_of(file).display()));
    }
    notice.causes = groups.into_iter().flat_map(|group| group.examples).collect();
    notice.hint(format!("{}.", hint.join(". ")))
}

fn summary(form: ConvertForm, done: &Exported) -> String {
    let name = done.files.first().and_then(|file| file.file_name()).unwrap_or_default().to_string_lossy();
    let what = if form.is_of_pairs() {
        counted(done.groups, "pair", "pairs")
    } else {
        format!("{} of {}", counted(done.images, "image", "images"), counted(done.groups, "class", "classes"))
    };
    let mut text = format!("{what} written to {name}");
    let left_out = done.warnings.total() as u64;
    if left_out > 0 {
        text += &format!("; {} left out", counted(left_out, "image", "images"));
        text += match (form.is_of_pairs(), left_out) {
            (false, _) => "",
            (true, 1) => " with its pairs",
            (true, _) => " with their pairs",
        };
    }
    text
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(file)
}

/// An export is over; `notice` when it failed.
pub(super) fn ended(state: &mut State, job: JobId, notice: Option<Notice>) {
    let is_seen = state.shows_export();
    let view = &mut state.export;
    if view.job != Some(job) {
        return;
    }
    view.job = None;
    view.error.clone_from(&notice);
    match notice {
        Some(notice) if !is_seen => state.notify(notice),
        None if view.done.is_none() => state.say("The export was stopped; nothing was written"),
        _ => {}
    }
}

/// An export found no room among the jobs.
pub(super) fn refused(state: &mut State, job: JobId) {
    if state.export.job == Some(job) {
        state.export.job = None;
    }
}
