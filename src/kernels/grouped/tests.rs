use super::{FoldedGrouped, Grouping, grouped_conv2d, reference};
use crate::kernels::testing::{Rough, check_gradient, largest_difference, random, run_with_threads, values};
use crate::kernels::{Cpu, Tail, affine, prelu};
use burn::backend::Flex;
use burn::tensor::{Tensor, TensorPrimitive};

const TOLERANCE: f32 = 5e-6;

/// Images, rows, columns, channels, channels per group, kernel, stride, padding.
#[derive(Clone, Copy, Debug)]
struct Case([usize; 4], usize, usize, usize, usize);

impl Case {
    fn grouping(&self) -> Grouping {
        Grouping { groups: self.0[3] / self.1, stride: self.3, pad: self.4 }
    }

    fn inputs(&self) -> (Tensor<Flex, 4>, Tensor<Flex, 4>) {
        (random(self.0, 1), random([self.0[3], self.1, self.2, self.2], 2))
    }
}

const CASES: &[Case] = &[
    // Depthwise: odd sizes, strides, channels that fill no vector, many rows.
    Case([2, 7, 9, 5], 1, 3, 1, 1),
    Case([2, 7, 9, 32], 1, 3, 2, 1),
    Case([3, 8, 6, 67], 1, 3, 2, 1),
    Case([1, 40, 37, 64], 1, 3, 1, 1),
    Case([2, 5, 5, 33], 1, 1, 2, 0),
    Case([2, 1, 1, 8], 1, 3, 1, 1),
    // Over the whole map, and a large kernel without padding.
    Case([5, 7, 7, 48], 1, 7, 1, 0),
    Case([2, 9, 8, 16], 1, 7, 1, 0),
    Case([2, 9, 8, 16], 1, 5, 3, 2),
    // Few channels per group.
    Case([2, 9, 7, 128], 2, 3, 1, 1),
    Case([2, 9, 7, 12], 3, 3, 2, 1),
    Case([1, 33, 5, 72], 4, 3, 1, 1),
    // More than the own loops do.
    Case([2, 6, 5, 24], 8, 3, 1, 1),
];

/// Output and both gradients, through autodiff, for a fixed gradient of the output.
fn fast(case: &Case) -> [Tensor<Flex, 4>; 3] {
    let (x, w) = case.inputs();
    let x = Tensor::<Cpu, 4>::from_inner(x).require_grad();
    let w = Tensor::<Cpu, 4>::from_inner(w).require_grad();
    let y = grouped_conv2d(x.clone(), w.clone(), case.grouping());
    let dy = Tensor::<Cpu, 4>::from_inner(random(y.dims(), 3));
    let grads = (y.clone() * dy).sum().backward();
    [y.inner(), x.grad(&grads).unwrap(), w.grad(&grads).unwrap()]
}

fn slow(case: &Case) -> [Tensor<Flex, 4>; 3] {
    let (x, w) = case.inputs();
    let (x, w) = (x.into_primitive().tensor(), w.into_primitive().tensor());
    let tensor = |p| Tensor::<Flex, 4>::from_primitive(TensorPrimitive::Float(p));
    let y = tensor(reference::forward::<Flex>(x.clone(), w.clone(), case.grouping()));
    let dy = random(y.dims(), 3).into_primitive().tensor();
    let [dx, dw] = reference::backward::<Flex>(x, w, dy, case.grouping(), [true, true]);
    [y, tensor(dx.unwrap()), tensor(dw.unwrap())]
}

#[test]
fn output_and_gradients_equal_burns_convolution() {
    for case in CASES {
        for (what, (a, b)) in ["y", "dx", "dw"].iter().zip(fast(case).into_iter().zip(slow(case))) {
            assert_eq!(a.dims(), b.dims(), "{what} of {case:?}");
            let difference = largest_difference(a, b);
            assert!(difference < TOLERANCE, "{what} of {case:?} differs by {difference}");
        }
    }
}

/// What the fast path falls back to, and what a GPU runs, is arithmetic of our own.
#[test]
fn the_references_gradients_equal_those_of_burns_convolution() {
    use crate::kernels::conv::{channels_first, channels_last};
    use burn::tensor::ops::{ConvOptions, ModuleOps};
    let tensor = |p| Tensor::<Flex, 4>::from_primitive(TensorPrimitive::Float(p));
    // More channels out than in, too.
    let wider = ([2, 6, 5, 8], [12, 2, 3, 3], Grouping { groups: 4, stride: 2, pad: 1 });
    let cases = CASES.iter().map(|case| (case.0, [case.0[3], case.1, case.2, case.2], case.grouping()));
    for (x, w, grouping) in cases.chain([wider]) {
        let primitive = |shape, seed| random::<4>(shape, seed).into_primitive().tensor();
        let (x, w) = (primitive(x, 1), primitive(w, 2));
        let dims = tensor(reference::forward::<Flex>(x.clone(), w.clone(), grouping)).dims();
        let dy = primitive(dims, 3);
        let found = reference::backward::<Flex>(x.clone(), w.clone(), dy.clone(), grouping, [true, true]);
        let options = ConvOptions::new([grouping.stride; 2], [grouping.pad; 2], [1, 1], grouping.groups);
        let (x, dy) = (channels_first::<Flex>(x), channels_first::<Flex>(dy));
        let dx = Flex::conv2d_x_backward(x.clone(), w.clone(), dy.clone(), options.clone());
        let wanted = [channels_last::<Flex>(dx), Flex::conv2d_weight_backward(x, w, dy, options)];
        for (what, (a, b)) in ["dx", "dw"].iter().zip(found.into_iter().zip(wanted)) {
            let difference = largest_difference(tensor(a.unwrap()), tensor(b));
            assert!(difference < TOLERANCE, "{what} of {dims:?}, {grouping:?} differs by {difference}");
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let case = Case([2, 5, 4, 4], 2, 3, 2, 1);
    let (x, w) = case.inputs();
    let [y, dx, dw] = fast(&case);
    let dy = random::<4>(y.dims(), 3);
    let loss =
        |x: Tensor<Flex, 4>, w: Tensor<Flex, 4>| (grouped_conv2d(x, w, case.grouping()) * dy.clone()).rough_sum();
    check_gradient(&x, &dx, |x| loss(x, w.clone()));
    check_gradient(&w, &dw, |w| loss(x.clone(), w));
}

#[test]
fn the_folded_form_equals_convolution_scale_shift_and_prelu() {
    for (i, case) in CASES.iter().enumerate() {
        let (x, w) = case.inputs();
        let c = case.0[3];
        let factors = || [random([c], 5), random([c], 6)];
        let slope = (i % 2 == 0).then(|| random([c], 7));
        let y = affine(grouped_conv2d(x.clone(), w.clone(), case.grouping()), factors(), None, Tail::Linear);
        let wanted = slope.clone().map_or_else(|| y.clone(), |slope| prelu(y.clone(), slope));
        let folded = FoldedGrouped::new(w, factors(), slope, case.grouping());
        let first = folded.forward(x.clone());
        let again = run_with_threads(3, || folded.forward(x));
        assert_eq!(first.to_data(), again.into_data(), "{case:?}");
        let difference = largest_difference(first, wanted);
        assert!(difference < TOLERANCE, "{case:?} differs by {difference}");
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for case in [Case([5, 40, 37, 64], 1, 3, 2, 1), Case([7, 9, 7, 128], 2, 3, 1, 1)] {
        let runs = [1, 2, 3].map(|threads| run_with_threads(threads, || fast(&case).map(Tensor::into_data)));
        assert!(runs.iter().all(|run| *run == runs[0]), "{case:?}");
    }
}

#[test]
fn every_level_of_vector_instructions_gives_the_same() {
    use super::loops::{Gather, pack, pack_turned, weight_gradient};
    use super::shape::Shape;
    use pulp::Arch;
    let mut levels = vec![Arch::Scalar];
    #[cfg(target_arch = "x86_64")]
    levels.extend(pulp::x86::V3::try_new().map(Arch::V3));
    for case in CASES {
        let (x, w) = case.inputs();
        let Some(shape) = Shape::new(x.dims(), w.dims(), case.grouping()) else { continue };
        let (xs, ws) = (values(&x), values(&w));
        let dy = values(&random(shape.output.dims(shape.n), 3));
        let (forward, turned) = (pack(&ws, &shape), pack_turned(&ws, &shape));
        let all = |arch| {
            let y = Gather::output(&xs, &forward, &shape, None).run(arch);
            let dx = Gather::input_gradient(&dy, &turned, &shape).run(arch);
            [y, dx, weight_gradient(&xs, &dy, &shape, arch)]
        };
        let best = all(Arch::new());
        for level in &levels {
            for (what, (a, b)) in ["y", "dx", "dw"].iter().zip(all(*level).iter().zip(&best)) {
                let row = |values: &[f32]| Tensor::<Flex, 1>::from_floats(values, &Default::default());
                let worst = largest_difference(row(a), row(b));
                assert!(worst < TOLERANCE, "{what}, {level:?}, {case:?}: {worst}");
            }
        }
    }
}
