//! Data sets that go out to other trainers.

use super::emit::Emitter;
use super::explain;
use super::protocol::{Event, Job, JobError};
use crate::convert::{ConvertRequest, convert};
use crate::data::Catalog;
use std::path::Path;

/// Writes a data set.
///
/// # Errors
/// When it cannot be written as asked, the disk refuses, or it is cancelled; nothing is left behind then.
pub(super) fn export(
    job: &Job,
    catalog: &Catalog,
    request: &ConvertRequest,
    out: &Path,
    emitter: &Emitter,
) -> Result<(), Box<JobError>> {
    let report = emitter.shared_progress(job.id);
    let done = convert(catalog, request, out, &report, &|| job.control.is_cancelled())
        .map_err(|error| Box::new(explain::from_error(&error, None)))?;
    emitter.send(Event::DataExported { job: job.id, done: Box::new(done) });
    Ok(())
}
