//! Error rates: what is asked to be measured, the evaluations that are drawn, and the threshold.

use super::action::Effect;
use super::notice::{Notice, Severity};
use super::state::{EvaluateView, Overlay, State, Workspace};
use super::update::{explore_evaluation, request_verify, start, supersede};
use crate::eval::OperatingRule;
use crate::worker::protocol::{EvaluateOn, Evaluation, JobId, JobKind, Request, RunEntry};
use std::path::PathBuf;
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
}

pub(super) fn evaluate(state: &mut State, run: PathBuf) -> Vec<Effect> {
    supersede(state, JobKind::Evaluate);
    let on = if state.run_entry(&run).is_some_and(RunEntry::is_imported) {
        // It has no images of its own: those that are open have to do.
        let Some(data) = state.open_data() else {
            let notice = Notice::new(Severity::Info, "An imported network is measured on the images that are open");
            state.notify(
                notice.hint("Open a folder of images of people or things it should tell apart, then choose Evaluate."),
            );
            return Vec::new();
        };
        EvaluateOn::Whole(Arc::clone(&data.catalog))
    } else {
        EvaluateOn::OwnSplit
    };
    request(state, run, on)
}

/// Measures the model in use on a list of pairs or a verification set.
pub(super) fn evaluate_pairs(state: &mut State, file: PathBuf) -> Vec<Effect> {
    let Some(run) = state.active_run.clone().filter(|_| state.has_model()) else {
        let notice = Notice::new(Severity::Info, "A list of pairs is what a model is measured on");
        state.notify(notice.hint("Train one or open a run, then choose the list again."));
        return Vec::new();
    };
    state.workspace = Workspace::Evaluate;
    supersede(state, JobKind::Evaluate);
    let images = state.open_data().map(|data| data.catalog.root.clone()).filter(|root| root.is_dir());
    request(state, run, EvaluateOn::Protocol { file, images })
}

fn request(state: &mut State, run: PathBuf, on: EvaluateOn) -> Vec<Effect> {
    let (job, effects) = start(state, Request::Evaluate { run, on, rule: state.evaluate.rule });
    state.evaluate.job = Some(job);
    state.evaluate.error = None;
    effects
}

pub(super) fn evaluated(state: &mut State, job: JobId, evaluation: &Arc<Evaluation>) -> Vec<Effect> {
    if state.evaluate.job != Some(job) {
        return Vec::new();
    }
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

pub(super) fn set_rule(state: &mut State, rule: OperatingRule) -> Vec<Effect> {
    state.evaluate.rule = rule;
    let Some(point) = state.operating_point() else { return Vec::new() };
    if let Some(result) = &mut state.verify.result {
        result.operating = Some(point.clone());
    }
    let Some(run) = state.active_run.clone() else { return Vec::new() };
    start(state, Request::SaveOperatingPoint { run, point }).1
}
