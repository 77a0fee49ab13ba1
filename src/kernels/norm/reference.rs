//! The same normalisation in burn's own operations: what other backends run and what the CPU version is tested against.
//! [`norm`] and its gradients compute in 32 bits with maps of 16, and give them back in theirs.

use super::{NormForward, NormGrads, NormSaved, Tail, primitive, tensor};
use crate::kernels::primitive::{full, in_type};
use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;

/// `[c]` → `[1, 1, 1, c]`
fn per_channel<B: Backend>(values: FloatTensor<B>) -> Tensor<B, 4> {
    let values = tensor::<B, 1>(values);
    let c = values.dims()[0];
    values.reshape([1, 1, 1, c])
}

fn mean_per_channel<B: Backend>(x: Tensor<B, 4>) -> Tensor<B, 4> {
    x.mean_dim(0).mean_dim(1).mean_dim(2)
}

/// `[c]`
pub(super) fn sum_per_channel<B: Backend>(x: Tensor<B, 4>) -> FloatTensor<B> {
    let [n, h, w, _] = x.dims();
    flat(mean_per_channel(x).mul_scalar((n * h * w) as f64))
}

fn flat<B: Backend>(x: Tensor<B, 4>) -> FloatTensor<B> {
    let c = x.dims()[3];
    primitive(x.reshape([c]))
}

fn finish<B: Backend>(y: Tensor<B, 4>, shortcut: Option<FloatTensor<B>>, tail: Tail) -> Tensor<B, 4> {
    let y = match shortcut {
        Some(shortcut) => y + tensor(shortcut),
        None => y,
    };
    match tail {
        Tail::Linear => y,
        Tail::Relu => relu(y),
    }
}

pub(super) fn norm<B: Backend>(
    x: FloatTensor<B>,
    [gamma, beta]: [FloatTensor<B>; 2],
    shortcut: Option<FloatTensor<B>>,
    tail: Tail,
    eps: f32,
) -> NormForward<B> {
    let x = tensor::<B, 4>(x);
    let (dtype, x, shortcut) = (x.dtype(), full(x), shortcut.map(|shortcut| primitive(full(tensor::<B, 4>(shortcut)))));
    let mean = mean_per_channel(x.clone());
    let centred = x - mean.clone();
    let var = mean_per_channel(centred.clone() * centred.clone());
    let scale = per_channel::<B>(gamma) / var.clone().add_scalar(eps).sqrt();
    let y = finish(centred * scale + per_channel::<B>(beta), shortcut, tail);
    NormForward { y: primitive(in_type(y, dtype)), mean: flat(mean), var: flat(var) }
}

pub(super) fn norm_backward<B: Backend>(saved: NormSaved<B>, dy: FloatTensor<B>, want_shortcut: bool) -> NormGrads<B> {
    let dy = tensor::<B, 4>(dy);
    let (dtype, dy) = (dy.dtype(), full(dy));
    let dy = match saved.behind_relu {
        None => dy,
        Some(y) => dy.mask_fill(tensor::<B, 4>(y).lower_equal_elem(0.0), 0.0),
    };
    let [n, h, w, _] = dy.dims();
    let count = (n * h * w) as f64;
    let inverse = per_channel::<B>(saved.var).add_scalar(saved.eps).sqrt().recip();
    let hat = (full(tensor::<B, 4>(saved.x)) - per_channel::<B>(saved.mean)) * inverse.clone();
    let d_beta = mean_per_channel(dy.clone());
    let d_gamma = mean_per_channel(dy.clone() * hat.clone());
    let dx = (dy.clone() - d_beta.clone() - hat * d_gamma.clone()) * (per_channel::<B>(saved.gamma) * inverse);
    NormGrads {
        x: primitive(in_type(dx, dtype)),
        gamma: flat(d_gamma.mul_scalar(count)),
        beta: flat(d_beta.mul_scalar(count)),
        shortcut: want_shortcut.then(|| primitive(in_type(dy, dtype))),
    }
}

pub(super) fn affine<B: Backend>(
    x: FloatTensor<B>,
    [scale, shift]: [FloatTensor<B>; 2],
    shortcut: Option<FloatTensor<B>>,
    tail: Tail,
) -> FloatTensor<B> {
    let y = tensor::<B, 4>(x) * per_channel::<B>(scale) + per_channel::<B>(shift);
    primitive(finish(y, shortcut, tail))
}
