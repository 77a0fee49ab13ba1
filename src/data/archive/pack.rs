//! Members read where they lie; a deflated one is unpacked into memory, never beyond what it says it is.

use super::members::{Member, Members, Packing};
use crate::data::header::{Header, WINDOW, header_of};
use crate::data::packed::{MAX_IMAGE_BYTES, Pack, PackFile};
use crate::data::{DataError, ImageProblem};
use flate2::read::DeflateDecoder;
use std::io::{BufReader, Cursor, Error, ErrorKind, Read as _};
use std::path::Path;

/// What is unpacked of a member to see its header: cameras put up to 64 KiB of notes before it, and a preview.
const HEAD_BYTES: u64 = 128 << 10;

/// An open archive; addresses are the numbers of members.
#[derive(Debug)]
pub(super) struct ArchivePack {
    file: PackFile,
    members: Members,
}

impl ArchivePack {
    pub(super) fn new(file: PackFile, members: Members) -> Self {
        Self { file, members }
    }

    /// Bytes of a member when unpacked.
    pub(super) fn len_of(&self, member: u32) -> u64 {
        self.member(member.into()).map_or(0, |member| member.len)
    }

    /// Looks at the first bytes of a member.
    ///
    /// # Errors
    /// When they are no usable image.
    pub(super) fn header(&self, number: u32) -> Result<Header, DataError> {
        let member = self.member(number.into())?;
        let name = Path::new(&*member.name);
        match member.packing {
            Packing::Stored => {
                let slice = self.file.slice(member.start, member.packed).map_err(|error| fault(member, &error))?;
                header_of(BufReader::with_capacity(WINDOW, slice), name)
            }
            Packing::Deflated { .. } => {
                let head = self.inflate(member, HEAD_BYTES.min(member.len))?;
                match header_of(Cursor::new(head), name) {
                    Err(_) if member.len > HEAD_BYTES => {
                        header_of(Cursor::new(self.inflate(member, member.len)?), name)
                    }
                    header => header,
                }
            }
        }
    }

    fn member(&self, at: u64) -> Result<&Member, DataError> {
        let count = self.members.0.len();
        let item = usize::try_from(at).unwrap_or(usize::MAX);
        self.members.0.get(item).ok_or(DataError::NoSuchItem { item, count })
    }

    /// The first `len` unpacked bytes, all of which must be there.
    fn inflate(&self, member: &Member, len: u64) -> Result<Vec<u8>, DataError> {
        let bad = |error: &Error| fault(member, error);
        if len > MAX_IMAGE_BYTES {
            return Err(bad(&Error::new(ErrorKind::InvalidData, format!("{len} bytes when unpacked"))));
        }
        let slice = self.file.slice(member.start, member.packed).map_err(|error| bad(&error))?;
        let mut bytes = Vec::new();
        let decoder = DeflateDecoder::new(BufReader::with_capacity(WINDOW, slice));
        // Memory grows with the bytes that are really there; the length is only a claim.
        decoder.take(len).read_to_end(&mut bytes).map_err(|error| bad(&error))?;
        if (bytes.len() as u64) < len {
            return Err(bad(&ErrorKind::UnexpectedEof.into()));
        }
        Ok(bytes)
    }
}

impl Pack for ArchivePack {
    fn bytes(&self, at: u64) -> Result<Vec<u8>, DataError> {
        let member = self.member(at)?;
        let Packing::Deflated { crc } = member.packing else {
            return self.file.bytes(member.start, member.packed).map_err(|error| fault(member, &error));
        };
        let bytes = self.inflate(member, member.len)?;
        let mut sum = flate2::Crc::new();
        sum.update(&bytes);
        if sum.sum() != crc {
            let problem = ImageProblem::Broken("it is damaged: its checksum in the archive differs".to_owned());
            return Err(DataError::image(Path::new(&*member.name), problem));
        }
        Ok(bytes)
    }

    fn name(&self, at: u64) -> String {
        self.member(at).map(|member| member.name.to_string()).unwrap_or_default()
    }
}

fn fault(member: &Member, error: &Error) -> DataError {
    let problem = match error.kind() {
        ErrorKind::UnexpectedEof => ImageProblem::Truncated,
        _ => ImageProblem::Broken(error.to_string()),
    };
    DataError::image(Path::new(&*member.name), problem)
}
