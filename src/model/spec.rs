//! Which network: all that is needed to build it again, to count it and to estimate its memory.

use super::Embedder;
use super::backbone::Plan;
use crate::config::{Net, Pooling};
use crate::kernels::Kernels;
use serde::{Deserialize, Serialize};

/// The description of a network that a checkpoint stores beside the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbedderSpec {
    /// Backbone.
    pub net: Net,
    /// What becomes of its last maps.
    #[serde(default)]
    pub pooling: Pooling,
    /// Channels of the images: 1 or 3.
    pub channels: usize,
    /// Side of the square images in pixels.
    pub image_px: usize,
    /// Numbers per embedding.
    pub embedding_dim: usize,
    /// Share of backbone features dropped in training, in [0, 1).
    pub dropout: f64,
}

/// Seed of a network whose weights are about to be replaced.
const ANY_SEED: u64 = 0;

impl EmbedderSpec {
    /// The network with start values of a fixed seed: for loading weights into.
    pub fn init<B: Kernels>(&self, device: &B::Device) -> Embedder<B> {
        self.init_seeded(device, ANY_SEED)
    }

    /// The network with the start values of `seed`. They are drawn on the host, in one fixed order, at once: the same
    /// seed gives the same network on every device, and burn's process-wide generator is not touched.
    pub fn init_seeded<B: Kernels>(&self, device: &B::Device, seed: u64) -> Embedder<B> {
        Embedder::init(self, seed, device)
    }

    /// Numbers per image that the embedding layer sees.
    pub(super) fn features(&self) -> usize {
        let plan = self.plan();
        match self.pooling {
            Pooling::Average => plan.features(),
            Pooling::Flatten => plan.features() * plan.last_px(self.image_px).pow(2),
        }
    }

    fn plan(&self) -> Plan {
        Plan::of(self.net, self.image_px)
    }

    /// Trainable numbers (running statistics not counted).
    pub fn parameter_count(&self) -> usize {
        let plan = self.plan();
        let convolutions = plan.convolutions(self.channels, self.image_px);
        let backbone: usize = convolutions.iter().map(|c| c.c_in * c.c_out * c.side * c.side + 2 * c.c_out).sum();
        // Embedding layer with bias, then a normalisation with factor and offset.
        backbone + self.features() * self.embedding_dim + 3 * self.embedding_dim
    }

    /// Multiply-adds of the convolutions and the embedding layer for one image, forward only. A training step costs
    /// about three times this.
    pub fn multiply_adds(&self) -> u64 {
        let plan = self.plan();
        let convolutions: u64 = plan
            .convolutions(self.channels, self.image_px)
            .iter()
            .map(|c| (c.c_in * c.c_out * c.side * c.side) as u64 * (c.out_px * c.out_px) as u64)
            .sum();
        convolutions + (self.features() * self.embedding_dim) as u64
    }

    /// Memory of a training step with `batch` images, in bytes: an estimate (± 30 %), without the margin head.
    ///
    /// Counted are weights, gradients and one momentum each, and per image what the backward pass keeps (every
    /// convolution's output before and after normalisation) plus the two largest gradients alive at a time.
    pub fn memory_estimate_bytes(&self, batch: usize) -> u64 {
        let plan = self.plan();
        let outputs = plan.convolutions(self.channels, self.image_px);
        let numbers = outputs.iter().map(|c| (c.c_out * c.out_px * c.out_px) as u64);
        let kept: u64 = 2 * numbers.clone().sum::<u64>();
        let largest = numbers.max().unwrap_or_default();
        let image = (self.channels * self.image_px * self.image_px) as u64;
        4 * (3 * self.parameter_count() as u64 + batch as u64 * (kept + 2 * largest + image))
    }
}
