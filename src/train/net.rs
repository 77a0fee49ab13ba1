//! Network and head as one module: burn collects gradients and records per module.

use crate::kernels::Kernels;
use crate::loss::{HeadSpec, MarginHead};
use crate::model::{Embedder, EmbedderSpec};
use burn::module::Module;
use burn::tensor::backend::Backend;

/// Everything that learns.
#[derive(Module, Debug)]
pub struct TrainNet<B: Backend> {
    /// Image to embedding.
    pub embedder: Embedder<B>,
    /// Embedding to logits.
    pub head: MarginHead<B>,
}

impl<B: Kernels> TrainNet<B> {
    /// Fresh weights from a seed.
    pub fn new(embedder: &EmbedderSpec, head: &HeadSpec, device: &B::Device, seed: u64) -> Self {
        Self { embedder: embedder.init_seeded(device, seed), head: head.init_seeded(device, seed.wrapping_add(1)) }
    }
}
