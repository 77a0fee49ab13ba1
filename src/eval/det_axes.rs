//! The axes of a DET plot: which rates carry a tick, where an axis begins, and where a confidence interval lies on it.
//!
//! Not for drawing: the window's plot and the figure for papers both draw these axes, each in its own way. A coordinate is
//! a normal deviate, the probit of a rate; every axis ends at 0, a rate of one half.

use super::{DetPoint, probit};

/// Rates at which DET axes carry ticks: the published ones (0.1, 0.2, 0.5, 1, 2, 5, 10, 20 and 40 %), finer ones for sets
/// with very many pairs, and the end of the axis. The most important come first: powers of ten keep their labels where
/// there is no room for all.
pub const DET_TICKS: [f64; 16] =
    [0.01, 0.1, 0.001, 1e-4, 1e-5, 0.5, 0.2, 0.05, 0.005, 5e-4, 5e-5, 0.02, 0.002, 2e-4, 2e-5, 0.4];
/// Rates never drawn below this, however many pairs there are.
pub const DET_LOWEST_RATE: f64 = 1e-5;
/// At least rates from here to one half are shown.
const ALWAYS_SHOWN: f64 = 0.02;
/// Deviates beyond this are above every axis.
const ABOVE_ALL: f64 = 4.0;

/// Which labels along an axis are written, of those that are wanted with the most important first: each that keeps a
/// `gap` from all that are written already. A label is its middle and half its length.
pub fn labels_with_room(wanted: impl IntoIterator<Item = (f64, f64)>, gap: f64) -> Vec<bool> {
    let mut written: Vec<(f64, f64)> = Vec::new();
    let has_room = |(middle, half): (f64, f64)| {
        let has_room = written.iter().all(|(other, other_half)| (middle - other).abs() >= half + other_half + gap);
        written.extend(has_room.then_some((middle, half)));
        has_room
    };
    wanted.into_iter().map(has_room).collect()
}

/// Where an axis begins that shows these coordinates: at the smallest of them, within bounds.
pub fn det_axis_start(coordinates: impl Iterator<Item = f64>) -> f64 {
    let smallest = coordinates.filter(|x| x.is_finite()).fold(0.0, f64::min);
    smallest.clamp(probit(DET_LOWEST_RATE), probit(ALWAYS_SHOWN))
}

/// The ends of the 95 % interval of a point's FNMR as coordinates, kept near an axis that begins at `axis_start`: a rate of
/// 0 would lie at minus infinity.
pub fn det_band(point: &DetPoint, axis_start: f64) -> (f64, f64) {
    let keep = |rate: f64| probit(rate).clamp(axis_start - 1.0, ABOVE_ALL);
    (keep(point.fnmr_low), keep(point.fnmr_high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_begins_at_the_smallest_rate_within_bounds() {
        let start = |rates: &[f64]| det_axis_start(rates.iter().map(|&rate| probit(rate)));
        assert_eq!(start(&[0.3, 0.001, 0.0]), probit(0.001), "a rate of 0 has no place");
        assert_eq!(start(&[1e-9]), probit(DET_LOWEST_RATE));
        assert_eq!(start(&[0.4]), probit(ALWAYS_SHOWN));
        assert_eq!(start(&[]), probit(ALWAYS_SHOWN));
    }

    #[test]
    fn ticks_reach_from_the_lowest_rate_to_the_end_of_the_axis() {
        let mut rising = DET_TICKS;
        rising.sort_unstable_by(f64::total_cmp);
        assert!(rising.windows(2).all(|pair| pair[0] < pair[1]), "each once");
        assert_eq!((rising[0], rising[15]), (DET_LOWEST_RATE, 0.5));
        assert_eq!(probit(0.5), 0.0);
    }

    #[test]
    fn a_label_gives_way_to_a_more_important_one_that_it_would_touch() {
        let places = [(50.0, 10.0), (0.0, 10.0), (29.0, 10.0), (25.0, 1.0)];
        assert_eq!(labels_with_room(places, 2.0), [true, true, false, true]);
        assert_eq!(labels_with_room(places, 0.0), [true, true, true, false]);
        assert_eq!(labels_with_room([(20.0, 10.0), (0.0, 10.0)], 0.0), [true, true], "side by side");
    }

    #[test]
    fn the_ends_of_an_interval_stay_near_the_axis() {
        let point = DetPoint { fmr: 0.1, fnmr: 0.0, x: -1.3, y: -2.0, threshold: 0.3, fnmr_low: 0.0, fnmr_high: 1.0 };
        assert_eq!(det_band(&point, -3.0), (-4.0, ABOVE_ALL));
        let point = DetPoint { fnmr_low: 0.01, fnmr_high: 0.02, ..point };
        assert_eq!(det_band(&point, -3.0), (probit(0.01), probit(0.02)));
    }
}
