//! Lists of images with their labels as data sets: `.lst` (mxnet, face2rec2), CSV, `path label` texts and
//! MagFace's `path 0 label 0`.
//!
//! Images are found relative to the list's folder; a list must not lead out of it by `..`. Absolute paths are taken as
//! they are: a list that was made on this machine often has them.

mod parse;
#[cfg(test)]
mod tests;

use super::assemble::{Gathered, assemble};
use super::endings::{LIST_ENDINGS, ends_with, format_of_extension};
use super::exclude::NotTried;
use super::header::read_header;
use super::scan::{ClassFolder, Found, Watch};
use super::{Catalog, DataError, Layout, Part, Warning, WarningKind, Warnings};
use parse::Row;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::AtomicU64;

/// Longest list read; MS1M's six million lines have 0.4 GB.
const MAX_BYTES: u64 = 1 << 30;
/// Bytes and lines looked at to tell what a text is.
const LOOK_BYTES: u64 = 64 << 10;
const LOOK_LINES: usize = 32;

/// Whether the name is that of a list of labelled images.
pub(super) fn is_list_name(path: &Path) -> bool {
    ends_with(path, &["lst"]) || ends_with(path, &LIST_ENDINGS)
}

/// Whether a text lists images with their labels: for a look at a file of unknown kind. Only its first bytes are read.
///
/// Any two words could be an image and its label, so one of the first lines must name a file that ends as images do.
pub fn lists_images(file: &Path) -> bool {
    // Asked before opening: opening a pipe would wait for ever.
    if !is_list_name(file) || !std::fs::metadata(file).is_ok_and(|meta| meta.is_file()) {
        return false;
    }
    let mut start = Vec::new();
    let read = std::fs::File::open(file).and_then(|file| file.take(LOOK_BYTES).read_to_end(&mut start));
    if read.is_err() {
        return false;
    }
    // Whole lines, and few of them: what is wrong further down is said when the list is opened.
    let ends = start.iter().enumerate().filter(|(_, byte)| **byte == b'\n').take(LOOK_LINES);
    if let Some((end, _)) = ends.last() {
        start.truncate(end);
    }
    let is_image = |row: &Row| format_of_extension(Path::new(&row.path)).is_some();
    parse::rows(&start).is_ok_and(|rows| rows.iter().any(is_image))
}

/// Reads a list and looks at every image in it.
///
/// # Errors
/// When a line cannot be understood, or none of the images is there.
pub(super) fn open(list: &Path, watch: &Watch) -> Result<Catalog, DataError> {
    let rows = read(list)?;
    let base = list.parent().unwrap_or(Path::new("")).to_owned();
    let mut number_of: BTreeMap<&str, usize> = BTreeMap::new();
    let mut folders: Vec<ClassFolder> = Vec::new();
    let mut class_of_row = Vec::with_capacity(rows.len());
    for row in &rows {
        class_of_row.push(*number_of.entry(&row.label).or_insert_with(|| {
            let (class, folder) = (OsString::from(&row.label), PathBuf::from(&row.label));
            folders.push(ClassFolder { class, folder, part: Part::All });
            folders.len() - 1
        }));
    }
    let (done, total) = (AtomicU64::new(0), rows.len() as u64);
    let not_tried = NotTried::beside(list);
    let looked: Vec<Result<Found, Warning>> = rows
        .par_iter()
        .zip(class_of_row)
        .map(|(row, folder)| {
            watch.count(&done, total)?;
            Ok(match not_tried.warning_of(&row.path) {
                Some(warning) => Err(warning),
                None => look(&base, &row.path, folder),
            })
        })
        .collect::<Result<_, DataError>>()?;
    let (mut warnings, mut found) = (Warnings::default(), Vec::with_capacity(looked.len()));
    for look in looked {
        match look {
            Ok(image) => found.push(image),
            Err(warning) => warnings.add(warning),
        }
    }
    if found.is_empty() {
        let example = rows.first().map(|row| row.path.clone()).unwrap_or_default();
        let reason = format!(
            "none of the {total} images of the list can be read below its folder, for example \"{example}\"; put the \
             list beside the images it names"
        );
        let nothing = DataError::Refused { reason, path: list.to_owned() };
        return Err(not_tried.refusal(&warnings).unwrap_or(nothing));
    }
    let gathered = Gathered { root: list.to_owned(), base, layout: Layout::List, folders: &folders, found, pack: None };
    assemble(gathered, watch, warnings)
}

fn look(base: &Path, name: &str, folder: usize) -> Result<Found, Warning> {
    let warn = |kind, detail: &str| Warning { kind, path: name.to_owned(), detail: detail.to_owned() };
    let path = PathBuf::from(name);
    if path.components().any(|component| component == Component::ParentDir) {
        return Err(warn(WarningKind::MissingListed, "a list must not lead out of its folder"));
    }
    let full = base.join(&path);
    // Asked before opening: opening a pipe would wait for ever.
    let bytes = match std::fs::metadata(&full) {
        Ok(meta) if meta.is_file() => meta.len(),
        _ => return Err(warn(WarningKind::MissingListed, "")),
    };
    match read_header(&full) {
        Ok(header) => Ok(Found { folder, path: path.into_boxed_path(), member: None, bytes, header }),
        Err(error) => Err(Warning::from_error(name, &error)),
    }
}

fn read(list: &Path) -> Result<Vec<Row>, DataError> {
    let io = |source| DataError::reading(list, source);
    let mut bytes = Vec::new();
    std::fs::File::open(list).map_err(io)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    let fault = |line: u64, message: String| DataError::NotADataSet {
        found: format!("a text that is no list of images with labels (line {line}: {message})"),
        path: list.to_owned(),
    };
    if bytes.len() as u64 > MAX_BYTES {
        return Err(fault(1, format!("the file is larger than {} MiB", MAX_BYTES >> 20)));
    }
    parse::rows(&bytes).map_err(|(line, message)| fault(line, message))
}
