//! The directory of a zip. Only the directory: members are read by `pack.rs`.

use super::members::{Member, Members, Packing};
use crate::data::scan::Watch;
use crate::data::{DataError, WarningKind, Warnings, path_text};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use zip::{CompressionMethod, ZipArchive};

/// Members listed between two questions whether to stop.
const CHECK_EVERY: usize = 1024;

/// Lists the files of a zip.
///
/// # Errors
/// When its directory cannot be read.
pub(super) fn list(
    path: &Path,
    members: &mut Members,
    watch: &Watch,
    warnings: &mut Warnings,
) -> Result<(), DataError> {
    let broken = |error: &zip::result::ZipError| DataError::Refused {
        reason: format!("the zip archive cannot be read ({error}); was it copied to the end?"),
        path: path.to_owned(),
    };
    let file = File::open(path).map_err(|source| DataError::reading(path, source))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| broken(&error))?;
    for number in 0..archive.len() {
        if number % CHECK_EVERY == 0 {
            watch.check()?;
        }
        let file = archive.by_index_raw(number).map_err(|error| broken(&error))?;
        if file.is_dir() {
            continue;
        }
        if file.is_symlink() {
            Members::leave_out(file.name().as_bytes(), "links are not followed in an archive", warnings);
            continue;
        }
        let packing = match file.compression() {
            _ if file.encrypted() => Err("it is protected by a password".to_owned()),
            CompressionMethod::Stored => Ok(Packing::Stored),
            CompressionMethod::Deflated => Ok(Packing::Deflated { crc: file.crc32() }),
            other => Err(format!("it is packed with {other}, which is not read here; pack it anew with deflate")),
        };
        let (packing, start) = match (packing, file.data_start()) {
            (Ok(packing), Some(start)) => (packing, start),
            (Err(reason), _) => {
                warnings.push(WarningKind::Unreadable, path_text(Path::new(file.name())), reason);
                continue;
            }
            (_, None) => continue,
        };
        let member = Member {
            name: Box::default(),
            start,
            packed: file.compressed_size(),
            len: if packing == Packing::Stored { file.compressed_size() } else { file.size() },
            packing,
        };
        members.add(file.name().as_bytes(), member, path, warnings)?;
    }
    Ok(())
}
