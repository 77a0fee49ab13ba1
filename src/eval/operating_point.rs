//! From measured error rates to a decision about two images: the threshold, what it costs, and how close to
//! it a score must be for the honest answer to be "cannot tell".
//!
//! # The undecided band
//! A threshold is estimated from a finite number of pairs. Its error rate at the chosen place has a Wilson
//! 95 % interval; every other threshold whose measured rate lies inside that interval could as well be the
//! right one, and a score among those thresholds would be answered differently by equally good choices.
//! The band `undecided_low .. undecided_high` is exactly that range:
//! - rule `Far`: from the smallest observed score with FMR ≤ `far_high` to the first with FMR ≤ `far_low`;
//! - rule `Eer`: from the smallest observed score with FMR ≤ `far_high` to the largest with FNMR ≤ `frr_high`.
//!
//! It always contains the threshold, lies among observed scores (so it never grows to "everything above"
//! when no impostor was accepted), and shrinks as pairs are added. It says nothing about images unlike the
//! measured ones.

use serde::{Deserialize, Serialize};

use super::{ErrorRates, Rates, wilson95};

/// What the threshold is chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperatingRule {
    /// False matches as frequent as missed matches.
    Eer,
    /// At most this share of impostor pairs accepted.
    Far(f64),
}

/// A threshold with the error rates measured at it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// Similarity from which two images count as the same.
    pub threshold: f32,
    /// False accept rate measured at the threshold.
    pub far: f64,
    /// Lower end of its Wilson 95 % interval.
    pub far_low: f64,
    /// Upper end of its Wilson 95 % interval.
    pub far_high: f64,
    /// False reject rate measured at the threshold.
    pub frr: f64,
    /// Lower end of its Wilson 95 % interval.
    pub frr_low: f64,
    /// Upper end of its Wilson 95 % interval.
    pub frr_high: f64,
    /// Similarities below this are "different".
    pub undecided_low: f32,
    /// Similarities from this on are "same".
    pub undecided_high: f32,
    /// The FAR asked for is below what the impostor pairs can measure (1 / their number): the threshold
    /// accepts none of them, and `far_high` is all that is known.
    pub limited: bool,
}

/// The answer about two images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// The same class.
    Same,
    /// Different classes.
    Different,
    /// Too close to the threshold to tell.
    Undecided,
}

impl OperatingPoint {
    /// The answer for a similarity; NaN is undecided.
    pub fn decide(&self, similarity: f32) -> Decision {
        if similarity >= self.undecided_high {
            Decision::Same
        } else if similarity < self.undecided_low {
            Decision::Different
        } else {
            Decision::Undecided
        }
    }
}

/// The operating point for a rule.
///
/// `Eer`: the crossing of FMR and FNMR; where a whole gap between scores gives it, the middle of the gap.
/// `Far`: the smallest observed score that keeps the rate; a rate too small to be measured (or not a
/// number) gives the smallest that accepts no impostor, flagged `limited`.
pub fn operating_point(rates: &ErrorRates, rule: OperatingRule) -> OperatingPoint {
    match rule {
        OperatingRule::Eer => at_eer(rates),
        OperatingRule::Far(far) => at_far(rates, far),
    }
}

fn at_eer(rates: &ErrorRates) -> OperatingPoint {
    let eer = rates.eer();
    let observed = rates.at_threshold(eer.threshold);
    let threshold = match rates.score_below(eer.threshold) {
        // Any threshold in the gap below an observed crossing has the same rates; its middle is the
        // farthest from both sides, where a new score is least likely to fall on the wrong one.
        Some(below) if (observed.fmr - observed.fnmr).abs() < 1e-12 => f32::midpoint(below, eer.threshold),
        _ => eer.threshold,
    };
    // The midpoint of two neighbouring floats can round down to the lower one, which has other rates.
    let threshold = if rates.at_threshold(threshold) == observed { threshold } else { eer.threshold };
    let mut point = measured(rates, threshold);
    point.undecided_low = rates.point_at_far(point.far_high).threshold.min(threshold);
    point.undecided_high = rates.highest_within_frr(point.frr_high).max(threshold);
    point
}

fn at_far(rates: &ErrorRates, far: f64) -> OperatingPoint {
    let limited = rates.tar_at_far(far).is_none();
    let far = if far.is_nan() { 0.0 } else { far };
    let threshold = rates.point_at_far(far).threshold;
    let mut point = OperatingPoint { limited, ..measured(rates, threshold) };
    point.undecided_low = rates.point_at_far(point.far_high).threshold.min(threshold);
    point.undecided_high = rates.point_at_far(point.far_low).threshold.max(threshold);
    point
}

fn measured(rates: &ErrorRates, threshold: f32) -> OperatingPoint {
    let (missed, accepted) = rates.errors_at(threshold);
    let Rates { fmr, fnmr } = rates.at_threshold(threshold);
    let accept_interval = wilson95(accepted, rates.n_impostor());
    let reject_interval = wilson95(missed, rates.n_genuine());
    OperatingPoint {
        threshold,
        far: fmr,
        far_low: accept_interval.0,
        far_high: accept_interval.1,
        frr: fnmr,
        frr_low: reject_interval.0,
        frr_high: reject_interval.1,
        undecided_low: threshold,
        undecided_high: threshold,
        limited: false,
    }
}
