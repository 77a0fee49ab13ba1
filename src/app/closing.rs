//! What closing the window breaks off, and the question before it.

use super::action::Effect;
use super::state::State;
use crate::worker::protocol::JobKind;

/// Work under way that closing the window stops, and what was typed that goes with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// A run is being trained; it keeps its checkpoint.
    pub training: bool,
    /// The data set is being exported; nothing of it is kept.
    pub export: bool,
    /// The faces of a folder are being aligned; what is done is kept.
    pub alignment: bool,
    /// A name or a note was typed for a run and is not saved; it is lost.
    pub typing: bool,
}

impl Unfinished {
    /// There is some.
    pub fn is_some(self) -> bool {
        self != Self::default()
    }
}

impl State {
    /// Work that closing the window would stop. What a person stopped already does not count.
    pub fn unfinished(&self) -> Unfinished {
        let is_under_way = |kind| self.jobs.iter().any(|job| job.kind == kind && !job.control.is_cancelled());
        Unfinished {
            training: self.is_training(),
            export: is_under_way(JobKind::ExportData),
            alignment: is_under_way(JobKind::AlignFolder),
            typing: self.has_unsaved_text(),
        }
    }
}

/// The window was asked to close.
pub(super) fn request(state: &mut State) -> Vec<Effect> {
    if state.unfinished().is_some() {
        state.asks_before_closing = true;
        Vec::new()
    } else {
        vec![Effect::Close]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{Action, JobView, update};
    use crate::train::Control;
    use crate::worker::protocol::{JobId, Progress};
    use std::path::PathBuf;

    fn busy_with(kind: JobKind) -> State {
        let mut state = State::new(PathBuf::from("/nowhere/runs"));
        let (id, progress, control) = (JobId(1), Progress::default(), Control::default());
        state.jobs.push(JobView { id, kind, run: None, progress, control });
        state
    }

    #[test]
    fn an_export_and_an_alignment_are_asked_about_until_they_are_stopped() {
        for kind in [JobKind::ExportData, JobKind::AlignFolder] {
            let mut state = busy_with(kind);
            assert!(update(&mut state, Action::RequestClose).is_empty() && state.asks_before_closing, "{kind:?}");
            state.jobs[0].control.cancel();
            assert!(matches!(update(&mut state, Action::RequestClose)[..], [Effect::Close]), "{kind:?}");
        }
    }

    #[test]
    fn what_can_be_done_again_at_once_is_not_asked_about() {
        let mut state = busy_with(JobKind::ListRuns);
        assert!(matches!(update(&mut state, Action::RequestClose)[..], [Effect::Close]));
    }
}
