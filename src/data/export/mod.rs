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
use crate::config::{folder_of, noun, temporary};
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

impl Exported {
    /// Of images of another size than the first, without the stop and without what to do; the number is as `count` writes it.
    /// None where all are of one size.
    pub fn sizes_words(&self, count: impl Fn(usize) -> String) -> Option<String> {
        let others = self.other_sizes as usize;
        let has = noun(others, "image has", "images have");
        (others > 0).then(|| format!("{} {has} another size than the first", count(others)))
    }
}

/// The sizes of what is written.
struct Sizes {
    /// Side of the squares that all images become, if they do.
    px: Option<u32>,
    /// That of the first image, height first.
    first: Option<(u32, u32)>,
    /// Images of another one.
    others: u64,
}

impl Sizes {
    fn new(px: Option<u32>) -> Self {
        Self { px, first: None, others: 0 }
    }

    /// Takes up an image, in the order of the file.
    fn add(&mut self, catalog: &Catalog, item: u32) {
        let seen = || catalog.items.get(item as usize).map(|item| (item.height, item.width));
        let Some(size) = self.px.map(|px| (px, px)).or_else(seen) else { return };
        self.others += u64::from(*self.first.get_or_insert(size) != size);
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::draw_classes;

    #[test]
    fn records_and_sets_count_the_images_of_another_size_than_the_first_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (data, at) = (folder.path().join("data"), |name: &str| folder.path().join(name));
        draw_classes(&data, 2, 2);
        image::RgbImage::new(20, 30).save(data.join("p00/0.png")).unwrap();
        let catalog = Catalog::open(&data, &|_| {}, &|| false).unwrap();
        let records = |items: &[u32], px, out| {
            export_records(&catalog, items, px, &at(out), &|_| {}, &|| false).unwrap().other_sizes
        };
        let set = |pairs: &[ItemPair], px, out| {
            export_verification(&catalog, pairs, px, &at(out), &|_| {}, &|| false).unwrap().other_sizes
        };
        assert_eq!([records(&[0, 1, 2, 3], None, "all"), records(&[1, 2, 3], None, "rest")], [3, 0]);
        assert_eq!(std::fs::read_to_string(at("all/property")).unwrap(), "2,30,20\n");
        // Of an image in several pairs once.
        let ends_odd = [(1, 0, true), (2, 0, false), (2, 3, true)];
        let begins_odd = [(0, 1, true), (0, 2, false), (2, 3, true)];
        assert_eq!([set(&ends_odd, None, "ends.bin"), set(&begins_odd, None, "begins.bin")], [1, 3]);
        assert_eq!([records(&[0, 1], Some(8), "squares"), set(&ends_odd, Some(8), "squares.bin")], [0, 0]);
    }
}
