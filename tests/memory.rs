//! The memory that is announced before training, beside what training steps take. Every measurement is a process of its
//! own, because the peak of a process never falls.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may stop, and says why it skips")]

#[path = "common/program.rs"]
mod program;

use arclens::config::{Auto, Colour, DataFacts, Net, Pooling, RunConfig, resolve};
use arclens::model::Form;
use arclens::train::Footprint;
use program::ok;

const CLASSES: usize = 100;
const EMBEDDING_DIM: u32 = 128;
const IMAGE_PX: u32 = 32;
/// Of the announced memory, as [`Footprint`] promises.
const ACCURACY: f64 = 0.3;

/// What a run of these settings announces, in bytes.
fn announced(net: Net, batch: u32) -> f64 {
    let mut config = RunConfig::default();
    config.model.net = net;
    // The way of the benchmark's networks.
    config.model.pooling = Pooling::Average;
    config.model.embedding_dim = Auto::Set(EMBEDDING_DIM);
    config.data.image_px = Auto::Set(IMAGE_PX);
    config.data.colour = Colour::Rgb;
    config.train.batch = batch;
    let facts = DataFacts {
        train_classes: CLASSES,
        train_images: 60_000,
        validation_images: 10_000,
        typical_px: IMAGE_PX,
        all_grey: false,
    };
    let resolved = resolve(&config, &facts).unwrap();
    Footprint::of(&resolved, CLASSES, Form::default()).training_bytes as f64
}

/// The peak of a process that takes such steps, in bytes; `None` where the system does not tell.
fn measured(net: Net, batch: u32) -> Option<f64> {
    let folder = tempfile::tempdir().unwrap();
    let (px, dim) = (IMAGE_PX.to_string(), EMBEDDING_DIM.to_string());
    let (classes, batch) = (CLASSES.to_string(), batch.to_string());
    let step = ["bench", "step", "--net", net.word(), "--image", &px, "--channels", "3", "--batch", &batch];
    let head = ["--dim", &dim, "--classes", &classes];
    // The optimiser's state comes with the first step, so the second is the first with everything. Each thread has
    // memory of its own, and machines have many.
    let rest = ["--warmup", "1", "--steps", "2", "--threads", "2", "--device", "cpu", "--json"];
    let found = ok(folder.path(), &[&step[..], &head, &rest].concat());
    found["peak_mib"].as_f64().map(|mib| mib * f64::from(1 << 20))
}

#[test]
fn the_announced_memory_is_that_of_real_steps() {
    for (net, batches) in [(Net::Small, [32, 128]), (Net::Resnet18, [16, 64])] {
        for batch in batches {
            let Some(measured) = measured(net, batch) else {
                eprintln!("skipped: this system does not tell the peak memory of a process");
                return;
            };
            let announced = announced(net, batch);
            let share = measured / announced;
            let [measured_mb, announced_mb] = [measured, announced].map(|bytes| (bytes / 1e6).round());
            assert!(
                (share - 1.0).abs() <= ACCURACY,
                "{net:?}, batch {batch}: {announced_mb} MB were announced, {measured_mb} MB were measured"
            );
        }
    }
}
