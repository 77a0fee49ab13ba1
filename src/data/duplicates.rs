//! The same file twice: exact copies, by content. Near duplicates are found by the doctor (`doctor/near.rs`).
//!
//! When a data set is opened, only files of equal length are read and hashed, and no more than [`MAX_HASHED_BYTES`] in
//! all, so that opening stays quick for sets in which every file has the same length. The doctor hashes everything.

use super::packed::Pack;
use super::scan::{Found, Watch};
use super::{DataError, Warning, WarningKind, Warnings, path_text};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

/// Most bytes hashed; the rest is not compared.
const MAX_HASHED_BYTES: u64 = 256 << 20;
/// Before the name of the image that is repeated.
const SAME_AS: &str = "the same as ";

/// SHA-256 of a file's content.
pub(super) type ContentHash = [u8; 32];

/// The content of an image as it is stored.
pub(super) fn content_hash(bytes: &[u8]) -> ContentHash {
    Sha256::digest(bytes).into()
}

/// Members with the same hash, two or more together: each group ascending, groups in the order of their first members.
pub(super) fn groups(hashes: impl IntoIterator<Item = (usize, ContentHash)>) -> Vec<Vec<usize>> {
    let mut members: BTreeMap<ContentHash, Vec<usize>> = BTreeMap::new();
    for (index, hash) in hashes {
        members.entry(hash).or_default().push(index);
    }
    let mut groups: Vec<Vec<usize>> = members.into_values().filter(|group| group.len() > 1).collect();
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups.sort_unstable();
    groups
}

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
    let hashes: Vec<(usize, Option<ContentHash>)> = candidates
        .into_par_iter()
        .map(|index| {
            watch.check()?;
            let hashed = found.get(index).and_then(|image| match (image.member, pack) {
                (Some(at), Some(pack)) => Some(content_hash(&pack.bytes(at).ok()?)),
                _ => hash(&root.join(&image.path), image.bytes),
            });
            Ok((index, hashed))
        })
        .collect::<Result<_, DataError>>()?;
    let groups = groups(hashes.into_iter().filter_map(|(index, hash)| Some((index, hash?))));
    let mut pairs: Vec<(usize, usize)> = groups
        .iter()
        .filter_map(|group| group.split_first())
        .flat_map(|(&first, copies)| copies.iter().map(move |&copy| (copy, first)))
        .collect();
    pairs.sort_unstable();
    for (copy, first) in pairs {
        let (Some(copy), Some(first)) = (found.get(copy), found.get(first)) else { continue };
        let same = class_of.get(copy.folder) == class_of.get(first.folder);
        let kind = if same { WarningKind::DuplicateSameClass } else { WarningKind::DuplicateOtherClass };
        warnings.push(kind, path_text(&copy.path), format!("{SAME_AS}{}", path_text(&first.path)));
    }
    Ok(())
}

/// Whether a warning is about a copy of which one side has been left out since.
pub(super) fn is_settled(warning: &Warning, gone: &BTreeSet<String>) -> bool {
    let is_copy = matches!(warning.kind, WarningKind::DuplicateSameClass | WarningKind::DuplicateOtherClass);
    is_copy && warning.detail.strip_prefix(SAME_AS).is_some_and(|first| gone.contains(first))
}

fn hash(path: &Path, bytes: u64) -> Option<ContentHash> {
    let mut hash = Sha256::new();
    let mut file = std::fs::File::open(path).ok()?.take(bytes);
    std::io::copy(&mut file, &mut hash).ok()?;
    Some(hash.finalize().into())
}
