//! The check of the open data set: what was found, which images are excluded, and how that changes.
//!
//! One change of the exclusions at a time: each is written to the disk, and two on two threads could overtake each other.

use super::action::Effect;
use super::counted_spaced;
use super::export;
use super::notice::{Notice, Severity};
use super::state::{DataState, OpenData, State, Workspace};
use super::update::start;
use crate::data::{Catalog, Diagnosis, EXCLUDE_FILE, Examination, WarningKind};
use crate::worker::protocol::{ExclusionChange, JobId, Request};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a person can do about the check. Positions are those of the whole data set, as in [`Diagnosis`]: of images, and of
/// files that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckAction {
    /// Show the findings (or the images again).
    Show(bool),
    /// Read and compare every image.
    Start,
    /// Leave these images out, and do not try these files again.
    Exclude(Vec<u32>),
    /// Use these images again, and try these files.
    Include(Vec<u32>),
}

/// The check as it is watched.
#[derive(Clone, Debug)]
pub struct CheckView {
    /// The findings are shown instead of the images.
    pub shown: bool,
    /// What is known: without a check, what takes no pixels to know.
    pub diagnosis: Arc<Diagnosis>,
    /// The check under way.
    pub job: Option<JobId>,
    /// The change of exclusions under way.
    pub change: Option<Change>,
    /// Why the last check or change failed.
    pub error: Option<Notice>,
}

/// Exclusions that are being written.
#[derive(Clone, Debug)]
pub struct Change {
    /// The job.
    pub job: JobId,
    cause: Cause,
    /// What is to be excluded.
    aim: Vec<u32>,
}

/// Why exclusions are changed, which says what becomes of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A person asked for it: it can be undone.
    Asked,
    /// A step back; it is there again when it fails.
    Undo,
    /// A step forward, likewise.
    Redo,
}

impl CheckView {
    /// Of a data set that was just opened.
    pub(super) fn new(catalog: &Arc<Catalog>) -> Self {
        let diagnosis = Arc::new(Examination::none(catalog)).diagnose(catalog.excluded());
        Self { shown: false, diagnosis: Arc::new(diagnosis), job: None, change: None, error: None }
    }
}

/// Does what a person asked for.
pub(super) fn update(state: &mut State, action: CheckAction) -> Vec<Effect> {
    let Some(data) = open(state) else { return Vec::new() };
    match action {
        CheckAction::Show(shown) => {
            data.check.shown = shown;
            Vec::new()
        }
        CheckAction::Start => begin(state),
        CheckAction::Exclude(items) => {
            let mut excluded: BTreeSet<u32> = data.catalog.excluded().iter().copied().collect();
            excluded.extend(items);
            change(state, excluded.into_iter().collect(), Cause::Asked)
        }
        CheckAction::Include(items) => {
            let included: BTreeSet<u32> = items.into_iter().collect();
            let mut excluded = data.catalog.excluded().to_vec();
            excluded.retain(|item| !included.contains(item));
            change(state, excluded, Cause::Asked)
        }
    }
}

fn open(state: &mut State) -> Option<&mut OpenData> {
    match &mut state.data {
        DataState::Open(data) => Some(data),
        _ => None,
    }
}

fn begin(state: &mut State) -> Vec<Effect> {
    let Some(data) = open(state).filter(|data| data.check.job.is_none()) else { return Vec::new() };
    data.check.shown = true;
    data.check.error = None;
    let catalog = Arc::clone(&data.catalog);
    state.workspace = Workspace::Data;
    let (job, effects) = start(state, Request::CheckData { catalog });
    if let Some(data) = open(state) {
        data.check.job = Some(job);
    }
    effects
}

/// Asks for other exclusions.
pub(super) fn change(state: &mut State, excluded: Vec<u32>, cause: Cause) -> Vec<Effect> {
    let Some(data) = open(state).filter(|data| data.check.change.is_none()) else { return Vec::new() };
    if data.catalog.excluded() == excluded {
        return Vec::new();
    }
    data.check.error = None;
    let examination = Arc::clone(&data.check.diagnosis.examination);
    let aim = excluded.clone();
    let (job, effects) = start(state, Request::Exclude { examination, excluded });
    if let Some(data) = open(state) {
        data.check.change = Some(Change { job, cause, aim });
    }
    effects
}

/// The check is done.
pub(super) fn checked(state: &mut State, job: JobId, examination: &Arc<Examination>) -> Vec<Effect> {
    let Some(data) = open(state).filter(|data| data.check.job == Some(job)) else { return Vec::new() };
    data.check.diagnosis = Arc::new(examination.diagnose(data.catalog.excluded()));
    Vec::new()
}

/// Other images are excluded now: the data set is another, with another split.
pub(super) fn changed(state: &mut State, job: JobId, change: ExclusionChange) -> Vec<Effect> {
    let training = state.is_training();
    let Some(data) = open(state) else { return Vec::new() };
    let Some(Change { cause, .. }) = data.check.change.take_if(|change| change.job == job) else { return Vec::new() };
    let undoable = cause == Cause::Asked;
    let before = data.catalog.excluded().to_vec();
    let (was, now) = (Excluded::of(&data.catalog), Excluded::of(&change.catalog));
    let has_not_tried = change.catalog.whole().warnings.count(WarningKind::NotTried) > 0;
    let examination = &data.check.diagnosis.examination;
    // A check may have ended while the file was written.
    let diagnosis = if Arc::ptr_eq(examination, &change.diagnosis.examination) {
        change.diagnosis
    } else {
        Arc::new(examination.diagnose(change.catalog.excluded()))
    };
    let check = CheckView { diagnosis, ..data.check.clone() };
    *data = OpenData { check, ..OpenData::new(change.catalog) };
    if undoable {
        state.history.remember_excluded(before);
    }
    state.refresh_preview();
    export::renew(state);
    let text = if now.total() >= was.total() {
        format!("{} excluded; nothing is deleted", now.beyond(was))
    } else {
        format!("{} included again", was.beyond(now))
    };
    let mut hint = if undoable { "Ctrl+Z takes it back.".to_owned() } else { String::new() };
    if was.files > now.files && has_not_tried {
        hint += " Open the data set again to try files that were not tried.";
    }
    if training {
        hint += " The run in progress goes on with the images it began with.";
    }
    let notice = Notice::new(Severity::Success, text);
    state.notify(if hint.is_empty() { notice } else { notice.hint(hint.trim()) });
    Vec::new()
}

/// How much is excluded.
#[derive(Clone, Copy)]
struct Excluded {
    images: usize,
    /// Files that cannot be read.
    files: usize,
}

impl Excluded {
    fn of(catalog: &Catalog) -> Self {
        let images = catalog.excluded_images();
        Self { images, files: catalog.excluded().len() - images }
    }

    fn total(self) -> usize {
        self.images + self.files
    }

    /// What is excluded here and not there: `2 images and 1 file`.
    fn beyond(self, other: Self) -> String {
        let images = self.images.saturating_sub(other.images);
        let files = self.files.saturating_sub(other.files);
        let some = [(images, "image"), (files, "file")].into_iter().filter(|(count, _)| *count > 0);
        some.map(|(count, singular)| counted_spaced(count, singular)).collect::<Vec<_>>().join(" and ")
    }
}

/// A check or a change is over; `notice` when it failed. A change that is done is no longer under way here.
pub(super) fn ended(state: &mut State, job: JobId, mut notice: Option<Notice>) {
    let Some(data) = open(state) else { return };
    let check = &mut data.check;
    let failed = check.change.take_if(|change| change.job == job);
    if check.job != Some(job) && failed.is_none() {
        return;
    }
    if check.job == Some(job) {
        check.job = None;
    }
    if let Some(notice) = &mut notice {
        if failed.is_some() && notice.hint.is_none() {
            notice.hint = Some(format!("The list of excluded images, {EXCLUDE_FILE}, is kept beside the data."));
        }
        check.error = Some(notice.clone());
    }
    match failed {
        Some(Change { cause: Cause::Undo, aim, .. }) => state.history.put_back_undo(aim),
        Some(Change { cause: Cause::Redo, aim, .. }) => state.history.put_back_redo(aim),
        Some(Change { cause: Cause::Asked, .. }) | None => {}
    }
    if let Some(notice) = notice {
        state.notify(notice);
    }
}

#[cfg(test)]
mod tests;
