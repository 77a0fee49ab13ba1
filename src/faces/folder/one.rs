//! One image of a folder: read, found, cut out, written.

use super::record::{OwnCrop, Row};
use super::{AlignSpec, CropFormat, Finder, FolderImage};
use crate::config::temporary;
use crate::data::{DataError, decode_file, path_text};
use crate::faces::{Face, FaceError, Landmarks, align, centre, main_face};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat};
use std::io::{Cursor, Write as _};
use std::path::Path;

/// Quality of JPEG crops, of 100.
const JPEG_QUALITY: u8 = 95;

/// What became of an image.
pub(super) enum Fate {
    Aligned,
    Unfound { kept: bool },
    LeftOut(DataError),
}

/// What the table knows of an image before it is aligned.
pub(super) struct Before {
    /// The crop of it that we wrote, which may be replaced and stays ours until it is gone.
    pub(super) own: Option<OwnCrop>,
    /// The points that a person gave before it was excluded. No detector knows better, though a newer list may.
    pub(super) points: Option<Landmarks>,
}

/// Aligns one image.
///
/// # Errors
/// Only what ends the whole job: the disk refuses.
pub(super) fn one(source: &FolderImage, spec: &AlignSpec, before: &Before) -> Result<(Row, Fate), FaceError> {
    let own = before.own.as_ref();
    let mut row = Row { path: source.name.clone(), size_px: spec.options.size_px, ..Row::default() };
    let image = match decode_file(&source.path) {
        Ok(image) => image,
        Err(error) => return Ok(left_out(kept(row, spec, own), error)),
    };
    let found = match find(&image, source, spec, before.points) {
        Ok(found) => found,
        Err(error) => {
            let error = DataError::Refused { reason: reason_of(&error), path: source.path.clone() };
            return Ok(left_out(kept(row, spec, own), error));
        }
    };
    row.face = found.face;
    row.points = found.landmarks.as_ref().map(|landmarks| landmarks.points().to_vec()).unwrap_or_default();
    let crop = found.landmarks.and_then(|landmarks| align(&image, &landmarks, spec.options.size_px));
    let is_aligned = crop.is_some();
    if !is_aligned {
        row.reason = found.reason.to_owned();
        if !spec.options.keep_unfound {
            // The middle of an earlier time, which is no longer wanted.
            if let Some(own) = own {
                remove(&spec.out.join(&own.path))?;
            }
            return Ok((row, Fate::Unfound { kept: false }));
        }
        row.reason += "; the middle of the image is kept";
    }
    let crop = crop.unwrap_or_else(|| centre(&image, spec.options.size_px));
    let path = spec.out.join(&source.target);
    let bytes = encoded(&crop, spec.options.format, &path)?;
    let is_ours = own.is_some_and(|own| own.path == source.target);
    if let Err(error) = write(&path, &bytes, is_ours) {
        return match error {
            FaceError::Refused { reason, path } => {
                Ok(left_out(kept(row, spec, own), DataError::Refused { reason, path }))
            }
            other => Err(other),
        };
    }
    // Of another kind of file.
    if let Some(own) = own.filter(|_| !is_ours) {
        remove(&spec.out.join(&own.path))?;
    }
    row.file = path_text(&source.target);
    Ok((row, if is_aligned { Fate::Aligned } else { Fate::Unfound { kept: true } }))
}

/// The crop of an earlier time stays ours, where it is still there.
fn kept(row: Row, spec: &AlignSpec, own: Option<&OwnCrop>) -> Row {
    let own = own.filter(|own| std::fs::symlink_metadata(spec.out.join(&own.path)).is_ok());
    Row { file: own.map(|own| path_text(&own.path)).unwrap_or_default(), ..row }
}

fn left_out(row: Row, error: DataError) -> (Row, Fate) {
    let reason = match &error {
        DataError::Image { problem, .. } => problem.to_string(),
        DataError::Refused { reason, .. } => reason.clone(),
        other => other.to_string(),
    };
    (Row { reason, ..row }, Fate::LeftOut(error))
}

fn reason_of(error: &FaceError) -> String {
    match error {
        FaceError::Stopped { reason, .. } => format!("the face detector stopped ({reason})"),
        other => other.to_string(),
    }
}

struct Found {
    face: Option<Face>,
    landmarks: Option<Landmarks>,
    /// Why there is no crop, if there is none.
    reason: &'static str,
}

fn find(
    image: &DynamicImage,
    source: &FolderImage,
    spec: &AlignSpec,
    given: Option<Landmarks>,
) -> Result<Found, FaceError> {
    match &spec.finder {
        Finder::Detector(_) if given.is_some() => {
            Ok(Found { face: None, landmarks: given, reason: "the marked points lie on one spot" })
        }
        Finder::Detector(detector) => {
            let faces = detector.detect(image, spec.options.min_score)?;
            let face = main_face(&faces, image.width(), image.height()).copied();
            let landmarks = face.map(|face| Landmarks::Five(face.landmarks));
            let reason = if face.is_some() { "the points of the face lie on one spot" } else { "no face was found" };
            Ok(Found { face, landmarks, reason })
        }
        Finder::Listed(list) => {
            // By its name in our own tables, else as the path was given.
            let landmarks = list.get(&source.name).or_else(|| list.get(&path_text(&source.path))).or(given);
            let reason =
                if landmarks.is_some() { "the listed points lie on one spot" } else { "no points are listed for it" };
            Ok(Found { face: None, landmarks, reason })
        }
    }
}

/// The crop as the bytes of a file; `path` is for the message.
pub(super) fn encoded(crop: &DynamicImage, format: CropFormat, path: &Path) -> Result<Vec<u8>, FaceError> {
    let mut bytes = Cursor::new(Vec::new());
    let result = match format {
        CropFormat::Png => crop.write_to(&mut bytes, ImageFormat::Png),
        CropFormat::Jpeg => crop.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)),
    };
    match result {
        Ok(()) => Ok(bytes.into_inner()),
        Err(error) => {
            let reason = format!("the crop cannot be encoded ({error})");
            Err(FaceError::Refused { reason, path: path.to_owned() })
        }
    }
}

/// Writes a whole file or none. A file that is there and not ours stays; when it has these very bytes, that is well.
pub(super) fn write(path: &Path, bytes: &[u8], ours: bool) -> Result<(), FaceError> {
    let writing = FaceError::writing(path);
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let mut file = temporary(folder).map_err(&writing)?;
    file.write_all(bytes).map_err(&writing)?;
    if ours {
        return file.persist(path).map(|_| ()).map_err(|error| writing(error.error));
    }
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            // A job that was killed between the crop and its row left exactly this behind.
            if holds(path, bytes) { Ok(()) } else { Err(taken(path)) }
        }
        Err(error) if error.error.kind() == std::io::ErrorKind::InvalidFilename => {
            let reason = "the name of its crop is too long; give the image a shorter one".to_owned();
            Err(FaceError::Refused { reason, path: path.to_owned() })
        }
        Err(error) => Err(writing(error.error)),
    }
}

/// Makes the folder of a crop. Where a file is in its place, that concerns the crops in it only, and not the disk.
fn make_folder(folder: &Path) -> Result<(), FaceError> {
    let Err(error) = std::fs::create_dir_all(folder) else { return Ok(()) };
    let is_file = |path: &&Path| std::fs::metadata(path).is_ok_and(|meta| !meta.is_dir());
    Err(match folder.ancestors().find(is_file) {
        Some(file) => FaceError::Refused {
            reason: "a file is where the folder of the crop belongs; move it away, then try again".to_owned(),
            path: file.to_owned(),
        },
        None => FaceError::writing(folder)(error),
    })
}

/// The file has exactly these bytes.
pub(super) fn holds(path: &Path, bytes: &[u8]) -> bool {
    std::fs::read(path).is_ok_and(|there| there == bytes)
}

/// Something that we did not write is where a crop belongs.
pub(super) fn taken(path: &Path) -> FaceError {
    let reason = "another file of the crop's name is there already; move it away, then try again".to_owned();
    FaceError::Refused { reason, path: path.to_owned() }
}

/// Removes a crop of ours, which may be gone already. What a person put in its place and is no file stays.
pub(super) fn remove(path: &Path) -> Result<(), FaceError> {
    if !std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file()) {
        return Ok(());
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(FaceError::writing(path)(error)),
        _ => Ok(()),
    }
}
