//! What can be wrong with a weights file.

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
        describe(missing, wrong, unexpected)
    )]
    Mismatch {
        /// Names the network has and the file lacks.
        missing: Vec<String>,
        /// Names in both, with what was expected and what was found.
        wrong: Vec<String>,
        /// Names the file has and the network lacks.
        unexpected: Vec<String>,
    },
    /// A weight is NaN or infinite.
    #[error("the weights are damaged: {name} contains a value that is not a finite number; use an earlier checkpoint")]
    NotFinite {
        /// Name of the tensor.
        name: String,
    },
}

/// At most this many names are listed per kind.
const LISTED: usize = 10;

fn describe(missing: &[String], wrong: &[String], unexpected: &[String]) -> String {
    let list = |label: &str, names: &[String]| {
        let shown = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
        let more = names.len().saturating_sub(LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!names.is_empty()).then(|| format!("{} {label}: {shown}{more}", names.len()))
    };
    let lists = [list("missing", missing), list("different", wrong), list("unexpected", unexpected)];
    lists.into_iter().flatten().collect::<Vec<_>>().join("; ")
}
