use super::angles::{cos_add, cos_add_scalar};
use super::{HeadSpec, target_logit};
use crate::config::Head;
use crate::kernels::Cpu;
use burn::backend::Flex;
use burn::module::Module;
use burn::tensor::Tensor;

#[test]
fn cos_add_is_the_cosine_of_the_sum() {
    for margin in [0.0, 0.3, 0.5, 1.5] {
        for i in 0..=100 {
            let theta = f64::from(i) * std::f64::consts::PI / 100.0;
            let wanted = (theta + margin).cos();
            assert!((cos_add_scalar(theta.cos(), margin) - wanted).abs() < 1e-7, "{theta} + {margin}");
            let c = Tensor::<Flex, 1>::from_floats([theta.cos() as f32], &Default::default());
            let found = f64::from(cos_add(c, margin).into_scalar());
            // The floor under the root costs at most √1e-9 = 3.2e-5 at the poles.
            assert!((found - wanted).abs() < 4e-5, "{theta} + {margin}: {found} instead of {wanted}");
        }
    }
}

#[test]
fn cosines_outside_the_range_by_rounding_are_clamped() {
    let c = Tensor::<Flex, 1>::from_floats([1.000_001, -1.000_001], &Default::default());
    let found: Vec<f32> = cos_add(c, 0.5).into_data().iter().collect();
    assert!((found[0] - 0.5f32.cos()).abs() < 4e-5 && (found[1] + 0.5f32.cos()).abs() < 4e-5, "{found:?}");
}

#[test]
fn the_worked_examples_of_the_papers_hold() {
    // c = 0.6, s = 64: target logits of ArcFace 0.5 and CosFace 0.35.
    let theta = 0.6f64.acos();
    assert!((target_logit(Head::ArcFace, 64.0, 0.5, theta) - 9.152_583).abs() < 1e-6);
    assert!((target_logit(Head::CosFace, 64.0, 0.35, theta) - 16.0).abs() < 1e-9);
    assert!((target_logit(Head::Softmax, 64.0, 0.5, theta) - 38.4).abs() < 1e-9);
    // c = -0.95 lies past π − m: the reflection.
    assert!((target_logit(Head::ArcFace, 64.0, 0.5, (-0.95f64).acos()) + 65.062_143).abs() < 1e-6);
    // The same sample under the other guards.
    for (head, wanted) in [
        (Head::ArcFaceExact, -62.937_857),
        (Head::ArcFaceInsightface, -62.937_857),
        (Head::ArcFaceFallback, -76.141_617),
        (Head::ArcFaceEasy, -60.8),
        (Head::NormSoftmax, -60.8),
    ] {
        let found = target_logit(head, 64.0, 0.5, (-0.95f64).acos());
        assert!((found - wanted).abs() < 1e-6, "{head:?}: {found}");
    }
}

#[test]
fn the_margin_costs_a_sample_and_never_helps_it() {
    for head in [Head::ArcFace, Head::ArcFaceFallback, Head::CosFace] {
        for i in 0..=50 {
            let theta = f64::from(i) * std::f64::consts::PI / 50.0;
            let with = target_logit(head, 1.0, 0.4, theta);
            assert!(with < theta.cos(), "{head:?} at {theta}");
        }
    }
}

#[test]
fn the_counted_parameters_are_those_of_the_head() {
    for head in [Head::Softmax, Head::NormSoftmax, Head::ArcFace, Head::ArcFaceEasy, Head::CosFace] {
        let spec = HeadSpec { head, classes: 7, embedding_dim: 5, scale: 16.0, margin: 0.3 };
        let module = spec.init_seeded::<Cpu>(&Default::default(), 1);
        assert_eq!(module.num_params(), spec.parameter_count(), "{head:?}");
        assert_eq!(module.bias.is_some(), head == Head::Softmax);
    }
}

#[test]
fn class_weights_start_at_about_length_one_whatever_the_size() {
    for embedding_dim in [16, 512] {
        let spec = HeadSpec { head: Head::ArcFace, classes: 40, embedding_dim, scale: 16.0, margin: 0.3 };
        let weight = spec.init_seeded::<Flex>(&Default::default(), 1).weight.val();
        let mean_square = (weight.clone() * weight).sum().into_scalar() / 40.0;
        assert!((mean_square - 1.0).abs() < 0.15, "{embedding_dim}: {mean_square}");
    }
}
