//! Embeddings as the rest of the program passes them around: unit vectors with the item, class and former length of each.
//!
//! Not for tensors: by the time a table exists the device is out of the picture. Rows are normalised once,
//! on the way in, so that a cosine is a plain dot product everywhere else; a row that cannot be normalised is
//! refused by name instead of quietly spreading NaN into every later figure.

use super::{EvalError, vector_length};

/// N unit-norm embeddings with the catalogue item and class of each row.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingTable {
    dim: usize,
    data: Vec<f32>,
    lengths: Vec<f32>,
    items: Vec<u32>,
    classes: Vec<u32>,
}

impl EmbeddingTable {
    /// Takes N×`dim` numbers, row by row, and normalises every row to length 1.
    ///
    /// `items[i]` is the catalogue index of the image behind row i, `classes[i]` its class. An empty table
    /// is allowed.
    ///
    /// # Errors
    /// `dim` of 0, a length that does not match, more than 2^32 - 1 rows, or a row that is all zeros or
    /// holds a number that is not finite.
    pub fn new(dim: usize, mut data: Vec<f32>, items: Vec<u32>, classes: Vec<u32>) -> Result<Self, EvalError> {
        if dim == 0 {
            return Err(EvalError::NoDimensions);
        }
        let rows = items.len();
        if u32::try_from(rows).is_err() {
            return Err(EvalError::TooManyRows { rows });
        }
        check_size("numbers", rows.saturating_mul(dim), data.len())?;
        check_size("class labels", rows, classes.len())?;
        let rows = data.chunks_exact_mut(dim).enumerate();
        let lengths = rows
            .map(|(row, values)| normalise(values).map_err(|reason| EvalError::BadRow { row, reason }))
            .collect::<Result<_, _>>()?;
        Ok(Self { dim, data, lengths, items, classes })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Numbers per row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Row `i`, of length 1. Empty if there is no such row.
    pub fn row(&self, i: usize) -> &[f32] {
        let start = i.saturating_mul(self.dim);
        self.data.get(start..start.saturating_add(self.dim)).unwrap_or(&[])
    }

    /// All rows, N×dim, row by row.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// Length that each row had before it was normalised.
    pub fn lengths(&self) -> &[f32] {
        &self.lengths
    }

    /// Catalogue index of each row.
    pub fn items(&self) -> &[u32] {
        &self.items
    }

    /// Class of each row.
    pub fn classes(&self) -> &[u32] {
        &self.classes
    }
}

fn check_size(what: &'static str, expected: usize, found: usize) -> Result<(), EvalError> {
    if expected == found { Ok(()) } else { Err(EvalError::SizeMismatch { what, expected, found }) }
}

/// Scales to length 1, and tells the length before.
fn normalise(values: &mut [f32]) -> Result<f32, &'static str> {
    let length = vector_length(values);
    if !length.is_finite() {
        return Err("it holds NaN or infinity");
    }
    if length <= 0.0 {
        return Err("all its numbers are zero");
    }
    for value in values {
        *value = (f64::from(*value) / length) as f32;
    }
    Ok(length as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_unit_vectors() {
        let table = EmbeddingTable::new(2, vec![3.0, 4.0, 0.0, -1e30], vec![5, 6], vec![0, 1]).expect("valid");
        assert!((table.row(0)[0] - 0.6).abs() < 1e-6 && (table.row(0)[1] - 0.8).abs() < 1e-6);
        assert!((table.row(1)[1] + 1.0).abs() < 1e-6);
        assert!(table.row(2).is_empty());
        assert_eq!((table.len(), table.dim(), table.items()), (2, 2, &[5, 6][..]));
        assert_eq!(table.lengths(), [5.0, 1e30], "how long they were is still known");
    }

    #[test]
    fn a_zero_or_non_finite_row_is_refused_by_its_number() {
        for bad in [[0.0, 0.0], [f32::NAN, 1.0], [f32::INFINITY, 1.0]] {
            let data = [[1.0, 0.0], bad].concat();
            let error = EmbeddingTable::new(2, data, vec![0, 1], vec![0, 0]).expect_err("bad row");
            assert!(matches!(error, EvalError::BadRow { row: 1, .. }), "{error}");
        }
    }

    #[test]
    fn sizes_that_do_not_match_are_refused() {
        assert_eq!(EmbeddingTable::new(0, vec![], vec![], vec![]), Err(EvalError::NoDimensions));
        assert!(matches!(
            EmbeddingTable::new(2, vec![1.0; 3], vec![0, 1], vec![0, 1]),
            Err(EvalError::SizeMismatch { expected: 4, found: 3, .. })
        ));
        assert!(matches!(
            EmbeddingTable::new(2, vec![1.0; 4], vec![0, 1], vec![0]),
            Err(EvalError::SizeMismatch { expected: 2, found: 1, .. })
        ));
        assert!(EmbeddingTable::new(2, vec![], vec![], vec![]).expect("empty is fine").is_empty());
    }
}
