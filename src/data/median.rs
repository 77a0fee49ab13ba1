//! The middle one of many values; of an even number of them, the upper of the two in the middle, because a mean of two
//! sizes is none that an image has.

use std::cmp::Ordering;

/// The middle one in this order; none of no values.
pub(super) fn median<T: Copy>(values: impl Iterator<Item = T>, order: impl Fn(&T, &T) -> Ordering) -> Option<T> {
    let mut values: Vec<T> = values.collect();
    let middle = values.len() / 2;
    if values.is_empty() { None } else { Some(*values.select_nth_unstable_by(middle, order).1) }
}

/// Median of the shorter sides of images (width, height), in pixels; none for no images.
pub fn median_short_px(sizes: impl Iterator<Item = [u32; 2]>) -> Option<u32> {
    median(sizes.map(|[width, height]| width.min(height)), u32::cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_a_value_that_is_there() {
        assert_eq!(median([3, 1, 2].into_iter(), i32::cmp), Some(2));
        assert_eq!(median([4.0, 1.0, 3.0, 2.0].into_iter(), f64::total_cmp), Some(3.0));
        assert_eq!(median(std::iter::empty(), i32::cmp), None);
        assert_eq!(median_short_px([[112, 96], [40, 60], [80, 200]].into_iter()), Some(80));
        assert_eq!(median_short_px(std::iter::empty()), None);
    }
}
