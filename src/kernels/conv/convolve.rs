//! Output and gradient of the input: both sweep packed strips with packed weights.

use super::folded::Finish;
use super::packing::Packing;
use super::shape::Maps;
use super::sweep::Sweep;
use super::tile::{self, Source, Target, tile_channels};
use super::weights::Weights;
use crate::kernels::flex_tensor::zeros;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use std::borrow::Cow;
use std::sync::OnceLock;

/// Numbers of packed source aimed at per task: they stay in the second-level cache beside the weights of one tile.
const TASK_LEN: usize = 65_536;
/// Pairs of channels per pixel of the batch from which on reading the weights costs more than reading the images.
const MANY_WEIGHTS: usize = 32;

/// One convolution. Every output number is the sum of the same terms in the same order however the work is split.
#[derive(Debug)]
pub(super) struct Convolve<'a> {
    /// Images `[n][row][column][channel]` of the size that `packing` states.
    pub source: &'a [f32],
    pub weights: Weights<'a>,
    pub packing: Packing,
    pub sweeps: Vec<Sweep>,
    pub output: Maps,
    /// Where the packed weights of the only sweep are kept from call to call.
    pub kept: Option<&'a OnceLock<Vec<f32>>>,
    pub finish: Option<Finish<'a>>,
}

impl Convolve<'_> {
    /// Images of the size of `output`; pixels that no sweep reaches are 0.
    pub fn run(&self, arch: Arch) -> Vec<f32> {
        arch.dispatch(Run(self))
    }

    /// Strips per image.
    fn strips(&self) -> usize {
        let rows = self.sweeps.iter().map(|sweep| sweep.rows).max().unwrap_or(0);
        rows.div_ceil(self.packing.strip)
    }

    /// Cuts images with this many channels into the rows that belong to each strip.
    fn units<'o>(&self, output: &'o mut [f32], channels: usize) -> Vec<&'o mut [f32]> {
        let row = self.output.cols * channels;
        let step = self.sweeps.iter().map(|sweep| sweep.step).max().unwrap_or(1);
        let images = output.chunks_mut(self.output.rows * row);
        images.flat_map(|image| image.chunks_mut(self.packing.strip * step * row)).collect()
    }

    /// Packed, of every sweep.
    fn packed_weights(&self, width: usize) -> Vec<Cow<'_, [f32]>> {
        let pack = |sweep: &Sweep| self.weights.pack(&sweep.weights, width);
        match (self.kept, self.sweeps.as_slice()) {
            (Some(kept), [only]) => vec![Cow::Borrowed(kept.get_or_init(|| pack(only)))],
            _ => self.sweeps.iter().map(|sweep| Cow::Owned(pack(sweep))).collect(),
        }
    }

    /// Number of the unit's first output number.
    fn start(&self, unit: usize) -> usize {
        let step = self.sweeps.iter().map(|sweep| sweep.step).max().unwrap_or(1);
        let row = unit % self.strips() * self.packing.strip * step;
        (unit / self.strips() * self.output.rows + row) * self.output.cols * self.output.channels
    }

    /// Packs the strip of unit number `unit`, counted through all images.
    fn pack(&self, unit: usize, packed: &mut [f32]) {
        let len = self.packing.maps.len();
        let image = &self.source[unit / self.strips() * len..][..len];
        self.packing.pack(image, unit % self.strips() * self.packing.strip, packed);
    }
}

struct Run<'a>(&'a Convolve<'a>);

impl WithSimd for Run<'_> {
    type Output = Vec<f32>;

    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let job = self.0;
        let (maps, weights) = (job.packing.maps, job.weights.to * job.weights.from * job.sweeps.len());
        let n = job.source.len() / maps.len();
        let few = n * job.strips() < 2 * rayon::current_num_threads();
        if few || weights > n * maps.pixels() * MANY_WEIGHTS { by_tiles(simd, job, n) } else { by_images(simd, job, n) }
    }
}

/// A task is some strips; the weights are packed once for all of them.
fn by_images<S: Simd>(simd: S, job: &Convolve<'_>, n: usize) -> Vec<f32> {
    let width = tile_channels::<S>();
    let weights = job.packed_weights(width);
    let mut output = zeros(n * job.output.len());
    let mut units = job.units(&mut output, job.output.channels);
    let group = (TASK_LEN / job.packing.len()).clamp(1, units.len().div_ceil(2 * rayon::current_num_threads()));
    let tasks = units.par_chunks_mut(group).with_max_len(1).enumerate();
    tasks.for_each(|(i, output)| simd.vectorize(Strips { job, weights: &weights, first: i * group, output }));
    output
}

/// A task is one tile of output channels; the strips are packed once for all of them. The weights, of which there are
/// many, are read and written once.
fn by_tiles<S: Simd>(simd: S, job: &Convolve<'_>, n: usize) -> Vec<f32> {
    let packed = job.packing.len();
    let mut source = vec![0f32; n * job.strips() * packed];
    source.par_chunks_mut(packed).enumerate().for_each(|(unit, packed)| job.pack(unit, packed));
    let width = tile_channels::<S>();
    let kept = job.kept.map(|_| job.packed_weights(width));
    let kept = kept.as_ref().and_then(|weights| weights.first()).map(Cow::as_ref);
    let tiles = (0..job.output.channels.div_ceil(width)).into_par_iter().with_max_len(1);
    let tiles: Vec<Vec<f32>> = tiles.map(|tile| simd.vectorize(Tile { job, tile, kept, source: &source, n })).collect();
    let piece = (TASK_LEN / job.output.channels).max(1) * job.output.channels;
    let mut output = zeros(n * job.output.len());
    let pieces = output.par_chunks_mut(piece).enumerate();
    pieces.for_each(|(i, output)| simd.vectorize(Interleave { job, tiles: &tiles, start: i * piece, output }));
    output
}

/// Puts the channels of all tiles side by side and finishes the pixels.
struct Interleave<'a> {
    job: &'a Convolve<'a>,
    tiles: &'a [Vec<f32>],
    /// Number of the first output number.
    start: usize,
    output: &'a mut [f32],
}

impl WithSimd for Interleave<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { job, tiles, start, output } = self;
        let (width, channels) = (tile_channels::<S>(), job.output.channels);
        for (pixel, output) in (start / channels..).zip(output.chunks_exact_mut(channels)) {
            for (output, tile) in output.chunks_mut(width).zip(tiles) {
                output.iter_mut().zip(&tile[pixel * width..]).for_each(|(to, from)| *to = *from);
            }
        }
        if let Some(finish) = &job.finish {
            finish.apply(output, start);
        }
    }
}

struct Strips<'a, 'o> {
    job: &'a Convolve<'a>,
    /// Packed, of every sweep.
    weights: &'a [Cow<'a, [f32]>],
    /// Number of the first unit.
    first: usize,
    /// The rows of every unit.
    output: &'a mut [&'o mut [f32]],
}

impl WithSimd for Strips<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { job, weights, first, output } = self;
        let (packed, width, channels) = (job.packing.len(), tile_channels::<S>(), job.output.channels);
        let mut strips = vec![0f32; output.len() * packed];
        for (i, strip) in strips.chunks_exact_mut(packed).enumerate() {
            job.pack(first + i, strip);
        }
        let mut room = Vec::new();
        for tile in (0..channels).step_by(width) {
            for (sweep, weights) in job.sweeps.iter().zip(weights) {
                let len = job.weights.tile_len(sweep.weights.len(), width);
                let weights = &weights[tile / width * len..][..len];
                for (i, (strip, output)) in strips.chunks_exact(packed).zip(output.iter_mut()).enumerate() {
                    let unit = Unit { job, sweep, weights, strip, row: (first + i) % job.strips() * job.packing.strip };
                    if tile + width <= channels {
                        unit.sweep(simd, output, channels, tile);
                    } else {
                        // The last tile is wider than what is left of a pixel.
                        room.resize(output.len() / channels * width, 0f32);
                        unit.sweep(simd, &mut room, width, 0);
                        unit.copy(&room, width, output, tile);
                    }
                }
            }
        }
        if let Some(finish) = &job.finish {
            output.iter_mut().enumerate().for_each(|(i, output)| finish.apply(output, job.start(first + i)));
        }
    }
}

struct Tile<'a> {
    job: &'a Convolve<'a>,
    tile: usize,
    /// Weights packed before.
    kept: Option<&'a [f32]>,
    /// Packed, every strip of every image.
    source: &'a [f32],
    n: usize,
}

impl WithSimd for Tile<'_> {
    /// `[n][row][column][channel of the tile]`
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let Self { job, tile, kept, source, n } = self;
        let width = tile_channels::<S>();
        let mut output = vec![0f32; n * job.output.pixels() * width];
        let mut units = job.units(&mut output, width);
        for sweep in &job.sweeps {
            let len = job.weights.tile_len(sweep.weights.len(), width);
            let weights = match kept {
                Some(kept) => Cow::Borrowed(&kept[tile * len..][..len]),
                None => {
                    let mut weights = vec![0f32; len];
                    job.weights.pack_tile(tile * width, &sweep.weights, width, &mut weights);
                    Cow::Owned(weights)
                }
            };
            for (i, (strip, output)) in source.chunks_exact(job.packing.len()).zip(&mut units).enumerate() {
                let row = i % job.strips() * job.packing.strip;
                Unit { job, sweep, weights: &weights, strip, row }.sweep(simd, output, width, 0);
            }
        }
        output
    }
}

/// One sweep over one packed strip for one tile of output channels.
struct Unit<'a> {
    job: &'a Convolve<'a>,
    sweep: &'a Sweep,
    /// Packed, of the tile.
    weights: &'a [f32],
    strip: &'a [f32],
    /// First row of the sweep that the strip serves.
    row: usize,
}

impl Unit<'_> {
    /// Rows of the sweep that the strip serves; there may be none.
    fn rows(&self) -> usize {
        self.sweep.rows.saturating_sub(self.row).min(self.job.packing.strip)
    }

    /// Numbers to the first pixel, from pixel to pixel and from row to row in rows of `channels` numbers per pixel.
    fn steps(&self, channels: usize) -> [usize; 3] {
        let Sweep { first, step, .. } = self.sweep;
        let cols = self.job.output.cols;
        [(first[0] * cols + first[1]) * channels, step * channels, step * cols * channels]
    }

    /// Writes the tile's channels into rows of `channels` numbers per pixel, from number `first` on.
    #[inline(always)]
    fn sweep<S: Simd>(&self, simd: S, output: &mut [f32], channels: usize, first: usize) {
        let (rows, packing) = (self.rows(), &self.job.packing);
        if self.sweep.taps.is_empty() || rows == 0 {
            return;
        }
        let source = Source {
            values: self.strip,
            channels: packing.maps.channels,
            block_step: packing.block_step(),
            row_step: packing.row_step(),
            taps: &self.sweep.taps,
        };
        let [start, px_step, row_step] = self.steps(channels);
        let mut target = Target { values: &mut output[start + first..], px_step, row_step };
        tile::sweep(simd, &source, self.weights, [rows, self.sweep.cols], &mut target);
    }

    /// Takes what [`Self::sweep`] wrote into `room` (`width` numbers per pixel) over into the pixels' last channels, from
    /// number `first` on.
    fn copy(&self, room: &[f32], width: usize, output: &mut [f32], first: usize) {
        let channels = self.job.output.channels;
        let ([from, from_px, from_row], [to, to_px, to_row]) = (self.steps(width), self.steps(channels));
        let swept = if self.sweep.taps.is_empty() { 0 } else { self.rows() };
        for row in 0..swept {
            for col in 0..self.sweep.cols {
                let from = &room[from + row * from_row + col * from_px..];
                let to = &mut output[to + row * to_row + col * to_px + first..][..channels - first];
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
        }
    }
}
