//! Aligns every image of a folder into another one that has the same sub-folders.
//!
//! The user's files are only read. What is done is recorded in a table beside the crops, row by row as it happens, so a
//! job that was stopped or killed goes on where it was. An image that cannot be used is a row with a reason, not a stop.
//! What is left can be marked by hand, one image at a time ([`HandSpec`]).

mod by_hand;
mod landmark_list;
mod one;
mod options;
mod record;
mod sources;
mod words;

pub use by_hand::{FormerRow, HandSpec};
pub use landmark_list::LandmarkList;
pub use options::{AlignOptions, CropFormat, Finder, FinderFile};
pub use record::RECORD_NAME;
pub use sources::FolderImage;

use self::one::{Before, Fate, one};
use self::record::{Record, Table};
use super::{CROP_PX_RANGE, FaceError};
use crate::data::{DataError, Progress, Warnings};
use rayon::prelude::*;
use std::borrow::Borrow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What to align, and how.
#[derive(Debug)]
pub struct AlignSpec {
    /// Folders and image files.
    pub inputs: Vec<PathBuf>,
    /// Folder of the crops; made if it is not there.
    pub out: PathBuf,
    /// Who says where the faces are.
    pub finder: Finder,
    /// Size and kind of the crops, and what is done without a face.
    pub options: AlignOptions,
}

/// What became of the images.
#[derive(Debug, Default, Clone)]
pub struct Aligned {
    /// Images looked for, without those that are excluded.
    pub images: u64,
    /// Crops written now.
    pub aligned: u64,
    /// Crops that were there from an earlier time.
    pub already: u64,
    /// Of those, crops that would come out otherwise now, being of another kind of file or of a face less sure than is asked
    /// for; they stay.
    pub otherwise: u64,
    /// Images in which no face was found.
    pub unfound: u64,
    /// Of those, images whose middle was written.
    pub kept: u64,
    /// Images that could not be read or written.
    pub left_out: u64,
    /// Images that are excluded from the data set they belong to.
    pub excluded: u64,
    /// Stopped before the end.
    pub stopped: bool,
    /// The folder of the crops.
    pub out: PathBuf,
    /// The table of what was done.
    pub record: PathBuf,
    /// What could not be read.
    pub warnings: Warnings,
    /// Why the crops may not be what is wanted, and what to do: a sentence about all of them.
    pub doubt: Option<&'static str>,
}

/// Aligns images in parallel. Cancelling keeps what was done; the same call again goes on.
///
/// # Errors
/// When there are no images, the folder of the crops cannot be used, or the disk refuses.
pub fn align_folder(
    spec: &AlignSpec,
    progress: &(dyn Fn(Progress) + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Aligned, FaceError> {
    let mut done = Aligned { out: spec.out.clone(), record: spec.out.join(RECORD_NAME), ..Aligned::default() };
    let found = find_images(&spec.inputs, &spec.out, spec.options, &mut done.warnings, cancelled)?;
    let Found { images: sources, excluded, table } = found;
    done.doubt = spec.finder.doubt();
    done.images = sources.len() as u64;
    done.excluded = excluded.len() as u64;
    std::fs::create_dir_all(&spec.out).map_err(FaceError::writing(&spec.out))?;
    let mut record = Record::begin(table)?;
    for image in &excluded {
        record.exclude(image, &spec.out, spec.options.size_px)?;
    }
    let is_detected = matches!(spec.finder, Finder::Detector(_));
    let has = |source: &FolderImage| {
        let has = record.has(source, &spec.out);
        done.otherwise += u64::from(has && record.is_otherwise(source, spec.options, is_detected));
        has
    };
    let todo = without_crop(&sources, has, cancelled)?;
    done.already = done.images - todo.len() as u64;
    let count = AtomicU64::new(done.already);
    let shared = Mutex::new((record, done));
    let result = todo.par_iter().try_for_each(|source| {
        if cancelled() {
            return Err(FaceError::Data(DataError::Cancelled));
        }
        let guard = lock(&shared);
        let before = Before { own: guard.0.own_crop(source), points: guard.0.given_points(source) };
        drop(guard);
        let (row, fate) = one(source, spec, &before)?;
        let mut guard = lock(&shared);
        let (record, done) = &mut *guard;
        record.add(row)?;
        tally(done, fate, &source.name);
        drop(guard);
        progress(Progress { done: count.fetch_add(1, Ordering::Relaxed) + 1, total: sources.len() as u64 });
        Ok(())
    });
    let (record, mut done) = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    record.finish()?;
    match result {
        Err(FaceError::Data(DataError::Cancelled)) => done.stopped = true,
        other => other?,
    }
    Ok(done)
}

/// Images with the names of their crops, and the table that knows of those.
struct Found {
    images: Vec<FolderImage>,
    /// Those that a person left out of the data set they belong to.
    excluded: Vec<FolderImage>,
    table: Table,
}

/// The images of `inputs`. Listing takes its time; the table is read after it, so that what was marked meanwhile is in there,
/// and before it, so that nobody waits for a refusal.
fn find_images(
    inputs: &[PathBuf],
    out: &Path,
    options: AlignOptions,
    warnings: &mut Warnings,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Found, FaceError> {
    check(inputs, out, options.size_px)?;
    Table::open(out, options.size_px)?;
    let listing = sources::list(inputs, out, warnings, cancelled)?;
    let table = Table::open(out, options.size_px)?;
    let named = |listed| sources::with_crops(listed, &table, options.format);
    let (images, excluded) = (named(listing.images), named(listing.excluded));
    Ok(Found { images, excluded, table })
}

/// The images that have no aligned crop yet. Asking the disk of each takes its time where there are many.
fn without_crop<T: Borrow<FolderImage>>(
    images: impl IntoIterator<Item = T>,
    mut has: impl FnMut(&FolderImage) -> bool,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<T>, FaceError> {
    let mut left = Vec::new();
    for image in images {
        if cancelled() {
            return Err(FaceError::Data(DataError::Cancelled));
        }
        if !has(image.borrow()) {
            left.push(image);
        }
    }
    Ok(left)
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tally(done: &mut Aligned, fate: Fate, name: &str) {
    match fate {
        Fate::Aligned => done.aligned += 1,
        Fate::Unfound { kept } => {
            done.unfound += 1;
            done.kept += u64::from(kept);
        }
        Fate::LeftOut(error) => {
            done.left_out += 1;
            done.warnings.left_out(name, &error);
        }
    }
}

/// The size is one that is made, and the crops have a folder of their own.
fn check(inputs: &[PathBuf], out: &Path, size_px: u32) -> Result<(), FaceError> {
    let refuse = |reason: String| Err(FaceError::Refused { reason, path: out.to_owned() });
    if !CROP_PX_RANGE.contains(&size_px) {
        let (least, most) = CROP_PX_RANGE.into_inner();
        return refuse(format!("crops of {size_px} px are not made; choose {least} to {most} px"));
    }
    let real = |path: &Path| path.canonicalize().ok();
    let folder = real(out);
    if folder.is_some() && inputs.iter().any(|input| real(input) == folder) {
        return refuse("the crops cannot go into the folder of the images; choose another folder for them".to_owned());
    }
    let planned = real_or_planned(out);
    let holds = |input: &PathBuf| input.is_dir() && real(input).is_some_and(|input| planned.starts_with(input));
    if inputs.iter().any(holds) {
        let reason = "the crops cannot go into a folder within that of the images, where they would be taken for more \
                      images of the data set; choose a folder beside it";
        return refuse(reason.to_owned());
    }
    if out.exists() && !out.is_dir() {
        return refuse("the crops need a folder, and this is a file".to_owned());
    }
    Ok(())
}

/// The one path of a folder, also of one that is still to be made.
fn real_or_planned(folder: &Path) -> PathBuf {
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let real = |above: &Path| Some(above.canonicalize().ok()?.join(whole.strip_prefix(above).ok()?));
    whole.ancestors().find_map(real).unwrap_or_else(|| whole.clone())
}

#[cfg(test)]
mod tests;
