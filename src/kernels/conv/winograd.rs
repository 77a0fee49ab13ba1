//! Winograd's minimal filtering F(2×2, 3×3) for 3×3 kernels with stride 1: sixteen products of small matrices with 2.25
//! times fewer multiplications than the convolution itself (Lavin and Gray 2016, arXiv:1509.09308).
//!
//! The way back is the adjoint of every step, so both gradients save as much as the output. Work is shared by images, and
//! a task's components stay in its second-level cache; where few tiles meet many weights, the other ways are as fast.

mod transform;

use super::shape::ConvShape;
use crate::kernels::matrix::{Matrix, Store, product, rows, transposed};
use rayon::prelude::*;
use std::ops::Range;
use transform::{COMPONENTS, Grid, Place, Scratch};

/// Fewer channels than this on either side are not worth the transforms.
const MIN_CHANNELS: usize = 64;
/// Tiles of one task aimed at.
const TILES: usize = 256;
/// Fewer tiles in all are not worth the transforms of the weights.
const MIN_TILES: usize = 1100;
/// At most this many partial sums of the weight gradient.
const PARTS: usize = 8;

pub(super) fn worthwhile(shape: &ConvShape) -> bool {
    let tiles = shape.n * Grid::new(shape.h, shape.w).tiles();
    shape.side == 3 && shape.stride == 1 && shape.c_in.min(shape.c_out) >= MIN_CHANNELS && tiles >= MIN_TILES
}

/// The output, `[n, c_out, h, w]`.
pub(super) fn forward(x: &[f32], w: &[f32], shape: &ConvShape) -> Vec<f32> {
    let plan = Plan::new(shape);
    let weights = plan.weights(w);
    let mut y = vec![0f32; shape.n * shape.y_len()];
    let tasks = y.par_chunks_mut(plan.group * shape.y_len()).zip(x.par_chunks(plan.group * shape.x_len()));
    tasks.for_each_init(|| Buffers::new(&plan), |buffers, (y, x)| buffers.forward(x, &weights, y));
    y
}

/// (gradient of the input, gradient of the weight); what is not wanted is empty.
pub(super) fn backward(x: &[f32], w: &[f32], dy: &[f32], shape: &ConvShape, want: [bool; 2]) -> (Vec<f32>, Vec<f32>) {
    let plan = Plan::new(shape);
    let weights = if want[0] { plan.weights(w) } else { Vec::new() };
    plan.backward(x, &weights, dy, want)
}

/// Sizes of one convolution in tiles. All choices follow from the shapes.
#[derive(Clone, Copy)]
struct Plan<'a> {
    shape: &'a ConvShape,
    grid: Grid,
    /// Images of one task.
    group: usize,
    /// Tile rows of one step of a task; all of them unless an image has many.
    strip: usize,
}

impl<'a> Plan<'a> {
    fn new(shape: &'a ConvShape) -> Self {
        let grid = Grid::new(shape.h, shape.w);
        let group = (TILES / grid.tiles()).clamp(1, shape.n);
        let strip = if group > 1 { grid.down } else { (TILES / grid.across).clamp(1, grid.down) };
        Self { shape, grid, group, strip }
    }

    /// Components of the weights, `[c_out, 16, c_in]`.
    fn weights(&self, w: &[f32]) -> Vec<f32> {
        let (c_out, c_in) = (self.shape.c_out, self.shape.c_in);
        let mut out = vec![0f32; c_out * COMPONENTS * c_in];
        let channels = out.par_chunks_mut(COMPONENTS * c_in).zip(w.par_chunks(9 * c_in));
        channels.with_min_len(8).for_each(|(out, kernels)| {
            for (i, kernel) in kernels.as_chunks::<9>().0.iter().enumerate() {
                for (component, value) in out.chunks_exact_mut(c_in).zip(transform::weight(kernel)) {
                    component[i] = value;
                }
            }
        });
        out
    }

    /// Component `k` of the weights, a matrix `[c_out, c_in]`.
    fn kernel<'b>(&self, weights: &'b [f32], k: usize) -> Matrix<'b> {
        rows(&weights[k * self.shape.c_in..], COMPONENTS * self.shape.c_in)
    }

    /// Its transpose.
    fn kernel_transposed<'b>(&self, weights: &'b [f32], k: usize) -> Matrix<'b> {
        transposed(&weights[k * self.shape.c_in..], COMPONENTS * self.shape.c_in)
    }

    /// Adjoint of [`Plan::weights`].
    fn weight_gradient(&self, du: &[f32]) -> Vec<f32> {
        let len = self.shape.c_out * self.shape.c_in;
        let mut dw = vec![0f32; 9 * len];
        dw.as_chunks_mut::<9>().0.par_iter_mut().enumerate().with_min_len(1024).for_each(|(i, dw)| {
            *dw = transform::weight_adjoint(&std::array::from_fn(|k| du[k * len + i]));
        });
        dw
    }

    fn backward(&self, x: &[f32], u: &[f32], dy: &[f32], want: [bool; 2]) -> (Vec<f32>, Vec<f32>) {
        let images = self.shape.n.div_ceil(PARTS).next_multiple_of(self.group);
        let (x_len, y_len) = (self.shape.x_len(), self.shape.y_len());
        let mut dx = vec![0f32; if want[0] { x.len() } else { 0 }];
        let mut parts: Vec<(&mut [f32], Vec<f32>)> = if want[0] {
            dx.chunks_mut(images * x_len).map(|dx| (dx, Vec::new())).collect()
        } else {
            x.chunks(images * x_len).map(|_| (Default::default(), Vec::new())).collect()
        };
        let tasks = parts.par_iter_mut().zip(x.par_chunks(images * x_len)).zip(dy.par_chunks(images * y_len));
        tasks.for_each(|(((dx, du), x), dy)| {
            let mut buffers = Buffers::new(self);
            *du = vec![0f32; if want[1] { COMPONENTS * self.shape.c_out * self.shape.c_in } else { 0 }];
            let mut dx = dx.chunks_mut(self.group * x_len);
            for (x, dy) in x.chunks(self.group * x_len).zip(dy.chunks(self.group * y_len)) {
                buffers.backward(x, u, dy, dx.next(), du);
            }
        });
        let mut sums = parts.into_iter().map(|(_, du)| du);
        let mut du = sums.next().unwrap_or_default();
        for part in sums {
            du.par_iter_mut().zip(part).with_min_len(1 << 14).for_each(|(sum, value)| *sum += value);
        }
        let dw = if want[1] { self.weight_gradient(&du) } else { Vec::new() };
        (dx, dw)
    }
}

/// What one task needs: components of the input and of the output of its present tiles.
struct Buffers<'a> {
    plan: Plan<'a>,
    scratch: Scratch,
    v: Vec<f32>,
    m: Vec<f32>,
}

impl<'a> Buffers<'a> {
    fn new(plan: &Plan<'a>) -> Self {
        let most = plan.group * plan.strip * plan.grid.across;
        Self {
            plan: *plan,
            scratch: Scratch::new(plan.grid, plan.strip),
            v: vec![0.0; COMPONENTS * plan.shape.c_in * most],
            m: vec![0.0; COMPONENTS * plan.shape.c_out * most],
        }
    }

    /// The tile rows of each step.
    fn strips(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (step, end) = (self.plan.strip, self.plan.grid.down);
        (0..end).step_by(step).map(move |first| first..(first + step).min(end))
    }

    /// Where the components of plane `i` of images with `channels` planes lie, `tiles` of them among `cols`.
    fn place(i: usize, channels: usize, tiles: usize, cols: usize) -> Place {
        Place { offset: (i % channels) * cols + (i / channels) * tiles, step: channels * cols }
    }

    /// Components of the tile rows `strip` of every plane of `images`.
    fn fill_input(&mut self, images: &[f32], strip: &Range<usize>, cols: usize) {
        let (c_in, pixels) = (self.plan.shape.c_in, self.plan.shape.h * self.plan.shape.w);
        let tiles = strip.len() * self.plan.grid.across;
        for (i, plane) in images.chunks_exact(pixels).enumerate() {
            let place = Self::place(i, c_in, tiles, cols);
            self.scratch.input(plane, strip.clone(), &mut self.v[..COMPONENTS * c_in * cols], place);
        }
    }

    fn forward(&mut self, x: &[f32], u: &[f32], y: &mut [f32]) {
        let Plan { shape, grid, .. } = self.plan;
        let (c_in, c_out, pixels) = (shape.c_in, shape.c_out, shape.pixels());
        let images = x.len() / shape.x_len();
        for strip in self.strips() {
            let tiles = strip.len() * grid.across;
            let cols = images * tiles;
            self.fill_input(x, &strip, cols);
            for k in 0..COMPONENTS {
                let m = &mut self.m[k * c_out * cols..][..c_out * cols];
                let v = rows(&self.v[k * c_in * cols..], cols);
                product([c_out, cols, c_in], (m, cols), self.plan.kernel(u, k), v, Store::Replace);
            }
            for (i, plane) in y.chunks_exact_mut(pixels).enumerate() {
                let place = Self::place(i, c_out, tiles, cols);
                transform::output(&self.m, place, strip.clone(), grid, plane);
            }
        }
    }

    /// Adds onto `dx` (if wanted) and onto `du` (empty if not wanted).
    fn backward(&mut self, x: &[f32], u: &[f32], dy: &[f32], mut dx: Option<&mut [f32]>, du: &mut [f32]) {
        let Plan { shape, grid, .. } = self.plan;
        let (c_in, c_out, pixels) = (shape.c_in, shape.c_out, shape.pixels());
        let images = x.len() / shape.x_len();
        for strip in self.strips() {
            let tiles = strip.len() * grid.across;
            let cols = images * tiles;
            for (i, plane) in dy.chunks_exact(pixels).enumerate() {
                let place = Self::place(i, c_out, tiles, cols);
                transform::output_adjoint(plane, strip.clone(), grid, &mut self.m[..COMPONENTS * c_out * cols], place);
            }
            if !du.is_empty() {
                self.fill_input(x, &strip, cols);
                for (k, du) in du.chunks_exact_mut(c_out * c_in).enumerate() {
                    let (dm, v) = (&self.m[k * c_out * cols..], &self.v[k * c_in * cols..]);
                    product([c_out, c_in, cols], (du, c_in), rows(dm, cols), transposed(v, cols), Store::Add);
                }
            }
            let Some(dx) = dx.as_deref_mut() else { continue };
            for k in 0..COMPONENTS {
                let dv = &mut self.v[k * c_in * cols..][..c_in * cols];
                let (u, dm) = (self.plan.kernel_transposed(u, k), rows(&self.m[k * c_out * cols..], cols));
                product([c_in, cols, c_out], (dv, cols), u, dm, Store::Replace);
            }
            for (i, plane) in dx.chunks_exact_mut(pixels).enumerate() {
                let place = Self::place(i, c_in, tiles, cols);
                self.scratch.input_adjoint(&self.v, place, strip.clone(), plane);
            }
        }
    }
}
