//! Sizes of one grouped convolution.

use crate::kernels::conv::Maps;

/// How channels are grouped and how the kernel moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// Groups; divides the channels in and out.
    pub groups: usize,
    /// Pixels of the input between neighbours of the output.
    pub stride: usize,
    /// Empty pixels around the input.
    pub pad: usize,
}

impl Grouping {
    /// Side of the output for a side of the input and of the kernel; 0 where the kernel does not fit.
    pub fn output_px(&self, side_px: usize, kernel: usize) -> usize {
        (side_px + 2 * self.pad).checked_sub(kernel).map_or(0, |room| room / self.stride + 1)
    }
}

/// Channels per group up to which the CPU version's own loops are used.
const FEW: usize = 4;

/// Sizes of a grouped convolution with as many channels out as in, few per group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Images.
    pub n: usize,
    pub input: Maps,
    pub output: Maps,
    /// Side of the kernel.
    pub side: usize,
    pub stride: usize,
    pub pad: usize,
    /// Channels per group, in and out.
    pub per_group: usize,
}

impl Shape {
    /// `None` for what the fast path does not do.
    pub fn new(x: [usize; 4], w: [usize; 4], grouping: Grouping) -> Option<Self> {
        let [n, rows, cols, channels] = x;
        let [c_out, per_group, side, side_w] = w;
        let Grouping { groups, stride, pad } = grouping;
        let output = Maps { rows: grouping.output_px(rows, side), cols: grouping.output_px(cols, side), channels };
        let own = c_out == channels && groups * per_group == channels && per_group <= FEW && side == side_w;
        let empty = [n, channels, output.rows, output.cols, side, stride].contains(&0);
        let input = Maps { rows, cols, channels };
        (own && !empty).then_some(Self { n, input, output, side, stride, pad, per_group })
    }

    /// Weights per pair of channels.
    pub fn taps(&self) -> usize {
        self.side * self.side
    }

    /// Weights per channel.
    pub fn weights(&self) -> usize {
        self.taps() * self.per_group
    }
}
