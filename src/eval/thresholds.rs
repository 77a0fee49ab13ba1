//! From a rate back to a threshold: which one keeps a false accept rate, and what is accepted there.
//!
//! Not the choice of a rate (`operating_point.rs`). A rate is turned into a whole number of allowed errors
//! first; the threshold is then a place in a sorted list, exact, without a search over thresholds.

use serde::{Deserialize, Serialize};

use super::error_rates::share;
use super::{ErrorRates, RatePoint, wilson95};

/// True accept rate where at most a given share of impostors is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TarAtFar {
    /// The false accept rate asked for.
    pub far_target: f64,
    /// Share of genuine pairs accepted.
    pub tar: f64,
    /// The smallest observed score that keeps the target.
    pub threshold: f32,
    /// The false accept rate measured there, at most the target.
    pub far: f64,
    /// Lower end of the Wilson 95 % interval of `tar`.
    pub tar_low: f64,
    /// Upper end of the Wilson 95 % interval of `tar`.
    pub tar_high: f64,
}

impl ErrorRates {
    /// The true accept rate at a false accept rate of at most `far`; `None` if `far` is below 1/impostors,
    /// which these pairs cannot measure (or NaN).
    ///
    /// Strict: the measured FAR never exceeds the target. Taking the *nearest* point of the ROC, as the
    /// IJB scripts do, reports a higher figure at a FAR that was not asked for.
    pub fn tar_at_far(&self, far: f64) -> Option<TarAtFar> {
        if far.is_nan() || self.allowed(far) == 0 {
            return None;
        }
        let point = self.point_at_far(far);
        let (missed, _) = self.errors_at(point.threshold);
        let accepted = self.n_genuine() - missed;
        let (tar_low, tar_high) = wilson95(accepted, self.n_genuine());
        let tar = share(accepted, self.n_genuine());
        Some(TarAtFar { far_target: far, tar, threshold: point.threshold, far: point.fmr, tar_low, tar_high })
    }

    /// The point of the smallest observed score whose FMR is at most `far`, also where `far` is too small to
    /// be measured (then no impostor is accepted). Just above the highest score if no observed score will do.
    pub fn point_at_far(&self, far: f64) -> RatePoint {
        let allowed = self.allowed(far);
        if allowed >= self.n_impostor() {
            return self.point(self.lowest());
        }
        let rejected = self.impostor[self.n_impostor() - 1 - allowed];
        let above = |scores: &[f32]| scores.get(scores.partition_point(|&s| s <= rejected)).copied();
        let smallest = [above(&self.genuine), above(&self.impostor)].into_iter().flatten().min_by(f32::total_cmp);
        self.point(smallest.unwrap_or_else(|| self.reject_all()))
    }

    /// The largest threshold whose FNMR is at most `frr`.
    pub(crate) fn highest_within_frr(&self, frr: f64) -> f32 {
        let allowed = allowed_errors(frr, self.n_genuine());
        self.genuine.get(allowed).copied().unwrap_or_else(|| self.reject_all())
    }

    /// The largest observed score below `t`.
    pub(crate) fn score_below(&self, t: f32) -> Option<f32> {
        let below = |scores: &[f32]| scores.partition_point(|&s| s < t).checked_sub(1).map(|i| scores[i]);
        [below(&self.genuine), below(&self.impostor)].into_iter().flatten().max_by(f32::total_cmp)
    }

    /// The smallest observed score not below `t`, or the rejecting end.
    pub(crate) fn score_from(&self, t: f32) -> f32 {
        let from = |scores: &[f32]| scores.get(scores.partition_point(|&s| s < t)).copied();
        let scores = [from(&self.genuine), from(&self.impostor)];
        scores.into_iter().flatten().min_by(f32::total_cmp).unwrap_or_else(|| self.reject_all())
    }

    fn allowed(&self, far: f64) -> usize {
        allowed_errors(far, self.n_impostor())
    }
}

/// The most errors among `n` that keep a rate; 0.29·100 is 28.999…96 in floating point, hence the nudge.
fn allowed_errors(rate: f64, n: usize) -> usize {
    ((rate * n as f64 * (1.0 + 1e-12) + 1e-9).floor().max(0.0) as usize).min(n)
}
