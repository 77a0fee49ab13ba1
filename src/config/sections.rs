//! The settings by section, with their defaults: the only place where a default is written.

use super::{Auto, Best, Colour, Head, MapKind, Net, Optimizer, Pooling, Precision, Sampler, Schedule, SplitBy};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How images are found, resized and split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// Side of the square image the network sees, in pixels.
    pub image_px: Auto<u32>,
    /// Channels the network sees.
    pub colour: Colour,
    /// What is held out.
    pub split: SplitBy,
    /// Names of the classes to hold out (`s31..s40`, `test_*`, comma separated); empty = as `split` says.
    pub held_out: String,
    /// Share held out when the folder has no validation part, in (0, 1).
    pub validation_fraction: f64,
    /// Classes with fewer images are left out of training.
    pub min_images: u32,
    /// Decoded images are kept in memory up to this many MiB; beyond it they are decoded again each epoch.
    pub cache_mib: u32,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            image_px: Auto::Auto,
            colour: Colour::Auto,
            split: SplitBy::Auto,
            held_out: String::new(),
            validation_fraction: 0.2,
            min_images: 2,
            cache_mib: 1024,
        }
    }
}

/// Random changes to the training images; each strength is a largest value, drawn uniformly below it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentConfig {
    /// Mirror every second image.
    pub flip: Auto<bool>,
    /// Shift, as a share of the side.
    pub shift: f64,
    /// Change of size, as a share (0.1 = 0.9 to 1.1).
    pub scale: f64,
    /// Rotation in degrees.
    pub rotate_deg: f64,
    /// Brightness, contrast and saturation, as a share.
    pub colour: f64,
    /// Turn of the colours in degrees.
    pub hue_deg: f64,
    /// Chance that only a rectangle is left, on black.
    pub crop: f64,
    /// Smallest share of the area that is left.
    pub crop_smallest: f64,
    /// Chance of being made small and large again.
    pub low_resolution: f64,
    /// Smallest side meanwhile, as a share.
    pub low_resolution_smallest: f64,
    /// Chance of being blurred.
    pub blur: f64,
    /// Largest standard deviation of the blur, as a share of the side.
    pub blur_largest: f64,
    /// Chance of losing its colours.
    pub grey: f64,
    /// Chance of being compressed as JPEG.
    pub jpeg: f64,
    /// Lowest JPEG quality.
    pub jpeg_lowest: u32,
    /// Chance of a black square.
    pub cutout: f64,
    /// Largest side of the square, as a share.
    pub cutout_largest: f64,
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self {
            flip: Auto::Auto,
            shift: 0.08,
            scale: 0.1,
            rotate_deg: 8.0,
            colour: 0.15,
            hue_deg: 0.0,
            crop: 0.0,
            crop_smallest: 0.2,
            low_resolution: 0.0,
            low_resolution_smallest: 0.2,
            blur: 0.0,
            blur_largest: 0.03,
            grey: 0.0,
            jpeg: 0.0,
            jpeg_lowest: 20,
            cutout: 0.0,
            cutout_largest: 0.4,
        }
    }
}

/// The network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// The backbone.
    pub net: Net,
    /// How the last feature maps become one row of features.
    pub pooling: Pooling,
    /// Numbers per embedding.
    pub embedding_dim: Auto<u32>,
    /// Share of features dropped before the embedding layer.
    pub dropout: f64,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self { net: Net::Small, pooling: Pooling::Auto, embedding_dim: Auto::Auto, dropout: 0.0 }
    }
}

/// The margin head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossConfig {
    /// Which loss.
    pub head: Head,
    /// Factor on the cosine.
    pub scale: Auto<f64>,
    /// Factor on the angle (SphereFace, combined margins).
    pub margin_factor: Auto<f64>,
    /// Added to the angle (ArcFace and its relatives), in radians.
    pub margin_rad: Auto<f64>,
    /// Taken from the cosine (CosFace and its relatives).
    pub margin_cos: Auto<f64>,
    /// The margin grows from 0 over this share of the run.
    pub margin_ramp: Auto<f64>,
    /// The margin counts in the loss but not in its gradient.
    pub margin_detached: Auto<bool>,
    /// Standard deviation of a sample's margin (ElasticFace), in the unit of the margin.
    pub margin_std: Auto<f64>,
    /// The smallest drawn margin goes to the sample nearest its class (ElasticFace+).
    pub margin_by_rank: bool,
    /// Length of an embedding at which MagFace's margin is smallest.
    pub length_low: f64,
    /// Length of an embedding at which MagFace's margin is largest.
    pub length_high: f64,
    /// MagFace's largest margin, in radians.
    pub length_margin_rad: f64,
    /// Weight of MagFace's pull towards long embeddings.
    pub length_weight: f64,
    /// Share of a batch in the running statistics of AdaFace and CurricularFace.
    pub statistics_share: f64,
    /// Centres per class; a sample belongs to the nearest.
    pub subcenters: u32,
    /// Other classes with a larger cosine are left out of a sample's loss; 1 leaves out none.
    pub filter_above: f64,
    /// Share of the classes that take part in a step.
    pub class_share: f64,
    /// Samples that are recognised count less by this power of what is missing to certainty; 0 = all the same.
    pub focal_gamma: f64,
    /// Pairs of different classes within a batch count as impostors too.
    pub batch_negatives: bool,
}

impl LossConfig {
    /// A step compares with a share of the classes (Partial FC).
    pub fn is_partial(&self) -> bool {
        self.class_share < 1.0
    }
}

impl Default for LossConfig {
    fn default() -> Self {
        Self {
            head: Head::ArcFace,
            scale: Auto::Auto,
            margin_factor: Auto::Auto,
            margin_rad: Auto::Auto,
            margin_cos: Auto::Auto,
            margin_ramp: Auto::Auto,
            margin_detached: Auto::Auto,
            margin_std: Auto::Auto,
            margin_by_rank: false,
            length_low: 10.0,
            length_high: 110.0,
            length_margin_rad: 0.8,
            length_weight: 35.0,
            statistics_share: 0.01,
            subcenters: 1,
            filter_above: 1.0,
            class_share: 1.0,
            focal_gamma: 0.0,
            batch_negatives: false,
        }
    }
}

/// Optimiser, schedule, device, seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Folder of the run whose network this one starts from; empty = from scratch.
    pub start_from: String,
    /// Epochs at the start in which only the class weights learn, where the run starts from another network; see
    /// [`TrainConfig::frozen_epochs`].
    pub freeze_epochs: Auto<u32>,
    /// The normalisations keep the statistics of the network that the run starts from; see [`TrainConfig::keeps_norm`].
    pub freeze_norm: bool,
    /// Passes over the training images.
    pub epochs: u32,
    /// Images per step.
    pub batch: u32,
    /// In which order an epoch visits the images.
    pub sampler: Sampler,
    /// Images of one class in a row, for the sampler `p_by_k`.
    pub images_per_class: u32,
    /// Parts a batch is computed in, one after the other.
    pub micro_batches: u32,
    /// Maps inside the network's blocks are computed again for the gradients.
    pub recompute: bool,
    /// Arithmetic of the convolutions on a GPU.
    pub precision: Precision,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// Peak learning rate.
    pub lr: Auto<f64>,
    /// Learning rate of the head, as a multiple of the network's.
    pub head_lr_factor: Auto<f64>,
    /// Momentum (SGD).
    pub momentum: f64,
    /// Momentum looks ahead (SGD).
    pub nesterov: bool,
    /// Weight decay.
    pub weight_decay: f64,
    /// Epochs over which the learning rate rises from zero.
    pub warmup_epochs: Auto<f64>,
    /// Shape of the fall.
    pub schedule: Schedule,
    /// Power of the polynomial schedule; 1 is a straight line.
    pub power: f64,
    /// Epochs at which the step schedule falls, ascending, with commas; empty = at a half and three quarters.
    pub step_epochs: String,
    /// What the learning rate is multiplied by at a fall of the step and plateau schedules.
    pub fall_factor: f64,
    /// Epochs without improvement after which the plateau schedule falls.
    pub plateau_epochs: u32,
    /// Largest global gradient norm; 0 switches it off.
    pub grad_clip: f64,
    /// Share of the old value in a running average of the weights, which is what is validated and kept; 0 = no average.
    pub weight_average: f64,
    /// Which epoch is kept as the best.
    pub best: Best,
    /// Epochs without improvement after which the run ends; 0 = never.
    pub stop_after: u32,
    /// Seed of every random choice.
    pub seed: u32,
    /// `auto`, `cpu`, or `cuda:0`.
    pub device: String,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            start_from: String::new(),
            freeze_epochs: Auto::Auto,
            freeze_norm: false,
            epochs: 24,
            batch: 32,
            sampler: Sampler::Shuffled,
            images_per_class: 4,
            micro_batches: 1,
            recompute: false,
            precision: Precision::F32,
            optimizer: Optimizer::Sgd,
            lr: Auto::Auto,
            head_lr_factor: Auto::Auto,
            momentum: 0.9,
            nesterov: false,
            weight_decay: 5e-4,
            warmup_epochs: Auto::Auto,
            schedule: Schedule::Cosine,
            power: 2.0,
            step_epochs: String::new(),
            fall_factor: 0.1,
            plateau_epochs: 3,
            grad_clip: 5.0,
            weight_average: 0.0,
            best: Best::Eer,
            stop_after: 0,
            seed: 1,
            device: "auto".to_owned(),
        }
    }
}

impl TrainConfig {
    /// The run starts from another run's network.
    pub fn is_fine_tuned(&self) -> bool {
        !self.start_from.trim().is_empty()
    }

    /// The run starts from the network of the run in this folder.
    pub fn starts_from(&self, run: &Path) -> bool {
        self.is_fine_tuned() && Path::new(self.start_from.trim()) == run
    }

    /// Epochs at the start in which the network rests and only the class weights learn. A run from scratch has none, whatever
    /// the setting says: its network knows nothing that could be lost.
    pub fn frozen_epochs(&self) -> u32 {
        if !self.is_fine_tuned() {
            return 0;
        }
        self.freeze_epochs.set().unwrap_or(u32::from(self.epochs >= LONG_ENOUGH_TO_FREEZE))
    }

    /// The normalisations keep their statistics in training. A run from scratch has none to keep, whatever the setting says.
    pub fn keeps_norm(&self) -> bool {
        self.is_fine_tuned() && self.freeze_norm
    }

    /// The learning rate falls towards the last epoch, so that in a run made longer it falls later.
    pub fn falls_to_its_end(&self) -> bool {
        match self.schedule {
            Schedule::Constant | Schedule::Plateau => false,
            Schedule::Step => self.step_epochs.trim().is_empty(),
            _ => true,
        }
    }

    /// Epochs at which the step schedule falls.
    ///
    /// # Errors
    /// The text when it is no ascending list of numbers.
    pub fn falls(&self) -> Result<Vec<f64>, String> {
        let text = self.step_epochs.trim();
        if text.is_empty() {
            let epochs = f64::from(self.epochs);
            return Ok(vec![epochs * 0.5, epochs * 0.75]);
        }
        let falls: Vec<f64> =
            text.split(',').map(|part| part.trim().parse()).collect::<Result<_, _>>().map_err(|_| text.to_owned())?;
        let ascending = falls.iter().all(|epoch| epoch.is_finite() && *epoch > 0.0) && falls.is_sorted();
        if ascending { Ok(falls) } else { Err(text.to_owned()) }
    }
}

/// From so many epochs on, one is spared for the class weights alone. They begin at the means of their classes, which one
/// epoch is enough to turn into a head; the network then learns from it without being pulled off its course (linear probing,
/// then fine-tuning: Kumar et al., ICLR 2022, arXiv:2202.10054).
const LONG_ENOUGH_TO_FREEZE: u32 = 3;

/// Verification pairs and the operating point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvalConfig {
    /// At most this many genuine pairs.
    pub max_genuine: u32,
    /// At most this many impostor pairs.
    pub max_impostor: u32,
    /// False accept rate of the operating point; `auto` = where both error rates are equal.
    pub far_target: Auto<f64>,
    /// Add the embedding of the mirrored image; `auto` = where training images are mirrored too.
    pub flip: Auto<bool>,
}

impl Default for EvalConfig {
    fn default() -> Self {
        Self { max_genuine: 20_000, max_impostor: 200_000, far_target: Auto::Auto, flip: Auto::Auto }
    }
}

/// The two-dimensional map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MapConfig {
    /// The projection.
    pub method: MapKind,
    /// Effective number of neighbours of t-SNE.
    pub perplexity: f64,
    /// Iterations of t-SNE.
    pub iterations: u32,
    /// Larger sets are sampled, evenly over the classes.
    pub max_points: u32,
}

impl Default for MapConfig {
    fn default() -> Self {
        Self { method: MapKind::Tsne, perplexity: 30.0, iterations: 1000, max_points: 3000 }
    }
}
