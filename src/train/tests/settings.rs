//! Settings that reach what they are about. That each then has the effect that it should have is tested where it is computed.

use super::super::footprint::specs;
use super::super::patience;
use super::super::prepare::sampling;
use super::super::run::Run;
use super::super::session::{BurnSession, Mode};
use super::*;
use crate::config::{AugmentConfig, DataFacts, Group, Kind, Net, PARAMS, ParamSpec, Resolved, resolve};
use crate::data::{Augment, HostBatch};
use crate::kernels::Cpu;
use crate::model::Form;
use std::collections::BTreeSet;

/// The first batch that a new run learns from, with these changes to its images and no others.
fn first_batch(catalog: &Arc<Catalog>, run: PathBuf, change: impl FnOnce(&mut AugmentConfig)) -> HostBatch {
    let mut config = one_epoch();
    config.augment = AugmentConfig {
        flip: Auto::Set(false),
        shift: 0.0,
        scale: 0.0,
        rotate_deg: 0.0,
        colour: 0.0,
        ..AugmentConfig::default()
    };
    change(&mut config.augment);
    let request = TrainRequest { catalog: Arc::clone(catalog), config, place: Place::NewAt(run) };
    let run = Run::prepare(&request, &Control::default(), &mut Watcher::default()).unwrap();
    run.loader().unwrap().next().unwrap().unwrap()
}

#[test]
fn a_run_learns_from_images_that_are_changed_as_its_settings_say() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 12, 4);
    let batch = |name: &str, change: fn(&mut AugmentConfig)| first_batch(&catalog, folder.path().join(name), change);
    let plain = batch("plain", |_| ());
    assert_eq!(batch("again", |_| ()).images, plain.images);
    let changed = [
        batch("mirrored", |augment| augment.flip = Auto::Set(true)),
        batch("moved", |augment| (augment.shift, augment.scale, augment.rotate_deg) = (0.1, 0.1, 10.0)),
        batch("recoloured", |augment| augment.colour = 0.3),
        batch("worse", |augment| (augment.crop, augment.jpeg, augment.cutout) = (0.5, 0.5, 0.5)),
    ];
    for batch in &changed {
        // The same images in the same order.
        assert_eq!((&batch.items, &batch.labels), (&plain.items, &plain.labels));
        assert!(batch.images != plain.images);
    }
}

/// What a part of a run is made of, or where there is more to it what comes of that, as text.
type Taker = fn(&Resolved) -> String;

fn network_and_head(resolved: &Resolved) -> String {
    format!("{:?}", specs(resolved, 10, Form::default()))
}

/// The curves that are made of the plan: a number that it holds and nobody reads would not count.
fn curves(resolved: &Resolved) -> String {
    let plan = Plan::new(resolved);
    let points: Vec<(f64, f64)> =
        (0..plan.total_steps).map(|step| (lr_at(&plan, step), margin_at(&plan, step))).collect();
    format!("{points:?}")
}

fn changes_to_images(resolved: &Resolved) -> String {
    format!("{:?}", Augment::of(&resolved.config.augment, resolved.flip))
}

fn order_of_images(resolved: &Resolved) -> String {
    format!("{:?}", sampling(resolved, 320))
}

/// What is made of two epochs without improvement: the falls, whether it is the end, and by what the second is measured.
fn ends_of_epochs(resolved: &Resolved) -> String {
    let (config, mut state) = (&resolved.config, CheckpointState { epoch: 2, ..CheckpointState::default() });
    patience::follow(&mut state, config);
    let metrics = EpochMetrics {
        epoch: 2,
        step: 20,
        train_loss: 1.0,
        train_accuracy: 0.5,
        val_loss: Some(0.7),
        val_accuracy: None,
        eer: Some(0.2),
        best: false,
        images_per_second: 0.0,
        elapsed_secs: 0.0,
    };
    let best = patience::better(&metrics, None, &config.train);
    format!("{:?}, {}, {best:?}", state.falls, patience::ends_early(2, 0, config))
}

/// The network after two steps, told from what it makes of its images.
fn steps(resolved: &Resolved) -> String {
    let train = &resolved.config.train;
    let ((embedder, head), batch) = (tiny_specs(Net::Small), tiny_batch());
    let mode = Mode { precision: train.precision, read_every: 1 };
    let mut session = BurnSession::<Cpu>::new(&embedder, &head, train, Default::default(), mode);
    (0..2).for_each(|step| drop(session.step(&batch, 0.05, moment(step)).unwrap()));
    format!("{:?}", session.embed(&batch).unwrap())
}

/// Maps that are computed again leave the weights as they are: they are there for the memory.
fn memory(resolved: &Resolved) -> String {
    Footprint::of(resolved, 10, Form::default()).training_bytes.to_string()
}

fn device(resolved: &Resolved) -> String {
    format!("{:?}", choose(&resolved.config.train.device).map_err(|error| error.to_string()))
}

/// What takes a setting. Each of the training is named: a new one has to say where it counts.
fn taker(spec: &ParamSpec) -> Option<Taker> {
    Some(match (spec.group, spec.key) {
        (Group::Augment, _) => changes_to_images,
        (_, "loss.margin_ramp") => curves,
        (Group::Model | Group::Loss, _) => network_and_head,
        (_, "train.batch" | "train.sampler" | "train.images_per_class") => order_of_images,
        (_, "train.start_from" | "train.freeze_epochs" | "train.epochs" | "train.lr" | "train.warmup_epochs") => curves,
        (_, "train.schedule" | "train.power" | "train.step_epochs" | "train.fall_factor") => curves,
        (_, "train.freeze_norm" | "train.micro_batches" | "train.precision" | "train.optimizer") => steps,
        (_, "train.head_lr_factor" | "train.momentum" | "train.nesterov" | "train.weight_decay") => steps,
        (_, "train.grad_clip" | "train.weight_average" | "train.seed") => steps,
        (_, "train.recompute") => memory,
        (_, "train.plateau_epochs" | "train.best" | "train.stop_after") => ends_of_epochs,
        (_, "train.device") => device,
        _ => return None,
    })
}

/// Values of a setting that are not all the same.
fn values(spec: &ParamSpec) -> Vec<String> {
    let texts = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    match (spec.key, spec.kind) {
        ("train.start_from", _) => texts(&["", "runs/other"]),
        ("train.step_epochs", _) => texts(&["2", "3"]),
        ("train.device", _) => texts(&["cpu", "tpu:3"]),
        // So small that it always counts.
        ("train.grad_clip", _) => texts(&["0.01", "0.02"]),
        (_, Kind::Bool) => texts(&["false", "true"]),
        (_, Kind::Choice(choices)) => choices.iter().map(|(word, _)| (*word).to_owned()).collect(),
        (_, Kind::Int { min, max }) => [2, 3].map(|value: i64| value.clamp(min, max).to_string()).to_vec(),
        (_, Kind::Float { min, max, .. }) => {
            [0.02, 0.04].map(|share: f64| (min + share * (max - min)).to_string()).to_vec()
        }
        (_, Kind::Text) => Vec::new(),
    }
}

/// Settings under which this one has an effect: the usual ones, or with one choice that is not the usual one.
fn base(spec: &ParamSpec) -> Option<RunConfig> {
    let mut usual = RunConfig::default();
    let augment = &mut usual.augment;
    (augment.crop, augment.low_resolution, augment.blur, augment.jpeg, augment.cutout) = (0.5, 0.5, 0.5, 0.5, 0.5);
    let words = PARAMS.iter().flat_map(|other| match other.kind {
        Kind::Choice(choices) => choices.iter().map(|(word, _)| (other.key, *word)).collect::<Vec<_>>(),
        _ => Vec::new(),
    });
    let others = words.chain([("train.start_from", "runs/other")]).map(|(key, word)| {
        let mut config = usual.clone();
        config.set_text(key, word).unwrap();
        config
    });
    std::iter::once(usual.clone()).chain(others).find(|config| (spec.applies)(config))
}

#[test]
fn every_setting_reaches_what_takes_it() {
    let facts =
        DataFacts { train_classes: 10, train_images: 320, validation_images: 10, typical_px: 28, all_grey: false };
    let of_training = [Group::Augment, Group::Model, Group::Loss, Group::Train];
    for spec in PARAMS.iter().filter(|spec| of_training.contains(&spec.group)) {
        let key = spec.key;
        let (Some(taker), Some(base)) = (taker(spec), base(spec)) else {
            panic!("{key}: this test has to know what takes it, and when it applies");
        };
        let with = |value: &String| {
            let mut config = base.clone();
            config.set_text(key, value).unwrap();
            resolve(&config, &facts).ok()
        };
        let taken: BTreeSet<String> = values(spec).iter().filter_map(with).map(|resolved| taker(&resolved)).collect();
        assert!(taken.len() > 1, "{key} does not reach what takes it");
    }
}
