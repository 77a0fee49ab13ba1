//! Images as the columns of a matrix: each column holds the input pixels that one output pixel sees.

use super::shape::ConvShape;
use std::ops::Range;

/// Columns of a group of images, or of a strip of one image: `[k, images * lines * out_w]`.
pub(super) struct Columns {
    values: Vec<f32>,
}

impl Columns {
    /// Room for one group or strip of `shape`.
    pub(super) fn new(shape: &ConvShape) -> Self {
        let width = shape.group * shape.strip * shape.out_w;
        Self { values: vec![0.0; shape.k() * width] }
    }

    /// The patches of the output rows `lines` of `images` (whole images); the matrix and its width.
    pub(super) fn fill(&mut self, images: &[f32], lines: Range<usize>, shape: &ConvShape) -> (&[f32], usize) {
        let each = lines.len() * shape.out_w;
        let width = images.len() / shape.x_len() * each;
        for (i, image) in images.chunks_exact(shape.x_len()).enumerate() {
            for (c, plane) in image.chunks_exact(shape.h * shape.w).enumerate() {
                for tap in 0..shape.taps() {
                    let row = (c * shape.taps() + tap) * width + i * each;
                    gather(plane, &mut self.values[row..][..each], shape, tap, lines.clone());
                }
            }
        }
        (&self.values[..shape.k() * width], width)
    }
}

fn gather(plane: &[f32], row: &mut [f32], shape: &ConvShape, tap: usize, lines: Range<usize>) {
    // Every weight but the middle one meets padding somewhere; clearing the short row costs less than finding out where.
    if tap != shape.taps() / 2 {
        row.fill(0.0);
    }
    shape.runs(tap, lines, |to, from, len| {
        let to = &mut row[to..to + len];
        if shape.stride == 1 {
            to.copy_from_slice(&plane[from..from + len]);
        } else {
            for (to, from) in to.iter_mut().zip(plane[from..].iter().step_by(shape.stride)) {
                *to = *from;
            }
        }
    });
}

/// The reverse of [`Columns::fill`]: adds the gradients of the columns onto `images`.
pub(super) fn scatter(columns: &[f32], images: &mut [f32], lines: &Range<usize>, shape: &ConvShape) {
    let each = lines.len() * shape.out_w;
    let width = images.len() / shape.x_len() * each;
    for (i, image) in images.chunks_exact_mut(shape.x_len()).enumerate() {
        for (c, plane) in image.chunks_exact_mut(shape.h * shape.w).enumerate() {
            for tap in 0..shape.taps() {
                let row = (c * shape.taps() + tap) * width + i * each;
                scatter_row(&columns[row..][..each], plane, shape, tap, lines.clone());
            }
        }
    }
}

fn scatter_row(row: &[f32], plane: &mut [f32], shape: &ConvShape, tap: usize, lines: Range<usize>) {
    shape.runs(tap, lines, |from, to, len| {
        let from = &row[from..from + len];
        if shape.stride == 1 {
            for (to, from) in plane[to..to + len].iter_mut().zip(from) {
                *to += *from;
            }
        } else {
            for (to, from) in plane[to..].iter_mut().step_by(shape.stride).zip(from) {
                *to += *from;
            }
        }
    });
}

/// `[image][channel][pixel]` → `[channel][image][pixel]`, the order a shared product needs.
pub(super) fn channels_first(images: &[f32], shape: &ConvShape, out: &mut [f32]) {
    let (pixels, width) = (shape.pixels(), images.len() / shape.c_out);
    for (i, image) in images.chunks_exact(shape.y_len()).enumerate() {
        for (c, plane) in image.chunks_exact(pixels).enumerate() {
            out[c * width + i * pixels..][..pixels].copy_from_slice(plane);
        }
    }
}

/// The reverse of [`channels_first`].
pub(super) fn images_first(channels: &[f32], shape: &ConvShape, images: &mut [f32]) {
    let (pixels, width) = (shape.pixels(), images.len() / shape.c_out);
    for (i, image) in images.chunks_exact_mut(shape.y_len()).enumerate() {
        for (c, plane) in image.chunks_exact_mut(pixels).enumerate() {
            plane.copy_from_slice(&channels[c * width + i * pixels..][..pixels]);
        }
    }
}
