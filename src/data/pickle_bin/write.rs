//! Writes a verification set byte for byte as `pickle.dump((bins, issame), f, protocol=3)` of CPython does: the oldest
//! protocol with bytes, so that every Python 3 and every tool reads it.

use std::io::{self, Error, ErrorKind, Write};

/// Values CPython adds to a list at once.
const BATCH: usize = 1000;

/// Writes images first, then truths, then the end.
#[derive(Debug)]
pub struct BinWriter<W> {
    out: W,
    total: usize,
    written: usize,
    remembered: u32,
}

impl<W: Write> BinWriter<W> {
    /// Begins a set of `pairs` pairs.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn new(out: W, pairs: usize) -> io::Result<Self> {
        let mut writer = Self { out, total: 2 * pairs, written: 0, remembered: 0 };
        writer.out.write_all(b"\x80\x03]")?;
        writer.remember()?;
        Ok(writer)
    }

    /// Adds the next encoded image; images 2i and 2i + 1 are pair i.
    ///
    /// # Errors
    /// When the disk refuses, or the image has 4 GiB or more, or there are more images than were announced.
    pub fn image(&mut self, bytes: &[u8]) -> io::Result<()> {
        let too_much = |what: &str| Error::new(ErrorKind::InvalidInput, what.to_owned());
        if self.written >= self.total {
            return Err(too_much("more images than two for each pair"));
        }
        self.before(self.written, self.total)?;
        match u8::try_from(bytes.len()) {
            Ok(len) => self.out.write_all(&[b'C', len])?,
            Err(_) => {
                let len = u32::try_from(bytes.len()).map_err(|_| too_much("an image of 4 GiB or more"))?;
                self.out.write_all(b"B")?;
                self.out.write_all(&len.to_le_bytes())?;
            }
        }
        self.out.write_all(bytes)?;
        self.remember()?;
        self.written += 1;
        self.after(self.written, self.total)
    }

    /// Adds the truths, one for each pair, and ends.
    ///
    /// # Errors
    /// When the disk refuses, or not every image has been added.
    pub fn finish(mut self, same: &[bool]) -> io::Result<W> {
        if self.written != self.total || 2 * same.len() != self.total {
            return Err(Error::new(ErrorKind::InvalidInput, "images or truths are missing"));
        }
        self.out.write_all(b"]")?;
        self.remember()?;
        for (index, same) in same.iter().enumerate() {
            self.before(index, self.total / 2)?;
            self.out.write_all(&[if *same { 0x88 } else { 0x89 }])?;
            self.after(index + 1, self.total / 2)?;
        }
        self.out.write_all(&[0x86])?;
        self.remember()?;
        self.out.write_all(b".")?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn before(&mut self, index: usize, total: usize) -> io::Result<()> {
        if total > 1 && index.is_multiple_of(BATCH) { self.out.write_all(b"(") } else { Ok(()) }
    }

    fn after(&mut self, done: usize, total: usize) -> io::Result<()> {
        match total {
            1 => self.out.write_all(b"a"),
            _ if done == total || done.is_multiple_of(BATCH) => self.out.write_all(b"e"),
            _ => Ok(()),
        }
    }

    /// CPython keeps every object in mind, in case it comes again.
    fn remember(&mut self) -> io::Result<()> {
        match u8::try_from(self.remembered) {
            Ok(number) => self.out.write_all(&[b'q', number])?,
            Err(_) => {
                self.out.write_all(b"r")?;
                self.out.write_all(&self.remembered.to_le_bytes())?;
            }
        }
        self.remembered += 1;
        Ok(())
    }
}
