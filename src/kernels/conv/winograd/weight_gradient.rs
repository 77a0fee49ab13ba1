//! Gradient of the weights.

use super::patches::{Layout, gather, patches, store, transform_gradient, transform_input};
use super::transforms::{self, KERNEL, PLACES};
use crate::kernels::conv::shape::Maps;
use crate::kernels::conv::tile::{self, BLOCK, Shared, tile_channels};
use crate::kernels::flex_tensor::zeros;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Numbers of sums aimed at per task: they stay in the second-level cache.
const SUMS_LEN: usize = 147_456;
/// Numbers of transformed input aimed at per round.
const ROUND_LEN: usize = 65_536;
/// Tasks aimed at. A constant, so that the sums have the same order on every number of threads.
const TASKS: usize = 16;

/// One gradient.
#[derive(Debug)]
pub(in crate::kernels::conv) struct WinogradGradient<'a> {
    /// Images `[n][row][column][channel]`.
    pub x: &'a [f32],
    pub input: Maps,
    /// Gradient of the output.
    pub dy: &'a [f32],
    pub output: Maps,
}

impl WinogradGradient<'_> {
    /// `[c_out][c_in][tap]`
    pub fn run(&self, arch: Arch) -> Vec<f32> {
        arch.dispatch(Run(self))
    }
}

struct Run<'a>(&'a WinogradGradient<'a>);

impl WithSimd for Run<'_> {
    type Output = Vec<f32>;

    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let job = self.0;
        let (width, c_in, c_out) = (tile_channels::<S>(), job.input.channels, job.output.channels);
        let tile_len = PLACES * c_in.next_multiple_of(BLOCK) * width;
        let span = (SUMS_LEN / tile_len).clamp(1, c_out.div_ceil(width)) * width;
        let (n, spans) = (job.dy.len() / job.output.len(), c_out.div_ceil(span));
        let chunk = n.div_ceil((TASKS / spans).clamp(1, n));
        let chunks = n.div_ceil(chunk);
        let parts: Vec<Vec<f32>> = (0..spans * chunks)
            .into_par_iter()
            .with_max_len(1)
            .map(|i| {
                let (first, image) = (i / chunks * span, i % chunks * chunk);
                let (channels, images) = (first..c_out.min(first + span), image..n.min(image + chunk));
                simd.vectorize(Part { job, channels, images })
            })
            .collect();
        let mut dw = zeros(c_out * c_in * 9);
        dw.par_chunks_mut(span * c_in * 9).zip(parts.par_chunks(chunks)).for_each(|(dw, parts)| {
            for part in parts {
                dw.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
            }
        });
        dw
    }
}

/// Some output channels over some images.
struct Part<'a> {
    job: &'a WinogradGradient<'a>,
    channels: std::ops::Range<usize>,
    images: std::ops::Range<usize>,
}

impl WithSimd for Part<'_> {
    /// `[channel][c_in][tap]`
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let Self { job: WinogradGradient { x, input, dy, output }, channels, images } = self;
        let width = tile_channels::<S>();
        let [rows, cols] = patches(output);
        let (blocks, tiles) = (input.channels.div_ceil(BLOCK), channels.len().div_ceil(width));
        let panel = BLOCK * width;
        let mut sums = vec![0f32; PLACES * tiles * blocks * panel];
        let bands = images.start * rows..images.end * rows;
        let group = (ROUND_LEN / (cols * PLACES * blocks * BLOCK)).clamp(1, bands.len());
        let layout = Layout { blocks, patches: group * cols, lanes: BLOCK };
        let gradient = Layout { blocks: tiles, patches: group * cols, lanes: width };
        let (mut source, mut slopes) = (vec![0f32; layout.len()], vec![0f32; gradient.len()]);
        for start in bands.clone().step_by(group) {
            let count = group.min(bands.end - start);
            for i in 0..count {
                let (image, row) = ((start + i) / rows, (start + i) % rows);
                let pixels = &x[image * input.len()..][..input.len()];
                transform_input(simd, (pixels, input), row, &layout, i * cols, &mut source);
                let pixels = &dy[image * output.len()..][..output.len()];
                transform_gradient(simd, (pixels, output), (row, channels.start), &gradient, i * cols, &mut slopes);
            }
            let shared =
                Shared { images: 1, rows: 1, cols: count * cols, x_row_step: 0, x_image_step: 0, dy_image_step: 0 };
            for (i, sums) in sums.chunks_exact_mut(panel).enumerate() {
                let (place, tile, block) = (i / (tiles * blocks), i / blocks % tiles, i % blocks);
                let x = &source[place * layout.place_step() + block * layout.block_step()..];
                let dy = &slopes[place * gradient.place_step() + tile * gradient.block_step()..];
                tile::products(simd, x, dy, &shared, sums, (input.channels - block * BLOCK).min(BLOCK));
            }
        }
        kernels(simd, &sums, [blocks, tiles, width], [channels.len(), input.channels])
    }
}

/// From `[place][tile][block][16][width]` to `[channel][c_in][tap]`.
#[inline(always)]
fn kernels<S: Simd>(simd: S, sums: &[f32], [blocks, tiles, width]: [usize; 3], [c_out, c_in]: [usize; 2]) -> Vec<f32> {
    const TAPS: usize = KERNEL * KERNEL;
    let mut dw = vec![0f32; c_out * c_in * TAPS];
    let mut lanes = vec![0f32; S::F32_LANES];
    for tile in 0..tiles {
        for from in 0..c_in {
            for lane in (0..width).step_by(S::F32_LANES) {
                let start = ((tile * blocks + from / BLOCK) * BLOCK + from % BLOCK) * width + lane;
                let products = gather(simd, &sums[start..], tiles * blocks * BLOCK * width);
                let taps = transforms::kernel_gradient(simd, &products);
                for (tap, values) in taps.iter().flatten().enumerate() {
                    store(simd, &mut lanes, *values);
                    for (to, value) in (tile * width + lane..c_out).zip(&lanes) {
                        dw[(to * c_in + from) * TAPS + tap] = *value;
                    }
                }
            }
        }
    }
    dw
}
