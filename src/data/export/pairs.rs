//! Pairs as a text: LFW's `pairs.txt` where the files are named as LFW names them, else `path<TAB>path<TAB>0|1`.

use super::{Draft, Exported, ItemPair, publish, writing};
use crate::data::{Catalog, DataError, Location};
use std::io::Write as _;
use std::path::Path;

/// Writes pairs of images. `folds` blocks of equal
/// length, each with its pairs of the same class first, are announced in the header when the form is LFW's.
///
/// # Errors
/// When the file is there already, the disk refuses, or the images have no names a list could give.
pub fn export_pairs(catalog: &Catalog, pairs: &[ItemPair], folds: usize, out: &Path) -> Result<Exported, DataError> {
    let name = |item: u32| match catalog.items.get(item as usize).map(|item| &item.location) {
        Some(Location::File(_)) => Some(catalog.name(item as usize)).filter(|name| !name.contains(['\t', '\n', '\r'])),
        _ => None,
    };
    let named: Option<Vec<(String, String, bool)>> =
        pairs.iter().map(|&(a, b, same)| Some((name(a)?, name(b)?, same))).collect();
    let named = named.ok_or_else(|| DataError::Refused {
        reason: "some images have no file name that a list could give; write a verification set (.bin) instead"
            .to_owned(),
        path: catalog.root.clone(),
    })?;
    let mut draft = Draft::new(out.to_owned())?;
    let lines = match lfw_lines(&named) {
        Some(lines) => {
            let per_fold = pairs.len() / (2 * folds.max(1));
            std::iter::once(format!("{folds}\t{per_fold}")).chain(lines).collect()
        }
        None => named.iter().map(|(a, b, same)| format!("{a}\t{b}\t{}", u8::from(*same))).collect::<Vec<_>>(),
    };
    for line in lines {
        writeln!(draft.file, "{line}").map_err(writing(out))?;
    }
    let files = vec![publish(draft.file, draft.path)?];
    Ok(Exported { files, images: 2 * pairs.len() as u64, groups: pairs.len() as u64, ..Exported::default() })
}

/// `name i j` and `name i name j`, when every file is `name/name_0001.…`.
fn lfw_lines(pairs: &[(String, String, bool)]) -> Option<Vec<String>> {
    let line = |(a, b, same): &(String, String, bool)| {
        let ((a, i), (b, j)) = (lfw(a)?, lfw(b)?);
        match same {
            true => (a == b).then(|| format!("{a}\t{i}\t{j}")),
            false => Some(format!("{a}\t{i}\t{b}\t{j}")),
        }
    };
    pairs.iter().map(line).collect()
}

/// `name/name_0007.jpg` → `name`, 7.
fn lfw(path: &str) -> Option<(&str, u32)> {
    let (folder, file) = path.split_once('/')?;
    let (stem, _) = file.rsplit_once('.')?;
    let digits = stem.strip_prefix(folder)?.strip_prefix('_')?;
    let number: u32 = digits.parse().ok()?;
    (format!("{number:04}") == digits).then_some((folder, number))
}
