//! The same seed gives the same run, and a run that was stopped or killed and continued equals one that was not, bit
//! for bit, with dropout on. In a test binary of its own, because dropout draws from burn's one generator per process:
//! only one test may train in it, the other lets the built program train.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[path = "common/program.rs"]
mod program;
#[path = "common/running.rs"]
mod running;
#[path = "common/runs.rs"]
mod runs;

use arclens::train::Place;
use program::{arclens, command, ok, stderr};
use running::Running;
use runs::{among_checkpoints, config, draw, metrics, newest_step, run, weights};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_run_is_a_function_of_its_seed_even_when_it_was_stopped_twice() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"));
    let config = config();
    let place = |name: &str| folder.path().join(name);

    run(&catalog, &config, Place::NewAt(place("whole")), None);
    run(&catalog, &config, Place::NewAt(place("again")), None);
    assert_eq!(metrics(&place("whole")), metrics(&place("again")), "the same seed gave other metrics");
    assert!(weights(&place("whole")) == weights(&place("again")), "the same seed gave other weights");

    assert!(run(&catalog, &config, Place::NewAt(place("parts")), Some(3)).stopped);
    assert!(run(&catalog, &config, Place::Resume(place("parts")), Some(10)).stopped);
    let last = run(&catalog, &config, Place::Resume(place("parts")), None);
    assert!(!last.stopped && last.epochs == config.train.epochs);
    assert_eq!(metrics(&place("whole")), metrics(&place("parts")), "the metrics differ after two stops");
    assert!(weights(&place("whole")) == weights(&place("parts")), "the weights differ after two stops");

    let mut frugal = config.clone();
    frugal.train.recompute = true;
    run(&catalog, &frugal, Place::NewAt(place("frugal")), None);
    assert_eq!(metrics(&place("whole")), metrics(&place("frugal")), "the metrics differ when maps are recomputed");
    assert!(weights(&place("whole")) == weights(&place("frugal")), "the weights differ when maps are recomputed");

    let mut tuned = config.clone();
    tuned.train.start_from = place("whole").to_string_lossy().into_owned();
    tuned.train.freeze_epochs = arclens::config::Auto::Set(1);
    run(&catalog, &tuned, Place::NewAt(place("tuned")), None);
    assert!(run(&catalog, &tuned, Place::NewAt(place("tuned in parts")), Some(3)).stopped);
    run(&catalog, &tuned, Place::Resume(place("tuned in parts")), None);
    assert_eq!(metrics(&place("tuned")), metrics(&place("tuned in parts")), "a stop while frozen changed the metrics");
    assert!(weights(&place("tuned")) == weights(&place("tuned in parts")), "a stop while frozen changed the weights");

    let mut other = config;
    other.train.seed = 2;
    run(&catalog, &other, Place::NewAt(place("other")), None);
    assert_ne!(metrics(&place("whole")), metrics(&place("other")), "another seed gave the same run");
}

/// How long a test waits for the moment in which it kills the program.
const PATIENCE: Duration = Duration::from_secs(600);

/// It was still running when it was killed.
#[cfg(unix)]
fn was_killed(status: ExitStatus) -> bool {
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(9)
}

#[cfg(not(unix))]
fn was_killed(status: ExitStatus) -> bool {
    !status.success()
}

/// Kills the program in a certain moment, without a chance to tidy up.
fn kill_when(folder: &Path, words: &[&str], is_moment: impl Fn() -> bool) {
    let mut running = Running(command(folder, words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let child = &mut running.0;
    let began = Instant::now();
    while !is_moment() && child.try_wait().unwrap().is_none() && began.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().ok();
    let status = child.wait().unwrap();
    assert!(began.elapsed() < PATIENCE, "{words:?}: the moment never came");
    assert!(was_killed(status), "{words:?}: it ended by itself: {status}");
}

/// The last step in the log, whose last line may be half written.
fn logged_step(run: &Path) -> u64 {
    let log = std::fs::read(run.join("metrics.jsonl")).unwrap_or_default();
    let lines = log.split(|byte| *byte == b'\n');
    let steps = lines.filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok()?["step"].as_u64());
    steps.max().unwrap_or(0)
}

fn half_written(run: &Path) -> Vec<String> {
    let mut names = among_checkpoints(run);
    names.retain(|name| name.starts_with('.'));
    names
}

#[test]
fn a_run_that_was_killed_again_and_again_equals_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ok(folder, &["sample", "data", "--identities", "16", "--images", "6", "--size", "16", "--json"]);
    // Far more than what is waited for, so that the program is still at work when it is killed.
    let epochs = 20_u64;
    let count = epochs.to_string();
    let begin = |out| {
        let settings = ["--batch", "8", "--dim", "16", "--image", "16", "--model.dropout", "0.2", "--device", "cpu"];
        [&["train", "data", "--json", "--out", out, "--epochs", count.as_str()][..], &settings].concat()
    };
    let go_on = ["train", "data", "--json", "--resume", "killed", "--device", "cpu"];
    let (whole, killed) = (folder.join("whole"), folder.join("killed"));
    ok(folder, &begin("whole"));

    let steps = newest_step(&whole).unwrap();
    let epoch = steps / epochs;
    let look_at_what_is_left = || {
        let (saved, done) = (newest_step(&killed).unwrap(), logged_step(&killed));
        assert!(
            saved <= done && done <= saved + epoch,
            "step {saved} is left of {done} steps, with {epoch} in an epoch"
        );
    };
    kill_when(folder, &begin("killed"), || newest_step(&killed).is_some());
    look_at_what_is_left();
    // In the middle of an epoch, when the log is ahead of the checkpoint.
    let known = logged_step(&killed);
    kill_when(folder, &go_on, || logged_step(&killed) > known + 2);
    look_at_what_is_left();
    // While a checkpoint is written, or where this is too short a moment to be seen, in the epoch after it.
    let (left, saved) = (half_written(&killed), newest_step(&killed).unwrap());
    let is_writing = || half_written(&killed).iter().any(|name| !left.contains(name));
    kill_when(folder, &go_on, || is_writing() || logged_step(&killed) > saved + epoch);
    look_at_what_is_left();
    let saved = newest_step(&killed).unwrap();
    let last = arclens(folder, &go_on);
    assert!(last.status.success() && saved < steps, "{}", stderr(&last));
    assert!(stderr(&last).contains(&format!("it goes on after step {saved} of {steps}")), "{}", stderr(&last));

    assert_eq!(newest_step(&whole), newest_step(&killed));
    assert!(weights(&whole) == weights(&killed), "the weights differ");
    // It holds nothing that depends on the clock.
    assert_eq!(metrics(&whole), metrics(&killed), "the metrics differ");
    assert_eq!(half_written(&killed), Vec::<String>::new(), "what the kills left lies there still");
}
