//! Everything that crosses a thread: read this file first. All of it is plain data.
//!
//! Per job the order is: (progress | result)*, then exactly one [`Event::Ended`]. Requests are refused rather than
//! queued without bound; progress is latest-value; results are never dropped.

mod by_hand;
mod evaluation;
mod image_source;
mod run_entry;

pub use by_hand::{HandDone, HandStep};
pub use evaluation::{Classification, Evaluation, VerifyResult};
pub use image_source::ImageSource;
pub use run_entry::{RunChange, RunEntry};

use crate::config::RunConfig;
use crate::convert::ConvertRequest;
use crate::data::{Catalog, Diagnosis, Examination, Exported, ProtocolLook, Split, Thumb};
use crate::eval::{DetFigure, EmbeddingTable};
use crate::faces::{AlignOptions, Aligned, Face, FinderFile, HandSpec};
use crate::map::{Layout, MapError, MapMethod, TsneSpec};
use crate::train::{
    Control, DeviceInfo, ExportFormat, KeptPoint, Network, Place, PreprocessChange, RunSummary, TrainEvent, WeightsLook,
};
use std::path::PathBuf;
use std::sync::Arc;

/// Names one job; results of jobs that are no longer current are ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// What kind of work a job is, for the status bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Reading a folder.
    OpenData,
    /// Drawing the sample data.
    DrawSample,
    /// Reading and comparing every image.
    CheckData,
    /// Writing which images are excluded.
    Exclude,
    /// Writing a data set for other programs.
    ExportData,
    /// Training.
    Train,
    /// Embedding held-out images and computing error rates.
    Evaluate,
    /// Computing a map.
    Map,
    /// Comparing two images.
    Verify,
    /// Writing the operating point.
    SaveOperatingPoint,
    /// Writing a figure of error rates.
    SaveFigure,
    /// Listing the runs on disk.
    ListRuns,
    /// Reading what the network of a run is.
    ReadNetwork,
    /// Renaming, describing or deleting a run.
    ChangeRun,
    /// Looking at a file to tell what it is.
    LookAtFile,
    /// Looking at weights from elsewhere.
    LookAtWeights,
    /// Looking at a list of pairs or a verification set.
    LookAtPairs,
    /// Making a run of them.
    Import,
    /// Writing a network for other programs.
    Export,
    /// Looking for devices.
    Devices,
    /// Looking for the face in a picture.
    FindFace,
    /// Aligning the faces of a folder.
    AlignFolder,
    /// Marking the faces of a folder by hand.
    MarkFaces,
}

impl JobKind {
    /// What the status bar says while it runs.
    pub fn label(self) -> &'static str {
        match self {
            Self::OpenData => "Reading images",
            Self::DrawSample => "Drawing sample portraits",
            Self::CheckData => "Checking the images",
            Self::Exclude => "Changing the excluded images",
            Self::ExportData => "Exporting the images",
            Self::Train => "Training",
            Self::Evaluate => "Measuring error rates",
            Self::Map => "Computing the map",
            Self::Verify => "Comparing",
            Self::SaveOperatingPoint => "Saving the threshold",
            Self::SaveFigure => "Saving the picture",
            Self::ListRuns => "Looking for runs",
            Self::ReadNetwork => "Reading a network",
            Self::ChangeRun => "Changing a run",
            Self::LookAtFile => "Looking at the file",
            Self::LookAtWeights => "Looking at the weights",
            Self::LookAtPairs => "Looking at the pairs",
            Self::Import => "Importing weights",
            Self::Export => "Exporting the network",
            Self::Devices => "Looking for devices",
            Self::FindFace => "Looking for the face",
            Self::AlignFolder => "Aligning faces",
            Self::MarkFaces => "Marking faces",
        }
    }
}

/// Which held-out images are evaluated.
#[derive(Clone, Debug)]
pub enum EvaluateOn {
    /// The data set and the split the run was trained with. It is `open`, or lies where it was.
    OwnSplit {
        /// The data set that is open, which may be it.
        open: Option<Arc<Catalog>>,
    },
    /// Every image of a data set, all pairs; of the run's own, the images that it held out.
    Whole(Arc<Catalog>),
    /// A list of pairs or a verification set.
    Protocol {
        /// The file.
        file: PathBuf,
        /// Where the images of a list lie when they are not beside it.
        images: Option<PathBuf>,
    },
}

/// Everything the rest of the program can ask for.
#[derive(Clone, Debug)]
pub enum Request {
    /// Reads a folder, or a file that holds or lists images.
    OpenData { path: PathBuf },
    /// Finds the bundled sample data, or draws it into `fallback`, and opens it.
    OpenSample { fallback: PathBuf },
    /// Reads and compares every image of a data set.
    CheckData { catalog: Arc<Catalog> },
    /// Keeps which images of the examined data set are excluded (positions in its whole, sorted).
    Exclude { examination: Arc<Examination>, excluded: Vec<u32> },
    /// Writes a data set in a form other trainers read.
    ExportData { catalog: Arc<Catalog>, request: ConvertRequest, out: PathBuf },
    /// Trains.
    Train { catalog: Arc<Catalog>, config: Box<RunConfig>, place: Place },
    /// Embeds and computes error rates with a run's best checkpoint. The threshold is chosen as the run's own was.
    Evaluate { run: PathBuf, on: EvaluateOn },
    /// Lays embeddings out.
    Map { table: Arc<EmbeddingTable>, method: MapMethod, tsne: TsneSpec },
    /// Compares two images with a run's best checkpoint. If that is what was `measured`, its threshold decides in place of the
    /// one that is kept with the run, and its images are searched for neighbours.
    Verify { run: PathBuf, images: Box<[ImageSource; 2]>, measured: Option<Arc<Evaluation>> },
    /// Keeps the chosen operating point with the run, for the commands without a window.
    SaveOperatingPoint { run: PathBuf, kept: KeptPoint },
    /// Writes DET curves to a file, whose ending says as what. `replace`: a file of that name may be replaced.
    SaveFigure { figure: Box<DetFigure>, out: PathBuf, replace: bool },
    /// Lists the runs below a folder, and those of `elsewhere` that are not among them.
    ListRuns { root: PathBuf, elsewhere: Vec<PathBuf> },
    /// Reads what the network of a run is, which a run that starts from it takes over.
    ReadNetwork { run: PathBuf },
    /// Changes a run's folder.
    ChangeRun { run: PathBuf, change: RunChange },
    /// Says what a file is to this program whose name does not tell.
    LookAtFile { file: PathBuf },
    /// Says whose network a file of weights is, and whether a run can be made of it.
    LookAtWeights { weights: PathBuf },
    /// Says what a list of pairs or a verification set is. The images of a list are looked for below each of `folders`.
    LookAtPairs { file: PathBuf, folders: Vec<PathBuf> },
    /// Makes a run of weights from elsewhere, in a new folder below `root`.
    Import { weights: PathBuf, root: PathBuf, preprocess: PreprocessChange },
    /// Writes a run's network for other programs.
    Export { run: PathBuf, format: ExportFormat, out: PathBuf },
    /// Probes the devices.
    Devices,
    /// Loads a picture to mark a face in, and looks for one of this score in [0, 1] or more where there is a detector.
    FindFace { source: ImageSource, detector: Option<PathBuf>, min_score: f32 },
    /// Aligns every image below `root` into the folder `out`.
    AlignFolder { root: PathBuf, out: PathBuf, finder: FinderFile, options: AlignOptions },
    /// Does one step of marking the faces of a folder by hand.
    MarkFaces { spec: Arc<HandSpec>, step: HandStep },
}

impl Request {
    /// What kind of work it is.
    pub fn kind(&self) -> JobKind {
        match self {
            Self::OpenData { .. } => JobKind::OpenData,
            Self::OpenSample { .. } => JobKind::DrawSample,
            Self::CheckData { .. } => JobKind::CheckData,
            Self::Exclude { .. } => JobKind::Exclude,
            Self::ExportData { .. } => JobKind::ExportData,
            Self::Train { .. } => JobKind::Train,
            Self::Evaluate { .. } => JobKind::Evaluate,
            Self::Map { .. } => JobKind::Map,
            Self::Verify { .. } => JobKind::Verify,
            Self::SaveOperatingPoint { .. } => JobKind::SaveOperatingPoint,
            Self::SaveFigure { .. } => JobKind::SaveFigure,
            Self::ListRuns { .. } => JobKind::ListRuns,
            Self::ReadNetwork { .. } => JobKind::ReadNetwork,
            Self::ChangeRun { .. } => JobKind::ChangeRun,
            Self::LookAtFile { .. } => JobKind::LookAtFile,
            Self::LookAtWeights { .. } => JobKind::LookAtWeights,
            Self::LookAtPairs { .. } => JobKind::LookAtPairs,
            Self::Import { .. } => JobKind::Import,
            Self::Export { .. } => JobKind::Export,
            Self::Devices => JobKind::Devices,
            Self::FindFace { .. } => JobKind::FindFace,
            Self::AlignFolder { .. } => JobKind::AlignFolder,
            Self::MarkFaces { .. } => JobKind::MarkFaces,
        }
    }
}

/// What a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A list of images with their labels, or an archive of images.
    Images,
    /// A list of pairs, or a verification set.
    Pairs,
    /// Weights made elsewhere.
    Weights,
    /// A face detector.
    Detector,
}

/// A request with its name and its brake.
#[derive(Clone, Debug)]
pub struct Job {
    /// Name.
    pub id: JobId,
    /// Work.
    pub request: Request,
    /// Cancel and pause.
    pub control: Control,
}

/// Progress of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Units done.
    pub done: u64,
    /// Units in all; 0 = unknown.
    pub total: u64,
    /// Seconds left, if known.
    pub eta_secs: Option<f64>,
}

/// An opened data set with the split its default settings give.
#[derive(Clone, Debug)]
pub struct OpenedData {
    /// The images.
    pub catalog: Arc<Catalog>,
    /// How long it took.
    pub elapsed_secs: f64,
}

/// A data set with other images excluded.
#[derive(Clone, Debug)]
pub struct ExclusionChange {
    /// The images that are left.
    pub catalog: Arc<Catalog>,
    /// What is wrong with them.
    pub diagnosis: Arc<Diagnosis>,
}

/// A picture in which a face is to be marked.
#[derive(Clone, Debug)]
pub struct FoundFace {
    /// Width of the image in pixels.
    pub width_px: u32,
    /// Height of the image in pixels.
    pub height_px: u32,
    /// The image for the screen, smaller where it is large.
    pub picture: Thumb,
    /// The same without transparency, to cut a preview from.
    pub small: Arc<image::DynamicImage>,
    /// The main face in pixels of the image; none; or one sentence why nothing was looked for.
    pub face: Result<Option<Face>, String>,
}

/// How a job ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// All done.
    Finished,
    /// Stopped on request; what was done is kept.
    Cancelled,
    /// It failed.
    Failed(JobError),
}

/// Why a job failed, as a person should read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobError {
    /// What happened.
    pub headline: String,
    /// The causes, outermost first.
    pub causes: Vec<String>,
    /// What to do.
    pub hint: Option<String>,
    /// A run came to it that may not with another seed, as one does that diverges.
    pub is_of_seed: bool,
    /// It is a map that failed for its method or its settings: PCA of the same images may do.
    pub may_pca_do: bool,
}

impl JobError {
    /// An imported run has no images of its own to be measured on, and none are open.
    pub fn no_images_to_measure_on() -> Self {
        let hint = "Open a folder of images of people or things it should tell apart, then measure it.";
        Self {
            headline: "An imported network is measured on the images that are open".to_owned(),
            hint: Some(hint.to_owned()),
            ..Self::default()
        }
    }

    /// A map could not be computed. What is amiss with t-SNE alone leaves PCA of the same images; of anything else PCA would fail
    /// as well, and the error says all there is to say.
    pub fn no_map(error: &MapError) -> Self {
        let hint = match error {
            MapError::Tsne { .. } => Some("Compute it again, or show PCA instead, which has no settings."),
            MapError::Setting { .. } => Some(
                "Change it in Train, under Advanced, Map, and compute the map again; or show PCA, which has no settings.",
            ),
            _ => None,
        };
        Self {
            headline: error.to_string(),
            hint: hint.map(str::to_owned),
            may_pca_do: hint.is_some(),
            ..Self::default()
        }
    }
}

/// Everything that can come back.
#[derive(Clone, Debug)]
pub enum Event {
    /// Latest progress.
    Progress { job: JobId, progress: Progress },
    /// A data set is open.
    DataOpened { job: JobId, data: OpenedData },
    /// Every image was read and compared.
    Checked { job: JobId, examination: Arc<Examination> },
    /// Other images are excluded, and that is kept.
    Excluded { job: JobId, change: Box<ExclusionChange> },
    /// A data set was written.
    DataExported { job: JobId, done: Box<Exported> },
    /// News of a training run.
    Train { job: JobId, event: TrainEvent },
    /// A training run is over (finished or stopped).
    Trained { job: JobId, summary: Box<RunSummary> },
    /// Error rates are ready.
    Evaluated { job: JobId, evaluation: Arc<Evaluation> },
    /// A map is ready.
    Mapped { job: JobId, table: Arc<EmbeddingTable>, layout: Arc<Layout> },
    /// Two images were compared.
    Verified { job: JobId, result: Box<VerifyResult> },
    /// Something that a person should know, although the job goes on.
    Warned { job: JobId, text: String },
    /// A figure of error rates was written.
    FigureSaved { job: JobId, out: PathBuf },
    /// The runs on disk.
    Runs { job: JobId, runs: Vec<RunEntry> },
    /// Those from elsewhere alone: the folder of runs cannot be read, for the reason that the job ends with.
    RunsElsewhere { job: JobId, runs: Vec<RunEntry> },
    /// What the network of a run is; `None` when it has none yet.
    NetworkRead { job: JobId, run: PathBuf, network: Option<Network> },
    /// A run has another folder, or none any more.
    RunChanged { job: JobId, before: PathBuf, after: Option<PathBuf> },
    /// What a file is.
    FileLooked { job: JobId, file: PathBuf, kind: FileKind },
    /// What a file of weights is.
    WeightsLooked { job: JobId, look: Arc<WeightsLook> },
    /// What a list of pairs or a verification set is.
    PairsLooked { job: JobId, look: Arc<ProtocolLook> },
    /// Weights became a run; whose network they are, in words.
    Imported { job: JobId, run: PathBuf, flavour: String },
    /// A network was written, so many bytes; what to do beside running it, without a full stop.
    Exported { job: JobId, out: PathBuf, bytes: u64, advice: Option<String> },
    /// The devices.
    Devices { job: JobId, devices: Vec<DeviceInfo> },
    /// A picture is ready to mark a face in.
    FaceFound { job: JobId, found: Arc<FoundFace> },
    /// A folder is aligned, or as far as it came.
    FolderAligned { job: JobId, done: Box<Aligned> },
    /// A step of marking faces by hand is done.
    FacesMarked { job: JobId, done: HandDone },
    /// The job is over.
    Ended { job: JobId, outcome: Outcome },
}

impl Event {
    /// The job it belongs to.
    pub fn job(&self) -> JobId {
        match self {
            Self::Progress { job, .. }
            | Self::DataOpened { job, .. }
            | Self::Checked { job, .. }
            | Self::Excluded { job, .. }
            | Self::DataExported { job, .. }
            | Self::Train { job, .. }
            | Self::Trained { job, .. }
            | Self::Evaluated { job, .. }
            | Self::Mapped { job, .. }
            | Self::Verified { job, .. }
            | Self::Warned { job, .. }
            | Self::FigureSaved { job, .. }
            | Self::Runs { job, .. }
            | Self::RunsElsewhere { job, .. }
            | Self::NetworkRead { job, .. }
            | Self::FileLooked { job, .. }
            | Self::WeightsLooked { job, .. }
            | Self::PairsLooked { job, .. }
            | Self::Imported { job, .. }
            | Self::Exported { job, .. }
            | Self::RunChanged { job, .. }
            | Self::Devices { job, .. }
            | Self::FaceFound { job, .. }
            | Self::FolderAligned { job, .. }
            | Self::FacesMarked { job, .. }
            | Self::Ended { job, .. } => *job,
        }
    }
}

/// The split as the window shows it before training.
pub type SplitPreview = Result<Arc<Split>, String>;
