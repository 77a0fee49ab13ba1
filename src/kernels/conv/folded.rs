//! The form for inference: the normalisation that follows is folded into the weights and an offset, shortcut and tail are
//! done while the output is still in the cache, and the weights stay packed from one call to the next.

use super::ConvBackend;
use crate::kernels::norm::{Tail, clip};
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
        let c_out = weight.dims()[0];
        let weight = primitive(weight * scale.reshape([c_out, 1, 1, 1]));
        Self { weight, offset: primitive(shift), stride, tail, packed: Packed::default() }
    }

    /// # Shapes
    /// `x [n, h, w, c_in]`, `shortcut` and the result `[n, ⌈h/stride⌉, ⌈w/stride⌉, c_out]`
    pub fn forward(&self, x: Tensor<B, 4>, shortcut: Option<Tensor<B, 4>>) -> Tensor<B, 4> {
        tensor(B::folded_conv(primitive(x), self, shortcut.map(primitive)))
    }
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
    primitive(match conv.tail {
        Tail::Linear => y,
        Tail::Relu => activation::relu(y),
    })
}

/// What follows the sums of the CPU version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finish<'a> {
    /// Per channel.
    pub offset: &'a [f32],
    /// As large as the output.
    pub shortcut: Option<&'a [f32]>,
    pub tail: Tail,
}

impl Finish<'_> {
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
        } else {
            for pixel in pixels.chunks_exact_mut(channels) {
                for (value, offset) in pixel.iter_mut().zip(self.offset) {
                    *value = clip(*value + offset, floor);
                }
            }
        }
    }
}
