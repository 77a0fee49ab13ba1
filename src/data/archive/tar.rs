//! The members of a tar, plain or gzip'd. Long names are read here and not by the library, which would read one of any
//! length.

use super::members::{Link, MAX_NAME_BYTES, Member, Members, Packing};
use crate::data::packed::PackFile;
use crate::data::scan::{MAX_FILES, Watch};
use crate::data::{DataError, Warnings};
use flate2::read::MultiGzDecoder;
use std::borrow::Cow;
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
    let mut long = LongNames::default();
    let mut links = Vec::new();
    for (number, entry) in archive.entries_with_seek().map_err(broken)?.raw(true).enumerate() {
        if number % CHECK_EVERY == 0 {
            watch.check()?;
        }
        let mut entry = entry.map_err(broken)?;
        match entry.header().entry_type() {
            EntryType::GNULongName => long.own = Some(long_name(&mut entry).map_err(broken)?),
            EntryType::GNULongLink => long.target = Some(long_name(&mut entry).map_err(broken)?),
            EntryType::XHeader => long.read(&mut entry).map_err(broken)?,
            EntryType::Regular | EntryType::Continuous => {
                let own = std::mem::take(&mut long).own.unwrap_or_else(|| entry.path_bytes().into_owned());
                let (start, len) = (entry.raw_file_position(), entry.size());
                let member = Member { name: Box::default(), start, packed: len, len, packing: Packing::Stored };
                members.add(&own, member, path, warnings)?;
            }
            EntryType::Link => {
                let LongNames { own, target } = std::mem::take(&mut long);
                let name = own.unwrap_or_else(|| entry.path_bytes().into_owned());
                let own_target = || entry.link_name_bytes().map(Cow::into_owned).unwrap_or_default();
                let target = target.unwrap_or_else(own_target);
                if links.len() >= MAX_FILES {
                    return Err(DataError::TooMany { limit: MAX_FILES, path: path.to_owned() });
                }
                links.push(Link { name, target, before: members.0.len() });
            }
            EntryType::Symlink => {
                let name = std::mem::take(&mut long).own.unwrap_or_else(|| entry.path_bytes().into_owned());
                Members::leave_out(&name, "links are not followed in an archive", warnings);
            }
            EntryType::XGlobalHeader => {}
            // Devices, folders, sparse files.
            _ => long = LongNames::default(),
        }
    }
    members.add_links(links, path, warnings)?;
    members.keep_last();
    Ok(())
}

/// Names that do not fit into a header and stand before it.
#[derive(Default)]
struct LongNames {
    own: Option<Vec<u8>>,
    /// What a link leads to.
    target: Option<Vec<u8>>,
}

impl LongNames {
    /// Those of an extended header.
    fn read(&mut self, entry: &mut Entry<'_, impl Read>) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        entry.take(MAX_PAX_BYTES).read_to_end(&mut bytes)?;
        for extension in PaxExtensions::new(&bytes) {
            let extension = extension?;
            match extension.key_bytes() {
                b"path" => self.own = Some(extension.value_bytes().to_vec()),
                b"linkpath" => self.target = Some(extension.value_bytes().to_vec()),
                _ => {}
            }
        }
        Ok(())
    }
}

fn long_name(entry: &mut Entry<'_, impl Read>) -> std::io::Result<Vec<u8>> {
    let mut name = Vec::new();
    entry.take(MAX_NAME_BYTES as u64 + 2).read_to_end(&mut name)?;
    while name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::WarningKind;

    #[test]
    fn other_names_of_a_member_are_members_and_what_a_link_leaves_out_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.tar");
        let long = format!("a/{}.png", "x".repeat(120));
        let mut writer = ::tar::Builder::new(Vec::new());
        let mut add = |kind: EntryType, name: &str, content: &[u8], target: &str| {
            let mut header = Header::new_gnu();
            header.set_entry_type(kind);
            header.set_mode(0o644);
            header.set_size(content.len() as u64);
            if target.is_empty() {
                writer.append_data(&mut header, name, content).unwrap();
            } else {
                writer.append_link(&mut header, name, target).unwrap();
            }
        };
        add(EntryType::Regular, "a/1.png", b"older", "");
        add(EntryType::Link, "b/early.png", b"", "./a/1.png");
        add(EntryType::Link, "a/2.png", b"", "a/1.png");
        add(EntryType::Regular, "a/1.png", b"one", "");
        add(EntryType::Regular, "a/2.png", b"two", "");
        add(EntryType::Regular, &long, b"longer", "");
        add(EntryType::Link, "b/long.png", b"", &long);
        // Written once more, as a link to itself.
        add(EntryType::Link, "b/long.png", b"", &long);
        add(EntryType::Link, "a/1.png", b"", "a/1.png");
        add(EntryType::Link, "b/lost.png", b"", "a/gone.png");
        add(EntryType::Link, "b/.hidden.png", b"", "a/gone.png");
        add(EntryType::Link, "b/notes.txt", b"", "a/gone.txt");
        add(EntryType::Symlink, "c", b"", "a");
        std::fs::write(&path, writer.into_inner().unwrap()).unwrap();
        let (file, mut members, mut warnings) =
            (PackFile::open(&path).unwrap(), Members::default(), Warnings::default());
        let watch = Watch { progress: &|_| {}, cancelled: &|| false };
        list(&file, &mut members, &watch, &mut warnings).unwrap();
        let read = |member: &Member| (member.name.to_string(), file.bytes(member.start, member.len).unwrap());
        let expected: [(&str, &[u8]); 5] = [
            ("a/2.png", b"two"),
            (long.as_str(), b"longer"),
            ("b/early.png", b"one"),
            ("b/long.png", b"longer"),
            ("a/1.png", b"one"),
        ];
        let expected = expected.map(|(name, bytes)| (name.to_owned(), bytes.to_vec()));
        assert_eq!(members.0.iter().map(read).collect::<Vec<_>>(), expected);
        let told: Vec<&str> = warnings.stored().iter().map(|warning| warning.path.as_str()).collect();
        assert_eq!(told, ["c", "b/lost.png"]);
        assert_eq!(warnings.count(WarningKind::Unreadable), 2);
    }
}
