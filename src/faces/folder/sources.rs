//! Which images there are to align, and what their crops are called.

use super::CropFormat;
use crate::data::{Warnings, image_files, path_text};
use crate::faces::FaceError;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// An image to align, and where its crop goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderImage {
    /// The file.
    pub path: PathBuf,
    /// Its name in the record: relative to the only folder, else as it was given.
    pub name: String,
    /// The crop, relative to the folder of the crops.
    pub(super) target: PathBuf,
}

/// What decides which images there are and what their crops are called.
pub(super) struct Listing<'a> {
    /// Folders and image files.
    pub(super) inputs: &'a [PathBuf],
    /// Folder of the crops, which are no images to align.
    pub(super) out: &'a Path,
    /// Kind of file.
    pub(super) format: CropFormat,
}

/// Every image of the inputs, in a fixed order.
pub(super) fn sources(
    listing: &Listing<'_>,
    warnings: &mut Warnings,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<FolderImage>, FaceError> {
    let mut found = Vec::new();
    for input in listing.inputs {
        // Any system error, and above all "not found", is about this input.
        let meta = std::fs::metadata(input).map_err(|source| FaceError::reading(input, source))?;
        if !meta.is_dir() {
            let name = input.file_name().map(PathBuf::from).unwrap_or_default();
            found.push((input.clone(), path_text(input), name));
            continue;
        }
        let alone = listing.inputs.len() == 1;
        let below = if alone { PathBuf::new() } else { input.file_name().map(PathBuf::from).unwrap_or_default() };
        for file in image_files(input, listing.out, warnings, cancelled)? {
            let name = if alone { path_text(&file) } else { path_text(&input.join(&file)) };
            found.push((input.join(&file), name, below.join(file)));
        }
    }
    if found.is_empty() {
        let first = listing.inputs.first().cloned().unwrap_or_default();
        return Err(FaceError::NoImages(first));
    }
    let mut names = HashSet::new();
    found.retain(|(_, name, _)| names.insert(name.clone()));
    let ending = listing.format.ending();
    let mut taken = HashSet::new();
    let named = |(path, name, wanted): (PathBuf, String, PathBuf)| {
        let target = free(&wanted, ending, &mut taken);
        FolderImage { path, name, target }
    };
    Ok(found.into_iter().map(named).collect())
}

/// `a/b.jpg` → `a/b.png`; where `a/b.bmp` took that, `a/b_jpg.png`, then `a/b_jpg_2.png`. Names that differ only in case
/// are the same on some systems.
fn free(wanted: &Path, ending: &str, taken: &mut HashSet<String>) -> PathBuf {
    let mut candidate = wanted.with_extension(ending);
    let stem = wanted.file_stem().unwrap_or_default().to_os_string();
    let own = wanted.extension().unwrap_or_default().to_os_string();
    let mut number = 1;
    while !taken.insert(path_text(&candidate).to_lowercase()) {
        let mut name = stem.clone();
        name.push("_");
        name.push(&own);
        if number > 1 {
            name.push(format!("_{number}"));
        }
        name.push(format!(".{ending}"));
        candidate = wanted.with_file_name(name);
        number += 1;
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crops_never_share_a_name() {
        let mut taken = HashSet::new();
        let names = ["a/x.jpg", "a/X.png", "a/x.png", "b/x.jpg", "a/x.y.jpg"];
        let free: Vec<String> = names.iter().map(|name| path_text(&free(Path::new(name), "png", &mut taken))).collect();
        assert_eq!(free, ["a/x.png", "a/X_png.png", "a/x_png_2.png", "b/x.png", "a/x.y.png"]);
    }
}
