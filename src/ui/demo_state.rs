//! States for screenshots and tests of the window: every workspace empty, busy, done and failed.
//!
//! Nothing is put together by hand: the states come out of the program's own [`update`] and [`on_event`], fed with
//! events as the workers would send them. The images are the sample data; the numbers are invented
//! (`ui::demo_data`) and shown nowhere else.

mod run;

use super::demo_data::{demo_evaluation, demo_layout, demo_verify_result};
use crate::app::{Action, Effect, RunAction, State, Workspace, on_event, update};
use crate::config::RunInfo;
use crate::data::Catalog;
use crate::eval::OperatingRule;
use crate::map::{MapError, MapMethod};
use crate::train::{DeviceInfo, TrainError};
use crate::worker::find_or_draw_sample;
use crate::worker::protocol::{
    Evaluation, Event, ImageSource, Job, JobError, JobId, JobKind, OpenedData, Outcome, Progress, Request, RunEntry,
};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// Which moment of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoKind {
    /// Nothing has happened yet.
    Empty,
    /// Work is under way.
    Busy,
    /// There is a result.
    Done,
    /// Something went wrong.
    Error,
}

impl DemoKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Empty, Self::Busy, Self::Done, Self::Error];

    /// Name for files and flags.
    pub fn word(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Busy => "busy",
            Self::Done => "done",
            Self::Error => "error",
        }
    }
}

/// The state at that moment. Where the sample data can be neither found nor drawn, the empty state.
pub fn state(workspace: Workspace, kind: DemoKind) -> State {
    let mut demo = Demo::new();
    let made = if kind == DemoKind::Empty { Some(()) } else { demo.play(workspace, kind) };
    if made.is_none() {
        demo = Demo::new();
    }
    demo.state.notices.clear();
    demo.act(Action::Go(workspace));
    match (workspace, kind) {
        (Workspace::Runs, DemoKind::Busy) => {}
        (Workspace::Runs, DemoKind::Error) => demo.fail_listing(),
        _ => demo.end_all(JobKind::ListRuns),
    }
    demo.state
}

/// Runs, two of them compared: one that is done, and one with another loss and more epochs that is not.
pub fn compared() -> State {
    let mut shown = state(Workspace::Runs, DemoKind::Done);
    for name in [RUNS[0], RUNS[2]] {
        update(&mut shown, RunAction::Compare(PathBuf::from("runs").join(name)).into());
    }
    shown
}

/// The images of all demo states, opened once per process.
fn catalog() -> Option<Arc<Catalog>> {
    static OPENED: OnceLock<Option<Arc<Catalog>>> = OnceLock::new();
    OPENED
        .get_or_init(|| {
            let fallback = std::env::temp_dir().join("arclens-sample-data");
            let path = find_or_draw_sample(&fallback, &|_, _| (), &|| false).ok()?;
            Catalog::open(&path, &|_| (), &|| false).ok().map(Arc::new)
        })
        .clone()
}

/// Two evaluated runs, the better one last.
fn evaluations() -> Option<[Arc<Evaluation>; 2]> {
    static MADE: OnceLock<Option<[Arc<Evaluation>; 2]>> = OnceLock::new();
    let make = |name, separation| demo_evaluation(name, separation, catalog()?).ok().map(Arc::new);
    MADE.get_or_init(|| Some([make(RUNS[1], 0.85)?, make(RUNS[0], 1.25)?])).clone()
}

/// Names of the demo runs, newest first.
const RUNS: [&str; 3] =
    ["2026-11-22-1405-sample-data-arcface", "2026-11-21-0932-sample-data-softmax", "2026-11-20-1817-products-cosface"];

/// A state that is played forward.
struct Demo {
    state: State,
}

impl Demo {
    fn new() -> Self {
        let mut demo = Self { state: State::new(PathBuf::from("runs")) };
        let cpu = DeviceInfo { id: "cpu".into(), name: "CPU, 8 threads".into(), usable: true, reason: None };
        let missing = "no NVIDIA driver found (libcuda); install the driver to train on the GPU";
        let cuda =
            DeviceInfo { id: "cuda:0".into(), name: "NVIDIA GPU".into(), usable: false, reason: Some(missing.into()) };
        demo.tell(Event::Devices { job: JobId(0), devices: vec![cpu, cuda] });
        demo
    }

    fn play(&mut self, workspace: Workspace, kind: DemoKind) -> Option<()> {
        match workspace {
            Workspace::Data => self.data(kind),
            Workspace::Train => self.train(kind),
            Workspace::Explore => self.explore(kind),
            Workspace::Evaluate => self.evaluate(kind),
            Workspace::Verify => self.verify(kind),
            Workspace::Runs => self.runs(kind),
        }
    }

    /// Does an action; the jobs it asked for.
    fn act(&mut self, action: Action) -> Vec<Job> {
        update(&mut self.state, action).into_iter().filter_map(job_of).collect()
    }

    /// Reports an event; the jobs that followed from it.
    fn tell(&mut self, event: Event) -> Vec<Job> {
        on_event(&mut self.state, event).into_iter().filter_map(job_of).collect()
    }

    fn end(&mut self, job: JobId) {
        self.tell(Event::Ended { job, outcome: Outcome::Finished });
    }

    fn end_all(&mut self, kind: JobKind) {
        let jobs: Vec<JobId> = self.state.jobs.iter().filter(|job| job.kind == kind).map(|job| job.id).collect();
        for job in jobs {
            self.end(job);
        }
    }

    fn fail(&mut self, job: JobId, headline: &str, cause: &str, hint: &str) {
        let error = JobError {
            headline: headline.into(),
            causes: vec![cause.into()],
            hint: Some(hint.into()),
            ..JobError::default()
        };
        self.tell(Event::Ended { job, outcome: Outcome::Failed(error) });
    }

    /// The same in the trainer's own words.
    fn fail_of(&mut self, job: JobId, error: &TrainError) {
        self.tell(Event::Ended { job, outcome: Outcome::Failed(error.into()) });
    }

    /// The list of runs that is being made cannot be.
    fn fail_listing(&mut self) {
        let source = std::io::ErrorKind::PermissionDenied.into();
        let error = TrainError::RunsFolder { path: self.state.runs_root.clone(), source };
        let job = self.state.jobs.iter().find(|job| job.kind == JobKind::ListRuns).map(|job| job.id);
        if let Some(job) = job {
            self.fail_of(job, &error);
        }
    }

    fn progress(&mut self, job: JobId, done: u64, total: u64) {
        self.tell(Event::Progress { job, progress: Progress { done, total, eta_secs: (total > 0).then_some(3.0) } });
    }

    fn data(&mut self, kind: DemoKind) -> Option<()> {
        let job = if kind == DemoKind::Done {
            self.act(Action::OpenSample).first()?.id
        } else {
            self.act(Action::OpenData(PathBuf::from("pictures/birds"))).first()?.id
        };
        match kind {
            DemoKind::Busy => self.progress(job, 7_312, 11_788),
            DemoKind::Error => self.fail(
                job,
                "There are no images in this folder: pictures/birds",
                "expected one sub-folder per class, with images in it; found 3 files and no folder",
                "Open the folder that holds the class folders, or a folder with train and test.",
            ),
            _ => self.opened(job)?,
        }
        Some(())
    }

    fn opened(&mut self, job: JobId) -> Option<()> {
        self.tell(Event::DataOpened { job, data: OpenedData { catalog: catalog()?, elapsed_secs: 0.4 } });
        self.end(job);
        Some(())
    }

    /// A data set is open and a run with a model is in use.
    fn ready(&mut self) -> Option<()> {
        self.data(DemoKind::Done)?;
        self.runs(DemoKind::Done)
    }

    fn runs(&mut self, kind: DemoKind) -> Option<()> {
        match kind {
            DemoKind::Busy => {
                self.act(Action::RefreshRuns);
            }
            // The page itself asks for the list, which fails then.
            DemoKind::Error => {}
            _ => {
                self.tell(Event::Runs { job: JobId(0), runs: entries() });
                self.state.active_run = Some(PathBuf::from("runs").join(RUNS[0]));
            }
        }
        Some(())
    }

    /// Both runs are evaluated and the map is there.
    fn evaluated(&mut self) -> Option<()> {
        self.ready()?;
        for evaluation in evaluations()? {
            let job = self.act(Action::Evaluate(evaluation.run.clone())).first()?.id;
            let next = self.tell(Event::Evaluated { job, evaluation });
            self.end(job);
            for job in next {
                self.map(job);
            }
        }
        Some(())
    }

    fn map(&mut self, job: Job) {
        if let Request::Map { table, method, .. } = job.request {
            let layout = Arc::new(demo_layout(&table, method));
            self.tell(Event::Mapped { job: job.id, table, layout });
        }
        self.end(job.id);
    }

    fn explore(&mut self, kind: DemoKind) -> Option<()> {
        self.evaluated()?;
        match kind {
            DemoKind::Busy => {
                self.state.explore.layout = None;
                self.act(Action::SetMethod(MapMethod::Tsne));
            }
            DemoKind::Error => {
                self.state.explore.layout = None;
                let job = self.act(Action::SetMethod(MapMethod::Tsne)).first()?.id;
                let points = self.state.explore.table.as_ref()?.len();
                let error = MapError::Tsne { points, reason: "positions are not finite".to_owned() };
                let error = JobError::no_map(&error);
                self.tell(Event::Ended { job, outcome: Outcome::Failed(error) });
            }
            _ => {
                self.act(Action::Select(Some(112)));
            }
        }
        Some(())
    }

    fn evaluate(&mut self, kind: DemoKind) -> Option<()> {
        if kind == DemoKind::Done {
            return self.evaluated();
        }
        self.ready()?;
        let job = self.act(Action::Evaluate(PathBuf::from("runs").join(RUNS[0]))).first()?.id;
        if kind == DemoKind::Busy {
            self.progress(job, 310, 520);
        } else {
            self.fail(
                job,
                "The images of this run are not where they were",
                "expected the data set of the run, found another one with the same name: sample-data",
                "Open the data set this run was trained on, then measure it again.",
            );
        }
        Some(())
    }

    fn verify(&mut self, kind: DemoKind) -> Option<()> {
        self.evaluated()?;
        let evaluation = Arc::clone(self.state.active_evaluation()?);
        let slot = |item: usize| ImageSource::Item(Arc::clone(&evaluation.catalog), item as u32);
        let rows = [40, 47];
        self.act(Action::SetSlot(0, slot(rows[0])));
        let job = self
            .act(Action::SetSlot(1, slot(rows[1])))
            .into_iter()
            .find(|job| job.request.kind() == JobKind::Verify)?
            .id;
        match kind {
            DemoKind::Busy => self.progress(job, 0, 0),
            DemoKind::Error => self.fail(
                job,
                "The second image cannot be read",
                "the file ends in the middle of the picture",
                "Choose another image, or save it again with an image editor.",
            ),
            _ => {
                let result = Box::new(demo_verify_result(&evaluation, rows, OperatingRule::Eer));
                self.tell(Event::Verified { job, result });
                self.end(job);
            }
        }
        Some(())
    }
}

fn job_of(effect: Effect) -> Option<Job> {
    match effect {
        Effect::Send(job) => Some(job),
        Effect::Ask(_) | Effect::ReadClipboard | Effect::ShowFolder(_) | Effect::Close => None,
    }
}

fn entries() -> Vec<RunEntry> {
    let entry = |index: usize, head: &str, epochs: &str, done: u32, eer: Option<f64>| {
        let name = RUNS.get(index).copied().unwrap_or_default();
        let mut config = crate::config::RunConfig::default();
        for (key, text) in [("loss.head", head), ("train.epochs", epochs)] {
            // The keys and words are ours; a wrong one would only leave the default.
            config.set_text(key, text).ok();
        }
        let data = if index == 2 { "pictures/products" } else { "sample-data" };
        config.run = Some(RunInfo {
            data: data.into(),
            device: "CPU, 8 threads".into(),
            classes: 52,
            images: 1040,
            ..RunInfo::default()
        });
        let path = PathBuf::from("runs").join(name);
        let (has_model, resumable) = (done > 0, done < config.train.epochs);
        RunEntry {
            path,
            name: name.into(),
            config,
            note: String::new(),
            epochs_done: done,
            epochs: run::epochs(done, eer).into(),
            eer,
            has_model,
            resumable,
            finished: None,
            is_elsewhere: false,
        }
    };
    vec![
        entry(0, "arcface", "24", 24, Some(0.021)),
        entry(1, "softmax", "24", 24, Some(0.064)),
        entry(2, "cosface", "40", 13, Some(0.118)),
    ]
}
