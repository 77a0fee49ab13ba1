//! A picture wherever it comes from: a file, the clipboard, the open data set, or a face cut out of one of them.

use crate::data::Catalog;
use crate::faces::Landmarks;
use std::path::PathBuf;
use std::sync::Arc;

/// An image to verify.
#[derive(Clone, Debug)]
pub enum ImageSource {
    /// A file.
    File(PathBuf),
    /// A picture from the clipboard: width, height, RGBA bytes.
    Pixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// 4·width·height bytes.
        rgba: Arc<[u8]>,
    },
    /// An image of the open data set.
    Item(Arc<Catalog>, u32),
    /// The face in another image, cut out upright.
    Aligned {
        /// The image.
        of: Arc<ImageSource>,
        /// Where the face is, in pixels of the image.
        landmarks: Landmarks,
        /// Side of the crop in pixels.
        size_px: u32,
    },
}

impl PartialEq for ImageSource {
    /// The same picture; data sets are compared by identity, because an open one never changes.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(a), Self::File(b)) => a == b,
            (Self::Pixels { rgba: a, .. }, Self::Pixels { rgba: b, .. }) => Arc::ptr_eq(a, b),
            (Self::Item(a, i), Self::Item(b, j)) => Arc::ptr_eq(a, b) && i == j,
            (Self::Aligned { of: a, landmarks: p, size_px: i }, Self::Aligned { of: b, landmarks: q, size_px: j }) => {
                a == b && p == q && i == j
            }
            _ => false,
        }
    }
}

impl ImageSource {
    /// A short name for a caption.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            Self::Pixels { width, height, .. } => format!("pasted picture, {width}×{height}"),
            Self::Item(catalog, item) => catalog.name(*item as usize),
            Self::Aligned { of, .. } => format!("{}, aligned", of.name()),
        }
    }

    /// The whole image, without an alignment.
    pub fn whole(&self) -> &Self {
        match self {
            Self::Aligned { of, .. } => of.whole(),
            other => other,
        }
    }
}
