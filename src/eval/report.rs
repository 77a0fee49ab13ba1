//! Everything the Evaluate page and `arclens evaluate` show about one list of scored pairs, in one value
//! that can be written to a file and read back.
//!
//! Not the page itself and not the raw scores: curves are thinned to what a screen can show, and every
//! number in here is finite, because JSON has no other.

use serde::{Deserialize, Serialize};

use super::{
    DetPoint, ErrorRates, EvalError, Histogram, OperatingPoint, OperatingRule, ScoredPairs, TarAtFar, d_prime,
    det_curve, fold_order, histogram, operating_point, ten_fold, wilson95_rate,
};

/// False accept rates at which every report has the true accept rate, falling.
pub const FAR_TARGETS: [f64; 4] = [1e-1, 1e-2, 1e-3, 1e-4];
/// More points than a plot has pixels across would not be seen.
const CURVE_POINTS: usize = 600;
/// Bins over [-1, 1]: 0.025 wide.
const HISTOGRAM_BINS: usize = 80;
const FOLDS: usize = 10;

/// Verification measures of one list of scored pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerificationReport {
    /// Number of pairs.
    pub pairs: usize,
    /// Genuine pairs among them.
    pub n_genuine: usize,
    /// Impostor pairs among them.
    pub n_impostor: usize,
    /// Equal error rate.
    pub eer: f64,
    /// Threshold at which the two errors are equal.
    pub eer_threshold: f32,
    /// Lower end of the Wilson 95 % interval of `eer`, by the smaller of the two kinds of pairs.
    pub eer_low: f64,
    /// Upper end of that interval.
    pub eer_high: f64,
    /// Area under the ROC curve.
    pub auc: f64,
    /// Separation of the score distributions in standard deviations.
    pub d_prime: f64,
    /// Mean accuracy over ten folds; `None` with fewer than ten pairs, as many of each kind unless the list is a published one.
    pub accuracy_10fold: Option<f64>,
    /// Its standard error.
    pub accuracy_10fold_se: Option<f64>,
    /// (FAR target, true accept rate) for 1e-1 to 1e-4; `None` where the impostor pairs are too few.
    pub tar_at_far: Vec<(f64, Option<TarAtFar>)>,
    /// DET curve.
    pub det: Vec<DetPoint>,
    /// ROC curve: [FMR, 1 - FNMR], from (1, 1) to (0, 0).
    pub roc: Vec<[f64; 2]>,
    /// Genuine scores in 80 bins from -1 to 1.
    pub genuine_hist: Histogram,
    /// Impostor scores in the same bins.
    pub impostor_hist: Histogram,
    /// The operating point for the rule that was asked for.
    pub operating: OperatingPoint,
}

/// Computes the report. `contiguous_folds` says that the list is a published one, whose order defines its
/// folds; otherwise as many pairs of each kind are put into folds by `seed`.
///
/// # Errors
/// No genuine or no impostor pair, or a score that is not finite.
pub fn verification_report(
    scored: &ScoredPairs,
    rule: OperatingRule,
    contiguous_folds: bool,
    seed: u64,
) -> Result<VerificationReport, EvalError> {
    let (genuine, impostor) = scored.split();
    let rates = ErrorRates::new(&genuine, &impostor)?;
    let eer = rates.eer();
    let (eer_low, eer_high) = wilson95_rate(eer.rate, rates.n_genuine().min(rates.n_impostor()));
    let folds = if contiguous_folds { ten_fold(scored, FOLDS) } else { ten_fold(&fold_order(scored, seed), FOLDS) };
    let det = det_curve(&rates, CURVE_POINTS);
    Ok(VerificationReport {
        pairs: genuine.len() + impostor.len(),
        n_genuine: genuine.len(),
        n_impostor: impostor.len(),
        eer: eer.rate,
        eer_threshold: eer.threshold,
        eer_low,
        eer_high,
        auc: rates.auc(),
        d_prime: d_prime(&genuine, &impostor),
        accuracy_10fold: folds.as_ref().map(|f| f.mean),
        accuracy_10fold_se: folds.as_ref().map(|f| f.stderr),
        tar_at_far: FAR_TARGETS.iter().map(|&far| (far, rates.tar_at_far(far))).collect(),
        roc: det.iter().map(|p| [p.fmr, 1.0 - p.fnmr]).collect(),
        det,
        genuine_hist: histogram(&genuine, -1.0, 1.0, HISTOGRAM_BINS),
        impostor_hist: histogram(&impostor, -1.0, 1.0, HISTOGRAM_BINS),
        operating: operating_point(&rates, rule),
    })
}
