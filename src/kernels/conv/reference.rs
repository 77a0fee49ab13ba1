//! The same convolution in burn's own operations: what other backends run and what the CPU version is tested against.

use burn::tensor::backend::Backend;
use burn::tensor::ops::{ConvOptions, FloatTensor};
use burn::tensor::{Tensor, TensorPrimitive};

fn options<B: Backend>(w: &FloatTensor<B>, stride: usize) -> ConvOptions<2> {
    let w = Tensor::<B, 4>::from_primitive(TensorPrimitive::Float(w.clone()));
    let pad = w.dims()[2] / 2;
    ConvOptions::new([stride; 2], [pad; 2], [1, 1], 1)
}

pub(super) fn forward<B: Backend>(x: FloatTensor<B>, w: FloatTensor<B>, stride: usize) -> FloatTensor<B> {
    let options = options::<B>(&w, stride);
    B::conv2d(x, w, None, options)
}

pub(super) fn backward<B: Backend>(
    x: FloatTensor<B>,
    w: FloatTensor<B>,
    dy: FloatTensor<B>,
    stride: usize,
    want: [bool; 2],
) -> [Option<FloatTensor<B>>; 2] {
    let options = options::<B>(&w, stride);
    let dx = want[0].then(|| B::conv2d_x_backward(x.clone(), w.clone(), dy.clone(), options.clone()));
    let dw = want[1].then(|| B::conv2d_weight_backward(x, w, dy, options));
    [dx, dw]
}
