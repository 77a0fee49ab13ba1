//! The same seed gives the same run, and a run that was stopped and continued equals one that was not, bit for bit, with
//! dropout on. In a test binary of its own, because dropout draws from burn's one generator per process.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use arclens::config::{Auto, RunConfig};
use arclens::data::Catalog;
use arclens::data::sample::{SampleSpec, write_sample};
use arclens::train::{Control, Observer, Place, RunSummary, TrainEvent, TrainRequest, train};
use std::path::Path;
use std::sync::Arc;

fn draw(folder: &Path) -> Arc<Catalog> {
    let spec = SampleSpec { identities: 16, images_per_identity: 6, size_px: 16, ..SampleSpec::default() };
    write_sample(folder, &spec, &|_, _| {}, &|| false).unwrap();
    Arc::new(Catalog::open(folder, &|_| {}, &|| false).unwrap())
}

fn config() -> RunConfig {
    let mut config = RunConfig::default();
    config.train.epochs = 3;
    config.train.batch = 8;
    config.train.device = "cpu".into();
    config.model.embedding_dim = Auto::Set(16);
    config.model.dropout = 0.2;
    config.data.image_px = Auto::Set(16);
    config
}

struct Watcher {
    stop_at_step: Option<u64>,
    control: Control,
}

impl Observer for Watcher {
    fn event(&mut self, event: TrainEvent) {
        if let (TrainEvent::Step(step), Some(stop)) = (&event, self.stop_at_step)
            && step.step >= stop
        {
            self.control.cancel();
        }
    }
}

fn run(catalog: &Arc<Catalog>, config: &RunConfig, place: Place, stop_at_step: Option<u64>) -> RunSummary {
    let control = Control::default();
    let mut watcher = Watcher { stop_at_step, control: control.clone() };
    let request = TrainRequest { catalog: Arc::clone(catalog), config: config.clone(), place };
    train(&request, &control, &mut watcher).unwrap()
}

/// The numbers of the newest checkpoint. The header of the file is left out: its entries come in any order.
fn weights(run: &Path) -> Vec<Vec<u8>> {
    let mut checkpoints: Vec<_> =
        std::fs::read_dir(run.join("checkpoints")).unwrap().flatten().map(|entry| entry.path()).collect();
    checkpoints.sort();
    let newest = checkpoints.last().unwrap();
    ["model.safetensors", "head.safetensors"]
        .iter()
        .map(|name| {
            let bytes = std::fs::read(newest.join(name)).unwrap();
            let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            bytes[8 + header..].to_vec()
        })
        .collect()
}

fn metrics(run: &Path) -> String {
    std::fs::read_to_string(run.join("metrics.jsonl")).unwrap()
}

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
    tuned.train.freeze_epochs = 1;
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
