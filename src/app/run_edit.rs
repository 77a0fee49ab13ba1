//! A name and a note of a run: typed in a dialog, kept by a worker, and back in the dialog where they could not be.

use super::action::Effect;
use super::notice::{Notice, Severity};
use super::runs::{RunsView, why_not_changed};
use super::state::{State, Workspace};
use super::update::start;
use crate::worker::protocol::{JobId, Request, RunChange, RunEntry};
use std::path::{Path, PathBuf};

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
    /// Another number whenever the dialog is opened: neither the keyboard's place nor what can be undone goes over from one to
    /// the next.
    pub serial: u64,
}

impl RunEdit {
    /// Those that a run has.
    fn as_kept(run: &RunEntry) -> Self {
        let (name, note) = (run.own_name().to_owned(), run.note.clone());
        Self { run: run.path.clone(), name, note, error: None, serial: 0 }
    }

    /// Nothing else was typed than that.
    fn is_as(&self, other: &Self) -> bool {
        self.name.trim() == other.name.trim() && self.note.trim() == other.note.trim()
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

impl State {
    /// What was typed about a run would be lost with the window.
    pub(super) fn has_unsaved_text(&self) -> bool {
        let RunsView { edit, saving, .. } = &self.runs_view;
        let is_unsaved = |edit: &RunEdit| {
            let kept = self.run_entry(&edit.run).map(RunEdit::as_kept);
            let being_kept = saving.iter().filter(|(_, known)| known.run == edit.run).map(|(_, known)| known);
            edit.error.is_some() || !being_kept.chain(&kept).any(|known| edit.is_as(known))
        };
        edit.as_ref().is_some_and(is_unsaved) || saving.iter().any(|(_, edit)| edit.error.is_some())
    }
}

/// Opens the dialog: with what was typed last where that is being kept, or could not be; else with what the run has.
pub(super) fn open(state: &mut State, run: &Path) {
    let saving = &mut state.runs_view.saving;
    let newest = saving.iter().rfind(|(_, edit)| edit.run == run).map(|(_, edit)| edit.clone());
    // What waited for its dialog has it now.
    saving.retain(|(_, edit)| edit.run != run || edit.error.is_none());
    let edit = newest.or_else(|| state.run_entry(run).map(RunEdit::as_kept));
    show(state, edit);
}

fn show(state: &mut State, edit: Option<RunEdit>) {
    let serial = state.next_id();
    state.runs_view.edit = edit.map(|edit| RunEdit { serial, ..edit });
}

/// Asks for what was typed to be kept.
pub(super) fn save(state: &mut State) -> Vec<Effect> {
    let Some(edit) = state.runs_view.edit.take() else { return Vec::new() };
    if let Some(reason) = why_not_changed(state, &edit.run) {
        // What was typed stays in its dialog.
        state.runs_view.edit = Some(RunEdit { error: Some(reason), ..edit });
        return Vec::new();
    }
    let (name, note) = (edit.name.trim().to_owned(), edit.note.trim().to_owned());
    let request = Request::ChangeRun { run: edit.run.clone(), change: RunChange::Describe { name, note } };
    let (job, effects) = start(state, request);
    // Of what was typed about a run before, nothing comes back: it would take the place of this.
    state.runs_view.saving.retain(|(_, known)| known.run != edit.run);
    state.runs_view.saving.push((job, RunEdit { error: None, ..edit }));
    effects
}

/// A name and a note are kept: the list, which is read anew only now, shows the note, too.
pub(super) fn kept(state: &mut State, job: JobId) {
    let saving = &mut state.runs_view.saving;
    let Some(index) = saving.iter().position(|(saved_by, _)| *saved_by == job) else { return };
    let (_, edit) = saving.remove(index);
    if let Some(entry) = state.runs.iter_mut().find(|entry| entry.path == edit.run) {
        edit.note.trim().clone_into(&mut entry.note);
    }
}

/// A run could not be changed, or that was never begun. What was typed about it comes back into its dialog, with the reason, as
/// soon as no other one is open; where a person does not see that now, it is told where it waits.
pub(super) fn not_kept(state: &mut State, job: JobId, reason: Notice) {
    let mut saving = state.runs_view.saving.iter_mut();
    let Some((_, edit)) = saving.find(|(saved_by, _)| *saved_by == job) else {
        state.notify(reason);
        return;
    };
    edit.error = Some(reason.clone());
    let run = edit.run.clone();
    if show_next(state) == Some(job) && state.workspace == Workspace::Runs {
        return;
    }
    let waits = format!("What was typed about {} waits in Runs.", state.run_name(&run));
    let hint = reason.hint.iter().cloned().chain([waits]).collect::<Vec<_>>().join(" ");
    state.notify(reason.hint(hint));
}

/// The change of a run was stopped: what was typed and is not written comes back, too.
pub(super) fn stopped(state: &mut State, job: JobId) {
    if state.runs_view.saving.iter().any(|(saved_by, _)| *saved_by == job) {
        let reason = Notice::new(Severity::Warning, "The change of the run was stopped and is not kept");
        not_kept(state, job, reason.hint("Save tries again."));
    }
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
    show(state, Some(edit));
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
