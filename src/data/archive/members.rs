//! What an archive holds: names made harmless, and where the bytes are.

use crate::data::layout::is_hidden;
use crate::data::scan::MAX_FILES;
use crate::data::{DataError, WarningKind, Warnings};
use std::fmt::Write as _;
use std::path::Path;

/// Longest name kept; no file system allows one.
pub(super) const MAX_NAME_BYTES: usize = 4096;

/// How a member is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Stored,
    /// With the sum of the unpacked bytes.
    Deflated {
        crc: u32,
    },
}

/// A file in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Folders and name, with `/` between them; leads nowhere outside.
    pub(super) name: Box<str>,
    /// First byte in the archive.
    pub(super) start: u64,
    /// Bytes in the archive.
    pub(super) packed: u64,
    /// Bytes when unpacked.
    pub(super) len: u64,
    pub(super) packing: Packing,
}

/// All of them, in the order of the archive.
#[derive(Debug, Default)]
pub(super) struct Members(pub(super) Vec<Member>);

impl Members {
    /// Adds a member unless it is hidden; a name that leads out of the archive is a warning.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn add(
        &mut self,
        name: &[u8],
        member: Member,
        path: &Path,
        warnings: &mut Warnings,
    ) -> Result<(), DataError> {
        let Some(name) = harmless(name) else {
            let shown: String = shown(name).chars().take(200).collect();
            warnings.push(WarningKind::Unreadable, shown, "its name leads out of the archive");
            return Ok(());
        };
        if name.split('/').any(|part| is_hidden(part.as_ref())) {
            return Ok(());
        }
        if self.0.len() >= MAX_FILES {
            return Err(DataError::TooMany { limit: MAX_FILES, path: path.to_owned() });
        }
        self.0.push(Member { name: name.into_boxed_str(), ..member });
        Ok(())
    }
}

/// The name with `/` and without `.`; `None` when it is absolute, climbs, or is too long.
fn harmless(name: &[u8]) -> Option<String> {
    if name.len() > MAX_NAME_BYTES || name.contains(&0) {
        return None;
    }
    let name = shown(name).replace('\\', "/");
    let is_absolute = name.starts_with('/') || name.get(1..2) == Some(":");
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    (!is_absolute && !parts.is_empty() && !parts.contains(&"..")).then(|| parts.join("/"))
}

/// Bytes that are not Unicode as `\xNN` would be taken for folders, so they become `%NN`.
fn shown(name: &[u8]) -> String {
    let mut text = String::new();
    for chunk in name.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_harmless_or_refused() {
        for (name, expected) in [
            (b"a/b.png".as_slice(), Some("a/b.png")),
            (b"./a//b.png", Some("a/b.png")),
            (br"a\b.png", Some("a/b.png")),
            (b"a\xFF/b.png", Some("a%ff/b.png")),
            (b"/etc/passwd", None),
            (br"C:\x.png", None),
            (b"a/../../b.png", None),
            (br"..\b.png", None),
            (b"a\0/b.png", None),
            (b"", None),
            (b"./", None),
        ] {
            assert_eq!(harmless(name).as_deref(), expected, "{name:?}");
        }
        assert_eq!(harmless(&[b'x'; 5000]), None);
    }

    #[test]
    fn an_image_in_an_archive_takes_at_most_two_hundred_bytes() {
        // A name of the public sets, the allocator's own bytes, the member, its entry in the catalogue, its places in
        // the store and the split.
        let name = "lfw/train/Jean-Francois_Pontal/Jean-Francois_Pontal_0001.jpg".len() + 32;
        assert!(name + size_of::<Member>() + size_of::<crate::data::Item>() + 2 * size_of::<u32>() <= 200);
    }
}
