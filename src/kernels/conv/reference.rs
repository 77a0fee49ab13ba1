//! The same convolution in burn's own operations: what other backends run and what the CPU version is tested against.

use burn::tensor::backend::Backend;
use burn::tensor::ops::{ConvOptions, FloatTensor};
use burn::tensor::{Tensor, TensorPrimitive};

fn options<B: Backend>(w: &FloatTensor<B>, stride: usize) -> ConvOptions<2> {
    let w = Tensor::<B, 4>::from_primitive(TensorPrimitive::Float(w.clone()));
    let pad = w.dims()[2] / 2;
    ConvOptions::new([stride; 2], [pad; 2], [1, 1], 1)
}

/// To burn's order of axes: a view, no copy.
pub fn channels_first<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_permute(x, &[0, 3, 1, 2])
}

pub fn channels_last<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_permute(x, &[0, 2, 3, 1])
}

pub(super) fn forward<B: Backend>(x: FloatTensor<B>, w: FloatTensor<B>, stride: usize) -> FloatTensor<B> {
    let options = options::<B>(&w, stride);
    channels_last::<B>(B::conv2d(channels_first::<B>(x), w, None, options))
}

pub(super) fn backward<B: Backend>(
    x: FloatTensor<B>,
    w: FloatTensor<B>,
    dy: FloatTensor<B>,
    stride: usize,
    want: [bool; 2],
) -> [Option<FloatTensor<B>>; 2] {
    let options = options::<B>(&w, stride);
    let (x, dy) = (channels_first::<B>(x), channels_first::<B>(dy));
    let dx = want[0].then(|| B::conv2d_x_backward(x.clone(), w.clone(), dy.clone(), options.clone()));
    let dw = want[1].then(|| B::conv2d_weight_backward(x, w, dy, options));
    [dx.map(channels_last::<B>), dw]
}
