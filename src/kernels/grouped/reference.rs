//! The same convolution in burn's own operations: what other backends run and what the CPU version is tested against.

use super::Grouping;
use crate::kernels::conv::{channels_first, channels_last};
use burn::tensor::backend::Backend;
use burn::tensor::ops::{ConvOptions, FloatTensor};

fn options(grouping: Grouping) -> ConvOptions<2> {
    ConvOptions::new([grouping.stride; 2], [grouping.pad; 2], [1, 1], grouping.groups)
}

pub(super) fn forward<B: Backend>(x: FloatTensor<B>, w: FloatTensor<B>, grouping: Grouping) -> FloatTensor<B> {
    channels_last::<B>(B::conv2d(channels_first::<B>(x), w, None, options(grouping)))
}

pub(super) fn backward<B: Backend>(
    x: FloatTensor<B>,
    w: FloatTensor<B>,
    dy: FloatTensor<B>,
    grouping: Grouping,
    want: [bool; 2],
) -> [Option<FloatTensor<B>>; 2] {
    let (x, dy) = (channels_first::<B>(x), channels_first::<B>(dy));
    let dx = want[0].then(|| B::conv2d_x_backward(x.clone(), w.clone(), dy.clone(), options(grouping)));
    let dw = want[1].then(|| B::conv2d_weight_backward(x, w, dy, options(grouping)));
    [dx.map(channels_last::<B>), dw]
}
