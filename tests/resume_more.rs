//! Resuming is exact whatever the settings keep from step to step: optimisers, schedules that follow the validation, averaged
//! weights, statistics of losses, orders of images. Each run is trained whole, and in two parts with a stop in the middle of an epoch.
//!
//! Without dropout, which draws from burn's one generator per process: these tests run beside each other. A stop with dropout
//! on is in `tests/resume.rs`.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[path = "common/runs.rs"]
mod runs;

use arclens::config::{Auto, Head, Optimizer, RunConfig, Sampler, Schedule};
use arclens::train::{
    Checkpoint, CheckpointState, Control, Observer, Place, StepMetrics, TrainEvent, TrainRequest, train,
};
use runs::{among_checkpoints, draw, metrics, newest_step, run, run_until, weights};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;

fn config() -> RunConfig {
    let mut config = runs::config();
    config.model.dropout = 0.0;
    config
}

/// Settings, and the moment to stop at.
struct Case {
    name: &'static str,
    change: fn(&mut RunConfig),
    is_moment: fn(&StepMetrics) -> bool,
    /// What the test needs of the checkpoint that the stop wrote.
    needs: fn(&CheckpointState) -> bool,
}

impl Case {
    /// Stopped in the first epoch.
    fn early(name: &'static str, change: fn(&mut RunConfig)) -> Self {
        Self { name, change, is_moment: |metrics| metrics.step == 4, needs: |state| state.epoch == 0 }
    }

    /// Stopped in the second epoch.
    fn late(name: &'static str, change: fn(&mut RunConfig)) -> Self {
        Self { name, change, is_moment: |metrics| metrics.epoch > 1.3, needs: |state| state.epoch == 1 }
    }
}

fn cases() -> Vec<Case> {
    vec![
        Case::early("SGD", |_| {}),
        Case::early("Adam", |config| config.train.optimizer = Optimizer::Adam),
        Case::late("AdamW", |config| config.train.optimizer = Optimizer::AdamW),
        Case::early("parts of a batch", |config| config.train.micro_batches = 2),
        Case::late("balanced", |config| config.train.sampler = Sampler::Balanced),
        Case::late("P times K", |config| {
            config.train.sampler = Sampler::PByK;
            config.train.images_per_class = 2;
        }),
        Case::early("averaged weights, early", |config| config.train.weight_average = 0.9),
        Case::late("averaged weights of parts with Adam", |config| {
            config.train.weight_average = 0.8;
            config.train.micro_batches = 2;
            config.train.optimizer = Optimizer::Adam;
        }),
        // What a loss keeps from step to step: a scale, the target's mean cosine, mean and deviation of the lengths.
        Case::late("AdaCos", |config| config.loss.head = Head::AdaCos),
        Case::late("CurricularFace", |config| config.loss.head = Head::CurricularFace),
        Case::late("AdaFace", |config| config.loss.head = Head::AdaFace),
        Case {
            name: "plateau after a fall",
            change: |config| {
                config.train.schedule = Schedule::Plateau;
                config.train.plateau_epochs = 1;
                config.train.epochs = 8;
                config.train.warmup_epochs = Auto::Set(0.0);
                // Nothing is learnt, so nothing improves.
                config.train.lr = Auto::Set(1e-6);
            },
            is_moment: |metrics| metrics.lr < 0.5e-6,
            needs: |state| !state.falls.is_empty(),
        },
    ]
}

/// The checkpoint that was written last.
fn newest_state(run: &Path) -> CheckpointState {
    let newest = run.join("checkpoints").join(format!("{:06}", newest_step(run).unwrap()));
    Checkpoint::open(&newest).unwrap().state
}

#[test]
fn a_run_in_two_parts_equals_the_whole_run_whatever_it_keeps_from_step_to_step() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"));
    let mut seen = BTreeSet::new();
    for case in cases() {
        let name = case.name;
        let mut config = config();
        (case.change)(&mut config);
        let [whole, parts] = ["whole", "parts"].map(|part| folder.path().join(format!("{part}, {name}")));
        run(&catalog, &config, Place::NewAt(whole.clone()), None);

        let stopped = run_until(&catalog, &config, Place::NewAt(parts.clone()), case.is_moment);
        let state = newest_state(&parts);
        let is_in_an_epoch = stopped.stopped && state.step_in_epoch > 0;
        assert!(is_in_an_epoch && (case.needs)(&state), "{name}: the stop came at another moment: {state:?}");
        let finished = run(&catalog, &config, Place::Resume(parts.clone()), None);
        assert!(!finished.stopped && finished.epochs == config.train.epochs, "{name}: {finished:?}");

        assert_eq!(metrics(&whole), metrics(&parts), "{name}: the metrics differ");
        let weights_whole = weights(&whole);
        assert!(weights_whole == weights(&parts), "{name}: the weights differ");
        assert!(seen.insert(weights_whole), "{name}: its settings change nothing, so it tests nothing");
    }
}

/// Ends the run at a step, as a kill does: nothing that comes after a step is done.
struct Killer {
    at_step: u64,
}

impl Observer for Killer {
    fn event(&mut self, event: TrainEvent) {
        if matches!(event, TrainEvent::Step(metrics) if metrics.step == self.at_step) {
            resume_unwind(Box::new("killed"));
        }
    }
}

#[test]
fn a_run_that_was_killed_before_its_first_checkpoint_begins_anew_and_equals_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"));
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    run(&catalog, &config(), Place::NewAt(whole.clone()), None);

    let mut place = Place::NewAt(killed.clone());
    // Twice, at different steps.
    for at_step in [5, 3] {
        let request = TrainRequest { catalog: Arc::clone(&catalog), config: config(), place };
        let ended =
            catch_unwind(AssertUnwindSafe(|| train(&request, &Control::default(), &mut Killer { at_step }).map(drop)));
        assert!(ended.is_err(), "the run came to an end of its own: {ended:?}");
        assert_eq!(among_checkpoints(&killed), Vec::<String>::new(), "this test needs a kill before any checkpoint");
        assert_eq!(metrics(&killed).lines().count() as u64, at_step, "this test needs a log that is ahead");
        place = Place::Resume(killed.clone());
    }
    run(&catalog, &config(), place, None);
    assert_eq!(metrics(&whole), metrics(&killed), "the metrics differ");
    assert!(weights(&whole) == weights(&killed), "the weights differ");
}
