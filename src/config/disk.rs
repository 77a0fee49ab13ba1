//! Files on the disk: those of others are read within bounds, ours are written in one move, so that a kill never leaves half
//! of one.

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _, Write as _};
use std::path::Path;
use tempfile::NamedTempFile;

/// Begins the name of every file that [`temporary`] makes.
pub const TEMPORARY_PREFIX: &str = ".tmp";

/// The folder that a file lies in: of a bare name it is `.`, whereas [`Path::parent`] gives a path that nothing has.
pub fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The bytes of a file that should be small. No more than `max_bytes` and one are ever read, even of a file that grows
/// meanwhile, and memory is asked for only as they come.
///
/// # Errors
/// The system's reason; [`ErrorKind::InvalidInput`] for what is no file, [`ErrorKind::FileTooLarge`] for a larger one.
pub fn read_at_most(path: &Path, max_bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_file(path)?.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes {
        return Err(Error::new(ErrorKind::FileTooLarge, format!("more than {}", size_text(max_bytes))));
    }
    Ok(bytes)
}

/// Opens what is a file, to be read.
///
/// # Errors
/// The system's reason; [`ErrorKind::InvalidInput`] for what is no file.
pub fn open_file(path: &Path) -> std::io::Result<File> {
    // Asked before opening: opening a pipe would wait for ever.
    if !std::fs::metadata(path)?.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "not a file"));
    }
    File::open(path)
}

/// As [`read_at_most`], of a text.
///
/// # Errors
/// As [`read_at_most`]; [`ErrorKind::InvalidData`] for what is not UTF-8.
pub fn read_text_at_most(path: &Path, max_bytes: u64) -> std::io::Result<String> {
    let bytes = read_at_most(path, max_bytes)?;
    String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::InvalidData, "not UTF-8"))
}

/// `64 MiB`, `4096 bytes`.
fn size_text(bytes: u64) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{bytes} bytes") }
}

/// Writes `bytes` under a temporary name beside `path`, flushes them to the disk and renames.
///
/// # Errors
/// The system's reason; the old file is then still in place.
pub fn atomic_write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    whole(path, bytes)?.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// As [`atomic_write`], but a file that is there already, or appears meanwhile, stays.
///
/// # Errors
/// The system's reason; [`ErrorKind::AlreadyExists`] when a file of this name is there.
pub fn atomic_write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    whole(path, bytes)?.persist_noclobber(path).map_err(|error| error.error)?;
    Ok(())
}

/// A temporary file with all of `bytes` on the disk, beside `path`.
fn whole(path: &Path, bytes: &[u8]) -> std::io::Result<NamedTempFile> {
    let mut file = temporary(folder_of(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// A file under a name of its own, to be renamed when it is whole. Such files are private by default; these are for other
/// programs and people too, as the system's mask allows.
///
/// # Errors
/// The system's reason.
pub fn temporary(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.prefix(TEMPORARY_PREFIX).tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_is_read_whole_and_a_larger_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, b"0123456789").unwrap();
        assert_eq!(read_at_most(&path, 10).unwrap(), b"0123456789");
        let error = read_at_most(&path, 9).unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::FileTooLarge, "more than 9 bytes".to_owned()));
        let huge = File::create(&path).unwrap();
        huge.set_len((3 << 20) + 1).unwrap();
        assert_eq!(read_at_most(&path, 3 << 20).unwrap_err().to_string(), "more than 3 MiB");
        assert_eq!(read_at_most(folder.path(), 9).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(read_at_most(&folder.path().join("y"), 9).unwrap_err().kind(), ErrorKind::NotFound);
        std::fs::write(&path, b"\xFF\xFE").unwrap();
        assert_eq!(read_text_at_most(&path, 9).unwrap_err().kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn a_new_file_leaves_one_that_is_there_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        atomic_write_new(&path, b"first").unwrap();
        assert_eq!(atomic_write_new(&path, b"second").unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        atomic_write(&path, b"third").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"third");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_bare_name_lies_in_the_folder_one_is_in() {
        let of = |path: &'static str| folder_of(Path::new(path));
        assert_eq!([of("pairs.txt"), of("a/pairs.txt"), of("/")], [".", "a", "."].map(Path::new));
    }
}
