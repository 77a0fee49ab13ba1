//! Writes RecordIO byte for byte as mxnet does, in InsightFace's flavour: images, ranges of identities, header.

use super::record::{LENGTH_BITS, MAGIC};
use std::io::{self, Error, ErrorKind, Write};

/// Writes the `.rec` and, beside it, the lines of its index.
///
/// Images are added identity by identity; labels count from 0 in that order.
#[derive(Debug)]
pub struct RecWriter<R, I> {
    rec: R,
    index: I,
    offset: u64,
    next_key: u64,
    /// Where the images of each identity begin.
    starts: Vec<u64>,
}

/// The header of an image record.
struct Head {
    label: f32,
    id: u64,
    id2: u64,
}

impl<R: Write, I: Write> RecWriter<R, I> {
    /// Starts with the first identity.
    pub fn new(rec: R, index: I) -> Self {
        Self { rec, index, offset: 0, next_key: 1, starts: vec![1] }
    }

    /// The images that follow are of the next identity.
    pub fn next_identity(&mut self) {
        self.starts.push(self.next_key);
    }

    /// Adds an encoded image.
    ///
    /// # Errors
    /// When the disk refuses, or the image has 512 MiB or more, which the form cannot hold.
    pub fn image(&mut self, bytes: &[u8]) -> io::Result<()> {
        let label = (self.starts.len() - 1) as f32;
        let key = self.next_key;
        let mut payload = header(0, &Head { label, id: key, id2: 0 });
        payload.extend_from_slice(bytes);
        self.record(key, &payload)?;
        self.next_key += 1;
        Ok(())
    }

    /// Adds the ranges of the identities and the header; gives the two files back.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(mut self) -> io::Result<(R, I)> {
        let images_end = self.next_key;
        let starts = std::mem::take(&mut self.starts);
        let ends = starts.iter().skip(1).copied().chain([images_end]);
        for (&start, end) in starts.iter().zip(ends) {
            let key = self.next_key;
            self.record(key, &range(&Head { label: 0.0, id: key, id2: 0 }, start, end))?;
            self.next_key += 1;
        }
        self.record(0, &range(&Head { label: 0.0, id: 0, id2: 1 }, images_end, self.next_key))?;
        self.rec.flush()?;
        self.index.flush()?;
        Ok((self.rec, self.index))
    }

    fn record(&mut self, key: u64, payload: &[u8]) -> io::Result<()> {
        writeln!(self.index, "{key}\t{}", self.offset)?;
        self.offset += frame(&mut self.rec, payload)?;
        Ok(())
    }
}

fn header(flag: u32, head: &Head) -> Vec<u8> {
    let mut bytes = flag.to_le_bytes().to_vec();
    bytes.extend(head.label.to_le_bytes());
    bytes.extend(head.id.to_le_bytes());
    bytes.extend(head.id2.to_le_bytes());
    bytes
}

fn range(head: &Head, start: u64, end: u64) -> Vec<u8> {
    let mut bytes = header(2, head);
    bytes.extend((start as f32).to_le_bytes());
    bytes.extend((end as f32).to_le_bytes());
    bytes
}

/// Writes one record, in parts where the payload holds the magic word at a multiple of four bytes; how long it became.
pub(super) fn frame(out: &mut impl Write, payload: &[u8]) -> io::Result<u64> {
    if payload.len() as u64 >= 1 << LENGTH_BITS {
        let words =
            format!("a record holds less than {} MiB, this one has {} bytes", 1 << (LENGTH_BITS - 20), payload.len());
        return Err(Error::new(ErrorKind::InvalidInput, words));
    }
    let mut written = 0;
    let mut from = 0;
    for (index, word) in payload.as_chunks::<4>().0.iter().enumerate() {
        if *word == MAGIC {
            let kind = if from == 0 { 1 } else { 2 };
            written += part(out, kind, payload.get(from..4 * index).unwrap_or_default())?;
            from = 4 * index + 4;
        }
    }
    let kind = if from == 0 { 0 } else { 3 };
    Ok(written + part(out, kind, payload.get(from..).unwrap_or_default())?)
}

fn part(out: &mut impl Write, kind: u32, bytes: &[u8]) -> io::Result<u64> {
    out.write_all(&MAGIC)?;
    out.write_all(&(kind << LENGTH_BITS | bytes.len() as u32).to_le_bytes())?;
    out.write_all(bytes)?;
    let padded = bytes.len().next_multiple_of(4);
    out.write_all([0; 3].get(..padded - bytes.len()).unwrap_or_default())?;
    Ok(8 + padded as u64)
}
