//! The open data set written in a form other trainers read: what is asked for, and what became of it.

use super::action::{Action, Dialog, Effect};
use super::count_text::{classes_spaced, count_text, counted_spaced};
use super::notice::{Notice, Severity};
use super::state::{OpenData, State, Workspace};
use super::update::{start, with_ending};
use crate::config::{capitalised, folder_of};
use crate::convert::{ConvertForm, ConvertRequest, OWN_LABELS};
use crate::data::endings::ends_with;
use crate::data::{Catalog, Exported, Location, Part};
use crate::worker::protocol::{JobId, Request};
use std::path::PathBuf;
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
    root: PathBuf,
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
    /// In one pass: there may be millions of images, and the window waits.
    fn of(catalog: &Catalog) -> Self {
        let (mut in_training, mut held_out) = (0, 0);
        for item in &catalog.items {
            in_training += usize::from(item.part == Part::Train);
            held_out += usize::from(item.part == Part::HeldOut);
        }
        Self {
            root: catalog.root.clone(),
            fingerprint: catalog.fingerprint.clone(),
            images: catalog.items.len(),
            in_training,
            held_out,
            is_divided: in_training > 0 && held_out > 0,
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
        let subject = self.subject.as_ref();
        if subject.is_some_and(|subject| subject.fingerprint != data.catalog.fingerprint) {
            return Some("Other images are open now; close this and choose Export… again");
        }
        let is_nameless = subject.is_some_and(|subject| !subject.has_names);
        (is_nameless && self.request.form == ConvertForm::PairList).then_some(NAMELESS)
    }

    /// What was written, in one sentence without a full stop.
    pub fn summary(&self) -> Option<String> {
        self.done.as_deref().map(|done| summary(self.request.form, done))
    }
}

/// Why there can be no list of pairs.
pub const NAMELESS: &str = "These images lie inside one file, so a list cannot name them; choose the verification set";

/// An export that waits for a place: what the form said, and which images were open, when the place was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportOrder {
    /// What is asked for.
    pub request: ConvertRequest,
    fingerprint: String,
}

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
    /// Write it there.
    WriteTo {
        /// What was asked for.
        order: ExportOrder,
        /// The file.
        out: PathBuf,
    },
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
        ExportAction::Choose => order(state).map(|order| Effect::Ask(Dialog::ExportData(order))).into_iter().collect(),
        ExportAction::WriteTo { order, out } => write_to(state, &order, out),
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
    let subject = ExportSubject::of(&catalog);
    view.request.part = view.request.form.default_part(subject.is_divided);
    view.subject = Some(subject);
    view.done = None;
    view.error = None;
}

/// Other images are open or excluded now: the dialog is about those. An export under way is still about its own, so this
/// is asked for again when it is over.
pub(super) fn renew(state: &mut State) {
    let Some(catalog) = state.open_data().map(|data| Arc::clone(&data.catalog)) else { return };
    let view = &mut state.export;
    let before = view.subject.as_ref();
    let is_current = before.is_some_and(|before| before.fingerprint == catalog.fingerprint);
    if !view.is_open || view.job.is_some() || is_current {
        return;
    }
    let is_same_set = before.is_some_and(|before| before.root == catalog.root);
    let subject = ExportSubject::of(&catalog);
    if !is_same_set || !subject.is_divided {
        view.request.part = view.request.form.default_part(subject.is_divided);
    }
    view.subject = Some(subject);
}

fn set(state: &mut State, request: ConvertRequest) {
    let view = &mut state.export;
    if view.job.is_some() {
        return;
    }
    let is_divided = view.subject.as_ref().is_some_and(|subject| subject.is_divided);
    let has_other_form = request.form != view.request.form;
    let part = if has_other_form { request.form.default_part(is_divided) } else { request.part };
    view.request = ConvertRequest { part, ..request };
    view.done = None;
    view.error = None;
}

/// What the form says, when it can be written.
fn order(state: &State) -> Option<ExportOrder> {
    let (view, data) = (&state.export, state.open_data()?);
    let fingerprint = view.subject.as_ref()?.fingerprint.clone();
    let is_possible = view.job.is_none() && view.obstacle(data).is_none();
    is_possible.then_some(ExportOrder { request: view.request, fingerprint })
}

/// The images that were meant, when they can be written: a person may take hours to choose a file.
///
/// # Errors
/// What happened meanwhile, and what to do.
fn meant(state: &State, order: &ExportOrder) -> Result<Arc<Catalog>, (&'static str, &'static str)> {
    const AGAIN: &str = "Choose Export… in Data again.";
    if state.export.job.is_some() {
        return Err((
            "another export is running",
            "Wait until it is done, or stop it; then choose Export… in Data again.",
        ));
    }
    let data = state.open_data().filter(|data| data.catalog.fingerprint == order.fingerprint);
    let data = data.ok_or(("the images are no longer open as they were", AGAIN))?;
    if data.check.change.is_some() {
        return Err(("the excluded images are being changed", AGAIN));
    }
    Ok(Arc::clone(&data.catalog))
}

fn write_to(state: &mut State, order: &ExportOrder, out: PathBuf) -> Vec<Effect> {
    let catalog = match meant(state, order) {
        Ok(catalog) => catalog,
        Err((why, advice)) => {
            state.notify(Notice::new(Severity::Warning, format!("Nothing was exported: {why}")).hint(advice));
            return Vec::new();
        }
    };
    let request = order.request;
    let endings = request.form.endings();
    let out = match endings.first() {
        Some(usual) if !ends_with(&out, endings) => with_ending(out, usual),
        _ => out,
    };
    let (job, effects) = start(state, Request::ExportData { catalog, request, out });
    let view = &mut state.export;
    // The form may have been changed since; while it is being written, and after, it is what is written.
    view.request = request;
    view.job = Some(job);
    view.done = None;
    view.error = None;
    effects
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
    let is_plain = groups.is_empty() && !done.own_labels;
    let severity = if is_plain { Severity::Success } else { Severity::Warning };
    let mut notice = Notice::new(severity, summary(form, done));
    let mut hint: Vec<String> = groups.iter().map(|group| group.headline.clone()).collect();
    if let Some(words) = done.sizes_words(count_text) {
        hint.push(format!("{words}; for trainers that need one size choose Square"));
    }
    if done.own_labels {
        hint.push(capitalised(OWN_LABELS));
    }
    if let Some(file) = done.files.first() {
        hint.push(format!("It is in {}", folder_of(file).display()));
    }
    notice.causes = groups.into_iter().flat_map(|group| group.examples).collect();
    notice.hint(format!("{}.", hint.join(". ")))
}

fn summary(form: ConvertForm, done: &Exported) -> String {
    let name = done.files.first().and_then(|file| file.file_name()).unwrap_or_default().to_string_lossy();
    let what = if form.is_of_pairs() {
        counted_spaced(done.groups as usize, "pair")
    } else {
        format!("{} of {}", counted_spaced(done.images as usize, "image"), classes_spaced(done.groups as usize))
    };
    let mut text = format!("{what} written to {name}");
    let left_out = done.warnings.total();
    if left_out > 0 {
        text += &format!("; {} left out", counted_spaced(left_out, "image"));
        text += match (form.is_of_pairs(), left_out) {
            (false, _) => "",
            (true, 1) => " with its pairs",
            (true, _) => " with their pairs",
        };
    }
    text
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
    renew(state);
}

/// An export found no room among the jobs.
pub(super) fn refused(state: &mut State, job: JobId) {
    if state.export.job == Some(job) {
        state.export.job = None;
        renew(state);
    }
}
