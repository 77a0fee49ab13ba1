//! Error rates against stored reference numbers, closed forms and properties that must always hold.
//!
//! The reference numbers in `golden/eval_golden.json` come from scikit-learn, `SciPy`,
//! `InsightFace`'s `verification.py` and pytorch-metric-learning run on the same scores; each test names its section.

use arclens::eval::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/eval_golden.json")).expect("the golden file is valid JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(number).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

fn scored(golden: &Value) -> ScoredPairs {
    let inputs = &golden["inputs"];
    ScoredPairs {
        scores: numbers(&inputs["cosine"]).iter().map(|&c| c as f32).collect(),
        same: inputs["issame"].as_array().expect("a list").iter().map(|s| s == true).collect(),
    }
}

fn rates(golden: &Value) -> ErrorRates {
    ErrorRates::from_scored(&scored(golden)).expect("both kinds are there")
}

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} is not {expected} within {tolerance}");
}

#[track_caller]
fn all_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= tolerance, "entry {i}: {f} is not {e} within {tolerance}");
    }
}

// ---- golden ----------------------------------------------------------------------------------------

#[test]
fn every_det_point_equals_scikit_learn() {
    let golden = golden();
    let rates = rates(&golden);
    let expected = golden["det_curve_sklearn"]["points_far_frr_threshold"].as_array().expect("points");
    let first = number(&expected[0][2]) as f32;
    let ours = rates.points().iter().skip_while(|p| p.threshold < first);
    for (point, row) in ours.clone().zip(expected) {
        all_close(&[point.fmr, point.fnmr, f64::from(point.threshold)], &numbers(row), 1e-7);
        let exact = rates.at_threshold(point.threshold);
        all_close(&[exact.fmr, exact.fnmr], &[point.fmr, point.fnmr], 0.0);
    }
    assert!(ours.count() >= expected.len());
}

#[test]
fn eer_auc_and_d_prime_equal_the_reference() {
    let golden = golden();
    let rates = rates(&golden);
    close(rates.eer().rate, number(&golden["eer_interpolated_roc"]), 1e-12);
    close(f64::from(rates.eer().threshold), number(&golden["eer_nearest_threshold"]["threshold"]), 1e-7);
    close(rates.auc(), number(&golden["roc_auc"]), 1e-12);
    let (genuine, impostor) = scored(&golden).split();
    close(d_prime(&genuine, &impostor), number(&golden["d_prime"]), 1e-6);
    let best = rates.best_accuracy();
    close(best.0, number(&golden["best_accuracy_whole_set_cosine"]["acc"]), 1e-12);
    close(f64::from(best.1), number(&golden["best_accuracy_whole_set_cosine"]["threshold"]), 1e-7);
}

#[test]
fn tar_at_far_is_strict_and_refuses_what_cannot_be_measured() {
    let golden = golden();
    let rates = rates(&golden);
    for (far, expected) in golden["strict_far_le"].as_object().expect("targets") {
        let target: f64 = far.parse().expect("a number");
        let point = rates.point_at_far(target);
        let found = [1.0 - point.fnmr, f64::from(point.threshold), point.fmr];
        all_close(&found, &[number(&expected["tar"]), number(&expected["threshold"]), number(&expected["far"])], 1e-7);
        let reported = rates.tar_at_far(target);
        assert_eq!(reported.is_some(), target >= 1.0 / 60.0);
        if let Some(reported) = reported {
            close(reported.tar, number(&expected["tar"]), 1e-12);
            assert!(reported.far <= target && reported.tar_low < reported.tar && reported.tar < reported.tar_high);
        }
    }
    let budget = &golden["insightface_gui_floor_budget"];
    close(f64::from(rates.point_at_far(0.05).threshold), number(&budget["Threshold@FAR=5e-2"]), 1e-7);
    assert!(rates.tar_at_far(f64::NAN).is_none());
    close(rates.tar_at_far(1.0).expect("always measurable").tar, 1.0, 0.0);
}

#[test]
fn probit_wilson_and_back_equal_the_reference() {
    let golden = golden();
    for (p, x) in golden["probit_reference"].as_object().expect("table") {
        let (p, x): (f64, f64) = (p.parse().expect("a number"), number(x));
        close(probit(p), x, 1e-12);
        close(inverse_probit(x) / p, 1.0, 1e-11);
    }
    for (name, interval) in golden["wilson95"].as_object().expect("table") {
        let (successes, n) = name.split_once('/').expect("k/n");
        let (low, high) = wilson95(successes.parse().expect("count"), n.parse().expect("count"));
        all_close(&[low, high], &numbers(interval), 1e-12);
    }
    assert_eq!(wilson95(0, 0), (0.0, 1.0));
    assert!(probit(0.0).is_infinite() && probit(-0.1).is_nan() && probit(1.1).is_nan());
    for (x, tail) in [(-9.0, 1.128_588_405_953_840_6e-19), (-3.0, 1.349_898_031_630_094_6e-3)] {
        close(inverse_probit(x) / tail, 1.0, 1e-12);
        close(inverse_probit(-x), 1.0 - tail, 1e-15);
    }
}

#[test]
fn ten_fold_accuracy_equals_both_conventions() {
    let golden = golden();
    let pairs = scored(&golden);
    let exact = ten_fold(&pairs, 10).expect("120 pairs");
    let expected = &golden["exact_midpoint_10fold"];
    close(exact.mean, number(&expected["mean"]), 1e-12);
    close(exact.stderr, number(&expected["stderr_ddof1"]), 1e-12);
    all_close(&exact.per_fold, &numbers(&expected["fold_accuracy"]), 1e-12);
    all_close(&exact.thresholds, &numbers(&expected["thresholds"]), 1e-7);

    let grid = ten_fold_insightface(&pairs, 10).expect("120 pairs");
    let expected = &golden["insightface_lfw_10fold"];
    close(grid.mean, number(&expected["mean"]), 1e-12);
    close(grid.std_population, number(&expected["std_ddof0"]), 1e-12);
    all_close(&grid.per_fold, &numbers(&expected["fold_accuracy"]), 1e-12);
    all_close(&grid.thresholds, &numbers(&expected["best_threshold_per_fold"]), 1e-12);
    let rates = rates(&golden);
    for (distance, tpr) in expected["tpr_mean_at"].as_object().expect("table") {
        let at = rates.at_threshold(1.0 - distance.parse::<f32>().expect("a number") / 2.0);
        close(1.0 - at.fnmr, number(tpr), 1e-12);
        close(at.fmr, number(&expected["fpr_mean_at"][distance]), 1e-12);
    }
}

#[test]
fn identification_equals_the_reference() {
    let golden = &golden()["identification"];
    let rows = golden["similarity"].as_array().expect("matrix");
    let similarity: Vec<f32> = rows.iter().flat_map(numbers).map(|s| s as f32).collect();
    let truth: Vec<usize> = numbers(&golden["true_gallery_index"]).iter().map(|&i| i as usize).collect();
    let found = Identification::new(&similarity, 4, &truth).expect("sizes match");
    all_close(&found.ranks().iter().map(|&r| r as f64).collect::<Vec<_>>(), &numbers(&golden["rank_of_true"]), 0.0);
    for (k, share) in numbers(&golden["cmc_rank1to4"]).iter().enumerate() {
        close(rank_k(found.ranks(), k + 1), *share, 1e-12);
    }
    for (far, expected) in golden["insightface_ijb_1n_tpir"].as_object().expect("table") {
        let point = found.at_false_alarms(far.parse().expect("a number")).expect("enough impostors");
        close(f64::from(point.threshold), number(&expected["threshold"]), 1e-7);
        close(point.recall, number(&expected["recall"]), 1e-12);
    }
    assert!(Identification::new(&similarity, 5, &truth).is_none());
    let tied = Identification::new(&[0.5, 0.5, 0.5], 3, &[1]).expect("one probe");
    assert_eq!(tied.ranks(), [3]);
}

#[test]
fn retrieval_equals_pytorch_metric_learning() {
    let golden = &golden()["retrieval"];
    let rows = golden["embeddings_unit"].as_array().expect("rows");
    let data = rows.iter().flat_map(numbers).map(|v| v as f32).collect();
    let labels: Vec<u32> = numbers(&golden["labels"]).iter().map(|&l| l as u32).collect();
    let table = EmbeddingTable::new(2, data, (0..labels.len() as u32).collect(), labels).expect("valid");
    let found = retrieval_metrics(&table).expect("classes with two rows");
    close(found.precision_at_1, number(&golden["precision_at_1"]), 1e-12);
    close(found.r_precision, number(&golden["r_precision"]), 1e-12);
    close(found.map_at_r, number(&golden["map_at_r"]), 1e-12);
    assert_eq!(found.queries, 9);
    assert_eq!((precision_at_1(&table), map_at_r(&table)), (Some(found.precision_at_1), Some(found.map_at_r)));
    let singles = EmbeddingTable::new(1, vec![1.0, 1.0], vec![0, 1], vec![0, 1]).expect("valid");
    assert!(retrieval_metrics(&singles).is_none());
}

// ---- closed forms ----------------------------------------------------------------------------------

/// n scores at the exact quantiles of a normal distribution: what sampling noise would otherwise blur.
fn gaussian(n: usize, mean: f64, deviation: f64) -> Vec<f32> {
    (0..n).map(|i| (mean + deviation * probit((i as f64 + 0.5) / n as f64)) as f32).collect()
}

#[test]
fn two_gaussians_give_the_straight_line_theory_asks_for() {
    let (mean_g, dev_g, mean_i, dev_i) = (0.6, 0.1, 0.1, 0.15);
    let (genuine, impostor) = (gaussian(20_000, mean_g, dev_g), gaussian(40_000, mean_i, dev_i));
    let rates = ErrorRates::new(&genuine, &impostor).expect("valid");
    let curve = det_curve(&rates, 300);
    assert!(curve.len() > 200 && curve.len() <= 300, "{}", curve.len());
    let inner = curve.iter().filter(|p| p.x.abs() < 3.0 && p.y.abs() < 3.0);
    assert!(inner.clone().count() > 50);
    for p in inner {
        close(p.y, -(dev_i / dev_g) * p.x - (mean_g - mean_i) / dev_g, 0.02);
        assert!(p.fnmr_low <= p.fnmr && p.fnmr <= p.fnmr_high);
    }
    let crossing = -(mean_g - mean_i) / (dev_g + dev_i);
    close(rates.eer().rate, inverse_probit(crossing), 1e-4);
    close(f64::from(rates.eer().threshold), mean_g + dev_g * crossing, 1e-3);
    let d = (mean_g - mean_i) / f64::midpoint(dev_g * dev_g, dev_i * dev_i).sqrt();
    close(d_prime(&genuine, &impostor), d, 2e-3);
    close(rates.auc(), inverse_probit((mean_g - mean_i) / dev_g.hypot(dev_i)), 1e-5);
}

#[test]
fn all_equal_scores_are_pure_chance() {
    let rates = ErrorRates::new(&[0.3; 7], &[0.3; 5]).expect("valid");
    close(rates.eer().rate, 0.5, 1e-12);
    close(rates.auc(), 0.5, 1e-12);
    assert_eq!(rates.points().len(), 2);
    close(d_prime(&[0.3; 7], &[0.3; 5]), 0.0, 1e-6);
}

#[test]
fn one_pair_of_each_kind_is_enough_and_separated_scores_make_no_error() {
    let rates = ErrorRates::new(&[0.8], &[0.2]).expect("valid");
    close(rates.eer().rate, 0.0, 0.0);
    close(rates.auc(), 1.0, 0.0);
    let point = operating_point(&rates, OperatingRule::Eer);
    close(f64::from(point.threshold), 0.5, 1e-6);
    assert_eq!((point.far, point.frr), (0.0, 0.0));
    let reversed = ErrorRates::new(&[0.2], &[0.8]).expect("valid");
    close(reversed.eer().rate, 1.0, 0.0);
    close(reversed.auc(), 0.0, 0.0);
    assert_eq!(det_curve(&reversed, 10).len(), 3);
}

#[test]
fn missing_kinds_and_scores_that_are_not_numbers_are_refused() {
    assert_eq!(ErrorRates::new(&[], &[0.1]).expect_err("empty"), EvalError::NoGenuine);
    assert_eq!(ErrorRates::new(&[0.1], &[]).expect_err("empty"), EvalError::NoImpostor);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let error = ErrorRates::new(&[0.1], &[0.2, bad]).expect_err("not finite");
        assert!(matches!(error, EvalError::NonFiniteScore { kind: "impostor", index: 1, .. }), "{error}");
    }
}

// ---- properties ------------------------------------------------------------------------------------

/// Random score sets: few distinct values (many ties) in every other one.
fn random_sets() -> impl Iterator<Item = (Vec<f32>, Vec<f32>)> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    (0..60).map(move |round| {
        let (n_g, n_i) = (rng.gen_range(1..60), rng.gen_range(1..90));
        let mut draw = |n: usize, shift: f32| -> Vec<f32> {
            let one = |rng: &mut ChaCha8Rng| rng.gen_range(-1.0_f32..1.0) * 0.5 + shift;
            let round_off = |s: f32| {
                if round % 2 == 0 { (s * 8.0).round() / 8.0 } else { s }
            };
            (0..n).map(|_| round_off(one(&mut rng))).collect()
        };
        (draw(n_g, 0.2), draw(n_i, -0.1))
    })
}

#[test]
fn rates_are_monotone_and_match_counting_by_hand() {
    for (genuine, impostor) in random_sets() {
        let rates = ErrorRates::new(&genuine, &impostor).expect("valid");
        let points = rates.points();
        let ends = [points[0], points[points.len() - 1]].map(|p| (p.fmr, p.fnmr));
        assert_eq!(ends, [(1.0, 0.0), (0.0, 1.0)]);
        for pair in points.windows(2) {
            assert!(pair[0].threshold < pair[1].threshold);
            assert!(pair[0].fmr >= pair[1].fmr && pair[0].fnmr <= pair[1].fnmr);
        }
        for p in points {
            let accepted = impostor.iter().filter(|&&s| s >= p.threshold).count();
            let missed = genuine.iter().filter(|&&s| s < p.threshold).count();
            close(p.fmr, accepted as f64 / impostor.len() as f64, 1e-15);
            close(p.fnmr, missed as f64 / genuine.len() as f64, 1e-15);
        }
        // Rounding gave some scores the value -0.0, which must tie with 0.0.
        let pairs = genuine.iter().flat_map(|&g| impostor.iter().map(move |&i| (g, i)));
        let wins: f64 =
            pairs.map(|(g, i)| f64::midpoint(f64::from(u8::from(g > i)), f64::from(u8::from(g >= i)))).sum();
        close(rates.auc(), wins / (genuine.len() * impostor.len()) as f64, 1e-12);
    }
}

#[test]
fn the_eer_lies_on_the_diagonal_between_neighbouring_points() {
    for (genuine, impostor) in random_sets() {
        let rates = ErrorRates::new(&genuine, &impostor).expect("valid");
        let eer = rates.eer();
        let crossing = rates.points().windows(2).find(|w| w[1].fnmr >= w[1].fmr).expect("the curves cross");
        let (a, b) = (crossing[0], crossing[1]);
        assert!((b.fmr..=a.fmr).contains(&eer.rate) || (eer.rate - b.fmr).abs() < 1e-12, "{eer:?} {a:?} {b:?}");
        // On the segment: solving for equal rates on the line a–b must give the same value.
        let s = (a.fmr - a.fnmr) / ((a.fmr - a.fnmr) + (b.fnmr - b.fmr));
        close(eer.rate, a.fnmr + s * (b.fnmr - a.fnmr), 1e-12);
        assert!(eer.threshold >= a.threshold && eer.threshold <= b.threshold);
    }
}

#[test]
fn tar_at_far_is_the_best_allowed_and_grows_with_the_allowance() {
    for (genuine, impostor) in random_sets() {
        let rates = ErrorRates::new(&genuine, &impostor).expect("valid");
        let mut last = 0.0;
        for far in [0.02, 0.05, 0.1, 0.29, 0.5, 1.0] {
            let point = rates.point_at_far(far);
            let best = rates.points().iter().filter(|p| p.fmr <= far + 1e-12).map(|p| 1.0 - p.fnmr).fold(0.0, f64::max);
            close(1.0 - point.fnmr, best, 1e-12);
            assert!(point.fmr <= far + 1e-12 && best >= last);
            last = best;
        }
    }
}

#[test]
fn a_thinned_det_curve_keeps_the_ends_and_only_exact_points() {
    let (genuine, impostor) = (gaussian(3_000, 0.5, 0.2), gaussian(5_000, 0.0, 0.2));
    let rates = ErrorRates::new(&genuine, &impostor).expect("valid");
    let points = rates.points();
    for max in [2, 3, 50, 100_000] {
        let curve = det_curve(&rates, max);
        assert!(curve.len() <= max.max(2) && curve.len() >= 2);
        assert_eq!(curve[0].threshold.to_bits(), points[0].threshold.to_bits());
        assert_eq!(curve[curve.len() - 1].threshold.to_bits(), points[points.len() - 1].threshold.to_bits());
        for pair in curve.windows(2) {
            assert!(pair[0].threshold < pair[1].threshold && pair[0].x >= pair[1].x && pair[0].y <= pair[1].y);
        }
        for p in &curve {
            assert!(p.x.is_finite() && p.y.is_finite());
            assert!(points.binary_search_by(|q| q.threshold.total_cmp(&p.threshold)).is_ok());
        }
    }
}

// ---- operating point, folds, report ----------------------------------------------------------------

#[test]
fn the_undecided_band_contains_the_threshold_and_narrows_with_more_pairs() {
    let width = |n: usize, rule| {
        let rates = ErrorRates::new(&gaussian(n, 0.5, 0.15), &gaussian(n, 0.0, 0.15)).expect("valid");
        let point = operating_point(&rates, rule);
        assert!(point.undecided_low <= point.threshold && point.threshold <= point.undecided_high, "{point:?}");
        assert!(point.far_low <= point.far && point.far <= point.far_high && !point.limited);
        point.undecided_high - point.undecided_low
    };
    for rule in [OperatingRule::Eer, OperatingRule::Far(0.02)] {
        let widths = [100, 1_000, 10_000].map(|n| width(n, rule));
        assert!(widths[0] > 1.5 * widths[1] && widths[1] > 1.5 * widths[2] && widths[2] > 0.0, "{widths:?}");
    }
}

#[test]
fn thresholds_in_the_band_cannot_be_told_from_the_chosen_one() {
    let golden = golden();
    let rates = rates(&golden);
    let point = operating_point(&rates, OperatingRule::Far(0.05));
    close(f64::from(point.threshold), 0.249, 1e-7);
    for p in rates.points().iter().filter(|p| p.threshold >= point.undecided_low && p.threshold < point.undecided_high)
    {
        assert!(p.fmr <= point.far_high && p.fmr > point.far_low, "{p:?}");
    }
    let below = rates.points().iter().rfind(|p| p.threshold < point.undecided_low).expect("lower scores exist");
    assert!(below.fmr > point.far_high);
    let point = operating_point(&rates, OperatingRule::Eer);
    for p in rates.points().iter().filter(|p| p.threshold >= point.undecided_low && p.threshold <= point.undecided_high)
    {
        assert!(p.fmr <= point.far_high && p.fnmr <= point.frr_high, "{p:?}");
    }
}

#[test]
fn decisions_follow_the_band() {
    let rates = rates(&golden());
    let point = operating_point(&rates, OperatingRule::Eer);
    assert_eq!(point.decide(0.9), Decision::Same);
    assert_eq!(point.decide(point.undecided_high), Decision::Same);
    assert_eq!(point.decide(point.threshold), Decision::Undecided);
    assert_eq!(point.decide(point.undecided_low.next_down()), Decision::Different);
    assert_eq!(point.decide(-0.9), Decision::Different);
    assert_eq!(point.decide(f32::NAN), Decision::Undecided);
}

#[test]
fn a_far_that_cannot_be_measured_is_flagged_and_accepts_no_impostor() {
    let rates = rates(&golden());
    for far in [1e-4, 0.0, -1.0, f64::NAN] {
        let point = operating_point(&rates, OperatingRule::Far(far));
        assert!(point.limited);
        close(point.far, 0.0, 0.0);
        close(f64::from(point.threshold), 0.405, 1e-7);
        close(f64::from(point.undecided_high), 0.405, 1e-7);
        assert!(point.undecided_low < point.threshold && point.far_high > 0.05);
    }
}

#[test]
fn folds_need_two_folds_and_a_pair_for_each() {
    let pairs = scored(&golden());
    assert!(ten_fold(&pairs, 1).is_none() && ten_fold(&pairs, 121).is_none());
    assert!(ten_fold(&ScoredPairs { scores: vec![0.1; 20], same: vec![true; 19] }, 10).is_none());
    let equal = ScoredPairs { scores: vec![0.1; 20], same: (0..20).map(|i| i % 2 == 0).collect() };
    close(ten_fold(&equal, 10).expect("20 pairs").mean, 0.5, 1e-12);
}

#[test]
fn made_lists_are_folded_with_as_many_pairs_of_each_kind() {
    let genuine = (0..70).map(|i| (i as f32 / 100.0, true));
    let (scores, same): (Vec<f32>, Vec<bool>) = genuine.chain((0..130).map(|i| (-(i as f32) / 200.0, false))).unzip();
    let list = ScoredPairs { scores, same };
    let ordered = fold_order(&list, 3);
    assert_eq!(ordered.same.len(), 140);
    for fold in ordered.same.chunks(14) {
        assert_eq!(fold.iter().filter(|&&s| s).count(), 7);
    }
    let sorted = |list: &ScoredPairs| {
        let (mut g, mut i) = list.split();
        g.sort_by(f32::total_cmp);
        i.sort_by(f32::total_cmp);
        (g, i)
    };
    let (all, kept) = (sorted(&list), sorted(&ordered));
    assert_eq!(kept.0, all.0, "every pair of the rarer kind");
    assert!(kept.1.windows(2).all(|pair| pair[0] < pair[1]) && kept.1.iter().all(|score| all.1.contains(score)));
    assert_eq!(ordered, fold_order(&list, 3));
    assert_ne!(ordered, fold_order(&list, 4));
}

#[test]
fn a_lopsided_list_does_not_make_a_network_that_knows_nothing_look_accurate() {
    // Genuine and impostor scores are the same; only their numbers differ.
    let (scores, same) = (0..2000_u16).map(|pair| (f32::from(pair / 20 % 100) / 100.0, pair % 20 == 0)).unzip();
    let report = verification_report(&ScoredPairs { scores, same }, OperatingRule::Eer, false, 1).expect("valid");
    close(report.auc, 0.5, 1e-9);
    assert!(report.accuracy_10fold.expect("200 pairs") < 0.65, "{:?}", report.accuracy_10fold);
    let few = ScoredPairs { scores: vec![0.9; 4], same: vec![true, false, false, false] };
    assert_eq!(fold_order(&few, 1).same, [true, false]);
}

#[test]
fn the_report_survives_a_file_and_agrees_with_its_parts() {
    let golden = golden();
    let pairs = scored(&golden);
    let report = verification_report(&pairs, OperatingRule::Far(0.1), true, 0).expect("valid");
    close(report.accuracy_10fold.expect("120 pairs"), number(&golden["exact_midpoint_10fold"]["mean"]), 1e-12);
    assert_eq!((report.pairs, report.n_genuine, report.n_impostor), (120, 60, 60));
    assert_eq!(report.genuine_hist.counts.iter().sum::<u32>(), 60);
    assert_eq!(report.genuine_hist.counts.len(), 80);
    assert!(report.eer_low < report.eer && report.eer < report.eer_high);
    assert_eq!(report.tar_at_far.iter().map(|t| t.1.is_some()).collect::<Vec<_>>(), [true, false, false, false]);
    assert_eq!(report.roc.len(), report.det.len());
    let text = serde_json::to_string(&report).expect("all numbers are finite");
    let back: VerificationReport = serde_json::from_str(&text).expect("reads what it wrote");
    // JSON may lose the last bit of an f64; thresholds are f32 and must not move at all.
    assert_eq!(back.operating.threshold.to_bits(), report.operating.threshold.to_bits());
    all_close(
        &[back.operating.frr_low, back.eer, back.auc],
        &[report.operating.frr_low, report.eer, report.auc],
        1e-15,
    );
    assert_eq!((back.det.len(), back.tar_at_far.len()), (report.det.len(), 4));
}

#[test]
fn the_report_of_a_perfect_model_is_finite_too() {
    let pairs = ScoredPairs { scores: vec![1.0, 1.0, 0.0], same: vec![true, true, false] };
    let report = verification_report(&pairs, OperatingRule::Eer, false, 1).expect("valid");
    assert!(report.d_prime.is_finite() && report.accuracy_10fold.is_none());
    let text = serde_json::to_string(&report).expect("finite");
    assert!(serde_json::from_str::<VerificationReport>(&text).is_ok());
}

#[test]
fn made_pairs_score_and_evaluate_end_to_end() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let (classes, dim) = (12_u32, 16);
    let centres: Vec<f32> = (0..classes as usize * dim).map(|_| rng.gen_range(-1.0..1.0)).collect();
    let labels: Vec<u32> = (0..120).map(|i| i % classes).collect();
    let data = labels.iter().flat_map(|&c| (0..dim).map(move |d| (c, d)));
    let data = data.map(|(c, d)| centres[c as usize * dim + d] + rng.gen_range(-0.6..0.6)).collect();
    let table = EmbeddingTable::new(dim, data, (0..120).collect(), labels).expect("valid");
    let scored = score_pairs(&table, &make_pairs(table.classes(), 300, 600, 9)).expect("own rows");
    let report = verification_report(&scored, OperatingRule::Far(0.01), false, 9).expect("both kinds");
    assert_eq!((report.n_genuine, report.n_impostor), (300, 600));
    assert!(report.eer < 0.1 && report.auc > 0.95 && report.operating.far <= 0.01, "{report:?}");
    assert!(report.accuracy_10fold.expect("many pairs") > 0.9);
}
