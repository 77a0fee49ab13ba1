//! On which images a run is measured, what is said where they are not those that it was trained with, and whose the
//! threshold is.

use super::*;
use crate::eval::operating_point;
use crate::train::KeptPoint;
use crate::worker::protocol::EvaluateOn;

#[test]
fn a_run_is_measured_on_the_open_images_if_they_are_its_own() {
    let folder = folder();
    let mut state = with_runs();
    let run = state.runs[0].path.clone();
    let open_images = |effects: &[Effect]| match &job(effects).request {
        Request::Evaluate { on: EvaluateOn::OwnSplit { open }, .. } => open.clone(),
        other => panic!("{other:?}"),
    };
    assert!(open_images(&update(&mut state, Action::Evaluate(run.clone()))).is_none());
    open(&mut state, folder.path());
    let given = open_images(&update(&mut state, Action::Evaluate(run))).unwrap();
    assert!(Arc::ptr_eq(&given, &state.open_data().unwrap().catalog), "they may have been moved");
}

#[test]
fn a_person_is_told_that_the_images_changed_since_the_training() {
    let folder = folder();
    let mut state = with_runs();
    open(&mut state, folder.path());
    let run = state.runs[0].path.clone();
    let own = measured(&run, Arc::clone(&state.open_data().unwrap().catalog));
    let change = "480 images of 20 classes were learned from then, 490 of 21 would be now";
    let changed = Evaluation { is_own: false, changed: Some(change.into()), ..own.clone() };
    for (evaluation, is_told) in [(own, false), (changed, true)] {
        let sent = job(&update(&mut state, Action::Evaluate(run.clone()))).id;
        let before = state.notices.len();
        on_event(&mut state, Event::Evaluated { job: sent, evaluation: Arc::new(evaluation) });
        assert_eq!(state.notices.len() > before, is_told);
    }
    let notice = state.notices.last().unwrap();
    assert!(notice.severity == Severity::Warning && notice.headline.ends_with(change), "{notice:?}");
    assert!(notice.hint.as_deref().unwrap().contains("stays with the run"), "{notice:?}");
}

/// What is to be kept of a threshold.
fn kept(effects: &[Effect]) -> (PathBuf, KeptPoint) {
    match &job(effects).request {
        Request::SaveOperatingPoint { run, kept } => (run.clone(), kept.clone()),
        other => panic!("{other:?}"),
    }
}

/// Has these measured, one after the other; nothing of that is a reason to keep another threshold.
fn with_measured(state: &mut State, evaluations: &[Evaluation]) {
    for evaluation in evaluations {
        let sent = job(&update(state, Action::Evaluate(evaluation.run.clone()))).id;
        let effects = on_event(state, Event::Evaluated { job: sent, evaluation: Arc::new(evaluation.clone()) });
        let saves =
            |effect: &Effect| matches!(effect, Effect::Send(job) if job.request.kind() == JobKind::SaveOperatingPoint);
        assert!(!effects.iter().any(saves), "{effects:?}");
    }
}

#[test]
fn every_run_has_its_own_rule_and_only_a_person_changes_it() {
    let folder = folder();
    let mut state = with_runs();
    open(&mut state, folder.path());
    let catalog = Arc::clone(&state.open_data().unwrap().catalog);
    let [first, second] = [0, 1].map(|index: usize| measured(&state.runs[index].path, Arc::clone(&catalog)));
    let first = Evaluation { rule: OperatingRule::Far(0.1), ..first };
    let rates = Arc::clone(&first.rates);
    with_measured(&mut state, &[first, second.clone()]);
    assert!(state.active_evaluation().unwrap().rule == OperatingRule::Eer, "the threshold in use is the second run's");

    let effects = update(&mut state, Action::SetRule(OperatingRule::Far(0.2)));
    let point = operating_point(&second.rates, OperatingRule::Far(0.2));
    let chosen = KeptPoint { point: point.clone(), rule: Some(OperatingRule::Far(0.2)), on_other_images: false };
    assert_eq!(kept(&effects), (second.run, chosen));
    assert_eq!(state.operating_point(), Some(point));
    update(&mut state, Action::ShowOverlay(0));
    assert_eq!(state.operating_point(), Some(operating_point(&rates, OperatingRule::Far(0.1))));
}

#[test]
fn a_rule_that_is_chosen_on_pairs_is_the_runs_and_is_kept_as_chosen_there() {
    let folder = folder();
    let mut state = with_runs();
    open(&mut state, folder.path());
    let own = measured(&state.runs[0].path, Arc::clone(&state.open_data().unwrap().catalog));
    let pairs = Evaluation { on: "3 pairs of pairs.txt".into(), is_own: false, ..own.clone() };
    with_measured(&mut state, &[own, pairs]);
    let (_, point) = kept(&update(&mut state, Action::SetRule(OperatingRule::Far(0.2))));
    assert!(point.on_other_images);
    let rules: Vec<OperatingRule> = state.evaluate.overlays.iter().map(|overlay| overlay.evaluation.rule).collect();
    assert_eq!(rules, [OperatingRule::Far(0.2); 2]);
    // Chosen by the command line, say.
    let again = Evaluation { rule: OperatingRule::Far(0.3), ..(*state.evaluate.overlays[0].evaluation).clone() };
    with_measured(&mut state, &[again]);
    assert!(state.evaluate.overlays.iter().all(|overlay| overlay.evaluation.rule == OperatingRule::Far(0.3)));
}

#[test]
fn without_numbers_there_is_no_threshold_to_choose() {
    let mut state = with_runs();
    state.active_run = Some(state.runs[0].path.clone());
    assert!(update(&mut state, Action::SetRule(OperatingRule::Far(0.01))).is_empty());
}

#[test]
fn any_run_can_be_measured_on_the_images_that_are_open() {
    let folder = folder();
    let mut state = with_runs();
    let run = state.runs[0].path.clone();
    state.active_run = Some(run.clone());
    let offered = command("run.evaluate_open").unwrap().action;
    assert_eq!(offered(&state), None);
    assert!(update(&mut state, Action::EvaluateOpen(run.clone())).is_empty());
    assert!(state.notices.last().unwrap().hint.as_deref().unwrap().contains("Open a folder"));
    open(&mut state, folder.path());
    let action = offered(&state).unwrap();
    let effects = update(&mut state, action);
    let Request::Evaluate { run: asked, on: EvaluateOn::Whole(images) } = &job(&effects).request else {
        panic!("{effects:?}")
    };
    assert!(*asked == run && Arc::ptr_eq(images, &state.open_data().unwrap().catalog));
    assert_eq!(state.workspace, Workspace::Evaluate);
    assert_eq!(offered(&state), None, "it is being measured");
}
