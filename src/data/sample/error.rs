//! What can go wrong while a sample set is written.
//!
//! Drawing itself cannot fail; only numbers out of range, the disc and the user can stop it.

use std::path::PathBuf;

/// Why no sample set was written.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// A number of the specification is outside its range.
    #[error("{what} is {got}, but must be between {low} and {high}")]
    OutOfRange {
        /// Which number, in words.
        what: &'static str,
        /// What was asked for.
        got: u32,
        /// The smallest allowed value.
        low: u32,
        /// The largest allowed value.
        high: u32,
    },
    /// The folder holds something that is not a sample set.
    #[error(
        "the folder is not empty and holds no earlier sample set (no sample.json of ours), so nothing was written; \
         choose an empty or new folder: {}",
        path.display()
    )]
    NotASampleFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder could not be read, written or removed.
    #[error("cannot {action}; check free space and permissions: {}", path.display())]
    Io {
        /// What was tried, for example `write the file`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The PNG encoder refused a portrait.
    #[error("cannot encode the portrait as PNG: {}", path.display())]
    Encode {
        /// The file it was meant for.
        path: PathBuf,
        /// The encoder's answer.
        #[source]
        source: png::EncodingError,
    },
    /// The user stopped it; the folder holds the images so far and can be written again.
    #[error("drawing the sample set was cancelled; run it again to complete the folder")]
    Cancelled,
}
