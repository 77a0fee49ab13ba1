//! Settings that belong together: a good start for a kind of data, to be changed from there.

use super::choices::choice;
use super::{Auto, Head, NETWORK_KEYS, Net, Pooling, Precision, RunConfig, Schedule};
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

    /// The defaults with what the preset changes. Seed, device, what is held out and what the run starts from are no matter of
    /// the kind of data and stay as they are in `before`; so does the network of a run that starts from one.
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
        keep_start(&mut config, before);
        config
    }
}

fn keep_start(config: &mut RunConfig, before: &RunConfig) {
    config.train.start_from.clone_from(&before.train.start_from);
    config.train.freeze_epochs = before.train.freeze_epochs;
    if before.train.is_fine_tuned() {
        for key in NETWORK_KEYS {
            if let Ok(value) = before.get(key) {
                // A value that was in force is valid.
                config.set(key, value).ok();
            }
        }
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
}

/// `arcface_torch`, `configs/ms1mv3_r50_onegpu.py`, on one card. What it takes over from the defaults: SGD with momentum
/// 0.9, weight decay 5e-4, gradients clipped at a norm of 5.
///
/// Unlike there: 16 bits are bf16, which needs no scaled loss. The gradient is the paper's, not the straight-through one of
/// today's `arcface_torch` (`--loss arcface_insightface`). A share of the people is held out, from which the best epoch is
/// told; `arcface_torch` trains on all of them and looks at LFW, CFP and AgeDB. Clipping counts the head's gradients in.
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
    use super::super::tests::facts;
    use super::super::{DataFacts, Margins, Optimizer, PARAMS, Resolved, Sampler, resolve};
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

    #[test]
    fn a_preset_keeps_the_network_that_the_run_starts_from() {
        let mut before = RunConfig::default();
        before.train.start_from = "runs/published".to_owned();
        before.train.freeze_epochs = Auto::Set(2);
        before.model.net = Net::MobileFaceNet;
        before.data.image_px = Auto::Set(96);
        for preset in Preset::every() {
            let config = preset.settings(&before);
            assert_eq!(
                (config.train.start_from.as_str(), config.train.freeze_epochs),
                ("runs/published", Auto::Set(2))
            );
            assert_eq!((config.model.net, config.data.image_px), (Net::MobileFaceNet, Auto::Set(96)), "{preset:?}");
        }
        assert_eq!(Preset::Mnist.settings(&before).train.batch, 64, "what is not the network's is the preset's");
    }

    #[test]
    fn a_preset_can_be_made_as_short_as_a_person_likes() {
        for preset in Preset::every() {
            let mut config = preset.settings(&RunConfig::default());
            config.train.epochs = 1;
            let resolved = resolve(&config, &facts());
            assert!(resolved.is_ok(), "{preset:?}: {resolved:?}");
        }
    }

    /// The settings in which a preset differs from the defaults, as they are typed.
    fn changes(preset: Preset) -> Vec<(&'static str, String)> {
        let (before, after) = (RunConfig::default().values(), preset.settings(&RunConfig::default()).values());
        let both = before.into_iter().zip(after);
        let changed = PARAMS.iter().zip(both).filter(|(_, (before, after))| before != after);
        changed.map(|(spec, (_, after))| (spec.key, after.to_string())).collect()
    }

    /// `changes` in any order.
    fn assert_changes(preset: Preset, expected: &[(&'static str, &str)]) {
        let mut found = changes(preset);
        let mut expected: Vec<_> = expected.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{preset:?}");
    }

    #[test]
    fn every_preset_changes_these_settings_and_no_others() {
        assert_changes(Preset::Sample, &[]);
        let mnist = [
            ("data.image_px", "28"),
            ("augment.flip", "false"),
            ("augment.rotate_deg", "10"),
            ("augment.colour", "0"),
            ("model.net", "resnet18"),
            ("train.batch", "64"),
            ("train.epochs", "12"),
            ("train.weight_average", "0.998"),
        ];
        assert_changes(Preset::Mnist, &mnist);
        let faces = [
            ("data.image_px", "112"),
            ("data.cache_mib", "4096"),
            ("augment.shift", "0.03"),
            ("augment.scale", "0.05"),
            ("augment.rotate_deg", "5"),
            ("augment.crop", "0.1"),
            ("augment.low_resolution", "0.1"),
            ("model.net", "iresnet18"),
            ("model.pooling", "average"),
            ("train.batch", "64"),
            ("train.epochs", "30"),
        ];
        assert_changes(Preset::Faces, &faces);
        let paper_r50 = [
            ("data.image_px", "112"),
            ("data.cache_mib", "0"),
            ("augment.flip", "true"),
            ("augment.shift", "0"),
            ("augment.scale", "0"),
            ("augment.rotate_deg", "0"),
            ("augment.colour", "0"),
            ("model.net", "iresnet50"),
            ("model.pooling", "flatten"),
            ("model.embedding_dim", "512"),
            ("loss.scale", "64"),
            ("loss.margin_rad", "0.5"),
            ("loss.margin_ramp", "0"),
            ("train.batch", "128"),
            ("train.epochs", "20"),
            ("train.precision", "bf16"),
            ("train.lr", "0.02"),
            ("train.warmup_epochs", "0"),
            ("train.schedule", "linear"),
        ];
        assert_changes(Preset::PaperR50, &paper_r50);
    }

    /// `arcface_torch`'s `configs/base.py` with `configs/ms1mv3_r50_onegpu.py`, on MS1MV3: 93,431 people, 5,179,510 images.
    #[test]
    fn the_papers_preset_is_the_recipe_of_arcface_torch_on_one_gpu() {
        let facts = DataFacts {
            train_classes: 93_431,
            train_images: 5_179_510,
            validation_images: 0,
            typical_px: 112,
            all_grey: false,
        };
        let resolved = resolve(&Preset::PaperR50.settings(&RunConfig::default()), &facts).unwrap();
        let Resolved { config, .. } = &resolved;
        let (train, loss) = (&config.train, &config.loss);
        assert_eq!(
            (config.model.net, resolved.pooling, resolved.embedding_dim),
            (Net::Iresnet50, Pooling::Flatten, 512)
        );
        assert_eq!((config.model.dropout, resolved.image_px, resolved.channels), (0.0, 112, 3));
        assert_eq!((loss.head, resolved.scale), (Head::ArcFace, 64.0));
        assert_eq!(resolved.margins, Margins { factor: 1.0, rad: 0.5, cos: 0.0 });
        assert_eq!((resolved.margin_ramp, loss.class_share, loss.filter_above, loss.subcenters), (0.0, 1.0, 1.0, 1));
        assert_eq!((train.optimizer, train.momentum, train.nesterov), (Optimizer::Sgd, 0.9, false));
        assert_eq!((train.weight_decay, train.grad_clip, train.head_lr_factor), (5e-4, 5.0, Auto::Set(1.0)));
        assert_eq!((train.batch, train.micro_batches, train.epochs), (128, 1, 20));
        // A polynomial of power 1 is the straight line.
        assert_eq!((resolved.lr, resolved.warmup_epochs, train.schedule), (0.02, 0.0, Schedule::Linear));
        assert_eq!((resolved.steps_per_epoch, train.sampler), (5_179_510 / 128, Sampler::Shuffled));
        assert_eq!((train.weight_average, train.stop_after, train.frozen_epochs()), (0.0, 0, 0));
        // Images are mirrored and nothing else is done to them; so are they when they are compared.
        assert!(resolved.flip && resolved.add_mirror);
        let augment = &config.augment;
        let strengths = [
            augment.shift,
            augment.scale,
            augment.rotate_deg,
            augment.colour,
            augment.hue_deg,
            augment.crop,
            augment.low_resolution,
            augment.blur,
            augment.grey,
            augment.jpeg,
            augment.cutout,
        ];
        assert_eq!(strengths, [0.0; 11]);
    }
}
