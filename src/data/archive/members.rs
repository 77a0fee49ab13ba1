//! What an archive holds: names made harmless, and where the bytes are.

use crate::data::endings::format_of_extension;
use crate::data::layout::is_hidden;
use crate::data::scan::MAX_FILES;
use crate::data::{DataError, WarningKind, Warnings};
use std::collections::HashMap;
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

/// Another name of a member, as a tar writes a file that it holds already (a hard link). Both names are as they are written.
pub(super) struct Link {
    pub(super) name: Vec<u8>,
    pub(super) target: Vec<u8>,
    /// How many members stand before it.
    pub(super) before: usize,
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

    /// Adds the members that are other names of those there are, unless one of that name stands behind them: of members with
    /// one name the last counts.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn add_links(
        &mut self,
        links: Vec<Link>,
        path: &Path,
        warnings: &mut Warnings,
    ) -> Result<(), DataError> {
        if links.is_empty() {
            return Ok(());
        }
        let names = links.iter().flat_map(|link| [&link.name, &link.target]);
        let mut last: HashMap<String, Option<(usize, Member)>> =
            names.filter_map(|name| harmless(name)).map(|name| (name, None)).collect();
        for (number, member) in self.0.iter().enumerate() {
            if let Some(place) = last.get_mut(&*member.name) {
                *place = Some((number, member.clone()));
            }
        }
        let last_of = |name: &[u8]| harmless(name).and_then(|name| last.get(&name)?.clone());
        for Link { name, target, before } in links {
            if last_of(&name).is_some_and(|(number, _)| number >= before) {
                continue;
            }
            match last_of(&target) {
                Some((_, member)) => self.add(&name, member, path, warnings)?,
                None => Self::leave_out(&name, "it is a link to a file that is not in the archive", warnings),
            }
        }
        Ok(())
    }

    /// Of members with one name keeps the last, as unpacking does: `tar -r` puts a newer file behind the older.
    pub(super) fn keep_last(&mut self) {
        let last: HashMap<&str, usize> =
            self.0.iter().enumerate().map(|(number, member)| (&*member.name, number)).collect();
        if last.len() == self.0.len() {
            return;
        }
        let is_last = |(number, member): (usize, &Member)| last.get(&*member.name) == Some(&number);
        let mut kept: std::vec::IntoIter<bool> =
            self.0.iter().enumerate().map(is_last).collect::<Vec<bool>>().into_iter();
        self.0.retain(|_| kept.next().unwrap_or(true));
    }

    /// Tells of a link that is not followed, where it may be an image or a class.
    pub(super) fn leave_out(name: &[u8], why: &str, warnings: &mut Warnings) {
        let name = harmless(name).unwrap_or_else(|| shown(name).chars().take(200).collect());
        let is_hidden = name.split('/').any(|part| is_hidden(part.as_ref()));
        let may_be_one = format_of_extension(Path::new(&name)).is_some() || Path::new(&name).extension().is_none();
        if may_be_one && !is_hidden {
            warnings.push(WarningKind::Unreadable, name, why);
        }
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
