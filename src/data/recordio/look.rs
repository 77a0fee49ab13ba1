//! One record: an image with its label, something that is no image, or a problem.

use super::record::{self, ImageHeader, Record};
use crate::data::header::{Header, WINDOW, header_of};
use crate::data::packed::PackFile;
use crate::data::{DataError, ImageProblem, Warning, WarningKind};
use std::collections::BTreeSet;
use std::io::{BufReader, Cursor};
use std::path::Path;

/// Smallest length of a detection record's own head, which counts itself: the two lengths.
const MIN_OWN: f32 = 2.0;
/// Fewest numbers of a box: a class, and left, top, right, bottom.
const MIN_EACH: f32 = 5.0;

/// A usable image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) offset: u64,
    pub(super) label: u32,
    pub(super) bytes: u64,
    pub(super) header: Header,
}

/// How a detection record begins, as im2rec writes it: the length of its own head (2 or more), and that of a box (5 or
/// more); the boxes follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BoxHead {
    own: u32,
    each: u32,
}

/// What a record is.
#[derive(Debug)]
pub(super) enum Look {
    /// An image. With a head its labels could also be those of a detection record without an object.
    Image { seen: Seen, head: Option<BoxHead> },
    /// A detection record: boxes around objects, none or more.
    Boxes { offset: u64, head: BoxHead, boxes: u32 },
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
            Self::Image { seen, .. } => (Some(seen), None),
            Self::NoImage => (None, None),
            Self::Boxes { offset, boxes, .. } => {
                let detail = match boxes {
                    1 => "it holds 1 box around an object".to_owned(),
                    _ => format!("it holds {boxes} boxes around objects"),
                };
                (None, Some(warn(WarningKind::DetectionRecord, offset, detail)))
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
    let boxes = boxes(&head);
    if let Some((head, boxes)) = boxes
        && boxes > 0
    {
        return Ok(Look::Boxes { offset, head, boxes });
    }
    let value = head.labels.first().copied().unwrap_or(f32::NAN);
    let Some(label) = class(value) else { return Ok(Look::BadLabel { offset, label: value }) };
    let header = image_header(file, &record, head.image_start, Path::new(&name))?;
    Ok(Look::Image { seen: Seen { offset, label, bytes, header }, head: boxes.map(|(head, _)| head) })
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

/// The head of a detection record and how many boxes follow; `None` where the labels do not have that form.
fn boxes(header: &ImageHeader) -> Option<(BoxHead, u32)> {
    let &[own, each, ..] = header.labels.as_slice() else { return None };
    let is_length = |value: f32, least: f32| value >= least && value < u32::MAX as f32 && value.fract() == 0.0;
    if !is_length(own, MIN_OWN) || !is_length(each, MIN_EACH) {
        return None;
    }
    let head = BoxHead { own: own as u32, each: each as u32 };
    let rest = header.n_labels.checked_sub(head.own)?;
    rest.is_multiple_of(head.each).then(|| (head, rest / head.each))
}

/// Makes detection records of what looked like images: where a file has detection records, one of the same head and no
/// box is one too, in whose picture there is no object.
pub(super) fn settle(looks: &mut [Look]) {
    let heads: BTreeSet<BoxHead> =
        looks.iter().filter_map(|look| if let Look::Boxes { head, .. } = look { Some(*head) } else { None }).collect();
    for look in looks {
        let settled = match &*look {
            Look::Image { seen, head: Some(head) } if heads.contains(head) => {
                Look::Boxes { offset: seen.offset, head: *head, boxes: 0 }
            }
            _ => continue,
        };
        *look = settled;
    }
}

/// Why the file is none for telling identities apart: more of its records are for detection than hold an image with a
/// class. A few among many are left out, each with a warning.
pub(super) fn other_kind(looks: &[Look]) -> Option<String> {
    let boxes = looks.iter().filter(|look| matches!(look, Look::Boxes { .. })).count();
    let images = looks.iter().filter(|look| matches!(look, Look::Image { .. })).count();
    (boxes > images).then(|| {
        format!(
            "it is a detection set: {boxes} of {} records are for boxes around objects, not for one class per image; cut \
             the objects out into one folder per class and open that",
            looks.len()
        )
    })
}
