//! What can be wrong with a weights file.

use super::Misfit;

/// Why weights could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Writing failed.
    #[error("the weights could not be written: {0}")]
    Save(String),
    /// The bytes are not a safetensors file.
    #[error("the weights cannot be read as safetensors ({0}); the file is damaged or of another kind")]
    Format(String),
    /// The file belongs to another network.
    #[error(
        "the weights do not fit this network: {}; check that network, channels and embedding size are those of the run",
        .0.in_words()
    )]
    Mismatch(Misfit),
    /// A running variance is so far below 0 that there is no root to take.
    #[error(
        "the weights cannot be used: {name} contains a variance too far below 0 to take its root; check that the file is whole \
         and the right one"
    )]
    Variance {
        /// Name of the tensor.
        name: String,
    },
    /// A weight is NaN or infinite.
    #[error("the weights are damaged: {name} contains a value that is not a finite number; use an earlier checkpoint")]
    NotFinite {
        /// Name of the tensor.
        name: String,
    },
}
