//! Images that a person wants left out: a small text file beside the data set that names them. The images themselves,
//! and every other file of the data set, are never touched.
//!
//! ```toml
//! version = 2
//! images = ["anna/3.png", "bert/12.png"]
//! unreadable = ["bert/empty.png"]
//! ```
//!
//! `unreadable` names files that are no images as far as can be told: they are not tried when the data set is opened, and
//! not warned of. Positions of the whole data set stand for them too, after those of its images. A file without them has
//! version 1, which earlier programs read.
//!
//! A folder has `arclens-exclude.toml` inside, a file (IDX, RecordIO, archive, list) has `<file>.arclens-exclude.toml`
//! beside it. Images of folders, archives and lists go by their names, so the file stays true when images come or go.
//! Those of IDX and RecordIO are numbered, so the file also names the fingerprint of the data (`data`), and is set aside
//! when that changed; unreadable records are therefore looked at, but not warned of. A record goes by its part and the byte
//! where it begins, so that a `.rec` may get another name; the list beside it is renamed along. It is read like any hostile
//! file, and a broken one costs a warning, not the data set.

mod files;

pub use files::ExcludedFiles;

use super::earlier::{Earlier, fingerprint_without};
use super::layout::{HELD_OUT, TRAIN};
use super::open::warn_of_classes;
use super::{Catalog, DataError, Layout, Location, Warning, WarningKind, Warnings, duplicates, path_text};
use crate::config::{atomic_write, read_text_at_most};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name of the file in a folder, and end of its name beside a file.
pub const EXCLUDE_FILE: &str = "arclens-exclude.toml";
/// Longest file read, and written: a million names.
const MAX_BYTES: u64 = 64 << 20;
/// Of a file that names images only, and of one that names unreadable files too.
const VERSIONS: [u32; 2] = [1, 2];
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
    /// Files of which nothing could be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<String>,
}

/// What is left out of a data set, as the file beside it says; it is read once, when the data set is opened.
#[derive(Debug)]
pub(super) struct Exclusions {
    /// The file, whether it is there or not.
    path: PathBuf,
    /// Its unreadable files sorted; `None` without a file. What is wrong with it is said once the data set is open.
    file: Result<Option<ExcludeFile>, DataError>,
}

impl Exclusions {
    /// Of a folder, from the file inside.
    pub(super) fn inside(folder: &Path) -> Self {
        Self::at(folder.join(EXCLUDE_FILE))
    }

    /// Of a file that holds or lists images, from the file beside it.
    pub(super) fn beside(file: &Path) -> Self {
        Self::at(path_beside(file))
    }

    fn at(path: PathBuf) -> Self {
        let mut file = read(&path);
        if let Ok(Some(file)) = &mut file {
            file.unreadable.sort_unstable();
        }
        Self { path, file }
    }

    /// The warning that stands for a file which is not to be tried, being named as one of which nothing can be read. Without
    /// a list, or with one that cannot be used, every file is tried.
    pub(super) fn not_tried(&self, name: impl FnOnce() -> String) -> Option<Warning> {
        let Ok(Some(ExcludeFile { unreadable, .. })) = &self.file else { return None };
        if unreadable.is_empty() {
            return None;
        }
        let path = name();
        // Several names in other encodings may look alike then: each is tried, lest an image goes for another's sake.
        if path.contains(char::REPLACEMENT_CHARACTER) || unreadable.binary_search(&path).is_err() {
            return None;
        }
        let detail = "not tried, because it was excluded when the data set was opened".to_owned();
        Some(Warning { kind: WarningKind::NotTried, path, detail })
    }

    /// The error of a data set of which nothing is left, when there are files that were not tried.
    pub(super) fn refusal(&self, warnings: &Warnings) -> Option<DataError> {
        let count = warnings.count(WarningKind::NotTried);
        let others = warnings.groups().into_iter().filter(|group| group.kind != WarningKind::NotTried);
        let others: Vec<String> = others.map(|group| group.headline).collect();
        let besides = if others.is_empty() { String::new() } else { format!(" (besides, {})", others.join(", ")) };
        let files = if count == 1 { "1 file was".to_owned() } else { format!("{count} files were") };
        let reason = format!(
            "no image is left to use: {files} not tried, being named under \"unreadable\" in the list of excluded images; \
             remove the lines from it, or delete it, to have them tried again{besides}"
        );
        (count > 0).then(|| DataError::Refused { reason, path: self.path.clone() })
    }

    /// Leaves out what is named; without a file, the data set stays as it is.
    ///
    /// # Errors
    /// When no image would be left.
    pub(super) fn apply(self, mut whole: Catalog) -> Result<Catalog, DataError> {
        let file_name = path_text(Path::new(self.path.file_name().unwrap_or_default()));
        let file = match self.file {
            Ok(None) => return Ok(whole),
            Ok(Some(file)) => file,
            Err(error) => {
                whole.warnings.push(WarningKind::BadExclusions, file_name, error.to_string());
                return Ok(whole);
            }
        };
        let is_of_data = file.data.as_ref().is_some_and(|data| whole.has_fingerprint(data));
        if whole.is_numbered() && !is_of_data {
            let detail = "it was made for other data under this name, and is not used".to_owned();
            whole.warnings.push(WarningKind::BadExclusions, file_name, detail);
            return Ok(whole);
        }
        let (excluded, unknown) = find(&whole, &file);
        let unknown: BTreeSet<&str> = unknown.into_iter().flatten().collect();
        unknown.iter().for_each(|name| whole.warnings.push(WarningKind::UnknownExclusion, *name, ""));
        if excluded.is_empty() { Ok(whole) } else { without(&Arc::new(whole), &excluded) }
    }
}

fn path_beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(EXCLUDE_FILE);
    file.with_file_name(name)
}

impl Catalog {
    /// Where the list of excluded images lies, or would lie.
    pub fn exclude_path(&self) -> PathBuf {
        if self.beside == self.base && !matches!(self.layout, Layout::Archive { .. }) {
            return self.beside.join(EXCLUDE_FILE);
        }
        path_beside(&self.beside)
    }

    /// The data set with every image, excluded ones too.
    pub fn whole(self: &Arc<Self>) -> Arc<Self> {
        self.whole.clone().unwrap_or_else(|| Arc::clone(self))
    }

    /// Positions of what is excluded in [`Self::whole`], sorted: images, then files that cannot be read
    /// ([`Self::left_out`]).
    pub fn excluded(&self) -> &[u32] {
        &self.excluded
    }

    /// How many of the excluded are images.
    pub fn excluded_images(&self) -> usize {
        let count = self.whole.as_ref().map_or(self.items.len(), |whole| whole.items.len());
        self.excluded.partition_point(|position| (*position as usize) < count)
    }

    /// The positions, in [`Self::whole`], of the files that were left out when the data set was opened: they follow those
    /// of the images, and can be excluded as these can. [`Self::name`] gives their names.
    pub fn left_out(&self) -> Range<u32> {
        let first = self.items.len() as u32;
        first..first.saturating_add(self.warnings.files_left_out().len() as u32)
    }

    /// This data set, or its whole, whichever has the fingerprint: a run goes on being measured on the images it was
    /// trained with after some of them were excluded.
    pub fn with_fingerprint(self: &Arc<Self>, fingerprint: &str) -> Option<Arc<Self>> {
        [Arc::clone(self), self.whole()].into_iter().find(|catalog| catalog.has_fingerprint(fingerprint))
    }

    /// This is the fingerprint of these images, as this version or an earlier one takes it.
    pub fn has_fingerprint(&self, fingerprint: &str) -> bool {
        // What is not known of a run is no fingerprint, for which the earlier one is not taken.
        self.fingerprint == fingerprint || (!fingerprint.is_empty() && self.earlier_fingerprint() == Some(fingerprint))
    }

    /// The fingerprint as earlier versions took it; `None` where that was no other. Of millions of records it takes some
    /// seconds, when it is first asked for.
    pub fn earlier_fingerprint(&self) -> Option<&str> {
        self.earlier_fingerprint.as_ref().map(|earlier| earlier.text(self))
    }

    /// The data set without some images, and without warnings of some of the files left out (positions in this one, which
    /// has nothing excluded itself; repeats are ignored, and a file left out takes all of its name with it). Classes of which
    /// nothing is left go too, and the fingerprint says which images are missing.
    ///
    /// # Errors
    /// When no image would be left.
    pub fn without(self: &Arc<Self>, excluded: &[u32]) -> Result<Self, DataError> {
        without(self, excluded)
    }

    /// Images of IDX and RecordIO files are told apart by numbers only.
    fn is_numbered(&self) -> bool {
        matches!(self.layout, Layout::Idx | Layout::Records)
    }

    /// The record of the name that one of these files has or had (`casia.rec@4096`). `None` where images have names of their
    /// own, and for a name that no record can have.
    fn record_of(&self, name: &str) -> Option<Compared> {
        if self.layout != Layout::Records {
            return None;
        }
        let (file, at) = name.rsplit_once('@')?;
        let at: u64 = at.parse().ok()?;
        // Two files belong together by their names, so that the part is in the name; one has a name of any kind.
        let stem = Path::new(file).file_stem()?.to_str()?;
        let is_one_of = |names: &[&str]| names.iter().any(|name| stem.eq_ignore_ascii_case(name));
        let pack = match self.packs.as_slice() {
            [_] => 0,
            _ if is_one_of(&TRAIN) => 0,
            _ if is_one_of(&HELD_OUT) => 1,
            _ => return None,
        };
        Some(Compared::Record { pack, at })
    }

    /// A name in the list of what is excluded, as it is compared.
    fn compared(&self, name: &str) -> Compared {
        self.record_of(name).unwrap_or_else(|| Compared::Name(name.to_owned()))
    }

    /// An image of records as it is compared.
    fn compared_record(&self, item: usize) -> Compared {
        match self.items.get(item).map(|one| &one.location) {
            Some(&Location::Packed { pack, at }) => Compared::Record { pack, at },
            _ => Compared::Name(self.name(item)),
        }
    }

    /// Every image as it is compared, in their order.
    fn compared_items(&self) -> Box<dyn Iterator<Item = Compared> + '_> {
        if self.layout != Layout::Records {
            return Box::new(self.keys().map(Compared::Name));
        }
        Box::new((0..self.items.len()).map(move |item| self.compared_record(item)))
    }

    /// How the file names some of the images, in their order; other positions are passed over.
    pub(super) fn keys_of(&self, items: &BTreeSet<u32>) -> Vec<String> {
        if self.layout == Layout::List {
            return (0..).zip(self.keys()).filter(|(item, _)| items.contains(item)).map(|(_, key)| key).collect();
        }
        items.range(..self.items.len() as u32).map(|item| self.name(*item as usize)).collect()
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

/// What tells an image from the others, as it is compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Compared {
    /// A record, whatever its file is called: the part it is in, and the byte where it begins. Numbers, because there may be
    /// millions to compare.
    Record { pack: u8, at: u64 },
    /// Any other image.
    Name(String),
}

impl Compared {
    /// As it stands in the fingerprint of what is left: `train@4096`.
    fn into_text(self) -> String {
        match self {
            Self::Record { pack, at } => format!("{}@{at}", if pack == 0 { "train" } else { "val" }),
            Self::Name(name) => name,
        }
    }
}

/// Positions of what a file names, sorted, and the names that nothing has: of its images, and of its unreadable files.
fn find<'a>(whole: &Catalog, file: &'a ExcludeFile) -> (Vec<u32>, [BTreeSet<&'a str>; 2]) {
    // The names as they are compared, and as they are written.
    let wanted: [BTreeMap<Compared, &str>; 2] = [&file.images, &file.unreadable]
        .map(|names| names.iter().map(|name| (whole.compared(name), name.as_str())).collect());
    let [images, unreadable] = &wanted;
    let [mut unknown_images, mut unknown_files] = wanted.clone();
    let mut excluded = Vec::new();
    for (item, key) in (0..).zip(whole.compared_items()) {
        if images.contains_key(&key) {
            excluded.push(item);
            unknown_images.remove(&key);
        }
    }
    // An image that was excluded may have been damaged since. Those of a list are named with their labels.
    let missing: BTreeSet<&str> = unknown_images.values().copied().collect();
    let is_list = whole.layout == Layout::List;
    for (position, warning) in whole.left_out().zip(whole.warnings.files_left_out()) {
        let name = whole.compared(&warning.path);
        let mut is_wanted = images.contains_key(&name) || unreadable.contains_key(&name);
        let labelled = format!("{} as ", warning.path);
        let rows = missing.range::<&str, _>(labelled.as_str()..).take_while(|key| key.starts_with(&labelled));
        for row in rows.filter(|_| is_list) {
            is_wanted = true;
            unknown_images.remove(&Compared::Name((*row).to_owned()));
        }
        if is_wanted {
            excluded.push(position);
            unknown_images.remove(&name);
            unknown_files.remove(&name);
        }
    }
    (excluded, [unknown_images, unknown_files].map(|names| names.into_values().collect()))
}

/// Files that were left out, with all others of their names: rows of a list that name the same file have a position each,
/// but one name in the list of what is excluded.
fn with_namesakes(whole: &Catalog, files: &BTreeSet<u32>) -> BTreeSet<u32> {
    let named = || whole.left_out().zip(whole.warnings.files_left_out());
    let names: BTreeSet<&str> =
        named().filter(|(position, _)| files.contains(position)).map(|(_, file)| file.path.as_str()).collect();
    named().filter(|(_, file)| names.contains(file.path.as_str())).map(|(position, _)| position).collect()
}

/// See [`Catalog::without`].
fn without(whole: &Arc<Catalog>, excluded: &[u32]) -> Result<Catalog, DataError> {
    let mut gone: BTreeSet<u32> =
        excluded.iter().copied().filter(|position| *position < whole.left_out().end).collect();
    let gone_files = with_namesakes(whole, &gone.split_off(&whole.left_out().start));
    if gone.len() == whole.items.len() {
        let reason = "every image of this data set would be excluded; keep some, or open another".to_owned();
        return Err(DataError::Refused { reason, path: whole.exclude_path() });
    }
    let keys = whole.keys_of(&gone);
    let mut items = Vec::with_capacity(whole.items.len() - gone.len());
    items.extend((0..).zip(&whole.items).filter(|(item, _)| !gone.contains(item)).map(|(_, item)| item.clone()));
    let used: BTreeSet<u32> = items.iter().map(|item| item.class).collect();
    let number_of: BTreeMap<u32, u32> = used.iter().copied().zip(0..).collect();
    items.iter_mut().for_each(|item| item.class = number_of.get(&item.class).copied().unwrap_or(0));
    let mut catalog = Catalog {
        root: whole.root.clone(),
        layout: whole.layout.clone(),
        classes: used.iter().filter_map(|class| whole.classes.get(*class as usize)).cloned().collect(),
        items,
        warnings: warnings_without(whole, &gone, &gone_files),
        fingerprint: fingerprint_of_rest(whole, &gone, &keys),
        earlier_fingerprint: whole.earlier_fingerprint.is_some().then(Earlier::without),
        base: whole.base.clone(),
        beside: whole.beside.clone(),
        idx: whole.idx.clone(),
        packs: whole.packs.clone(),
        excluded: gone.into_iter().chain(gone_files).collect(),
        whole: Some(Arc::clone(whole)),
        verification_sets: whole.verification_sets.clone(),
    };
    keys.iter().for_each(|key| catalog.warnings.push(WarningKind::Excluded, key.as_str(), ""));
    warn_of_classes(&mut catalog);
    Ok(catalog)
}

/// The fingerprint of what is left without some images, which the file names by `keys`. That of records is without the names
/// of their files, and earlier versions' with them.
fn fingerprint_of_rest(whole: &Catalog, gone: &BTreeSet<u32>, keys: &[String]) -> String {
    if whole.layout != Layout::Records {
        return fingerprint_without(&whole.fingerprint, keys);
    }
    let records: Vec<String> = gone.iter().map(|item| whole.compared_record(*item as usize).into_text()).collect();
    fingerprint_without(&whole.fingerprint, &records)
}

/// What is still wrong without some images and some unreadable files. What is odd about the classes is found anew.
fn warnings_without(whole: &Catalog, gone: &BTreeSet<u32>, gone_files: &BTreeSet<u32>) -> Warnings {
    const ABOUT_CLASSES: [WarningKind; 3] =
        [WarningKind::TinyClass, WarningKind::Imbalance, WarningKind::DuplicateName];
    let names: BTreeSet<String> = gone.iter().map(|item| whole.name(*item as usize)).collect();
    let first = whole.items.len();
    let of_files = whole.warnings.without_files(gone_files.iter().map(|position| *position as usize - first));
    let mut warnings = of_files.without(|warning| {
        ABOUT_CLASSES.contains(&warning.kind)
            || names.contains(&warning.path)
            || duplicates::is_settled(warning, &names)
    });
    let names = gone_files.iter().map(|position| whole.name(*position as usize));
    names.for_each(|name| warnings.push(WarningKind::ExcludedFile, name, ""));
    warnings
}

/// Excludes images and unreadable files (positions in `whole`, of which nothing is excluded) and no others, and keeps that
/// in the file beside the data set. The smaller data set is made first: what could not be opened again is not kept.
///
/// # Errors
/// When no image would be left, the disk refuses, there would be more names than could be read again, or the present file
/// cannot be understood; then nothing is changed.
pub fn exclude(whole: &Arc<Catalog>, excluded: &[u32]) -> Result<Arc<Catalog>, DataError> {
    let catalog = match excluded {
        [] => Arc::clone(whole),
        some => Arc::new(whole.without(some)?),
    };
    write_exclusions(whole, excluded)?;
    Ok(catalog)
}

/// Writes which images and unreadable files are excluded (positions in `whole`), in one move; removes the file when there
/// are none. Names that nothing has at present are kept: their images may come back.
///
/// # Errors
/// When the disk refuses, when there are more names than could be read again, or when the present file cannot be
/// understood: it is not written over.
fn write_exclusions(whole: &Catalog, excluded: &[u32]) -> Result<(), DataError> {
    let path = whole.exclude_path();
    let before = read(&path)?.unwrap_or_default();
    let gone: BTreeSet<u32> = excluded.iter().copied().collect();
    let mut images = whole.keys_of(&gone);
    let files = whole.left_out().filter(|position| gone.contains(position));
    let mut unreadable: BTreeSet<String> = files.map(|position| whole.name(position as usize)).collect();
    if !whole.is_numbered() {
        let (_, [unknown_images, unknown_files]) = find(whole, &before);
        images.extend(unknown_images.into_iter().map(str::to_owned));
        unreadable.extend(unknown_files.into_iter().map(str::to_owned));
    }
    let io = |verb| move |source| DataError::Io { verb, path: path.clone(), source };
    if images.is_empty() && unreadable.is_empty() {
        return match std::fs::remove_file(whole.exclude_path()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(io("remove")(error)),
            _ => Ok(()),
        };
    }
    let data = whole.is_numbered().then(|| whole.fingerprint.clone());
    let [plain, with_files] = VERSIONS;
    let version = if unreadable.is_empty() { plain } else { with_files };
    let file = ExcludeFile { version, data, images, unreadable: unreadable.into_iter().collect() };
    let text = toml::to_string_pretty(&file).map_err(Error::other).map_err(io.clone()("write"))?;
    if (HEADER.len() + text.len()) as u64 > MAX_BYTES {
        let reason = format!(
            "the list of excluded images would have more than {} MiB; exclude fewer, or move the files elsewhere",
            MAX_BYTES >> 20
        );
        return Err(DataError::Refused { reason, path: whole.exclude_path() });
    }
    atomic_write(&whole.exclude_path(), format!("{HEADER}{text}").as_bytes()).map_err(io("write"))
}

/// The file, `None` when there is none.
fn read(path: &Path) -> Result<Option<ExcludeFile>, DataError> {
    let refused = |reason: String| DataError::Refused { reason, path: path.to_owned() };
    let text = match read_text_at_most(path, MAX_BYTES) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(format!("the list of excluded images cannot be read ({error})"))),
        Ok(text) => text,
    };
    let file: ExcludeFile = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().lines().count().max(1));
        let words = error.message();
        refused(format!("the list of excluded images is not valid (line {line}: {words}); repair or delete it"))
    })?;
    if !VERSIONS.contains(&file.version) {
        let (version, [_, newest]) = (file.version, VERSIONS);
        return Err(refused(format!(
            "the list of excluded images has version {version}; this program knows up to {newest}"
        )));
    }
    Ok(Some(file))
}

#[cfg(test)]
mod tests;
