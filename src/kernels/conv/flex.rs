//! The CPU version: chooses the way that is fastest for a shape.
//!
//! Work is split by shapes only, never by the number of threads, so results are the same on any number of them.

use super::shape::ConvShape;
use super::{ConvBackend, backward_by_channels, by_images, reference, winograd};
use crate::kernels::flex_tensor::{f32_slice, from_vec};
use burn::backend::Flex;
use burn_flex::FlexTensor;

fn forward(x: &[f32], w: &[f32], shape: ConvShape) -> Vec<f32> {
    if winograd::worthwhile(&shape) { winograd::forward(x, w, &shape) } else { by_images::forward(x, w, shape) }
}

/// (gradient of the input, gradient of the weight); what is not wanted is empty.
fn backward(x: &[f32], w: &[f32], dy: &[f32], shape: ConvShape, want: [bool; 2]) -> (Vec<f32>, Vec<f32>) {
    if winograd::worthwhile(&shape) {
        winograd::backward(x, w, dy, &shape, want)
    } else if backward_by_channels::worthwhile(&shape) {
        backward_by_channels::by_channels(x, w, dy, &shape, want)
    } else {
        by_images::backward(x, w, dy, shape, want)
    }
}

fn shape_of(x: &FlexTensor, w: &FlexTensor, stride: usize) -> Option<ConvShape> {
    ConvShape::new(x.layout().shape().dims::<4>(), w.layout().shape().dims::<4>(), stride)
}

impl ConvBackend for Flex {
    fn conv(x: FlexTensor, w: FlexTensor, stride: usize) -> FlexTensor {
        let (x, w) = (x.to_contiguous(), w.to_contiguous());
        match (f32_slice(&x), f32_slice(&w), shape_of(&x, &w, stride)) {
            (Some(xs), Some(ws), Some(shape)) => {
                from_vec(forward(xs, ws, shape), [shape.n, shape.c_out, shape.out_h, shape.out_w])
            }
            _ => reference::forward::<Self>(x, w, stride),
        }
    }

    fn conv_backward(
        x: FlexTensor,
        w: FlexTensor,
        dy: FlexTensor,
        stride: usize,
        want: [bool; 2],
    ) -> [Option<FlexTensor>; 2] {
        let (x, w, dy) = (x.to_contiguous(), w.to_contiguous(), dy.to_contiguous());
        let slices = (f32_slice(&x), f32_slice(&w), f32_slice(&dy), shape_of(&x, &w, stride));
        let (Some(xs), Some(ws), Some(dys), Some(shape)) = slices else {
            return reference::backward::<Self>(x, w, dy, stride, want);
        };
        let (dx, dw) = backward(xs, ws, dys, shape, want);
        [
            want[0].then(|| from_vec(dx, [shape.n, shape.c_in, shape.h, shape.w])),
            want[1].then(|| from_vec(dw, [shape.c_out, shape.c_in, shape.side, shape.side])),
        ]
    }
}
