//! What a checkpoint must carry so that it can be used without the settings, the data set or us.

use crate::config::{Auto, Colour, RunConfig};
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

    /// Makes settings say what the network is and what images it takes.
    pub(super) fn describe(&self, config: &mut RunConfig) {
        let spec = &self.embedder;
        config.model.net = spec.net;
        config.model.pooling = spec.pooling;
        config.model.embedding_dim = Auto::Set(spec.embedding_dim as u32);
        config.data.image_px = Auto::Set(self.preprocess.image_px);
        config.data.colour = if self.preprocess.channels == 1 { Colour::Grey } else { Colour::Rgb };
    }
}
