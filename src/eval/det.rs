//! The detection error trade-off curve: FNMR over FMR, both on normal-deviate axes.
//!
//! Not for drawing, and not for ticks and ends of the axes (`det_axes.rs`); this gives the coordinates. On these
//! axes normally distributed scores give a straight line and the interesting corner, where both errors are small,
//! gets most of the room.
//! A rate of 0 or 1 has no place on them (probit of 0 is minus infinity), so coordinates are clipped to
//! 1/(2N), half an error, while the raw rates are kept beside them.

use serde::{Deserialize, Serialize};

use super::{ErrorRates, RatePoint, Rates, probit, wilson95};

/// One point of the curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetPoint {
    /// False match rate, unclipped.
    pub fmr: f64,
    /// False non-match rate, unclipped.
    pub fnmr: f64,
    /// probit(FMR), clipped to half an impostor pair.
    pub x: f64,
    /// probit(FNMR), clipped to half a genuine pair.
    pub y: f64,
    /// Similarity from which a pair is accepted at this point.
    pub threshold: f32,
    /// Lower end of the Wilson 95 % interval of `fnmr`.
    pub fnmr_low: f64,
    /// Upper end of the Wilson 95 % interval of `fnmr`.
    pub fnmr_high: f64,
}

/// The curve in order of rising threshold (x falls, y rises), at most `max_points` (at least 2) points.
///
/// All points if they fit. Otherwise a choice spread evenly along the curve on its normal-deviate axes,
/// first and last point included; every point kept is an exact one, none is interpolated.
pub fn det_curve(rates: &ErrorRates, max_points: usize) -> Vec<DetPoint> {
    let max_points = max_points.max(2);
    if rates.sweep().nth(max_points).is_none() {
        return rates.sweep().map(|point| det_point(rates, point)).collect();
    }
    let along = |threshold: f32| {
        let point = at(rates, threshold);
        point.y - point.x
    };
    let (first, last) = (rates.lowest(), rates.reject_all());
    let (start, end) = (along(first), along(last));
    let mut curve = vec![at(rates, first)];
    for step in 1..max_points - 1 {
        let target = start + (end - start) * step as f64 / (max_points - 1) as f64;
        let threshold = rates.score_from(first_reaching(first, last, |t| along(t) >= target));
        if curve.last().is_none_or(|previous| previous.threshold < threshold) && threshold < last {
            curve.push(at(rates, threshold));
        }
    }
    curve.push(at(rates, last));
    curve
}

/// The smallest f32 in (low, high] for which a condition, false below and true above, holds: at most 32
/// steps, because neighbouring floats are neighbouring integers.
fn first_reaching(low: f32, high: f32, reached: impl Fn(f32) -> bool) -> f32 {
    let to_key = |t: f32| {
        let bits = t.to_bits() as i32;
        i64::from(bits ^ (((bits >> 31) as u32) >> 1) as i32)
    };
    let from_key = |key: i64| {
        let key = key as i32;
        f32::from_bits((key ^ (((key >> 31) as u32) >> 1) as i32) as u32)
    };
    let (mut below, mut above) = (to_key(low), to_key(high));
    while above - below > 1 {
        let middle = i64::midpoint(below, above);
        if reached(from_key(middle)) {
            above = middle;
        } else {
            below = middle;
        }
    }
    from_key(above)
}

fn at(rates: &ErrorRates, threshold: f32) -> DetPoint {
    let Rates { fmr, fnmr } = rates.at_threshold(threshold);
    det_point(rates, RatePoint { threshold, fmr, fnmr })
}

fn det_point(rates: &ErrorRates, point: RatePoint) -> DetPoint {
    let RatePoint { threshold, fmr, fnmr } = point;
    let clip = |rate: f64, n: usize| {
        let half = 0.5 / n as f64;
        probit(rate.clamp(half, 1.0 - half))
    };
    let missed = (fnmr * rates.n_genuine() as f64).round() as usize;
    let (fnmr_low, fnmr_high) = wilson95(missed, rates.n_genuine());
    let (x, y) = (clip(fmr, rates.n_impostor()), clip(fnmr, rates.n_genuine()));
    DetPoint { fmr, fnmr, x, y, threshold, fnmr_low, fnmr_high }
}
