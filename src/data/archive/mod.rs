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
use super::exclude::Exclusions;
use super::open::explain_nothing;
use super::packed::PackFile;
use super::scan::{Look, Looked, Looking, Watch, images, judge};
use super::{Catalog, DataError, Layout, WarningKind, Warnings, path_text};
use crate::config::counted;
use members::Members;
use pack::ArchivePack;
use rayon::prelude::*;
use std::path::Path;
use std::sync::Arc;

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
    let exclusions = Exclusions::beside(path);
    let looking = Looking::new(watch, &exclusions, tree.files.len());
    let looked: Vec<Look> = tree
        .files
        .par_iter()
        .map(|file| looking.at(|| path_text(&file.path), || look(&pack, file)))
        .collect::<Result<_, DataError>>()?;
    let found = images(looked, &mut warnings);
    if found.is_empty() {
        let what = explain_nothing("archive", tree.folders.len(), tree.loose, &warnings);
        let nothing = DataError::NoImages { found: what, path: path.to_owned() };
        return Err(exclusions.refusal(&warnings).unwrap_or(nothing));
    }
    if tree.loose > 0 {
        warnings.push(WarningKind::LooseImage, path_text(path), counted(tree.loose, "image"));
    }
    let layout = Layout::Archive { form: form.word(), inner: Box::new(tree.layout) };
    let (root, base) = (path.to_owned(), path.to_owned());
    let gathered = Gathered { root, base, layout, folders: &tree.folders, found, pack: Some(pack), exclusions };
    assemble(gathered, watch, warnings)
}

fn look(pack: &ArchivePack, file: &tree::File) -> Look {
    let tree::File { folder, member, ref path } = *file;
    let looked = Looked { folder, path: path.clone(), member: Some(member.into()), bytes: pack.len_of(member) };
    judge(looked, pack.header(member))
}
