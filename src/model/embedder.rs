//! The whole network, whichever it is: images in, embeddings out.
//!
//! The output is *not* normalised to length 1: the margin heads and the evaluation do that themselves, and the length
//! is a useful measure of image quality. The last normalisation has no ReLU before it, which would confine embeddings to
//! one orthant.

use super::EmbedderSpec;
use super::forward::Forward;
use super::ir::Ir;
use super::iresnet::IResNet;
use super::iresnet_gap::IResNetGap;
use super::layers::Statistics;
use super::mobilefacenet::MobileFaceNet;
use super::mobilefacenet_classic::MobileFaceNetClassic;
use super::mobilefacenet_large::MobileFaceNetLarge;
use super::mobilefacenet_relu6::MobileFaceNetRelu6;
use super::resnet::ResNet;
use super::spec::Family;
use super::vgg16::Vgg16;
use super::walk::Walk;
use crate::kernels::Kernels;
use crate::kernels::random::Draw;
use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// Images to embeddings.
#[derive(Module, Debug)]
pub enum Embedder<B: Backend> {
    /// Residual blocks with ReLU after the addition: the small net, ResNet-18 and ResNet-50.
    Residual(ResNet<B>),
    /// Plain convolutions.
    Vgg(Vgg16<B>),
    /// Improved residual units: iResNet-18 to 200.
    Improved(IResNet<B>),
    /// The same as face.evoLVe and AdaFace have them.
    Ir(Ir<B>),
    /// Depthwise bottlenecks.
    Mobile(MobileFaceNet<B>),
    /// The same at half the width.
    MobileClassic(MobileFaceNetClassic<B>),
    /// The same from MobileNetV2's blocks.
    MobileRelu6(MobileFaceNetRelu6<B>),
    // New networks come last: burn's records know a variant by its number.
    /// Improved residual units, their average behind a PReLU.
    ImprovedGap(IResNetGap<B>),
    /// Depthwise bottlenecks at four times the width.
    MobileLarge(MobileFaceNetLarge<B>),
}

impl<B: Backend> Embedder<B> {
    pub(super) fn init(spec: &EmbedderSpec, draw: &mut Draw, device: &B::Device) -> Self {
        match Family::of(spec) {
            Family::Residual => Self::Residual(ResNet::init(spec, draw, device)),
            Family::Vgg => Self::Vgg(Vgg16::init(spec, draw, device)),
            Family::Improved => Self::Improved(IResNet::init(spec, draw, device)),
            Family::Ir => Self::Ir(Ir::init(spec, draw, device)),
            Family::Mobile => Self::Mobile(MobileFaceNet::init(spec, draw, device)),
            Family::MobileClassic => Self::MobileClassic(MobileFaceNetClassic::init(spec, draw, device)),
            Family::MobileRelu6 => Self::MobileRelu6(MobileFaceNetRelu6::init(spec, draw, device)),
            Family::ImprovedGap => Self::ImprovedGap(IResNetGap::init(spec, draw, device)),
            Family::MobileLarge => Self::MobileLarge(MobileFaceNetLarge::init(spec, draw, device)),
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
        self.forward_with(images, Statistics::Usual)
    }

    /// The same with the statistics that the normalisations are told to use.
    ///
    /// # Shapes
    /// As [`Embedder::forward`].
    pub fn forward_with(&self, images: Tensor<B, 4>, statistics: Statistics) -> Tensor<B, 2> {
        self.walk(&mut Forward { statistics }, images.permute([0, 2, 3, 1]))
    }

    /// Tells a walk the network's layers.
    pub(super) fn walk<W: Walk<B>>(&self, walk: &mut W, images: W::Maps) -> W::Rows {
        match self {
            Self::Residual(net) => net.walk(walk, images),
            Self::Vgg(net) => net.walk(walk, images),
            Self::Improved(net) => net.walk(walk, images),
            Self::Ir(net) => net.walk(walk, images),
            Self::Mobile(net) => net.walk(walk, images),
            Self::MobileClassic(net) => net.walk(walk, images),
            Self::MobileRelu6(net) => net.walk(walk, images),
            Self::ImprovedGap(net) => net.walk(walk, images),
            Self::MobileLarge(net) => net.walk(walk, images),
        }
    }
}
