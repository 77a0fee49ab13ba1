//! The same file twice: exact copies, by content. Near duplicates need embeddings and are not found here.
//!
//! Only files of equal length are read and hashed, and no more than [`MAX_HASHED_BYTES`] in all, so that opening
//! stays quick for sets in which every file has the same length.

use super::packed::Pack;
use super::scan::{Found, Watch};
use super::{DataError, WarningKind, Warnings, path_text};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

/// Most bytes hashed; the rest is not compared.
const MAX_HASHED_BYTES: u64 = 256 << 20;

/// Warns of every file that repeats an earlier one. `class_of` gives the class of a class folder; `pack` holds the
/// images that are not files of their own.
///
/// # Errors
/// When cancelled.
pub(super) fn find(
    root: &Path,
    pack: Option<&dyn Pack>,
    found: &[Found],
    class_of: &[u32],
    watch: &Watch,
    warnings: &mut Warnings,
) -> Result<(), DataError> {
    let mut by_length: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (index, image) in found.iter().enumerate() {
        by_length.entry(image.bytes).or_default().push(index);
    }
    let mut budget = MAX_HASHED_BYTES;
    let candidates: Vec<usize> = by_length
        .into_iter()
        .filter(|(_, group)| group.len() > 1)
        .take_while(|(length, group)| {
            let cost = length.saturating_mul(group.len() as u64);
            let affordable = cost <= budget;
            budget = budget.saturating_sub(cost);
            affordable
        })
        .flat_map(|(_, group)| group)
        .collect();
    let hashes: Vec<(usize, Option<[u8; 32]>)> = candidates
        .into_par_iter()
        .map(|index| {
            watch.check()?;
            let hashed = found.get(index).and_then(|image| match (image.member, pack) {
                (Some(at), Some(pack)) => Some(Sha256::digest(pack.bytes(at).ok()?).into()),
                _ => hash(&root.join(&image.path), image.bytes),
            });
            Ok((index, hashed))
        })
        .collect::<Result<_, DataError>>()?;
    let mut first_of: BTreeMap<[u8; 32], usize> = BTreeMap::new();
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (index, hash) in hashes {
        let Some(hash) = hash else { continue };
        match first_of.get(&hash) {
            Some(&first) => pairs.push((index, first)),
            None => {
                first_of.insert(hash, index);
            }
        }
    }
    pairs.sort_unstable();
    for (copy, first) in pairs {
        let (Some(copy), Some(first)) = (found.get(copy), found.get(first)) else { continue };
        let same = class_of.get(copy.folder) == class_of.get(first.folder);
        let kind = if same { WarningKind::DuplicateSameClass } else { WarningKind::DuplicateOtherClass };
        warnings.push(kind, path_text(&copy.path), format!("the same as {}", path_text(&first.path)));
    }
    Ok(())
}

fn hash(path: &Path, bytes: u64) -> Option<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut file = std::fs::File::open(path).ok()?.take(bytes);
    std::io::copy(&mut file, &mut hash).ok()?;
    Some(hash.finalize().into())
}
