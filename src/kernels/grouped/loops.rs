//! The inner loops, over channels that lie side by side.
//!
//! With one channel per group an output number is the sum, over the kernel's places, of one input number times one
//! weight: a product of whole vectors of channels. With `g` channels per group it is `g` such sums, each over the input
//! with its channels turned by one place within every group.

use super::shape::Shape;
use crate::kernels::conv::{Finish, Maps};
use crate::kernels::flex_tensor::zeros;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Output numbers aimed at per task.
const TASK_LEN: usize = 32_768;
/// Vectors of sums kept in registers at a time.
const BLOCK: usize = 4;

/// The places along one axis that a place of the result meets: (place of the source, place of the kernel).
type Meetings = Vec<Vec<(usize, usize)>>;

/// One sum over source places: the output over the input, or the gradient of the input over that of the output.
pub(super) struct Gather<'a> {
    /// Images of the size `source_maps`.
    pub source: &'a [f32],
    /// `[turn][place of the kernel][channel]`
    pub weights: &'a [f32],
    pub source_maps: Maps,
    pub target_maps: Maps,
    pub per_group: usize,
    pub side: usize,
    /// Per row and per column of the target.
    pub meetings: [Meetings; 2],
    pub finish: Option<Finish<'a>>,
}

/// What an output place meets.
fn forward_meetings(len: usize, source: usize, shape: &Shape) -> Meetings {
    let meets = |at: usize| {
        let place = |k: usize| (at * shape.stride + k).checked_sub(shape.pad).filter(|from| *from < source);
        (0..shape.side).filter_map(|k| place(k).map(|from| (from, k))).collect()
    };
    (0..len).map(meets).collect()
}

/// What an input place meets: the same pairs read the other way.
fn backward_meetings(len: usize, source: usize, shape: &Shape) -> Meetings {
    let meets = |at: usize| {
        let distance = |k: usize| (at + shape.pad).checked_sub(k).filter(|d| d % shape.stride == 0);
        let place = |k: usize| distance(k).map(|d| d / shape.stride).filter(|from| *from < source);
        (0..shape.side).filter_map(|k| place(k).map(|from| (from, k))).collect()
    };
    (0..len).map(meets).collect()
}

impl<'a> Gather<'a> {
    /// The output; `weights` as [`pack`] gives them.
    pub fn output(x: &'a [f32], weights: &'a [f32], shape: &Shape, finish: Option<Finish<'a>>) -> Self {
        let (from, to) = (shape.input, shape.output);
        let meetings = [forward_meetings(to.rows, from.rows, shape), forward_meetings(to.cols, from.cols, shape)];
        Self::new(x, weights, (from, to), shape, meetings, finish)
    }

    /// The gradient of the input; `weights` as [`pack_turned`] gives them.
    pub fn input_gradient(dy: &'a [f32], weights: &'a [f32], shape: &Shape) -> Self {
        let (from, to) = (shape.output, shape.input);
        let meetings = [backward_meetings(to.rows, from.rows, shape), backward_meetings(to.cols, from.cols, shape)];
        Self::new(dy, weights, (from, to), shape, meetings, None)
    }

    fn new(
        source: &'a [f32],
        weights: &'a [f32],
        (source_maps, target_maps): (Maps, Maps),
        shape: &Shape,
        meetings: [Meetings; 2],
        finish: Option<Finish<'a>>,
    ) -> Self {
        let (per_group, side) = (shape.per_group, shape.side);
        Self { source, weights, source_maps, target_maps, per_group, side, meetings, finish }
    }

    /// Images of the size of the target.
    pub fn run(&self, arch: Arch) -> Vec<f32> {
        let Maps { rows, cols, channels } = self.target_maps;
        let images = self.source.len() / self.source_maps.len();
        let mut target = zeros(images * self.target_maps.len());
        let band = (TASK_LEN / (cols * channels)).clamp(1, rows);
        let bands: Vec<(usize, &mut [f32])> = target
            .chunks_mut(self.target_maps.len())
            .enumerate()
            .flat_map(|(image, target)| {
                let bands = target.chunks_mut(band * cols * channels).enumerate();
                bands.map(move |(i, target)| (image * rows + i * band, target))
            })
            .collect();
        bands.into_par_iter().for_each(|(first, target)| arch.dispatch(Band { job: self, first, target }));
        target
    }
}

/// Some rows of one image of the target.
struct Band<'a, 'o> {
    job: &'a Gather<'a>,
    /// Number of the first row, counted through all images.
    first: usize,
    target: &'o mut [f32],
}

impl WithSimd for Band<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { job, first, target } = self;
        let Maps { rows, cols, channels } = job.target_maps;
        let (image, row) = (first / rows, first % rows);
        let [row_meetings, col_meetings] = &job.meetings;
        let count = target.len() / (cols * channels);
        let wanted = &row_meetings[row..row + count];
        let lines = wanted.iter().flatten().map(|(from, _)| *from);
        // No row of the source may be met, where the stride leaves places out.
        let (top, bottom) = (lines.clone().min().unwrap_or(0), lines.max().map_or(0, |last| last + 1));
        let line = job.source_maps.cols * channels;
        let whole = &job.source[image * job.source_maps.len()..][..job.source_maps.len()];
        let turned = turns(&whole[top * line..bottom.max(top) * line], job.per_group);
        let step = (bottom.max(top) - top) * line;
        let mut taps = Vec::with_capacity(job.per_group * job.side * job.side);
        for (rows, target) in wanted.iter().zip(target.chunks_exact_mut(cols * channels)) {
            for (cols, target) in col_meetings.iter().zip(target.chunks_exact_mut(channels)) {
                taps.clear();
                for turn in 0..job.per_group {
                    for (y, ky) in rows {
                        for (x, kx) in cols {
                            let weight = ((turn * job.side + ky) * job.side + kx) * channels;
                            taps.push((turn * step + (y - top) * line + x * channels, weight));
                        }
                    }
                }
                pixel(simd, &turned, job.weights, &taps, target);
            }
        }
        if let Some(finish) = &job.finish {
            finish.apply(target, first * cols * channels);
        }
    }
}

/// `target[c] = Σ source[place + c] · weights[place + c]` over the taps.
#[inline(always)]
fn pixel<S: Simd>(simd: S, source: &[f32], weights: &[f32], taps: &[(usize, usize)], target: &mut [f32]) {
    let wide = BLOCK * S::F32_LANES;
    let mut from = 0;
    let (blocks, rest) = target.split_at_mut(target.len() / wide * wide);
    for block in blocks.chunks_exact_mut(wide) {
        let mut sums = [simd.splat_f32s(0.0); BLOCK];
        for (place, weight) in taps {
            let (x, _) = S::as_simd_f32s(&source[place + from..][..wide]);
            let (w, _) = S::as_simd_f32s(&weights[weight + from..][..wide]);
            for ((sum, x), w) in sums.iter_mut().zip(x).zip(w) {
                *sum = simd.mul_add_e_f32s(*x, *w, *sum);
            }
        }
        S::as_mut_simd_f32s(block).0.copy_from_slice(&sums);
        from += wide;
    }
    for value in rest {
        *value = taps.iter().map(|(place, weight)| source[place + from] * weights[weight + from]).sum();
        from += 1;
    }
}

/// The source's pixels once for every turn of their channels within the groups: `[turn][pixel][channel]`. Without groups of
/// several channels that is the source itself.
fn turns(source: &[f32], per_group: usize) -> std::borrow::Cow<'_, [f32]> {
    if per_group == 1 {
        return source.into();
    }
    let mut turned = vec![0f32; source.len() * per_group];
    for (turn, turned) in turned.chunks_exact_mut(source.len().max(1)).enumerate() {
        match per_group {
            2 => turn_groups::<2>(source, turn, turned),
            3 => turn_groups::<3>(source, turn, turned),
            _ => turn_groups::<4>(source, turn, turned),
        }
    }
    turned.into()
}

/// Groups do not reach over pixels, so pixels need not be told apart.
#[inline(always)]
fn turn_groups<const G: usize>(source: &[f32], turn: usize, turned: &mut [f32]) {
    for (to, from) in turned.as_chunks_mut::<G>().0.iter_mut().zip(source.as_chunks::<G>().0) {
        for (j, to) in to.iter_mut().enumerate() {
            *to = from[(j + turn) % G];
        }
    }
}

/// Weights `[c][i][tap]` as the output needs them: `[turn][tap][c]`, for channel `j` of a group and turn `r` that of
/// partner `(j + r) mod g`.
pub(super) fn pack(w: &[f32], shape: &Shape) -> Vec<f32> {
    packed(w, shape, |c, partner| (c, partner))
}

/// The same for the gradient of the input: the roles of the two channels are exchanged.
pub(super) fn pack_turned(w: &[f32], shape: &Shape) -> Vec<f32> {
    let g = shape.per_group;
    packed(w, shape, |c, partner| (c / g * g + partner, c % g))
}

fn packed(w: &[f32], shape: &Shape, pair: impl Fn(usize, usize) -> (usize, usize)) -> Vec<f32> {
    let (channels, taps, g) = (shape.input.channels, shape.taps(), shape.per_group);
    let mut packed = vec![0f32; w.len()];
    for (i, line) in packed.chunks_exact_mut(channels).enumerate() {
        let (turn, tap) = (i / taps, i % taps);
        for (c, value) in line.iter_mut().enumerate() {
            let (own, other) = pair(c, (c % g + turn) % g);
            *value = w[(own * g + other) * taps + tap];
        }
    }
    packed
}

/// The gradient of the weights, `[c][i][tap]`: sums over the pixels of every image, added in the order of the images.
pub(super) fn weight_gradient(x: &[f32], dy: &[f32], shape: &Shape, arch: Arch) -> Vec<f32> {
    let images = x.par_chunks_exact(shape.input.len()).zip(dy.par_chunks_exact(shape.output.len()));
    let sums: Vec<Vec<f32>> = images.map(|(x, dy)| arch.dispatch(ImageProducts { x, dy, shape })).collect();
    let (channels, taps, g) = (shape.input.channels, shape.taps(), shape.per_group);
    let mut total = vec![0f32; shape.weights() * channels];
    for sums in &sums {
        total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
    }
    let mut dw = vec![0f32; total.len()];
    for (i, line) in total.chunks_exact(channels).enumerate() {
        let (turn, tap) = (i / taps, i % taps);
        for (c, value) in line.iter().enumerate() {
            dw[(c * g + (c % g + turn) % g) * taps + tap] = *value;
        }
    }
    dw
}

/// The sums of one image.
struct ImageProducts<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    shape: &'a Shape,
}

impl WithSimd for ImageProducts<'_> {
    /// `[turn][tap][channel]`
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let Self { x, dy, shape } = self;
        let Shape { input, output, side, stride, pad, per_group, .. } = *shape;
        let channels = input.channels;
        let turned = turns(x, per_group);
        let mut sums = vec![0f32; shape.weights() * channels];
        // Columns of the output that a column of the kernel meets inside the image.
        let inside = |k: usize| {
            let first = pad.saturating_sub(k).div_ceil(stride);
            let end = (input.cols + pad).saturating_sub(k).div_ceil(stride).min(output.cols);
            (first, end.max(first))
        };
        for row in 0..output.rows {
            for (tap, sums) in sums.chunks_exact_mut(channels).enumerate() {
                let (turn, ky, kx) = (tap / shape.taps(), tap % shape.taps() / side, tap % side);
                let from = (row * stride + ky).checked_sub(pad).filter(|row| *row < input.rows);
                let (first, end) = inside(kx);
                let (Some(from), true) = (from, first < end) else { continue };
                let x = &turned[turn * input.len() + (from * input.cols + first * stride + kx - pad) * channels..];
                let dy = &dy[(row * output.cols + first) * channels..];
                products(simd, x, dy, sums, (end - first, stride));
            }
        }
        sums
    }
}

/// `sums[c] += Σ x[pixel][c] · dy[pixel][c]` over `count` pixels, those of `x` being `stride` apart.
#[inline(always)]
fn products<S: Simd>(simd: S, x: &[f32], dy: &[f32], sums: &mut [f32], (count, stride): (usize, usize)) {
    let (channels, wide) = (sums.len(), BLOCK * S::F32_LANES);
    let mut from = 0;
    let (blocks, rest) = sums.split_at_mut(channels / wide * wide);
    for block in blocks.chunks_exact_mut(wide) {
        let (sums, _) = S::as_mut_simd_f32s(block);
        let mut acc = [simd.splat_f32s(0.0); BLOCK];
        acc.iter_mut().zip(sums.iter()).for_each(|(acc, sum)| *acc = *sum);
        for pixel in 0..count {
            let (x, _) = S::as_simd_f32s(&x[pixel * stride * channels + from..][..wide]);
            let (d, _) = S::as_simd_f32s(&dy[pixel * channels + from..][..wide]);
            for ((acc, x), d) in acc.iter_mut().zip(x).zip(d) {
                *acc = simd.mul_add_e_f32s(*x, *d, *acc);
            }
        }
        sums.copy_from_slice(&acc);
        from += wide;
    }
    for sum in rest {
        let values = (0..count).map(|pixel| x[pixel * stride * channels + from] * dy[pixel * channels + from]);
        *sum = values.fold(*sum, |sum, product| sum + product);
        from += 1;
    }
}
