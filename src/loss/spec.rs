//! Which head: all that is needed to build it again, and its margin as a plot sees it.

use super::{MarginHead, arcface, arcface_easy, arcface_exact, arcface_fallback, arcface_insightface, cosface};
use crate::config::Head;
use crate::kernels::Kernels;
use serde::{Deserialize, Serialize};

/// The description of a head that a checkpoint stores beside the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadSpec {
    /// Which loss.
    pub head: Head,
    /// Number of classes.
    pub classes: usize,
    /// Numbers per embedding.
    pub embedding_dim: usize,
    /// Factor on the cosine (plain softmax does not use it).
    pub scale: f64,
    /// The full margin: radians for the ArcFace family, a cosine for CosFace, unused by the softmaxes.
    pub margin: f64,
}

impl HeadSpec {
    /// The head with the start values of `seed`, drawn on the host (see `EmbedderSpec::init_seeded`).
    pub fn init_seeded<B: Kernels>(&self, device: &B::Device, seed: u64) -> MarginHead<B> {
        MarginHead::init(self, seed, device)
    }

    /// Trainable numbers.
    pub fn parameter_count(&self) -> usize {
        let bias = if self.head == Head::Softmax { self.classes } else { 0 };
        self.classes * self.embedding_dim + bias
    }
}

/// The target logit of a head for a sample at angle `theta_rad` from its class: the curve that shows what a margin does.
/// Plain softmax is drawn as `scale · cos θ`, its value for vectors of length 1 and no bias.
pub fn target_logit(head: Head, scale: f64, margin: f64, theta_rad: f64) -> f64 {
    let cosine = theta_rad.cos();
    scale
        * match head {
            Head::Softmax | Head::NormSoftmax => cosine,
            Head::ArcFace => arcface::target_scalar(cosine, margin),
            Head::ArcFaceExact => arcface_exact::target_scalar(cosine, margin),
            Head::ArcFaceFallback => arcface_fallback::target_scalar(cosine, margin),
            Head::ArcFaceEasy => arcface_easy::target_scalar(cosine, margin),
            Head::ArcFaceInsightface => arcface_insightface::target_scalar(cosine, margin),
            Head::CosFace => cosface::target_scalar(cosine, margin),
        }
}
