//! The file as the machine reads it: forwards, small things at once, large things passed over.

use super::value::{Blob, Coding};
use crate::data::DataError;
use crate::data::packed::{MAX_IMAGE_BYTES, PackFile, Slice};
use std::io::{BufRead as _, BufReader, Read as _};

/// Longest line that is read rather than passed over: a name or a number.
const MAX_LINE: usize = 256;

pub(super) struct Input<'a> {
    reader: BufReader<Slice<'a>>,
    file: &'a PackFile,
    at: u64,
}

pub(super) fn bad(file: &PackFile, offset: u64, message: impl Into<String>) -> DataError {
    DataError::Form { form: "verification file", offset, message: message.into(), path: file.path().to_owned() }
}

impl<'a> Input<'a> {
    pub(super) fn new(file: &'a PackFile) -> Result<Self, DataError> {
        let slice = file.slice(0, file.len()).map_err(|source| DataError::reading(file.path(), source))?;
        Ok(Self { reader: BufReader::with_capacity(1 << 16, slice), file, at: 0 })
    }

    /// Where the next byte is.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    pub(super) fn bad(&self, message: impl Into<String>) -> DataError {
        bad(self.file, self.at, message)
    }

    fn failed(&self, error: std::io::Error) -> DataError {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => self.bad("the end is missing"),
            _ => DataError::reading(self.file.path(), error),
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], DataError> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(|error| self.failed(error))?;
        self.at += N as u64;
        Ok(bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8, DataError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, DataError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, DataError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Passes over `len` bytes and remembers where they are.
    pub(super) fn blob(&mut self, len: u64, coding: Coding) -> Result<Blob, DataError> {
        let start = self.at;
        let fits = len <= MAX_IMAGE_BYTES && len <= self.file.len().saturating_sub(start);
        let Some(len) = u32::try_from(len).ok().filter(|_| fits) else {
            let message = format!("{len} bytes are promised, the file has {} in all", self.file.len());
            return Err(self.bad(message));
        };
        self.reader.seek_relative(i64::from(len)).map_err(|error| self.failed(error))?;
        self.at += u64::from(len);
        Ok(Blob { start, len, coding })
    }

    /// Passes over a line of any length, without its end.
    pub(super) fn line_blob(&mut self, coding: Coding) -> Result<Blob, DataError> {
        let start = self.at;
        loop {
            let buffer = self.reader.fill_buf();
            let (used, ended) = match buffer {
                Ok([]) => return Err(self.bad("a line has no end")),
                Ok(bytes) => match bytes.iter().position(|&byte| byte == b'\n') {
                    Some(end) => (end + 1, true),
                    None => (bytes.len(), false),
                },
                Err(error) => return Err(self.failed(error)),
            };
            self.reader.consume(used);
            self.at += used as u64;
            let len = self.at - start;
            if ended {
                let len = u32::try_from(len - 1).ok().filter(|&len| u64::from(len) <= MAX_IMAGE_BYTES);
                return Ok(Blob { start, len: len.ok_or_else(|| self.bad("a line is too long"))?, coding });
            }
        }
    }

    /// A short line of text.
    pub(super) fn line(&mut self) -> Result<String, DataError> {
        let mut text = Vec::new();
        loop {
            match self.u8()? {
                b'\n' => break,
                byte if text.len() < MAX_LINE => text.push(byte),
                _ => return Err(self.bad(format!("a name or number has more than {MAX_LINE} letters"))),
            }
        }
        Ok(String::from_utf8_lossy(&text).trim_end_matches('\r').to_owned())
    }
}
