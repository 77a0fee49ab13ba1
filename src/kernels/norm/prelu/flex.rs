//! The CPU version: input read twice forward and twice backward, in pieces that go through the caches, as in the plain
//! normalisation, whose parts it uses.

use super::super::channels::Channels;
use super::super::flex::{Terms, factors, input_terms, inverse_deviation, statistics};
use super::{NormForward, NormPreluBackend, NormPreluSaved, reference};
use crate::kernels::flex_tensor::{f32_slice, from_vec, zeros};
use crate::kernels::lanes::vectorised;
use burn::backend::Flex;
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// Numbers computed side by side. The loops go over arrays of this length because with so many rows at once the compiler
/// does not see that they lie apart, and would take one number at a time.
const LANES: usize = 16;

/// Scale, shift and slope per channel, written out for one row.
struct Shape {
    scale: Vec<f32>,
    shift: Vec<f32>,
    slope: Vec<f32>,
}

/// Some neighbouring channels of a [`Shape`].
struct Part<'a, const L: usize> {
    scale: &'a [f32; L],
    shift: &'a [f32; L],
    slope: &'a [f32; L],
}

impl<const L: usize> Part<'_, L> {
    /// Values before the PReLU.
    #[inline(always)]
    fn before(&self, x: &[f32; L]) -> [f32; L] {
        lanes(|i| x[i] * self.scale[i] + self.shift[i])
    }

    /// What the PReLU multiplies with. The slopes are read whatever the sign: where reading depends on it, the compiler makes
    /// a jump of it, which is wrong half of the time.
    #[inline(always)]
    fn factor(&self, before: &[f32; L]) -> [f32; L] {
        let slope = *self.slope;
        lanes(|i| if before[i] < 0.0 { slope[i] } else { 1.0 })
    }

    /// The gradient before the PReLU.
    #[inline(always)]
    fn behind(&self, dy: &[f32; L], before: &[f32; L]) -> [f32; L] {
        let factor = self.factor(before);
        lanes(|i| dy[i] * factor[i])
    }

    #[inline(always)]
    fn output(&self, x: &[f32; L], y: &mut [f32; L]) {
        let before = self.before(x);
        let factor = self.factor(&before);
        *y = lanes(|i| before[i] * factor[i]);
    }

    /// Adds to the three sums of [`sums`].
    #[inline(always)]
    fn add(&self, dy: &[f32; L], x: &[f32; L], mean: &[f32; L], sums: [&mut [f32; L]; 3]) {
        let before = self.before(x);
        let behind = self.behind(dy, &before);
        let [weighted, plain, slopes] = sums;
        *weighted = lanes(|i| weighted[i] + behind[i] * (x[i] - mean[i]));
        *plain = lanes(|i| plain[i] + behind[i]);
        let below: [f32; L] = lanes(|i| if before[i] < 0.0 { before[i] } else { 0.0 });
        *slopes = lanes(|i| slopes[i] + dy[i] * below[i]);
    }

    #[inline(always)]
    fn input_gradient(&self, dy: &[f32; L], x: &[f32; L], terms: &TermsPart<'_, L>, dx: &mut [f32; L]) {
        let behind = self.behind(dy, &self.before(x));
        let TermsPart { factor, slope, mean, offset } = terms;
        *dx = lanes(|i| factor[i] * behind[i] - slope[i] * (x[i] - mean[i]) - offset[i]);
    }
}

/// Some neighbouring channels of [`Terms`].
struct TermsPart<'a, const L: usize> {
    factor: &'a [f32; L],
    slope: &'a [f32; L],
    mean: &'a [f32; L],
    offset: &'a [f32; L],
}

impl<'a, const L: usize> TermsPart<'a, L> {
    #[inline(always)]
    fn of(terms: &'a Terms, part: usize) -> Self {
        let cut = |values: &'a [f32]| cut(values, part);
        let Terms { factor, slope, mean, offset } = terms;
        Self { factor: cut(factor), slope: cut(slope), mean: cut(mean), offset: cut(offset) }
    }
}

/// As `std::array::from_fn`, which is not inlined into code for the processor's own instructions.
#[inline(always)]
fn lanes<const L: usize>(value: impl Fn(usize) -> f32) -> [f32; L] {
    let mut values = [0.0; L];
    for (i, to) in values.iter_mut().enumerate() {
        *to = value(i);
    }
    values
}

/// Array number `part` of a row.
#[inline(always)]
fn cut<const L: usize>(row: &[f32], part: usize) -> &[f32; L] {
    &row.as_chunks::<L>().0[part]
}

#[inline(always)]
fn cut_mut<const L: usize>(row: &mut [f32], part: usize) -> &mut [f32; L] {
    &mut row.as_chunks_mut::<L>().0[part]
}

impl Shape {
    fn new(factors: &[(f32, f32)], slope: &[f32], channels: Channels) -> Self {
        Self {
            scale: channels.row(|channel| factors[channel].0),
            shift: channels.row(|channel| factors[channel].1),
            slope: channels.row(|channel| slope[channel]),
        }
    }

    #[inline(always)]
    fn part<const L: usize>(&self, part: usize) -> Part<'_, L> {
        Part { scale: cut(&self.scale, part), shift: cut(&self.shift, part), slope: cut(&self.slope, part) }
    }
}

/// Calls the work for every array of a row of `len` numbers, then for the single numbers that are left.
macro_rules! for_parts {
    ($len:expr, |$part:ident: $lanes:ident| $work:expr) => {{
        let len = $len;
        {
            const $lanes: usize = LANES;
            for $part in 0..len / LANES {
                $work
            }
        }
        const $lanes: usize = 1;
        for $part in len / LANES * LANES..len {
            $work
        }
    }};
}

fn forward(x: &[f32], shape: &Shape, channels: Channels) -> Vec<f32> {
    let (piece_len, row_len) = (channels.piece_len(), channels.row_len());
    let mut y = zeros(x.len());
    y.par_chunks_mut(piece_len).zip(x.par_chunks(piece_len)).for_each(|(y, x)| {
        let rows = y.chunks_mut(row_len).zip(x.chunks(row_len));
        vectorised(
            #[inline(always)]
            || {
                for (y, x) in rows {
                    for_parts!(x.len(), |i: L| shape.part::<L>(i).output(cut(x, i), cut_mut(y, i)));
                }
            },
        );
    });
    y
}

/// Per channel: `Σ d · (x − mean)`, `Σ d` for the gradient `d` before the PReLU, and `Σ dy · before` where that is below 0.
fn sums(dy: &[f32], x: &[f32], mean: &[f32], shape: &Shape, channels: Channels) -> [Vec<f64>; 3] {
    let (piece_len, row_len) = (channels.piece_len(), channels.row_len());
    let means = channels.row(|channel| mean[channel]);
    let pieces: Vec<[Vec<f32>; 3]> = dy
        .par_chunks(piece_len)
        .zip(x.par_chunks(piece_len))
        .map(|(dy, x)| {
            let [mut weighted, mut plain, mut slopes] = [(); 3].map(|()| vec![0f32; row_len]);
            let rows = dy.chunks(row_len).zip(x.chunks(row_len));
            vectorised(
                #[inline(always)]
                || {
                    for (dy, x) in rows {
                        for_parts!(x.len(), |i: L| {
                            let sums = [cut_mut(&mut weighted, i), cut_mut(&mut plain, i), cut_mut(&mut slopes, i)];
                            shape.part::<L>(i).add(cut(dy, i), cut(x, i), cut(&means, i), sums);
                        });
                    }
                },
            );
            [weighted, plain, slopes]
        })
        .collect();
    let mut totals = [(); 3].map(|()| vec![0f64; channels.channels]);
    for piece in &pieces {
        totals.iter_mut().zip(piece).for_each(|(total, row)| channels.fold(row, total));
    }
    totals
}

fn input_gradient(dy: &[f32], x: &[f32], shape: &Shape, terms: &Terms, channels: Channels) -> Vec<f32> {
    let (piece_len, row_len) = (channels.piece_len(), channels.row_len());
    let mut dx = zeros(x.len());
    let pieces = dx.par_chunks_mut(piece_len).zip(dy.par_chunks(piece_len).zip(x.par_chunks(piece_len)));
    pieces.for_each(|(dx, (dy, x))| {
        let rows = dx.chunks_mut(row_len).zip(dy.chunks(row_len).zip(x.chunks(row_len)));
        vectorised(
            #[inline(always)]
            || {
                for (dx, (dy, x)) in rows {
                    for_parts!(x.len(), |i: L| {
                        let terms = TermsPart::<L>::of(terms, i);
                        shape.part::<L>(i).input_gradient(cut(dy, i), cut(x, i), &terms, cut_mut(dx, i));
                    });
                }
            },
        );
    });
    dx
}

fn backward(saved: &NormPreluSaved<Flex>, dy: &FlexTensor) -> Option<(FlexTensor, [FlexTensor; 3])> {
    let dims = saved.x.layout().shape().dims::<4>();
    let channels = Channels::of(dims)?;
    let [gamma, beta, slope] = &saved.parameters;
    let (gamma, beta, slope) = (f32_slice(gamma)?, f32_slice(beta)?, f32_slice(slope)?);
    let (x, dys, mean, var) = (f32_slice(&saved.x)?, f32_slice(dy)?, f32_slice(&saved.mean)?, f32_slice(&saved.var)?);
    let statistics: Vec<(f32, f32)> = mean.iter().copied().zip(var.iter().copied()).collect();
    let shape = Shape::new(&factors(&statistics, gamma, beta, saved.eps), slope, channels);
    let inverse = inverse_deviation(var, saved.eps);
    let [weighted, plain, slopes] = sums(dys, x, mean, &shape, channels);
    let (terms, d_gamma, d_beta) = input_terms([&weighted, &plain], gamma, mean, &inverse, channels);
    let dx = input_gradient(dys, x, &shape, &terms, channels);
    let d_slope: Vec<f32> = slopes.iter().map(|sum| *sum as f32).collect();
    Some((from_vec(dx, dims), [d_gamma, d_beta, d_slope].map(|values| from_vec(values, [channels.channels]))))
}

impl NormPreluBackend for Flex {
    fn norm_prelu(x: FlexTensor, parameters: [FlexTensor; 3], eps: f32) -> NormForward<Self> {
        let (x, parameters) = (x.to_contiguous(), parameters.map(|p| p.to_contiguous()));
        let dims = x.layout().shape().dims::<4>();
        let [gamma, beta, slope] = parameters.each_ref().map(f32_slice);
        let (Some(channels), Some(xs), Some(gamma), Some(beta), Some(slope)) =
            (Channels::of(dims), f32_slice(&x), gamma, beta, slope)
        else {
            return reference::norm_prelu::<Self>(x, parameters, eps);
        };
        let statistics = statistics(xs, channels);
        let shape = Shape::new(&factors(&statistics, gamma, beta, eps), slope, channels);
        let y = from_vec(forward(xs, &shape, channels), dims);
        let (mean, var) = statistics.into_iter().unzip();
        NormForward { y, mean: from_vec(mean, [channels.channels]), var: from_vec(var, [channels.channels]) }
    }

    fn norm_prelu_backward(mut saved: NormPreluSaved<Self>, dy: FlexTensor) -> (FlexTensor, [FlexTensor; 3]) {
        let dy = dy.to_contiguous();
        saved.x = saved.x.to_contiguous();
        saved.parameters = saved.parameters.map(|p| p.to_contiguous());
        match backward(&saved, &dy) {
            Some(grads) => grads,
            None => reference::norm_prelu_backward::<Self>(saved, dy),
        }
    }
}
