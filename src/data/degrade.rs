//! Changes that make a training image worse, as bad cameras, distance and compression do: what face recognisers are trained
//! with so that poor images still match (AdaFace, arXiv:2204.00964; `arcface_torch`'s loader; cutout: arXiv:1708.04552).
//!
//! They come before [`super::Augment`]'s warp, each with a chance of its own, and always draw the same number of random
//! numbers, so that switching one on leaves the others as they were.

use super::augment::LUMA;
use super::seeded;
use crate::config::AugmentConfig;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage};
use rand_chacha::ChaCha8Rng;

/// Chances in [0, 1] and the strongest form of each change.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Degrade {
    /// Chance that only a rectangle of the image is left, on black.
    pub crop: f32,
    /// Smallest share of the area that is left.
    pub crop_smallest: f32,
    /// Chance of being made small and large again.
    pub low_resolution: f32,
    /// Smallest side meanwhile, as a share.
    pub low_resolution_smallest: f32,
    /// Chance of being blurred.
    pub blur: f32,
    /// Largest standard deviation of the blur, as a share of the side.
    pub blur_largest: f32,
    /// Chance of losing its colours.
    pub grey: f32,
    /// Largest turn of the colours, in degrees, each way.
    pub hue_deg: f32,
    /// Chance of being compressed.
    pub jpeg: f32,
    /// Lowest JPEG quality, 1 to 100.
    pub jpeg_lowest: f32,
    /// Chance of a black square.
    pub cutout: f32,
    /// Largest side of the square, as a share.
    pub cutout_largest: f32,
}

/// Rectangle: left, top, width, height.
type Rect = [u32; 4];

/// What was drawn for one image.
#[derive(Debug, Default, PartialEq)]
struct Drawn {
    crop: Option<Rect>,
    small_side: Option<(u32, FilterType, FilterType)>,
    blur_px: Option<f32>,
    grey: bool,
    hue_deg: i32,
    jpeg_quality: Option<u8>,
    cutout: Option<Rect>,
}

impl Degrade {
    /// The changes of a configuration.
    pub fn of(config: &AugmentConfig) -> Self {
        Self {
            crop: config.crop as f32,
            crop_smallest: config.crop_smallest as f32,
            low_resolution: config.low_resolution as f32,
            low_resolution_smallest: config.low_resolution_smallest as f32,
            blur: config.blur as f32,
            blur_largest: config.blur_largest as f32,
            grey: config.grey as f32,
            hue_deg: config.hue_deg as f32,
            jpeg: config.jpeg as f32,
            jpeg_lowest: config.jpeg_lowest as f32,
            cutout: config.cutout as f32,
            cutout_largest: config.cutout_largest as f32,
        }
    }

    /// Changes one image of interleaved bytes (H, W, C); `None` when nothing was drawn (or the bytes are no such image).
    pub fn apply(&self, pixels: &[u8], px: usize, channels: usize, rng: &mut ChaCha8Rng) -> Option<Vec<u8>> {
        let drawn = self.draw(px as u32, rng);
        if drawn == Drawn::default() || px == 0 {
            return None;
        }
        let side = px as u32;
        let mut image = match channels {
            1 => DynamicImage::ImageLuma8(GrayImage::from_raw(side, side, pixels.to_vec())?),
            3 => DynamicImage::ImageRgb8(RgbImage::from_raw(side, side, pixels.to_vec())?),
            _ => return None,
        };
        if let Some(kept) = drawn.crop {
            blacken(&mut image, kept, false);
        }
        if let Some((small, down, up)) = drawn.small_side {
            image = image.resize_exact(small, small, down).resize_exact(side, side, up);
        }
        if let Some(deviation) = drawn.blur_px {
            image = image.blur(deviation);
        }
        if drawn.hue_deg != 0 && channels == 3 {
            image = image.huerotate(drawn.hue_deg);
        }
        if drawn.grey && channels == 3 {
            image = grey(&image).unwrap_or(image);
        }
        if let Some(quality) = drawn.jpeg_quality {
            image = compressed(&image, quality).unwrap_or(image);
        }
        if let Some(hole) = drawn.cutout {
            blacken(&mut image, hole, true);
        }
        Some(if channels == 1 { image.into_luma8().into_raw() } else { image.into_rgb8().into_raw() })
    }

    fn draw(&self, side: u32, rng: &mut ChaCha8Rng) -> Drawn {
        let mut unit = || (seeded::signed_unit(rng) + 1.0) / 2.0;
        let between = |low: f32, high: f32, share: f32| low + (high - low) * share;
        let px = side as f32;
        let crop = [unit(), unit(), unit(), unit(), unit()];
        let small = [unit(), unit(), unit(), unit()];
        let blur = [unit(), unit()];
        let (grey, hue) = (unit(), unit());
        let jpeg = [unit(), unit()];
        let cutout = [unit(), unit(), unit(), unit()];
        let length = |share: f32| ((share * px).round() as u32).clamp(1, side.max(1));
        let start = |length: u32, share: f32| ((side - length.min(side) + 1) as f32 * share) as u32;
        Drawn {
            crop: (crop[0] < self.crop).then(|| {
                let area = between(self.crop_smallest, 1.0, crop[1]);
                // Width over height, evenly on a logarithmic scale from 3/4 to 4/3.
                let ratio = (4.0_f32 / 3.0).powf(2.0 * crop[2] - 1.0);
                let (width, height) = (length((area * ratio).sqrt()), length((area / ratio).sqrt()));
                [start(width, crop[3]), start(height, crop[4]), width, height]
            }),
            small_side: (small[0] < self.low_resolution).then(|| {
                let share = between(self.low_resolution_smallest, 1.0, small[1]);
                (length(share), filter(small[2]), filter(small[3]))
            }),
            blur_px: (blur[0] < self.blur)
                .then(|| self.blur_largest * px * blur[1])
                .filter(|deviation| *deviation > 0.1),
            grey: grey < self.grey,
            hue_deg: (self.hue_deg * (2.0 * hue - 1.0)).round() as i32,
            jpeg_quality: (jpeg[0] < self.jpeg)
                .then(|| between(self.jpeg_lowest, 95.0, jpeg[1]).clamp(1.0, 100.0) as u8),
            cutout: (cutout[0] < self.cutout).then(|| {
                let hole = length(self.cutout_largest * cutout[1]);
                [start(hole, cutout[2]), start(hole, cutout[3]), hole, hole]
            }),
        }
    }
}

/// Ways of resizing that cameras and programs use.
fn filter(share: f32) -> FilterType {
    match (share * 4.0) as u32 {
        0 => FilterType::Nearest,
        1 => FilterType::Triangle,
        2 => FilterType::CatmullRom,
        _ => FilterType::Lanczos3,
    }
}

/// Black inside a rectangle, or everywhere else.
fn blacken(image: &mut DynamicImage, [left, top, width, height]: Rect, inside: bool) {
    let black = |x: u32, y: u32| {
        let within = (left..left + width).contains(&x) && (top..top + height).contains(&y);
        within == inside
    };
    match image {
        DynamicImage::ImageLuma8(image) => {
            image.enumerate_pixels_mut().filter(|(x, y, _)| black(*x, *y)).for_each(|(_, _, pixel)| pixel.0 = [0]);
        }
        DynamicImage::ImageRgb8(image) => {
            image.enumerate_pixels_mut().filter(|(x, y, _)| black(*x, *y)).for_each(|(_, _, pixel)| pixel.0 = [0; 3]);
        }
        _ => {}
    }
}

/// Every pixel as light as it was, with the weights that saturation has.
///
/// Networks for grey images see colours otherwise: `decode.rs` and `fit.rs` have the image crate turn them grey, by Rec. 709.
/// That stays, because trained networks have learned from it, and would be measured on other inputs than those.
fn grey(image: &DynamicImage) -> Option<DynamicImage> {
    let lightness = |pixel: &Rgb<u8>| {
        let [red, green, blue] = pixel.0.map(f32::from);
        (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue).round() as u8
    };
    let pixels = image.to_rgb8().pixels().map(lightness).collect();
    GrayImage::from_raw(image.width(), image.height(), pixels).map(DynamicImage::ImageLuma8)
}

fn compressed(image: &DynamicImage, quality: u8) -> Option<DynamicImage> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(image).ok()?;
    image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg).ok()
}

#[cfg(test)]
mod tests;
