//! What a dropped file is when its name does not tell: a text may list images, pairs, or nothing; an ONNX file may be a face
//! detector.

use super::emit::Emitter;
use super::explain;
use super::protocol::{Event, FileKind, Job, JobError};
use crate::data::endings::ends_with;
use crate::data::{lists_images, pair_list};
use crate::faces::{Detector, FaceError};
use crate::model::weights::WEIGHTS_ENDINGS;
use std::path::Path;

/// Says what a text or an ONNX file is.
///
/// # Errors
/// When it is nothing that is used here; the hint says what is.
pub(super) fn look(job: &Job, file: &Path, emitter: &Emitter) -> Result<(), Box<JobError>> {
    let kind = if ends_with(file, &["onnx"]) {
        Detector::open(file).map_err(|error| no_detector(&error))?;
        FileKind::Detector
    } else if pair_list(file).is_some() {
        FileKind::Pairs
    } else if lists_images(file) {
        FileKind::Images
    } else {
        return Err(no_list(file));
    };
    emitter.send(Event::FileLooked { job: job.id, file: file.to_owned(), kind });
    Ok(())
}

fn no_detector(error: &FaceError) -> Box<JobError> {
    // Of a file that cannot be read it is not known whether it is a detector.
    let is_other = matches!(error, FaceError::NotADetector { .. } | FaceError::NotBuilt);
    let hint = is_other.then(|| {
        format!(
            "Of ONNX files only face detectors are read; other networks are exported as ONNX. To import one, take its \
             weights as {}.",
            WEIGHTS_ENDINGS.map(|ending| format!(".{ending}")).join(", ")
        )
    });
    Box::new(explain::from_error(error, hint))
}

fn no_list(file: &Path) -> Box<JobError> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let hint = "A list of images has an image and its label in each line (a/1.jpg,anna), a list of pairs two images and \
                whether they are the same.";
    Box::new(JobError {
        headline: format!("{name} lists neither images nor pairs"),
        causes: Vec::new(),
        hint: Some(hint.to_owned()),
        device_lost: false,
    })
}
