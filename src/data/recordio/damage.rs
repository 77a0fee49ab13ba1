//! Where the records of a damaged file go on. Each begins at a multiple of four bytes with a word that none holds at such a
//! place, so that the next one is found by looking for it.

use super::record::{self, MAGIC};
use crate::data::DataError;
use crate::data::packed::PackFile;
use crate::data::scan::Watch;

/// Bytes looked through at once; a multiple of four.
const PIECE_BYTES: u64 = 1 << 20;
/// Bytes looked through behind a damaged place; a multiple of the piece. A record has less. Where more is gone, nothing was
/// written from there on, as in a copy that was broken off, and such a file may be larger than anybody would search through.
const MAX_BYTES: u64 = 4 * PIECE_BYTES;
/// Words in one file that look like a record and begin none. A damaged place has a few; each takes time to be refused.
const MAX_TRIES: usize = 10_000;

/// The search in one file.
#[derive(Default)]
pub(super) struct Damage {
    tries: usize,
}

impl Damage {
    /// The first sound record behind a place where none begins; `None` where none is near, or the file is made to be looked
    /// through for ever.
    ///
    /// # Errors
    /// When the file cannot be read, or it is cancelled.
    pub(super) fn next_record(&mut self, file: &PackFile, at: u64, watch: &Watch) -> Result<Option<u64>, DataError> {
        let mut start = at + 4;
        let end = file.len().min(start + MAX_BYTES);
        while start < end {
            watch.check()?;
            let len = PIECE_BYTES.min(end - start);
            let piece = file.bytes(start, len).map_err(|source| DataError::reading(file.path(), source))?;
            for (word, place) in piece.as_chunks::<4>().0.iter().zip((start..).step_by(4)) {
                if *word != MAGIC {
                    continue;
                }
                if record::record(file, place).is_ok() {
                    return Ok(Some(place));
                }
                self.tries += 1;
                if self.tries >= MAX_TRIES {
                    return Ok(None);
                }
            }
            start += PIECE_BYTES;
        }
        Ok(None)
    }
}
