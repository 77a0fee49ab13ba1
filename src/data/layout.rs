//! Which layout a folder has: looks only at names of sub-folders, never at images.
//!
//! A wrapper folder that an archive leaves behind ("set/set/…") is stepped through.

use super::recordio::RecFiles;
use super::{DataError, Layout, WarningKind, Warnings, path_text};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Names of the part to train on, in order of preference.
pub(super) const TRAIN: [&str; 2] = ["train", "training"];
/// Names of the part to hold out, in order of preference.
pub(super) const HELD_OUT: [&str; 8] = ["val", "valid", "validation", "dev", "test", "testing", "eval", "heldout"];
/// Wrapper folders stepped through.
pub(super) const MAX_WRAPPERS: usize = 3;

/// A folder and what it is.
pub(super) struct FolderLayout {
    pub(super) root: PathBuf,
    pub(super) kind: Kind,
}

/// Where the class folders are.
pub(super) enum Kind {
    /// Directly in the root.
    Identity(Vec<OsString>),
    /// Below two folders.
    Parts { train: OsString, held_out: OsString },
    /// No classes, but MNIST-style files.
    Idx(PathBuf),
    /// No classes, but RecordIO files.
    Records(RecFiles),
}

impl Kind {
    pub(super) fn layout(&self) -> Layout {
        match self {
            Self::Identity(_) => Layout::IdentityFolder,
            Self::Parts { held_out, .. } => Layout::TrainAndHeldOut { held_out_name: path_text(Path::new(held_out)) },
            Self::Idx(_) => Layout::Idx,
            Self::Records(_) => Layout::Records,
        }
    }
}

/// What lies directly in a folder, sorted; hidden entries and the traces of operating systems left out.
pub(super) struct Listing {
    pub(super) folders: Vec<OsString>,
    pub(super) files: Vec<OsString>,
    /// Links that lead nowhere or in a circle.
    pub(super) broken: Vec<OsString>,
}

/// Lists a folder.
///
/// # Errors
/// When the system refuses.
pub(super) fn list(folder: &Path) -> std::io::Result<Listing> {
    let mut listing = Listing { folders: Vec::new(), files: Vec::new(), broken: Vec::new() };
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if is_hidden(&name) {
            continue;
        }
        // Follows links, which `DirEntry::file_type` does not.
        match std::fs::metadata(entry.path()) {
            Ok(meta) if meta.is_dir() => listing.folders.push(name),
            // Pipes and devices are neither: opening one could wait for ever.
            Ok(meta) if meta.is_file() => listing.files.push(name),
            Ok(_) => {}
            Err(_) => listing.broken.push(name),
        }
    }
    listing.folders.sort_unstable();
    listing.files.sort_unstable();
    listing.broken.sort_unstable();
    Ok(listing)
}

/// What operating systems and network drives leave among the data; the last two hold smaller copies of the images beside them.
const TRACES: [&str; 8] = [
    "__MACOSX",
    "desktop.ini",
    "$RECYCLE.BIN",
    "System Volume Information",
    "lost+found",
    "#recycle",
    "Thumbs.db",
    "@eaDir",
];

/// Entries that are none of the data: hidden ones and [`TRACES`].
pub(super) fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".") || TRACES.iter().any(|trace| name.eq_ignore_ascii_case(trace))
}

/// Recognises a folder.
///
/// # Errors
/// When it cannot be listed, or holds IDX files of several data sets.
pub(super) fn recognise(path: &Path, warnings: &mut Warnings) -> Result<FolderLayout, DataError> {
    let mut root = path.to_owned();
    for wrapper in 0..=MAX_WRAPPERS {
        let listing = list_or_error(&root)?;
        if let Some(kind) = idx_files(&root, &listing)? {
            return Ok(FolderLayout { root, kind });
        }
        if let Some(files) = rec_files(&root, &listing)? {
            return Ok(FolderLayout { root, kind: Kind::Records(files) });
        }
        if let Some(kind) = parts(&root, &listing, warnings) {
            return Ok(FolderLayout { root, kind });
        }
        match sole_wrapper(&root, &listing) {
            Some(inner) if wrapper < MAX_WRAPPERS => root = inner,
            _ => {
                warn_broken(&listing, warnings);
                return Ok(FolderLayout { root, kind: Kind::Identity(listing.folders) });
            }
        }
    }
    Ok(FolderLayout { root, kind: Kind::Identity(Vec::new()) })
}

/// Opening `folder` opens what lies in `root`: it is the same folder, or one around it that is stepped through.
pub fn leads_to(folder: &Path, root: &Path) -> bool {
    let Ok(root) = root.canonicalize() else { return false };
    let is_root = |path: &Path| path.canonicalize().is_ok_and(|path| path == root);
    let reached = || recognise(folder, &mut Warnings::default()).ok().map(|found| found.root);
    is_root(folder) || reached().is_some_and(|reached| is_root(&reached))
}

fn list_or_error(folder: &Path) -> Result<Listing, DataError> {
    list(folder).map_err(|source| DataError::Io { verb: "list", path: folder.to_owned(), source })
}

fn warn_broken(listing: &Listing, warnings: &mut Warnings) {
    for name in &listing.broken {
        warnings.push(WarningKind::SymlinkLoop, path_text(Path::new(name)), "");
    }
}

fn idx_files(root: &Path, listing: &Listing) -> Result<Option<Kind>, DataError> {
    let images: Vec<&str> =
        listing.files.iter().filter_map(|n| n.to_str()).filter(|n| super::idx::is_images_name(n)).collect();
    let Some(first) = images.first() else { return Ok(None) };
    let chosen = images.iter().find(|name| name.contains("train")).unwrap_or(first);
    let files = super::idx::find_siblings(&root.join(chosen))?;
    // The same file may lie there packed and unpacked.
    let plain = |name: &str| name.strip_suffix(".gz").unwrap_or(name).to_owned();
    let used: Vec<String> = [Some(&files.first), files.held_out.as_ref()]
        .into_iter()
        .flatten()
        .filter_map(|pair| pair.images.file_name()?.to_str().map(plain))
        .collect();
    if let Some(other) = images.iter().find(|name| !used.contains(&plain(name))) {
        return Err(DataError::NotADataSet {
            found: format!("IDX files of several data sets ({chosen}, {other}); open one of the files instead"),
            path: root.to_owned(),
        });
    }
    Ok(Some(Kind::Idx(root.join(chosen))))
}

/// `train.rec` with or without another part, or the only `.rec` there is.
fn rec_files(root: &Path, listing: &Listing) -> Result<Option<RecFiles>, DataError> {
    let files: Vec<&OsString> = listing.files.iter().filter(|name| is_rec_name(name)).collect();
    let named = |wanted: &[&str]| {
        let is = |file: &&&OsString, name: &str| {
            Path::new(file)
                .file_stem()
                .and_then(|stem| stem.to_str())
                .is_some_and(|stem| stem.eq_ignore_ascii_case(name))
        };
        wanted.iter().find_map(|name| files.iter().find(|file| is(file, name))).map(|file| root.join(file))
    };
    match (named(&TRAIN), files.as_slice()) {
        (_, []) => Ok(None),
        (Some(first), _) => Ok(Some(RecFiles { first, held_out: named(&HELD_OUT) })),
        (None, [only]) => Ok(Some(RecFiles { first: root.join(only), held_out: None })),
        (None, [one, other, ..]) => {
            let names = format!("{}, {}", path_text(Path::new(one)), path_text(Path::new(other)));
            let found = format!("several RecordIO files ({names}); open one of the files instead");
            Err(DataError::NotADataSet { found, path: root.to_owned() })
        }
    }
}

fn is_rec_name(name: &OsString) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("rec"))
}

fn parts(root: &Path, listing: &Listing, warnings: &mut Warnings) -> Option<Kind> {
    let named = |wanted: &str| {
        let is = |name: &&OsString| name.to_str().is_some_and(|name| name.eq_ignore_ascii_case(wanted));
        let name = listing.folders.iter().find(is)?;
        list(&root.join(name)).is_ok_and(|inner| !inner.folders.is_empty()).then(|| name.clone())
    };
    let train = TRAIN.iter().find_map(|name| named(name))?;
    let held_out = HELD_OUT.iter().find_map(|name| named(name))?;
    for name in listing.folders.iter().filter(|name| **name != train && **name != held_out) {
        let detail = format!("beside {} and {}", path_text(Path::new(&train)), path_text(Path::new(&held_out)));
        warnings.push(WarningKind::IgnoredFolder, path_text(Path::new(name)), detail);
    }
    warn_broken(listing, warnings);
    Some(Kind::Parts { train, held_out })
}

/// The folder to step into: the only one, or `train` beside held-out folders without classes; no images lie beside it.
fn sole_wrapper(root: &Path, listing: &Listing) -> Option<PathBuf> {
    if listing.files.iter().any(is_image_name) {
        return None;
    }
    let inner = match listing.folders.as_slice() {
        [only] => only,
        several => {
            let train = several.iter().find(|name| is_one_of(name, &TRAIN))?;
            let is_flat = |name: &OsString| list(&root.join(name)).is_ok_and(|inner| inner.folders.is_empty());
            let mut others = several.iter().filter(|name| *name != train);
            others.all(|name| is_one_of(name, &HELD_OUT) && is_flat(name)).then_some(train)?
        }
    };
    Some(root.join(inner)).filter(|inner| holds_data_set(inner))
}

fn holds_data_set(folder: &Path) -> bool {
    list(folder).is_ok_and(|inner| {
        let has_idx = inner.files.iter().any(|name| name.to_str().is_some_and(super::idx::is_images_name));
        let has_records = inner.files.iter().any(is_rec_name);
        let has_classes = !inner.folders.is_empty() && !inner.files.iter().any(is_image_name);
        has_idx || has_records || has_classes
    })
}

fn is_one_of(name: &OsString, names: &[&str]) -> bool {
    name.to_str().is_some_and(|name| names.contains(&name.to_ascii_lowercase().as_str()))
}

fn is_image_name(name: &OsString) -> bool {
    super::endings::format_of_extension(Path::new(name)).is_some()
}
