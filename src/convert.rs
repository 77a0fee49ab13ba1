//! Data sets in the forms other trainers read: which images are written, and which pairs are made of them.
//!
//! What the command and the window decide alike; the forms themselves are written by `data`. Not a part of it, because
//! pairs come from `eval`.

use crate::config::{counted, folder_of};
use crate::data::endings::{LIST_ENDINGS, SET_ENDING};
use crate::data::{
    Catalog, DataError, Exported, ItemPair, Part, Progress, VerificationSet, export_pairs, export_records,
    export_verification, leads_to, records_path,
};
use crate::eval::make_pairs;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// Sides that images can be given, in pixels.
pub const PX_RANGE: RangeInclusive<i64> = 4..=4096;
/// Pairs that can be asked for, of one class and of two each: one per fold at least.
pub const PAIRS_RANGE: RangeInclusive<i64> = 10..=10_000_000;

/// What is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConvertForm {
    /// `train.rec` with its index, as InsightFace's trainers read it.
    #[default]
    Records,
    /// One file of pairs of images, as InsightFace packs them.
    VerificationSet,
    /// A text that names pairs of images.
    PairList,
}

impl ConvertForm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Records, Self::VerificationSet, Self::PairList];

    /// How the command names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Records => "rec",
            Self::VerificationSet => "bin",
            Self::PairList => "pairs",
        }
    }

    /// How the window names it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Records => "RecordIO",
            Self::VerificationSet => "Verification set",
            Self::PairList => "List of pairs",
        }
    }

    /// Endings a file of it may have, the usual one first.
    pub fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Records => &["rec"],
            Self::VerificationSet => &[SET_ENDING],
            Self::PairList => &LIST_ENDINGS,
        }
    }

    /// A name to suggest for the (main) file.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Records => "train.rec",
            Self::VerificationSet => "verification.bin",
            Self::PairList => "pairs.txt",
        }
    }

    /// It holds pairs, not classes.
    pub fn is_of_pairs(self) -> bool {
        self != Self::Records
    }

    /// The images it is usually made of: everything to train on; to measure on, what is held out where the data set is
    /// divided ([`Catalog::has_parts`]).
    pub fn default_part(self, is_divided: bool) -> Part {
        if self.is_of_pairs() && is_divided { Part::HeldOut } else { Part::All }
    }
}

/// What is said of [`Exported::own_labels`].
pub const OWN_LABELS: &str = "labels count from 0 in each part, and here the same label is another class in each: keep the \
                              records of the two parts in folders of their own, because beside each other (train.rec, \
                              val.rec) classes with the same label would be one";

/// What is written, and of which images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvertRequest {
    /// What is written.
    pub form: ConvertForm,
    /// Of which images: [`Part::All`] is every image; the parts are those of the folder's own division.
    pub part: Part,
    /// Side in pixels of the squares that images become, in [`PX_RANGE`]; none leaves them as they are. A list of pairs
    /// holds no images.
    pub px: Option<u32>,
    /// At most so many pairs of one class, and as many of two, in [`PAIRS_RANGE`].
    pub pairs: u32,
    /// Seed of the pairs.
    pub seed: u64,
}

impl Default for ConvertRequest {
    fn default() -> Self {
        Self { form: ConvertForm::default(), part: Part::All, px: None, pairs: 3000, seed: 1 }
    }
}

/// Writes a data set to `out`: a file, or for RecordIO a folder as well. Nothing is written over. Images that the
/// catalogue leaves out are not written.
///
/// # Errors
/// When the data set has no such part or too few images for the pairs, when `out` is there already or would be opened
/// in place of the images, when the disk refuses, nothing can be read, or it is cancelled.
pub fn convert(
    catalog: &Catalog,
    request: &ConvertRequest,
    out: &Path,
    progress: &(dyn Fn(Progress) + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Exported, DataError> {
    let items = chosen(catalog, request.part)?;
    let pairs = || pairs(catalog, &items, request.pairs as usize, request.seed);
    match request.form {
        ConvertForm::Records => {
            keep_beside(catalog, out)?;
            let done = export_records(catalog, &items, request.px, out, progress, cancelled)?;
            Ok(Exported { own_labels: has_own_labels(catalog, request.part), ..done })
        }
        ConvertForm::VerificationSet => export_verification(catalog, &pairs()?, request.px, out, progress, cancelled),
        ConvertForm::PairList => export_pairs(catalog, &pairs()?, VerificationSet::FOLDS, out),
    }
}

fn refused(catalog: &Catalog, reason: String) -> DataError {
    DataError::Refused { reason, path: catalog.root.clone() }
}

/// Positions of the images of a part.
fn chosen(catalog: &Catalog, part: Part) -> Result<Vec<u32>, DataError> {
    let all = (0_u32..).zip(&catalog.items);
    if part == Part::All {
        return Ok(all.map(|(position, _)| position).collect());
    }
    if !catalog.has_parts() {
        let reason = "the data set is not divided into a training and a held-out part; take all of it";
        return Err(refused(catalog, reason.to_owned()));
    }
    Ok(all.filter(|(_, item)| item.part == part).map(|(position, _)| position).collect())
}

/// The records of the two parts do not agree in what a label is. Where the held-out images are of the classes that are
/// learned, they do.
fn has_own_labels(catalog: &Catalog, part: Part) -> bool {
    let classes = |part: Part| -> BTreeSet<u32> {
        catalog.items.iter().filter(|item| item.part == part).map(|item| item.class).collect()
    };
    let (train, held_out) = (classes(Part::Train), classes(Part::HeldOut));
    part != Part::All && train.iter().zip(&held_out).any(|(one, other)| one != other)
}

/// A folder with records in it is opened as the records. Of images that are opened by it, none would be seen again.
fn keep_beside(catalog: &Catalog, out: &Path) -> Result<(), DataError> {
    let rec = records_path(out);
    let folder = folder_of(&rec);
    // A folder that is not there yet leads nowhere.
    if leads_to(folder, &catalog.root) {
        let reason = "records in the folder of the images, or in one around it that holds nothing else, would be opened \
                      in their place; choose another folder";
        return Err(refused(catalog, reason.to_owned()));
    }
    Ok(())
}

/// The folder to begin with when it is asked where to write to: the nearest around the images that is not opened as they
/// are, because records there would be opened instead. None when there is none.
pub fn folder_beside(catalog: &Catalog) -> Option<PathBuf> {
    let root = std::path::absolute(&catalog.root).ok()?;
    root.ancestors().skip(1).find(|folder| !leads_to(folder, &root)).map(Path::to_owned)
}

/// As many pairs of one class as of two, at most `wanted` each, in ten blocks, the pairs of one class first in each
/// (LFW's order).
fn pairs(catalog: &Catalog, items: &[u32], wanted: usize, seed: u64) -> Result<Vec<ItemPair>, DataError> {
    let class = |item: &u32| catalog.items.get(*item as usize).map_or(u32::MAX, |item| item.class);
    let classes: Vec<u32> = items.iter().map(class).collect();
    let of_items = |row: u32| items.get(row as usize).copied().unwrap_or(u32::MAX);
    let (mut same, mut different) = (Vec::new(), Vec::new());
    for pair in make_pairs(&classes, wanted, wanted, seed) {
        let place = if pair.same { &mut same } else { &mut different };
        place.push((of_items(pair.a), of_items(pair.b), pair.same));
    }
    let folds = VerificationSet::FOLDS;
    let per_fold = same.len().min(different.len()) / folds;
    if per_fold == 0 {
        let reason = format!(
            "{} of one class and {} of two can be made, {folds} of each are needed for {folds} folds; take more images",
            counted(same.len(), "pair"),
            different.len()
        );
        return Err(refused(catalog, reason));
    }
    let blocks = spread(&same, folds, per_fold).into_iter().zip(spread(&different, folds, per_fold));
    Ok(blocks.flat_map(|(same, different)| same.into_iter().chain(different)).collect())
}

/// `folds` blocks of `each`: every tenth pair, so that no block is of the first classes only.
fn spread<T: Copy>(pairs: &[T], folds: usize, each: usize) -> Vec<Vec<T>> {
    (0..folds).map(|fold| pairs.iter().skip(fold).step_by(folds).take(each).copied().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::draw_classes;
    use std::sync::Arc;

    fn open(folder: &Path) -> Catalog {
        Catalog::open(folder, &|_| {}, &|| false).unwrap()
    }

    fn write(catalog: &Catalog, request: &ConvertRequest, out: &Path) -> Result<Exported, String> {
        convert(catalog, request, out, &|_| {}, &|| false).map_err(|error| error.to_string())
    }

    /// 5 classes of 3 images to train on, 4 of 6 held out.
    fn divided() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        draw_classes(&folder.path().join("data/train"), 5, 3);
        draw_classes(&folder.path().join("data/test"), 4, 6);
        folder
    }

    #[test]
    fn the_parts_of_a_divided_data_set_are_written_by_themselves() {
        let folder = divided();
        let catalog = open(&folder.path().join("data"));
        for (part, images, classes) in [(Part::All, 39, 5), (Part::Train, 15, 5), (Part::HeldOut, 24, 4)] {
            let out = folder.path().join(format!("{part:?}"));
            let request = ConvertRequest { part, px: Some(8), ..ConvertRequest::default() };
            let done = write(&catalog, &request, &out).unwrap();
            assert_eq!((done.images, done.groups, done.files.len()), (images, classes, 4), "{part:?}");
            let back = open(&out);
            assert_eq!((back.items.len() as u64, back.typical_px()), (images, 8), "{part:?}");
        }
        let usual = ConvertForm::ALL.map(|form| form.default_part(catalog.has_parts()));
        assert_eq!(usual, [Part::All, Part::HeldOut, Part::HeldOut]);
    }

    #[test]
    fn where_a_label_is_another_class_in_each_part_it_is_noted() {
        let folder = divided();
        let told = |out: &str, part: Part, form: ConvertForm| {
            let request = ConvertRequest { form, part, pairs: 10, ..ConvertRequest::default() };
            write(&open(&folder.path().join("data")), &request, &folder.path().join(out)).unwrap().own_labels
        };
        let records = ConvertForm::Records;
        assert!(!told("same", Part::HeldOut, records), "its classes are the first of the others");
        std::fs::rename(folder.path().join("data/test/p00"), folder.path().join("data/test/q00")).unwrap();
        assert!(told("train", Part::Train, records) && told("held_out", Part::HeldOut, records));
        assert!(!told("all", Part::All, records) && !told("pairs.bin", Part::HeldOut, ConvertForm::VerificationSet));
    }

    #[test]
    fn a_part_of_an_undivided_data_set_is_refused_and_all_of_it_is_usual() {
        let folder = tempfile::tempdir().unwrap();
        draw_classes(&folder.path().join("data"), 3, 4);
        let catalog = open(&folder.path().join("data"));
        assert_eq!(ConvertForm::ALL.map(|form| form.default_part(catalog.has_parts())), [Part::All; 3]);
        let request = ConvertRequest { part: Part::Train, ..ConvertRequest::default() };
        let error = write(&catalog, &request, &folder.path().join("out")).unwrap_err();
        assert!(error.contains("not divided") && !error.contains("--"), "the window has no options: {error}");
        assert!(!folder.path().join("out").exists());
    }

    #[test]
    fn images_of_other_sizes_are_counted_where_they_are_written_as_they_are() {
        let folder = divided();
        image::RgbImage::new(20, 30).save(folder.path().join("data/train/p00/odd.png")).unwrap();
        let catalog = open(&folder.path().join("data"));
        for (out, px, others) in [("as_they_are", None, 1), ("squares", Some(8), 0)] {
            let request = ConvertRequest { part: Part::Train, px, ..ConvertRequest::default() };
            let done = write(&catalog, &request, &folder.path().join(out)).unwrap();
            assert_eq!((done.images, done.other_sizes), (16, others), "{out}");
        }
    }

    #[test]
    fn pairs_come_in_ten_blocks_with_those_of_one_class_first_and_again_from_the_same_seed() {
        let folder = divided();
        let catalog = open(&folder.path().join("data"));
        let items = chosen(&catalog, Part::HeldOut).unwrap();
        let made = pairs(&catalog, &items, 40, 7).unwrap();
        assert_eq!(made.len(), 80);
        for block in made.chunks(8) {
            let same: Vec<bool> = block.iter().map(|pair| pair.2).collect();
            assert_eq!(same, [[true; 4], [false; 4]].concat());
        }
        let class = |item: u32| catalog.items[item as usize].class;
        assert!(made.iter().all(|&(a, b, same)| (class(a) == class(b)) == same && a != b));
        assert!(made.iter().all(|&(a, _, _)| catalog.items[a as usize].part == Part::HeldOut));
        assert_eq!(made, pairs(&catalog, &items, 40, 7).unwrap());
        assert_ne!(made, pairs(&catalog, &items, 40, 8).unwrap());
        // More than there are: as many as both kinds have, in ten equal blocks.
        assert_eq!(pairs(&catalog, &items, 5000, 7).unwrap().len(), 120);
        let error = pairs(&catalog, &items[..3], 40, 7).unwrap_err().to_string();
        assert!(error.contains("3 pairs of one class and 0 of two"), "{error}");
    }

    #[test]
    fn pairs_are_written_as_a_set_and_as_a_list() {
        let folder = divided();
        let catalog = open(&folder.path().join("data"));
        for form in [ConvertForm::VerificationSet, ConvertForm::PairList] {
            let request = ConvertRequest { form, part: Part::HeldOut, pairs: 10, ..ConvertRequest::default() };
            let out = folder.path().join(form.file_name());
            let done = write(&catalog, &request, &out).unwrap();
            assert_eq!((done.images, done.groups, &done.files[..]), (40, 20, &[out.clone()][..]));
            assert!(write(&catalog, &request, &out).unwrap_err().contains("already"));
        }
        let set = VerificationSet::open(&folder.path().join("verification.bin")).unwrap();
        let list = crate::data::read_pairs(&folder.path().join("pairs.txt")).unwrap();
        assert_eq!(set.same(), list.pairs.iter().map(|pair| pair.2).collect::<Vec<_>>());
    }

    #[test]
    fn a_set_tells_how_far_it_is_while_images_are_looked_at_and_while_they_are_written() {
        let folder = divided();
        let catalog = open(&folder.path().join("data"));
        let request =
            ConvertRequest { form: ConvertForm::VerificationSet, part: Part::HeldOut, ..ConvertRequest::default() };
        let told = std::sync::Mutex::new(Vec::new());
        let tell = |at: Progress| told.lock().unwrap().push((at.done, at.total));
        convert(&catalog, &request, &folder.path().join("x.bin"), &tell, &|| false).unwrap();
        let told = told.into_inner().unwrap();
        // 24 images, then both of each of 120 pairs.
        assert_eq!((told.first(), told.last()), (Some(&(24, 264)), Some(&(264, 264))));
        assert!(told.is_sorted(), "{told:?}");
    }

    #[test]
    fn excluded_images_are_not_written() {
        let folder = divided();
        let whole = Arc::new(open(&folder.path().join("data")));
        let catalog = whole.without(&[0, 1]).unwrap();
        let done = write(&catalog, &ConvertRequest::default(), &folder.path().join("out")).unwrap();
        assert_eq!((done.images, done.warnings.total()), (37, 0));
    }

    #[test]
    fn records_do_not_go_into_the_folder_of_the_images() {
        let folder = divided();
        let data = folder.path().join("data");
        let catalog = open(&data);
        for out in [data.clone(), data.join("train.rec"), data.join("train/../x.REC")] {
            let error = write(&catalog, &ConvertRequest::default(), &out).unwrap_err();
            assert!(error.contains("in their place"), "{error}");
        }
        assert_eq!(open(&data).items.len(), 39);
    }

    #[test]
    fn records_do_not_go_into_a_folder_that_is_stepped_through_to_the_images() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("w1/w2/w3/data");
        draw_classes(&data, 3, 4);
        let catalog = open(&folder.path().join("w1"));
        assert_eq!(catalog.root, data);
        for out in ["w1", "w1/w2", "w1/w2/train.rec", "w1/w2/w3/new.rec", "w1/w2/w3/data"] {
            let error = write(&catalog, &ConvertRequest::default(), &folder.path().join(out)).unwrap_err();
            assert!(error.contains("in their place"), "{out}: {error}");
        }
        assert_eq!(open(&folder.path().join("w1")).items.len(), 12);
        // From further away the images are not reached, and a folder of its own is another.
        assert_eq!(folder_beside(&catalog).as_deref(), Some(folder.path()));
        for out in ["far.rec", "w1/w2/own"] {
            assert!(write(&catalog, &ConvertRequest::default(), &folder.path().join(out)).is_ok(), "{out}");
        }
    }

    #[test]
    fn a_folder_with_something_else_beside_the_images_is_where_to_begin() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("sets/lfw");
        draw_classes(&data, 3, 4);
        std::fs::create_dir(folder.path().join("sets/other")).unwrap();
        let catalog = open(&data);
        assert_eq!(folder_beside(&catalog), Some(folder.path().join("sets")));
        assert!(write(&catalog, &ConvertRequest::default(), &folder.path().join("sets/lfw.rec")).is_ok());
        assert_eq!(open(&data).items.len(), 12);
    }
}
