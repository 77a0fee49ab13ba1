//! Gradients of the margin heads against finite differences, and their behaviour at the poles.
//!
//! The golden numbers check a few points; this checks that value and gradient belong together for random inputs, so a
//! change to both at once would be seen too.

use arclens::config::{Head, Margins};
use arclens::kernels::Cpu;
use arclens::loss::{HeadBatch, HeadOptions, HeadSpec, MarginHead, Moment, target_logit};
use burn::module::Param;
use burn::tensor::{Tensor, TensorData};
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

fn spec(kind: Head, [classes, embedding_dim]: [usize; 2]) -> HeadSpec {
    let mut spec = HeadSpec::plain(kind, [classes, embedding_dim], 4.0, kind.published_margins());
    // What finite differences see is the whole gradient; and lengths that these small inputs have.
    spec.options.detached = false;
    (spec.options.length_low, spec.options.length_high) = (0.5, 5.0);
    spec
}

fn head(spec: &HeadSpec, weights: &[f32]) -> MarginHead<Cpu> {
    let mut module = spec.init_seeded::<Cpu>(&Default::default(), 1);
    module.weight = Param::from_tensor(tensor(weights, [spec.rows(), spec.embedding_dim]));
    module
}

fn batch(spec: &HeadSpec, labels: &[u32]) -> HeadBatch<Cpu> {
    HeadBatch::new(spec, labels, Moment { seed: 9, ..Moment::LATE }, &Default::default())
}

const LABELS: [u32; N] = [0, 1, 2, 3, 1];

fn loss(spec: &HeadSpec, x: &[f32], w: &[f32]) -> f64 {
    let out = head(spec, w).forward(tensor(x, [N, D]), &batch(spec, &LABELS));
    out.loss.into_data().iter::<f64>().next().expect("a loss")
}

fn check(spec: &HeadSpec) {
    let name = format!("{:?}, {:?}", spec.head, spec.options);
    let (x, w) = (values(3, N * D), values(4, spec.rows() * D));
    let module = head(spec, &w);
    let input = tensor(&x, [N, D]);
    let out = module.forward(input.clone(), &batch(spec, &LABELS));
    let size = f64::from(out.loss.clone().into_scalar()).max(1.0);
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
        let found = slope(&|by| loss(spec, &moved(&x, i, by), &w));
        assert!((found - wanted).abs() < 2e-3 * size, "{name}: embedding {i}: {found} against {wanted}");
    }
    for (i, wanted) in dw.iter().enumerate() {
        let found = slope(&|by| loss(spec, &x, &moved(&w, i, by)));
        assert!((found - wanted).abs() < 2e-3 * size, "{name}: weight {i}: {found} against {wanted}");
    }
}

/// All losses but those whose authors leave something out of the gradient on purpose.
fn exact_losses() -> impl Iterator<Item = Head> {
    Head::every().filter(|head| !matches!(head, Head::AdaFace | Head::AdaCos | Head::CurricularFace))
}

#[test]
fn gradients_of_every_head_equal_finite_differences() {
    for kind in exact_losses() {
        check(&spec(kind, [C, D]));
    }
}

#[test]
fn gradients_with_what_can_be_added_equal_finite_differences() {
    let with = |kind: Head, change: fn(&mut HeadOptions)| {
        let mut spec = spec(kind, [C, D]);
        change(&mut spec.options);
        check(&spec);
    };
    for kind in [Head::ArcFace, Head::SphereFace, Head::MagFace] {
        with(kind, |options| options.subcenters = 3);
        with(kind, |options| options.class_share = 0.9);
        with(kind, |options| options.focal_gamma = 2.0);
        with(kind, |options| options.focal_gamma = 0.5);
    }
    for kind in exact_losses() {
        with(kind, |options| options.filter_above = 0.3);
    }
    with(Head::Softmax, |options| options.class_share = 0.9);
    with(Head::Softmax, |options| options.focal_gamma = 2.0);
    for kind in exact_losses().filter(|kind| kind.takes_batch_negatives()) {
        with(kind, |options| {
            options.batch_negatives = true;
            // MagFace: little of the loss that is not of the margin, and much of the margin that is of the length.
            (options.length_weight, options.length_margin_rad) = (0.0, 1.4);
        });
    }
    with(Head::ElasticCosFace, |options| options.margin_by_rank = true);
}

#[test]
fn a_sample_on_its_class_centre_or_opposite_has_finite_loss_and_gradient() {
    // Rows 0 and 1 are exactly the class direction and its opposite: cosines 1 and -1 in f32. Row 3 is zero.
    let x = [3.0, 0.0, -2.0, 0.0, 0.0, 5.0, 0.0, 0.0];
    let w = [1.0, 0.0, 0.0, 1.0];
    for kind in Head::every() {
        for share in [0.0, 1.0, 3.0] {
            let mut spec = spec(kind, [2, 2]);
            spec.margins = spec.margins.share(share);
            let module = head(&spec, &w);
            let input = tensor(&x, [4, 2]);
            let out = module.forward(input.clone(), &batch(&spec, &[0, 0, 1, 0]));
            assert!(out.loss.clone().into_scalar().is_finite(), "{kind:?} {share}");
            let grads = out.loss.backward();
            let dx = input.grad(&grads).expect("a gradient").into_data();
            let dw = module.weight.val().grad(&grads).expect("a gradient").into_data();
            assert!(dx.iter::<f32>().chain(dw.iter::<f32>()).all(f32::is_finite), "{kind:?} {share}");
        }
    }
}

#[test]
fn the_curve_of_a_head_is_what_the_head_computes() {
    for kind in Head::every() {
        let mut spec = spec(kind, [2, 2]);
        // The plain case that the curve is drawn for.
        spec.options.margin_std = 0.0;
        spec.options.length_margin_rad = spec.margins.rad;
        for step in 1..32 {
            let theta = f64::from(step) * std::f64::consts::PI / 32.0;
            let length = if matches!(kind, Head::Softmax | Head::SphereFace) { spec.scale as f32 } else { 1.0 };
            let x = [length * theta.cos() as f32, length * theta.sin() as f32];
            let mut module = head(&spec, &[1.0, 0.0, -1.0, 0.5]);
            if kind == Head::AdaFace {
                // A length just at the mean.
                module.statistics =
                    Some(burn::module::RunningState::new(Tensor::from_floats([1.0, 1.0], &Default::default())));
            }
            if matches!(kind, Head::UniFace | Head::AdaCos) {
                // The one subtracts its threshold, the other has changed its scale by then.
                continue;
            }
            let found = module
                .logits(tensor(&x, [1, 2]), &batch(&spec, &[0]))
                .into_data()
                .iter::<f64>()
                .next()
                .expect("a logit");
            let curve = target_logit(kind, 4.0, spec.margins, &spec.options, theta);
            assert!((found - curve).abs() < 2e-4, "{kind:?} at {theta}: {found} against {curve}");
        }
    }
}

#[test]
fn guarded_curves_fall_everywhere_and_have_no_jump() {
    let options = HeadOptions::default();
    let paper = Margins { factor: 0.9, rad: 0.4, cos: 0.15 };
    for (kind, margins) in [
        (Head::ArcFace, Head::ArcFace.published_margins()),
        (Head::Combined, Head::Combined.published_margins()),
        (Head::Combined, paper),
        (Head::Combined, Margins { factor: 1.35, ..Margins::NONE }),
        // Beyond 2π, and the ends of what may be asked for.
        (Head::Combined, Margins { factor: 2.0, rad: 0.5, cos: 0.35 }),
        (Head::Combined, Margins { factor: 6.0, rad: 1.5, cos: 0.9 }),
        (Head::Combined, Margins { factor: 0.5, ..Margins::NONE }),
        (Head::SphereFace, Head::SphereFace.published_margins()),
        (Head::SphereFaceScaled, Head::SphereFaceScaled.published_margins()),
        (Head::LiArcFace, Head::LiArcFace.published_margins()),
    ] {
        let at = |i: i32| target_logit(kind, 1.0, margins, &options, f64::from(i) * std::f64::consts::PI / 10_000.0);
        for i in 1..=10_000 {
            let fall = at(i - 1) - at(i);
            assert!(fall > -1e-12 && fall < 2e-3, "{kind:?} {margins:?}: step {i} falls by {fall}");
        }
    }
}

#[test]
fn the_plain_logits_carry_no_margin() {
    let (x, w) = (values(3, N * D), values(4, C * D));
    for kind in
        [Head::Softmax, Head::ArcFace, Head::CosFace, Head::SphereFaceScaled, Head::ElasticCosFace, Head::Combined]
    {
        let spec = spec(kind, [C, D]);
        let module = head(&spec, &w);
        let plain = module.logits_plain(tensor(&x, [N, D])).into_data();
        let start = Moment { share: 0.0, ..Moment::LATE };
        let told = HeadBatch::new(&spec, &[0; N], start, &Default::default());
        let zero = module.logits(tensor(&x, [N, D]), &told).into_data();
        let [plain, zero] = [plain, zero].map(|logits| logits.iter::<f32>().collect::<Vec<_>>());
        assert_eq!((plain.len(), zero.len()), (N * C, N * C), "{kind:?}");
        for (a, b) in plain.iter().zip(&zero) {
            assert!((a - b).abs() < 1e-5, "{kind:?}: {a} against {b}");
        }
    }
}
