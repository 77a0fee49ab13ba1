//! Class folders to a list of images: listed and looked at in parallel, then sorted, so that the result does not
//! depend on the file system or the number of threads.
//!
//! Only headers are read here; broken pixels are found when the images are decoded. Files that do not look like
//! images (notes, licences, databases of a file manager) are passed over in silence.

use super::endings::{format_of_extension, is_unsupported_image};
use super::exclude::Exclusions;
use super::header::{Header, read_header};
use super::{DataError, ImageProblem, Part, Progress, Warning, WarningKind, Warnings, layout, path_text};
use rayon::prelude::*;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Most files looked at.
pub(super) const MAX_FILES: usize = 10_000_000;
/// Sub-folders of a class that are followed.
const MAX_DEPTH: usize = 8;
/// Files between two reports of progress.
const REPORT_EVERY: u64 = 64;

/// A folder of one class: its name, and where it lies relative to the root.
pub(super) struct ClassFolder {
    pub(super) class: OsString,
    pub(super) folder: PathBuf,
    pub(super) part: Part,
}

/// A usable image.
pub(super) struct Found {
    /// Index into the class folders.
    pub(super) folder: usize,
    /// Relative to the root.
    pub(super) path: Box<Path>,
    /// Its address in the file that holds it; `None` for a file of its own.
    pub(super) member: Option<u64>,
    pub(super) bytes: u64,
    pub(super) header: Header,
}

/// What a person sees and can stop.
pub(super) struct Watch<'a> {
    pub(super) progress: &'a (dyn Fn(Progress) + Sync),
    pub(super) cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl Watch<'_> {
    pub(super) fn check(&self) -> Result<(), DataError> {
        if (self.cancelled)() { Err(DataError::Cancelled) } else { Ok(()) }
    }

    /// Counts one of `total`; reports now and then, and at the end.
    pub(super) fn count(&self, done: &AtomicU64, total: u64) -> Result<(), DataError> {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(REPORT_EVERY) || done == total {
            self.check()?;
            (self.progress)(Progress { done, total });
        }
        Ok(())
    }
}

/// What a look at a file gives: an image, a warning, both, or (when it does not look like an image) nothing.
pub(super) type Look = (Option<Found>, Option<Warning>);

/// A look at many files, on several threads.
pub(super) struct Looking<'a> {
    watch: &'a Watch<'a>,
    exclusions: &'a Exclusions,
    done: AtomicU64,
    total: u64,
}

impl<'a> Looking<'a> {
    /// At `total` files.
    pub(super) fn new(watch: &'a Watch<'a>, exclusions: &'a Exclusions, total: usize) -> Self {
        Self { watch, exclusions, done: AtomicU64::new(0), total: total as u64 }
    }

    /// Counts a file, and looks at it unless it is not to be tried. It is excluded under `name`.
    ///
    /// # Errors
    /// When cancelled.
    pub(super) fn at(&self, name: impl FnOnce() -> String, look: impl FnOnce() -> Look) -> Result<Look, DataError> {
        self.watch.count(&self.done, self.total)?;
        Ok(match self.exclusions.not_tried(name) {
            Some(warning) => (None, Some(warning)),
            None => look(),
        })
    }
}

/// The images among what was looked at, in its order.
pub(super) fn images(looked: Vec<Look>, warnings: &mut Warnings) -> Vec<Found> {
    let mut found = Vec::with_capacity(looked.len());
    for (image, warning) in looked {
        found.extend(image);
        warning.into_iter().for_each(|warning| warnings.add(warning));
    }
    found
}

/// Looks at every file of the class folders but those that are not to be tried. Sorted by (folder, path).
///
/// # Errors
/// When cancelled, or when there are more than [`MAX_FILES`] files.
pub(super) fn scan(
    root: &Path,
    folders: &[ClassFolder],
    exclusions: &Exclusions,
    watch: &Watch,
    warnings: &mut Warnings,
) -> Result<Vec<Found>, DataError> {
    watch.check()?;
    let seen = AtomicUsize::new(0);
    let walked: Vec<Walk> = folders
        .par_iter()
        .map(|folder| {
            let mut walk =
                Walk { root, exclusions, seen: &seen, files: Vec::new(), warnings: Vec::new(), nested: false };
            watch.check()?;
            walk.class(&folder.folder)?;
            Ok(walk)
        })
        .collect::<Result<_, DataError>>()?;
    let mut files = Vec::new();
    for (index, walk) in walked.into_iter().enumerate() {
        for warning in walk.warnings {
            warnings.add(warning);
        }
        files.extend(walk.files.into_iter().map(|path| (index, path)));
    }
    let looking = Looking::new(watch, exclusions, files.len());
    let looked: Vec<Look> = files
        .into_par_iter()
        .map(|(folder, path)| looking.at(|| path_text(&path), || look(root, folder, &path)))
        .collect::<Result<_, DataError>>()?;
    Ok(images(looked, warnings))
}

struct Walk<'a> {
    root: &'a Path,
    exclusions: &'a Exclusions,
    seen: &'a AtomicUsize,
    files: Vec<PathBuf>,
    warnings: Vec<Warning>,
    nested: bool,
}

impl Walk<'_> {
    fn class(&mut self, folder: &Path) -> Result<(), DataError> {
        self.name_check(folder);
        let mut ancestors = Vec::new();
        self.folder(folder, &mut ancestors)?;
        if self.nested {
            self.warn(WarningKind::NestedFolder, folder, "");
        }
        Ok(())
    }

    /// `ancestors` are the real paths from the class folder down, to notice a link back to one of them.
    fn folder(&mut self, folder: &Path, ancestors: &mut Vec<PathBuf>) -> Result<(), DataError> {
        if let Some(warning) = self.exclusions.not_tried(|| path_text(folder)) {
            self.warnings.push(warning);
            return Ok(());
        }
        let full = self.root.join(folder);
        let (real, listing) = match full.canonicalize().and_then(|real| Ok((real, layout::list(&full)?))) {
            Ok(both) => both,
            Err(error) => {
                self.warn(WarningKind::Unreadable, folder, &error.to_string());
                return Ok(());
            }
        };
        let root_in_circle = self.root.canonicalize().is_ok_and(|root| root.starts_with(&real));
        if ancestors.contains(&real) || root_in_circle {
            self.warn(WarningKind::SymlinkLoop, folder, "");
            return Ok(());
        }
        if ancestors.len() > MAX_DEPTH {
            self.warn(WarningKind::Unreadable, folder, &too_deep(MAX_DEPTH));
            return Ok(());
        }
        for name in &listing.broken {
            self.warn(WarningKind::SymlinkLoop, &folder.join(name), "");
        }
        if self.seen.fetch_add(listing.files.len(), Ordering::Relaxed) + listing.files.len() > MAX_FILES {
            return Err(DataError::TooMany { limit: MAX_FILES, path: self.root.to_owned() });
        }
        for name in &listing.files {
            let path = folder.join(name);
            self.nested |= !ancestors.is_empty() && format_of_extension(&path).is_some();
            self.files.push(path);
        }
        ancestors.push(real);
        for name in &listing.folders {
            self.folder(&folder.join(name), ancestors)?;
        }
        ancestors.pop();
        Ok(())
    }

    fn name_check(&mut self, path: &Path) {
        if path.to_str().is_none() {
            self.warn(WarningKind::NotUtf8Name, path, "");
        }
    }

    fn warn(&mut self, kind: WarningKind, path: &Path, detail: &str) {
        self.warnings.push(Warning { kind, path: path_text(path), detail: detail.to_owned() });
    }
}

/// Why a folder is not looked into that is no link in a circle.
pub(super) fn too_deep(most: usize) -> String {
    format!("folders within folders are followed {most} deep; move its images up")
}

fn look(root: &Path, folder: usize, path: &Path) -> Look {
    let full = root.join(path);
    let header = read_header(&full);
    let bytes = if header.is_ok() { std::fs::metadata(&full).map_or(0, |meta| meta.len()) } else { 0 };
    judge(Looked { folder, path: path.to_owned(), member: None, bytes }, header)
}

/// A file whose header has been read, or not.
pub(super) struct Looked {
    pub(super) folder: usize,
    pub(super) path: PathBuf,
    pub(super) member: Option<u64>,
    pub(super) bytes: u64,
}

/// What there is to a file, wherever it lies.
pub(super) fn judge(file: Looked, header: Result<Header, DataError>) -> Look {
    let Looked { folder, path, member, bytes } = file;
    let text = path_text(&path);
    let warn = |kind, detail: String| Warning { kind, path: text.clone(), detail };
    let promised = format_of_extension(&path);
    match header {
        Ok(header) => {
            let warning = match promised {
                _ if path.file_name().is_some_and(|name| name.to_str().is_none()) => {
                    Some(warn(WarningKind::NotUtf8Name, String::new()))
                }
                Some(format) if format == header.format => {
                    header.animated.then(|| warn(WarningKind::Animated, String::new()))
                }
                _ => Some(warn(WarningKind::WrongExtension, format!("it holds {:?}", header.format))),
            };
            (Some(Found { folder, path: path.into_boxed_path(), member, bytes, header }), warning)
        }
        Err(_) if is_unsupported_image(&path) => {
            let problem = ImageProblem::Unsupported("this format".to_owned());
            (None, Some(warn(WarningKind::Unsupported, problem.to_string())))
        }
        // Without an image's extension and signature it is some other file.
        Err(DataError::Image { problem, .. }) if promised.is_none() && !is_broken_image(&problem) => (None, None),
        Err(error) => (None, Some(Warning::from_error(&text, &error))),
    }
}

/// Whether a file without an image's extension still looks like an image: only a decoder's size check is certain,
/// as many texts and archives begin like some rare format.
fn is_broken_image(problem: &ImageProblem) -> bool {
    matches!(problem, ImageProblem::TooLarge { .. } | ImageProblem::TooSmall { .. })
}
