//! What can go wrong between a path and a batch. Messages name the problem first, what to do next, the path last.
//!
//! One bad image is not an error of the whole data set: [`ImageProblem`] is what a [`super::Warning`] is made from.

use std::path::{Path, PathBuf};

/// Why one image cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageProblem {
    /// Zero bytes.
    #[error("the file is empty (0 bytes)")]
    Empty,
    /// No known signature.
    #[error("the content is not an image of a known format")]
    NotAnImage,
    /// The end is missing.
    #[error("the image is cut off: its end is missing")]
    Truncated,
    /// Too few pixels to carry information.
    #[error("the image is {width}×{height} px, at least {min}×{min} px are needed", min = super::MIN_SIDE_PX)]
    TooSmall {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// More pixels than we are willing to allocate.
    #[error(
        "the image is {width}×{height} px; at most {side} px a side and {mpx} million pixels are read",
        side = super::MAX_SIDE_PX,
        mpx = super::MAX_PIXELS / 1_000_000
    )]
    TooLarge {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// A format this program does not read.
    #[error("{0} is not read here; convert it to JPEG or PNG")]
    Unsupported(String),
    /// The decoder's words.
    #[error("the image cannot be decoded ({0})")]
    Broken(String),
}

/// Why data could not be opened, read or divided.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Nothing is there.
    #[error("there is nothing at this path; open a folder with one sub-folder of images per class, an archive of it, or a .rec, IDX or list file: {}", .0.display())]
    Missing(PathBuf),
    /// A file that a person named is not there.
    #[error("there is no such file: {}", .0.display())]
    NoFile(PathBuf),
    /// A folder of images that a person named is not there.
    #[error("there is no such folder of images: {}", .0.display())]
    NoImagesFolder(PathBuf),
    /// Something is there, but no data set.
    #[error("expected a folder with one sub-folder of images per class, an archive of it, or a .rec, IDX or list file, but found {found}: {}", path.display())]
    NotADataSet {
        /// What was found, in words.
        found: String,
        /// Where.
        path: PathBuf,
    },
    /// The layout is right, but no image can be used.
    #[error("no usable image was found{found}; expected one sub-folder per class with jpeg, png, bmp, gif, tiff, webp or pnm files: {}", path.display())]
    NoImages {
        /// What was found instead, as the rest of a clause.
        found: String,
        /// Where.
        path: PathBuf,
    },
    /// More files than the program is made for.
    #[error("the folder has more than {limit} files, which is more than this program opens; split it: {}", path.display())]
    TooMany {
        /// The largest number.
        limit: usize,
        /// Where.
        path: PathBuf,
    },
    /// The system refused.
    #[error("could not {verb} ({source}): {}", path.display())]
    Io {
        /// "read", "list", "write" or "remove".
        verb: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It was there when the data set was opened.
    #[error("this was there when the data set was opened and is gone now; is a drive disconnected? Put it back and resume, or open the data set again: {}", .0.display())]
    Vanished(PathBuf),
    /// One image cannot be used.
    #[error("{problem}: {}", path.display())]
    Image {
        /// Why.
        problem: ImageProblem,
        /// Which.
        path: PathBuf,
    },
    /// Every image failed to decode.
    #[error("none of the {count} images could be read; the first: {first}")]
    AllUnreadable {
        /// How many were tried.
        count: usize,
        /// The first problem, with its path.
        first: String,
    },
    /// An IDX file does not hold what its header says.
    #[error("the IDX file is not valid at byte {offset}: {message}: {}", path.display())]
    Idx {
        /// Where in the (unpacked) file.
        offset: u64,
        /// What was expected and what was found.
        message: String,
        /// The file.
        path: PathBuf,
    },
    /// A file that holds many images does not hold what it says.
    #[error("the {form} is not valid at byte {offset}: {message}: {}", path.display())]
    Form {
        /// "RecordIO file" and the like.
        form: &'static str,
        /// Where in the file.
        offset: u64,
        /// What was expected and what was found.
        message: String,
        /// The file.
        path: PathBuf,
    },
    /// A file that is understood, but of a kind that cannot be used.
    #[error("{reason}: {}", path.display())]
    Refused {
        /// What it is, and what to do.
        reason: String,
        /// The file.
        path: PathBuf,
    },
    /// The data cannot be divided as asked.
    #[error("{problem}; {advice}")]
    Split {
        /// What is in the way.
        problem: String,
        /// What would help.
        advice: String,
    },
    /// A pair list cannot be understood.
    #[error("line {line} of the pair list: {message}: {}", path.display())]
    Pairs {
        /// Counted from 1.
        line: usize,
        /// What was expected and what was found.
        message: String,
        /// The file.
        path: PathBuf,
    },
    /// No pair of the list has both images.
    #[error("none of the {pairs} pairs has both images below the folder, for example \"{example}\" is missing; choose the folder that holds the images of this list: {}", path.display())]
    NoPairs {
        /// Pairs in the list.
        pairs: usize,
        /// The first image not found.
        example: String,
        /// Where was searched.
        path: PathBuf,
    },
    /// The person stopped it.
    #[error("cancelled")]
    Cancelled,
    /// A mistake of ours.
    #[error("image number {item} was asked for, which is not among the {count} at hand")]
    NoSuchItem {
        /// The number asked for.
        item: usize,
        /// How many there are.
        count: usize,
    },
    /// A mistake of ours.
    #[error("a batch of images could not be started ({0})")]
    Thread(std::io::Error),
}

impl DataError {
    /// Nothing at all could be read: how many were tried, and what was wrong with the first.
    pub fn all_unreadable(count: usize, warnings: &super::Warnings) -> Self {
        let first = warnings.stored().first().map(|w| format!("{} ({})", w.path, w.detail)).unwrap_or_default();
        Self::AllUnreadable { count, first }
    }

    /// A file that was listed earlier and cannot be read now: gone, or refused.
    pub(super) fn reading(path: &Path, source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Self::Vanished(path.to_owned()),
            _ => Self::Io { verb: "read", path: path.to_owned(), source },
        }
    }

    /// The same of a file that a person named: nobody said that it was ever there.
    pub(super) fn of_named_file(self) -> Self {
        match self {
            Self::Vanished(path) => Self::NoFile(path),
            other => other,
        }
    }

    pub(super) fn image(path: &Path, problem: ImageProblem) -> Self {
        Self::Image { problem, path: path.to_owned() }
    }

    pub(super) fn split(problem: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Split { problem: problem.into(), advice: advice.into() }
    }
}
