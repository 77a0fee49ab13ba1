//! The networks: an image batch in, one embedding per image out.
//!
//! [`EmbedderSpec`] says which network (and is what a checkpoint stores), [`Embedder`] is the network itself. Field names
//! are PyTorch's (`conv1`, `layer1.0.bn1`, `fc`), because they become the names in the weights file. Not here: losses
//! (`loss`), training (`train`), preprocessing (`data`).

mod backbone;
mod block;
mod checkpoint_io;
mod embedder;
mod error;
mod inference;
mod layers;
mod resnet18;
mod small;
mod spec;
#[cfg(test)]
mod tests;

pub use block::Block;
pub use checkpoint_io::{LoadReport, load_weights, save_weights};
pub use embedder::Embedder;
pub use error::ModelError;
pub use inference::Inference;
pub use layers::{Conv, norm_features};
pub use spec::EmbedderSpec;
