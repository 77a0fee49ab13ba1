//! Lists of images with their labels as data sets: `.lst` (mxnet, face2rec2), CSV, `path label` texts and
//! MagFace's `path 0 label 0`.
//!
//! Images are found relative to the list's folder; a list must not lead out of it by `..`. Absolute paths are taken as
//! they are: a list that was made on this machine often has them.

mod parse;
#[cfg(test)]
mod tests;

use super::assemble::{Gathered, assemble};
use super::endings::{LIST_ENDINGS, ends_with};
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

/// Whether the name is that of a list of labelled images.
pub(super) fn is_list_name(path: &Path) -> bool {
    ends_with(path, &["lst"]) || ends_with(path, &LIST_ENDINGS)
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
    let looked: Vec<Result<Found, Warning>> = rows
        .par_iter()
        .zip(class_of_row)
        .map(|(row, folder)| {
            watch.count(&done, total)?;
            Ok(look(&base, &row.path, folder))
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
        return Err(DataError::Refused { reason, path: list.to_owned() });
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
