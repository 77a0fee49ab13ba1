//! A file of weights that was looked at, for tests.

use crate::config::{Head, Margins, Net, Pooling};
use crate::data::Preprocess;
use crate::loss::HeadSpec;
use crate::model::{EmbedderSpec, Form};
use crate::train::{FoundNetwork, ModelInfo, Network, WeightsLook};

/// An iResNet-50 with one name beside the network.
pub(crate) fn look_of(channels: u32, blue_first: bool) -> WeightsLook {
    let embedder = EmbedderSpec {
        net: Net::Iresnet50,
        form: Form::Usual,
        pooling: Pooling::Flatten,
        channels: channels as usize,
        image_px: 112,
        embedding_dim: 512,
        dropout: 0.0,
    };
    let info = ModelInfo {
        format: ModelInfo::FORMAT,
        head: HeadSpec::plain(Head::Softmax, [0, 512], 1.0, Margins::NONE),
        network: Network {
            embedder,
            preprocess: Preprocess { blue_first, ..Preprocess::new(112, channels) },
            add_mirror: false,
        },
        classes: Vec::new(),
    };
    let left_out = vec!["head.weight".to_owned()];
    let network = FoundNetwork { flavour: "somebody's".to_owned(), doubt: None, info, left_out };
    WeightsLook { tensors: 300, foreign: Vec::new(), network: Some(network), refusal: None }
}
