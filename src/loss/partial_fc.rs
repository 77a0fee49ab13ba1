//! Partial FC (An et al., arXiv:2203.15565): a step compares with the classes of its batch and a random draw of the others.
//!
//! As in `arcface_torch` (`partial_fc_v2.py`): `⌊r·C⌋` classes, those of the batch always among them, in rising order. Classes
//! left out get no gradient from the loss, but their weight decay and momentum go on.

use rand::SeedableRng as _;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// Classes that are drawn for a step, those of its batch among them.
pub(super) fn wanted(classes: usize, share: f64) -> usize {
    ((share * classes as f64) as usize).clamp(1, classes.max(1))
}

/// The classes of a step, rising. At least those of `labels`, otherwise `share` of all.
pub(super) fn draw(labels: &[u32], classes: usize, share: f64, seed: u64) -> Vec<u32> {
    let mut kept: BTreeSet<u32> = labels.iter().copied().collect();
    let wanted = wanted(classes, share);
    // As many as are wanted in all: those of the batch may be among them.
    let drawn = index::sample(&mut ChaCha8Rng::seed_from_u64(seed), classes, wanted);
    for class in drawn.into_iter().map(|class| class as u32) {
        if kept.len() < wanted {
            kept.insert(class);
        }
    }
    kept.into_iter().collect()
}

/// Places of the labels among the kept classes.
pub(super) fn places(labels: &[u32], kept: &[u32]) -> Vec<i64> {
    labels.iter().map(|label| kept.partition_point(|class| class < label) as i64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_of_the_batch_are_always_there_and_the_number_is_the_share() {
        for share in [0.01, 0.1, 0.5, 0.95] {
            let labels = [7, 99, 7, 3];
            let kept = draw(&labels, 100, share, 5);
            assert_eq!(kept.len(), ((share * 100.0) as usize).max(3));
            assert!(kept.windows(2).all(|pair| pair[0] < pair[1]));
            for (label, place) in labels.iter().zip(places(&labels, &kept)) {
                assert_eq!(kept[place as usize], *label);
            }
        }
        assert_ne!(draw(&[0], 1000, 0.1, 1), draw(&[0], 1000, 0.1, 2));
    }
}
