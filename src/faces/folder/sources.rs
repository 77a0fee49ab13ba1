//! Which images there are to align, and what their crops are called.

use super::CropFormat;
use super::record::Table;
use crate::config::folder_of;
use crate::data::{ExcludedFiles, Warnings, image_files, looks_like_image, path_text};
use crate::faces::FaceError;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// An image to align, and where its crop goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderImage {
    /// The file.
    pub path: PathBuf,
    /// Its name in the record: relative to the only folder, else the whole path, however it was given.
    pub name: String,
    /// The crop, relative to the folder of the crops.
    pub(super) target: PathBuf,
}

/// The images there are.
#[derive(Default)]
pub(super) struct Listing {
    /// Those to align.
    pub(super) images: Vec<Listed>,
    /// Those that a person left out of the data set they belong to.
    pub(super) excluded: Vec<Listed>,
}

/// An image whose crop has no name yet.
pub(super) struct Listed {
    path: PathBuf,
    name: String,
    /// What the crop would be called if no other had the name, but for the ending; relative to the folder of the crops.
    wanted: PathBuf,
}

/// Every image of `inputs`, which are folders and image files, in a fixed order and once. `out` is the folder of the crops,
/// which are no images to align. What is excluded from a data set is told apart in folders; a file that is named by itself is
/// asked for.
pub(super) fn list(
    inputs: &[PathBuf],
    out: &Path,
    warnings: &mut Warnings,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Listing, FaceError> {
    let mut found = Listing::default();
    for input in inputs {
        // Any system error, and above all "not found", is about this input.
        let meta = std::fs::metadata(input).map_err(|source| FaceError::reading(input, source))?;
        if !meta.is_dir() {
            if !looks_like_image(input) {
                let reason = "this is no image; images and folders of images are aligned (unpack an archive first)";
                return Err(FaceError::Refused { reason: reason.to_owned(), path: input.clone() });
            }
            let wanted = input.file_name().map(PathBuf::from).unwrap_or_default();
            let name = path_text(&real(folder_of(input)).join(&wanted));
            found.images.push(Listed { path: input.clone(), name, wanted });
            continue;
        }
        let alone = inputs.len() == 1;
        let (whole, below) = if alone {
            (PathBuf::new(), PathBuf::new())
        } else {
            (real(input), input.file_name().map(PathBuf::from).unwrap_or_default())
        };
        let excluded = ExcludedFiles::below(input, warnings);
        for file in image_files(input, out, warnings, cancelled)? {
            let place = if excluded.has(&file) { &mut found.excluded } else { &mut found.images };
            let name = path_text(&whole.join(&file));
            place.push(Listed { path: input.join(&file), name, wanted: below.join(file) });
        }
    }
    if found.images.is_empty() && found.excluded.is_empty() {
        let first = inputs.first().cloned().unwrap_or_default();
        return Err(FaceError::NoImages(first));
    }
    let mut names = HashSet::new();
    found.images.retain(|image| names.insert(image.name.clone()));
    found.excluded.retain(|image| names.insert(image.name.clone()));
    Ok(found)
}

/// The one path of a folder, so that an image is known again when its path is spelled otherwise or another folder is
/// worked in. Only folders are looked up: several links to one image are as many images.
fn real(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

/// Gives every image the name of its crop. The table says what was done before: a crop keeps its name, whatever other
/// images have come or gone since.
pub(super) fn with_crops(listed: Vec<Listed>, table: &Table, format: CropFormat) -> Vec<FolderImage> {
    let mut names = Names::of(table.crops(), format);
    let named = |Listed { path, name, wanted }| {
        let target = names.give(&name, &wanted);
        FolderImage { path, name, target }
    };
    listed.into_iter().map(named).collect()
}

/// Gives every crop a name of its own.
struct Names<'a> {
    format: CropFormat,
    /// The crops that images have already.
    known: HashMap<&'a str, &'a str>,
    /// See [`key`]; those of the known crops are among them, even where the image is gone.
    taken: HashSet<String>,
}

impl<'a> Names<'a> {
    /// `crops` are those that there are already: of which image, and which file.
    fn of(crops: impl Iterator<Item = (&'a str, &'a str)>, format: CropFormat) -> Self {
        let mut taken = HashSet::new();
        // A table that gives one name to two images is not as we wrote it: the first has it.
        let known = crops.filter(|(_, file)| taken.insert(key(Path::new(file)))).collect();
        Self { format, known, taken }
    }

    /// `a/b.jpg` → `a/b.png`; where `a/b.bmp` took that, `a/b_jpg.png`, then `a/b_jpg_2.png`.
    fn give(&mut self, image: &str, wanted: &Path) -> PathBuf {
        if let Some(name) = self.known.get(image).and_then(|file| known_name(wanted, file, self.format)) {
            return name;
        }
        let mut candidates = (0..).map(|number| numbered(wanted, number, self.format));
        let free = candidates.find(|candidate| self.taken.insert(key(candidate)));
        free.unwrap_or_else(|| numbered(wanted, 0, self.format))
    }
}

/// A name without its ending: of two kinds of file of one name, only one would be an image's. Names that differ only in
/// case are the same on some systems.
fn key(crop: &Path) -> String {
    path_text(&crop.with_extension("")).to_lowercase()
}

/// The names that a crop can have, from 0 on: the image's, then with the image's own ending, then with a number.
fn numbered(wanted: &Path, number: u32, format: CropFormat) -> PathBuf {
    if number == 0 {
        return format.name_of(wanted);
    }
    let mut name = wanted.file_stem().unwrap_or_default().to_os_string();
    name.push("_");
    name.push(wanted.extension().unwrap_or_default());
    if number > 1 {
        name.push(format!("_{number}"));
    }
    name.push(".");
    name.push(format.ending());
    wanted.with_file_name(name)
}

/// The name with which an earlier pass wrote the crop, now as this kind of file. Of those in the table only one counts that the
/// image's crop can have.
fn known_name(wanted: &Path, file: &str, format: CropFormat) -> Option<PathBuf> {
    let last = Path::new(file).file_stem()?.to_str()?.rsplit_once('_');
    let last = last.and_then(|(_, number)| number.parse::<u32>().ok()).filter(|number| *number > 1);
    let numbers = [Some(0), Some(1), last];
    let mut names = numbers.into_iter().flatten().map(|number| numbered(wanted, number, format));
    names.find(|name| CropFormat::of_file(name, file).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the crops are called, one image after the other, beside those that are there.
    fn given(crops: &[(&str, &str)], images: &[&str]) -> Vec<String> {
        let mut names = Names::of(crops.iter().copied(), CropFormat::Png);
        images.iter().map(|image| path_text(&names.give(image, Path::new(image)))).collect()
    }

    #[test]
    fn crops_never_share_a_name() {
        let images = ["a/x.jpg", "a/X.png", "a/x.png", "b/x.jpg", "a/x.y.jpg"];
        let free = ["a/x.png", "a/X_png.png", "a/x_png_2.png", "b/x.png", "a/x.y.png"];
        assert_eq!(given(&[], &images), free);
        // The same again, whatever came or went before them.
        let crops: Vec<(&str, &str)> = images.into_iter().zip(free).collect();
        assert_eq!(given(&crops, &images), free);
        assert_eq!(given(&crops, &["a/x.bmp", "a/x.png", "a/x.y.jpg"]), ["a/x_bmp.png", "a/x_png_2.png", "a/x.y.png"]);
    }

    #[test]
    fn a_crop_keeps_its_name_as_another_kind_of_file_and_takes_no_other_images() {
        assert_eq!(given(&[("a/x.png", "a/x_png.jpg")], &["a/x.jpg", "a/x.png"]), ["a/x.png", "a/x_png.png"]);
        for file in ["b/x.png", "../a/x.png", "/a/x.png", "a/y.png", "a/x.txt", "a/x_png_1.png", "a/x_bmp.png", ""] {
            assert_eq!(known_name(Path::new("a/x.png"), file, CropFormat::Png), None, "{file}");
        }
    }

    #[test]
    fn of_images_that_a_table_gives_one_name_the_first_keeps_it() {
        // The same file, another kind of file, and what is the same file on some systems.
        for (other, file, given_to_it) in [
            ("a/x.png", "a/x.png", "a/x_png.png"),
            ("a/x.png", "a/x.jpg", "a/x_png.png"),
            ("a/x.png", "A/X.PNG", "a/x_png.png"),
            ("b/X.png", "b/X.png", "b/X_png.png"),
        ] {
            let first = if other.starts_with('b') { "b/x.jpg" } else { "a/x.jpg" };
            let crop = path_text(&Path::new(first).with_extension("png"));
            let crops = [(first, crop.as_str()), (other, file)];
            assert_eq!(given(&crops, &[first, other]), [crop.as_str(), given_to_it], "{other}: {file}");
        }
    }
}
