//! Figures of error rates as files, for the command and the window alike.

use super::emit::Emitter;
use super::explain;
use super::protocol::{Event, Job, JobError};
use crate::config::{atomic_write, atomic_write_new};
use crate::eval::{DetFigure, FigureForm};
use std::path::{Path, PathBuf};

/// Why a figure was not written.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    /// The name does not say what to write.
    #[error(
        "DET curves are written as .svg (a picture) or .csv (the points); name such a file, not {}", .0.display()
    )]
    Ending(PathBuf),
    /// A file of this name must not be replaced.
    #[error("there is a file of this name already, and it was left as it is: {}", .0.display())]
    Exists(PathBuf),
    /// The disk refuses.
    #[error("the figure could not be written: {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// Writes a figure to `out` in one move, in the form that the name's ending says, and returns the file's length in bytes.
/// A file of that name gives way only if `replace` says so.
///
/// # Errors
/// When the ending says nothing, the file is there already, or the disk refuses; nothing is left behind then.
pub fn write_figure(figure: &DetFigure, out: &Path, replace: bool) -> Result<u64, FigureError> {
    let form = FigureForm::of(out).ok_or_else(|| FigureError::Ending(out.to_owned()))?;
    if !replace && out.exists() {
        return Err(FigureError::Exists(out.to_owned()));
    }
    let text = figure.text(form);
    let write = if replace { atomic_write } else { atomic_write_new };
    write(out, text.as_bytes()).map_err(|source| match source.kind() {
        std::io::ErrorKind::AlreadyExists => FigureError::Exists(out.to_owned()),
        _ => FigureError::Io { path: out.to_owned(), source },
    })?;
    Ok(text.len() as u64)
}

/// Writes a figure.
///
/// # Errors
/// As [`write_figure`].
pub(super) fn save(
    job: &Job,
    figure: &DetFigure,
    out: &Path,
    replace: bool,
    emitter: &Emitter,
) -> Result<(), Box<JobError>> {
    write_figure(figure, out, replace).map_err(|error| {
        let hint = matches!(error, FigureError::Exists(_)).then(|| "Choose another name.".to_owned());
        Box::new(explain::from_error(&error, hint))
    })?;
    emitter.send(Event::FigureSaved { job: job.id, out: out.to_owned() });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_way_only_when_it_may_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (figure, out) = (DetFigure::new(Vec::new()), folder.path().join("det.csv"));
        std::fs::write(&out, "mine").unwrap();
        assert!(matches!(write_figure(&figure, &out, false), Err(FigureError::Exists(path)) if path == out));
        assert_eq!(std::fs::read_to_string(&out).unwrap(), "mine");
        let bytes = write_figure(&figure, &out, true).unwrap();
        let text = std::fs::read_to_string(&out).unwrap();
        assert_eq!((text.len() as u64, text), (bytes, figure.text(FigureForm::Csv)));
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 1, "no temporary file is left");
    }

    #[test]
    fn the_ending_decides_and_an_impossible_place_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let figure = DetFigure::new(Vec::new());
        let picture = folder.path().join("DET.SVG");
        write_figure(&figure, &picture, false).unwrap();
        assert_eq!(std::fs::read_to_string(&picture).unwrap(), figure.text(FigureForm::Svg));
        let error = write_figure(&figure, &folder.path().join("det.png"), true).unwrap_err();
        assert!(error.to_string().contains(".svg") && error.to_string().contains("det.png"), "{error}");
        for replace in [true, false] {
            let out = folder.path().join("missing/det.svg");
            let error = write_figure(&figure, &out, replace).unwrap_err();
            assert!(matches!(&error, FigureError::Io { path, .. } if *path == out), "{error}");
        }
    }
}
