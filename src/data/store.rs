//! Images at the network's size: in memory when they fit, else decoded again each time.
//!
//! [`ImageStore::build`] decodes every image once, even when nothing is kept: a broken image must be found before the
//! training starts, not in its third hour. What is read only once starts with [`ImageStore::on_demand`].

use super::scan::Watch;
use super::{Catalog, DataError, Preprocess, Progress, Warning, Warnings, fit};
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Marks an image that was not asked for, or could not be read.
const NO_SLOT: u32 = u32::MAX;

/// Images of a catalogue at the network's size.
#[derive(Debug)]
pub struct ImageStore {
    catalog: Arc<Catalog>,
    pre: Preprocess,
    /// Per image of the catalogue: its place in `cached`.
    slots: Vec<u32>,
    /// Interleaved bytes, image after image.
    cached: Option<Vec<u8>>,
    failed: Vec<u32>,
}

impl ImageStore {
    /// Decodes `items` (positions in the catalogue; repeats are ignored) in parallel.
    ///
    /// They are kept when they take at most `cache_bytes` (and the system grants that much). An image that cannot be
    /// read is a warning and listed in [`Self::failed`].
    ///
    /// # Errors
    /// When cancelled, when no image at all could be read, or when an item is not in the catalogue.
    pub fn build(
        catalog: Arc<Catalog>,
        items: &[u32],
        pre: Preprocess,
        cache_bytes: u64,
        progress: &(dyn Fn(Progress) + Sync),
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<(Self, Warnings), DataError> {
        let watch = Watch { progress, cancelled };
        watch.check()?;
        let mut items = items.to_vec();
        items.sort_unstable();
        items.dedup();
        let count = catalog.items.len();
        let mut slots = vec![NO_SLOT; count];
        for (slot, &item) in (0..).zip(&items) {
            let entry = slots.get_mut(item as usize);
            *entry.ok_or(DataError::NoSuchItem { item: item as usize, count })? = slot;
        }
        let mut cached = allocate(items.len(), pre.sample_len(), cache_bytes);
        let problems = decode_all(&catalog, &items, &pre, cached.as_deref_mut(), &watch)?;
        let mut warnings = Warnings::default();
        let mut failed = Vec::with_capacity(problems.len());
        for (item, warning) in problems {
            if let Some(slot) = slots.get_mut(item as usize) {
                *slot = NO_SLOT;
            }
            failed.push(item);
            warnings.add(warning);
        }
        if !items.is_empty() && failed.len() == items.len() {
            return Err(DataError::all_unreadable(items.len(), &warnings));
        }
        Ok((Self { catalog, pre, slots, cached, failed }, warnings))
    }

    /// Every image of a data set, none looked at yet: for reading once, one after another.
    pub fn on_demand(catalog: Arc<Catalog>, pre: Preprocess) -> Self {
        let slots = (0..catalog.items.len() as u32).collect();
        Self { catalog, pre, slots, cached: None, failed: Vec::new() }
    }

    /// Puts one image into `out` (resized to fit) as interleaved bytes (H, W, C).
    ///
    /// # Errors
    /// When the image was not asked for, failed, or (decoding on demand) has vanished or changed.
    pub fn read(&self, item: u32, out: &mut Vec<u8>) -> Result<(), DataError> {
        let missing = DataError::NoSuchItem { item: item as usize, count: self.catalog.items.len() };
        let slot = self.slots.get(item as usize).copied().filter(|&slot| slot != NO_SLOT).ok_or(missing)? as usize;
        match &self.cached {
            Some(bytes) => {
                out.clear();
                let len = self.pre.sample_len();
                out.extend_from_slice(bytes.get(slot * len..(slot + 1) * len).unwrap_or_default());
            }
            None => *out = fit(&self.catalog.load(item as usize)?, &self.pre),
        }
        Ok(())
    }

    /// Images that could not be read, sorted.
    pub fn failed(&self) -> &[u32] {
        &self.failed
    }

    /// The images are in memory.
    pub fn is_cached(&self) -> bool {
        self.cached.is_some()
    }

    /// Where the images come from.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Size, channels and normalisation.
    pub fn preprocess(&self) -> &Preprocess {
        &self.pre
    }
}

/// Memory for all images, unless that is too much.
fn allocate(count: usize, sample_len: usize, cache_bytes: u64) -> Option<Vec<u8>> {
    let bytes = count.checked_mul(sample_len)?;
    if bytes as u64 > cache_bytes {
        return None;
    }
    let mut memory = Vec::new();
    memory.try_reserve_exact(bytes).ok()?;
    memory.resize(bytes, 0);
    Some(memory)
}

/// Decodes every image, into `memory` if there is some. What failed, in the order of `items`.
fn decode_all(
    catalog: &Catalog,
    items: &[u32],
    pre: &Preprocess,
    memory: Option<&mut [u8]>,
    watch: &Watch,
) -> Result<Vec<(u32, Warning)>, DataError> {
    let (done, total) = (AtomicU64::new(0), items.len() as u64);
    let decode = |item: u32, place: Option<&mut [u8]>| {
        let failure = match catalog.load(item as usize) {
            Ok(image) => {
                if let Some(place) = place {
                    place.copy_from_slice(&fit(&image, pre));
                }
                None
            }
            Err(error) => Some((item, Warning::from_error(&catalog.name(item as usize), &error))),
        };
        watch.count(&done, total)?;
        Ok(failure)
    };
    let failures: Vec<Option<(u32, Warning)>> = match memory {
        Some(memory) => items
            .par_iter()
            .zip(memory.par_chunks_exact_mut(pre.sample_len().max(1)))
            .map(|(&item, place)| decode(item, Some(place)))
            .collect::<Result<_, DataError>>()?,
        None => items.par_iter().map(|&item| decode(item, None)).collect::<Result<_, DataError>>()?,
    };
    Ok(failures.into_iter().flatten().collect())
}
