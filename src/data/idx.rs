//! The IDX format of MNIST and its relatives, plain or gzip'd (RECOGNITION 3.6). Unsigned bytes only.
//!
//! A header is a claim, not a fact: memory grows with the bytes that are really there, and a claim that a compressed
//! file of this size cannot meet is refused at once.

use super::DataError;
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
    /// Rows and columns are exchanged in the file, as EMNIST has them; images are given upright.
    pub(super) is_transposed: bool,
}

impl IdxImages {
    /// One image.
    pub(super) fn image(&self, index: u32) -> Option<image::GrayImage> {
        let len = self.width as usize * self.height as usize;
        let start = len.checked_mul(index as usize)?;
        let pixels = self.data.get(start..start.checked_add(len)?)?;
        if !self.is_transposed {
            return image::GrayImage::from_raw(self.width, self.height, pixels.to_vec());
        }
        let lying = image::GrayImage::from_raw(self.height, self.width, pixels.to_vec())?;
        Some(image::GrayImage::from_fn(self.width, self.height, |x, y| *lying.get_pixel(y, x)))
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

/// Reads images and their labels.
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
    let is_transposed = is_emnist(images);
    let (width, height) = if is_transposed { (height, width) } else { (width, height) };
    Ok(IdxImages { name: part_name(images), width, height, data: array.data, labels: label_array.data, is_transposed })
}

/// EMNIST's images lie on their side, which nothing in the file says; its files are named `emnist-…`.
fn is_emnist(images: &Path) -> bool {
    let name = images.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    name.contains("emnist")
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

/// Whether a name is that of an images file.
pub(super) fn is_images_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("images") && name.contains("idx3")
}

/// The other files that belong to one of them.
///
/// # Errors
/// When the labels are not beside the images.
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
        None => Err(DataError::NotADataSet {
            found: format!("IDX images without their labels; put {wanted} beside"),
            path: images.to_owned(),
        }),
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
