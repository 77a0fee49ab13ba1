//! Weights made elsewhere: PyTorch files (both containers of torch.save, and the checkpoints of trainers built on it)
//! and safetensors, as names with plain numbers.
//!
//! Nothing in a file is ever run. burn-store has a reader of PyTorch files too; it takes lengths in the file on trust
//! (one number of a damaged file decides how much memory is asked for), so this one is our own.
//!
//! Not here: which network the names belong to.

mod element;
mod error;
mod pickle;
mod safetensors_file;
mod state_dict;
#[cfg(test)]
mod tests;
mod torch_file;

pub use error::{Problem, WeightsError};

use std::collections::BTreeMap;
use std::path::Path;

/// A tensor in PyTorch's layout.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    /// Sizes of its axes; empty for a single number.
    pub shape: Vec<usize>,
    /// Its numbers, the last axis fastest; types of other sizes are rounded to 32 bits.
    pub data: Vec<f32>,
}

/// What a file of weights holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    /// By name.
    pub tensors: BTreeMap<String, Weight>,
    /// Of a safetensors file.
    pub metadata: BTreeMap<String, String>,
    /// Python code that a pickle names beside what every state dictionary has. It was not run.
    pub foreign: Vec<String>,
}

impl Weights {
    /// As a safetensors file.
    ///
    /// # Errors
    /// When a shape and its numbers disagree.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, Problem> {
        safetensors_file::write(self)
    }
}

/// Larger than any network this program has, with the state of its optimiser.
const MAX_FILE_BYTES: u64 = 4 << 30;

/// Reads a `.pth`, `.pt`, `.ckpt` or `.safetensors` file; which it is decide its first bytes, not its name.
///
/// # Errors
/// [`WeightsError`] with what is wrong and what to do.
pub fn read_weights(path: &Path) -> Result<Weights, WeightsError> {
    let io = |source| WeightsError::Io { path: path.to_owned(), source };
    let content = |problem| WeightsError::Content { problem, path: path.to_owned() };
    let bytes = std::fs::metadata(path).map_err(io)?.len();
    if bytes > MAX_FILE_BYTES {
        return Err(content(Problem::TooLarge { bytes, limit: MAX_FILE_BYTES }));
    }
    weights_from_bytes(&std::fs::read(path).map_err(io)?).map_err(content)
}

/// As [`read_weights`], of bytes.
///
/// # Errors
/// What is wrong and what to do.
pub fn weights_from_bytes(bytes: &[u8]) -> Result<Weights, Problem> {
    if bytes.starts_with(torch_file::ZIP) {
        torch_file::read_zip(bytes)
    } else if bytes.starts_with(torch_file::LEGACY) {
        torch_file::read_legacy(bytes)
    } else if safetensors_file::is_safetensors(bytes) {
        safetensors_file::read(bytes)
    } else {
        Err(Problem::Unknown)
    }
}
