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
pub mod testing;
#[cfg(test)]
mod tests;
mod torch_file;

use super::OnnxSummary;
use super::layers::EPSILON;
pub use error::{Problem, WeightsError};
pub(super) use safetensors_file::in_order;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

/// Endings that files of weights made elsewhere go by, in lower case.
pub const WEIGHTS_ENDINGS: [&str; 4] = ["pt", "pth", "ckpt", "safetensors"];

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

    /// Name of the first tensor with a number that is NaN or infinite; none where all are finite.
    pub fn first_not_finite(&self) -> Option<&str> {
        let broken = self.tensors.iter().find(|(_, weight)| !weight.data.iter().all(|number| number.is_finite()));
        broken.map(|(name, _)| name.as_str())
    }

    /// Name of the first running variance with a number so far below 0 that a normalisation, which adds a little before it takes
    /// the root, would have none to take; none where there is none. What rounding left just below 0 does no harm.
    pub fn first_variance_without_root(&self) -> Option<&str> {
        let mut variances = self.tensors.iter().filter(|(name, _)| name.ends_with(VARIANCE));
        let broken = variances.find(|(_, weight)| weight.data.iter().any(|number| *number <= -(EPSILON as f32)));
        broken.map(|(name, _)| name.as_str())
    }
}

/// Ends the names of the running variances of PyTorch's normalisations.
const VARIANCE: &str = "running_var";

/// Bytes of a weight's name, at most; those of networks have some dozens.
const MAX_NAME: usize = 1 << 10;
/// Letters of a name that are told where nothing but the file says what it is.
const TOLD: usize = 200;

/// Refuses what no network calls a weight. Names are compared, copied and printed: long ones fill the memory, and a terminal
/// obeys control characters.
fn check_name(name: &str) -> Result<(), Problem> {
    if name.len() <= MAX_NAME && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Problem::Damaged(format!("the name of a weight cannot be one: {}", told(name))))
}

/// The beginning of a name, with what a terminal would obey written out.
fn told(name: &str) -> String {
    name.chars().take(TOLD).flat_map(char::escape_debug).collect()
}

/// A text with what a terminal would obey written out, and all else as it is.
pub fn without_control(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            safe.extend(letter.escape_debug());
        } else {
            safe.push(letter);
        }
    }
    safe
}

/// Larger than any network this program has, with the state of its optimiser.
const MAX_FILE_BYTES: u64 = 4 << 30;
/// Read between two looks at whether to stop.
const PART_BYTES: u64 = 16 << 20;

/// Reads a `.pth`, `.pt`, `.ckpt` or `.safetensors` file; which it is decide its first bytes, not its name.
///
/// # Errors
/// [`WeightsError`] with what is wrong and what to do.
pub fn read_weights(path: &Path) -> Result<Weights, WeightsError> {
    read_weights_unless(path, &|| false)
}

/// As [`read_weights`], but given up as soon as `cancelled` says so, between two parts of the file or two tensors in it: a few
/// gigabytes take minutes from a slow disk.
///
/// # Errors
/// [`WeightsError::Cancelled`], or what is wrong and what to do.
pub fn read_weights_unless(path: &Path, cancelled: &dyn Fn() -> bool) -> Result<Weights, WeightsError> {
    let io = |source| WeightsError::Io { path: path.to_owned(), source };
    let content = |problem| WeightsError::Content { problem, path: path.to_owned() };
    let facts = std::fs::metadata(path).map_err(io)?;
    if facts.len() > MAX_FILE_BYTES {
        return Err(content(Problem::TooLarge { bytes: facts.len(), limit: MAX_FILE_BYTES }));
    }
    let bytes = read_in_parts(path, facts.len(), cancelled).map_err(io)?.ok_or(WeightsError::Cancelled)?;
    let refused = |problem: Problem| match problem {
        // A pipe cannot be read twice.
        Problem::Unknown if facts.is_file() && OnnxSummary::read(path).is_ok() => content(Problem::Onnx),
        other => content(other),
    };
    parsed(&bytes, cancelled).map_err(refused)?.ok_or(WeightsError::Cancelled)
}

/// The content of a file that is `length` bytes long as far as its entry says; none when it was cancelled.
fn read_in_parts(path: &Path, length: u64, cancelled: &dyn Fn() -> bool) -> std::io::Result<Option<Vec<u8>>> {
    let no_memory = || std::io::Error::from(std::io::ErrorKind::OutOfMemory);
    // One that grows while it is read ends here all the same.
    let mut file = std::fs::File::open(path)?.take(MAX_FILE_BYTES);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX)).map_err(|_| no_memory())?;
    loop {
        if cancelled() {
            return Ok(None);
        }
        if file.by_ref().take(PART_BYTES).read_to_end(&mut bytes)? == 0 {
            return Ok(Some(bytes));
        }
    }
}

/// Whether a file holds weights by what is in it, whatever its name: trainers write `model.pth.tar` and
/// `pytorch_model.bin`, too. Of an archive only the names in it are looked at, of other files the first bytes.
pub fn looks_like_weights(path: &Path) -> bool {
    // Asked before opening: opening a pipe would wait for ever.
    if !std::fs::metadata(path).is_ok_and(|meta| meta.is_file()) {
        return false;
    }
    let Ok(file) = std::fs::File::open(path) else { return false };
    let mut start = Vec::with_capacity(START);
    if (&file).take(START as u64).read_to_end(&mut start).is_err() {
        return false;
    }
    match Kind::of(&start) {
        Some(Kind::Zip) => torch_file::is_of_torch(file),
        Some(Kind::Legacy) => true,
        Some(Kind::Safetensors) => safetensors_file::has_header(&start, &file),
        None => false,
    }
}

/// First bytes that tell.
const START: usize = 16;

enum Kind {
    Zip,
    Legacy,
    Safetensors,
}

impl Kind {
    fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(torch_file::ZIP) {
            Some(Self::Zip)
        } else if bytes.starts_with(torch_file::LEGACY) {
            Some(Self::Legacy)
        } else {
            safetensors_file::is_safetensors(bytes).then_some(Self::Safetensors)
        }
    }
}

/// As [`read_weights`], of bytes.
///
/// # Errors
/// What is wrong and what to do.
pub fn weights_from_bytes(bytes: &[u8]) -> Result<Weights, Problem> {
    // Nothing cancels it.
    parsed(bytes, &|| false).map(Option::unwrap_or_default)
}

/// What a file holds; none when it was cancelled.
fn parsed(bytes: &[u8], cancelled: &dyn Fn() -> bool) -> Result<Option<Weights>, Problem> {
    match Kind::of(bytes).ok_or(Problem::Unknown)? {
        Kind::Zip => torch_file::read_zip(bytes, cancelled),
        Kind::Legacy => torch_file::read_legacy(bytes, cancelled),
        Kind::Safetensors => safetensors_file::read(bytes, cancelled),
    }
}
