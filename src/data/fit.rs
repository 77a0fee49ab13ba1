//! An image of any size to the square the network sees, and to thumbnails.
//!
//! The largest centred square is taken, so nothing is stretched; what lies outside is lost, which suits photographs of
//! one subject. Shrinking averages over areas (whole blocks first, then a triangle as wide as the step), so fine
//! patterns do not alias. Colour to grey uses the weights of sRGB (0.2126, 0.7152, 0.0722).

use super::Preprocess;
use image::{DynamicImage, ImageBuffer, Luma, Pixel, Rgb};

/// The image as the network sees it: `image_px` × `image_px` interleaved bytes with `channels` (1 or 3) per pixel.
pub fn fit(image: &DynamicImage, pre: &Preprocess) -> Vec<u8> {
    let side = image.width().min(image.height());
    let (x, y) = ((image.width() - side) / 2, (image.height() - side) / 2);
    let square = image.crop_imm(x, y, side, side);
    let px = pre.image_px.max(1);
    if pre.channels == 1 {
        shrink::<Luma<u8>>(square.into_luma8(), px, px)
    } else {
        shrink::<Rgb<u8>>(square.into_rgb8(), px, px)
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
    let rgb = shrink::<Rgb<u8>>(image.to_rgb8(), width, height);
    let rgba = rgb.as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
    Thumb { width, height, rgba }
}

fn shrink<P: Pixel<Subpixel = u8> + 'static>(image: ImageBuffer<P, Vec<u8>>, width: u32, height: u32) -> Vec<u8> {
    if image.dimensions() == (width, height) {
        return image.into_raw();
    }
    // The triangle filter costs time per source pixel; averaging blocks first leaves it at least twice the target.
    let block = (image.width() / (2 * width)).min(image.height() / (2 * height));
    let image = if block >= 2 { block_means(&image, block) } else { image };
    resample::<P>(&image, width, height)
}

/// Which source pixels make one target pixel: the first of them, and their weights (sum 1).
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

/// A triangle around the target pixel's centre, as wide as the step but at least one source pixel to each side.
fn triangle_taps(source: u32, target: u32) -> Vec<Taps> {
    let step = f64::from(source) / f64::from(target);
    let reach = step.max(1.0);
    let tap = |i: u32| {
        let centre = (f64::from(i) + 0.5) * step - 0.5;
        let first = (centre - reach).ceil().max(0.0) as u32;
        let last = ((centre + reach).floor().max(0.0) as u32).min(source - 1);
        let mut weights: Vec<f32> =
            (first..=last).map(|j| (1.0 - (f64::from(j) - centre).abs() / reach).max(0.0) as f32).collect();
        let sum: f32 = weights.iter().sum();
        for weight in &mut weights {
            *weight /= sum;
        }
        Taps { first: first as usize, weights }
    };
    (0..target).map(tap).collect()
}

/// Columns first, then rows. Our own because the image library's takes several times as long for small pictures.
fn resample<P: Pixel<Subpixel = u8> + 'static>(image: &ImageBuffer<P, Vec<u8>>, width: u32, height: u32) -> Vec<u8> {
    let channels = usize::from(P::CHANNEL_COUNT);
    let (row_len, out_len) = (image.width() as usize * channels, width as usize * channels);
    let columns = triangle_taps(image.width(), width);
    let mut narrow = vec![0.0_f32; image.height() as usize * out_len];
    for (row, out) in image.as_raw().chunks_exact(row_len).zip(narrow.chunks_exact_mut(out_len)) {
        for (taps, out) in columns.iter().zip(out.chunks_exact_mut(channels)) {
            let pixels = row.chunks_exact(channels).skip(taps.first);
            for (pixel, weight) in pixels.zip(&taps.weights) {
                out.iter_mut().zip(pixel).for_each(|(out, &value)| *out += weight * f32::from(value));
            }
        }
    }
    let mut result = Vec::with_capacity(height as usize * out_len);
    let mut sums = vec![0.0_f32; out_len];
    for taps in triangle_taps(image.height(), height) {
        sums.fill(0.0);
        for (row, weight) in narrow.chunks_exact(out_len).skip(taps.first).zip(&taps.weights) {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
        }
        result.extend(sums.iter().map(|sum| (sum + 0.5) as u8));
    }
    result
}

/// Means of `block` × `block` pixels; a remainder is cut off evenly at both sides.
fn block_means<P: Pixel<Subpixel = u8> + 'static>(
    image: &ImageBuffer<P, Vec<u8>>,
    block: u32,
) -> ImageBuffer<P, Vec<u8>> {
    let (width, height) = (image.width() / block, image.height() / block);
    let channels = usize::from(P::CHANNEL_COUNT);
    let left = (image.width() - width * block) as usize / 2 * channels;
    let top = (image.height() - height * block) as usize / 2;
    let mut out = ImageBuffer::<P, Vec<u8>>::new(width, height);
    let (row_len, out_len) = (image.width() as usize * channels, width as usize * channels);
    let (block, area) = (block as usize, block * block);
    let mut sums = vec![0_u32; out_len];
    let rows = image.as_raw().chunks_exact(row_len).skip(top);
    let mut rows = rows.map(|row| row.get(left..).unwrap_or_default());
    for out_row in out.chunks_exact_mut(out_len) {
        sums.fill(0);
        for row in rows.by_ref().take(block) {
            for (sum, pixels) in sums.chunks_exact_mut(channels).zip(row.chunks_exact(block * channels)) {
                for pixel in pixels.chunks_exact(channels) {
                    sum.iter_mut().zip(pixel).for_each(|(sum, &value)| *sum += u32::from(value));
                }
            }
        }
        out_row.iter_mut().zip(&sums).for_each(|(out, sum)| *out = ((sum + area / 2) / area) as u8);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

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
