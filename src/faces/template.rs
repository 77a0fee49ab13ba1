//! Where the five points of a face lie in an aligned crop.

use super::Point;
use std::ops::RangeInclusive;

/// Side of the crops that published face networks take, in pixels.
pub const CROP_PX: u32 = 112;
/// Sides a crop may have, in pixels.
pub const CROP_PX_RANGE: RangeInclusive<u32> = 16..=1024;

/// The points in a crop of 112 px: left eye, right eye, tip of the nose, left and right corner of the mouth.
/// `arcface_dst` in insightface's `python-package/insightface/utils/face_align.py`.
const POINTS_112: [Point; 5] =
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]];

/// The five points in a crop of `size_px` × `size_px`.
///
/// As insightface scales them: by size / 112; sizes that are multiples of 128 and not of 112 are the crop of 112 with
/// 8 more pixels at each side of it (scaled by size / 128), so that a network for 128 px sees a face as large.
pub fn template(size_px: u32) -> [Point; 5] {
    let widened = !size_px.is_multiple_of(112) && size_px.is_multiple_of(128);
    let (base, shift) = if widened { (128.0, 8.0) } else { (112.0, 0.0) };
    let ratio = f64::from(size_px) / base;
    POINTS_112.map(|[x, y]| [(x + shift) * ratio, y * ratio])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sizes_are_the_same_face_scaled() {
        assert_eq!(template(112), POINTS_112);
        for (size, ratio) in [(224, 2.0), (56, 0.5)] {
            for (point, base) in template(size).iter().zip(POINTS_112) {
                assert!((point[0] - base[0] * ratio).abs() < 1e-9 && (point[1] - base[1] * ratio).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn the_size_128_has_a_wider_margin_as_insightface_has_it() {
        for (point, base) in template(256).iter().zip(POINTS_112) {
            assert!((point[0] - 2.0 * (base[0] + 8.0)).abs() < 1e-9 && (point[1] - 2.0 * base[1]).abs() < 1e-9);
        }
    }
}
