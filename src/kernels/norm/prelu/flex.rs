//! The CPU version: input read twice forward and twice backward, in pieces that go through the caches, as in the plain
//! normalisation, whose parts it uses.

use super::super::channels::Channels;
use super::super::flex::{Terms, factors, input_terms, inverse_deviation, statistics};
use super::{NormForward, NormPreluBackend, NormPreluSaved, leak, reference};
use crate::kernels::flex_tensor::{f32_slice, from_vec, zeros};
use crate::kernels::lanes::vectorised;
use burn::backend::Flex;
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// Scale, shift and slope per channel, written out for one row.
struct Shape {
    scale: Vec<f32>,
    shift: Vec<f32>,
    slope: Vec<f32>,
}

impl Shape {
    fn new(factors: &[(f32, f32)], slope: &[f32], channels: Channels) -> Self {
        Self {
            scale: channels.row(|channel| factors[channel].0),
            shift: channels.row(|channel| factors[channel].1),
            slope: channels.row(|channel| slope[channel]),
        }
    }

    /// Input values before the PReLU, with their slopes.
    #[inline(always)]
    fn before<'a>(&'a self, x: &'a [f32]) -> impl Iterator<Item = (f32, f32)> + 'a {
        let rows = x.iter().zip(&self.scale).zip(&self.shift).zip(&self.slope);
        rows.map(|(((x, scale), shift), slope)| (x * scale + shift, *slope))
    }

    /// The gradient before the PReLU.
    #[inline(always)]
    fn behind(&self, dy: &[f32], x: &[f32], behind: &mut [f32]) {
        for ((to, d), (before, slope)) in behind.iter_mut().zip(dy).zip(self.before(x)) {
            *to = if before < 0.0 { d * slope } else { *d };
        }
    }
}

fn forward(x: &[f32], shape: &Shape, channels: Channels) -> Vec<f32> {
    let (piece_len, row_len) = (channels.piece_len(), channels.row_len());
    let mut y = zeros(x.len());
    y.par_chunks_mut(piece_len).zip(x.par_chunks(piece_len)).for_each(|(y, x)| {
        let rows = y.chunks_mut(row_len).zip(x.chunks(row_len));
        vectorised(|| {
            for (y, x) in rows {
                for (y, (before, slope)) in y.iter_mut().zip(shape.before(x)) {
                    *y = leak(before, slope);
                }
            }
        });
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
            vectorised(|| {
                for (dy, x) in rows {
                    let sums = weighted.iter_mut().zip(&mut plain).zip(&mut slopes).zip(&means);
                    for ((((weighted, plain), slopes), mean), ((d, x), (before, slope))) in
                        sums.zip(dy.iter().zip(x).zip(shape.before(x)))
                    {
                        let below = if before < 0.0 { *d } else { 0.0 };
                        let d = if before < 0.0 { d * slope } else { *d };
                        *weighted += d * (x - mean);
                        *plain += d;
                        *slopes += below * before;
                    }
                }
            });
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
        let mut behind = vec![0f32; row_len];
        let rows = dx.chunks_mut(row_len).zip(dy.chunks(row_len).zip(x.chunks(row_len)));
        vectorised(|| {
            for (dx, (dy, x)) in rows {
                shape.behind(dy, x, &mut behind);
                terms.apply(&behind, x, dx);
            }
        });
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
