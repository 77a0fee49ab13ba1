//! Turns any failure into what a person should read: headline, causes, what to do.

use super::protocol::{JobError, JobKind};
use crate::train::TrainError;
use std::any::Any;
use std::error::Error;

/// An error with its chain of causes.
pub fn from_error(error: &dyn Error, hint: Option<String>) -> JobError {
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    let headline = error.to_string();
    // Wrappers that only repeat their cause add nothing.
    causes.retain(|cause| !headline.contains(cause.as_str()));
    JobError { headline, causes, hint, ..JobError::default() }
}

impl From<&TrainError> for JobError {
    fn from(error: &TrainError) -> Self {
        Self { is_of_seed: error.is_of_seed(), ..from_error(error, error.hint()) }
    }
}

/// A job that panicked.
pub fn from_panic(kind: JobKind, panic: &(dyn Any + Send)) -> JobError {
    let words = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no further words".to_owned());
    JobError {
        headline: format!("{} stopped because of a fault in ArcLens itself", kind.label()),
        causes: vec![words],
        hint: Some(
            "Everything saved before is kept. Restart ArcLens before using the GPU again, and please report this text."
                .to_owned(),
        ),
        ..JobError::default()
    }
}
