//! The facts a run writes beside its settings, so that it can be understood and repeated.

use serde::{Deserialize, Serialize};

/// Table `[run]` of a run folder's `run.toml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunInfo {
    /// Version of this program.
    pub version: String,
    /// Where imported weights came from, and whose they are; empty for a run that was trained here.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub imported: String,
    /// SHA-256 of the weights that it started from; empty for a run from scratch.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub start_sha256: String,
    /// The device in words.
    pub device: String,
    /// The data set's path.
    pub data: String,
    /// SHA-256 over the names, sizes and classes of the images.
    pub data_fingerprint: String,
    /// When the run began (local time, RFC 3339).
    pub started: String,
    /// Classes trained on.
    pub classes: u32,
    /// Images trained on.
    pub images: u32,
    /// Keys of the settings that were left to the program; above stands what it chose.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub automatic: Vec<String>,
}

impl RunInfo {
    /// The weights were made elsewhere: the run has no images and no training of its own.
    pub fn is_imported(&self) -> bool {
        !self.imported.is_empty()
    }
}
