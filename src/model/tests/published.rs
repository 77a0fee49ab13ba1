//! Numbers of weights and multiply-adds, names and shapes: those that were published, and those that the networks have.

use super::*;
use burn::module::{Module, ModuleVisitor, Param};

#[derive(Default)]
struct CountTrainable(usize);

impl<B: Backend> ModuleVisitor<B> for CountTrainable {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        if param.is_require_grad() {
            self.0 += param.shape().num_elements();
        }
    }
}

fn trainable(net: &Embedder<Cpu>) -> usize {
    let mut count = CountTrainable::default();
    net.visit(&mut count);
    count.0
}

#[test]
fn resnet18_has_the_published_numbers_of_parameters() {
    let count = |channels, px, dim| spec(Net::Resnet18, channels, px, dim).parameter_count();
    assert_eq!(count(1, 28, 512), 11_431_360);
    assert_eq!(count(3, 32, 512), 11_432_512);
    assert_eq!(count(1, 28, 128), 11_233_600);
}

/// As `kuangliu/pytorch-cifar` has them for images of 32 pixels, with ten classes in place of an embedding. What is ours is
/// the normalisation behind the last layer; VGG16 has no biases in front of its normalisations, which take any away (4,224).
#[test]
fn the_networks_for_small_images_have_the_published_numbers_of_parameters() {
    for (net, published, biases) in [
        (Net::Resnet18, 11_173_962, 0),
        (Net::Resnet50, 23_520_842, 0),
        (Net::Vgg16, 14_728_266, 2 * 64 + 2 * 128 + 3 * 256 + 6 * 512),
    ] {
        assert_eq!(spec(net, 3, 32, 10).parameter_count(), published - biases + 2 * 10, "{net:?}");
    }
}

#[test]
fn the_face_networks_have_the_published_size() {
    // Parameters without the fixed factors of the iResNets, and multiply-adds in 10⁹, at 112 px with 512 numbers.
    for (net, parameters, giga) in [
        (Net::Iresnet18, 24_025_600 - 512, 2.610),
        (Net::Iresnet34, 34_139_328 - 512, 4.460),
        (Net::Iresnet50, 43_590_848 - 512, 6.309),
        (Net::Iresnet100, 65_156_160 - 512, 12.090),
        (Net::Iresnet200, 118_833_920 - 512, 23.419),
        (Net::MobileFaceNet, 2_059_520, 0.438),
    ] {
        let spec = EmbedderSpec { pooling: Pooling::Auto, ..spec(net, 3, 112, 512) };
        assert_eq!(spec.parameter_count(), parameters, "{net:?}");
        let found = spec.multiply_adds() as f64 / 1e9;
        assert!((found - giga).abs() < 6e-4, "{net:?}: {found}");
    }
}

/// Names and shapes of PyTorch's state dictionaries (`num_batches_tracked`, which nothing needs, left out), of every network
/// in the file.
#[test]
fn the_face_networks_have_the_names_and_shapes_of_the_published_checkpoints() {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/golden/backbone_shapes.json")).unwrap();
    let nets = golden["nets"].as_object().unwrap();
    for (name, golden) in nets {
        let (net, form) = match name.as_str() {
            "r18" => (Net::Iresnet18, Form::Usual),
            "r34" => (Net::Iresnet34, Form::Usual),
            "r50" => (Net::Iresnet50, Form::Usual),
            "r100" => (Net::Iresnet100, Form::Usual),
            "mbf" => (Net::MobileFaceNet, Form::Usual),
            "mbf_large" => (Net::MobileFaceNetLarge, Form::Usual),
            other => panic!("{other} is compared with nothing"),
        };
        let found = EmbedderSpec { form, pooling: Pooling::Auto, ..spec(net, 3, 112, 512) }.weight_shapes();
        let wanted = golden["keys"].as_object().unwrap().iter();
        let wanted: BTreeMap<String, Vec<usize>> = wanted
            .filter(|(name, _)| !name.ends_with("num_batches_tracked"))
            .map(|(name, shape)| (name.clone(), serde_json::from_value(shape.clone()).unwrap()))
            .collect();
        assert_eq!(found, wanted, "{name}");
    }
    assert_eq!(nets.len(), 6);
}

/// Of the largest network there are no published shapes here, but the count of its names: one more per normalisation than we
/// have, PyTorch's counter.
#[test]
fn iresnet200_has_as_many_weights_as_the_published_checkpoint() {
    let spec = EmbedderSpec { pooling: Pooling::Auto, ..spec(Net::Iresnet200, 3, 112, 512) };
    let shapes = spec.weight_shapes();
    let counters = shapes.keys().filter(|name| name.ends_with("running_mean")).count();
    assert_eq!(shapes.len() + counters, 1807);
    assert_eq!(shapes["layer3.59.conv2.weight"], [256, 256, 3, 3]);
    // Everything but the running statistics (and no factor is left out).
    let numbers = |is_running: bool| -> usize {
        let own = shapes.iter().filter(|(name, _)| name.contains("running_") == is_running);
        own.map(|(_, shape)| shape.iter().product::<usize>()).sum()
    };
    assert_eq!((numbers(false), numbers(true)), (118_833_920, 136_064));
}

#[test]
fn what_a_network_says_it_consists_of_is_what_its_file_holds() {
    for (net, form, pooling) in [
        (Net::Small, Form::Usual, Pooling::Depthwise),
        (Net::Resnet50, Form::Usual, Pooling::Flatten),
        (Net::Vgg16, Form::Usual, Pooling::Average),
        (Net::Iresnet18, Form::Usual, Pooling::AveragePrelu),
        (Net::Iresnet18, Form::EvolveSe, Pooling::Flatten),
        (Net::MobileFaceNet, Form::Large, Pooling::Auto),
        (Net::MobileFaceNetClassic, Form::Usual, Pooling::Auto),
        (Net::MobileFaceNetClassic, Form::Relu6, Pooling::Auto),
    ] {
        let spec = EmbedderSpec { form, pooling, ..spec(net, 1, 30, 16) };
        let said = spec.weight_shapes().into_iter().map(|(name, shape)| (name, serde_json::json!(shape)));
        assert_eq!(said.collect::<BTreeMap<_, _>>(), names(&spec), "{spec:?}");
    }
}

#[test]
fn the_other_forms_have_the_published_size() {
    for (net, form, dim, parameters, giga) in [
        (Net::MobileFaceNetClassic, Form::Usual, 512, 1_200_512, 0.221),
        (Net::MobileFaceNetClassic, Form::Usual, 128, 1_003_136, 0.221),
        (Net::MobileFaceNetClassic, Form::Relu6, 128, 999_936, 0.234),
        (Net::MobileFaceNetLarge, Form::Usual, 512, 6_314_880, 1.816),
        // As earlier versions named it.
        (Net::MobileFaceNet, Form::Large, 512, 6_314_880, 1.816),
        (Net::Iresnet50, Form::Evolve, 512, 43_574_976, 6.296),
        (Net::Iresnet50, Form::EvolveSe, 512, 43_797_696, 6.297),
    ] {
        let spec = EmbedderSpec { form, pooling: Pooling::Auto, ..spec(net, 3, 112, dim) };
        assert_eq!(spec.parameter_count(), parameters, "{net:?}, {form:?}");
        let found = spec.multiply_adds() as f64 / 1e9;
        assert!((found - giga).abs() < 6e-4, "{net:?}, {form:?}: {found}");
    }
}

/// The names in a weights file, and their shapes.
fn names(spec: &EmbedderSpec) -> BTreeMap<String, serde_json::Value> {
    let bytes = save_weights(&spec.init::<Flex>(&Default::default()), &BTreeMap::new()).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    let entries = header.into_iter().filter(|(name, _)| name != "__metadata__");
    entries.map(|(name, entry)| (name, entry["shape"].clone())).collect()
}

#[test]
fn the_other_forms_have_the_names_of_their_projects() {
    let check = |net, form, wanted: &[(&str, &[usize])], count| {
        let found = names(&EmbedderSpec { form, pooling: Pooling::Auto, ..spec(net, 3, 112, 512) });
        for (name, shape) in wanted {
            assert_eq!(found.get(*name), Some(&serde_json::json!(shape)), "{form:?}: {name} of {:?}", found.keys());
        }
        assert_eq!(found.len(), count, "{form:?}");
    };
    let stem: (&str, &[usize]) = ("input_layer.0.weight", &[64, 3, 3, 3]);
    let embedding: (&str, &[usize]) = ("output_layer.3.weight", &[512, 25_088]);
    // Per unit 3 normalisations of 4, 2 convolutions, a PReLU; 3 shortcuts of 5; 6 in front and 10 behind.
    let adaface: &[(&str, &[usize])] = &[
        stem,
        embedding,
        ("body.0.res_layer.2.running_mean", &[64]),
        ("body.0.res_layer.3.weight", &[64]),
        ("body.2.shortcut_layer.0.weight", &[128, 64, 1, 1]),
        ("body.7.res_layer.4.weight", &[512, 512, 3, 3]),
        ("output_layer.4.running_var", &[512]),
    ];
    check(Net::Iresnet18, Form::Adaface, adaface, 8 * 15 + 3 * 5 + 6 + 10);
    let evolve: &[(&str, &[usize])] = &[
        stem,
        embedding,
        ("body.23.res_layer.2.weight", &[512]),
        ("body.23.res_layer.4.bias", &[512]),
        ("body.3.shortcut_layer.1.running_mean", &[128]),
    ];
    check(Net::Iresnet50, Form::Evolve, evolve, 24 * 11 + 3 * 5 + 6 + 10);
    let gate: &[(&str, &[usize])] =
        &[("body.23.res_layer.5.fc1.weight", &[32, 512, 1, 1]), ("body.23.res_layer.5.fc2.weight", &[512, 32, 1, 1])];
    check(Net::Iresnet50, Form::EvolveSe, gate, 24 * 13 + 3 * 5 + 6 + 10);
    let classic: &[(&str, &[usize])] = &[
        ("conv1.conv.weight", &[64, 3, 3, 3]),
        ("conv2_dw.conv.weight", &[64, 1, 3, 3]),
        ("conv_23.project.bn.running_var", &[64]),
        ("conv_4.model.5.conv_dw.prelu.weight", &[256]),
        ("conv_6_dw.conv.weight", &[512, 1, 7, 7]),
        ("linear.weight", &[512, 512]),
        ("bn.bias", &[512]),
    ];
    check(Net::MobileFaceNetClassic, Form::Usual, classic, 3 * 6 + 15 * 17 + 5 + 1 + 4);
    let relu6: &[(&str, &[usize])] = &[
        ("conv1.0.weight", &[64, 3, 3, 3]),
        ("dw_conv.pointwise.weight", &[64, 64, 1, 1]),
        ("features.14.conv.1.0.weight", &[256, 1, 3, 3]),
        ("features.14.conv.3.running_mean", &[128]),
        ("gdconv.depthwise.weight", &[512, 1, 7, 7]),
        ("conv3.weight", &[512, 512, 1, 1]),
        ("conv3.bias", &[512]),
    ];
    check(Net::MobileFaceNetClassic, Form::Relu6, relu6, 5 + 10 + 15 * 15 + 5 + 5 + 2 + 4);
}

#[test]
fn resnet18_has_the_published_multiply_adds() {
    let giga = |channels, px| spec(Net::Resnet18, channels, px, 512).multiply_adds() as f64 / 1e9;
    assert!((giga(3, 32) - 0.556).abs() < 5e-4, "{}", giga(3, 32));
    assert!((giga(1, 28) - 0.456).abs() < 5e-4, "{}", giga(1, 28));
}

/// The convolutions have no bias and VGG16's are normalised; the published counts (RESNET-50 of Keras and VGG16, each with
/// normalisation, linear layer to 512 and normalisation behind the last maps) come from these by adding and taking away.
#[test]
fn resnet50_and_vgg16_have_the_published_numbers_of_parameters() {
    let flat = |net, px| EmbedderSpec { pooling: Pooling::Flatten, ..spec(net, 3, px, 512) };
    // A stem of 3×3 instead of 7×7 pixels, no biases (26,560 channels), no normalisation of the last maps.
    let resnet50 = 40_317_440 - 3 * 64 * (49 - 9) - 26_560 - 2 * 2048;
    assert_eq!(flat(Net::Resnet50, 112).parameter_count(), resnet50);
    // Factors and offsets instead of biases (4,224 channels).
    let vgg16 = 17_076_544 + 4_224 - 2 * 512;
    assert_eq!(flat(Net::Vgg16, 112).parameter_count(), vgg16);
    assert_eq!(flat(Net::Vgg16, 100).parameter_count(), vgg16);
}

/// VGG16's are the published ones. ResNet-50's, published with a stem of 7×7 pixels and a max-pool behind it, become ours by
/// hand: at half the side of the image (50 or 56), the stem multiplies 3 · 64 · (49 − 9) numbers fewer per position; and in
/// place of the max-pool the first block halves the maps in its second convolution, so that its first one, 64 · 64, sees all
/// positions of the stem and not a quarter of them.
#[test]
fn resnet50_and_vgg16_have_the_published_multiply_adds() {
    let giga = |net, px| {
        let spec = EmbedderSpec { pooling: Pooling::Flatten, ..spec(net, 3, px, 512) };
        spec.multiply_adds() as f64 / 1e9
    };
    for (px, vgg16, resnet50) in [(100, 2.967, 1.012), (112, 3.839, 1.093)] {
        let found = giga(Net::Vgg16, px);
        assert!((found - vgg16).abs() < 6e-4, "{px} px: {found}");
        let positions = (px as f64 / 2.0).powi(2);
        let stem = f64::from(3 * 64 * (49 - 9)) * positions;
        let first_block = f64::from(64 * 64) * positions * 0.75;
        let wanted = resnet50 + (first_block - stem) / 1e9;
        let found = giga(Net::Resnet50, px);
        assert!((found - wanted).abs() < 6e-4, "{px} px: {found} instead of {wanted}");
    }
}

#[test]
fn the_counted_parameters_are_those_of_the_network() {
    for spec in [
        spec(Net::Small, 3, 64, 128),
        spec(Net::Small, 1, 28, 32),
        spec(Net::Resnet18, 1, 28, 64),
        spec(Net::Iresnet18, 3, 40, 32),
        EmbedderSpec { pooling: Pooling::Flatten, ..spec(Net::Iresnet18, 1, 40, 32) },
        spec(Net::MobileFaceNet, 3, 50, 64),
        spec(Net::MobileFaceNetClassic, 3, 50, 64),
        EmbedderSpec { form: Form::Relu6, ..spec(Net::MobileFaceNetClassic, 1, 50, 64) },
        EmbedderSpec { form: Form::Adaface, ..spec(Net::Iresnet18, 3, 40, 32) },
        EmbedderSpec { form: Form::Evolve, ..spec(Net::Iresnet18, 3, 40, 32) },
        EmbedderSpec { form: Form::EvolveSe, pooling: Pooling::Flatten, ..spec(Net::Iresnet18, 3, 40, 32) },
        EmbedderSpec { pooling: Pooling::Depthwise, ..spec(Net::Iresnet18, 3, 40, 32) },
        EmbedderSpec { pooling: Pooling::AveragePrelu, ..spec(Net::Iresnet18, 3, 40, 32) },
        spec(Net::MobileFaceNetLarge, 3, 50, 64),
        EmbedderSpec { pooling: Pooling::Depthwise, ..spec(Net::Small, 3, 40, 32) },
        spec(Net::Resnet50, 3, 40, 32),
        EmbedderSpec { pooling: Pooling::Flatten, ..spec(Net::Resnet50, 1, 70, 32) },
        spec(Net::Vgg16, 1, 28, 32),
        EmbedderSpec { pooling: Pooling::Flatten, ..spec(Net::Vgg16, 3, 67, 32) },
    ] {
        let net = spec.init::<Cpu>(&Default::default());
        assert_eq!(trainable(&net), spec.parameter_count(), "{spec:?}");
    }
}

#[test]
fn the_small_net_stays_small() {
    for (channels, px) in [(3, 64), (3, 32), (1, 28), (3, 112)] {
        let million = spec(Net::Small, channels, px, 128).multiply_adds() / 1_000_000;
        assert!((15..45).contains(&million), "{px} px: {million} million");
    }
}

#[test]
fn the_names_in_the_file_are_those_of_pytorch() {
    let net = spec(Net::Resnet18, 1, 8, 8).init::<Flex>(&Default::default());
    let bytes = save_weights(&net, &BTreeMap::new()).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    for (name, shape) in [
        ("conv1.weight", vec![64, 1, 3, 3]),
        ("bn1.weight", vec![64]),
        ("bn1.running_var", vec![64]),
        ("layer2.0.downsample.0.weight", vec![128, 64, 1, 1]),
        ("layer2.0.downsample.1.bias", vec![128]),
        ("layer4.1.conv2.weight", vec![512, 512, 3, 3]),
        ("fc.weight", vec![8, 512]),
        ("features.running_mean", vec![8]),
    ] {
        assert_eq!(header[name]["shape"], serde_json::json!(shape), "{name}");
    }
}

#[test]
fn the_memory_estimate_grows_with_the_batch_and_the_network() {
    let numbers = |net, batch, recompute| spec(net, 3, 64, 128).step_numbers(batch, recompute);
    assert_eq!(numbers(Net::Small, 64, false), 2 * numbers(Net::Small, 32, false));
    assert!(numbers(Net::Resnet18, 32, false) > 4 * numbers(Net::Small, 32, false));
    for net in Net::every() {
        let (all, some) = (numbers(net, 8, false), numbers(net, 8, true));
        assert!(some < all * 9 / 10, "{net:?}: {some} of {all}");
    }
    assert!(numbers(Net::Iresnet100, 8, true) < numbers(Net::Iresnet100, 8, false) / 2);
}
