//! One record: an image with its label, something that is no image, or a problem.

use super::record::{self, ImageHeader, Record};
use crate::data::header::{Header, WINDOW, header_of};
use crate::data::packed::PackFile;
use crate::data::{DataError, ImageProblem, Warning, WarningKind};
use std::io::{BufReader, Cursor};
use std::path::Path;

/// Records by which the kind of the file is judged.
const JUDGED: usize = 8;
/// Labels from which on a list may be one of boxes: its own two lengths and one box of five numbers.
const BOX_LABELS: u32 = 7;

/// A usable image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) offset: u64,
    pub(super) label: u32,
    pub(super) bytes: u64,
    pub(super) header: Header,
}

/// What a record is.
#[derive(Debug)]
pub(super) enum Look {
    /// An image.
    Image(Seen),
    /// A list of boxes, as for finding objects.
    Boxes { offset: u64, labels: u32 },
    /// The header of the file, or the images of an identity.
    NoImage,
    /// An image whose label is no class.
    BadLabel { offset: u64, label: f32 },
    /// Cannot be used.
    Problem { offset: u64, error: DataError },
}

impl Look {
    /// The image, or why there is none.
    pub(super) fn outcome(self, file: &PackFile) -> (Option<Seen>, Option<Warning>) {
        let warn = |kind, offset: u64, detail| Warning { kind, path: format!("{}@{offset}", file.file_name()), detail };
        match self {
            Self::Image(seen) => (Some(seen), None),
            Self::NoImage => (None, None),
            Self::Boxes { offset, labels } => {
                let detail = format!("it has {labels} numbers, as for boxes around objects");
                (None, Some(warn(WarningKind::BadLabel, offset, detail)))
            }
            Self::BadLabel { offset, label } => {
                let detail = format!("a class is a whole number from 0, this is {label}");
                (None, Some(warn(WarningKind::BadLabel, offset, detail)))
            }
            Self::Problem { offset, error } => {
                let name = format!("{}@{offset}", file.file_name());
                (None, Some(Warning::from_error(&name, &error)))
            }
        }
    }
}

/// Looks at the record that begins at `offset`; reads its first bytes only.
pub(super) fn look(file: &PackFile, offset: u64) -> Look {
    try_look(file, offset).unwrap_or_else(|error| Look::Problem { offset, error })
}

fn try_look(file: &PackFile, offset: u64) -> Result<Look, DataError> {
    let record = record::record(file, offset)?;
    let head = record.header(file)?;
    let bytes = record.len() - head.image_start;
    if bytes == 0 && head.n_labels == 2 {
        return Ok(Look::NoImage);
    }
    let name = format!("{}@{offset}", file.file_name());
    if bytes == 0 {
        return Err(DataError::image(Path::new(&name), ImageProblem::Empty));
    }
    if are_boxes(&head) {
        return Ok(Look::Boxes { offset, labels: head.n_labels });
    }
    let value = head.labels.first().copied().unwrap_or(f32::NAN);
    let Some(label) = class(value) else { return Ok(Look::BadLabel { offset, label: value }) };
    let header = image_header(file, &record, head.image_start, Path::new(&name))?;
    Ok(Look::Image(Seen { offset, label, bytes, header }))
}

fn image_header(file: &PackFile, record: &Record, image_start: u64, name: &Path) -> Result<Header, DataError> {
    match record.whole() {
        Some((start, len)) => {
            let slice = file
                .slice(start + image_start, len - image_start)
                .map_err(|source| DataError::reading(file.path(), source))?;
            header_of(BufReader::with_capacity(WINDOW, slice), name)
        }
        None => header_of(Cursor::new(record.bytes(file, image_start)?), name),
    }
}

/// A class: a whole number from 0.
fn class(value: f32) -> Option<u32> {
    let is_class = value >= 0.0 && value < u32::MAX as f32 && value.fract() == 0.0;
    is_class.then_some(value as u32)
}

/// im2rec's form for detection: the length of its own head (2 or more), the length of a box (5 or more), then boxes.
fn are_boxes(head: &ImageHeader) -> bool {
    let &[own, each, ..] = head.labels.as_slice() else { return false };
    if head.n_labels < BOX_LABELS || own.fract() != 0.0 || each.fract() != 0.0 || own < 2.0 || each < 5.0 {
        return false;
    }
    let rest = f64::from(head.n_labels) - f64::from(own);
    rest >= f64::from(each) && rest % f64::from(each) == 0.0
}

/// Why the file is none for telling identities apart, judged by its first images.
pub(super) fn other_kind(looks: &[Look]) -> Option<String> {
    let mut boxes = 0;
    for look in looks.iter().filter(|look| !matches!(look, Look::NoImage)).take(JUDGED) {
        match look {
            Look::Boxes { .. } => boxes += 1,
            _ => return None,
        }
    }
    (boxes > 0).then(|| {
        "the records hold boxes around objects (a detection set), not one class per image; cut the objects out into \
         one folder per class and open that"
            .to_owned()
    })
}
