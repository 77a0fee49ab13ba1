//! The CPU version: the input is read twice forward (statistics, output) and twice backward (sums, gradient), in pieces
//! that go through the caches.
//!
//! Sums are per channel in a fixed order (f32 within a piece, f64 across pieces), so the result does not depend on the
//! threads.

use super::channels::Channels;
use super::{NormBackend, NormForward, NormGrads, NormSaved, Tail, clip, reference};
use crate::kernels::flex_tensor::{f32_slice, from_vec, optional_slice, zeros};
use crate::kernels::lanes::vectorised;
use burn::backend::Flex;
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// Mean and sum of squared distances from it, per channel, over some pixels.
struct Moments {
    pixels: f64,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    fn of(piece: &[f32], channels: Channels) -> Self {
        let (pixels, row_len) = ((piece.len() / channels.channels) as f64, channels.row_len());
        let mut mean = vec![0f64; channels.channels];
        let mut row = vec![0f32; row_len];
        vectorised(
            #[inline(always)]
            || {
                for values in piece.chunks(row_len) {
                    row.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
                }
            },
        );
        channels.fold(&row, &mut mean);
        mean.iter_mut().for_each(|mean| *mean /= pixels);
        let about = channels.row(|channel| mean[channel] as f32);
        row.fill(0.0);
        vectorised(
            #[inline(always)]
            || {
                for values in piece.chunks(row_len) {
                    for ((sum, value), about) in row.iter_mut().zip(values).zip(&about) {
                        *sum += (value - about) * (value - about);
                    }
                }
            },
        );
        let mut squares = vec![0f64; channels.channels];
        channels.fold(&row, &mut squares);
        // About the mean as rounded to f32.
        for ((squares, mean), about) in squares.iter_mut().zip(&mean).zip(&about) {
            *squares -= pixels * (mean - f64::from(*about)).powi(2);
        }
        Self { pixels, mean, squares }
    }

    /// Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance", equation 2.1.
    fn add(&mut self, other: &Self) {
        let pixels = self.pixels + other.pixels;
        let moments = self.mean.iter_mut().zip(&mut self.squares).zip(other.mean.iter().zip(&other.squares));
        for ((mean, squares), (other_mean, other_squares)) in moments {
            let delta = other_mean - *mean;
            *mean += delta * other.pixels / pixels;
            *squares += other_squares + delta * delta * self.pixels * other.pixels / pixels;
        }
        self.pixels = pixels;
    }
}

/// Mean and biased variance of every channel.
pub(super) fn statistics(x: &[f32], channels: Channels) -> Vec<(f32, f32)> {
    let pieces: Vec<Moments> = x.par_chunks(channels.piece_len()).map(|piece| Moments::of(piece, channels)).collect();
    let mut all = Moments { pixels: 0.0, mean: vec![0.0; channels.channels], squares: vec![0.0; channels.channels] };
    pieces.iter().for_each(|piece| all.add(piece));
    all.mean.iter().zip(&all.squares).map(|(mean, squares)| (*mean as f32, (squares / all.pixels) as f32)).collect()
}

/// `tail(x · scale + shift + shortcut)`, scale and shift per channel.
fn scale_shift(
    x: &[f32],
    factors: &[(f32, f32)],
    shortcut: Option<&[f32]>,
    tail: Tail,
    channels: Channels,
) -> Vec<f32> {
    let floor = tail.floor();
    let (piece_len, row_len) = (channels.piece_len(), channels.row_len());
    let (scale, shift) = (channels.row(|channel| factors[channel].0), channels.row(|channel| factors[channel].1));
    let mut y = zeros(x.len());
    y.par_chunks_mut(piece_len).zip(x.par_chunks(piece_len)).enumerate().for_each(|(i, (y, x))| {
        let rows = y.chunks_mut(row_len).zip(x.chunks(row_len));
        if let Some(shortcut) = shortcut {
            let shortcut = shortcut[i * piece_len..].chunks(row_len);
            vectorised(
                #[inline(always)]
                || {
                    for ((y, x), added) in rows.zip(shortcut) {
                        for ((((y, x), added), scale), shift) in y.iter_mut().zip(x).zip(added).zip(&scale).zip(&shift)
                        {
                            *y = clip(x * scale + shift + added, floor);
                        }
                    }
                },
            );
        } else {
            vectorised(
                #[inline(always)]
                || {
                    for (y, x) in rows {
                        for (((y, x), scale), shift) in y.iter_mut().zip(x).zip(&scale).zip(&shift) {
                            *y = clip(x * scale + shift, floor);
                        }
                    }
                },
            );
        }
    });
    y
}

/// `dy` where the tail was open, else 0.
#[inline(always)]
fn behind_tail(dy: f32, y: f32) -> f32 {
    if y > 0.0 { dy } else { 0.0 }
}

/// `[Σ dy · (x - mean), Σ dy]` per channel, `dy` only where the tail was open.
fn sums(dy: &[f32], x: &[f32], open: Option<&[f32]>, mean: &[f32], channels: Channels) -> [Vec<f64>; 2] {
    let (piece_len, row_len) = (channels.piece_len(), channels.row_len());
    let means = channels.row(|channel| mean[channel]);
    let pieces = dy.par_chunks(piece_len).zip(x.par_chunks(piece_len)).enumerate();
    let pieces: Vec<[Vec<f32>; 2]> = pieces
        .map(|(i, (dy, x))| {
            let (mut weighted, mut plain) = (vec![0f32; row_len], vec![0f32; row_len]);
            let rows = dy.chunks(row_len).zip(x.chunks(row_len));
            let mut add = |dy: &[f32], x: &[f32], y: Option<&[f32]>| {
                let sums = weighted.iter_mut().zip(&mut plain).zip(&means).zip(dy.iter().zip(x));
                if let Some(y) = y {
                    for ((((weighted, plain), mean), (d, x)), y) in sums.zip(y) {
                        let d = behind_tail(*d, *y);
                        *weighted += d * (x - mean);
                        *plain += d;
                    }
                } else {
                    for (((weighted, plain), mean), (d, x)) in sums {
                        *weighted += d * (x - mean);
                        *plain += d;
                    }
                }
            };
            if let Some(open) = open {
                let open = open[i * piece_len..].chunks(row_len);
                vectorised(
                    #[inline(always)]
                    || rows.zip(open).for_each(|((dy, x), y)| add(dy, x, Some(y))),
                );
            } else {
                vectorised(
                    #[inline(always)]
                    || rows.for_each(|(dy, x)| add(dy, x, None)),
                );
            }
            [weighted, plain]
        })
        .collect();
    let mut totals = [vec![0f64; channels.channels], vec![0f64; channels.channels]];
    for piece in &pieces {
        totals.iter_mut().zip(piece).for_each(|(total, row)| channels.fold(row, total));
    }
    totals
}

/// Scale and shift per channel that statistics (mean, variance), gamma and beta amount to.
pub(super) fn factors(statistics: &[(f32, f32)], gamma: &[f32], beta: &[f32], eps: f32) -> Vec<(f32, f32)> {
    let factor = |((mean, var), (gamma, beta)): (&(f32, f32), (&f32, &f32))| {
        let scale = gamma / (var + eps).sqrt();
        (scale, beta - mean * scale)
    };
    statistics.iter().zip(gamma.iter().zip(beta)).map(factor).collect()
}

/// `1 / √(var + eps)`
pub(super) fn inverse_deviation(var: &[f32], eps: f32) -> Vec<f32> {
    var.iter().map(|var| 1.0 / (var + eps).sqrt()).collect()
}

/// The terms of the gradient of the input, and the gradients of gamma and beta, from the two sums of [`sums`].
pub(super) fn input_terms(
    [weighted, plain]: [&[f64]; 2],
    gamma: &[f32],
    mean: &[f32],
    inverse: &[f32],
    channels: Channels,
) -> (Terms, Vec<f32>, Vec<f32>) {
    let count = channels.pixels as f32;
    let d_gamma: Vec<f32> =
        weighted.iter().zip(inverse).map(|(sum, inverse)| (sum * f64::from(*inverse)) as f32).collect();
    let d_beta: Vec<f32> = plain.iter().map(|sum| *sum as f32).collect();
    let factor = |channel: usize| gamma[channel] * inverse[channel];
    let terms = Terms {
        factor: channels.row(factor),
        slope: channels.row(|channel| factor(channel) * d_gamma[channel] / count * inverse[channel]),
        mean: channels.row(|channel| mean[channel]),
        offset: channels.row(|channel| factor(channel) * d_beta[channel] / count),
    };
    (terms, d_gamma, d_beta)
}

/// What the gradient of the input needs per channel, written out for one row.
pub(super) struct Terms {
    pub(super) factor: Vec<f32>,
    pub(super) slope: Vec<f32>,
    pub(super) mean: Vec<f32>,
    pub(super) offset: Vec<f32>,
}

impl Terms {
    /// `factor · dy − slope · (x − mean) − offset`
    #[inline(always)]
    fn apply(&self, dy: &[f32], x: &[f32], dx: &mut [f32]) {
        let terms = self.factor.iter().zip(&self.slope).zip(self.mean.iter().zip(&self.offset));
        for (((dx, d), x), ((factor, slope), (mean, offset))) in dx.iter_mut().zip(dy).zip(x).zip(terms) {
            *dx = factor * d - slope * (x - mean) - offset;
        }
    }
}

/// The gradient of the input for a gradient `dy` that is already behind the tail.
fn input_gradient(dy: &[f32], x: &[f32], terms: &Terms, channels: Channels) -> Vec<f32> {
    let (piece_len, row_len) = (channels.piece_len(), channels.row_len());
    let mut dx = zeros(x.len());
    let pieces = dx.par_chunks_mut(piece_len).zip(dy.par_chunks(piece_len).zip(x.par_chunks(piece_len)));
    pieces.for_each(|(dx, (dy, x))| {
        let rows = dx.chunks_mut(row_len).zip(dy.chunks(row_len).zip(x.chunks(row_len)));
        vectorised(
            #[inline(always)]
            || rows.for_each(|(dx, (dy, x))| terms.apply(dy, x, dx)),
        );
    });
    dx
}

/// The gradient behind the tail, which is that of the shortcut, and the gradient of the input, in one pass.
fn both_gradients(dy: &[f32], x: &[f32], open: &[f32], terms: &Terms, channels: Channels) -> [Vec<f32>; 2] {
    let (piece_len, row_len) = (channels.piece_len(), channels.row_len());
    let (mut behind, mut dx) = (zeros(x.len()), zeros(x.len()));
    let outputs = behind.par_chunks_mut(piece_len).zip(dx.par_chunks_mut(piece_len)).enumerate();
    outputs.for_each(|(i, (behind, dx))| {
        let [dy, x, open] = [dy, x, open].map(|values| values[i * piece_len..].chunks(row_len));
        let rows = behind.chunks_mut(row_len).zip(dx.chunks_mut(row_len)).zip(dy).zip(x.zip(open));
        vectorised(
            #[inline(always)]
            || {
                for (((behind, dx), dy), (x, open)) in rows {
                    for ((to, d), y) in behind.iter_mut().zip(dy).zip(open) {
                        *to = behind_tail(*d, *y);
                    }
                    terms.apply(behind, x, dx);
                }
            },
        );
    });
    [behind, dx]
}

/// The gradient of the input alone, behind a tail.
fn masked_gradient(dy: &[f32], x: &[f32], open: &[f32], terms: &Terms, channels: Channels) -> Vec<f32> {
    let (piece_len, row_len) = (channels.piece_len(), channels.row_len());
    let mut dx = zeros(x.len());
    dx.par_chunks_mut(piece_len).enumerate().for_each(|(i, dx)| {
        let mut behind = vec![0f32; row_len];
        let [dy, x, open] = [dy, x, open].map(|values| values[i * piece_len..].chunks(row_len));
        let rows = dx.chunks_mut(row_len).zip(dy).zip(x.zip(open));
        vectorised(
            #[inline(always)]
            || {
                for ((dx, dy), (x, open)) in rows {
                    for ((to, d), y) in behind.iter_mut().zip(dy).zip(open) {
                        *to = behind_tail(*d, *y);
                    }
                    terms.apply(&behind, x, dx);
                }
            },
        );
    });
    dx
}

fn backward(saved: &NormSaved<Flex>, dy: &FlexTensor, want_shortcut: bool) -> Option<NormGrads<Flex>> {
    let dims = saved.x.layout().shape().dims::<4>();
    let channels = Channels::of(dims)?;
    let (x, open, dys) = (f32_slice(&saved.x)?, optional_slice(saved.behind_relu.as_ref())?, f32_slice(dy)?);
    let (gamma, mean, var) = (f32_slice(&saved.gamma)?, f32_slice(&saved.mean)?, f32_slice(&saved.var)?);
    let [weighted, plain] = sums(dys, x, open, mean, channels);
    let inverse = inverse_deviation(var, saved.eps);
    let (terms, d_gamma, d_beta) = input_terms([&weighted, &plain], gamma, mean, &inverse, channels);
    let (dx, shortcut) = match (open, want_shortcut) {
        (None, false) => (input_gradient(dys, x, &terms, channels), None),
        (None, true) => (input_gradient(dys, x, &terms, channels), Some(dy.clone())),
        (Some(open), false) => (masked_gradient(dys, x, open, &terms, channels), None),
        (Some(open), true) => {
            let [behind, dx] = both_gradients(dys, x, open, &terms, channels);
            (dx, Some(from_vec(behind, dims)))
        }
    };
    Some(NormGrads {
        x: from_vec(dx, dims),
        gamma: from_vec(d_gamma, [channels.channels]),
        beta: from_vec(d_beta, [channels.channels]),
        shortcut,
    })
}

impl NormBackend for Flex {
    fn norm(
        x: FlexTensor,
        [gamma, beta]: [FlexTensor; 2],
        shortcut: Option<FlexTensor>,
        tail: Tail,
        eps: f32,
    ) -> NormForward<Self> {
        let (x, gamma, beta) = (x.to_contiguous(), gamma.to_contiguous(), beta.to_contiguous());
        let shortcut = shortcut.map(|s| s.to_contiguous());
        let dims = x.layout().shape().dims::<4>();
        let inputs = (f32_slice(&x), f32_slice(&gamma), f32_slice(&beta));
        let (Some(channels), Some(added)) = (Channels::of(dims), optional_slice(shortcut.as_ref())) else {
            return reference::norm::<Self>(x, [gamma, beta], shortcut, tail, eps);
        };
        let (Some(xs), Some(gammas), Some(betas)) = inputs else {
            return reference::norm::<Self>(x, [gamma, beta], shortcut, tail, eps);
        };
        let statistics = statistics(xs, channels);
        let y = scale_shift(xs, &factors(&statistics, gammas, betas, eps), added, tail, channels);
        let (mean, var) = statistics.into_iter().unzip();
        NormForward {
            y: from_vec(y, dims),
            mean: from_vec(mean, [channels.channels]),
            var: from_vec(var, [channels.channels]),
        }
    }

    fn norm_backward(mut saved: NormSaved<Self>, dy: FlexTensor, want_shortcut: bool) -> NormGrads<Self> {
        let dy = dy.to_contiguous();
        saved.x = saved.x.to_contiguous();
        saved.gamma = saved.gamma.to_contiguous();
        match backward(&saved, &dy, want_shortcut) {
            Some(grads) => grads,
            None => reference::norm_backward::<Self>(saved, dy, want_shortcut),
        }
    }

    fn affine(x: FlexTensor, [scale, shift]: [FlexTensor; 2], shortcut: Option<FlexTensor>, tail: Tail) -> FlexTensor {
        let (x, scale, shift) = (x.to_contiguous(), scale.to_contiguous(), shift.to_contiguous());
        let shortcut = shortcut.map(|s| s.to_contiguous());
        let dims = x.layout().shape().dims::<4>();
        let inputs = (Channels::of(dims), f32_slice(&x), f32_slice(&scale), f32_slice(&shift));
        match (inputs, optional_slice(shortcut.as_ref())) {
            ((Some(channels), Some(xs), Some(scales), Some(shifts)), Some(added)) => {
                let factors: Vec<(f32, f32)> = scales.iter().copied().zip(shifts.iter().copied()).collect();
                from_vec(scale_shift(xs, &factors, added, tail, channels), dims)
            }
            _ => reference::affine::<Self>(x, [scale, shift], shortcut, tail),
        }
    }
}
