//! The framing of RecordIO and the header of an image record (RECOGNITION 3.3, as mxnet 1.9.1 writes it).
//!
//! A record that holds the magic word at a multiple of four bytes is written in parts, with the word left out between
//! them. That happens to one image in a hundred thousand, so such a record may be put together in memory; all others
//! are read where they lie.

use crate::data::DataError;
use crate::data::packed::{MAX_IMAGE_BYTES, PackFile};
use std::io;

/// Before every record and every part of one.
pub(super) const MAGIC: [u8; 4] = 0xCED7_230A_u32.to_le_bytes();
/// Bits of the length; the three above say which part it is.
pub(super) const LENGTH_BITS: u32 = 29;
/// Flag, label, two numbers.
pub(super) const HEADER_BYTES: u64 = 24;
/// Parts of one record: an image that holds the magic word this often was made to.
const MAX_PARTS: usize = 4096;
/// Labels looked at; a record may have more, whose number is checked against its length.
const LABELS_READ: usize = 64;

/// A whole record or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    part: Part,
    start: u64,
    len: u64,
    next: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    First,
    Middle,
    Last,
}

/// Where the bytes of a record are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// (start, length) of each part.
    parts: Vec<(u64, u64)>,
    /// Where the next record begins.
    pub(super) next: u64,
}

/// What stands before the image.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ImageHeader {
    /// The first few of them; at least one.
    pub(super) labels: Vec<f32>,
    /// How many there are.
    pub(super) n_labels: u32,
    /// The writer's number of the record.
    pub(super) id: u64,
    /// Bytes before the image.
    pub(super) image_start: u64,
}

pub(super) fn bad(file: &PackFile, offset: u64, message: impl Into<String>) -> DataError {
    DataError::Form { form: "RecordIO file", offset, message: message.into(), path: file.path().to_owned() }
}

/// A read that failed: the end of the file is a fault of the file, the rest one of the system.
fn reading(file: &PackFile, offset: u64, error: io::Error, what: &str) -> DataError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            bad(file, offset, format!("{what} is cut off; the file has {} bytes", file.len()))
        }
        io::ErrorKind::InvalidData => bad(file, offset, error.to_string()),
        _ => DataError::reading(file.path(), error),
    }
}

fn frame(file: &PackFile, at: u64) -> Result<Frame, DataError> {
    let [m0, m1, m2, m3, l0, l1, l2, l3] =
        file.array::<8>(at).map_err(|error| reading(file, at, error, "the head of a record"))?;
    if [m0, m1, m2, m3] != MAGIC {
        return Err(bad(file, at, format!("expected {MAGIC:02x?}, found {:02x?}", [m0, m1, m2, m3])));
    }
    let word = u32::from_le_bytes([l0, l1, l2, l3]);
    let len = u64::from(word & ((1 << LENGTH_BITS) - 1));
    let part = match word >> LENGTH_BITS {
        0 => Part::Whole,
        1 => Part::First,
        2 => Part::Middle,
        3 => Part::Last,
        other => return Err(bad(file, at, format!("expected a record of kind 0 to 3, found {other}"))),
    };
    let start = at + 8;
    if file.len() - start < len {
        return Err(bad(file, at, format!("a record of {len} bytes is cut off; the file has {} bytes", file.len())));
    }
    Ok(Frame { part, start, len, next: start + len.next_multiple_of(4) })
}

/// Finds the record that begins at `at`.
///
/// # Errors
/// When none begins there, or its end is missing.
pub(super) fn record(file: &PackFile, at: u64) -> Result<Record, DataError> {
    let first = frame(file, at)?;
    let mut record = Record { parts: vec![(first.start, first.len)], next: first.next };
    match first.part {
        Part::Whole => return Ok(record),
        Part::First => {}
        Part::Middle | Part::Last => return Err(bad(file, at, "expected the beginning of a record, found its middle")),
    }
    loop {
        let frame = frame(file, record.next)?;
        if !matches!(frame.part, Part::Middle | Part::Last) {
            return Err(bad(file, record.next, "expected the rest of a record, found the beginning of another"));
        }
        record.parts.push((frame.start, frame.len));
        record.next = frame.next;
        // Parts may be empty, so that their number needs a bound of its own beside that of the bytes.
        if record.parts.len() > MAX_PARTS || record.len() > MAX_IMAGE_BYTES {
            let message = format!("the record has more than {MAX_PARTS} parts or {MAX_IMAGE_BYTES} bytes");
            return Err(bad(file, at, message));
        }
        if frame.part == Part::Last {
            return Ok(record);
        }
    }
}

impl Record {
    /// Bytes of the payload, the words between the parts among them.
    pub(super) fn len(&self) -> u64 {
        let words = (self.parts.len().saturating_sub(1) * MAGIC.len()) as u64;
        self.parts.iter().map(|(_, len)| len).sum::<u64>() + words
    }

    /// The place of the payload when it lies there in one piece.
    pub(super) fn whole(&self) -> Option<(u64, u64)> {
        match self.parts.as_slice() {
            [whole] => Some(*whole),
            _ => None,
        }
    }

    /// The payload from `from` on.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn bytes(&self, file: &PackFile, from: u64) -> Result<Vec<u8>, DataError> {
        let read =
            |(start, len): (u64, u64)| file.bytes(start, len).map_err(|error| reading(file, start, error, "a record"));
        if let Some((start, len)) = self.whole() {
            return read((start + from.min(len), len.saturating_sub(from)));
        }
        let mut bytes = Vec::new();
        for (index, part) in self.parts.iter().enumerate() {
            if index > 0 {
                bytes.extend(MAGIC);
            }
            bytes.extend(read(*part)?);
        }
        bytes.drain(..(from as usize).min(bytes.len()));
        Ok(bytes)
    }

    /// The labels, and where the image begins.
    ///
    /// # Errors
    /// When the record is too short for what its header says.
    pub(super) fn header(&self, file: &PackFile) -> Result<ImageHeader, DataError> {
        let at = self.parts.first().map_or(0, |part| part.0);
        let short = |needed: u64| {
            bad(file, at, format!("an image record needs {needed} bytes for its header, this one has {}", self.len()))
        };
        if self.len() < HEADER_BYTES {
            return Err(short(HEADER_BYTES));
        }
        let most = (HEADER_BYTES + 4 * LABELS_READ as u64).min(self.len());
        let head = match self.whole() {
            Some((start, _)) => file.bytes(start, most).map_err(|error| reading(file, start, error, "a record"))?,
            None => self.bytes(file, 0)?,
        };
        let (words, _) = head.as_chunks::<4>();
        let [flag, label, id0, id1, ..] = *words else { return Err(short(HEADER_BYTES)) };
        let n = u32::from_le_bytes(flag);
        let image_start = HEADER_BYTES + 4 * u64::from(n);
        if image_start > self.len() {
            return Err(short(image_start));
        }
        let id = u64::from(u32::from_le_bytes(id0)) | u64::from(u32::from_le_bytes(id1)) << 32;
        let listed = words.iter().skip(HEADER_BYTES as usize / 4).take((n as usize).min(LABELS_READ));
        let labels = match n {
            0 => vec![f32::from_le_bytes(label)],
            _ => listed.map(|word| f32::from_le_bytes(*word)).collect(),
        };
        Ok(ImageHeader { labels, n_labels: n.max(1), id, image_start })
    }
}
