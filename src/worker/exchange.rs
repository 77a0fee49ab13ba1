//! Weights that come in from elsewhere, and networks that go out.

use super::emit::Emitter;
use super::protocol::{Event, Job, JobError};
use crate::train::{ExportFormat, ImportRequest, PreprocessChange, look_at_weights};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Says what a file of weights is.
///
/// # Errors
/// When it cannot be read as weights. What fits no network is told as what it is.
pub(super) fn look(job: &Job, weights: &Path, emitter: &Emitter) -> Result<(), Box<JobError>> {
    let look = look_at_weights(weights, &job.control).map_err(|error| Box::new(JobError::from(&error)))?;
    emitter.send(Event::WeightsLooked { job: job.id, look: Arc::new(look) });
    Ok(())
}

/// Makes a run of a file of weights, in a new folder of its name below `root`.
///
/// # Errors
/// When the file cannot be used or the disk refuses.
pub(super) fn import(
    job: &Job,
    weights: &Path,
    root: &Path,
    preprocess: PreprocessChange,
    emitter: &Emitter,
) -> Result<(), Box<JobError>> {
    let out = free_folder(root, &weights.file_stem().unwrap_or_default().to_string_lossy());
    let request = ImportRequest { weights, out: &out, preprocess, control: job.control.clone() };
    let done = crate::train::import(&request).map_err(|error| Box::new(JobError::from(&error)))?;
    emitter.send(Event::Imported { job: job.id, run: done.run, flavour: done.flavour });
    Ok(())
}

/// Writes a run's network, over a file of that name: the dialog that asks for the place asks about it.
///
/// # Errors
/// When the run has no usable checkpoint or the disk refuses.
pub(super) fn export(
    job: &Job,
    run: &Path,
    format: ExportFormat,
    out: &Path,
    emitter: &Emitter,
) -> Result<(), Box<JobError>> {
    let done = crate::train::export(run, format, out, true).map_err(|error| Box::new(JobError::from(&error)))?;
    emitter.warn(job.id, &done.told);
    emitter.send(Event::Exported { job: job.id, out: out.to_owned(), bytes: done.bytes, advice: done.advice() });
    Ok(())
}

/// A folder of this name that does not exist yet.
fn free_folder(root: &Path, name: &str) -> PathBuf {
    let name = if name.is_empty() { "imported" } else { name };
    let plain = root.join(name);
    let numbered = (2_u32..).map(|number| root.join(format!("{name}-{number}")));
    std::iter::once(plain.clone()).chain(numbered.take(10_000)).find(|path| !path.exists()).unwrap_or(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_import_of_the_same_file_gets_a_folder_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(free_folder(root.path(), "net"), root.path().join("net"));
        std::fs::create_dir(root.path().join("net")).unwrap();
        assert_eq!(free_folder(root.path(), "net"), root.path().join("net-2"));
        assert_eq!(free_folder(root.path(), ""), root.path().join("imported"));
    }
}
