//! The whole network, whichever it is: images in, embeddings out.
//!
//! The output is *not* normalised to length 1: the margin heads and the evaluation do that themselves, and the length
//! is a useful measure of image quality. The last normalisation has no ReLU before it, which would confine embeddings to
//! one orthant.

use super::EmbedderSpec;
use super::forward::Forward;
use super::iresnet::IResNet;
use super::mobilefacenet::MobileFaceNet;
use super::resnet::ResNet;
use super::walk::Walk;
use crate::config::Net;
use crate::kernels::Kernels;
use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// Images to embeddings.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one network per session, and burn has no modules in boxes")]
pub enum Embedder<B: Backend> {
    /// Residual blocks with ReLU after the addition: the small net and ResNet-18.
    Residual(ResNet<B>),
    /// Improved residual units: iResNet-18 to 200.
    Improved(IResNet<B>),
    /// Depthwise bottlenecks.
    Mobile(MobileFaceNet<B>),
}

impl<B: Backend> Embedder<B> {
    pub(super) fn init(spec: &EmbedderSpec, seed: u64, device: &B::Device) -> Self {
        match spec.net {
            Net::Small | Net::Resnet18 => Self::Residual(ResNet::init(spec, seed, device)),
            Net::Iresnet18 | Net::Iresnet34 | Net::Iresnet50 | Net::Iresnet100 | Net::Iresnet200 => {
                Self::Improved(IResNet::init(spec, seed, device))
            }
            Net::MobileFaceNet => Self::Mobile(MobileFaceNet::init(spec, seed, device)),
        }
    }
}

impl<B: Kernels> Embedder<B> {
    /// Embeds a batch. On a backend that records gradients this is training (statistics of the batch, dropout, running
    /// statistics updated); on its inner backend (`valid()`) it computes what [`super::Inference`] does faster.
    ///
    /// # Shapes
    /// `[n, channels, image_px, image_px]` → `[n, embedding_dim]`, not normalised
    pub fn forward(&self, images: Tensor<B, 4>) -> Tensor<B, 2> {
        self.walk(&mut Forward, images.permute([0, 2, 3, 1]))
    }

    /// Tells a walk the network's layers.
    pub(super) fn walk<W: Walk<B>>(&self, walk: &mut W, images: W::Maps) -> W::Rows {
        match self {
            Self::Residual(net) => net.walk(walk, images),
            Self::Improved(net) => net.walk(walk, images),
            Self::Mobile(net) => net.walk(walk, images),
        }
    }
}
