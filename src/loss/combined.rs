//! The general form of ArcFace (Deng et al., arXiv:1801.07698, eq. 4), guarded by reflection.
//!
//! ```text
//! φ(θ) = cos(m₁θ + m₂) − m₃              for m₁θ + m₂ ≤ π
//!      = −2 − cos(m₁θ + m₂) − m₃         up to 2π
//!      = (−1)ᵏ·cos(m₁θ + m₂) − 2k − m₃   in general, k = ⌊(m₁θ + m₂)/π⌋
//! dφ/d cos θ = m₁·|sin(m₁θ + m₂)| / sin θ
//! ```
//! The paper's mixtures are (1, 0.3, 0.2) and (0.9, 0.4, 0.15). The reflection is `Keras_insightface`'s, written there as
//! `−2 − 2·m₃ − (cos(m₁θ + m₂) − m₃)`; one reflection rises again beyond 2π, which large m₁ reach, so here every half turn
//! is reflected, as in SphereFace: φ falls over all of [0, π], without a jump or a kink, whatever m₁ and m₂ are.
//! `arcface_torch` cannot express the form, for it ignores m₁ and m₂ when m₃ is set.
//!
//! For sets on which one kind of margin alone is too hard. m₁ is a factor, m₂ in radians, m₃ an amount of cosine; s = 64.

use super::angles::angle_and_sine;
use super::sphereface_curve::{unturned, unturned_scalar};
use crate::config::Margins;
use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// φ and its derivative at the own cosines.
pub(super) fn target<B: Backend>(cosine: Tensor<B, 1>, Margins { factor, rad, cos }: Margins) -> Target<B, 1> {
    let [theta, sine] = angle_and_sine(cosine);
    let [value, fall] = unturned(theta * factor + rad);
    Target { value: value - cos, slope: fall * factor / sine }
}

/// φ of one cosine.
pub(super) fn target_scalar(cosine: f64, Margins { factor, rad, cos }: Margins) -> f64 {
    unturned_scalar(factor * cosine.clamp(-1.0, 1.0).acos() + rad) - cos
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Flex;

    #[test]
    fn value_and_slope_belong_together_over_as_many_turns_as_the_margins_allow() {
        let step = 1e-7;
        let cosines: Vec<f32> = (-99_i16..=99).map(|i| f32::from(i) / 100.0).collect();
        for factor in [0.5, 1.0, 2.5, 6.0] {
            for rad in [0.0, 1.5] {
                let margins = Margins { factor, rad, cos: 0.3 };
                let own = Tensor::<Flex, 1>::from_floats(cosines.as_slice(), &Default::default());
                let Target { value, slope } = target(own, margins);
                let (value, slope) = (value.into_data(), slope.into_data());
                for ((cosine, value), slope) in cosines.iter().zip(value.iter::<f64>()).zip(slope.iter::<f64>()) {
                    let at = |moved: f64| target_scalar(f64::from(*cosine) + moved, margins);
                    let wanted = (at(step) - at(-step)) / (2.0 * step);
                    assert!((value - at(0.0)).abs() < 1e-4, "{margins:?} at {cosine}: {value} and {}", at(0.0));
                    assert!((slope - wanted).abs() < 4e-3, "{margins:?} at {cosine}: slope {slope} and {wanted}");
                }
            }
        }
    }
}
