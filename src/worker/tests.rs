//! The threads with real jobs: every job ends exactly once, can be stopped, and survives bad input.

use super::protocol::{Event, ImageSource, Job, JobError, JobId, Outcome, Request};
use super::*;
use crate::config::{Auto, RunConfig};
use crate::data::Catalog;
use crate::data::testing::draw_classes;
use crate::train::{Control, Place, TrainError, TrainEvent};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

mod data_sets;
mod desks;
mod faces;
mod measuring;
mod pairs;

/// Longer than anything here takes: a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(120);

struct Bench {
    workers: Workers,
    next: u64,
}

impl Bench {
    fn new() -> Self {
        Self { workers: Workers::start(Arc::new(|| {})).unwrap(), next: 0 }
    }

    fn send(&mut self, request: Request) -> (JobId, Control) {
        self.next += 1;
        let job = Job { id: JobId(self.next), request, control: Control::default() };
        let control = job.control.clone();
        self.workers.send(job).map_err(|_| "full").unwrap();
        (JobId(self.next), control)
    }

    /// Everything up to the end of a job; `each` sees the events as they come.
    fn wait(&mut self, id: JobId, mut each: impl FnMut(&Event)) -> Outcome {
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < PATIENCE, "the job did not end");
            let Some(event) = self.workers.poll() else {
                std::thread::sleep(Duration::from_millis(5));
                continue;
            };
            each(&event);
            if let Event::Ended { job, outcome } = event
                && job == id
            {
                return outcome;
            }
        }
    }

    fn run(&mut self, request: Request) -> (Vec<Event>, Outcome) {
        let (id, _) = self.send(request);
        let mut events = Vec::new();
        let outcome = self.wait(id, |event| events.push(event.clone()));
        (events, outcome)
    }
}

fn draw(folder: &Path) -> PathBuf {
    let data = folder.join("data");
    draw_classes(&data, 12, 5);
    data
}

fn config() -> RunConfig {
    let mut config = RunConfig::default();
    config.train.epochs = 2;
    config.train.batch = 8;
    config.train.device = "cpu".into();
    config.model.embedding_dim = Auto::Set(8);
    config.data.image_px = Auto::Set(16);
    config
}

fn open(bench: &mut Bench, path: &Path) -> Arc<Catalog> {
    let (events, outcome) = bench.run(Request::OpenData { path: path.to_owned() });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let opened =
        events.into_iter().find_map(|event| if let Event::DataOpened { data, .. } = event { Some(data) } else { None });
    opened.unwrap().catalog
}

/// A worker that has opened drawn images.
struct Opened {
    folder: tempfile::TempDir,
    /// Where the images lie, below `folder`.
    data: PathBuf,
    bench: Bench,
    catalog: Arc<Catalog>,
}

fn opened() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let mut bench = Bench::new();
    let catalog = open(&mut bench, &data);
    Opened { folder, data, bench, catalog }
}

fn list_runs(root: &Path) -> Request {
    Request::ListRuns { root: root.to_owned(), elsewhere: Vec::new() }
}

/// What a run comes to on its own held-out images, while these are open.
fn measure_own(
    bench: &mut Bench,
    run: &Path,
    open: Option<Arc<Catalog>>,
) -> (Option<Arc<protocol::Evaluation>>, Outcome) {
    let on = protocol::EvaluateOn::OwnSplit { open };
    let (events, outcome) = bench.run(Request::Evaluate { run: run.to_owned(), on });
    let evaluation = events
        .into_iter()
        .find_map(|event| if let Event::Evaluated { evaluation, .. } = event { Some(evaluation) } else { None });
    (evaluation, outcome)
}

#[test]
fn a_folder_goes_all_the_way_to_a_verdict() {
    let Opened { folder, data, mut bench, catalog } = opened();
    let runs = folder.path().join("runs");
    let request = Request::Train { catalog, config: Box::new(config()), place: Place::NewIn(runs.clone()) };
    let (events, outcome) = bench.run(request);
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let epochs =
        events.iter().filter(|event| matches!(event, Event::Train { event: TrainEvent::Epoch(_), .. })).count();
    assert_eq!(epochs, 2);
    let run = events
        .iter()
        .find_map(|event| if let Event::Trained { summary, .. } = event { Some(summary.run.clone()) } else { None })
        .unwrap();
    let (events, _) = bench.run(list_runs(&runs));
    let Some(Event::Runs { runs, .. }) = events.first() else { panic!("{events:?}") };
    assert!(runs.len() == 1 && runs[0].has_model && !runs[0].resumable, "{runs:?}");
    let (evaluation, outcome) = measure_own(&mut bench, &run, None);
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let evaluation = evaluation.unwrap();
    assert!(
        evaluation.is_own
            && evaluation.changed.is_none()
            && evaluation.report.n_genuine > 0
            && evaluation.report.n_impostor > 0
    );
    let image = ImageSource::File(data.join("p00/0.png"));
    let images = Box::new([image.clone(), image]);
    let measured = Some(Arc::clone(&evaluation));
    let (events, outcome) = bench.run(Request::Verify { run: run.clone(), images, measured });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let Some(Event::Verified { result, .. }) = events.first() else { panic!("{events:?}") };
    assert!(result.similarity > 0.999 && result.decision() == Some(crate::eval::Decision::Same));
    assert_eq!(result.neighbours[0].len(), 5);
    let list = folder.path().join("pairs.txt");
    std::fs::write(&list, "p00/0.png p00/1.png 1\np00/0.png p01/0.png 0\np01/0.png p01/1.png 1\n").unwrap();
    let pairs = |images: Option<&Path>| Request::Evaluate {
        run: run.clone(),
        on: protocol::EvaluateOn::Protocol { file: list.clone(), images: images.map(Path::to_owned) },
    };
    let (_, outcome) = bench.run(pairs(None));
    let Outcome::Failed(error) = outcome else { panic!("the images are not beside the list: {outcome:?}") };
    assert!(error.hint.as_deref().unwrap_or_default().contains("Choose the list again"), "{error:?}");
    let (events, outcome) = bench.run(pairs(Some(&data)));
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let of_pairs = |event: &Event| {
        if let Event::Evaluated { evaluation, .. } = event { Some(Arc::clone(evaluation)) } else { None }
    };
    let evaluation = events.iter().find_map(of_pairs).unwrap();
    assert_eq!((evaluation.report.n_genuine, evaluation.report.n_impostor, evaluation.table.len()), (2, 1, 4));
    assert_eq!((evaluation.on.as_str(), evaluation.is_own), ("3 pairs of pairs.txt", false));
    assert!(evaluation.label().ends_with(", pairs.txt"));
    let images = Box::new([ImageSource::File(data.join("p00/0.png")), ImageSource::File(data.join("p01/0.png"))]);
    std::fs::remove_dir_all(run.join("evaluation")).unwrap();
    let (events, outcome) = bench.run(Request::Verify { run: run.clone(), images, measured: None });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let Some(Event::Verified { result, .. }) = events.first() else { panic!("{events:?}") };
    assert!(result.similarity.is_finite() && result.decision().is_none(), "nothing was measured");
    let bad = Box::new([ImageSource::File(data.join("p00/0.png")), ImageSource::File(folder.path().join("gone.png"))]);
    let (_, outcome) = bench.run(Request::Verify { run, images: bad, measured: None });
    let Outcome::Failed(error) = outcome else { panic!("{outcome:?}") };
    assert!(error.hint.as_deref().unwrap_or_default().contains("gone.png"), "{error:?}");
}

#[test]
fn images_that_changed_since_the_training_are_told_and_replace_nothing_that_was_measured() {
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let run = folder.path().join("run");
    let mut first = Bench::new();
    let catalog = open(&mut first, &data);
    let mut config = config();
    config.train.epochs = 1;
    first.run(Request::Train { catalog, config: Box::new(config), place: Place::NewAt(run.clone()) });
    drop(first);

    // As after a restart: no images lie ready.
    let mut bench = Bench::new();
    let moved = folder.path().join("moved");
    std::fs::rename(&data, &moved).unwrap();
    let Outcome::Failed(error) = measure_own(&mut bench, &run, None).1 else { panic!("its images are gone") };
    assert!(error.hint.as_deref().unwrap_or_default().contains("open them in Data"), "{error:?}");
    let elsewhere = open(&mut bench, &moved);
    let (evaluation, outcome) = measure_own(&mut bench, &run, Some(elsewhere));
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let own = evaluation.unwrap();
    assert!(own.is_own && own.changed.is_none() && own.on.ends_with("held-out images of moved"), "{}", own.on);

    std::fs::rename(&moved, &data).unwrap();
    std::fs::copy(data.join("p00/0.png"), data.join("p00/9.png")).unwrap();
    let report = run.join("evaluation/report.json");
    let before = std::fs::read(&report).unwrap();
    let (evaluation, outcome) = measure_own(&mut bench, &run, None);
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let changed = evaluation.unwrap();
    assert!(!changed.is_own && changed.changed.as_deref().unwrap().contains("were learned from then"), "{changed:?}");
    assert_eq!((changed.on.as_str(), changed.table.len()), ("61 images of data, changed since training", 61));
    assert!(std::fs::read(&report).unwrap() == before, "what was measured on its own images was replaced");
    // Where nothing was measured before, nothing is kept: a threshold from images that it has learned from holds for no others.
    std::fs::remove_dir_all(run.join("evaluation")).unwrap();
    assert!(measure_own(&mut bench, &run, None).0.is_some());
    assert!(crate::train::load_evaluation(&run).is_none() && crate::train::load_operating_point(&run).is_none());
}

#[test]
fn a_cancelled_run_keeps_its_checkpoint_and_the_thread_goes_on() {
    let Opened { folder, mut bench, catalog, .. } = opened();
    let run = folder.path().join("run");
    let mut config = config();
    config.train.epochs = 5000;
    let (id, control) =
        bench.send(Request::Train { catalog, config: Box::new(config), place: Place::NewAt(run.clone()) });
    let outcome = bench.wait(id, |event| {
        if matches!(event, Event::Train { event: TrainEvent::Epoch(_), .. }) {
            control.cancel();
        }
    });
    assert!(matches!(outcome, Outcome::Cancelled), "{outcome:?}");
    assert!(crate::train::read_run(&run).unwrap().has_model);
    let (events, outcome) = bench.run(Request::Devices);
    assert!(matches!(outcome, Outcome::Finished) && matches!(events.first(), Some(Event::Devices { .. })));
}

#[test]
fn a_paused_run_answers_what_is_short_and_goes_on() {
    let Opened { folder, data, mut bench, catalog } = opened();
    let mut trained = config();
    trained.train.epochs = 1;
    let first = folder.path().join("first");
    bench.run(Request::Train {
        catalog: Arc::clone(&catalog),
        config: Box::new(trained),
        place: Place::NewAt(first.clone()),
    });
    let mut long = config();
    long.train.epochs = 5000;
    let place = Place::NewAt(folder.path().join("second"));
    let (id, control) = bench.send(Request::Train { catalog, config: Box::new(long), place });
    control.set_paused(true);
    let image = ImageSource::File(data.join("p01/0.png"));
    let (events, outcome) =
        bench.run(Request::Verify { run: first.clone(), images: Box::new([image.clone(), image]), measured: None });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    assert!(events.iter().any(|event| matches!(event, Event::Verified { .. })));
    // What goes out to other programs, and comes in from them, does not wait for the end of a training either.
    let weights = folder.path().join("net.safetensors");
    let format = crate::train::ExportFormat::Safetensors;
    let (_, outcome) = bench.run(Request::Export { run: first, format, out: weights.clone() });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let (root, preprocess) = (folder.path().join("runs"), crate::train::PreprocessChange::default());
    let (_, outcome) = bench.run(Request::Import { weights, root, preprocess });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    control.set_paused(false);
    control.cancel();
    assert!(matches!(bench.wait(id, |_| {}), Outcome::Cancelled));
}

#[test]
fn what_cannot_be_opened_fails_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Bench::new();
    let (_, outcome) = bench.run(Request::OpenData { path: folder.path().join("nothing") });
    let Outcome::Failed(error) = outcome else { panic!("{outcome:?}") };
    assert!(error.headline.contains("nothing"), "{error:?}");
    let (_, outcome) = bench.run(Request::OpenData { path: folder.path().to_owned() });
    assert!(matches!(outcome, Outcome::Failed(_)), "an empty folder is no data set");
}

#[test]
fn a_dropped_text_or_network_is_told_by_its_content() {
    use super::protocol::FileKind;
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Bench::new();
    let mut look = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        let (events, outcome) = bench.run(Request::LookAtFile { file });
        match outcome {
            Outcome::Finished => match events.first() {
                Some(Event::FileLooked { kind, .. }) => Ok(*kind),
                other => panic!("{other:?}"),
            },
            Outcome::Failed(error) => Err(error),
            Outcome::Cancelled => panic!("nobody stopped it"),
        }
    };
    assert_eq!(look("all.txt", "path,label\na/1.jpg,anna\n").unwrap(), FileKind::Images);
    assert_eq!(look("lfw.txt", "a/1.jpg a/2.jpg 1\na/1.jpg b/1.jpg 0\n").unwrap(), FileKind::Pairs);
    assert_eq!(look("pairs.csv", "source,target,label\na/1.jpg,a/2.jpg,1\n").unwrap(), FileKind::Pairs);
    let masks = "image,label,mask\na.jpg,0,a_mask.png\nb.jpg,1,b_mask.png\n";
    assert_eq!(look("masks.csv", masks).unwrap(), FileKind::Images);
    let error = look("licence.txt", "Permission is hereby granted\n").unwrap_err();
    assert!(error.headline.contains("licence.txt") && error.hint.is_some(), "{error:?}");
    let error = look("net.onnx", "hello").unwrap_err();
    assert!(error.hint.as_ref().is_some_and(|hint| hint.contains(".safetensors")), "{error:?}");
}

#[test]
fn a_panic_becomes_words() {
    let error = explain::from_panic(protocol::JobKind::Map, &"index out of bounds");
    assert!(
        error.headline.contains("Computing the map") && error.causes == ["index out of bounds"] && error.hint.is_some()
    );
}

#[test]
fn a_run_that_diverges_says_nothing_of_the_next_seed_and_a_full_disk_does() {
    let diverged = TrainError::Diverged { step: 7, rewinds: 3, lr: 0.1, has_checkpoint: true };
    let full = TrainError::Disk {
        verb: "write the checkpoint",
        path: "/runs/a".into(),
        source: std::io::ErrorKind::StorageFull.into(),
    };
    assert!(JobError::from(&diverged).is_of_seed && !JobError::from(&full).is_of_seed);
}

#[test]
fn small_pictures_come_back_under_their_key() {
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let catalog = Arc::new(Catalog::open(&data, &|_| {}, &|| false).unwrap());
    let thumbs = Thumbs::start(Arc::new(|| {})).unwrap();
    assert!(thumbs.request(ThumbRequest { key: 7, px: 8, work: ThumbWork::Item(catalog, 0) }));
    assert!(thumbs.request(ThumbRequest {
        key: 8,
        px: 8,
        work: ThumbWork::Source(ImageSource::File(PathBuf::from("/gone.png")))
    }));
    let mut replies = Vec::new();
    let began = Instant::now();
    while replies.len() < 2 {
        assert!(began.elapsed() < PATIENCE, "the pictures did not come");
        replies.extend(thumbs.poll());
        std::thread::sleep(Duration::from_millis(2));
    }
    replies.sort_by_key(|reply| reply.key);
    let thumb = replies[0].thumb.as_ref().unwrap();
    assert_eq!((replies[0].key, thumb.width, thumb.height), (7, 8, 8));
    assert!(replies[1].thumb.is_err());
}

#[test]
fn a_worker_that_panics_says_so_and_goes_on_working() {
    let armed = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let trigger = Arc::clone(&armed);
    // The only foreign code on the worker's threads is this one.
    let wake = Arc::new(move || assert!(!trigger.swap(false, std::sync::atomic::Ordering::SeqCst), "planted"));
    let mut bench = Bench { workers: Workers::start(wake).unwrap(), next: 0 };
    let folder = tempfile::tempdir().unwrap();
    for request in [Request::Devices, list_runs(folder.path())] {
        armed.store(true, std::sync::atomic::Ordering::SeqCst);
        let (_, outcome) = bench.run(request.clone());
        let Outcome::Failed(error) = outcome else { panic!("{outcome:?}") };
        assert!(error.headline.contains("fault in ArcLens") && error.causes[0].contains("planted"), "{error:?}");
        let (_, outcome) = bench.run(request);
        assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    }
}

#[test]
fn weights_are_looked_at_and_then_imported_with_the_preprocessing_asked_for() {
    let Opened { folder, mut bench, catalog, .. } = opened();
    let (run, file) = (folder.path().join("run"), folder.path().join("net.safetensors"));
    let mut config = config();
    config.train.epochs = 1;
    bench.run(Request::Train { catalog, config: Box::new(config), place: Place::NewAt(run.clone()) });
    let format = crate::train::ExportFormat::Safetensors;
    let (_, outcome) = bench.run(Request::Export { run, format, out: file.clone() });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let look = |bench: &mut Bench| {
        let (events, outcome) = bench.run(Request::LookAtWeights { weights: file.clone() });
        let found = events
            .into_iter()
            .find_map(|event| if let Event::WeightsLooked { look, .. } = event { Some(look) } else { None });
        (found, outcome)
    };
    let (found, outcome) = look(&mut bench);
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let found = found.unwrap();
    let network = found.usable().unwrap();
    assert_eq!((network.flavour.as_str(), network.info.network.embedder.embedding_dim), ("ArcLens", 8));
    let root = folder.path().join("runs");
    assert!(!root.exists(), "a look writes nothing");
    let preprocess =
        crate::train::PreprocessChange { mean: Some([0.125; 3]), ..crate::train::PreprocessChange::default() };
    let (events, outcome) = bench.run(Request::Import { weights: file.clone(), root, preprocess });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let Some(Event::Imported { run, .. }) = events.first() else { panic!("{events:?}") };
    let model = crate::train::TrainedModel::open(run, crate::train::Device::Cpu).unwrap();
    assert_eq!(model.info().network.preprocess.mean, [0.125; 3]);
    let mut weights = crate::model::weights::read_weights(&file).unwrap();
    let first = weights.tensors.keys().next().cloned().unwrap();
    weights.tensors.remove(&first);
    std::fs::write(&file, weights.to_safetensors().unwrap()).unwrap();
    let (found, outcome) = look(&mut bench);
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let found = found.unwrap();
    assert!(found.usable().is_none() && found.refusal.is_some(), "{found:?}");
    std::fs::write(&file, b"a text").unwrap();
    let (found, outcome) = look(&mut bench);
    let Outcome::Failed(error) = outcome else { panic!("{outcome:?}") };
    assert!(found.is_none() && error.headline.contains("neither a PyTorch file"), "{error:?}");
}

#[test]
fn a_figure_is_written_and_takes_no_other_files_place_unless_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("det.svg");
    let mut bench = Bench::new();
    let ask = |replace: bool| {
        let figure = Box::new(crate::eval::DetFigure::new(Vec::new()));
        Request::SaveFigure { figure, out: out.clone(), replace }
    };
    let (events, outcome) = bench.run(ask(false));
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    assert!(events.iter().any(|event| matches!(event, Event::FigureSaved { out: told, .. } if *told == out)));
    assert!(std::fs::read_to_string(&out).unwrap().ends_with("</svg>\n"));
    let (_, outcome) = bench.run(ask(false));
    let Outcome::Failed(error) = outcome else { panic!("{outcome:?}") };
    assert!(error.headline.contains("already") && error.hint.is_some(), "{error:?}");
    let (_, outcome) = bench.run(ask(true));
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
}
