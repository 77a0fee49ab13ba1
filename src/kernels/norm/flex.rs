//! The CPU version: two passes forward, two backward, each over whole planes in memory order.
//!
//! Sums are per channel in a fixed order (f32 lanes, f64 across planes), so the result does not depend on the threads.

use super::{NormBackend, NormForward, NormGrads, NormSaved, Tail, reference};
use crate::kernels::flex_tensor::{f32_slice, from_vec, zeros};
use crate::kernels::lanes::{sum2, sum3, vectorised};
use burn::backend::Flex;
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// Sizes of an image batch: `planes = n * c` planes of `pixels` numbers, plane `i` belonging to channel `i % c`.
#[derive(Clone, Copy)]
struct Planes {
    n: usize,
    c: usize,
    h: usize,
    w: usize,
}

impl Planes {
    fn of(images: &FlexTensor) -> Option<Self> {
        let dims = images.layout().shape().dims::<4>();
        let [n, c, h, w] = dims;
        (!dims.contains(&0)).then_some(Self { n, c, h, w })
    }

    fn pixels(&self) -> usize {
        self.h * self.w
    }

    fn count(&self) -> usize {
        self.n * self.pixels()
    }

    fn dims(&self) -> [usize; 4] {
        [self.n, self.c, self.h, self.w]
    }

    /// The planes of one channel.
    fn channel<'a>(&self, values: &'a [f32], channel: usize) -> impl Iterator<Item = &'a [f32]> {
        values.chunks_exact(self.pixels()).skip(channel).step_by(self.c)
    }

    /// Planes per task: enough that a task is worth its hand-over.
    fn min_planes(&self) -> usize {
        (16_384 / self.pixels()).max(1)
    }
}

/// Mean and biased variance of every channel.
fn statistics(x: &[f32], planes: Planes) -> Vec<(f32, f32)> {
    let count = planes.count() as f64;
    (0..planes.c)
        .into_par_iter()
        .map(|channel| {
            let sum = |p| sum2(p, p, |a, _| a);
            let mean = (planes.channel(x, channel).map(sum).sum::<f64>() / count) as f32;
            let squares = |p| sum2(p, p, |a, _| (a - mean) * (a - mean));
            let var = planes.channel(x, channel).map(squares).sum::<f64>() / count;
            (mean, var as f32)
        })
        .collect()
}

/// `tail(x · scale + shift + shortcut)`, scale and shift per channel.
fn scale_shift(x: &[f32], factors: &[(f32, f32)], shortcut: Option<&[f32]>, tail: Tail, planes: Planes) -> Vec<f32> {
    let floor = match tail {
        Tail::Linear => f32::NEG_INFINITY,
        Tail::Relu => 0.0,
    };
    let pixels = planes.pixels();
    let mut y = zeros(x.len());
    let outputs = y.par_chunks_mut(pixels).zip(x.par_chunks(pixels)).enumerate();
    outputs.with_min_len(planes.min_planes()).for_each(|(i, (y, x))| {
        let (scale, shift) = factors[i % planes.c];
        if let Some(shortcut) = shortcut {
            let shortcut = &shortcut[i * pixels..];
            vectorised(|| {
                for ((y, x), s) in y.iter_mut().zip(x).zip(shortcut) {
                    *y = clip(x * scale + shift + s, floor);
                }
            });
        } else {
            vectorised(|| {
                for (y, x) in y.iter_mut().zip(x) {
                    *y = clip(x * scale + shift, floor);
                }
            });
        }
    });
    y
}

/// Like `max`, but a NaN stays a NaN: a diverged run must be seen.
#[inline(always)]
fn clip(value: f32, floor: f32) -> f32 {
    if value < floor { floor } else { value }
}

/// `(Σ dy · (x - mean), Σ dy)` per channel, `dy` only where the tail was open.
fn sums(dy: &[f32], x: &[f32], open: Option<&[f32]>, mean: &[f32], planes: Planes) -> Vec<[f64; 2]> {
    (0..planes.c)
        .into_par_iter()
        .map(|channel| {
            let mean = mean[channel];
            let pairs = planes.channel(dy, channel).zip(planes.channel(x, channel));
            let mut total = [0f64; 2];
            let mut add = |[a, b]: [f64; 2]| total = [total[0] + a, total[1] + b];
            if let Some(open) = open {
                for ((dy, x), y) in pairs.zip(planes.channel(open, channel)) {
                    add(sum3(dy, x, y, |d, x, y| {
                        let d = if y > 0.0 { d } else { 0.0 };
                        [d * (x - mean), d]
                    }));
                }
            } else {
                pairs.for_each(|(dy, x)| add(sum3(dy, x, x, |d, x, _| [d * (x - mean), d])));
            }
            total
        })
        .collect()
}

/// `dx = factor · dy − slope · (x − mean) − offset`, `dy` only where the tail was open.
fn input_gradient(dy: &[f32], x: &[f32], open: Option<&[f32]>, terms: &[[f32; 4]], planes: Planes) -> Vec<f32> {
    let pixels = planes.pixels();
    let mut dx = zeros(x.len());
    let outputs = dx.par_chunks_mut(pixels).enumerate().with_min_len(planes.min_planes());
    outputs.for_each(|(i, dx)| {
        let [factor, slope, mean, offset] = terms[i % planes.c];
        let (dy, x) = (&dy[i * pixels..], &x[i * pixels..]);
        if let Some(open) = open {
            let open = &open[i * pixels..];
            vectorised(|| {
                for (((o, d), x), y) in dx.iter_mut().zip(dy).zip(x).zip(open) {
                    let d = if *y > 0.0 { *d } else { 0.0 };
                    *o = factor * d - slope * (x - mean) - offset;
                }
            });
        } else {
            vectorised(|| {
                for ((o, d), x) in dx.iter_mut().zip(dy).zip(x) {
                    *o = factor * d - slope * (x - mean) - offset;
                }
            });
        }
    });
    dx
}

/// `dy` where the tail was open, else 0.
fn masked(dy: &[f32], open: &[f32]) -> Vec<f32> {
    let mut out = zeros(dy.len());
    let tasks = out.par_chunks_mut(16_384).zip(dy.par_chunks(16_384)).zip(open.par_chunks(16_384));
    tasks.for_each(|((out, dy), y)| {
        vectorised(|| {
            for ((o, d), y) in out.iter_mut().zip(dy).zip(y) {
                *o = if *y > 0.0 { *d } else { 0.0 };
            }
        });
    });
    out
}

fn backward(saved: &NormSaved<Flex>, dy: &FlexTensor, want_shortcut: bool) -> Option<NormGrads<Flex>> {
    let planes = Planes::of(&saved.x)?;
    let (x, y, dys) = (f32_slice(&saved.x)?, f32_slice(&saved.y)?, f32_slice(dy)?);
    let (gamma, mean, var) = (f32_slice(&saved.gamma)?, f32_slice(&saved.mean)?, f32_slice(&saved.var)?);
    let open = (saved.tail == Tail::Relu).then_some(y);
    let count = planes.count() as f32;
    let sums = sums(dys, x, open, mean, planes);
    let mut terms = Vec::with_capacity(planes.c);
    let (mut d_gamma, mut d_beta) = (Vec::with_capacity(planes.c), Vec::with_capacity(planes.c));
    for (channel, [weighted, plain]) in sums.into_iter().enumerate() {
        let inverse = 1.0 / (var[channel] + saved.eps).sqrt();
        let (dg, db) = ((weighted * f64::from(inverse)) as f32, plain as f32);
        let factor = gamma[channel] * inverse;
        terms.push([factor, factor * dg / count * inverse, mean[channel], factor * db / count]);
        d_gamma.push(dg);
        d_beta.push(db);
    }
    let dx = input_gradient(dys, x, open, &terms, planes);
    let shortcut = want_shortcut.then(|| match open {
        Some(open) => from_vec(masked(dys, open), planes.dims()),
        None => dy.clone(),
    });
    Some(NormGrads {
        x: from_vec(dx, planes.dims()),
        gamma: from_vec(d_gamma, [planes.c]),
        beta: from_vec(d_beta, [planes.c]),
        shortcut,
    })
}

/// `None` where the shortcut is given but not f32; `Some(None)` where there is none.
#[expect(clippy::option_option, reason = "absent and unusable are different answers")]
fn optional_slice(tensor: Option<&FlexTensor>) -> Option<Option<&[f32]>> {
    match tensor {
        Some(tensor) => f32_slice(tensor).map(Some),
        None => Some(None),
    }
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
        let inputs = (f32_slice(&x), f32_slice(&gamma), f32_slice(&beta));
        let (Some(planes), Some(added)) = (Planes::of(&x), optional_slice(shortcut.as_ref())) else {
            return reference::norm::<Self>(x, [gamma, beta], shortcut, tail, eps);
        };
        let (Some(xs), Some(gammas), Some(betas)) = inputs else {
            return reference::norm::<Self>(x, [gamma, beta], shortcut, tail, eps);
        };
        let statistics = statistics(xs, planes);
        let factors: Vec<(f32, f32)> = statistics
            .iter()
            .zip(gammas.iter().zip(betas))
            .map(|((mean, var), (gamma, beta))| {
                let scale = gamma / (var + eps).sqrt();
                (scale, beta - mean * scale)
            })
            .collect();
        let y = scale_shift(xs, &factors, added, tail, planes);
        let (mean, var) = statistics.into_iter().unzip();
        NormForward { y: from_vec(y, planes.dims()), mean: from_vec(mean, [planes.c]), var: from_vec(var, [planes.c]) }
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
        let inputs = (Planes::of(&x), f32_slice(&x), f32_slice(&scale), f32_slice(&shift));
        match (inputs, optional_slice(shortcut.as_ref())) {
            ((Some(planes), Some(xs), Some(scales), Some(shifts)), Some(added)) => {
                let factors: Vec<(f32, f32)> = scales.iter().copied().zip(shifts.iter().copied()).collect();
                from_vec(scale_shift(xs, &factors, added, tail, planes), planes.dims())
            }
            _ => reference::affine::<Self>(x, [scale, shift], shortcut, tail),
        }
    }
}
