//! Eigenvectors of symmetric matrices: all of a small one, or the leading few of a large one.
//!
//! Not for matrices that are not symmetric. Written here because it is a page, while a linear-algebra
//! library would be a heavy dependency for it: Jacobi rotations for small matrices, and for large ones
//! subspace iteration with Jacobi inside.

use ndarray::{Array2, Axis, s};
use rand::Rng;

use crate::eval::named_stream;

/// Up to this side the Jacobi solver takes the whole matrix.
const JACOBI_LIMIT: usize = 64;
/// Extra directions carried along: they take up what would slow down the wanted ones.
const OVERSAMPLING: usize = 12;
const MAX_ITERATIONS: usize = 400;

/// The `k` largest eigenvalues of a symmetric matrix, descending, and their vectors as columns.
pub(super) fn leading(matrix: &Array2<f64>, k: usize, seed: u64) -> (Vec<f64>, Array2<f64>) {
    let side = matrix.nrows();
    if side <= JACOBI_LIMIT {
        let (mut values, vectors) = jacobi(matrix.clone());
        values.truncate(k);
        return (values, vectors.slice(s![.., ..k]).to_owned());
    }
    let width = side.min(k + OVERSAMPLING);
    let mut rng = named_stream(seed, "map/pca start");
    let mut basis = orthonormal(Array2::from_shape_simple_fn((side, width), || rng.gen_range(-1.0..1.0)));
    let mut previous: Vec<f64> = Vec::new();
    for _ in 0..MAX_ITERATIONS {
        // Rayleigh–Ritz: the best eigenvectors inside the subspace, then one step of the power method.
        let image = matrix.dot(&basis);
        let (values, turn) = jacobi(basis.t().dot(&image));
        let (vectors, image) = (basis.dot(&turn), image.dot(&turn));
        let scale = values.first().copied().unwrap_or(0.0).abs();
        let settled = previous.len() == values.len()
            && values.iter().zip(&previous).take(k).all(|(a, b)| (a - b).abs() <= 1e-11 * scale);
        if settled {
            return (values[..k].to_vec(), vectors.slice(s![.., ..k]).to_owned());
        }
        previous = values;
        basis = orthonormal(image);
    }
    // Equal eigenvalues never settle on single vectors; any basis of their plane is as good a map.
    let (mut values, turn) = jacobi(basis.t().dot(&matrix.dot(&basis)));
    values.truncate(k);
    (values, basis.dot(&turn).slice(s![.., ..k]).to_owned())
}

/// Gram–Schmidt, done twice because once is not enough in floating point. A column that depends on the
/// ones before it becomes 0 and stays so, which costs a spare direction and nothing else.
fn orthonormal(mut basis: Array2<f64>) -> Array2<f64> {
    for k in 0..basis.ncols() {
        let (done, mut rest) = basis.view_mut().split_at(Axis(1), k);
        let mut column = rest.column_mut(0);
        let before = column.dot(&column).sqrt();
        for _ in 0..2 {
            let along = done.t().dot(&column);
            column -= &done.dot(&along);
        }
        let length = column.dot(&column).sqrt();
        if length > 1e-13 * before && length > 0.0 {
            column /= length;
        } else {
            column.fill(0.0);
        }
    }
    basis
}

/// All eigenvalues of a small symmetric matrix, descending, and the eigenvectors as columns: cyclic Jacobi
/// rotations (Golub & Van Loan, section 8.5).
pub(crate) fn jacobi(mut a: Array2<f64>) -> (Vec<f64>, Array2<f64>) {
    let n = a.nrows();
    let mut vectors = Array2::<f64>::eye(n);
    let size = a.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    for _ in 0..60 {
        let mut rotated = false;
        for (p, q) in (0..n).flat_map(|p| (p + 1..n).map(move |q| (p, q))) {
            let off = a[[p, q]];
            if off.abs() <= 1e-15 * size {
                continue;
            }
            rotated = true;
            let tau = (a[[q, q]] - a[[p, p]]) / (2.0 * off);
            let t = tau.signum() / (tau.abs() + tau.hypot(1.0));
            let cos = 1.0 / t.hypot(1.0);
            let sin = t * cos;
            for i in 0..n {
                rotate(&mut a, [i, p], [i, q], cos, sin);
                rotate(&mut vectors, [i, p], [i, q], cos, sin);
            }
            for i in 0..n {
                rotate(&mut a, [p, i], [q, i], cos, sin);
            }
        }
        if !rotated {
            break;
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[[j, j]].total_cmp(&a[[i, i]]).then(i.cmp(&j)));
    (order.iter().map(|&i| a[[i, i]]).collect(), vectors.select(Axis(1), &order))
}

fn rotate(matrix: &mut Array2<f64>, at_p: [usize; 2], at_q: [usize; 2], cos: f64, sin: f64) {
    let (p, q) = (matrix[at_p], matrix[at_q]);
    matrix[at_p] = cos * p - sin * q;
    matrix[at_q] = sin * p + cos * q;
}
