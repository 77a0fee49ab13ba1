//! Error rates over *every* pair of a table, in memory that does not grow with the number of pairs.
//!
//! 13,233 embeddings have 87.5 million pairs, 350 MB of scores; here they are counted as they are computed, in bins of
//! 4.8e-7, which is about the rounding error of a cosine of 512 numbers in f32. Where the scores themselves are wanted
//! (a chosen list of pairs, bands, histograms) [`super::ErrorRates`] keeps them and bins nothing.

use super::{Eer, EmbeddingTable, EvalError};
use ndarray::{ArrayView2, s};
use rayon::prelude::*;

/// Bins over [-1, 1].
const BINS: usize = 1 << 22;
/// Rows per block of the matrix of scores: a block is 1 MB, so it is counted while it is in the cache.
const BLOCK: usize = 512;

/// Counts of all pairs by score.
#[derive(Clone, Debug)]
pub struct AllPairs {
    /// Genuine pairs per bin, ascending scores.
    genuine: Vec<u32>,
    /// Impostor pairs per bin.
    impostor: Vec<u32>,
    n_genuine: u64,
    n_impostor: u64,
}

/// Scores every pair of different rows; `cancelled` is asked between blocks.
///
/// # Errors
/// Without a genuine or an impostor pair, or when cancelled.
pub fn all_pairs(table: &EmbeddingTable, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<AllPairs, EvalError> {
    let (rows, dim) = (table.len(), table.dim());
    let matrix = ArrayView2::from_shape((rows, dim), table.data()).map_err(|_| EvalError::SizeMismatch {
        what: "numbers",
        expected: rows * dim,
        found: table.data().len(),
    })?;
    let blocks: Vec<(usize, usize)> = (0..rows.div_ceil(BLOCK)).flat_map(|i| (0..=i).map(move |j| (i, j))).collect();
    // One pair of histograms per task, not per block; the sums do not depend on how the blocks are shared out.
    let share = blocks.len().div_ceil(rayon::current_num_threads()).max(1);
    let counted = blocks.par_chunks(share).map(|blocks| {
        let mut counts = Counts::new();
        for block in blocks {
            if cancelled() {
                return Err(EvalError::Cancelled);
            }
            counts.add(&matrix, table.classes(), *block);
        }
        Ok(counts)
    });
    let counts = counted.try_reduce_with(|a, b| Ok(a.plus(&b))).unwrap_or(Err(EvalError::NoGenuine))?;
    let total = |bins: &[u32]| bins.iter().map(|count| u64::from(*count)).sum::<u64>();
    let (n_genuine, n_impostor) = (total(&counts.genuine), total(&counts.impostor));
    match (n_genuine, n_impostor) {
        (0, _) => Err(EvalError::NoGenuine),
        (_, 0) => Err(EvalError::NoImpostor),
        _ => Ok(AllPairs { genuine: counts.genuine, impostor: counts.impostor, n_genuine, n_impostor }),
    }
}

struct Counts {
    genuine: Vec<u32>,
    impostor: Vec<u32>,
}

impl Counts {
    fn new() -> Self {
        Self { genuine: vec![0; BINS], impostor: vec![0; BINS] }
    }

    /// Counts the pairs of block row `i` and block column `j` of the matrix of scores, `j <= i`.
    fn add(&mut self, matrix: &ArrayView2<'_, f32>, classes: &[u32], (i, j): (usize, usize)) {
        let range = |block: usize| block * BLOCK..((block + 1) * BLOCK).min(matrix.nrows());
        let (rows, columns) = (range(i), range(j));
        let scores = matrix.slice(s![rows.clone(), ..]).dot(&matrix.slice(s![columns.clone(), ..]).t());
        let mut bins = [0; BLOCK];
        for (row, scores) in rows.zip(scores.rows()) {
            // Each pair once, and no row with itself.
            let end = columns.end.min(row);
            let class = classes[row];
            // All bins first: a loop of plain arithmetic, done on whole vectors.
            bins.iter_mut().zip(scores.iter()).for_each(|(bin, score)| *bin = bin_of(*score));
            for (bin, other) in bins.iter().zip(classes.get(columns.start..end).unwrap_or_default()) {
                let counts = if *other == class { &mut self.genuine } else { &mut self.impostor };
                let count = &mut counts[*bin as usize % BINS];
                *count = count.saturating_add(1);
            }
        }
    }

    fn plus(mut self, other: &Self) -> Self {
        let add = |sum: &mut [u32], more: &[u32]| sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        add(&mut self.genuine, &other.genuine);
        add(&mut self.impostor, &other.impostor);
        self
    }
}

fn bin_of(score: f32) -> u32 {
    // Truncation towards zero is the floor here; what rounds past the ends belongs to the last bins. By way of i32, which
    // is one instruction.
    (((score + 1.0) * (BINS / 2) as f32) as i32).clamp(0, BINS as i32 - 1) as u32
}

/// The lowest score of a bin.
fn score_of(bin: usize) -> f32 {
    (bin as f64 / (BINS / 2) as f64 - 1.0) as f32
}

impl AllPairs {
    /// Number of genuine pairs, at least 1.
    pub fn n_genuine(&self) -> u64 {
        self.n_genuine
    }

    /// Number of impostor pairs, at least 1.
    pub fn n_impostor(&self) -> u64 {
        self.n_impostor
    }

    /// The equal error rate, interpolated within the bin in which the curves cross.
    pub fn eer(&self) -> Eer {
        let (mut missed, mut accepted) = (0, self.n_impostor);
        let mut before = (self.fmr(accepted), self.fnmr(missed), score_of(0));
        for (bin, (genuine, impostor)) in self.genuine.iter().zip(&self.impostor).enumerate() {
            missed += u64::from(*genuine);
            accepted -= u64::from(*impostor);
            let after = (self.fmr(accepted), self.fnmr(missed), score_of(bin + 1));
            if after.1 >= after.0 {
                let (behind, ahead) = (before.0 - before.1, after.1 - after.0);
                let fraction = behind / (behind + ahead).max(f64::MIN_POSITIVE);
                let threshold = f64::from(before.2) + fraction * f64::from(after.2 - before.2);
                return Eer { rate: before.0 + fraction * (after.0 - before.0), threshold: threshold as f32 };
            }
            before = after;
        }
        // Unreachable: the sweep ends at FNMR 1, FMR 0.
        Eer { rate: before.0, threshold: before.2 }
    }

    /// Area under the ROC curve: the chance that a genuine pair scores above an impostor pair, ½ within a bin.
    pub fn auc(&self) -> f64 {
        let (mut below, mut twice) = (0_u128, 0_u128);
        for (genuine, impostor) in self.genuine.iter().zip(&self.impostor) {
            twice += u128::from(*genuine) * (2 * below + u128::from(*impostor));
            below += u128::from(*impostor);
        }
        twice as f64 / (2.0 * self.n_genuine as f64 * self.n_impostor as f64)
    }

    /// The largest true accept rate with a false accept rate not above `far`; `None` below 1 / impostor pairs.
    pub fn tar_at_far(&self, far: f64) -> Option<f64> {
        if far * self.n_impostor as f64 <= 1.0 - 1e-9 {
            return None;
        }
        let allowed = (far * self.n_impostor as f64 + 1e-9) as u64;
        let (mut accepted, mut found) = (0, 0);
        for (genuine, impostor) in self.genuine.iter().zip(&self.impostor).rev() {
            accepted += u64::from(*impostor);
            if accepted > allowed {
                break;
            }
            found += u64::from(*genuine);
        }
        Some(found as f64 / self.n_genuine as f64)
    }

    fn fmr(&self, accepted: u64) -> f64 {
        accepted as f64 / self.n_impostor as f64
    }

    fn fnmr(&self, missed: u64) -> f64 {
        missed as f64 / self.n_genuine as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{ErrorRates, Pair, named_stream, score_pairs};
    use rand::Rng as _;

    fn table(rows: usize, dim: usize, classes: u32, spread: f32) -> EmbeddingTable {
        let mut rng = named_stream(3, "all-pairs");
        let centres: Vec<f32> = (0..classes as usize * dim).map(|_| rng.gen_range(-1.0..1.0)).collect();
        let labels: Vec<u32> = (0..rows as u32).map(|row| row * 7 % classes).collect();
        let noise = |rng: &mut rand_chacha::ChaCha8Rng| spread * rng.gen_range(-1.0f32..1.0);
        let data = labels
            .iter()
            .flat_map(|class| centres[*class as usize * dim..][..dim].to_vec())
            .map(|centre| centre + noise(&mut rng))
            .collect();
        EmbeddingTable::new(dim, data, (0..rows as u32).collect(), labels).unwrap()
    }

    #[test]
    fn counting_agrees_with_sorting_every_score() {
        // More rows than a block, so that blocks on and off the diagonal are met.
        let table = table(BLOCK + 77, 24, 9, 1.4);
        let classes = table.classes();
        let pairs: Vec<Pair> = (0..table.len() as u32)
            .flat_map(|a| (0..a).map(move |b| (a, b)))
            .map(|(a, b)| Pair { a, b, same: classes[a as usize] == classes[b as usize] })
            .collect();
        let sorted = ErrorRates::from_scored(&score_pairs(&table, &pairs).unwrap()).unwrap();
        let counted = all_pairs(&table, &|| false).unwrap();
        assert_eq!(counted.n_genuine(), sorted.n_genuine() as u64);
        assert_eq!(counted.n_impostor(), sorted.n_impostor() as u64);
        // Scores of one bin count as equal, and a product of another order rounds differently.
        assert!((counted.eer().rate - sorted.eer().rate).abs() < 1e-5);
        assert!((counted.eer().threshold - sorted.eer().threshold).abs() < 1e-5);
        assert!((counted.auc() - sorted.auc()).abs() < 1e-6);
        for far in [1e-1, 1e-2, 1e-3] {
            let (a, b) = (counted.tar_at_far(far).unwrap(), sorted.tar_at_far(far).unwrap().tar);
            assert!((a - b).abs() < 1e-3, "{far}: {a} {b}");
        }
        assert_eq!(counted.tar_at_far(1e-9), None);
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let table = table(2 * BLOCK, 8, 5, 1.0);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let alone = pool.install(|| all_pairs(&table, &|| false)).unwrap();
        let together = all_pairs(&table, &|| false).unwrap();
        assert!(alone.genuine == together.genuine && alone.impostor == together.impostor);
    }

    #[test]
    fn separated_classes_have_no_error_and_one_class_has_no_impostor() {
        let rates = all_pairs(&table(60, 16, 4, 0.05), &|| false).unwrap();
        assert_eq!((rates.eer().rate, rates.auc(), rates.tar_at_far(0.01)), (0.0, 1.0, Some(1.0)));
        assert!(matches!(all_pairs(&table(20, 4, 1, 0.5), &|| false), Err(EvalError::NoImpostor)));
        assert!(matches!(all_pairs(&table(60, 4, 4, 0.5), &|| true), Err(EvalError::Cancelled)));
    }
}
