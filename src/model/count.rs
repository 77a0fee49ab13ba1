//! Counting a network without building it.

use crate::kernels::conv::kept_per_weight;

/// What is known of a network before it is built; sizes are per image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Trainable numbers.
    pub parameters: usize,
    /// Of convolutions and linear layers, forward.
    pub multiply_adds: u64,
    /// Numbers that the backward pass needs.
    pub kept: u64,
    /// Numbers of the largest maps.
    pub largest: u64,
    /// Numbers in front of all units, see [`super::recompute`].
    pub in_front: u64,
    /// Numbers that the backward pass of the largest unit needs.
    pub largest_unit: u64,
    /// Numbers that the frozen network keeps beside its weights, see [`kept_per_weight`].
    pub packed: u64,
    /// `kept` when the present unit began.
    unit_began: u64,
}

impl Count {
    /// A convolution without bias; `c_in` is the number of channels that one output channel sees.
    pub fn conv(&mut self, [c_in, c_out]: [usize; 2], side: usize, out_px: usize) {
        let weights = c_in * c_out * side * side;
        self.parameters += weights;
        self.multiply_adds += weights as u64 * (out_px * out_px) as u64;
        self.packed += (weights * kept_per_weight([c_in, c_out], side)) as u64;
        self.maps(c_out, out_px);
    }

    /// A batch normalisation.
    pub fn norm(&mut self, channels: usize, px: usize) {
        self.parameters += 2 * channels;
        self.maps(channels, px);
    }

    /// Both.
    pub fn conv_norm(&mut self, channels: [usize; 2], side: usize, out_px: usize) {
        self.conv(channels, side, out_px);
        self.norm(channels[1], out_px);
    }

    /// Both with a PReLU, which keeps nothing of its own.
    pub fn conv_norm_prelu(&mut self, channels: [usize; 2], side: usize, out_px: usize) {
        self.conv_norm(channels, side, out_px);
        self.parameters += channels[1];
    }

    /// A depthwise convolution over the whole maps and its normalisation.
    pub fn global(&mut self, channels: usize, px: usize) {
        self.parameters += channels * px * px;
        self.multiply_adds += (channels * px * px) as u64;
        self.norm(channels, 1);
    }

    /// A linear layer.
    pub fn linear(&mut self, [from, to]: [usize; 2], bias: bool) {
        self.parameters += from * to + if bias { to } else { 0 };
        self.multiply_adds += (from * to) as u64;
    }

    /// The sum of two maps.
    pub fn sum(&mut self, channels: usize, px: usize) {
        self.maps(channels, px);
    }

    /// Here ends a unit, whose maps the next one begins with.
    pub fn end_unit(&mut self, channels: usize, px: usize) {
        self.in_front += (channels * px * px) as u64;
        self.largest_unit = self.largest_unit.max(self.kept - self.unit_began);
        self.unit_began = self.kept;
    }

    fn maps(&mut self, channels: usize, px: usize) {
        let numbers = (channels * px * px) as u64;
        self.kept += numbers;
        self.largest = self.largest.max(numbers);
    }
}
