//! The same convolution in burn's own operations: what other backends run and what the CPU version is tested against.

use crate::kernels::primitive::{primitive, tensor};
use burn::tensor::backend::Backend;
use burn::tensor::ops::{ConvOptions, FloatTensor};
use burn::tensor::{Slice, Tensor};

fn side<B: Backend>(w: &FloatTensor<B>) -> usize {
    tensor::<B, 4>(w.clone()).dims()[2]
}

fn options<B: Backend>(w: &FloatTensor<B>, stride: usize) -> ConvOptions<2> {
    ConvOptions::new([stride; 2], [side::<B>(w) / 2; 2], [1, 1], 1)
}

/// To burn's order of axes: a view, no copy.
pub fn channels_first<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_permute(x, &[0, 3, 1, 2])
}

pub fn channels_last<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_permute(x, &[0, 2, 3, 1])
}

pub(super) fn forward<B: Backend>(x: FloatTensor<B>, w: FloatTensor<B>, stride: usize) -> FloatTensor<B> {
    if side::<B>(&w) == 1 && stride > 1 {
        return forward::<B>(met::<B>(x, stride), w, 1);
    }
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
    if side::<B>(&w) == 1 && stride > 1 {
        let shape = tensor::<B, 4>(x.clone()).dims();
        let [dx, dw] = backward::<B>(met::<B>(x, stride), w, dy, 1, want);
        return [dx.map(|dx| spread::<B>(dx, shape, stride)), dw];
    }
    let options = options::<B>(&w, stride);
    let (x, dy) = (channels_first::<B>(x), channels_first::<B>(dy));
    let dx = want[0].then(|| B::conv2d_x_backward(x.clone(), w.clone(), dy.clone(), options.clone()));
    let dw = want[1].then(|| B::conv2d_weight_backward(x, w, dy, options));
    [dx.map(channels_last::<B>), dw]
}

/// Every `stride`-th row and column.
fn sparse(stride: usize) -> [Slice; 4] {
    let some = Slice::new(0, None, stride.cast_signed());
    [Slice::full(), some, some, Slice::full()]
}

/// The pixels that a 1×1 kernel with a stride meets. On a GPU, burn 0.21 loses the gradient of the input where the stride is
/// larger than the kernel (`conv_transpose2d_direct` ends its loop before the first pixel), and has no matrix product for any
/// stride; so such a kernel goes without a stride over these pixels.
pub fn met<B: Backend>(x: FloatTensor<B>, stride: usize) -> FloatTensor<B> {
    primitive(tensor::<B, 4>(x).slice(sparse(stride)))
}

/// The gradient of those pixels among all of them `[n, h, w, c]`: of the others it is 0.
pub fn spread<B: Backend>(dx: FloatTensor<B>, shape: [usize; 4], stride: usize) -> FloatTensor<B> {
    let dx = tensor::<B, 4>(dx);
    let all = Tensor::<B, 4>::zeros(shape, (&dx.device(), dx.dtype()));
    primitive(all.slice_assign(sparse(stride), dx))
}
