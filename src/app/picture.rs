//! The DET curves in sight as a file: which curves, where to, and what became of it.

use super::action::{Action, Dialog, Effect};
use super::notice::{Notice, Severity};
use super::state::{EvaluateView, Overlay, State};
use super::update::{start, with_ending};
use crate::eval::{DetFigure, FigureCurve, FigureForm, LegendRun, legend_names};
use crate::worker::protocol::{JobId, Request};
use std::path::PathBuf;

/// The picture being written, and the last one that was.
#[derive(Clone, Debug, Default)]
pub struct PictureView {
    /// The work.
    pub job: Option<JobId>,
    /// The file that was written last.
    pub saved: Option<PathBuf>,
}

/// What can be asked for about a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PictureAction {
    /// Ask where to write to.
    Choose,
    /// Write there.
    SaveTo(PathBuf),
    /// Show the last one in the system's file manager.
    ShowFolder,
}

impl From<PictureAction> for Action {
    fn from(action: PictureAction) -> Self {
        Self::Picture(action)
    }
}

impl EvaluateView {
    /// Why no picture can be written now, if so.
    pub fn picture_obstacle(&self) -> Option<&'static str> {
        if self.overlays.is_empty() {
            return Some("There is nothing to draw until error rates are measured");
        }
        self.picture.job.is_some().then_some("A picture is being written; this takes a moment")
    }

    /// The curves in sight, in their colours, named as the command names them.
    fn figure(&self) -> DetFigure {
        let runs: Vec<LegendRun<'_>> = self.shown().map(|(_, overlay)| legend_run(overlay)).collect();
        let named = self.shown().zip(legend_names(&runs));
        let curve = |((index, overlay), name): ((usize, &Overlay), String)| {
            FigureCurve::of(name, index, &overlay.evaluation.report)
        };
        DetFigure::new(named.map(curve).collect())
    }
}

fn legend_run(overlay: &Overlay) -> LegendRun<'_> {
    let evaluation = &overlay.evaluation;
    LegendRun { folder: &evaluation.run, on: &evaluation.on, is_own: evaluation.is_own }
}

/// Does what a person asked for.
pub(super) fn update(state: &mut State, action: PictureAction) -> Vec<Effect> {
    match action {
        PictureAction::Choose => {
            let is_possible = state.evaluate.picture_obstacle().is_none();
            is_possible.then_some(Effect::Ask(Dialog::SavePicture)).into_iter().collect()
        }
        PictureAction::SaveTo(out) => save_to(state, out),
        PictureAction::ShowFolder => {
            let folder = state.evaluate.picture.saved.as_ref().and_then(|file| file.parent());
            folder.map(|folder| Effect::ShowFolder(folder.to_owned())).into_iter().collect()
        }
    }
}

fn save_to(state: &mut State, out: PathBuf) -> Vec<Effect> {
    if let Some(why) = state.evaluate.picture_obstacle() {
        // What was in sight when the place was asked for may have gone since.
        state.notify(Notice::new(Severity::Warning, "No picture was written").hint(format!("{why}.")));
        return Vec::new();
    }
    let figure = Box::new(state.evaluate.figure());
    // Whether a file may be replaced, the dialog has asked about the name as it was typed only.
    let replace = FigureForm::of(&out).is_some();
    let out = if replace { out } else { with_ending(out, "svg") };
    let (job, effects) = start(state, Request::SaveFigure { figure, out, replace });
    state.evaluate.picture.job = Some(job);
    effects
}

/// A picture was written.
pub(super) fn saved(state: &mut State, job: JobId, out: PathBuf) -> Vec<Effect> {
    if state.evaluate.picture.job != Some(job) {
        return Vec::new();
    }
    let name = out.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let notice = Notice::new(Severity::Success, format!("{name} was written"));
    state.notify(notice.hint(format!("It is in {}.", out.parent().unwrap_or(&out).display())));
    state.evaluate.picture.saved = Some(out);
    Vec::new()
}

/// A picture is written or will not be; `notice` when it failed.
pub(super) fn ended(state: &mut State, job: JobId, notice: Option<Notice>) {
    if state.evaluate.picture.job != Some(job) {
        return;
    }
    state.evaluate.picture.job = None;
    if let Some(notice) = notice {
        state.notify(notice);
    }
}
