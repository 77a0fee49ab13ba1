//! A list of pairs or a verification set on its way to being measured on: looked at, shown with what it is, measured on when
//! a person says so.
//!
//! There is one sheet, of the file that was chosen or dropped last. It asks for no model, so that what the file is can be
//! read before there is one, and it stops no measurement before a person asks for another.

use super::action::{Action, Effect};
use super::evaluate::request;
use super::notice::Notice;
use super::state::{State, Workspace};
use super::update::{start, supersede};
use crate::config::folder_of;
use crate::data::{ProtocolKind, ProtocolLook};
use crate::worker::protocol::{EvaluateOn, JobId, JobKind, Request};
use std::path::PathBuf;
use std::sync::Arc;

/// The sheet of a list of pairs or of a verification set.
#[derive(Clone, Debug)]
pub struct PairsView {
    /// The file.
    pub file: PathBuf,
    /// The look or the measurement under way.
    pub job: Option<JobId>,
    /// What the file is, once that is known.
    pub look: Option<Arc<ProtocolLook>>,
    /// What was known of it before the look under way, which may be stopped.
    pub(super) former: Option<Arc<ProtocolLook>>,
    /// Why the file was not read.
    pub error: Option<Notice>,
}

/// How far a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairsPhase {
    /// It is being read.
    Looking,
    /// It could not be read.
    Unread,
    /// Nothing can be measured on it, at least not with the images that were found.
    Refused,
    /// A model can be measured on it.
    Ready,
    /// One is being measured on it; if that comes to nothing, it is ready again.
    Measuring,
}

impl PairsView {
    /// How far the file is.
    pub fn phase(&self) -> PairsPhase {
        match (&self.look, self.job) {
            (None, Some(_)) => PairsPhase::Looking,
            (None, None) => PairsPhase::Unread,
            (Some(_), Some(_)) => PairsPhase::Measuring,
            (Some(look), None) if look.obstacle.is_none() => PairsPhase::Ready,
            (Some(_), None) => PairsPhase::Refused,
        }
    }

    /// It is known to be a list, whose images may lie anywhere.
    pub fn has_images_elsewhere(&self) -> bool {
        self.look.as_ref().is_some_and(|look| look.kind == ProtocolKind::List)
    }

    /// The sheet as it was before a look that was stopped; `None` where nothing was known of the file, or nothing is looked
    /// at.
    fn before_the_look(self) -> Option<Self> {
        let look = self.former?;
        Some(Self { job: None, look: Some(look), former: None, error: None, ..self })
    }

    /// Name of the file.
    pub fn name(&self) -> String {
        self.file.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// What a person can do with the sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PairsAction {
    /// The images of the list lie in this folder.
    LookIn(PathBuf),
    /// Measure the model in use.
    Measure,
    /// Stop looking for the images elsewhere; else put the sheet away and stop what is under way.
    Cancel,
}

impl From<PairsAction> for Action {
    fn from(action: PairsAction) -> Self {
        Self::Pairs(action)
    }
}

impl State {
    /// The sheet of pairs, unless its measurement takes its place.
    pub fn pairs_sheet(&self) -> Option<&PairsView> {
        self.pairs.as_ref().filter(|view| view.phase() != PairsPhase::Measuring)
    }

    /// The sheet of pairs is in sight: Escape is for it.
    pub fn shows_pairs(&self) -> bool {
        self.workspace == Workspace::Evaluate && self.pairs_sheet().is_some()
    }
}

/// Does what a person asked for.
pub(super) fn update(state: &mut State, action: PairsAction) -> Vec<Effect> {
    match action {
        PairsAction::LookIn(images) => {
            let Some(file) = state.pairs.as_ref().map(|view| view.file.clone()) else { return Vec::new() };
            look_in(state, file, vec![images])
        }
        PairsAction::Measure => measure(state),
        PairsAction::Cancel => {
            cancel(state);
            Vec::new()
        }
    }
}

fn cancel(state: &mut State) {
    let Some(view) = state.pairs.take() else { return };
    state.cancel(view.job);
    state.pairs = view.before_the_look();
}

/// Looks at a file and shows it on the page of error rates. The images of a list may lie beside it, or in the folder that
/// is open.
pub(super) fn look(state: &mut State, file: PathBuf) -> Vec<Effect> {
    let beside = folder_of(&file).to_owned();
    let open = state.open_data().map(|data| data.catalog.root.clone());
    look_in(state, file, std::iter::once(beside).chain(open).collect())
}

fn look_in(state: &mut State, file: PathBuf, folders: Vec<PathBuf>) -> Vec<Effect> {
    supersede(state, JobKind::LookAtPairs);
    let (job, effects) = start(state, Request::LookAtPairs { file: file.clone(), folders });
    let known = state.pairs.take().filter(|view| view.file == file);
    let former = known.and_then(|view| view.look.or(view.former));
    state.pairs = Some(PairsView { file, job: Some(job), look: None, former, error: None });
    state.workspace = Workspace::Evaluate;
    effects
}

/// It is known what the file is.
pub(super) fn looked(state: &mut State, job: JobId, look: Arc<ProtocolLook>) -> Vec<Effect> {
    if let Some(view) = state.pairs.as_mut().filter(|view| view.job == Some(job)) {
        view.job = None;
        view.former = None;
        view.look = Some(look);
    }
    Vec::new()
}

fn measure(state: &mut State) -> Vec<Effect> {
    let Some(view) = state.pairs.as_ref().filter(|view| view.phase() == PairsPhase::Ready) else {
        return Vec::new();
    };
    // The button says why it cannot be pressed.
    let Some(run) = state.active_run.clone().filter(|_| state.has_model()) else { return Vec::new() };
    let images = view.look.as_ref().and_then(|look| look.folder.clone());
    let on = EvaluateOn::Protocol { file: view.file.clone(), images };
    supersede(state, JobKind::Evaluate);
    let effects = request(state, run, on);
    let job = state.evaluate.job;
    if let Some(view) = &mut state.pairs {
        view.job = job;
    }
    effects
}

/// A model was measured: on these pairs, if this is their job, and the sheet is done.
pub(super) fn measured(state: &mut State, job: JobId) {
    let is_shown = state.evaluate.job == Some(job);
    if is_shown && state.pairs.as_ref().is_some_and(|view| view.job == Some(job)) {
        state.pairs = None;
    }
}

/// A look or a measurement is over; `notice` when a look failed.
pub(super) fn ended(state: &mut State, job: JobId, notice: Option<Notice>) {
    let seen = state.workspace == Workspace::Evaluate;
    let Some(view) = state.pairs.as_mut().filter(|view| view.job == Some(job)) else { return };
    view.job = None;
    view.error.clone_from(&notice);
    if notice.is_some() {
        view.former = None;
    }
    match notice {
        Some(notice) if !seen => state.notify(notice),
        None if view.look.is_none() => state.pairs = state.pairs.take().and_then(PairsView::before_the_look),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
