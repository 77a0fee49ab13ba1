//! The CPU version: our own loops over packed strips, for every level of vector instructions.

use super::convolve::Convolve;
use super::folded::{Finish, Packed};
use super::shape::ConvShape;
use super::weight_gradient::WeightGradient;
use super::weights::Weights;
use super::winograd::{self, Winograd, WinogradGradient};
use super::{ConvBackend, FoldedConv, folded, reference, sweep};
use crate::kernels::flex_tensor::{f32_slice, from_vec, optional_slice};
use burn::backend::Flex;
use burn_flex::FlexTensor;
use pulp::Arch;

/// The output.
pub(super) fn forward(x: &[f32], w: &[f32], shape: &ConvShape, arch: Arch) -> Vec<f32> {
    finished(x, w, shape, (None, None), arch)
}

/// The output with what follows it, with weights that may be packed already.
fn finished(
    x: &[f32],
    w: &[f32],
    shape: &ConvShape,
    (packed, finish): (Option<&Packed>, Option<Finish<'_>>),
    arch: Arch,
) -> Vec<f32> {
    let (to, from, taps) = (shape.output.channels, shape.input.channels, shape.taps());
    let weights = Weights { values: w, to, from, to_step: from * taps, from_step: taps };
    let pays = if packed.is_some() { winograd::pays_with_kept_weights } else { winograd::pays };
    if pays(shape) {
        let kept = packed.map(|packed| &packed.transformed);
        return Winograd { source: x, maps: shape.input, weights, turned: false, kept, finish }.run(arch);
    }
    let (packing, sweep) = sweep::forward(shape);
    let kept = packed.map(|packed| &packed.direct);
    Convolve { source: x, weights, packing, sweeps: vec![sweep], output: shape.output, kept, finish }.run(arch)
}

/// The gradient of the input.
pub(super) fn input_gradient(w: &[f32], dy: &[f32], shape: &ConvShape, arch: Arch) -> Vec<f32> {
    let (to, from, taps) = (shape.input.channels, shape.output.channels, shape.taps());
    let weights = Weights { values: w, to, from, to_step: taps, from_step: to * taps };
    if winograd::pays(shape) {
        let maps = shape.output;
        return Winograd { source: dy, maps, weights, turned: true, kept: None, finish: None }.run(arch);
    }
    let (packing, sweeps) = sweep::input_gradient(shape);
    Convolve { source: dy, weights, packing, sweeps, output: shape.input, kept: None, finish: None }.run(arch)
}

/// The gradient of the weight.
pub(super) fn weight_gradient(x: &[f32], dy: &[f32], shape: &ConvShape, arch: Arch) -> Vec<f32> {
    if winograd::pays_for_weights(shape) {
        return WinogradGradient { x, input: shape.input, dy, output: shape.output }.run(arch);
    }
    let (packing, sweep) = sweep::forward(shape);
    WeightGradient { x, dy, packing, taps: sweep.taps, output: shape.output }.run(arch)
}

fn shape_of(x: &FlexTensor, w: &FlexTensor, stride: usize) -> Option<ConvShape> {
    ConvShape::new(x.layout().shape().dims::<4>(), w.layout().shape().dims::<4>(), stride)
}

impl ConvBackend for Flex {
    fn conv(x: FlexTensor, w: FlexTensor, stride: usize) -> FlexTensor {
        let (x, w) = (x.to_contiguous(), w.to_contiguous());
        match (f32_slice(&x), f32_slice(&w), shape_of(&x, &w, stride)) {
            (Some(xs), Some(ws), Some(shape)) => {
                from_vec(forward(xs, ws, &shape, Arch::new()), shape.output.dims(shape.n))
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
        let arch = Arch::new();
        let weight_dims = [shape.output.channels, shape.input.channels, shape.side, shape.side];
        [
            want[0].then(|| from_vec(input_gradient(ws, dys, &shape, arch), shape.input.dims(shape.n))),
            want[1].then(|| from_vec(weight_gradient(xs, dys, &shape, arch), weight_dims)),
        ]
    }

    fn folded_conv(x: FlexTensor, conv: &FoldedConv<Self>, shortcut: Option<FlexTensor>) -> FlexTensor {
        let (x, w) = (x.to_contiguous(), conv.weight.to_contiguous());
        let shortcut = shortcut.map(|shortcut| shortcut.to_contiguous());
        let extra = (optional_slice(shortcut.as_ref()), optional_slice(conv.slope.as_ref()));
        let slices = (f32_slice(&x), f32_slice(&w), f32_slice(&conv.offset));
        match (slices, extra, shape_of(&x, &w, conv.stride)) {
            ((Some(xs), Some(ws), Some(offset)), (Some(shortcut), Some(slope)), Some(shape)) => {
                let finish = Finish { offset, shortcut, slope, tail: conv.tail };
                let y = finished(xs, ws, &shape, (Some(&conv.packed), Some(finish)), Arch::new());
                from_vec(y, shape.output.dims(shape.n))
            }
            _ => folded::reference::<Self>(x, conv, shortcut),
        }
    }
}
