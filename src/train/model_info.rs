//! What a checkpoint must carry so that it can be used without the settings, the data set or us.

use crate::config::{Auto, Colour, Reason, RunConfig, spec};
use crate::data::Preprocess;
use crate::loss::HeadSpec;
use crate::model::EmbedderSpec;
use serde::{Deserialize, Serialize};

/// `model.json` of a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Version of this file's form.
    pub format: u32,
    /// The network.
    pub embedder: EmbedderSpec,
    /// The head it was trained with.
    pub head: HeadSpec,
    /// How an image becomes a network input.
    pub preprocess: Preprocess,
    /// Names of the classes, in the order of the head's rows.
    pub classes: Vec<String>,
    /// The embedding of the mirrored image is added.
    pub add_mirror: bool,
}

impl ModelInfo {
    /// Present form of the file.
    pub const FORMAT: u32 = 1;

    /// The network alone.
    pub(super) fn network(&self) -> Network {
        let Self { embedder, preprocess, add_mirror, .. } = self;
        Network { embedder: embedder.clone(), preprocess: preprocess.clone(), add_mirror: *add_mirror }
    }
}

/// Why a setting is what it is.
const WHY: &str = "as in the network that the run starts from";

/// Settings that the network decides, see [`Network::describe`].
const DECIDED: [&str; 5] = ["model.net", "model.pooling", "model.embedding_dim", "data.image_px", "data.colour"];

/// The part of `model.json` that a run takes over which starts from this one: what its weights mean nothing without.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Network {
    /// The network.
    pub embedder: EmbedderSpec,
    /// How an image becomes a network input.
    pub preprocess: Preprocess,
    /// The embedding of the mirrored image is added.
    pub add_mirror: bool,
}

impl Network {
    /// Makes settings say what the network is and what images it takes.
    pub(super) fn describe(&self, config: &mut RunConfig) {
        let spec = &self.embedder;
        config.model.net = spec.net;
        config.model.pooling = spec.pooling;
        config.model.embedding_dim = Auto::Set(spec.embedding_dim as u32);
        config.data.image_px = Auto::Set(self.preprocess.image_px);
        config.data.colour = if self.preprocess.channels == 1 { Colour::Grey } else { Colour::Rgb };
    }

    /// The same for a run that starts from the network; returns what had to be changed.
    pub fn settle(&self, config: &mut RunConfig) -> Vec<Reason> {
        let before = config.clone();
        self.describe(config);
        let mut reasons = Vec::new();
        for param in DECIDED.iter().filter_map(|key| spec(key)) {
            if let (Ok(now), Ok(asked)) = (config.get(param.key), before.get(param.key))
                && now != asked
            {
                reasons.push(Reason { key: param.key, value: param.words(&now), why: WHY.to_owned() });
            }
        }
        if config.eval.flip == Auto::Auto {
            let value = if self.add_mirror { "on" } else { "off" }.to_owned();
            reasons.push(Reason { key: "eval.flip", value, why: WHY.to_owned() });
            config.eval.flip = Auto::Set(self.add_mirror);
        }
        reasons
    }
}
