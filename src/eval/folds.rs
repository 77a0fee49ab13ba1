//! Accuracy by cross-validation, the figure that face-verification papers print.
//!
//! Two conventions under one name are in use and differ on small sets, so both are here: an exact search
//! over midpoints (ours) and `InsightFace`'s grid of 400 squared distances (for comparison with published
//! numbers). Folds are contiguous, as the published lists are ordered; a list we made ourselves is balanced and
//! put in order by [`fold_order`] first.

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::{ScoredPairs, named_stream};

/// Accuracy of k folds, each at the threshold that is best on the other folds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldAccuracy {
    /// Mean accuracy over the folds.
    pub mean: f64,
    /// Standard error of the mean (sample deviation / √folds), as the LFW protocol asks.
    pub stderr: f64,
    /// Population standard deviation over the folds, which `InsightFace` prints after `+-`.
    pub std_population: f64,
    /// Accuracy of each fold.
    pub per_fold: Vec<f64>,
    /// Threshold of each fold: a cosine, or for the `InsightFace` variant a squared Euclidean distance.
    pub thresholds: Vec<f64>,
}

/// A pair in order of score.
struct Ranked {
    score: f64,
    same: bool,
    fold: usize,
}

/// Exact k-fold accuracy: per fold, every midpoint between neighbouring distinct training scores is tried,
/// and thresholds that are equally good are averaged.
///
/// `None` with fewer than 2 folds, fewer pairs than folds, or lists that do not match.
pub fn ten_fold(scored: &ScoredPairs, folds: usize) -> Option<FoldAccuracy> {
    let mut ranked = rank(scored, folds)?;
    ranked.sort_by(|a, b| a.score.total_cmp(&b.score));
    let results = (0..folds).map(|fold| {
        let threshold = best_midpoint(&ranked, fold)?;
        Some((accuracy(&ranked, fold, |score| score >= threshold)?, threshold))
    });
    summarise(results.collect::<Option<Vec<_>>>()?)
}

/// The same as `InsightFace`'s `verification.py` computes it: thresholds 0, 0.01 … 3.99 on the squared
/// distance 2 - 2·cosine, a pair is the same if strictly nearer, the first best threshold is taken.
///
/// `None` as for [`ten_fold`].
pub fn ten_fold_insightface(scored: &ScoredPairs, folds: usize) -> Option<FoldAccuracy> {
    let ranked = rank(scored, folds)?;
    let results = (0..folds).map(|fold| {
        let mut best = (0, 0.0);
        for threshold in (0..400).map(|step| f64::from(step) * 0.01) {
            let training = ranked.iter().filter(|pair| pair.fold != fold);
            let correct = training.filter(|pair| (2.0 - 2.0 * pair.score < threshold) == pair.same).count();
            if correct > best.0 {
                best = (correct, threshold);
            }
        }
        Some((accuracy(&ranked, fold, |score| 2.0 - 2.0 * score < best.1)?, best.1))
    });
    summarise(results.collect::<Option<Vec<_>>>()?)
}

/// As many genuine as impostor pairs of a made list, in an order that can be cut into contiguous folds with half of each kind.
///
/// Of the kind that has more, a share drawn by `seed` is left out, as the published lists have as many of both. Otherwise the
/// accuracy would say how lopsided the list is: where 96 % of the pairs are impostors, a network that has learned nothing, and
/// a threshold that accepts nothing, decide 96 % of them rightly.
///
/// Images still occur in several folds, unlike in LFW, so the accuracy is slightly optimistic.
pub fn fold_order(scored: &ScoredPairs, seed: u64) -> ScoredPairs {
    let (mut genuine, mut impostor) = scored.split();
    let mut rng = named_stream(seed, "eval/fold order");
    genuine.shuffle(&mut rng);
    impostor.shuffle(&mut rng);
    let scores: Vec<f32> =
        genuine.into_iter().zip(impostor).flat_map(|(genuine, impostor)| [genuine, impostor]).collect();
    let same = (0..scores.len()).map(|pair| pair % 2 == 0).collect();
    ScoredPairs { scores, same }
}

fn rank(scored: &ScoredPairs, folds: usize) -> Option<Vec<Ranked>> {
    let n = scored.scores.len();
    if folds < 2 || n < folds || scored.same.len() != n {
        return None;
    }
    // As scikit-learn's KFold: the first n % folds folds hold one pair more.
    let (size, longer) = (n / folds, n % folds);
    let fold_of = |i: usize| {
        if i < longer * (size + 1) { i / (size + 1) } else { (i - longer) / size }
    };
    let pairs = scored.scores.iter().zip(&scored.same).enumerate();
    Some(pairs.map(|(i, (&score, &same))| Ranked { score: f64::from(score), same, fold: fold_of(i) }).collect())
}

/// The mean of the equally best midpoints for the pairs outside `fold`; the one score there is if all are equal.
fn best_midpoint(ranked: &[Ranked], fold: usize) -> Option<f64> {
    let training = || ranked.iter().filter(|pair| pair.fold != fold);
    let mut previous = training().next()?.score;
    // Correct decisions with a threshold below every score, then updated pair by pair.
    let mut correct = training().filter(|pair| pair.same).count() as i64;
    let (mut best, mut sum, mut ties) = (i64::MIN, 0.0, 0_u32);
    for pair in training() {
        if pair.score > previous {
            if correct > best {
                (best, sum, ties) = (correct, 0.0, 0);
            }
            if correct == best {
                sum += f64::midpoint(previous, pair.score);
                ties += 1;
            }
            previous = pair.score;
        }
        correct += if pair.same { -1 } else { 1 };
    }
    Some(if ties == 0 { previous } else { sum / f64::from(ties) })
}

fn accuracy(ranked: &[Ranked], fold: usize, accept: impl Fn(f64) -> bool) -> Option<f64> {
    let (mut correct, mut n) = (0_usize, 0_usize);
    for pair in ranked.iter().filter(|pair| pair.fold == fold) {
        correct += usize::from(accept(pair.score) == pair.same);
        n += 1;
    }
    (n > 0).then(|| correct as f64 / n as f64)
}

fn summarise(results: Vec<(f64, f64)>) -> Option<FoldAccuracy> {
    let n = results.len() as f64;
    let (per_fold, thresholds): (Vec<f64>, Vec<f64>) = results.into_iter().unzip();
    let mean = per_fold.iter().sum::<f64>() / n;
    let squares = per_fold.iter().map(|a| (a - mean).powi(2)).sum::<f64>();
    let stderr = (squares / (n - 1.0)).sqrt() / n.sqrt();
    stderr.is_finite().then(|| FoldAccuracy {
        mean,
        stderr,
        std_population: (squares / n).sqrt(),
        per_fold,
        thresholds,
    })
}
