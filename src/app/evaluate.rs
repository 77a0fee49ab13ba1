//! Error rates: what is asked to be measured, the evaluations that are drawn, and the threshold.

use super::action::Effect;
use super::notice::{Notice, Severity};
use super::runs::named;
use super::state::{EvaluateView, Overlay, State, Workspace};
use super::update::{explore_evaluation, request_verify, start, supersede};
use crate::eval::{OperatingRule, operating_point};
use crate::train::KeptPoint;
use crate::worker::protocol::{EvaluateOn, Evaluation, JobError, JobId, JobKind, Request, RunEntry};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl EvaluateView {
    /// The run whose numbers fill the table.
    pub fn current(&self) -> Option<&Arc<Evaluation>> {
        self.overlays.get(self.current).map(|overlay| &overlay.evaluation)
    }

    /// The runs in the plots with their positions: those not hidden, and always the current one.
    pub fn shown(&self) -> impl Iterator<Item = (usize, &Overlay)> {
        let overlays = self.overlays.iter().enumerate();
        overlays.filter(move |(index, overlay)| overlay.visible || *index == self.current)
    }

    /// A run has one rule, whatever it was measured on.
    fn follow_rule(&mut self, run: &Path, rule: OperatingRule) {
        let is_other = |evaluation: &Evaluation| evaluation.run == run && evaluation.rule != rule;
        for overlay in self.overlays.iter_mut().filter(|overlay| is_other(&overlay.evaluation)) {
            Arc::make_mut(&mut overlay.evaluation).rule = rule;
        }
    }
}

pub(super) fn evaluate(state: &mut State, run: PathBuf) -> Vec<Effect> {
    supersede(state, JobKind::Evaluate);
    let open = state.open_data().map(|data| Arc::clone(&data.catalog));
    // It has no images of its own: those that are open have to do. Of a run that is not listed yet, a worker finds that out.
    let is_imported = state.run_entry(&run).is_some_and(RunEntry::is_imported);
    let on = match open {
        Some(open) if is_imported => EvaluateOn::Whole(open),
        None if is_imported => {
            let told = Notice::from_error(&JobError::no_images_to_measure_on());
            state.notify(Notice { severity: Severity::Info, ..told });
            return Vec::new();
        }
        open => EvaluateOn::OwnSplit { open },
    };
    request(state, run, on)
}

/// Measures a run on all images that are open, whatever it was trained with.
pub(super) fn evaluate_open(state: &mut State, run: PathBuf) -> Vec<Effect> {
    let Some(open) = state.open_data().map(|data| Arc::clone(&data.catalog)) else {
        let notice = Notice::new(Severity::Info, "There are no images to measure the run on");
        state.notify(notice.hint("Open a folder of images in Data, then choose Measure on the open images again."));
        return Vec::new();
    };
    state.workspace = Workspace::Evaluate;
    supersede(state, JobKind::Evaluate);
    request(state, run, EvaluateOn::Whole(open))
}

/// Asks for a run to be measured; what was asked for before is superseded by then.
pub(super) fn request(state: &mut State, run: PathBuf, on: EvaluateOn) -> Vec<Effect> {
    let (job, effects) = start(state, Request::Evaluate { run, on });
    state.evaluate.job = Some(job);
    state.evaluate.error = None;
    effects
}

pub(super) fn evaluated(state: &mut State, job: JobId, evaluation: &Arc<Evaluation>) -> Vec<Effect> {
    if state.evaluate.job != Some(job) {
        return Vec::new();
    }
    if let Some(change) = &evaluation.changed {
        let text = format!("The images are not those that the run was trained with: {change}");
        state.notify(Notice::new(Severity::Warning, text).hint(
            "All of them were compared, training images among them, so the rates are too good. What was measured before \
             stays with the run; to measure on the images that it held out, undo the change or open them where they are now.",
        ));
    }
    let evaluation = &named(state, evaluation);
    state.active_run = Some(evaluation.run.clone());
    let known = state
        .evaluate
        .overlays
        .iter()
        .position(|overlay| overlay.evaluation.run == evaluation.run && overlay.evaluation.on == evaluation.on);
    let overlay = Overlay { evaluation: Arc::clone(evaluation), visible: true };
    state.evaluate.current = match known {
        Some(index) => {
            state.evaluate.overlays[index] = overlay;
            index
        }
        None => {
            state.evaluate.overlays.push(overlay);
            state.evaluate.overlays.len() - 1
        }
    };
    state.evaluate.follow_rule(&evaluation.run, evaluation.rule);
    let mut effects = explore_evaluation(state, evaluation);
    effects.extend(request_verify(state));
    effects
}

pub(super) fn remove_overlay(state: &mut State, index: usize) -> Vec<Effect> {
    if index < state.evaluate.overlays.len() {
        state.evaluate.overlays.remove(index);
        let last = state.evaluate.overlays.len().saturating_sub(1);
        let current = state.evaluate.current;
        state.evaluate.current = if current > index { current - 1 } else { current.min(last) };
    }
    Vec::new()
}

pub(super) fn show_overlay(state: &mut State, index: usize) -> Vec<Effect> {
    let Some(overlay) = state.evaluate.overlays.get_mut(index) else { return Vec::new() };
    overlay.visible = true;
    let evaluation = Arc::clone(&overlay.evaluation);
    state.evaluate.current = index;
    state.active_run = Some(evaluation.run.clone());
    let mut effects = explore_evaluation(state, &evaluation);
    effects.extend(request_verify(state));
    effects
}

/// A person chooses how the threshold of the run in use is set: that stays with the run.
pub(super) fn set_rule(state: &mut State, rule: OperatingRule) -> Vec<Effect> {
    let Some(evaluation) = state.active_evaluation().cloned() else { return Vec::new() };
    let run = evaluation.run.clone();
    state.evaluate.follow_rule(&run, rule);
    let point = operating_point(&evaluation.rates, rule);
    if let Some(result) = &mut state.verify.result {
        result.operating = Some(point.clone());
    }
    let kept = KeptPoint { point, rule: Some(rule), on_other_images: !evaluation.is_own };
    start(state, Request::SaveOperatingPoint { run, kept }).1
}
