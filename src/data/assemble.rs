//! Found images to a [`Catalog`]: what layouts of named images have in common once everything has been looked at.

use super::exclude::Exclusions;
use super::open::{hex_digest, warn_of_classes};
use super::packed::Pack;
use super::scan::{ClassFolder, Found, Watch};
use super::{Catalog, DataError, Item, Layout, Location, WarningKind, Warnings, duplicates, path_text};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Images with the classes they belong to.
pub(super) struct Gathered<'a> {
    /// What opens it again.
    pub(super) root: PathBuf,
    /// Where the paths of files start.
    pub(super) base: PathBuf,
    pub(super) layout: Layout,
    pub(super) folders: &'a [ClassFolder],
    /// At least one.
    pub(super) found: Vec<Found>,
    /// The file they lie in; `None` when they are files of their own.
    pub(super) pack: Option<Arc<dyn Pack>>,
    pub(super) exclusions: Exclusions,
}

/// Numbers the classes, looks for copies, sorts, takes the fingerprint, and leaves out what is excluded.
///
/// # Errors
/// When cancelled, or when no image would be left.
pub(super) fn assemble(gathered: Gathered, watch: &Watch, mut warnings: Warnings) -> Result<Catalog, DataError> {
    let Gathered { root, base, layout, folders, mut found, pack, exclusions } = gathered;
    let used: BTreeSet<&OsString> =
        found.iter().filter_map(|image| folders.get(image.folder)).map(|folder| &folder.class).collect();
    let mut used: Vec<&OsString> = used.into_iter().collect();
    if layout == Layout::List {
        sort_numbers(&mut used);
    }
    let index_of: BTreeMap<&OsString, u32> = used.iter().copied().zip(0..).collect();
    let class_of: Vec<u32> =
        folders.iter().map(|folder| index_of.get(&folder.class).copied().unwrap_or(u32::MAX)).collect();
    for folder in folders.iter().filter(|folder| !index_of.contains_key(&folder.class)) {
        warnings.push(WarningKind::EmptyClass, path_text(&folder.folder), "");
    }
    duplicates::find(&base, pack.as_deref(), &found, &class_of, watch, &mut warnings)?;
    let classes: Vec<String> = used.iter().map(|name| path_text(Path::new(name))).collect();
    let fingerprint = fingerprint(&classes, &found);
    let place =
        |image: &Found| (class_of.get(image.folder).copied(), folders.get(image.folder).map(|folder| folder.part));
    found.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| name_of(a).cmp(name_of(b))));
    let items: Vec<Item> = found.into_iter().filter_map(|image| item(image, folders, &class_of)).collect();
    let packs = pack.into_iter().collect();
    let mut catalog = Catalog {
        beside: root.clone(),
        root,
        base,
        layout,
        classes,
        items,
        warnings,
        fingerprint,
        earlier_fingerprint: None,
        idx: Vec::new(),
        packs,
        excluded: Vec::new(),
        whole: None,
        verification_sets: Vec::new(),
    };
    warn_of_classes(&mut catalog);
    exclusions.apply(catalog)
}

fn name_of(image: &Found) -> &[u8] {
    image.path.as_os_str().as_encoded_bytes()
}

/// Classes that are all numbers stand in the order of the numbers.
fn sort_numbers(names: &mut [&OsString]) {
    let number = |name: &OsString| name.to_str().and_then(|name| name.parse::<u64>().ok());
    if names.iter().all(|name| number(name).is_some()) {
        names.sort_by_key(|name| number(name));
    }
}

fn item(image: Found, folders: &[ClassFolder], class_of: &[u32]) -> Option<Item> {
    let header = image.header;
    Some(Item {
        class: *class_of.get(image.folder)?,
        part: folders.get(image.folder)?.part,
        location: match image.member {
            Some(at) => Location::Packed { pack: 0, at },
            None => Location::File(image.path),
        },
        width: header.width,
        height: header.height,
        mode: header.mode,
    })
}

/// Independent of the machine's path separator and of the order of listing.
fn fingerprint(classes: &[String], found: &[Found]) -> String {
    let mut lines: Vec<String> =
        found.iter().map(|image| format!("{}\t{}", path_text(&image.path), image.bytes)).collect();
    lines.sort_unstable();
    hex_digest(classes.iter().chain(&lines).map(String::as_bytes))
}
