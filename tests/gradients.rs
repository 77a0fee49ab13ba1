//! Gradients of the margin heads against finite differences, and their behaviour at the poles.
//!
//! The golden numbers check a few points; this checks that value and gradient belong together for random inputs, so a
//! change to both at once would be seen too.

use arclens::config::{Head, Margins};
use arclens::kernels::Cpu;
use arclens::loss::{HeadBatch, HeadOptions, HeadSpec, MarginHead, Moment, target_logit};
use burn::module::{Param, RunningState};
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
    // No gradient goes through the statistics, so they stay what they are in [`head`].
    spec.options.statistics_share = 0.0;
    spec
}

fn head(spec: &HeadSpec, weights: &[f32]) -> MarginHead<Cpu> {
    let mut module = spec.init_seeded::<Cpu>(&Default::default(), 1);
    module.weight = Param::from_tensor(tensor(weights, [spec.rows(), spec.embedding_dim]));
    // AdaFace: lengths of these inputs on both sides of the mean. CurricularFace: hard impostors far from what they were.
    let statistics: Vec<f32> = match spec.head {
        Head::AdaFace => vec![1.3, 0.2],
        Head::CurricularFace => vec![0.3],
        _ => return module,
    };
    module.statistics = Some(RunningState::new(Tensor::from_floats(statistics.as_slice(), &Default::default())));
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

/// A loss and its gradients.
struct Taught {
    loss: f64,
    embeddings: Vec<f64>,
    /// Of every row of the class weight.
    rows: Vec<Vec<f64>>,
    /// Empty where there is no bias.
    bias: Vec<f64>,
}

fn numbers(data: TensorData) -> Vec<f64> {
    data.iter::<f64>().collect()
}

fn taught(module: &MarginHead<Cpu>, x: &[f32], batch: &HeadBatch<Cpu>) -> Taught {
    let input = tensor(x, [x.len() / D, D]);
    let out = module.forward(input.clone(), batch);
    let loss = f64::from(out.loss.clone().into_scalar());
    let grads = out.loss.backward();
    let weight = numbers(module.weight.val().grad(&grads).expect("a gradient").into_data());
    let bias = module.bias.as_ref().and_then(|bias| bias.val().grad(&grads));
    Taught {
        loss,
        embeddings: numbers(input.grad(&grads).expect("a gradient").into_data()),
        rows: weight.chunks(D).map(<[f64]>::to_vec).collect(),
        bias: bias.map(|bias| numbers(bias.into_data())).unwrap_or_default(),
    }
}

/// The loss that finite differences are taken of, after a step of the head: what its authors let no gradient through is held.
/// AdaCos moves its scale with the batch; with the scale of the step it is the normalised softmax.
fn held(module: &MarginHead<Cpu>) -> HeadSpec {
    let mut spec = module.spec.clone();
    if spec.head == Head::AdaCos {
        let scale = module.statistics.as_ref().expect("AdaCos keeps its scale").value();
        (spec.head, spec.scale) = (Head::NormSoftmax, numbers(scale.into_data())[0]);
    }
    spec
}

fn moved(values: &[f32], i: usize, by: f32) -> Vec<f32> {
    let mut values = values.to_vec();
    values[i] += by;
    values
}

/// An embedding whose number `i` is moved. AdaFace lets no gradient through its length, so there it keeps its length.
fn moved_embedding(head: Head, x: &[f32], i: usize, by: f32) -> Vec<f32> {
    let mut after = moved(x, i, by);
    if head == Head::AdaFace {
        let row = i / D * D..i / D * D + D;
        let length = |values: &[f32]| values.iter().map(|value| value * value).sum::<f32>().sqrt();
        let factor = length(&x[row.clone()]) / length(&after[row.clone()]);
        after[row].iter_mut().for_each(|value| *value *= factor);
    }
    after
}

fn check(spec: &HeadSpec) {
    let name = format!("{:?}, {:?}", spec.head, spec.options);
    let (x, w) = (values(3, N * D), values(4, spec.rows() * D));
    let module = head(spec, &w);
    let wanted = taught(&module, &x, &batch(spec, &LABELS));
    let held = held(&module);
    let size = wanted.loss.max(1.0);
    let again = loss(&held, &x, &w);
    assert!((again - wanted.loss).abs() < 1e-5 * size, "{name}: {again} instead of {}", wanted.loss);
    let step = 2e-3_f32;
    let slope = |f: &dyn Fn(f32) -> f64| (f(step) - f(-step)) / (2.0 * f64::from(step));
    for (i, wanted) in wanted.embeddings.iter().enumerate() {
        let found = slope(&|by| loss(&held, &moved_embedding(spec.head, &x, i, by), &w));
        assert!((found - wanted).abs() < 2e-3 * size, "{name}: embedding {i}: {found} against {wanted}");
    }
    for (i, wanted) in wanted.rows.iter().flatten().enumerate() {
        let found = slope(&|by| loss(&held, &x, &moved(&w, i, by)));
        assert!((found - wanted).abs() < 2e-3 * size, "{name}: weight {i}: {found} against {wanted}");
    }
}

#[test]
fn gradients_of_every_head_equal_finite_differences() {
    for kind in Head::every() {
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
    for kind in Head::every() {
        with(kind, |options| options.filter_above = 0.3);
    }
    with(Head::Softmax, |options| options.class_share = 0.9);
    with(Head::Softmax, |options| options.focal_gamma = 2.0);
    for kind in Head::every().filter(|kind| kind.takes_batch_negatives()) {
        with(kind, |options| {
            options.batch_negatives = true;
            // MagFace: little of the loss that is not of the margin, and much of the margin that is of the length.
            (options.length_weight, options.length_margin_rad) = (0.0, 1.4);
        });
    }
    with(Head::ElasticCosFace, |options| options.margin_by_rank = true);
}

fn set_bias(module: &mut MarginHead<Cpu>, bias: &[f32]) {
    module.bias = Some(Param::from_tensor(Tensor::from_floats(bias, &Default::default())));
}

/// The chosen rows of a matrix of `D` columns.
fn rows_of(matrix: &[f32], rows: &[usize]) -> Vec<f32> {
    rows.iter().flat_map(|row| &matrix[row * D..(row + 1) * D]).copied().collect()
}

/// Partial FC: of nine classes the four of the batch and two others take part.
#[test]
fn a_share_of_the_classes_teaches_every_loss_what_a_head_of_these_classes_alone_would() {
    const MANY: usize = 9;
    const KEPT: usize = 6;
    let labels: [u32; N] = [7, 2, 5, 0, 2];
    let x = values(3, N * D);
    let cases = Head::every().flat_map(|kind| (1..=if kind.is_cosine() { 2 } else { 1 }).map(move |k| (kind, k)));
    for (kind, subcenters) in cases {
        let mut all = spec(kind, [MANY, D]);
        all.options.class_share = 0.7;
        all.options.subcenters = subcenters;
        all.options.batch_negatives = subcenters > 1 && kind.takes_batch_negatives();
        let mut alone = all.clone();
        (alone.classes, alone.options.class_share) = (KEPT, 1.0);
        let w = values(4, all.rows() * D);
        let told = batch(&all, &labels);
        let rows = told.rows.as_ref().expect("a share of the classes").to_data();
        let rows: Vec<usize> = rows.iter::<i64>().map(|row| row as usize).collect();
        let classes: Vec<usize> = rows.iter().step_by(subcenters).map(|row| row / subcenters).collect();
        assert_eq!((rows.len(), classes.len()), (KEPT * subcenters, KEPT), "{kind:?}");
        let place = |label: &u32| classes.iter().position(|class| *class == *label as usize).expect("of the batch");
        let places: Vec<u32> = labels.iter().map(|label| place(label) as u32).collect();

        let (mut whole, mut few) = (head(&all, &w), head(&alone, &rows_of(&w, &rows)));
        match kind {
            Head::Softmax => {
                let bias = values(5, MANY);
                set_bias(&mut whole, &bias);
                set_bias(&mut few, &classes.iter().map(|class| bias[*class]).collect::<Vec<f32>>());
            }
            Head::UniFace => [&mut whole, &mut few].into_iter().for_each(|module| set_bias(module, &[0.5])),
            _ => {}
        }
        let (found, wanted) = (taught(&whole, &x, &told), taught(&few, &x, &batch(&alone, &places)));
        let name = format!("{kind:?}, {subcenters} centres");
        let allowed = 1e-5 * wanted.loss.max(1.0);
        let near = |found: &[f64], wanted: &[f64]| {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < allowed)
        };
        assert!(near(&[found.loss], &[wanted.loss]), "{name}: {} instead of {}", found.loss, wanted.loss);
        assert!(near(&found.embeddings, &wanted.embeddings), "{name}: {:?}", found.embeddings);
        for (row, found) in found.rows.iter().enumerate() {
            match rows.iter().position(|kept| *kept == row) {
                Some(place) => assert!(near(found, &wanted.rows[place]), "{name}, row {row}: {found:?}"),
                None => assert!(found.iter().all(|slope| *slope == 0.0), "{name}, row {row} was left out: {found:?}"),
            }
        }
        if kind == Head::Softmax {
            let mut bias = vec![0.0; MANY];
            classes.iter().zip(&wanted.bias).for_each(|(class, slope)| bias[*class] = *slope);
            assert!(near(&found.bias, &bias), "{name}, bias: {:?} instead of {bias:?}", found.bias);
        } else {
            assert!(near(&found.bias, &wanted.bias), "{name}, threshold: {:?}", found.bias);
        }
    }
}

/// Of one sample alone, so that one centre of each class is the nearest.
#[test]
fn of_several_centres_every_loss_knows_the_nearest_and_teaches_no_other() {
    const CENTRES: usize = 3;
    let (x, w) = (values(3, N * D), values(4, C * CENTRES * D));
    let length = |row: &[f32]| row.iter().map(|value| f64::from(value * value)).sum::<f64>().sqrt();
    let cosine = |a: &[f32], b: &[f32]| {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() / (length(a) * length(b))
    };
    for kind in Head::every().filter(|kind| kind.is_cosine()) {
        let plain = spec(kind, [C, D]);
        let mut with_centres = plain.clone();
        with_centres.options.subcenters = CENTRES;
        for (x, label) in x.chunks(D).zip(LABELS) {
            let nearest = |class: usize| {
                let rows = class * CENTRES..(class + 1) * CENTRES;
                let at = |row: &usize| cosine(x, &w[row * D..(row + 1) * D]);
                rows.max_by(|a, b| at(a).total_cmp(&at(b))).expect("a centre")
            };
            let nearest: Vec<usize> = (0..C).map(nearest).collect();
            let found = taught(&head(&with_centres, &w), x, &batch(&with_centres, &[label]));
            let wanted = taught(&head(&plain, &rows_of(&w, &nearest)), x, &batch(&plain, &[label]));
            let near = |a: f64, b: f64| (a - b).abs() < 1e-5 * wanted.loss.max(1.0);
            assert!(near(found.loss, wanted.loss), "{kind:?}: {} instead of {}", found.loss, wanted.loss);
            for (row, found) in found.rows.iter().enumerate() {
                let wanted = nearest.iter().position(|nearest| *nearest == row).map(|class| &wanted.rows[class]);
                for (i, found) in found.iter().enumerate() {
                    let is_right = wanted.map_or(*found == 0.0, |wanted| near(*found, wanted[i]));
                    assert!(is_right, "{kind:?}, row {row}: {found} instead of {wanted:?}");
                }
            }
        }
    }
}

/// ln(1 + eˣ).
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The loss of one sample, in double precision, of its logits.
fn by_hand(spec: &HeadSpec, logits: &[f64], label: usize) -> f64 {
    if spec.head == Head::UniFace {
        let held = |logit: f64| logit.clamp(-spec.scale, spec.scale);
        let asked = |(class, logit): (usize, &f64)| softplus(if class == label { -held(*logit) } else { held(*logit) });
        return logits.iter().enumerate().map(asked).sum();
    }
    logits.iter().map(|logit| (logit - logits[label]).exp()).sum::<f64>().ln()
}

/// Where nothing is filtered the logits are those of the golden numbers.
#[test]
fn a_filtered_class_has_the_logit_nought_in_every_loss_and_the_others_keep_theirs() {
    const ABOVE: f64 = 0.3;
    let (x, w) = (values(3, N * D), values(4, C * D));
    for kind in Head::every() {
        let plain = spec(kind, [C, D]);
        let mut filtering = plain.clone();
        filtering.options.filter_above = ABOVE;
        let told = batch(&plain, &LABELS);
        let module = head(&plain, &w);
        let mut wanted = numbers(module.logits(tensor(&x, [N, D]), &told).into_data());
        let cosines = numbers(module.cosine(tensor(&x, [N, D])).into_data());
        // UniFace's logits are those above its threshold.
        let nought = match (kind, &module.bias) {
            (Head::UniFace, Some(threshold)) => -numbers(threshold.val().into_data())[0],
            _ => 0.0,
        };
        let mut filtered = 0;
        for (i, (logit, cosine)) in wanted.iter_mut().zip(&cosines).enumerate() {
            if i % C != LABELS[i / C] as usize && *cosine > ABOVE {
                (*logit, filtered) = (nought, filtered + 1);
            }
        }
        assert!(filtered > 0 && filtered < N * (C - 1), "{kind:?}: {filtered} of {cosines:?}");

        let module = head(&filtering, &w);
        let logits = numbers(module.logits(tensor(&x, [N, D]), &told).into_data());
        for (found, wanted) in logits.iter().zip(&wanted) {
            assert!((found - wanted).abs() < 1e-5, "{kind:?}: {logits:?} instead of {wanted}");
        }
        let losses = numbers(module.forward(tensor(&x, [N, D]), &told).per_sample.into_data());
        assert_eq!(losses.len(), N);
        for ((found, logits), label) in losses.iter().zip(wanted.chunks(C)).zip(LABELS) {
            let wanted = by_hand(&filtering, logits, label as usize);
            assert!((found - wanted).abs() < 2e-5, "{kind:?}: {found} instead of {wanted}");
        }
    }
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
                module.statistics = Some(RunningState::new(Tensor::from_floats([1.0, 1.0], &Default::default())));
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
