use super::{Flavour, FlavourError, recognise, to_published};
use crate::config::{Net, Pooling};
use crate::model::weights::{Weight, Weights, weights_from_bytes};
use crate::model::{EmbedderSpec, Form, load_weights, save_weights};
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
