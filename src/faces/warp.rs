//! An image turned, scaled and cut out in one step.

use super::Similarity;
use image::{DynamicImage, GrayImage, RgbImage};

/// A square of `size_px` cut out of `image`, whose pixel (x, y) shows what `to_crop` brings to (x, y). Grey stays grey,
/// everything else becomes RGB.
///
/// As OpenCV's `warpAffine` with its defaults, which is how networks were given their training crops: bilinear between
/// the four nearest pixels, black outside the image (blended in at its edge), and no averaging where it shrinks. OpenCV
/// before version 5 rounds positions to 1/32 px and so differs by a few grey levels.
pub(super) fn warp(image: &DynamicImage, to_crop: &Similarity, size_px: u32) -> DynamicImage {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let side = size_px as usize;
    if let DynamicImage::ImageLuma8(grey) = image {
        let pixels = pull::<1>(grey.as_chunks::<1>().0, (width, height), &to_crop.inverse(), side);
        let crop = GrayImage::from_raw(size_px, size_px, pixels.into_flattened());
        return DynamicImage::ImageLuma8(crop.unwrap_or_default());
    }
    let other;
    let rgb = match image {
        DynamicImage::ImageRgb8(rgb) => rgb,
        _ => {
            other = image.to_rgb8();
            &other
        }
    };
    let pixels = pull::<3>(rgb.as_chunks::<3>().0, (width, height), &to_crop.inverse(), side);
    DynamicImage::ImageRgb8(RgbImage::from_raw(size_px, size_px, pixels.into_flattened()).unwrap_or_default())
}

/// `back` brings the pixels of the crop to where they come from.
fn pull<const C: usize>(
    source: &[[u8; C]],
    (width, height): (usize, usize),
    back: &Similarity,
    side: usize,
) -> Vec<[u8; C]> {
    let at = |x: i64, y: i64| {
        let inside = (0..width as i64).contains(&x) && (0..height as i64).contains(&y);
        let pixel = if inside { source.get(y as usize * width + x as usize) } else { None };
        pixel.copied().unwrap_or([0; C])
    };
    let mut result = Vec::with_capacity(side * side);
    for y in 0..side {
        for x in 0..side {
            let [px, py] = back.apply([x as f64, y as f64]);
            let (left, top) = (px.floor(), py.floor());
            let (fx, fy) = ((px - left) as f32, (py - top) as f32);
            // A float beyond i64 becomes its end, which is outside every image.
            let (left, top) = (left as i64, top as i64);
            let (right, bottom) = (left.saturating_add(1), top.saturating_add(1));
            let corners = [
                (at(left, top), (1.0 - fx) * (1.0 - fy)),
                (at(right, top), fx * (1.0 - fy)),
                (at(left, bottom), (1.0 - fx) * fy),
                (at(right, bottom), fx * fy),
            ];
            let mut sum = [0.5_f32; C];
            for (pixel, weight) in corners {
                sum.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += weight * f32::from(value));
            }
            result.push(sum.map(|value| value as u8));
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Luma, Rgb};

    const STAY: Similarity = Similarity { a: 1.0, b: 0.0, tx: 0.0, ty: 0.0 };

    fn ramp(width: u32, height: u32) -> DynamicImage {
        DynamicImage::ImageLuma8(GrayImage::from_fn(width, height, |x, y| Luma([(x * 3 + y * 2) as u8])))
    }

    #[test]
    fn the_map_that_does_nothing_copies_and_is_black_outside() {
        let crop = warp(&ramp(20, 10), &STAY, 24).to_luma8();
        for (x, y, pixel) in crop.enumerate_pixels() {
            let wanted = if x < 20 && y < 10 { (x * 3 + y * 2) as u8 } else { 0 };
            assert_eq!(pixel.0, [wanted], "({x}, {y})");
        }
    }

    #[test]
    fn a_shift_by_half_a_pixel_lies_between_two_and_fades_at_the_edge() {
        let crop = warp(&ramp(20, 20), &Similarity { tx: 0.5, ..STAY }, 20).to_luma8();
        // 3·(x − ½) + 2·y, rounded half up; left of the first pixel half of it is border.
        assert_eq!(crop.get_pixel(5, 4).0, [22]);
        assert_eq!(crop.get_pixel(0, 10).0, [10]);
    }

    #[test]
    fn a_quarter_turn_moves_every_pixel_to_its_place() {
        // (x, y) → (19 − y, x).
        let turn = Similarity { a: 0.0, b: 1.0, tx: 19.0, ty: 0.0 };
        let crop = warp(&ramp(20, 20), &turn, 20).to_luma8();
        for (x, y) in [(0, 0), (3, 17), (19, 19), (8, 2)] {
            assert_eq!(crop.get_pixel(19 - y, x).0, [(x * 3 + y * 2) as u8]);
        }
    }

    #[test]
    fn colours_stay_apart_and_other_kinds_become_rgb() {
        let rgb = RgbImage::from_fn(8, 8, |x, y| Rgb([x as u8, y as u8, 200]));
        let crop = warp(&DynamicImage::ImageRgb8(rgb.clone()), &STAY, 8);
        assert_eq!(crop.as_bytes(), rgb.as_raw().as_slice());
        let with_alpha = DynamicImage::ImageRgba8(DynamicImage::ImageRgb8(rgb).to_rgba8());
        assert_eq!(warp(&with_alpha, &STAY, 8).as_bytes(), crop.as_bytes());
    }

    #[test]
    fn maps_far_beyond_the_image_are_black_and_do_not_panic() {
        for map in [
            Similarity { a: 1e-12, b: 0.0, tx: 5.0, ty: 5.0 },
            Similarity { tx: 1e300, ..STAY },
            Similarity { tx: f64::NAN, ..STAY },
        ] {
            assert_eq!(warp(&ramp(9, 9), &map, 16).as_bytes().len(), 256);
        }
    }
}
