//! The memory that is announced before training, beside what training steps and whole runs take. Every measurement is a
//! process of its own, because the peak of a process never falls.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may stop, and says why it skips")]

#[path = "common/process.rs"]
mod process;
#[path = "common/program.rs"]
mod program;

use arclens::config::{Auto, Colour, DataFacts, Net, Pooling, RunConfig, resolve};
use arclens::data::sample::{SampleSpec, write_sample};
use arclens::data::{Catalog, split};
use arclens::model::Form;
use arclens::train::{Footprint, data_facts, read_config};
use process::number_of;
use program::{command, ok};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// What Linux calls the peak of a process.
const PEAK: &str = "VmHWM:";
const CLASSES: usize = 100;
const EMBEDDING_DIM: u32 = 128;
const IMAGE_PX: u32 = 32;
/// Of the announced memory, as [`Footprint`] promises.
const ACCURACY: f64 = 0.3;
/// Of the memory of steps that keep all maps, what those take at most that compute them again. Announced is 0.6.
const MOST_OF_KEPT: f64 = 0.8;
/// Of the announced memory, what a whole run takes at most: the allocator keeps some of what one part of it needed while the
/// next part runs.
const MOST_OF_RUN: f64 = 1.5;

/// Steps that are measured and announced.
#[derive(Clone, Copy, Debug)]
struct Steps {
    net: Net,
    batch: u32,
    /// Maps are computed again for the gradients.
    recompute: bool,
}

/// What a step of these settings announces, in bytes.
fn announced(Steps { net, batch, recompute }: Steps) -> f64 {
    let mut config = RunConfig::default();
    config.model.net = net;
    // The way of the benchmark's networks.
    config.model.pooling = net.published_pooling().unwrap_or(Pooling::Average);
    config.train.recompute = recompute;
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
    Footprint::of(&resolved, CLASSES, Form::default()).step_bytes as f64
}

/// The system tells the peak memory of a process; where it does not, a test has nothing to look at.
fn is_told() -> bool {
    let is_told = number_of("self", "status", PEAK).is_some();
    if !is_told {
        eprintln!("skipped: this system does not tell the peak memory of a process");
    }
    is_told
}

/// The peak of a process that takes such steps, in bytes.
fn measured(Steps { net, batch, recompute }: Steps) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let (px, dim) = (IMAGE_PX.to_string(), EMBEDDING_DIM.to_string());
    let (classes, batch) = (CLASSES.to_string(), batch.to_string());
    let step = ["bench", "step", "--net", net.word(), "--image", &px, "--channels", "3", "--batch", &batch];
    let head = ["--dim", &dim, "--classes", &classes];
    // The optimiser's state comes with the first step, so the second is the first with everything. Each thread has
    // memory of its own, and machines have many.
    let rest = ["--warmup", "1", "--steps", "2", "--threads", "2", "--device", "cpu", "--json"];
    let again: &[&str] = if recompute { &["--recompute"] } else { &[] };
    let found = ok(folder.path(), &[&step[..], &head, &rest, again].concat());
    found["peak_mib"].as_f64().unwrap() * f64::from(1 << 20)
}

/// The measured peak of such steps, which must be near what is announced.
fn checked(steps: Steps) -> f64 {
    let (measured, announced) = (measured(steps), announced(steps));
    let [measured_mb, announced_mb] = [measured, announced].map(|bytes| (bytes / 1e6).round());
    assert!(
        (measured / announced - 1.0).abs() <= ACCURACY,
        "{steps:?}: {announced_mb} MB were announced, {measured_mb} MB were measured"
    );
    measured
}

#[test]
fn the_announced_memory_is_that_of_real_steps() {
    if !is_told() {
        return;
    }
    // Of every network one batch, and of two kinds how it grows with the batch.
    for (net, batch) in [
        (Net::Small, 32),
        (Net::Small, 128),
        (Net::Resnet18, 16),
        (Net::Resnet18, 64),
        (Net::Iresnet18, 16),
        (Net::MobileFaceNet, 16),
    ] {
        checked(Steps { net, batch, recompute: false });
    }
}

/// Of a network with few weights and many maps.
#[test]
fn maps_that_are_computed_again_take_less_memory_and_as_much_as_announced() {
    if !is_told() {
        return;
    }
    let [kept, again] = [false, true].map(|recompute| checked(Steps { net: Net::MobileFaceNet, batch: 64, recompute }));
    let [kept_mb, again_mb] = [kept, again].map(|bytes| (bytes / 1e6).round());
    assert!(again < MOST_OF_KEPT * kept, "{kept_mb} MB became {again_mb} MB");
}

/// Few images to learn from and many to be measured on.
fn draw(folder: &Path) {
    let spec = SampleSpec { identities: 36, images_per_identity: 6, size_px: 32, ..SampleSpec::default() };
    write_sample(folder, &spec, &|_, _| {}, &|| false).unwrap();
    let mut identities: Vec<_> =
        fs::read_dir(folder.join("train")).unwrap().map(|entry| entry.unwrap().path()).collect();
    identities.sort();
    identities.iter().skip(4).for_each(|identity| fs::remove_dir_all(identity).unwrap());
}

/// The peak of the program with these words, in bytes.
fn peak(folder: &Path, words: &[&str]) -> f64 {
    let mut program = command(folder, words);
    program.env("RAYON_NUM_THREADS", "2").stdout(Stdio::null()).stderr(Stdio::null());
    let mut program = program.spawn().unwrap();
    let process = program.id().to_string();
    let mut peak = None;
    loop {
        peak = number_of(&process, "status", PEAK).map(|kib| kib as f64 * 1024.0).or(peak);
        if let Some(ended) = program.try_wait().unwrap() {
            assert!(ended.success(), "{words:?}: {ended}");
            return peak.unwrap();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The images are large and the steps small, so that what is done beside the steps would tell: all that is looked at after
/// an epoch, the checkpoint, and the network that is measured at the end.
#[test]
fn a_whole_run_takes_no_more_than_is_announced() {
    if !is_told() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (data, run) = (folder.path().join("data"), folder.path().join("run"));
    draw(&data);
    let words =
        ["train", "data", "--out", "run", "--net", "small", "--image", "224", "--epochs", "1", "--device", "cpu"];
    let measured = peak(folder.path(), &[&words[..], &["--batch", "4", "--train.recompute", "true"]].concat());
    let config = read_config(&run).unwrap();
    let catalog = Catalog::open(&data, &|_| {}, &|| false).unwrap();
    let split = split(&catalog, &config.data, u64::from(config.train.seed)).unwrap();
    assert!(split.validation.len() > 64 && split.train.len() == 24, "what this test is about");
    let resolved = resolve(&config, &data_facts(&catalog, &split)).unwrap();
    let announced = Footprint::of(&resolved, split.train_classes.len(), Form::default()).training_bytes as f64;
    let [measured_mb, announced_mb] = [measured, announced].map(|bytes| (bytes / 1e6).round());
    assert!(
        measured <= MOST_OF_RUN * announced,
        "{announced_mb} MB were announced for the run, {measured_mb} MB were measured"
    );
}
