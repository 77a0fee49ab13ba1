//! What can be wrong with a configuration.

use std::path::PathBuf;

/// One setting with a value that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} is {found}, but {expected}")]
pub struct Problem {
    /// Key of the setting.
    pub key: String,
    /// The value found, as a person would write it.
    pub found: String,
    /// What would be valid, as the end of a sentence.
    pub expected: String,
}

/// Why a configuration could not be read, changed or written.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No such key.
    #[error("there is no setting named \"{key}\"{}", hint.as_ref().map(|h| format!("; did you mean \"{h}\"?")).unwrap_or_default())]
    UnknownKey {
        /// What was asked for.
        key: String,
        /// The nearest existing key.
        hint: Option<String>,
    },
    /// One value is wrong.
    #[error(transparent)]
    Invalid(Problem),
    /// Several values are wrong.
    #[error("{} settings cannot be used: {}", .0.len(), .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Several(Vec<Problem>),
    /// The file is not a run file.
    #[error("the run file cannot be understood: {message}: {}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// The parser's words, with line and column.
        message: String,
    },
    /// The file could not be read or written.
    #[error("the run file could not be {verb} ({source}): {}", path.display())]
    Io {
        /// "read" or "written".
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A mistake of ours.
    #[error("the configuration could not be converted: {0}")]
    Internal(String),
}

impl ConfigError {
    pub(super) fn internal(error: serde_json::Error) -> Self {
        Self::Internal(error.to_string())
    }

    pub(super) fn unknown_key(key: &str) -> Self {
        let leaf = key.rsplit('.').next().unwrap_or(key);
        let known = |fits: &dyn Fn(&super::ParamSpec) -> bool| super::PARAMS.iter().find(|spec| fits(spec));
        let hint = known(&|spec| spec.name() == leaf || spec.short == Some(leaf))
            .or_else(|| known(&|spec| spec.key.ends_with(leaf)))
            .map(|spec| spec.key.to_owned());
        Self::UnknownKey { key: key.to_owned(), hint }
    }
}
