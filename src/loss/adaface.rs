//! AdaFace (Kim et al., arXiv:2204.00964, eq. 6 and 7): the margin follows the length of the embedding within its batch,
//! which stands for the quality of the image.
//!
//! ```text
//! n = ‖x‖ within [0.001, 100]       ĝ = h·(n − μ)/(σ + 0.001) within [−1, 1]
//! φ = cos(θ − m·ĝ within [ε, π − ε]) − (m + m·ĝ)
//! ```
//! μ and σ (unbiased) follow the batches: `μ ← t·μ_batch + (1 − t)·μ`, moved before they are used, from 20 and 100. Short
//! embeddings (ĝ = −1) get ArcFace's margin, average ones CosFace's, long ones a negative angle and twice the cosine, so
//! that hard samples count only where the image is good. h = 0.333, m = 0.4, ε = 0.001, t = 0.01. Lengths and ĝ carry no
//! gradient. Networks of the authors take images in BGR order.

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
