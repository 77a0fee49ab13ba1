//! A checked call of `gemm`: the only place where the crate hands out raw pointers.

use gemm::Parallelism;

/// A matrix inside a slice: element (row, col) lies at `row * row_stride + col * col_stride`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix<'a> {
    values: &'a [f32],
    row_stride: usize,
    col_stride: usize,
}

/// Row-major, rows `row_stride` apart.
pub(super) fn rows(values: &[f32], row_stride: usize) -> Matrix<'_> {
    Matrix { values, row_stride, col_stride: 1 }
}

/// The transpose of [`rows`].
pub(super) fn transposed(values: &[f32], row_stride: usize) -> Matrix<'_> {
    Matrix { values, row_stride: 1, col_stride: row_stride }
}

/// What happens to what the destination held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Store {
    Replace,
    Add,
}

/// `dst[m, n] = left[m, k] · right[k, n]` (or `+=`) on one thread; the rows of `dst` lie `dst_stride` apart.
#[expect(unsafe_code, reason = "gemm takes raw pointers")]
pub(super) fn product(
    [m, n, k]: [usize; 3],
    (dst, dst_stride): (&mut [f32], usize),
    left: Matrix<'_>,
    right: Matrix<'_>,
    store: Store,
) {
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    let last =
        |matrix: &Matrix<'_>, rows: usize, cols: usize| (rows - 1) * matrix.row_stride + (cols - 1) * matrix.col_stride;
    assert!(
        dst_stride >= n
            && dst.len() >= (m - 1) * dst_stride + n
            && left.values.len() > last(&left, m, k)
            && right.values.len() > last(&right, k, n),
        "a matrix is smaller than its stated size"
    );
    // SAFETY: the assertion bounds the largest offset gemm computes for each of the three matrices, and the rows of
    // `dst` do not overlap each other; `dst` is borrowed exclusively, so it overlaps neither `left` nor `right`; the strides
    // fit isize because the slices do.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            dst.as_mut_ptr(),
            1,
            dst_stride as isize,
            store == Store::Add,
            left.values.as_ptr(),
            left.col_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.col_stride as isize,
            right.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
