//! Images inside larger files: read by position when they are wanted, never unpacked into a folder.

use super::DataError;
use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Error, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Most bytes of one encoded image: an uncompressed one of the largest size that is decoded still fits.
pub(super) const MAX_IMAGE_BYTES: u64 = 1 << 30;

/// A file that holds many images.
pub(super) trait Pack: Debug + Send + Sync {
    /// The encoded image at an address that this pack gave out.
    ///
    /// # Errors
    /// When the file is gone or says something else by now.
    fn bytes(&self, at: u64) -> Result<Vec<u8>, DataError>;

    /// Its name for people.
    fn name(&self, at: u64) -> String;
}

/// An open file that several threads read at once, each at its own place.
#[derive(Debug)]
pub(super) struct PackFile {
    file: File,
    len: u64,
    path: PathBuf,
}

impl PackFile {
    /// Opens a file.
    ///
    /// # Errors
    /// When it is gone, refused, or no file.
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let io = |source| DataError::reading(path, source);
        // Asked before opening: opening a pipe would wait for ever.
        if !std::fs::metadata(path).map_err(io)?.is_file() {
            return Err(io(Error::new(ErrorKind::InvalidInput, "not a file")));
        }
        Self::of(File::open(path).map_err(io)?, path)
    }

    /// A file that is open already; `path` is only for messages.
    ///
    /// # Errors
    /// When its length cannot be told.
    pub(super) fn of(file: File, path: &Path) -> Result<Self, DataError> {
        let len = file.metadata().map_err(|source| DataError::reading(path, source))?.len();
        Ok(Self { file, len, path: path.to_owned() })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The last part of the path, for names of images.
    pub(super) fn file_name(&self) -> String {
        super::path_text(Path::new(self.path.file_name().unwrap_or_default()))
    }

    /// `N` bytes from `at`.
    ///
    /// # Errors
    /// `UnexpectedEof` when they are not all there.
    pub(super) fn array<const N: usize>(&self, at: u64) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.slice(at, N as u64)?.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// `len` bytes from `at`; memory is asked for only when the file is that long.
    ///
    /// # Errors
    /// `UnexpectedEof` when they are not all there, `InvalidData` when they are more than [`MAX_IMAGE_BYTES`].
    pub(super) fn bytes(&self, at: u64, len: u64) -> io::Result<Vec<u8>> {
        let mut slice = self.slice(at, len)?;
        if len > MAX_IMAGE_BYTES {
            let words = format!("{len} bytes for one image; at most {MAX_IMAGE_BYTES} are read");
            return Err(Error::new(ErrorKind::InvalidData, words));
        }
        let mut bytes = vec![0; len as usize];
        slice.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// A part of the file as a reader of its own.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file is shorter.
    pub(super) fn slice(&self, start: u64, len: u64) -> io::Result<Slice<'_>> {
        match start.checked_add(len) {
            Some(end) if end <= self.len => Ok(Slice { file: &self.file, start, len, at: 0 }),
            _ => Err(ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// A part of a file, from 0 to its own end.
#[derive(Debug)]
pub(super) struct Slice<'a> {
    file: &'a File,
    start: u64,
    len: u64,
    at: u64,
}

impl Read for Slice<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(self.len.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(rest);
        let Some(place) = buffer.get_mut(..wanted).filter(|place| !place.is_empty()) else { return Ok(0) };
        let read = read_at(self.file, place, self.start + self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Slice<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
        };
        self.at = at.ok_or(ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_ends_where_it_should_and_seeks_within_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, b"0123456789").unwrap();
        let file = PackFile::open(&path).unwrap();
        let mut text = String::new();
        let mut slice = file.slice(2, 5).unwrap();
        slice.read_to_string(&mut text).unwrap();
        assert_eq!(text, "23456");
        slice.seek(SeekFrom::End(-2)).unwrap();
        text.clear();
        slice.read_to_string(&mut text).unwrap();
        assert_eq!(text, "56");
        assert!(slice.seek(SeekFrom::Current(-9)).is_err());
        slice.seek(SeekFrom::Start(99)).unwrap();
        assert_eq!(slice.read(&mut [0; 4]).unwrap(), 0);
    }

    #[test]
    fn what_is_not_in_the_file_is_refused_before_memory_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, b"0123456789").unwrap();
        let file = PackFile::open(&path).unwrap();
        assert_eq!(file.bytes(8, u64::MAX).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert_eq!(file.bytes(8, 3).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert_eq!(&file.array::<2>(8).unwrap(), b"89");
        assert!(PackFile::open(folder.path()).is_err());
    }
}
