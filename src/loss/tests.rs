use super::angles::{cos_add, cos_add_scalar};
use super::{HeadBatch, HeadOptions, HeadSpec, Moment, target_logit};
use crate::config::{Head, LossConfig, Margins};
use crate::kernels::Cpu;
use burn::backend::Flex;
use burn::module::{Module, Param};
use burn::tensor::Tensor;

#[test]
fn cos_add_is_the_cosine_of_the_sum() {
    for margin in [0.0, 0.3, 0.5, 1.5] {
        for i in 0..=100 {
            let theta = f64::from(i) * std::f64::consts::PI / 100.0;
            let wanted = (theta + margin).cos();
            assert!((cos_add_scalar(theta.cos(), margin) - wanted).abs() < 1e-7, "{theta} + {margin}");
            let c = Tensor::<Flex, 1>::from_floats([theta.cos() as f32], &Default::default());
            let found = f64::from(cos_add(c.clone(), c.full_like(margin)).into_scalar());
            // The floor under the root costs at most √1e-9 = 3.2e-5 at the poles.
            assert!((found - wanted).abs() < 4e-5, "{theta} + {margin}: {found} instead of {wanted}");
        }
    }
}

#[test]
fn cosines_outside_the_range_by_rounding_are_clamped() {
    let c = Tensor::<Flex, 1>::from_floats([1.000_001, -1.000_001], &Default::default());
    let found: Vec<f32> = cos_add(c.clone(), c.full_like(0.5)).into_data().iter().collect();
    assert!((found[0] - 0.5f32.cos()).abs() < 4e-5 && (found[1] + 0.5f32.cos()).abs() < 4e-5, "{found:?}");
}

fn at(head: Head, scale: f64, margins: Margins, cosine: f64) -> f64 {
    target_logit(head, scale, margins, &HeadOptions::default(), cosine.acos())
}

fn rad(rad: f64) -> Margins {
    Margins { rad, ..Margins::NONE }
}

fn factor(factor: f64) -> Margins {
    Margins { factor, ..Margins::NONE }
}

/// The examples of the papers' formulas, worked out by hand in double precision.
#[test]
fn the_worked_examples_of_the_papers_hold() {
    let cos = |cos| Margins { cos, ..Margins::NONE };
    let combined = |factor, rad, cos| Margins { factor, rad, cos };
    for (head, margins, scale, cosine, wanted) in [
        (Head::ArcFace, rad(0.5), 64.0, 0.6, 9.152_583),
        (Head::CosFace, cos(0.35), 64.0, 0.6, 16.0),
        (Head::Softmax, Margins::NONE, 64.0, 0.6, 38.4),
        (Head::CombinedExact, combined(1.0, 0.3, 0.2), 64.0, 0.6, 8.754_287),
        (Head::Combined, combined(0.9, 0.4, 0.15), 64.0, 0.6, 11.515_593),
        (Head::SphereFaceScaled, factor(1.7), 30.0, 0.6, -0.168_165),
        (Head::SphereFaceR1, factor(1.5), 30.0, 0.6, 5.366_563),
        (Head::SphereFaceR2, factor(1.5), 30.0, 0.6, 18.0),
        (Head::LiArcFace, rad(0.45), 64.0, 0.6, 7.883_944),
        // c = -0.95 lies past π − m: the reflection, and the same sample under the other guards.
        (Head::ArcFace, rad(0.5), 64.0, -0.95, -65.062_143),
        (Head::ArcFaceExact, rad(0.5), 64.0, -0.95, -62.937_857),
        (Head::ArcFaceInsightface, rad(0.5), 64.0, -0.95, -62.937_857),
        (Head::ArcFaceFallback, rad(0.5), 64.0, -0.95, -76.141_617),
        (Head::ArcFaceEasy, rad(0.5), 64.0, -0.95, -60.8),
        (Head::ArcFaceFaceXZoo, rad(0.5), 64.0, -0.95, -60.8),
        (Head::NormSoftmax, Margins::NONE, 64.0, -0.95, -60.8),
    ] {
        let found = at(head, scale, margins, cosine);
        assert!((found - wanted).abs() < 1e-5, "{head:?}: {found}");
    }
}

#[test]
fn the_margin_costs_a_sample_and_never_helps_it() {
    for head in [Head::ArcFace, Head::ArcFaceFallback, Head::CosFace, Head::Combined, Head::SphereFaceScaled] {
        for i in 1..50 {
            let theta = f64::from(i) * std::f64::consts::PI / 50.0;
            let with = target_logit(head, 1.0, head.published_margins(), &HeadOptions::default(), theta);
            assert!(with < theta.cos(), "{head:?} at {theta}");
        }
    }
}

#[test]
fn the_counted_parameters_are_those_of_the_head() {
    for head in Head::every() {
        let mut spec = HeadSpec::plain(head, [7, 5], 16.0, Margins::NONE);
        spec.options.subcenters = if head.is_cosine() { 3 } else { 1 };
        let module = spec.init_seeded::<Cpu>(&Default::default(), 1);
        let kept = module.statistics.as_ref().map_or(0, |state| state.value().dims()[0]);
        assert_eq!(module.num_params(), spec.parameter_count() + kept, "{head:?}");
        assert_eq!(module.bias.is_some(), matches!(head, Head::Softmax | Head::UniFace));
    }
}

#[test]
fn class_weights_start_at_about_length_one_whatever_the_size() {
    for embedding_dim in [16, 512] {
        let spec = HeadSpec::plain(Head::ArcFace, [40, embedding_dim], 16.0, Margins::NONE);
        let weight = spec.init_seeded::<Flex>(&Default::default(), 1).weight.val();
        let mean_square = (weight.clone() * weight).sum().into_scalar() / 40.0;
        assert!((mean_square - 1.0).abs() < 0.15, "{embedding_dim}: {mean_square}");
    }
}

#[test]
fn a_broken_batch_leaves_the_statistics_as_they_were() {
    for head in [Head::AdaFace, Head::CurricularFace, Head::AdaCos] {
        let spec = HeadSpec::plain(head, [3, 4], 8.0, head.published_margins());
        let module = spec.init_seeded::<Cpu>(&Default::default(), 1);
        let kept = || module.statistics.as_ref().unwrap().value().into_data().iter::<f32>().collect::<Vec<_>>();
        let before = kept();
        let batch = HeadBatch::new(&spec, &[0, 1], Moment::LATE, &Default::default());
        let broken = Tensor::from_floats([[f32::NAN, 0.0, 1.0, 0.0], [1.0, 2.0, 3.0, 4.0]], &Default::default());
        module.forward(broken, &batch);
        assert_eq!(kept(), before, "{head:?}");
        let sound = Tensor::from_floats([[1.0, 0.0, 1.0, 0.0], [1.0, 2.0, 3.0, 4.0]], &Default::default());
        module.forward(sound, &batch);
        assert_ne!(kept(), before, "{head:?}");
    }
}

#[test]
fn a_warning_comes_when_magface_would_shrink_every_embedding() {
    let mut spec = HeadSpec::plain(Head::MagFace, [3, 512], 64.0, Head::MagFace.published_margins());
    assert_eq!(spec.warning(true), None);
    spec.options.length_weight = 5.0;
    assert!([true, false].iter().all(|scratch| spec.warning(*scratch).is_some_and(|text| text.contains("22.6"))));
}

#[test]
fn a_warning_comes_when_embeddings_begin_where_magface_does_not_look() {
    for (embedding_dim, start) in [(16, "about 4.0 long"), (20_000, "about 141.4 long")] {
        let mut spec = HeadSpec::plain(Head::MagFace, [3, embedding_dim], 8.0, Head::MagFace.published_margins());
        assert!(spec.warning(true).is_some_and(|text| text.contains(start)));
        assert_eq!(spec.warning(false), None, "a network that was trained before need not begin there");
        spec.head = Head::ArcFace;
        assert_eq!(spec.warning(true), None);
        spec.head = Head::MagFace;
        (spec.options.length_low, spec.options.length_high) = (2.0, 200.0);
        assert_eq!(spec.warning(true), None);
    }
}

#[test]
fn pairs_of_the_batch_count_with_the_scale_of_the_loss() {
    let mut spec = HeadSpec::plain(Head::AdaCos, [6, 3], 9.0, Margins::NONE);
    spec.options.batch_negatives = true;
    let module = spec.init_seeded::<Cpu>(&Default::default(), 1);
    let labels = [0_u32, 1, 0];
    let rows = [[1.0_f32, 2.0, 0.5], [-1.0, 0.5, 2.0], [0.5, 1.0, -1.0]];
    let x = Tensor::<Cpu, 2>::from_floats(rows, &Default::default());
    let batch = HeadBatch::new(&spec, &labels, Moment::LATE, &Default::default());
    let found: Vec<f64> = module.forward(x.clone(), &batch).per_sample.into_data().iter::<f64>().collect();

    let scale = module.statistics.as_ref().unwrap().value().into_data().iter::<f64>().next().unwrap();
    let cosines: Vec<f64> = module.cosine(x).into_data().iter::<f64>().collect();
    let dot = |a: usize, b: usize| rows[a].iter().zip(rows[b]).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    // Of two pairs, the filter leaves out none.
    let pairs = [(0, 1), (1, 2)].map(|(a, b)| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt());
    for ((row, label), found) in cosines.chunks(6).zip(labels).zip(found) {
        let sum: f64 = row.iter().chain(&pairs).map(|cosine| (scale * cosine).exp()).sum();
        let wanted = sum.ln() - scale * row[label as usize];
        assert!((found - wanted).abs() < 1e-4, "{found} instead of {wanted}");
    }
}

#[test]
fn pairs_of_the_batch_are_impostors_only_where_there_is_a_softmax_over_cosines() {
    for head in Head::every() {
        let config = LossConfig { head, batch_negatives: true, ..LossConfig::default() };
        let takes = !matches!(head, Head::Softmax | Head::UniFace);
        assert_eq!(HeadOptions::of(&config, false).batch_negatives, takes, "{head:?}");
    }
}

/// ElasticFace+, worked out by hand in double precision: the smallest margin goes to the sample nearest its class.
#[test]
fn elasticface_plus_gives_the_hardest_sample_the_largest_margin() {
    // Angles to the own class, which is at a right angle to the other.
    let rows = [0.9_f64, 0.2, 1.3].map(|angle| [angle.cos() as f32, angle.sin() as f32]);
    let labels = [0; 3];
    let numbers = |tensor: Tensor<Cpu, 1>| tensor.into_data().iter::<f64>().collect::<Vec<f64>>();
    for (head, margins, own, losses) in [
        // 8·cos(0.9 + 0.5), 8·cos(0.2 + 0.48), 8·cos(1.3 + 0.53) against 8·sin of the angles.
        (
            Head::ElasticArcFace,
            [0.48, 0.5, 0.53],
            [1.359_737, 6.220_582, -2.050_487],
            [4.914_246, 0.009_696, 9.759_011],
        ),
        // 8·(cos 0.9 − 0.35), 8·(cos 0.2 − 0.33), 8·(cos 1.3 − 0.38).
        (
            Head::ElasticCosFace,
            [0.33, 0.35, 0.38],
            [2.172_880, 5.200_533, -0.900_009],
            [4.110_275, 0.026_661, 8.608_657],
        ),
    ] {
        let mut spec = HeadSpec::plain(head, [2, 2], 8.0, head.published_margins());
        spec.options.margin_std = head.published_margin_std(true);
        let drawn = |spec: &HeadSpec| {
            let batch = HeadBatch::<Cpu>::new(spec, &labels, Moment::LATE, &Default::default());
            numbers(batch.drawn.expect("margins are drawn"))
        };
        let mut risen = drawn(&spec);
        assert!(!risen.is_sorted(), "{head:?}: this test needs another seed");
        risen.sort_by(f64::total_cmp);
        spec.options.margin_by_rank = true;
        assert_eq!(drawn(&spec), risen, "{head:?}");

        let mut module = spec.init_seeded::<Cpu>(&Default::default(), 1);
        module.weight = Param::from_tensor(Tensor::from_floats([[1.0, 0.0], [0.0, 1.0]], &Default::default()));
        let mut batch = HeadBatch::new(&spec, &labels, Moment::LATE, &Default::default());
        batch.drawn = Some(Tensor::from_floats(margins, &Default::default()));
        let x = Tensor::<Cpu, 2>::from_floats(rows, &Default::default());
        let logits: Vec<f64> = module.logits(x.clone(), &batch).into_data().iter::<f64>().collect();
        let out = module.forward(x, &batch);
        let found = numbers(out.per_sample);
        for i in 0..labels.len() {
            assert!((logits[2 * i] - own[i]).abs() < 1e-5, "{head:?}, sample {i}: {logits:?}");
            assert!((found[i] - losses[i]).abs() < 1e-5, "{head:?}, sample {i}: {found:?}");
        }
        let mean = losses.iter().sum::<f64>() / 3.0;
        assert!((numbers(out.loss)[0] - mean).abs() < 1e-5, "{head:?}");
    }
}
