//! In which order an epoch visits the training images.
//!
//! A pure function of (classes, seed, epoch): a resumed run continues in the middle of an epoch without any stored state.

use super::seeded;
use crate::config::Sampler;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// What an order is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// The rule.
    pub sampler: Sampler,
    /// Images per batch.
    pub batch: usize,
    /// Images in a row from one class, for [`Sampler::PByK`].
    pub images_per_class: usize,
}

impl Sampling {
    /// Every image once.
    pub fn shuffled(batch: usize) -> Self {
        Self { sampler: Sampler::Shuffled, batch, images_per_class: 1 }
    }

    /// Positions in `classes` (the class of every training image), as many as there are images. Shuffled visits every image
    /// once; the others visit classes equally often, so images of small classes come more than once.
    pub fn epoch_order(&self, classes: &[u32], seed: u64, epoch: u32) -> Vec<u32> {
        let rng = &mut seeded::stream(seed, "epoch order", u64::from(epoch));
        match self.sampler {
            Sampler::Shuffled => {
                let mut order: Vec<u32> = (0..classes.len() as u32).collect();
                seeded::shuffle(&mut order, rng);
                order
            }
            Sampler::Balanced => Rounds::new(classes, rng).order(classes.len(), classes.len().max(1), 1, rng),
            Sampler::PByK => {
                Rounds::new(classes, rng).order(classes.len(), self.batch, self.images_per_class.max(1), rng)
            }
        }
    }
}

/// Things in a shuffled order, round after round.
struct Round {
    things: Vec<u32>,
    next: usize,
}

impl Round {
    fn new(mut things: Vec<u32>, rng: &mut ChaCha8Rng) -> Self {
        seeded::shuffle(&mut things, rng);
        Self { things, next: 0 }
    }

    fn next(&mut self, rng: &mut ChaCha8Rng) -> Option<u32> {
        if self.next == self.things.len() {
            seeded::shuffle(&mut self.things, rng);
            self.next = 0;
        }
        self.next += 1;
        self.things.get(self.next - 1).copied()
    }
}

/// Classes in rounds, and the images of each in rounds of their own.
struct Rounds {
    classes: Round,
    images: Vec<Round>,
}

impl Rounds {
    fn new(classes: &[u32], rng: &mut ChaCha8Rng) -> Self {
        let mut images: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (position, class) in classes.iter().enumerate() {
            images.entry(*class).or_default().push(position as u32);
        }
        let images: Vec<Round> = images.into_values().map(|images| Round::new(images, rng)).collect();
        Self { classes: Round::new((0..images.len() as u32).collect(), rng), images }
    }

    /// `count` images: `in_a_row` of one class after the other, begun anew with every batch.
    fn order(mut self, count: usize, batch: usize, in_a_row: usize, rng: &mut ChaCha8Rng) -> Vec<u32> {
        let mut order = Vec::with_capacity(count);
        let batch = batch.max(1);
        while order.len() < count {
            let left = (batch - order.len() % batch).min(count - order.len()).min(in_a_row);
            let Some(class) = self.classes.next(rng) else { break };
            let Some(images) = self.images.get_mut(class as usize) else { break };
            order.extend((0..left).filter_map(|_| images.next(rng)));
        }
        order
    }
}

/// Batches in an epoch: a last short batch is left out (its batch statistics would be noisy) unless it is the only one.
pub fn steps_per_epoch(n: usize, batch: usize) -> usize {
    let batch = batch.max(1);
    if n == 0 { 0 } else { (n / batch).max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(sampler: Sampler, classes: &[u32], seed: u64, epoch: u32) -> Vec<u32> {
        Sampling { sampler, batch: 12, images_per_class: 4 }.epoch_order(classes, seed, epoch)
    }

    fn shuffled(n: usize, seed: u64, epoch: u32) -> Vec<u32> {
        order(Sampler::Shuffled, &vec![0; n], seed, epoch)
    }

    /// 3 classes of 5, 50 and 500 images.
    fn uneven() -> Vec<u32> {
        let classes = [(7, 5), (8, 50), (9, 500)];
        classes.into_iter().flat_map(|(class, count)| std::iter::repeat_n(class, count)).collect()
    }

    #[test]
    fn an_epoch_visits_every_image_once_and_differs_by_seed_and_epoch() {
        let order = shuffled(1000, 7, 3);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().copied().eq(0..1000));
        assert_eq!(order, shuffled(1000, 7, 3));
        assert_ne!(order, shuffled(1000, 7, 4));
        assert_ne!(order, shuffled(1000, 8, 3));
    }

    #[test]
    fn every_position_is_equally_likely() {
        // 3000 shuffles of 4: each image is expected 750 times at the front, with a deviation of 24.
        let mut first = [0_i32; 4];
        for epoch in 0..3000 {
            first[shuffled(4, 1, epoch)[0] as usize] += 1;
        }
        assert!(first.iter().all(|count| (count - 750).abs() < 5 * 24), "{first:?}");
    }

    #[test]
    fn balanced_classes_come_equally_often_and_no_image_twice_before_all_of_its_class_once() {
        let classes = uneven();
        let order = order(Sampler::Balanced, &classes, 3, 0);
        assert_eq!(order.len(), classes.len());
        for class in [7, 8, 9] {
            let mut times: BTreeMap<u32, usize> = BTreeMap::new();
            order.iter().filter(|p| classes[**p as usize] == class).for_each(|p| *times.entry(*p).or_default() += 1);
            assert_eq!(times.values().sum::<usize>(), 185);
            let (most, least) = (times.values().max().unwrap(), times.values().min().unwrap());
            assert!(most - least <= 1, "{class}: {times:?}");
        }
    }

    #[test]
    fn a_batch_of_p_by_k_holds_p_classes_of_k_images() {
        let classes: Vec<u32> = (0..200).map(|i| i % 10).collect();
        let order = order(Sampler::PByK, &classes, 3, 1);
        assert_eq!(order.len(), 200);
        for batch in order.chunks(12).filter(|batch| batch.len() == 12) {
            let in_batch: Vec<u32> = batch.iter().map(|p| classes[*p as usize]).collect();
            let runs: Vec<&[u32]> = in_batch.chunks(4).collect();
            assert!(runs.iter().all(|run| run.iter().all(|class| *class == run[0])), "{in_batch:?}");
            assert_eq!(batch.iter().collect::<std::collections::BTreeSet<_>>().len(), 12);
        }
    }

    #[test]
    fn a_short_last_batch_is_dropped_unless_it_is_the_only_one() {
        assert_eq!(steps_per_epoch(0, 64), 0);
        assert_eq!(steps_per_epoch(5, 64), 1);
        assert_eq!(steps_per_epoch(128, 64), 2);
        assert_eq!(steps_per_epoch(191, 64), 2);
        for sampler in [Sampler::Shuffled, Sampler::Balanced, Sampler::PByK] {
            assert_eq!(order(sampler, &[], 1, 1), Vec::<u32>::new());
        }
    }
}
