//! The texts beside a `.rec`: `.idx` (key and byte of every record) and `property` (classes, height, width, and in a second line
//! of InsightFace's Python package how many images).

use super::record::bad;
use crate::config::read_text_at_most;
use crate::data::packed::PackFile;
use crate::data::{DataError, WarningKind, Warnings};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

/// Most records of one file; WebFace260M has 260 million photographs, its clean part 42.
pub(super) const MAX_RECORDS: usize = 50_000_000;
/// Longest line; two numbers of 20 digits fit well.
const MAX_LINE_BYTES: u64 = 256;
/// Longest `property`.
const MAX_PROPERTY_BYTES: u64 = 4096;

/// A line of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) offset: u64,
    pub(super) key: u64,
}

/// Reads an index; sorted by offset, because that is how the file is read fastest. Lines that point outside of the
/// file are warnings.
///
/// # Errors
/// When a line is not two numbers, or there are too many.
pub(super) fn read_index(path: &Path, rec: &PackFile, warnings: &mut Warnings) -> Result<Vec<Entry>, DataError> {
    let io = |source| DataError::reading(path, source);
    let mut reader = BufReader::new(File::open(path).map_err(io)?);
    let (mut entries, mut line, mut number) = (Vec::new(), String::new(), 0_usize);
    loop {
        line.clear();
        number += 1;
        let fault = |message: String| DataError::Refused {
            reason: format!(
                "line {number} of the index: {message}; delete or rename the index, and the file is read without it"
            ),
            path: path.to_owned(),
        };
        let read = reader.by_ref().take(MAX_LINE_BYTES).read_line(&mut line);
        match read {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                return Err(fault("expected a key and an offset, found no text".to_owned()));
            }
            Err(error) => return Err(io(error)),
        }
        let mut fields = line.split_whitespace();
        let (key, offset, rest) = (fields.next(), fields.next(), fields.next());
        if key.is_none() {
            continue;
        }
        let parsed = key.and_then(|key| key.parse().ok()).zip(offset.and_then(|offset| offset.parse().ok()));
        let Some((key, offset)) = parsed.filter(|_| rest.is_none()) else {
            let found: String = line.trim().chars().take(80).collect();
            return Err(fault(format!("expected a key and an offset, found \"{found}\"")));
        };
        if offset >= rec.len() {
            let detail = format!("the index says byte {offset}, the file has {} bytes", rec.len());
            warnings.push(WarningKind::Truncated, format!("{}@{offset}", rec.file_name()), detail);
            continue;
        }
        if entries.len() >= MAX_RECORDS {
            return Err(too_many(rec));
        }
        entries.push(Entry { offset, key });
    }
    entries.sort_unstable();
    entries.dedup_by_key(|entry| entry.offset);
    Ok(entries)
}

pub(super) fn too_many(rec: &PackFile) -> DataError {
    bad(rec, 0, format!("more than {MAX_RECORDS} records, which is more than this program opens"))
}

/// The description beside a `.rec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Property {
    pub(super) classes: u64,
    pub(super) height: u32,
    pub(super) width: u32,
    /// Only some say it.
    pub(super) images: Option<u64>,
}

/// Reads `property`; `None` when it is not there or says something else.
pub(super) fn read_property(path: &Path) -> Option<Property> {
    let text = read_text_at_most(path, MAX_PROPERTY_BYTES).ok()?;
    let mut lines = text.lines();
    let mut fields = lines.next()?.split(',').map(str::trim);
    Some(Property {
        classes: fields.next()?.parse().ok()?,
        height: fields.next()?.parse().ok()?,
        width: fields.next()?.parse().ok()?,
        images: lines.next().and_then(|line| line.trim().parse().ok()),
    })
}
