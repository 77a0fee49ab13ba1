//! Training on tiny drawn sets: it learns, keeps what it has, and explains what goes wrong. That a run is a function of
//! its seed is tested in `tests/resume.rs`, alone in its process.

use super::checkpoint::Checkpoint;
use super::events::AngleHistogram;
use super::run_folder::{best_checkpoint, latest_checkpoint};
use super::*;
use crate::config::{Auto, Head, RunConfig, RunInfo, SeriesInfo, SplitBy};
use crate::data::Catalog;
use crate::data::testing::draw_classes;
use std::path::Path;
use std::sync::Arc;

mod decay;
mod divergence;
mod faults;
mod fine_tune;
mod folder;
mod recompute;
mod series;

fn draw(folder: &Path, identities: u8, images: u8) -> Arc<Catalog> {
    draw_classes(folder, identities, images);
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
    config.data.split = SplitBy::Identity;
    config
}

#[derive(Default)]
struct Watcher {
    events: Vec<TrainEvent>,
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
        self.events.push(event);
    }
}

fn run(
    catalog: &Arc<Catalog>,
    config: &RunConfig,
    place: Place,
    stop_at_step: Option<u64>,
) -> Result<RunSummary, TrainError> {
    let mut watcher = Watcher { stop_at_step, ..Watcher::default() };
    let control = watcher.control.clone();
    let request = TrainRequest { catalog: Arc::clone(catalog), config: config.clone(), place };
    train(&request, &control, &mut watcher)
}

#[test]
fn the_loss_falls_and_genuine_pairs_come_closer_than_impostors() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 15, 8);
    let mut config = config();
    config.train.epochs = 6;
    let mut watcher = Watcher::default();
    let request = TrainRequest { catalog, config, place: Place::NewAt(folder.path().join("run")) };
    let summary = train(&request, &Control::default(), &mut watcher).unwrap();
    let epochs: Vec<&EpochMetrics> = watcher
        .events
        .iter()
        .filter_map(|event| if let TrainEvent::Epoch(epoch) = event { Some(epoch) } else { None })
        .collect();
    assert_eq!(epochs.len(), 6);
    assert!(epochs[5].train_accuracy > epochs[0].train_accuracy, "{epochs:?}");
    assert!(summary.eer.unwrap() < 0.35, "{summary:?}");
    let stored = load_evaluation(&summary.run).unwrap();
    assert!(stored.report.d_prime > 0.5);
    assert!(load_operating_point(&summary.run).is_some());
    let tables = watcher
        .events
        .iter()
        .filter_map(|event| if let TrainEvent::Validation(snapshot) = event { Some(&snapshot.table) } else { None });
    for table in tables {
        for row in 0..table.len() {
            let norm: f32 = table.row(row).iter().map(|v| v * v).sum();
            assert!((norm - 1.0).abs() < 1e-4);
        }
    }
}

#[test]
fn every_optimiser_and_head_trains_and_closed_sets_report_accuracy() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 4, 12);
    for (optimizer, head) in [("sgd", Head::Softmax), ("adam", Head::CosFace), ("adamw", Head::ArcFace)] {
        let mut config = config();
        config.set_text("train.optimizer", optimizer).unwrap();
        config.loss.head = head;
        config.data.split = SplitBy::Image;
        let place = Place::NewAt(folder.path().join(optimizer));
        let summary = run(&catalog, &config, place, None).unwrap();
        assert!(summary.train_loss.unwrap().is_finite());
        assert!(summary.val_loss.unwrap().is_finite() && (0.0..=1.0).contains(&summary.val_accuracy.unwrap()));
    }
}

/// Turns a bit in the middle of a checkpoint's network.
fn damage(checkpoint: &Path) {
    let file = checkpoint.join("model.safetensors");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn a_damaged_checkpoint_is_noticed_and_the_one_before_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 12, 4);
    let path = folder.path().join("run");
    run(&catalog, &config(), Place::NewAt(path.clone()), None).unwrap();
    let (newest, _) = latest_checkpoint(&path).unwrap();
    damage(&newest.path);
    assert!(matches!(Checkpoint::open(&newest.path), Err(TrainError::Damaged { .. })));
    let (older, damaged) = latest_checkpoint(&path).unwrap();
    assert!(older.state.step < newest.state.step);
    assert!(damaged[0].contains("checksum"), "{damaged:?}");
    let mut longer = config();
    longer.train.epochs = 4;
    run(&catalog, &longer, Place::Resume(path), None).unwrap();
}

#[test]
fn two_processes_cannot_write_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let first = RunFolder::create(&Place::NewAt(path.clone()), "x").unwrap();
    first.write_config(&RunConfig::default()).unwrap();
    let error = RunFolder::open(&path).unwrap_err();
    assert!(matches!(error, TrainError::Locked(_)), "{error}");
    drop(first);
    RunFolder::open(&path).unwrap();
}

#[test]
fn a_new_run_never_overwrites_a_folder_with_something_in_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.tex"), "x").unwrap();
    let error = RunFolder::create(&Place::NewAt(folder.path().to_owned()), "x").unwrap_err().to_string();
    assert!(error.contains("not empty") && error.contains("--resume"), "{error}");
}

#[test]
fn what_a_killed_process_left_is_no_model_and_is_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let create = || RunFolder::create(&Place::NewAt(path.clone()), "x");
    // The first was killed before it had written its settings.
    drop(create().unwrap());
    create().unwrap().write_config(&RunConfig::default()).unwrap();
    assert!(matches!(create(), Err(TrainError::Exists(_))));

    let [half, removed, replaced] =
        [".writing-a1b2c3", ".removed-000009", ".replaced-000007"].map(|name| path.join("checkpoints").join(name));
    for left in [&half, &removed, &replaced] {
        std::fs::create_dir(left).unwrap();
        std::fs::write(left.join("model.json"), "{}").unwrap();
    }
    assert!(!read_run(&path).unwrap().has_model);
    drop(RunFolder::open(&path).unwrap());
    assert!(!half.exists() && !removed.exists() && !replaced.exists());
    assert!(!path.join("checkpoints/000009").exists(), "what was being removed came back");
    assert!(path.join("checkpoints/000007/model.json").is_file(), "nothing had taken its place yet");
    assert!(read_run(&path).unwrap().has_model);
}

#[test]
fn a_run_is_not_continued_on_other_images() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 12, 4);
    let mut config = config();
    config.train.epochs = 1;
    let path = folder.path().join("run");
    run(&catalog, &config, Place::NewAt(path.clone()), None).unwrap();
    let other = draw(&folder.path().join("other"), 12, 5);
    let error = run(&other, &config, Place::Resume(path), None).unwrap_err().to_string();
    assert!(error.contains("differ"), "{error}");
}

#[test]
fn an_absurd_learning_rate_ends_with_advice_and_not_with_not_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 12, 6);
    let mut config = config();
    config.loss.head = Head::Softmax;
    config.train.epochs = 200;
    config.train.grad_clip = 0.0;
    config.train.warmup_epochs = Auto::Set(0.0);
    config.train.momentum = 0.999;
    config.set_text("train.lr", "10").unwrap();
    config.set_text("train.weight_decay", "1").unwrap();
    match run(&catalog, &config, Place::NewAt(folder.path().join("run")), Some(400)) {
        Err(error @ TrainError::Diverged { .. }) => assert!(error.to_string().contains("train.lr"), "{error}"),
        Err(other) => panic!("{other}"),
        Ok(summary) => assert!(summary.train_loss.is_none_or(f64::is_finite)),
    }
}

#[test]
fn a_loaded_model_embeds_an_image_as_the_batch_did() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 12, 4);
    let mut config = config();
    config.train.epochs = 1;
    config.eval.flip = Auto::Set(true);
    let path = folder.path().join("run");
    run(&catalog, &config, Place::NewAt(path.clone()), None).unwrap();
    let model = TrainedModel::open(&path, Device::Cpu).unwrap();
    assert!(model.info().add_mirror);
    let (result, _) = evaluate_split(&model, &catalog, None, &Control::default(), &mut |_, _| {}).unwrap();
    let item = result.table.items()[0];
    let (single, pixels) = model.embed_image(&catalog.load(item as usize).unwrap()).unwrap();
    assert_eq!(pixels.len(), 16 * 16 * 3);
    let cosine = crate::eval::cosine_similarity(&single, result.table.row(0));
    assert!(cosine > 0.9999, "{cosine}");
    assert!(best_checkpoint(&path).is_ok());
}

#[test]
fn a_folder_that_is_no_run_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let error = TrainedModel::open(folder.path(), Device::Cpu).unwrap_err().to_string();
    assert!(error.contains("not a run folder") && error.contains("run.toml"), "{error}");
    assert!(list_runs(folder.path()).is_empty());
}

#[test]
fn an_unknown_device_is_answered_with_the_known_ones() {
    let error = choose("tpu:3").unwrap_err().to_string();
    assert!(error.contains("tpu:3") && error.contains("cpu"), "{error}");
    assert!(choose("cpu").is_ok() && choose("auto").is_ok());
}

#[test]
fn angles_fall_into_their_five_degree_bins() {
    let mut angles = AngleHistogram::default();
    for degrees in [0.0f32, 4.9, 5.1, 90.0, 180.0] {
        angles.add_cosine(degrees.to_radians().cos());
    }
    angles.add_cosine(2.0);
    assert_eq!((angles.counts[0], angles.counts[1], angles.counts[35]), (3, 1, 1));
    assert_eq!(angles.counts.iter().sum::<u32>(), 6);
}

fn tiny_specs(net: crate::config::Net) -> (crate::model::EmbedderSpec, crate::loss::HeadSpec) {
    let embedder = crate::model::EmbedderSpec {
        net,
        form: Default::default(),
        pooling: Default::default(),
        channels: 1,
        image_px: 16,
        embedding_dim: 8,
        dropout: 0.0,
    };
    let margins = crate::config::Margins { rad: 0.3, ..crate::config::Margins::NONE };
    let head = crate::loss::HeadSpec::plain(Head::ArcFace, [3, 8], 16.0, margins);
    (embedder, head)
}

fn tiny_batch() -> crate::data::HostBatch {
    let images: Vec<f32> = (0..6 * 256).map(|i| ((i * 37 % 101) as f32) / 50.0 - 1.0).collect();
    crate::data::HostBatch { images, labels: vec![0, 1, 2, 0, 1, 2], items: vec![0; 6], channels: 1, px: 16 }
}

/// The whole margin at a step whose number is its seed.
fn moment(step: u64) -> crate::loss::Moment {
    crate::loss::Moment { share: 1.0, step, seed: step }
}

/// The path a GPU takes, on the CPU: burn's run-time dispatch must compute the same steps, with outcomes read at once or
/// only after several steps.
#[cfg(feature = "cuda")]
#[test]
fn the_dispatched_backend_takes_the_same_steps_as_the_direct_one() {
    use super::session::{BurnSession, Devices, Mode};
    use crate::config::{Net, Precision};
    let config = RunConfig::default().train;
    let batch = tiny_batch();
    for (net, read_every) in [(Net::Small, 1), (Net::Small, 3), (Net::Iresnet18, 3), (Net::MobileFaceNet, 1)] {
        let (embedder, head) = tiny_specs(net);
        let plain = burn::DispatchDevice::Flex(Default::default());
        let mode = Mode { precision: Precision::F32, read_every };
        let devices = Devices::dispatched(plain);
        let mut dispatched = BurnSession::<crate::kernels::Gpu>::new(&embedder, &head, &config, devices, mode);
        let mut direct = open_session(Device::Cpu, &embedder, &head, &config).unwrap();
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for step in 0..4 {
            a.extend(direct.step(&batch, 0.01, moment(step)).unwrap());
            b.extend(Session::step(&mut dispatched, &batch, 0.01, moment(step)).unwrap());
        }
        b.extend(dispatched.settle().unwrap());
        assert_eq!((a.len(), b.len()), (4, 4));
        let first = a[0].loss;
        for (step, (a, b)) in a.iter().zip(&b).enumerate() {
            assert!((a.loss - b.loss).abs() < 2e-3 * first, "{net:?}, {step}: {} and {}", a.loss, b.loss);
            assert!(a.fate == Fate::Applied && b.fate == Fate::Applied);
            assert_eq!(a.target_cosines.len(), b.target_cosines.len());
        }
        let (a, b) = (direct.embed(&batch).unwrap(), dispatched.embed(&batch).unwrap());
        let cosine = crate::eval::cosine_similarity(&a[..8], &b[..8]);
        assert!(cosine > 0.99, "{net:?}: {cosine}");
        let saved = dispatched.save().unwrap();
        dispatched.restore(&saved.resume).unwrap();
        assert_eq!(dispatched.embed(&batch).unwrap(), b);
    }
}

/// Losses of some steps.
fn losses(session: &mut dyn Session, batch: &crate::data::HostBatch, steps: u64) -> Vec<f64> {
    let mut outcomes = Vec::new();
    for step in 0..steps {
        outcomes.extend(session.step(batch, 0.01, moment(step)).unwrap());
    }
    outcomes.extend(session.settle().unwrap());
    assert_eq!(outcomes.len() as u64, steps);
    assert!(outcomes.iter().all(|outcome| outcome.fate == Fate::Applied));
    outcomes.iter().map(|outcome| outcome.loss).collect()
}

#[test]
fn outcomes_read_late_are_those_read_at_once() {
    use super::session::{BurnSession, Devices, Mode};
    let (embedder, head) = tiny_specs(crate::config::Net::Small);
    let config = RunConfig::default().train;
    let open = |read_every| {
        let mode = Mode { precision: crate::config::Precision::F32, read_every };
        BurnSession::<crate::kernels::Cpu>::new(&embedder, &head, &config, Devices::same(Default::default()), mode)
    };
    let at_once = losses(&mut open(1), &tiny_batch(), 7);
    let late = losses(&mut open(3), &tiny_batch(), 7);
    for (a, b) in at_once.iter().zip(&late) {
        // The norm is taken in f32 here and in f64 there.
        assert!((a - b).abs() < 1e-3 * at_once[0], "{at_once:?} and {late:?}");
    }
}

#[test]
fn an_unusable_step_on_the_device_leaves_the_weights_finite() {
    use super::session::{BurnSession, Devices, Mode};
    let (embedder, head) = tiny_specs(crate::config::Net::Small);
    let mode = Mode { precision: crate::config::Precision::F32, read_every: 4 };
    let config = RunConfig::default().train;
    let devices = Devices::same(Default::default());
    let mut session = BurnSession::<crate::kernels::Cpu>::new(&embedder, &head, &config, devices, mode);
    let mut broken = tiny_batch();
    broken.images[3] = f32::NAN;
    let before = Session::save(&session).unwrap().head;
    session.step(&broken, 0.01, moment(0)).unwrap();
    session.step(&broken, 0.01, moment(1)).unwrap();
    let outcomes = session.settle().unwrap();
    assert!(outcomes.len() == 2 && outcomes.iter().all(|step| step.fate == Fate::Unusable && step.loss.is_nan()));
    let embedded = session.embed(&tiny_batch()).unwrap();
    assert!(embedded.iter().all(|value| value.is_finite()), "the running statistics were lost");
    let rows = |bytes: &[u8]| bytes[bytes.len() - 3 * 8 * 4..].to_vec();
    let floats = |bytes: Vec<u8>| -> Vec<f32> {
        bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
    };
    // Only the decay moved them.
    for (a, b) in floats(rows(&before)).iter().zip(floats(rows(&Session::save(&session).unwrap().head))) {
        assert!((a - b).abs() < 1e-4, "{a} became {b}");
    }
}

#[test]
fn parts_of_a_batch_add_up_to_the_step_of_the_whole_where_nothing_is_normalised_over_the_batch() {
    let (embedder, head) = tiny_specs(crate::config::Net::Small);
    // Every part holds the same images, so that the normalisation sees the same numbers.
    let mut batch = tiny_batch();
    batch.images.copy_within(..3 * 256, 3 * 256);
    let run = |micro_batches| {
        let config = crate::config::TrainConfig { micro_batches, ..RunConfig::default().train };
        losses(open_session(Device::Cpu, &embedder, &head, &config).unwrap().as_mut(), &batch, 4)
    };
    for (whole, parts) in run(1).iter().zip(run(2)) {
        assert!((whole - parts).abs() < 2e-3 * whole.abs(), "{whole} and {parts}");
    }
}

#[test]
fn half_precision_follows_full_precision() {
    use super::session::{BurnSession, Devices, Mode};
    use crate::config::{Net, Precision};
    let config = RunConfig::default().train;
    for net in [Net::Small, Net::Iresnet18, Net::MobileFaceNet] {
        let (embedder, head) = tiny_specs(net);
        let run = |precision| {
            let mode = Mode { precision, read_every: 1 };
            let devices = Devices::same(Default::default());
            let mut session = BurnSession::<crate::kernels::Cpu>::new(&embedder, &head, &config, devices, mode);
            let steps = 0..16;
            steps.flat_map(|step| session.step(&tiny_batch(), 0.01, moment(step)).unwrap()).collect::<Vec<_>>()
        };
        let full = run(Precision::F32)[0].loss;
        for precision in [Precision::Bf16, Precision::F16] {
            let half = run(precision);
            let first = half[0].loss;
            assert!((full - first).abs() < 0.03 * full, "{net:?}, {precision:?}: {full} and {first}");
            // The first factors of f16 may be too large for a network of random weights.
            assert!(
                precision == Precision::F16 || half.iter().all(|step| step.fate == Fate::Applied),
                "{net:?}: {half:?}"
            );
            let last = half.last().unwrap();
            assert!(last.fate == Fate::Applied && last.loss < 0.8 * first, "{net:?}, {precision:?}: {half:?}");
        }
    }
}

/// The first factors are too large for this network: the fitting one is found step by step, and the run goes on.
#[test]
fn overflows_of_half_precision_that_are_read_late_are_not_taken_for_divergence() {
    use super::session::{BurnSession, Devices, Mode};
    let (embedder, head) = tiny_specs(crate::config::Net::Iresnet18);
    let mode = Mode { precision: crate::config::Precision::F16, read_every: 8 };
    let config = RunConfig::default().train;
    let devices = Devices::same(Default::default());
    let mut session = BurnSession::<crate::kernels::Cpu>::new(&embedder, &head, &config, devices, mode);
    let mut steps: Vec<_> = (0..40).flat_map(|step| session.step(&tiny_batch(), 0.01, moment(step)).unwrap()).collect();
    steps.extend(session.settle().unwrap());
    assert_eq!(steps.len(), 40);
    assert!(steps.iter().all(|step| step.fate != Fate::Unusable), "{steps:?}");
    assert!(steps[0].fate == Fate::Overflowed, "this test needs a factor that is too large at first: {steps:?}");
    let lost = steps.iter().filter(|step| step.fate == Fate::Overflowed).count();
    assert!(lost < 16, "{lost} of 40 steps");
    assert!(steps.last().unwrap().fate == Fate::Applied, "{steps:?}");
}

#[test]
fn averaged_weights_follow_and_are_what_is_shown_and_saved() {
    let (embedder, head) = tiny_specs(crate::config::Net::Small);
    let open = |weight_average| {
        let config = crate::config::TrainConfig { weight_average, ..RunConfig::default().train };
        open_session(Device::Cpu, &embedder, &head, &config).unwrap()
    };
    let (mut plain, mut averaged) = (open(0.0), open(0.9));
    let batch = tiny_batch();
    let start = plain.embed(&batch).unwrap();
    assert_eq!(averaged.embed(&batch).unwrap(), start);
    for step in 0..6 {
        let [a, b] = [&mut plain, &mut averaged].map(|session| session.step(&batch, 0.05, moment(step)).unwrap());
        assert_eq!(a, b, "the average must not change the training");
    }
    let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
    let (last, mean) = (plain.embed(&batch).unwrap(), averaged.embed(&batch).unwrap());
    assert!(distance(&mean, &start) > 0.0 && distance(&mean, &last) > 0.0);
    let saved = averaged.save().unwrap();
    let mut resumed = open(0.9);
    resumed.restore(&saved.resume).unwrap();
    assert_eq!(resumed.embed(&batch).unwrap(), mean);
    // The next steps are the same too.
    for session in [&mut averaged, &mut resumed] {
        session.step(&batch, 0.05, moment(6)).unwrap();
    }
    assert_eq!(resumed.embed(&batch).unwrap(), averaged.embed(&batch).unwrap());
}

#[test]
fn the_head_can_learn_at_a_rate_of_its_own() {
    let (embedder, head) = tiny_specs(crate::config::Net::Small);
    let moved = |head_lr_factor| {
        let config = crate::config::TrainConfig {
            head_lr_factor,
            weight_decay: 0.0,
            grad_clip: 0.0,
            ..RunConfig::default().train
        };
        let mut session = open_session(Device::Cpu, &embedder, &head, &config).unwrap();
        let rows = |session: &dyn Session| -> Vec<f32> {
            let bytes = session.save().unwrap().head;
            bytes[bytes.len() - 3 * 8 * 4..]
                .chunks_exact(4)
                .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
                .collect()
        };
        let before = rows(session.as_ref());
        session.step(&tiny_batch(), 0.05, moment(0)).unwrap();
        rows(session.as_ref()).iter().zip(before).map(|(after, before)| after - before).collect::<Vec<f32>>()
    };
    for (once, tenfold) in moved(1.0).iter().zip(moved(10.0)) {
        assert!((10.0 * once - tenfold).abs() < 1e-4 + 1e-3 * tenfold.abs(), "{once} and {tenfold}");
    }
}

/// Losses that keep statistics, and everything that can be added, go through a whole run, a kill and a resume.
#[test]
fn every_loss_trains_and_resumes_bit_for_bit() {
    let (embedder, _) = tiny_specs(crate::config::Net::Small);
    let config = RunConfig::default().train;
    for kind in Head::every() {
        let mut head = crate::loss::HeadSpec::plain(kind, [3, 8], 8.0, kind.published_margins());
        head.options.class_share = 0.7;
        head.options.filter_above = 0.6;
        if kind.is_cosine() {
            head.options.subcenters = 2;
            head.options.batch_negatives = true;
        }
        let open = || open_session(Device::Cpu, &embedder, &head, &config).unwrap();
        let mut whole = open();
        let first: Vec<f64> = (0..3)
            .flat_map(|step| whole.step(&tiny_batch(), 0.01, moment(step)).unwrap())
            .map(|step| step.loss)
            .collect();
        let saved = whole.save().unwrap();
        let mut resumed = open();
        resumed.restore(&saved.resume).unwrap();
        for step in 3..6 {
            let [a, b] =
                [&mut whole, &mut resumed].map(|session| session.step(&tiny_batch(), 0.01, moment(step)).unwrap());
            assert_eq!(a, b, "{kind:?} after a resume");
            assert!(a[0].loss.is_finite() && a[0].fate == Fate::Applied, "{kind:?}: {first:?}, {a:?}");
        }
        let [a, b] = [&whole, &resumed].map(|session| {
            let embeddings = session.embed(&tiny_batch()).unwrap();
            (session.logits(embeddings.clone()).unwrap(), embeddings)
        });
        assert_eq!(a, b, "{kind:?}: the weights differ");
    }
}

#[test]
fn a_run_without_improvement_ends_early_and_the_plateau_lowers_the_rate() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 12, 4);
    let mut config = config();
    config.train.epochs = 30;
    config.train.stop_after = 4;
    config.train.schedule = crate::config::Schedule::Plateau;
    config.train.plateau_epochs = 1;
    config.train.warmup_epochs = Auto::Set(0.0);
    // Nothing is learnt, so nothing improves.
    config.set_text("train.lr", "1e-6").unwrap();
    let mut watcher = Watcher::default();
    let series = SeriesInfo { id: "one".into(), first_seed: 1, seeds: 2 };
    config.run = Some(RunInfo::before(series.clone()));
    let mut request = TrainRequest { catalog, config, place: Place::NewAt(folder.path().join("run")) };
    let summary = train(&request, &Control::default(), &mut watcher).unwrap();
    assert!(summary.epochs < 30 && !summary.stopped, "{summary:?}");
    let begun = read_run(&summary.run).unwrap();
    let facts = begun.config.run.clone().unwrap();
    assert!(facts.series == Some(series) && !facts.version.is_empty() && !facts.started.is_empty(), "{facts:?}");
    // The list knows what it came to, as long as nothing is left to train.
    let listed = begun.finished.clone().unwrap();
    assert_eq!((listed.epochs, &listed.run), (summary.epochs, &summary.run));
    assert!((listed.eer.unwrap() - summary.eer.unwrap()).abs() < 1e-9, "{listed:?}");
    let mut longer = begun;
    longer.config.train.stop_after = 0;
    assert!(RunSummary::of_listed(&longer).is_none());
    let told = |event: &TrainEvent| matches!(event, TrainEvent::Warning(text) if text.contains("train.stop_after"));
    assert!(watcher.events.iter().any(told));
    assert!(!read_run(&summary.run).unwrap().is_unfinished(), "there is nothing to continue");
    request.place = Place::Resume(summary.run.clone());
    let mut again = Watcher::default();
    let resumed = train(&request, &Control::default(), &mut again).unwrap();
    assert_eq!((resumed.epochs, resumed.stopped), (summary.epochs, false));
    let again_facts = read_run(&summary.run).unwrap().config.run.unwrap();
    assert_eq!((again_facts.series, again_facts.started), (facts.series, facts.started), "what it was begun as stays");
    assert!(again.events.iter().any(told) && !again.events.iter().any(|event| matches!(event, TrainEvent::Step(_))));
    let rates: Vec<f64> = watcher
        .events
        .iter()
        .filter_map(|event| if let TrainEvent::Step(step) = event { Some(step.lr) } else { None })
        .collect();
    assert!(rates.last().unwrap() < &(0.5 * rates[0]), "{rates:?}");
}

#[test]
fn a_run_that_diverges_goes_back_and_goes_on_more_slowly() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 12, 6);
    let mut config = config();
    config.train.epochs = 3;
    let request = TrainRequest { catalog, config, place: Place::NewAt(folder.path().join("run")) };
    let observer = &mut Watcher::default();
    let mut run = super::run::Run::prepare(&request, &Control::default(), observer).unwrap();
    for rewinds in 1..=3 {
        run.go_back(observer).unwrap();
        assert_eq!(run.state.rewinds, rewinds);
        assert!((run.rate(1_000) - 0.5_f64.powi(rewinds as i32) * lr_at(&run.plan, 1_000)).abs() < 1e-12);
    }
    let error = run.go_back(observer).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { rewinds: 3, has_checkpoint: false, .. }), "{error}");
    // It never had a checkpoint, so none can be kept.
    assert!(error.to_string().contains("no checkpoint is left") && !error.to_string().contains("kept"), "{error}");
}
