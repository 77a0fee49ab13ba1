//! Faces for the window: a picture to mark one in, whole folders, and the steps of marking a folder by hand.

use super::emit::Emitter;
use super::explain;
use super::protocol::{Event, FoundFace, HandDone, HandStep, ImageSource, Job, JobError};
use super::source;
use crate::data::thumbnail;
use crate::faces::{
    AlignOptions, AlignSpec, Detector, Face, FaceError, FinderFile, HandSpec, MIN_SCORE, align_folder, main_face,
};
use image::{DynamicImage, RgbImage};
use std::path::Path;
use std::sync::Arc;

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
/// When the detector or the list cannot be used, there are no images, or the disk refuses.
pub(super) fn align(job: &Job, folder: &Folder<'_>, emitter: &Emitter) -> Result<(), Box<JobError>> {
    let spec = AlignSpec {
        inputs: vec![folder.root.to_owned()],
        out: folder.out.to_owned(),
        finder: folder.finder.open().map_err(explained)?,
        options: folder.options,
    };
    let report = emitter.shared_progress(job.id);
    let done = align_folder(&spec, &report, &|| job.control.is_cancelled()).map_err(explained)?;
    emitter.send(Event::FolderAligned { job: job.id, done: Box::new(done) });
    Ok(())
}

/// A folder to align.
pub(super) struct Folder<'a> {
    pub(super) root: &'a Path,
    pub(super) out: &'a Path,
    pub(super) finder: &'a FinderFile,
    pub(super) options: AlignOptions,
}

/// Does one step of marking faces by hand.
///
/// # Errors
/// When an image cannot be read, the folder of the crops cannot be used, or the disk refuses. What was marked before is
/// kept.
pub(super) fn by_hand(job: &Job, spec: &HandSpec, step: &HandStep, emitter: &Emitter) -> Result<(), Box<JobError>> {
    let done = match step {
        HandStep::List => spec.images(&|| job.control.is_cancelled()).map(|images| HandDone::Listed(images.into())),
        HandStep::Mark { image, landmarks } => spec.mark(image, landmarks).map(HandDone::Marked),
        HandStep::Unmark { image, former } => spec.unmark(image, former).map(|()| HandDone::Unmarked),
    };
    emitter.send(Event::FacesMarked { job: job.id, done: done.map_err(explained)? });
    Ok(())
}

fn explained(error: FaceError) -> Box<JobError> {
    Box::new(explain::from_error(&error, None))
}
