use super::{normalize_rows, reference};
use crate::kernels::Cpu;
use crate::kernels::testing::{Rough, check_gradient, largest_difference, random, run_with_threads, values};
use burn::backend::Flex;
use burn::tensor::{Tensor, TensorPrimitive};

/// Unit rows and the gradient of the rows for a fixed gradient of the unit rows.
fn fast(n: usize, d: usize) -> [Tensor<Flex, 2>; 2] {
    let x = Tensor::<Cpu, 2>::from_inner(random([n, d], 1) * 3.0).require_grad();
    let y = normalize_rows(x.clone());
    let grads = (y.clone() * Tensor::from_inner(random([n, d], 2))).sum().backward();
    [y.inner(), x.grad(&grads).unwrap()]
}

#[test]
fn rows_and_gradient_equal_the_reference() {
    for (n, d) in [(1, 1), (3, 4), (7, 33), (64, 128)] {
        let [unit, length] = reference::forward::<Flex>((random([n, d], 1) * 3.0).into_primitive().tensor());
        let dx = reference::backward::<Flex>(unit.clone(), length, random([n, d], 2).into_primitive().tensor());
        let tensor = |p| Tensor::<Flex, 2>::from_primitive(TensorPrimitive::Float(p));
        for (a, b) in fast(n, d).into_iter().zip([tensor(unit), tensor(dx)]) {
            let difference = largest_difference(a, b);
            assert!(difference < 2e-6, "{n} x {d} differs by {difference}");
        }
    }
}

#[test]
fn gradient_equals_finite_differences() {
    let [_, dx] = fast(3, 5);
    let dy = random([3, 5], 2);
    check_gradient(&(random([3, 5], 1) * 3.0), &dx, |x| (normalize_rows(x) * dy.clone()).rough_sum());
}

#[test]
fn a_zero_row_stays_zero_and_finite() {
    let x = Tensor::<Cpu, 2>::zeros([2, 3], &Default::default()).require_grad();
    let y = normalize_rows(x.clone());
    let grads = y.clone().sum().backward();
    assert!(values(&y.inner()).iter().all(|v| *v == 0.0));
    assert!(values(&x.grad(&grads).unwrap()).iter().all(|v| v.is_finite()));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let runs = [1, 2, 3].map(|threads| run_with_threads(threads, || fast(301, 129).map(Tensor::into_data)));
    assert!(runs.iter().all(|run| *run == runs[0]));
}
