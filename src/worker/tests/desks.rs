//! Long jobs beside short ones, and closing while they run.

use super::*;
use crate::config::TEMPORARY_PREFIX;
use crate::convert::ConvertRequest;
use crate::eval::{DetFigure, EmbeddingTable};
use crate::faces::{AlignOptions, FinderFile, FolderImage, HandSpec, Landmarks};
use crate::map::{MapMethod, TsneSpec};
use crate::worker::protocol::HandStep;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Holds the first threads up that report something, until it is opened.
struct Gate {
    most: usize,
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    held: usize,
    is_open: bool,
}

impl Gate {
    fn holding(most: usize) -> Arc<Self> {
        Arc::new(Self { most, state: Mutex::default(), changed: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(&self) {
        let mut state = self.lock();
        if state.is_open || state.held == self.most {
            return;
        }
        state.held += 1;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |state| !state.is_open).unwrap());
    }

    fn wait_until_held(&self, count: usize) {
        let (state, waited) =
            self.changed.wait_timeout_while(self.lock(), PATIENCE, |state| state.held < count).unwrap();
        drop(state);
        assert!(!waited.timed_out(), "{count} jobs do not run at the same time");
    }
}

/// Opens it when it goes, so that a test that failed does not wait for its threads.
struct Opener(Arc<Gate>);

impl Drop for Opener {
    fn drop(&mut self) {
        self.0.lock().is_open = true;
        self.0.changed.notify_all();
    }
}

/// Threads that are held up when they report something, and what lets them go.
fn held_up(gate: &Arc<Gate>) -> (Bench, Opener) {
    let passed = Arc::clone(gate);
    let workers = Workers::start(Arc::new(move || passed.pass())).unwrap();
    (Bench { workers, next: 0 }, Opener(Arc::clone(gate)))
}

fn export(data: &Path, out: PathBuf) -> Request {
    let catalog = Arc::new(Catalog::open(data, &|_| {}, &|| false).unwrap());
    Request::ExportData { catalog, request: ConvertRequest { px: Some(256), ..ConvertRequest::default() }, out }
}

#[test]
fn exporting_aligning_and_checking_leave_room_for_what_is_short() {
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let gate = Gate::holding(3);
    let (mut bench, opener) = held_up(&gate);
    let ask = export(&data, folder.path().join("out"));
    let Request::ExportData { catalog, .. } = &ask else { panic!("{ask:?}") };
    let catalog = Arc::clone(catalog);
    // It ends at once, and is held up when it says so.
    let finder = FinderFile::Detector(folder.path().join("gone.onnx"));
    let options = AlignOptions::default();
    let align = Request::AlignFolder { root: data, out: folder.path().join("faces"), finder, options };
    for (count, request) in (1..).zip([ask, align, Request::CheckData { catalog }]) {
        bench.send(request);
        gate.wait_until_held(count);
    }
    let (events, outcome) = bench.run(list_runs(folder.path()));
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    assert!(events.iter().any(|event| matches!(event, Event::Runs { .. })));
    drop(opener);
}

#[test]
fn a_folder_of_runs_that_cannot_be_read_is_said_and_runs_from_elsewhere_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let (file, other) = (folder.path().join("runs"), folder.path().join("other"));
    std::fs::write(&file, "").unwrap();
    std::fs::create_dir(&other).unwrap();
    crate::config::save(&crate::config::RunConfig::default(), &other.join("run.toml")).unwrap();
    let mut bench = Bench::new();
    let (events, outcome) = bench.run(Request::ListRuns { root: file, elsewhere: vec![other.clone()] });
    let Some(Event::RunsElsewhere { runs, .. }) = events.first() else { panic!("{events:?}") };
    assert!(runs.len() == 1 && runs[0].path == other && runs[0].is_elsewhere, "{runs:?}");
    let Outcome::Failed(error) = outcome else { panic!("{outcome:?}") };
    assert!(error.headline.starts_with("the folder of runs cannot be read") && error.hint.is_some(), "{error:?}");
}

#[test]
fn a_map_that_fails_says_what_else_to_do() {
    let table = EmbeddingTable::new(2, vec![1.0, 0.0, 0.0, 1.0], vec![0, 1], vec![0, 1]).unwrap();
    let tsne = TsneSpec { perplexity: 0.0, iterations: 1000, max_points: 100, seed: 1 };
    let mut bench = Bench::new();
    let ask = |table: EmbeddingTable, method| Request::Map { table: Arc::new(table), method, tsne: tsne.clone() };
    let (_, outcome) = bench.run(ask(table, MapMethod::Tsne));
    let Outcome::Failed(error) = outcome else { panic!("{outcome:?}") };
    assert!(error.headline.contains("perplexity is 0"), "{error:?}");
    let hint = error.hint.as_deref().unwrap_or_default();
    assert!(hint.contains("PCA") && hint.contains("Train, under Advanced") && error.may_pca_do, "{error:?}");
    for method in [MapMethod::Pca, MapMethod::Tsne, MapMethod::Sphere] {
        let nothing = EmbeddingTable::new(2, Vec::new(), Vec::new(), Vec::new()).unwrap();
        let (_, outcome) = bench.run(ask(nothing, method));
        let Outcome::Failed(error) = outcome else { panic!("{outcome:?}") };
        assert!(error.hint.is_none() && !error.may_pca_do, "PCA would fail as well: {error:?}");
    }
}

#[test]
fn a_job_can_be_stopped_on_closing_however_many_came_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let gate = Gate::holding(1);
    let (mut bench, opener) = held_up(&gate);
    let running = |bench: &Bench| bench.workers.running.iter().map(|(job, _)| *job).collect::<Vec<_>>();
    let (long, _) = bench.send(export(&data, folder.path().join("out")));
    gate.wait_until_held(1);
    for _ in 0..40 {
        bench.run(list_runs(folder.path()));
    }
    assert_eq!(running(&bench), [long]);
    drop(opener);
    assert!(matches!(bench.wait(long, |_| {}), Outcome::Finished));
    assert!(running(&bench).is_empty());
}

#[test]
fn closing_during_an_export_leaves_no_unfinished_files() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("data"), folder.path().join("out"));
    draw_classes(&data, 40, 20);
    let mut bench = Bench::new();
    let (id, _) = bench.send(export(&data, out.clone()));
    // Once it tells how far it is, there are files of it.
    let began = Instant::now();
    let is_under_way = |event: &Event| matches!(event, Event::Progress { job, .. } if *job == id);
    loop {
        if bench.workers.poll().is_some_and(|event| is_under_way(&event)) {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "the export does not begin");
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(bench);
    let names = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let unfinished: Vec<String> = names.filter(|name| name.starts_with(TEMPORARY_PREFIX)).collect();
    assert_eq!(unfinished, Vec::<String>::new());
}

#[test]
fn a_job_that_was_stopped_while_it_waited_is_not_begun() {
    let folder = tempfile::tempdir().unwrap();
    let gate = Gate::holding(DESKS);
    let (mut bench, opener) = held_up(&gate);
    let list = || list_runs(folder.path());
    for count in 1..=DESKS {
        bench.send(list());
        gate.wait_until_held(count);
    }
    let (id, control) = bench.send(list());
    control.cancel();
    drop(opener);
    let mut began = false;
    let outcome = bench.wait(id, |event| began |= matches!(event, Event::Runs { job, .. } if *job == id));
    assert!(matches!(outcome, Outcome::Cancelled) && !began, "{outcome:?}");
}

#[test]
fn closing_waits_for_what_a_person_did_already() {
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let options = AlignOptions { size_px: 16, ..AlignOptions::default() };
    let spec = Arc::new(HandSpec { root: data, out: folder.path().join("faces"), options });
    let images = spec.images(&|| false).unwrap();
    let gate = Gate::holding(1);
    let (mut bench, opener) = held_up(&gate);
    let mark = |image: &FolderImage| {
        let landmarks = Landmarks::Eyes([[5.0, 6.0], [11.0, 6.0]]);
        Request::MarkFaces { spec: Arc::clone(&spec), step: HandStep::Mark { image: image.clone(), landmarks } }
    };
    bench.send(mark(&images[0]));
    gate.wait_until_held(1);
    // The first is held up when it says that it is done; the others wait behind it.
    for image in &images[1..6] {
        bench.send(mark(image));
    }
    let out = folder.path().join("det.svg");
    let figure = Box::new(DetFigure::new(Vec::new()));
    bench.send(Request::SaveFigure { figure, out: out.clone(), replace: false });
    drop(opener);
    drop(bench);
    assert!(out.is_file());
    assert_eq!(spec.images(&|| false).unwrap().len(), images.len() - 6);
}
