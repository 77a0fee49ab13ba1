//! Which images are compared with which, and the similarity of each pair.
//!
//! Not for published protocols (those bring their own list). Pairs are drawn by index into the set of all
//! pairs, so a sample is without replacement and costs nothing for the pairs that are not drawn. Genuine
//! pairs are shared out over the classes: drawing them evenly would let one class of 1,000 images (499,500
//! pairs) drown a hundred classes of ten (4,500 pairs together).

use std::collections::BTreeMap;

use rand::distributions::uniform::SampleUniform;
use rand::distributions::{Distribution, Uniform};
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{EmbeddingTable, EvalError, named_stream, similarity::unit_dot};

/// Two rows of a table and whether they are of the same class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pair {
    /// First row.
    pub a: u32,
    /// Second row.
    pub b: u32,
    /// Whether both show the same class (a genuine pair).
    pub same: bool,
}

/// Similarities of pairs, in the order of the pairs: contiguous folds depend on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScoredPairs {
    /// Cosine similarity of each pair.
    pub scores: Vec<f32>,
    /// Whether each pair is genuine.
    pub same: Vec<bool>,
}

impl ScoredPairs {
    /// The scores split into (genuine, impostor), each in the order of the list.
    pub fn split(&self) -> (Vec<f32>, Vec<f32>) {
        let (mut genuine, mut impostor) = (Vec::new(), Vec::new());
        for (&score, &same) in self.scores.iter().zip(&self.same) {
            if same {
                genuine.push(score);
            } else {
                impostor.push(score);
            }
        }
        (genuine, impostor)
    }
}

/// Verification pairs over rows with the given classes: genuine first, then impostor, each sorted, `a < b`.
///
/// All pairs of a kind if there are no more than its maximum, else a sample drawn from `seed` without
/// replacement: genuine pairs shared evenly over the classes (a class with fewer pairs than its share gives
/// all it has), impostor pairs with equal chance.
pub fn make_pairs(classes: &[u32], max_genuine: usize, max_impostor: usize, seed: u64) -> Vec<Pair> {
    let mut rows_of = BTreeMap::<u32, Vec<u32>>::new();
    for (row, &class) in classes.iter().enumerate().take(u32::MAX as usize) {
        rows_of.entry(class).or_default().push(row as u32);
    }
    let groups: Vec<Vec<u32>> = rows_of.into_values().collect();
    let mut genuine = genuine_pairs(&groups, max_genuine, seed);
    let mut impostor = impostor_pairs(&groups, max_impostor, seed);
    genuine.sort_unstable();
    impostor.sort_unstable();
    genuine.append(&mut impostor);
    genuine
}

fn genuine_pairs(groups: &[Vec<u32>], max: usize, seed: u64) -> Vec<Pair> {
    let available: Vec<usize> = groups.iter().map(|rows| rows.len() * (rows.len() - 1) / 2).collect();
    let shares = even_shares(&available, max);
    let mut rng = named_stream(seed, "eval/genuine pairs");
    let mut pairs = Vec::with_capacity(shares.iter().sum());
    for ((rows, &all), &share) in groups.iter().zip(&available).zip(&shares) {
        let mut take = |i: usize| {
            let (low, high) = triangle(i);
            pairs.push(ordered(rows[low], rows[high], true));
        };
        if share == all {
            (0..all).for_each(&mut take);
        } else {
            draw(&mut rng, all, share, &mut take);
        }
    }
    pairs
}

/// Shares `total` out as evenly as `available` allows; what does not divide goes to the first classes.
fn even_shares(available: &[usize], total: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..available.len()).collect();
    order.sort_by_key(|&i| available[i]);
    let mut shares = vec![0; available.len()];
    let mut left = total;
    for (done, &i) in order.iter().enumerate() {
        let share = left.div_ceil(available.len() - done).min(available[i]);
        shares[i] = share;
        left -= share;
    }
    shares
}

/// The `i`-th pair (low, high), low < high, in the order (0,1) (0,2) (1,2) (0,3) …
fn triangle(i: usize) -> (usize, usize) {
    let mut high = f64::midpoint(1.0, (1.0 + 8.0 * i as f64).sqrt()) as usize;
    // The square root is rounded: step to the exact row.
    while high * (high - 1) / 2 > i {
        high -= 1;
    }
    while high * (high + 1) / 2 <= i {
        high += 1;
    }
    (i - high * (high - 1) / 2, high)
}

fn impostor_pairs(groups: &[Vec<u32>], max: usize, seed: u64) -> Vec<Pair> {
    // Rows class by class: a row's impostors further on are then one range, and every pair has a number.
    let rows: Vec<u32> = groups.iter().flatten().copied().collect();
    let mut blocks = Vec::with_capacity(groups.len()); // (number of the block's first pair, first row, rows behind the class)
    let (mut all, mut start) = (0_usize, 0_usize);
    for group in groups {
        let end = start + group.len();
        blocks.push((all, start, end));
        all += group.len() * (rows.len() - end);
        start = end;
    }
    let pair = |i: usize| {
        let (first, start, end) = blocks[blocks.partition_point(|block| block.0 <= i) - 1];
        let behind = rows.len() - end;
        ordered(rows[start + (i - first) / behind], rows[end + (i - first) % behind], false)
    };
    if all <= max {
        (0..all).map(pair).collect()
    } else {
        let mut pairs = Vec::with_capacity(max);
        draw(&mut named_stream(seed, "eval/impostor pairs"), all, max, &mut |i| pairs.push(pair(i)));
        pairs
    }
}

/// Numbers that `index::sample` may write down, to draw from all of them: a gigabyte.
const MOST_LISTED: usize = 1 << 28;
/// It does that only where more than one in so many is drawn.
const LISTED_SHARE: usize = 37;

/// Draws `wanted` of the numbers below `all`, each once, in no order that means anything.
fn draw(rng: &mut ChaCha8Rng, all: usize, wanted: usize, take: &mut dyn FnMut(usize)) {
    if !takes_much_memory(all, wanted) {
        index::sample(rng, all, wanted).into_iter().for_each(take);
    } else if let Ok(all) = u32::try_from(all) {
        draw_sorted(rng, all, wanted).into_iter().for_each(|i| take(i as usize));
    } else {
        draw_sorted(rng, all, wanted).into_iter().for_each(take);
    }
}

/// `index::sample` would list all numbers, of which there are too many, or remember millions of drawn ones in a table that
/// takes several times the room of the numbers.
fn takes_much_memory(all: usize, wanted: usize) -> bool {
    all > MOST_LISTED && wanted > MOST_LISTED / LISTED_SHARE
}

/// The numbers in ascending order, in little more room than they take: what was drawn twice is drawn again until nothing is
/// missing. Where `index::sample` lists nothing, it draws the same numbers in the same way, one by one.
fn draw_sorted<N: SampleUniform + Copy + Default + Ord>(rng: &mut ChaCha8Rng, all: N, wanted: usize) -> Vec<N> {
    let any = Uniform::<N>::new(N::default(), all);
    let mut drawn = Vec::with_capacity(wanted);
    while drawn.len() < wanted {
        for _ in drawn.len()..wanted {
            drawn.push(any.sample(rng));
        }
        // A stable sort merges what is sorted already with the few that came to it.
        drawn.sort();
        drawn.dedup();
    }
    drawn
}

fn ordered(a: u32, b: u32, same: bool) -> Pair {
    Pair { a: a.min(b), b: a.max(b), same }
}

/// The similarity of every pair, in the order of the list.
///
/// # Errors
/// A pair that names a row outside the table.
pub fn score_pairs(table: &EmbeddingTable, pairs: &[Pair]) -> Result<ScoredPairs, EvalError> {
    for (pair, &Pair { a, b, .. }) in pairs.iter().enumerate() {
        let row = a.max(b);
        if row as usize >= table.len() {
            return Err(EvalError::RowOutOfRange { pair, row, rows: table.len() });
        }
    }
    let score = |pair: &Pair| unit_dot(table.row(pair.a as usize), table.row(pair.b as usize));
    Ok(ScoredPairs {
        scores: pairs.par_iter().with_min_len(1024).map(score).collect(),
        same: pairs.iter().map(|pair| pair.same).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngCore;
    use std::collections::BTreeSet;

    fn classes() -> Vec<u32> {
        // One large class, three of four rows, two of one row, interleaved.
        let mut classes = vec![9; 40];
        classes.extend([1, 2, 3].repeat(4));
        classes.extend([5, 7]);
        classes
    }

    #[test]
    fn all_pairs_when_they_fit() {
        let classes = classes();
        let pairs = make_pairs(&classes, usize::MAX, usize::MAX, 1);
        let n = classes.len();
        assert_eq!(pairs.len(), n * (n - 1) / 2);
        assert_eq!(pairs.iter().collect::<BTreeSet<_>>().len(), pairs.len());
        for pair in &pairs {
            assert!(pair.a < pair.b);
            assert_eq!(pair.same, classes[pair.a as usize] == classes[pair.b as usize]);
        }
        assert_eq!(pairs.iter().filter(|p| p.same).count(), 40 * 39 / 2 + 3 * 6);
    }

    #[test]
    fn a_sample_has_no_repeats_is_balanced_and_repeats_with_the_seed() {
        let classes = classes();
        let pairs = make_pairs(&classes, 30, 100, 4);
        assert_eq!(pairs.iter().collect::<BTreeSet<_>>().len(), 130);
        assert!(pairs.iter().all(|p| p.same == (classes[p.a as usize] == classes[p.b as usize])));
        let of_class = |class| pairs.iter().filter(|p| p.same && classes[p.a as usize] == class).count();
        assert_eq!([of_class(1), of_class(2), of_class(3), of_class(9)], [6, 6, 6, 12]);
        assert_eq!(pairs, make_pairs(&classes, 30, 100, 4));
        assert_ne!(pairs, make_pairs(&classes, 30, 100, 5));
    }

    #[test]
    fn a_large_sample_is_drawn_in_little_memory_and_is_the_same_where_no_list_is_made_of_all() {
        // A hundred million of the impostor pairs of 60,000 images; what is measured by default of them; pairs of few images.
        assert!(takes_much_memory(1_800_000_000, 100_000_000) && takes_much_memory(20_000_000_000, 100_000_000));
        assert!(!takes_much_memory(1_800_000_000, 200_000) && !takes_much_memory(MOST_LISTED, MOST_LISTED / 2));
        for all in [1_000_000, 5_000_000_000_usize] {
            let [mut before, mut now] = [1, 1].map(|seed| named_stream(seed, "pairs"));
            let mut wanted = index::sample(&mut before, all, 2000).into_vec();
            wanted.sort_unstable();
            let drawn: Vec<usize> = match u32::try_from(all) {
                Ok(all) => draw_sorted(&mut now, all, 2000).into_iter().map(|i| i as usize).collect(),
                Err(_) => draw_sorted(&mut now, all, 2000),
            };
            assert_eq!(drawn, wanted);
            assert_eq!(now.next_u64(), before.next_u64(), "what is drawn next is the same, too");
        }
        let whole = draw_sorted(&mut named_stream(1, "pairs"), 100_u32, 100);
        assert_eq!(whole, (0..100).collect::<Vec<u32>>());
    }

    #[test]
    fn one_row_one_class_and_no_rows_give_the_pairs_there_are() {
        assert!(make_pairs(&[], 10, 10, 0).is_empty());
        assert!(make_pairs(&[3], 10, 10, 0).is_empty());
        assert!(make_pairs(&[3, 3, 3], 10, 10, 0).iter().all(|p| p.same));
        assert!(make_pairs(&[1, 2, 3], 10, 10, 0).iter().all(|p| !p.same));
    }

    #[test]
    fn triangle_numbers_decode_far_out() {
        for (i, expected) in [(0, (0, 1)), (1, (0, 2)), (2, (1, 2)), (3, (0, 3))] {
            assert_eq!(triangle(i), expected);
        }
        let high = 3_000_000_000_usize;
        assert_eq!(triangle(high * (high - 1) / 2), (0, high));
        assert_eq!(triangle(high * (high - 1) / 2 - 1), (high - 2, high - 1));
    }

    #[test]
    fn scores_follow_the_list_and_a_foreign_row_is_named() {
        let table =
            EmbeddingTable::new(2, vec![1.0, 0.0, 0.0, 2.0, 3.0, 4.0], vec![0, 1, 2], vec![0; 3]).expect("valid");
        let pair = |a, b| Pair { a, b, same: true };
        let scored = score_pairs(&table, &[pair(0, 2), pair(1, 2), pair(0, 1)]).expect("in range");
        for (score, expected) in scored.scores.iter().zip([0.6, 0.8, 0.0]) {
            assert!((score - expected).abs() < 1e-6);
        }
        let error = score_pairs(&table, &[pair(0, 1), pair(0, 3)]).expect_err("row 3 of 3");
        assert_eq!(error, EvalError::RowOutOfRange { pair: 1, row: 3, rows: 3 });
    }
}
