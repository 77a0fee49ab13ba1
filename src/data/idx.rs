//! The IDX format of MNIST and its relatives, plain or gzip'd (RECOGNITION 3.6). Unsigned bytes only.
//!
//! A header is a claim, not a fact: memory grows with the bytes that are really there, and a claim that a compressed
//! file of this size cannot meet is refused at once.

use super::{DataError, EXCLUDE_FILE};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufReader, Read, Seek as _};
use std::path::{Path, PathBuf};

/// Most bytes of one unpacked file; EMNIST, the largest in use, has 0.6 GB.
const MAX_BYTES: u64 = 4 << 30;
/// Deflate cannot shrink by more than about 1032 to 1.
const MAX_GZIP_RATIO: u64 = 1032;
/// Dimensions of the largest array of this kind.
const MAX_DIMS: usize = 4;

/// An array of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdxArray {
    pub(super) dims: Vec<u32>,
    pub(super) data: Vec<u8>,
}

/// The images of one part of a data set, in memory.
#[derive(Debug)]
pub struct IdxImages {
    /// "train", "t10k" and the like.
    pub name: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Rows of grey values, image after image.
    pub(super) data: Vec<u8>,
    /// One per image.
    pub(super) labels: Vec<u8>,
    /// Rows and columns are exchanged in the file; images are given upright.
    pub(super) lying: Option<Lying>,
}

/// Why the images of a file are taken to lie on their side, as those of EMNIST do, which nothing in the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lying {
    /// A word of the file's name begins with "emnist".
    ByName,
    /// As many images of the same classes as this split of EMNIST has.
    BySize(&'static str),
}

/// A split of EMNIST as published: G. Cohen, S. Afshar, J. Tapson, A. van Schaik, "EMNIST: an extension of MNIST to
/// handwritten letters" (2017), with the counts of the IDX files.
struct Published {
    name: &'static str,
    /// Images to train on and to test with.
    images: [usize; 2],
    /// The first and the last label; each in between has images.
    labels: [u8; 2],
    /// All classes have equally many images.
    is_even: bool,
}

/// The splits that no other set could be mistaken for. Digits (240,000 and 40,000 of ten classes) and MNIST (60,000 and
/// 10,000) are not among them: MNIST itself has the latter's counts, and Fashion-MNIST with three changed copies of every
/// image the former's. They are known by their names only.
const PUBLISHED: [Published; 4] = [
    Published { name: "ByClass", images: [697_932, 116_323], labels: [0, 61], is_even: false },
    Published { name: "ByMerge", images: [697_932, 116_323], labels: [0, 46], is_even: false },
    Published { name: "Balanced", images: [112_800, 18_800], labels: [0, 46], is_even: true },
    Published { name: "Letters", images: [124_800, 20_800], labels: [1, 26], is_even: true },
];
/// Side of EMNIST's images, in pixels.
const EMNIST_PX: u32 = 28;

impl Published {
    fn has(&self, labels: &[u8]) -> bool {
        let [first, last] = self.labels;
        if !self.images.contains(&labels.len()) || !labels.iter().all(|label| (first..=last).contains(label)) {
            return false;
        }
        let mut counts = [0_usize; 256];
        for label in labels {
            if let Some(count) = counts.get_mut(usize::from(*label)) {
                *count += 1;
            }
        }
        let counts = counts.get(usize::from(first)..=usize::from(last)).unwrap_or_default();
        let even = labels.len() / counts.len().max(1);
        counts.iter().all(|&count| if self.is_even { count == even } else { count > 0 })
    }
}

impl std::fmt::Display for Lying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ByName => write!(f, "its name says that it is EMNIST"),
            Self::BySize(split) => write!(f, "it has the images and classes of EMNIST {split}"),
        }
    }
}

impl IdxImages {
    /// One image.
    pub(super) fn image(&self, index: u32) -> Option<image::GrayImage> {
        let len = self.width as usize * self.height as usize;
        let start = len.checked_mul(index as usize)?;
        let pixels = self.data.get(start..start.checked_add(len)?)?;
        if self.lying.is_none() {
            return image::GrayImage::from_raw(self.width, self.height, pixels.to_vec());
        }
        let lying = image::GrayImage::from_raw(self.height, self.width, pixels.to_vec())?;
        Some(image::GrayImage::from_fn(self.width, self.height, |x, y| *lying.get_pixel(y, x)))
    }

    /// The split of EMNIST whose images these are, by their number and classes.
    fn published(&self) -> Option<&'static str> {
        let is_size = (self.width, self.height) == (EMNIST_PX, EMNIST_PX);
        PUBLISHED.iter().find(|split| is_size && split.has(&self.labels)).map(|split| split.name)
    }
}

/// Whether a file begins like IDX, after unpacking.
pub(super) fn is_idx(path: &Path) -> bool {
    let Ok(mut reader) = open(path) else { return false };
    let mut magic = [0; 4];
    reader.stream.read_exact(&mut magic).is_ok() && matches!(magic, [0, 0, 0x08..=0x0E, 1..=4])
}

struct Opened {
    stream: Box<dyn Read>,
    packed_len: u64,
    is_gzip: bool,
}

fn open(path: &Path) -> std::io::Result<Opened> {
    let mut file = File::open(path)?;
    let packed_len = file.metadata()?.len();
    let mut start = Vec::with_capacity(2);
    file.by_ref().take(2).read_to_end(&mut start)?;
    file.rewind()?;
    let is_gzip = start == [0x1F, 0x8B];
    let reader = BufReader::with_capacity(1 << 16, file);
    let stream: Box<dyn Read> = if is_gzip { Box::new(MultiGzDecoder::new(reader)) } else { Box::new(reader) };
    Ok(Opened { stream, packed_len, is_gzip })
}

/// Reads a file of unsigned bytes with `n_dims` dimensions.
///
/// # Errors
/// Names the byte, what was expected and what was found.
pub(super) fn read_array(path: &Path, n_dims: usize) -> Result<IdxArray, DataError> {
    let bad = |offset: u64, message: String| DataError::Idx { offset, message, path: path.to_owned() };
    let mut opened = open(path).map_err(|source| DataError::reading(path, source))?;
    let mut header = vec![0; 4 + 4 * n_dims.min(MAX_DIMS)];
    read_fully(&mut opened.stream, &mut header)
        .map_err(|read| bad(read, format!("the header has {} bytes, found {read}", header.len())))?;
    let (magic, dims) = header.split_at(4);
    let expected = [0, 0, 8, n_dims as u8];
    if magic != expected {
        return Err(bad(
            0,
            format!("expected {expected:02x?} (unsigned bytes, {n_dims} dimensions), found {magic:02x?}"),
        ));
    }
    let dims: Vec<u32> = dims.as_chunks::<4>().0.iter().map(|&bytes| u32::from_be_bytes(bytes)).collect();
    let claim = dims.iter().try_fold(1_u64, |product, &dim| product.checked_mul(dim.into()));
    let has = if opened.is_gzip { opened.packed_len.saturating_mul(MAX_GZIP_RATIO) } else { opened.packed_len };
    let claim = claim.filter(|&claim| claim <= MAX_BYTES && claim <= has).ok_or_else(|| {
        let packed = if opened.is_gzip { " packed" } else { "" };
        bad(4, format!("the header promises {dims:?} bytes, but the file has {}{packed}", opened.packed_len))
    })?;
    let mut data = Vec::new();
    // One byte more than promised shows that there is more.
    let outcome = opened.stream.take(claim + 1).read_to_end(&mut data);
    let end = (header.len() + data.len()) as u64;
    if data.len() as u64 != claim {
        let found = if data.len() as u64 > claim { "more".to_owned() } else { format!("{}", data.len()) };
        return Err(bad(end, format!("the header promises {dims:?} = {claim} bytes of data, found {found}")));
    }
    outcome.map_err(|error| bad(end, format!("the file cannot be unpacked ({error})")))?;
    Ok(IdxArray { dims, data })
}

/// Fills `buffer`, or says how many bytes there were.
fn read_fully(reader: &mut impl Read, buffer: &mut [u8]) -> Result<(), u64> {
    let mut read = 0;
    while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => return Err(read as u64),
            Ok(n) => read += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Err(read as u64),
        }
    }
    Ok(())
}

/// Reads images and their labels, as they lie in the file.
///
/// # Errors
/// When one of the files is not valid, or the counts differ.
pub(super) fn read_images(images: &Path, labels: &Path) -> Result<IdxImages, DataError> {
    let array = read_array(images, 3)?;
    let (count, height, width) = match array.dims[..] {
        [n, h, w] if n > 0 && h.min(w) >= super::MIN_SIDE_PX && h.max(w) <= super::MAX_SIDE_PX => (n, h, w),
        _ => {
            let message = format!(
                "expected images of {min} to {max} px a side, found dimensions {:?} (count, rows, columns)",
                array.dims,
                min = super::MIN_SIDE_PX,
                max = super::MAX_SIDE_PX
            );
            return Err(DataError::Idx { offset: 4, message, path: images.to_owned() });
        }
    };
    let label_array = read_array(labels, 1)?;
    if label_array.data.len() != count as usize {
        let message = format!("expected {count} labels, as many as images, found {}", label_array.data.len());
        return Err(DataError::Idx { offset: 4, message, path: labels.to_owned() });
    }
    let (data, labels) = (array.data, label_array.data);
    Ok(IdxImages { name: part_name(images), width, height, data, labels, lying: None })
}

/// Turns EMNIST upright: known by the name of a file, or (renamed) because every part is one of the same published split.
/// Files with "upright" in their names have been turned by somebody else.
pub(super) fn turn_upright(parts: &mut [IdxImages], files: &IdxFiles) {
    let names: Vec<String> = std::iter::once(&files.first)
        .chain(&files.held_out)
        .map(|pair| pair.images.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase())
        .collect();
    let says = |word: &str| names.iter().any(|name| name.contains(word));
    let split = || {
        let first = parts.first()?.published()?;
        parts.iter().all(|part| part.published() == Some(first)).then_some(Lying::BySize(first))
    };
    let is_named = names.iter().any(|name| begins_a_word(name, "emnist"));
    let lying = if is_named { Some(Lying::ByName) } else { split() };
    if lying.is_none() || says("upright") {
        return;
    }
    for part in parts {
        (part.width, part.height) = (part.height, part.width);
        part.lying = lying;
    }
}

/// "emnist-letters" and "my_emnist" are about EMNIST, "femnist" is another set.
fn begins_a_word(name: &str, word: &str) -> bool {
    name.match_indices(word).any(|(at, _)| {
        let before = name.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|letter| !letter.is_alphabetic())
    })
}

/// "train-images-idx3-ubyte.gz" → "train".
fn part_name(images: &Path) -> String {
    let name = super::path_text(Path::new(images.file_name().unwrap_or_default()));
    let end = name.find("images").unwrap_or(name.len());
    let prefix = name.get(..end).unwrap_or_default().trim_end_matches(['-', '_', '.']);
    if prefix.is_empty() { name } else { prefix.to_owned() }
}

/// One images file with its labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdxPair {
    pub(super) images: PathBuf,
    pub(super) labels: PathBuf,
}

/// The files of a data set: the training part, and the test part if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdxFiles {
    pub(super) first: IdxPair,
    pub(super) held_out: Option<IdxPair>,
}

/// Whether a name is that of an images file. The list of what is left out of one begins with its name, and is none.
pub(super) fn is_images_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("images") && name.contains("idx3") && !name.ends_with(EXCLUDE_FILE)
}

/// Whether a name is that of a file of labels.
pub(super) fn is_labels_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("labels") && name.contains("idx1") && !name.ends_with(EXCLUDE_FILE)
}

/// The other files that belong to one of them.
///
/// # Errors
/// When images and labels are not beside each other.
pub(super) fn find_siblings(path: &Path) -> Result<IdxFiles, DataError> {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
    let images_name = name.replace("labels", "images").replace("idx1", "idx3");
    let folder = path.parent().unwrap_or(Path::new(""));
    let images = beside(folder, &images_name).unwrap_or_else(|| path.to_owned());
    let this = with_labels(&images)?;
    let other = |from: &str, to: &[&str]| {
        to.iter().find_map(|to| {
            let name = images_name.contains(from).then(|| images_name.replace(from, to))?;
            beside(folder, &name).and_then(|images| with_labels(&images).ok())
        })
    };
    if let Some(held_out) = other("train", &["t10k", "test"]) {
        return Ok(IdxFiles { first: this, held_out: Some(held_out) });
    }
    Ok(match other("t10k", &["train"]).or_else(|| other("test", &["train"])) {
        Some(train) => IdxFiles { first: train, held_out: Some(this) },
        None => IdxFiles { first: this, held_out: None },
    })
}

fn with_labels(images: &Path) -> Result<IdxPair, DataError> {
    let name = images.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let wanted = name.replace("images", "labels").replace("idx3", "idx1");
    let labels = beside(images.parent().unwrap_or(Path::new("")), &wanted).filter(|labels| labels != images);
    match labels {
        Some(labels) => Ok(IdxPair { images: images.to_owned(), labels }),
        None => Err(DataError::NotADataSet { found: lonely(name, &wanted), path: images.to_owned() }),
    }
}

/// What a file without its other half is; `labels` is what that of images would be called.
fn lonely(name: &str, labels: &str) -> String {
    if name != labels {
        format!("IDX images without their labels; put {labels} beside")
    } else if is_labels_name(name) {
        let images = name.replace("labels", "images").replace("idx1", "idx3");
        format!("IDX labels without their images; put {images} beside")
    } else {
        "an IDX file whose name does not say what it holds; give images and labels names like train-images-idx3-ubyte and \
         train-labels-idx1-ubyte, in one folder"
            .to_owned()
    }
}

/// The file of this name, packed or not.
fn beside(folder: &Path, name: &str) -> Option<PathBuf> {
    let plain = name.strip_suffix(".gz").unwrap_or(name);
    [name.to_owned(), plain.to_owned(), format!("{plain}.gz")]
        .iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(labels: Vec<u8>) -> IdxImages {
        IdxImages { name: "train".to_owned(), width: 28, height: 28, data: Vec::new(), labels, lying: None }
    }

    fn even(first: u8, last: u8, each: usize) -> Vec<u8> {
        (first..=last).flat_map(|label| vec![label; each]).collect()
    }

    /// What the parts of one data set are taken for; their files are called `name`.
    fn lying(name: &str, parts: &[Vec<u8>]) -> Option<Lying> {
        let pair = || IdxPair { images: name.into(), labels: "labels".into() };
        let files = IdxFiles { first: pair(), held_out: (parts.len() > 1).then(pair) };
        let mut parts: Vec<IdxImages> = parts.iter().cloned().map(part).collect();
        turn_upright(&mut parts, &files);
        assert!(parts.iter().all(|part| part.lying == parts[0].lying), "all parts or none");
        parts[0].lying
    }

    #[test]
    fn renamed_splits_of_emnist_are_known_by_their_exact_counts() {
        let uneven = |count: usize, classes: usize| (0..count).map(|at| (at % classes) as u8).collect::<Vec<u8>>();
        let name = "train-images-idx3-ubyte";
        let by_size = |split| Some(Lying::BySize(split));
        assert_eq!(lying(name, &[even(0, 46, 2400), even(0, 46, 400)]), by_size("Balanced"));
        assert_eq!(lying(name, &[even(1, 26, 800)]), by_size("Letters"));
        assert_eq!(lying(name, &[even(1, 26, 4800)]), by_size("Letters"));
        assert_eq!(lying(name, &[uneven(697_932, 62), uneven(116_323, 62)]), by_size("ByClass"));
        assert_eq!(lying(name, &[uneven(116_323, 47)]), by_size("ByMerge"));
        assert_eq!(lying("my-letters-upright.idx3", &[even(1, 26, 800)]), None, "turned already");
    }

    #[test]
    fn what_only_looks_like_emnist_is_left_as_it_lies() {
        let name = "train-images-idx3-ubyte";
        assert_eq!(lying(name, &[even(0, 9, 6000), even(0, 9, 1000)]), None, "MNIST");
        assert_eq!(
            lying(name, &[even(0, 9, 24_000), even(0, 9, 4000)]),
            None,
            "Digits, or a multiple of Fashion-MNIST"
        );
        assert_eq!(lying(name, &[even(0, 25, 800)]), None, "letters numbered from 0");
        assert_eq!(lying(name, &[even(1, 26, 800), even(1, 26, 100)]), None, "another test part");
        assert_eq!(lying(name, &[even(0, 46, 2400), even(1, 26, 800)]), None, "two splits");
        let mut shifted = even(0, 46, 400);
        shifted[0] = 46;
        assert_eq!(lying(name, &[shifted]), None, "classes of other sizes");
        let mut small = part(even(1, 26, 800));
        small.width = 32;
        assert_eq!(small.published(), None, "32 px");
        assert_eq!(lying("emnist-mnist-train-images-idx3-ubyte", &[even(0, 9, 6000)]), Some(Lying::ByName));
        assert_eq!(lying("my_emnist-train-images-idx3-ubyte", &[even(0, 9, 6000)]), Some(Lying::ByName));
        assert_eq!(lying("femnist-train-images-idx3-ubyte", &[even(0, 9, 6000)]), None, "another set");
        assert_eq!(lying("emnist-upright-images-idx3-ubyte", &[even(0, 9, 6000)]), None);
    }
}
