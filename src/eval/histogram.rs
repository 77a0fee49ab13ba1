//! Counts of scores in equal bins, for drawing.
//!
//! Values outside the range are counted in the end bins: a histogram that drops them would not add up to
//! the number of pairs written next to it.

use serde::{Deserialize, Serialize};

/// Counts in equal bins from `low` to `high`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Left edge of the first bin.
    pub low: f32,
    /// Right edge of the last bin.
    pub high: f32,
    /// Count of each bin.
    pub counts: Vec<u32>,
}

/// Counts `values` in `bins` (at least 1) equal bins; a value on an inner edge belongs to the bin on its
/// right, NaN is left out.
pub fn histogram(values: &[f32], low: f32, high: f32, bins: usize) -> Histogram {
    let bins = bins.max(1);
    let mut counts = vec![0_u32; bins];
    let per_unit = bins as f32 / (high - low).max(f32::MIN_POSITIVE);
    for &value in values.iter().filter(|v| !v.is_nan()) {
        // A float that does not fit saturates, so values left of the range land in bin 0.
        let bin = ((value - low) * per_unit) as usize;
        let count = &mut counts[bin.min(bins - 1)];
        *count = count.saturating_add(1);
    }
    Histogram { low, high, counts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_but_nan_is_counted_once() {
        let values = [-1.0, -0.51, -0.5, 0.0, 0.999, 1.0, 7.0, -9.0, f32::NAN, f32::INFINITY];
        assert_eq!(histogram(&values, -1.0, 1.0, 4).counts, [3, 1, 1, 4]);
        assert_eq!(histogram(&values, 0.0, 0.0, 0).counts, [9]);
    }
}
