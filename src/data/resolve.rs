//! Finds the images that a pair list names below a folder.
//!
//! Copies of public sets differ in extension, in upper and lower case, and in an extra `test/` level, so all of these
//! are tried. A folder is listed once, when it is first needed.

use super::endings::format_of_extension;
use super::{DataError, PairList, WarningKind, Warnings, layout};
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// Pairs between two looks at whether the search is broken off.
const CHECK_EVERY: usize = 256;
/// Sub-folders in which the images may lie.
const BELOW: [&str; 5] = ["", "test", "val", "validation", "train"];

/// Images (each once, in the order of first mention), pairs of positions in them with "same", and what is missing.
pub type Resolved = (Vec<PathBuf>, Vec<(u32, u32, bool)>, Warnings);

/// Finds the images of a list. Pairs with a missing image are left out; every missing image is a warning.
///
/// # Errors
/// When the folder is not there, or no pair is complete.
pub fn resolve_pairs(list: &PairList, images_dir: &Path) -> Result<Resolved, DataError> {
    resolve_unless(list, images_dir, &|| false)
}

/// As [`resolve_pairs`], unless it is `cancelled` meanwhile.
pub(super) fn resolve_unless(
    list: &PairList,
    images_dir: &Path,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Resolved, DataError> {
    if !images_dir.is_dir() {
        return Err(DataError::NoImagesFolder(images_dir.to_owned()));
    }
    let mut finder = Finder { folders: HashMap::new() };
    let mut numbers: BTreeMap<&str, Option<u32>> = BTreeMap::new();
    // Two names ("a.jpg", "A") may lead to one file.
    let mut number_of: BTreeMap<PathBuf, u32> = BTreeMap::new();
    let (mut images, mut pairs) = (Vec::new(), Vec::new());
    let mut warnings = Warnings::default();
    for (at, (a, b, same)) in list.pairs.iter().enumerate() {
        if at.is_multiple_of(CHECK_EVERY) && cancelled() {
            return Err(DataError::Cancelled);
        }
        let mut number = |name| {
            *numbers.entry(name).or_insert_with(|| {
                let Some(path) = finder.find(images_dir, name) else {
                    warnings.push(WarningKind::MissingPair, name, "");
                    return None;
                };
                Some(*number_of.entry(path).or_insert_with_key(|path| {
                    images.push(path.clone());
                    images.len() as u32 - 1
                }))
            })
        };
        // Both are looked up, so that both are reported.
        if let (Some(a), Some(b)) = (number(a), number(b)) {
            pairs.push((a, b, *same));
        }
    }
    if pairs.is_empty() {
        return Err(DataError::NoPairs {
            pairs: list.pairs.len(),
            example: warnings.stored().first().map(|warning| warning.path.clone()).unwrap_or_default(),
            path: images_dir.to_owned(),
        });
    }
    Ok((images, pairs, warnings))
}

/// What lies in a folder. Names count as they are and, where no other is written like that, in any case: a folder may hold
/// `a.jpg` beside `A.jpg`.
struct Names {
    folders: HashMap<String, OsString>,
    files: HashMap<String, OsString>,
    /// Images by name without extension.
    stems: HashMap<String, OsString>,
}

struct Finder {
    folders: HashMap<PathBuf, Names>,
}

impl Finder {
    fn find(&mut self, root: &Path, name: &str) -> Option<PathBuf> {
        let relative = Path::new(name);
        if relative.is_absolute() {
            return relative.is_file().then(|| relative.to_owned());
        }
        let components: Option<Vec<&str>> = relative
            .components()
            .filter(|component| *component != Component::CurDir)
            .map(|component| match component {
                Component::Normal(part) => part.to_str(),
                // A list must not lead out of the folder.
                _ => None,
            })
            .collect();
        let components = components?;
        BELOW.iter().find_map(|below| {
            let below = (!below.is_empty()).then_some(*below);
            self.walk(root, below.into_iter().chain(components.iter().copied()))
        })
    }

    fn walk<'a>(&mut self, root: &Path, parts: impl Iterator<Item = &'a str>) -> Option<PathBuf> {
        let mut folder = root.to_owned();
        let mut parts = parts.peekable();
        while let Some(part) = parts.next() {
            let names = self.folders.entry(folder.clone()).or_insert_with(|| Names::of(&folder));
            if parts.peek().is_none() {
                let stem = Path::new(part).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
                let has_extension = format_of_extension(Path::new(part)).is_some();
                let by_stem = || named(&names.stems, if has_extension { stem } else { part });
                return named(&names.files, part).or_else(by_stem).map(|name| folder.join(name));
            }
            folder = folder.join(named(&names.folders, part)?);
        }
        None
    }
}

impl Names {
    fn of(folder: &Path) -> Self {
        let mut names = Self { folders: HashMap::new(), files: HashMap::new(), stems: HashMap::new() };
        // A folder that cannot be listed holds nothing for us; its images are reported as missing.
        let Ok(listing) = layout::list(folder) else { return names };
        let text = |name: &OsString| name.to_string_lossy().into_owned();
        let stem = |name: &OsString| Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let images = listing.files.iter().filter(|name| format_of_extension(Path::new(name)).is_some());
        let images: Vec<(String, &OsString)> = images.filter_map(|name| Some((stem(name)?, name))).collect();
        names.stems = by_name(&images);
        names.folders = by_name(&listing.folders.iter().map(|name| (text(name), name)).collect::<Vec<_>>());
        names.files = by_name(&listing.files.iter().map(|name| (text(name), name)).collect::<Vec<_>>());
        names
    }
}

/// By name as it is written, then in lower case; of two with one name the first.
fn by_name(entries: &[(String, &OsString)]) -> HashMap<String, OsString> {
    let mut found: HashMap<String, OsString> = HashMap::new();
    for (name, entry) in entries {
        found.entry(name.clone()).or_insert_with(|| (*entry).clone());
    }
    for (name, entry) in entries {
        found.entry(name.to_lowercase()).or_insert_with(|| (*entry).clone());
    }
    found
}

fn named<'a>(names: &'a HashMap<String, OsString>, name: &str) -> Option<&'a OsString> {
    names.get(name).or_else(|| names.get(&name.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Elsewhere the two names may be one file.
    #[cfg(target_os = "linux")]
    #[test]
    fn names_that_differ_only_in_case_lead_to_their_own_images() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["b/A.jpg", "b/a.jpg", "B/a.jpg", "c/Only.PNG"] {
            std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            std::fs::write(path(name), b"not looked at").unwrap();
        }
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned(), true);
        let pairs = vec![pair("b/A.jpg", "b/a.jpg"), pair("B/A", "C/only.jpg"), pair("b/a", "b/A.png")];
        let list = PairList { pairs, folds: None, fields: 3 };
        let (images, pairs, warnings) = resolve_pairs(&list, folder.path()).unwrap();
        assert_eq!(images, ["b/A.jpg", "b/a.jpg", "B/a.jpg", "c/Only.PNG"].map(path));
        assert_eq!((pairs, warnings.total()), (vec![(0, 1, true), (2, 3, true), (1, 0, true)], 0));
    }
}
