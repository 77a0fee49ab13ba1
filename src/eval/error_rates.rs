//! Genuine and impostor scores to error rates at every threshold: one exact sweep, nothing binned.
//!
//! Not for finding the threshold of a given rate (`thresholds.rs`) or drawing (`det.rs`). The two sorted score
//! lists *are* the data structure: every question is a binary search or one merge over them, so tens of
//! millions of pairs cost 4 bytes each; the list of all points is built only if somebody asks for it.
//! FMR never rises and FNMR never falls with the threshold, by construction.

use std::sync::OnceLock;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{EvalError, ScoredPairs};

/// Error rates at one threshold; accept if and only if `score >= threshold`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatePoint {
    /// Similarity from which a pair is accepted.
    pub threshold: f32,
    /// False match rate (FAR, FPR): share of impostor pairs accepted.
    pub fmr: f64,
    /// False non-match rate (FRR, 1 - TAR): share of genuine pairs rejected.
    pub fnmr: f64,
}

/// Error rates at a threshold the caller chose.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// False match rate.
    pub fmr: f64,
    /// False non-match rate.
    pub fnmr: f64,
}

/// The equal error rate and the threshold that gives it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Eer {
    /// The rate, in [0, 1].
    pub rate: f64,
    /// The threshold; between two observed scores where the curves cross there.
    pub threshold: f32,
}

/// Error rates of one set of genuine and impostor scores, at every threshold.
#[derive(Clone, Debug)]
pub struct ErrorRates {
    /// Ascending, not empty.
    pub(super) genuine: Vec<f32>,
    /// Ascending, not empty.
    pub(super) impostor: Vec<f32>,
    points: OnceLock<Vec<RatePoint>>,
}

impl ErrorRates {
    /// Sorts the scores; O(n log n), in parallel.
    ///
    /// # Errors
    /// An empty list, or a score that is not finite (named by its position).
    pub fn new(genuine: &[f32], impostor: &[f32]) -> Result<Self, EvalError> {
        Self::from_lists(genuine.to_vec(), impostor.to_vec())
    }

    /// The same from a list of scored pairs.
    ///
    /// # Errors
    /// As [`ErrorRates::new`].
    pub fn from_scored(scored: &ScoredPairs) -> Result<Self, EvalError> {
        let (genuine, impostor) = scored.split();
        Self::from_lists(genuine, impostor)
    }

    /// The same from lists the caller no longer needs: nothing is copied, which matters from 10^7 pairs on.
    ///
    /// # Errors
    /// As [`ErrorRates::new`].
    pub fn from_lists(mut genuine: Vec<f32>, mut impostor: Vec<f32>) -> Result<Self, EvalError> {
        for (kind, scores) in [("genuine", &mut genuine), ("impostor", &mut impostor)] {
            if let Some(index) = scores.iter().position(|s| !s.is_finite()) {
                return Err(EvalError::NonFiniteScore { kind, index, value: scores[index] });
            }
            // -0.0 + 0.0 is +0.0: otherwise the total order would make two scores out of one.
            scores.par_iter_mut().for_each(|s| *s += 0.0);
            scores.par_sort_unstable_by(f32::total_cmp);
        }
        match (genuine.is_empty(), impostor.is_empty()) {
            (true, _) => Err(EvalError::NoGenuine),
            (_, true) => Err(EvalError::NoImpostor),
            _ => Ok(Self { genuine, impostor, points: OnceLock::new() }),
        }
    }

    /// Number of genuine pairs, at least 1.
    pub fn n_genuine(&self) -> usize {
        self.genuine.len()
    }

    /// Number of impostor pairs, at least 1.
    pub fn n_impostor(&self) -> usize {
        self.impostor.len()
    }

    /// Every distinct score as a threshold, ascending, from (FMR 1, FNMR 0) to a last point just above the
    /// highest score where everything is rejected (FMR 0, FNMR 1). Walks the lists, stores nothing.
    pub fn sweep(&self) -> impl Iterator<Item = RatePoint> + '_ {
        let (mut rejected_genuine, mut rejected_impostor, mut ended) = (0, 0, false);
        std::iter::from_fn(move || {
            let next = [self.genuine.get(rejected_genuine), self.impostor.get(rejected_impostor)];
            let Some(&threshold) = next.into_iter().flatten().min_by(|a, b| a.total_cmp(b)) else {
                let last = (!ended).then(|| self.point(self.reject_all()));
                ended = true;
                return last;
            };
            let point = RatePoint {
                threshold,
                fmr: share(self.n_impostor() - rejected_impostor, self.n_impostor()),
                fnmr: share(rejected_genuine, self.n_genuine()),
            };
            rejected_genuine += run_length(&self.genuine[rejected_genuine..], threshold);
            rejected_impostor += run_length(&self.impostor[rejected_impostor..], threshold);
            Some(point)
        })
    }

    /// All points of [`ErrorRates::sweep`], built on first use (24 bytes each).
    pub fn points(&self) -> &[RatePoint] {
        self.points.get_or_init(|| self.sweep().collect())
    }

    /// Exact rates at any threshold. NaN accepts nothing.
    pub fn at_threshold(&self, t: f32) -> Rates {
        let (missed, accepted) = self.errors_at(t);
        Rates { fmr: share(accepted, self.n_impostor()), fnmr: share(missed, self.n_genuine()) }
    }

    /// (genuine pairs rejected, impostor pairs accepted) at a threshold.
    pub(crate) fn errors_at(&self, t: f32) -> (usize, usize) {
        let t = if t.is_nan() { f32::INFINITY } else { t };
        let missed = self.genuine.partition_point(|&s| s < t);
        (missed, self.n_impostor() - self.impostor.partition_point(|&s| s < t))
    }

    /// The equal error rate: where FMR and FNMR cross, linearly interpolated between neighbouring points.
    pub fn eer(&self) -> Eer {
        let mut before = self.point(self.lowest());
        for after in self.sweep() {
            let ahead = after.fnmr - after.fmr;
            if ahead < 0.0 {
                before = after;
                continue;
            }
            let behind = before.fmr - before.fnmr;
            // At a point of equality `ahead` is 0 and the fraction 1: the observed point itself.
            let fraction = behind / (behind + ahead);
            let between = |a: f64, b: f64| a + fraction * (b - a);
            let threshold = between(f64::from(before.threshold), f64::from(after.threshold)) as f32;
            return Eer { rate: between(before.fmr, after.fmr), threshold };
        }
        // Unreachable: the sweep ends at FNMR 1, FMR 0.
        Eer { rate: before.fmr, threshold: before.threshold }
    }

    /// Area under the ROC curve: the chance that a genuine pair scores above an impostor pair, ties ½
    /// (Mann–Whitney). Exact, from counts.
    pub fn auc(&self) -> f64 {
        let (mut below, mut equal_end, mut twice) = (0, 0, 0_u128);
        for &score in &self.genuine {
            while self.impostor.get(below).is_some_and(|&s| s < score) {
                below += 1;
            }
            equal_end = equal_end.max(below);
            while self.impostor.get(equal_end).is_some_and(|&s| s <= score) {
                equal_end += 1;
            }
            twice += (below + equal_end) as u128;
        }
        twice as f64 / (2.0 * self.n_genuine() as f64 * self.n_impostor() as f64)
    }

    /// The highest accuracy any one threshold reaches on these very pairs, and the lowest observed score
    /// that reaches it. Optimistic (chosen on the test set): for comparison with programs that report it.
    pub fn best_accuracy(&self) -> (f64, f32) {
        let total = (self.n_genuine() + self.n_impostor()) as f64;
        let mut best = (0.0, self.lowest());
        for point in self.sweep() {
            let errors = point.fnmr * self.n_genuine() as f64 + point.fmr * self.n_impostor() as f64;
            let accuracy = 1.0 - errors.round() / total;
            if accuracy > best.0 {
                best = (accuracy, point.threshold);
            }
        }
        best
    }

    pub(super) fn point(&self, threshold: f32) -> RatePoint {
        let Rates { fmr, fnmr } = self.at_threshold(threshold);
        RatePoint { threshold, fmr, fnmr }
    }

    /// The lowest score: accepts everything.
    pub(crate) fn lowest(&self) -> f32 {
        self.genuine[0].min(self.impostor[0])
    }

    /// The smallest threshold that rejects everything.
    pub(crate) fn reject_all(&self) -> f32 {
        self.genuine[self.n_genuine() - 1].max(self.impostor[self.n_impostor() - 1]).next_up()
    }
}

pub(super) fn share(count: usize, n: usize) -> f64 {
    count as f64 / n as f64
}

fn run_length(sorted: &[f32], value: f32) -> usize {
    sorted.iter().take_while(|&&s| s <= value).count()
}
