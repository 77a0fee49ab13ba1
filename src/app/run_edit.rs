//! A name and a note of a run: typed in a dialog, kept by a worker, and back in the dialog where they could not be.

use super::action::Effect;
use super::notice::{Notice, Severity};
use super::runs::may_change;
use super::state::{State, Workspace};
use super::update::start;
use crate::worker::protocol::{JobId, Request, RunChange, RunEntry};
use std::path::{Path, PathBuf};

/// Names and notes that are not kept yet, at most. The workers' queue takes fewer.
pub(super) const MOST_SAVING: usize = 16;

/// A name and a note being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEdit {
    /// The run.
    pub run: PathBuf,
    /// The name of its folder.
    pub name: String,
    /// Its note.
    pub note: String,
    /// Why they could not be kept when that was tried last.
    pub error: Option<Notice>,
}

impl RunEdit {
    /// Those that a run has.
    pub(super) fn as_kept(run: &RunEntry) -> Self {
        Self { run: run.path.clone(), name: run.own_name().to_owned(), note: run.note.clone(), error: None }
    }

    /// The run at `before` lies at `after` now; so does its name, unless another one was typed.
    fn follow(&mut self, before: &Path, after: &Path) {
        if self.run != before {
            return;
        }
        let name = |run: &Path| run.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if self.name.trim() == name(before) {
            self.name = name(after);
        }
        self.run = after.to_owned();
    }
}

/// Asks for what was typed to be kept.
pub(super) fn save(state: &mut State) -> Vec<Effect> {
    // Where the run cannot be changed now, what was typed stays in its dialog.
    let Some(edit) = state.runs_view.edit.clone().filter(|edit| may_change(state, &edit.run)) else {
        return Vec::new();
    };
    if state.runs_view.saving.len() >= MOST_SAVING {
        let notice = Notice::new(Severity::Warning, "Other names and notes are still being kept");
        let error = Some(notice.hint("Save again when that is done."));
        state.runs_view.edit = Some(RunEdit { error, ..edit });
        return Vec::new();
    }
    state.runs_view.edit = None;
    let (name, note) = (edit.name.trim().to_owned(), edit.note.trim().to_owned());
    let request = Request::ChangeRun { run: edit.run.clone(), change: RunChange::Describe { name, note } };
    let (job, effects) = start(state, request);
    state.runs_view.saving.push((job, RunEdit { error: None, ..edit }));
    effects
}

/// The change of a run is over, or was never begun. What was typed and could not be kept comes back into its dialog, with the
/// reason, as soon as no other one is open; `true` where a person sees that now.
pub(super) fn ended(state: &mut State, job: JobId, error: Option<&Notice>) -> bool {
    let saving = &mut state.runs_view.saving;
    let Some(error) = error else {
        saving.retain(|(saved_by, _)| *saved_by != job);
        return false;
    };
    let Some((_, edit)) = saving.iter_mut().find(|(saved_by, _)| *saved_by == job) else { return false };
    edit.error = Some(error.clone());
    show_next(state) == Some(job) && state.workspace == Workspace::Runs
}

/// Opens the dialog with what could not be kept, where there is some and no other dialog is open; the job that was to keep it.
/// Those about faces and about an export are on pages that have not this one.
pub(super) fn show_next(state: &mut State) -> Option<JobId> {
    let view = &mut state.runs_view;
    if view.edit.is_some() || view.longer.is_some() || state.asks_before_closing {
        return None;
    }
    let waiting = view.saving.iter().position(|(_, edit)| edit.error.is_some())?;
    let (job, edit) = view.saving.remove(waiting);
    view.edit = Some(edit);
    Some(job)
}

/// The run has another folder now, or none: what is typed about it follows, or is put away.
pub(super) fn moved(state: &mut State, before: &Path, after: Option<&Path>) {
    let view = &mut state.runs_view;
    match after {
        Some(after) => {
            let saving = view.saving.iter_mut().map(|(_, edit)| edit);
            saving.chain(&mut view.edit).for_each(|edit| edit.follow(before, after));
        }
        None => {
            view.saving.retain(|(_, edit)| edit.run != before);
            drop(view.edit.take_if(|edit| edit.run == before));
        }
    }
}
