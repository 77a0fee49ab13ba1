//! An image and the points of a face to the crop a network sees.

use super::warp::warp;
use super::{Point, Similarity, template};
use crate::data::{Preprocess, fit};
use image::{DynamicImage, GrayImage, RgbImage};

/// Points of a face in pixels of its image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Landmarks {
    /// Left eye, right eye, tip of the nose, left and right corner of the mouth, as the viewer sees them.
    Five([Point; 5]),
    /// Left and right eye, as the viewer sees them.
    Eyes([Point; 2]),
}

impl Landmarks {
    /// The points in their order.
    pub fn points(&self) -> &[Point] {
        match self {
            Self::Five(points) => points,
            Self::Eyes(points) => points,
        }
    }

    /// The points, to be moved.
    pub fn points_mut(&mut self) -> &mut [Point] {
        match self {
            Self::Five(points) => points,
            Self::Eyes(points) => points,
        }
    }

    /// The map that brings the points to the template of a crop; `None` when they lie on one spot.
    pub fn to_crop(&self, size_px: u32) -> Option<Similarity> {
        let template = template(size_px);
        let points = self.points();
        Similarity::fit(points, template.get(..points.len())?)
    }
}

/// The face at `landmarks`, upright, in a square of `size_px` whose points lie where [`template`] says. Grey images give
/// grey crops. `None` when the points lie on one spot.
pub fn align(image: &DynamicImage, landmarks: &Landmarks, size_px: u32) -> Option<DynamicImage> {
    Some(warp(image, &landmarks.to_crop(size_px)?, size_px))
}

/// The middle of the image as a square of `size_px`: what stands in where no face was found.
pub fn centre(image: &DynamicImage, size_px: u32) -> DynamicImage {
    if matches!(image, DynamicImage::ImageLuma8(_)) {
        let pixels = fit(image, &Preprocess::new(size_px, 1));
        return DynamicImage::ImageLuma8(GrayImage::from_raw(size_px, size_px, pixels).unwrap_or_default());
    }
    let pixels = fit(image, &Preprocess::new(size_px, 3));
    DynamicImage::ImageRgb8(RgbImage::from_raw(size_px, size_px, pixels).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Luma, imageops};

    /// Dots at five points of a dark photo.
    fn dotted(points: &[Point; 5]) -> DynamicImage {
        let bright = |x: u32, y: u32| {
            let near = |[px, py]: &Point| (px - f64::from(x)).hypot(py - f64::from(y)) < 4.0;
            if points.iter().any(near) { 255 } else { 20 }
        };
        DynamicImage::ImageLuma8(GrayImage::from_fn(400, 300, |x, y| Luma([bright(x, y)])))
    }

    #[test]
    fn the_points_come_to_lie_on_the_template_whatever_the_turn() {
        for (a, b) in [(1.4, 0.0), (1.2, 0.6), (1.0, -0.8)] {
            let map = Similarity { a, b, tx: 120.0, ty: 60.0 };
            let points = template(112).map(|point| map.apply(point));
            let photo = dotted(&points);
            let eyes = [points[0], points[1]];
            for landmarks in [Landmarks::Five(points), Landmarks::Eyes(eyes)] {
                let crop = align(&photo, &landmarks, 112).unwrap().to_luma8();
                for [x, y] in template(112) {
                    assert!(crop.get_pixel(x.round() as u32, y.round() as u32).0[0] > 200, "{landmarks:?} ({x}, {y})");
                }
                assert!(crop.get_pixel(56, 40).0[0] < 60);
            }
        }
    }

    #[test]
    fn an_upright_crop_of_twice_the_size_is_shrunk_to_half() {
        let points = template(224);
        let photo = imageops::blur(&dotted(&points).to_luma8(), 4.0);
        let crop = align(&DynamicImage::ImageLuma8(photo.clone()), &Landmarks::Five(points), 112).unwrap().to_luma8();
        for (x, y, pixel) in crop.enumerate_pixels().filter(|(x, y, _)| x % 9 == 0 && y % 9 == 0) {
            let there = photo.get_pixel(2 * x, 2 * y).0[0];
            assert!(pixel.0[0].abs_diff(there) <= 1, "({x}, {y}): {} for {there}", pixel.0[0]);
        }
    }

    #[test]
    fn points_on_one_spot_give_no_crop() {
        let photo = dotted(&template(112));
        assert!(align(&photo, &Landmarks::Five([[7.0, 7.0]; 5]), 112).is_none());
        assert!(align(&photo, &Landmarks::Eyes([[7.0, 7.0]; 2]), 112).is_none());
    }

    #[test]
    fn the_middle_stands_in_at_any_size() {
        for size in [16, 112, 300] {
            let middle = centre(&dotted(&template(112)), size);
            assert_eq!((middle.width(), middle.height()), (size, size));
        }
    }
}
