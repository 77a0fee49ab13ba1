//! What is in a data set: classes and where their images are. Images are decoded on demand, never kept here
//! (`store.rs` keeps them at the network's size); the exception are IDX files, which are one block of bytes anyway.

use super::earlier::Earlier;
use super::idx::IdxImages;
use super::median::median_short_px;
use super::open::open;
use super::packed::Pack;
use super::{DataError, Mode, Warnings, decode, path_text};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How the files are arranged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One sub-folder per class.
    IdentityFolder,
    /// `train/` and another folder, each with one sub-folder per class.
    TrainAndHeldOut {
        /// Name of the other folder.
        held_out_name: String,
    },
    /// MNIST-style arrays.
    Idx,
    /// RecordIO files, as MXNet and InsightFace write them.
    Records,
    /// A list of images with their labels.
    List,
    /// A list of pairs of images: only to be measured on.
    Pairs,
    /// A file of pairs of images, as InsightFace packs them: only to be measured on.
    VerificationSet,
    /// An archive of one of the folders.
    Archive {
        /// "zip" or "tar".
        form: &'static str,
        /// What the folder would be.
        inner: Box<Layout>,
    },
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IdentityFolder => write!(f, "one folder per class"),
            Self::TrainAndHeldOut { held_out_name } => write!(f, "train and {held_out_name} folders"),
            Self::Idx => write!(f, "MNIST-style IDX files"),
            Self::Records => write!(f, "RecordIO (.rec)"),
            Self::List => write!(f, "list of images with labels"),
            Self::Pairs => write!(f, "list of pairs"),
            Self::VerificationSet => write!(f, "verification set"),
            Self::Archive { form, inner } => write!(f, "{inner}, in a {form} archive"),
        }
    }
}

/// The part of the data set an image belongs to by the folder's own division.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The folder has no division.
    All,
    /// To train on.
    Train,
    /// Kept apart.
    HeldOut,
}

/// Where an image is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file, relative to the folder the data set lies in.
    File(Box<Path>),
    /// An entry of an IDX file.
    Idx {
        /// Which file.
        part: u8,
        /// Which image, from 0.
        index: u32,
    },
    /// A part of a file that holds many images; read when it is wanted.
    Packed {
        /// Which file.
        pack: u8,
        /// Where in it: the byte of a record, or the number of an archive's member.
        at: u64,
    },
}

/// One image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Position in [`Catalog::classes`].
    pub class: u32,
    /// The folder's own division.
    pub part: Part,
    /// Where it is.
    pub location: Location,
    /// Pixels across, upright.
    pub width: u32,
    /// Pixels down, upright.
    pub height: u32,
    /// How its colours are stored.
    pub mode: Mode,
}

/// How far a long operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Images done.
    pub done: u64,
    /// Images in all.
    pub total: u64,
}

/// A data set that has been looked at.
#[derive(Debug)]
pub struct Catalog {
    /// The path that opens it again: a folder, or a file that holds or lists the images.
    pub root: PathBuf,
    /// How the files are arranged.
    pub layout: Layout,
    /// Names in torchvision's order: sorted by bytes, "10" before "2". Labels that are numbers by nature (IDX, RecordIO)
    /// are sorted as numbers.
    pub classes: Vec<String>,
    /// Sorted by class, part and path; images of IDX and RecordIO keep the order of their files, training part first.
    pub items: Vec<Item>,
    /// What is wrong with some of it.
    pub warnings: Warnings,
    /// SHA-256 (hexadecimal) over class names, paths and sizes in bytes: the same for the same folder anywhere.
    pub fingerprint: String,
    /// Verification sets in the folder of records, as InsightFace packs both together. They are no part of the data set.
    pub verification_sets: Vec<PathBuf>,
    /// The fingerprint as earlier versions took it, where that was another: of RecordIO, with the names of the files. Runs that
    /// they began are known by it.
    pub(super) earlier_fingerprint: Option<Earlier>,
    /// Where the items' paths start.
    pub(super) base: PathBuf,
    /// What the list of excluded images lies in or beside: the folder, or the (first) file that holds or lists the images.
    pub(super) beside: PathBuf,
    pub(super) idx: Vec<Arc<IdxImages>>,
    pub(super) packs: Vec<Arc<dyn Pack>>,
    /// Positions in `whole`, sorted.
    pub(super) excluded: Vec<u32>,
    /// The data set before images were excluded, if some are.
    pub(super) whole: Option<Arc<Catalog>>,
}

impl Catalog {
    /// Looks at a folder, at IDX files (one of them, or their folder) or at RecordIO (the .rec file, or its folder), and
    /// leaves out what the list of excluded images beside it names ([`Self::exclude_path`]).
    ///
    /// `progress` is called from several threads, now and then; `cancelled` is asked often.
    ///
    /// # Errors
    /// When nothing usable is there; the message says what was expected and what was found.
    pub fn open(
        path: &Path,
        progress: &(dyn Fn(Progress) + Sync),
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, DataError> {
        open(path, &super::scan::Watch { progress, cancelled })
    }

    /// Decodes an image: upright, 8 bits, grey or RGB.
    ///
    /// # Errors
    /// [`DataError::Vanished`] when it is no longer there, [`DataError::Image`] when it is broken.
    pub fn load(&self, item: usize) -> Result<image::DynamicImage, DataError> {
        self.decode(item, self.stored(item)?.as_deref())
    }

    /// As [`Self::load`], from the bytes that [`Self::stored`] gave.
    pub(super) fn decode(&self, item: usize, bytes: Option<&[u8]>) -> Result<image::DynamicImage, DataError> {
        let bytes = bytes.unwrap_or_default();
        match &self.item(item)?.location {
            Location::File(path) => decode::decode_bytes(bytes, &self.base.join(path)),
            Location::Idx { part, index } => self
                .idx
                .get(usize::from(*part))
                .and_then(|images| images.image(*index))
                .map(image::DynamicImage::ImageLuma8)
                .ok_or(DataError::NoSuchItem { item, count: self.items.len() }),
            Location::Packed { pack, at } => {
                let missing = DataError::NoSuchItem { item, count: self.items.len() };
                let pack = self.packs.get(usize::from(*pack)).ok_or(missing)?;
                decode::decode_bytes(bytes, Path::new(&pack.name(*at)))
            }
        }
    }

    /// The bytes of an image as they are stored; `None` for one that is pixels without a file format (IDX).
    pub(super) fn stored(&self, item: usize) -> Result<Option<Vec<u8>>, DataError> {
        match &self.item(item)?.location {
            Location::File(path) => decode::read_bounded(&self.base.join(path)).map(Some),
            Location::Idx { .. } => Ok(None),
            Location::Packed { pack, at } => {
                let missing = DataError::NoSuchItem { item, count: self.items.len() };
                self.packs.get(usize::from(*pack)).ok_or(missing)?.bytes(*at).map(Some)
            }
        }
    }

    fn item(&self, item: usize) -> Result<&Item, DataError> {
        self.items.get(item).ok_or(DataError::NoSuchItem { item, count: self.items.len() })
    }

    /// A short name for people: `s1/3.pgm`, `t10k#12` or `train.rec@4096`; also of a file that was left out
    /// ([`Self::left_out`]). Empty when there is no such item.
    pub fn name(&self, item: usize) -> String {
        match self.items.get(item).map(|item| &item.location) {
            Some(Location::File(path)) => path_text(path),
            Some(Location::Idx { part, index }) => {
                let name = self.idx.get(usize::from(*part)).map_or("", |images| images.name.as_str());
                format!("{name}#{index}")
            }
            Some(Location::Packed { pack, at }) => {
                self.packs.get(usize::from(*pack)).map(|pack| pack.name(*at)).unwrap_or_default()
            }
            None => {
                let file = item.checked_sub(self.items.len()).and_then(|file| self.warnings.files_left_out().get(file));
                file.map(|warning| warning.path.clone()).unwrap_or_default()
            }
        }
    }

    /// The file of an image; `None` for images inside larger files.
    pub fn path(&self, item: usize) -> Option<PathBuf> {
        match &self.items.get(item)?.location {
            Location::File(path) => Some(self.base.join(path)),
            Location::Idx { .. } | Location::Packed { .. } => None,
        }
    }

    /// The name of an image's class. Empty when there is no such item.
    pub fn class_name(&self, item: usize) -> &str {
        let class = self.items.get(item).and_then(|item| self.classes.get(item.class as usize));
        class.map_or("", String::as_str)
    }

    /// Images per class.
    pub fn class_counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.classes.len()];
        for item in &self.items {
            if let Some(count) = counts.get_mut(item.class as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// Every image is stored without colour.
    pub fn all_grey(&self) -> bool {
        self.items.iter().all(|item| item.mode.is_grey())
    }

    /// Median of the shorter sides, in pixels; 0 without images.
    pub fn typical_px(&self) -> u32 {
        median_short_px(self.items.iter().map(|item| [item.width, item.height])).unwrap_or_default()
    }

    /// The folder itself says what to train on and what to hold out.
    pub fn has_parts(&self) -> bool {
        let has = |part| self.items.iter().any(|item| item.part == part);
        has(Part::Train) && has(Part::HeldOut)
    }
}
