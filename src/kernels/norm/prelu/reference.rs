//! The same in burn's own operations.

use super::super::reference as plain;
use super::{NormForward, NormPreluSaved, primitive, tensor};
use crate::kernels::norm::{NormSaved, Tail};
use crate::kernels::primitive::{full, in_type};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;

/// `max(y, 0) + slope · min(y, 0)`
///
/// # Shapes
/// `y [n, h, w, c]`, `slope [c]`
pub fn prelu<B: Backend>(y: Tensor<B, 4>, slope: Tensor<B, 1>) -> Tensor<B, 4> {
    y.clone().clamp_min(0.0) + y.clamp_max(0.0) * slope.unsqueeze()
}

pub(super) fn norm_prelu<B: Backend>(
    x: FloatTensor<B>,
    [gamma, beta, slope]: [FloatTensor<B>; 3],
    eps: f32,
) -> NormForward<B> {
    let x = tensor::<B, 4>(x);
    let dtype = x.dtype();
    let normed = plain::norm::<B>(primitive(full(x)), [gamma, beta], None, Tail::Linear, eps);
    let y = prelu(tensor::<B, 4>(normed.y), tensor(slope));
    NormForward { y: primitive(in_type(y, dtype)), ..normed }
}

pub(super) fn norm_prelu_backward<B: Backend>(
    saved: NormPreluSaved<B>,
    dy: FloatTensor<B>,
) -> (FloatTensor<B>, [FloatTensor<B>; 3]) {
    let NormPreluSaved { x, parameters: [gamma, beta, slope], mean, var, eps } = saved;
    let inverse = tensor::<B, 1>(var.clone()).add_scalar(eps).sqrt().recip();
    let scale = tensor::<B, 1>(gamma.clone()) * inverse;
    let shift = tensor::<B, 1>(beta) - tensor::<B, 1>(mean.clone()) * scale.clone();
    let (x, dy) = (full(tensor::<B, 4>(x)), tensor::<B, 4>(dy));
    let (dtype, dy) = (dy.dtype(), full(dy));
    let before = x.clone() * scale.unsqueeze() + shift.unsqueeze();
    let d_slope = plain::sum_per_channel(dy.clone() * before.clone().clamp_max(0.0));
    let leaked = dy.clone() * tensor::<B, 1>(slope).unsqueeze();
    let behind = primitive(dy.mask_where(before.lower_elem(0.0), leaked));
    let saved = NormSaved { x: primitive(x), gamma, behind_relu: None, mean, var, eps };
    let grads = plain::norm_backward::<B>(saved, behind, false);
    (primitive(in_type(tensor::<B, 4>(grads.x), dtype)), [grads.gamma, grads.beta, d_slope])
}
