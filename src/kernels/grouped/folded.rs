//! The form for inference: the normalisation that follows is folded into the weights and an offset.

use super::{GroupedBackend, Grouping};
use crate::kernels::conv::folded_weight;
use crate::kernels::norm::prelu;
use crate::kernels::primitive::{primitive, tensor};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;
use std::sync::OnceLock;

/// A grouped convolution with everything that follows it.
#[derive(Debug)]
pub struct FoldedGrouped<B: Backend> {
    /// `[c_out, c_in / groups, k, k]`
    pub(super) weight: FloatTensor<B>,
    /// `[c_out]`
    pub(super) offset: FloatTensor<B>,
    /// `[c_out]`
    pub(super) slope: Option<FloatTensor<B>>,
    pub(super) grouping: Grouping,
    /// Weights in the order the loops read them, from the first use on.
    pub(super) packed: OnceLock<Vec<f32>>,
}

impl<B: GroupedBackend> FoldedGrouped<B> {
    /// `prelu(conv(x, weight) · scale + shift)`; `scale`, `shift` and the PReLU's `slope` are `[c_out]`.
    pub fn new(
        weight: Tensor<B, 4>,
        [scale, shift]: [Tensor<B, 1>; 2],
        slope: Option<Tensor<B, 1>>,
        grouping: Grouping,
    ) -> Self {
        let weight = primitive(folded_weight(weight, scale));
        let (offset, slope) = (primitive(shift), slope.map(primitive));
        Self { weight, offset, slope, grouping, packed: OnceLock::new() }
    }

    /// # Shapes
    /// As [`super::grouped_conv2d`].
    pub fn forward(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        tensor(B::folded_grouped(primitive(x), self))
    }
}

/// The same in burn's own operations.
pub(super) fn reference<B: GroupedBackend>(x: FloatTensor<B>, conv: &FoldedGrouped<B>) -> FloatTensor<B> {
    let y = tensor::<B, 4>(B::grouped(x, conv.weight.clone(), conv.grouping));
    let y = y + tensor::<B, 1>(conv.offset.clone()).unsqueeze();
    primitive(match &conv.slope {
        Some(slope) => prelu(y, tensor(slope.clone())),
        None => y,
    })
}
