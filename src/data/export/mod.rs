//! Data sets written in the forms other trainers read: RecordIO, verification `.bin`, lists of pairs.
//!
//! A JPEG or PNG is passed on as it is, other images become PNG. Every image is decoded once before, so that no broken
//! one is passed on. Files appear under their name only when they are complete, and none is overwritten.

mod encoded;
mod pairs;
mod records;
mod verification;

pub use pairs::export_pairs;
pub use records::{export_records, records_path};
pub use verification::export_verification;

use super::{Catalog, DataError, Warnings};
use crate::config::{folder_of, temporary};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Two images by their positions in the catalogue, and whether they show the same class.
pub type ItemPair = (u32, u32, bool);

/// What was written.
#[derive(Clone, Debug, Default)]
pub struct Exported {
    /// Files, the main one first.
    pub files: Vec<PathBuf>,
    /// Images in them.
    pub images: u64,
    /// Classes (RecordIO) or pairs.
    pub groups: u64,
    /// Images of another size than the first, where they were written as they are; trainers that stack them need one size.
    pub other_sizes: u64,
    /// The same label is another class in the other part of the data set: labels count the classes of what is written.
    pub own_labels: bool,
    /// Images that could not be read and are left out.
    pub warnings: Warnings,
}

/// The size of an image as it is seen, height first.
fn size_of(catalog: &Catalog, item: u32) -> Option<(u32, u32)> {
    catalog.items.get(item as usize).map(|item| (item.height, item.width))
}

/// A file under a temporary name beside its own.
struct Draft {
    file: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl Draft {
    fn new(path: PathBuf) -> Result<Self, DataError> {
        if path.exists() {
            let reason = "there is a file of this name already, and none is written over; give another name or folder, \
                          or remove it";
            return Err(DataError::Refused { reason: reason.to_owned(), path });
        }
        let folder = folder_of(&path);
        let file = std::fs::create_dir_all(folder).and_then(|()| temporary(folder));
        let file = file.map_err(|source| DataError::Io { verb: "write", path: path.clone(), source })?;
        Ok(Self { file: BufWriter::with_capacity(1 << 20, file), path })
    }
}

/// Gives a finished file its name.
fn publish(file: BufWriter<NamedTempFile>, path: PathBuf) -> Result<PathBuf, DataError> {
    let io = |source| DataError::Io { verb: "write", path: path.clone(), source };
    let file = file.into_inner().map_err(|error| io(error.into_error()))?;
    file.as_file().sync_all().map_err(io)?;
    file.persist_noclobber(&path).map_err(|error| io(error.error))?;
    Ok(path)
}

fn writing(path: &Path) -> impl Fn(std::io::Error) -> DataError {
    move |source| DataError::Io { verb: "write", path: path.to_owned(), source }
}
