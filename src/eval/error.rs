//! What can be wrong with numbers handed to the evaluation, in words a person can act on.
//!
//! Too few pairs for a finer figure is not an error here (those come back as `None` or a flag); an error
//! means that no figure could be computed at all.

/// Why an evaluation could not be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EvalError {
    /// The embedding size is 0.
    #[error("embeddings have no dimensions: expected at least 1 number per row")]
    NoDimensions,
    /// The flat data does not hold a whole number of rows, or the labels do not match the rows.
    #[error("embedding table does not fit together: expected {expected} {what}, found {found}")]
    SizeMismatch {
        /// What was counted.
        what: &'static str,
        /// Count that would fit.
        expected: usize,
        /// Count that was given.
        found: usize,
    },
    /// A row cannot be put on the unit sphere.
    #[error(
        "embedding in row {row} cannot be normalised: {reason}; the model may have diverged, try an earlier checkpoint"
    )]
    BadRow {
        /// Row index, from 0.
        row: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// More rows than the 32-bit indices of pairs can name.
    #[error("{rows} embeddings are more than the {max} that pairs can index; evaluate a part of the data set", max = u32::MAX)]
    TooManyRows {
        /// Number of rows given.
        rows: usize,
    },
    /// A pair names a row outside the table.
    #[error("pair {pair} names row {row}, but the table has {rows} rows; the pair list belongs to other embeddings")]
    RowOutOfRange {
        /// Position in the pair list, from 0.
        pair: usize,
        /// Row it names.
        row: u32,
        /// Rows there are.
        rows: usize,
    },
    /// There is no genuine pair.
    #[error("no genuine pairs: at least one class with two images is needed to measure missed matches")]
    NoGenuine,
    /// There is no impostor pair.
    #[error("no impostor pairs: images of at least two classes are needed to measure false matches")]
    NoImpostor,
    /// Stopped on request.
    #[error("stopped before the error rates were known")]
    Cancelled,
    /// A score is NaN or infinite.
    #[error("{kind} score {index} is {value}: scores must be finite numbers")]
    NonFiniteScore {
        /// `"genuine"` or `"impostor"`.
        kind: &'static str,
        /// Position in that list, from 0.
        index: usize,
        /// The value.
        value: f32,
    },
}
