//! Principal components: the quick, deterministic map, and the first step of the other methods.
//!
//! Not a linear-algebra library (`eigen.rs` has the little that is needed). The matrix of products is formed
//! on the smaller side of the table, D×D or N×N. A component's sign is free in theory; here its largest entry is made
//! positive, so that a map does not flip between two calls.

use super::eigen::leading;
use super::layout::check;
use super::{Layout, MapError, MapMethod};
use crate::eval::EmbeddingTable;
use ndarray::{Array1, Array2, Axis, s};

/// Largest side of the matrix of products: 16,384² numbers are 2 GiB.
const MATRIX_LIMIT: usize = 16_384;
/// Rows turned into f64 at a time, so that memory does not double for large tables.
const ROW_BLOCK: usize = 2048;

/// Centred coordinates along the leading components.
pub(crate) struct Components {
    /// N×k, the first column having the largest variance; columns beyond the rank are 0.
    pub(crate) scores: Array2<f64>,
    /// Share of the total variance that the k components hold, in [0, 1]; 1 if there is none at all.
    pub(crate) variance_kept: f64,
    /// Total variance, summed over dimensions.
    pub(crate) variance: f64,
}

/// The map of largest variance in 2 or 3 dimensions. Units are those of the embeddings: distances are
/// shortened chords of the unit sphere, at most 2.
///
/// # Errors
/// An empty table, other dimensions, or more than 16,384 rows *and* dimensions.
pub fn pca(table: &EmbeddingTable, dims: usize, seed: u64) -> Result<Layout, MapError> {
    check(table, dims)?;
    let found = components(table, dims, seed)?;
    let mut layout = Layout {
        dims,
        xy: found.scores.iter().map(|&v| v as f32).collect(),
        method: MapMethod::Pca,
        note: None,
        rows: (0..table.len() as u32).collect(),
    };
    if found.variance <= VARIANCE_FLOOR {
        layout.add_note("all points coincide".to_owned());
    }
    Ok(layout)
}

/// Below this, unit vectors in f32 are equal up to rounding.
pub(crate) const VARIANCE_FLOOR: f64 = 1e-12;

/// The `k` leading principal components of a table.
pub(crate) fn components(table: &EmbeddingTable, k: usize, seed: u64) -> Result<Components, MapError> {
    let (rows, dim) = (table.len(), table.dim());
    let side = rows.min(dim);
    if side > MATRIX_LIMIT {
        return Err(MapError::TooLarge { rows, dim, smaller: side, limit: MATRIX_LIMIT });
    }
    let mean = column_means(table);
    let products = if dim <= rows { covariance(table, &mean) } else { gram(table, &mean) };
    let variance = products.diag().sum() / rows.max(1) as f64;
    let mut scores = Array2::zeros((rows, k));
    if variance <= VARIANCE_FLOOR {
        return Ok(Components { scores, variance_kept: 1.0, variance });
    }
    let (values, vectors) = leading(&products, k.min(side), seed);
    let loadings = if dim <= rows { vectors } else { loadings_of_gram(table, &mean, &vectors) };
    let loadings = fix_signs(loadings);
    for start in (0..rows).step_by(ROW_BLOCK) {
        let block = centred_block(table, &mean, start);
        let end = start + block.nrows();
        scores.slice_mut(s![start..end, ..loadings.ncols()]).assign(&block.dot(&loadings));
    }
    // What rounding leaves in directions without variance would be blown up by later scaling.
    let total: f64 = products.diag().sum();
    for (mut column, &value) in scores.axis_iter_mut(Axis(1)).zip(&values) {
        if value <= 1e-12 * total {
            column.fill(0.0);
        }
    }
    let kept = values.iter().sum::<f64>() / total;
    Ok(Components { scores, variance_kept: kept.clamp(0.0, 1.0), variance })
}

fn column_means(table: &EmbeddingTable) -> Array1<f64> {
    let mut mean = Array1::<f64>::zeros(table.dim());
    for row in table.data().chunks_exact(table.dim()) {
        mean.iter_mut().zip(row).for_each(|(m, &v)| *m += f64::from(v));
    }
    mean / table.len().max(1) as f64
}

/// Up to `ROW_BLOCK` centred rows from `start`.
fn centred_block(table: &EmbeddingTable, mean: &Array1<f64>, start: usize) -> Array2<f64> {
    let rows = ROW_BLOCK.min(table.len() - start);
    Array2::from_shape_fn((rows, table.dim()), |(i, j)| f64::from(table.row(start + i)[j]) - mean[j])
}

/// `XᵀX` of the centred rows, D×D.
fn covariance(table: &EmbeddingTable, mean: &Array1<f64>) -> Array2<f64> {
    let mut sum = Array2::zeros((table.dim(), table.dim()));
    for start in (0..table.len()).step_by(ROW_BLOCK) {
        let block = centred_block(table, mean, start);
        sum += &block.t().dot(&block);
    }
    sum
}

/// `XXᵀ` of the centred rows, N×N, block of rows against block of rows.
fn gram(table: &EmbeddingTable, mean: &Array1<f64>) -> Array2<f64> {
    let n = table.len();
    let mut products = Array2::zeros((n, n));
    for i in (0..n).step_by(ROW_BLOCK) {
        let left = centred_block(table, mean, i);
        for j in (0..n).step_by(ROW_BLOCK) {
            let right = centred_block(table, mean, j);
            let mut part = products.slice_mut(s![i..i + left.nrows(), j..j + right.nrows()]);
            part.assign(&left.dot(&right.t()));
        }
    }
    products
}

/// Unit directions in D dimensions from the eigenvectors of `XXᵀ`: `Xᵀu`, normalised.
fn loadings_of_gram(table: &EmbeddingTable, mean: &Array1<f64>, vectors: &Array2<f64>) -> Array2<f64> {
    let mut loadings = Array2::<f64>::zeros((table.dim(), vectors.ncols()));
    for start in (0..table.len()).step_by(ROW_BLOCK) {
        let block = centred_block(table, mean, start);
        loadings += &block.t().dot(&vectors.slice(s![start..start + block.nrows(), ..]));
    }
    for mut column in loadings.columns_mut() {
        let length = column.dot(&column).sqrt();
        if length > 0.0 {
            column /= length;
        }
    }
    loadings
}

fn fix_signs(mut loadings: Array2<f64>) -> Array2<f64> {
    for mut column in loadings.columns_mut() {
        let size = column.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        // The first entry that is as good as the largest: exact equality would hang on rounding.
        if column.iter().find(|v| v.abs() >= size * (1.0 - 1e-6)).is_some_and(|&v| v < 0.0) {
            column *= -1.0;
        }
    }
    loadings
}
