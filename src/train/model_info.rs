//! What a checkpoint must carry so that it can be used without the settings, the data set or us.

use crate::config::{Auto, Colour, NETWORK_KEYS, Reason, RunConfig, spec};
use crate::data::Preprocess;
use crate::loss::HeadSpec;
use crate::model::EmbedderSpec;
use serde::{Deserialize, Serialize};

/// `model.json` of a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Version of this file's form.
    pub format: u32,
    /// The network and its images; in the file, its fields stand beside the others.
    #[serde(flatten)]
    pub network: Network,
    /// The head it was trained with.
    pub head: HeadSpec,
    /// Names of the classes, in the order of the head's rows.
    pub classes: Vec<String>,
}

impl ModelInfo {
    /// Present form of the file.
    pub const FORMAT: u32 = 1;
}

/// Why a setting is what it is.
const WHY: &str = "as in the network that the run starts from";

/// The part of `model.json` that a run takes over which starts from this one: what its weights mean nothing without.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// The network.
    pub embedder: EmbedderSpec,
    /// How an image becomes a network input.
    pub preprocess: Preprocess,
    /// The embedding of the mirrored image is added.
    pub add_mirror: bool,
}

impl Network {
    /// Makes settings say what the network is and what images it takes: all of [`NETWORK_KEYS`].
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
        for param in NETWORK_KEYS.iter().filter_map(|key| spec(key)) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Head, Margins, Net, Pooling};
    use crate::model::Form;

    fn network() -> Network {
        let embedder = EmbedderSpec {
            net: Net::MobileFaceNet,
            form: Form::Large,
            pooling: Pooling::Depthwise,
            channels: 1,
            image_px: 80,
            embedding_dim: 96,
            dropout: 0.25,
        };
        Network { embedder, preprocess: Preprocess::new(80, 1), add_mirror: true }
    }

    /// As the first versions wrote it, their order included.
    #[test]
    fn a_file_of_an_earlier_version_is_read() {
        let text = r#"{
            "format": 1,
            "embedder": {"net": "iresnet18", "channels": 3, "image_px": 112, "embedding_dim": 512, "dropout": 0.4},
            "head": {"head": "arcface", "classes": 2, "embedding_dim": 512, "scale": 64.0, "margin": 0.5},
            "preprocess": {"image_px": 112, "channels": 3, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
            "classes": ["ann", "bob"],
            "add_mirror": true
        }"#;
        let info: ModelInfo = serde_json::from_str(text).unwrap();
        let Network { embedder, preprocess, add_mirror } = &info.network;
        assert_eq!((embedder.net, embedder.form, embedder.pooling), (Net::Iresnet18, Form::Usual, Pooling::Auto));
        assert_eq!((preprocess.image_px, preprocess.mean), (112, [0.485, 0.456, 0.406]));
        assert!(*add_mirror && info.classes == ["ann", "bob"] && info.head.margins.rad == 0.5);
        // What a list of runs reads of the same file.
        assert_eq!(serde_json::from_str::<Network>(text).unwrap(), info.network);
    }

    #[test]
    fn the_fields_of_the_network_stand_beside_the_others_in_the_file() {
        let head = HeadSpec::plain(Head::CosFace, [1, 96], 16.0, Margins { cos: 0.2, ..Margins::NONE });
        let info = ModelInfo { format: ModelInfo::FORMAT, network: network(), head, classes: vec!["ann".to_owned()] };
        let json = serde_json::to_value(&info).unwrap();
        let mut keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["add_mirror", "classes", "embedder", "format", "head", "preprocess"]);
        assert_eq!(serde_json::from_value::<ModelInfo>(json.clone()).unwrap(), info);
        assert_eq!(serde_json::from_value::<Network>(json).unwrap(), info.network);
    }

    #[test]
    fn a_network_decides_exactly_the_settings_of_the_list() {
        let asked = RunConfig::default();
        let mut settled = asked.clone();
        let reasons = network().settle(&mut settled);
        let keys: Vec<&str> = reasons.iter().map(|reason| reason.key).filter(|key| *key != "eval.flip").collect();
        assert_eq!(keys, NETWORK_KEYS);
        let changed: Vec<&str> = crate::config::PARAMS
            .iter()
            .map(|param| param.key)
            .filter(|key| asked.get(key).unwrap() != settled.get(key).unwrap())
            .filter(|key| *key != "eval.flip")
            .collect();
        assert!(changed.len() == keys.len() && changed.iter().all(|key| keys.contains(key)), "{changed:?}");
        // What is the network's already needs no reason.
        assert!(network().settle(&mut settled).is_empty());
    }
}
