//! The verification protocol of the test identities, in the form of LFW's `pairs.txt`.
//!
//! Not a reader of such files and not the pairs of any other data set. Pairs are drawn without repetition: numbers are
//! drawn out of the count of all possible pairs and turned into pairs, so nothing large is ever listed.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::random::{Purpose, Stream};

const FOLDS: u64 = 10;
const PAIRS_PER_FOLD_AND_KIND: u64 = 30;

/// Name of an identity, which is its folder: `p001` for number 0.
pub(super) fn identity_name(identity: u32) -> String {
    format!("p{:03}", identity + 1)
}

/// The text of `pairs.txt` for the identities `first..first + count` with `images` images each.
///
/// Form (Huang et al., "Labeled Faces in the Wild", 2007): a line `folds<TAB>n`, then per fold `n` genuine lines
/// `name i j` and `n` impostor lines `name1 i name2 j`, tab-separated, images counted from 1. 10 folds of 30 and 30
/// pairs, fewer where so many different ones do not exist. `None` when there is no genuine or no impostor pair at all.
pub(super) fn text(seed: u64, first: u32, count: u32, images: u32) -> Option<String> {
    let (people, shots) = (u64::from(count), u64::from(images));
    let genuine_total = people * (shots * shots.saturating_sub(1) / 2);
    let impostor_total = people * people.saturating_sub(1) / 2 * shots * shots;
    let available = genuine_total.min(impostor_total);
    if available == 0 {
        return None;
    }
    let folds = FOLDS.min(available);
    let per_fold = PAIRS_PER_FOLD_AND_KIND.min(available / folds);
    let mut stream = Stream::new(seed, Purpose::Pairs, first, count);
    let genuine = distinct(&mut stream, genuine_total, folds * per_fold);
    let impostor = distinct(&mut stream, impostor_total, folds * per_fold);
    let name = |index: u64| identity_name(first + index as u32);

    let mut text = format!("{folds}\t{per_fold}\n");
    let size = per_fold as usize;
    for (own, other) in genuine.chunks(size).zip(impostor.chunks(size)) {
        for &number in own {
            let (left, right) = unordered(number / people);
            let _ = writeln!(text, "{}\t{}\t{}", name(number % people), left + 1, right + 1);
        }
        for &number in other {
            let (left, right) = unordered(number / (shots * shots));
            let (i, j) = (number % shots + 1, number / shots % shots + 1);
            let _ = writeln!(text, "{}\t{i}\t{}\t{j}", name(left), name(right));
        }
    }
    Some(text)
}

/// The `number`-th pair `(a, b)` with `a < b`, in the order (0,1) (0,2) (1,2) (0,3) …
fn unordered(number: u64) -> (u64, u64) {
    let mut larger = ((2.0 * number as f64).sqrt() as u64).max(1);
    while larger * (larger + 1) / 2 <= number {
        larger += 1;
    }
    while larger > 1 && larger * (larger - 1) / 2 > number {
        larger -= 1;
    }
    (number - larger * (larger - 1) / 2, larger)
}

/// `wanted` different numbers out of `0..total` in random order (Floyd's sampling, then a shuffle).
fn distinct(stream: &mut Stream, total: u64, wanted: u64) -> Vec<u64> {
    let mut chosen = BTreeSet::new();
    for last in total.saturating_sub(wanted)..total {
        let drawn = stream.below(last + 1);
        if !chosen.insert(drawn) {
            chosen.insert(last);
        }
    }
    let mut numbers: Vec<u64> = chosen.into_iter().collect();
    for last in (1..numbers.len()).rev() {
        numbers.swap(last, stream.below(last as u64 + 1) as usize);
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_unordered_pairs_match_one_to_one() {
        let mut number = 0;
        for larger in 1..60 {
            for smaller in 0..larger {
                assert_eq!(unordered(number), (smaller, larger));
                number += 1;
            }
        }
    }

    #[test]
    fn no_pair_is_listed_twice_and_none_compares_an_image_with_itself() {
        let text = text(3, 5, 4, 6).expect("pairs exist");
        let lines: Vec<&str> = text.lines().skip(1).collect();
        let unique: BTreeSet<&str> = lines.iter().copied().collect();
        assert_eq!(unique.len(), lines.len());
        for line in lines {
            let fields: Vec<&str> = line.split('\t').collect();
            match fields.as_slice() {
                [_, i, j] => assert!(i.parse::<u32>().unwrap() < j.parse::<u32>().unwrap()),
                [one, _, other, _] => assert_ne!(one, other),
                _ => panic!("{line}"),
            }
        }
    }

    #[test]
    fn sets_without_pairs_of_one_kind_have_no_protocol() {
        assert_eq!(text(1, 0, 1, 20), None);
        assert_eq!(text(1, 0, 5, 1), None);
        assert!(text(1, 0, 2, 2).is_some_and(|text| text.starts_with("2\t1\n")));
    }
}
