//! A run's network for other programs: safetensors under its project's names, or ONNX, both with the preprocessing and the
//! class names in their metadata.

use super::import::INFO_KEY;
use super::{ModelInfo, TrainError, checkpoint, find_checkpoint};
use crate::config::{atomic_write, atomic_write_new};
use crate::model::weights::weights_from_bytes;
use crate::model::{load_weights, onnx, to_published};
use burn::backend::Flex;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

/// The kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// Weights alone.
    Safetensors,
    /// The whole network.
    Onnx,
}

impl ExportFormat {
    /// What the ending of a file's name says; none where it says nothing.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_lowercase();
        match ending.as_str() {
            "onnx" => Some(Self::Onnx),
            "safetensors" => Some(Self::Safetensors),
            _ => None,
        }
    }
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Its length.
    pub bytes: u64,
    /// Sentences about the checkpoints that had to be passed over, the best one above all.
    pub told: Vec<String>,
    /// The run adds the embedding of the mirrored image, which the network in the file does not.
    pub add_mirror: bool,
}

impl Exported {
    /// What a person does beside running the network, as a sentence without a full stop; none where that is all.
    pub fn advice(&self) -> Option<String> {
        self.add_mirror.then(|| format!("For the embeddings that this run is measured with, {MIRROR}"))
    }
}

/// What is done with the network of a run that adds the mirrored image: it takes one image and gives its embedding alone.
const MIRROR: &str =
    "embed each image and its mirror image (left and right exchanged), add the two embeddings and normalise the sum";
/// What is done with that of another run.
const NO_MIRROR: &str = "embed each image alone, without its mirror image";

/// Writes the best checkpoint's network to `out` in one move. A file of that name gives way only if `replace` says so.
///
/// # Errors
/// When the run has no usable checkpoint, the file is there already, or the disk refuses.
pub fn export(run: &Path, format: ExportFormat, out: &Path, replace: bool) -> Result<Exported, TrainError> {
    if !replace && out.exists() {
        return Err(TrainError::FileExists(out.to_owned()));
    }
    let (checkpoint, told) = find_checkpoint::best_usable(run)?;
    let info = checkpoint.info()?;
    let model = checkpoint.read(checkpoint::MODEL_FILE)?;
    let bytes = match format {
        ExportFormat::Safetensors => safetensors(&info, &model)?,
        ExportFormat::Onnx => {
            let mut net = info.network.embedder.init::<Flex>(&Default::default());
            load_weights(&mut net, &model).map_err(|error| TrainError::Export(error.to_string()))?;
            onnx(&net, &info.network.embedder, &metadata(&info)?)
        }
    };
    let write = if replace { atomic_write } else { atomic_write_new };
    write(out, &bytes).map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => TrainError::FileExists(out.to_owned()),
        _ => TrainError::disk("write the exported network", out)(source),
    })?;
    Ok(Exported { bytes: bytes.len() as u64, told, add_mirror: info.network.add_mirror })
}

fn safetensors(info: &ModelInfo, model: &[u8]) -> Result<Vec<u8>, TrainError> {
    let failed = |problem: crate::model::weights::Problem| TrainError::Export(problem.to_string());
    let mut weights = weights_from_bytes(model).map_err(failed)?;
    to_published(info.network.embedder.form, &mut weights);
    weights.metadata = metadata(info)?;
    weights.to_safetensors().map_err(failed)
}

/// What a reader without us needs, in words, and all of it in our own form.
fn metadata(info: &ModelInfo) -> Result<BTreeMap<String, String>, TrainError> {
    let preprocess = &info.network.preprocess;
    let order = match (preprocess.channels, preprocess.blue_first) {
        (1, _) => "grey",
        (_, true) => "BGR",
        (_, false) => "RGB",
    };
    let entries = [
        ("image_px", preprocess.image_px.to_string()),
        ("colour_order", order.to_owned()),
        ("grey", "0.2126 red + 0.7152 green + 0.0722 blue".to_owned()),
        ("input", "(value / 255 - mean) / std".to_owned()),
        ("mean", json(&preprocess.mean)?),
        ("std", json(&preprocess.std)?),
        ("mean_std_order", "RGB".to_owned()),
        ("embedding_dim", info.network.embedder.embedding_dim.to_string()),
        ("embedding", "not normalised; compare by cosine".to_owned()),
        ("add_mirror", info.network.add_mirror.to_string()),
        ("mirror", if info.network.add_mirror { MIRROR } else { NO_MIRROR }.to_owned()),
        ("classes", json(&info.classes)?),
        (INFO_KEY, json(info)?),
    ];
    Ok(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn json(value: &impl serde::Serialize) -> Result<String, TrainError> {
    serde_json::to_string(value).map_err(|error| TrainError::Export(error.to_string()))
}

#[cfg(test)]
mod tests;
