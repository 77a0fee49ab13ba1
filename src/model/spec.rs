//! Which network: all that is needed to build it again, to count it and to estimate its memory.

use super::backbone::Plan;
use super::checkpoint_io::shapes;
use super::count::Count;
use super::{Embedder, ir, iresnet, mobilefacenet, mobilefacenet_classic, mobilefacenet_relu6, vgg16};
use crate::config::{Net, Pooling};
use crate::kernels::Kernels;
use crate::kernels::random::Draw;
use burn::backend::Flex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which of several published forms of one network. Training from scratch uses the first; the others come with weights
/// made elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// `arcface_torch`'s, or the paper's.
    #[default]
    Usual,
    /// The classic MobileFaceNet from MobileNetV2's blocks with ReLU6.
    Relu6,
    /// AdaFace's improved residual networks.
    Adaface,
    /// face.evoLVe's.
    Evolve,
    /// face.evoLVe's with squeeze and excitation.
    EvolveSe,
    /// [`Net::MobileFaceNetLarge`] as earlier versions named it: a form of [`Net::MobileFaceNet`]. Runs of theirs have it.
    Large,
}

/// The description of a network that a checkpoint stores beside the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbedderSpec {
    /// Backbone.
    pub net: Net,
    /// Which form of it.
    #[serde(default, skip_serializing_if = "Form::is_usual")]
    pub form: Form,
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

impl Form {
    fn is_usual(&self) -> bool {
        *self == Self::Usual
    }
}

/// Which of our modules a network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Residual,
    Vgg,
    Improved,
    Ir,
    ImprovedGap,
    Mobile,
    MobileClassic,
    MobileRelu6,
    MobileLarge,
}

impl Family {
    pub fn of(spec: &EmbedderSpec) -> Self {
        match (spec.net, spec.form) {
            (Net::Small | Net::Resnet18 | Net::Resnet50, _) => Self::Residual,
            (Net::Vgg16, _) => Self::Vgg,
            (Net::MobileFaceNetLarge, _) | (Net::MobileFaceNet, Form::Large) => Self::MobileLarge,
            (Net::MobileFaceNet, _) => Self::Mobile,
            (Net::MobileFaceNetClassic, Form::Relu6) => Self::MobileRelu6,
            (Net::MobileFaceNetClassic, _) => Self::MobileClassic,
            (
                Net::Iresnet18 | Net::Iresnet34 | Net::Iresnet50 | Net::Iresnet100 | Net::Iresnet200,
                Form::Adaface | Form::Evolve | Form::EvolveSe,
            ) => Self::Ir,
            (Net::Iresnet18 | Net::Iresnet34 | Net::Iresnet50 | Net::Iresnet100 | Net::Iresnet200, _) => {
                if spec.pooling == Pooling::AveragePrelu { Self::ImprovedGap } else { Self::Improved }
            }
        }
    }
}

impl EmbedderSpec {
    /// The network without start values, for loading weights into: drawing them takes longer than reading a deep network.
    pub fn init<B: Kernels>(&self, device: &B::Device) -> Embedder<B> {
        Embedder::init(self, &mut Draw::zeros(), device)
    }

    /// The network with the start values of `seed`. They are drawn on the host, in one fixed order, at once: the same
    /// seed gives the same network on every device, and burn's process-wide generator is not touched.
    pub fn init_seeded<B: Kernels>(&self, device: &B::Device, seed: u64) -> Embedder<B> {
        Embedder::init(self, &mut Draw::new(seed, "embedder"), device)
    }

    /// What the network consists of: names in its weights file with the sizes of their axes, in PyTorch's names and layouts.
    /// Nothing is drawn, and memory is taken for no weight.
    pub fn weight_shapes(&self) -> BTreeMap<String, Vec<usize>> {
        shapes(&Embedder::<Flex>::init(self, &mut Draw::shapes(), &Default::default()))
    }

    /// How the last maps become features, where that is not [`Pooling::Auto`] any more. MobileFaceNet does not ask.
    pub(super) fn pooling(&self) -> Pooling {
        match self.pooling {
            Pooling::Auto => self.net.published_pooling().unwrap_or(Pooling::Flatten),
            // The maps of the others have had their activation, or their layers are those of another project.
            Pooling::AveragePrelu if Family::of(self) != Family::ImprovedGap => Pooling::Average,
            pooling => pooling,
        }
    }

    fn count(&self) -> Count {
        match Family::of(self) {
            Family::Residual => Plan::of(self.net, self.image_px).count(self),
            Family::Vgg => vgg16::count(self),
            Family::Improved | Family::ImprovedGap => iresnet::count(self),
            Family::Ir => ir::count(self),
            Family::Mobile | Family::MobileLarge => mobilefacenet::count(self),
            Family::MobileClassic => mobilefacenet_classic::count(self),
            Family::MobileRelu6 => mobilefacenet_relu6::count(self),
        }
    }

    /// Trainable numbers (running statistics and the iResNets' fixed last factors not counted).
    pub fn parameter_count(&self) -> usize {
        self.count().parameters
    }

    /// Multiply-adds of the convolutions and the embedding layer for one image, forward only. A training step costs
    /// about three times this.
    pub fn multiply_adds(&self) -> u64 {
        self.count().multiply_adds
    }

    /// Numbers that a training step with `batch` images holds beside the weights: an estimate (± 30 %), without the head.
    ///
    /// Per image they are what the backward pass keeps (the output of every convolution and normalisation; with `recompute`
    /// the maps in front of every unit and what the largest unit keeps), the two largest gradients alive at a time, and the
    /// copies of as much that a convolution packs.
    pub fn step_numbers(&self, batch: usize, recompute: bool) -> u64 {
        let count = self.count();
        let kept = if recompute { count.in_front + count.largest_unit } else { count.kept };
        batch as u64 * (kept + 4 * count.largest + self.image_numbers())
    }

    /// Numbers that the frozen network ([`super::Inference`]) holds while it embeds `batch` images: an estimate (± 30 %).
    ///
    /// They are its own weights and what the convolutions keep packed of them; per image the maps in front of the largest
    /// layer, behind it and beside it, and the copies that a convolution packs.
    pub fn inference_numbers(&self, batch: usize) -> u64 {
        let count = self.count();
        count.parameters as u64 + count.packed + batch as u64 * (4 * count.largest + self.image_numbers())
    }

    fn image_numbers(&self) -> u64 {
        (self.channels * self.image_px * self.image_px) as u64
    }
}
