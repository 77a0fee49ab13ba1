//! The networks at work: sizes of what they give, learning, saving and loading, and their frozen form.

use super::{Embedder, EmbedderSpec, Form, Inference, ModelError, Statistics, load_weights, save_weights};
use crate::config::{Net, Pooling};
use crate::kernels::random::{Draw, constant};
use crate::kernels::{Cpu, cross_entropy};
use burn::backend::Flex;
use burn::module::AutodiffModule;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, Optimizer, SgdConfig};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use std::collections::BTreeMap;

mod depths;
mod published;

fn spec(net: Net, channels: usize, image_px: usize, embedding_dim: usize) -> EmbedderSpec {
    EmbedderSpec { net, form: Form::Usual, pooling: Pooling::Average, channels, image_px, embedding_dim, dropout: 0.0 }
}

fn images<B: Backend>(n: usize, spec: &EmbedderSpec, seed: u64) -> Tensor<B, 4> {
    let shape = [n, spec.channels, spec.image_px, spec.image_px];
    Draw::new(seed, "test").normal::<B, 4>(shape, 1.0, &Default::default()).into_value().detach()
}

/// The head "GAP" of insightface: normalisation, PReLU, average, embedding layer, normalisation.
#[test]
fn the_average_behind_a_prelu_is_a_choice_of_the_iresnets_and_the_plain_one_stays_what_it_was() {
    let of = |net, form, pooling| EmbedderSpec { form, pooling, ..spec(net, 3, 40, 16) };
    let plain = of(Net::Iresnet18, Form::Usual, Pooling::Average);
    let gap = of(Net::Iresnet18, Form::Usual, Pooling::AveragePrelu);
    // A run from before knows no PReLU, and its weights remain those of its network.
    let text = serde_json::to_string(&plain).unwrap();
    assert!(text.contains("\"pooling\":\"average\""), "{text}");
    assert_eq!(gap.parameter_count(), plain.parameter_count() + 512);
    let mut shapes = gap.weight_shapes();
    assert_eq!(shapes.remove("prelu2.weight"), Some(vec![512]));
    assert_eq!(shapes, plain.weight_shapes());
    let old = save_weights(&plain.init_seeded::<Flex>(&Default::default(), 1), &BTreeMap::new()).unwrap();
    assert!(load_weights(&mut plain.init::<Flex>(&Default::default()), &old).is_ok());
    let error = load_weights(&mut gap.init::<Flex>(&Default::default()), &old).unwrap_err();
    assert!(error.to_string().contains("1 missing: prelu2.weight"), "{error}");
    // The other networks have no such layer.
    for (net, form) in [(Net::Small, Form::Usual), (Net::Iresnet18, Form::Evolve), (Net::MobileFaceNet, Form::Usual)] {
        let [plain, gap] = [Pooling::Average, Pooling::AveragePrelu].map(|pooling| of(net, form, pooling));
        assert_eq!(gap.weight_shapes(), plain.weight_shapes(), "{net:?}");
        assert_eq!(gap.parameter_count(), plain.parameter_count(), "{net:?}");
    }
}

#[test]
fn a_prelu_of_slope_one_in_front_of_the_average_changes_nothing_and_another_does() {
    let plain = EmbedderSpec { pooling: Pooling::Average, ..spec(Net::Iresnet18, 3, 40, 16) };
    let gap = EmbedderSpec { pooling: Pooling::AveragePrelu, ..plain.clone() };
    let x = images::<Flex>(3, &plain, 5);
    let embeddings = |net: &Embedder<Flex>| net.forward(x.clone()).into_data().iter::<f32>().collect::<Vec<_>>();
    let wanted = embeddings(&plain.init_seeded::<Flex>(&Default::default(), 1));
    let largest = wanted.iter().fold(0f32, |largest, value| largest.max(value.abs()));
    let distance = |found: &[f32]| found.iter().zip(&wanted).fold(0f32, |most, (a, b)| most.max((a - b).abs()));
    let mut net = gap.init_seeded::<Flex>(&Default::default(), 1);
    assert!(distance(&embeddings(&net)) > 1e-2 * largest);
    let Embedder::ImprovedGap(own) = &mut net else { panic!("another network") };
    own.prelu2.weight = constant(1.0, [512], &Default::default());
    assert!(distance(&embeddings(&net)) < 1e-4 * largest);
}

#[test]
fn embeddings_have_the_asked_size_for_odd_images_and_a_batch_of_one() {
    for (net, px, n) in [
        (Net::Small, 64, 2),
        (Net::Small, 29, 1),
        (Net::Small, 8, 3),
        (Net::Small, 97, 1),
        (Net::Resnet18, 9, 1),
        (Net::Iresnet18, 33, 2),
        (Net::MobileFaceNet, 35, 2),
        (Net::MobileFaceNetClassic, 35, 2),
        (Net::Resnet50, 9, 2),
        (Net::Resnet50, 65, 1),
        (Net::Vgg16, 9, 2),
        (Net::Vgg16, 35, 1),
    ] {
        let spec = spec(net, 3, px, 16);
        let net = spec.init_seeded::<Cpu>(&Default::default(), 1);
        assert_eq!(net.forward(images(n, &spec, 1)).dims(), [n, 16]);
        assert_eq!(net.valid().forward(images(n, &spec, 1)).dims(), [n, 16]);
    }
}

/// The size of the images, their channels and the size of the embedding are free, whatever becomes of the last maps. The
/// deeper iResNets have their values compared at another odd size, in `depths`.
#[test]
fn every_network_takes_grey_images_of_an_odd_size_with_every_way_to_features() {
    let is_deep = |net: &Net| matches!(net, Net::Iresnet34 | Net::Iresnet50 | Net::Iresnet100 | Net::Iresnet200);
    let usual = Net::every().filter(|net| !is_deep(net)).map(|net| (net, Form::Usual));
    let others = [
        (Net::Iresnet18, Form::Adaface),
        (Net::Iresnet18, Form::Evolve),
        (Net::Iresnet18, Form::EvolveSe),
        (Net::MobileFaceNetClassic, Form::Relu6),
    ];
    for (net, form) in usual.chain(others) {
        for pooling in Pooling::every() {
            let spec = EmbedderSpec { form, pooling, ..spec(net, 1, 21, 7) };
            let net = spec.init::<Flex>(&Default::default());
            assert_eq!(net.forward(images(1, &spec, 1)).dims(), [1, 7], "{spec:?}");
            assert_eq!(Inference::new(&net).forward(images(2, &spec, 1)).dims(), [2, 7], "{spec:?}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_network_and_another_seed_another() {
    let spec = spec(Net::Small, 1, 16, 8);
    let bytes = |seed| save_weights(&spec.init_seeded::<Cpu>(&Default::default(), seed), &BTreeMap::new()).unwrap();
    assert_eq!(weights_only(&bytes(5)), weights_only(&bytes(5)));
    assert_ne!(weights_only(&bytes(5)), weights_only(&bytes(6)));
}

/// The file without its header, whose metadata has no fixed order.
fn weights_only(bytes: &[u8]) -> &[u8] {
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    &bytes[8 + header..]
}

/// Some steps with a linear classifier on the embeddings; (first loss, last loss).
fn overfit(net: &mut Embedder<Cpu>, spec: &EmbedderSpec, steps: usize) -> (f32, f32) {
    let n = 32;
    let x = images::<Cpu>(n, spec, 7);
    let labels: Vec<i32> = (0..n as i32).map(|i| i % 8).collect();
    let labels = Tensor::from_ints(labels.as_slice(), &Default::default());
    let rows =
        Draw::new(3, "test").normal::<Cpu, 2>([spec.embedding_dim, 8], 0.2, &Default::default()).into_value().detach();
    let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
    let mut optimizer = SgdConfig::new().with_momentum(Some(momentum)).init::<Cpu, Embedder<Cpu>>();
    let (mut first, mut last) = (f32::NAN, f32::NAN);
    for step in 0..steps {
        let loss = cross_entropy(net.forward(x.clone()).matmul(rows.clone()), labels.clone()).mean();
        last = loss.clone().into_scalar();
        if step == 0 {
            first = last;
        }
        let grads = GradientsParams::from_grads(loss.backward(), net);
        *net = optimizer.step(0.05, net.clone(), grads);
    }
    (first, last)
}

#[test]
fn the_small_net_learns_thirty_two_random_images_by_heart() {
    let spec = spec(Net::Small, 3, 24, 32);
    let mut net = spec.init_seeded::<Cpu>(&Default::default(), 1);
    let (first, last) = overfit(&mut net, &spec, 30);
    assert!(last < 0.3 * first, "loss went from {first} to {last}");
}

#[test]
fn the_face_networks_learn_thirty_two_random_images_by_heart() {
    for (net, form) in [
        (Net::Iresnet18, Form::Usual),
        (Net::Iresnet18, Form::EvolveSe),
        (Net::MobileFaceNet, Form::Usual),
        (Net::MobileFaceNetClassic, Form::Relu6),
    ] {
        let spec = EmbedderSpec { form, ..spec(net, 3, 24, 32) };
        let mut net = spec.init_seeded::<Cpu>(&Default::default(), 1);
        let (first, last) = overfit(&mut net, &spec, 12);
        assert!(last < 0.3 * first, "{:?}: loss went from {first} to {last}", spec);
    }
}

#[test]
fn the_last_factors_of_an_iresnet_stay_one() {
    let spec = spec(Net::Iresnet18, 1, 20, 16);
    let mut net = spec.init_seeded::<Cpu>(&Default::default(), 1);
    overfit(&mut net, &spec, 2);
    let bytes = save_weights(&net, &BTreeMap::new()).unwrap();
    let check = |net: &Embedder<Cpu>| {
        let Embedder::Improved(net) = net else { panic!("another network") };
        assert!(!net.features.gamma.is_require_grad());
        assert!(net.features.gamma.val().to_data().iter::<f32>().all(|factor| factor == 1.0));
        assert!(net.features.beta.val().to_data().iter::<f32>().any(|offset| offset != 0.0));
    };
    check(&net);
    let mut loaded = spec.init_seeded::<Cpu>(&Default::default(), 2);
    load_weights(&mut loaded, &bytes).unwrap();
    check(&loaded);
}

#[test]
fn with_kept_statistics_training_computes_what_inference_does_and_everything_learns_but_they() {
    for (net, form) in [
        (Net::Small, Form::Usual),
        (Net::Iresnet18, Form::EvolveSe),
        (Net::MobileFaceNet, Form::Usual),
        (Net::MobileFaceNetClassic, Form::Relu6),
    ] {
        let spec = EmbedderSpec { form, ..spec(net, 3, 24, 16) };
        let mut net = spec.init_seeded::<Cpu>(&Default::default(), 1);
        // Statistics that are not those of every fresh network.
        overfit(&mut net, &spec, 2);
        let bytes = |net: &Embedder<Cpu>| weights_only(&save_weights(net, &BTreeMap::new()).unwrap()).to_vec();
        let before = bytes(&net);
        let kept = net.forward_with(images(6, &spec, 9), Statistics::Kept);
        assert!(bytes(&net) == before, "{spec:?}: a statistic moved");
        let wanted = net.valid().forward(images(6, &spec, 9)).into_data();
        let largest = wanted.iter::<f32>().fold(0_f32, |largest, value| largest.max(value.abs()));
        let found = kept.clone().into_data();
        for (a, b) in found.iter::<f32>().zip(wanted.iter::<f32>()) {
            assert!((a - b).abs() < 1e-4 * largest, "{spec:?}: {a} instead of {b}");
        }
        let taught = |embeddings: Tensor<Cpu, 2>| GradientsParams::from_grads(embeddings.sum().backward(), &net).len();
        let with_kept = taught(kept);
        assert_eq!(with_kept, taught(net.forward(images(6, &spec, 9))), "{spec:?}");
        assert!(bytes(&net) != before, "{spec:?}: this test needs statistics that move otherwise");
    }
}

#[test]
fn training_twice_from_one_seed_gives_the_same_bits() {
    let spec = spec(Net::Small, 1, 20, 16);
    let run = || {
        let mut net = spec.init_seeded::<Cpu>(&Default::default(), 4);
        overfit(&mut net, &spec, 3);
        weights_only(&save_weights(&net, &BTreeMap::new()).unwrap()).to_vec()
    };
    assert_eq!(run(), run());
}

#[test]
fn saved_and_loaded_weights_give_the_same_embeddings_to_the_bit() {
    let spec = spec(Net::Small, 1, 20, 16);
    let mut trained = spec.init_seeded::<Cpu>(&Default::default(), 1);
    overfit(&mut trained, &spec, 3);
    let metadata = BTreeMap::from([("spec".to_owned(), serde_json::to_string(&spec).unwrap())]);
    let bytes = save_weights(&trained, &metadata).unwrap();
    let mut loaded = spec.init_seeded::<Flex>(&Default::default(), 2);
    let x = images::<Flex>(5, &spec, 9);
    assert_ne!(loaded.forward(x.clone()).into_data(), trained.valid().forward(x.clone()).into_data());
    let report = load_weights(&mut loaded, &bytes).unwrap();
    assert!(report.unexpected.is_empty(), "{report:?}");
    assert_eq!(loaded.forward(x.clone()).into_data(), trained.valid().forward(x).into_data());
    assert!(save_weights(&loaded, &metadata).unwrap() == bytes, "the same weights are other bytes");
}

#[test]
fn weights_of_another_network_are_refused_and_change_nothing() {
    let bytes = save_weights(&spec(Net::Small, 3, 32, 16).init::<Flex>(&Default::default()), &BTreeMap::new()).unwrap();
    let other = spec(Net::Resnet18, 3, 32, 16);
    let mut net = other.init_seeded::<Flex>(&Default::default(), 3);
    let before = save_weights(&net, &BTreeMap::new()).unwrap();
    let error = load_weights(&mut net, &bytes).unwrap_err();
    let ModelError::Mismatch(misfit) = &error else { panic!("{error}") };
    assert!(misfit.missing.iter().any(|name| name == "layer1.1.conv1.weight"), "{misfit:?}");
    assert!(misfit.misshaped.iter().any(|w| w.name == "conv1.weight" && w.found == [24, 3, 3, 3]), "{misfit:?}");
    assert!(error.to_string().contains("and") && error.to_string().len() < 3000, "{error}");
    assert_eq!(weights_only(&save_weights(&net, &BTreeMap::new()).unwrap()), weights_only(&before));
}

#[test]
fn damaged_files_are_refused() {
    let spec = spec(Net::Small, 1, 16, 8);
    let mut net = spec.init::<Flex>(&Default::default());
    let good = save_weights(&net, &BTreeMap::new()).unwrap();
    for bytes in [&[][..], &[0xff; 40][..], &good[..good.len() / 2], &good[8..]] {
        assert!(matches!(load_weights(&mut net, bytes), Err(ModelError::Format(_))));
    }
    let mut nan = good.clone();
    let end = nan.len();
    nan[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(matches!(load_weights(&mut net, &nan), Err(ModelError::NotFinite { .. })));
    assert!(load_weights(&mut net, &good).is_ok());
}

#[test]
fn inference_uses_the_running_statistics() {
    let spec = spec(Net::Small, 1, 16, 8);
    let net = spec.init_seeded::<Cpu>(&Default::default(), 1);
    for seed in 0..60 {
        let _ = net.forward(images(64, &spec, seed));
    }
    // After many batches of one distribution both forms agree up to the noise of a batch.
    let x = images::<Cpu>(64, &spec, 99);
    let training: Vec<f32> = net.forward(x.clone()).into_data().iter().collect();
    let inference: Vec<f32> = net.valid().forward(x.inner()).into_data().iter().collect();
    let mean_difference =
        training.iter().zip(&inference).map(|(a, b)| (a - b).abs()).sum::<f32>() / training.len() as f32;
    assert!(mean_difference < 0.3, "{mean_difference}");
    assert!(mean_difference > 0.0, "the two forms must not be the same computation");
}

#[test]
fn the_frozen_network_gives_the_same_embeddings() {
    let kinds = [
        (Net::Small, Form::Usual, Pooling::Average),
        (Net::Small, Form::Usual, Pooling::Flatten),
        (Net::Resnet18, Form::Usual, Pooling::Average),
        (Net::Iresnet18, Form::Usual, Pooling::Average),
        (Net::Iresnet18, Form::Usual, Pooling::Flatten),
        (Net::Iresnet18, Form::Adaface, Pooling::Flatten),
        (Net::Iresnet18, Form::Evolve, Pooling::Average),
        (Net::Iresnet18, Form::EvolveSe, Pooling::Flatten),
        (Net::MobileFaceNet, Form::Usual, Pooling::Auto),
        (Net::MobileFaceNetClassic, Form::Usual, Pooling::Auto),
        (Net::MobileFaceNetClassic, Form::Relu6, Pooling::Auto),
        (Net::MobileFaceNetLarge, Form::Usual, Pooling::Auto),
        (Net::Iresnet18, Form::Usual, Pooling::Depthwise),
        (Net::Iresnet18, Form::Usual, Pooling::AveragePrelu),
        (Net::Resnet18, Form::Usual, Pooling::Depthwise),
        (Net::Resnet50, Form::Usual, Pooling::Average),
        (Net::Vgg16, Form::Usual, Pooling::Auto),
        (Net::Vgg16, Form::Usual, Pooling::Depthwise),
    ];
    for (net, form, pooling) in kinds {
        let spec = EmbedderSpec { form, pooling, ..spec(net, 3, 30, 16) };
        let mut trained = spec.init_seeded::<Cpu>(&Default::default(), 1);
        overfit(&mut trained, &spec, 2);
        let (plain, frozen) = (trained.valid(), Inference::new(&trained.valid()));
        for n in [1, 7] {
            let x = images::<Flex>(n, &spec, 9);
            let wanted: Vec<f32> = plain.forward(x.clone()).into_data().iter().collect();
            let found: Vec<f32> = frozen.forward(x).into_data().iter().collect();
            let largest = wanted.iter().fold(0f32, |largest, value| largest.max(value.abs()));
            for (found, wanted) in found.iter().zip(&wanted) {
                assert!((found - wanted).abs() < 1e-4 * largest, "{spec:?}: {found} instead of {wanted}");
            }
        }
    }
}

#[test]
fn a_spec_survives_the_checkpoint_file() {
    let spec = spec(Net::Resnet18, 3, 32, 512);
    let text = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<EmbedderSpec>(&text).unwrap(), spec);
    assert!(serde_json::from_str::<EmbedderSpec>("{\"net\":\"small\"}").is_err());
}

/// Where the normalisations keep their statistics, what follows the dropout is linear: the mean over many draws is what comes
/// without any.
#[test]
fn dropout_acts_in_training_only_and_keeps_the_mean() {
    const PASSES: usize = 200;
    let plain = spec(Net::Small, 1, 16, 8);
    let dropping = EmbedderSpec { dropout: 0.5, ..plain.clone() };
    let [with, without] = [&dropping, &plain].map(|spec| spec.init_seeded::<Cpu>(&Default::default(), 1));
    let x = images::<Cpu>(4, &plain, 9);
    let pass = |net: &Embedder<Cpu>| -> Vec<f32> {
        net.forward_with(x.clone(), Statistics::Kept).into_data().iter().collect()
    };
    let expected = pass(&without);
    assert_eq!(pass(&without), expected);
    // Tests beside this one draw from the same generator, and begin it anew.
    assert!((0..4).any(|_| pass(&with) != pass(&with)), "every pass draws anew");
    let mut mean = vec![0.0; expected.len()];
    for _ in 0..PASSES {
        mean.iter_mut().zip(pass(&with)).for_each(|(mean, value)| *mean += f64::from(value) / PASSES as f64);
    }
    let length = |values: Vec<f64>| values.iter().map(|value| value * value).sum::<f64>().sqrt();
    let expected: Vec<f64> = expected.into_iter().map(f64::from).collect();
    let apart = length(mean.iter().zip(&expected).map(|(mean, expected)| mean - expected).collect());
    // Without what makes up for the dropped half, it would be half of it.
    assert!(apart < 0.35 * length(expected), "{apart}");

    let shown = |net: &Embedder<Cpu>| -> [Vec<f32>; 2] {
        let (x, net) = (images::<Flex>(4, &plain, 9), net.valid());
        let frozen = Inference::new(&net).forward(x.clone());
        [net.forward(x), frozen].map(|embeddings| embeddings.into_data().iter().collect())
    };
    assert_eq!(shown(&with), shown(&with));
    assert_eq!(shown(&with), shown(&without));
}
