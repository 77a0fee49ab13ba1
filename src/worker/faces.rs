//! Faces for the window: a picture to mark one in, whole folders, and the steps of marking a folder by hand.

use super::emit::Emitter;
use super::explain;
use super::last_read::LastRead;
use super::protocol::{Event, FoundFace, HandDone, HandStep, ImageSource, Job, JobError};
use super::source;
use crate::data::thumbnail;
use crate::faces::{AlignOptions, AlignSpec, Detector, Face, FaceError, FinderFile, HandSpec, align_folder, main_face};
use image::{DynamicImage, RgbImage};
use std::path::Path;
use std::sync::Arc;

/// Longest side of the picture a face is marked in, in pixels.
const PICTURE_PX: u32 = 1024;

/// The detector that was used last: a queue of faces to mark asks for it picture after picture.
pub(super) type Detectors = LastRead<Detector>;

/// Loads the picture and looks for its main face, with a detector and its least score where there is one.
///
/// # Errors
/// When the picture cannot be read. A detector that does not work is no error: the eyes can be marked by hand.
pub(super) fn find(
    job: &Job,
    source: &ImageSource,
    detector: Option<(&Path, f32)>,
    detectors: &Detectors,
    emitter: &Emitter,
) -> Result<(), Box<JobError>> {
    let image = source::load(source).map_err(|error| {
        let hint = format!("Choose another picture instead of {}.", source.name());
        Box::new(explain::from_error(&error, Some(hint)))
    })?;
    // A person was faster: of the two, the detector takes longer.
    if job.control.is_cancelled() {
        return Ok(());
    }
    let looked = detector.map(|(path, min_score)| look(&image, detectors, path, min_score));
    let face = looked.unwrap_or(Ok(None)).map_err(|error| error.to_string());
    let picture = thumbnail(&image, PICTURE_PX);
    let rgb = picture.rgba.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
    let small = RgbImage::from_raw(picture.width, picture.height, rgb).unwrap_or_default();
    let small = Arc::new(DynamicImage::ImageRgb8(small));
    let found = FoundFace { width_px: image.width(), height_px: image.height(), picture, small, face };
    emitter.send(Event::FaceFound { job: job.id, found: Arc::new(found) });
    Ok(())
}

fn look(image: &DynamicImage, detectors: &Detectors, path: &Path, min_score: f32) -> Result<Option<Face>, FaceError> {
    let faces = detectors.get(path, Detector::open)?.detect(image, min_score)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Control;
    use crate::worker::protocol::{JobId, Request};

    #[test]
    fn a_picture_that_is_no_longer_wanted_goes_no_further_than_the_decoder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        RgbImage::new(8, 8).save(&path).unwrap();
        let source = ImageSource::File(path);
        let (send, events) = std::sync::mpsc::sync_channel(8);
        let emitter = Emitter::new(send, Arc::new(|| {}));
        for (is_stopped, count) in [(false, 1), (true, 0)] {
            let request = Request::FindFace { source: source.clone(), detector: None, min_score: 0.5 };
            let job = Job { id: JobId(1), request, control: Control::default() };
            if is_stopped {
                job.control.cancel();
            }
            find(&job, &source, None, &Detectors::default(), &emitter).unwrap();
            assert_eq!(events.try_iter().count(), count);
        }
    }
}
