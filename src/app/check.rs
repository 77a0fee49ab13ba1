//! The check of the open data set: what was found, which images are excluded, and how that changes.
//!
//! One change of the exclusions at a time: each is written to the disk, and two on two threads could overtake each other.

use super::action::Effect;
use super::export;
use super::notice::{Notice, Severity};
use super::state::{DataState, OpenData, State, Workspace};
use super::update::start;
use crate::config::counted;
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
    /// What was excluded before, to be remembered; `None` while undoing.
    before: Option<Vec<u32>>,
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
            change(state, excluded.into_iter().collect(), true)
        }
        CheckAction::Include(items) => {
            let included: BTreeSet<u32> = items.into_iter().collect();
            let mut excluded = data.catalog.excluded().to_vec();
            excluded.retain(|item| !included.contains(item));
            change(state, excluded, true)
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

/// Asks for other exclusions; `remembered` when they can be undone.
pub(super) fn change(state: &mut State, excluded: Vec<u32>, remembered: bool) -> Vec<Effect> {
    let Some(data) = open(state).filter(|data| data.check.change.is_none()) else { return Vec::new() };
    let present = data.catalog.excluded();
    if present == excluded {
        return Vec::new();
    }
    let before = remembered.then(|| present.to_vec());
    data.check.error = None;
    let examination = Arc::clone(&data.check.diagnosis.examination);
    let (job, effects) = start(state, Request::Exclude { examination, excluded });
    if let Some(data) = open(state) {
        data.check.change = Some(Change { job, before });
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
    let mine = data.check.change.as_ref().is_some_and(|change| change.job == job);
    if !mine {
        return Vec::new();
    }
    let before = data.check.change.take().and_then(|change| change.before);
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
    let undoable = before.is_some();
    if let Some(before) = before {
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
        some.map(|(count, singular)| counted(count, singular)).collect::<Vec<_>>().join(" and ")
    }
}

/// A check or a change is over; `notice` when it failed.
pub(super) fn ended(state: &mut State, job: JobId, notice: Option<Notice>) {
    let Some(data) = open(state) else { return };
    let check = &mut data.check;
    let is_change = check.change.as_ref().is_some_and(|change| change.job == job);
    if check.job != Some(job) && !is_change {
        return;
    }
    if check.job == Some(job) {
        check.job = None;
    }
    if is_change {
        check.change = None;
    }
    if let Some(mut notice) = notice {
        if is_change && notice.hint.is_none() {
            notice.hint = Some(format!("The list of excluded images, {EXCLUDE_FILE}, is kept beside the data."));
        }
        check.error = Some(notice.clone());
        state.notify(notice);
    }
}

#[cfg(test)]
mod tests;
