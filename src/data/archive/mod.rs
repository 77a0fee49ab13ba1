//! zip, tar and tar.gz archives of identity folders or train/validation trees, opened without unpacking them.
//!
//! Nothing is ever written under a name from inside the archive, so that no name can lead anywhere; members are read
//! where they lie when a batch wants them. A tar.gz has no places to read at, so its inner tar is unpacked once into a
//! temporary file without a name, with a bound on how much larger it may become.

mod members;
mod pack;
mod tar;
mod tree;
mod zip;

use super::assemble::{Gathered, assemble};
use super::exclude::NotTried;
use super::packed::PackFile;
use super::scan::{Looked, Watch, judge};
use super::{Catalog, DataError, Layout, WarningKind, Warnings, path_text};
use members::Members;
use pack::ArchivePack;
use rayon::prelude::*;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Zip,
    Tar,
    TarGz,
}

impl Form {
    fn word(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::TarGz => "tar.gz",
        }
    }
}

/// What kind of archive a file is, by its content; `None` when it is none.
pub(super) fn form_of(path: &Path) -> Option<Form> {
    let file = PackFile::open(path).ok()?;
    match file.array::<4>(0).ok()? {
        [b'P', b'K', 3, 4] | [b'P', b'K', 5, 6] => Some(Form::Zip),
        [0x1F, 0x8B, ..] => tar::begins_packed(&file).then_some(Form::TarGz),
        _ => tar::begins(&file.array::<512>(0).ok()?).then_some(Form::Tar),
    }
}

/// Lists an archive and looks at every image in it.
///
/// # Errors
/// When it is broken, too large, or holds no images in class folders.
pub(super) fn open(path: &Path, form: Form, watch: &Watch) -> Result<Catalog, DataError> {
    let mut warnings = Warnings::default();
    let file = match form {
        Form::TarGz => tar::unpacked(path, watch)?,
        Form::Zip | Form::Tar => PackFile::open(path)?,
    };
    let mut members = Members::default();
    match form {
        Form::Zip => zip::list(path, &mut members, watch, &mut warnings)?,
        Form::Tar | Form::TarGz => tar::list(&file, &mut members, watch, &mut warnings)?,
    }
    let tree = tree::recognise(&members, path, &mut warnings)?;
    let pack = Arc::new(ArchivePack::new(file, members));
    let not_tried = NotTried::beside(path);
    let (done, total) = (AtomicU64::new(0), tree.files.len() as u64);
    let looked: Vec<_> = tree
        .files
        .par_iter()
        .map(|file| {
            watch.count(&done, total)?;
            if let Some(warning) = not_tried.warning(&file.path) {
                return Ok((None, Some(warning)));
            }
            let member = Some(u64::from(file.member));
            let looked =
                Looked { folder: file.folder, path: file.path.clone(), member, bytes: pack.len_of(file.member) };
            Ok(judge(looked, pack.header(file.member)))
        })
        .collect::<Result<_, DataError>>()?;
    let mut found = Vec::with_capacity(looked.len());
    for (image, warning) in looked {
        found.extend(image);
        warning.into_iter().for_each(|warning| warnings.add(warning));
    }
    if found.is_empty() {
        let problems: Vec<String> = warnings.groups().into_iter().map(|group| group.headline).collect();
        let problems = if problems.is_empty() { String::new() } else { format!(" ({})", problems.join(", ")) };
        let what = format!(" in the {} folders of the archive{problems}", tree.folders.len());
        let nothing = DataError::NoImages { found: what, path: path.to_owned() };
        return Err(not_tried.refusal(&warnings).unwrap_or(nothing));
    }
    if tree.loose > 0 {
        warnings.push(WarningKind::LooseImage, path_text(path), format!("{} images", tree.loose));
    }
    let layout = Layout::Archive { form: form.word(), inner: Box::new(tree.layout) };
    let (root, base) = (path.to_owned(), path.to_owned());
    assemble(Gathered { root, base, layout, folders: &tree.folders, found, pack: Some(pack) }, watch, warnings)
}
