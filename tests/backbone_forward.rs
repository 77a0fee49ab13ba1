//! The forward pass of every network against the same network written in PyTorch from its description
//! (`benches/backbone_golden.py`, which made `golden/backbone_golden.json`).
//!
//! Both sides fill the weights with a formula of a weight's name and a number's place in it, so that names, shapes and
//! order are compared too. Rounding to 32 bits moves the embeddings by 4e-6 of their length; the least of the mistakes
//! that this is made to see, another epsilon in the last normalisation alone, by a hundredth of it.

use arclens::config::{Net, Pooling};
use arclens::model::weights::{Weight, Weights};
use arclens::model::{EmbedderSpec, Form, Inference, load_weights, recognise};
use burn::backend::Flex;
use burn::tensor::{Tensor, TensorData};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Share of an embedding's length.
const TOLERANCE: f64 = 1e-3;
/// Size of the numbers in all maps.
const SCALE: f64 = 0.01;
const DIM: usize = 16;

#[derive(Deserialize)]
struct Golden {
    nets: BTreeMap<String, GoldenNet>,
}

#[derive(Deserialize)]
struct GoldenNet {
    image_px: usize,
    images: Vec<Described>,
}

/// An embedding.
#[derive(Deserialize)]
struct Described {
    /// Its first numbers.
    first: Vec<f64>,
    length: f64,
    /// The sum of its numbers, each multiplied by a number of its own.
    weighted: f64,
}

fn golden() -> BTreeMap<String, GoldenNet> {
    let golden: Golden = serde_json::from_str(include_str!("golden/backbone_golden.json"))
        .expect("the golden file is as its script says");
    golden.nets
}

/// Name in the file, and our network. Other projects publish weights of these: they are recognised by their names, as
/// when they are imported.
const PUBLISHED: [(&str, Net, Form, Pooling); 8] = [
    ("iresnet18_e", Net::Iresnet18, Form::Usual, Pooling::Flatten),
    ("iresnet18_gap", Net::Iresnet18, Form::Usual, Pooling::AveragePrelu),
    ("mobilefacenet", Net::MobileFaceNet, Form::Usual, Pooling::Auto),
    ("mobilefacenet_large", Net::MobileFaceNetLarge, Form::Usual, Pooling::Auto),
    ("mobilefacenet_classic", Net::MobileFaceNetClassic, Form::Usual, Pooling::Auto),
    ("evolve_ir50", Net::Iresnet50, Form::Evolve, Pooling::Flatten),
    ("evolve_ir_se50", Net::Iresnet50, Form::EvolveSe, Pooling::Flatten),
    ("adaface_ir18", Net::Iresnet18, Form::Adaface, Pooling::Flatten),
];
/// The same of networks whose names are our own.
const OWN: [(&str, Net, Form, Pooling); 4] = [
    ("iresnet18_gdc", Net::Iresnet18, Form::Usual, Pooling::Depthwise),
    ("resnet18", Net::Resnet18, Form::Usual, Pooling::Average),
    ("resnet50", Net::Resnet50, Form::Usual, Pooling::Average),
    ("vgg16", Net::Vgg16, Form::Usual, Pooling::Average),
];

/// Numbers in [-1, 1): a hash (FNV-1a, then lowbias32) of a name and of the place.
fn noise(name: &str, count: usize) -> impl Iterator<Item = f64> {
    let seed = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (0..count as u32).map(move |place| {
        let mut x = seed ^ place.wrapping_mul(0x9e37_79b9);
        x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
        x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
        x ^= x >> 16;
        f64::from(x >> 8) / 8_388_608.0 - 1.0
    })
}

/// What a weight is filled with: middle and half width of its numbers, by what kind of weight its name says it is.
fn range(name: &str, shape: &[usize], shapes: &BTreeMap<String, Vec<usize>>) -> (f64, f64) {
    let (part, kind) = name.rsplit_once('.').expect("a part and a kind of weight");
    if shape.len() > 1 {
        let seen: usize = shape[1..].iter().product();
        let is_gate = part.ends_with(".fc1") || part.ends_with(".fc2");
        let gain = if is_gate { 20.0 } else { 1.0 };
        (0.0, gain * (3.0 / seen as f64).sqrt())
    } else if kind == "running_var" {
        (SCALE * SCALE, 0.5 * SCALE * SCALE)
    } else if kind == "running_mean" || kind == "bias" {
        (0.0, 0.2 * SCALE)
    } else if shapes.contains_key(&format!("{part}.running_mean")) {
        (SCALE, 0.5 * SCALE)
    } else {
        // The slopes of a PReLU.
        (0.3, 0.2)
    }
}

fn filled(spec: &EmbedderSpec) -> Weights {
    let shapes = spec.weight_shapes();
    let weight = |(name, shape): (&String, &Vec<usize>)| {
        let (middle, half_width) = range(name, shape, &shapes);
        let data = noise(name, shape.iter().product()).map(|v| (middle + half_width * v) as f32).collect();
        (name.clone(), Weight { shape: shape.clone(), data })
    };
    Weights { tensors: shapes.iter().map(weight).collect(), ..Weights::default() }
}

fn images(count: usize, image_px: usize) -> Tensor<Flex, 4> {
    let shape = [count, 3, image_px, image_px];
    let values: Vec<f32> = noise("images", shape.iter().product()).map(|v| (2.0 * SCALE * v) as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), &Default::default())
}

/// The frozen network and the graph that training uses, on running statistics.
fn compare(name: &str, spec: &EmbedderSpec, weights: Weights, golden: &GoldenNet) {
    let mut net = spec.init::<Flex>(&Default::default());
    let bytes = weights.to_safetensors().expect("shapes and numbers agree");
    // Up to a hundred million bytes, and tests run beside each other.
    drop(weights);
    let report = load_weights(&mut net, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(report.unexpected.is_empty(), "{name}: {:?}", report.unexpected);
    drop(bytes);
    let images = images(golden.images.len(), golden.image_px);
    for (way, found) in [("frozen", Inference::new(&net).forward(images.clone())), ("as trained", net.forward(images))]
    {
        let found: Vec<f64> = found.into_data().iter::<f64>().collect();
        assert_eq!(found.len(), golden.images.len() * DIM, "{name}, {way}");
        for (image, (row, wanted)) in found.chunks(DIM).zip(&golden.images).enumerate() {
            check_row(&format!("{name}, {way}, image {image}"), row, wanted);
        }
    }
}

#[track_caller]
fn check_row(what: &str, row: &[f64], wanted: &Described) {
    let length = row.iter().map(|number| number * number).sum::<f64>().sqrt();
    let weighted: f64 = row.iter().zip(noise("sum", DIM)).map(|(number, factor)| number * factor).sum();
    let numbers = wanted.first.iter().zip(row).map(|(wanted, found)| (*found, *wanted));
    assert_eq!(wanted.first.len(), 8, "{what}");
    for (found, wanted_number) in numbers.chain([(length, wanted.length), (weighted, wanted.weighted)]) {
        let is_close = (found - wanted_number).abs() <= TOLERANCE * wanted.length;
        assert!(is_close, "{what}: {found} instead of {wanted_number}, in {row:?}");
    }
}

fn check(name: &str) {
    let nets = golden();
    let golden = nets.get(name).unwrap_or_else(|| panic!("{name} is not in the golden file"));
    let (_, net, form, pooling) = PUBLISHED
        .into_iter()
        .chain(OWN)
        .find(|(own, ..)| *own == name)
        .unwrap_or_else(|| panic!("{name} is no network"));
    let image_px = golden.image_px;
    let spec = EmbedderSpec { net, form, pooling, channels: 3, image_px, embedding_dim: DIM, dropout: 0.4 };
    let mut weights = filled(&spec);
    if !PUBLISHED.iter().any(|(own, ..)| *own == name) {
        return compare(name, &spec, weights, golden);
    }
    if form == Form::Adaface {
        // Its files have no factors of the last normalisation: importing adds them.
        for kind in ["weight", "bias"] {
            assert!(weights.tensors.remove(&format!("output_layer.4.{kind}")).is_some());
        }
    }
    let found = recognise(weights).unwrap_or_else(|error| panic!("{name}: {error}"));
    let spec = found.embedder;
    assert_eq!((spec.net, spec.form, spec.pooling, spec.embedding_dim), (net, form, pooling, DIM), "{name}");
    compare(name, &spec, found.weights, golden);
}

#[test]
fn every_network_of_the_file_is_compared() {
    let own: BTreeSet<String> = PUBLISHED.into_iter().chain(OWN).map(|(name, ..)| name.to_owned()).collect();
    assert_eq!(golden().into_keys().collect::<BTreeSet<_>>(), own);
}

#[test]
fn an_iresnet_with_each_of_its_heads_computes_what_pytorch_does() {
    ["iresnet18_e", "iresnet18_gap", "iresnet18_gdc"].into_iter().for_each(check);
}

#[test]
fn the_mobilefacenets_compute_what_pytorch_does() {
    ["mobilefacenet", "mobilefacenet_large", "mobilefacenet_classic"].into_iter().for_each(check);
}

#[test]
fn face_evolves_ir50_computes_what_pytorch_does() {
    check("evolve_ir50");
}

#[test]
fn face_evolves_ir50_with_gates_computes_what_pytorch_does() {
    check("evolve_ir_se50");
}

#[test]
fn adafaces_ir18_computes_what_pytorch_does() {
    check("adaface_ir18");
}

#[test]
fn the_networks_for_images_of_any_kind_compute_what_pytorch_does() {
    ["resnet18", "resnet50", "vgg16"].into_iter().for_each(check);
}
