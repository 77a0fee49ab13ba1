//! The layers everything is made of, on our own kernels: convolution without bias, batch normalisation, PReLU.
//! Maps are channels-last (`[n, h, w, c]`), as the kernels want them.
//!
//! Batch normalisation reuses burn's struct as storage (its name decides how weights files are written) but not its
//! arithmetic: burn keeps the biased running variance, this the unbiased one, as PyTorch does.

use crate::kernels::norm::Normed;
use crate::kernels::random::{Draw, constant};
use crate::kernels::{
    Grouping, Kernels, Tail, affine, conv2d, full, grouped_conv2d, in_type, norm, norm_prelu, prelu, running,
};
use burn::module::{Module, Param, RunningState};
use burn::nn::{BatchNorm, Linear};
use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, activation};

/// Added to the variance (PyTorch's default).
pub(super) const EPSILON: f64 = 1e-5;
/// Share of the new batch in the running statistics (PyTorch's default).
const MOMENTUM: f64 = 0.1;

/// Convolution without bias, kernel 1 or 3, "same" padding.
#[derive(Module, Debug)]
pub struct Conv<B: Backend> {
    /// `[c_out, c_in, k, k]`
    pub weight: Param<Tensor<B, 4>>,
    /// 1 or 2.
    pub stride: usize,
}

impl<B: Backend> Conv<B> {
    /// He et al. 2015, normal, fan-out: keeps the size of the *gradients* through a ReLU network.
    pub(super) fn init(
        draw: &mut Draw,
        [c_in, c_out]: [usize; 2],
        side: usize,
        stride: usize,
        device: &B::Device,
    ) -> Self {
        let std = (2.0 / (c_out * side * side) as f64).sqrt();
        Self { weight: draw.normal([c_out, c_in, side, side], std, device), stride }
    }
}

impl<B: Kernels> Conv<B> {
    /// `[n, h, w, c_in]` → `[n, ⌈h/stride⌉, ⌈w/stride⌉, c_out]`
    pub fn forward(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let weight = in_type(self.weight.val(), x.dtype());
        conv2d(x, weight, self.stride)
    }
}

impl<B: Backend> Conv<B> {
    /// Normal with a given standard deviation.
    pub(super) fn init_normal(
        draw: &mut Draw,
        [c_in, c_out]: [usize; 2],
        side: usize,
        stride: usize,
        std: f64,
        device: &B::Device,
    ) -> Self {
        Self { weight: draw.normal([c_out, c_in, side, side], std, device), stride }
    }
}

/// Convolution whose channels are parted into groups, without bias.
#[derive(Module, Debug)]
pub struct GroupedConv<B: Backend> {
    /// `[c, c / groups, k, k]`
    pub weight: Param<Tensor<B, 4>>,
    /// Groups of channels.
    pub groups: usize,
    /// 1 or 2.
    pub stride: usize,
    /// Empty pixels around the maps.
    pub pad: usize,
}

impl<B: Backend> GroupedConv<B> {
    /// He et al. 2015, normal, fan-out as PyTorch counts it (which leaves the groups out).
    pub(super) fn init(
        draw: &mut Draw,
        channels: usize,
        side: usize,
        Grouping { groups, stride, pad }: Grouping,
        device: &B::Device,
    ) -> Self {
        let std = (2.0 / (channels * side * side) as f64).sqrt();
        Self { weight: draw.normal([channels, channels / groups, side, side], std, device), groups, stride, pad }
    }

    pub(super) fn grouping(&self) -> Grouping {
        Grouping { groups: self.groups, stride: self.stride, pad: self.pad }
    }
}

impl<B: Kernels> GroupedConv<B> {
    /// `[n, h, w, c]` → `[n, …, …, c]`, sizes by [`Grouping::output_px`]
    pub fn forward(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let weight = in_type(self.weight.val(), x.dtype());
        grouped_conv2d(x, weight, self.grouping())
    }
}

/// What a PReLU learns: the slope below 0, one per channel.
#[derive(Module, Debug)]
pub struct Prelu<B: Backend> {
    /// `[c]`
    pub weight: Param<Tensor<B, 1>>,
}

impl<B: Backend> Prelu<B> {
    pub(super) fn init(channels: usize, device: &B::Device) -> Self {
        Self { weight: constant(0.25, [channels], device) }
    }
}

/// Squeeze and excitation (Hu et al., arXiv:1709.01507): every channel is weighed by what the means of all channels say.
#[derive(Module, Debug)]
pub struct SqueezeExcite<B: Backend> {
    /// 1×1, to fewer channels, ReLU behind it.
    pub fc1: Conv<B>,
    /// 1×1, back, sigmoid behind it.
    pub fc2: Conv<B>,
}

/// Channels per channel in between.
const REDUCTION: usize = 16;

impl<B: Backend> SqueezeExcite<B> {
    pub(super) fn init(draw: &mut Draw, channels: usize, device: &B::Device) -> Self {
        let few = channels / REDUCTION;
        let fc1 = Conv::init(draw, [channels, few], 1, 1, device);
        Self { fc1, fc2: Conv::init(draw, [few, channels], 1, 1, device) }
    }
}

impl<B: Kernels> SqueezeExcite<B> {
    /// `[n, h, w, c]` → `[n, h, w, c]`
    pub fn forward(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let [n, h, w, c] = x.dims();
        let means = x.clone().reshape([n, h * w, c]).mean_dim(1).reshape([n, 1, 1, c]);
        let few = activation::relu(self.fc1.forward(means));
        x * activation::sigmoid(self.fc2.forward(few))
    }
}

/// PyTorch's start values of a linear layer.
pub(super) fn linear<B: Backend>(draw: &mut Draw, [from, to]: [usize; 2], bias: bool, device: &B::Device) -> Linear<B> {
    let bound = 1.0 / (from as f64).sqrt();
    let weight = draw.uniform([from, to], bound, device);
    Linear { weight, bias: bias.then(|| draw.uniform([to], bound, device)) }
}

/// γ = 1, β = 0, running mean 0, running variance 1.
pub(super) fn batch_norm<B: Backend>(channels: usize, device: &B::Device) -> BatchNorm<B> {
    BatchNorm {
        gamma: constant(1.0, [channels], device),
        beta: constant(0.0, [channels], device),
        running_mean: RunningState::new(Tensor::zeros([channels], device)),
        running_var: RunningState::new(Tensor::ones([channels], device)),
        momentum: MOMENTUM,
        epsilon: EPSILON,
    }
}

/// Which statistics normalisations use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Statistics {
    /// Those of the batch when the backend records gradients, and the running ones follow; else the running ones.
    #[default]
    Usual,
    /// Those of the batch, and nothing follows: a step that will be computed again.
    OfBatch,
    /// The running ones, which stay as they are, in training too: a trained network that goes on learning does not have to
    /// get used to the means of small batches first (`FrozenBatchNorm2d` of torchvision and detectron2; unlike there, the
    /// factors γ and β learn on).
    Kept,
}

impl Statistics {
    /// For the first pass of a step that will be computed again with these.
    pub(super) fn once(self) -> Self {
        if self == Self::Usual { Self::OfBatch } else { self }
    }

    /// The running ones are those that count on this device.
    fn are_running<B: Backend>(self, device: &B::Device) -> bool {
        match self {
            Self::Usual => !B::ad_enabled(device),
            Self::OfBatch => false,
            Self::Kept => true,
        }
    }
}

/// Batch normalisation, then the shortcut, then the tail.
pub(super) fn apply_norm<B: Kernels>(
    bn: &BatchNorm<B>,
    x: Tensor<B, 4>,
    shortcut: Option<Tensor<B, 4>>,
    tail: Tail,
    statistics: Statistics,
) -> Tensor<B, 4> {
    if statistics.are_running::<B>(&x.device()) {
        let dtype = x.dtype();
        return in_type(affine(full(x), folded_factors(bn), shortcut.map(full), tail), dtype);
    }
    followed(bn, norm(x, [bn.gamma.val(), bn.beta.val()], shortcut, tail, bn.epsilon as f32), statistics)
}

/// Batch normalisation and the PReLU behind it.
pub(super) fn apply_norm_prelu<B: Kernels>(
    bn: &BatchNorm<B>,
    activation: &Prelu<B>,
    x: Tensor<B, 4>,
    statistics: Statistics,
) -> Tensor<B, 4> {
    let slope = activation.weight.val();
    if statistics.are_running::<B>(&x.device()) {
        let dtype = x.dtype();
        return in_type(prelu(affine(full(x), folded_factors(bn), None, Tail::Linear), slope), dtype);
    }
    followed(bn, norm_prelu(x, [bn.gamma.val(), bn.beta.val(), slope], bn.epsilon as f32), statistics)
}

/// A PReLU with no normalisation in front of it.
pub(super) fn apply_prelu<B: Kernels>(activation: &Prelu<B>, x: Tensor<B, 4>) -> Tensor<B, 4> {
    let dtype = x.dtype();
    in_type(prelu(full(x), activation.weight.val()), dtype)
}

/// The output; the running statistics follow those of the batch, if they should.
fn followed<B: Kernels>(bn: &BatchNorm<B>, normed: Normed<B>, statistics: Statistics) -> Tensor<B, 4> {
    if statistics == Statistics::Usual {
        let [n, h, w, _] = normed.y.dims();
        let count = (n * h * w) as f64;
        let unbiased = normed.var.mul_scalar(count / (count - 1.0).max(1.0));
        follow(&bn.running_mean, normed.mean, bn.momentum);
        follow(&bn.running_var, unbiased, bn.momentum);
    }
    normed.y
}

/// Scale and shift per channel that the running statistics amount to.
pub(super) fn folded_factors<B: Backend>(bn: &BatchNorm<B>) -> [Tensor<B, 1>; 2] {
    let inverse = bn.running_var.value_sync().add_scalar(bn.epsilon).sqrt().recip();
    let scale = bn.gamma.val() * inverse;
    let shift = bn.beta.val() - bn.running_mean.value_sync() * scale.clone();
    [scale, shift]
}

/// Moves a running statistic towards the batch, unless the batch has none: a single broken image must not make every later
/// embedding undefined.
fn follow<B: Backend>(state: &RunningState<Tensor<B, 1>>, batch: Tensor<B, 1>, momentum: f64) {
    let old = state.value_sync();
    let new = old.clone().mul_scalar(1.0 - momentum) + batch.mul_scalar(momentum);
    running::store(state, running::unless_undefined(new, old));
}

/// The same normalisation for features without pixels.
///
/// # Shapes
/// `[n, d]` → `[n, d]`
pub fn norm_features<B: Kernels>(bn: &BatchNorm<B>, x: Tensor<B, 2>, statistics: Statistics) -> Tensor<B, 2> {
    let [n, d] = x.dims();
    apply_norm(bn, x.reshape([n, 1, 1, d]), None, Tail::Linear, statistics).reshape([n, d])
}
