//! Gradients of the margin heads against finite differences, and their behaviour at the poles.
//!
//! The golden numbers check a few points; this checks that value and gradient belong together for random inputs, so a
//! change to both at once would be seen too.

use arclens::config::Head;
use arclens::kernels::Cpu;
use arclens::loss::{HeadSpec, MarginHead, target_logit};
use burn::module::Param;
use burn::tensor::{Int, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const N: usize = 5;
const D: usize = 6;
const C: usize = 4;

fn values(seed: u64, len: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..len).map(|_| rng.gen_range(-1.0..1.0)).collect()
}

fn tensor(values: &[f32], dims: [usize; 2]) -> Tensor<Cpu, 2> {
    Tensor::from_data(TensorData::new(values.to_vec(), dims), &Default::default()).require_grad()
}

fn labels(labels: &[i32]) -> Tensor<Cpu, 1, Int> {
    Tensor::from_ints(labels, &Default::default())
}

fn head(head: Head, weights: &[f32], classes: usize) -> MarginHead<Cpu> {
    let embedding_dim = weights.len() / classes;
    let spec = HeadSpec { head, classes, embedding_dim, scale: 4.0, margin: 0.0 };
    let mut module = spec.init_seeded::<Cpu>(&Default::default(), 1);
    module.weight = Param::from_tensor(tensor(weights, [classes, embedding_dim]));
    module
}

fn loss(kind: Head, x: &[f32], w: &[f32], margin: f64) -> f64 {
    let module = head(kind, w, C);
    let out = module.forward(tensor(x, [N, D]), labels(&[0, 1, 2, 3, 1]), margin);
    out.per_sample.into_data().iter::<f64>().sum::<f64>() / N as f64
}

fn check(kind: Head, margin: f64) {
    let (x, w) = (values(3, N * D), values(4, C * D));
    let module = head(kind, &w, C);
    let input = tensor(&x, [N, D]);
    let out = module.forward(input.clone(), labels(&[0, 1, 2, 3, 1]), margin);
    let grads = out.loss.backward();
    let dx: Vec<f64> = input.grad(&grads).expect("a gradient").into_data().iter::<f64>().collect();
    let dw: Vec<f64> = module.weight.val().grad(&grads).expect("a gradient").into_data().iter::<f64>().collect();
    let step = 2e-3_f32;
    let moved = |values: &[f32], i: usize, by: f32| {
        let mut values = values.to_vec();
        values[i] += by;
        values
    };
    let slope = |f: &dyn Fn(f32) -> f64| (f(step) - f(-step)) / (2.0 * f64::from(step));
    for (i, wanted) in dx.iter().enumerate() {
        let found = slope(&|by| loss(kind, &moved(&x, i, by), &w, margin));
        assert!((found - wanted).abs() < 2e-3, "{kind:?}: embedding {i}: {found} against {wanted}");
    }
    for (i, wanted) in dw.iter().enumerate() {
        let found = slope(&|by| loss(kind, &x, &moved(&w, i, by), margin));
        assert!((found - wanted).abs() < 2e-3, "{kind:?}: weight {i}: {found} against {wanted}");
    }
}

#[test]
fn gradients_of_every_head_equal_finite_differences() {
    check(Head::Softmax, 0.0);
    check(Head::CosFace, 0.35);
    check(Head::ArcFace, 0.3);
    check(Head::ArcFace, 0.5);
    check(Head::NormSoftmax, 0.0);
    check(Head::ArcFaceExact, 0.5);
    check(Head::ArcFaceFallback, 0.5);
    check(Head::ArcFaceEasy, 0.5);
}

#[test]
fn a_sample_on_its_class_centre_or_opposite_has_finite_loss_and_gradient() {
    // Rows 0 and 1 are exactly the class direction and its opposite: cosines 1 and -1 in f32.
    let x = [3.0, 0.0, -2.0, 0.0, 0.0, 5.0];
    let w = [1.0, 0.0, 0.0, 1.0];
    for kind in [Head::Softmax, Head::ArcFace, Head::CosFace] {
        for margin in [0.0, 0.5, 1.5] {
            let module = head(kind, &w, 2);
            let input = tensor(&x, [3, 2]);
            let out = module.forward(input.clone(), labels(&[0, 0, 1]), margin);
            assert!(out.loss.clone().into_scalar().is_finite(), "{kind:?} {margin}");
            let grads = out.loss.backward();
            let dx = input.grad(&grads).expect("a gradient").into_data();
            let dw = module.weight.val().grad(&grads).expect("a gradient").into_data();
            assert!(dx.iter::<f32>().chain(dw.iter::<f32>()).all(f32::is_finite), "{kind:?} {margin}");
        }
    }
}

#[test]
fn the_curve_of_a_head_is_what_the_head_computes() {
    for (kind, margin) in [
        (Head::ArcFace, 0.5),
        (Head::ArcFace, 0.0),
        (Head::ArcFaceExact, 0.5),
        (Head::ArcFaceFallback, 0.5),
        (Head::ArcFaceInsightface, 0.5),
        (Head::NormSoftmax, 0.0),
        (Head::CosFace, 0.35),
    ] {
        for step in 1..32 {
            let theta = f64::from(step) * std::f64::consts::PI / 32.0;
            let x = [theta.cos() as f32, theta.sin() as f32];
            let module = head(kind, &[1.0, 0.0, -1.0, 0.5], 2);
            let found = module
                .logits(tensor(&x, [1, 2]), labels(&[0]), margin)
                .into_data()
                .iter::<f64>()
                .next()
                .expect("a logit");
            let curve = target_logit(kind, 4.0, margin, theta);
            assert!((found - curve).abs() < 1e-4, "{kind:?} at {theta}: {found} against {curve}");
        }
    }
}

#[test]
fn the_arcface_curve_falls_everywhere_and_has_no_jump() {
    let at = |i: i32| target_logit(Head::ArcFace, 1.0, 0.5, f64::from(i) * std::f64::consts::PI / 10_000.0);
    for i in 1..=10_000 {
        let fall = at(i - 1) - at(i);
        assert!(fall > 0.0 && fall < 1e-3, "step {i} falls by {fall}");
    }
}

#[test]
fn the_plain_logits_carry_no_margin() {
    let (x, w) = (values(3, N * D), values(4, C * D));
    for kind in [Head::Softmax, Head::ArcFace, Head::CosFace] {
        let module = head(kind, &w, C);
        let plain = module.logits_plain(tensor(&x, [N, D])).into_data();
        let zero = module.logits(tensor(&x, [N, D]), labels(&[0; N]), 0.0).into_data();
        for (a, b) in plain.iter::<f32>().zip(zero.iter::<f32>()) {
            assert!((a - b).abs() < 1e-5, "{kind:?}: {a} against {b}");
        }
    }
}
