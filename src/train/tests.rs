//! Training on tiny drawn sets: it learns, keeps what it has, and explains what goes wrong. That a run is a function of
//! its seed is tested in `tests/resume.rs`, alone in its process.

use super::checkpoint::Checkpoint;
use super::events::AngleHistogram;
use super::find_checkpoint::{best_usable, latest_checkpoint};
use super::*;
use crate::config::{Auto, Head, RunConfig, RunInfo, SeriesInfo, SplitBy};
use crate::data::Catalog;
use crate::data::testing::draw_classes;
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod decay;
mod divergence;
mod faults;
mod fine_tune;
mod folder;
mod going_on;
#[cfg(feature = "cuda")]
mod gpu;
mod imported;
mod recompute;
mod series;
mod settings;
mod start;
mod steps;
mod tensorboard;
mod updates;

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

fn one_epoch() -> RunConfig {
    let mut config = config();
    config.train.epochs = 1;
    config
}

/// Notes what happens.
#[derive(Default)]
struct Watcher {
    events: Vec<TrainEvent>,
}

impl Observer for Watcher {
    fn event(&mut self, event: TrainEvent) {
        self.events.push(event);
    }
}

/// Notes what happens, and stops the run at a certain moment.
struct Stopper<F> {
    is_moment: F,
    control: Control,
    events: Vec<TrainEvent>,
}

impl<F: FnMut(&TrainEvent) -> bool> Observer for Stopper<F> {
    fn event(&mut self, event: TrainEvent) {
        if (self.is_moment)(&event) {
            self.control.cancel();
        }
        self.events.push(event);
    }
}

/// Trains until the end, or stops at the event of which `is_moment` is true.
fn run_until(
    request: &TrainRequest,
    is_moment: impl FnMut(&TrainEvent) -> bool,
) -> (Result<RunSummary, TrainError>, Vec<TrainEvent>) {
    let control = Control::default();
    let mut stopper = Stopper { is_moment, control: control.clone(), events: Vec::new() };
    (train(request, &control, &mut stopper), stopper.events)
}

/// The same with the number of a step.
fn run(
    catalog: &Arc<Catalog>,
    config: &RunConfig,
    place: Place,
    stop_at_step: Option<u64>,
) -> Result<RunSummary, TrainError> {
    let request = TrainRequest { catalog: Arc::clone(catalog), config: config.clone(), place };
    let is_reached = |metrics: &StepMetrics| stop_at_step.is_some_and(|stop| metrics.step >= stop);
    run_until(&request, |event| matches!(event, TrainEvent::Step(metrics) if is_reached(metrics))).0
}

/// The best checkpoint, or what is used in its place.
fn best_checkpoint(run: &Path) -> Result<Checkpoint, TrainError> {
    best_usable(run).map(|(found, _)| found)
}

/// What a run came to that was not interrupted.
struct Trained {
    catalog: Arc<Catalog>,
    path: PathBuf,
    summary: RunSummary,
}

impl Trained {
    /// Draws a set with so many identities and images of each, and trains on it.
    fn below(folder: &Path, [identities, images]: [u8; 2], config: &RunConfig) -> Self {
        let (catalog, path) = (draw(&folder.join("data"), identities, images), folder.join("run"));
        let summary = run(&catalog, config, Place::NewAt(path.clone()), None).unwrap();
        Self { catalog, path, summary }
    }
}

fn warnings(events: &[TrainEvent]) -> Vec<&str> {
    events.iter().filter_map(warning).collect()
}

fn warning(event: &TrainEvent) -> Option<&str> {
    match event {
        TrainEvent::Warning(text) => Some(text),
        TrainEvent::DoubtfulStep { reason, .. } => Some(reason),
        _ => None,
    }
}

#[test]
fn the_loss_falls_and_genuine_pairs_come_closer_than_impostors() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 15, 8);
    let mut config = config();
    config.train.epochs = 6;
    // Dropout draws from burn's one generator per process, and so what is learnt would depend on the tests beside this one.
    config.model.dropout = 0.0;
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
    let Trained { catalog, path, .. } = Trained::below(folder.path(), [12, 4], &config());
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
fn a_wrong_number_in_where_the_run_stood_is_noticed_too() {
    let folder = tempfile::tempdir().unwrap();
    let Trained { path, .. } = Trained::below(folder.path(), [12, 4], &one_epoch());
    let (newest, _) = latest_checkpoint(&path).unwrap();
    let file = newest.path.join("state.json");
    let text = std::fs::read_to_string(&file).unwrap();
    for (from, to) in
        [("\"epoch\": 1", "\"epoch\": 2"), ("\"step\": ", "\"step\": 1"), ("state_sha256\": \"", "state_sha256\": \"0")]
    {
        assert!(text.contains(from), "{text}");
        std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
        let error = Checkpoint::open(&newest.path).unwrap_err();
        assert!(matches!(error, TrainError::Damaged { .. }) && error.to_string().contains("checksum"), "{error}");
    }
    // Older versions wrote none.
    let seal = text.find(",\n  \"state_sha256\"").unwrap();
    std::fs::write(&file, format!("{}\n}}", &text[..seal])).unwrap();
    assert_eq!(Checkpoint::open(&newest.path).unwrap().state, newest.state);
    std::fs::write(&file, text).unwrap();
    assert_eq!(Checkpoint::open(&newest.path).unwrap().state, newest.state);
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
    let Trained { path, .. } = Trained::below(folder.path(), [12, 4], &one_epoch());
    let other = draw(&folder.path().join("other"), 12, 5);
    let error = run(&other, &one_epoch(), Place::Resume(path), None).unwrap_err().to_string();
    assert!(error.contains("differ"), "{error}");
}

#[test]
fn an_absurd_learning_rate_ends_with_advice_and_not_with_not_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 12, 6);
    let mut config = config();
    config.loss.head = Head::Softmax;
    config.model.dropout = 0.0;
    config.train.warmup_epochs = Auto::Set(0.0);
    // The class weights times -999 in every step, at an eighth of the rate still times -124, whatever the images say.
    config.train.grad_clip = 0.01;
    config.set_text("train.lr", "10").unwrap();
    config.set_text("train.head_lr_factor", "100").unwrap();
    config.set_text("train.weight_decay", "1").unwrap();
    let request = TrainRequest { catalog, config, place: Place::NewAt(folder.path().join("run")) };
    let (result, events) = run_until(&request, |_| false);
    let error = result.unwrap_err();
    assert!(matches!(error, TrainError::Diverged { rewinds: 3, .. }), "{error}");
    assert!(error.to_string().contains("train.lr"), "{error}");
    let is_finite = |event: &TrainEvent| match event {
        TrainEvent::Step(metrics) => metrics.loss.is_finite(),
        TrainEvent::Epoch(metrics) => metrics.train_loss.is_finite(),
        _ => true,
    };
    assert!(events.iter().all(is_finite), "{events:?}");
}

#[test]
fn a_loaded_model_embeds_an_image_as_the_batch_did() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = one_epoch();
    config.eval.flip = Auto::Set(true);
    let Trained { catalog, path, .. } = Trained::below(folder.path(), [12, 4], &config);
    let model = TrainedModel::open(&path, Device::Cpu).unwrap();
    assert!(model.info().network.add_mirror);
    let rule = rule_of(&config.eval);
    let result = evaluate_split(&model, &catalog, rule, &Control::default(), &mut |_, _| {}).unwrap();
    let item = result.table.items()[0];
    let (single, pixels) = model.embed_image(&catalog.load(item as usize).unwrap()).unwrap();
    assert_eq!(pixels.len(), 16 * 16 * 3);
    let cosine = crate::eval::cosine_similarity(&single, result.table.row(0));
    assert!(cosine > 0.9999, "{cosine}");
    assert!(best_checkpoint(&path).is_ok());
}

/// How many images come together may decide the last bits of an embedding: it has to be the same number both times.
#[test]
fn what_a_run_measured_at_its_end_is_what_is_measured_again() {
    for (batch, parts, at_once) in [(8, 4, 8), (24, 1, 24)] {
        let folder = tempfile::tempdir().unwrap();
        let mut config = one_epoch();
        (config.train.batch, config.train.micro_batches) = (batch, parts);
        let Trained { catalog, path, .. } = Trained::below(folder.path(), [15, 8], &config);
        let stored = load_evaluation(&path).unwrap();
        let model = TrainedModel::open(&path, Device::Cpu).unwrap();
        assert_eq!(model.at_once(), at_once);
        let again = evaluate_split(&model, &catalog, stored.rule, &Control::default(), &mut |_, _| {}).unwrap();
        assert_eq!(again.report, stored.report);
    }
}

#[test]
fn a_folder_that_is_no_run_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let error = TrainedModel::open(folder.path(), Device::Cpu).unwrap_err().to_string();
    assert!(error.contains("not a run folder") && error.contains("run.toml"), "{error}");
    assert!(list_runs(folder.path()).unwrap().is_empty());
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
    crate::loss::Moment { step, seed: step, ..crate::loss::Moment::LATE }
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
    assert!(RunSummary::of_listed(&longer, &longer.path).is_none());
    let told = |event: &TrainEvent| matches!(event, TrainEvent::Warning(text) if text.contains("train.stop_after"));
    assert!(watcher.events.iter().any(told));
    let is_advised = |events: &[TrainEvent]| warnings(events).iter().any(|text| text.contains("train.epochs"));
    assert!(!is_advised(&watcher.events));
    assert!(!read_run(&summary.run).unwrap().is_unfinished(), "there is nothing to continue");
    request.place = Place::Resume(summary.run.clone());
    let mut again = Watcher::default();
    let resumed = train(&request, &Control::default(), &mut again).unwrap();
    assert_eq!((resumed.epochs, resumed.stopped), (summary.epochs, false));
    let again_facts = read_run(&summary.run).unwrap().config.run.unwrap();
    assert_eq!((again_facts.series, again_facts.started), (facts.series, facts.started), "what it was begun as stays");
    assert!(is_advised(&again.events), "as it is, it does not go on");
    // Made longer, it waits anew from here, and then stays as it is again.
    request.config.train.epochs = 60;
    assert!(RunSummary::of_finished(&request).unwrap().is_none(), "a series would train it on");
    let longer = train(&request, &Control::default(), &mut Watcher::default()).unwrap();
    assert!((summary.epochs + 4..60).contains(&longer.epochs) && !longer.stopped, "{longer:?}");
    let listed = read_run(&summary.run).unwrap();
    assert!(!listed.is_unfinished() && listed.config.run.unwrap().longer_from == Some(summary.epochs));
    let after = train(&request, &Control::default(), &mut Watcher::default()).unwrap();
    assert_eq!(after.epochs, longer.epochs);
    assert!(again.events.iter().any(told) && !again.events.iter().any(|event| matches!(event, TrainEvent::Step(_))));
    let rates: Vec<f64> = watcher
        .events
        .iter()
        .filter_map(|event| if let TrainEvent::Step(step) = event { Some(step.lr) } else { None })
        .collect();
    assert!(rates.last().unwrap() < &(0.5 * rates[0]), "{rates:?}");
    let falls = |rate: &f64| (rate / rates[0]).ln() / request.config.train.fall_factor.ln();
    assert!(rates.iter().map(falls).all(|falls| (falls - falls.round()).abs() < 1e-9), "by whole falls: {rates:?}");
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
        run.go_back(&Control::default(), observer).unwrap();
        assert_eq!(run.state.rewinds, rewinds);
        assert!((run.rate(1_000) - 0.5_f64.powi(rewinds as i32) * lr_at(&run.plan, 1_000)).abs() < 1e-12);
    }
    let error = run.go_back(&Control::default(), observer).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { rewinds: 3, has_checkpoint: false, .. }), "{error}");
    // It never had a checkpoint, so none can be kept.
    assert!(error.to_string().contains("nothing of what it learned") && !error.to_string().contains("kept"), "{error}");
}
