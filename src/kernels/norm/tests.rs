use super::{NormForward, NormSaved, Normed, Tail, affine, norm, reference};
use crate::kernels::Cpu;
use crate::kernels::testing::{Rough, check_gradient, largest_difference, random, run_with_threads};
use burn::backend::Flex;
use burn::tensor::{Tensor, TensorPrimitive};

const EPS: f32 = 1e-5;

#[derive(Clone, Copy, Debug)]
struct Case {
    dims: [usize; 4],
    shortcut: bool,
    tail: Tail,
}

fn cases() -> Vec<Case> {
    let shapes =
        [[4, 5, 7, 3], [4, 1, 1, 5], [1, 6, 6, 2], [33, 4, 4, 8], [3, 17, 3, 1], [9, 31, 30, 24], [5, 3, 3, 700]];
    let kinds = [(false, Tail::Linear), (false, Tail::Relu), (true, Tail::Linear), (true, Tail::Relu)];
    shapes
        .into_iter()
        .flat_map(|dims| kinds.into_iter().map(move |(shortcut, tail)| Case { dims, shortcut, tail }))
        .collect()
}

struct Inputs {
    x: Tensor<Flex, 4>,
    gamma: Tensor<Flex, 1>,
    beta: Tensor<Flex, 1>,
    shortcut: Tensor<Flex, 4>,
    dy: Tensor<Flex, 4>,
}

fn inputs(case: Case) -> Inputs {
    let c = case.dims[3];
    Inputs {
        x: random(case.dims, 1) * 2.0 + 3.0,
        gamma: random([c], 2),
        beta: random([c], 3),
        shortcut: random(case.dims, 4),
        dy: random(case.dims, 5),
    }
}

/// (output, dx, dshortcut), (mean, variance, dgamma, dbeta)
type Found = (Vec<Tensor<Flex, 4>>, [Tensor<Flex, 1>; 4]);

fn fast(case: Case) -> Found {
    let i = inputs(case);
    let x = Tensor::<Cpu, 4>::from_inner(i.x).require_grad();
    let gamma = Tensor::<Cpu, 1>::from_inner(i.gamma).require_grad();
    let beta = Tensor::<Cpu, 1>::from_inner(i.beta).require_grad();
    let shortcut = Tensor::<Cpu, 4>::from_inner(i.shortcut).require_grad();
    let added = case.shortcut.then(|| shortcut.clone());
    let normed = norm(x.clone(), [gamma.clone(), beta.clone()], added, case.tail, EPS);
    let grads = (normed.y.clone() * Tensor::from_inner(i.dy)).sum().backward();
    let mut large = vec![normed.y.inner(), x.grad(&grads).unwrap()];
    large.extend(shortcut.grad(&grads));
    let small = [normed.mean.inner(), normed.var.inner(), gamma.grad(&grads).unwrap(), beta.grad(&grads).unwrap()];
    (large, small)
}

fn slow(case: Case) -> Found {
    let i = inputs(case);
    fn tensor<const D: usize>(p: burn_flex::FlexTensor) -> Tensor<Flex, D> {
        Tensor::from_primitive(TensorPrimitive::Float(p))
    }
    let (x, gamma, beta) =
        (i.x.into_primitive().tensor(), i.gamma.into_primitive().tensor(), i.beta.into_primitive().tensor());
    let shortcut = case.shortcut.then(|| i.shortcut.into_primitive().tensor());
    let NormForward { y, mean, var } =
        reference::norm::<Flex>(x.clone(), [gamma.clone(), beta], shortcut, case.tail, EPS);
    let behind_relu = (case.tail == Tail::Relu).then(|| y.clone());
    let saved = NormSaved { x, gamma, behind_relu, mean: mean.clone(), var: var.clone(), eps: EPS };
    let grads = reference::norm_backward::<Flex>(saved, i.dy.into_primitive().tensor(), case.shortcut);
    let mut large = vec![tensor(y), tensor(grads.x)];
    large.extend(grads.shortcut.map(tensor));
    (large, [tensor(mean), tensor(var), tensor(grads.gamma), tensor(grads.beta)])
}

#[test]
fn output_statistics_and_gradients_equal_the_reference() {
    for case in cases() {
        let (fast, slow) = (fast(case), slow(case));
        assert_eq!(fast.0.len(), slow.0.len());
        for (i, (a, b)) in fast.0.into_iter().zip(slow.0).enumerate() {
            let difference = largest_difference(a, b);
            assert!(difference < 2e-5, "{case:?}: large {i} differs by {difference}");
        }
        for (i, (a, b)) in fast.1.into_iter().zip(slow.1).enumerate() {
            let difference = largest_difference(a, b);
            assert!(difference < 2e-5, "{case:?}: small {i} differs by {difference}");
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let case = Case { dims: [3, 3, 2, 2], shortcut: true, tail: Tail::Linear };
    let (large, small) = fast(case);
    let i = inputs(case);
    let loss = |x: Tensor<Flex, 4>, gamma, beta, shortcut| {
        (norm(x, [gamma, beta], Some(shortcut), case.tail, EPS).y * i.dy.clone()).rough_sum()
    };
    check_gradient(&i.x, &large[1], |x| loss(x, i.gamma.clone(), i.beta.clone(), i.shortcut.clone()));
    check_gradient(&i.shortcut, &large[2], |s| loss(i.x.clone(), i.gamma.clone(), i.beta.clone(), s));
    check_gradient(&i.gamma, &small[2], |g| loss(i.x.clone(), g, i.beta.clone(), i.shortcut.clone()));
    check_gradient(&i.beta, &small[3], |b| loss(i.x.clone(), i.gamma.clone(), b, i.shortcut.clone()));
}

/// They are kept as they are, and rounded at the same places as if they were converted around the operation.
#[test]
fn maps_of_sixteen_bits_are_computed_with_in_thirty_two() {
    use burn::tensor::{
        DType,
        FloatDType::{BF16, F32},
    };
    let i = inputs(Case { dims: [4, 3, 5, 6], shortcut: true, tail: Tail::Relu });
    let computed = |converts: bool| {
        let half = |maps: &Tensor<Flex, 4>| Tensor::<Cpu, 4>::from_inner(maps.clone().cast(BF16)).require_grad();
        let parameter = |values: &Tensor<Flex, 1>| Tensor::<Cpu, 1>::from_inner(values.clone()).require_grad();
        let (x, shortcut) = (half(&i.x), half(&i.shortcut));
        let [gamma, beta, slope] = [&i.gamma, &i.beta, &i.gamma].map(parameter);
        let within = |maps: &Tensor<Cpu, 4>| if converts { maps.clone().cast(F32) } else { maps.clone() };
        let Normed { y: normed, mean, var } =
            norm(within(&x), [gamma.clone(), beta.clone()], Some(within(&shortcut)), Tail::Relu, EPS);
        let leaked = crate::kernels::norm_prelu(within(&x), [gamma.clone(), beta, slope], EPS).y;
        assert_eq!(normed.dtype() == DType::F32 && leaked.dtype() == DType::F32, converts);
        let y = normed.cast(BF16) + leaked.cast(BF16);
        let grads = (y.clone() * half(&i.dy)).sum().backward();
        let d_gamma = gamma.grad(&grads).unwrap().reshape([1, 1, 1, 6]);
        let maps = [y.inner(), x.grad(&grads).unwrap(), shortcut.grad(&grads).unwrap(), d_gamma];
        (maps.map(|found| found.cast(F32)), [mean, var].map(Tensor::inner))
    };
    let (as_they_are, converted) = (computed(false), computed(true));
    for (a, b) in as_they_are.1.into_iter().zip(converted.1) {
        assert_eq!(a.dtype(), DType::F32);
        let difference = largest_difference(a, b);
        assert!(difference < 1e-5, "statistics differ by {difference}");
    }
    for (number, (a, b)) in as_they_are.0.into_iter().zip(converted.0).enumerate() {
        let difference = largest_difference(a, b);
        assert!(difference < 0.01, "number {number} differs by {difference}");
    }
}

#[test]
fn training_output_has_mean_beta_and_deviation_gamma() {
    let x = random([16, 8, 8, 2], 7) * 5.0 - 2.0;
    let gamma = Tensor::<Flex, 1>::from_floats([2.0, 0.5], &Default::default());
    let beta = Tensor::<Flex, 1>::from_floats([1.0, -3.0], &Default::default());
    let y = norm(x, [gamma, beta], None, Tail::Linear, EPS).y.reshape([16 * 64, 2]).transpose();
    let (var, mean) = y.var_mean_bias(1);
    let (var, mean) = (crate::kernels::testing::values(&var), crate::kernels::testing::values(&mean));
    for (found, wanted) in mean.iter().zip([1.0, -3.0]).chain(var.iter().zip([4.0, 0.25])) {
        assert!((found - wanted).abs() < 1e-3, "{found} instead of {wanted}");
    }
}

#[test]
fn inference_form_equals_the_reference() {
    for case in cases() {
        let i = inputs(case);
        let added = case.shortcut.then(|| i.shortcut.clone());
        let slow = reference::affine::<Flex>(
            i.x.clone().into_primitive().tensor(),
            [i.gamma.clone().into_primitive().tensor(), i.beta.clone().into_primitive().tensor()],
            added.clone().map(|s| s.into_primitive().tensor()),
            case.tail,
        );
        let fast = affine(i.x, [i.gamma, i.beta], added, case.tail);
        let difference = largest_difference(fast, Tensor::from_primitive(TensorPrimitive::Float(slow)));
        assert!(difference < 1e-6, "{case:?} differs by {difference}");
    }
}

#[test]
fn nan_survives_the_relu() {
    let x = Tensor::<Flex, 4>::from_floats([[[[f32::NAN], [1.0], [-1.0]]]], &Default::default());
    let one = Tensor::<Flex, 1>::ones([1], &Default::default());
    let y = affine(x, [one.clone(), one.zeros_like()], None, Tail::Relu);
    let y = crate::kernels::testing::values(&y);
    assert!(y[0].is_nan() && y[1] == 1.0 && y[2] == 0.0, "{y:?}");
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let case = Case { dims: [33, 16, 16, 24], shortcut: true, tail: Tail::Relu };
    let runs = [1, 2, 3].map(|threads| {
        run_with_threads(threads, || {
            let (large, small) = fast(case);
            (large.into_iter().map(Tensor::into_data).collect::<Vec<_>>(), small.map(Tensor::into_data))
        })
    });
    assert!(runs.iter().all(|run| *run == runs[0]));
}
