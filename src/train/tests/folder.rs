//! Which folders a new run may use.

use super::super::checkpoint::INFO_FILE;
use super::super::find_checkpoint::described_network;
use super::super::run_folder::checkpoint_steps;
use super::*;
use crate::config::{temporary, to_toml};
use std::io::Write as _;
use std::path::PathBuf;

fn create(path: &Path) -> Result<RunFolder, TrainError> {
    RunFolder::create(&Place::NewAt(path.to_owned()), "x")
}

/// What a kill leaves of settings of which so much was written.
fn leave_settings(run: &Path, written: &str) -> PathBuf {
    let mut file = temporary(run).unwrap();
    file.write_all(written.as_bytes()).unwrap();
    file.keep().unwrap().1
}

#[test]
fn a_folder_in_which_the_first_settings_were_never_finished_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let whole = to_toml(&RunConfig::default());
    for length in [0, 10, whole.len() / 2, whole.len()] {
        drop(create(&path).unwrap());
        let written: String = whole.chars().take(length).collect();
        let left = [leave_settings(&path, &written), leave_settings(&path, "")];
        let again = create(&path).unwrap();
        assert!(
            left.iter().all(|file| !file.exists()),
            "what the kill left after {length} characters lies there still"
        );
        drop(again);
    }
    create(&path).unwrap().write_config(&RunConfig::default()).unwrap();
    let error = create(&path).unwrap_err();
    assert!(matches!(error, TrainError::Exists(_)), "{error}");
}

#[cfg(unix)]
#[test]
fn a_lock_that_is_a_link_empties_no_file_of_somebody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let (path, thesis) = (folder.path().join("run"), folder.path().join("thesis.tex"));
    create(&path).unwrap().write_config(&RunConfig::default()).unwrap();
    std::fs::write(&thesis, "x").unwrap();
    std::fs::remove_file(path.join("run.lock")).unwrap();
    std::os::unix::fs::symlink(&thesis, path.join("run.lock")).unwrap();
    drop(RunFolder::open(&path).unwrap());
    assert_eq!(std::fs::read_to_string(&thesis).unwrap(), "x");
}

#[test]
fn the_runs_in_a_folder_that_is_none_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let said = || read_config(folder.path()).unwrap_err().to_string();
    let begin = |seed: u32| create(&folder.path().join(format!("seed-{seed}"))).unwrap();
    drop(begin(1));
    assert!(said().contains("it has no run.toml"), "{}", said());
    begin(10).write_config(&RunConfig::default()).unwrap();
    assert!(said().contains("it holds the run seed-10; name that one"), "{}", said());
    for seed in [2, 3, 4] {
        begin(seed).write_config(&RunConfig::default()).unwrap();
    }
    assert!(said().contains("it holds the runs seed-2, seed-3, seed-4 and 1 more; name one"), "{}", said());
}

#[test]
fn a_description_of_a_network_that_is_too_long_to_be_one_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let Trained { path, .. } = Trained::below(folder.path(), [12, 4], &one_epoch());
    assert!(described_network(&path).is_some());
    let file = latest_checkpoint(&path).unwrap().0.path.join(INFO_FILE);
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str(&" ".repeat(65 << 20));
    std::fs::write(&file, text).unwrap();
    assert!(described_network(&path).is_none());
}

#[test]
fn unfinished_settings_of_a_process_that_still_works_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let working = create(&path).unwrap();
    let settings = leave_settings(&path, "# ArcLens");
    let error = create(&path).unwrap_err();
    assert!(matches!(error, TrainError::Locked(_)), "{error}");
    assert!(settings.exists());
    drop(working);
    create(&path).unwrap();
}

#[test]
fn what_somebody_may_miss_is_refused_and_stays() {
    let settings = to_toml(&RunConfig::default());
    let cases = [
        (".tmpA1b2C3", "a draft of a thesis"),
        (".tmpA1b2C3", "# Another program's file"),
        ("thesis.toml", settings.as_str()),
        ("run.toml", settings.as_str()),
        ("metrics.jsonl", ""),
        ("checkpoints/000004", ""),
    ];
    for (name, content) in cases {
        let folder = tempfile::tempdir().unwrap();
        drop(create(folder.path()).unwrap());
        let left = leave_settings(folder.path(), &settings);
        let file = folder.path().join(name);
        std::fs::write(&file, content).unwrap();
        let error = create(folder.path()).unwrap_err();
        assert!(matches!(error, TrainError::Exists(_)), "{name}: {error}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), content);
        assert!(left.exists(), "{name}: something was removed from a folder that was refused");
    }
}

#[test]
fn a_temporary_file_without_our_lock_is_somebody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let file = leave_settings(folder.path(), "");
    let error = create(folder.path()).unwrap_err();
    assert!(matches!(error, TrainError::Exists(_)), "{error}");
    assert!(file.exists());
    // Nor is a folder, whatever its name.
    let folder = tempfile::tempdir().unwrap();
    drop(create(folder.path()).unwrap());
    std::fs::create_dir(folder.path().join(".tmpA1b2C3")).unwrap();
    assert!(matches!(create(folder.path()), Err(TrainError::Exists(_))));
}

#[test]
fn the_two_newest_the_best_and_the_checkpoint_to_go_back_to_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let run = create(&path).unwrap();
    let (embedder, head) = tiny_specs(crate::config::Net::Small);
    let network = Network { embedder, preprocess: crate::data::Preprocess::new(16, 1), add_mirror: false };
    let info = ModelInfo { format: ModelInfo::FORMAT, network, head, classes: Vec::new() };
    let saved = Saved { model: vec![1], head: vec![2], resume: vec![3] };
    let left = |step: u64, step_in_epoch: usize, best: u64| {
        let best = Some(BestSoFar { epoch: 1, step: best, value: 0.1, by: None });
        let state = CheckpointState { format: 1, step, step_in_epoch, best, ..CheckpointState::default() };
        run.write_checkpoint(&saved, &info, &state).unwrap();
        checkpoint_steps(&path).unwrap()
    };
    assert_eq!(left(10, 0, 10), [10]);
    assert_eq!(left(20, 0, 20), [10, 20]);
    assert_eq!(left(30, 0, 20), [20, 30]);
    assert_eq!(left(40, 0, 20), [20, 30, 40]);
    assert_eq!(left(50, 0, 20), [20, 40, 50]);
    // Within an epoch, whose start a run that diverges goes back to.
    assert_eq!(left(53, 3, 20), [20, 50, 53]);
    assert_eq!(left(55, 5, 20), [20, 50, 53, 55]);
    assert_eq!(left(60, 0, 60), [55, 60]);
}
