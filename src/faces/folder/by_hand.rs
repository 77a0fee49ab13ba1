//! Faces of a folder marked by hand, one image at a time, into the same crops and the same table as those that were found.
//!
//! Every mark is on the disk when [`HandSpec::mark`] returns. A kill in the middle of one leaves neither a crop that
//! looks like somebody else's file nor a row that calls the middle of an image a face: a new file is claimed by its row
//! before it is written, and one of ours is replaced before its row says so. The table is read and written anew each
//! time, so two marks, or a mark and [`align_folder`](super::align_folder), must not run at once.

use super::one::{encoded, holds, remove, taken, write};
use super::record::{OwnCrop, Row, Table};
use super::{AlignOptions, CropFormat, FolderImage, Found, find_images, without_crop};
use crate::data::{Warnings, decode_file, path_text};
use crate::faces::{FaceError, Landmarks, align, centre};
use image::DynamicImage;
use std::path::{Path, PathBuf};

/// A folder whose faces are marked by hand, and where their crops go.
#[derive(Clone, Debug, PartialEq)]
pub struct HandSpec {
    /// Folder of the images, which are only read.
    pub root: PathBuf,
    /// Folder of the crops; made if it is not there.
    pub out: PathBuf,
    /// Size and kind of the crops.
    pub options: AlignOptions,
}

/// What there was of an image before its face was marked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FormerRow {
    /// What the table said; nothing of an image that nobody had looked at.
    row: Option<csv::StringRecord>,
    /// The folders that were made for its crop, the deepest first.
    made: Vec<PathBuf>,
}

impl HandSpec {
    /// The images without an aligned crop, in the order of their names, but for those that are excluded. Folders that cannot
    /// be listed are passed over, as they are when the folder is opened, which says so.
    ///
    /// # Errors
    /// When there are no images at all, the folder of the crops cannot be used, or it is cancelled.
    pub fn images(&self, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<Vec<FolderImage>, FaceError> {
        let inputs = std::slice::from_ref(&self.root);
        let found = find_images(inputs, &self.out, self.options, &mut Warnings::default(), cancelled)?;
        let Found { images, table, .. } = found;
        without_crop(images, |image| table.has(image, &self.out), cancelled)
    }

    /// Writes the crop at `landmarks` (in pixels of the image) and its row; returns what [`HandSpec::unmark`] needs.
    ///
    /// # Errors
    /// When the image cannot be read, the points lie on one spot, a file that is not ours is in the crop's place, or the
    /// disk refuses. The table is then as it was.
    pub fn mark(&self, image: &FolderImage, landmarks: &Landmarks) -> Result<FormerRow, FaceError> {
        let size_px = self.options.size_px;
        let crop = align(&decode_file(&image.path)?, landmarks, size_px).ok_or_else(|| FaceError::Refused {
            reason: "the points lie on one spot; mark the eyes apart from each other".to_owned(),
            path: image.path.clone(),
        })?;
        let (path, bytes) = self.file_of(&image.target, self.options.format, &crop)?;
        let mut table = Table::open(&self.out, size_px)?;
        let own = table.own_crop(image);
        let made = self.missing_folders(&path);
        let is_ours = own.as_ref().is_some_and(|own| own.path == image.target);
        let row = Row {
            path: image.name.clone(),
            file: path_text(&image.target),
            size_px,
            points: landmarks.points().to_vec(),
            ..Row::default()
        };
        if is_ours {
            write(&path, &bytes, true)?;
            let row = table.put(row);
            table.save()?;
            return Ok(FormerRow { row, made });
        }
        must_be_free(&path, &bytes)?;
        std::fs::create_dir_all(&self.out).map_err(FaceError::writing(&self.out))?;
        let former = table.put(row);
        table.save()?;
        if let Err(error) = write(&path, &bytes, false).and_then(|()| self.give_up(own.as_ref(), &path)) {
            remove_empty(&made);
            table.put_back(&image.name, former);
            table.save()?;
            return Err(error);
        }
        Ok(FormerRow { row: former, made })
    }

    /// Takes a mark back: crop and row are again what they were before [`HandSpec::mark`], and folders that it made are
    /// gone where nothing else is in them. The last mark first: a folder that several share goes with the first of them.
    ///
    /// # Errors
    /// When the disk refuses, or the image, whose middle was kept, can no longer be read.
    pub fn unmark(&self, image: &FolderImage, former: &FormerRow) -> Result<(), FaceError> {
        let mut table = Table::open(&self.out, self.options.size_px)?;
        let FormerRow { row: former, made } = former;
        if let Some(middle) = former.as_ref().and_then(|row| OwnCrop::middle_of(row, image)) {
            let crop = centre(&decode_file(&image.path)?, self.options.size_px);
            let (path, bytes) = self.file_of(&middle.path, middle.format, &crop)?;
            let is_ours = middle.path == image.target;
            if !is_ours {
                must_be_free(&path, &bytes)?;
                self.remove_own(&table, image)?;
            }
            table.put_back(&image.name, former.clone());
            table.save()?;
            return write(&path, &bytes, is_ours);
        }
        self.remove_own(&table, image)?;
        remove_empty(made);
        table.put_back(&image.name, former.clone());
        table.save()
    }

    /// The folders between that of the crops and this one that are not there, the deepest first.
    fn missing_folders(&self, crop: &Path) -> Vec<PathBuf> {
        let folders = crop.ancestors().skip(1).take_while(|folder| *folder != self.out && !folder.exists());
        folders.map(Path::to_owned).collect()
    }

    /// Removes the crop that the mark wrote.
    fn remove_own(&self, table: &Table, image: &FolderImage) -> Result<(), FaceError> {
        match table.own_crop(image).filter(|own| own.path == image.target) {
            Some(own) => remove(&self.out.join(own.path)),
            None => Ok(()),
        }
    }

    /// Removes the crop of another kind of file that the one just written at `new` takes the place of; of the two only one
    /// stays.
    fn give_up(&self, old: Option<&OwnCrop>, new: &Path) -> Result<(), FaceError> {
        let Some(old) = old else { return Ok(()) };
        remove(&self.out.join(&old.path)).inspect_err(|_| {
            remove(new).ok();
        })
    }

    fn file_of(&self, target: &Path, format: CropFormat, crop: &DynamicImage) -> Result<(PathBuf, Vec<u8>), FaceError> {
        let path = self.out.join(target);
        let bytes = encoded(crop, format, &path)?;
        Ok((path, bytes))
    }
}

/// Nothing is there, or these very bytes: a step that was killed left them behind.
fn must_be_free(path: &Path, bytes: &[u8]) -> Result<(), FaceError> {
    let is_free = std::fs::symlink_metadata(path).is_err() || holds(path, bytes);
    if is_free { Ok(()) } else { Err(taken(path)) }
}

/// Takes folders away in which nothing is. One that stays does no harm: it holds no crop.
fn remove_empty(folders: &[PathBuf]) {
    for folder in folders {
        std::fs::remove_dir(folder).ok();
    }
}
