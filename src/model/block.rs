//! The residual blocks (He et al. 2016, CVPR, figure 5): conv–BN–ReLU–conv–BN plus the input, ReLU; and the bottleneck with
//! three convolutions, 1×1, 3×3, 1×1.

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
    /// 3×3 with the stride; of a bottleneck 1×1.
    pub conv1: Conv<B>,
    /// After `conv1`.
    pub bn1: BatchNorm<B>,
    /// 3×3; of a bottleneck with the stride.
    pub conv2: Conv<B>,
    /// After `conv2`.
    pub bn2: BatchNorm<B>,
    /// 1×1, of a bottleneck.
    pub conv3: Option<Conv<B>>,
    /// After `conv3`.
    pub bn3: Option<BatchNorm<B>>,
    /// 1×1 convolution and normalisation of the shortcut, where the shape changes.
    pub downsample: Option<(Conv<B>, BatchNorm<B>)>,
}

impl<B: Backend> Block<B> {
    pub(super) fn init(draw: &mut Draw, [c_in, c_out]: [usize; 2], stride: usize, device: &B::Device) -> Self {
        let conv1 = Conv::init(draw, [c_in, c_out], 3, stride, device);
        let conv2 = Conv::init(draw, [c_out, c_out], 3, 1, device);
        Self {
            conv1,
            bn1: batch_norm(c_out, device),
            conv2,
            bn2: batch_norm(c_out, device),
            conv3: None,
            bn3: None,
            downsample: downsample(draw, [c_in, c_out], stride, device),
        }
    }

    /// A bottleneck with `inner` channels inside.
    pub(super) fn init_bottleneck(
        draw: &mut Draw,
        [c_in, inner, c_out]: [usize; 3],
        stride: usize,
        device: &B::Device,
    ) -> Self {
        let conv1 = Conv::init(draw, [c_in, inner], 1, 1, device);
        let conv2 = Conv::init(draw, [inner, inner], 3, stride, device);
        let conv3 = Conv::init(draw, [inner, c_out], 1, 1, device);
        Self {
            conv1,
            bn1: batch_norm(inner, device),
            conv2,
            bn2: batch_norm(inner, device),
            conv3: Some(conv3),
            bn3: Some(batch_norm(c_out, device)),
            downsample: downsample(draw, [c_in, c_out], stride, device),
        }
    }
}

/// The shortcut's convolution, where the shape changes.
fn downsample<B: Backend>(
    draw: &mut Draw,
    channels: [usize; 2],
    stride: usize,
    device: &B::Device,
) -> Option<(Conv<B>, BatchNorm<B>)> {
    (stride != 1 || channels[0] != channels[1])
        .then(|| (Conv::init(draw, channels, 1, stride, device), batch_norm(channels[1], device)))
}

impl<B: Kernels> Block<B> {
    /// `[n, h, w, c_in]` → `[n, ⌈h/stride⌉, ⌈w/stride⌉, c_out]`
    pub(super) fn walk<W: Walk<B>>(&self, walk: &mut W, x: W::Maps) -> W::Maps {
        let shortcut = match &self.downsample {
            Some((conv, bn)) => walk.conv(x.clone(), conv, After::norm(bn)),
            None => x.clone(),
        };
        let y = walk.conv(x, &self.conv1, After::act(&self.bn1, Act::Relu));
        match (&self.conv3, &self.bn3) {
            (Some(conv3), Some(bn3)) => {
                let y = walk.conv(y, &self.conv2, After::act(&self.bn2, Act::Relu));
                walk.conv(y, conv3, After::act(bn3, Act::Relu).plus(Some(shortcut)))
            }
            _ => walk.conv(y, &self.conv2, After::act(&self.bn2, Act::Relu).plus(Some(shortcut))),
        }
    }
}
