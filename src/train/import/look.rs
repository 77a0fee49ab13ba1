//! A look at a file of weights: whose network it is and whether a run can be made of it. Nothing is written.

use super::{INFO_KEY, PreprocessChange, Source, check, config, in_words, read, source};
use crate::model::weights::{Weight, Weights};
use crate::model::{EmbedderSpec, Misfit, ModelError};
use crate::train::{Control, ModelInfo, TrainError};
use std::path::Path;

/// What to do about a file that names no network of ours.
const OTHER_NETWORK: &str = "Choose the weights of one of the networks this program builds, or save this one again with \
     torch.save(model.state_dict(), …) under the names of its project.";
/// What to do about a file of ours.
const EXPORT_AGAIN: &str = "Export the network again with this version of ArcLens.";
/// What to do about a network that is not whole, or that someone has changed.
const SAVE_AGAIN: &str = "Save the whole network again with torch.save(model.state_dict(), …). If its layers were changed, \
     it is not a network that this program builds.";

/// A file of weights before a run is made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightsLook {
    /// How many tensors the file holds.
    pub tensors: usize,
    /// Python code that the file names; it was not run.
    pub foreign: Vec<String>,
    /// The network by its names; none where they belong to no network.
    pub network: Option<FoundNetwork>,
    /// Why no run can be made of the file; none where everything fits.
    pub refusal: Option<Refusal>,
}

/// Why no run can be made of a file of weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refusal {
    /// The rest of a sentence that begins with the file, with few names in it.
    pub reason: String,
    /// What to do, as a sentence.
    pub advice: &'static str,
    /// Every weight that is missing, has another shape, or is one too many; empty where that is not the reason.
    pub misfit: Misfit,
    /// Of a file that belongs to no network: every name with its sizes.
    pub names: Vec<String>,
}

/// The network that the weights are of.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundNetwork {
    /// Whose it is, in words.
    pub flavour: String,
    /// Whose else it could be by its names, as a clause.
    pub doubt: Option<&'static str>,
    /// The network, and the preprocessing that its project uses.
    pub info: ModelInfo,
    /// Names in the file that belong to a trainer's other parts.
    pub left_out: Vec<String>,
}

impl WeightsLook {
    /// The network, where a run can be made of it.
    pub fn usable(&self) -> Option<&FoundNetwork> {
        self.network.as_ref().filter(|_| self.refusal.is_none())
    }
}

/// Reads a file of weights and checks all that [`super::import`] checks before it tries the network out, with the
/// preprocessing of the network's project.
///
/// # Errors
/// When the file cannot be read as weights, or `control` says stop. Weights that fit no network are no error: the look
/// tells why.
pub fn look_at_weights(path: &Path, control: &Control) -> Result<WeightsLook, TrainError> {
    Ok(look_into(read(path, control)?, path))
}

/// The same for weights that have been read already, from `path`.
pub fn look_into(weights: Weights, path: &Path) -> WeightsLook {
    let (tensors, foreign) = (weights.tensors.len(), weights.foreign.clone());
    let named = |(name, weight): (&String, &Weight)| format!("{name} {:?}", weight.shape);
    let names = weights.tensors.iter().map(named).collect();
    let advice = if weights.metadata.contains_key(INFO_KEY) { EXPORT_AGAIN } else { OTHER_NETWORK };
    let (network, refusal) = match source(weights) {
        Ok(source) => {
            let (network, refusal) = found(source, path, advice);
            (Some(network), refusal)
        }
        Err(reason) => (None, Some(Refusal { reason, advice, names, ..Refusal::default() })),
    };
    WeightsLook { tensors, foreign, network, refusal }
}

fn found(source: Source, path: &Path, advice: &'static str) -> (FoundNetwork, Option<Refusal>) {
    let Source { flavour, doubt, mut info, weights, left_out } = source;
    let described = PreprocessChange::default()
        .apply(&mut info.network)
        .map_err(str::to_owned)
        .and_then(|()| config(&info, path, &flavour).map(drop));
    let refusal = match described {
        Err(reason) => Some(Refusal { reason, advice, ..Refusal::default() }),
        Ok(()) => {
            let spec = &info.network.embedder;
            check(spec, &weights).err().map(|error| refusal_of(spec, error))
        }
    };
    (FoundNetwork { flavour, doubt, info, left_out }, refusal)
}

/// A sentence with counts, and all the names beside it.
fn refusal_of(spec: &EmbedderSpec, error: ModelError) -> Refusal {
    match error {
        ModelError::Mismatch(misfit) => {
            let reason = format!("its weights are not those of the whole network: {}", misfit.counts());
            Refusal { reason, advice: SAVE_AGAIN, misfit, ..Refusal::default() }
        }
        other => Refusal { reason: in_words(spec, &other), advice: SAVE_AGAIN, ..Refusal::default() },
    }
}
