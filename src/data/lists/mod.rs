//! Lists of images with their labels as data sets: `.lst` (mxnet, face2rec2), CSV, `path label` texts and
//! MagFace's `path 0 label 0`.
//!
//! Images are found relative to the list's folder; a list must not lead out of it by `..`. Absolute paths are taken as
//! they are: a list that was made on this machine often has them.

mod parse;
#[cfg(test)]
mod tests;

use super::assemble::{Gathered, assemble};
use super::endings::{LIST_ENDINGS, ends_with, names_image};
use super::exclude::Exclusions;
use super::header::read_header;
use super::scan::{ClassFolder, Found, Look, Looking, Watch, images};
use super::{Catalog, DataError, Layout, Part, Warning, WarningKind, Warnings};
use crate::config::read_at_most;
use parse::Row;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{ErrorKind, Read as _};
use std::path::{Component, Path, PathBuf};

/// Longest list read; MS1M's six million lines have 0.4 GB.
const MAX_BYTES: u64 = 1 << 30;
/// Bytes and lines looked at to tell what a text is.
const LOOK_BYTES: u64 = 64 << 10;
const LOOK_LINES: usize = 32;
/// Letters of a line that an error names.
const MAX_SHOWN: usize = 80;

/// Whether the name is that of a list of labelled images.
pub(super) fn is_list_name(path: &Path) -> bool {
    ends_with(path, &["lst"]) || ends_with(path, &LIST_ENDINGS)
}

/// Whether a text lists images with their labels: for a look at a file of unknown kind. Only its first bytes are read.
///
/// Any two words could be an image and its label, so one of the first lines must name a file that ends as images do, or
/// that lies in a folder.
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
    parse::rows(&start).is_ok_and(|rows| rows.iter().any(is_of_image))
}

/// The row names what may be an image. Of several words and of addresses only an ending tells: a licence has "and/or".
fn is_of_image(Row { path, .. }: &Row) -> bool {
    let lies_in_folder = path.contains('/') && !path.contains("://") && !path.contains(char::is_whitespace);
    lies_in_folder || names_image(Path::new(path))
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
    let exclusions = Exclusions::beside(list);
    let looking = Looking::new(watch, &exclusions, rows.len());
    let looked: Vec<Look> = rows
        .par_iter()
        .zip(class_of_row)
        .map(|(row, folder)| looking.at(|| row.path.clone(), || look(&base, &row.path, folder)))
        .collect::<Result<_, DataError>>()?;
    let mut warnings = Warnings::default();
    let found = images(looked, &mut warnings);
    if found.is_empty() {
        return Err(exclusions.refusal(&warnings).unwrap_or_else(|| nothing(list, &rows)));
    }
    let (root, layout) = (list.to_owned(), Layout::List);
    assemble(Gathered { root, base, layout, folders: &folders, found, pack: None, exclusions }, watch, warnings)
}

/// Of a list none of whose images can be read. Any two words could be an image and its label: a text in which no line names
/// what may be a file of an image is a list of something else.
fn nothing(list: &Path, rows: &[Row]) -> DataError {
    let path = list.to_owned();
    let Some(example) = rows.iter().find(|row| is_of_image(row)) else {
        let first = rows.first().map(|row| format!("{} {}", row.path, row.label)).unwrap_or_default();
        let found = format!("a text that lists no images (it begins with \"{}\")", shortened(&first));
        return DataError::NotADataSet { found, path };
    };
    let reason = format!(
        "none of the {} images of the list can be read below its folder, for example \"{}\"; put the list beside the \
         images it names",
        rows.len(),
        shortened(&example.path)
    );
    DataError::Refused { reason, path }
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

fn look(base: &Path, name: &str, folder: usize) -> Look {
    match image_at(base, name, folder) {
        Ok(found) => (Some(found), None),
        Err(warning) => (None, Some(warning)),
    }
}

fn image_at(base: &Path, name: &str, folder: usize) -> Result<Found, Warning> {
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
    let fault = |line: u64, message: String| DataError::NotADataSet {
        found: format!("a text that is no list of images with labels (line {line}: {message})"),
        path: list.to_owned(),
    };
    let bytes = read_at_most(list, MAX_BYTES).map_err(|source| match source.kind() {
        ErrorKind::FileTooLarge => fault(1, format!("the file has {source}")),
        _ => DataError::reading(list, source),
    })?;
    parse::rows(&bytes).map_err(|(line, message)| fault(line, message))
}
