//! Convolution by columns: input patches become columns, and a group of images (or a strip of a large one) is one
//! matrix product. Works for every shape; the other ways are faster for some.

use super::columns::{Columns, channels_first, images_first, scatter};
use super::shape::ConvShape;
use crate::kernels::matrix::{Store, product, rows, transposed};
use rayon::prelude::*;

/// At most this many partial sums of the weight gradient.
const PARTS: usize = 8;

/// The output, `[n, c_out, out_h, out_w]`.
pub(super) fn forward(x: &[f32], w: &[f32], shape: ConvShape) -> Vec<f32> {
    let mut y = vec![0f32; shape.n * shape.y_len()];
    let groups = y.par_chunks_mut(shape.group * shape.y_len()).zip(x.par_chunks(shape.group * shape.x_len()));
    groups.for_each_init(
        || (Columns::new(&shape), vec![0f32; if shape.group > 1 { shape.group * shape.y_len() } else { 0 }]),
        |(columns, joint), (y, x)| {
            let k = shape.k();
            if y.len() == shape.y_len() {
                for lines in shape.strips() {
                    let offset = lines.start * shape.out_w;
                    let (columns, width) = columns.fill(x, lines, &shape);
                    let target = (&mut y[offset..], shape.pixels());
                    product([shape.c_out, width, k], target, rows(w, k), rows(columns, width), Store::Replace);
                }
            } else {
                let (columns, width) = columns.fill(x, 0..shape.out_h, &shape);
                let target = (&mut joint[..], width);
                product([shape.c_out, width, k], target, rows(w, k), rows(columns, width), Store::Replace);
                images_first(&joint[..y.len()], &shape, y);
            }
        },
    );
    y
}

/// (gradient of the input, gradient of the weight); what is not wanted is empty.
pub(super) fn backward(x: &[f32], w: &[f32], dy: &[f32], shape: ConvShape, want: [bool; 2]) -> (Vec<f32>, Vec<f32>) {
    let images_per_part = shape.n.div_ceil(PARTS).next_multiple_of(shape.group);
    let (x_chunk, y_chunk) = (images_per_part * shape.x_len(), images_per_part * shape.y_len());
    let mut dx = vec![0f32; if want[0] { x.len() } else { 0 }];
    let mut parts: Vec<(&mut [f32], Vec<f32>)> = if want[0] {
        dx.chunks_mut(x_chunk).map(|dx| (dx, Vec::new())).collect()
    } else {
        x.chunks(x_chunk).map(|_| (Default::default(), Vec::new())).collect()
    };
    parts
        .par_iter_mut()
        .zip(x.par_chunks(x_chunk))
        .zip(dy.par_chunks(y_chunk))
        .for_each(|(((dx, dw), x), dy)| *dw = Part::new(&shape, want).run(dx, x, w, dy));
    let mut sums = parts.into_iter().map(|(_, dw)| dw);
    let mut dw = sums.next().unwrap_or_default();
    for part in sums {
        dw.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
    }
    (dx, dw)
}

/// The buffers of one part of the backward pass.
struct Part<'a> {
    shape: &'a ConvShape,
    want_w: bool,
    columns: Columns,
    dcolumns: Vec<f32>,
    joint: Vec<f32>,
    dw: Vec<f32>,
}

impl<'a> Part<'a> {
    fn new(shape: &'a ConvShape, want: [bool; 2]) -> Self {
        let width = shape.group * shape.strip * shape.out_w;
        let sized = |wanted: bool, len: usize| vec![0f32; if wanted { len } else { 0 }];
        Self {
            shape,
            want_w: want[1],
            columns: Columns::new(shape),
            dcolumns: sized(want[0], shape.k() * width),
            joint: sized(shape.group > 1, shape.group * shape.y_len()),
            dw: sized(want[1], shape.c_out * shape.k()),
        }
    }

    /// Adds the gradient of the input onto `dx` (empty if not wanted); returns that of the weight.
    fn run(mut self, dx: &mut [f32], x: &[f32], w: &[f32], dy: &[f32]) -> Vec<f32> {
        let shape = self.shape;
        let mut dx_groups = dx.chunks_mut(shape.group * shape.x_len());
        let groups = x.chunks(shape.group * shape.x_len()).zip(dy.chunks(shape.group * shape.y_len()));
        for (x, dy) in groups {
            let dx = dx_groups.next();
            if dy.len() == shape.y_len() {
                self.image(dx, x, w, dy);
            } else {
                self.group(dx, x, w, dy);
            }
        }
        self.dw
    }

    fn image(&mut self, mut dx: Option<&mut [f32]>, x: &[f32], w: &[f32], dy: &[f32]) {
        for lines in self.shape.strips() {
            let dy = &dy[lines.start * self.shape.out_w..];
            if self.want_w {
                let (columns, width) = self.columns.fill(x, lines.clone(), self.shape);
                let k = self.shape.k();
                let size = [self.shape.c_out, k, width];
                let (dy, columns) = (rows(dy, self.shape.pixels()), transposed(columns, width));
                product(size, (&mut self.dw, k), dy, columns, Store::Add);
            }
            if let Some(dx) = dx.as_deref_mut() {
                let (k, width) = (self.shape.k(), lines.len() * self.shape.out_w);
                let target = (&mut self.dcolumns[..], width);
                let dy = rows(dy, self.shape.pixels());
                product([k, width, self.shape.c_out], target, transposed(w, k), dy, Store::Replace);
                scatter(&self.dcolumns, dx, &lines, self.shape);
            }
        }
    }

    fn group(&mut self, dx: Option<&mut [f32]>, x: &[f32], w: &[f32], dy: &[f32]) {
        let (shape, lines) = (self.shape, 0..self.shape.out_h);
        channels_first(dy, shape, &mut self.joint);
        let (k, width) = (shape.k(), dy.len() / shape.c_out);
        let dy = rows(&self.joint, width);
        if self.want_w {
            let (columns, width) = self.columns.fill(x, lines.clone(), shape);
            product([shape.c_out, k, width], (&mut self.dw, k), dy, transposed(columns, width), Store::Add);
        }
        if let Some(dx) = dx {
            let target = (&mut self.dcolumns[..], width);
            product([k, width, shape.c_out], target, transposed(w, k), dy, Store::Replace);
            scatter(&self.dcolumns, dx, &lines, shape);
        }
    }
}
