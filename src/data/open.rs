//! A path to a [`Catalog`]: which layout it is, then the classes, the images, the warnings and the fingerprint.

use super::assemble::{Gathered, assemble};
use super::exclude::{EXCLUDE_FILE, Exclusions};
use super::idx::{IdxImages, Lying};
use super::layout::{self, Kind};
use super::scan::{self, ClassFolder, Watch};
use super::{Catalog, DataError, Item, Layout, Location, Mode, Part, Progress, WarningKind, Warnings};
use super::{VerificationSet, archive, class_sizes, endings, header, idx, lists, pair_list, path_text, recordio};
use crate::config::counted;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// See [`Catalog::open`].
pub(super) fn open(path: &Path, watch: &Watch) -> Result<Catalog, DataError> {
    let meta = std::fs::metadata(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound if path.is_symlink() => {
            let reason = "this is a link that leads nowhere; is a drive disconnected?".to_owned();
            DataError::Refused { reason, path: path.to_owned() }
        }
        ErrorKind::NotFound => DataError::Missing(path.to_owned()),
        _ => DataError::Io { verb: "read", path: path.to_owned(), source },
    })?;
    if meta.is_dir() {
        let mut warnings = Warnings::default();
        let layout = layout::recognise(path, &mut warnings)?;
        match layout.kind {
            Kind::Idx(file) => open_idx(&file, &layout.root, watch),
            Kind::Records(files) => recordio::open(&files, &layout.root, watch),
            kind => open_folder(layout.root, &kind, watch, warnings),
        }
    } else if meta.is_file() {
        open_file(path, meta.len(), watch)
    } else {
        Err(DataError::NotADataSet { found: "neither a folder nor a file".to_owned(), path: path.to_owned() })
    }
}

fn open_file(path: &Path, bytes: u64, watch: &Watch) -> Result<Catalog, DataError> {
    // What may not be read would be taken for a file of another kind.
    File::open(path).map_err(|source| DataError::Io { verb: "read", path: path.to_owned(), source })?;
    if bytes == 0 {
        let found = "an empty file (0 bytes); was it copied to the end?".to_owned();
        return Err(DataError::NotADataSet { found, path: path.to_owned() });
    }
    if idx::is_idx(path) {
        open_idx(path, path, watch)
    } else if let Some(rec) = recordio::rec_of(path).or_else(|| recordio::is_rec(path).then(|| path.to_owned())) {
        recordio::open(&recordio::RecFiles { first: rec, held_out: None }, path, watch)
    } else if let Some(form) = archive::form_of(path) {
        archive::open(path, form, watch)
    } else if lists::is_list_name(path) && pair_list(path).is_none() {
        lists::open(path, watch)
    } else {
        Err(DataError::NotADataSet { found: describe_file(path), path: path.to_owned() })
    }
}

/// What a file is that is no data set: first what its content says, then what its name promises.
fn describe_file(path: &Path) -> String {
    if VerificationSet::is_one(path) {
        return "a verification set; it is measured on, in Evaluate or with `evaluate RUN --bin`".to_owned();
    }
    if pair_list(path).is_some() {
        return "a list of pairs; it is measured on, in Evaluate or with `evaluate RUN --pairs`".to_owned();
    }
    match header::read_header(path) {
        Ok(_) => return "a single image; open the folder above its class folder".to_owned(),
        Err(DataError::Image { problem, .. }) if endings::format_of_extension(path).is_some() => {
            return format!("a single image that cannot be used ({problem})");
        }
        Err(_) => {}
    }
    by_name(path).to_owned()
}

fn by_name(path: &Path) -> &'static str {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let ends_with = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if idx::is_images_name(&name) || idx::is_labels_name(&name) {
        "a file that is named like MNIST's IDX files, but does not begin as one; is it damaged?"
    } else if ends_with(&[".idx"]) {
        "an index without the .rec file of its name; put both into one folder"
    } else if ends_with(&[".zip", ".tar", ".tar.gz", ".tgz"]) {
        "a file that is named like an archive, but does not begin as one; is it damaged?"
    } else if ends_with(&[".gz", ".7z", ".rar", ".xz", ".bz2", ".zst"]) {
        "an archive or packed file of another kind than zip, tar and tar.gz; unpack it and open the folder"
    } else if endings::ends_with(path, &[endings::SET_ENDING]) {
        "a file that is named like a verification set, but does not begin as one"
    } else if name.ends_with(EXCLUDE_FILE) {
        "the list of what is left out of a data set; open that, which lies beside it"
    } else if ends_with(&[".npy"]) {
        "an array of numbers; embeddings that `embed` wrote are laid out by `map`"
    } else if endings::is_unsupported_image(path) {
        "a single image in a format that is not read here; convert it to JPEG or PNG"
    } else {
        "a file of another kind"
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
        Kind::Idx(_) | Kind::Records(_) => Vec::new(),
    })
}

fn open_folder(root: PathBuf, kind: &Kind, watch: &Watch, mut warnings: Warnings) -> Result<Catalog, DataError> {
    let folders = class_folders(&root, kind)?;
    let exclusions = Exclusions::inside(&root);
    let found = scan::scan(&root, &folders, &exclusions, watch, &mut warnings)?;
    let layout = kind.layout();
    let files = layout::list(&root).map(|listing| listing.files).unwrap_or_default();
    let loose = files.iter().filter(|name| endings::format_of_extension(Path::new(name)).is_some()).count();
    if found.is_empty() {
        let mut what = explain_nothing("folder", folders.len(), loose, &warnings);
        if folders.is_empty() && loose == 0 {
            what += &others_in_words(&files);
        }
        let nothing = DataError::NoImages { found: what, path: root };
        return Err(exclusions.refusal(&warnings).unwrap_or(nothing));
    }
    if loose > 0 {
        warnings.push(WarningKind::LooseImage, path_text(&root), counted(loose, "image"));
    }
    let base = root.clone();
    assemble(Gathered { root, base, layout, folders: &folders, found, pack: None, exclusions }, watch, warnings)
}

/// Why nothing was found in a `place` ("folder", "archive") with so many class folders and images outside of them.
pub(super) fn explain_nothing(place: &str, folders: usize, loose: usize, warnings: &Warnings) -> String {
    let problems: Vec<String> = warnings.groups().into_iter().map(|group| group.headline).collect();
    let mut text = match (folders, loose) {
        (0, 0) => format!(" in this {place}, which has no sub-folders"),
        (0, 1) => format!("; 1 image lies directly in the {place}, but no class is known for it"),
        (0, n) => format!("; {n} images lie directly in the {place}, but no class is known for them"),
        (1, _) => " in its sub-folder".to_owned(),
        (folders, _) => format!(" in its {folders} sub-folders"),
    };
    if !problems.is_empty() {
        text.extend([" (", &problems.join(", "), ")"]);
    }
    text
}

/// What lies in a folder without classes and images, because one of it may be what was meant.
fn others_in_words(files: &[OsString]) -> String {
    const NAMED: usize = 5;
    let names: Vec<String> = files.iter().take(NAMED).map(|name| path_text(Path::new(name))).collect();
    match files.len().saturating_sub(NAMED) {
        _ if files.is_empty() => "; it holds no files either".to_owned(),
        0 => format!("; it holds {}", names.join(", ")),
        1 => format!("; it holds {} and 1 more file", names.join(", ")),
        more => format!("; it holds {} and {more} more files", names.join(", ")),
    }
}

/// SHA-256 over parts, each with its length.
pub(super) fn hex_digest(parts: impl Iterator<Item = impl AsRef<[u8]>>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        let part = part.as_ref();
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    format!("{:x}", hash.finalize())
}

/// What is odd about the classes: tiny ones, very different sizes, names alike.
pub(super) fn warn_of_classes(catalog: &mut Catalog) {
    let counts = catalog.class_counts();
    let mut by_lower: BTreeMap<String, &String> = BTreeMap::new();
    for class in class_sizes::tiny(&counts) {
        let name = catalog.classes.get(class as usize).map_or("", String::as_str);
        catalog.warnings.push(WarningKind::TinyClass, name, "");
    }
    for name in &catalog.classes {
        match by_lower.get(&name.to_lowercase()) {
            Some(other) => catalog.warnings.push(WarningKind::DuplicateName, name, format!("beside {other}")),
            None => {
                by_lower.insert(name.to_lowercase(), name);
            }
        }
    }
    if let Some((smallest, largest)) = class_sizes::imbalance(&counts) {
        let detail = format!("the largest has {largest} images, the smallest {smallest}");
        catalog.warnings.push(WarningKind::Imbalance, "", detail);
    }
}

/// `root` is what was opened: one of the files, or their folder.
fn open_idx(file: &Path, root: &Path, watch: &Watch) -> Result<Catalog, DataError> {
    let files = idx::find_siblings(file)?;
    let total = 1 + u64::from(files.held_out.is_some());
    let mut parts = Vec::new();
    for (pair, done) in [Some(&files.first), files.held_out.as_ref()].into_iter().flatten().zip(1..) {
        watch.check()?;
        parts.push(idx::read_images(&pair.images, &pair.labels)?);
        (watch.progress)(Progress { done, total });
    }
    idx::turn_upright(&mut parts, &files);
    let parts: Vec<Arc<IdxImages>> = parts.into_iter().map(Arc::new).collect();
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
            mode: Mode::GREY,
        }));
    }
    let hashed = parts.iter().flat_map(|part| [part.name.as_bytes(), &part.labels[..], &part.data[..]]);
    // Other images than the same files gave before renamed ones were known. Those that are known by name always were.
    let by_size = parts.iter().filter(|part| matches!(part.lying, Some(Lying::BySize(_))));
    let hashed = hashed.chain(by_size.map(|_| b"turned upright".as_slice()));
    let fingerprint = hex_digest(hashed);
    let mut warnings = Warnings::default();
    for part in &parts {
        let Some(lying) = part.lying else { continue };
        warnings.push(WarningKind::Turned, part.name.as_str(), lying.to_string());
    }
    let mut catalog = Catalog {
        base: file.parent().map(Path::to_owned).unwrap_or_default(),
        beside: files.first.images.clone(),
        root: root.to_owned(),
        layout: Layout::Idx,
        classes: labels.iter().map(ToString::to_string).collect(),
        items,
        warnings,
        fingerprint,
        earlier_fingerprint: None,
        idx: parts,
        packs: Vec::new(),
        excluded: Vec::new(),
        whole: None,
        verification_sets: Vec::new(),
    };
    warn_of_classes(&mut catalog);
    Exclusions::beside(&catalog.beside).apply(catalog)
}

#[cfg(test)]
mod tests;
