//! Gradient of the weights: for every tap, the outer products of input and output gradient, summed over the pixels.

use super::packing::Packing;
use super::shape::Maps;
use super::tile::{self, BLOCK, Shared, tile_channels};
use crate::kernels::flex_tensor::zeros;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Numbers of packed input aimed at per round of a task.
const ROUND_LEN: usize = 65_536;
/// Pixels summed between two visits of the same sums: their slice of `dy` stays in the first-level cache.
const ROUND_PIXELS: usize = 128;
/// Output channels of one task.
const SPAN: usize = 128;
/// Output channels whose gradient one task collects; divides a span.
const COLLECTED: usize = 16;
/// Tasks aimed at. A constant, so that the sums have the same order on every number of threads.
const TASKS: usize = 16;
/// Every chunk of images has a copy of the sums: fewer pixels do not pay for writing and adding it.
const MIN_CHUNK_PIXELS: usize = 1024;

/// One gradient.
#[derive(Debug)]
pub(super) struct WeightGradient<'a> {
    /// Images `[n][row][column][channel]` of the size that `packing` states.
    pub x: &'a [f32],
    /// Gradient of the output, of the size of `output`.
    pub dy: &'a [f32],
    pub packing: Packing,
    /// Where in a block of the packed input each tap's pixel for the first output pixel lies.
    pub taps: Vec<usize>,
    pub output: Maps,
}

impl WeightGradient<'_> {
    /// `[c_out][c_in][tap]`
    pub fn run(&self, arch: Arch) -> Vec<f32> {
        arch.dispatch(Run(self))
    }

    /// Place of the sum for an input channel, a tap and an output channel of the span among a part's sums.
    fn place(&self, c_in: usize, tap: usize, c_out: usize, width: usize) -> usize {
        let panel = (c_out / width * self.packing.blocks() + c_in / BLOCK) * self.taps.len() + tap;
        (panel * BLOCK + c_in % BLOCK) * width + c_out % width
    }

    /// The gradient of output channels from `first` on, each number added over the parts in their order. `parts` are those
    /// of the span that the channels belong to.
    fn collect(&self, parts: &[Vec<f32>], first: usize, width: usize, dw: &mut [f32]) {
        let (c_in, taps) = (self.packing.maps.channels, self.taps.len());
        for (j, dw) in dw.chunks_exact_mut(c_in * taps).enumerate() {
            for part in parts {
                for block in (0..c_in).step_by(BLOCK) {
                    for tap in 0..taps {
                        let sums = part[self.place(block, tap, first + j, width)..].iter().step_by(width);
                        let dw = dw[block * taps + tap..].iter_mut().step_by(taps).take(BLOCK);
                        for (dw, sum) in dw.zip(sums) {
                            *dw += sum;
                        }
                    }
                }
            }
        }
    }
}

struct Run<'a>(&'a WeightGradient<'a>);

impl WithSimd for Run<'_> {
    type Output = Vec<f32>;

    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let job = self.0;
        let (n, c_out) = (job.dy.len() / job.output.len(), job.output.channels);
        let spans = c_out.div_ceil(SPAN);
        let wanted = (n * job.output.pixels() / MIN_CHUNK_PIXELS).min(TASKS / spans).clamp(1, n);
        let chunk = n.div_ceil(wanted);
        let chunks = n.div_ceil(chunk);
        let parts: Vec<Vec<f32>> = (0..spans * chunks)
            .into_par_iter()
            .map(|i| {
                let (span, first) = (i / chunks * SPAN, i % chunks * chunk);
                let (channels, images) = (span..c_out.min(span + SPAN), first..n.min(first + chunk));
                simd.vectorize(RunPart { job, channels, images })
            })
            .collect();
        let per_channel = job.packing.maps.channels * job.taps.len();
        let mut dw = zeros(c_out * per_channel);
        dw.par_chunks_mut(COLLECTED * per_channel).enumerate().for_each(|(i, dw)| {
            let (span, first) = (i * COLLECTED / SPAN, i * COLLECTED % SPAN);
            job.collect(&parts[span * chunks..][..chunks], first, tile_channels::<S>(), dw);
        });
        dw
    }
}

/// Some output channels over some images.
struct RunPart<'a> {
    job: &'a WeightGradient<'a>,
    channels: std::ops::Range<usize>,
    images: std::ops::Range<usize>,
}

impl WithSimd for RunPart<'_> {
    /// See [`WeightGradient::place`].
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let width = tile_channels::<S>();
        let Self { job: WeightGradient { x, dy, packing, taps, output }, channels, images } = self;
        let (strips, tiles) = (output.rows.div_ceil(packing.strip), channels.len().div_ceil(width));
        let panel = BLOCK * width;
        let mut sums = vec![0f32; tiles * packing.blocks() * taps.len() * panel];
        // Whole images together, or one strip of a large image.
        let group = if strips == 1 { (ROUND_LEN / packing.len()).clamp(1, images.len()) } else { 1 };
        let pixels = packing.strip * output.cols;
        let (x_step, dy_step) = (packing.len(), tiles * width * pixels);
        let (mut packed_x, mut packed_dy) = (vec![0f32; group * x_step], vec![0f32; group * dy_step]);
        let units = images.start * strips..images.end * strips;
        for start in units.clone().step_by(group) {
            let count = group.min(units.end - start);
            let first = start % strips * packing.strip;
            let rows = packing.strip.min(output.rows - first);
            for (i, unit) in (start..start + count).enumerate() {
                let image = &x[unit / strips * packing.maps.len()..][..packing.maps.len()];
                packing.pack(image, first, &mut packed_x[i * x_step..][..x_step]);
                let dy = &dy[unit / strips * output.len() + first * output.cols * output.channels..];
                let dy = &dy[..rows * output.cols * output.channels];
                let packed = packed_dy[i * dy_step..][..dy_step].chunks_exact_mut(pixels * width);
                for (tile, packed) in channels.clone().step_by(width).zip(packed) {
                    pack_gradient(dy, output.channels, tile..channels.end.min(tile + width), width, packed);
                }
            }
            let lines = if group == 1 { (ROUND_PIXELS / output.cols).clamp(1, rows) } else { rows };
            for row in (0..rows).step_by(lines) {
                let shared = Shared {
                    images: count,
                    rows: lines.min(rows - row),
                    cols: output.cols,
                    x_row_step: packing.row_step(),
                    x_image_step: x_step,
                    dy_image_step: dy_step,
                };
                for (i, sums) in sums.chunks_exact_mut(taps.len() * panel).enumerate() {
                    let (tile, block) = (i / packing.blocks(), i % packing.blocks());
                    let dy = &packed_dy[(tile * pixels + row * output.cols) * width..];
                    let x = &packed_x[block * packing.block_step() + row * packing.row_step()..];
                    let len = (packing.maps.channels - block * BLOCK).min(BLOCK);
                    for (sums, tap) in sums.chunks_exact_mut(panel).zip(taps) {
                        tile::products(simd, &x[*tap..], dy, &shared, sums, len);
                    }
                }
            }
        }
        sums
    }
}

/// Some channels of pixels that have `channels` each, `width` numbers per pixel; what is lacking stays zero.
#[inline(always)]
fn pack_gradient(dy: &[f32], channels: usize, range: std::ops::Range<usize>, width: usize, packed: &mut [f32]) {
    for (pixel, packed) in dy.chunks_exact(channels).zip(packed.chunks_exact_mut(width)) {
        packed.iter_mut().zip(&pixel[range.clone()]).for_each(|(to, from)| *to = *from);
    }
}
