//! Safetensors to plain numbers and back.

use super::element::Element;
use super::{Problem, Weight, Weights, check_name};
use safetensors::{Dtype, SafeTensors, View};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;

/// Bytes of the header's length; those of the header are a multiple.
const START: usize = 8;

/// The header's length, then the header, which is a JSON object.
pub(super) fn is_safetensors(bytes: &[u8]) -> bool {
    bytes.get(8) == Some(&b'{')
}

/// Whether a file that begins as [`is_safetensors`] asks is long enough for the header it promises, which text is not.
pub(super) fn has_header(start: &[u8], file: &File) -> bool {
    let header = start.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes));
    let length = file.metadata().map_or(0, |facts| facts.len());
    header.is_some_and(|header| header < length)
}

/// Reads a file; none when it was cancelled between two tensors.
///
/// # Errors
/// When it is damaged or has numbers of a type not read here.
pub(super) fn read(bytes: &[u8], cancelled: &dyn Fn() -> bool) -> Result<Option<Weights>, Problem> {
    let damaged = |error: safetensors::SafeTensorError| Problem::damaged(error.to_string());
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        if cancelled() {
            return Ok(None);
        }
        check_name(name)?;
        let element = Element::of_safetensors(view.dtype())
            .ok_or_else(|| Problem::Unsupported(format!("numbers of type {:?} ({name})", view.dtype())))?;
        tensors.insert(name.to_owned(), Weight { shape: view.shape().to_vec(), data: element.floats(view.data()) });
    }
    let metadata = header.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    Ok(Some(Weights { tensors, metadata, foreign: Vec::new() }))
}

/// A file of 32-bit numbers.
///
/// # Errors
/// When a shape and its numbers disagree.
pub(super) fn write(weights: &Weights) -> Result<Vec<u8>, Problem> {
    if let Some((name, _)) =
        weights.tensors.iter().find(|(_, weight)| weight.shape.iter().product::<usize>() != weight.data.len())
    {
        return Err(Problem::damaged(format!("{name}: its shape and its numbers disagree")));
    }
    let metadata: HashMap<String, String> = weights.metadata.clone().into_iter().collect();
    let bytes = safetensors::serialize(&weights.tensors, Some(metadata));
    in_order(bytes.map_err(|error| Problem::damaged(error.to_string()))?)
}

/// The same file with the entries of its header in the order of their names. The library keeps what is said of the file in a
/// hash map, whose order differs from run to run: the same network would be other bytes each time, with another checksum.
///
/// # Errors
/// When the bytes are no safetensors file.
pub fn in_order(mut bytes: Vec<u8>) -> Result<Vec<u8>, Problem> {
    let no_header = || Problem::damaged("it has no header");
    let length = bytes.first_chunk().and_then(|length| usize::try_from(u64::from_le_bytes(*length)).ok());
    let end = length.and_then(|length| length.checked_add(START)).ok_or_else(no_header)?;
    let found = bytes.get(START..end).ok_or_else(no_header)?;
    let unreadable = |error: serde_json::Error| Problem::damaged(error.to_string());
    // Tensors are found by the places that the header gives them, not by its order.
    let entries: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_slice(found).map_err(unreadable)?;
    let mut header = serde_json::to_vec(&entries).map_err(unreadable)?;
    header.resize(header.len().next_multiple_of(START), b' ');
    let length = (header.len() as u64).to_le_bytes();
    drop(bytes.splice(..end, length.into_iter().chain(header)));
    Ok(bytes)
}

/// Bytes are made tensor by tensor while the file is put together.
impl View for &Weight {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let mut bytes = Vec::with_capacity(self.data_len());
        self.data.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        Cow::Owned(bytes)
    }

    fn data_len(&self) -> usize {
        4 * self.data.len()
    }
}
