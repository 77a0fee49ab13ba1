//! Which pixels of a packed strip meet which weights.

use super::packing::Packing;
use super::shape::{ConvShape, Maps};

/// One sweep over output pixels `step` apart that all meet the same weights.
#[derive(Clone, Debug)]
pub(super) struct Sweep {
    /// Where in a block of the packed source each tap's pixel for the first output pixel lies.
    pub taps: Vec<usize>,
    /// Number of the weight each tap multiplies with, row by row over the kernel.
    pub weights: Vec<usize>,
    /// First output pixel (row, column).
    pub first: [usize; 2],
    /// Distance between output pixels.
    pub step: usize,
    /// Output rows and columns swept.
    pub rows: usize,
    pub cols: usize,
}

/// How the output follows from the packed input.
pub(super) fn forward(shape: &ConvShape) -> (Packing, Sweep) {
    let ConvShape { input, output, side, stride, .. } = *shape;
    let packing = Packing::new(input, side, stride, output.rows);
    let weights: Vec<usize> = (0..shape.taps()).collect();
    let taps = weights.iter().map(|tap| packing.place(tap / side, tap % side)).collect();
    (packing, Sweep { taps, weights, first: [0, 0], step: 1, rows: output.rows, cols: output.cols })
}

/// How the gradient of the input follows from the packed gradient of the output: one sweep per parity of the input's rows
/// and columns, since those meet different weights (with stride 2 some of a 1×1 kernel meet none).
pub(super) fn input_gradient(shape: &ConvShape) -> (Packing, Vec<Sweep>) {
    let ConvShape { input: Maps { rows, cols, .. }, output, side, stride, .. } = *shape;
    let packing = Packing::new(output, side, 1, rows.div_ceil(stride));
    let sweep = |first: [usize; 2]| {
        let axis = |parity| meetings(parity, side, stride);
        let pairs = axis(first[0]).flat_map(|y| axis(first[1]).map(move |x| (y, x)));
        let (taps, weights) = pairs.map(|((ky, y), (kx, x))| (packing.place(y, x), ky * side + kx)).unzip();
        let [rows, cols] = [(rows, first[0]), (cols, first[1])].map(|(n, first)| (n - first).div_ceil(stride));
        Sweep { taps, weights, first, step: stride, rows, cols }
    };
    let parities = (0..stride.min(rows)).flat_map(|y| (0..stride.min(cols)).map(move |x| [y, x]));
    (packing, parities.map(sweep).collect())
}

/// The weights `k` that input positions of this parity meet along one axis, each with the padded output position the
/// first of them meets it at: input `stride · a + parity` and output `o` meet where `o · stride + k = input + pad`.
fn meetings(parity: usize, side: usize, stride: usize) -> impl Iterator<Item = (usize, usize)> {
    let pad = side / 2;
    let distance = move |k: usize| (parity + pad + stride * pad).checked_sub(k).filter(|d| d % stride == 0);
    (0..side).filter_map(move |k| distance(k).map(|d| (k, d / stride)))
}
