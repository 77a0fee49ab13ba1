//! How alike two embeddings are, and which rows of a table are nearest to one.
//!
//! Not an approximate index: at the sizes a desktop holds, scanning every row is milliseconds and never
//! misses a neighbour. Angles are for display only; all comparing is done on cosines.

use rayon::prelude::*;

use super::EmbeddingTable;

/// Rows scanned by one task: large enough to hide the cost of handing out tasks.
const ROWS_PER_TASK: usize = 1024;

/// A row of a table and its similarity to the query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Row of the table.
    pub row: usize,
    /// Cosine similarity in [-1, 1].
    pub cosine: f32,
}

/// Cosine of the angle between two vectors of equal length, in [-1, 1]; they need not be unit vectors.
///
/// 0 if either has no direction (all zeros, or not finite).
pub fn cosine_similarity(a: &[f32], b: &[f32]) -> f32 {
    let (mut ab, mut aa, mut bb) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (&x, &y) in a.iter().zip(b) {
        let (x, y) = (f64::from(x), f64::from(y));
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    let cosine = ab / (aa * bb).sqrt();
    if cosine.is_finite() { cosine.clamp(-1.0, 1.0) as f32 } else { 0.0 }
}

/// Length of a vector, summed in f64 so that large activations do not overflow; not finite where a number of it is not.
pub fn vector_length(vector: &[f32]) -> f64 {
    vector.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt()
}

/// The angle, in degrees, whose cosine is `cos`; values a rounding error outside [-1, 1] are clamped.
pub fn angle_deg(cos: f32) -> f32 {
    f64::from(cos).clamp(-1.0, 1.0).acos().to_degrees() as f32
}

/// Dot product of two unit vectors, kept in [-1, 1].
pub(crate) fn unit_dot(a: &[f32], b: &[f32]) -> f32 {
    // Eight running sums let the compiler use vector registers; the order is fixed, so results repeat.
    let mut sums = [0.0_f32; 8];
    let (a_blocks, b_blocks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a_blocks.remainder().iter().zip(b_blocks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_blocks.zip(b_blocks) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += x * y;
        }
    }
    (sums.iter().sum::<f32>() + rest).clamp(-1.0, 1.0)
}

/// The `k` rows most similar to `query`, best first; equal similarities are ordered by row.
///
/// `query` need not be a unit vector. `exclude` leaves one row out, usually the query itself. Empty if the
/// query has another length than the rows, or no direction.
pub fn nearest(table: &EmbeddingTable, query: &[f32], k: usize, exclude: Option<usize>) -> Vec<Neighbour> {
    let length = vector_length(query);
    if query.len() != table.dim() || k == 0 || !length.is_finite() || length <= 0.0 {
        return Vec::new();
    }
    let query: Vec<f32> = query.iter().map(|&v| (f64::from(v) / length) as f32).collect();
    table
        .data()
        .par_chunks(table.dim() * ROWS_PER_TASK)
        .enumerate()
        .map(|(task, block)| {
            let found = block
                .chunks_exact(table.dim())
                .enumerate()
                .map(|(i, row)| Neighbour { row: task * ROWS_PER_TASK + i, cosine: unit_dot(row, &query) });
            keep_best(found.filter(|n| Some(n.row) != exclude).collect(), k)
        })
        .reduce(Vec::new, |mut left, right| {
            left.extend(right);
            keep_best(left, k)
        })
}

/// The `k` best of a list, sorted. The order is total, so it does not matter how the work was divided.
fn keep_best(mut found: Vec<Neighbour>, k: usize) -> Vec<Neighbour> {
    let order = |a: &Neighbour, b: &Neighbour| b.cosine.total_cmp(&a.cosine).then(a.row.cmp(&b.row));
    if found.len() > k {
        found.select_nth_unstable_by(k - 1, order);
        found.truncate(k);
    }
    found.sort_unstable_by(order);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_does_not_depend_on_length_and_has_a_value_for_no_direction() {
        assert!((cosine_similarity(&[2.0, 0.0], &[3.0, 3.0]) - 0.5_f32.sqrt()).abs() < 1e-6);
        assert!((cosine_similarity(&[1.0, 1.0], &[-5.0, -5.0]) + 1.0).abs() < 1e-6);
        assert!(cosine_similarity(&[0.0, 0.0], &[1.0, 0.0]).abs() < 1e-9);
        assert!(cosine_similarity(&[f32::NAN, 0.0], &[1.0, 0.0]).abs() < 1e-9);
    }

    #[test]
    fn the_length_does_not_overflow_and_is_not_finite_where_a_number_is_not() {
        assert!((vector_length(&[3.0, -4.0]) - 5.0).abs() < 1e-12 && vector_length(&[]) < 1e-12);
        assert!((vector_length(&[3e38, 3e38]) / 3e38 - 2_f64.sqrt()).abs() < 1e-6);
        assert!(!vector_length(&[1.0, f32::NAN]).is_finite() && !vector_length(&[f32::INFINITY]).is_finite());
    }

    #[test]
    fn angle_is_clamped_at_the_ends() {
        assert!(angle_deg(1.000_001).abs() < 1e-6);
        assert!((angle_deg(-1.1) - 180.0).abs() < 1e-6);
        assert!((angle_deg(0.5) - 60.0).abs() < 1e-4);
    }

    #[test]
    fn nearest_orders_by_similarity_then_row_and_skips_the_excluded() {
        let data = vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.6, 0.8, -1.0, 0.0];
        let table = EmbeddingTable::new(2, data, (0..5).collect(), vec![0; 5]).expect("valid");
        let rows = |exclude| nearest(&table, &[10.0, 0.0], 3, exclude).iter().map(|n| n.row).collect::<Vec<_>>();
        assert_eq!(rows(None), [0, 2, 3]);
        assert_eq!(rows(Some(0)), [2, 3, 1]);
        assert_eq!(nearest(&table, &[1.0, 0.0], 99, None).len(), 5);
        assert!(nearest(&table, &[1.0], 3, None).is_empty());
        assert!(nearest(&table, &[0.0, 0.0], 3, None).is_empty());
    }

    #[test]
    fn nearest_over_many_blocks_equals_a_plain_scan() {
        let n = 3 * ROWS_PER_TASK + 17;
        let data: Vec<f32> =
            (0..n).flat_map(|i| [((i * 37) % 101) as f32 - 50.0, 7.0, ((i * 53) % 89) as f32]).collect();
        let table = EmbeddingTable::new(3, data, (0..n as u32).collect(), vec![0; n]).expect("valid");
        let mut plain: Vec<Neighbour> =
            (0..n).map(|row| Neighbour { row, cosine: unit_dot(table.row(row), table.row(5)) }).collect();
        plain.sort_by(|a, b| b.cosine.total_cmp(&a.cosine).then(a.row.cmp(&b.row)));
        plain.truncate(40);
        let found: Vec<usize> = nearest(&table, table.row(5), 40, None).iter().map(|n| n.row).collect();
        assert_eq!(found, plain.iter().map(|n| n.row).collect::<Vec<_>>());
    }
}
