//! What the deeper iResNets compute, beside a plain implementation in double precision of what is published of them.
//!
//! Almost all weights are 0, which makes this quick: every row of a convolution has two that are not. Both sides have them
//! from a formula of the convolution's number in the network. Units, channels and strides are written down here once more
//! and not asked of the network.

use super::*;
use crate::model::{Conv, IrUnit};
use burn::module::Param;
use burn::tensor::TensorData;

/// The stages see maps of 17, 9, 5 and 3 pixels, and leave 2.
const PX: usize = 17;
const DIM: usize = 7;
const STEM: usize = 64;
const WIDTHS: [usize; 4] = [64, 128, 256, 512];
/// Of an embedding's length. A unit adds about a third to its maps.
const TOLERANCE: f64 = 1e-3;

/// A number that is not 0.
#[derive(Clone, Copy)]
struct Tap {
    channel: usize,
    row: usize,
    column: usize,
    weight: f64,
}

/// A convolution.
#[derive(Clone, Copy)]
struct Sparse {
    channels: [usize; 2],
    side: usize,
    stride: usize,
    /// In the network.
    number: usize,
    gain: f64,
}

impl Sparse {
    /// Of the row of an output channel.
    fn taps(self, output: usize) -> [Tap; 2] {
        let Self { channels: [c_in, _], side, number, gain, .. } = self;
        [0, 1].map(|which| {
            // A hash (lowbias32). The weights are short fractions, so that they are the same in 32 bits.
            let mut x = (4096 * number + 2 * output + which) as u32;
            x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
            x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
            let x = (x ^ (x >> 16)) as usize;
            let sign = if (x >> 20).is_multiple_of(2) { 1.0 } else { -1.0 };
            let weight = gain * sign * (0.5 + ((x >> 21) % 512) as f64 / 1024.0);
            Tap { channel: x % c_in, row: (x >> 10) % side, column: (x >> 14) % side, weight }
        })
    }

    fn give(self, conv: &mut Conv<Flex>) {
        let Self { channels: [c_in, c_out], side, .. } = self;
        let shape = [c_out, c_in, side, side];
        assert_eq!(conv.weight.val().dims(), shape);
        let mut values = vec![0_f32; c_out * c_in * side * side];
        for output in 0..c_out {
            for Tap { channel, row, column, weight } in self.taps(output) {
                values[((output * c_in + channel) * side + row) * side + column] += weight as f32;
            }
        }
        conv.weight = Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), &Default::default()));
    }
}

/// Feature maps, channel by channel.
#[derive(Clone)]
struct Maps {
    px: usize,
    values: Vec<Vec<f64>>,
}

impl Maps {
    /// 0 beyond the edge.
    fn at(&self, channel: usize, row: Option<usize>, column: Option<usize>) -> f64 {
        match (row, column) {
            (Some(row), Some(column)) if row < self.px && column < self.px => {
                self.values[channel][row * self.px + column]
            }
            _ => 0.0,
        }
    }

    fn convolved(&self, conv: Sparse) -> Self {
        let (px, pad) = (self.px.div_ceil(conv.stride), conv.side / 2);
        let map = |output: usize| {
            let taps = conv.taps(output);
            let number = |place: usize| {
                let (row, column) = (place / px * conv.stride, place % px * conv.stride);
                let at = |tap: &Tap| {
                    let (row, column) = ((row + tap.row).checked_sub(pad), (column + tap.column).checked_sub(pad));
                    tap.weight * self.at(tap.channel, row, column)
                };
                taps.iter().map(at).sum::<f64>()
            };
            (0..px * px).map(number).collect()
        };
        Self { px, values: (0..conv.channels[1]).map(map).collect() }
    }

    fn each(mut self, change: impl Fn(f64) -> f64) -> Self {
        self.values.iter_mut().flatten().for_each(|value| *value = change(*value));
        self
    }

    /// By a fresh normalisation: mean 0, variance 1, no factors.
    fn normed(self) -> Self {
        self.each(normed)
    }

    /// By a fresh PReLU.
    fn activated(self) -> Self {
        self.each(|value| if value < 0.0 { 0.25 * value } else { value })
    }

    fn plus(mut self, other: &Self) -> Self {
        let others = other.values.iter().flatten();
        self.values.iter_mut().flatten().zip(others).for_each(|(value, other)| *value += other);
        self
    }
}

fn normed(value: f64) -> f64 {
    value / (1.0_f64 + 1e-5).sqrt()
}

/// One unit: normalisation, convolution, normalisation, PReLU, convolution with the stride, normalisation; beside it nothing,
/// or where the maps are halved a convolution and a normalisation.
#[derive(Clone, Copy)]
struct Unit {
    shortcut: Option<Sparse>,
    first: Sparse,
    second: Sparse,
}

impl Unit {
    fn new([c_in, c_out]: [usize; 2], stride: usize, number: usize) -> Self {
        let number = 3 * number;
        let first = Sparse { channels: [c_in, c_out], side: 3, stride: 1, number, gain: 1.0 };
        let second = Sparse { channels: [c_out, c_out], stride, number: number + 1, gain: 0.5, ..first };
        let shortcut = Sparse { side: 1, stride, number: number + 2, ..first };
        Self { shortcut: (stride == 2).then_some(shortcut), first, second }
    }

    fn give(self, unit: &mut IrUnit<Flex>) {
        self.first.give(&mut unit.conv1);
        self.second.give(&mut unit.conv2);
        match (self.shortcut, &mut unit.downsample) {
            (Some(shortcut), Some((conv, _))) => shortcut.give(conv),
            (shortcut, downsample) => assert_eq!(shortcut.is_some(), downsample.is_some()),
        }
    }

    fn forward(self, x: Maps) -> Maps {
        let y = x.clone().normed().convolved(self.first).normed().activated();
        let y = y.convolved(self.second).normed();
        match self.shortcut {
            Some(shortcut) => y.plus(&x.convolved(shortcut).normed()),
            None => y.plus(&x),
        }
    }
}

/// A network whose stages have so many units as published.
fn check(net: Net, published: [usize; 4]) {
    let spec = EmbedderSpec { pooling: Pooling::Flatten, ..spec(net, 1, PX, DIM) };
    let x = images::<Flex>(1, &spec, 3);
    let mut maps = Maps { px: PX, values: vec![x.to_data().iter::<f64>().collect()] };
    let mut embedder = spec.init::<Flex>(&Default::default());
    let Embedder::Improved(own) = &mut embedder else { panic!("another network") };

    let stem = Sparse { channels: [1, STEM], side: 3, stride: 1, number: 0, gain: 1.0 };
    stem.give(&mut own.conv1);
    maps = maps.convolved(stem).normed().activated();
    let stages = [&mut own.layer1, &mut own.layer2, &mut own.layer3, &mut own.layer4];
    let (mut c_in, mut number) = (STEM, 0);
    for ((stage, units), width) in stages.into_iter().zip(published).zip(WIDTHS) {
        assert_eq!(stage.len(), units, "{net:?}");
        for (i, own) in stage.iter_mut().enumerate() {
            number += 1;
            let unit = Unit::new([c_in, width], if i == 0 { 2 } else { 1 }, number);
            unit.give(own);
            maps = unit.forward(maps);
            c_in = width;
        }
    }
    let features = maps.normed().values.concat();
    let weight = |place: usize| ((place * 37 % 127) as f64 - 63.0) / 64.0;
    let weights: Vec<f32> = (0..features.len() * DIM).map(|place| weight(place) as f32).collect();
    assert_eq!(own.fc.weight.val().dims(), [features.len(), DIM], "{net:?}");
    let weights = TensorData::new(weights, [features.len(), DIM]);
    own.fc.weight = Param::from_tensor(Tensor::from_data(weights, &Default::default()));
    let sum = |j: usize| features.iter().enumerate().map(|(i, value)| value * weight(i * DIM + j)).sum::<f64>();
    let wanted: Vec<f64> = (0..DIM).map(|j| normed(sum(j))).collect();
    let length = wanted.iter().map(|number| number * number).sum::<f64>().sqrt();

    let found: Vec<f64> = embedder.forward(x).into_data().iter::<f64>().collect();
    assert_eq!(found.len(), DIM, "{net:?}");
    assert!(length > 0.0 && length.is_finite(), "{net:?}: {wanted:?}");
    for (found, wanted) in found.iter().zip(&wanted) {
        assert!((found - wanted).abs() < TOLERANCE * length, "{net:?}: {found} instead of {wanted}");
    }
}

#[test]
fn iresnet34_and_50_compute_what_is_published_of_them() {
    check(Net::Iresnet34, [3, 4, 6, 3]);
    check(Net::Iresnet50, [3, 4, 14, 3]);
}

#[test]
fn iresnet100_computes_what_is_published_of_it() {
    check(Net::Iresnet100, [3, 13, 30, 3]);
}

#[test]
fn iresnet200_computes_what_is_published_of_it() {
    check(Net::Iresnet200, [6, 26, 60, 6]);
}
