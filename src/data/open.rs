//! A path to a [`Catalog`]: which layout it is, then the classes, the images, the warnings and the fingerprint.

use super::layout::{self, Kind};
use super::scan::{self, ClassFolder, Found, Watch};
use super::{Catalog, DataError, Item, Layout, Location, Part, Progress, WarningKind, Warnings};
use super::{duplicates, header, idx, path_text};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A class this many times larger than another is worth a word.
const IMBALANCE: u32 = 20;

/// See [`Catalog::open`].
pub(super) fn open(path: &Path, watch: &Watch) -> Result<Catalog, DataError> {
    let meta = std::fs::metadata(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => DataError::Missing(path.to_owned()),
        _ => DataError::Io { verb: "read", path: path.to_owned(), source },
    })?;
    if meta.is_dir() {
        let mut warnings = Warnings::default();
        let layout = layout::recognise(path, &mut warnings)?;
        match layout.kind {
            Kind::Idx(file) => open_idx(&file, watch),
            kind => open_folder(layout.root, &kind, watch, warnings),
        }
    } else if meta.is_file() && idx::is_idx(path) {
        open_idx(path, watch)
    } else {
        Err(DataError::NotADataSet { found: describe_file(path, meta.is_file()), path: path.to_owned() })
    }
}

fn describe_file(path: &Path, is_file: bool) -> String {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        _ if !is_file => "neither a folder nor a file".to_owned(),
        "zip" | "tar" | "gz" | "tgz" | "7z" | "rar" => "an archive; unpack it and open the folder".to_owned(),
        _ if header::read_header(path).is_ok() => "a single image; open the folder above its class folder".to_owned(),
        _ => "a file of another kind".to_owned(),
    }
}

fn class_folders(root: &Path, kind: &Kind) -> Result<Vec<ClassFolder>, DataError> {
    let below = |folder: &OsString, part| {
        let full = root.join(folder);
        let listing = layout::list(&full).map_err(|source| DataError::Io { verb: "list", path: full, source })?;
        let classes = listing.folders.into_iter();
        let class_folder = |class| ClassFolder { folder: Path::new(folder).join(&class), class, part };
        Ok(classes.map(class_folder).collect::<Vec<_>>())
    };
    Ok(match kind {
        Kind::Identity(classes) => classes
            .iter()
            .map(|class| ClassFolder { class: class.clone(), folder: PathBuf::from(class), part: Part::All })
            .collect(),
        Kind::Parts { train, held_out } => {
            let mut folders = below(train, Part::Train)?;
            folders.extend(below(held_out, Part::HeldOut)?);
            folders
        }
        Kind::Idx(_) => Vec::new(),
    })
}

fn open_folder(root: PathBuf, kind: &Kind, watch: &Watch, mut warnings: Warnings) -> Result<Catalog, DataError> {
    let folders = class_folders(&root, kind)?;
    let found = scan::scan(&root, &folders, watch, &mut warnings)?;
    let layout = kind.layout();
    let loose = loose_images(&root);
    if found.is_empty() {
        return Err(DataError::NoImages { found: explain_nothing(folders.len(), loose, &warnings), path: root });
    }
    if loose > 0 {
        warnings.push(WarningKind::LooseImage, path_text(&root), format!("{loose} images"));
    }
    let used: BTreeSet<&OsString> =
        found.iter().filter_map(|image| folders.get(image.folder)).map(|folder| &folder.class).collect();
    let index_of: BTreeMap<&OsString, u32> = used.iter().copied().zip(0..).collect();
    let class_of: Vec<u32> =
        folders.iter().map(|folder| index_of.get(&folder.class).copied().unwrap_or(u32::MAX)).collect();
    for folder in folders.iter().filter(|folder| !index_of.contains_key(&folder.class)) {
        warnings.push(WarningKind::EmptyClass, path_text(&folder.folder), "");
    }
    duplicates::find(&root, &found, &class_of, watch, &mut warnings)?;
    let classes: Vec<String> = used.iter().map(|name| path_text(Path::new(name))).collect();
    let fingerprint = fingerprint(&classes, &found);
    let mut items: Vec<Item> = found.into_iter().filter_map(|image| item(image, &folders, &class_of)).collect();
    items.sort_by(|a, b| (a.class, a.part).cmp(&(b.class, b.part)).then_with(|| path_of(a).cmp(path_of(b))));
    let mut catalog = Catalog { root, layout, classes, items, warnings, fingerprint, idx: Vec::new() };
    warn_of_classes(&mut catalog);
    Ok(catalog)
}

fn item(image: Found, folders: &[ClassFolder], class_of: &[u32]) -> Option<Item> {
    let header = image.header;
    Some(Item {
        class: *class_of.get(image.folder)?,
        part: folders.get(image.folder)?.part,
        location: Location::File(image.path),
        width: header.width,
        height: header.height,
        grey: header.grey,
    })
}

fn path_of(item: &Item) -> &[u8] {
    match &item.location {
        Location::File(path) => path.as_os_str().as_encoded_bytes(),
        Location::Idx { .. } => &[],
    }
}

/// Images directly in the root.
fn loose_images(root: &Path) -> usize {
    let listing = layout::list(root).map(|listing| listing.files).unwrap_or_default();
    listing.iter().filter(|name| header::format_of_extension(Path::new(name)).is_some()).count()
}

fn explain_nothing(folders: usize, loose: usize, warnings: &Warnings) -> String {
    let problems: Vec<String> = warnings.groups().into_iter().map(|group| group.headline).collect();
    let mut text = match (folders, loose) {
        (0, 0) => " in this folder, which has no sub-folders".to_owned(),
        (0, n) => format!("; {n} images lie directly in the folder, but no class is known for them"),
        (folders, _) => format!(" in its {folders} sub-folders"),
    };
    if !problems.is_empty() {
        text.extend([" (", &problems.join(", "), ")"]);
    }
    text
}

/// Independent of the machine's path separator and of the order of listing.
fn fingerprint(classes: &[String], found: &[Found]) -> String {
    let mut lines: Vec<String> =
        found.iter().map(|image| format!("{}\t{}", path_text(&image.path), image.bytes)).collect();
    lines.sort_unstable();
    hex_digest(classes.iter().chain(&lines).map(String::as_bytes))
}

fn hex_digest<'a>(parts: impl Iterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    format!("{:x}", hash.finalize())
}

fn warn_of_classes(catalog: &mut Catalog) {
    let counts = catalog.class_counts();
    let mut by_lower: BTreeMap<String, &String> = BTreeMap::new();
    for (name, &count) in catalog.classes.iter().zip(&counts) {
        if count == 1 {
            catalog.warnings.push(WarningKind::TinyClass, name, "");
        }
        match by_lower.get(&name.to_lowercase()) {
            Some(other) => catalog.warnings.push(WarningKind::DuplicateName, name, format!("beside {other}")),
            None => {
                by_lower.insert(name.to_lowercase(), name);
            }
        }
    }
    let largest = counts.iter().copied().max().unwrap_or(0);
    let smallest = counts.iter().copied().filter(|&count| count > 0).min().unwrap_or(0);
    if largest > smallest.max(2).saturating_mul(IMBALANCE) {
        let detail = format!("the largest has {largest} images, the smallest {smallest}");
        catalog.warnings.push(WarningKind::Imbalance, "", detail);
    }
}

fn open_idx(file: &Path, watch: &Watch) -> Result<Catalog, DataError> {
    let files = idx::find_siblings(file)?;
    let total = 1 + u64::from(files.held_out.is_some());
    let mut parts = Vec::new();
    for (pair, done) in [Some(&files.first), files.held_out.as_ref()].into_iter().flatten().zip(1..) {
        watch.check()?;
        parts.push(Arc::new(idx::read_images(&pair.images, &pair.labels)?));
        (watch.progress)(Progress { done, total });
    }
    let labels: BTreeSet<u8> = parts.iter().flat_map(|part| part.labels.iter().copied()).collect();
    let class_of: BTreeMap<u8, u32> = labels.iter().copied().zip(0..).collect();
    let mut items = Vec::new();
    for ((number, images), part) in (0..).zip(&parts).zip([Part::Train, Part::HeldOut]) {
        let part = if parts.len() == 1 { Part::All } else { part };
        items.extend(images.labels.iter().zip(0..).map(|(label, index)| Item {
            class: class_of.get(label).copied().unwrap_or(0),
            part,
            location: Location::Idx { part: number, index },
            width: images.width,
            height: images.height,
            grey: true,
        }));
    }
    let hashed = parts.iter().flat_map(|part| [part.name.as_bytes(), &part.labels[..], &part.data[..]]);
    let mut catalog = Catalog {
        root: file.parent().map(Path::to_owned).unwrap_or_default(),
        layout: Layout::Idx,
        classes: labels.iter().map(ToString::to_string).collect(),
        items,
        warnings: Warnings::default(),
        fingerprint: hex_digest(hashed),
        idx: parts,
    };
    warn_of_classes(&mut catalog);
    Ok(catalog)
}
