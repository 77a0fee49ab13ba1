//! What the program makes of an action or an event, without pixels: the next state, and the effects that it asks for.

use super::*;
use crate::config::Value;
use crate::data::Catalog;
use crate::eval::{EmbeddingTable, ErrorRates, OperatingRule, make_pairs, score_pairs, verification_report};
use crate::train::{EpochMetrics, Footprint, RunStarted, RunSummary, StepMetrics, TrainEvent};
use crate::worker::protocol::{
    Evaluation, Event, FoundFace, Job, JobError, JobId, JobKind, OpenedData, Outcome, Progress, Request, RunEntry,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod align;
mod continued;
mod dropped;
mod elsewhere;
mod export;
mod faces;
mod listing;
mod measuring;
mod picture;
mod runs;
mod series_folder;
mod start_from;
mod training;

fn state() -> State {
    State::new(PathBuf::from("/nowhere/runs"))
}

fn job(effects: &[Effect]) -> &Job {
    effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Send(job) => Some(job),
            _ => None,
        })
        .expect("a job is sent")
}

/// A folder of tiny portraits: 12 identities, 4 images each.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::draw_classes(folder.path(), 12, 4);
    folder
}

fn open(state: &mut State, path: &Path) -> JobId {
    let effects = update(state, Action::OpenData(path.to_owned()));
    let id = job(&effects).id;
    let catalog = crate::data::Catalog::open(path, &|_| {}, &|| false).unwrap();
    let data = OpenedData { catalog: Arc::new(catalog), elapsed_secs: 0.1 };
    on_event(state, Event::DataOpened { job: id, data });
    on_event(state, Event::Ended { job: id, outcome: Outcome::Finished });
    id
}

/// Drops a list of pairs, has it looked at, and measures the model in use on it.
fn measure_on_pairs(state: &mut State, file: &Path) -> Vec<Effect> {
    let effects = update(state, Action::Dropped(vec![file.to_owned()]));
    let id = job(&effects).id;
    let look = Arc::new(crate::data::testing::look_of_list());
    on_event(state, Event::PairsLooked { job: id, look });
    on_event(state, Event::Ended { job: id, outcome: Outcome::Finished });
    update(state, PairsAction::Measure.into())
}

fn failure() -> Outcome {
    Outcome::Failed(JobError {
        headline: "it broke".into(),
        causes: vec!["deep down".into()],
        hint: Some("mend it".into()),
        ..JobError::default()
    })
}

#[test]
fn opening_a_folder_shows_it_busy_then_open_with_a_split_and_automatic_values() {
    let folder = folder();
    let mut state = state();
    let effects = update(&mut state, Action::OpenData(folder.path().to_owned()));
    assert!(matches!(state.data, DataState::Opening { .. }));
    assert_eq!(job(&effects).request.kind(), JobKind::OpenData);
    open(&mut state, folder.path());
    let data = state.open_data().expect("open");
    assert!(data.split.is_ok() && data.resolved.is_ok(), "{:?}", data.resolved);
    assert!(state.jobs.iter().all(|job| job.kind != JobKind::OpenData || job.control.is_cancelled()));
}

#[test]
fn a_folder_that_cannot_be_opened_becomes_an_error_with_advice() {
    let mut state = state();
    let effects = update(&mut state, Action::OpenData(PathBuf::from("/nowhere")));
    let id = job(&effects).id;
    on_event(&mut state, Event::Ended { job: id, outcome: failure() });
    let DataState::Failed { notice, .. } = &state.data else { panic!("{:?}", state.data) };
    assert_eq!((notice.headline.as_str(), notice.hint.as_deref()), ("It broke", Some("mend it")));
}

#[test]
fn the_result_of_an_older_job_is_ignored() {
    let folder = folder();
    let mut state = state();
    let old = job(&update(&mut state, Action::OpenData(folder.path().to_owned()))).id;
    update(&mut state, Action::OpenData(PathBuf::from("/other")));
    let catalog = Arc::new(crate::data::Catalog::open(folder.path(), &|_| {}, &|| false).unwrap());
    on_event(&mut state, Event::DataOpened { job: old, data: OpenedData { catalog, elapsed_secs: 0.0 } });
    assert!(matches!(&state.data, DataState::Opening { path, .. } if path == Path::new("/other")));
}

#[test]
fn a_newer_open_cancels_the_older_one() {
    let mut state = state();
    let effects = update(&mut state, Action::OpenData(PathBuf::from("/a")));
    let control = job(&effects).control.clone();
    update(&mut state, Action::OpenData(PathBuf::from("/b")));
    assert!(control.is_cancelled());
}

#[test]
fn drawing_the_sample_stops_what_opening_a_folder_stops() {
    let folder = folder();
    let mut state = state();
    open(&mut state, folder.path());
    let check = job(&update(&mut state, Action::Check(CheckAction::Start))).control.clone();
    let opening = job(&update(&mut state, Action::OpenSample)).control.clone();
    assert!(check.is_cancelled(), "its images are not shown any more");
    update(&mut state, Action::OpenSample);
    assert!(opening.is_cancelled(), "two would write into one folder");
}

#[test]
fn settings_can_be_undone_and_redone_and_one_drag_is_one_step() {
    let mut state = state();
    for epochs in [21, 22, 23] {
        update(&mut state, Action::Set { key: "train.epochs", value: Value::Int(epochs) });
    }
    update(&mut state, Action::Set { key: "train.batch", value: Value::Int(16) });
    assert_eq!((state.config.train.epochs, state.config.train.batch), (23, 16));
    update(&mut state, Action::Undo);
    assert_eq!((state.config.train.epochs, state.config.train.batch), (23, 32));
    update(&mut state, Action::Undo);
    assert_eq!(state.config, crate::config::RunConfig::default());
    update(&mut state, Action::Redo);
    update(&mut state, Action::Redo);
    assert_eq!((state.config.train.epochs, state.config.train.batch), (23, 16));
}

#[test]
fn an_impossible_setting_is_refused_with_a_message_and_changes_nothing() {
    let mut state = state();
    update(&mut state, Action::Set { key: "train.epochs", value: Value::Int(0) });
    assert_eq!(state.config, crate::config::RunConfig::default());
    assert!(state.notices.last().unwrap().headline.starts_with("\"Epochs\" is 0, but"));
    assert!(!state.history.can_undo());
}

fn started(run: &Path) -> RunStarted {
    RunStarted {
        run: run.to_owned(),
        device: "CPU".into(),
        classes: 9,
        train_images: 36,
        validation_images: 12,
        footprint: Footprint { parameters: 1000, multiply_adds: 1000, step_bytes: 1000, training_bytes: 1000 },
        steps_per_epoch: 2,
        epochs: 3,
        resumed_at_step: 0,
        config: crate::config::RunConfig::default(),
        reasons: Vec::new(),
    }
}

fn training() -> (tempfile::TempDir, State, JobId) {
    let folder = folder();
    let mut state = state();
    open(&mut state, folder.path());
    let effects = update(&mut state, Action::StartTraining);
    let id = job(&effects).id;
    on_event(&mut state, Event::Train { job: id, event: TrainEvent::Started(Box::new(started(Path::new("/runs/a")))) });
    (folder, state, id)
}

fn step(number: u64) -> StepMetrics {
    StepMetrics {
        step: number,
        epoch: number as f64 / 2.0,
        loss: 2.0,
        accuracy: 0.1,
        lr: 0.1,
        margin: 0.0,
        images_per_second: 10.0,
        eta_secs: 5.0,
    }
}

/// Two steps make one.
fn epoch(number: u32) -> EpochMetrics {
    EpochMetrics {
        epoch: number,
        step: u64::from(number) * 2,
        train_loss: 1.0,
        train_accuracy: 0.5,
        val_loss: None,
        val_accuracy: None,
        eer: Some(0.1),
        best: false,
        images_per_second: 10.0,
        elapsed_secs: 1.0,
    }
}

fn summary(run: &str, eer: f64) -> RunSummary {
    RunSummary {
        run: run.into(),
        epochs: 1,
        best_epoch: Some(1),
        images_per_second: 10.0,
        input_wait_share: 0.01,
        train_loss: Some(1.0),
        train_accuracy: Some(0.5),
        val_loss: None,
        val_accuracy: None,
        eer: Some(eer),
        verification: None,
        seconds: 1.0,
        stopped: false,
    }
}

/// The training job among some effects.
fn train_job(effects: &[Effect]) -> Option<(JobId, u32)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(Job { id, request: Request::Train { config, .. }, .. }) => Some((*id, config.train.seed)),
        _ => None,
    })
}

#[test]
fn progress_reaches_its_job_only() {
    let (_folder, mut state, id) = training();
    on_event(&mut state, Event::Progress { job: id, progress: Progress { done: 3, total: 9, eta_secs: None } });
    assert_eq!(state.job(id).unwrap().progress.done, 3);
    on_event(&mut state, Event::Progress { job: JobId(999), progress: Progress { done: 8, total: 9, eta_secs: None } });
    assert_eq!(state.job(id).unwrap().progress.done, 3);
}

#[test]
fn a_job_that_finds_no_room_is_reported_and_forgotten() {
    let mut state = state();
    let effects = update(&mut state, Action::RefreshRuns);
    let job = job(&effects).clone();
    on_refused(&mut state, &job);
    assert!(state.jobs.is_empty() && state.notices.last().unwrap().hint.is_some());
}

#[test]
fn notices_are_bounded_and_can_be_dismissed() {
    let mut state = state();
    for i in 0..80 {
        update(&mut state, Action::Say(Severity::Info, i.to_string()));
    }
    assert_eq!(state.notices.len(), 50);
    let id = state.notices[0].id;
    update(&mut state, Action::Dismiss(id));
    assert!(state.notices.iter().all(|notice| notice.id != id));
}

fn entry(name: &str, started: &str, eer: Option<f64>) -> RunEntry {
    let mut config = crate::config::RunConfig::default();
    config.run = Some(crate::config::RunInfo {
        data: "/pictures".into(),
        data_fingerprint: "abc".into(),
        started: started.into(),
        ..Default::default()
    });
    RunEntry {
        name: name.into(),
        config,
        note: "why".into(),
        eer,
        resumable: true,
        ..RunEntry::with_model(PathBuf::from("/runs").join(name))
    }
}

/// A state with three runs on disk.
fn with_runs() -> State {
    let mut state = state();
    let runs = vec![
        entry("b", "2026-11-02T10:00:00+00:00", Some(0.03)),
        entry("C", "2026-11-03T10:00:00+00:00", None),
        entry("a", "2026-11-01T10:00:00+00:00", Some(0.01)),
    ];
    let id = job(&update(&mut state, Action::RefreshRuns)).id;
    on_event(&mut state, Event::Runs { job: id, runs });
    on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Finished });
    state
}

fn names(state: &State) -> Vec<&str> {
    state.runs.iter().map(|run| run.name.as_str()).collect()
}

/// Error rates of embeddings at small angles around their classes.
fn measured(run: &Path, catalog: Arc<Catalog>) -> Evaluation {
    let classes: Vec<u32> = catalog.items.iter().map(|item| item.class).collect();
    let angle = |(item, class): (usize, &u32)| (*class as f32).mul_add(0.3, (item % 4) as f32 * 0.1);
    let data = classes.iter().enumerate().map(angle).flat_map(|angle| [angle.cos(), angle.sin()]).collect();
    let table = EmbeddingTable::new(2, data, (0..classes.len() as u32).collect(), classes).unwrap();
    let scored = score_pairs(&table, &make_pairs(table.classes(), 1000, 1000, 1)).unwrap();
    Evaluation {
        run: run.to_owned(),
        name: run.file_name().unwrap().to_string_lossy().into_owned(),
        on: "all images".into(),
        is_own: true,
        changed: None,
        doubt: None,
        kept_elsewhere: None,
        warnings: crate::data::Warnings::default(),
        protocol: None,
        rule: OperatingRule::Eer,
        report: verification_report(&scored, OperatingRule::Eer, false, 1).unwrap(),
        rates: Arc::new(ErrorRates::from_scored(&scored).unwrap()),
        classification: None,
        table: Arc::new(table),
        catalog,
        model_sha256: String::new(),
        epoch: 1,
    }
}

#[test]
fn a_preset_changes_the_settings_and_can_be_undone() {
    let mut state = state();
    update(&mut state, Action::UsePreset(crate::config::Preset::Mnist));
    assert_eq!(state.config.train.batch, 64);
    update(&mut state, Action::Undo);
    assert_eq!(state.config, crate::config::RunConfig::default());
}

/// The dialog's picture as the worker sends it, 200 × 100 px, with or without a face.
fn picture(face: bool) -> Arc<FoundFace> {
    let landmarks = crate::faces::template(56).map(|[x, y]| [x + 70.0, y + 20.0]);
    let found = crate::faces::Face { score: 0.9, left: 70.0, top: 20.0, width: 56.0, height: 56.0, landmarks };
    Arc::new(FoundFace {
        width_px: 200,
        height_px: 100,
        picture: crate::data::Thumb { width: 100, height: 50, rgba: vec![128; 20_000] },
        small: Arc::new(image::DynamicImage::new_rgb8(100, 50)),
        face: Ok(face.then_some(found)),
    })
}
