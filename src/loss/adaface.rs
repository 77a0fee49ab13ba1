//! AdaFace (Kim et al., arXiv:2204.00964, eq. 6 and 7): the margin follows the length of the embedding within its batch,
//! which stands for the quality of the image.
//!
//! ```text
//! n = ‖x‖ within [0.001, 100]       ĝ = h·(n − μ)/(σ + 0.001) within [−1, 1]
//! φ = cos(θ − m·ĝ within [ε, π − ε]) − (m + m·ĝ)
//! ```
//! μ and σ (unbiased) follow the batches: `μ ← t·μ_batch + (1 − t)·μ`, moved before they are used, from 20 and 100. Short
//! embeddings (ĝ = −1) get ArcFace's margin, average ones CosFace's, long ones a negative angle and twice the cosine, so
//! that hard samples count only where the image is good. Lengths and ĝ carry no gradient. Networks of the authors take
//! images in BGR order.
//!
//! For mixed quality. The one m is both an angle, in radians like θ and ε, and an amount of cosine; n, μ and σ are lengths of
//! embeddings, which have no unit; ĝ, h and t are plain numbers. Published with m = 0.4, h = 0.333, ε = 0.001, t = 0.01 and
//! s = 64.
//!
//! As long as σ comes from its start, every ĝ is near 0 and the loss is CosFace. With t = 0.01 that takes some hundred steps:
//! nothing in the authors' runs of 10⁵, and most of a run on a small set. There μ and σ start from the first batch instead.

use super::angles::angle_and_sine;
use crate::kernels::Target;
use crate::kernels::running::unless_undefined;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use std::f64::consts::PI;

/// μ and σ before the first batch.
pub(super) const START: [f32; 2] = [20.0, 100.0];
const H: f64 = 0.333;
const EPSILON: f64 = 1e-3;
const SHORTEST: f64 = 1e-3;
const LONGEST: f64 = 100.0;

/// After so many batches over t, the start of μ and σ counts for less than a thousandth: 0.1 of a deviation of 100.
const FORGOTTEN_AFTER: f64 = 7.0;
/// The longest share of a run that may go by until then.
const LONGEST_START: f64 = 0.1;

/// What a batch counts in the statistics at a step counted from 0, of a run of `run_steps`; `share` is t.
pub(super) fn share_at(share: f64, step: u64, run_steps: u64) -> f64 {
    let forgets_in_time = FORGOTTEN_AFTER / share <= LONGEST_START * run_steps as f64;
    if step == 0 && !forgets_in_time { 1.0 } else { share }
}

/// (μ, σ) after a batch of these lengths, `[2]`.
pub(super) fn follow<B: Backend>(statistics: Tensor<B, 1>, length: Tensor<B, 1>, share: f64) -> Tensor<B, 1> {
    let n = length.dims()[0];
    if n < 2 {
        return statistics;
    }
    let length = length.clamp(SHORTEST, LONGEST);
    let mean = length.clone().mean();
    let deviation = length - mean.clone();
    let std = ((deviation.clone() * deviation).sum() / (n - 1) as f64).sqrt();
    let batch = Tensor::cat(vec![mean, std], 0);
    unless_undefined(batch * share + statistics.clone() * (1.0 - share), statistics)
}

/// φ and its derivative at the own cosines.
pub(super) fn target<B: Backend>(
    cosine: Tensor<B, 1>,
    length: Tensor<B, 1>,
    statistics: Tensor<B, 1>,
    margin: f64,
) -> Target<B, 1> {
    let (mean, std) = (statistics.clone().narrow(0, 0, 1), statistics.narrow(0, 1, 1));
    let quality = ((length.clamp(SHORTEST, LONGEST) - mean) / (std + EPSILON) * H).clamp(-1.0, 1.0);
    let clamped = cosine.clone().abs().greater_elem(1.0 - EPSILON);
    let [theta, sine] = angle_and_sine(cosine.clamp(-1.0 + EPSILON, 1.0 - EPSILON));
    let angle = theta - quality.clone() * margin;
    let held = angle.clone().lower_elem(EPSILON).bool_or(angle.clone().greater_elem(PI - EPSILON));
    let angle = angle.clamp(EPSILON, PI - EPSILON);
    let slope = (angle.clone().sin() / sine).mask_fill(held.bool_or(clamped), 0.0);
    Target { value: angle.cos() - quality * margin - margin, slope }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Head;
    use crate::kernels::Cpu;
    use crate::loss::{HeadBatch, HeadSpec, Moment};

    /// μ and σ after a first batch of embeddings of lengths 3 and 5, of a run of so many steps.
    fn first(step: u64, run_steps: u64) -> Vec<f32> {
        let spec = HeadSpec::plain(Head::AdaFace, [3, 2], 8.0, Head::AdaFace.published_margins());
        let module = spec.init_seeded::<Cpu>(&Default::default(), 1);
        let moment = Moment { step, run_steps, ..Moment::LATE };
        let batch = HeadBatch::new(&spec, &[0, 1], moment, &Default::default());
        module.forward(Tensor::from_floats([[3.0, 0.0], [0.0, 5.0]], &Default::default()), &batch);
        module.statistics.unwrap().value().into_data().iter().collect()
    }

    #[test]
    fn a_short_run_starts_from_its_first_batch_and_a_long_one_as_published() {
        let near = |found: Vec<f32>, wanted: [f32; 2]| found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-4);
        let (of_batch, followed) = ([4.0, 2.0_f32.sqrt()], [19.84, 99.0 + 0.01 * 2.0_f32.sqrt()]);
        assert!(near(first(0, 456), of_batch), "{:?}", first(0, 456));
        assert!(near(first(0, 100_000), followed), "{:?}", first(0, 100_000));
        assert!(near(first(1, 456), followed), "only the first step counts so much: {:?}", first(1, 456));
    }

    #[test]
    fn the_start_is_forgotten_within_a_tenth_of_every_run_that_starts_as_published() {
        for share in [0.001, 0.01, 0.1, 0.9] {
            let shortest = (0..1_000_000).find(|run_steps| share_at(share, 0, *run_steps) == share).unwrap();
            let left = 100.0 * (1.0 - share).powf(0.1 * shortest as f64);
            assert!(left < 0.1, "{share}: {left} is left of the deviation after a tenth of {shortest} steps");
        }
        assert_eq!((share_at(1.0, 0, 10), share_at(0.01, 5, 10)), (1.0, 0.01));
    }
}
