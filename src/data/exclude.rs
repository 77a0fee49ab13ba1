//! Images that a person wants left out: a small text file beside the data set that names them. The images themselves,
//! and every other file of the data set, are never touched.
//!
//! ```toml
//! version = 1
//! images = ["anna/3.png", "bert/12.png"]
//! ```
//!
//! A folder has `arclens-exclude.toml` inside, a file (IDX, RecordIO, archive, list) has `<file>.arclens-exclude.toml`
//! beside it. Images of folders, archives and lists go by their names, so the file stays true when images come or go.
//! Those of IDX and RecordIO are numbered, so the file also names the fingerprint of the data (`data`), and is set aside
//! when that changed. It is read like any hostile file, and a broken one costs a warning, not the data set.

use super::open::{hex_digest, warn_of_classes};
use super::{Catalog, DataError, Layout, WarningKind, duplicates, path_text};
use crate::config::atomic_write;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name of the file in a folder, and end of its name beside a file.
pub const EXCLUDE_FILE: &str = "arclens-exclude.toml";
/// Longest file read: a million names.
const MAX_BYTES: u64 = 64 << 20;
const VERSION: u32 = 1;
const HEADER: &str = "\
# Images that ArcLens leaves out of this data set. The images themselves are untouched.
# Delete a line to use an image again, or the file to use all of them.
";

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExcludeFile {
    version: u32,
    /// Fingerprint of numbered data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    images: Vec<String>,
}

impl Catalog {
    /// Where the list of excluded images lies, or would lie.
    pub fn exclude_path(&self) -> PathBuf {
        if self.beside == self.base && !matches!(self.layout, Layout::Archive { .. }) {
            return self.beside.join(EXCLUDE_FILE);
        }
        let mut name = self.beside.file_name().unwrap_or_default().to_owned();
        name.push(".");
        name.push(EXCLUDE_FILE);
        self.beside.with_file_name(name)
    }

    /// The data set with every image, excluded ones too.
    pub fn whole(self: &Arc<Self>) -> Arc<Self> {
        self.whole.clone().unwrap_or_else(|| Arc::clone(self))
    }

    /// Positions of the excluded images in [`Self::whole`], sorted.
    pub fn excluded(&self) -> &[u32] {
        &self.excluded
    }

    /// This data set, or its whole, whichever has the fingerprint: a run goes on being measured on the images it was
    /// trained with after some of them were excluded.
    pub fn with_fingerprint(self: &Arc<Self>, fingerprint: &str) -> Option<Arc<Self>> {
        [Arc::clone(self), self.whole()].into_iter().find(|catalog| catalog.fingerprint == fingerprint)
    }

    /// The data set without some images (positions in this one, which has nothing excluded itself; repeats are ignored).
    /// Classes of which nothing is left go too, and the fingerprint says what is missing.
    ///
    /// # Errors
    /// When nothing would be left.
    pub fn without(self: &Arc<Self>, excluded: &[u32]) -> Result<Self, DataError> {
        without(self, excluded)
    }

    /// Images of IDX and RecordIO files are told apart by numbers only.
    fn is_numbered(&self) -> bool {
        matches!(self.layout, Layout::Idx | Layout::Records)
    }

    /// How the file names every image. A list may name one file twice, under one label or several.
    fn keys(&self) -> impl Iterator<Item = String> {
        let mut repeats: BTreeMap<String, u32> = BTreeMap::new();
        let is_list = self.layout == Layout::List;
        (0..self.items.len()).map(move |item| {
            if !is_list {
                return self.name(item);
            }
            let key = format!("{} as {}", self.name(item), self.class_name(item));
            let count = repeats.entry(key.clone()).or_default();
            *count += 1;
            if *count == 1 { key } else { format!("{key} ({count})") }
        })
    }
}

/// Leaves out what the file beside the data set names; without a file, the data set as it is.
///
/// # Errors
/// When nothing would be left.
pub(super) fn apply(mut whole: Catalog) -> Result<Catalog, DataError> {
    let path = whole.exclude_path();
    let file_name = path_text(Path::new(path.file_name().unwrap_or_default()));
    let file = match read(&path) {
        Ok(None) => return Ok(whole),
        Ok(Some(file)) => file,
        Err(error) => {
            whole.warnings.push(WarningKind::BadExclusions, file_name, error.to_string());
            return Ok(whole);
        }
    };
    if whole.is_numbered() && file.data.as_deref() != Some(&whole.fingerprint) {
        let detail = "it was made for other data under this name, and is not used".to_owned();
        whole.warnings.push(WarningKind::BadExclusions, file_name, detail);
        return Ok(whole);
    }
    let (excluded, unknown) = find(&whole, &file.images);
    unknown.iter().for_each(|name| whole.warnings.push(WarningKind::UnknownExclusion, *name, ""));
    if excluded.is_empty() { Ok(whole) } else { without(&Arc::new(whole), &excluded) }
}

/// Positions of the named images, sorted, and the names that no image has.
fn find<'a>(whole: &Catalog, names: &'a [String]) -> (Vec<u32>, BTreeSet<&'a str>) {
    let wanted: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let mut unknown = wanted.clone();
    let mut excluded = Vec::new();
    for (item, key) in (0..).zip(whole.keys()) {
        if wanted.contains(key.as_str()) {
            excluded.push(item);
            unknown.remove(key.as_str());
        }
    }
    (excluded, unknown)
}

/// See [`Catalog::without`].
fn without(whole: &Arc<Catalog>, excluded: &[u32]) -> Result<Catalog, DataError> {
    let gone: BTreeSet<u32> = excluded.iter().copied().filter(|item| (*item as usize) < whole.items.len()).collect();
    if gone.len() == whole.items.len() {
        let reason = "every image of this data set would be excluded; keep some, or open another".to_owned();
        return Err(DataError::Refused { reason, path: whole.exclude_path() });
    }
    let keys: Vec<String> =
        (0..).zip(whole.keys()).filter(|(item, _)| gone.contains(item)).map(|(_, key)| key).collect();
    let names: BTreeSet<String> = gone.iter().map(|item| whole.name(*item as usize)).collect();
    let mut items = Vec::with_capacity(whole.items.len() - gone.len());
    items.extend((0..).zip(&whole.items).filter(|(item, _)| !gone.contains(item)).map(|(_, item)| item.clone()));
    let used: BTreeSet<u32> = items.iter().map(|item| item.class).collect();
    let number_of: BTreeMap<u32, u32> = used.iter().copied().zip(0..).collect();
    items.iter_mut().for_each(|item| item.class = number_of.get(&item.class).copied().unwrap_or(0));
    let about_classes = [WarningKind::TinyClass, WarningKind::Imbalance, WarningKind::DuplicateName];
    let mut warnings = whole.warnings.without(|warning| {
        about_classes.contains(&warning.kind)
            || names.contains(&warning.path)
            || duplicates::is_settled(warning, &names)
    });
    keys.iter().for_each(|key| warnings.push(WarningKind::Excluded, key.as_str(), ""));
    let fingerprint = if gone.is_empty() {
        whole.fingerprint.clone()
    } else {
        hex_digest([whole.fingerprint.as_str(), "without"].into_iter().chain(keys.iter().map(String::as_str)))
    };
    let mut catalog = Catalog {
        root: whole.root.clone(),
        layout: whole.layout.clone(),
        classes: used.iter().filter_map(|class| whole.classes.get(*class as usize)).cloned().collect(),
        items,
        warnings,
        fingerprint,
        base: whole.base.clone(),
        beside: whole.beside.clone(),
        idx: whole.idx.clone(),
        packs: whole.packs.clone(),
        excluded: gone.into_iter().collect(),
        whole: Some(Arc::clone(whole)),
    };
    warn_of_classes(&mut catalog);
    Ok(catalog)
}

/// Writes which images are excluded (positions in `whole`), in one move; removes the file when there are none. Names that
/// no image has at present are kept: their images may come back.
///
/// # Errors
/// When the disk refuses, or when the present file cannot be understood: it is not written over.
pub fn write_exclusions(whole: &Catalog, excluded: &[u32]) -> Result<(), DataError> {
    let path = whole.exclude_path();
    let before = read(&path)?.unwrap_or_default();
    let gone: BTreeSet<u32> = excluded.iter().copied().collect();
    let mut images: Vec<String> =
        (0..).zip(whole.keys()).filter(|(item, _)| gone.contains(item)).map(|(_, key)| key).collect();
    if !whole.is_numbered() {
        images.extend(find(whole, &before.images).1.into_iter().map(str::to_owned));
    }
    let io = |verb| move |source| DataError::Io { verb, path: path.clone(), source };
    if images.is_empty() {
        return match std::fs::remove_file(whole.exclude_path()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(io("remove")(error)),
            _ => Ok(()),
        };
    }
    let data = whole.is_numbered().then(|| whole.fingerprint.clone());
    let file = ExcludeFile { version: VERSION, data, images };
    let text = toml::to_string_pretty(&file).map_err(Error::other).map_err(io.clone()("write"))?;
    atomic_write(&whole.exclude_path(), format!("{HEADER}{text}").as_bytes()).map_err(io("write"))
}

/// The file, `None` when there is none.
fn read(path: &Path) -> Result<Option<ExcludeFile>, DataError> {
    let refused = |reason: String| DataError::Refused { reason, path: path.to_owned() };
    let text = match read_text(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(format!("the list of excluded images cannot be read ({error})"))),
        Ok(text) => text,
    };
    let file: ExcludeFile = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().lines().count().max(1));
        let words = error.message();
        refused(format!("the list of excluded images is not valid (line {line}: {words}); repair or delete it"))
    })?;
    if file.version != VERSION {
        let version = file.version;
        return Err(refused(format!(
            "the list of excluded images has version {version}; this program knows {VERSION}"
        )));
    }
    Ok(Some(file))
}

fn read_text(path: &Path) -> std::io::Result<String> {
    // Asked before opening: opening a pipe would wait for ever.
    if !std::fs::metadata(path)?.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "not a file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Error::new(ErrorKind::InvalidData, format!("more than {} MiB", MAX_BYTES >> 20)));
    }
    String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::InvalidData, "not UTF-8"))
}

#[cfg(test)]
mod tests;
