//! The image files below a folder, by their names: for jobs that do not ask which class an image belongs to.

use super::endings::{format_of_extension, is_unsupported_image};
use super::layout::list;
use super::scan::{MAX_FILES, too_deep};
use super::{DataError, ImageProblem, WarningKind, Warnings, path_text};
use std::path::{Path, PathBuf};

/// Sub-folders within sub-folders that are followed.
const MAX_DEPTH: usize = 32;

/// Every file below `root` that is named like an image, relative to it and sorted; hidden files, `skip` and links that
/// lead in a circle are left out. Folders that cannot be listed become warnings, and so do images of a format that is not
/// read: the photographs of a telephone may be most of the folder.
///
/// # Errors
/// When `root` itself cannot be listed, there are too many files, or it is cancelled.
pub fn image_files(
    root: &Path,
    skip: &Path,
    warnings: &mut Warnings,
    cancelled: &dyn Fn() -> bool,
) -> Result<Vec<PathBuf>, DataError> {
    let io = |source| DataError::Io { verb: "list", path: root.to_owned(), source };
    list(root).map_err(io)?;
    let skip = skip.canonicalize().ok();
    let mut walk = Walk { root, skip, warnings, cancelled, files: Vec::new() };
    walk.folder(Path::new(""), &mut Vec::new())?;
    walk.files.sort_unstable();
    Ok(walk.files)
}

struct Walk<'a> {
    root: &'a Path,
    skip: Option<PathBuf>,
    warnings: &'a mut Warnings,
    cancelled: &'a dyn Fn() -> bool,
    files: Vec<PathBuf>,
}

impl Walk<'_> {
    /// `ancestors` are the real paths from the root down, to notice a link back to one of them.
    fn folder(&mut self, folder: &Path, ancestors: &mut Vec<PathBuf>) -> Result<(), DataError> {
        if (self.cancelled)() {
            return Err(DataError::Cancelled);
        }
        let full = self.root.join(folder);
        let (real, listing) = match full.canonicalize().and_then(|real| Ok((real, list(&full)?))) {
            Ok(both) => both,
            Err(error) => {
                self.warnings.push(WarningKind::Unreadable, path_text(folder), error.to_string());
                return Ok(());
            }
        };
        if self.skip.as_ref() == Some(&real) {
            return Ok(());
        }
        if ancestors.contains(&real) {
            self.warnings.push(WarningKind::SymlinkLoop, path_text(folder), "");
            return Ok(());
        }
        if ancestors.len() > MAX_DEPTH {
            self.warnings.push(WarningKind::Unreadable, path_text(folder), too_deep(MAX_DEPTH));
            return Ok(());
        }
        let (images, others): (Vec<PathBuf>, Vec<PathBuf>) =
            listing.files.iter().map(|name| folder.join(name)).partition(|path| format_of_extension(path).is_some());
        self.files.extend(images);
        for path in others.iter().filter(|path| is_unsupported_image(path)) {
            let problem = ImageProblem::Unsupported("this format".to_owned());
            self.warnings.push(WarningKind::Unsupported, path_text(path), problem.to_string());
        }
        if self.files.len() > MAX_FILES {
            return Err(DataError::TooMany { limit: MAX_FILES, path: self.root.to_owned() });
        }
        ancestors.push(real);
        for name in &listing.folders {
            self.folder(&folder.join(name), ancestors)?;
        }
        ancestors.pop();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_found_at_any_depth_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let others = ["notes.txt", ".hidden/z.png", "out/done.png", "b/phone.HEIC", "out/phone.heic"];
        for name in ["b/x.png", "b/deep/er/y.JPG", "a.pgm"].into_iter().chain(others) {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"not looked at").unwrap();
        }
        let skip = folder.path().join("out");
        let mut warnings = Warnings::default();
        let found = image_files(folder.path(), &skip, &mut warnings, &|| false).unwrap();
        assert_eq!((warnings.total(), warnings.stored()[0].path.as_str()), (1, "b/phone.HEIC"));
        let names: Vec<String> = found.iter().map(|path| path_text(path)).collect();
        assert_eq!(names, ["a.pgm", "b/deep/er/y.JPG", "b/x.png"]);
        assert!(image_files(&folder.path().join("gone"), &skip, &mut Warnings::default(), &|| false).is_err());
        let cancelled = image_files(folder.path(), &skip, &mut Warnings::default(), &|| true);
        assert!(matches!(cancelled, Err(DataError::Cancelled)));
    }
}
