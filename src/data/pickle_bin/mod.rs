//! Verification sets as InsightFace packs them: `lfw.bin`, `cfp_fp.bin` and the like, a Python pickle of encoded images
//! and truths (RECOGNITION 3.4).
//!
//! Such files come from strangers, and Python would run what they say. Here nothing is run (`vm.rs`).

mod blob;
mod calls;
mod input;
#[cfg(test)]
mod tests;
mod value;
mod vm;
mod write;

use super::DataError;
use super::decode::decode_bytes;
use super::endings::{SET_ENDING, ends_with};
use super::layout::list;
use super::packed::PackFile;
use input::bad;
use std::path::{Path, PathBuf};
use value::{Blob, Dtype, Value};
use vm::Unpickled;

pub use write::BinWriter;

/// A verification set: pair i is the images 2i and 2i + 1, which stay in the file until they are asked for.
#[derive(Debug)]
pub struct VerificationSet {
    file: PackFile,
    images: Vec<Blob>,
    same: Vec<bool>,
}

impl VerificationSet {
    /// Folds of the protocol, each a block of equal length.
    pub const FOLDS: usize = 10;

    /// Reads where everything is.
    ///
    /// # Errors
    /// When the file is no such pickle, wants something run, or holds other than two images for every truth.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let file = PackFile::open(path)?;
        let read = vm::run(&file)?;
        let fault = |message: &str| bad(&file, 0, message);
        let Some(&[bins, same]) = read.sequence(read.top) else {
            return Err(fault("expected two things, images and truths, found something else"));
        };
        let bins = read.sequence(bins).ok_or_else(|| fault("expected a list of images, found something else"))?;
        let images: Vec<Blob> =
            bins.iter().zip(0..).map(|(value, n)| image(&file, &read, *value, n)).collect::<Result<_, _>>()?;
        let same = truths(&file, &read, same)?;
        if images.len() != 2 * same.len() {
            return Err(fault(&format!(
                "expected two images for each of {} pairs, found {}",
                same.len(),
                images.len()
            )));
        }
        if same.is_empty() {
            return Err(fault("expected pairs, found none"));
        }
        Ok(Self { file, images, same })
    }

    /// Whether the name is one such files have, or the file begins like a pickle.
    pub fn is_one(path: &Path) -> bool {
        let named = ends_with(path, &[SET_ENDING]);
        let begins = || PackFile::open(path).ok().and_then(|file| file.array::<2>(0).ok());
        begins()
            .is_some_and(|start| matches!(start, [0x80, 2..=5]) || (named && matches!(start, [b'(', _] | [b']', _])))
    }

    /// The files of a folder that are named as such sets are and begin as one, by their names; none where it cannot be listed.
    pub(super) fn all_in(folder: &Path) -> Vec<PathBuf> {
        let files = list(folder).map(|listing| listing.files).unwrap_or_default();
        let paths = files.into_iter().map(|name| folder.join(name));
        paths.filter(|path| ends_with(path, &[SET_ENDING]) && Self::is_one(path)).collect()
    }

    /// Number of images.
    pub fn n_images(&self) -> usize {
        self.images.len()
    }

    /// Whether each pair shows the same identity.
    pub fn same(&self) -> &[bool] {
        &self.same
    }

    /// The encoded bytes of an image.
    ///
    /// # Errors
    /// When there is no such image, or the file is gone or changed.
    pub fn bytes(&self, image: usize) -> Result<Vec<u8>, DataError> {
        let missing = DataError::NoSuchItem { item: image, count: self.images.len() };
        blob::read(&self.file, *self.images.get(image).ok_or(missing)?)
    }

    /// Decodes an image.
    ///
    /// # Errors
    /// As [`Self::bytes`], and when it is no usable image.
    pub fn load(&self, image: usize) -> Result<image::DynamicImage, DataError> {
        decode_bytes(&self.bytes(image)?, Path::new(&self.name(image)))
    }

    /// A name for people: `lfw.bin#12`.
    pub fn name(&self, image: usize) -> String {
        format!("{}#{image}", self.file.file_name())
    }
}

fn image(file: &PackFile, read: &Unpickled, value: Value, number: usize) -> Result<Blob, DataError> {
    let found = match value {
        Value::Bytes(blob) => return Ok(blob),
        Value::Array(array) => match read.array(array) {
            Some(array) if array.dtype == Dtype::U8 && array.is_flat => return Ok(array.data),
            Some(_) => "an array of pixels or of other numbers",
            None => "an empty array",
        },
        _ => "something else",
    };
    Err(bad(file, 0, format!("expected image {number} as the bytes of a JPEG or PNG, found {found}")))
}

fn truths(file: &PackFile, read: &Unpickled, value: Value) -> Result<Vec<bool>, DataError> {
    let fault = |what: &str| bad(file, 0, format!("expected a list of true and false, found {what}"));
    if let Value::Array(number) = value {
        let array = read.array(number).filter(|array| array.dtype != Dtype::Other && array.is_flat);
        let bytes = blob::read(file, array.ok_or_else(|| fault("an array of other numbers"))?.data)?;
        return Ok(bytes.into_iter().map(|byte| byte != 0).collect());
    }
    let values = read.sequence(value).ok_or_else(|| fault("something else"))?;
    let truth = |value: &Value| match value {
        Value::Bool(same) => Ok(*same),
        Value::Int(same @ (0 | 1)) => Ok(*same == 1),
        _ => Err(fault("something else in it")),
    };
    values.iter().map(truth).collect()
}
