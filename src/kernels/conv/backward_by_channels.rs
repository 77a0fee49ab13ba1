//! Gradients of a convolution with many weights on few pixels (the last stages of ResNet-18), parallel over input
//! channels.
//!
//! Parallel over images, every part would hold its own copy of a 9 MB weight gradient and add to it a few columns at a
//! time. Over channels, a task sees the whole batch at once and owns its slice of both gradients: nothing is summed.

use super::columns::{Columns, channels_first, scatter};
use super::shape::ConvShape;
use crate::kernels::matrix::{Store, product, rows, transposed};
use rayon::prelude::*;

/// Numbers in the column matrix of one task: about 600 kB, so that it stays in the second-level cache.
const TASK_LEN: usize = 150_000;
/// Fewer weights are cheap to sum.
const MANY_WEIGHTS: usize = 500_000;
/// More pixels make the blocks of channels too narrow.
const FEW_PIXELS: usize = 2048;

pub(super) fn worthwhile(shape: &ConvShape) -> bool {
    shape.c_out * shape.k() >= MANY_WEIGHTS && shape.n * shape.pixels() <= FEW_PIXELS
}

/// The gradients of one block of input channels.
struct Block {
    /// First channel and number of channels.
    first: usize,
    count: usize,
    /// `[image][channel of the block][pixel]`, empty if not wanted.
    dx: Vec<f32>,
    /// `[c_out][weight of the block]`, empty if not wanted.
    dw: Vec<f32>,
}

/// (gradient of the input, gradient of the weight); what is not wanted is empty.
pub(super) fn by_channels(
    x: &[f32],
    w: &[f32],
    dy: &[f32],
    shape: &ConvShape,
    want: [bool; 2],
) -> (Vec<f32>, Vec<f32>) {
    let mut joint = vec![0f32; dy.len()];
    channels_first(dy, shape, &mut joint);
    let step = (TASK_LEN / (shape.taps() * shape.n * shape.pixels())).clamp(4, 64);
    let blocks: Vec<Block> = (0..shape.c_in.div_ceil(step))
        .into_par_iter()
        .map(|i| block(x, w, &joint, shape, (i * step, step.min(shape.c_in - i * step)), want))
        .collect();
    let plane = shape.h * shape.w;
    let mut dx = vec![0f32; if want[0] { x.len() } else { 0 }];
    let mut dw = vec![0f32; if want[1] { w.len() } else { 0 }];
    for block in blocks {
        let (from, len) = (block.first * plane, block.count * plane);
        for (image, part) in dx.chunks_exact_mut(shape.x_len()).zip(block.dx.chunks_exact(len)) {
            image[from..from + len].copy_from_slice(part);
        }
        let (from, len) = (block.first * shape.taps(), block.count * shape.taps());
        for (row, part) in dw.chunks_exact_mut(shape.k()).zip(block.dw.chunks_exact(len)) {
            row[from..from + len].copy_from_slice(part);
        }
    }
    (dx, dw)
}

fn block(
    x: &[f32],
    w: &[f32],
    dy: &[f32],
    whole: &ConvShape,
    (first, count): (usize, usize),
    want: [bool; 2],
) -> Block {
    let part = ConvShape { c_in: count, group: whole.n, strip: whole.out_h, ..*whole };
    let (k, width, lines) = (part.k(), whole.n * whole.pixels(), 0..whole.out_h);
    let mut dw = Vec::new();
    if want[1] {
        let plane = whole.h * whole.w;
        let channels = |image: &[f32]| image[first * plane..][..count * plane].to_vec();
        let x: Vec<f32> = x.chunks_exact(whole.x_len()).flat_map(channels).collect();
        let mut columns = Columns::new(&part);
        let (columns, _) = columns.fill(&x, lines.clone(), &part);
        dw = vec![0f32; whole.c_out * k];
        let size = [whole.c_out, k, width];
        product(size, (&mut dw, k), rows(dy, width), transposed(columns, width), Store::Replace);
    }
    let mut dx = Vec::new();
    if want[0] {
        let mut dcolumns = vec![0f32; k * width];
        let weights = transposed(&w[first * whole.taps()..], whole.k());
        let size = [k, width, whole.c_out];
        product(size, (&mut dcolumns, width), weights, rows(dy, width), Store::Replace);
        dx = vec![0f32; whole.n * part.x_len()];
        scatter(&dcolumns, &mut dx, &lines, &part);
    }
    Block { first, count, dx, dw }
}
