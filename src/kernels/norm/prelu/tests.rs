use super::{NormForward, NormPreluSaved, norm_prelu, reference};
use crate::kernels::Cpu;
use crate::kernels::testing::{Rough, check_gradient, largest_difference, random, run_with_threads};
use burn::backend::Flex;
use burn::tensor::{Tensor, TensorPrimitive};

const EPS: f32 = 1e-5;
const SHAPES: &[[usize; 4]] =
    &[[4, 5, 7, 3], [4, 1, 1, 5], [33, 4, 4, 8], [3, 17, 3, 1], [9, 31, 30, 24], [5, 3, 3, 700]];

/// Input, then gamma, beta and slope.
fn inputs(dims: [usize; 4]) -> (Tensor<Flex, 4>, [Tensor<Flex, 1>; 3]) {
    let c = dims[3];
    (random(dims, 1) * 2.0 + 3.0, [random([c], 2), random([c], 3), random([c], 4) * 0.3 + 0.25])
}

/// (output, gradient of the input), (mean, variance, gradients of the parameters)
type Found = ([Tensor<Flex, 4>; 2], [Tensor<Flex, 1>; 5]);

fn fast(dims: [usize; 4]) -> Found {
    let (x, parameters) = inputs(dims);
    let x = Tensor::<Cpu, 4>::from_inner(x).require_grad();
    let parameters = parameters.map(|p| Tensor::<Cpu, 1>::from_inner(p).require_grad());
    let normed = norm_prelu(x.clone(), parameters.clone(), EPS);
    let grads = (normed.y.clone() * Tensor::from_inner(random(dims, 5))).sum().backward();
    let [gamma, beta, slope] = parameters.map(|p| p.grad(&grads).unwrap());
    ([normed.y.inner(), x.grad(&grads).unwrap()], [normed.mean.inner(), normed.var.inner(), gamma, beta, slope])
}

fn slow(dims: [usize; 4]) -> Found {
    fn tensor<const D: usize>(p: burn_flex::FlexTensor) -> Tensor<Flex, D> {
        Tensor::from_primitive(TensorPrimitive::Float(p))
    }
    let (x, parameters) = inputs(dims);
    let (x, parameters) = (x.into_primitive().tensor(), parameters.map(|p| p.into_primitive().tensor()));
    let NormForward { y, mean, var } = reference::norm_prelu::<Flex>(x.clone(), parameters.clone(), EPS);
    let saved = NormPreluSaved { x, parameters, mean: mean.clone(), var: var.clone(), eps: EPS };
    let (dx, grads) = reference::norm_prelu_backward::<Flex>(saved, random(dims, 5).into_primitive().tensor());
    let [gamma, beta, slope] = grads.map(tensor);
    ([tensor(y), tensor(dx)], [tensor(mean), tensor(var), gamma, beta, slope])
}

#[test]
fn output_statistics_and_gradients_equal_the_reference() {
    for dims in SHAPES {
        let (fast, slow) = (fast(*dims), slow(*dims));
        for (i, (a, b)) in fast.0.into_iter().zip(slow.0).enumerate() {
            let difference = largest_difference(a, b);
            assert!(difference < 2e-5, "{dims:?}: large {i} differs by {difference}");
        }
        for (i, (a, b)) in fast.1.into_iter().zip(slow.1).enumerate() {
            let difference = largest_difference(a, b);
            assert!(difference < 2e-5, "{dims:?}: small {i} differs by {difference}");
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    // Chosen so that no value before the PReLU lies within a step of its kink.
    let dims = [3, 3, 2, 2];
    let ([_, dx], [_, _, d_gamma, d_beta, d_slope]) = fast(dims);
    let (x, [gamma, beta, slope]) = inputs(dims);
    let dy = random(dims, 5);
    let loss = |x, parameters| (norm_prelu(x, parameters, EPS).y * dy.clone()).rough_sum();
    check_gradient(&x, &dx, |x| loss(x, [gamma.clone(), beta.clone(), slope.clone()]));
    check_gradient(&gamma, &d_gamma, |g| loss(x.clone(), [g, beta.clone(), slope.clone()]));
    check_gradient(&beta, &d_beta, |b| loss(x.clone(), [gamma.clone(), b, slope.clone()]));
    check_gradient(&slope, &d_slope, |s| loss(x.clone(), [gamma.clone(), beta.clone(), s]));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let runs = [1, 2, 3].map(|threads| {
        run_with_threads(threads, || {
            let (large, small) = fast([33, 16, 16, 24]);
            (large.map(Tensor::into_data), small.map(Tensor::into_data))
        })
    });
    assert!(runs.iter().all(|run| *run == runs[0]));
}
