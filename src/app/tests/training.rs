//! A run and a series of runs from their start to their end, and what may not happen meanwhile.

use super::*;

#[test]
fn training_without_images_is_answered_with_what_to_do() {
    let mut state = state();
    assert!(update(&mut state, Action::StartTraining).is_empty());
    assert!(state.notices.last().unwrap().hint.as_deref().unwrap().contains("folder"));
}

#[test]
fn a_run_goes_through_its_phases() {
    let (_folder, mut state, id) = training();
    assert!(state.is_training() && state.workspace == Workspace::Train);
    on_event(&mut state, Event::Train { job: id, event: TrainEvent::Step(step(1)) });
    update(&mut state, Action::TogglePause);
    assert_eq!(state.training.as_ref().unwrap().phase, TrainPhase::Paused);
    assert!(state.job(id).unwrap().control.is_paused());
    update(&mut state, Action::TogglePause);
    assert!(!state.job(id).unwrap().control.is_paused());
    on_event(&mut state, Event::Train { job: id, event: TrainEvent::Epoch(epoch(1)) });
    let effects = on_event(&mut state, Event::Trained { job: id, summary: Box::new(summary("/runs/a", 0.1)) });
    assert_eq!(job(&effects).request.kind(), JobKind::Evaluate, "a finished run is evaluated by itself");
    on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Finished });
    assert_eq!(state.training.as_ref().unwrap().phase, TrainPhase::Done);
    assert!(!state.is_training());
}

#[test]
fn what_a_person_asked_to_be_measured_meanwhile_is_not_stopped_by_the_end_of_the_training() {
    for is_stopped in [false, true] {
        let (_folder, mut state, id) = training();
        on_event(&mut state, Event::Train { job: id, event: TrainEvent::Epoch(epoch(1)) });
        let effects = measure_on_pairs(&mut state, Path::new("/protocols/pairs.txt"));
        let asked = job(&effects).clone();
        if is_stopped {
            update(&mut state, Action::CancelJob(asked.id));
        }
        let effects = on_event(&mut state, Event::Trained { job: id, summary: Box::new(summary("/runs/a", 0.1)) });
        on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Finished });
        // What was stopped keeps nothing else from being measured.
        assert_eq!((effects.is_empty(), asked.control.is_cancelled()), (!is_stopped, is_stopped));
        let hint = &state.notices.last().unwrap().hint;
        assert_eq!(hint.as_ref().is_some_and(|hint| hint.contains("is measured now")), !is_stopped);
        if !is_stopped {
            assert_eq!(state.evaluate.job, Some(asked.id));
            let pairs = measured(Path::new("/runs/a"), Arc::clone(&state.open_data().unwrap().catalog));
            on_event(&mut state, Event::Evaluated { job: asked.id, evaluation: Arc::new(pairs) });
            assert!(state.pairs.is_none() && state.evaluate.overlays.len() == 1);
        }
    }
}

#[test]
fn the_network_that_a_run_starts_from_is_the_first_point_of_its_curves() {
    let (folder, mut state, id) = training();
    let started = TrainEvent::Started(Box::new(started(folder.path())));
    for event in [started, TrainEvent::Epoch(epoch(0)), TrainEvent::Step(step(1)), TrainEvent::Epoch(epoch(1))] {
        on_event(&mut state, Event::Train { job: id, event });
    }
    let epochs: Vec<u32> = state.training.as_ref().unwrap().epochs.iter().map(|epoch| epoch.epoch).collect();
    assert_eq!(epochs, [0, 1]);
}

#[test]
fn a_run_over_several_seeds_is_made_one_after_the_other_and_tells_mean_and_spread() {
    let folder = folder();
    let mut state = state();
    open(&mut state, folder.path());
    state.config.train.seed = 7;
    update(&mut state, Action::SetSeeds(3));
    let mut job = train_job(&update(&mut state, Action::StartTraining));
    update(&mut state, Action::Go(Workspace::Verify));
    for (run, eer) in [("/runs/a", 0.02), ("/runs/b", 0.04), ("/runs/c", 0.03)] {
        let (id, seed) = job.expect("the next one is started");
        assert_eq!(seed, 6 + state.series.as_ref().unwrap().number() as u32);
        let effects = on_event(&mut state, Event::Trained { job: id, summary: Box::new(summary(run, eer)) });
        on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Finished });
        job = train_job(&effects);
    }
    assert_eq!(job, None);
    assert!(state.series.is_none() && !state.is_training() && state.workspace == Workspace::Verify);
    let notice = state.notices.last().unwrap();
    assert_eq!(notice.headline, "3 runs, seeds 7 to 9: EER 3.0 ± 1.0 %");
    assert_eq!(state.runs_view.compared.len(), 3);
    assert_eq!(state.config.train.seed, 7, "the settings stay as they were");
}

/// A series of five runs, the first of which is done, and the job of the second.
fn second_of_five() -> (tempfile::TempDir, State, JobId) {
    let folder = folder();
    let mut state = state();
    open(&mut state, folder.path());
    update(&mut state, Action::SetSeeds(5));
    let (first, _) = train_job(&update(&mut state, Action::StartTraining)).unwrap();
    let effects = on_event(&mut state, Event::Trained { job: first, summary: Box::new(summary("/runs/a", 0.1)) });
    let (second, _) = train_job(&effects).unwrap();
    (folder, state, second)
}

#[test]
fn a_stopped_run_ends_its_series() {
    let (_folder, mut state, second) = second_of_five();
    update(&mut state, Action::StopTraining);
    let stopped = RunSummary { stopped: true, ..summary("/runs/b", 0.2) };
    let effects = on_event(&mut state, Event::Trained { job: second, summary: Box::new(stopped) });
    assert_eq!(train_job(&effects), None);
    on_event(&mut state, Event::Ended { job: second, outcome: Outcome::Cancelled });
    assert!(state.series.is_none() && !state.is_training());
    // A failure, too.
    let (first, _) = train_job(&update(&mut state, Action::StartTraining)).unwrap();
    on_event(&mut state, Event::Ended { job: first, outcome: failure() });
    assert!(state.series.is_none());
}

/// A training job that had begun fails.
fn fail(state: &mut State, job: JobId, is_of_seed: bool) -> Vec<Effect> {
    let begun = TrainEvent::Started(Box::new(started(Path::new("/runs/b"))));
    on_event(state, Event::Train { job, event: begun });
    let headline = "the run diverged at step 7, and again after going back 3 times; nothing is left".to_owned();
    let error = JobError { headline, is_of_seed, ..JobError::default() };
    on_event(state, Event::Ended { job, outcome: Outcome::Failed(error) })
}

#[test]
fn a_series_goes_on_after_a_seed_that_diverges_and_tells_of_it_at_its_end() {
    let (_folder, mut state, second) = second_of_five();
    let first_seed = state.config.train.seed;
    let effects = fail(&mut state, second, true);
    let (third, seed) = train_job(&effects).expect("the next one is started");
    assert_eq!((seed, state.series.as_ref().unwrap().number()), (first_seed + 2, 3));
    let effects = on_event(&mut state, Event::Trained { job: third, summary: Box::new(summary("/runs/c", 0.2)) });
    let (fourth, _) = train_job(&effects).unwrap();
    // On a full disk, say, none of the others could be trained either.
    assert_eq!(train_job(&fail(&mut state, fourth, false)), None);
    assert!(state.series.is_none() && !state.is_training());
    let notice = state.notices.last().unwrap();
    assert!(notice.headline.starts_with("2 of 5 runs, seeds 1 to 3: EER "), "{notice:?}");
    let hint = notice.hint.as_deref().unwrap();
    let wanted = "Failed, and in no mean: seed 2 (the run diverged at step 7, and again after going back 3 times). ";
    let (_, again) = hint.split_once(wanted).expect(hint);
    assert!(again.starts_with("Continue the series tries again") && again.contains("last checkpoint"), "{hint}");
}

#[test]
fn a_series_of_which_every_seed_diverges_ends() {
    let folder = folder();
    let mut state = state();
    open(&mut state, folder.path());
    update(&mut state, Action::SetSeeds(2));
    let (first, _) = train_job(&update(&mut state, Action::StartTraining)).unwrap();
    let (second, _) = train_job(&fail(&mut state, first, true)).expect("the other one is started");
    assert_eq!(train_job(&fail(&mut state, second, true)), None);
    assert!(state.series.is_none() && !state.is_training());
    let notice = state.notices.last().unwrap();
    assert!(notice.headline.starts_with("No run of the series"), "{notice:?}");
    assert_eq!(notice.hint.as_deref().unwrap().matches("diverged").count(), 2, "{notice:?}");
}

#[test]
fn the_only_run_of_a_series_that_did_not_diverge_is_no_mean() {
    let folder = folder();
    let mut state = state();
    open(&mut state, folder.path());
    update(&mut state, Action::SetSeeds(2));
    let (first, _) = train_job(&update(&mut state, Action::StartTraining)).unwrap();
    let effects = on_event(&mut state, Event::Trained { job: first, summary: Box::new(summary("/runs/a", 0.1)) });
    let (second, _) = train_job(&effects).unwrap();
    assert_eq!(train_job(&fail(&mut state, second, true)), None);
    let notice = state.notices.last().unwrap();
    assert!(notice.headline.starts_with("1 of 2 runs, seed 1: EER "), "{notice:?}");
    assert!(notice.hint.as_deref().unwrap().starts_with("One run has no spread"), "{notice:?}");
}

#[test]
fn no_run_of_a_series_follows_one_that_was_stopped_when_it_was_done_already() {
    let (_folder, mut state, second) = second_of_five();
    let begun = TrainEvent::Started(Box::new(started(Path::new("/runs/b"))));
    on_event(&mut state, Event::Train { job: second, event: begun });
    update(&mut state, Action::StopTraining);
    let effects = on_event(&mut state, Event::Trained { job: second, summary: Box::new(summary("/runs/b", 0.2)) });
    assert_eq!(train_job(&effects), None);
    assert!(state.series.is_none() && !state.is_training());
    assert!(state.notices.last().unwrap().headline.starts_with("2 of 5 runs"), "{:?}", state.notices.last());
    // Going on with one of them is no series.
    let (third, _) = train_job(&update(&mut state, Action::ContinueRun("/runs/b".into()))).unwrap();
    assert!(state.series.is_none());
    let effects = on_event(&mut state, Event::Trained { job: third, summary: Box::new(summary("/runs/b", 0.2)) });
    assert_eq!(train_job(&effects), None);
}

#[test]
fn a_failed_run_keeps_its_curves_and_says_why() {
    let (_folder, mut state, id) = training();
    on_event(&mut state, Event::Ended { job: id, outcome: failure() });
    let view = state.training.as_ref().unwrap();
    assert_eq!(view.phase, TrainPhase::Failed);
    assert_eq!(view.error.as_ref().unwrap().headline, "It broke");
}

#[test]
fn a_run_that_diverged_is_told_from_one_that_may_go_on_and_gives_its_settings_to_a_new_one() {
    for is_of_seed in [true, false] {
        let (_folder, mut state, id) = training();
        fail(&mut state, id, is_of_seed);
        let view = state.training.as_mut().unwrap();
        assert_eq!((view.phase, view.is_of_seed), (TrainPhase::Failed, is_of_seed));
        // The list is from before the run began; the run has told its settings itself.
        let begun = view.started.as_mut().unwrap();
        (begun.config.train.epochs, begun.config.run) = (77, Some(crate::config::RunInfo::default()));
        assert!(state.runs.is_empty());
        update(&mut state, RunAction::Duplicate("/runs/b".into()).into());
        assert_eq!(state.config.train.epochs, 77);
        assert!(state.config.run.is_none() && state.workspace == Workspace::Train);
        // Or from before it went on with more epochs.
        let listed = RunEntry { path: "/runs/b".into(), epochs_done: 0, ..entry("b", "x", None) };
        assert_ne!(listed.config.train.epochs, 77);
        state.runs.push(listed);
        update(&mut state, Action::Undo);
        assert_ne!(state.config.train.epochs, 77);
        update(&mut state, RunAction::Duplicate("/runs/b".into()).into());
        assert_eq!(state.config.train.epochs, 77, "what the run itself told is newer");
        // Or it has gone on elsewhere since it was watched.
        state.runs[0].epochs_done = 99;
        state.runs[0].config.train.epochs = 99;
        update(&mut state, RunAction::Duplicate("/runs/b".into()).into());
        assert_eq!(state.config.train.epochs, 99);
        assert!(update(&mut state, RunAction::Duplicate("/runs/gone".into()).into()).is_empty());
    }
}

#[test]
fn a_second_start_while_training_does_nothing() {
    let (_folder, mut state, _) = training();
    assert!(update(&mut state, Action::StartTraining).is_empty());
}

#[test]
fn stopping_cancels_the_job_and_shows_that_it_is_being_stopped() {
    let (_folder, mut state, id) = training();
    update(&mut state, Action::StopTraining);
    assert!(state.job(id).unwrap().control.is_cancelled());
    assert_eq!(state.training.as_ref().unwrap().phase, TrainPhase::Stopping);
}

#[test]
fn closing_while_training_asks_first() {
    let (_folder, mut state, _) = training();
    assert!(update(&mut state, Action::RequestClose).is_empty());
    assert!(state.asks_before_closing);
    update(&mut state, Action::CancelClose);
    assert!(!state.asks_before_closing);
    assert!(matches!(update(&mut state, Action::ConfirmClose).as_slice(), [Effect::Close]));
}

#[test]
fn closing_at_rest_closes() {
    assert!(matches!(update(&mut state(), Action::RequestClose).as_slice(), [Effect::Close]));
}

#[test]
fn images_being_trained_on_are_not_closed() {
    let (_folder, mut state, _) = training();
    update(&mut state, Action::CloseData);
    assert!(state.open_data().is_some());
}

#[test]
fn a_training_that_finds_no_room_can_be_started_again() {
    let folder = folder();
    let mut state = state();
    let refused = job(&update(&mut state, Action::OpenData(folder.path().to_owned()))).clone();
    on_refused(&mut state, &refused);
    assert!(matches!(state.data, DataState::Empty));
    open(&mut state, folder.path());
    update(&mut state, Action::SetSeeds(3));
    let refused = job(&update(&mut state, Action::StartTraining)).clone();
    on_refused(&mut state, &refused);
    assert!(state.training.is_none() && state.series.is_none());
    // Nor does a series wait for a run that was not taken.
    let (first, _) = train_job(&update(&mut state, Action::StartTraining)).expect("the way is free");
    let effects = on_event(&mut state, Event::Trained { job: first, summary: Box::new(summary("/runs/a", 0.1)) });
    let refused = effects.iter().find_map(|effect| match effect {
        Effect::Send(job) if job.request.kind() == JobKind::Train => Some(job.clone()),
        _ => None,
    });
    on_refused(&mut state, &refused.expect("the next of the series"));
    assert!(!state.is_training() && state.series.is_none());
}

#[test]
fn a_run_of_one_epoch_says_so_and_a_small_rate_is_not_nothing() {
    for (is_stopped, said) in [(false, "Trained 1 epoch, EER 0.040 %"), (true, "Stopped after 1 epoch, EER 0.040 %; ")]
    {
        let (_folder, mut state, id) = training();
        let summary = RunSummary { stopped: is_stopped, ..summary("/runs/a", 0.0004) };
        on_event(&mut state, Event::Trained { job: id, summary: Box::new(summary) });
        assert!(state.notices.last().unwrap().headline.starts_with(said), "{:?}", state.notices.last());
    }
}

#[test]
fn the_doubtful_steps_of_a_run_are_one_notice_that_counts_them() {
    let (_folder, mut state, id) = training();
    state.notices.clear();
    let doubt = |state: &mut State, step| {
        let event = TrainEvent::DoubtfulStep { step, reason: "its loss is not a number" };
        on_event(state, Event::Train { job: id, event });
    };
    let told = |state: &State| -> Vec<String> {
        let warnings = state.notices.iter().filter(|notice| notice.severity == Severity::Warning);
        warnings.map(|notice| notice.headline.clone()).collect()
    };
    doubt(&mut state, 7);
    assert_eq!(told(&state), ["Step 7: its loss is not a number"]);
    let other = TrainEvent::Warning("the disk is full".to_owned());
    on_event(&mut state, Event::Train { job: id, event: other });
    doubt(&mut state, 8);
    doubt(&mut state, 12);
    let last = "3 steps were doubtful; the last, step 12: its loss is not a number";
    assert_eq!(told(&state), ["The disk is full", last]);
    let id = state.notices.last().unwrap().id;
    update(&mut state, Action::Dismiss(id));
    doubt(&mut state, 13);
    assert!(told(&state)[1].starts_with("4 steps were doubtful"), "{:?}", told(&state));
}

#[test]
fn a_broken_setting_keeps_training_from_starting_and_is_named() {
    let folder = folder();
    let mut state = state();
    open(&mut state, folder.path());
    update(&mut state, Action::Set { key: "train.epochs", value: Value::Int(1) });
    update(&mut state, Action::Set { key: "train.warmup_epochs", value: Value::Float(9.0) });
    assert!(update(&mut state, Action::StartTraining).is_empty());
    assert!(state.notices.last().unwrap().headline.starts_with("\"Warm-up\" is 9, but"));
}
