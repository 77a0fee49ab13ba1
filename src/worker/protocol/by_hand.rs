//! The steps of marking the faces of a folder by hand, and what comes of each.

use crate::faces::{FolderImage, FormerRow, Landmarks};
use std::sync::Arc;

/// What is to be done; one at a time, because every step reads and writes the same table.
#[derive(Clone, Debug)]
pub enum HandStep {
    /// Look which images have no aligned crop.
    List,
    /// Write the crop of an image.
    Mark {
        /// The image.
        image: FolderImage,
        /// Where its face is, in pixels of the image.
        landmarks: Landmarks,
    },
    /// Take a mark back.
    Unmark {
        /// The image.
        image: FolderImage,
        /// What was known of it before.
        former: FormerRow,
    },
}

/// What became of a step.
#[derive(Clone, Debug)]
pub enum HandDone {
    /// The images without an aligned crop, in order.
    Listed(Arc<[FolderImage]>),
    /// The crop is written; what was known of the image before.
    Marked(FormerRow),
    /// The mark is taken back.
    Unmarked,
}
