//! Error rates: what is asked to be measured, the evaluations that are drawn, and the threshold.

use super::action::Effect;
use super::notice::{Notice, Severity};
use super::runs::named;
use super::state::{EvaluateView, Overlay, State, Workspace};
use super::update::{explore_evaluation, request_verify, start, supersede};
use crate::eval::{OperatingPoint, OperatingRule, operating_point};
use crate::train::{KeptPoint, Threshold};
use crate::worker::protocol::{EvaluateOn, Evaluation, JobError, JobId, JobKind, Request, RunEntry, VerifyResult};
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

    /// What was measured of the network that is a run's best now: of several, what is on the page, else the newest.
    pub(super) fn of_run(&self, run: &Path) -> Option<&Arc<Evaluation>> {
        let on_page = self.overlays.get(self.current).into_iter();
        let mut overlays = on_page.chain(self.overlays.iter().rev()).filter(|overlay| !overlay.is_outdated);
        overlays.find(|overlay| overlay.evaluation.run == run).map(|overlay| &overlay.evaluation)
    }

    /// The run on the page has learned since it was measured.
    pub fn is_outdated(&self) -> bool {
        self.overlays.get(self.current).is_some_and(|overlay| overlay.is_outdated)
    }

    /// The run of the weights that compared two images has learned since.
    pub fn has_learned_since(&self, result: &VerifyResult) -> bool {
        self.overlays
            .iter()
            .any(|overlay| overlay.is_outdated && overlay.evaluation.model_sha256 == result.model_sha256)
    }

    /// Some runs have a better network now: what was measured of an earlier one stays in the plots, and decides nothing.
    pub(super) fn outdate(&mut self, has_learned: impl Fn(&Evaluation) -> bool) {
        for overlay in &mut self.overlays {
            overlay.is_outdated |= has_learned(&overlay.evaluation);
        }
    }

    /// The best network of a run is the one with these weights: it may have learned in another window or on the command line,
    /// or gone back to one that was measured before, which then decides again.
    fn settle(&mut self, run: &Path, model_sha256: &str) {
        for overlay in self.overlays.iter_mut().filter(|overlay| overlay.evaluation.run == run) {
            overlay.is_outdated = overlay.evaluation.model_sha256 != model_sha256;
        }
    }

    /// The network of a run has one rule and one threshold, whatever it was measured on.
    fn follow(&mut self, run: &Path, model_sha256: &str, rule: OperatingRule, threshold: &OperatingPoint) {
        let is_of = |known: &Evaluation| known.run == run && known.model_sha256 == model_sha256;
        for overlay in self.overlays.iter_mut().filter(|overlay| is_of(&overlay.evaluation)) {
            let known = &overlay.evaluation;
            let kept_elsewhere = (operating_point(&known.rates, rule) != *threshold).then(|| threshold.clone());
            if known.rule != rule || known.kept_elsewhere != kept_elsewhere {
                let evaluation = Arc::make_mut(&mut overlay.evaluation);
                (evaluation.rule, evaluation.kept_elsewhere) = (rule, kept_elsewhere);
            }
        }
    }
}

/// The best network of a run was that of epoch `before`, and is that of a later one by `now` than was measured. That it is later
/// alone tells nothing: where the best cannot be used, an older one is measured in its place, each time. Nor does it where nothing
/// was known of the run before.
pub(super) fn is_surpassed(measured: &Evaluation, before: Option<u32>, now: Option<u32>) -> bool {
    before.is_some() && now > before && now > Some(measured.epoch)
}

/// A threshold that a person chose.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    run: PathBuf,
    /// The images that it was chosen on, in words.
    on: String,
    is_own: bool,
    rule: OperatingRule,
    threshold: OperatingPoint,
    /// SHA-256 of the weights that were measured.
    model_sha256: String,
}

impl Choice {
    /// What the rule gives on the images of an evaluation.
    fn new(evaluation: &Evaluation, rule: OperatingRule) -> Self {
        Self {
            run: evaluation.run.clone(),
            on: evaluation.on.clone(),
            is_own: evaluation.is_own,
            rule,
            threshold: operating_point(&evaluation.rates, rule),
            model_sha256: evaluation.model_sha256.clone(),
        }
    }

    /// The folder of the run, which a person may rename meanwhile.
    pub(super) fn run_mut(&mut self) -> &mut PathBuf {
        &mut self.run
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
    state.evaluate.is_on_pairs = matches!(on, EvaluateOn::Protocol { .. });
    state.evaluate.best_when_asked = state.best_epoch(&run);
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
    let overlay = Overlay { evaluation: Arc::clone(evaluation), visible: true, is_outdated: false };
    state.evaluate.settle(&evaluation.run, &evaluation.model_sha256);
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
    // The list may have been read anew meanwhile, and know of a better network.
    let (before, now) = (state.evaluate.best_when_asked, state.best_epoch(&evaluation.run));
    let is_of_run = |measured: &Evaluation| measured.run == evaluation.run;
    state.evaluate.outdate(|measured| is_of_run(measured) && is_surpassed(measured, before, now));
    let kept = settle_threshold(state, job, evaluation);
    let mut effects = explore_evaluation(state, evaluation);
    effects.extend(kept);
    effects.extend(request_verify(state));
    effects
}

/// Gives a run that `job` has measured the threshold that is kept with it. One that a person chose meanwhile, or that
/// is not on the disk yet, was not known when it was measured: it stands, and is kept once more.
fn settle_threshold(state: &mut State, job: JobId, evaluation: &Evaluation) -> Vec<Effect> {
    let is_unknown = |chosen_by: JobId| chosen_by > job || state.job(chosen_by).is_some();
    let mut choices = state.evaluate.choices.iter();
    let choice = choices.find(|(chosen_by, choice)| choice.run == evaluation.run && is_unknown(*chosen_by));
    let Some((_, choice)) = choice.cloned() else {
        let Evaluation { run, model_sha256, rule, .. } = evaluation;
        state.evaluate.follow(run, model_sha256, *rule, &evaluation.threshold());
        return Vec::new();
    };
    // Of these images the rates may be others now, and of another network they are.
    let is_anew = choice.on == evaluation.on || choice.model_sha256 != evaluation.model_sha256;
    let choice = if is_anew { Choice::new(evaluation, choice.rule) } else { choice };
    choose(state, choice)
}

pub(super) fn remove_overlay(state: &mut State, index: usize) -> Vec<Effect> {
    if index >= state.evaluate.overlays.len() {
        return Vec::new();
    }
    let removed = state.evaluate.overlays.remove(index);
    let last = state.evaluate.overlays.len().saturating_sub(1);
    let before = state.evaluate.current;
    let current = if before > index { before - 1 } else { before.min(last) };
    state.evaluate.current = current;
    // The run on the page is the one in use, unless another was put to use since: that one stays so.
    let was_in_use = state.active_run.as_ref() == Some(&removed.evaluation.run);
    if before == index && was_in_use { show_overlay(state, current) } else { Vec::new() }
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

/// A person chooses how the threshold of a run is set: that stays with the run.
pub(super) fn set_rule(state: &mut State, run: &Path, rule: OperatingRule) -> Vec<Effect> {
    let Some(evaluation) = state.evaluate.of_run(run) else {
        let text = "The run has learned since its error rates were measured";
        // A key that is held down asks many times a second, and what is said once leaves after its time.
        let is_said = state.notices.iter().any(|notice| notice.headline == text);
        if !is_said && state.evaluate.overlays.iter().any(|overlay| overlay.evaluation.run == run) {
            let notice = Notice::new(Severity::Info, text);
            state.notify(notice.hint("Measure the run again, then choose its threshold."));
        }
        return Vec::new();
    };
    let choice = Choice::new(evaluation, rule);
    choose(state, choice)
}

/// Makes a threshold that of its run: in what was measured of it, in the verdict, and on the disk.
fn choose(state: &mut State, choice: Choice) -> Vec<Effect> {
    let Choice { run, rule, threshold, model_sha256, .. } = &choice;
    state.evaluate.follow(run, model_sha256, *rule, threshold);
    if state.active_run.as_ref() == Some(run)
        && let Some(result) = &mut state.verify.result
        && result.model_sha256 == *model_sha256
    {
        result.threshold = Threshold::Known(threshold.clone());
    }
    let kept = KeptPoint {
        point: threshold.clone(),
        rule: Some(*rule),
        on_other_images: !choice.is_own,
        model_sha256: Some(model_sha256.clone()),
    };
    let (job, effects) = start(state, Request::SaveOperatingPoint { run: run.clone(), kept });
    state.evaluate.choices.retain(|(_, known)| known.run != *run);
    state.evaluate.choices.push((job, choice));
    effects
}
