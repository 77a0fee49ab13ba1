//! Loads an image from wherever it comes: a file, the clipboard, a data set.

use crate::data::{DataError, decode_named_file};
use crate::faces::align;
use crate::worker::protocol::ImageSource;
use image::{DynamicImage, RgbaImage};

/// Why a picture could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file or the data set's image.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The clipboard lied about its size.
    #[error("the pasted picture is damaged: {width}×{height} px, but {bytes} bytes; copy it again")]
    Pasted {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Bytes that came.
        bytes: usize,
    },
    /// There is no face at the marked points.
    #[error("the points marked in {name} lie on one spot; mark the eyes again")]
    OneSpot {
        /// The image.
        name: String,
    },
}

/// Decodes the image, upright.
///
/// # Errors
/// A sentence that names the file and what is wrong with it.
pub fn load(source: &ImageSource) -> Result<DynamicImage, SourceError> {
    match source {
        ImageSource::File(path) => Ok(decode_named_file(path)?),
        ImageSource::Item(catalog, item) => Ok(catalog.load(*item as usize)?),
        ImageSource::Aligned { of, landmarks, size_px } => {
            align(&load(of)?, landmarks, *size_px).ok_or_else(|| SourceError::OneSpot { name: of.name() })
        }
        ImageSource::Pixels { width, height, rgba } => RgbaImage::from_raw(*width, *height, rgba.to_vec())
            .map(DynamicImage::ImageRgba8)
            .ok_or_else(|| SourceError::Pasted { width: *width, height: *height, bytes: rgba.len() }),
    }
}
