//! Public verification protocols as something to measure on: the images that a list of pairs names or that a verification
//! set holds, and which of them are compared.

mod look;

use super::endings::{SET_ENDING, ends_with};
use super::header::{Header, header_of, read_header};
use super::open::hex_digest;
use super::packed::Pack;
use super::resolve::{Resolved, resolve_unless};
use super::scan::Watch;
use super::{
    Catalog, DataError, Item, ItemPair, Layout, Location, PairList, Part, Progress, VerificationSet, Warnings,
    path_text, read_pairs,
};
use crate::config::folder_of;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

pub use look::{ProtocolKind, ProtocolLook};

/// Images, and the pairs of them that are compared.
#[derive(Debug)]
pub struct Protocol {
    /// The images. Their classes are for the eye only: the folder of each in a list; in a set, which does not say who is
    /// on it, the pair.
    pub catalog: Arc<Catalog>,
    /// Two positions in the catalogue's items and whether they show the same identity, in the order of the protocol.
    pub pairs: Vec<ItemPair>,
    /// The pairs are divided into the ten folds of the accuracy, blocks of equal length one after the other. A list of another
    /// number of folds does not say which the ten are.
    pub has_folds: bool,
}

impl Protocol {
    /// Reads a verification set or a list of pairs. The images of a list lie in `images`, or else beside the list.
    /// `progress` and `cancelled` as in [`Catalog::open`].
    ///
    /// # Errors
    /// When it is neither, none of its pairs is complete, or it is cancelled.
    pub fn open(
        path: &Path,
        images: Option<&Path>,
        progress: &(dyn Fn(Progress) + Sync),
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, DataError> {
        let watch = Watch { progress, cancelled };
        match Pairs::read(path)? {
            Pairs::Set(set) => of_set(set, path, &watch),
            Pairs::List(list) => {
                let folder = images.unwrap_or(folder_of(path));
                let found = resolve_unless(&list, folder, cancelled)?;
                of_list(&list, found, path, folder, &watch)
            }
        }
    }
}

/// The pairs of a file, whose images were not looked for yet.
enum Pairs {
    List(PairList),
    Set(VerificationSet),
}

impl Pairs {
    fn read(path: &Path) -> Result<Self, DataError> {
        if path.is_file() && VerificationSet::is_one(path) {
            return VerificationSet::open(path).map(Self::Set);
        }
        if path.is_file() && ends_with(path, &[SET_ENDING]) {
            return Err(no_set(path));
        }
        read_pairs(path).map(Self::List)
    }
}

/// Why a file with the ending of verification sets is none; as a list it would be read as text, which it is not.
fn no_set(path: &Path) -> DataError {
    // What may not be read would be taken for a file of another kind.
    if let Err(source) = File::open(path) {
        return DataError::Io { verb: "read", path: path.to_owned(), source };
    }
    let reason = "this is no verification set: it does not begin as a Python pickle, as lfw.bin does. Give such a set, or a \
                  list of pairs as text (pairs.txt); of the weights of a network, `import` makes a run";
    DataError::Refused { reason: reason.to_owned(), path: path.to_owned() }
}

/// Of a list whose images were found below `folder`.
fn of_list(
    list: &PairList,
    (files, pairs, warnings): Resolved,
    path: &Path,
    folder: &Path,
    watch: &Watch,
) -> Result<Protocol, DataError> {
    let found = Found {
        file: path,
        base: folder,
        layout: Layout::Pairs,
        has_folds: list.folds == Some(VerificationSet::FOLDS),
        names: files.iter().map(|file| file.strip_prefix(folder).unwrap_or(file).to_owned()).collect(),
        header: &|_, name| read_header(&folder.join(name)),
        class: &|_, name| class_of(name),
        pack: None,
    };
    gather(found, &pairs, warnings, watch)
}

/// The name of an image's folder; without one, its own up to the number.
fn class_of(relative: &Path) -> String {
    match relative.parent().and_then(Path::file_name) {
        Some(folder) => path_text(Path::new(folder)),
        None => {
            let stem = path_text(Path::new(relative.file_stem().unwrap_or_default()));
            let name = stem.trim_end_matches(|letter: char| letter.is_ascii_digit()).trim_end_matches(['_', '-', ' ']);
            if name.is_empty() { stem } else { name.to_owned() }
        }
    }
}

fn of_set(set: VerificationSet, path: &Path, watch: &Watch) -> Result<Protocol, DataError> {
    let set = Arc::new(set);
    let same = set.same();
    let pairs: Vec<ItemPair> = (0..).zip(same).map(|(pair, same)| (2 * pair, 2 * pair + 1, *same)).collect();
    let class = |image: usize, _: &Path| match (same.get(image / 2), image % 2) {
        (Some(true), _) => format!("pair {}", image / 2 + 1),
        (_, 0) => format!("pair {}, first", image / 2 + 1),
        _ => format!("pair {}, second", image / 2 + 1),
    };
    let found = Found {
        file: path,
        base: path.parent().unwrap_or(Path::new("")),
        layout: Layout::VerificationSet,
        has_folds: true,
        names: (0..set.n_images()).map(|image| PathBuf::from(set.name(image))).collect(),
        header: &|image, name| header_of(Cursor::new(set.bytes(image)?), name),
        class: &class,
        pack: Some(Arc::clone(&set) as Arc<dyn Pack>),
    };
    gather(found, &pairs, Warnings::default(), watch)
}

impl Pack for VerificationSet {
    fn bytes(&self, at: u64) -> Result<Vec<u8>, DataError> {
        Self::bytes(self, at as usize)
    }

    fn name(&self, at: u64) -> String {
        Self::name(self, at as usize)
    }
}

/// The images of a protocol, by their numbers in it.
struct Found<'a> {
    file: &'a Path,
    base: &'a Path,
    layout: Layout,
    has_folds: bool,
    names: Vec<PathBuf>,
    header: &'a (dyn Fn(usize, &Path) -> Result<Header, DataError> + Sync),
    class: &'a dyn Fn(usize, &Path) -> String,
    pack: Option<Arc<dyn Pack>>,
}

/// Looks at every image; pairs with one that is no image are left out.
fn gather(found: Found<'_>, pairs: &[ItemPair], mut warnings: Warnings, watch: &Watch) -> Result<Protocol, DataError> {
    let (done, total) = (AtomicU64::new(0), found.names.len() as u64);
    let look = |(image, name): (usize, &PathBuf)| -> Result<_, DataError> {
        watch.count(&done, total)?;
        Ok((found.header)(image, name))
    };
    let headers: Vec<Result<Header, DataError>> =
        found.names.par_iter().enumerate().map(look).collect::<Result<_, _>>()?;
    let class_of: Vec<String> =
        found.names.iter().enumerate().map(|(image, name)| (found.class)(image, name)).collect();
    let classes: Vec<String> = class_of.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let mut items = Vec::with_capacity(headers.len());
    let mut item_of: Vec<Option<u32>> = Vec::with_capacity(headers.len());
    for (image, ((header, name), class)) in headers.into_iter().zip(&found.names).zip(&class_of).enumerate() {
        let header = match header {
            Ok(header) => header,
            Err(error) => {
                warnings.left_out(&path_text(name), &error);
                item_of.push(None);
                continue;
            }
        };
        let class = classes.binary_search(class).unwrap_or_default() as u32;
        let location = match found.pack {
            Some(_) => Location::Packed { pack: 0, at: image as u64 },
            None => Location::File(name.clone().into_boxed_path()),
        };
        item_of.push(Some(items.len() as u32));
        let Header { width, height, mode, .. } = header;
        items.push(Item { class, part: Part::All, location, width, height, mode });
    }
    let item = |image: &u32| item_of.get(*image as usize).copied().flatten();
    let complete: Vec<ItemPair> = pairs.iter().filter_map(|(a, b, same)| Some((item(a)?, item(b)?, *same))).collect();
    if complete.is_empty() {
        return Err(DataError::all_unreadable(found.names.len(), &warnings));
    }
    let names = found.names.iter().map(|name| path_text(name));
    let said = pairs.iter().map(|pair| format!("{pair:?}"));
    let catalog = Catalog {
        root: found.file.to_owned(),
        layout: found.layout,
        classes,
        items,
        warnings,
        fingerprint: hex_digest(names.chain(said)),
        earlier_fingerprint: None,
        base: found.base.to_owned(),
        beside: found.file.to_owned(),
        idx: Vec::new(),
        packs: found.pack.into_iter().collect(),
        excluded: Vec::new(),
        whole: None,
        verification_sets: Vec::new(),
    };
    Ok(Protocol { catalog: Arc::new(catalog), pairs: complete, has_folds: found.has_folds })
}

#[cfg(test)]
mod tests;
