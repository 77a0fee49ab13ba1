//! Settings that belong together: a good start for a kind of data, to be changed from there.

use super::choices::choice;
use super::{Auto, Head, Net, Pooling, Precision, RunConfig, Schedule};
use serde::{Deserialize, Serialize};

choice! {
    /// A kind of data.
    Preset {
        /// The defaults: the drawn portraits and small sets of pictures.
        Sample = "sample", "Small sets of pictures";
        /// Handwritten characters and other small grey images.
        Mnist = "mnist", "Characters (MNIST)";
        /// Aligned faces, some hundreds of people.
        Faces = "faces", "Faces, some hundreds of people";
        /// The ArcFace paper's network and recipe, for a GPU.
        PaperR50 = "paper_r50", "Faces, as in the paper (GPU)";
    } default Sample
}

impl Preset {
    /// What it is for, in one sentence.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Sample => "The small net at up to 64 px: learns while one watches, on two cores.",
            Self::Mnist => "ResNet-18 at 28 px in grey, not mirrored, with small shifts and turns.",
            Self::Faces => "iResNet-18 at 112 px with averaged features, for sets too small for the paper's head.",
            Self::PaperR50 => "iResNet-50 at 112 px, 512 numbers, scale 64, margin 0.5, in 16 bits on a GPU.",
        }
    }

    /// The defaults with what the preset changes. Seed, device and what is held out are no matter of the kind of data and
    /// stay as they are in `before`.
    pub fn settings(self, before: &RunConfig) -> RunConfig {
        let mut config = RunConfig::default();
        config.train.seed = before.train.seed;
        config.train.device.clone_from(&before.train.device);
        config.data.held_out.clone_from(&before.data.held_out);
        config.data.split = before.data.split;
        match self {
            Self::Sample => {}
            Self::Mnist => mnist(&mut config),
            Self::Faces => faces(&mut config),
            Self::PaperR50 => paper_r50(&mut config),
        }
        config
    }
}

fn mnist(config: &mut RunConfig) {
    config.data.image_px = Auto::Set(28);
    config.augment.flip = Auto::Set(false);
    config.augment.rotate_deg = 10.0;
    config.augment.colour = 0.0;
    config.model.net = Net::Resnet18;
    config.loss.head = Head::ArcFace;
    config.train.batch = 64;
    config.train.epochs = 12;
    config.train.weight_average = 0.998;
}

fn faces(config: &mut RunConfig) {
    config.data.image_px = Auto::Set(112);
    config.data.cache_mib = 4096;
    config.augment.shift = 0.03;
    config.augment.scale = 0.05;
    config.augment.rotate_deg = 5.0;
    config.augment.crop = 0.1;
    config.augment.low_resolution = 0.1;
    config.model.net = Net::Iresnet18;
    config.model.pooling = Pooling::Average;
    config.train.batch = 64;
    config.train.epochs = 30;
    config.train.warmup_epochs = Auto::Set(2.0);
}

/// `arcface_torch`, `configs/ms1mv3_r50.py`, on one card.
fn paper_r50(config: &mut RunConfig) {
    config.data.image_px = Auto::Set(112);
    config.data.cache_mib = 0;
    config.augment.flip = Auto::Set(true);
    config.augment.shift = 0.0;
    config.augment.scale = 0.0;
    config.augment.rotate_deg = 0.0;
    config.augment.colour = 0.0;
    config.model.net = Net::Iresnet50;
    config.model.pooling = Pooling::Flatten;
    config.model.embedding_dim = Auto::Set(512);
    config.loss.scale = Auto::Set(64.0);
    config.loss.margin_rad = Auto::Set(0.5);
    config.loss.margin_ramp = Auto::Set(0.0);
    config.train.batch = 128;
    config.train.epochs = 20;
    config.train.precision = Precision::Bf16;
    config.train.lr = Auto::Set(0.02);
    config.train.warmup_epochs = Auto::Set(0.0);
    config.train.schedule = Schedule::Linear;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_valid_and_keeps_what_is_none_of_its_business() {
        let mut before = RunConfig::default();
        before.train.seed = 77;
        before.train.device = "cpu".to_owned();
        before.data.held_out = "s31..s40".to_owned();
        for preset in Preset::every() {
            let config = preset.settings(&before);
            assert!(config.problems().is_empty(), "{preset:?}: {:?}", config.problems());
            assert_eq!((config.train.seed, config.train.device.as_str()), (77, "cpu"));
            assert_eq!(config.data.held_out, "s31..s40");
            assert!(preset.advice().ends_with('.'));
        }
        assert_eq!(Preset::Sample.settings(&RunConfig::default()), RunConfig::default());
    }
}
