//! On which images a run is measured, what is said where they are not those that it was trained with, and whose the
//! threshold is.

use super::*;
use crate::eval::{OperatingPoint, operating_point};
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

fn set_rule(run: &Path, rule: OperatingRule) -> Action {
    Action::SetRule { run: run.to_owned(), rule }
}

/// The threshold that decides about two images.
fn threshold(state: &State) -> Option<OperatingPoint> {
    state.active_evaluation().map(|evaluation| evaluation.threshold())
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

    let effects = update(&mut state, set_rule(&second.run, OperatingRule::Far(0.2)));
    let point = operating_point(&second.rates, OperatingRule::Far(0.2));
    let (rule, model_sha256) = (Some(OperatingRule::Far(0.2)), Some(second.model_sha256));
    let chosen = KeptPoint { point: point.clone(), rule, on_other_images: false, model_sha256 };
    assert_eq!(kept(&effects), (second.run, chosen));
    assert_eq!(threshold(&state), Some(point));
    update(&mut state, Action::ShowOverlay(0));
    assert_eq!(threshold(&state), Some(operating_point(&rates, OperatingRule::Far(0.1))));
}

/// A run that was measured on its own images and then on these pairs, which are fewer.
fn with_own_and_pairs() -> (tempfile::TempDir, State, [Evaluation; 2]) {
    let folder = folder();
    let mut state = with_runs();
    open(&mut state, folder.path());
    let own = measured(&state.runs[0].path, Arc::clone(&state.open_data().unwrap().catalog));
    let scored = score_pairs(&own.table, &make_pairs(own.table.classes(), 40, 40, 2)).unwrap();
    let rates = Arc::new(ErrorRates::from_scored(&scored).unwrap());
    let pairs = Evaluation { on: "80 pairs of pairs.txt".into(), is_own: false, rates, ..own.clone() };
    with_measured(&mut state, &[own.clone(), pairs.clone()]);
    (folder, state, [own, pairs])
}

/// The overlays' rules, and the thresholds of other images beside them.
fn thresholds(state: &State) -> Vec<(OperatingRule, Option<OperatingPoint>)> {
    let of_overlay = |overlay: &Overlay| (overlay.evaluation.rule, overlay.evaluation.kept_elsewhere.clone());
    state.evaluate.overlays.iter().map(of_overlay).collect()
}

/// Ends the jobs that keep a threshold.
fn end_saving(state: &mut State) {
    let saving = state.jobs.iter().filter(|job| job.kind == JobKind::SaveOperatingPoint).map(|job| job.id);
    for id in saving.collect::<Vec<JobId>>() {
        on_event(state, Event::Ended { job: id, outcome: Outcome::Finished });
    }
}

#[test]
fn a_rule_that_is_chosen_on_pairs_is_the_runs_and_is_kept_as_chosen_there() {
    let (_folder, mut state, [own, pairs]) = with_own_and_pairs();
    let rule = OperatingRule::Far(0.2);
    let (_, point) = kept(&update(&mut state, set_rule(&own.run, rule)));
    assert!(point.on_other_images);
    let chosen = operating_point(&pairs.rates, rule);
    assert_ne!(chosen, operating_point(&own.rates, rule), "this test needs two thresholds");
    assert_eq!(thresholds(&state), [(rule, Some(chosen.clone())), (rule, None)]);
    update(&mut state, Action::ShowOverlay(0));
    assert_eq!(threshold(&state), Some(chosen), "it is the run's, whatever is on the page");
    // Chosen by the command line, say.
    end_saving(&mut state);
    let again = Evaluation { rule: OperatingRule::Far(0.3), ..own };
    with_measured(&mut state, std::slice::from_ref(&again));
    let of_own = operating_point(&again.rates, again.rule);
    assert_eq!(thresholds(&state), [(again.rule, None), (again.rule, Some(of_own.clone()))]);
    assert_eq!(threshold(&state), Some(of_own));
}

#[test]
fn the_threshold_that_is_kept_with_a_run_decides_until_another_is_chosen() {
    let folder = folder();
    let mut state = with_runs();
    open(&mut state, folder.path());
    let own = measured(&state.runs[0].path, Arc::clone(&state.open_data().unwrap().catalog));
    let elsewhere = OperatingPoint { threshold: 0.75, ..operating_point(&own.rates, OperatingRule::Eer) };
    // As after a restart: it was chosen on pairs, and the run is measured on its own images.
    with_measured(&mut state, &[Evaluation { kept_elsewhere: Some(elsewhere.clone()), ..own.clone() }]);
    let image = |name: &str| crate::worker::protocol::ImageSource::File(name.into());
    let effects = update(&mut state, Action::VerifyImages(vec![image("1.png"), image("2.png")]));
    let Request::Verify { measured: Some(measured), .. } = &job(&effects).request else { panic!("{effects:?}") };
    assert_eq!(measured.threshold(), elsewhere);
    update(&mut state, set_rule(&own.run, OperatingRule::Eer));
    assert_eq!(threshold(&state), Some(operating_point(&own.rates, OperatingRule::Eer)));
    assert_eq!(thresholds(&state), [(OperatingRule::Eer, None)]);
}

#[test]
fn a_rule_is_that_of_the_run_on_the_page_whichever_is_in_use() {
    let folder = folder();
    let mut state = with_runs();
    open(&mut state, folder.path());
    let catalog = Arc::clone(&state.open_data().unwrap().catalog);
    let [first, second] = [0, 1].map(|index: usize| measured(&state.runs[index].path, Arc::clone(&catalog)));
    with_measured(&mut state, &[second.clone(), first.clone()]);
    // The other one is put to use: until it is measured again, the page is still that of the first.
    update(&mut state, Action::UseRun(second.run.clone()));
    let (run, _) = kept(&update(&mut state, set_rule(&first.run, OperatingRule::Far(0.2))));
    assert_eq!(run, first.run);
    let eer = operating_point(&second.rates, OperatingRule::Eer);
    assert_eq!(threshold(&state), Some(eer), "that of the run in use stays");
    // A run that was never measured is put to use, as the one that is being trained.
    state.active_run = Some("/runs/new".into());
    assert!(!update(&mut state, set_rule(&first.run, OperatingRule::Far(0.1))).is_empty());
}

#[test]
fn the_next_run_is_put_to_use_when_the_one_on_the_page_is_taken_away() {
    let folder = folder();
    let mut state = with_runs();
    open(&mut state, folder.path());
    let catalog = Arc::clone(&state.open_data().unwrap().catalog);
    let [first, second] = [0, 1].map(|index: usize| measured(&state.runs[index].path, Arc::clone(&catalog)));
    with_measured(&mut state, &[first.clone(), second.clone()]);
    update(&mut state, Action::RemoveOverlay(1));
    assert_eq!(state.active_run.as_ref(), Some(&first.run));
    assert!(Arc::ptr_eq(state.explore.table.as_ref().unwrap(), &first.table), "Explore shows it");
    assert!(!update(&mut state, set_rule(&first.run, OperatingRule::Far(0.2))).is_empty());
    // What is in use meanwhile stays in use.
    with_measured(&mut state, std::slice::from_ref(&second));
    state.active_run = Some("/runs/new".into());
    update(&mut state, Action::RemoveOverlay(1));
    assert_eq!((state.active_run.as_deref(), state.evaluate.current), (Some(Path::new("/runs/new")), 0));
    update(&mut state, Action::RemoveOverlay(0));
    assert!(state.evaluate.overlays.is_empty());
}

#[test]
fn a_rule_that_is_chosen_while_a_run_is_measured_stands_and_is_kept_once_more() {
    let (_folder, mut state, [own, pairs]) = with_own_and_pairs();
    let rule = OperatingRule::Far(0.2);
    let chosen = operating_point(&pairs.rates, rule);
    for is_saved_first in [false, true] {
        let sent = job(&update(&mut state, Action::Evaluate(own.run.clone()))).id;
        let (_, asked) = kept(&update(&mut state, set_rule(&own.run, rule)));
        assert!(asked.on_other_images);
        if is_saved_first {
            end_saving(&mut state);
        }
        let measured = Event::Evaluated { job: sent, evaluation: Arc::new(own.clone()) };
        let effects = on_event(&mut state, measured);
        let again = effects.iter().find_map(|effect| match effect {
            Effect::Send(Job { request: Request::SaveOperatingPoint { kept, .. }, .. }) => Some(kept.clone()),
            _ => None,
        });
        assert_eq!(again, Some(asked), "the measurement may have written over it");
        assert_eq!(thresholds(&state), [(rule, Some(chosen.clone())), (rule, None)]);
        end_saving(&mut state);
        update(&mut state, Action::ShowOverlay(1));
    }
    // Chosen on the images that are measured anew, it follows their rates.
    let sent = job(&update(&mut state, Action::EvaluateOpen(own.run.clone()))).id;
    update(&mut state, set_rule(&own.run, rule));
    let anew = Evaluation { rates: Arc::clone(&own.rates), ..pairs };
    on_event(&mut state, Event::Evaluated { job: sent, evaluation: Arc::new(anew) });
    assert_eq!(threshold(&state), Some(operating_point(&own.rates, rule)));
}

#[test]
fn a_rule_that_is_being_kept_follows_its_run_to_a_new_folder() {
    let (_folder, mut state, [own, _]) = with_own_and_pairs();
    update(&mut state, set_rule(&own.run, OperatingRule::Far(0.2)));
    let after = PathBuf::from("/runs/better");
    let changed = Event::RunChanged { job: JobId(0), before: own.run.clone(), after: Some(after.clone()) };
    on_event(&mut state, changed);
    let sent = job(&update(&mut state, Action::Evaluate(after.clone()))).id;
    let again = Evaluation { run: after.clone(), ..own };
    let effects = on_event(&mut state, Event::Evaluated { job: sent, evaluation: Arc::new(again) });
    let is_kept = |effect: &Effect| match effect {
        Effect::Send(Job { request: Request::SaveOperatingPoint { run, .. }, .. }) => *run == after,
        _ => false,
    };
    assert!(effects.iter().any(is_kept), "{effects:?}");
}

#[test]
fn without_numbers_there_is_no_threshold_to_choose() {
    let mut state = with_runs();
    let run = state.runs[0].path.clone();
    state.active_run = Some(run.clone());
    assert!(update(&mut state, set_rule(&run, OperatingRule::Far(0.01))).is_empty());
}

#[test]
fn what_is_measured_waits_for_a_training_unless_it_was_asked_for_before() {
    let (_folder, mut state, id) = training();
    assert!(state.measuring_waits());
    update(&mut state, Action::Evaluate("/runs/a".into()));
    assert!(state.measuring_waits());
    state.evaluate.job = Some(JobId(id.0 - 1));
    assert!(!state.measuring_waits(), "it goes before the training");
    on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Cancelled });
    state.evaluate.job = None;
    assert!(!state.measuring_waits());
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

#[test]
fn what_was_measured_before_a_run_went_on_decides_nothing_until_it_is_measured_anew() {
    let (folder, mut state, id) = training();
    let run = state.training.as_ref().and_then(TrainView::run).unwrap().to_owned();
    let catalog = Arc::new(Catalog::open(folder.path(), &|_| {}, &|| false).unwrap());
    let before = Evaluation { model_sha256: "before".into(), ..measured(&run, catalog) };
    let overlay = Overlay { evaluation: Arc::new(before.clone()), visible: true, is_outdated: false };
    state.evaluate.overlays.push(overlay);
    state.active_run = Some(run.clone());
    let epoch_of = |epoch: EpochMetrics| Event::Train { job: id, event: TrainEvent::Epoch(epoch) };
    on_event(&mut state, epoch_of(EpochMetrics { best: false, ..epoch(7) }));
    assert!(threshold(&state).is_some(), "its best network is that which was measured");
    on_event(&mut state, epoch_of(EpochMetrics { best: true, ..epoch(8) }));
    assert!(threshold(&state).is_none() && state.evaluate.is_outdated() && state.has_model());
    let image = |name: &str| crate::worker::protocol::ImageSource::File(name.into());
    let effects = update(&mut state, Action::VerifyImages(vec![image("1.png"), image("2.png")]));
    let Request::Verify { measured, .. } = &job(&effects).request else { panic!("{effects:?}") };
    assert!(measured.is_none(), "neither its threshold nor its embeddings are those of the network now");
    let notices = state.notices.len();
    assert!(update(&mut state, set_rule(&run, OperatingRule::Far(0.2))).is_empty());
    assert!(update(&mut state, set_rule(&run, OperatingRule::Far(0.3))).is_empty());
    let told = state.notices.last().unwrap();
    assert!(state.notices.len() == notices + 1 && told.headline.contains("has learned since"), "it is said once");
    let (id, notices) = (told.id, state.notices.len());
    update(&mut state, Action::Say(Severity::Info, "something else".into()));
    assert!(update(&mut state, set_rule(&run, OperatingRule::Far(0.4))).is_empty());
    assert!(state.notices.len() == notices + 1 && state.notices[notices - 1].id == id, "it leaves after its time");

    let after = Evaluation { model_sha256: "after".into(), on: "pairs".into(), is_own: false, ..before };
    let sent = job(&update(&mut state, Action::Evaluate(run.clone()))).id;
    on_event(&mut state, Event::Evaluated { job: sent, evaluation: Arc::new(after) });
    assert_eq!(state.active_evaluation().unwrap().model_sha256, "after");
    assert!(state.evaluate.overlays[0].is_outdated && !state.evaluate.is_outdated());
    let (_, point) = kept(&update(&mut state, set_rule(&run, OperatingRule::Far(0.2))));
    assert_eq!(point.model_sha256.as_deref(), Some("after"));
    assert_eq!(state.evaluate.overlays[0].evaluation.rule, OperatingRule::Eer, "it stays as it was measured");

    // The run went back to the network before.
    let again = Evaluation { on: "others".into(), ..(*state.evaluate.overlays[0].evaluation).clone() };
    let sent = job(&update(&mut state, Action::Evaluate(run))).id;
    on_event(&mut state, Event::Evaluated { job: sent, evaluation: Arc::new(again) });
    let outdated: Vec<bool> = state.evaluate.overlays.iter().map(|overlay| overlay.is_outdated).collect();
    assert_eq!(outdated, [false, true, false], "that was measured as it is now, on other images");
}

#[test]
fn a_run_that_learned_elsewhere_since_it_was_measured_is_marked_with_the_next_list() {
    let folder = folder();
    let mut state = with_runs();
    open(&mut state, folder.path());
    let catalog = Arc::clone(&state.open_data().unwrap().catalog);
    let mut runs = state.runs.clone();
    let run = runs[0].path.clone();
    let mut listed = |state: &mut State, best: &[u32]| {
        let learned = |number: &u32| EpochMetrics { best: true, ..epoch(*number) };
        runs[0].epochs = best.iter().map(learned).chain([EpochMetrics { best: false, ..epoch(90) }]).collect();
        on_event(state, Event::Runs { job: JobId(0), runs: runs.clone() });
        state.evaluate.overlays.first().is_some_and(|overlay| overlay.is_outdated)
    };
    listed(&mut state, &[1, 2]);
    // The list is from before what was measured.
    with_measured(&mut state, &[Evaluation { epoch: 3, ..measured(&run, catalog) }]);
    assert!(!listed(&mut state, &[1, 2, 3]), "that was measured");
    assert!(!listed(&mut state, &[1, 2, 3]));
    assert!(listed(&mut state, &[1, 2, 3, 5]), "there is a better one");
    assert!(state.evaluate.is_outdated());
}

#[test]
fn a_run_that_learned_elsewhere_while_it_was_measured_is_marked_at_once() {
    let folder = folder();
    let mut state = with_runs();
    open(&mut state, folder.path());
    let catalog = Arc::clone(&state.open_data().unwrap().catalog);
    let mut runs = state.runs.clone();
    let run = runs[0].path.clone();
    let mut listed = |state: &mut State, best: u32| {
        runs[0].epochs = Arc::from([EpochMetrics { best: true, ..epoch(best) }]);
        on_event(state, Event::Runs { job: JobId(0), runs: runs.clone() });
    };
    // What is measured, of the best as it is listed when that is asked for and when it is done.
    for (measured_epoch, asked, done, is_marked) in [(3, 3, 5, true), (3, 3, 3, false), (5, 3, 5, false)] {
        state.evaluate.overlays.clear();
        listed(&mut state, asked);
        let sent = job(&update(&mut state, Action::Evaluate(run.clone()))).id;
        listed(&mut state, done);
        let evaluation = Evaluation { epoch: measured_epoch, ..measured(&run, Arc::clone(&catalog)) };
        on_event(&mut state, Event::Evaluated { job: sent, evaluation: Arc::new(evaluation) });
        assert_eq!(state.evaluate.is_outdated(), is_marked, "{measured_epoch} of {asked}, then {done}");
        assert_eq!(threshold(&state).is_none(), is_marked);
        listed(&mut state, done);
        assert_eq!(state.evaluate.is_outdated(), is_marked);
    }
    // The best cannot be used, and an older one is measured in its place: there is none to wait for.
    state.evaluate.overlays.clear();
    listed(&mut state, 5);
    with_measured(&mut state, &[Evaluation { epoch: 4, ..measured(&run, catalog) }]);
    assert!(!state.evaluate.is_outdated() && threshold(&state).is_some());
}

#[test]
fn a_run_is_not_marked_where_its_best_network_was_not_known_before() {
    let (folder, mut state, id) = training();
    let run = state.training.as_ref().and_then(TrainView::run).unwrap().to_owned();
    let catalog = Arc::new(Catalog::open(folder.path(), &|_| {}, &|| false).unwrap());
    let learned = |number: u32| EpochMetrics { best: true, ..epoch(number) };
    let listed = |state: &mut State, name: &str, best: u32| {
        let mut run = entry(name, "x", None);
        run.epochs = Arc::from([learned(best)]);
        on_event(state, Event::Runs { job: JobId(0), runs: vec![run] });
        state.evaluate.is_outdated()
    };
    // The best of the run that is watched cannot be used, and the list is from before.
    on_event(&mut state, Event::Train { job: id, event: TrainEvent::Epoch(learned(5)) });
    listed(&mut state, "a", 3);
    with_measured(&mut state, &[Evaluation { epoch: 4, ..measured(&run, Arc::clone(&catalog)) }]);
    assert!(!listed(&mut state, "a", 5), "that is known already");
    // A run that the list does not know while it is measured.
    let unlisted = Evaluation { epoch: 4, ..measured(Path::new("/runs/b"), catalog) };
    let sent = job(&update(&mut state, Action::Evaluate(unlisted.run.clone()))).id;
    listed(&mut state, "b", 5);
    on_event(&mut state, Event::Evaluated { job: sent, evaluation: Arc::new(unlisted) });
    assert!(!state.evaluate.is_outdated());
    listed(&mut state, "a", 5);
    assert!(!listed(&mut state, "b", 5));
    assert!(listed(&mut state, "b", 6), "now it has learned");
}

#[test]
fn a_run_that_went_back_has_another_network_whatever_the_number_of_its_epoch() {
    let (folder, mut state, id) = training();
    let run = state.training.as_ref().and_then(TrainView::run).unwrap().to_owned();
    let catalog = Arc::new(Catalog::open(folder.path(), &|_| {}, &|| false).unwrap());
    let before = Evaluation { epoch: 8, ..measured(&run, catalog) };
    let overlay = Overlay { evaluation: Arc::new(before), visible: true, is_outdated: false };
    state.evaluate.overlays.push(overlay);
    let anew = TrainEvent::Epoch(EpochMetrics { best: true, ..epoch(7) });
    on_event(&mut state, Event::Train { job: id, event: anew });
    assert!(state.evaluate.is_outdated());
}

#[test]
fn what_a_worker_warns_of_is_shown() {
    let mut state = state();
    on_event(&mut state, Event::Warned { job: JobId(1), text: "the best checkpoint cannot be used".into() });
    let notice = state.notices.last().unwrap();
    assert_eq!((notice.severity, notice.headline.as_str()), (Severity::Warning, "The best checkpoint cannot be used"));
}
