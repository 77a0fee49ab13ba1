use super::{FoldedConv, conv2d, reference};
use crate::kernels::testing::{Rough, largest_difference, random, run_with_threads, values};
use crate::kernels::{Cpu, Tail, affine};
use burn::backend::Flex;
use burn::tensor::{Tensor, TensorPrimitive};

/// f32 sums in another order, and the transforms of Winograd's algorithm, which lose about a digit.
const TOLERANCE: f32 = 2e-5;

/// (images, channels in, height, width, channels out, kernel, stride)
const SHAPES: &[(usize, usize, usize, usize, usize, usize, usize)] = &[
    (3, 4, 9, 9, 5, 3, 1),
    (3, 4, 9, 9, 5, 3, 2),
    (2, 3, 8, 10, 7, 3, 2),
    (5, 2, 1, 1, 3, 3, 1),
    (5, 2, 1, 1, 3, 3, 2),
    (1, 1, 28, 28, 8, 3, 1),
    (1, 6, 2, 3, 4, 3, 2),
    (33, 16, 4, 4, 24, 3, 1),
    (33, 16, 4, 4, 24, 3, 2),
    (17, 8, 7, 7, 8, 3, 1),
    (4, 5, 9, 7, 6, 1, 1),
    (4, 5, 9, 7, 6, 1, 2),
    (19, 12, 2, 2, 9, 1, 2),
    (9, 40, 3, 3, 48, 3, 1),
    // More columns than a tile, evenly cut and not.
    (2, 3, 37, 41, 5, 3, 1),
    (2, 3, 37, 81, 5, 3, 2),
    // Several blocks of channels in and tiles of channels out.
    (5, 64, 31, 32, 65, 3, 1),
    (1, 64, 69, 70, 64, 3, 1),
    // Images of several strips, with a shorter last one; a single image too large for the cache.
    (1, 64, 113, 112, 33, 3, 1),
    (1, 33, 130, 121, 64, 3, 2),
    (1, 70, 161, 97, 20, 1, 2),
    // Sizes that Winograd's patches do not divide; several spans of its gradient; channels that fill no block.
    (29, 100, 14, 13, 81, 3, 1),
    (70, 150, 7, 7, 140, 3, 1),
    (9, 17, 10, 11, 19, 3, 1),
    // Many weights on few pixels: several spans of the weight's gradient.
    (5, 150, 4, 4, 400, 3, 1),
    (3, 130, 5, 3, 450, 3, 2),
];

fn inputs(shape: (usize, usize, usize, usize, usize, usize, usize)) -> (Tensor<Flex, 4>, Tensor<Flex, 4>) {
    let (n, c_in, h, w, c_out, k, _) = shape;
    (random([n, h, w, c_in], 1), random([c_out, c_in, k, k], 2))
}

/// Output and both gradients, through autodiff, for a fixed gradient of the output.
fn fast(shape: (usize, usize, usize, usize, usize, usize, usize)) -> [Tensor<Flex, 4>; 3] {
    let (x, w) = inputs(shape);
    let x = Tensor::<Cpu, 4>::from_inner(x).require_grad();
    let w = Tensor::<Cpu, 4>::from_inner(w).require_grad();
    let y = conv2d(x.clone(), w.clone(), shape.6);
    let dy = Tensor::<Cpu, 4>::from_inner(random(y.dims(), 3));
    let grads = (y.clone() * dy).sum().backward();
    [y.inner(), x.grad(&grads).unwrap(), w.grad(&grads).unwrap()]
}

fn slow(shape: (usize, usize, usize, usize, usize, usize, usize)) -> [Tensor<Flex, 4>; 3] {
    let (x, w) = inputs(shape);
    let (x, w) = (x.into_primitive().tensor(), w.into_primitive().tensor());
    let tensor = |p| Tensor::<Flex, 4>::from_primitive(TensorPrimitive::Float(p));
    let y = tensor(reference::forward::<Flex>(x.clone(), w.clone(), shape.6));
    let dy = random(y.dims(), 3).into_primitive().tensor();
    let [dx, dw] = reference::backward::<Flex>(x, w, dy, shape.6, [true, true]);
    [y, tensor(dx.unwrap()), tensor(dw.unwrap())]
}

#[test]
fn output_and_gradients_equal_burns_convolution() {
    for shape in SHAPES {
        for (what, (a, b)) in ["y", "dx", "dw"].iter().zip(fast(*shape).into_iter().zip(slow(*shape))) {
            assert_eq!(a.dims(), b.dims(), "{what} of {shape:?}");
            let difference = largest_difference(a, b);
            assert!(difference < TOLERANCE, "{what} of {shape:?} differs by {difference}");
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let shape = (2, 2, 5, 4, 3, 3, 2);
    let (x, w) = inputs(shape);
    let [_, dx, dw] = fast(shape);
    let out = conv2d(x.clone(), w.clone(), shape.6).dims();
    let dy = random::<4>(out, 3);
    let loss = |x: Tensor<Flex, 4>, w: Tensor<Flex, 4>| (conv2d(x, w, shape.6) * dy.clone()).rough_sum();
    crate::kernels::testing::check_gradient(&x, &dx, |x| loss(x, w.clone()));
    crate::kernels::testing::check_gradient(&w, &dw, |w| loss(x.clone(), w));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for shape in [
        (33, 16, 4, 4, 24, 3, 1),
        (9, 64, 24, 23, 64, 3, 1),
        (17, 8, 14, 14, 8, 3, 2),
        (9, 8, 40, 40, 8, 3, 1),
        (5, 150, 4, 4, 400, 3, 1),
    ] {
        let runs = [1, 2, 3].map(|threads| run_with_threads(threads, || fast(shape).map(Tensor::into_data)));
        assert!(runs.iter().all(|run| *run == runs[0]), "{shape:?}");
    }
}

#[test]
fn only_the_wanted_gradient_is_made() {
    let x = Tensor::<Cpu, 4>::from_inner(random([2, 6, 6, 1], 1));
    let w = Tensor::<Cpu, 4>::from_inner(random([3, 1, 3, 3], 2)).require_grad();
    let grads = conv2d(x.clone(), w.clone(), 1).sum().backward();
    assert!(x.grad(&grads).is_none());
    assert!(w.grad(&grads).is_some());
}

/// Every level of vector instructions that this processor has, not only the best.
#[test]
fn every_level_of_vector_instructions_gives_the_same() {
    use super::flex::{forward, input_gradient, weight_gradient};
    use super::shape::ConvShape;
    use pulp::Arch;
    let mut levels = vec![Arch::Scalar];
    #[cfg(target_arch = "x86_64")]
    levels.extend(pulp::x86::V3::try_new().map(Arch::V3));
    for &(n, c_in, h, w, c_out, k, stride) in SHAPES.iter().filter(|shape| shape.1 * shape.4 < 2000) {
        let shape = ConvShape::new([n, h, w, c_in], [c_out, c_in, k, k], stride).unwrap();
        let numbers = |len: usize, seed| values(&random([len], seed));
        let (x, weight) = (numbers(n * shape.input.len(), 1), numbers(c_out * c_in * k * k, 2));
        let dy = numbers(n * shape.output.len(), 3);
        let all = |arch| {
            let forward = forward(&x, &weight, &shape, arch);
            [forward, input_gradient(&weight, &dy, &shape, arch), weight_gradient(&x, &dy, &shape, arch)]
        };
        let best = all(Arch::new());
        for level in &levels {
            for (what, (a, b)) in ["y", "dx", "dw"].iter().zip(all(*level).iter().zip(&best)) {
                assert_eq!(a.len(), b.len(), "{what}, {level:?}, {n}×{c_in}×{h}×{w}");
                let row = |values: &[f32]| Tensor::<Flex, 1>::from_floats(values, &Default::default());
                let worst = largest_difference(row(a), row(b));
                assert!(worst < TOLERANCE, "{what}, {level:?}, {n}×{c_in}×{h}×{w}: {worst}");
            }
        }
    }
}

#[test]
fn the_folded_form_equals_convolution_scale_shift_shortcut_and_tail() {
    for (i, &shape) in SHAPES.iter().enumerate() {
        let (x, w) = inputs(shape);
        let factors = || [random([shape.4], 5), random([shape.4], 6)];
        let tail = if i % 2 == 0 { Tail::Relu } else { Tail::Linear };
        let y = conv2d(x.clone(), w.clone(), shape.6);
        let shortcut = (i % 3 != 0).then(|| random(y.dims(), 7));
        let wanted = affine(y, factors(), shortcut.clone(), tail);
        let folded = FoldedConv::new(w, factors(), shape.6, tail);
        // The second call finds the weights packed, and may split the work in another way.
        let first = folded.forward(x.clone(), shortcut.clone());
        let again = run_with_threads(5, || folded.forward(x, shortcut));
        assert_eq!(first.to_data(), again.into_data(), "{shape:?}");
        let difference = largest_difference(first, wanted);
        assert!(difference < TOLERANCE, "{shape:?} differs by {difference}");
    }
}
