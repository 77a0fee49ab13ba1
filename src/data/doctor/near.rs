//! Images that look almost the same, without comparing every one with every other.
//!
//! Two steps. Hashes that differ in at most [`MAX_DISTANCE`] of 64 bits are found by multi-index hashing (M. Norouzi,
//! A. Punjani, D. J. Fleet, "Fast Search in Hamming Space with Multi-Index Hashing", CVPR 2012): cut into four bands of
//! 16 bits, such hashes differ in at most one bit in one of the bands, so only what shares a band up to one bit is
//! compared. Then the pixels must agree ([`MIN_CORRELATION`]), because drawings of a few strokes (handwritten digits)
//! have close hashes without being copies.

use super::hash::distance;
use super::look::Print;
use crate::data::scan::Watch;
use crate::data::{Buckets, DataError};
use rayon::prelude::*;

/// Bits of 64 in which hashes of near copies differ at most; four bands find up to 7 without a miss.
pub(super) const MAX_DISTANCE: u32 = 7;
/// Correlation of the 16×16 pixels of near copies: averaging to so few pixels takes compression and resizing away, so a
/// true copy is close to 1.
const MIN_CORRELATION: f32 = 0.98;
/// Mean colours of near copies differ at most this much (of 255): the same shirt in red and in blue is two products.
const MAX_CHROMA_DIFFERENCE: f32 = 10.0;
const BANDS: u32 = 4;
const BAND_BITS: u32 = 16;
/// Hashes compared per band value: beyond it the images have something in common that says nothing (a frame, a logo).
const MAX_BUCKET: usize = 8192;
/// Images compared per hash, and pairs kept per hash.
const MAX_SAME_HASH: usize = 64;
/// Pairs kept, the closest first.
const MAX_PAIRS: usize = 20_000;

/// Two images that look almost the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NearPair {
    /// Bits of 64 in which their hashes differ.
    pub(super) distance: u32,
    /// The first image.
    pub(super) a: u32,
    /// The second image, after the first.
    pub(super) b: u32,
}

/// The pairs found, the closest first.
#[derive(Debug, Default)]
pub(super) struct NearPairs {
    pub(super) pairs: Vec<NearPair>,
    /// One of the limits above was met: there may be more.
    pub(super) is_cut: bool,
}

/// Near copies among the images of which `wanted` says that a pair is of interest (asked with the smaller first).
///
/// # Errors
/// When cancelled.
pub(super) fn near_pairs(
    prints: &[Option<Box<Print>>],
    wanted: &(dyn Fn(u32, u32) -> bool + Sync),
    watch: &Watch,
) -> Result<NearPairs, DataError> {
    let mut sorted: Vec<(u64, u32)> =
        (0..).zip(prints).filter_map(|(item, print)| Some((print.as_ref()?.hash, item))).collect();
    sorted.sort_unstable();
    let same: Vec<&[(u64, u32)]> = sorted.chunk_by(|a, b| a.0 == b.0).collect();
    let hashes: Vec<u64> = same.iter().filter_map(|members| members.first()).map(|(hash, _)| *hash).collect();
    let index = BandIndex::new(&hashes);
    let found: Vec<(Vec<NearPair>, bool)> = (0..same.len())
        .into_par_iter()
        .map(|own| {
            if own % 256 == 0 {
                watch.check()?;
            }
            let (close, mut is_cut) = index.close_after(own);
            let mut pairs = Vec::new();
            let members = |hash: usize| same.get(hash).copied().unwrap_or_default();
            is_cut |= members(own).len() > MAX_SAME_HASH;
            for &(hash, distance) in std::iter::once(&(own, 0)).chain(&close) {
                for &(_, a) in members(own).iter().take(MAX_SAME_HASH) {
                    for &(_, b) in members(hash).iter().take(MAX_SAME_HASH).filter(|(_, b)| hash != own || *b > a) {
                        let (a, b) = (a.min(b), a.max(b));
                        if wanted(a, b) && agree(prints, a, b) {
                            pairs.push(NearPair { distance, a, b });
                        }
                    }
                }
            }
            pairs.sort_unstable();
            is_cut |= pairs.len() > MAX_SAME_HASH;
            pairs.truncate(MAX_SAME_HASH);
            Ok((pairs, is_cut))
        })
        .collect::<Result<_, DataError>>()?;
    let mut is_cut = found.iter().any(|(_, is_cut)| *is_cut);
    let mut pairs: Vec<NearPair> = found.into_iter().flat_map(|(pairs, _)| pairs).collect();
    pairs.sort_unstable();
    is_cut |= pairs.len() > MAX_PAIRS;
    pairs.truncate(MAX_PAIRS);
    Ok(NearPairs { pairs, is_cut })
}

fn agree(prints: &[Option<Box<Print>>], a: u32, b: u32) -> bool {
    let print = |item: u32| prints.get(item as usize).and_then(Option::as_ref);
    let (Some(a), Some(b)) = (print(a), print(b)) else { return false };
    a.chroma_difference(b) <= MAX_CHROMA_DIFFERENCE && a.correlation(b) >= MIN_CORRELATION
}

/// Distinct hashes, found by each of their bands.
pub(super) struct BandIndex<'a> {
    hashes: &'a [u64],
    /// Of every band, the positions of hashes by its value.
    bands: Vec<Buckets>,
}

fn band_of(hash: u64, band: u32) -> usize {
    ((hash >> (band * BAND_BITS)) & ((1 << BAND_BITS) - 1)) as usize
}

impl<'a> BandIndex<'a> {
    /// Sorts the hashes by each band.
    pub(super) fn new(hashes: &'a [u64]) -> Self {
        let by_band = |band| Buckets::new(1 << BAND_BITS, hashes.iter().map(|&hash| band_of(hash, band)));
        Self { hashes, bands: (0..BANDS).into_par_iter().map(by_band).collect() }
    }

    /// Positions and distances of the hashes after `own` that differ from it in at most [`MAX_DISTANCE`] bits, ascending;
    /// and whether some were not compared.
    pub(super) fn close_after(&self, own: usize) -> (Vec<(usize, u32)>, bool) {
        let Some(&hash) = self.hashes.get(own) else { return (Vec::new(), false) };
        let (mut close, mut is_cut) = (Vec::new(), false);
        for (band, number) in self.bands.iter().zip(0..) {
            let value = band_of(hash, number);
            for value in std::iter::once(value).chain((0..BAND_BITS).map(|bit| value ^ (1 << bit))) {
                let bucket = band.get(value);
                is_cut |= bucket.len() > MAX_BUCKET;
                // Ascending, so what lies after `own` is its end.
                let after = bucket.partition_point(|&other| other as usize <= own);
                for &other in bucket.get(after..).unwrap_or_default().iter().take(MAX_BUCKET) {
                    let Some(&theirs) = self.hashes.get(other as usize) else { continue };
                    let distance = distance(hash, theirs);
                    if distance <= MAX_DISTANCE {
                        close.push((other as usize, distance));
                    }
                }
            }
        }
        close.sort_unstable();
        close.dedup();
        (close, is_cut)
    }
}
