//! Weights made elsewhere become a run: a folder that evaluates, embeds and verifies as one that was trained here.

mod look;
mod preprocess;

pub use look::{FoundNetwork, Refusal, WeightsLook, look_at_weights, look_into};
pub use preprocess::{PreprocessChange, PreprocessPreset};

use super::checkpoint::CheckpointState;
use super::run_folder::{Place, RunFolder};
use super::session::{Saved, floats, images};
use super::{Control, ModelInfo, Network, TrainError};
use crate::config::{Auto, ConfigError, Margins, RunConfig, RunInfo};
use crate::data::{HostBatch, Preprocess};
use crate::loss::HeadSpec;
use crate::model::weights::{Weights, WeightsError, read_weights_unless};
use crate::model::{Embedder, EmbedderSpec, Inference, Misfit, ModelError, load_weights, recognise, save_weights};
use burn::backend::Flex;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What to import, and where to.
#[derive(Clone, Debug)]
pub struct ImportRequest<'a> {
    /// The file: PyTorch's or safetensors.
    pub weights: &'a Path,
    /// The new run folder.
    pub out: &'a Path,
    /// Changes to the preprocessing that the network's project uses.
    pub preprocess: PreprocessChange,
    /// Whether to stop; looked at until the folder is complete.
    pub control: Control,
}

/// What was imported.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The run folder.
    pub run: PathBuf,
    /// Whose network it is, in words.
    pub flavour: String,
    /// Whose else it could be by its names, as a clause.
    pub doubt: Option<&'static str>,
    /// The network and its preprocessing.
    pub info: ModelInfo,
    /// Names in the file that belong to a trainer's other parts.
    pub left_out: Vec<String>,
    /// Python code that the file names; it was not run.
    pub foreign: Vec<String>,
}

/// Key of a safetensors file's metadata under which `arclens export` keeps the [`ModelInfo`].
pub(super) const INFO_KEY: &str = "arclens.model";

/// Reads, recognises, checks, and writes the run folder.
///
/// # Errors
/// When the file is no weights file, its network is not known here, not complete or of no use, the folder is taken, the disk
/// refuses, or the control says stop; no folder of a run is left behind then.
pub fn import(request: &ImportRequest<'_>) -> Result<Imported, TrainError> {
    let failed = |reason: String| TrainError::Import { reason, path: request.weights.to_owned() };
    let weights = read(request.weights, &request.control)?;
    let foreign = weights.foreign.clone();
    let Source { flavour, doubt, mut info, weights, left_out } = source(weights).map_err(failed)?;
    request.preprocess.apply(&mut info.network).map_err(|reason| failed(reason.to_owned()))?;
    let config = config(&info, request.weights, &flavour).map_err(failed)?;
    let model = fitted(&info.network, weights).map_err(failed)?;
    go_on(&request.control)?;
    let run = write_run(request, &config, model, &info)?;
    Ok(Imported { run, flavour, doubt, info, left_out, foreign })
}

fn go_on(control: &Control) -> Result<(), TrainError> {
    if control.is_cancelled() { Err(TrainError::Cancelled) } else { Ok(()) }
}

/// The weights in a file, unless `control` says stop first.
fn read(path: &Path, control: &Control) -> Result<Weights, TrainError> {
    let weights = match read_weights_unless(path, &|| control.is_cancelled()) {
        Err(WeightsError::Cancelled) => return Err(TrainError::Cancelled),
        read => read?,
    };
    go_on(control)?;
    Ok(weights)
}

/// Writes the run folder. One that was not finished, or is not wanted any more when it is, goes again: half a gigabyte
/// takes a while to write.
fn write_run(
    request: &ImportRequest<'_>,
    config: &RunConfig,
    model: Vec<u8>,
    info: &ModelInfo,
) -> Result<PathBuf, TrainError> {
    let folder = RunFolder::create(&Place::NewAt(request.out.to_owned()), "import").map_err(|error| match error {
        // Nothing of it can be resumed.
        TrainError::Exists(path) => TrainError::ImportExists(path),
        other => other,
    })?;
    let run = folder.path().to_owned();
    let saved = Saved { model, head: Vec::new(), resume: Vec::new() };
    let state = CheckpointState { format: 1, ..CheckpointState::default() };
    let written = folder
        .write_config(config)
        .and_then(|()| folder.write_checkpoint(&saved, info, &state))
        .and_then(|()| folder.set_best(0))
        .and_then(|()| go_on(&request.control));
    // Its lock is an open file in it, which some systems do not remove.
    drop(folder);
    if let Err(error) = written {
        // What cannot be removed only costs space.
        std::fs::remove_dir_all(&run).ok();
        return Err(error);
    }
    Ok(run)
}

struct Source {
    flavour: String,
    doubt: Option<&'static str>,
    info: ModelInfo,
    weights: Weights,
    left_out: Vec<String>,
}

/// What the file says of its network: in so many words if this program wrote it, else by its names.
fn source(weights: Weights) -> Result<Source, String> {
    if let Some(text) = weights.metadata.get(INFO_KEY) {
        let info = own_info(text, &weights)?;
        return Ok(Source { flavour: "ArcLens".to_owned(), doubt: None, info, weights, left_out: Vec::new() });
    }
    let found = recognise(weights).map_err(|error| error.to_string())?;
    let (px, channels) = (found.embedder.image_px as u32, found.embedder.channels as u32);
    let preprocess = found.flavour.preprocess(px, channels);
    let info = model_info(Network { embedder: found.embedder, preprocess, add_mirror: false });
    let (flavour, doubt) = (found.flavour.label().to_owned(), found.flavour.doubt());
    Ok(Source { flavour, doubt, info, weights: found.weights, left_out: found.left_out })
}

/// Largest sizes of a network described by a file: beyond them its weights could not be in the file anyway.
const MAX_SIDE: usize = 1 << 12;

fn own_info(text: &str, weights: &Weights) -> Result<ModelInfo, String> {
    let info: ModelInfo =
        serde_json::from_str(text).map_err(|error| format!("its description of the network is damaged ({error})"))?;
    let Network { embedder, preprocess, .. } = &info.network;
    let bounded = (1..=MAX_SIDE).contains(&embedder.image_px) && (1..=MAX_SIDE).contains(&embedder.embedding_dim);
    let agrees = preprocess.image_px as usize == embedder.image_px && preprocess.channels as usize == embedder.channels;
    let numbers: usize = weights.tensors.values().map(|weight| weight.data.len()).sum();
    if info.format > ModelInfo::FORMAT {
        return Err("it was written by a newer ArcLens".to_owned());
    }
    if !bounded || !agrees || ![1, 3].contains(&embedder.channels) || embedder.parameter_count() > numbers {
        return Err("its description of the network does not fit its weights".to_owned());
    }
    Ok(model_info(info.network))
}

fn model_info(network: Network) -> ModelInfo {
    // No class was learnt here: the head is empty.
    let loss = RunConfig::default().loss;
    let head = HeadSpec::plain(loss.head, [0, network.embedder.embedding_dim], 1.0, Margins::NONE);
    ModelInfo { format: ModelInfo::FORMAT, network, head, classes: Vec::new() }
}

/// Whether the network consists of exactly these weights, and it can compute with their numbers.
fn check(spec: &EmbedderSpec, weights: &Weights) -> Result<(), ModelError> {
    let misfit = Misfit::of(spec, weights);
    if !misfit.is_none() {
        return Err(ModelError::Mismatch(misfit));
    }
    if let Some(name) = weights.first_not_finite() {
        return Err(ModelError::NotFinite { name: name.to_owned() });
    }
    match weights.first_variance_without_root() {
        Some(name) => Err(ModelError::Variance { name: name.to_owned() }),
        None => Ok(()),
    }
}

/// What is wrong with weights, for those who did not train them here and have no other checkpoint of them.
fn in_words(spec: &EmbedderSpec, error: &ModelError) -> String {
    match error {
        ModelError::Mismatch(misfit) => format!(
            "the names are those of {}, but the weights do not fit that network: {}; perhaps it was changed, or is not whole",
            spec.net.label(),
            misfit.in_words()
        ),
        ModelError::NotFinite { name } => {
            format!(
                "{name} contains a value that is not a finite number; check that the file is whole and the right one"
            )
        }
        other => other.to_string(),
    }
}

/// The grey of the image that a network is tried out with: far from the mean, which is 0 to the network and tells nothing.
const TRIAL_GREY: u8 = 224;

/// Weights may be finite, and so large that the embeddings are not.
fn try_out(net: &Embedder<Flex>, preprocess: &Preprocess) -> Result<(), String> {
    let pixels = vec![TRIAL_GREY; preprocess.sample_len()];
    let mut planes = vec![0f32; pixels.len()];
    preprocess.normalise(&pixels, &mut planes);
    let (channels, px) = (preprocess.channels as usize, preprocess.image_px as usize);
    let batch = HostBatch { images: planes, labels: vec![0], items: vec![0], channels, px };
    let embedding = floats(Inference::new(net).forward(images::<Flex>(&batch, &Default::default())));
    if embedding.map_err(|error| error.to_string())?.iter().all(|number| number.is_finite()) {
        return Ok(());
    }
    Err("the embedding of a plain grey image is not made of finite numbers, for some of the weights are far too large; check \
         that the file is whole and the right one"
        .to_owned())
}

/// The weights as our own file, after a network has taken every one of them and embedded with them.
fn fitted(network: &Network, weights: Weights) -> Result<Vec<u8>, String> {
    let spec = &network.embedder;
    let said = |error: ModelError| in_words(spec, &error);
    check(spec, &weights).map_err(said)?;
    let bytes = weights.to_safetensors().map_err(|error| error.to_string())?;
    // A deep network is half a gigabyte, and there are copies enough.
    drop(weights);
    let mut net = spec.init::<Flex>(&Default::default());
    load_weights(&mut net, &bytes).map_err(said)?;
    drop(bytes);
    try_out(&net, &network.preprocess)?;
    save_weights(&net, &BTreeMap::new()).map_err(said)
}

/// The settings of the new run, which say what the network is.
fn config(info: &ModelInfo, weights: &Path, flavour: &str) -> Result<RunConfig, String> {
    let mut config = RunConfig::default();
    info.network.describe(&mut config);
    config.model.dropout = info.network.embedder.dropout;
    config.eval.flip = Auto::Set(info.network.add_mirror);
    let name = weights.file_name().unwrap_or_default().to_string_lossy();
    config.run = Some(RunInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        imported: format!("{name}, {flavour}"),
        started: chrono::Local::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, false),
        ..RunInfo::default()
    });
    match config.problems().into_iter().next() {
        Some(problem) => Err(ConfigError::Invalid(problem).to_string()),
        None => Ok(config),
    }
}

#[cfg(test)]
mod tests;
