//! Normalised softmax (Wang et al., arXiv:1704.06369): `φ = cos θ`. Angles decide, but no margin parts the classes.

use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// φ and its derivative at the own cosines.
pub(super) fn target<B: Backend>(cosine: Tensor<B, 1>) -> Target<B, 1> {
    Target { slope: cosine.ones_like(), value: cosine }
}
