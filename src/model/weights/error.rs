//! What can be wrong with a file of weights made elsewhere.

use std::path::PathBuf;

/// Why a file of weights was not read.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The system refused.
    #[error("the weights cannot be read ({source}): {}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The content is not what it should be.
    #[error("{problem}: {}", path.display())]
    Content {
        /// What is wrong and what to do.
        problem: Problem,
        /// Where.
        path: PathBuf,
    },
    /// Stopped on request before all of the file was read.
    #[error("stopped before all of the weights were read")]
    Cancelled,
}

/// What is wrong with the content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Larger than any network this program knows.
    #[error("the file has {bytes} bytes, more than the {limit} that are read; save the network's state_dict() alone")]
    TooLarge {
        /// Its length.
        bytes: u64,
        /// What is read at most.
        limit: u64,
    },
    /// No known signature.
    #[error(
        "the file is neither a PyTorch file (.pth, .pt, .ckpt) nor safetensors; save the network with torch.save(model.state_dict(), …)"
    )]
    Unknown,
    /// A network of another kind.
    #[error(
        "the file is an ONNX network, and those are not imported; take the PyTorch (.pth, .pt, .ckpt) or safetensors file that it was made of"
    )]
    Onnx,
    /// It breaks the rules of its kind.
    #[error("the file is damaged ({0}); copy or download it again")]
    Damaged(String),
    /// It keeps the rules, but uses what is not read here.
    #[error("the file uses {0}, which is not read here; save the network with torch.save(model.state_dict(), …)")]
    Unsupported(String),
    /// Nothing to take.
    #[error("no weights were found in the file ({0}); save the network with torch.save(model.state_dict(), …)")]
    Empty(String),
}

impl Problem {
    pub(super) fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged(reason.into())
    }
}
