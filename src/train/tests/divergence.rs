//! Runs that blow up, from the first step to the last.
//!
//! The decay makes them do so: SGD multiplies a weight by `1 - lr · decay` in every step, and beyond `lr · decay = 2` it
//! grows without end, whatever the images are.

use super::super::checkpoint::{self, HEAD_FILE, MODEL_FILE, RESUME_FILE, STEPS_BETWEEN_TARGETS};
use super::super::find_checkpoint::newest_rewind_target;
use super::super::metrics_log;
use super::super::run::Run;
use super::super::session::{Fate, StepOutcome};
use super::faults::{change_state, checkpoints};
use super::*;
use crate::config::{Schedule, TrainConfig, save};
use crate::model::weights::{Weights, weights_from_bytes};
use std::collections::BTreeMap;

/// Settings under which nothing but the decay counts.
fn ruled_by_decay() -> RunConfig {
    let mut config = config();
    // Its loss follows the length of the class weights.
    config.loss.head = Head::Softmax;
    config.model.dropout = 0.0;
    config.train = TrainConfig { epochs: 1, weight_decay: 0.0, momentum: 0.0, ..config.train };
    config.train.lr = Auto::Set(0.01);
    config.train.schedule = Schedule::Constant;
    config.train.warmup_epochs = Auto::Set(0.0);
    // What the images say hardly counts beside the decay.
    config.train.grad_clip = 0.01;
    config
}

/// A run with one quiet epoch behind it.
struct Begun {
    catalog: Arc<Catalog>,
    path: PathBuf,
    saved: Checkpoint,
}

impl Begun {
    fn below(folder: &Path) -> Self {
        let Trained { catalog, path, .. } = Trained::below(folder, [12, 10], &ruled_by_decay());
        let (saved, _) = latest_checkpoint(&path).unwrap();
        Self { catalog, path, saved }
    }

    /// Goes on to the third epoch with settings changed by hand.
    fn go_on(&self, change: impl FnOnce(&mut TrainConfig)) -> (Result<RunSummary, TrainError>, Vec<TrainEvent>) {
        self.go_on_until(change, |_| false)
    }

    /// The same, but stops at a certain moment.
    fn go_on_until(
        &self,
        change: impl FnOnce(&mut TrainConfig),
        is_moment: impl Fn(&TrainEvent) -> bool,
    ) -> (Result<RunSummary, TrainError>, Vec<TrainEvent>) {
        let mut settings = read_config(&self.path).unwrap();
        change(&mut settings.train);
        save(&settings, &self.path.join("run.toml")).unwrap();
        let (catalog, place) = (Arc::clone(&self.catalog), Place::Resume(self.path.clone()));
        run_until(&TrainRequest { catalog, config: config(), place }, is_moment)
    }

    /// The network and the head that it has learnt, and where it stands.
    fn learnt(&self) -> ([Weights; 2], CheckpointState) {
        let (newest, _) = latest_checkpoint(&self.path).unwrap();
        let weights = [MODEL_FILE, HEAD_FILE].map(|file| weights_from_bytes(&newest.read(file).unwrap()).unwrap());
        // The order of what is in a file is not fixed, and so the checksums are not, either.
        (weights, CheckpointState { files: BTreeMap::new(), ..newest.state })
    }
}

/// What was said of going back.
fn rewinds(events: &[TrainEvent]) -> Vec<&str> {
    warnings(events).into_iter().filter(|text| text.contains("the run diverged at step")).collect()
}

/// Every loss that was reported is a number, and so is every weight that was kept.
fn assert_finite(run: &Path, events: &[TrainEvent]) {
    let mut losses = events.iter().filter_map(|event| match event {
        TrainEvent::Step(step) => Some(step.loss),
        TrainEvent::Epoch(epoch) => Some(epoch.train_loss),
        _ => None,
    });
    assert!(losses.all(f64::is_finite), "{events:?}");
    for line in std::fs::read_to_string(run.join("metrics.jsonl")).unwrap().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let loss = match line["kind"].as_str() {
            Some("step") => &line["loss"],
            Some("epoch") => &line["train_loss"],
            _ => continue,
        };
        // JSON has no NaN: it would be null.
        assert!(loss.is_number(), "{line}");
    }
    let (newest, damaged) = latest_checkpoint(run).unwrap();
    assert!(damaged.is_empty(), "{damaged:?}");
    for file in [MODEL_FILE, HEAD_FILE] {
        for (name, weight) in weights_from_bytes(&newest.read(file).unwrap()).unwrap().tensors {
            assert!(weight.data.iter().all(|value| value.is_finite()), "{file}: {name}");
        }
    }
}

#[test]
fn a_run_that_blows_up_goes_back_and_ends_well_at_a_rate_that_it_can_bear() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Begun::below(folder.path());
    // Every weight that decays times -2.8 in every step; at half the rate times -0.9.
    let (result, events) = begun.go_on(|train| {
        train.lr = Auto::Set(3.8);
        train.weight_decay = 1.0;
    });
    let summary = result.unwrap();
    assert_eq!((summary.epochs, summary.stopped), (3, false));
    let warnings = warnings(&events);
    assert!(warnings.iter().any(|text| text.contains("its loss is many times that of the start")), "{warnings:?}");
    let from = begun.saved.state.step;
    let told = format!("it goes on from step {from} with 0.5 times the planned learning rate");
    let rewinds: Vec<&&str> = warnings.iter().filter(|text| text.contains("the run diverged at step")).collect();
    assert!(rewinds.len() == 1 && rewinds[0].ends_with(&told), "{warnings:?}");
    let rates: Vec<f64> = events
        .iter()
        .filter_map(|event| if let TrainEvent::Step(step) = event { Some(step.lr) } else { None })
        .collect();
    assert!((rates[0] - 3.8).abs() < 1e-9 && (rates[rates.len() - 1] - 1.9).abs() < 1e-9, "{rates:?}");
    let (newest, _) = latest_checkpoint(&begun.path).unwrap();
    assert_eq!((newest.state.epoch, newest.state.rewinds), (3, 1));
    assert_finite(&begun.path, &events);
    let metrics = std::fs::read_to_string(begun.path.join("metrics.jsonl")).unwrap();
    let noted = metrics.lines().filter(|line| line.contains("\"kind\":\"doubtful\"")).count();
    let told = events.iter().filter(|event| matches!(event, TrainEvent::DoubtfulStep { .. })).count();
    assert!(noted == told && told >= 5, "{noted} of {told}");
}

#[test]
fn a_run_that_blows_up_again_and_again_ends_with_advice_and_keeps_its_last_good_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Begun::below(folder.path());
    // The class weights times -49 in every step; at an eighth of the rate still times -5.25.
    let (result, events) = begun.go_on(|train| {
        train.lr = Auto::Set(0.5);
        train.head_lr_factor = Auto::Set(100.0);
        train.weight_decay = 1.0;
    });
    let error = result.unwrap_err();
    assert!(matches!(error, TrainError::Diverged { rewinds: 3, has_checkpoint: true, .. }), "{error}");
    let text = error.to_string();
    assert!(["3 times", "train.lr", "checkpoint is kept"].iter().all(|words| text.contains(words)), "{text}");
    let warnings = warnings(&events);
    for factor in ["0.5", "0.25", "0.125"] {
        let told = format!("with {factor} times the planned learning rate");
        assert!(warnings.iter().any(|warning| warning.ends_with(&told)), "{factor}: {warnings:?}");
    }
    assert_finite(&begun.path, &events);
    let (newest, _) = latest_checkpoint(&begun.path).unwrap();
    assert_eq!(newest.state.step, begun.saved.state.step);
    assert_eq!(newest.digest(MODEL_FILE), begun.saved.digest(MODEL_FILE));

    let (result, events) = begun.go_on(|train| {
        train.lr = Auto::Set(0.01);
        train.head_lr_factor = Auto::Set(1.0);
    });
    assert_eq!(result.unwrap().epochs, 3);
    assert_finite(&begun.path, &events);
}

#[test]
fn a_run_that_goes_back_is_the_same_run_however_often_it_was_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let blow_up = |train: &mut TrainConfig| {
        train.lr = Auto::Set(3.8);
        train.weight_decay = 1.0;
    };
    let whole = Begun::below(&folder.path().join("whole"));
    let (result, events) = whole.go_on(blow_up);
    assert_eq!(result.unwrap().epochs, 3);
    let told = rewinds(&events);
    assert_eq!(told.len(), 1, "{told:?}");

    let parts = Begun::below(&folder.path().join("parts"));
    let begun = parts.saved.state.step;
    // In the epoch that will diverge: this checkpoint is newer than the one that the whole run goes back to.
    let is_at = |event: &TrainEvent, step: u64, below_lr: f64| match event {
        TrainEvent::Step(metrics) => metrics.step == step && metrics.lr < below_lr,
        _ => false,
    };
    let (result, mut seen) = parts.go_on_until(blow_up, |event| is_at(event, begun + 2, f64::MAX));
    assert!(result.unwrap().stopped);
    assert_eq!(parts.learnt().1.step, begun + 2, "this test needs a checkpoint in the middle of an epoch");
    // On the way once more, at half the rate.
    let (result, events_after) = parts.go_on_until(|_| {}, |event| is_at(event, begun + 3, 2.0));
    assert!(result.unwrap().stopped);
    seen.extend(events_after);
    assert_eq!((parts.learnt().1.step, parts.learnt().1.rewinds), (begun + 3, 1));
    let (result, events_after) = parts.go_on(|_| {});
    assert_eq!(result.unwrap().epochs, 3);
    seen.extend(events_after);

    assert_eq!(rewinds(&seen), told);
    let metrics = |run: &Path| std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    assert_eq!(metrics(&whole.path), metrics(&parts.path), "the metrics differ");
    let (whole, parts) = (whole.learnt(), parts.learnt());
    assert_eq!(whole.1, parts.1);
    assert!(whole.0.iter().zip(&parts.0).all(|(a, b)| a.tensors == b.tensors), "the weights differ");
}

#[test]
fn a_long_epoch_has_checkpoints_to_go_back_to_whatever_the_clock_says() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 70, 20);
    let mut config = config();
    (config.train.epochs, config.train.batch) = (1, 2);
    let path = folder.path().join("run");
    let mut request = TrainRequest { catalog, config, place: Place::NewAt(path.clone()) };
    let wanted = STEPS_BETWEEN_TARGETS as u64;
    let (result, events) = run_until(&request, |event| matches!(event, TrainEvent::Saved(step) if *step >= wanted));
    assert!(result.unwrap().stopped, "this test needs a longer epoch");
    assert!(events.iter().any(|event| matches!(event, TrainEvent::Saved(step) if *step == wanted)));

    request.place = Place::Resume(path);
    let observer = &mut Watcher::default();
    let mut run = Run::prepare(&request, &Control::default(), observer).unwrap();
    run.go_back(&Control::default(), observer).unwrap();
    assert_eq!((run.state.step, run.state.epoch, run.state.rewinds), (wanted, 0, 1));
}

#[test]
fn what_a_run_may_go_back_to_stays_until_there_is_a_newer_one() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Begun::below(folder.path());
    let first = begun.saved.state.step;
    let [model, head, resume] = [MODEL_FILE, HEAD_FILE, RESUME_FILE].map(|file| begun.saved.read(file).unwrap());
    let (saved, info) = (Saved { model, head, resume }, begun.saved.info().unwrap());
    let run = RunFolder::open(&begun.path).unwrap();
    let write = |step_in_epoch: usize| {
        let step = first + step_in_epoch as u64;
        let state = CheckpointState { format: 1, step, epoch: 1, step_in_epoch, ..CheckpointState::default() };
        run.write_checkpoint(&saved, &info, &state).unwrap();
    };
    let steps = || -> Vec<u64> {
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().parse::<u64>().unwrap() - first;
        checkpoints(&begun.path).iter().map(name).collect()
    };
    let target = || newest_rewind_target(&begun.path).unwrap().map(|(found, told)| (found.state.step - first, told));

    (1..=4).for_each(write);
    assert_eq!(steps(), [0, 3, 4]);
    assert_eq!(target(), Some((0, Vec::new())));
    write(STEPS_BETWEEN_TARGETS);
    let newest = STEPS_BETWEEN_TARGETS as u64;
    assert_eq!(steps(), [4, newest]);
    assert_eq!(target(), Some((newest, Vec::new())));
    // Where it cannot be used, another one is better than the start.
    damage(checkpoints(&begun.path).last().unwrap());
    let (step, told) = target().unwrap();
    assert!(step == 4 && told[0].contains("passed over"), "{step}: {told:?}");

    // Of what comes after the step that is gone back to, only the damaged one stays, out of the way.
    let best = Some(BestSoFar { epoch: 1, step: first + 4, value: 0.1, by: None });
    run.set_best(first + 4).unwrap();
    run.rewind_to(&CheckpointState { step: first + 3, best: None, ..CheckpointState::default() }).unwrap();
    assert!(steps().is_empty(), "{:?}", steps());
    let left = |name: String| begun.path.join("checkpoints").join(name).is_dir();
    assert!(left(format!("damaged-{:06}", first + newest)) && !left(format!("damaged-{:06}", first + 4)));
    assert!(!begun.path.join("best").exists());

    // Who goes on from a checkpoint has found none of the later ones usable: none is removed.
    [4, 5].into_iter().for_each(write);
    run.return_to(&CheckpointState { step: first + 4, best, ..CheckpointState::default() }).unwrap();
    assert_eq!(steps(), [4]);
    assert!(left(format!("damaged-{:06}", first + 5)) && begun.path.join("best").is_dir());
}

#[test]
fn where_the_right_checkpoint_is_not_to_be_had_the_newest_is_gone_back_to() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Begun::below(folder.path());
    let [model, head, resume] = [MODEL_FILE, HEAD_FILE, RESUME_FILE].map(|file| begun.saved.read(file).unwrap());
    let (saved, info) = (Saved { model, head, resume }, begun.saved.info().unwrap());
    let write = |run: &RunFolder, epoch: u32, step_in_epoch: usize, before: u64, best: Option<BestSoFar>| {
        let step = before + step_in_epoch as u64;
        let state = CheckpointState { format: 1, step, epoch, step_in_epoch, best, ..CheckpointState::default() };
        run.write_checkpoint(&saved, &info, &state).unwrap();
    };
    let target =
        |run: &RunFolder| newest_rewind_target(run.path()).unwrap().map(|(found, told)| (found.state.step, told));

    // An older version wrote no checkpoint within an epoch but the one at a stop.
    let older = RunFolder::create(&Place::NewAt(folder.path().join("older")), "x").unwrap();
    write(&older, 0, 7600, 0, None);
    let (step, told) = target(&older).unwrap();
    assert!(step == 7600 && told.len() == 1 && told[0].contains("the checkpoint of step 7500"), "{step}: {told:?}");

    // The best epoch lies further back than what can be used.
    let later = RunFolder::create(&Place::NewAt(folder.path().join("later")), "x").unwrap();
    let best = Some(BestSoFar { epoch: 1, step: 1000, value: 0.1, by: None });
    write(&later, 1, 0, 1000, best);
    write(&later, 1, 500, 1000, best);
    write(&later, 1, 600, 1000, best);
    assert_eq!(target(&later), Some((1500, Vec::new())));
    damage(&later.path().join("checkpoints/001500"));
    let (step, told) = target(&later).unwrap();
    assert!(step == 1600 && told.len() == 1 && told[0].contains("the checkpoint of step 1500"), "{step}: {told:?}");

    // In the first steps of a run, the start is near.
    let fresh = RunFolder::create(&Place::NewAt(folder.path().join("fresh")), "x").unwrap();
    write(&fresh, 0, 499, 0, None);
    assert_eq!(target(&fresh), None);
}

#[test]
fn only_what_was_written_is_gone_back_to() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Begun::below(folder.path());
    let first = begun.saved.state.step;
    assert_eq!(begun.saved.state.rewind_target, Some(first));
    let place = Place::Resume(begun.path.clone());
    let request = TrainRequest { catalog: Arc::clone(&begun.catalog), config: config(), place };
    let observer = &mut Watcher::default();
    let mut run = Run::prepare(&request, &Control::default(), observer).unwrap();
    // The second epoch ended in doubt and so without a checkpoint, then the run was sound again.
    for step_in_epoch in 2..=5 {
        let step = first + 5 + step_in_epoch as u64;
        run.state = CheckpointState { step, epoch: 2, step_in_epoch, best: None, ..run.state.clone() };
        run.state = CheckpointState { files: BTreeMap::new(), ..run.state.to_save() };
        run.folder.write_checkpoint(&run.session.save().unwrap(), &run.info, &run.state).unwrap();
    }
    run.go_back(&Control::default(), observer).unwrap();
    assert_eq!((run.state.step, run.state.rewinds), (first, 1));
    let told = warnings(&observer.events);
    assert!(!told.iter().any(|text| text.contains("missing")), "{told:?}");
}

#[test]
fn an_epoch_that_ends_in_doubt_is_not_the_best_however_well_it_measures() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Begun::below(folder.path());
    // Every later epoch is better.
    change_state(&begun.saved, |state| state.best.as_mut().unwrap().value = 1e9);
    let place = Place::Resume(begun.path.clone());
    let request = TrainRequest { catalog: Arc::clone(&begun.catalog), config: config(), place };
    for (fate, is_best) in [(Fate::Unusable, false), (Fate::Applied, true)] {
        let observer = &mut Watcher::default();
        let mut run = Run::prepare(&request, &Control::default(), observer).unwrap();
        run.guard.look(&StepOutcome { loss: 1.0, correct: 0, target_cosines: Vec::new(), fate }, None);
        run.end_of_epoch(&Control::default(), observer).unwrap();
        let told = observer.events.iter().find_map(|event| match event {
            TrainEvent::Epoch(epoch) => Some((epoch.epoch, epoch.best)),
            _ => None,
        });
        let logged = metrics_log::read(&begun.path).epochs;
        let logged = logged.last().map(|epoch| (epoch.epoch, epoch.best));
        assert_eq!((told, logged), (Some((2, is_best)), Some((2, is_best))), "{fate:?}");
        assert_eq!(run.state.best.unwrap().epoch, if is_best { 2 } else { 1 }, "nobody could get it back");
    }
}

#[test]
fn what_the_device_still_does_when_the_run_has_to_go_back_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Begun::below(folder.path());
    let place = Place::Resume(begun.path.clone());
    let request = TrainRequest { catalog: Arc::clone(&begun.catalog), config: config(), place };
    let observer = &mut Watcher::default();
    let mut run = Run::prepare(&request, &Control::default(), observer).unwrap();
    let outcome = |fate| StepOutcome { loss: 1.0, correct: 0, target_cosines: Vec::new(), fate };
    let doubtful: Vec<StepOutcome> = (0..5).map(|_| outcome(Fate::Unusable)).collect();
    run.account(&doubtful, observer).unwrap();
    let (must_go_back, step) = (run.must_go_back, run.state.step);
    run.account(&[outcome(Fate::Applied)], observer).unwrap();
    assert_eq!((must_go_back, run.state.step), (true, step));
    assert!(!run.save(observer).unwrap(), "a state that has diverged is not written");
}

#[test]
fn no_checkpoint_is_removed_before_the_run_has_gone_back() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Begun::below(folder.path());
    let (first, info) = (begun.saved.state.clone(), begun.saved.info().unwrap());
    let [model, head, resume] = [MODEL_FILE, HEAD_FILE, RESUME_FILE].map(|file| begun.saved.read(file).unwrap());
    let saved = Saved { model, head, resume };
    let step = first.step + 2;
    let later = CheckpointState { step, step_in_epoch: 2, files: BTreeMap::new(), ..first.clone() };
    RunFolder::open(&begun.path).unwrap().write_checkpoint(&saved, &info, &later).unwrap();
    let place = Place::Resume(begun.path.clone());
    let request = TrainRequest { catalog: Arc::clone(&begun.catalog), config: config(), place };
    let observer = &mut Watcher::default();
    let mut run = Run::prepare(&request, &Control::default(), observer).unwrap();
    assert_eq!(run.state.step, step);

    // Its checksums hold, but it cannot be put back.
    let cut_off = Saved { resume: b"cut off".to_vec(), ..saved };
    std::fs::remove_dir_all(&begun.saved.path).unwrap();
    let state = CheckpointState { files: BTreeMap::new(), ..first.clone() };
    checkpoint::write(&begun.saved.path, &cut_off, &info, &state).unwrap();
    let before = checkpoints(&begun.path);
    assert_eq!(before.len(), 2, "{before:?}");
    let error = run.go_back(&Control::default(), observer).unwrap_err();
    assert!(matches!(error, TrainError::CannotResume(_)), "{error}");
    assert_eq!(checkpoints(&begun.path), before);
    assert_eq!(latest_checkpoint(&begun.path).unwrap().0.state.step, step);

    // Where it can, the later one goes, and is not put aside as damaged.
    std::fs::remove_dir_all(&begun.saved.path).unwrap();
    checkpoint::write(&begun.saved.path, &Saved { resume: begun_resume(&before[1]), ..cut_off }, &info, &state)
        .unwrap();
    run.go_back(&Control::default(), observer).unwrap();
    assert_eq!((run.state.step, checkpoints(&begun.path)), (first.step, before[..1].to_vec()));
    assert!(!begun.path.join(format!("checkpoints/damaged-{step:06}")).exists());
}

/// The state of a checkpoint that resumes exactly.
fn begun_resume(checkpoint: &Path) -> Vec<u8> {
    std::fs::read(checkpoint.join(RESUME_FILE)).unwrap()
}

#[test]
fn a_loss_that_explodes_in_the_first_steps_is_noticed_before_any_was_reported() {
    let folder = tempfile::tempdir().unwrap();
    // Twelve or more steps to a report.
    let catalog = draw(&folder.path().join("data"), 32, 20);
    let mut config = ruled_by_decay();
    config.train.batch = 2;
    // The class weights times -49 in every step; at an eighth of the rate still times -5.25.
    config.train.lr = Auto::Set(0.5);
    config.train.head_lr_factor = Auto::Set(100.0);
    config.train.weight_decay = 1.0;
    let request = TrainRequest { catalog, config, place: Place::NewAt(folder.path().join("run")) };
    let (result, events) = run_until(&request, |event| matches!(event, TrainEvent::Step(_)));
    let told = warnings(&events);
    assert!(told.iter().any(|text| text.contains("its loss is many times that of the start")), "{told:?}");
    let first = events.iter().find(|event| match event {
        TrainEvent::Step(_) => true,
        TrainEvent::Warning(text) => text.contains("the run diverged at step"),
        _ => false,
    });
    assert!(matches!(first, Some(TrainEvent::Warning(_))), "{first:?}");
    assert!(rewinds(&events)[0].contains("it goes on from step 0"), "{told:?}");
    assert!(result.is_err(), "what exploded was kept");
}

#[test]
fn losses_that_take_the_length_of_the_embedding_raise_no_alarm_without_a_warm_up() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 12, 10);
    for head in [Head::Softmax, Head::SphereFace] {
        let mut config = config();
        config.loss.head = head;
        config.train.warmup_epochs = Auto::Set(0.0);
        let place = Place::NewAt(folder.path().join(head.word()));
        let request = TrainRequest { catalog: Arc::clone(&catalog), config, place };
        let (result, events) = run_until(&request, |_| false);
        result.unwrap();
        let told = warnings(&events);
        assert!(!told.iter().any(|text| text.contains("its loss is many times")), "{head:?}: {told:?}");
    }
}
