//! An image of any size to the square the network sees, and to thumbnails.
//!
//! The largest centred square is taken, so nothing is stretched; what lies outside is lost, which suits photographs of
//! one subject. Shrinking averages over areas (whole blocks first, then a triangle as wide as the step), so fine
//! patterns do not alias. Colour to grey uses the weights of sRGB (0.2126, 0.7152, 0.0722).
//!
//! The square is read where it lies in the image, and rows are blended before columns: a row is one long run of
//! numbers for the processor's vector instructions, and only one blended row exists at a time.

use super::Preprocess;
use image::{DynamicImage, GrayImage, RgbImage};
use pulp::{Arch, Simd, WithSimd};

/// The image as the network sees it: `image_px` × `image_px` interleaved bytes with `channels` (1 or 3) per pixel.
pub fn fit(image: &DynamicImage, pre: &Preprocess) -> Vec<u8> {
    let px = pre.image_px.max(1);
    // Shrunk with the channels it has: turning grey to colour or back is cheaper for the small image.
    let (pixels, channels) = match image {
        DynamicImage::ImageLuma8(grey) => (shrink(&centre_square::<1>(grey, image), px, px), 1),
        DynamicImage::ImageRgb8(rgb) => (shrink(&centre_square::<3>(rgb, image), px, px), 3),
        other => (shrink(&centre_square::<3>(&other.to_rgb8(), image), px, px), 3),
    };
    with_channels(pixels, px, channels, pre.channels)
}

fn with_channels(pixels: Vec<u8>, px: u32, from: u32, to: u32) -> Vec<u8> {
    match (from, to) {
        (1, 3) => pixels.iter().flat_map(|&value| [value; 3]).collect(),
        (3, 1) => {
            let rgb = RgbImage::from_raw(px, px, pixels).map(DynamicImage::ImageRgb8);
            rgb.map(DynamicImage::into_luma8).map(GrayImage::into_raw).unwrap_or_default()
        }
        _ => pixels,
    }
}

/// A small picture for the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumb {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Red, green, blue, 255 per pixel, row by row.
    pub rgba: Vec<u8>,
}

/// The whole image with its longer side `px`; never enlarged.
pub fn thumbnail(image: &DynamicImage, px: u32) -> Thumb {
    let longer = image.width().max(image.height()).max(1);
    let scaled = |side: u32| (u64::from(side) * u64::from(px) / u64::from(longer)) as u32;
    let (width, height) = if longer <= px {
        (image.width(), image.height())
    } else {
        (scaled(image.width()).max(1), scaled(image.height()).max(1))
    };
    let rgba = match image {
        DynamicImage::ImageLuma8(grey) => {
            shrunk::<1>(grey, image, width, height).into_iter().flat_map(|value| [value, value, value, 255]).collect()
        }
        DynamicImage::ImageRgb8(rgb) => opaque(&shrunk::<3>(rgb, image, width, height)),
        other => opaque(&shrunk::<3>(&other.to_rgb8(), image, width, height)),
    };
    Thumb { width, height, rgba }
}

/// All of an image, whose `bytes` are read where they lie: of a photograph they are some hundred megabytes.
fn shrunk<const C: usize>(bytes: &[u8], image: &DynamicImage, width: u32, height: u32) -> Vec<u8> {
    shrink(&Window::<C>::whole(bytes, image.width(), image.height()), width, height)
}

fn opaque(rgb: &[u8]) -> Vec<u8> {
    rgb.as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect()
}

/// A rectangle of an image of `C` bytes per pixel, where it lies.
#[derive(Clone, Copy)]
struct Window<'a, const C: usize> {
    /// From the rectangle's first pixel on.
    pixels: &'a [[u8; C]],
    /// Pixels from one row to the next.
    stride: usize,
    width: usize,
    height: usize,
}

impl<'a, const C: usize> Window<'a, C> {
    fn whole(bytes: &'a [u8], width: u32, height: u32) -> Self {
        let (width, height) = (width as usize, height as usize);
        Self { pixels: bytes.as_chunks().0, stride: width, width, height }
    }

    /// A smaller rectangle inside this one.
    fn part(&self, left: usize, top: usize, width: usize, height: usize) -> Self {
        let pixels = self.pixels.get(top * self.stride + left..).unwrap_or_default();
        Self { pixels, stride: self.stride, width, height }
    }

    /// Bytes of the rows from `first` on.
    #[inline(always)]
    fn rows(&self, first: usize) -> impl Iterator<Item = &'a [u8]> + use<'a, C> {
        let (width, height) = (self.width, self.height);
        let pixels = self.pixels.get(first * self.stride..).unwrap_or_default();
        let rows = pixels.chunks(self.stride.max(1)).take(height.saturating_sub(first));
        rows.map(move |row| row.get(..width).unwrap_or_default().as_flattened())
    }
}

fn centre_square<'a, const C: usize>(bytes: &'a [u8], image: &DynamicImage) -> Window<'a, C> {
    let whole = Window::whole(bytes, image.width(), image.height());
    let side = whole.width.min(whole.height);
    whole.part((whole.width - side) / 2, (whole.height - side) / 2, side, side)
}

fn shrink<const C: usize>(image: &Window<C>, width: u32, height: u32) -> Vec<u8> {
    let (width, height) = (width as usize, height as usize);
    if (image.width, image.height) == (width, height) {
        return image.rows(0).flatten().copied().collect();
    }
    Arch::new().dispatch(Shrink { image, width, height })
}

/// A struct, because only its method is sure to be inlined into the code for the processor's own instructions. Nothing
/// in it is reordered or fused, so every processor gives the same bytes.
struct Shrink<'a, const C: usize> {
    image: &'a Window<'a, C>,
    width: usize,
    height: usize,
}

impl<const C: usize> WithSimd for Shrink<'_, C> {
    type Output = Vec<u8>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<u8> {
        let Self { image, width, height } = self;
        // The triangle filter costs time per source pixel; averaging blocks first leaves it at least twice the target.
        let block = (image.width / (2 * width)).min(image.height / (2 * height));
        if block < 2 {
            return resample(image, width, height);
        }
        let means = block_means(image, block);
        let (narrow, low) = (image.width / block, image.height / block);
        resample(&Window { pixels: &means, stride: narrow, width: narrow, height: low }, width, height)
    }
}

/// Which source pixels make each target pixel: the first of them, and the weights from it on (sum 1). All have the same
/// number of weights, the last of them 0 where fewer are needed: a loop of one length is what a processor predicts.
struct Taps {
    firsts: Vec<usize>,
    weights: Vec<f32>,
    count: usize,
}

impl Taps {
    /// A triangle around the target pixel's centre, as wide as the step but at least one source pixel to each side.
    fn triangle(source: usize, target: usize) -> Self {
        let step = source as f64 / target as f64;
        let reach = step.max(1.0);
        let count = (2.0 * reach).floor() as usize + 1;
        let mut taps = Self { firsts: Vec::with_capacity(target), weights: vec![0.0; target * count], count };
        for (i, weights) in taps.weights.chunks_exact_mut(count).enumerate() {
            let centre = (i as f64 + 0.5) * step - 0.5;
            let first = (centre - reach).ceil().max(0.0) as usize;
            for (j, weight) in (first..source).zip(weights.iter_mut()) {
                *weight = (1.0 - (j as f64 - centre).abs() / reach).max(0.0) as f32;
            }
            let sum: f32 = weights.iter().sum();
            weights.iter_mut().for_each(|weight| *weight /= sum);
            taps.firsts.push(first);
        }
        taps
    }

    /// First source pixel and weights of every target pixel.
    #[inline(always)]
    fn iter(&self) -> impl Iterator<Item = (usize, &[f32])> {
        self.firsts.iter().copied().zip(self.weights.chunks_exact(self.count))
    }
}

/// Lanes a pixel is blended in: a register's worth, of which those beyond `C` hold a neighbour and are dropped.
const LANES: usize = 4;

/// Our own because the image library's takes several times as long for small pictures.
#[inline(always)]
fn resample<const C: usize>(image: &Window<C>, width: usize, height: usize) -> Vec<u8> {
    let (columns, rows) = (Taps::triangle(image.width, width), Taps::triangle(image.height, height));
    let mut result = vec![0; width * height * C];
    // Longer than a row, so that weights of 0 and unused lanes have something to meet.
    let mut blended = vec![0.0_f32; (image.width + columns.count) * C + LANES];
    let mut narrow = vec![0.0_f32; width * C];
    for ((first, weights), out) in rows.iter().zip(result.chunks_exact_mut(width * C)) {
        blend_rows(image, first, weights, &mut blended);
        for ((first, weights), out) in columns.iter().zip(narrow.as_chunks_mut::<C>().0) {
            let sum = blend_columns::<C>(blended.get(first * C..).unwrap_or_default(), weights);
            out.iter_mut().zip(sum).for_each(|(out, value)| *out = value);
        }
        // By way of i32, which is one instruction for many; a weighted mean of bytes is in range.
        out.iter_mut().zip(&narrow).for_each(|(out, value)| *out = (value + 0.5) as i32 as u8);
    }
    result
}

#[inline(always)]
fn blend_rows<const C: usize>(image: &Window<C>, first: usize, weights: &[f32], out: &mut [f32]) {
    out.fill(0.0);
    for (row, &weight) in image.rows(first).zip(weights).filter(|(_, weight)| **weight > 0.0) {
        for (out, &value) in out.iter_mut().zip(row) {
            *out += weight * f32::from(value);
        }
    }
}

#[inline(always)]
fn blend_columns<const C: usize>(mut row: &[f32], weights: &[f32]) -> [f32; LANES] {
    let mut sum = [0.0; LANES];
    for weight in weights {
        let Some(pixel) = row.first_chunk::<LANES>() else { break };
        for (sum, value) in sum.iter_mut().zip(pixel) {
            *sum += weight * value;
        }
        row = row.get(C..).unwrap_or_default();
    }
    sum
}

/// Means of `block` × `block` pixels; a remainder is cut off evenly at both sides.
#[inline(always)]
fn block_means<const C: usize>(image: &Window<C>, block: usize) -> Vec<[u8; C]> {
    let (width, height) = (image.width / block, image.height / block);
    let (left, top) = ((image.width - width * block) / 2, (image.height - height * block) / 2);
    let blocks = image.part(left, top, width * block, height * block);
    let area = (block * block) as u32;
    let mut result = Vec::with_capacity(width * height);
    let mut sums = vec![0_u32; width * block * C];
    let mut rows = blocks.rows(0);
    for _ in 0..height {
        sums.fill(0);
        for row in rows.by_ref().take(block) {
            sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += u32::from(value));
        }
        for pixels in sums.as_chunks::<C>().0.chunks_exact(block) {
            let mut total = [0; C];
            for pixel in pixels {
                total.iter_mut().zip(pixel).for_each(|(total, sum)| *total += sum);
            }
            result.push(total.map(|total| ((total + area / 2) / area) as u8));
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Luma, Rgb};

    fn grey(width: u32, height: u32, value: impl Fn(u32, u32) -> u8) -> DynamicImage {
        DynamicImage::ImageLuma8(image::GrayImage::from_fn(width, height, |x, y| Luma([value(x, y)])))
    }

    #[test]
    fn an_image_of_the_right_size_is_not_touched() {
        let image = grey(32, 32, |x, y| (x * 7 + y) as u8);
        assert_eq!(&fit(&image, &Preprocess::new(32, 1)), image.as_bytes());
    }

    #[test]
    fn the_centre_square_is_taken() {
        // 40 × 20: the outer 10 columns on each side are white, the centre is black.
        let image = grey(40, 20, |x, _| if (10..30).contains(&x) { 0 } else { 255 });
        assert!(fit(&image, &Preprocess::new(20, 1)).iter().all(|&v| v == 0));
        assert_eq!(fit(&image, &Preprocess::new(10, 3)).len(), 10 * 10 * 3);
    }

    #[test]
    fn a_fine_pattern_becomes_even_grey_instead_of_aliasing() {
        for side in [64_u32, 100, 150, 333, 1000] {
            let image = grey(side, side, |x, y| if (x + y) % 2 == 0 { 0 } else { 255 });
            let small = fit(&image, &Preprocess::new(16, 1));
            assert!(small.iter().all(|&v| (110..=145).contains(&v)), "{side}: {small:?}");
        }
    }

    #[test]
    fn a_ramp_stays_a_ramp_when_shrunk_by_a_large_step() {
        let image = grey(1000, 1000, |x, _| (x * 255 / 999) as u8);
        let small = fit(&image, &Preprocess::new(10, 1));
        for (i, &value) in small[..10].iter().enumerate() {
            let expected = (i as f32 + 0.5) * 25.5;
            // The triangle folds at the two edges, by up to a quarter of a step.
            assert!((f32::from(value) - expected).abs() < 8.0, "{i}: {value} for {expected}");
        }
    }

    #[test]
    fn the_filter_agrees_with_an_independent_one() {
        let image = image::RgbImage::from_fn(60, 60, |x, y| Rgb([(x * y) as u8, (x * 4) as u8, (y * 3 + x) as u8]));
        for px in [40, 60, 90] {
            let ours = fit(&DynamicImage::ImageRgb8(image.clone()), &Preprocess::new(px, 3));
            let theirs = image::imageops::resize(&image, px, px, image::imageops::FilterType::Triangle).into_raw();
            let difference = ours.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(difference <= Some(1), "{px}: {difference:?}");
        }
    }

    #[test]
    fn channels_are_turned_after_shrinking_as_well_as_before() {
        let rgb = image::RgbImage::from_fn(90, 70, |x, y| Rgb([(x * 3) as u8, (y * 3) as u8, (x + y) as u8]));
        let colour = DynamicImage::ImageRgb8(rgb);
        let grey = DynamicImage::ImageLuma8(colour.to_luma8());
        for px in [20, 33, 70, 90] {
            let (late, early) = (fit(&colour, &Preprocess::new(px, 1)), fit(&grey, &Preprocess::new(px, 1)));
            assert!(late.iter().zip(&early).all(|(a, b)| a.abs_diff(*b) <= 2), "{px}");
            let tripled: Vec<u8> = early.iter().flat_map(|&value| [value; 3]).collect();
            assert_eq!(fit(&grey, &Preprocess::new(px, 3)), tripled);
        }
    }

    #[test]
    fn every_shape_and_size_gives_a_full_square_and_an_even_image_stays_even() {
        for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 3), (5, 4), (31, 64), (250, 250), (640, 333)] {
            for px in [1, 2, 3, 16, 112] {
                for channels in [1, 3] {
                    let out = fit(&grey(width, height, |_, _| 201), &Preprocess::new(px, channels));
                    assert_eq!(out, vec![201; (px * px * channels) as usize], "{width}×{height} to {px}");
                }
            }
        }
    }

    #[test]
    fn a_thumbnail_is_the_same_whatever_form_the_image_has() {
        let rgb = image::RgbImage::from_fn(90, 70, |x, y| Rgb([(x * 3) as u8, (y * 3) as u8, (x + y) as u8]));
        let colour = DynamicImage::ImageRgb8(rgb);
        let transparent = DynamicImage::ImageRgba8(colour.to_rgba8());
        let grey = DynamicImage::ImageLuma8(colour.to_luma8());
        let tripled = DynamicImage::ImageRgb8(grey.to_rgb8());
        for px in [7, 20, 70, 90] {
            assert_eq!(thumbnail(&transparent, px), thumbnail(&colour, px), "{px}");
            assert_eq!(thumbnail(&grey, px), thumbnail(&tripled, px), "{px}");
        }
    }

    #[test]
    fn thumbnails_keep_the_shape_and_are_never_enlarged() {
        let thumb = thumbnail(&grey(400, 100, |_, _| 9), 100);
        assert_eq!((thumb.width, thumb.height, thumb.rgba.len()), (100, 25, 10_000));
        assert_eq!(thumb.rgba[..4], [9, 9, 9, 255]);
        let small = thumbnail(&grey(8, 8, |_, _| 9), 100);
        assert_eq!((small.width, small.height), (8, 8));
        let thin = thumbnail(&grey(10_000, 4, |_, _| 9), 64);
        assert_eq!((thin.width, thin.height), (64, 1));
    }
}
