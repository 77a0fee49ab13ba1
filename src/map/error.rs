//! Why no map could be drawn, in words a person can act on.
//!
//! A request that could be met only in part (perplexity lowered, rows sampled) is not an error but the
//! `note` of the layout.

/// Why a map could not be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MapError {
    /// There are no rows.
    #[error("there are no embeddings to map; embed some images first")]
    Empty,
    /// A map of a number of dimensions that cannot be shown.
    #[error("a map of {dims} dimensions cannot be shown: expected 2 or 3")]
    Dimensions {
        /// Dimensions asked for.
        dims: usize,
    },
    /// A setting out of range.
    #[error("map setting {key} is {value}: expected {expected}")]
    Setting {
        /// Name of the setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// What would be valid.
        expected: &'static str,
    },
    /// Both sides of the table are too large for the matrix PCA needs.
    #[error(
        "PCA of {rows} embeddings of {dim} numbers needs a matrix of {smaller}×{smaller}, more than the {limit}×{limit} allowed; map fewer images"
    )]
    TooLarge {
        /// Rows of the table.
        rows: usize,
        /// Numbers per row.
        dim: usize,
        /// The smaller of the two.
        smaller: usize,
        /// Largest side allowed.
        limit: usize,
    },
    /// The caller asked to stop.
    #[error("the map was cancelled")]
    Cancelled,
    /// The t-SNE library gave up.
    #[error("the t-SNE map of {points} points failed: {reason}; PCA of the same points works without it")]
    Tsne {
        /// Points it was given.
        points: usize,
        /// What it said.
        reason: String,
    },
}
