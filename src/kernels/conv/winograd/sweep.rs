//! Output and gradient of the input.

use super::patches::{Layout, load, patches, store, transform_input, transform_output};
use super::transforms::{self, KERNEL, OUT, PLACES};
use crate::kernels::conv::folded::Finish;
use crate::kernels::conv::shape::Maps;
use crate::kernels::conv::tile::{self, BLOCK, Source, Target, tile_channels};
use crate::kernels::conv::weights::Weights;
use crate::kernels::flex_tensor::zeros;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use std::borrow::Cow;
use std::sync::OnceLock;

/// Numbers of transformed input and products aimed at per task: they stay in the second-level cache.
const TASK_LEN: usize = 131_072;
/// Weights per pair of channels.
const TAPS: usize = KERNEL * KERNEL;

/// One convolution 3×3 of stride 1.
#[derive(Debug)]
pub(in crate::kernels::conv) struct Winograd<'a> {
    /// Images `[n][row][column][channel]`.
    pub source: &'a [f32],
    pub maps: Maps,
    pub weights: Weights<'a>,
    /// Weights are read from the last tap to the first: the gradient of the input.
    pub turned: bool,
    /// Where the transformed weights are kept from call to call.
    pub kept: Option<&'a OnceLock<Vec<f32>>>,
    pub finish: Option<Finish<'a>>,
}

impl Winograd<'_> {
    /// `[n][row][column][weights.to]`; every number is the same however the work is split.
    pub fn run(&self, arch: Arch) -> Vec<f32> {
        arch.dispatch(Run(self))
    }

    fn output(&self) -> Maps {
        Maps { channels: self.weights.to, ..self.maps }
    }

    /// `[tile][place][channel][channel of the tile]`
    fn transformed_weights<S: Simd>(&self, simd: S) -> Vec<f32> {
        let width = tile_channels::<S>();
        let tile_len = PLACES * self.weights.from * width;
        let mut packed = zeros(self.weights.to.div_ceil(width) * tile_len);
        packed
            .par_chunks_mut(tile_len)
            .enumerate()
            .for_each(|(tile, packed)| simd.vectorize(Kernels { job: self, first: tile * width, width, packed }));
        packed
    }
}

/// The weights of one tile of output channels.
struct Kernels<'a> {
    job: &'a Winograd<'a>,
    first: usize,
    width: usize,
    packed: &'a mut [f32],
}

impl WithSimd for Kernels<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { job: Winograd { weights, turned, .. }, first, width, packed } = self;
        let mut lanes = vec![0f32; S::F32_LANES * TAPS];
        for from in 0..weights.from {
            for lane in (0..width).step_by(S::F32_LANES) {
                lanes.fill(0.0);
                for (i, to) in (first + lane..weights.to).take(S::F32_LANES).enumerate() {
                    let values = &weights.values[to * weights.to_step + from * weights.from_step..][..TAPS];
                    for (tap, value) in values.iter().enumerate() {
                        let tap = if *turned { TAPS - 1 - tap } else { tap };
                        lanes[tap * S::F32_LANES + i] = *value;
                    }
                }
                let mut taps = [[simd.splat_f32s(0.0); KERNEL]; KERNEL];
                for (i, tap) in taps.iter_mut().flatten().enumerate() {
                    *tap = load(simd, &lanes[i * S::F32_LANES..][..S::F32_LANES]);
                }
                for (place, values) in transforms::kernel(simd, &taps).iter().flatten().enumerate() {
                    let to = &mut packed[(place * weights.from + from) * width + lane..];
                    store(simd, &mut to[..S::F32_LANES], *values);
                }
            }
        }
    }
}

struct Run<'a>(&'a Winograd<'a>);

impl WithSimd for Run<'_> {
    type Output = Vec<f32>;

    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let job = self.0;
        let fresh = || job.transformed_weights(simd);
        let weights = job.kept.map_or_else(|| Cow::Owned(fresh()), |kept| Cow::Borrowed(kept.get_or_init(fresh)));
        let (maps, n) = (job.output(), job.source.len() / job.maps.len());
        let mut output = zeros(n * maps.len());
        let images = output.chunks_mut(maps.len());
        let mut bands: Vec<&mut [f32]> =
            images.flat_map(|image| image.chunks_mut(OUT * maps.cols * maps.channels)).collect();
        let per_patch = PLACES * (job.weights.from.next_multiple_of(BLOCK) + tile_channels::<S>());
        let share = bands.len().div_ceil(2 * rayon::current_num_threads());
        let group = (TASK_LEN / (patches(&maps)[1] * per_patch)).clamp(1, share);
        let tasks = bands.par_chunks_mut(group).with_max_len(1).enumerate();
        tasks.for_each(|(i, bands)| simd.vectorize(Bands { job, weights: &weights, first: i * group, bands }));
        output
    }
}

/// Some rows of patches: a band is the output of one.
struct Bands<'a, 'o> {
    job: &'a Winograd<'a>,
    weights: &'a [f32],
    /// Number of the first band, counted through all images.
    first: usize,
    bands: &'a mut [&'o mut [f32]],
}

impl WithSimd for Bands<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { job, weights, first, bands } = self;
        let (maps, width) = (job.output(), tile_channels::<S>());
        let [rows, cols] = patches(&maps);
        let count = bands.len() * cols;
        let input = Layout { blocks: job.weights.from.div_ceil(BLOCK), patches: count, lanes: BLOCK };
        let product = Layout { blocks: 1, patches: count, lanes: width };
        let (mut source, mut products) = (vec![0f32; input.len()], vec![0f32; product.len()]);
        for i in 0..bands.len() {
            let image = &job.source[(first + i) / rows * job.maps.len()..][..job.maps.len()];
            transform_input(simd, (image, &job.maps), (first + i) % rows, &input, i * cols, &mut source);
        }
        let place_len = job.weights.from * width;
        for (tile, weights) in weights.chunks_exact(PLACES * place_len).enumerate() {
            for (place, weights) in weights.chunks_exact(place_len).enumerate() {
                let source = Source {
                    values: &source[place * input.place_step()..],
                    channels: job.weights.from,
                    block_step: input.block_step(),
                    row_step: 0,
                    taps: &[0],
                };
                let values = &mut products[place * product.place_step()..];
                let mut target = Target { values, px_step: width, row_step: 0 };
                tile::sweep(simd, &source, weights, [1, count], &mut target);
            }
            for (i, band) in bands.iter_mut().enumerate() {
                transform_output(simd, &products, &product, i * cols, (band, &maps), tile * width);
            }
        }
        if let Some(finish) = &job.finish {
            for (i, band) in bands.iter_mut().enumerate() {
                let (image, row) = ((first + i) / rows, (first + i) % rows * OUT);
                finish.apply(band, (image * maps.rows + row) * maps.cols * maps.channels);
            }
        }
    }
}
