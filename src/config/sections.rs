//! The settings by section, with their defaults: the only place where a default is written.

use super::{Auto, Best, Colour, Head, MapKind, Net, Optimizer, Pooling, Precision, Schedule, SplitBy};
use serde::{Deserialize, Serialize};

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
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self { flip: Auto::Auto, shift: 0.08, scale: 0.1, rotate_deg: 8.0, colour: 0.15 }
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
    pub embedding_dim: u32,
    /// Share of features dropped before the embedding layer.
    pub dropout: f64,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self { net: Net::Small, pooling: Pooling::Auto, embedding_dim: 128, dropout: 0.0 }
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
    /// Additive angular margin (ArcFace), in radians.
    pub margin_rad: Auto<f64>,
    /// Additive cosine margin (CosFace).
    pub margin_cos: Auto<f64>,
    /// The margin grows from 0 over this share of the run.
    pub margin_ramp: f64,
}

impl Default for LossConfig {
    fn default() -> Self {
        Self {
            head: Head::ArcFace,
            scale: Auto::Auto,
            margin_rad: Auto::Auto,
            margin_cos: Auto::Auto,
            margin_ramp: 0.15,
        }
    }
}

/// Optimiser, schedule, device, seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Passes over the training images.
    pub epochs: u32,
    /// Images per step.
    pub batch: u32,
    /// Parts a batch is computed in, one after the other.
    pub micro_batches: u32,
    /// Arithmetic of the convolutions on a GPU.
    pub precision: Precision,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// Peak learning rate.
    pub lr: Auto<f64>,
    /// Momentum (SGD).
    pub momentum: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Epochs over which the learning rate rises from zero.
    pub warmup_epochs: f64,
    /// Shape of the fall.
    pub schedule: Schedule,
    /// Largest global gradient norm; 0 switches it off.
    pub grad_clip: f64,
    /// Which epoch is kept as the best.
    pub best: Best,
    /// Seed of every random choice.
    pub seed: u32,
    /// `auto`, `cpu`, or `cuda:0`.
    pub device: String,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 24,
            batch: 32,
            micro_batches: 1,
            precision: Precision::F32,
            optimizer: Optimizer::Sgd,
            lr: Auto::Auto,
            momentum: 0.9,
            weight_decay: 5e-4,
            warmup_epochs: 1.0,
            schedule: Schedule::Cosine,
            grad_clip: 5.0,
            best: Best::Eer,
            seed: 1,
            device: "auto".to_owned(),
        }
    }
}

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
