//! A checked call of `gemm`, which takes raw pointers.

use gemm::Parallelism;

/// `dst[side, side] = left · right`, all square and row-major, on one thread.
#[expect(unsafe_code, reason = "gemm takes raw pointers")]
pub(super) fn square_product(side: usize, dst: &mut [f32], left: &[f32], right: &[f32]) {
    let numbers = [dst.len(), left.len(), right.len()];
    assert!(numbers.iter().all(|len| *len >= side * side), "a matrix is smaller than its stated size");
    let (row, col) = (side as isize, 1);
    // SAFETY: the assertion bounds the largest offset gemm computes for each of the three matrices, and `dst` is borrowed
    // exclusively, so it overlaps neither of the others; the strides fit isize because the slices do.
    unsafe {
        let (dst, left, right) = (dst.as_mut_ptr(), left.as_ptr(), right.as_ptr());
        gemm::gemm(
            side,
            side,
            side,
            dst,
            col,
            row,
            false,
            left,
            col,
            row,
            right,
            col,
            row,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
