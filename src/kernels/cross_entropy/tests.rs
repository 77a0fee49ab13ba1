use super::{cross_entropy, reference};
use crate::kernels::Cpu;
use crate::kernels::testing::{Rough, check_gradient, largest_difference, random, run_with_threads, values};
use burn::backend::Flex;
use burn::tensor::{Int, Tensor, TensorPrimitive};

fn labels<B: burn::tensor::backend::Backend>(n: usize, c: usize) -> Tensor<B, 1, Int> {
    let labels: Vec<i32> = (0..n).map(|i| (i * 7 % c) as i32).collect();
    Tensor::from_ints(labels.as_slice(), &Default::default())
}

/// Loss per sample and the gradient of the logits for a fixed gradient of the losses.
fn fast(n: usize, c: usize) -> (Tensor<Flex, 1>, Tensor<Flex, 2>) {
    let z = Tensor::<Cpu, 2>::from_inner(random([n, c], 1) * 6.0).require_grad();
    let loss = cross_entropy(z.clone(), labels(n, c));
    let grads = (loss.clone() * Tensor::from_inner(random([n], 2))).sum().backward();
    (loss.inner(), z.grad(&grads).unwrap())
}

#[test]
fn loss_and_gradient_equal_the_reference() {
    for (n, c) in [(1, 1), (3, 2), (5, 17), (64, 1000)] {
        let z = (random([n, c], 1) * 6.0).into_primitive().tensor();
        let y = labels::<Flex>(n, c).into_primitive();
        let [loss, log_sum] = reference::forward::<Flex>(z.clone(), y.clone());
        let dz = reference::backward::<Flex>(z, y, log_sum, random([n], 2).into_primitive().tensor());
        let (a, b) = fast(n, c);
        let loss = largest_difference(a, Tensor::from_primitive(TensorPrimitive::Float(loss)));
        let grad = largest_difference(b, Tensor::from_primitive(TensorPrimitive::Float(dz)));
        assert!(loss < 2e-6 && grad < 5e-6, "{n} x {c} differs by {loss} and {grad}");
    }
}

#[test]
fn gradient_equals_finite_differences() {
    let (_, dz) = fast(3, 4);
    let dy = random([3], 2);
    let loss = |z| (cross_entropy(z, labels(3, 4)) * dy.clone()).rough_sum();
    check_gradient(&(random([3, 4], 1) * 6.0), &dz, loss);
}

#[test]
fn equal_logits_cost_the_logarithm_of_the_classes() {
    let loss = cross_entropy(Tensor::<Flex, 2>::full([2, 5], 3.0, &Default::default()), labels(2, 5));
    assert!(values(&loss).iter().all(|v| (v - 5f32.ln()).abs() < 1e-6));
}

#[test]
fn a_hopeless_sample_has_a_finite_loss_beyond_the_smallest_float() {
    let z = Tensor::<Flex, 2>::from_floats([[-400.0, 400.0]], &Default::default());
    let loss = cross_entropy(z, Tensor::from_ints([0], &Default::default()));
    assert_eq!(values(&loss), [800.0]);
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let run = || {
        let (loss, grad) = fast(65, 333);
        (loss.into_data(), grad.into_data())
    };
    let runs = [1, 2, 3].map(|threads| run_with_threads(threads, run));
    assert!(runs.iter().all(|run| *run == runs[0]));
}
