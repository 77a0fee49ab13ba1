//! The members of a tar, plain or gzip'd. Long names are read here and not by the library, which would read one of any
//! length.

use super::members::{MAX_NAME_BYTES, Member, Members, Packing};
use crate::data::packed::PackFile;
use crate::data::scan::Watch;
use crate::data::{DataError, Warnings};
use flate2::read::MultiGzDecoder;
use std::io::{BufReader, Read, Write as _};
use std::path::Path;
use tar::{Archive, Entry, EntryType, Header, PaxExtensions};

/// A header.
const BLOCK: usize = 512;
/// Members listed between two questions whether to stop.
const CHECK_EVERY: usize = 1024;
/// Most bytes of an extended header.
const MAX_PAX_BYTES: u64 = 64 << 10;
/// How much larger than its gzip a tar may be: images hardly shrink, drawings by ten, a bomb by a thousand.
const MAX_RATIO: u64 = 64;
/// What is granted to a small gzip beyond the ratio.
const SMALL_BYTES: u64 = 64 << 20;
/// Bytes unpacked between two questions whether to stop.
const PIECE: usize = 1 << 20;

/// Whether a block is the header of a tar's member: its checksum is right.
pub(super) fn begins(block: &[u8; BLOCK]) -> bool {
    let header = Header::from_byte_slice(block);
    let Ok(sum) = header.cksum() else { return false };
    let outside = |index: &usize| !(148..156).contains(index);
    let bytes = block.iter().enumerate().filter(|(index, _)| outside(index)).map(|(_, &byte)| u32::from(byte));
    sum == bytes.sum::<u32>() + 8 * u32::from(b' ') && block.first() != Some(&0)
}

/// Whether a gzip holds a tar.
pub(super) fn begins_packed(file: &PackFile) -> bool {
    let mut block = [0; BLOCK];
    let Ok(slice) = file.slice(0, file.len()) else { return false };
    MultiGzDecoder::new(slice).read_exact(&mut block).is_ok() && begins(&block)
}

/// Unpacks a tar.gz into a temporary file without a name, which is gone when the data set is closed.
///
/// # Errors
/// When it is broken, a bomb, or the disk is full.
pub(super) fn unpacked(path: &Path, watch: &Watch) -> Result<PackFile, DataError> {
    let packed = PackFile::open(path)?;
    let refused = |reason: String| DataError::Refused { reason, path: path.to_owned() };
    let most = packed.len().saturating_mul(MAX_RATIO).saturating_add(SMALL_BYTES);
    let slice = packed.slice(0, packed.len()).map_err(|source| DataError::reading(path, source))?;
    let mut stream = MultiGzDecoder::new(BufReader::with_capacity(PIECE, slice));
    let no_room = |error: std::io::Error| {
        refused(format!(
            "the archive cannot be unpacked into the temporary folder ({error}); make room or unpack it and open the folder"
        ))
    };
    let mut file = tempfile::tempfile().map_err(no_room)?;
    let (mut piece, mut written) = (vec![0; PIECE], 0_u64);
    loop {
        watch.check()?;
        let read =
            stream.read(&mut piece).map_err(|error| refused(format!("the archive cannot be unpacked ({error})")))?;
        if read == 0 {
            break;
        }
        written += read as u64;
        if written > most {
            let reason =
                format!("the archive of {} bytes unpacks to more than {most}, which no images do", packed.len());
            return Err(refused(reason));
        }
        file.write_all(piece.get(..read).unwrap_or_default()).map_err(no_room)?;
    }
    file.flush().map_err(no_room)?;
    PackFile::of(file, path)
}

/// Lists the files of a tar.
///
/// # Errors
/// When a header is broken.
pub(super) fn list(
    file: &PackFile,
    members: &mut Members,
    watch: &Watch,
    warnings: &mut Warnings,
) -> Result<(), DataError> {
    let path = file.path();
    let broken = |error: std::io::Error| DataError::Refused {
        reason: format!("the tar archive cannot be read ({error}); was it copied to the end?"),
        path: path.to_owned(),
    };
    let slice = file.slice(0, file.len()).map_err(broken)?;
    let mut archive = Archive::new(slice);
    let mut name: Option<Vec<u8>> = None;
    for (number, entry) in archive.entries_with_seek().map_err(broken)?.raw(true).enumerate() {
        if number % CHECK_EVERY == 0 {
            watch.check()?;
        }
        let mut entry = entry.map_err(broken)?;
        match entry.header().entry_type() {
            EntryType::GNULongName => name = Some(long_name(&mut entry).map_err(broken)?),
            EntryType::XHeader => name = pax_name(&mut entry).map_err(broken)?.or(name),
            EntryType::Regular | EntryType::Continuous => {
                let own = name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
                let (start, len) = (entry.raw_file_position(), entry.size());
                let member = Member { name: Box::default(), start, packed: len, len, packing: Packing::Stored };
                members.add(&own, member, path, warnings)?;
            }
            EntryType::XGlobalHeader => {}
            // Links, devices, folders, sparse files.
            _ => name = None,
        }
    }
    Ok(())
}

fn long_name(entry: &mut Entry<'_, impl Read>) -> std::io::Result<Vec<u8>> {
    let mut name = Vec::new();
    entry.take(MAX_NAME_BYTES as u64 + 2).read_to_end(&mut name)?;
    while name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

fn pax_name(entry: &mut Entry<'_, impl Read>) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    entry.take(MAX_PAX_BYTES).read_to_end(&mut bytes)?;
    let mut name = None;
    for extension in PaxExtensions::new(&bytes) {
        let extension = extension?;
        if extension.key_bytes() == b"path" {
            name = Some(extension.value_bytes().to_vec());
        }
    }
    Ok(name)
}
