//! What the tests of whole runs share: a drawn set, runs that stop at a moment, and what they leave.

use arclens::config::{Auto, RunConfig};
use arclens::data::Catalog;
use arclens::data::sample::{SampleSpec, write_sample};
use arclens::train::{Control, Observer, Place, RunSummary, StepMetrics, TrainEvent, TrainRequest, train};
use std::path::Path;
use std::sync::Arc;

/// 16 identities with six images of 16 pixels.
pub fn draw(folder: &Path) -> Arc<Catalog> {
    let spec = SampleSpec { identities: 16, images_per_identity: 6, size_px: 16, ..SampleSpec::default() };
    write_sample(folder, &spec, &|_, _| {}, &|| false).unwrap();
    Arc::new(Catalog::open(folder, &|_| {}, &|| false).unwrap())
}

/// Three epochs of a few steps on the CPU.
pub fn config() -> RunConfig {
    let mut config = RunConfig::default();
    config.train.epochs = 3;
    config.train.batch = 8;
    config.train.device = "cpu".into();
    config.model.embedding_dim = Auto::Set(16);
    config.model.dropout = 0.2;
    config.data.image_px = Auto::Set(16);
    config
}

struct Watcher<F> {
    is_moment: F,
    control: Control,
}

impl<F: Fn(&StepMetrics) -> bool> Observer for Watcher<F> {
    fn event(&mut self, event: TrainEvent) {
        if let TrainEvent::Step(step) = &event
            && (self.is_moment)(step)
        {
            self.control.cancel();
        }
    }
}

/// Trains until the end, or stops after the first step of which `is_moment` is true.
pub fn run_until(
    catalog: &Arc<Catalog>,
    config: &RunConfig,
    place: Place,
    is_moment: impl Fn(&StepMetrics) -> bool,
) -> RunSummary {
    let control = Control::default();
    let mut watcher = Watcher { is_moment, control: control.clone() };
    let request = TrainRequest { catalog: Arc::clone(catalog), config: config.clone(), place };
    train(&request, &control, &mut watcher).unwrap()
}

/// The same with the number of a step.
pub fn run(catalog: &Arc<Catalog>, config: &RunConfig, place: Place, stop_at_step: Option<u64>) -> RunSummary {
    run_until(catalog, config, place, |step| stop_at_step.is_some_and(|stop| step.step >= stop))
}

/// Names of what lies among the checkpoints; none while there is no such folder.
pub fn among_checkpoints(run: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(run.join("checkpoints")).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// The step of the newest checkpoint.
pub fn newest_step(run: &Path) -> Option<u64> {
    among_checkpoints(run).iter().filter_map(|name| name.parse().ok()).max()
}

/// The numbers of the newest checkpoint. The header of the file is left out: its entries come in any order.
pub fn weights(run: &Path) -> Vec<Vec<u8>> {
    let newest = run.join("checkpoints").join(format!("{:06}", newest_step(run).unwrap()));
    ["model.safetensors", "head.safetensors"]
        .iter()
        .map(|name| {
            let bytes = std::fs::read(newest.join(name)).unwrap();
            let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            bytes[8 + header..].to_vec()
        })
        .collect()
}

/// The run's log. It holds nothing that depends on the clock.
pub fn metrics(run: &Path) -> String {
    std::fs::read_to_string(run.join("metrics.jsonl")).unwrap()
}
