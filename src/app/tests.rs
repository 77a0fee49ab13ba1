use super::state::TrainPhase;
use super::*;
use crate::config::Value;
use crate::data::Catalog;
use crate::eval::{EmbeddingTable, ErrorRates, OperatingRule, make_pairs, score_pairs, verification_report};
use crate::train::{EpochMetrics, ExportFormat, Footprint, RunStarted, RunSummary, StepMetrics, TrainEvent};
use crate::worker::protocol::{
    EvaluateOn, Evaluation, Event, FileKind, FoundFace, ImageSource, Job, JobError, JobId, JobKind, OpenedData,
    Outcome, Progress, Request, RunChange,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod continued;
mod export;
mod faces;
mod listing;
mod picture;
mod start_from;

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

fn failure() -> Outcome {
    Outcome::Failed(JobError {
        headline: "it broke".into(),
        causes: vec!["deep down".into()],
        hint: Some("mend it".into()),
        device_lost: false,
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
    assert_eq!((notice.headline.as_str(), notice.hint.as_deref()), ("it broke", Some("mend it")));
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
    assert!(state.notices.last().unwrap().headline.contains("train.epochs"));
    assert!(!state.history.can_undo());
}

#[test]
fn training_without_images_is_answered_with_what_to_do() {
    let mut state = state();
    assert!(update(&mut state, Action::StartTraining).is_empty());
    assert!(state.notices.last().unwrap().hint.as_deref().unwrap().contains("folder"));
}

fn started(run: &Path) -> RunStarted {
    RunStarted {
        run: run.to_owned(),
        device: "CPU".into(),
        classes: 9,
        train_images: 36,
        validation_images: 12,
        footprint: Footprint { parameters: 1000, multiply_adds: 1000, training_bytes: 1000 },
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

#[test]
fn a_run_goes_through_its_phases() {
    let (_folder, mut state, id) = training();
    assert!(state.is_training() && state.workspace == Workspace::Train);
    on_event(&mut state, Event::Train { job: id, event: TrainEvent::Step(step(1)) });
    update(&mut state, Action::TogglePause);
    assert_eq!(state.training.as_ref().unwrap().phase, TrainPhase::Paused);
    assert!(state.job(id).unwrap().control.is_paused());
    update(&mut state, Action::TogglePause);
    assert!(!state.job(id).unwrap().control.is_paused());
    on_event(&mut state, Event::Train { job: id, event: TrainEvent::Epoch(epoch(1)) });
    let effects = on_event(&mut state, Event::Trained { job: id, summary: Box::new(summary("/runs/a", 0.1)) });
    assert_eq!(job(&effects).request.kind(), JobKind::Evaluate, "a finished run is evaluated by itself");
    on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Finished });
    assert_eq!(state.training.as_ref().unwrap().phase, TrainPhase::Done);
    assert!(!state.is_training());
}

fn summary(run: &str, eer: f64) -> RunSummary {
    RunSummary {
        run: run.into(),
        epochs: 1,
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
fn a_run_over_several_seeds_is_made_one_after_the_other_and_tells_mean_and_spread() {
    let folder = folder();
    let mut state = state();
    open(&mut state, folder.path());
    state.config.train.seed = 7;
    update(&mut state, Action::SetSeeds(3));
    let mut job = train_job(&update(&mut state, Action::StartTraining));
    update(&mut state, Action::Go(Workspace::Verify));
    for (run, eer) in [("/runs/a", 0.02), ("/runs/b", 0.04), ("/runs/c", 0.03)] {
        let (id, seed) = job.expect("the next one is started");
        assert_eq!(seed, 6 + state.series.as_ref().unwrap().number() as u32);
        let effects = on_event(&mut state, Event::Trained { job: id, summary: Box::new(summary(run, eer)) });
        on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Finished });
        job = train_job(&effects);
    }
    assert_eq!(job, None);
    assert!(state.series.is_none() && !state.is_training() && state.workspace == Workspace::Verify);
    let notice = state.notices.last().unwrap();
    assert_eq!(notice.headline, "3 runs, seeds 7 to 9: EER 3.0 ± 1.0 %");
    assert_eq!(state.runs_view.compared.len(), 3);
    assert_eq!(state.config.train.seed, 7, "the settings stay as they were");
}

/// A series of five runs, the first of which is done, and the job of the second.
fn second_of_five() -> (tempfile::TempDir, State, JobId) {
    let folder = folder();
    let mut state = state();
    open(&mut state, folder.path());
    update(&mut state, Action::SetSeeds(5));
    let (first, _) = train_job(&update(&mut state, Action::StartTraining)).unwrap();
    let effects = on_event(&mut state, Event::Trained { job: first, summary: Box::new(summary("/runs/a", 0.1)) });
    let (second, _) = train_job(&effects).unwrap();
    (folder, state, second)
}

#[test]
fn a_stopped_run_ends_its_series() {
    let (_folder, mut state, second) = second_of_five();
    update(&mut state, Action::StopTraining);
    let stopped = RunSummary { stopped: true, ..summary("/runs/b", 0.2) };
    let effects = on_event(&mut state, Event::Trained { job: second, summary: Box::new(stopped) });
    assert_eq!(train_job(&effects), None);
    on_event(&mut state, Event::Ended { job: second, outcome: Outcome::Cancelled });
    assert!(state.series.is_none() && !state.is_training());
    // A failure, too.
    let (first, _) = train_job(&update(&mut state, Action::StartTraining)).unwrap();
    on_event(&mut state, Event::Ended { job: first, outcome: failure() });
    assert!(state.series.is_none());
}

#[test]
fn no_run_of_a_series_follows_one_that_was_stopped_when_it_was_done_already() {
    let (_folder, mut state, second) = second_of_five();
    let begun = TrainEvent::Started(Box::new(started(Path::new("/runs/b"))));
    on_event(&mut state, Event::Train { job: second, event: begun });
    update(&mut state, Action::StopTraining);
    let effects = on_event(&mut state, Event::Trained { job: second, summary: Box::new(summary("/runs/b", 0.2)) });
    assert_eq!(train_job(&effects), None);
    assert!(state.series.is_none() && !state.is_training());
    assert!(state.notices.last().unwrap().headline.starts_with("2 of 5 runs"), "{:?}", state.notices.last());
    // Going on with one of them is no series.
    let (third, _) = train_job(&update(&mut state, Action::ContinueRun("/runs/b".into()))).unwrap();
    assert!(state.series.is_none());
    let effects = on_event(&mut state, Event::Trained { job: third, summary: Box::new(summary("/runs/b", 0.2)) });
    assert_eq!(train_job(&effects), None);
}

#[test]
fn a_failed_run_keeps_its_curves_and_says_why() {
    let (_folder, mut state, id) = training();
    on_event(&mut state, Event::Ended { job: id, outcome: failure() });
    let view = state.training.as_ref().unwrap();
    assert_eq!(view.phase, TrainPhase::Failed);
    assert_eq!(view.error.as_ref().unwrap().headline, "it broke");
}

#[test]
fn a_second_start_while_training_does_nothing() {
    let (_folder, mut state, _) = training();
    assert!(update(&mut state, Action::StartTraining).is_empty());
}

#[test]
fn stopping_cancels_the_job_and_shows_that_it_is_being_stopped() {
    let (_folder, mut state, id) = training();
    update(&mut state, Action::StopTraining);
    assert!(state.job(id).unwrap().control.is_cancelled());
    assert_eq!(state.training.as_ref().unwrap().phase, TrainPhase::Stopping);
}

#[test]
fn closing_while_training_asks_first() {
    let (_folder, mut state, _) = training();
    assert!(update(&mut state, Action::RequestClose).is_empty());
    assert!(state.asks_before_closing);
    update(&mut state, Action::CancelClose);
    assert!(!state.asks_before_closing);
    assert!(matches!(update(&mut state, Action::ConfirmClose).as_slice(), [Effect::Close]));
}

#[test]
fn closing_at_rest_closes() {
    assert!(matches!(update(&mut state(), Action::RequestClose).as_slice(), [Effect::Close]));
}

#[test]
fn images_being_trained_on_are_not_closed() {
    let (_folder, mut state, _) = training();
    update(&mut state, Action::CloseData);
    assert!(state.open_data().is_some());
}

#[test]
fn one_dropped_image_takes_the_free_slot_and_two_take_both() {
    let folder = folder();
    let image = |name: &str| folder.path().join("p00").join(name);
    let mut state = state();
    update(&mut state, Action::Dropped(vec![image("0.png")]));
    assert!(state.verify.slots[0].is_some() && state.verify.slots[1].is_none());
    assert_eq!(state.workspace, Workspace::Verify);
    update(&mut state, Action::Dropped(vec![image("1.png")]));
    assert_eq!(state.verify.slots[1], Some(ImageSource::File(image("1.png"))));
    update(&mut state, Action::Dropped(vec![image("2.png"), image("3.png"), image("0.png")]));
    assert_eq!(state.verify.slots[0], Some(ImageSource::File(image("2.png"))));
    assert!(state.notices.last().unwrap().headline.contains("1 more"));
    update(&mut state, Action::SwapSlots);
    assert_eq!(state.verify.slots[0], Some(ImageSource::File(image("3.png"))));
    update(&mut state, Action::ClearSlot(0));
    assert!(state.verify.slots[0].is_none());
}

#[test]
fn what_a_drop_will_do_is_said_in_words() {
    let folder = folder();
    let image = folder.path().join("p00/0.png");
    let run = folder.path().join("run");
    std::fs::create_dir_all(run.join("checkpoints/000001")).unwrap();
    std::fs::write(run.join("run.toml"), "").unwrap();
    assert!(drop_target(&[folder.path().to_owned()]).describe().contains("data set"));
    assert!(drop_target(std::slice::from_ref(&image)).describe().contains("free slot"));
    assert!(drop_target(&[image.clone(), image]).describe().contains("two images"));
    let found = DropTarget::Run(run.canonicalize().unwrap());
    assert_eq!(drop_target(&[run.join("checkpoints/000001")]), found);
    for name in ["faces.zip", "faces.TAR.GZ", "train.rec", "train.csv", "train-images-idx3-ubyte.gz"] {
        assert!(matches!(drop_target(&[folder.path().join(name)]), DropTarget::Data(_)), "{name}");
    }
    for name in ["train.idx", "train.lst"] {
        assert!(matches!(drop_target(&[folder.path().join(name)]), DropTarget::Data(_)), "{name}");
    }
    for name in ["all.txt", "all.LIST", "all.tsv"] {
        let target = drop_target(&[folder.path().join(name)]);
        assert!(matches!(target, DropTarget::Text(_)) && target.describe().contains("if it lists"), "{name}");
    }
    let target = drop_target(&[folder.path().join("yunet.ONNX")]);
    assert!(matches!(target, DropTarget::Onnx(_)) && target.describe().contains("if it is a face detector"));
    let beside = [folder.path().join("notes.txt"), folder.path().join("p00/0.png")];
    assert!(matches!(drop_target(&beside), DropTarget::Images(_)), "a text beside a picture is no list");
    for name in ["lfw.bin", "pairsDevTest.txt", "cplfw_Pairs.CSV"] {
        assert!(drop_target(&[folder.path().join(name)]).describe().contains("pairs of"), "{name}");
    }
    assert!(drop_target(&[folder.path().join("letter.docx")]).describe().contains("cannot"));
    assert!(matches!(drop_target(&[]), DropTarget::Unknown(_)));
}

/// Drops a file and has it looked at; what its look, of this kind, leads to.
fn looked_at(state: &mut State, file: &str, kind: FileKind) -> Vec<Effect> {
    let effects = update(state, Action::Dropped(vec![file.into()]));
    let sent = job(&effects).clone();
    assert!(matches!(&sent.request, Request::LookAtFile { file: asked } if asked == Path::new(file)));
    let effects = on_event(state, Event::FileLooked { job: sent.id, file: file.into(), kind });
    on_event(state, Event::Ended { job: sent.id, outcome: Outcome::Finished });
    effects
}

#[test]
fn a_dropped_text_is_opened_once_a_worker_has_said_what_it_lists() {
    let mut state = state();
    let effects = looked_at(&mut state, "/x/all.txt", FileKind::Images);
    assert!(matches!(&job(&effects).request, Request::OpenData { path } if path == Path::new("/x/all.txt")));
    let effects = looked_at(&mut state, "/x/lfw.txt", FileKind::Pairs);
    assert!(effects.is_empty(), "there is no model to measure");
    assert!(state.notices.last().unwrap().headline.contains("list of pairs"));
}

#[test]
fn a_dropped_detector_is_used_and_any_other_network_is_refused() {
    let mut state = state();
    let effects = looked_at(&mut state, "/x/yunet.onnx", FileKind::Detector);
    assert_eq!(state.faces.detector.as_deref(), Some(Path::new("/x/yunet.onnx")));
    assert!(effects.is_empty() && state.notices.last().unwrap().headline.contains("yunet.onnx"));
    let other = job(&update(&mut state, Action::Dropped(vec!["/x/net.onnx".into()]))).id;
    on_event(&mut state, Event::Ended { job: other, outcome: failure() });
    assert_eq!(state.notices.last().unwrap().severity, Severity::Error);
    assert_eq!(state.faces.detector.as_deref(), Some(Path::new("/x/yunet.onnx")));
    assert!(state.jobs.is_empty());
}

#[test]
fn of_two_files_dropped_one_after_the_other_the_last_counts() {
    let mut state = state();
    let first = job(&update(&mut state, Action::Dropped(vec!["/x/a.onnx".into()]))).id;
    update(&mut state, Action::Dropped(vec!["/x/b.onnx".into()]));
    let late = Event::FileLooked { job: first, file: "/x/a.onnx".into(), kind: FileKind::Detector };
    assert!(on_event(&mut state, late).is_empty() && state.faces.detector.is_none());
}

#[test]
fn an_unknown_drop_is_answered_with_what_can_be_dropped() {
    let mut state = state();
    update(&mut state, Action::Dropped(vec![PathBuf::from("/x/letter.docx")]));
    let notice = state.notices.last().unwrap();
    assert!(notice.headline.contains("letter.docx") && notice.hint.is_some());
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
fn a_training_that_finds_no_room_can_be_started_again() {
    let folder = folder();
    let mut state = state();
    let refused = job(&update(&mut state, Action::OpenData(folder.path().to_owned()))).clone();
    on_refused(&mut state, &refused);
    assert!(matches!(state.data, DataState::Empty));
    open(&mut state, folder.path());
    update(&mut state, Action::SetSeeds(3));
    let refused = job(&update(&mut state, Action::StartTraining)).clone();
    on_refused(&mut state, &refused);
    assert!(state.training.is_none() && state.series.is_none());
    // Nor does a series wait for a run that was not taken.
    let (first, _) = train_job(&update(&mut state, Action::StartTraining)).expect("the way is free");
    let effects = on_event(&mut state, Event::Trained { job: first, summary: Box::new(summary("/runs/a", 0.1)) });
    let refused = effects.iter().find_map(|effect| match effect {
        Effect::Send(job) if job.request.kind() == JobKind::Train => Some(job.clone()),
        _ => None,
    });
    on_refused(&mut state, &refused.expect("the next of the series"));
    assert!(!state.is_training() && state.series.is_none());
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

#[test]
fn choosing_a_rule_without_numbers_changes_nothing_but_the_rule() {
    let mut state = state();
    assert!(update(&mut state, Action::SetRule(OperatingRule::Far(0.01))).is_empty());
    assert_eq!(state.evaluate.rule, OperatingRule::Far(0.01));
}

#[test]
fn a_broken_setting_keeps_training_from_starting_and_is_named() {
    let folder = folder();
    let mut state = state();
    open(&mut state, folder.path());
    update(&mut state, Action::Set { key: "train.epochs", value: Value::Int(1) });
    update(&mut state, Action::Set { key: "train.warmup_epochs", value: Value::Float(9.0) });
    assert!(update(&mut state, Action::StartTraining).is_empty());
    assert!(state.notices.last().unwrap().headline.contains("train.warmup_epochs"));
}

#[test]
fn continuing_a_run_opens_its_images_first_when_they_are_not_open() {
    let mut state = state();
    let entry = entry("a", "x", None);
    let run = entry.path.clone();
    let id = job(&update(&mut state, Action::RefreshRuns)).id;
    on_event(&mut state, Event::Runs { job: id, runs: vec![entry] });
    let effects = update(&mut state, Action::ContinueRun(run));
    assert!(matches!(&job(&effects).request, Request::OpenData { path } if path == Path::new("/pictures")));
}

fn entry(name: &str, started: &str, eer: Option<f64>) -> crate::worker::protocol::RunEntry {
    let mut config = crate::config::RunConfig::default();
    config.run = Some(crate::config::RunInfo {
        data: "/pictures".into(),
        data_fingerprint: "abc".into(),
        started: started.into(),
        ..Default::default()
    });
    crate::worker::protocol::RunEntry {
        path: PathBuf::from("/runs").join(name),
        name: name.into(),
        config,
        note: "why".into(),
        epochs: std::sync::Arc::from([]),
        epochs_done: 1,
        eer,
        has_model: true,
        network: None,
        resumable: true,
        finished: None,
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

#[test]
fn runs_are_sorted_as_asked() {
    let mut state = with_runs();
    assert_eq!(names(&state), ["C", "b", "a"]);
    for (order, wanted) in
        [(RunOrder::Name, ["a", "b", "C"]), (RunOrder::BestEer, ["a", "b", "C"]), (RunOrder::Newest, ["C", "b", "a"])]
    {
        update(&mut state, RunAction::Sort(order).into());
        assert_eq!(names(&state), wanted, "{order:?}");
    }
}

#[test]
fn runs_are_compared_up_to_a_limit_and_forgotten_when_gone() {
    let mut state = with_runs();
    for name in ["a", "b"] {
        update(&mut state, RunAction::Compare(PathBuf::from("/runs").join(name)).into());
    }
    assert_eq!(state.runs_view.compared.len(), 2);
    update(&mut state, RunAction::Compare("/runs/a".into()).into());
    assert_eq!(state.runs_view.compared, [PathBuf::from("/runs/b")]);
    for i in 0..20 {
        update(&mut state, RunAction::Compare(format!("/runs/x{i}").into()).into());
    }
    assert_eq!(state.runs_view.compared.len(), MOST_COMPARED);
    let id = job(&update(&mut state, Action::RefreshRuns)).id;
    on_event(&mut state, Event::Runs { job: id, runs: vec![entry("a", "x", None)] });
    assert!(state.runs_view.compared.is_empty());
}

#[test]
fn a_renamed_run_stays_in_use_and_a_deleted_one_does_not() {
    let mut state = with_runs();
    state.active_run = Some("/runs/a".into());
    update(&mut state, RunAction::Compare("/runs/a".into()).into());
    update(&mut state, RunAction::Edit("/runs/a".into()).into());
    let mut edit = state.runs_view.edit.clone().expect("the dialog is open");
    assert_eq!((edit.name.as_str(), edit.note.as_str()), ("a", "why"));
    edit.name = " better ".into();
    update(&mut state, RunAction::Write(edit).into());
    let effects = update(&mut state, RunAction::SaveEdit.into());
    let sent = job(&effects);
    assert!(
        matches!(&sent.request, Request::ChangeRun { change: RunChange::Describe { name, .. }, .. } if name == "better")
    );
    assert!(state.runs_view.edit.is_none());
    let (before, after) = (PathBuf::from("/runs/a"), PathBuf::from("/runs/better"));
    let effects = on_event(&mut state, Event::RunChanged { job: sent.id, before, after: Some(after.clone()) });
    assert_eq!(state.active_run, Some(after.clone()));
    assert_eq!(state.runs_view.compared.first(), Some(&after));
    assert!(matches!(job(&effects).request, Request::ListRuns { .. }), "the list is read again");
    let sent = job(&update(&mut state, RunAction::Delete(after.clone()).into())).id;
    on_event(&mut state, Event::RunChanged { job: sent, before: after, after: None });
    assert_eq!(state.active_run, None);
    assert!(state.runs_view.compared.is_empty());
    assert!(state.notices.last().unwrap().headline.contains("bin"));
}

#[test]
fn the_folder_of_a_run_is_shown_by_a_path_that_file_managers_take() {
    for (run, wanted) in
        [("/runs/a", "/runs/a"), (r"\\?\C:\runs\a", r"C:\runs\a"), (r"\\?\UNC\server\runs\a", r"\\?\UNC\server\runs\a")]
    {
        let effects = update(&mut state(), RunAction::OpenFolder(run.into()).into());
        assert!(matches!(&effects[..], [Effect::ShowFolder(path)] if path == Path::new(wanted)), "{effects:?}");
    }
}

#[test]
fn the_settings_of_a_run_become_those_of_the_next_and_can_be_undone() {
    let mut state = with_runs();
    state.runs[0].config.train.epochs = 77;
    let run = state.runs[0].path.clone();
    let effects = update(&mut state, RunAction::Duplicate(run).into());
    assert!(matches!(&job(&effects).request, Request::OpenData { path } if path == Path::new("/pictures")));
    assert_eq!((state.workspace, state.config.train.epochs), (Workspace::Train, 77));
    assert!(state.config.run.is_none());
    update(&mut state, Action::Undo);
    assert_eq!(state.config.train.epochs, crate::config::RunConfig::default().train.epochs);
}

#[test]
fn the_next_run_starts_from_a_run_with_that_runs_network() {
    let mut state = with_runs();
    let run = state.runs[0].path.clone();
    state.runs[0].has_model = false;
    assert!(update(&mut state, RunAction::FineTune(run.clone()).into()).is_empty(), "nothing to start from");
    state.runs[0].has_model = true;
    state.runs[0].config.model.net = crate::config::Net::Resnet18;
    state.runs[0].config.data.image_px = crate::config::Auto::Set(48);
    state.config.model.dropout = 0.25;
    update(&mut state, RunAction::FineTune(run.clone()).into());
    assert_eq!(state.workspace, Workspace::Train);
    let config = &state.config;
    assert_eq!(PathBuf::from(&config.train.start_from), run);
    assert_eq!((config.model.net, config.data.image_px), (crate::config::Net::Resnet18, crate::config::Auto::Set(48)));
    assert_eq!(config.model.dropout, 0.25, "what the weights do not decide stays");
    update(&mut state, Action::Undo);
    assert!(state.config.train.start_from.is_empty());
}

#[test]
fn dropped_weights_become_a_run_that_is_used_and_measured_on_the_open_images() {
    let folder = folder();
    let mut state = state();
    let effects = update(&mut state, Action::Dropped(vec!["/downloads/Net.PTH".into()]));
    let [Effect::Send(sent), Effect::Send(listing)] = &effects[..] else { panic!("{effects:?}") };
    assert!(matches!(listing.request, Request::ListRuns { .. }), "the page of runs shows them as they are now");
    on_event(&mut state, Event::Ended { job: listing.id, outcome: Outcome::Finished });
    let wanted = Path::new("/downloads/Net.PTH");
    assert!(matches!(&sent.request, Request::LookAtWeights { weights } if weights == wanted));
    let run = PathBuf::from("/runs/net");
    let imported = Event::Imported { job: sent.id, run: run.clone(), flavour: "somebody's".into() };
    let listing = job(&on_event(&mut state, imported)).id;
    assert_eq!(state.active_run, Some(run.clone()));
    assert!(state.notices.last().unwrap().headline.contains("somebody's"));
    let mut entry = entry("net", "x", None);
    entry.path.clone_from(&run);
    entry.config.run =
        Some(crate::config::RunInfo { imported: "net.pth, somebody's".into(), ..crate::config::RunInfo::default() });
    on_event(&mut state, Event::Runs { job: listing, runs: vec![entry] });
    assert!(update(&mut state, Action::Evaluate(run.clone())).is_empty(), "there are no images");
    assert!(state.notices.last().unwrap().hint.is_some());
    open(&mut state, folder.path());
    let effects = update(&mut state, Action::Evaluate(run));
    assert!(matches!(&job(&effects).request, Request::Evaluate { on: EvaluateOn::Whole(_), .. }));
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
        protocol: None,
        report: verification_report(&scored, OperatingRule::Eer, false, 1).unwrap(),
        rates: Arc::new(ErrorRates::from_scored(&scored).unwrap()),
        classification: None,
        table: Arc::new(table),
        catalog,
    }
}

#[test]
fn a_dropped_list_of_pairs_measures_the_model_in_use_beside_what_was_measured_before() {
    let folder = folder();
    let mut state = with_runs();
    let list = PathBuf::from("/protocols/pairs.txt");
    assert!(update(&mut state, Action::Dropped(vec![list.clone()])).is_empty(), "no model is in use");
    assert!(state.notices.last().unwrap().hint.as_deref().unwrap().contains("open a run"));
    open(&mut state, folder.path());
    let (run, catalog) = (state.runs[0].path.clone(), Arc::clone(&state.open_data().unwrap().catalog));
    let own = measured(&run, catalog);
    let sent = job(&update(&mut state, Action::Evaluate(run.clone()))).id;
    on_event(&mut state, Event::Evaluated { job: sent, evaluation: Arc::new(own.clone()) });
    let effects = update(&mut state, Action::Dropped(vec![list.clone()]));
    let sent = job(&effects);
    let Request::Evaluate { run: asked, on: EvaluateOn::Protocol { file, images }, .. } = &sent.request else {
        panic!("{effects:?}")
    };
    assert_eq!((asked, file), (&run, &list));
    assert_eq!(images.as_deref(), Some(folder.path()), "the open folder may hold the images");
    assert_eq!(state.workspace, Workspace::Evaluate);
    let of_pairs = Evaluation {
        on: "3 pairs of pairs.txt".into(),
        is_own: false,
        protocol: Some("pairs.txt".into()),
        ..own.clone()
    };
    on_event(&mut state, Event::Evaluated { job: sent.id, evaluation: Arc::new(of_pairs) });
    assert_eq!(state.evaluate.overlays.len(), 2);
    let shown = |state: &State| state.active_evaluation().unwrap().label();
    assert_eq!(shown(&state), format!("{}, pairs.txt", own.name));
    update(&mut state, Action::ShowOverlay(0));
    assert_eq!(shown(&state), own.name, "the threshold in use is the one on the page");
}

#[test]
fn a_network_is_exported_as_the_name_of_the_file_says() {
    let mut state = with_runs();
    let run = state.runs[0].path.clone();
    let effects = update(&mut state, RunAction::Export(run.clone()).into());
    assert!(matches!(effects[..], [Effect::Ask(Dialog::ExportRun)]));
    let effects = update(&mut state, RunAction::ExportTo("/out/net.onnx".into()).into());
    let sent = job(&effects);
    assert!(matches!(&sent.request, Request::Export { format: ExportFormat::Onnx, .. }));
    on_event(&mut state, Event::Exported { job: sent.id, out: "/out/net.onnx".into(), bytes: 2_500_000 });
    assert!(state.notices.last().unwrap().headline.contains("2.5 MB"));
    update(&mut state, RunAction::Export(run).into());
    assert!(update(&mut state, RunAction::ExportTo("/out/net.txt".into()).into()).is_empty());
    assert!(state.notices.last().unwrap().hint.as_ref().unwrap().contains(".safetensors"));
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

/// A state with a picture in the first slot whose dialog is open and loaded.
fn marking(face: bool) -> State {
    let mut state = state();
    state.verify.slots[0] = Some(ImageSource::File("a.jpg".into()));
    let effects = update(&mut state, FaceAction::Open(0).into());
    let id = job(&effects).id;
    assert_eq!(job(&effects).request.kind(), JobKind::FindFace);
    assert!(state.faces.has_dialog());
    on_event(&mut state, Event::FaceFound { job: id, found: picture(face) });
    on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Finished });
    state
}

fn aligned_slot(state: &State) -> Option<crate::faces::Landmarks> {
    match &state.verify.slots[0] {
        Some(ImageSource::Aligned { landmarks, .. }) => Some(*landmarks),
        _ => None,
    }
}

#[test]
fn two_clicks_on_the_eyes_in_any_order_give_a_crop() {
    let mut state = marking(false);
    update(&mut state, FaceAction::Place([120.0, 40.0]).into());
    update(&mut state, FaceAction::Apply.into());
    assert!(state.faces.align.is_some() && aligned_slot(&state).is_none(), "one eye is not enough");
    // A second click on the same spot is no second eye.
    update(&mut state, FaceAction::Place([120.0, 40.0]).into());
    update(&mut state, FaceAction::Place([90.0, 44.0]).into());
    update(&mut state, FaceAction::Place([10.0, 10.0]).into());
    let view = &state.faces.align.as_ref().unwrap().mark;
    assert_eq!(view.points, [[90.0, 44.0], [120.0, 40.0]]);
    assert!(view.preview.as_ref().is_some_and(|preview| preview.width == 112));
    let before = view.revision;
    update(&mut state, FaceAction::Move(0, [-50.0, 500.0]).into());
    let view = &state.faces.align.as_ref().unwrap().mark;
    assert_eq!(view.points[0], [0.0, 99.0], "a point stays on the picture");
    assert!(view.revision != before);
    update(&mut state, FaceAction::Apply.into());
    assert!(matches!(aligned_slot(&state), Some(crate::faces::Landmarks::Eyes(_))) && !state.faces.has_dialog());
}

#[test]
fn a_found_face_is_proposed_can_be_corrected_and_comes_back_with_reset() {
    let mut state = marking(true);
    let proposed = state.faces.align.as_ref().unwrap().mark.points.clone();
    assert_eq!(proposed.len(), 5);
    update(&mut state, FaceAction::Move(2, [100.0, 60.0]).into());
    update(&mut state, FaceAction::ByHand.into());
    assert!(state.faces.align.as_ref().unwrap().mark.preview.is_none());
    update(&mut state, FaceAction::Reset.into());
    assert_eq!(state.faces.align.as_ref().unwrap().mark.points, proposed);
    update(&mut state, FaceAction::Apply.into());
    assert!(matches!(aligned_slot(&state), Some(crate::faces::Landmarks::Five(_))));
    // Opened again, the points are those that were applied, and the whole picture can come back.
    let effects = update(&mut state, FaceAction::Open(0).into());
    let Request::FindFace { source, .. } = &job(&effects).request else { panic!("{effects:?}") };
    assert_eq!(source, &ImageSource::File("a.jpg".into()));
    assert_eq!(state.faces.align.as_ref().unwrap().mark.points, proposed);
    update(&mut state, FaceAction::UseWhole.into());
    assert_eq!(state.verify.slots[0], Some(ImageSource::File("a.jpg".into())));
}

#[test]
fn a_detector_chosen_while_marking_is_asked_at_once_and_a_late_picture_is_ignored() {
    let mut state = marking(false);
    let effects = update(&mut state, FaceAction::UseDetector("yunet.onnx".into()).into());
    let first = job(&effects).id;
    let Request::FindFace { detector, .. } = &job(&effects).request else { panic!("{effects:?}") };
    assert_eq!(detector.as_deref(), Some(Path::new("yunet.onnx")));
    update(&mut state, FaceAction::ForgetDetector.into());
    on_event(&mut state, Event::FaceFound { job: first, found: picture(true) });
    assert!(state.faces.align.as_ref().unwrap().mark.points.is_empty() && state.faces.detector.is_none());
    update(&mut state, FaceAction::Cancel.into());
    assert!(!state.faces.has_dialog() && aligned_slot(&state).is_none());
    let effects = update(&mut state, FaceAction::AskDetector.into());
    assert!(matches!(effects[..], [Effect::Ask(Dialog::PickDetector)]));
}

#[test]
fn a_picture_that_cannot_be_read_says_so_in_the_dialog() {
    let mut state = state();
    state.verify.slots[1] = Some(ImageSource::File("gone.jpg".into()));
    let id = job(&update(&mut state, FaceAction::Open(1).into())).id;
    on_event(&mut state, Event::Ended { job: id, outcome: failure() });
    assert!(state.faces.align.as_ref().unwrap().mark.error.is_some() && state.notices.is_empty());
    assert!(update(&mut state, FaceAction::Open(0).into()).is_empty(), "an empty slot has nothing to align");
}

#[test]
fn a_folder_is_aligned_in_the_background_and_opened_from_its_dialog() {
    let folder = folder();
    let mut state = state();
    open(&mut state, folder.path());
    state.notices.clear();
    // The palette asks for it from any workspace.
    update(&mut state, Action::Go(Workspace::Runs));
    update(&mut state, FaceAction::OpenFolder.into());
    assert_eq!(state.workspace, Workspace::Data);
    let view = state.faces.folder.as_ref().unwrap();
    assert!(
        view.is_open && view.out.to_string_lossy().ends_with("-aligned") && view.out.parent() == folder.path().parent()
    );
    assert!(matches!(update(&mut state, FaceAction::StartFolder.into())[..], [Effect::Ask(Dialog::PickDetector)]));
    state.faces.detector = Some("yunet.onnx".into());
    let effects = update(&mut state, FaceAction::StartFolder.into());
    let id = job(&effects).id;
    assert_eq!(job(&effects).request.kind(), JobKind::AlignFolder);
    assert!(update(&mut state, FaceAction::StartFolder.into()).is_empty(), "one at a time");
    update(&mut state, FaceAction::CloseFolder.into());
    assert!(!state.faces.has_dialog());
    update(&mut state, Action::CancelJob(id));
    assert!(job(&effects).control.is_cancelled());
    let done = crate::faces::Aligned { images: 48, aligned: 20, stopped: true, ..crate::faces::Aligned::default() };
    on_event(&mut state, Event::FolderAligned { job: id, done: Box::new(done) });
    on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Cancelled });
    assert!(state.notices[0].headline.contains("20 of 48"), "{:?}", state.notices);
    // Started again, it ends, and its crops are opened.
    update(&mut state, FaceAction::OpenFolder.into());
    let id = job(&update(&mut state, FaceAction::StartFolder.into())).id;
    let done = crate::faces::Aligned { images: 48, aligned: 28, already: 20, ..crate::faces::Aligned::default() };
    on_event(&mut state, Event::FolderAligned { job: id, done: Box::new(done) });
    on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Finished });
    let out = state.faces.folder.as_ref().unwrap().out.clone();
    let effects = update(&mut state, FaceAction::OpenAligned.into());
    let Request::OpenData { path } = &job(&effects).request else { panic!("{effects:?}") };
    assert!(*path == out && !state.faces.has_dialog());
}

#[test]
fn a_folder_job_that_fails_tells_it_where_the_person_is() {
    let folder = folder();
    for is_open in [true, false] {
        let mut state = state();
        open(&mut state, folder.path());
        state.notices.clear();
        state.faces.detector = Some("wrong.onnx".into());
        update(&mut state, FaceAction::OpenFolder.into());
        let id = job(&update(&mut state, FaceAction::StartFolder.into())).id;
        if !is_open {
            update(&mut state, FaceAction::CloseFolder.into());
        }
        on_event(&mut state, Event::Ended { job: id, outcome: failure() });
        assert!(state.faces.folder.as_ref().unwrap().error.is_some());
        assert_eq!(state.notices.is_empty(), is_open);
    }
}

#[test]
fn without_a_folder_of_files_there_is_nothing_to_align() {
    let mut state = state();
    assert_eq!((command("data.align").unwrap().action)(&state), None);
    update(&mut state, FaceAction::OpenFolder.into());
    assert!(!state.faces.has_dialog() && state.notices.len() == 1);
}
