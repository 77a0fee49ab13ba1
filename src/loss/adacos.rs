//! AdaCos (Zhang et al., arXiv:1905.00292, eq. 13 to 15): no margin, and a scale that follows the training.
//!
//! ```text
//! s₀ = √2·ln(C − 1)
//! s ← ln(B) / cos(min(π/4, θ_med))      B = mean over the batch of Σ_{j≠y} exp(s·cos θ_j),  θ_med = median of θ_y
//! ```
//! Moved before it is used. The median of an even number is the smaller of the two in the middle, as in the authors' code.
//!
//! B counts the other classes, so the formulas need some: of three or four, s would fall below 1, and of two to 0 within a few
//! steps, where all logits are the same and nothing is learnt any more. That is why s stays at 1 or above here.
//!
//! Nothing to set: for a first look at data of which nothing is known. θ in radians; s and B have no unit.

use super::elastic::falling_rank;
use crate::config::Head;
use crate::kernels::running::unless_undefined;
use burn::tensor::backend::Backend;
use burn::tensor::{Bool, Tensor};

/// The scale after a batch, `[1]`: of all cosines `[n, c]`, where they are to other classes, and the own `[n]`.
pub(super) fn follow<B: Backend>(
    scale: Tensor<B, 1>,
    cosine: Tensor<B, 2>,
    not_own: Tensor<B, 2, Bool>,
    own: Tensor<B, 1>,
) -> Tensor<B, 1> {
    let n = own.dims()[0];
    // The own class is left out before the sum: taken away from it, it would take the digits of the others along.
    let exponentials = (cosine * scale.clone().reshape([1, 1])).exp().mask_fill(not_own.bool_not(), 0.0);
    let others = exponentials.sum_dim(1).mean();
    // Falling cosines are rising angles.
    let in_the_middle = falling_rank(own.clone()).equal_elem(((n - 1) / 2) as i64).float();
    let median = (own * in_the_middle).sum().clamp(std::f64::consts::FRAC_1_SQRT_2, 1.0);
    unless_undefined(others.log() / median, scale).clamp_min(Head::LEAST_ADACOS_SCALE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Flex;

    /// The scale after a batch whose samples all have these cosines, the first of them to the own class.
    fn after(scale: f32, cosines: &[f32]) -> f64 {
        let device = Default::default();
        let cosine = Tensor::<Flex, 1>::from_floats(cosines, &device).reshape([1, cosines.len()]).repeat_dim(0, 3);
        let own = Tensor::<Flex, 1>::full([3], cosines[0], &device);
        let not_own: Vec<bool> = (0..3 * cosines.len()).map(|place| place % cosines.len() != 0).collect();
        let not_own = Tensor::<Flex, 1, Bool>::from_data(not_own.as_slice(), &device).reshape([3, cosines.len()]);
        f64::from(follow(Tensor::from_floats([scale], &device), cosine, not_own, own).into_scalar())
    }

    #[test]
    fn other_classes_count_beside_a_sure_own_one() {
        let mut cosines = [0.1; 10];
        cosines[0] = 1.0;
        let wanted = (9.0 * (16.0_f64 * 0.1).exp()).ln();
        let found = after(16.0, &cosines);
        assert!((found - wanted).abs() < 1e-4, "{found} instead of {wanted}");
    }

    #[test]
    fn the_scale_of_few_classes_does_not_fall_to_nothing() {
        for cosines in [&[0.5, -0.5][..], &[1.0, -1.0], &[1.0, -0.5, -0.5]] {
            let end = (0..20).fold(1.0, |scale, _| after(scale as f32, cosines));
            assert_eq!(end, Head::LEAST_ADACOS_SCALE, "{cosines:?}");
        }
    }
}
