//! The two layers everything is made of, on our own kernels: convolution without bias, batch normalisation.
//! Maps are channels-last (`[n, h, w, c]`), as the kernels want them.
//!
//! Batch normalisation reuses burn's struct as storage (its name decides how weights files are written) but not its
//! arithmetic: burn keeps the biased running variance, this the unbiased one, as PyTorch does.

use crate::kernels::random::{Draw, constant};
use crate::kernels::{Kernels, Tail, affine, conv2d, norm};
use burn::module::{Module, Param, RunningState};
use burn::nn::BatchNorm;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// Added to the variance (PyTorch's default).
const EPSILON: f64 = 1e-5;
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
        conv2d(x, self.weight.val(), self.stride)
    }
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

/// Batch normalisation, then the shortcut, then the tail. Statistics of the batch when the backend records gradients
/// (and the running statistics follow), else the running statistics.
pub(super) fn apply_norm<B: Kernels>(
    bn: &BatchNorm<B>,
    x: Tensor<B, 4>,
    shortcut: Option<Tensor<B, 4>>,
    tail: Tail,
) -> Tensor<B, 4> {
    if !B::ad_enabled(&x.device()) {
        return affine(x, folded_factors(bn), shortcut, tail);
    }
    let [n, h, w, _] = x.dims();
    let normed = norm(x, [bn.gamma.val(), bn.beta.val()], shortcut, tail, bn.epsilon as f32);
    let count = (n * h * w) as f64;
    let unbiased = normed.var.mul_scalar(count / (count - 1.0).max(1.0));
    follow(&bn.running_mean, normed.mean, bn.momentum);
    follow(&bn.running_var, unbiased, bn.momentum);
    normed.y
}

/// Scale and shift per channel that the running statistics amount to.
pub(super) fn folded_factors<B: Backend>(bn: &BatchNorm<B>) -> [Tensor<B, 1>; 2] {
    let inverse = bn.running_var.value_sync().add_scalar(bn.epsilon).sqrt().recip();
    let scale = bn.gamma.val() * inverse;
    let shift = bn.beta.val() - bn.running_mean.value_sync() * scale.clone();
    [scale, shift]
}

/// Moves a running statistic towards the batch. The second `value_sync` applies the update at once: burn would keep it
/// pending, and a visitor (saving, counting) reads only what is applied.
fn follow<B: Backend>(state: &RunningState<Tensor<B, 1>>, batch: Tensor<B, 1>, momentum: f64) {
    let old = state.value_sync().mul_scalar(1.0 - momentum);
    state.update((old + batch.mul_scalar(momentum)).detach());
    let _ = state.value_sync();
}

/// The same normalisation for features without pixels.
///
/// # Shapes
/// `[n, d]` → `[n, d]`
pub fn norm_features<B: Kernels>(bn: &BatchNorm<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
    let [n, d] = x.dims();
    apply_norm(bn, x.reshape([n, 1, 1, d]), None, Tail::Linear).reshape([n, d])
}
