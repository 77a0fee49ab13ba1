//! Runs that blow up, from the first step to the last.
//!
//! The decay makes them do so: SGD multiplies a weight by `1 - lr · decay` in every step, and beyond `lr · decay = 2` it
//! grows without end, whatever the images are.

use super::super::checkpoint::{HEAD_FILE, MODEL_FILE};
use super::*;
use crate::config::{Schedule, TrainConfig, save};
use crate::model::weights::weights_from_bytes;
use std::path::PathBuf;

/// A run with one quiet epoch behind it.
struct Begun {
    catalog: Arc<Catalog>,
    path: PathBuf,
    saved: Checkpoint,
}

impl Begun {
    fn below(folder: &Path) -> Self {
        let catalog = draw(&folder.join("data"), 12, 10);
        let path = folder.join("run");
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
        run(&catalog, &config, Place::NewAt(path.clone()), None).unwrap();
        let (saved, _) = latest_checkpoint(&path).unwrap();
        Self { catalog, path, saved }
    }

    /// Goes on to the third epoch with settings changed by hand.
    fn go_on(&self, change: impl FnOnce(&mut TrainConfig)) -> (Result<RunSummary, TrainError>, Vec<TrainEvent>) {
        let mut settings = read_config(&self.path).unwrap();
        change(&mut settings.train);
        save(&settings, &self.path.join("run.toml")).unwrap();
        let (catalog, place) = (Arc::clone(&self.catalog), Place::Resume(self.path.clone()));
        let mut watcher = Watcher::default();
        let result = train(&TrainRequest { catalog, config: config(), place }, &Control::default(), &mut watcher);
        (result, watcher.events)
    }
}

fn warnings(events: &[TrainEvent]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| if let TrainEvent::Warning(text) = event { Some(text.as_str()) } else { None })
        .collect()
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
        let loss = if line["kind"] == "step" { &line["loss"] } else { &line["train_loss"] };
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
}

#[test]
fn a_run_that_blows_up_again_and_again_ends_with_advice_and_keeps_its_last_good_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Begun::below(folder.path());
    // The class weights times -49 in every step; at an eighth of the rate still times -5.25.
    let (result, events) = begun.go_on(|train| {
        train.lr = Auto::Set(0.5);
        train.head_lr_factor = 100.0;
        train.weight_decay = 1.0;
    });
    let error = result.unwrap_err();
    assert!(matches!(error, TrainError::Diverged { rewinds: 3, .. }), "{error}");
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
        train.head_lr_factor = 1.0;
    });
    assert_eq!(result.unwrap().epochs, 3);
    assert_finite(&begun.path, &events);
}
