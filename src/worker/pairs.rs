//! What a list of pairs or a verification set is, said before a network is measured on it.

use super::emit::Emitter;
use super::explain;
use super::protocol::{Event, Job, JobError};
use crate::data::ProtocolLook;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Counts what is in the file and looks at its images; those of a list are looked for below each of `folders` in turn.
///
/// # Errors
/// When it is neither a list of pairs nor a verification set, or is cancelled. What cannot be measured on is told as what
/// it is.
pub(super) fn look(job: &Job, file: &Path, folders: &[PathBuf], emitter: &Emitter) -> Result<(), Box<JobError>> {
    let report = emitter.shared_progress(job.id);
    let look = ProtocolLook::open(file, folders, &report, &|| job.control.is_cancelled())
        .map_err(|error| Box::new(explain::from_error(&error, None)))?;
    emitter.send(Event::PairsLooked { job: job.id, look: Arc::new(look) });
    Ok(())
}
