//! Which files below a folder are excluded: for jobs that go by files, and do not ask what data set these are of.

use super::{EXCLUDE_FILE, ExcludeFile, read};
use crate::data::layout::recognise;
use crate::data::{WarningKind, Warnings, path_text};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What the lists of excluded images say about the files below a folder.
#[derive(Debug, Default)]
pub struct ExcludedFiles {
    lists: Vec<List>,
}

/// What one list names.
#[derive(Debug)]
struct List {
    names: BTreeSet<String>,
    place: Place,
}

/// Where the list of a data set lies, of whose root the folder is a part or around which it is.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// The folder with the list.
    root: PathBuf,
    /// The folder in question, relative to `root`; empty when it is not below.
    inside: PathBuf,
    /// `root`, relative to the folder in question; empty when it is not below.
    around: PathBuf,
}

impl ExcludedFiles {
    /// Reads the lists of `folder`, of the folders it lies in, whose data sets it may be a part of, and of the data set that
    /// it is stepped through to when it is opened. What is wrong with one becomes a warning, as it does where the data set is
    /// opened, and it names nothing.
    pub fn below(folder: &Path, warnings: &mut Warnings) -> Self {
        let (mut lists, mut broken) = (Vec::new(), BTreeSet::new());
        for place in places(folder) {
            match read(&place.root.join(EXCLUDE_FILE)) {
                Ok(None) => {}
                Ok(Some(ExcludeFile { images, unreadable, .. })) => {
                    lists.push(List { names: images.into_iter().chain(unreadable).collect(), place });
                }
                // One list may be reached by two ways.
                Err(error) if broken.insert(place.root.canonicalize().ok()) => {
                    warnings.push(WarningKind::BadExclusions, EXCLUDE_FILE, error.to_string());
                }
                Err(_) => {}
            }
        }
        Self { lists }
    }

    /// Whether a person has excluded this file, which is given relative to the folder.
    pub fn has(&self, file: &Path) -> bool {
        self.lists.iter().any(|List { names, place }| {
            let below_root = file.strip_prefix(&place.around);
            below_root.is_ok_and(|file| names.contains(&path_text(&place.inside.join(file))))
        })
    }
}

/// By its real path and as it is spelled: a folder of a data set may be a link to one elsewhere.
fn places(folder: &Path) -> BTreeSet<Place> {
    let mut places = BTreeSet::new();
    for path in [folder.canonicalize(), std::path::absolute(folder)].into_iter().flatten() {
        for root in path.ancestors() {
            let inside = path.strip_prefix(root).unwrap_or(Path::new("")).to_owned();
            places.insert(Place { root: root.to_owned(), inside, around: PathBuf::new() });
        }
    }
    // What is odd about the folder is no matter here: its images are asked for, of whatever set.
    if let Ok(layout) = recognise(folder, &mut Warnings::default())
        && let Ok(around) = layout.root.strip_prefix(folder)
        && !around.as_os_str().is_empty()
    {
        let around = around.to_owned();
        places.insert(Place { root: layout.root, inside: PathBuf::new(), around });
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::draw_classes;

    fn below(folder: &Path) -> ExcludedFiles {
        ExcludedFiles::below(folder, &mut Warnings::default())
    }

    #[test]
    fn a_file_is_excluded_from_wherever_its_folder_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let set = folder.path().join("wrapper/set");
        draw_classes(&set.join("train"), 2, 2);
        draw_classes(&set.join("val"), 2, 2);
        assert!(!below(&set).has(Path::new("train/p00/1.png")), "there is no list yet");
        let list = "version = 2\nimages = [\"train/p00/1.png\"]\nunreadable = [\"val/p01/broken.png\"]\n";
        std::fs::write(set.join(EXCLUDE_FILE), list).unwrap();
        for (at, file, other) in [
            ("wrapper/set", "train/p00/1.png", "val/p00/1.png"),
            ("wrapper/set/val", "p01/broken.png", "p01/1.png"),
            ("wrapper/set/train/p00", "1.png", "0.png"),
            ("wrapper", "set/train/p00/1.png", "train/p00/1.png"),
            ("wrapper/set/val/../train", "p00/1.png", "p01/1.png"),
        ] {
            let excluded = below(&folder.path().join(at));
            assert!(excluded.has(Path::new(file)), "{at}: {file}");
            assert!(!excluded.has(Path::new(other)), "{at}: {other}");
        }
    }

    #[test]
    fn a_list_that_cannot_be_read_names_nothing_and_is_warned_of() {
        let folder = tempfile::tempdir().unwrap();
        draw_classes(folder.path(), 2, 2);
        std::fs::write(folder.path().join(EXCLUDE_FILE), "images = 7").unwrap();
        let mut warnings = Warnings::default();
        let excluded = ExcludedFiles::below(&folder.path().join("p00"), &mut warnings);
        assert!(!excluded.has(Path::new("0.png")));
        assert_eq!(warnings.count(WarningKind::BadExclusions), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_broken_list_that_is_reached_by_two_ways_is_warned_of_once() {
        let folder = tempfile::tempdir().unwrap();
        let (set, way) = (folder.path().join("set"), folder.path().join("way"));
        draw_classes(&set, 1, 1);
        std::fs::write(set.join(EXCLUDE_FILE), "images = 7").unwrap();
        std::os::unix::fs::symlink(&set, &way).unwrap();
        let mut warnings = Warnings::default();
        ExcludedFiles::below(&way.join("p00"), &mut warnings);
        assert_eq!(warnings.count(WarningKind::BadExclusions), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_class_that_is_a_link_belongs_to_the_data_set_it_is_linked_into() {
        let folder = tempfile::tempdir().unwrap();
        let (set, elsewhere) = (folder.path().join("set"), folder.path().join("elsewhere"));
        draw_classes(&elsewhere, 1, 2);
        std::fs::create_dir(&set).unwrap();
        std::os::unix::fs::symlink(elsewhere.join("p00"), set.join("anna")).unwrap();
        std::fs::write(set.join(EXCLUDE_FILE), "version = 1\nimages = [\"anna/0.png\"]\n").unwrap();
        let excluded = below(&set.join("anna"));
        assert!(excluded.has(Path::new("0.png")) && !excluded.has(Path::new("1.png")));
    }
}
