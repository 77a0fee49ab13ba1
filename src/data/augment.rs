//! Random changes to a training image: one geometric warp, then colour, then normalisation, in one pass each.
//!
//! A warp by the inverse affine map with bilinear sampling resamples once, however many changes are combined. What
//! comes in over the border repeats the border's pixels: a black edge would be a mark the network could learn. Always
//! the same number of random draws, so switching one change on leaves the others as they were.

use super::{Degrade, Preprocess, seeded};
use crate::config::AugmentConfig;
use pulp::{Arch, Simd, WithSimd};
use rand::RngCore as _;
use rand_chacha::ChaCha8Rng;

/// Weights of red, green and blue in lightness (Rec. 601).
pub(super) const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// The strongest changes; each is drawn evenly from nothing to its value, in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Augment {
    /// Mirror every second image left to right.
    pub flip: bool,
    /// Shift, as a share of the side, each way.
    pub shift: f32,
    /// Change of size, as a share (0.1: factors 0.9 to 1.1).
    pub scale: f32,
    /// Rotation about the centre, in radians.
    pub rotate_rad: f32,
    /// Brightness, contrast and saturation, as a share.
    pub colour: f32,
    /// What makes the image worse, before all of these.
    pub degrade: Degrade,
}

/// What was drawn for one image.
struct Drawn {
    mirror: bool,
    /// Inverse map: source = m · (target − centre) + offset.
    m: [f32; 4],
    offset: [f32; 2],
    brightness: f32,
    contrast: f32,
    saturation: f32,
}

impl Augment {
    /// The changes of a configuration; `flip` is its setting resolved.
    pub fn of(config: &AugmentConfig, flip: bool) -> Self {
        Self {
            flip,
            shift: config.shift as f32,
            scale: config.scale as f32,
            rotate_rad: config.rotate_deg.to_radians() as f32,
            colour: config.colour as f32,
            degrade: Degrade::of(config),
        }
    }

    /// No change: only the normalisation.
    pub fn identity() -> Self {
        Self::default()
    }

    /// Changes one image. `src` is interleaved bytes (H, W, C), `out` receives normalised planes (C, H, W); both have
    /// `px · px · channels` entries. An `src` or `out` of another length is left alone.
    pub fn apply(
        &self,
        src: &[u8],
        px: usize,
        channels: usize,
        rng: &mut ChaCha8Rng,
        out: &mut [f32],
        pre: &Preprocess,
    ) {
        let drawn = self.draw(px, rng);
        if src.len() != px * px * channels || out.len() != src.len() || px == 0 {
            return;
        }
        let degraded = self.degrade.apply(src, px, channels, rng);
        let (src, drawn) = (degraded.as_deref().unwrap_or(src), &drawn);
        match channels {
            1 => Arch::new().dispatch(Change::<1, 1> { src, px, drawn, out, pre }),
            3 => Arch::new().dispatch(Change::<3, 4> { src, px, drawn, out, pre }),
            _ => {}
        }
        pre.order_channels(out);
    }

    fn draw(&self, px: usize, rng: &mut ChaCha8Rng) -> Drawn {
        let mirror = rng.next_u32() & 1 == 1 && self.flip;
        let mut upto = |strength: f32| strength * seeded::signed_unit(rng);
        let shift = [upto(self.shift) * px as f32, upto(self.shift) * px as f32];
        let size = 1.0 + upto(self.scale);
        let angle = upto(self.rotate_rad);
        let (brightness, contrast, saturation) =
            (1.0 + upto(self.colour), 1.0 + upto(self.colour), 1.0 + upto(self.colour));
        let (sin, cos) = angle.sin_cos();
        let inverse = 1.0 / size.max(0.05);
        let centre = (px as f32 - 1.0) / 2.0;
        Drawn {
            mirror,
            m: [cos * inverse, sin * inverse, -sin * inverse, cos * inverse],
            offset: [centre - shift[0], centre - shift[1]],
            brightness: brightness.max(0.0),
            contrast: contrast.max(0.0),
            saturation: saturation.max(0.0),
        }
    }
}

/// Pixels of `C` bytes, computed in `L` lanes: three colours fill a register of four.
///
/// A struct, because only its method is sure to be inlined into the code for the processor's own instructions. Nothing
/// in it is reordered or fused, so every processor gives the same numbers.
struct Change<'a, const C: usize, const L: usize> {
    src: &'a [u8],
    px: usize,
    drawn: &'a Drawn,
    out: &'a mut [f32],
    pre: &'a Preprocess,
}

impl<const C: usize, const L: usize> WithSimd for Change<'_, C, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        warp::<C, L>(self.src, self.px, self.drawn, self.out);
        colour::<C>(self.out, self.drawn, self.pre);
    }
}

/// The pixel at a place and its right neighbour, as numbers. Lanes beyond `C` hold the next pixel, which nobody reads.
#[inline(always)]
fn pair<const C: usize, const L: usize>(src: &[u8], place: usize) -> ([f32; L], [f32; L]) {
    let start = place * C;
    let bytes = src.get(start..start + C + L).unwrap_or_default();
    if let (Some(left), Some(right)) = (bytes.first_chunk::<L>(), bytes.last_chunk::<L>()) {
        return (left.map(f32::from), right.map(f32::from));
    }
    // At the end of the image, and below an image of one row.
    let at = |place: usize| src.get(place).map_or(0.0, |&value| f32::from(value));
    (std::array::from_fn(|lane| at(start + lane)), std::array::from_fn(|lane| at(start + C + lane)))
}

/// Where one target pixel comes from.
#[derive(Clone, Copy, Default)]
struct Spot {
    /// Place of the upper left of the four pixels around it.
    corner: i32,
    /// Distance from that pixel, each in [0, 1].
    fx: f32,
    fy: f32,
}

/// Planes of values 0 to 255.
#[inline(always)]
fn warp<const C: usize, const L: usize>(src: &[u8], px: usize, drawn: &Drawn, out: &mut [f32]) {
    let plane = px * px;
    let mut spots = vec![Spot::default(); px];
    let mut row_values = vec![[0.0; L]; px];
    for row in 0..px {
        find_spots(&mut spots, row, drawn);
        for (spot, value) in spots.iter().zip(&mut row_values) {
            let corner = spot.corner as usize;
            let (p00, p10) = pair::<C, L>(src, corner);
            let (p01, p11) = pair::<C, L>(src, corner + px);
            for (lane, value) in value.iter_mut().enumerate() {
                let top = p00[lane] + spot.fx * (p10[lane] - p00[lane]);
                let bottom = p01[lane] + spot.fx * (p11[lane] - p01[lane]);
                *value = top + spot.fy * (bottom - top);
            }
        }
        for (channel, plane) in out.chunks_exact_mut(plane).enumerate() {
            let targets = plane.iter_mut().skip(row * px);
            targets.zip(&row_values).for_each(|(out, value)| *out = value[channel]);
        }
    }
}

/// One row's spots; there are as many as the image has columns.
#[inline(always)]
fn find_spots(spots: &mut [Spot], row: usize, drawn: &Drawn) {
    let px = spots.len() as i32;
    let last = px as f32 - 1.0;
    let centre = last / 2.0;
    let m = drawn.m;
    // A place on the right or lower border is at a distance of 1 from the last pixel but one.
    let last_corner = (px - 2).max(0);
    let dy = row as f32 - centre;
    let (x_start, y_start) = (m[1] * dy + drawn.offset[0], m[3] * dy + drawn.offset[1]);
    let direction = if drawn.mirror { -1.0 } else { 1.0 };
    for (column, spot) in spots.iter_mut().enumerate() {
        let dx = direction * (column as i32 as f32 - centre);
        let x = (m[0] * dx + x_start).max(0.0).min(last);
        let y = (m[2] * dx + y_start).max(0.0).min(last);
        // By way of i32, which is one instruction for many; the value is in range.
        let (x0, y0) = ((x as i32).min(last_corner), (y as i32).min(last_corner));
        *spot = Spot { corner: y0 * px + x0, fx: x - x0 as f32, fy: y - y0 as f32 };
    }
}

/// Sum in a fixed order, as many numbers at a time as a register holds.
#[inline(always)]
fn sum(values: &[f32]) -> f32 {
    let (blocks, rest) = values.as_chunks::<16>();
    let mut sums = [0.0_f32; 16];
    for block in blocks {
        sums.iter_mut().zip(block).for_each(|(sum, value)| *sum += value);
    }
    sums.iter().chain(rest).sum()
}

/// Brightness (a factor), contrast (about the image's mean lightness), saturation (about the pixel's lightness), then
/// normalisation. The three changes are linear, so they are one factor and one offset per pixel.
#[inline(always)]
fn colour<const C: usize>(out: &mut [f32], drawn: &Drawn, pre: &Preprocess) {
    let plane = out.len() / C;
    let weights = if C == 3 { LUMA } else { [1.0, 0.0, 0.0] };
    let sums = out.chunks_exact(plane).zip(weights).map(|(values, w)| w * sum(values));
    let mean = drawn.brightness * sums.sum::<f32>() / plane as f32;
    let gain = drawn.brightness * drawn.contrast;
    let lift = mean * (1.0 - drawn.contrast);
    if let [red, green, blue] = &mut out.chunks_exact_mut(plane).collect::<Vec<_>>()[..] {
        let keep = drawn.saturation;
        for ((r, g), b) in red.iter_mut().zip(green.iter_mut()).zip(blue.iter_mut()) {
            let grey = (1.0 - keep) * (LUMA[0] * *r + LUMA[1] * *g + LUMA[2] * *b);
            (*r, *g, *b) = (keep * *r + grey, keep * *g + grey, keep * *b + grey);
        }
    }
    for (channel, values) in out.chunks_exact_mut(plane).enumerate() {
        let (factor, offset) = pre.factor_offset(channel);
        for value in values {
            *value = (*value * gain + lift).clamp(0.0, 255.0) * factor + offset;
        }
    }
}

#[cfg(test)]
mod tests;
