//! The threads with real jobs: every job ends exactly once, can be stopped, and survives bad input.

use super::protocol::{Event, HandDone, HandStep, ImageSource, Job, JobId, Outcome, Request};
use super::*;
use crate::config::{Auto, RunConfig};
use crate::convert::{ConvertForm, ConvertRequest};
use crate::data::Catalog;
use crate::data::testing::draw_classes;
use crate::eval::OperatingRule;
use crate::faces::{AlignOptions, FinderFile, FolderImage, HandSpec, Landmarks};
use crate::train::{Control, Place, TrainEvent};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

mod desks;

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
            assert!(began.elapsed() < Duration::from_secs(120), "the job did not end");
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

#[test]
fn a_folder_goes_all_the_way_to_a_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let mut bench = Bench::new();
    let catalog = open(&mut bench, &data);
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
    let (events, _) = bench.run(Request::ListRuns { root: runs });
    let Some(Event::Runs { runs, .. }) = events.first() else { panic!("{events:?}") };
    assert!(runs.len() == 1 && runs[0].has_model && !runs[0].resumable, "{runs:?}");
    let (events, outcome) =
        bench.run(Request::Evaluate { run: run.clone(), on: protocol::EvaluateOn::OwnSplit, rule: OperatingRule::Eer });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let evaluation = events
        .iter()
        .find_map(
            |event| if let Event::Evaluated { evaluation, .. } = event { Some(Arc::clone(evaluation)) } else { None },
        )
        .unwrap();
    assert!(evaluation.is_own && evaluation.report.n_genuine > 0 && evaluation.report.n_impostor > 0);
    let image = ImageSource::File(data.join("p00/0.png"));
    let images = Box::new([image.clone(), image]);
    let gallery = Some(Arc::clone(&evaluation.table));
    let (events, outcome) = bench.run(Request::Verify { run: run.clone(), images, gallery, operating: None });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let Some(Event::Verified { result, .. }) = events.first() else { panic!("{events:?}") };
    assert!(result.similarity > 0.999 && result.decision() == Some(crate::eval::Decision::Same));
    assert_eq!(result.neighbours[0].len(), 5);
    let list = folder.path().join("pairs.txt");
    std::fs::write(&list, "p00/0.png p00/1.png 1\np00/0.png p01/0.png 0\np01/0.png p01/1.png 1\n").unwrap();
    let pairs = |images: Option<&Path>| Request::Evaluate {
        run: run.clone(),
        on: protocol::EvaluateOn::Protocol { file: list.clone(), images: images.map(Path::to_owned) },
        rule: OperatingRule::Eer,
    };
    let (_, outcome) = bench.run(pairs(None));
    let Outcome::Failed(error) = outcome else { panic!("the images are not beside the list: {outcome:?}") };
    assert!(error.hint.as_deref().unwrap_or_default().contains("open the folder"), "{error:?}");
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
    let (events, outcome) = bench.run(Request::Verify { run: run.clone(), images, gallery: None, operating: None });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let Some(Event::Verified { result, .. }) = events.first() else { panic!("{events:?}") };
    assert!(result.similarity.is_finite() && result.decision().is_none(), "nothing was measured");
    let bad = Box::new([ImageSource::File(data.join("p00/0.png")), ImageSource::File(folder.path().join("gone.png"))]);
    let (_, outcome) = bench.run(Request::Verify { run, images: bad, gallery: None, operating: None });
    let Outcome::Failed(error) = outcome else { panic!("{outcome:?}") };
    assert!(error.hint.as_deref().unwrap_or_default().contains("gone.png"), "{error:?}");
}

#[test]
fn a_cancelled_run_keeps_its_checkpoint_and_the_thread_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let mut bench = Bench::new();
    let catalog = open(&mut bench, &data);
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
fn a_paused_run_answers_a_comparison_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let mut bench = Bench::new();
    let catalog = open(&mut bench, &data);
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
    let (events, outcome) = bench.run(Request::Verify {
        run: first,
        images: Box::new([image.clone(), image]),
        gallery: None,
        operating: None,
    });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    assert!(events.iter().any(|event| matches!(event, Event::Verified { .. })));
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
fn a_picture_comes_for_marking_even_when_the_detector_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let mut bench = Bench::new();
    let source = ImageSource::File(data.join("p00/0.png"));
    for detector in [None, Some(data.join("p00/1.png"))] {
        let fails = detector.is_some();
        let (events, outcome) = bench.run(Request::FindFace { source: source.clone(), detector, min_score: 0.6 });
        assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
        let Some(Event::FaceFound { found, .. }) = events.first() else { panic!("{events:?}") };
        assert_eq!((found.width_px, found.small.width(), found.picture.rgba.len()), (16, 16, 16 * 16 * 4));
        assert_eq!(found.face.is_err(), fails, "{:?}", found.face);
    }
    let gone = Request::FindFace { source: ImageSource::File("/gone.png".into()), detector: None, min_score: 0.6 };
    assert!(matches!(bench.run(gone).1, Outcome::Failed(_)));
    let out = folder.path().join("out");
    let options = AlignOptions::default();
    for finder in [FinderFile::Detector(data.join("p00/0.png")), FinderFile::List(data.join("p00/0.png"))] {
        let wrong = Request::AlignFolder { root: data.clone(), out: out.clone(), finder, options };
        let (_, outcome) = bench.run(wrong);
        assert!(matches!(outcome, Outcome::Failed(_)) && !out.exists(), "{outcome:?}");
    }
}

/// What a step of marking faces by hand came to.
fn by_hand(bench: &mut Bench, spec: &Arc<HandSpec>, step: HandStep) -> HandDone {
    let (events, outcome) = bench.run(Request::MarkFaces { spec: Arc::clone(spec), step });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let done = events
        .into_iter()
        .find_map(|event| if let Event::FacesMarked { done, .. } = event { Some(done) } else { None });
    done.unwrap()
}

fn left(bench: &mut Bench, spec: &Arc<HandSpec>) -> Arc<[FolderImage]> {
    let HandDone::Listed(images) = by_hand(bench, spec, HandStep::List) else { panic!("no list") };
    images
}

#[test]
fn two_faces_of_a_folder_are_marked_by_hand_and_one_mark_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    draw_classes(&data, 2, 2);
    let mut bench = Bench::new();
    let options = AlignOptions { size_px: 32, ..AlignOptions::default() };
    let spec = Arc::new(HandSpec { root: data.clone(), out: folder.path().join("out"), options });
    let images = left(&mut bench, &spec);
    let names: Vec<&str> = images.iter().map(|image| image.name.as_str()).collect();
    assert_eq!(names, ["p00/0.png", "p00/1.png", "p01/0.png", "p01/1.png"]);
    let landmarks = Landmarks::Eyes([[5.0, 8.0], [11.0, 8.5]]);
    let mut formers = Vec::new();
    for image in &images[..2] {
        let mark = HandStep::Mark { image: image.clone(), landmarks };
        let HandDone::Marked(former) = by_hand(&mut bench, &spec, mark) else { panic!("not marked") };
        formers.push(former);
        let crop = load_source(&ImageSource::File(spec.out.join(&image.name))).unwrap();
        assert_eq!((crop.width(), crop.height()), (32, 32));
    }
    assert_eq!(*left(&mut bench, &spec), images[2..]);
    let table = || std::fs::read_to_string(spec.out.join(crate::faces::RECORD_NAME)).unwrap();
    let text = table();
    let rows: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert!(rows[0].starts_with("p00/0.png,p00/0.png,32,,,,,,5.000,8.000,11.000,8.500,"), "{text}");
    let back = HandStep::Unmark { image: images[1].clone(), former: formers.remove(1) };
    assert!(matches!(by_hand(&mut bench, &spec, back), HandDone::Unmarked));
    assert!(!spec.out.join("p00/1.png").exists() && table().lines().count() == 2);
    // A pass over the folder, with the table as its list, keeps what was marked.
    let finder = FinderFile::List(spec.out.join(crate::faces::RECORD_NAME));
    let (events, outcome) = bench.run(Request::AlignFolder { root: data, out: spec.out.clone(), finder, options });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let counts = events.iter().find_map(|event| {
        if let Event::FolderAligned { done, .. } = event {
            Some((done.already, done.aligned, done.unfound))
        } else {
            None
        }
    });
    assert_eq!(counts, Some((1, 0, 3)));
    let gone = HandStep::Mark { image: images[3].clone(), landmarks };
    std::fs::remove_file(&images[3].path).unwrap();
    let (_, outcome) = bench.run(Request::MarkFaces { spec: Arc::clone(&spec), step: gone });
    let Outcome::Failed(error) = outcome else { panic!("{outcome:?}") };
    assert!(error.headline.contains("1.png"), "{error:?}");
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
    let error = look("licence.txt", "Permission is hereby granted\n").unwrap_err();
    assert!(error.headline.contains("licence.txt") && error.hint.is_some(), "{error:?}");
    let error = look("net.onnx", "hello").unwrap_err();
    assert!(error.hint.as_ref().is_some_and(|hint| hint.contains(".safetensors")), "{error:?}");
}

#[test]
fn an_aligned_picture_is_cut_out_when_it_is_loaded() {
    let eyes = |left: f64| crate::faces::Landmarks::Eyes([[left, 8.0], [11.0, 8.0]]);
    let whole = ImageSource::Pixels { width: 16, height: 16, rgba: Arc::from([200_u8; 1024]) };
    let aligned = |left| ImageSource::Aligned { of: Arc::new(whole.clone()), landmarks: eyes(left), size_px: 56 };
    let crop = load_source(&aligned(5.0)).unwrap();
    assert_eq!((crop.width(), crop.height()), (56, 56));
    assert!(load_source(&aligned(11.0)).unwrap_err().to_string().contains("one spot"));
    assert!(aligned(5.0) != aligned(6.0) && aligned(5.0).whole() == &whole);
}

#[test]
fn a_panic_becomes_words() {
    let error = explain::from_panic(protocol::JobKind::Map, &"index out of bounds");
    assert!(
        error.headline.contains("Computing the map") && error.causes == ["index out of bounds"] && error.hint.is_some()
    );
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
    while replies.len() < 2 && began.elapsed() < Duration::from_secs(20) {
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
    for request in [Request::Devices, Request::ListRuns { root: folder.path().to_owned() }] {
        armed.store(true, std::sync::atomic::Ordering::SeqCst);
        let (_, outcome) = bench.run(request.clone());
        let Outcome::Failed(error) = outcome else { panic!("{outcome:?}") };
        assert!(error.headline.contains("fault in ArcLens") && error.causes[0].contains("planted"), "{error:?}");
        let (_, outcome) = bench.run(request);
        assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    }
}

#[test]
fn a_data_set_is_checked_and_what_is_excluded_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    std::fs::copy(data.join("p00/0.png"), data.join("p01/0.png")).unwrap();
    let mut bench = Bench::new();
    let catalog = open(&mut bench, &data);
    let (events, outcome) = bench.run(Request::CheckData { catalog });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let examination = events
        .iter()
        .find_map(
            |event| if let Event::Checked { examination, .. } = event { Some(Arc::clone(examination)) } else { None },
        )
        .unwrap();
    let diagnosis = examination.diagnose(&[]);
    let excluded = diagnosis.findings.first().unwrap().all_but_first();
    assert_eq!(excluded.len(), 1, "{:?}", diagnosis.findings);
    let (_, outcome) =
        bench.run(Request::Exclude { examination: Arc::clone(&examination), excluded: excluded.clone() });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    assert_eq!(open(&mut bench, &data).excluded(), excluded);
    let all = (0..60).collect();
    let (_, outcome) = bench.run(Request::Exclude { examination, excluded: all });
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    assert_eq!(open(&mut bench, &data).excluded(), excluded);
}

#[test]
fn weights_are_looked_at_and_then_imported_with_the_preprocessing_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let mut bench = Bench::new();
    let catalog = open(&mut bench, &data);
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
    assert_eq!((network.flavour.as_str(), network.info.embedder.embedding_dim), ("ArcLens", 8));
    let root = folder.path().join("runs");
    assert!(!root.exists(), "a look writes nothing");
    let preprocess =
        crate::train::PreprocessChange { mean: Some([0.125; 3]), ..crate::train::PreprocessChange::default() };
    let (events, outcome) = bench.run(Request::Import { weights: file.clone(), root, preprocess });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let Some(Event::Imported { run, .. }) = events.first() else { panic!("{events:?}") };
    let model = crate::train::TrainedModel::open(run, crate::train::Device::Cpu).unwrap();
    assert_eq!(model.info().preprocess.mean, [0.125; 3]);
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
fn a_data_set_is_exported_without_its_excluded_images_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let mut bench = Bench::new();
    let whole = open(&mut bench, &data);
    let catalog = Arc::new(whole.without(&[0, 7]).unwrap());
    let out = folder.path().join("out/train.rec");
    let request = ConvertRequest { px: Some(12), ..ConvertRequest::default() };
    let ask = Request::ExportData { catalog: Arc::clone(&catalog), request, out: out.clone() };
    let (events, outcome) = bench.run(ask.clone());
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    assert!(events.iter().any(|event| matches!(event, Event::Progress { progress, .. } if progress.total == 58)));
    let done =
        events.iter().find_map(|event| if let Event::DataExported { done, .. } = event { Some(done) } else { None });
    let done = done.unwrap();
    assert_eq!((done.images, done.groups, done.warnings.total()), (58, 12, 0));
    assert_eq!(done.files.first(), Some(&out));
    let back = open(&mut bench, &out);
    assert_eq!((back.items.len(), back.typical_px(), &back.classes), (58, 12, &catalog.classes));
    // Nothing is written over.
    let (_, outcome) = bench.run(ask);
    let Outcome::Failed(error) = outcome else { panic!("{outcome:?}") };
    assert!(error.headline.contains("already"), "{error:?}");
    // Stopped before it begins: no file is left.
    let request = ConvertRequest { form: ConvertForm::VerificationSet, pairs: 10, ..request };
    let out = folder.path().join("stopped.bin");
    let job = Job {
        id: JobId(99),
        request: Request::ExportData { catalog, request, out: out.clone() },
        control: Control::default(),
    };
    job.control.cancel();
    bench.workers.send(job).map_err(|_| "full").unwrap();
    let outcome = bench.wait(JobId(99), |_| {});
    assert!(matches!(outcome, Outcome::Cancelled) && !out.exists(), "{outcome:?}");
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
