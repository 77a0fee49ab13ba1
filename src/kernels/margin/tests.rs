use super::{MarginBackend, MarginLogits, Target, margin_loss, reference};
use crate::kernels::testing::{Rough, check_gradient, largest_difference, random, run_with_threads};
use crate::kernels::{Cpu, cross_entropy};
use burn::backend::Flex;
use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorPrimitive};

const SCALE: f64 = 7.0;

fn labels(n: usize, c: usize) -> Tensor<Flex, 1, Int> {
    let labels: Vec<i64> = (0..n).map(|i| (i * 5 % c) as i64).collect();
    Tensor::from_ints(labels.as_slice(), &Default::default())
}

/// Cosines, then value and slope of the target.
fn inputs(n: usize, c: usize) -> (Tensor<Flex, 2>, [Tensor<Flex, 1>; 2]) {
    (random::<2>([n, c], 1).tanh(), [random::<1>([n], 2).tanh(), random([n], 3)])
}

/// Loss per sample and the gradient of the cosines.
fn fast(n: usize, c: usize) -> (Tensor<Flex, 1>, Tensor<Flex, 2>) {
    let (cosine, [value, slope]) = inputs(n, c);
    let cosine = Tensor::<Cpu, 2>::from_inner(cosine).require_grad();
    let target = Target { value: Tensor::from_inner(value), slope: Tensor::from_inner(slope) };
    let loss = margin_loss(cosine.clone(), Tensor::from_inner(labels(n, c)), target, SCALE);
    let grads = (loss.clone() * Tensor::from_inner(random([n], 4))).sum().backward();
    (loss.inner(), cosine.grad(&grads).unwrap())
}

fn logits(n: usize, c: usize) -> MarginLogits<Flex> {
    let (cosine, [value, slope]) = inputs(n, c);
    MarginLogits {
        cosine: cosine.into_primitive().tensor(),
        labels: labels(n, c).into_primitive(),
        value: value.into_primitive().tensor(),
        slope: slope.into_primitive().tensor(),
        scale: SCALE as f32,
    }
}

#[test]
fn loss_and_gradient_equal_the_reference() {
    fn tensor<const D: usize>(p: burn_flex::FlexTensor) -> Tensor<Flex, D> {
        Tensor::from_primitive(TensorPrimitive::Float(p))
    }
    for (n, c) in [(1, 2), (5, 3), (33, 129)] {
        let (loss, grad) = fast(n, c);
        let [wanted, log_sum] = reference::forward::<Flex>(logits(n, c));
        let dy = random::<1>([n], 4).into_primitive().tensor();
        let wanted_grad = reference::backward::<Flex>(logits(n, c), log_sum, dy);
        // Near a loss of 0 the reference, all in f32, has no digits left.
        assert!(largest_difference(loss + 1.0, tensor(wanted) + 1.0) < 2e-6, "loss of {n} × {c}");
        assert!(largest_difference(grad, tensor(wanted_grad)) < 5e-6, "gradient of {n} × {c}");
    }
}

#[test]
fn without_a_margin_it_is_the_cross_entropy_of_scaled_cosines() {
    let (n, c) = (17, 11);
    let (cosine, _) = inputs(n, c);
    let places = labels(n, c).reshape([n, 1]);
    let own = cosine.clone().gather(1, places.clone());
    let target = Target { value: own.clone().reshape([n]), slope: Tensor::ones([n], &Default::default()) };
    let found = margin_loss(cosine.clone(), labels(n, c), target, SCALE);
    assert!(largest_difference(found, cross_entropy(cosine.clone() * SCALE, labels(n, c))) < 1e-6);
    // And with one it is that of the changed logits.
    let (_, [value, slope]) = inputs(n, c);
    let change = value.clone().reshape([n, 1]) - own;
    let changed = cosine.clone().scatter(1, places, change, IndexingUpdateOp::Add) * SCALE;
    let found = margin_loss(cosine, labels(n, c), Target { value, slope }, SCALE);
    assert!(largest_difference(found, cross_entropy(changed, labels(n, c))) < 1e-6);
}

#[test]
fn gradient_equals_finite_differences_where_the_slope_is_the_values_own() {
    let (n, c) = (4, 5);
    let (cosine, _) = inputs(n, c);
    let places = || labels(n, c).reshape([n, 1]);
    // value = 0.8 · own − 0.1
    let loss = |cosine: Tensor<Flex, 2>| {
        let value = cosine.clone().gather(1, places()).reshape([n]) * 0.8 - 0.1;
        let slope = value.ones_like() * 0.8;
        margin_loss(cosine, labels(n, c), Target { value, slope }, SCALE)
    };
    let tracked = Tensor::<Cpu, 2>::from_inner(cosine.clone()).require_grad();
    let value = cosine.clone().gather(1, places()).reshape([n]) * 0.8 - 0.1;
    let target = Target { slope: Tensor::from_inner(value.ones_like() * 0.8), value: Tensor::from_inner(value) };
    let grads = margin_loss(tracked.clone(), Tensor::from_inner(labels(n, c)), target, SCALE).sum().backward();
    check_gradient(&cosine, &tracked.grad(&grads).unwrap(), |cosine| loss(cosine).rough_sum());
}

#[test]
fn large_scales_neither_overflow_nor_lose_the_loss() {
    let cosine = Tensor::<Flex, 2>::from_floats([[1.0, -1.0], [-1.0, 1.0]], &Default::default());
    let target = Target {
        value: Tensor::from_floats([1.0, -1.0], &Default::default()),
        slope: Tensor::ones([2], &Default::default()),
    };
    let labels = Tensor::<Flex, 1, Int>::from_ints([0, 0], &Default::default());
    let loss: Vec<f32> = margin_loss(cosine, labels, target, 1000.0).into_data().iter().collect();
    assert!(loss[0] == 0.0 && (loss[1] - 2000.0).abs() < 1e-2, "{loss:?}");
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let run = || {
        let (loss, grad) = fast(67, 301);
        let [_, log_sum] = Flex::margin_loss(logits(67, 301));
        (
            loss.into_data(),
            grad.into_data(),
            Tensor::<Flex, 1>::from_primitive(TensorPrimitive::Float(log_sum)).into_data(),
        )
    };
    let runs = [1, 2, 3].map(|threads| run_with_threads(threads, run));
    assert!(runs.iter().all(|run| *run == runs[0]));
}
