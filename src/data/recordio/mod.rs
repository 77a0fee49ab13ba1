//! MXNet RecordIO as InsightFace uses it: `train.rec`, with or without `train.idx` and `property` (RECOGNITION 3.3).
//!
//! The file may be larger than the memory, so only the head of every record is read here; an image is read when a
//! batch wants it. A record without an image (the header and the per-identity ranges of InsightFace) is passed over by
//! that mark and not by the ranges alone, because they are 32-bit floats, which beyond 16,777,216 point beside the mark.

mod damage;
mod index;
mod look;
mod names;
mod record;
#[cfg(test)]
mod tests;
mod write;

use super::earlier::Earlier;
use super::exclude::Exclusions;
use super::open::{hex_digest, warn_of_classes};
use super::packed::{Pack, PackFile};
use super::scan::Watch;
use super::{Catalog, DataError, Item, Layout, Location, Part, VerificationSet, WarningKind, Warnings, path_text};
use crate::config::{classes_text, counted, counted_as, folder_of};
use damage::Damage;
use index::Entry;
use look::{Look, Seen};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

pub use write::RecWriter;

/// Whole numbers up to here are exact as 32-bit floats.
const EXACT: f32 = 16_777_216.0;
/// Records looked at between two questions whether to stop.
const CHECK_EVERY: usize = 1024;

/// The files of a data set: one, or a training part and another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RecFiles {
    pub(super) first: PathBuf,
    pub(super) held_out: Option<PathBuf>,
}

/// An open `.rec`; addresses are the bytes where records begin.
#[derive(Debug)]
struct RecPack(PackFile);

impl Pack for RecPack {
    fn bytes(&self, at: u64) -> Result<Vec<u8>, DataError> {
        let record = record::record(&self.0, at)?;
        let header = record.header(&self.0)?;
        record.bytes(&self.0, header.image_start)
    }

    fn name(&self, at: u64) -> String {
        format!("{}@{at}", self.0.file_name())
    }
}

/// Whether a file begins like a `.rec`.
pub(super) fn is_rec(path: &Path) -> bool {
    PackFile::open(path).and_then(|file| record::record(&file, 0)).is_ok()
}

/// The `.rec` a path stands for: itself, or the one beside its index.
pub(super) fn rec_of(path: &Path) -> Option<PathBuf> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    match extension.as_str() {
        "rec" => Some(path.to_owned()),
        "idx" => Some(path.with_extension("rec")).filter(|rec| rec.is_file()),
        _ => None,
    }
}

/// Looks at every record. `root` is what was opened: one of the files, or their folder.
///
/// # Errors
/// When a file is not RecordIO, holds labels of another kind, or no image at all.
pub(super) fn open(files: &RecFiles, root: &Path, watch: &Watch) -> Result<Catalog, DataError> {
    let mut warnings = Warnings::default();
    let mut packs: Vec<Arc<dyn Pack>> = Vec::new();
    let mut found: Vec<(u8, Vec<Seen>)> = Vec::new();
    for (number, path) in (0..).zip(std::iter::once(&files.first).chain(&files.held_out)) {
        let file = PackFile::open(path)?;
        found.push((number, look_through(&file, watch, &mut warnings)?));
        packs.push(Arc::new(RecPack(file)));
    }
    let mut class_of: BTreeMap<u32, u32> =
        found.iter().flat_map(|(_, seen)| seen).map(|seen| (seen.label, 0)).collect();
    class_of.values_mut().zip(0..).for_each(|(class, number)| *class = number);
    let has_parts = files.held_out.is_some();
    let part_of = |number| match number {
        _ if !has_parts => Part::All,
        0 => Part::Train,
        _ => Part::HeldOut,
    };
    let item = |pack: u8, seen: &Seen| Item {
        class: class_of.get(&seen.label).copied().unwrap_or(0),
        part: part_of(pack),
        location: Location::Packed { pack, at: seen.offset },
        width: seen.header.width,
        height: seen.header.height,
        mode: seen.header.mode,
    };
    let items = found.iter().flat_map(|(pack, all)| all.iter().map(|seen| item(*pack, seen))).collect();
    let labels = class_of.keys().copied().collect();
    // No record is longer than a number of 29 bits says, nor one of several parts than an image may be.
    let bytes = found.iter().flat_map(|(_, all)| all).map(|seen| seen.bytes as u32).collect();
    let mut catalog = Catalog {
        base: files.first.parent().map(Path::to_owned).unwrap_or_default(),
        beside: files.first.clone(),
        root: root.to_owned(),
        layout: Layout::Records,
        classes: names::names_of(&files.first, class_of.keys().copied())
            .unwrap_or_else(|| class_of.keys().map(ToString::to_string).collect()),
        items,
        warnings,
        fingerprint: fingerprint(&found),
        earlier_fingerprint: Some(Earlier::of_records(labels, bytes)),
        idx: Vec::new(),
        packs,
        excluded: Vec::new(),
        whole: None,
        verification_sets: VerificationSet::all_in(folder_of(&files.first)),
    };
    check_property(&files.first, &mut catalog);
    warn_of_classes(&mut catalog);
    Exclusions::beside(&catalog.beside).apply(catalog)
}

/// The images of a file: those its index leads to, or all where there is no index or that leads to none.
fn look_through(file: &PackFile, watch: &Watch, warnings: &mut Warnings) -> Result<Vec<Seen>, DataError> {
    watch.check()?;
    let beside = file.path().with_extension("idx");
    let has_index = beside.is_file();
    if has_index {
        let mut told = Warnings::default();
        let entries = images_of_index(file, index::read_index(&beside, file, &mut told)?);
        let found = look_at(file, &entries, watch, &mut told)?;
        if !found.is_empty() {
            warnings.merge(told);
            return Ok(found);
        }
    }
    let entries = walk(file, watch, warnings)?;
    let found = look_at(file, &entries, watch, warnings)?;
    if found.is_empty() {
        return Err(DataError::Refused { reason: nothing(entries.len(), warnings), path: file.path().to_owned() });
    }
    if has_index {
        warnings.push(WarningKind::UnusedIndex, path_text(Path::new(beside.file_name().unwrap_or_default())), "");
    }
    Ok(found)
}

/// The images among some records; what is wrong with the others is told.
fn look_at(file: &PackFile, entries: &[Entry], watch: &Watch, warnings: &mut Warnings) -> Result<Vec<Seen>, DataError> {
    let (done, total) = (AtomicU64::new(0), entries.len() as u64);
    let mut looks: Vec<Look> = entries
        .par_iter()
        .map(|entry| {
            watch.count(&done, total)?;
            Ok(look::look(file, entry.offset))
        })
        .collect::<Result<_, DataError>>()?;
    look::settle(&mut looks);
    if let Some(reason) = look::other_kind(&looks) {
        return Err(DataError::Refused { reason, path: file.path().to_owned() });
    }
    let mut found = Vec::with_capacity(looks.len());
    for look in looks {
        let (seen, warning) = look.outcome(file);
        found.extend(seen);
        warning.into_iter().for_each(|warning| warnings.add(warning));
    }
    Ok(found)
}

fn nothing(records: usize, warnings: &Warnings) -> String {
    let problems: Vec<String> = warnings.groups().into_iter().map(|group| group.headline).collect();
    let problems = if problems.is_empty() { String::new() } else { format!(" ({})", problems.join(", ")) };
    match records {
        0 => format!("the file has no records with images{problems}; was it copied to the end?"),
        1 => format!("its one record holds no usable image{problems}"),
        _ => format!("none of the {records} records holds a usable image{problems}"),
    }
}

/// The entries that are images: with InsightFace's header record, the keys from 1 to where the identities begin.
fn images_of_index(file: &PackFile, mut entries: Vec<Entry>) -> Vec<Entry> {
    let header = entries.iter().find(|entry| entry.key == 0).and_then(|entry| {
        let record = record::record(file, entry.offset).ok()?;
        let header = record.header(file).ok()?;
        (header.n_labels == 2 && header.image_start == record.len()).then_some(header.labels)
    });
    if let Some([first_identity, _]) = header.as_deref() {
        let end = *first_identity;
        // Beyond that the number is rounded; the records without an image are then passed over one by one.
        let is_exact = end.is_finite() && (1.0..EXACT).contains(&end);
        entries.retain(|entry| entry.key != 0 && (!is_exact || entry.key < end as u64));
    }
    entries
}

/// Every record of a file without an index. What lies before a cut-off end can be used, and so can what lies behind a damaged
/// place; either is a warning.
fn walk(file: &PackFile, watch: &Watch, warnings: &mut Warnings) -> Result<Vec<Entry>, DataError> {
    let mut entries = Vec::new();
    let mut damage = Damage::default();
    let mut offset = 0;
    while offset < file.len() {
        if entries.len() % CHECK_EVERY == 0 {
            watch.check()?;
        }
        if entries.len() >= index::MAX_RECORDS {
            return Err(index::too_many(file));
        }
        match record::record(file, offset) {
            Ok(record) => {
                entries.push(Entry { offset, key: entries.len() as u64 });
                offset = record.next;
            }
            Err(error) if entries.is_empty() => return Err(error),
            Err(error) => {
                let name = format!("{}@{offset}", file.file_name());
                let Some(next) = damage.next_record(file, offset, watch)? else {
                    let detail = format!("{error}; the last {} bytes of the file are not read", file.len() - offset);
                    warnings.push(WarningKind::Truncated, name, detail);
                    break;
                };
                let detail = format!("{error}; {} bytes up to the next record are passed over", next - offset);
                warnings.push(WarningKind::Unreadable, name, detail);
                offset = next;
            }
        }
    }
    Ok(entries)
}

fn check_property(rec: &Path, catalog: &mut Catalog) {
    let path = rec.with_file_name("property");
    let Some(property) = index::read_property(&path) else { return };
    let found = catalog.classes.len() as u64;
    if property.classes != found {
        let detail = format!("it says {}, the records have {found}", classes_text(property.classes as usize));
        catalog.warnings.push(WarningKind::Mismatch, "property", detail);
    }
    let in_file = |item: &&Item| matches!(item.location, Location::Packed { pack: 0, .. });
    let found = catalog.items.iter().filter(in_file).count();
    if let Some(images) = property.images.filter(|images| *images != found as u64) {
        let (images, found) = (counted(images as usize, "image"), counted(found, "usable image"));
        let detail = format!("it says {images}, the file has {found}");
        catalog.warnings.push(WarningKind::Mismatch, "property", detail);
    }
    let other = catalog.items.iter().filter(|item| (item.width, item.height) != (property.width, property.height));
    let count = other.count();
    if count > 0 {
        let others = counted_as(count, "image has another size", "images have another size");
        let detail = format!("it says {}×{} px, {others}", property.width, property.height);
        catalog.warnings.push(WarningKind::Mismatch, "property", detail);
    }
}

/// Over the place, label and length of every image: the same for a copy of the file anywhere, under any name.
fn fingerprint(found: &[(u8, Vec<Seen>)]) -> String {
    let lines = found.iter().flat_map(|(pack, all)| {
        all.iter().map(move |seen| format!("{pack}\t{}\t{}\t{}", seen.offset, seen.label, seen.bytes))
    });
    hex_digest(lines)
}
