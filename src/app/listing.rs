//! How a list of runs ends: with what it could not read, and with whoever waits for it.

use super::action::Effect;
use super::notice::Notice;
use super::runs;
use super::state::{State, Workspace};
use super::training::{Awaited, does_not_come};
use super::update::refresh_runs;
use crate::worker::protocol::RunEntry;

/// The folder of runs cannot be read. What was listed from it stays as it was: nobody knows that it is gone.
pub(super) fn found_elsewhere(state: &mut State, mut runs: Vec<RunEntry>) {
    runs.extend(state.runs.iter().filter(|run| !run.is_elsewhere).cloned());
    // Whoever read those from elsewhere did not see the ones that stay, and one may be called as another.
    RunEntry::tell_apart(&mut runs);
    runs::found(state, runs);
}

/// The list is made, or could not be: the page of runs says why until one is made.
pub(super) fn ended(state: &mut State, failure: Option<Notice>, is_cancelled: bool) -> Vec<Effect> {
    if state.runs_view.is_stale {
        return refresh_runs(state);
    }
    let is_awaited = matches!(state.continuing, Some((Awaited::Runs, _)));
    does_not_come(state, Awaited::Runs);
    if is_cancelled {
        return Vec::new();
    }
    let before = std::mem::replace(&mut state.runs_view.error, failure.clone());
    // It is read again each time a page needs it: what is known already is said where it is in sight, and to who waits for it.
    let is_known = before == failure || state.workspace == Workspace::Runs;
    if let Some(failure) = failure.filter(|_| is_awaited || !is_known) {
        state.notify(failure);
    }
    Vec::new()
}
