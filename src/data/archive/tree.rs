//! Which layout the names in an archive make: the same rules as for folders (`layout.rs`), on names alone.

use super::members::Members;
use crate::data::endings::{are_of_torch, format_of_extension};
use crate::data::idx::is_images_name;
use crate::data::layout::{HELD_OUT, MAX_WRAPPERS, TRAIN};
use crate::data::scan::ClassFolder;
use crate::data::{DataError, Layout, Part, WarningKind, Warnings};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A file in a class folder.
pub(super) struct File {
    /// Index into the class folders.
    pub(super) folder: usize,
    pub(super) member: u32,
    /// Relative to the recognised root.
    pub(super) path: PathBuf,
}

/// Classes and their files.
pub(super) struct Tree {
    pub(super) layout: Layout,
    pub(super) folders: Vec<ClassFolder>,
    pub(super) files: Vec<File>,
    /// Images outside of class folders.
    pub(super) loose: usize,
}

/// What lies directly in a folder of the archive: folders (true when they hold folders), and names of files.
struct Level<'a> {
    folders: BTreeMap<&'a str, bool>,
    files: BTreeSet<&'a str>,
}

impl<'a> Level<'a> {
    fn of(members: &'a Members, prefix: &str) -> Self {
        let mut level = Self { folders: BTreeMap::new(), files: BTreeSet::new() };
        for name in members.0.iter().filter_map(|member| member.name.strip_prefix(prefix)) {
            match name.split_once('/') {
                Some((folder, rest)) => *level.folders.entry(folder).or_default() |= rest.contains('/'),
                None => {
                    level.files.insert(name);
                }
            }
        }
        level
    }

    fn named(&self, wanted: &[&str]) -> Option<&'a str> {
        let with_classes = |name: &str| {
            self.folders
                .iter()
                .find(|(folder, deep)| **deep && folder.eq_ignore_ascii_case(name))
                .map(|(folder, _)| *folder)
        };
        wanted.iter().find_map(|name| with_classes(name))
    }

    fn has_images(&self) -> bool {
        self.files.iter().any(|name| format_of_extension(Path::new(name)).is_some())
    }
}

/// A file of a data set that is not made of image files, in an archive without any.
fn other_data(members: &Members) -> Option<&str> {
    let names = || members.0.iter().map(|member| &*member.name);
    let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let is_other = |name: &&str| is_images_name(&last(name)) || last(name).ends_with(".rec");
    let has_images = names().any(|name| format_of_extension(Path::new(name)).is_some());
    if has_images { None } else { names().find(is_other) }
}

/// Recognises the layout and sorts the members into classes.
///
/// # Errors
/// When it holds files of another kind of data set, or is no data set but what torch.save writes, which is a zip as well.
pub(super) fn recognise(members: &Members, path: &Path, warnings: &mut Warnings) -> Result<Tree, DataError> {
    if let Some(name) = other_data(members) {
        let found = format!("an archive of {name} and the like; unpack it and open the folder");
        return Err(DataError::NotADataSet { found, path: path.to_owned() });
    }
    if are_of_torch(members.0.iter().map(|member| &*member.name)) {
        let found = "the weights of a network, as PyTorch packs them; `import` makes a run of them".to_owned();
        return Err(DataError::NotADataSet { found, path: path.to_owned() });
    }
    let mut prefix = String::new();
    for wrapper in 0..=MAX_WRAPPERS {
        let level = Level::of(members, &prefix);
        if let (Some(train), Some(held_out)) = (level.named(&TRAIN), level.named(&HELD_OUT)) {
            for other in level.folders.keys().filter(|name| **name != train && **name != held_out) {
                warnings.push(WarningKind::IgnoredFolder, *other, format!("beside {train} and {held_out}"));
            }
            let layout = Layout::TrainAndHeldOut { held_out_name: held_out.to_owned() };
            let parts = [(format!("{train}/"), Part::Train), (format!("{held_out}/"), Part::HeldOut)];
            return Ok(sorted(members, &prefix, &parts, layout, warnings));
        }
        let mut inner = level.folders.iter();
        match (inner.next(), inner.next()) {
            (Some((only, true)), None) if wrapper < MAX_WRAPPERS && !level.has_images() => {
                prefix.extend([only, "/"]);
            }
            _ => break,
        }
    }
    Ok(sorted(members, &prefix, &[(String::new(), Part::All)], Layout::IdentityFolder, warnings))
}

fn sorted(members: &Members, prefix: &str, parts: &[(String, Part)], layout: Layout, warnings: &mut Warnings) -> Tree {
    let mut tree = Tree { layout, folders: Vec::new(), files: Vec::new(), loose: 0 };
    let mut number_of: BTreeMap<(&str, Part), usize> = BTreeMap::new();
    let mut nested: BTreeSet<usize> = BTreeSet::new();
    for (member, number) in members.0.iter().zip(0..) {
        let Some(name) = member.name.strip_prefix(prefix) else { continue };
        let is_image = || format_of_extension(Path::new(name)).is_some();
        let inside = parts.iter().find_map(|(start, part)| Some((name.strip_prefix(start.as_str())?, start, *part)));
        let Some((class, rest, start, part)) =
            inside.and_then(|(name, start, part)| name.split_once('/').map(|(class, rest)| (class, rest, start, part)))
        else {
            // Below a third folder beside train and validation it is the folder that has been named.
            tree.loose += usize::from((!name.contains('/') || inside.is_some()) && is_image());
            continue;
        };
        let folder = *number_of.entry((class, part)).or_insert_with(|| {
            let folder = PathBuf::from(format!("{start}{class}"));
            tree.folders.push(ClassFolder { class: OsString::from(class), folder, part });
            tree.folders.len() - 1
        });
        if rest.contains('/') && is_image() {
            nested.insert(folder);
        }
        tree.files.push(File { folder, member: number, path: PathBuf::from(name) });
    }
    for folder in nested.into_iter().filter_map(|number| tree.folders.get(number)) {
        warnings.push(WarningKind::NestedFolder, crate::data::path_text(&folder.folder), "");
    }
    tree
}
