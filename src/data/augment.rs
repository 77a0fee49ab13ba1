//! Random changes to a training image: one geometric warp, then colour, then normalisation, in one pass each.
//!
//! A warp by the inverse affine map with bilinear sampling resamples once, however many changes are combined. What
//! comes in over the border repeats the border's pixels: a black edge would be a mark the network could learn. Always
//! the same number of random draws, so switching one change on leaves the others as they were.

use super::{Preprocess, seeded};
use rand::RngCore as _;
use rand_chacha::ChaCha8Rng;

/// Weights of red, green and blue in lightness (Rec. 601).
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

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
        match channels {
            1 => warp::<1>(src.as_chunks().0, px, &drawn, out),
            3 => warp::<3>(src.as_chunks().0, px, &drawn, out),
            _ => return,
        }
        if channels == 3 {
            colour::<3>(out, &drawn, pre);
        } else {
            colour::<1>(out, &drawn, pre);
        }
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

/// Planes of values 0 to 255.
fn warp<const C: usize>(src: &[[u8; C]], px: usize, drawn: &Drawn, out: &mut [f32]) {
    let plane = px * px;
    let last = px as f32 - 1.0;
    let centre = last / 2.0;
    let m = drawn.m;
    let at = |place: usize| src.get(place).copied().unwrap_or([0; C]).map(f32::from);
    let mut row_values = vec![[0.0; C]; px];
    for row in 0..px {
        let dy = row as f32 - centre;
        let (x_start, y_start) = (m[1] * dy + drawn.offset[0], m[3] * dy + drawn.offset[1]);
        for (column, value) in row_values.iter_mut().enumerate() {
            let dx = if drawn.mirror { centre - column as f32 } else { column as f32 - centre };
            let x = (m[0] * dx + x_start).clamp(0.0, last);
            let y = (m[2] * dx + y_start).clamp(0.0, last);
            // By way of i32, which is one instruction; the value is in range.
            let (x0, y0) = (x as i32 as usize, y as i32 as usize);
            let (fx, fy) = (x - x0 as f32, y - y0 as f32);
            let right = usize::from(x0 + 1 < px);
            let below = if y0 + 1 < px { px } else { 0 };
            let corner = y0 * px + x0;
            let (p00, p10) = (at(corner), at(corner + right));
            let (p01, p11) = (at(corner + below), at(corner + below + right));
            for (channel, value) in value.iter_mut().enumerate() {
                let top = p00[channel] + fx * (p10[channel] - p00[channel]);
                let bottom = p01[channel] + fx * (p11[channel] - p01[channel]);
                *value = top + fy * (bottom - top);
            }
        }
        for (channel, plane) in out.chunks_exact_mut(plane).enumerate() {
            let targets = plane.iter_mut().skip(row * px);
            targets.zip(&row_values).for_each(|(out, value)| *out = value[channel]);
        }
    }
}

/// Brightness (a factor), contrast (about the image's mean lightness), saturation (about the pixel's lightness), then
/// normalisation. The three changes are linear, so they are one factor and one offset per pixel.
fn colour<const C: usize>(out: &mut [f32], drawn: &Drawn, pre: &Preprocess) {
    let plane = out.len() / C;
    let weights = if C == 3 { LUMA } else { [1.0, 0.0, 0.0] };
    let sums = out.chunks_exact(plane).zip(weights).map(|(values, w)| w * values.iter().sum::<f32>());
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
