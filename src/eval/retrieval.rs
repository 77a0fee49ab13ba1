//! Finding the right class among many: ranks against a gallery, and retrieval within one table.
//!
//! Not for pairs. Two settings: *identification*, where every probe has one true entry in a separate
//! gallery, and *retrieval*, where every row searches all others. In identification ties count against us:
//! an entry exactly as similar as the true one is ranked before it, so a collapsed model does not look
//! perfect.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{EmbeddingTable, Neighbour, nearest};

/// Similarities of probes to a gallery in which each probe has exactly one true entry.
#[derive(Clone, Debug)]
pub struct Identification {
    ranks: Vec<usize>,
    mated: Vec<f32>,
    non_mated: Vec<f32>,
}

/// Open-set identification at one false alarm rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenSetPoint {
    /// Similarity that a match must exceed.
    pub threshold: f32,
    /// Share of probes whose true entry exceeds it.
    pub recall: f64,
}

impl Identification {
    /// `similarity` holds one row of `gallery` numbers per probe, `truth` the gallery index of each probe.
    ///
    /// `None` if the sizes do not match, there is no probe, or a true index lies outside the gallery.
    pub fn new(similarity: &[f32], gallery: usize, truth: &[usize]) -> Option<Self> {
        if truth.is_empty() || gallery.checked_mul(truth.len()) != Some(similarity.len()) {
            return None;
        }
        let mut found = Self { ranks: Vec::new(), mated: Vec::new(), non_mated: Vec::new() };
        for (row, &truth) in similarity.chunks_exact(gallery).zip(truth) {
            let mated = *row.get(truth)?;
            let others = row.iter().enumerate().filter(|&(i, _)| i != truth).map(|(_, &s)| s);
            // Not `s >= mated`: a NaN must not improve a rank.
            found.ranks.push(
                1 + others.clone().filter(|s| s.partial_cmp(&mated).is_none_or(std::cmp::Ordering::is_ge)).count(),
            );
            found.mated.push(mated);
            found.non_mated.extend(others);
        }
        found.non_mated.sort_unstable_by(|a, b| b.total_cmp(a));
        Some(found)
    }

    /// Rank of the true entry for each probe, from 1.
    pub fn ranks(&self) -> &[usize] {
        &self.ranks
    }

    /// True positive identification rate where false alarms are `far` per probe: the threshold is the
    /// ⌈probes·far⌉-th highest wrong similarity, and a match must be strictly above it (the IJB 1:N rule).
    ///
    /// `None` if there are not that many wrong similarities.
    pub fn at_false_alarms(&self, far: f64) -> Option<OpenSetPoint> {
        let allowed = (far * self.mated.len() as f64).ceil().max(1.0) as usize;
        let threshold = *self.non_mated.get(allowed - 1)?;
        let hits = self.mated.iter().filter(|&&s| s > threshold).count();
        Some(OpenSetPoint { threshold, recall: hits as f64 / self.mated.len() as f64 })
    }
}

/// Share of probes whose true entry is among the first `k`; 0 without probes.
pub fn rank_k(ranks: &[usize], k: usize) -> f64 {
    let hits = ranks.iter().filter(|&&rank| rank <= k).count();
    hits as f64 / ranks.len().max(1) as f64
}

/// Retrieval within one table, every row searching all others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetrievalMetrics {
    /// Share of queries whose nearest other row is of their class.
    pub precision_at_1: f64,
    /// Mean share of the class among the first R results, R being the number of other rows of the class.
    pub r_precision: f64,
    /// Mean average precision over the first R results (Musgrave et al., arXiv:2003.08505).
    pub map_at_r: f64,
    /// Queries counted: rows of classes with at least two rows.
    pub queries: usize,
}

/// Precision at 1, R-precision and MAP@R; `None` if no class has two rows.
///
/// Work grows with the square of the number of rows: about 10 s for 10,000 rows of 512 on two cores.
pub fn retrieval_metrics(table: &EmbeddingTable) -> Option<RetrievalMetrics> {
    let mut sizes = BTreeMap::<u32, usize>::new();
    for &class in table.classes() {
        *sizes.entry(class).or_default() += 1;
    }
    let per_query: Vec<[f64; 3]> = (0..table.len())
        .into_par_iter()
        .filter_map(|row| {
            let class = table.classes()[row];
            let relevant = sizes.get(&class)? - 1;
            (relevant > 0)
                .then(|| score_query(&nearest(table, table.row(row), relevant, Some(row)), table.classes(), class))
        })
        .collect();
    if per_query.is_empty() {
        return None;
    }
    let mean = |i: usize| per_query.iter().map(|q| q[i]).sum::<f64>() / per_query.len() as f64;
    Some(RetrievalMetrics {
        precision_at_1: mean(0),
        r_precision: mean(1),
        map_at_r: mean(2),
        queries: per_query.len(),
    })
}

/// [`RetrievalMetrics::precision_at_1`] alone.
pub fn precision_at_1(table: &EmbeddingTable) -> Option<f64> {
    retrieval_metrics(table).map(|m| m.precision_at_1)
}

/// [`RetrievalMetrics::map_at_r`] alone.
pub fn map_at_r(table: &EmbeddingTable) -> Option<f64> {
    retrieval_metrics(table).map(|m| m.map_at_r)
}

/// (precision at 1, R-precision, average precision at R) of one query, from its R nearest rows.
fn score_query(found: &[Neighbour], classes: &[u32], class: u32) -> [f64; 3] {
    let (mut hits, mut precisions, mut first) = (0.0, 0.0, 0.0);
    for (i, neighbour) in found.iter().enumerate() {
        if classes[neighbour.row] == class {
            hits += 1.0;
            precisions += hits / (i + 1) as f64;
            if i == 0 {
                first = 1.0;
            }
        }
    }
    let relevant = found.len().max(1) as f64;
    [first, hits / relevant, precisions / relevant]
}
