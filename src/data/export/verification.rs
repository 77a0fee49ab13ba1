//! Pairs as a verification `.bin`.

use super::encoded::{AT_ONCE, encode_all};
use super::{Draft, Exported, ItemPair, Sizes, publish, writing};
use crate::data::scan::Watch;
use crate::data::{BinWriter, Catalog, DataError, Progress, Warnings};
use std::collections::BTreeSet;
use std::path::Path;

/// Writes pairs of images in their order. Progress counts the images that are looked at first, then those written.
///
/// # Errors
/// When the file is there already, the disk refuses, no pair can be read, or it is cancelled.
pub fn export_verification(
    catalog: &Catalog,
    pairs: &[ItemPair],
    px: Option<u32>,
    out: &Path,
    progress: &(dyn Fn(Progress) + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Exported, DataError> {
    let watch = Watch { progress, cancelled };
    let draft = Draft::new(out.to_owned())?;
    let (usable, warnings) = usable(catalog, pairs, &watch)?;
    if usable.is_empty() {
        return Err(DataError::all_unreadable(pairs.len(), &warnings));
    }
    let mut writer = BinWriter::new(draft.file, usable.len()).map_err(writing(out))?;
    let (mut written, looked_at) = (0, distinct(pairs).len() as u64);
    for chunk in usable.chunks(AT_ONCE / 2) {
        watch.check()?;
        let items: Vec<u32> = chunk.iter().flat_map(|&(a, b, _)| [a, b]).collect();
        for encoded in encode_all(catalog, &items, px) {
            writer.image(&encoded?).map_err(writing(out))?;
            written += 1;
        }
        progress(Progress { done: looked_at + written, total: looked_at + 2 * usable.len() as u64 });
    }
    let same: Vec<bool> = usable.iter().map(|pair| pair.2).collect();
    let file = writer.finish(&same).map_err(writing(out))?;
    let files = vec![publish(file, draft.path)?];
    let (mut sizes, mut counted) = (Sizes::new(px), BTreeSet::new());
    let items = usable.iter().flat_map(|&(a, b, _)| [a, b]);
    items.filter(|item| counted.insert(*item)).for_each(|item| sizes.add(catalog, item));
    let (images, groups) = (written, usable.len() as u64);
    Ok(Exported { files, images, groups, other_sizes: sizes.others, warnings, ..Exported::default() })
}

/// The pairs whose images can both be read: how many there are must be known before the first is written.
fn usable(catalog: &Catalog, pairs: &[ItemPair], watch: &Watch) -> Result<(Vec<ItemPair>, Warnings), DataError> {
    let items: Vec<u32> = distinct(pairs).into_iter().collect();
    let total = (items.len() + 2 * pairs.len()) as u64;
    let (mut failed, mut warnings) = (BTreeSet::new(), Warnings::default());
    let mut looked_at = 0;
    for chunk in items.chunks(AT_ONCE) {
        watch.check()?;
        for (&item, encoded) in chunk.iter().zip(encode_all(catalog, chunk, None)) {
            if let Err(error) = encoded {
                warnings.left_out(&catalog.name(item as usize), &error);
                failed.insert(item);
            }
        }
        looked_at += chunk.len() as u64;
        (watch.progress)(Progress { done: looked_at, total });
    }
    let usable = |&&(a, b, _): &&ItemPair| !failed.contains(&a) && !failed.contains(&b);
    Ok((pairs.iter().filter(usable).copied().collect(), warnings))
}

/// The images of the pairs, each once.
fn distinct(pairs: &[ItemPair]) -> BTreeSet<u32> {
    pairs.iter().flat_map(|&(a, b, _)| [a, b]).collect()
}
