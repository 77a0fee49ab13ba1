//! In which order an epoch visits the training images.
//!
//! A pure function of (n, seed, epoch): a resumed run continues in the middle of an epoch without any stored state.

use super::seeded;

/// A permutation of `0..n`.
pub fn epoch_order(n: usize, seed: u64, epoch: u32) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n as u32).collect();
    seeded::shuffle(&mut order, &mut seeded::stream(seed, "epoch order", u64::from(epoch)));
    order
}

/// Batches in an epoch: a last short batch is left out (its batch statistics would be noisy) unless it is the only one.
pub fn steps_per_epoch(n: usize, batch: usize) -> usize {
    let batch = batch.max(1);
    if n == 0 { 0 } else { (n / batch).max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_visits_every_image_once_and_differs_by_seed_and_epoch() {
        let order = epoch_order(1000, 7, 3);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().copied().eq(0..1000));
        assert_eq!(order, epoch_order(1000, 7, 3));
        assert_ne!(order, epoch_order(1000, 7, 4));
        assert_ne!(order, epoch_order(1000, 8, 3));
    }

    #[test]
    fn every_position_is_equally_likely() {
        // 3000 shuffles of 4: each image is expected 750 times at the front, with a deviation of 24.
        let mut first = [0_i32; 4];
        for epoch in 0..3000 {
            first[epoch_order(4, 1, epoch)[0] as usize] += 1;
        }
        assert!(first.iter().all(|count| (count - 750).abs() < 5 * 24), "{first:?}");
    }

    #[test]
    fn a_short_last_batch_is_dropped_unless_it_is_the_only_one() {
        assert_eq!(steps_per_epoch(0, 64), 0);
        assert_eq!(steps_per_epoch(5, 64), 1);
        assert_eq!(steps_per_epoch(128, 64), 2);
        assert_eq!(steps_per_epoch(191, 64), 2);
        assert_eq!(epoch_order(0, 1, 1), Vec::<u32>::new());
    }
}
