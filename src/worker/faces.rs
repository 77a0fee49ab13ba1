//! Faces for the window: a picture to mark one in, and whole folders.

use super::emit::Emitter;
use super::explain;
use super::protocol::{Event, FoundFace, ImageSource, Job, JobError};
use super::source;
use crate::data::{Progress, thumbnail};
use crate::faces::{
    AlignSpec, CROP_PX, CropFormat, Detector, Face, FaceError, Finder, MIN_SCORE, align_folder, main_face,
};
use image::{DynamicImage, RgbImage};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Longest side of the picture a face is marked in, in pixels.
const PICTURE_PX: u32 = 1024;

/// Loads the picture and looks for its main face.
///
/// # Errors
/// When the picture cannot be read. A detector that does not work is no error: the eyes can be marked by hand.
pub(super) fn find(
    job: &Job,
    source: &ImageSource,
    detector: Option<&Path>,
    emitter: &Emitter,
) -> Result<(), Box<JobError>> {
    let image = source::load(source).map_err(|error| {
        let hint = format!("Choose another picture instead of {}.", source.name());
        Box::new(explain::from_error(&error, Some(hint)))
    })?;
    let face = detector.map_or(Ok(None), |path| look(&image, path).map_err(|error| error.to_string()));
    let picture = thumbnail(&image, PICTURE_PX);
    let rgb = picture.rgba.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
    let small = RgbImage::from_raw(picture.width, picture.height, rgb).unwrap_or_default();
    let small = Arc::new(DynamicImage::ImageRgb8(small));
    let found = FoundFace { width_px: image.width(), height_px: image.height(), picture, small, face };
    emitter.send(Event::FaceFound { job: job.id, found: Arc::new(found) });
    Ok(())
}

fn look(image: &DynamicImage, detector: &Path) -> Result<Option<Face>, FaceError> {
    let faces = Detector::open(detector)?.detect(image, MIN_SCORE)?;
    Ok(main_face(&faces, image.width(), image.height()).copied())
}

/// Aligns a folder.
///
/// # Errors
/// When the detector cannot be used, there are no images, or the disk refuses.
pub(super) fn align(
    job: &Job,
    root: &Path,
    out: &Path,
    detector: &Path,
    emitter: &Emitter,
) -> Result<(), Box<JobError>> {
    let explain = |error: FaceError| Box::new(explain::from_error(&error, None));
    let spec = AlignSpec {
        inputs: vec![root.to_owned()],
        out: out.to_owned(),
        finder: Finder::Detector(Box::new(Detector::open(detector).map_err(explain)?)),
        size_px: CROP_PX,
        min_score: MIN_SCORE,
        keep_unfound: false,
        format: CropFormat::Png,
    };
    let meter = Mutex::new(emitter.progress(job.id));
    let report = |at: Progress| {
        // Another thread is reporting: this report is no news.
        if let Ok(mut meter) = meter.try_lock() {
            meter.report(at.done as usize, at.total as usize);
        }
    };
    let done = align_folder(&spec, &report, &|| job.control.is_cancelled()).map_err(explain)?;
    emitter.send(Event::FolderAligned { job: job.id, done: Box::new(done) });
    Ok(())
}
