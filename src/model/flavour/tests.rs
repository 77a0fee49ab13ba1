use super::{Flavour, FlavourError, recognise, to_published};
use crate::config::{Net, Pooling};
use crate::model::testing::{Shapes, arcface_shapes, ir_shapes};
use crate::model::weights::{Weight, Weights, weights_from_bytes};
use crate::model::{EmbedderSpec, Form, Misfit, load_weights, save_weights};
use burn::backend::Flex;
use std::collections::BTreeMap;

fn spec(net: Net, form: Form, pooling: Pooling) -> EmbedderSpec {
    EmbedderSpec { net, form, pooling, channels: 3, image_px: 32, embedding_dim: 16, dropout: 0.0 }
}

/// Start values under the project's names.
fn published(spec: &EmbedderSpec) -> Weights {
    let bytes = save_weights(&spec.init::<Flex>(&Default::default()), &BTreeMap::new()).unwrap();
    let mut weights = weights_from_bytes(&bytes).unwrap();
    to_published(spec.form, &mut weights);
    weights
}

fn renamed(weights: Weights, rename: impl Fn(&str) -> String) -> Weights {
    let tensors = weights.tensors.into_iter().map(|(name, weight)| (rename(&name), weight)).collect();
    Weights { tensors, ..weights }
}

#[test]
fn every_network_is_recognised_by_its_names_and_takes_its_weights() {
    for (flavour, spec) in [
        (Flavour::Arcface, spec(Net::Iresnet18, Form::Usual, Pooling::Flatten)),
        (Flavour::Arcface, spec(Net::Iresnet34, Form::Usual, Pooling::Flatten)),
        (Flavour::ArcfaceMobile, spec(Net::MobileFaceNet, Form::Usual, Pooling::Auto)),
        (Flavour::ArcfaceMobile, spec(Net::MobileFaceNetLarge, Form::Usual, Pooling::Auto)),
        (Flavour::Classic, spec(Net::MobileFaceNetClassic, Form::Usual, Pooling::Auto)),
        (Flavour::Relu6, spec(Net::MobileFaceNetClassic, Form::Relu6, Pooling::Auto)),
        (Flavour::Adaface, spec(Net::Iresnet18, Form::Adaface, Pooling::Flatten)),
        (Flavour::Evolve, spec(Net::Iresnet34, Form::Evolve, Pooling::Flatten)),
        (Flavour::EvolveSe, spec(Net::Iresnet18, Form::EvolveSe, Pooling::Flatten)),
    ] {
        let own = published(&spec);
        for prefix in ["", "module.", "model.module."] {
            let mut weights = renamed(own.clone(), |name| format!("{prefix}{name}"));
            let counter = Weight { shape: Vec::new(), data: vec![9.0] };
            weights.tensors.insert(format!("{prefix}bn1.num_batches_tracked"), counter.clone());
            weights.tensors.insert("head.kernel".to_owned(), counter);
            let found = recognise(weights).unwrap();
            assert_eq!((found.flavour, &found.embedder), (flavour, &spec), "{prefix}");
            assert_eq!(found.left_out, ["head.kernel"]);
            assert!(own.tensors.iter().all(|(name, weight)| found.weights.tensors.get(name) == Some(weight)));
        }
        let mut net = spec.init::<Flex>(&Default::default());
        let report = load_weights(&mut net, &recognise(own).unwrap().weights.to_safetensors().unwrap()).unwrap();
        assert!(report.unexpected.is_empty(), "{report:?}");
    }
}

/// Weights without numbers, which nothing asks for until they are loaded.
fn named(shapes: Shapes) -> Weights {
    let tensors = shapes.into_iter().map(|(name, shape)| (name, Weight { shape, data: Vec::new() })).collect();
    Weights { tensors, ..Weights::default() }
}

/// A network as its project builds it for faces.
fn of_faces(net: Net, form: Form, pooling: Pooling) -> EmbedderSpec {
    EmbedderSpec { image_px: 112, embedding_dim: 512, ..spec(net, form, pooling) }
}

/// These are the weights of the whole network, under every prefix that they may have.
fn check_whole(shapes: &Shapes, prefixes: &[&str], (flavour, spec): (Flavour, &EmbedderSpec)) {
    for prefix in prefixes {
        let found = recognise(renamed(named(shapes.clone()), |name| format!("{prefix}{name}"))).unwrap();
        assert_eq!((found.flavour, &found.embedder), (flavour, spec), "{prefix}");
        assert!(found.left_out.is_empty(), "{:?}", found.left_out);
        let misfit = Misfit::of(spec, &found.weights);
        assert!(misfit.is_none(), "{spec:?}: {misfit:?}");
    }
}

#[test]
fn every_published_network_of_arcface_torch_is_known_and_whole() {
    let golden = arcface_shapes();
    assert_eq!(golden.len(), 6);
    for (name, shapes) in golden {
        let (flavour, net, pooling) = match name.as_str() {
            "r18" => (Flavour::Arcface, Net::Iresnet18, Pooling::Flatten),
            "r34" => (Flavour::Arcface, Net::Iresnet34, Pooling::Flatten),
            "r50" => (Flavour::Arcface, Net::Iresnet50, Pooling::Flatten),
            "r100" => (Flavour::Arcface, Net::Iresnet100, Pooling::Flatten),
            "mbf" => (Flavour::ArcfaceMobile, Net::MobileFaceNet, Pooling::Auto),
            "mbf_large" => (Flavour::ArcfaceMobile, Net::MobileFaceNetLarge, Pooling::Auto),
            other => panic!("{other} is compared with nothing"),
        };
        check_whole(&shapes, &["", "module."], (flavour, &of_faces(net, Form::Usual, pooling)));
    }
}

#[test]
fn the_networks_of_face_evolve_are_known_and_whole() {
    for (flavour, form) in [(Flavour::Evolve, Form::Evolve), (Flavour::EvolveSe, Form::EvolveSe)] {
        for (net, units) in [(Net::Iresnet50, [3, 4, 14, 3]), (Net::Iresnet100, [3, 13, 30, 3])] {
            let spec = of_faces(net, form, Pooling::Flatten);
            check_whole(&ir_shapes(form, units), &["", "module."], (flavour, &spec));
        }
        // Its deepest is not among ours.
        let error = recognise(named(ir_shapes(form, [3, 8, 36, 3]))).unwrap_err();
        assert_eq!(error, FlavourError::Depth { flavour: flavour.label(), units: [3, 8, 36, 3] });
    }
}

/// A checkpoint of its trainer holds the network as `model`, and beside it the head with the statistics of its margin.
#[test]
fn the_networks_in_adafaces_checkpoints_are_known_and_whole() {
    let head: [(&str, &[usize]); 4] =
        [("head.kernel", &[512, 70_722]), ("head.t", &[1]), ("head.batch_mean", &[1]), ("head.batch_std", &[1])];
    for (net, units) in [
        (Net::Iresnet18, [2, 2, 2, 2]),
        (Net::Iresnet34, [3, 4, 6, 3]),
        (Net::Iresnet50, [3, 4, 14, 3]),
        (Net::Iresnet100, [3, 13, 30, 3]),
    ] {
        let (shapes, spec) = (ir_shapes(Form::Adaface, units), of_faces(net, Form::Adaface, Pooling::Flatten));
        check_whole(&shapes, &["", "model."], (Flavour::Adaface, &spec));
        let mut checkpoint = renamed(named(shapes), |name| format!("model.{name}"));
        let head = head.into_iter().map(|(name, shape)| (name.to_owned(), shape.to_vec())).collect();
        checkpoint.tensors.extend(named(head).tensors);
        let found = recognise(checkpoint).unwrap();
        assert_eq!((found.flavour, &found.embedder), (Flavour::Adaface, &spec));
        assert_eq!(found.left_out, ["head.batch_mean", "head.batch_std", "head.kernel", "head.t"]);
        assert!(Misfit::of(&spec, &found.weights).is_none());
    }
}

/// AdaFace has networks whose names begin as those of ours do and whose layers are others.
#[test]
fn adafaces_gates_and_bottlenecks_are_not_taken_for_our_networks() {
    let units = [3, 4, 14, 3];
    let mut gated = ir_shapes(Form::Adaface, units);
    let widths = [64, 128, 256, 512].into_iter().zip(units).flat_map(|(width, count)| vec![width; count]);
    for (number, width) in widths.enumerate() {
        let gate = format!("body.{number}.res_layer.se_block");
        gated.insert(format!("{gate}.fc1.weight"), vec![width / 16, width, 1, 1]);
        gated.insert(format!("{gate}.fc2.weight"), vec![width, width / 16, 1, 1]);
    }
    let found = recognise(named(gated)).unwrap();
    let misfit = Misfit::of(&found.embedder, &found.weights);
    assert!(misfit.has_all() && misfit.unexpected.len() == 2 * 24, "{misfit:?}");
    assert_eq!(misfit.unexpected[0], "body.0.res_layer.se_block.fc1.weight");

    let units = [3, 8, 36, 3];
    let mut deep = Shapes::new();
    deep.insert("input_layer.0.weight".to_owned(), vec![64, 3, 3, 3]);
    deep.insert("output_layer.3.weight".to_owned(), vec![512, 2048 * 7 * 7]);
    let widths = [64, 128, 256, 512].into_iter().zip(units).flat_map(|(width, count)| vec![width; count]);
    for (number, width) in widths.enumerate() {
        deep.insert(format!("body.{number}.res_layer.0.weight"), vec![4 * width]);
        deep.insert(format!("body.{number}.res_layer.1.weight"), vec![width, 4 * width, 1, 1]);
        deep.insert(format!("body.{number}.res_layer.5.weight"), vec![width]);
    }
    let error = recognise(named(deep)).unwrap_err();
    assert_eq!(error, FlavourError::Depth { flavour: Flavour::Adaface.label(), units });
}

#[test]
fn averaged_maps_are_told_from_flattened_ones() {
    for pooling in [Pooling::Average, Pooling::AveragePrelu] {
        let spec = EmbedderSpec { image_px: 112, ..spec(Net::Iresnet18, Form::Usual, pooling) };
        assert_eq!(recognise(published(&spec)).unwrap().embedder, spec);
    }
}

#[test]
fn a_mobilefacenet_of_a_width_that_is_not_built_here_is_refused_in_one_sentence() {
    let mut weights = published(&spec(Net::MobileFaceNet, Form::Usual, Pooling::Auto));
    let stem = Weight { shape: vec![64, 3, 3, 3], data: vec![0.0; 64 * 27] };
    weights.tensors.insert("layers.0.layers.0.weight".to_owned(), stem);
    let text = recognise(weights).unwrap_err().to_string();
    assert!(text.contains("64 channels") && text.contains("256 (mbf_large)"), "{text}");
}

#[test]
fn adafaces_file_has_no_factors_for_the_last_normalisation() {
    let weights = published(&spec(Net::Iresnet18, Form::Adaface, Pooling::Flatten));
    assert!(!weights.tensors.contains_key("output_layer.4.weight"));
    assert!(weights.tensors.contains_key("output_layer.4.running_var"));
    let found = recognise(weights).unwrap();
    assert_eq!(found.weights.tensors["output_layer.4.weight"].data, [1.0; 16]);
    assert!(found.flavour.preprocess(112, 3).blue_first);
    assert!(!Flavour::Evolve.preprocess(112, 3).blue_first);
}

#[test]
fn networks_whose_images_were_read_with_opencv_take_blue_first() {
    let blue_first = |flavour: Flavour, channels| flavour.preprocess(112, channels).blue_first;
    assert!(blue_first(Flavour::Classic, 3) && !blue_first(Flavour::Classic, 1));
    assert!(!blue_first(Flavour::Arcface, 3) && !blue_first(Flavour::Relu6, 3));
    assert!(Flavour::EvolveSe.doubt().is_some_and(|doubt| doubt.contains("BGR")));
    assert_eq!((Flavour::Adaface.doubt(), Flavour::Classic.doubt()), (None, None));
}

#[test]
fn other_networks_are_refused_with_what_was_found() {
    let mut weights = Weights::default();
    for i in 0..20 {
        weights.tensors.insert(format!("transformer.{i:02}.weight"), Weight { shape: vec![1], data: vec![0.0] });
    }
    let error = recognise(weights).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("20 names") && text.contains("transformer.09.weight") && text.contains("AdaFace"), "{text}");
    assert!(!text.contains("transformer.10.weight"), "{text}");
    let mut weights = published(&spec(Net::Iresnet18, Form::Evolve, Pooling::Flatten));
    weights.tensors.retain(|name, _| !name.starts_with("body.7."));
    let error = recognise(weights).unwrap_err();
    assert_eq!(error, FlavourError::Depth { flavour: Flavour::Evolve.label(), units: [2, 2, 2, 1] });
}

#[test]
fn sizes_that_no_network_has_are_refused_before_anything_is_made() {
    let good = published(&spec(Net::Iresnet18, Form::Adaface, Pooling::Flatten));
    for shape in [vec![1 << 50, 0], vec![0, 512], vec![16, 0], vec![16], vec![16, 512 << 20]] {
        let mut weights = good.clone();
        weights.tensors.insert("output_layer.3.weight".to_owned(), Weight { shape: shape.clone(), data: Vec::new() });
        assert!(matches!(recognise(weights), Err(FlavourError::Size(_))), "{shape:?}");
    }
    let mut weights = good;
    let stem = Weight { shape: vec![64, 4, 3, 3], data: Vec::new() };
    weights.tensors.insert("input_layer.0.weight".to_owned(), stem);
    assert!(recognise(weights).unwrap_err().to_string().contains("4 channels"));
}
