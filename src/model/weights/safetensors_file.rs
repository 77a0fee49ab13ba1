//! Safetensors to plain numbers and back.

use super::element::Element;
use super::{Problem, Weight, Weights};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::{BTreeMap, HashMap};

/// The header's length, then the header, which is a JSON object.
pub(super) fn is_safetensors(bytes: &[u8]) -> bool {
    bytes.get(8) == Some(&b'{')
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
    let damaged = |error: safetensors::SafeTensorError| Problem::damaged(error.to_string());
    let bytes: Vec<(&String, &Weight, Vec<u8>)> = weights
        .tensors
        .iter()
        .map(|(name, weight)| (name, weight, weight.data.iter().flat_map(|number| number.to_le_bytes()).collect()))
        .collect();
    let views: Result<Vec<(&String, TensorView<'_>)>, _> = bytes
        .iter()
        .map(|(name, weight, bytes)| Ok((*name, TensorView::new(Dtype::F32, weight.shape.clone(), bytes)?)))
        .collect();
    let metadata: HashMap<String, String> = weights.metadata.clone().into_iter().collect();
    safetensors::serialize(views.map_err(damaged)?, Some(metadata)).map_err(damaged)
}
