//! Safetensors to plain numbers and back.

use super::element::Element;
use super::{Problem, Weight, Weights};
use safetensors::{Dtype, SafeTensors, View};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;

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

/// Reads a file.
///
/// # Errors
/// When it is damaged or has numbers of a type not read here.
pub(super) fn read(bytes: &[u8]) -> Result<Weights, Problem> {
    let damaged = |error: safetensors::SafeTensorError| Problem::damaged(error.to_string());
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        let element = Element::of_safetensors(view.dtype())
            .ok_or_else(|| Problem::Unsupported(format!("numbers of type {:?} ({name})", view.dtype())))?;
        tensors.insert(name.to_owned(), Weight { shape: view.shape().to_vec(), data: element.floats(view.data()) });
    }
    let metadata = header.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    Ok(Weights { tensors, metadata, foreign: Vec::new() })
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
    safetensors::serialize(&weights.tensors, Some(metadata)).map_err(|error| Problem::damaged(error.to_string()))
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
