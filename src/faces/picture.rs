//! An image as a detector takes it in.

use crate::data::thumbnail;
use image::DynamicImage;

/// Sides of the input are multiples of this: the largest stride.
pub(super) const SIDE_STEP: usize = 32;

/// Blue, green and red planes of `height` × `width`, each value in [0, 255], the image at the top left, black beyond it.
pub(super) struct Picture {
    pub(super) planes: Vec<f32>,
    pub(super) width: usize,
    pub(super) height: usize,
    /// Pixels of the image per pixel of the picture, across and down.
    pub(super) scale: [f64; 2],
}

impl Picture {
    /// The image with its longer side at most `longest_px`, never enlarged; the input is as small as it can be.
    pub(super) fn within(image: &DynamicImage, longest_px: u32) -> Self {
        Self::new(image, longest_px, None)
    }

    /// The image in an input of exactly this size, never enlarged.
    pub(super) fn filling(image: &DynamicImage, (width, height): (usize, usize)) -> Self {
        let (w, h) = (f64::from(image.width().max(1)), f64::from(image.height().max(1)));
        let shrink = (width as f64 / w).min(height as f64 / h).min(1.0);
        Self::new(image, ((w.max(h) * shrink).floor() as u32).max(1), Some((width, height)))
    }

    fn new(image: &DynamicImage, longest_px: u32, size: Option<(usize, usize)>) -> Self {
        let small = thumbnail(image, longest_px);
        let (columns, rows) = (small.width as usize, small.height as usize);
        let (width, height) = size.unwrap_or((columns.next_multiple_of(SIDE_STEP), rows.next_multiple_of(SIDE_STEP)));
        let mut planes = vec![0.0; 3 * width * height];
        let rows_of = small.rgba.as_chunks::<4>().0.chunks(columns.max(1));
        // Blue first, as OpenCV reads images.
        for (plane, channel) in planes.chunks_exact_mut((width * height).max(1)).zip([2, 1, 0]) {
            for (target, source) in plane.chunks_exact_mut(width.max(1)).zip(rows_of.clone()) {
                for (value, pixel) in target.iter_mut().zip(source) {
                    *value = pixel.get(channel).copied().map_or(0.0, f32::from);
                }
            }
        }
        let per = |whole: u32, part: usize| f64::from(whole) / part.max(1) as f64;
        Self { planes, width, height, scale: [per(image.width(), columns), per(image.height(), rows)] }
    }
}
