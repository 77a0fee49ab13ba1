//! Between images and the patches that are transformed.

use super::transforms::{self, IN, OUT, PLACES, Square};
use crate::kernels::conv::shape::Maps;
use crate::kernels::conv::tile::BLOCK;
use pulp::Simd;

/// Patches per row and rows of patches of an image.
pub(super) fn patches(maps: &Maps) -> [usize; 2] {
    [maps.rows.div_ceil(OUT), maps.cols.div_ceil(OUT)]
}

/// A buffer of transformed numbers: `[place][block][patch][lane]`, with `lanes` numbers per block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub blocks: usize,
    pub patches: usize,
    pub lanes: usize,
}

impl Layout {
    /// Numbers from one block to the next.
    pub fn block_step(&self) -> usize {
        self.patches * self.lanes
    }

    /// Numbers from one place to the next. One cache line more than needed: at a power of two all 36 places of a patch
    /// would compete for the same lines of the first-level cache.
    pub fn place_step(&self) -> usize {
        self.blocks * self.block_step() + BLOCK
    }

    pub fn len(&self) -> usize {
        PLACES * self.place_step()
    }
}

/// A vector of the numbers there are, zeros behind them.
#[inline(always)]
pub(super) fn load<S: Simd>(simd: S, values: &[f32]) -> S::f32s {
    match S::as_simd_f32s(values).0.first() {
        Some(whole) => *whole,
        None => simd.partial_load_f32s(values),
    }
}

/// Writes as much of a vector as there is room for.
#[inline(always)]
pub(super) fn store<S: Simd>(simd: S, values: &mut [f32], vector: S::f32s) {
    match S::as_mut_simd_f32s(values).0.first_mut() {
        Some(whole) => *whole = vector,
        None => simd.partial_store_f32s(values, vector),
    }
}

/// `N` × `N` pixels whose first lies at (row, col), which may be outside; one vector of channels from `first` on, zeros
/// where there are none.
#[inline(always)]
fn cut<S: Simd, const N: usize>(
    simd: S,
    image: &[f32],
    maps: &Maps,
    [row, col]: [isize; 2],
    first: usize,
) -> Square<S, N> {
    let len = maps.channels.saturating_sub(first).min(S::F32_LANES);
    let mut patch = [[simd.splat_f32s(0.0); N]; N];
    if len == 0 {
        return patch;
    }
    for (i, patch) in patch.iter_mut().enumerate() {
        let row = row.wrapping_add_unsigned(i) as usize;
        if row >= maps.rows {
            continue;
        }
        for (j, patch) in patch.iter_mut().enumerate() {
            // A place before the first wraps around to one far behind the last.
            let col = col.wrapping_add_unsigned(j) as usize;
            if col < maps.cols {
                *patch = load(simd, &image[(row * maps.cols + col) * maps.channels + first..][..len]);
            }
        }
    }
    patch
}

/// Writes the 36 numbers of a patch to their places.
#[inline(always)]
fn spread<S: Simd>(simd: S, values: &Square<S, IN>, to: &mut [f32], place_step: usize) {
    for (i, values) in values.iter().enumerate() {
        for (j, value) in values.iter().enumerate() {
            store(simd, &mut to[(i * IN + j) * place_step..][..S::F32_LANES], *value);
        }
    }
}

/// Reads the 36 numbers of a patch from their places.
#[inline(always)]
pub(super) fn gather<S: Simd>(simd: S, from: &[f32], place_step: usize) -> Square<S, IN> {
    let mut values = [[simd.splat_f32s(0.0); IN]; IN];
    for (i, values) in values.iter_mut().enumerate() {
        for (j, value) in values.iter_mut().enumerate() {
            *value = load(simd, &from[(i * IN + j) * place_step..][..S::F32_LANES]);
        }
    }
    values
}

/// Transforms the input patches of one row of patches; the first becomes patch number `patch`.
#[inline(always)]
pub(super) fn transform_input<S: Simd>(
    simd: S,
    (image, maps): (&[f32], &Maps),
    row: usize,
    layout: &Layout,
    patch: usize,
    to: &mut [f32],
) {
    for x in 0..patches(maps)[1] {
        let corner = [(row * OUT) as isize - 1, (x * OUT) as isize - 1];
        for block in 0..layout.blocks {
            for lane in (0..BLOCK).step_by(S::F32_LANES) {
                let values = transforms::input(simd, &cut(simd, image, maps, corner, block * BLOCK + lane));
                let to = &mut to[block * layout.block_step() + (patch + x) * BLOCK + lane..];
                spread(simd, &values, to, layout.place_step());
            }
        }
    }
}

/// Transforms the patches of the output's gradient of one row of patches, `layout.lanes` channels per block from channel
/// `first` on.
#[inline(always)]
pub(super) fn transform_gradient<S: Simd>(
    simd: S,
    (image, maps): (&[f32], &Maps),
    (row, first): (usize, usize),
    layout: &Layout,
    patch: usize,
    to: &mut [f32],
) {
    for x in 0..patches(maps)[1] {
        let corner = [(row * OUT) as isize, (x * OUT) as isize];
        for block in 0..layout.blocks {
            for lane in (0..layout.lanes).step_by(S::F32_LANES) {
                let channel = first + block * layout.lanes + lane;
                let to = &mut to[block * layout.block_step() + (patch + x) * layout.lanes + lane..];
                let values = transforms::gradient(simd, &cut(simd, image, maps, corner, channel));
                spread(simd, &values, to, layout.place_step());
            }
        }
    }
}

/// Turns the products of one row of patches into rows of the output: `layout.lanes` channels from `first` on.
#[inline(always)]
pub(super) fn transform_output<S: Simd>(
    simd: S,
    products: &[f32],
    layout: &Layout,
    patch: usize,
    (rows, maps): (&mut [f32], &Maps),
    first: usize,
) {
    for x in 0..patches(maps)[1] {
        for lane in (0..layout.lanes.min(maps.channels - first)).step_by(S::F32_LANES) {
            let channel = first + lane;
            let len = (maps.channels - channel).min(S::F32_LANES);
            let products = gather(simd, &products[(patch + x) * layout.lanes + lane..], layout.place_step());
            let values = transforms::output(simd, &products);
            for (row, values) in rows.chunks_exact_mut(maps.cols * maps.channels).zip(&values) {
                for (pixel, value) in row.chunks_exact_mut(maps.channels).skip(x * OUT).zip(values) {
                    store(simd, &mut pixel[channel..channel + len], *value);
                }
            }
        }
    }
}
