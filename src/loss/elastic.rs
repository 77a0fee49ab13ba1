//! ElasticFace (Boutros et al., arXiv:2109.09416): ArcFace's or CosFace's margin drawn anew for every sample,
//! `m ~ N(m, σ)`, σ = 0.05.
//!
//! For classes of uneven spread. m and σ in radians (Arc, m = 0.5) or amounts of cosine (Cos, m = 0.35); s = 64.
//!
//! The automatic spread is the published one of each (`Head::published_margin_std`).
//!
//! ElasticFace+ gives the smallest of a batch's margins to the sample nearest its class (σ = 0.0175 for Arc, 0.02 for Cos).
//! That is the paper's rule; the authors' code indexes the sorted margins with `argsort` where it would take the rank, which
//! scrambles them.

use crate::kernels::random::Draw;
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor};

/// One margin per sample of a batch.
pub(super) fn draw(count: usize, mean: f64, std: f64, seed: u64) -> Vec<f32> {
    let mut draw = Draw::new(seed, "elastic margins");
    (0..count).map(|_| (mean + std * draw.standard_normal()) as f32).collect()
}

/// Margins in rising order, handed out by falling cosine, `[n]`.
pub(super) fn by_rank<B: Backend>(ascending: Tensor<B, 1>, cosine: Tensor<B, 1>) -> Tensor<B, 1> {
    ascending.select(0, falling_rank(cosine))
}

/// Place of every value among all from the largest (0) down; equal values in the order they come. Counted pair by pair,
/// because sorting on a GPU makes the host wait.
pub(super) fn falling_rank<B: Backend>(values: Tensor<B, 1>) -> Tensor<B, 1, Int> {
    let n = values.dims()[0];
    let device = values.device();
    let (row, column) = (values.clone().reshape([1, n]).expand([n, n]), values.reshape([n, 1]).expand([n, n]));
    let place = Tensor::<B, 1, Int>::arange(0..n as i64, &device);
    let earlier = place.clone().reshape([1, n]).expand([n, n]).lower(place.reshape([n, 1]).expand([n, n]));
    let before = row.clone().greater(column.clone()).bool_or(row.equal(column).bool_and(earlier));
    before.int().sum_dim(1).reshape([n])
}
