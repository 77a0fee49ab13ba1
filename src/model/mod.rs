//! The networks: an image batch in, one embedding per image out.
//!
//! [`EmbedderSpec`] says which network (and is what a checkpoint stores), [`Embedder`] is the network itself, [`Inference`]
//! its frozen form. Field names
//! are PyTorch's (`conv1`, `layer1.0.bn1`, `fc`), because they become the names in the weights file. Not here: losses
//! (`loss`), training (`train`), preprocessing (`data`).

mod backbone;
mod block;
mod checkpoint_io;
mod count;
mod embedder;
mod error;
mod fit;
mod flavour;
mod forward;
mod global;
mod inference;
mod ir;
mod iresnet;
mod iresnet_gap;
mod layers;
mod mobilefacenet;
mod mobilefacenet_classic;
mod mobilefacenet_large;
mod mobilefacenet_relu6;
mod onnx;
mod recompute;
mod resnet;
mod resnet18;
mod resnet50;
mod small;
mod spec;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
mod vgg16;
mod walk;
pub mod weights;

pub use block::Block;
pub use checkpoint_io::{LoadReport, load_weights, save_weights};
pub use embedder::Embedder;
pub use error::ModelError;
pub use fit::{Misfit, Misshaped};
pub use flavour::{Flavour, FlavourError, Recognised, recognise, to_published};
pub use inference::Inference;
pub use ir::Ir;
pub use iresnet::{IResNet, IrUnit};
pub use iresnet_gap::IResNetGap;
pub use layers::{Conv, GroupedConv, Prelu, SqueezeExcite, Statistics, norm_features};
pub use mobilefacenet::{Bottleneck, ConvBlock, Gdc, GroupedBlock, MobileFaceNet};
pub use mobilefacenet_classic::MobileFaceNetClassic;
pub use mobilefacenet_large::MobileFaceNetLarge;
pub use mobilefacenet_relu6::MobileFaceNetRelu6;
pub use onnx::{OnnxSummary, onnx};
pub use recompute::Recomputed;
pub use resnet::ResNet;
pub use spec::{EmbedderSpec, Form};
