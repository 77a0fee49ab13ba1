//! The scale where nobody sets it.

use super::{Head, LossConfig};

/// The scale for so many classes, and why it is that, in one sentence.
pub(super) fn automatic(loss: &LossConfig, classes: usize) -> (f64, String) {
    let usual = usual(loss.head, classes);
    if loss.head != Head::UniFace {
        return usual;
    }
    let least = within_uniface(loss, classes);
    if least.0 > usual.0 { least } else { usual }
}

/// AdaCos (arXiv:1905.00292, eq. 13): s = √2·ln(C − 1), the scale at which a class centre just reaches
/// probability one half. The loss AdaCos starts from that value and moves it; the others keep theirs to the end and
/// separate new identities best at about half as much again, as measured on five data sets (BENCHMARKS.md).
fn usual(head: Head, classes: usize) -> (f64, String) {
    let classes = classes.max(3);
    let half_sure = std::f64::consts::SQRT_2 * ((classes - 1) as f64).ln();
    if head == Head::AdaCos {
        return (half_sure.max(Head::LEAST_ADACOS_SCALE), format!("√2·ln({classes} classes − 1)"));
    }
    let raw = SHARE * half_sure;
    let scale = (raw.clamp(LEAST, PUBLISHED) * 10.0).round() / 10.0;
    let clamp = if raw < LEAST { format!(", not less than {LEAST}") } else { String::new() };
    (scale, format!("{SHARE}·√2·ln({classes} classes − 1) = {raw:.1}{clamp}"))
}

/// UniFace keeps s·(cos θ − m) − b within ±s and has no gradient beyond. Its threshold b does not grow with s, so that a
/// small scale would lose the images that are far from their class: the least one that keeps them, or the published one
/// where there is none.
fn within_uniface(loss: &LossConfig, classes: usize) -> (f64, String) {
    let margin = loss.margin_cos.set().unwrap_or(Head::UniFace.published_margins().cos);
    let room = 1.0 + FARTHEST_COSINE - margin;
    let least = Head::uniface_threshold(loss.class_share, classes) / room;
    let scale = (least * 10.0).ceil() / 10.0;
    if room <= 0.0 || scale > PUBLISHED {
        let why =
            "the paper's value: with so large a margin no smaller one keeps the images that are far from their class";
        return (PUBLISHED, why.to_owned());
    }
    let part = if loss.is_partial() { format!("{}·", loss.class_share) } else { String::new() };
    let far = -FARTHEST_COSINE;
    let term = format!("ln(10·{part}{classes} classes) / (1 − {far} − {margin})");
    let why = format!("{term} = {least:.2}: with less, the loss would leave out images with a cosine of −{far}");
    (scale, why)
}

/// What the scale is of AdaCos's.
const SHARE: f64 = 1.5;
/// Below this ten classes of MNIST separate no better; thirty of ORL would, a little.
const LEAST: f64 = 8.0;
/// What papers take, for up to millions of faces.
const PUBLISHED: f64 = 64.0;
/// Few images are farther from their class, even before the network has learned anything: cosines of random vectors of 128
/// numbers have a deviation of 0.09.
const FARTHEST_COSINE: f64 = -0.2;

#[cfg(test)]
mod tests {
    use super::super::Auto;
    use super::*;

    fn uniface(margin_cos: Auto<f64>, class_share: f64) -> LossConfig {
        LossConfig { head: Head::UniFace, margin_cos, class_share, ..LossConfig::default() }
    }

    #[test]
    fn uniface_sees_far_images_whatever_the_number_of_classes() {
        for (margin, share) in [(0.4, 1.0), (0.4, 0.1), (0.4, 0.001), (0.0, 1.0), (0.6, 1.0)] {
            let loss = uniface(Auto::Set(margin), share);
            for classes in [2, 3, 10, 40, 238, 10_000, 85_000, 1_000_000] {
                let (scale, why) = automatic(&loss, classes);
                let logit = scale * (FARTHEST_COSINE - margin) - Head::uniface_threshold(share, classes);
                // The largest sets with the largest margin get the published scale.
                assert!(logit >= -scale || scale == PUBLISHED, "{classes} classes, {margin}: {logit} at scale {scale}");
                assert!((LEAST..=PUBLISHED).contains(&scale), "{classes} classes, {margin}: {scale}");
                assert!(scale >= usual(Head::UniFace, classes).0 && !why.is_empty(), "{classes} classes: {scale}");
            }
        }
    }

    #[test]
    fn the_scale_of_uniface_says_what_it_follows_from() {
        let (scale, why) = automatic(&uniface(Auto::Auto, 1.0), 40);
        assert_eq!(scale, 15.0);
        assert_eq!(
            why,
            "ln(10·40 classes) / (1 − 0.2 − 0.4) = 14.98: with less, the loss would leave out images with a cosine of −0.2"
        );
        assert!(automatic(&uniface(Auto::Auto, 0.5), 40).1.starts_with("ln(10·0.5·40 classes) / "));
        for margin in [0.75, 0.8, 0.9] {
            let (scale, why) = automatic(&uniface(Auto::Set(margin), 1.0), 40);
            assert!(scale == PUBLISHED && why.starts_with("the paper's value"), "{margin}: {scale}, {why}");
        }
        // Few of few classes in a step: the threshold starts low.
        assert!(automatic(&uniface(Auto::Auto, 0.001), 40).1.ends_with("not less than 8"));
    }
}
