//! What can be chosen about the crops, and where the points of the faces come from. The one owner of the defaults that
//! the command line and the window have.

use super::LandmarkList;
use crate::data::path_text;
use crate::faces::{CROP_PX, Detector, FaceError, MIN_SCORE};
use std::path::{Path, PathBuf};

/// How the crops are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CropFormat {
    /// Without loss.
    #[default]
    Png,
    /// A fifth of the size, quality 95 of 100.
    Jpeg,
}

impl CropFormat {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Png, Self::Jpeg];

    /// Its word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
        }
    }

    /// Its name on the screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
        }
    }

    /// How the names of its files end, without the dot.
    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
        }
    }

    /// The name of a crop, which may be that of another kind of file, as a file of this kind.
    pub(super) fn name_of(self, crop: &Path) -> PathBuf {
        crop.with_extension(self.ending())
    }

    /// The kind of file of which `file` is the name of this crop, as a table has it. The table is somebody's file: of its
    /// names only those count that the crop has as one kind of file or another.
    pub(super) fn of_file(crop: &Path, file: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| path_text(&format.name_of(crop)) == file)
    }
}

/// How crops are made. The defaults are what the command line and the window begin with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlignOptions {
    /// Side of the crops in pixels, within [`CROP_PX_RANGE`](crate::faces::CROP_PX_RANGE).
    pub size_px: u32,
    /// Faces the detector is less sure of are passed over, in [0, 1].
    pub min_score: f32,
    /// Write the middle of an image in which no face was found, instead of nothing.
    pub keep_unfound: bool,
    /// Kind of file.
    pub format: CropFormat,
}

impl Default for AlignOptions {
    fn default() -> Self {
        Self { size_px: CROP_PX, min_score: MIN_SCORE, keep_unfound: false, format: CropFormat::default() }
    }
}

/// Where the points of the faces come from.
#[derive(Debug)]
pub enum Finder {
    /// A network finds them.
    Detector(Box<Detector>),
    /// A list has them.
    Listed(LandmarkList),
}

impl Finder {
    /// Why its points may not be what they should be, and what to do.
    pub(super) fn doubt(&self) -> Option<&'static str> {
        match self {
            Self::Detector(_) => None,
            Self::Listed(list) => list.doubt(),
        }
    }
}

/// The file that says where the faces are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FinderFile {
    /// A YuNet network as ONNX.
    Detector(PathBuf),
    /// A list of points, see [`LandmarkList::read`].
    List(PathBuf),
}

impl FinderFile {
    /// Reads the file.
    ///
    /// # Errors
    /// As [`Detector::open`] and [`LandmarkList::read`].
    pub fn open(&self) -> Result<Finder, FaceError> {
        match self {
            Self::Detector(path) => Detector::open(path).map(Box::new).map(Finder::Detector),
            Self::List(path) => LandmarkList::read(path).map(Finder::Listed),
        }
    }
}
