//! The basic residual block (He et al. 2016, CVPR, figure 5 left): conv–BN–ReLU–conv–BN, plus the input, ReLU.

use super::layers::{Conv, batch_norm};
use super::walk::{Act, After, Walk};
use crate::kernels::Kernels;
use crate::kernels::random::Draw;
use burn::module::Module;
use burn::nn::BatchNorm;
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
    pub(super) fn walk<W: Walk<B>>(&self, walk: &mut W, x: W::Maps) -> W::Maps {
        let shortcut = match &self.downsample {
            Some((conv, bn)) => walk.conv(x.clone(), conv, After::norm(bn)),
            None => x.clone(),
        };
        let y = walk.conv(x, &self.conv1, After::act(&self.bn1, Act::Relu));
        walk.conv(y, &self.conv2, After::act(&self.bn2, Act::Relu).plus(Some(shortcut)))
    }
}
