//! Output and gradient of the input: both sweep packed images with packed weights.

use super::packing::Packing;
use super::shape::Planes;
use super::sweep::Sweep;
use super::tile::{self, Source, tile_channels};
use super::weights::Weights;
use crate::kernels::flex_tensor::zeros;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Numbers of packed source aimed at per task: they stay in the second-level cache beside the weights of one tile.
const TASK_LEN: usize = 65_536;
/// Pairs of channels per pixel of the batch from which on reading the weights costs more than reading the images.
const MANY_WEIGHTS: usize = 32;

/// One convolution. Every output number is the sum of the same terms in the same order however the work is split.
#[derive(Debug)]
pub(super) struct Convolve<'a> {
    /// Images `[n][channel][row][column]` of the size that `packing` states.
    pub source: &'a [f32],
    pub weights: Weights<'a>,
    pub packing: Packing,
    pub sweeps: Vec<Sweep>,
    pub output: Planes,
}

impl Convolve<'_> {
    /// Images of the size of `output`; pixels that no sweep reaches are 0.
    pub fn run(&self, arch: Arch) -> Vec<f32> {
        arch.dispatch(Run(self))
    }
}

struct Run<'a>(&'a Convolve<'a>);

impl WithSimd for Run<'_> {
    type Output = Vec<f32>;

    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let job = self.0;
        let (planes, weights) = (job.packing.planes, job.weights.to * job.weights.from * job.sweeps.len());
        let n = job.source.len() / planes.len();
        let mut output = zeros(n * job.output.len());
        if n < 2 * rayon::current_num_threads() || weights > n * planes.pixels() * MANY_WEIGHTS {
            by_tiles(simd, job, &mut output);
        } else {
            by_images(simd, job, &mut output);
        }
        output
    }
}

/// A task is some images; the weights are packed once for all of them.
fn by_images<S: Simd>(simd: S, job: &Convolve<'_>, output: &mut [f32]) {
    let weights: Vec<Vec<f32>> =
        job.sweeps.iter().map(|sweep| job.weights.pack(&sweep.weights, tile_channels::<S>())).collect();
    let (image, n) = (job.packing.planes.len(), output.len() / job.output.len());
    let group = (TASK_LEN / job.packing.len()).clamp(1, n.div_ceil(2 * rayon::current_num_threads()));
    let tasks = job.source.par_chunks(group * image).zip(output.par_chunks_mut(group * job.output.len()));
    tasks.for_each(|(source, output)| simd.vectorize(Images { job, weights: &weights, source, output }));
}

/// A task is one tile of output channels; the images are packed once for all of them. The weights, of which there are
/// many, are read and written once.
fn by_tiles<S: Simd>(simd: S, job: &Convolve<'_>, output: &mut [f32]) {
    let (image, packed) = (job.packing.planes.len(), job.packing.len());
    let mut source = vec![0f32; job.source.len() / image * packed];
    let images = job.source.par_chunks(image).zip(source.par_chunks_mut(packed));
    images.for_each(|(image, packed)| job.packing.pack(image, packed));
    let tile_len = tile_channels::<S>() * job.output.pixels();
    let mut tiles: Vec<Vec<&mut [f32]>> = (0..job.output.len().div_ceil(tile_len)).map(|_| Vec::new()).collect();
    for image in output.chunks_mut(job.output.len()) {
        for (tile, planes) in tiles.iter_mut().zip(image.chunks_mut(tile_len)) {
            tile.push(planes);
        }
    }
    let tasks = tiles.into_par_iter().with_max_len(1).enumerate();
    tasks.for_each(|(tile, output)| simd.vectorize(Tile { job, tile, source: &source, output }));
}

struct Images<'a> {
    job: &'a Convolve<'a>,
    /// Packed, of every sweep.
    weights: &'a [Vec<f32>],
    source: &'a [f32],
    output: &'a mut [f32],
}

impl WithSimd for Images<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { job, weights, source, output } = self;
        let (image, packed) = (job.packing.planes.len(), job.packing.len());
        let mut images = vec![0f32; source.len() / image * packed];
        for (image, packed) in source.chunks_exact(image).zip(images.chunks_exact_mut(packed)) {
            job.packing.pack(image, packed);
        }
        let tile_len = tile_channels::<S>() * job.output.pixels();
        let mut sums = vec![0f32; tile_len];
        for tile in 0..job.output.len().div_ceil(tile_len) {
            let planes = tile * tile_len..job.output.len().min((tile + 1) * tile_len);
            for (sweep, weights) in job.sweeps.iter().zip(weights) {
                let len = job.weights.tile_len(sweep.weights.len(), tile_channels::<S>());
                let weights = &weights[tile * len..][..len];
                for (image, out) in images.chunks_exact(packed).zip(output.chunks_exact_mut(job.output.len())) {
                    sweep_tile(simd, job, (sweep, weights), image, &mut sums, &mut out[planes.clone()]);
                }
            }
        }
    }
}

struct Tile<'a> {
    job: &'a Convolve<'a>,
    tile: usize,
    /// Packed, every image.
    source: &'a [f32],
    /// This tile's channels of every image.
    output: Vec<&'a mut [f32]>,
}

impl WithSimd for Tile<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { job, tile, source, mut output } = self;
        let width = tile_channels::<S>();
        let mut sums = vec![0f32; width * job.output.pixels()];
        for sweep in &job.sweeps {
            let mut weights = vec![0f32; job.weights.tile_len(sweep.weights.len(), width)];
            job.weights.pack_tile(tile * width, &sweep.weights, width, &mut weights);
            for (image, out) in source.chunks_exact(job.packing.len()).zip(&mut output) {
                sweep_tile(simd, job, (sweep, &weights), image, &mut sums, out);
            }
        }
    }
}

/// One sweep over one packed image for one tile of output channels; `sums` is room for the tile's result.
#[inline(always)]
fn sweep_tile<S: Simd>(
    simd: S,
    job: &Convolve<'_>,
    (sweep, weights): (&Sweep, &[f32]),
    image: &[f32],
    sums: &mut [f32],
    out: &mut [f32],
) {
    if sweep.taps.is_empty() {
        return;
    }
    let source = Source {
        values: image,
        channels: job.packing.planes.channels,
        block_step: job.packing.block_step(),
        row_step: job.packing.row_step(),
        taps: &sweep.taps,
    };
    tile::sweep(simd, &source, weights, [sweep.rows, sweep.cols], sums);
    unpack(sums, tile_channels::<S>(), sweep, out, job.output);
}

/// From `[row][column][channel of the tile]` to the planes of the channels there are.
fn unpack(sums: &[f32], width: usize, sweep: &Sweep, out: &mut [f32], output: Planes) {
    for (channel, plane) in out.chunks_exact_mut(output.pixels()).enumerate() {
        for (row, sums) in sums.chunks_exact(sweep.cols * width).take(sweep.rows).enumerate() {
            let line = &mut plane[(sweep.first[0] + row * sweep.step) * output.cols..][..output.cols];
            let line = line[sweep.first[1]..].iter_mut().step_by(sweep.step);
            for (out, pixel) in line.zip(sums.chunks_exact(width)) {
                *out = pixel[channel];
            }
        }
    }
}
