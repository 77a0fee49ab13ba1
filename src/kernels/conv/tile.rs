//! The inner loops: a tile of sums held in registers while everything that belongs to it is read once.
//!
//! Both loops read through pointers, because a bounds check per number costs more than the arithmetic. [`sweep`] and
//! [`outer`] are safe: they check the largest place of every slice they will touch before they start.

#![expect(unsafe_code, reason = "vectors are read and written through pointers; the ranges are checked once per call")]

use pulp::{Simd, WithSimd};

/// Channels that lie side by side in a packed image.
pub(super) const BLOCK: usize = 16;

/// Output channels of one tile: two vectors.
pub(super) fn tile_channels<S: Simd>() -> usize {
    2 * S::F32_LANES
}

/// Pixels of one tile: with two vectors each, their sums fill the registers but for the operands'.
const fn tile_pixels<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 14 } else { 6 }
}

/// A packed strip (`[block][row][column][16]`, padding included) and the pixels of it that one output pixel meets.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub values: &'a [f32],
    /// Channels; the last block may hold fewer than 16.
    pub channels: usize,
    /// Numbers from one block of channels to the next.
    pub block_step: usize,
    /// Numbers from one row to the next.
    pub row_step: usize,
    /// Where each tap's first pixel lies.
    pub taps: &'a [usize],
}

impl Source<'_> {
    fn blocks(&self) -> usize {
        self.channels.div_ceil(BLOCK)
    }

    /// One past the last number read for `rows` × `cols` output pixels.
    fn end(&self, rows: usize, cols: usize) -> usize {
        let tap = self.taps.iter().copied().max().unwrap_or(0);
        (self.blocks() - 1) * self.block_step + tap + (rows - 1) * self.row_step + cols * BLOCK
    }
}

/// Where the tile's channels of the output pixels go.
pub(super) struct Target<'a> {
    /// From the first pixel's number on.
    pub values: &'a mut [f32],
    /// Numbers from one pixel to the next.
    pub px_step: usize,
    /// Numbers from one row to the next.
    pub row_step: usize,
}

/// # Safety
/// `F32_LANES` numbers must be readable there.
#[inline(always)]
unsafe fn load<S: Simd>(from: *const f32) -> S::f32s {
    // SAFETY: the caller vouches for `F32_LANES` readable numbers; the type is plain data.
    unsafe { from.cast::<S::f32s>().read_unaligned() }
}

/// # Safety
/// `F32_LANES` numbers must be writable there.
#[inline(always)]
unsafe fn store<S: Simd>(to: *mut f32, value: S::f32s) {
    // SAFETY: the caller vouches for `F32_LANES` writable numbers.
    unsafe { to.cast::<S::f32s>().write_unaligned(value) }
}

/// Sums of `R` rows of `Q` pixels, the first at `origin` of every block, written to `out`, its pixels and rows
/// `px_step` and `row_step` apart.
///
/// # Safety
/// With the tile's pixels, `source` must not be left (see [`Source::end`]), `weights` must hold all channels and taps of
/// one tile, and `out` the tile's pixels.
#[inline(always)]
unsafe fn tile<S: Simd, const R: usize, const Q: usize>(
    simd: S,
    source: &Source<'_>,
    origin: usize,
    mut weights: *const f32,
    out: *mut f32,
    [px_step, row_step]: [usize; 2],
) {
    let lanes = S::F32_LANES;
    let zero = simd.splat_f32s(0.0);
    let mut sums = [[[zero; 2]; Q]; R];
    // SAFETY: places in the source grow with block, tap, channel, row and column and are largest where `end` looks;
    // `weights` moves by one tile's channels per channel and tap; the rest is the caller's promise.
    unsafe {
        for block in 0..source.blocks() {
            let len = (source.channels - block * BLOCK).min(BLOCK);
            let base = source.values.as_ptr().add(block * source.block_step + origin);
            for &tap in source.taps {
                let mut x = base.add(tap);
                for _ in 0..len {
                    let w = [load::<S>(weights), load::<S>(weights.add(lanes))];
                    for (r, sums) in sums.iter_mut().enumerate() {
                        let line = x.add(r * source.row_step);
                        for (q, sums) in sums.iter_mut().enumerate() {
                            let value = simd.splat_f32s(*line.add(q * BLOCK));
                            *sums =
                                [simd.mul_add_e_f32s(value, w[0], sums[0]), simd.mul_add_e_f32s(value, w[1], sums[1])];
                        }
                    }
                    x = x.add(1);
                    weights = weights.add(2 * lanes);
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            for (q, sums) in sums.iter().enumerate() {
                let to = out.add(r * row_step + q * px_step);
                store::<S>(to, sums[0]);
                store::<S>(to.add(lanes), sums[1]);
            }
        }
    }
}

/// Sums of `rows` × `cols` pixels of the source for one tile of channels.
pub(super) fn sweep<S: Simd>(simd: S, source: &Source<'_>, weights: &[f32], size: [usize; 2], out: &mut Target<'_>) {
    simd.vectorize(SweepTiles { source, weights, size, out });
}

/// One piece of machine code for every caller: inlined where there is only one tap, the compiler keeps the widest tiles'
/// sums in memory, which halves the speed.
struct SweepTiles<'a, 'o> {
    source: &'a Source<'a>,
    weights: &'a [f32],
    size: [usize; 2],
    out: &'a mut Target<'o>,
}

impl WithSimd for SweepTiles<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { source, weights, size: [rows, cols], out } = self;
        let width = tile_channels::<S>();
        assert!(rows > 0 && cols > 0 && source.channels > 0 && !source.taps.is_empty());
        assert!(source.end(rows, cols) <= source.values.len());
        assert!(weights.len() >= source.channels * source.taps.len() * width);
        assert!(out.values.len() >= (rows - 1) * out.row_step + (cols - 1) * out.px_step + width);
        let pixels = tile_pixels::<S>();
        let tall = (pixels / cols).clamp(1, 3);
        let wide = even_step(cols, pixels / tall);
        let tall = even_step(rows, tall);
        let mut row = 0;
        while row < rows {
            let r = tall.min(rows - row);
            let mut col = 0;
            while col < cols {
                let q = wide.min(cols - col);
                let origin = row * source.row_step + col * BLOCK;
                // SAFETY: the last pixel of the tile lies within the checked range of `source` and of `out`.
                unsafe {
                    let to = out.values.as_mut_ptr().add(row * out.row_step + col * out.px_step);
                    by_size(simd, source, origin, weights.as_ptr(), to, [out.px_step, out.row_step], (r, q));
                }
                col += q;
            }
            row += r;
        }
    }
}

/// Cuts `len` into as few steps of at most `max` as possible, all about as long.
fn even_step(len: usize, max: usize) -> usize {
    len.div_ceil(len.div_ceil(max))
}

/// [`tile`] for a size known only now.
///
/// # Safety
/// As for [`tile`].
#[inline(always)]
unsafe fn by_size<S: Simd>(
    simd: S,
    source: &Source<'_>,
    origin: usize,
    weights: *const f32,
    out: *mut f32,
    steps: [usize; 2],
    size: (usize, usize),
) {
    macro_rules! sizes {
        ($(($r:literal, $q:literal)),*) => {
            match size {
                // SAFETY: the same promise.
                $(($r, $q) => unsafe { tile::<S, $r, $q>(simd, source, origin, weights, out, steps) },)*
                _ => unreachable!("no tile of {size:?}"),
            }
        };
    }
    sizes!(
        (1, 1),
        (1, 2),
        (1, 3),
        (1, 4),
        (1, 5),
        (1, 6),
        (1, 7),
        (1, 8),
        (1, 9),
        (1, 10),
        (1, 11),
        (1, 12),
        (1, 13),
        (1, 14),
        (2, 1),
        (2, 2),
        (2, 3),
        (2, 4),
        (2, 5),
        (2, 6),
        (2, 7),
        (3, 1),
        (3, 2),
        (3, 3),
        (3, 4)
    );
}

/// Pixels shared by a packed image `x` and a packed gradient `dy` (`[image][row][col][tile channels]`).
#[derive(Clone, Copy)]
pub(super) struct Shared {
    pub images: usize,
    pub rows: usize,
    pub cols: usize,
    /// Numbers from one row of `x` to the next, from one image of `x` to the next, from one image of `dy` to the next.
    pub x_row_step: usize,
    pub x_image_step: usize,
    pub dy_image_step: usize,
}

/// `sums[i][j] += Σ x[pixel][i] · dy[pixel][j]`, for `C` channels of `x` and the tile's channels of `dy`.
#[inline(always)]
fn outer<S: Simd, const C: usize>(simd: S, x: &[f32], dy: &[f32], shared: &Shared, sums: &mut [f32]) {
    let lanes = S::F32_LANES;
    let Shared { images, rows, cols, x_row_step, x_image_step, dy_image_step } = *shared;
    assert!(images > 0 && rows > 0 && cols > 0);
    assert!((images - 1) * x_image_step + (rows - 1) * x_row_step + (cols - 1) * BLOCK + C <= x.len());
    assert!((images - 1) * dy_image_step + rows * cols * 2 * lanes <= dy.len());
    assert!(sums.len() >= C * 2 * lanes);
    // SAFETY: the largest offsets of every pointer were checked above.
    unsafe {
        let mut acc = [[simd.splat_f32s(0.0); 2]; C];
        for (c, acc) in acc.iter_mut().enumerate() {
            let from = sums.as_ptr().add(c * 2 * lanes);
            *acc = [load::<S>(from), load::<S>(from.add(lanes))];
        }
        for image in 0..images {
            let mut d = dy.as_ptr().add(image * dy_image_step);
            for row in 0..rows {
                let mut p = x.as_ptr().add(image * x_image_step + row * x_row_step);
                for _ in 0..cols {
                    let g = [load::<S>(d), load::<S>(d.add(lanes))];
                    for (c, acc) in acc.iter_mut().enumerate() {
                        let value = simd.splat_f32s(*p.add(c));
                        *acc = [simd.mul_add_e_f32s(value, g[0], acc[0]), simd.mul_add_e_f32s(value, g[1], acc[1])];
                    }
                    // Wrapping: the step after the last pixel may leave the slice.
                    p = p.wrapping_add(BLOCK);
                    d = d.add(2 * lanes);
                }
            }
        }
        for (c, acc) in acc.iter().enumerate() {
            let to = sums.as_mut_ptr().add(c * 2 * lanes);
            store::<S>(to, acc[0]);
            store::<S>(to.add(lanes), acc[1]);
        }
    }
}

/// The products of one tap with the first `len` channels of a block, added to `sums` (`[16][tile channels]`).
#[inline(always)]
pub(super) fn products<S: Simd>(simd: S, x: &[f32], dy: &[f32], shared: &Shared, sums: &mut [f32], len: usize) {
    let width = tile_channels::<S>();
    if S::REGISTER_COUNT >= 32 && len > 4 {
        for first in (0..len).step_by(8) {
            outer::<S, 8>(simd, &x[first..], dy, shared, &mut sums[first * width..]);
        }
    } else {
        for first in (0..len).step_by(4) {
            outer::<S, 4>(simd, &x[first..], dy, shared, &mut sums[first * width..]);
        }
    }
}
