//! The form for inference: the normalisation that follows is folded into the weights and an offset, shortcut and tail are
//! done while the output is still in the cache, and the weights stay packed from one call to the next.

use super::ConvBackend;
use crate::kernels::norm::{Tail, clip, leak, prelu};
use crate::kernels::primitive::{primitive, tensor};
use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;
use burn::tensor::{Tensor, activation};
use std::sync::OnceLock;

/// A convolution with everything that follows it.
#[derive(Debug)]
pub struct FoldedConv<B: Backend> {
    /// `[c_out, c_in, k, k]`
    pub(super) weight: FloatTensor<B>,
    /// `[c_out]`
    pub(super) offset: FloatTensor<B>,
    /// Of a PReLU, `[c_out]`.
    pub(super) slope: Option<FloatTensor<B>>,
    pub(super) stride: usize,
    pub(super) tail: Tail,
    pub(super) packed: Packed,
}

/// Weights in the order an inner loop reads them, packed when they are first used.
#[derive(Debug, Default)]
pub(super) struct Packed {
    pub direct: OnceLock<Vec<f32>>,
    pub transformed: OnceLock<Vec<f32>>,
}

impl<B: ConvBackend> FoldedConv<B> {
    /// `tail(conv(x, weight) · scale + shift + shortcut)`; `weight [c_out, c_in, k, k]`, `scale`, `shift` `[c_out]`.
    pub fn new(weight: Tensor<B, 4>, [scale, shift]: [Tensor<B, 1>; 2], stride: usize, tail: Tail) -> Self {
        let weight = primitive(folded_weight(weight, scale));
        Self { weight, offset: primitive(shift), slope: None, stride, tail, packed: Packed::default() }
    }

    /// The same with a PReLU as its tail; `slope [c_out]`.
    pub fn with_prelu(weight: Tensor<B, 4>, factors: [Tensor<B, 1>; 2], slope: Tensor<B, 1>, stride: usize) -> Self {
        Self { slope: Some(primitive(slope)), ..Self::new(weight, factors, stride, Tail::Linear) }
    }

    /// # Shapes
    /// `x [n, h, w, c_in]`, `shortcut` and the result `[n, ⌈h/stride⌉, ⌈w/stride⌉, c_out]`
    pub fn forward(&self, x: Tensor<B, 4>, shortcut: Option<Tensor<B, 4>>) -> Tensor<B, 4> {
        tensor(B::folded_conv(primitive(x), self, shortcut.map(primitive)))
    }
}

/// Weights `[c_out, c_in, k, k]` times a factor per output channel.
pub fn folded_weight<B: Backend>(weight: Tensor<B, 4>, scale: Tensor<B, 1>) -> Tensor<B, 4> {
    let c_out = weight.dims()[0];
    weight * scale.reshape([c_out, 1, 1, 1])
}

/// The same in burn's own operations.
pub(super) fn reference<B: ConvBackend>(
    x: FloatTensor<B>,
    conv: &FoldedConv<B>,
    shortcut: Option<FloatTensor<B>>,
) -> FloatTensor<B> {
    let y = tensor::<B, 4>(B::conv(x, conv.weight.clone(), conv.stride));
    let offset = tensor::<B, 1>(conv.offset.clone());
    let y = y + offset.unsqueeze();
    let y = match shortcut {
        Some(shortcut) => y + tensor(shortcut),
        None => y,
    };
    primitive(match (&conv.slope, conv.tail) {
        (Some(slope), _) => prelu(y, tensor(slope.clone())),
        (None, Tail::Linear) => y,
        (None, Tail::Relu) => activation::relu(y),
    })
}

/// What follows the sums of the CPU version.
#[derive(Clone, Copy, Debug)]
pub struct Finish<'a> {
    /// Per channel.
    pub offset: &'a [f32],
    /// As large as the output.
    pub shortcut: Option<&'a [f32]>,
    /// Of a PReLU, per channel; not together with a shortcut.
    pub slope: Option<&'a [f32]>,
    pub tail: Tail,
}

impl<'a> Finish<'a> {
    /// An offset and, where there is a slope, a PReLU.
    pub fn prelu(offset: &'a [f32], slope: Option<&'a [f32]>) -> Self {
        Self { offset, shortcut: None, slope, tail: Tail::Linear }
    }

    /// Finishes some pixels, whose first number is number `start` of the output.
    #[inline(always)]
    pub fn apply(&self, pixels: &mut [f32], start: usize) {
        let (channels, floor) = (self.offset.len(), self.tail.floor());
        if let Some(shortcut) = self.shortcut {
            for (pixel, shortcut) in pixels.chunks_exact_mut(channels).zip(shortcut[start..].chunks_exact(channels)) {
                for ((value, offset), shortcut) in pixel.iter_mut().zip(self.offset).zip(shortcut) {
                    *value = clip(*value + offset + shortcut, floor);
                }
            }
        } else if let Some(slope) = self.slope {
            for pixel in pixels.chunks_exact_mut(channels) {
                for ((value, offset), slope) in pixel.iter_mut().zip(self.offset).zip(slope) {
                    *value = leak(*value + offset, *slope);
                }
            }
        } else {
            for pixel in pixels.chunks_exact_mut(channels) {
                for (value, offset) in pixel.iter_mut().zip(self.offset) {
                    *value = clip(*value + offset, floor);
                }
            }
        }
    }
}
