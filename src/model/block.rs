//! The basic residual block (He et al. 2016, CVPR, figure 5 left): conv–BN–ReLU–conv–BN, plus the input, ReLU.

use super::layers::{Conv, apply_norm, batch_norm};
use crate::kernels::random::Draw;
use crate::kernels::{Kernels, Tail};
use burn::module::Module;
use burn::nn::BatchNorm;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// One residual block.
#[derive(Module, Debug)]
pub struct Block<B: Backend> {
    /// 3×3, carries the stride.
    pub conv1: Conv<B>,
    /// After `conv1`.
    pub bn1: BatchNorm<B>,
    /// 3×3.
    pub conv2: Conv<B>,
    /// After `conv2`.
    pub bn2: BatchNorm<B>,
    /// 1×1 convolution and normalisation of the shortcut, where the shape changes.
    pub downsample: Option<(Conv<B>, BatchNorm<B>)>,
}

impl<B: Backend> Block<B> {
    pub(super) fn init(draw: &mut Draw, [c_in, c_out]: [usize; 2], stride: usize, device: &B::Device) -> Self {
        let conv1 = Conv::init(draw, [c_in, c_out], 3, stride, device);
        let conv2 = Conv::init(draw, [c_out, c_out], 3, 1, device);
        let downsample = (stride != 1 || c_in != c_out)
            .then(|| (Conv::init(draw, [c_in, c_out], 1, stride, device), batch_norm(c_out, device)));
        Self { conv1, bn1: batch_norm(c_out, device), conv2, bn2: batch_norm(c_out, device), downsample }
    }
}

impl<B: Kernels> Block<B> {
    /// `[n, h, w, c_in]` → `[n, ⌈h/stride⌉, ⌈w/stride⌉, c_out]`
    pub fn forward(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let shortcut = match &self.downsample {
            Some((conv, bn)) => apply_norm(bn, conv.forward(x.clone()), None, Tail::Linear),
            None => x.clone(),
        };
        let y = apply_norm(&self.bn1, self.conv1.forward(x), None, Tail::Relu);
        apply_norm(&self.bn2, self.conv2.forward(y), Some(shortcut), Tail::Relu)
    }
}
