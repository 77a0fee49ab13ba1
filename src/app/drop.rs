//! What a drop will do, said before it is done. Where the name of a file does not tell what it is, a worker looks at it.

use super::action::Effect;
use super::faces::{self, FaceAction};
use super::import;
use super::notice::{Notice, Severity};
use super::pairs;
use super::state::{State, Workspace};
use super::update::{open_data, start, supersede};
use crate::data::endings::{IMAGE_ENDINGS, LIST_ENDINGS, SET_ENDING, ends_with, names_pairs};
use crate::model::weights::WEIGHTS_ENDINGS;
use crate::train::is_run;
use crate::worker::protocol::{FileKind, JobId, JobKind, Request};
use std::path::{Path, PathBuf};

/// What dropped files are taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropTarget {
    /// A folder of images, or a file that holds or lists images.
    Data(PathBuf),
    /// An archive of images; but PyTorch packs weights into archives, too: its content decides.
    Archive(PathBuf),
    /// A run folder or a checkpoint inside one.
    Run(PathBuf),
    /// A file of weights made elsewhere.
    Weights(PathBuf),
    /// A list of pairs.
    Pairs(PathBuf),
    /// A verification set; but weights have the same ending: its content decides.
    Set(PathBuf),
    /// A text that may list images or pairs: its content decides.
    Text(PathBuf),
    /// A network that may be a face detector: its content decides.
    Onnx(PathBuf),
    /// Images for Verify.
    Images(Vec<PathBuf>),
    /// Nothing we know.
    Unknown(Vec<PathBuf>),
}

impl DropTarget {
    /// The sentence shown while the files hover.
    pub fn describe(&self) -> String {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match self {
            Self::Data(path) | Self::Archive(path) => format!("Open {} as a data set", name(path)),
            Self::Run(path) => format!("Open the run {}", name(path)),
            Self::Weights(path) => format!("Make a run of the weights in {}", name(path)),
            Self::Pairs(path) => format!("Look at the pairs of {}, to measure the model in use on them", name(path)),
            Self::Set(path) => {
                format!("Look at the pairs of {}, or make a run of the weights in it", name(path))
            }
            Self::Text(path) => format!("Open {}, if it lists images or pairs", name(path)),
            Self::Onnx(path) => format!("Find faces with {}, if it is a face detector", name(path)),
            Self::Images(paths) if paths.len() == 1 => "Put this image into Verify's free slot".to_owned(),
            Self::Images(paths) if paths.len() == 2 => "Compare these two images".to_owned(),
            Self::Images(paths) => format!("Compare the first two of {} images", paths.len()),
            Self::Unknown(paths) if paths.len() == 1 => "ArcLens cannot open this file".to_owned(),
            Self::Unknown(paths) => format!("ArcLens cannot open these {} files", paths.len()),
        }
    }

    /// The workspace where the result appears, as far as that is known.
    pub fn workspace(&self) -> Option<Workspace> {
        match self {
            Self::Data(_) | Self::Archive(_) => Some(Workspace::Data),
            Self::Run(_) | Self::Pairs(_) => Some(Workspace::Evaluate),
            Self::Weights(_) => Some(Workspace::Runs),
            Self::Images(_) => Some(Workspace::Verify),
            Self::Set(_) | Self::Text(_) | Self::Onnx(_) | Self::Unknown(_) => None,
        }
    }
}

/// Decides by name and by a look at the folder; opens no file.
pub fn drop_target(paths: &[PathBuf]) -> DropTarget {
    let unknown = || DropTarget::Unknown(paths.to_vec());
    let Some(first) = paths.first() else { return unknown() };
    if let Some(run) = run_of(first) {
        return DropTarget::Run(run);
    }
    if is_pairs(first) {
        return DropTarget::Pairs(first.clone());
    }
    if first.is_dir() || is_data_file(first) {
        return DropTarget::Data(first.clone());
    }
    if is_weights(first) {
        return DropTarget::Weights(first.clone());
    }
    if ends_with(first, &["zip", "tar"]) {
        return DropTarget::Archive(first.clone());
    }
    if ends_with(first, &[SET_ENDING]) {
        return DropTarget::Set(first.clone());
    }
    let images: Vec<PathBuf> = paths.iter().filter(|path| is_image(path)).cloned().collect();
    if !images.is_empty() {
        // A text beside pictures is a note about them.
        return DropTarget::Images(images);
    }
    if ends_with(first, &LIST_ENDINGS) {
        return DropTarget::Text(first.clone());
    }
    if ends_with(first, &["onnx"]) {
        return DropTarget::Onnx(first.clone());
    }
    unknown()
}

/// Has a dropped file looked at, of which the name does not say what it is.
pub(super) fn look(state: &mut State, file: PathBuf) -> Vec<Effect> {
    supersede(state, JobKind::LookAtFile);
    start(state, Request::LookAtFile { file }).1
}

/// It is known what the file is: now it is used as such.
pub(super) fn looked(state: &mut State, job: JobId, file: PathBuf, kind: FileKind) -> Vec<Effect> {
    // Another file was dropped meanwhile.
    if state.job(job).is_none_or(|view| view.control.is_cancelled()) {
        return Vec::new();
    }
    match kind {
        FileKind::Images => open_data(state, file),
        FileKind::Pairs => pairs::look(state, file),
        FileKind::Weights => import::look(state, file),
        FileKind::Detector => {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let notice = Notice::new(Severity::Success, format!("{name} is the face detector now"));
            state.notify(
                notice.hint("Align faces… in Data finds faces with it, and so does aligning a picture in Verify."),
            );
            faces::update(state, FaceAction::UseDetector(file))
        }
    }
}

/// The run folder that `path` is, or lies in; links are followed, as they are in the list of runs.
fn run_of(path: &Path) -> Option<PathBuf> {
    path.ancestors()
        .take(4)
        .find(|folder| is_run(folder) && folder.join("checkpoints").is_dir())
        .map(|folder| folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf()))
}

fn is_image(path: &Path) -> bool {
    ends_with(path, &IMAGE_ENDINGS)
}

/// `net.pth`, and names with PyTorch's endings before another, as `model_best.pth.tar`.
fn is_weights(path: &Path) -> bool {
    const WITHIN: [&str; 3] = [".pt.", ".pth.", ".ckpt."];
    let is_other = is_image(path) || ends_with(path, &LIST_ENDINGS) || ends_with(path, &["onnx"]);
    let name = lower_name(path);
    ends_with(path, &WEIGHTS_ENDINGS) || (!is_other && WITHIN.iter().any(|ending| name.contains(ending)))
}

/// `pairsDevTest.txt`, `cplfw_pairs.csv`.
fn is_pairs(path: &Path) -> bool {
    !path.is_dir() && names_pairs(path) && ends_with(path, &LIST_ENDINGS)
}

fn lower_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().to_lowercase()
}

fn is_data_file(path: &Path) -> bool {
    // Of an index the records beside it are meant.
    const ENDINGS: [&str; 5] = [".rec", ".idx", ".tar.gz", ".tgz", ".lst"];
    let name = lower_name(path);
    let is_idx = name.contains("idx1-ubyte") || name.contains("idx3-ubyte");
    is_idx || ENDINGS.iter().any(|ending| name.ends_with(ending))
}
