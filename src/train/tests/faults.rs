//! What happens to a run when folders vanish and disks fill under it: nothing that was learnt is lost.

use super::super::run::Run;
use super::*;
use std::time::{Duration, Instant};

/// Trains until the end, and calls `each` on every event.
fn run_with(
    catalog: &Arc<Catalog>,
    config: &RunConfig,
    place: Place,
    mut each: impl FnMut(&TrainEvent),
) -> (Result<RunSummary, TrainError>, Vec<TrainEvent>) {
    let request = TrainRequest { catalog: Arc::clone(catalog), config: config.clone(), place };
    run_until(&request, |event| {
        each(event);
        false
    })
}

/// A disk that takes no checkpoint of a run: a file lies where their folder was.
struct RefusingDisk {
    checkpoints: PathBuf,
    away: PathBuf,
    has_refused: bool,
}

impl RefusingDisk {
    fn of(run: &Path) -> Self {
        Self { checkpoints: run.join("checkpoints"), away: run.join("away"), has_refused: false }
    }

    /// From now on; once however often it is called.
    fn refuse(&mut self) {
        if !std::mem::replace(&mut self.has_refused, true) {
            std::fs::rename(&self.checkpoints, &self.away).unwrap();
            std::fs::write(&self.checkpoints, "in the way").unwrap();
        }
    }

    fn refuses(&self) -> bool {
        self.away.exists()
    }

    fn accept(&self) {
        std::fs::remove_file(&self.checkpoints).unwrap();
        std::fs::rename(&self.away, &self.checkpoints).unwrap();
    }
}

#[test]
fn images_that_vanish_end_the_run_with_all_it_learnt_and_it_goes_on_when_they_are_back() {
    let folder = tempfile::tempdir().unwrap();
    let (data, away, place) = (folder.path().join("data"), folder.path().join("away"), folder.path().join("run"));
    let catalog = draw(&data, 12, 6);
    let mut config = config();
    config.data.cache_mib = 0;
    let (result, _) = run_with(&catalog, &config, Place::NewAt(place.clone()), |event| {
        if matches!(event, TrainEvent::Epoch(epoch) if epoch.epoch == 1) {
            std::fs::rename(&data, &away).unwrap();
        }
    });
    let error = result.unwrap_err();
    assert!(matches!(error, TrainError::Data(_)), "{error}");
    assert!(error.to_string().contains("gone now") && error.hint().is_some(), "{error}");
    let (saved, _) = latest_checkpoint(&place).unwrap();
    assert!(saved.state.epoch >= 1);
    std::fs::rename(&away, &data).unwrap();
    let summary = run(&catalog, &config, Place::Resume(place), None).unwrap();
    assert_eq!(summary.epochs, config.train.epochs);
}

#[test]
fn a_disk_that_refuses_a_checkpoint_is_a_warning_and_the_next_one_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 12, 6);
    let place = folder.path().join("run");
    let mut disk = RefusingDisk::of(&place);
    let (result, events) = run_with(&catalog, &config(), Place::NewAt(place.clone()), |event| match event {
        TrainEvent::Epoch(epoch) if epoch.epoch == 1 => disk.refuse(),
        TrainEvent::Warning(_) if disk.refuses() => disk.accept(),
        _ => {}
    });
    let (summary, told) = (result.unwrap(), warnings(&events));
    assert!(told.iter().any(|text| text.contains("training goes on") && text.contains("checkpoint")), "{told:?}");
    let (newest, _) = latest_checkpoint(&summary.run).unwrap();
    assert_eq!(newest.state.epoch, config().train.epochs);
    assert_eq!(best_checkpoint(&place).unwrap().state.step, newest.state.best.unwrap().step);
}

#[test]
fn a_disk_that_refuses_the_last_checkpoint_is_asked_again_at_the_end_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 12, 6);
    for comes_back in [true, false] {
        let place = folder.path().join(format!("run-{comes_back}"));
        let mut disk = RefusingDisk::of(&place);
        let (result, events) = run_with(&catalog, &config(), Place::NewAt(place.clone()), |event| match event {
            TrainEvent::Epoch(epoch) if epoch.epoch == 2 => disk.refuse(),
            TrainEvent::Warning(_) if comes_back && disk.refuses() => disk.accept(),
            _ => {}
        });
        let told = warnings(&events).iter().filter(|text| text.contains("training goes on")).count();
        assert_eq!(told, 1, "once, however often it is tried: {events:?}");
        assert_eq!(result.is_ok(), comes_back, "nothing is there at all");
        if comes_back {
            assert_eq!(latest_checkpoint(&place).unwrap().0.state.epoch, 3);
        }
    }
}

/// Writes another state into a checkpoint, as if the run had come to it in another way.
pub(super) fn change_state(checkpoint: &Checkpoint, change: impl FnOnce(&mut CheckpointState)) {
    let mut state = checkpoint.state.clone();
    change(&mut state);
    std::fs::write(checkpoint.path.join("state.json"), serde_json::to_vec(&state).unwrap()).unwrap();
}

#[test]
fn a_best_epoch_that_could_not_be_written_is_not_the_best() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = one_epoch();
    let Trained { catalog, path: place, .. } = Trained::below(folder.path(), [12, 6], &config);
    let (first, _) = latest_checkpoint(&place).unwrap();
    // Every later epoch is better.
    change_state(&first, |state| state.best.as_mut().unwrap().value = 1e9);
    config.train.epochs = 3;
    let mut disk = RefusingDisk::of(&place);
    let mut second = u64::MAX;
    let request =
        TrainRequest { catalog: Arc::clone(&catalog), config: config.clone(), place: Place::Resume(place.clone()) };
    let (result, _) = run_until(&request, |event| {
        match event {
            TrainEvent::Step(_) => disk.refuse(),
            TrainEvent::Warning(text) if text.contains("training goes on") => disk.accept(),
            TrainEvent::Epoch(epoch) if epoch.epoch == 2 => {
                assert!(!epoch.best, "nobody could get it back, and it is not tried again at once");
                second = epoch.step;
            }
            _ => {}
        }
        matches!(event, TrainEvent::Step(step) if step.step > second)
    });
    assert!(result.unwrap().stopped);
    let (newest, _) = latest_checkpoint(&place).unwrap();
    assert_eq!((newest.state.epoch, newest.state.best.unwrap().step), (2, first.state.step));
    assert_eq!(best_checkpoint(&place).unwrap().state.step, first.state.step, "the mark moved without a checkpoint");
    let in_list: Vec<(u32, bool)> =
        read_run(&place).unwrap().epochs.iter().map(|epoch| (epoch.epoch, epoch.best)).collect();
    assert_eq!(in_list, [(1, true), (2, false)], "the list says the same");
    assert!(!newest.state.last_epoch.unwrap().best);
    run(&catalog, &config, Place::Resume(place.clone()), None).unwrap();
    assert_eq!(best_checkpoint(&place).unwrap().state.epoch, 3);
}

#[test]
fn a_best_epoch_whose_checkpoint_is_written_at_the_second_try_is_the_best() {
    // At the end of the run, and where it is stopped before the next step.
    for epochs in [2, 3] {
        let folder = tempfile::tempdir().unwrap();
        let mut config = one_epoch();
        let Trained { catalog, path: place, .. } = Trained::below(folder.path(), [12, 6], &config);
        // Every later epoch is better.
        let (first, _) = latest_checkpoint(&place).unwrap();
        change_state(&first, |state| state.best.as_mut().unwrap().value = 1e9);
        config.train.epochs = epochs;
        let mut disk = RefusingDisk::of(&place);
        let request = TrainRequest { catalog, config, place: Place::Resume(place.clone()) };
        let (result, events) = run_until(&request, |event| {
            match event {
                TrainEvent::Step(_) => disk.refuse(),
                TrainEvent::Warning(text) if text.contains("training goes on") => disk.accept(),
                _ => {}
            }
            matches!(event, TrainEvent::Epoch(epoch) if epoch.epoch == 2)
        });
        let summary = result.unwrap();
        assert_eq!((summary.stopped, summary.epochs, summary.best_epoch), (epochs == 3, 2, Some(2)));
        let told = |event: &TrainEvent| if let TrainEvent::Epoch(epoch) = event { Some(epoch.best) } else { None };
        assert_eq!(events.iter().filter_map(told).collect::<Vec<bool>>(), [false, true], "it is told again");
        let (newest, _) = latest_checkpoint(&place).unwrap();
        assert_eq!((newest.state.epoch, newest.state.best.unwrap().step), (2, newest.state.step));
        assert_eq!(best_checkpoint(&place).unwrap().state.step, newest.state.step);
        let in_list: Vec<bool> = read_run(&place).unwrap().epochs.iter().map(|epoch| epoch.best).collect();
        assert_eq!(in_list, [true, true], "the list says the same");
    }
}

#[test]
fn a_run_does_not_end_early_for_a_best_epoch_that_the_disk_refused_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = one_epoch();
    config.train.stop_after = 1;
    let Trained { catalog, path: place, .. } = Trained::below(folder.path(), [12, 6], &config);
    // Every later epoch is better.
    change_state(&latest_checkpoint(&place).unwrap().0, |state| state.best.as_mut().unwrap().value = 1e9);
    config.train.epochs = 3;
    let mut disk = RefusingDisk::of(&place);
    let (result, events) = run_with(&catalog, &config, Place::Resume(place.clone()), |event| match event {
        TrainEvent::Step(_) => disk.refuse(),
        TrainEvent::Warning(text) if text.contains("training goes on") => disk.accept(),
        _ => {}
    });
    assert_eq!(result.unwrap().epochs, 3, "{:?}", warnings(&events));
    assert!(read_run(&place).unwrap().epochs[1].best);
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// The checkpoints of a run, oldest first.
pub(super) fn checkpoints(run: &Path) -> Vec<PathBuf> {
    let is_step = |path: &PathBuf| name(path).parse::<u64>().is_ok();
    let entries = std::fs::read_dir(run.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(is_step).collect();
    found.sort();
    found
}

#[test]
fn a_run_without_a_usable_checkpoint_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let Trained { catalog, path, .. } = Trained::below(folder.path(), [12, 4], &config());
    assert!(checkpoint_problems(&path).is_empty());
    checkpoints(&path).iter().for_each(|checkpoint| damage(checkpoint));
    std::fs::write(checkpoints(&path).last().unwrap().join("state.json"), "{").unwrap();
    let files = || ["metrics.jsonl", "run.toml"].map(|name| std::fs::read(path.join(name)).unwrap());
    let before = files();
    let error = run(&catalog, &config(), Place::Resume(path.clone()), None).unwrap_err();
    assert!(matches!(error, TrainError::AllDamaged { .. }), "{error}");
    let text = error.to_string();
    let words = ["step ", "checksum", "start a new run", "backup"];
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
    assert!(files() == before, "the run was changed");
    let problems = checkpoint_problems(&path);
    assert!(problems.len() == 1 && problems[0].starts_with("none of this run's checkpoints"), "{problems:?}");
    // Where none was ever written, there is nothing to lose.
    std::fs::remove_dir_all(path.join("checkpoints")).unwrap();
    assert!(checkpoint_problems(&path)[0].contains("are gone"), "something was the best");
    assert_eq!(run(&catalog, &config(), Place::Resume(path.clone()), None).unwrap().epochs, 3);
}

/// Copies the files of a folder.
pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn a_run_that_lost_its_newest_checkpoints_keeps_those_it_writes_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 12, 6);
    let (place, aside) = (folder.path().join("run"), folder.path().join("aside"));
    let mut oldest = PathBuf::new();
    let (result, _) = run_with(&catalog, &config(), Place::NewAt(place.clone()), |event| {
        if matches!(event, TrainEvent::Epoch(epoch) if epoch.epoch == 1) {
            oldest = checkpoints(&place).remove(0);
            copy(&oldest, &aside);
        }
    });
    result.unwrap();
    // It may have been removed when the third was written.
    copy(&aside, &oldest);
    let all = checkpoints(&place);
    assert_eq!(all.len(), 3, "{all:?}");
    all[1..].iter().for_each(|checkpoint| damage(checkpoint));

    let step = Checkpoint::open(&oldest).unwrap().state.step;
    assert!(run(&catalog, &config(), Place::Resume(place.clone()), Some(step + 2)).unwrap().stopped);
    let (newest, damaged) = latest_checkpoint(&place).unwrap();
    assert!(newest.state.step > step && newest.state.epoch == 1, "{:?}", newest.path);
    assert!(damaged.is_empty(), "{damaged:?}");
    let is_aside = |path: &PathBuf| path.with_file_name(format!("damaged-{}", name(path))).is_dir();
    assert!(all[1..].iter().all(is_aside), "the damaged ones are not lost at once");

    let mut watcher = Watcher::default();
    let request = TrainRequest { catalog, config: config(), place: Place::Resume(place.clone()) };
    let summary = train(&request, &Control::default(), &mut watcher).unwrap();
    let resumed_at = watcher.events.iter().find_map(|event| match event {
        TrainEvent::Started(started) => Some(started.resumed_at_step),
        _ => None,
    });
    assert_eq!((resumed_at, summary.epochs), (Some(newest.state.step), 3));
    let best = latest_checkpoint(&place).unwrap().0.state.best.unwrap();
    assert_eq!(best_checkpoint(&place).unwrap().state.step, best.step);
}

#[test]
fn a_best_checkpoint_that_is_gone_gives_way_to_one_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    config.train.epochs = 2;
    let Trained { catalog, path: place, .. } = Trained::below(folder.path(), [12, 4], &config);
    let (newest, _) = latest_checkpoint(&place).unwrap();
    // No later epoch could be better.
    let by = Some(crate::config::Best::Eer);
    change_state(&newest, |state| state.best = Some(BestSoFar { epoch: 1, step: 1, value: -1.0, by }));
    config.train.epochs = 3;
    let (result, events) = run_with(&catalog, &config, Place::Resume(place.clone()), |_| {});
    result.unwrap();
    let told = warnings(&events);
    assert!(told.iter().any(|text| text.contains("the best checkpoint, that of step 1, cannot be used")), "{told:?}");
    let best = latest_checkpoint(&place).unwrap().0.state.best.unwrap();
    assert!(best.value >= 0.0 && best.step >= newest.state.step, "{best:?}");
    assert_eq!(best_checkpoint(&place).unwrap().state.step, best.step);
}

#[test]
fn a_damaged_best_checkpoint_is_told_of_and_gives_way_when_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    config.train.epochs = 2;
    let Trained { catalog, path: place, .. } = Trained::below(folder.path(), [12, 4], &config);
    let all = checkpoints(&place);
    assert_eq!(all.len(), 2, "one of each epoch");
    let (first, newest) = (&all[0], &all[1]);
    let step = Checkpoint::open(first).unwrap().state.step;
    let best = Some(BestSoFar { epoch: 1, step, value: 0.0, by: None });
    change_state(&Checkpoint::open(newest).unwrap(), |state| state.best = best);
    RunFolder::open(&place).unwrap().set_best(step).unwrap();
    assert!(best_usable(&place).unwrap().1.is_empty() && checkpoint_problems(&place).is_empty());
    damage(first);

    let (used, told) = best_usable(&place).unwrap();
    assert_eq!((&used.path, told.len()), (newest, 1));
    assert!(told[0].contains("the best checkpoint of the run cannot be used (its checksum"), "{told:?}");
    assert_eq!(TrainedModel::open(&place, Device::Cpu).unwrap().told(), told);
    let out = folder.path().join("net.safetensors");
    assert_eq!(export(&place, ExportFormat::Safetensors, &out, false).unwrap().told, told);
    assert_eq!(checkpoint_problems(&place), told);

    // Who starts from it is told as well.
    let mut second = config.clone();
    second.train.start_from = place.to_string_lossy().into_owned();
    let (place_of_second, mut watcher) = (Place::NewAt(folder.path().join("second")), Watcher::default());
    let request = TrainRequest { catalog: Arc::clone(&catalog), config: second, place: place_of_second };
    drop(Run::prepare(&request, &Control::default(), &mut watcher).unwrap());
    let said = warnings(&watcher.events);
    assert!(said.iter().any(|text| text.starts_with("the best checkpoint of the run cannot be used")), "{said:?}");

    config.train.epochs = 3;
    let (result, events) = run_with(&catalog, &config, Place::Resume(place.clone()), |_| {});
    result.unwrap();
    let said = format!("the best checkpoint, that of step {step}, cannot be used (its checksum");
    assert!(warnings(&events).iter().any(|text| text.starts_with(&said)), "{:?}", warnings(&events));
    assert!(best_usable(&place).unwrap().1.is_empty());
}

#[test]
fn a_best_checkpoint_that_cannot_be_read_at_the_moment_stays_the_best() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    config.train.epochs = 2;
    let Trained { catalog, path: place, .. } = Trained::below(folder.path(), [12, 4], &config);
    let all = checkpoints(&place);
    let step = Checkpoint::open(&all[0]).unwrap().state.step;
    // No later epoch could be better.
    let by = Some(crate::config::Best::Eer);
    let best = Some(BestSoFar { epoch: 1, step, value: -1.0, by });
    change_state(&Checkpoint::open(&all[1]).unwrap(), |state| state.best = best);
    RunFolder::open(&place).unwrap().set_best(step).unwrap();
    // What a disk says of a folder in the place of a file is neither that it is damaged nor that it is gone.
    let (file, away) = (all[0].join("model.safetensors"), folder.path().join("away"));
    std::fs::rename(&file, &away).unwrap();
    std::fs::create_dir(&file).unwrap();
    config.train.epochs = 4;
    let (result, events) = run_with(&catalog, &config, Place::Resume(place.clone()), |_| {});
    result.unwrap();
    let said = format!("the best checkpoint, that of step {step}, cannot be read at the moment");
    assert!(warnings(&events).iter().any(|text| text.starts_with(&said)), "{:?}", warnings(&events));

    std::fs::remove_dir(&file).unwrap();
    std::fs::rename(&away, &file).unwrap();
    assert_eq!(latest_checkpoint(&place).unwrap().0.state.best, best);
    assert_eq!(best_checkpoint(&place).unwrap().state.step, step, "it is there, and it is used again");
    assert!(best_usable(&place).unwrap().1.is_empty());
}

/// A small disk of its own; unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(place: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&place).unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=48m", "none"])
            .arg(&place)
            .stderr(std::process::Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(place))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        std::process::Command::new("umount").arg(&self.0).status().ok();
    }
}

#[test]
fn a_disk_that_fills_while_training_costs_nothing_once_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path().join("disk")) else {
        eprintln!("skipped: this user may not mount a small disk");
        return;
    };
    let catalog = draw(&folder.path().join("data"), 12, 6);
    let mut config = config();
    config.train.epochs = 5;
    let whole = folder.path().join("whole");
    run(&catalog, &config, Place::NewAt(whole.clone()), None).unwrap();
    let (place, ballast) = (disk.0.join("run"), disk.0.join("ballast"));
    let (result, events) = run_with(&catalog, &config, Place::NewAt(place.clone()), |event| match event {
        TrainEvent::Epoch(epoch) if epoch.epoch == 1 => {
            let zeros = vec![0u8; 1 << 12];
            let mut file = std::fs::File::create(&ballast).unwrap();
            while std::io::Write::write_all(&mut file, &zeros).is_ok() {}
        }
        TrainEvent::Epoch(epoch) if epoch.epoch == 3 => std::fs::remove_file(&ballast).unwrap(),
        _ => {}
    });
    let (summary, told) = (result.unwrap(), warnings(&events));
    assert!(told.iter().any(|text| text.contains("training goes on") && text.contains("free some space")), "{told:?}");
    let (newest, _) = latest_checkpoint(&summary.run).unwrap();
    assert_eq!(newest.state.epoch, 5);
    assert_eq!(best_checkpoint(&place).unwrap().state.step, newest.state.best.unwrap().step);
    let metrics = |run: &Path| std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    assert_eq!(metrics(&place).lines().count(), metrics(&whole).lines().count(), "lines were lost");
    assert!(!metrics(&place).lines().any(|line| serde_json::from_str::<serde_json::Value>(line).is_err()));
    assert!(TrainedModel::open(&place, Device::Cpu).is_ok());
}

/// At most a minute of learning is lost, however long an epoch is.
#[test]
fn a_minute_after_the_last_checkpoint_there_is_another_in_the_middle_of_an_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 12, 4);
    for (age_secs, is_due) in [(0_u64, false), (61, true)] {
        let place = Place::NewAt(folder.path().join(age_secs.to_string()));
        let request = TrainRequest { catalog: Arc::clone(&catalog), config: one_epoch(), place };
        let (control, mut watcher) = (Control::default(), Watcher::default());
        let mut run = Run::prepare(&request, &control, &mut watcher).unwrap();
        run.clock.last_saved = Instant::now().checked_sub(Duration::from_secs(age_secs)).unwrap();
        assert!(run.epochs(&control, &mut watcher).unwrap());
        let steps = run.plan.total_steps;
        assert!(steps > 2, "this test needs an epoch that has a middle");
        let step_of = |event: &TrainEvent| if let TrainEvent::Saved(step) = event { Some(*step) } else { None };
        let saved: Vec<u64> = watcher.events.iter().filter_map(step_of).collect();
        let expected = if is_due { vec![1, steps] } else { vec![steps] };
        assert_eq!(saved, expected, "after {age_secs} s");
    }
}
