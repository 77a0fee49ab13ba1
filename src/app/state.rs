//! Everything on the screen that is not a scroll position: the one owner of it.

use super::evaluate::Choice;
use super::series::Series;
use super::start_from::StartNetwork;
use super::training::{Awaited, Continuing};
use super::{
    CheckView, ExploreView, ExportView, FacesView, History, ImportView, Notice, NoticeId, PairsView, PictureView,
    RunsView, Severity,
};
use crate::config::{Resolved, RunConfig, resolve};
use crate::data::{Catalog, SplitKind};
use crate::eval::EmbeddingTable;
use crate::map::Layout;
use crate::train::{
    AngleHistogram, Control, DeviceInfo, EpochMetrics, Footprint, RunStarted, RunSummary, StepMetrics,
    ValidationSnapshot, data_facts, find_device, plan_warnings,
};
use crate::worker::protocol::{
    Evaluation, ImageSource, JobId, JobKind, Progress, RunEntry, SplitPreview, VerifyResult,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The five steps in the order the data travel, and the list of runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Workspace {
    /// What was found in the folder.
    #[default]
    Data,
    /// Settings and live curves.
    Train,
    /// The map.
    Explore,
    /// Error rates.
    Evaluate,
    /// Two images.
    Verify,
    /// Runs on disk.
    Runs,
}

impl Workspace {
    /// In the order of the keys 1 to 6.
    pub const ALL: [Self; 6] = [Self::Data, Self::Train, Self::Explore, Self::Evaluate, Self::Verify, Self::Runs];

    /// Name on screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Data => "Data",
            Self::Train => "Train",
            Self::Explore => "Explore",
            Self::Evaluate => "Evaluate",
            Self::Verify => "Verify",
            Self::Runs => "Runs",
        }
    }
}

/// An open data set with what the present settings make of it.
#[derive(Clone, Debug)]
pub struct OpenData {
    /// The images.
    pub catalog: Arc<Catalog>,
    /// Images per class.
    pub class_counts: Vec<u32>,
    /// Training and held-out part, or why there is none.
    pub split: SplitPreview,
    /// The settings with automatic values filled in, or every problem.
    pub resolved: Result<Arc<Resolved>, String>,
    /// What is wrong with the images, and which are excluded.
    pub check: CheckView,
    /// Changes whenever `resolved` does, so that previews know when to be redrawn.
    pub revision: u64,
}

/// Is there a data set?
#[derive(Clone, Debug, Default)]
pub enum DataState {
    /// Nothing opened yet.
    #[default]
    Empty,
    /// Being read.
    Opening {
        /// The job.
        job: JobId,
        /// What is being read.
        path: PathBuf,
    },
    /// Ready.
    Open(Box<OpenData>),
    /// Could not be opened.
    Failed {
        /// What was tried.
        path: PathBuf,
        /// Why, and what to do.
        notice: Notice,
    },
}

/// How far a training run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainPhase {
    /// Images are being read.
    Preparing,
    /// Steps are being taken.
    Running,
    /// Waiting.
    Paused,
    /// Asked to stop; the checkpoint is being written.
    Stopping,
    /// All epochs done.
    Done,
    /// Stopped before its last epoch; can be continued.
    Stopped,
    /// Ended by an error; what was saved can be continued.
    Failed,
}

impl TrainPhase {
    /// Nothing is trained any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Stopped | Self::Failed)
    }
}

/// A training run as it is watched.
#[derive(Clone, Debug)]
pub struct TrainView {
    /// The job.
    pub job: JobId,
    /// Phase.
    pub phase: TrainPhase,
    /// The settings it was started with.
    pub config: RunConfig,
    /// The images it is trained on, whatever is open or excluded since.
    pub catalog: Arc<Catalog>,
    /// The folder of the run that is continued, as it was asked for; none for a new run.
    pub resumed: Option<PathBuf>,
    /// Images read before the first step (done, total).
    pub preparing: (usize, usize),
    /// Facts known after preparation.
    pub started: Option<RunStarted>,
    /// Every reported step, oldest first.
    pub steps: Vec<StepMetrics>,
    /// Every epoch; 0 is the network that the run started from.
    pub epochs: Vec<EpochMetrics>,
    /// Target angles of the last steps.
    pub angles: Option<AngleHistogram>,
    /// Embeddings after the last epoch.
    pub validation: Option<ValidationSnapshot>,
    /// Layout of `validation`.
    pub map: Option<(Arc<EmbeddingTable>, Arc<Layout>)>,
    /// How many of its steps were doubtful, and the notice that says so.
    pub doubtful: (usize, Option<NoticeId>),
    /// What the plan warned of, where it was in sight when the run was started, and what was warned of before the first step: it is
    /// not said again, by no further run of a series.
    pub(super) told: Vec<String>,
    /// What it left.
    pub summary: Option<RunSummary>,
    /// The error that ended it.
    pub error: Option<Notice>,
    /// That error is of its settings and its seed, as where it diverged: going on would come to it again.
    pub is_of_seed: bool,
    /// It was moved to the bin; see [`State::is_watched_run_gone`].
    pub(super) is_gone: bool,
}

/// One evaluated run in the plots.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// The numbers.
    pub evaluation: Arc<Evaluation>,
    /// Drawn.
    pub visible: bool,
    /// The run has learned since: its best network is another one than the one that was measured.
    pub is_outdated: bool,
}

/// Error rates.
#[derive(Clone, Debug, Default)]
pub struct EvaluateView {
    /// Evaluated runs, oldest first; the colour is the position.
    pub overlays: Vec<Overlay>,
    /// The run whose numbers fill the table.
    pub current: usize,
    /// The job.
    pub job: Option<JobId>,
    /// The epoch of the best network of the run that is measured, as it was listed when that was asked for.
    pub(super) best_when_asked: Option<u32>,
    /// What was asked for last is measured on pairs that a person chose.
    pub is_on_pairs: bool,
    /// Why there are no numbers.
    pub error: Option<Notice>,
    /// The curves as a file.
    pub picture: PictureView,
    /// The threshold that a person chose last for each run, with the job that keeps it.
    pub(super) choices: Vec<(JobId, Choice)>,
}

/// Two images.
#[derive(Clone, Debug, Default)]
pub struct VerifyView {
    /// The two images.
    pub slots: [Option<ImageSource>; 2],
    /// The comparison being made.
    pub job: Option<JobId>,
    /// The verdict on the two images.
    pub result: Option<Box<VerifyResult>>,
    /// Why there is none.
    pub error: Option<Notice>,
}

/// A job under way.
#[derive(Clone, Debug)]
pub struct JobView {
    /// Name.
    pub id: JobId,
    /// Kind.
    pub kind: JobKind,
    /// The run whose folder it reads until its end, where it does.
    pub run: Option<PathBuf>,
    /// Latest progress.
    pub progress: Progress,
    /// Its brake.
    pub control: Control,
}

/// The whole program.
#[derive(Clone, Debug)]
pub struct State {
    /// Workspace shown.
    pub workspace: Workspace,
    /// The settings of the next run.
    pub config: RunConfig,
    /// Changes whenever they were taken over from a run elsewhere than in their form: Train shows what they will do then.
    pub settings_taken: u64,
    /// Undo and redo of the settings and the excluded images.
    pub history: History,
    /// The data set.
    pub data: DataState,
    /// The run watched, if any.
    pub training: Option<TrainView>,
    /// With how many seeds the next run is made, one after the other.
    pub seeds: u32,
    /// The runs that the one watched is one of, if it is one of several.
    pub series: Option<Series>,
    /// What goes on as soon as that is there which it waits for.
    pub(super) continuing: Option<(Awaited, Continuing)>,
    /// The map.
    pub explore: ExploreView,
    /// Error rates.
    pub evaluate: EvaluateView,
    /// Two images.
    pub verify: VerifyView,
    /// Faces being marked, folders being aligned.
    pub faces: FacesView,
    /// The data set being exported.
    pub export: ExportView,
    /// Runs on disk, and those opened from elsewhere, in the order of `runs_view`.
    pub runs: Vec<RunEntry>,
    /// The network of the run that the next one starts from; see [`State::start_network`].
    pub(super) start_network: StartNetwork,
    /// The page of runs.
    pub runs_view: RunsView,
    /// The file of weights that may become a run, shown there.
    pub import: Option<ImportView>,
    /// The file of pairs that a model may be measured on, shown on the page of error rates.
    pub pairs: Option<PairsView>,
    /// The run whose model is used by Explore, Evaluate and Verify.
    pub active_run: Option<PathBuf>,
    /// The devices; empty until probed.
    pub devices: Vec<DeviceInfo>,
    /// Jobs under way.
    pub jobs: Vec<JobView>,
    /// Messages, oldest first.
    pub notices: Vec<Notice>,
    /// Where new runs go.
    pub runs_root: PathBuf,
    /// Shown by the closing question.
    pub asks_before_closing: bool,
    next_id: u64,
}

impl State {
    /// An empty program that puts its runs below `runs_root`.
    pub fn new(runs_root: PathBuf) -> Self {
        Self {
            workspace: Workspace::Data,
            config: RunConfig::default(),
            settings_taken: 0,
            history: History::default(),
            data: DataState::Empty,
            training: None,
            seeds: 1,
            series: None,
            continuing: None,
            explore: ExploreView::default(),
            evaluate: EvaluateView::default(),
            verify: VerifyView::default(),
            faces: FacesView::default(),
            export: ExportView::default(),
            runs: Vec::new(),
            start_network: StartNetwork::default(),
            runs_view: RunsView::default(),
            import: None,
            pairs: None,
            active_run: None,
            devices: Vec::new(),
            jobs: Vec::new(),
            notices: Vec::new(),
            runs_root,
            asks_before_closing: false,
            next_id: 1,
        }
    }

    /// A number never given before.
    pub(super) fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Adds a message.
    pub fn notify(&mut self, notice: Notice) {
        self.replace(None, notice);
    }

    /// Adds a message at the end, as every one; the earlier one that it stands for is taken away, where it is still there.
    pub(super) fn replace(&mut self, before: Option<NoticeId>, mut notice: Notice) -> NoticeId {
        self.notices.retain(|known| Some(known.id) != before);
        let id = NoticeId(self.next_id());
        notice.id = id;
        self.notices.push(notice);
        let surplus = self.notices.len().saturating_sub(MAX_NOTICES);
        self.notices.drain(..surplus);
        id
    }

    /// The open data set.
    pub fn open_data(&self) -> Option<&OpenData> {
        match &self.data {
            DataState::Open(data) => Some(data),
            _ => None,
        }
    }

    /// A run is being trained.
    pub fn is_training(&self) -> bool {
        self.training.as_ref().is_some_and(|view| !view.phase.is_over())
    }

    /// The job with this name.
    pub fn job(&self, id: JobId) -> Option<&JobView> {
        self.jobs.iter().find(|job| job.id == id)
    }

    /// Asks a job to stop, if it is still under way: its result is no longer wanted.
    pub(super) fn cancel(&self, job: impl Into<Option<JobId>>) {
        let id: Option<JobId> = job.into();
        if let Some(job) = id.and_then(|id| self.job(id)) {
            job.control.cancel();
        }
    }

    /// The evaluation of the active run, whose threshold Verify uses; `None` where it was not measured, or has learned since.
    pub fn active_evaluation(&self) -> Option<&Arc<Evaluation>> {
        self.evaluate.of_run(self.active_run.as_deref()?)
    }

    /// Error rates that are asked for, or were and are not begun, wait until the training under way is over.
    pub fn measuring_waits(&self) -> bool {
        let training = self.training.as_ref().filter(|_| self.is_training());
        // What was asked for before the training goes before it.
        training.is_some_and(|view| self.evaluate.job.is_none_or(|job| job > view.job))
    }

    /// A run with a model that can verify.
    pub fn has_model(&self) -> bool {
        let Some(active) = self.active_run.as_deref() else { return false };
        let trained_here = self.training.as_ref().is_some_and(|view| {
            view.started.as_ref().is_some_and(|started| started.run == active) && !view.epochs.is_empty()
        });
        // What was measured has one, whether or not the list knows of it already.
        let was_measured = || self.evaluate.overlays.iter().any(|overlay| overlay.evaluation.run == active);
        let is_known = || self.run_entry(active).is_some_and(|run| run.has_model) || was_measured();
        trained_here || is_known()
    }

    /// The run on disk with this folder.
    pub fn run_entry(&self, path: &Path) -> Option<&RunEntry> {
        self.runs.iter().find(|run| run.path == path)
    }

    /// Recomputes split and automatic values after data or settings changed.
    pub(super) fn refresh_preview(&mut self) {
        let revision = self.next_id();
        let mut config = self.config.clone();
        let decided = self.start_network().map(|network| network.settle(&mut config)).unwrap_or_default();
        if let DataState::Open(data) = &mut self.data {
            data.split = crate::data::split(&data.catalog, &config.data, u64::from(config.train.seed))
                .map(Arc::new)
                .map_err(|error| error.to_string());
            data.resolved = match &data.split {
                Ok(split) => resolve(&config, &data_facts(&data.catalog, split))
                    .map(|mut resolved| {
                        resolved.reasons.extend(decided);
                        Arc::new(resolved)
                    })
                    .map_err(|error| error.to_string()),
                Err(reason) => Err(reason.clone()),
            };
            data.revision = revision;
        }
    }

    /// What the next run will cost, with the network that will really be trained; `None` while the settings do not fit the
    /// data.
    pub fn footprint(&self) -> Option<Footprint> {
        let data = self.open_data()?;
        let (resolved, split) = (data.resolved.as_ref().ok()?, data.split.as_ref().ok()?);
        let form = self.start_network().map(|network| network.embedder.form).unwrap_or_default();
        Some(Footprint::of(resolved, split.train_classes.len(), form))
    }

    /// What a person may not have meant by the next run, which costs so much; the run itself says the same when it begins.
    pub fn plan_warnings(&self, cost: &Footprint) -> Vec<String> {
        let Some(data) = self.open_data() else { return Vec::new() };
        let (Ok(resolved), Ok(split)) = (&data.resolved, &data.split) else { return Vec::new() };
        let device = find_device(&self.devices, self.config.train.device.trim()).map(DeviceInfo::device);
        plan_warnings(resolved, split.train_classes.len(), cost, device)
    }

    /// Tells whether this split keeps the classes apart.
    pub fn is_open_set(&self) -> bool {
        self.open_data()
            .and_then(|data| data.split.as_ref().ok())
            .is_some_and(|split| split.kind == SplitKind::ByIdentity)
    }

    /// A short sentence for something that was done.
    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.notify(Notice::new(Severity::Info, text));
    }
}

/// More messages than this are not kept.
const MAX_NOTICES: usize = 50;
