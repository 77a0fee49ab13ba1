//! Normalised softmax (Wang et al., arXiv:1704.06369): `φ = cos θ`. Angles decide, but no margin parts the classes.
//!
//! Shows what a margin adds. Its scale is all there is to set, and matters much: without a margin ArcFace's authors reach more
//! with s = 20 than with 64. θ in radians; s is a factor without unit.

use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// φ and its derivative at the own cosines.
pub(super) fn target<B: Backend>(cosine: Tensor<B, 1>) -> Target<B, 1> {
    Target { slope: cosine.ones_like(), value: cosine }
}
