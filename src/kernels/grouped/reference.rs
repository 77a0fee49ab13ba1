//! The same convolution in burn's operations: what other backends run and what the CPU version is tested against.
//!
//! On a GPU burn 0.21 computes the weight's gradient as one convolution per group, hundreds of kernels whose sums over all pixels
//! are kept in the type of the maps; in 16 bits these stop growing after some hundred pixels. Here it is a product for each
//! place of the kernel, summed in 32 bits and rounded to the type of the weights once. A kernel over the whole map with one
//! channel per group needs no convolution at all.

use super::Grouping;
use crate::kernels::conv::{channels_first, channels_last, met, spread};
use crate::kernels::primitive::{full, in_type, primitive, tensor};
use burn::tensor::backend::Backend;
use burn::tensor::ops::{ConvOptions, FloatTensor};
use burn::tensor::{Slice, Tensor};

fn options(grouping: Grouping) -> ConvOptions<2> {
    ConvOptions::new([grouping.stride; 2], [grouping.pad; 2], [1, 1], grouping.groups)
}

/// What decides how it is computed.
#[derive(Clone, Copy)]
struct Shape {
    /// `[n, h, w, c_in]`
    x: [usize; 4],
    /// `[c_out, c_in / groups, k, k]`
    w: [usize; 4],
    grouping: Grouping,
}

impl Shape {
    fn of<B: Backend>(x: &FloatTensor<B>, w: &FloatTensor<B>, grouping: Grouping) -> Self {
        let dims = |of: &FloatTensor<B>| tensor::<B, 4>(of.clone()).dims();
        Self { x: dims(x), w: dims(w), grouping }
    }

    fn is_depthwise(&self) -> bool {
        self.w[1] == 1 && self.w[0] == self.grouping.groups
    }

    /// The kernel lies in one place only, over all pixels.
    fn is_global(&self) -> bool {
        self.grouping.pad == 0 && self.x[1] == self.w[2] && self.x[2] == self.w[3]
    }

    /// The kernel passes over pixels: see [`met`].
    fn is_sparse(&self) -> bool {
        self.w[2] == 1 && self.grouping.stride > 1 && self.grouping.pad == 0
    }
}

pub(super) fn forward<B: Backend>(x: FloatTensor<B>, w: FloatTensor<B>, grouping: Grouping) -> FloatTensor<B> {
    let shape = Shape::of::<B>(&x, &w, grouping);
    if shape.is_depthwise() && shape.is_global() {
        let (x, w) = (tensor::<B, 4>(x), tensor::<B, 4>(w));
        let dtype = x.dtype();
        return primitive(in_type((full(x) * over_the_map(full(w))).sum_dim(1).sum_dim(2), dtype));
    }
    channels_last::<B>(B::conv2d(channels_first::<B>(x), w, None, options(grouping)))
}

pub(super) fn backward<B: Backend>(
    x: FloatTensor<B>,
    w: FloatTensor<B>,
    dy: FloatTensor<B>,
    grouping: Grouping,
    want: [bool; 2],
) -> [Option<FloatTensor<B>>; 2] {
    let shape = Shape::of::<B>(&x, &w, grouping);
    if shape.is_sparse() {
        let dense = Grouping { stride: 1, ..grouping };
        let [dx, dw] = backward::<B>(met::<B>(x, grouping.stride), w, dy, dense, want);
        return [dx.map(|dx| spread::<B>(dx, shape.x, grouping.stride)), dw];
    }
    let dx = want[0].then(|| input_gradient::<B>(&x, w.clone(), dy.clone(), &shape));
    let dw = want[1].then(|| {
        let dtype = tensor::<B, 4>(w).dtype();
        primitive(in_type(weight_gradient(tensor::<B, 4>(x), full(tensor::<B, 4>(dy)), &shape), dtype))
    });
    [dx, dw]
}

fn input_gradient<B: Backend>(
    x: &FloatTensor<B>,
    w: FloatTensor<B>,
    dy: FloatTensor<B>,
    shape: &Shape,
) -> FloatTensor<B> {
    if shape.is_depthwise() && shape.is_global() {
        return primitive(tensor::<B, 4>(dy) * over_the_map(tensor::<B, 4>(w)));
    }
    let (x, dy) = (channels_first::<B>(x.clone()), channels_first::<B>(dy));
    channels_last::<B>(B::conv2d_x_backward(x, w, dy, options(shape.grouping)))
}

/// `[c, 1, k, k]` → `[1, k, k, c]`
fn over_the_map<B: Backend>(w: Tensor<B, 4>) -> Tensor<B, 4> {
    w.permute([1, 2, 3, 0])
}

/// As the weight, in 32 bits, one place of the kernel after the other; `dy` in 32 bits.
fn weight_gradient<B: Backend>(x: Tensor<B, 4>, dy: Tensor<B, 4>, shape: &Shape) -> Tensor<B, 4> {
    if shape.is_depthwise() && shape.is_global() {
        return (full(x) * dy).sum_dim(0).permute([3, 0, 1, 2]);
    }
    let ([_, rows, columns, _], Grouping { stride, pad, .. }, side) = (dy.dims(), shape.grouping, shape.w[2]);
    let padded = padded(x, pad);
    let met = |first: usize, count: usize| {
        let end = first + (count - 1) * stride + 1;
        Slice::new(first.cast_signed(), Some(end.cast_signed()), stride.cast_signed())
    };
    let places = (0..side).flat_map(|row| (0..side).map(move |column| (row, column)));
    let gradients = places.map(|(row, column)| {
        let pixels = padded.clone().slice([Slice::full(), met(row, rows), met(column, columns), Slice::full()]);
        gradient_at_a_place(full(pixels), dy.clone(), shape)
    });
    Tensor::cat(gradients.collect(), 2).reshape(shape.w)
}

/// `pixels [n, h, w, c_in]`, `dy [n, h, w, c_out]` → `[c_out, c_in / groups, 1]`
///
/// One channel of every group after the other: as matrices, a group's few channels over all pixels are too narrow for burn's
/// matrix product. The sums are taken an axis at a time, because over all at once only one thread per channel would add.
fn gradient_at_a_place<B: Backend>(pixels: Tensor<B, 4>, dy: Tensor<B, 4>, shape: &Shape) -> Tensor<B, 3> {
    let ([n, h, w, _], groups, [c_out, c_in, ..]) = (dy.dims(), shape.grouping.groups, shape.w);
    let pixels = pixels.reshape([n, h, w, groups, c_in]);
    let dy = dy.reshape([n, h, w, groups, c_out / groups]);
    let gradients = (0..c_in).map(|channel| {
        let channel = pixels.clone().narrow(4, channel, 1);
        (channel * dy.clone()).sum_dim(0).sum_dim(1).sum_dim(2).reshape([c_out, 1, 1])
    });
    Tensor::cat(gradients.collect(), 1)
}

/// Zeros around every map.
fn padded<B: Backend>(x: Tensor<B, 4>, pad: usize) -> Tensor<B, 4> {
    if pad == 0 {
        return x;
    }
    let [n, h, w, c] = x.dims();
    let within = |length: usize| Slice::new(pad.cast_signed(), Some((pad + length).cast_signed()), 1);
    let around = Tensor::<B, 4>::zeros([n, h + 2 * pad, w + 2 * pad, c], (&x.device(), x.dtype()));
    around.slice_assign([Slice::full(), within(h), within(w), Slice::full()], x)
}
