//! Everything a person can ask for, and everything the state asks of the outside in return.

use super::{
    CheckAction, ExportAction, ExportOrder, FaceAction, ImportAction, NoticeId, PairsAction, PictureAction, RunAction,
    Workspace,
};
use crate::config::{Preset, Value};
use crate::eval::OperatingRule;
use crate::map::MapMethod;
use crate::worker::protocol::{ImageSource, Job, JobId};
use std::path::PathBuf;

/// What a file dialog is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// A folder of images.
    OpenFolder,
    /// A file that holds or lists images.
    OpenFile,
    /// An image for this slot of Verify.
    PickImage(usize),
    /// A run folder.
    OpenRun,
    /// A file of weights made elsewhere.
    ImportWeights,
    /// A list of pairs or a verification set.
    PickPairs,
    /// The folder that the images of the list in sight lie in.
    PickPairImages,
    /// Where to write a run's network to, see [`super::RunsView`].
    ExportRun,
    /// Where to write the open data set to, as it was asked for.
    ExportData(ExportOrder),
    /// A face detector.
    PickDetector,
    /// Where to write the DET curves in sight to.
    SavePicture,
    /// A list of points of faces.
    PickLandmarks,
}

/// What a person can do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Show a workspace.
    Go(Workspace),
    /// Ask for a path.
    Ask(Dialog),
    /// Open a data set.
    OpenData(PathBuf),
    /// Open the bundled sample data.
    OpenSample,
    /// Close the data set.
    CloseData,
    /// Change a setting.
    Set {
        /// Its key.
        key: &'static str,
        /// Its new value.
        value: Value,
    },
    /// Put one setting back to its default.
    Reset(&'static str),
    /// Put all settings back to their defaults.
    ResetAll,
    /// The settings of a preset.
    UsePreset(Preset),
    /// The mouse was released: the next change is a new undo step.
    SealEdit,
    /// Undo the last change of the settings or of the excluded images.
    Undo,
    /// Redo it.
    Redo,
    /// Train with the present settings.
    StartTraining,
    /// With how many seeds the next run is made.
    SetSeeds(u32),
    /// Pause or go on.
    TogglePause,
    /// Stop, keeping what was done.
    StopTraining,
    /// Continue a run from its last checkpoint.
    ContinueRun(PathBuf),
    /// Look at a file of weights, to make a run of it.
    ImportWeights(PathBuf),
    /// Something about that file.
    Import(ImportAction),
    /// Use a run's model in Explore, Evaluate and Verify.
    UseRun(PathBuf),
    /// Measure a run's error rates.
    Evaluate(PathBuf),
    /// Measure a run's error rates on the images that are open.
    EvaluateOpen(PathBuf),
    /// Look at a list of pairs or a verification set, to measure the model in use on it.
    LookAtPairs(PathBuf),
    /// Something about that file.
    Pairs(PairsAction),
    /// Choose the projection.
    SetMethod(MapMethod),
    /// Compute the map again.
    RedoMap,
    /// Select a point of the map (a row), or none.
    Select(Option<u32>),
    /// Show only these classes; empty = all.
    Isolate(Vec<u32>),
    /// Draw a run in the plots or not.
    ToggleOverlay(usize),
    /// Take a run out of the plots.
    RemoveOverlay(usize),
    /// Fill the table with this run's numbers.
    ShowOverlay(usize),
    /// Something about a picture of the curves.
    Picture(PictureAction),
    /// Choose how the threshold of a run is set.
    SetRule {
        /// The run.
        run: PathBuf,
        /// How.
        rule: OperatingRule,
    },
    /// Put an image into a slot.
    SetSlot(usize, ImageSource),
    /// Put images into the free slots.
    VerifyImages(Vec<ImageSource>),
    /// Empty a slot.
    ClearSlot(usize),
    /// Exchange the two images.
    SwapSlots,
    /// Take the picture on the clipboard.
    Paste,
    /// Files were dropped on the window.
    Dropped(Vec<PathBuf>),
    /// Something about the check of the data set.
    Check(CheckAction),
    /// Something about an export of the data set.
    ExportData(ExportAction),
    /// Look for runs again.
    RefreshRuns,
    /// Something on the page of runs.
    Runs(RunAction),
    /// Something about faces.
    Faces(FaceAction),
    /// Stop a job.
    CancelJob(JobId),
    /// Take a message away.
    Dismiss(NoticeId),
    /// Show a message.
    Say(super::Severity, String),
    /// The window was asked to close.
    RequestClose,
    /// Close after all: the run keeps its checkpoint.
    ConfirmClose,
    /// Stay.
    CancelClose,
}

/// What has to happen outside.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Give a job to the workers.
    Send(Job),
    /// Show a file dialog.
    Ask(Dialog),
    /// Read the clipboard and answer with [`Action::VerifyImages`].
    ReadClipboard,
    /// Show a folder in the system's file manager.
    ShowFolder(PathBuf),
    /// Close the window.
    Close,
}
