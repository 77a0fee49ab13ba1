//! What can go wrong between a photograph and an aligned crop. Messages name the problem first, the path last.

use crate::data::DataError;
use std::path::{Path, PathBuf};

/// Why faces could not be found or aligned.
#[derive(Debug, thiserror::Error)]
pub enum FaceError {
    /// Built without the feature.
    #[error(
        "this build cannot run a face detector; build it with the feature `faces`, or say where the eyes are, by a list of points or by two clicks in the window"
    )]
    NotBuilt,
    /// The file is no detector we know.
    #[error("this is no YuNet face detector: {reason}; OpenCV Zoo publishes such files as face_detection_yunet_….onnx: {}", path.display())]
    NotADetector {
        /// What was found instead.
        reason: String,
        /// The file.
        path: PathBuf,
    },
    /// The network stopped.
    #[error("the face detector stopped ({reason}): {}", path.display())]
    Stopped {
        /// The library's words.
        reason: String,
        /// The detector's file.
        path: PathBuf,
    },
    /// A list of landmarks cannot be understood.
    #[error("line {line} of the list of landmarks: {message}: {}", path.display())]
    List {
        /// Counted from 1.
        line: u64,
        /// What was expected and what was found.
        message: String,
        /// The list.
        path: PathBuf,
    },
    /// There is nothing to do.
    #[error("there is no image here (jpeg, png, bmp, gif, tiff, webp or pnm): {}", .0.display())]
    NoImages(PathBuf),
    /// Something is in the way of the results.
    #[error("{reason}: {}", path.display())]
    Refused {
        /// What it is, and what to do.
        reason: String,
        /// The file or folder.
        path: PathBuf,
    },
    /// An image or the disk.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl FaceError {
    /// The system refused to write.
    pub(super) fn writing(path: &Path) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::Data(DataError::Io { verb: "write", path: path.to_owned(), source })
    }

    /// The system refused to read.
    pub(super) fn reading(path: &Path, source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::NotFound => {
                let reason = "there is no such file".to_owned();
                Self::Refused { reason, path: path.to_owned() }
            }
            _ => Self::Data(DataError::Io { verb: "read", path: path.to_owned(), source }),
        }
    }
}
