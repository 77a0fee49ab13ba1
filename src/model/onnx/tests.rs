use super::{OnnxSummary, onnx};
use crate::config::{Net, Pooling};
use crate::model::{EmbedderSpec, Form};
use burn::backend::Flex;
use std::collections::BTreeMap;

/// A field of a message, read back.
#[derive(Clone, Debug)]
enum Field<'a> {
    Int(u64),
    Four([u8; 4]),
    Bytes(&'a [u8]),
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            break;
        }
    }
    value
}

fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let field = match key & 7 {
            0 => Field::Int(varint(&mut bytes)),
            5 => {
                let (four, rest) = bytes.split_at(4);
                bytes = rest;
                Field::Four(four.try_into().unwrap())
            }
            2 => {
                let length = varint(&mut bytes) as usize;
                let (own, rest) = bytes.split_at(length);
                bytes = rest;
                Field::Bytes(own)
            }
            other => panic!("wire type {other}"),
        };
        found.push((key >> 3, field));
    }
    found
}

fn messages(bytes: &[u8], wanted: u64) -> Vec<&[u8]> {
    let own = fields(bytes).into_iter().filter(|(field, _)| *field == wanted);
    own.map(|(_, field)| if let Field::Bytes(bytes) = field { bytes } else { panic!("no bytes") }).collect()
}

fn texts(bytes: &[u8], wanted: u64) -> Vec<String> {
    messages(bytes, wanted).into_iter().map(|text| String::from_utf8(text.to_vec()).unwrap()).collect()
}

fn ints(bytes: &[u8], wanted: u64) -> Vec<u64> {
    let own = fields(bytes).into_iter().filter(|(field, _)| *field == wanted);
    own.map(|(_, field)| if let Field::Int(value) = field { value } else { panic!("no number") }).collect()
}

struct Node {
    kind: String,
    inputs: Vec<String>,
    output: String,
    /// Whole numbers by attribute.
    numbers: BTreeMap<String, Vec<u64>>,
}

struct File {
    nodes: Vec<Node>,
    /// (shape, numbers)
    constants: BTreeMap<String, (Vec<u64>, Vec<f32>)>,
    /// Names and sizes; a size that is free is its name.
    ends: Vec<(String, Vec<String>)>,
    metadata: BTreeMap<String, String>,
    opset: u64,
}

fn read(bytes: &[u8]) -> File {
    let graph = messages(bytes, 7)[0];
    let node = |node: &&[u8]| Node {
        kind: texts(node, 4).remove(0),
        inputs: texts(node, 1),
        output: texts(node, 2).remove(0),
        numbers: messages(node, 5)
            .into_iter()
            .map(|attribute| (texts(attribute, 1).remove(0), [ints(attribute, 3), ints(attribute, 8)].concat()))
            .collect(),
    };
    let constant = |tensor: &&[u8]| {
        assert_eq!(ints(tensor, 2), [1]);
        let numbers = messages(tensor, 9)[0].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        (texts(tensor, 8).remove(0), (ints(tensor, 1), numbers.collect()))
    };
    let end = |value: &&[u8]| {
        let tensor = messages(messages(value, 2)[0], 1)[0];
        let dims = messages(messages(tensor, 2)[0], 1);
        let size = |dim: &&[u8]| texts_or_ints(dim);
        (texts(value, 1).remove(0), dims.iter().map(size).collect())
    };
    let property = |entry: &&[u8]| (texts(entry, 1).remove(0), texts(entry, 2).remove(0));
    File {
        nodes: messages(graph, 1).iter().map(node).collect(),
        constants: messages(graph, 5).iter().map(constant).collect(),
        ends: [messages(graph, 11), messages(graph, 12)].concat().iter().map(end).collect(),
        metadata: messages(bytes, 14).iter().map(property).collect(),
        opset: ints(messages(bytes, 8)[0], 2)[0],
    }
}

fn texts_or_ints(dim: &[u8]) -> String {
    match fields(dim).remove(0) {
        (1, Field::Int(size)) => size.to_string(),
        (2, Field::Bytes(name)) => String::from_utf8(name.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn spec(net: Net, form: Form, pooling: Pooling) -> EmbedderSpec {
    EmbedderSpec { net, form, pooling, channels: 3, image_px: 32, embedding_dim: 16, dropout: 0.0 }
}

fn file(spec: &EmbedderSpec) -> File {
    let metadata = BTreeMap::from([("mean".to_owned(), "0.5".to_owned())]);
    read(&onnx(&spec.init_seeded::<Flex>(&Default::default(), 1), spec, &metadata))
}

const EVERY: [(Net, Form, Pooling); 17] = [
    (Net::Small, Form::Usual, Pooling::Average),
    (Net::Small, Form::Usual, Pooling::Flatten),
    (Net::Resnet18, Form::Usual, Pooling::Average),
    (Net::Iresnet18, Form::Usual, Pooling::Flatten),
    (Net::Iresnet18, Form::Usual, Pooling::Average),
    (Net::Iresnet18, Form::Adaface, Pooling::Flatten),
    (Net::Iresnet18, Form::Evolve, Pooling::Flatten),
    (Net::Iresnet18, Form::EvolveSe, Pooling::Flatten),
    (Net::MobileFaceNet, Form::Usual, Pooling::Auto),
    (Net::MobileFaceNetClassic, Form::Usual, Pooling::Auto),
    (Net::MobileFaceNetClassic, Form::Relu6, Pooling::Auto),
    (Net::MobileFaceNetLarge, Form::Usual, Pooling::Auto),
    (Net::Iresnet18, Form::Usual, Pooling::Depthwise),
    (Net::Iresnet18, Form::Usual, Pooling::AveragePrelu),
    (Net::Resnet50, Form::Usual, Pooling::Average),
    (Net::Vgg16, Form::Usual, Pooling::Auto),
    (Net::Small, Form::Usual, Pooling::Depthwise),
];

/// A network whose running statistics are those of some images: with those of the start, deep networks give numbers so large
/// that the last digits of a sigmoid decide.
#[cfg(feature = "faces")]
fn settled(spec: &EmbedderSpec) -> crate::model::Embedder<Flex> {
    use crate::kernels::{Cpu, random::Draw};
    use burn::module::AutodiffModule as _;
    let net = spec.init_seeded::<Cpu>(&Default::default(), 1);
    for seed in 0..16 {
        let shape = [4, spec.channels, spec.image_px, spec.image_px];
        let images = Draw::new(seed, "settle").normal::<Cpu, 4>(shape, 1.0, &Default::default());
        net.forward(images.into_value().detach());
    }
    net.valid()
}

/// An embedding at length 1, as it is compared.
#[cfg(feature = "faces")]
fn unit(embedding: &[f32]) -> Vec<f32> {
    let length = embedding.iter().map(|value| value * value).sum::<f32>().sqrt();
    assert!(length.is_finite() && length > 0.0, "{embedding:?}");
    embedding.iter().map(|value| value / length).collect()
}

/// Computed by another program: equal to our own embeddings, whatever the batch.
#[cfg(feature = "faces")]
#[test]
fn tract_computes_the_same_embeddings_from_the_file() {
    use crate::kernels::random::Draw;
    use crate::model::Inference;
    use burn::tensor::Tensor;
    use tract_onnx::prelude::*;

    for (net, form, pooling) in EVERY {
        let spec = spec(net, form, pooling);
        let net = settled(&spec);
        let bytes = crate::model::onnx(&net, &spec, &BTreeMap::new());
        let model = tract_onnx::onnx().model_for_read(&mut bytes.as_slice()).unwrap();
        for n in [1, 3] {
            let shape = [n, 3, 32, 32];
            let images = Draw::new(3, "test").normal::<Flex, 4>(shape, 1.0, &Default::default()).into_value();
            let values: Vec<f32> = images.clone().into_data().iter().collect();
            let input: tract_onnx::prelude::Tensor =
                tract_ndarray::Array4::from_shape_vec((n, 3, 32, 32), values).unwrap().into();
            let runnable = model.clone().with_input_fact(0, f32::fact(shape).into()).unwrap();
            let runnable = runnable.into_optimized().unwrap().into_runnable().unwrap();
            let found = runnable.run(tvec!(input.into())).unwrap();
            let found: Vec<f32> = found[0].to_plain_array_view::<f32>().unwrap().iter().copied().collect();
            let ours: Tensor<Flex, 2> = Inference::new(&net).forward(images);
            check_alike(&found, &ours.into_data().iter().collect::<Vec<f32>>(), &spec);
        }
    }
}

#[cfg(feature = "faces")]
fn check_alike(found: &[f32], ours: &[f32], spec: &EmbedderSpec) {
    assert_eq!(found.len(), ours.len());
    for (found, ours) in found.chunks(spec.embedding_dim).zip(ours.chunks(spec.embedding_dim)) {
        let (found, ours) = (unit(found), unit(ours));
        for (a, b) in found.iter().zip(&ours) {
            assert!((a - b).abs() < 1e-4, "{spec:?}: {found:?} instead of {ours:?}");
        }
    }
}

/// The network for larger images with all of a settled one's weights that do not depend on their size: to settle on large images
/// takes many times as long.
#[cfg(feature = "faces")]
fn settled_for_larger(spec: &EmbedderSpec) -> crate::model::Embedder<Flex> {
    use crate::model::weights::weights_from_bytes;
    use crate::model::{load_weights, save_weights};
    let weights =
        |net: &crate::model::Embedder<Flex>| weights_from_bytes(&save_weights(net, &BTreeMap::new()).unwrap()).unwrap();
    let mut net = spec.init_seeded::<Flex>(&Default::default(), 1);
    let mut own = weights(&net);
    for (name, weight) in weights(&settled(&EmbedderSpec { image_px: 32, ..spec.clone() })).tensors {
        if own.tensors[&name].shape == weight.shape {
            own.tensors.insert(name, weight);
        }
    }
    load_weights(&mut net, &own.to_safetensors().unwrap()).unwrap();
    net
}

/// As in the file, the size of the batch is left free: one graph, made ready once, takes any number of images.
#[cfg(feature = "faces")]
#[test]
fn tract_computes_the_same_embeddings_of_larger_images_from_one_graph_for_every_batch() {
    use crate::kernels::random::Draw;
    use crate::model::Inference;
    use tract_onnx::prelude::*;

    for (net, form, pooling, channels, image_px) in [
        (Net::Small, Form::Usual, Pooling::Average, 1, 112),
        (Net::Resnet18, Form::Usual, Pooling::Average, 1, 64),
        (Net::Resnet50, Form::Usual, Pooling::Average, 3, 64),
        (Net::Vgg16, Form::Usual, Pooling::Auto, 1, 64),
        (Net::Iresnet18, Form::Usual, Pooling::Flatten, 3, 112),
        (Net::Iresnet18, Form::Usual, Pooling::AveragePrelu, 1, 64),
        (Net::Iresnet18, Form::Adaface, Pooling::Flatten, 3, 64),
        (Net::Iresnet18, Form::EvolveSe, Pooling::Flatten, 1, 64),
        (Net::MobileFaceNet, Form::Usual, Pooling::Auto, 3, 112),
        (Net::MobileFaceNetLarge, Form::Usual, Pooling::Auto, 1, 64),
        (Net::MobileFaceNetClassic, Form::Usual, Pooling::Auto, 1, 112),
        (Net::MobileFaceNetClassic, Form::Relu6, Pooling::Auto, 3, 64),
    ] {
        let spec = EmbedderSpec { channels, image_px, ..spec(net, form, pooling) };
        let net = settled_for_larger(&spec);
        let bytes = crate::model::onnx(&net, &spec, &BTreeMap::new());
        let graph = tract_onnx::onnx().model_for_read(&mut bytes.as_slice()).unwrap();
        let graph = graph.into_optimized().unwrap().into_runnable().unwrap();
        let frozen = Inference::new(&net);
        for n in [1, 2, 5] {
            let shape = [n, channels, image_px, image_px];
            let images = Draw::new(n as u64, "test").normal::<Flex, 4>(shape, 1.0, &Default::default()).into_value();
            let values: Vec<f32> = images.clone().into_data().iter().collect();
            let input: tract_onnx::prelude::Tensor =
                tract_ndarray::Array4::from_shape_vec((n, channels, image_px, image_px), values).unwrap().into();
            let found = graph.run(tvec!(input.into())).unwrap();
            let found: Vec<f32> = found[0].to_plain_array_view::<f32>().unwrap().iter().copied().collect();
            check_alike(&found, &frozen.forward(images).into_data().iter().collect::<Vec<f32>>(), &spec);
        }
    }
}

#[test]
fn every_network_becomes_a_graph_in_which_each_value_is_made_once_before_it_is_used() {
    for (net, form, pooling) in EVERY {
        let spec = spec(net, form, pooling);
        let file = file(&spec);
        assert!(file.opset >= 17);
        let sizes = |sizes: &[&str]| sizes.iter().map(|size| (*size).to_owned()).collect::<Vec<_>>();
        let wanted = [
            ("images".to_owned(), sizes(&["batch", "3", "32", "32"])),
            ("embedding".to_owned(), sizes(&["batch", "16"])),
        ];
        assert_eq!(file.ends, wanted, "{spec:?}");
        let mut known: Vec<&str> = file.constants.keys().map(String::as_str).chain(["images"]).collect();
        let mut used = 0;
        for node in &file.nodes {
            assert!(node.inputs.iter().all(|input| known.contains(&input.as_str())), "{spec:?}: {}", node.output);
            assert!(!known.contains(&node.output.as_str()), "{} is made twice", node.output);
            used += node.inputs.iter().filter(|input| file.constants.contains_key(*input)).count();
            known.push(&node.output);
        }
        assert_eq!(used, file.constants.len(), "{spec:?}: every constant is used once");
        assert_eq!(file.nodes.last().unwrap().output, "embedding");
        assert_eq!(file.metadata["mean"], "0.5");
    }
}

#[test]
fn the_graph_holds_every_number_of_the_network() {
    for (net, form, pooling) in EVERY {
        let spec = spec(net, form, pooling);
        let file = file(&spec);
        let mut statistics = 0;
        for node in file.nodes.iter().filter(|node| node.kind == "BatchNormalization") {
            let size = |input: usize| file.constants[&node.inputs[input]].0.clone();
            assert!(size(1) == size(2) && size(1) == size(3) && size(1) == size(4));
            statistics += 2 * size(1)[0] as usize;
        }
        let clips = 2 * file.nodes.iter().filter(|node| node.kind == "Clip").count();
        let numbers: usize = file.constants.values().map(|(_, numbers)| numbers.len()).sum();
        // Factors that are fixed are no parameters, but numbers of the file.
        let fixed = match (spec.net, form) {
            (Net::Iresnet18, Form::Usual) => spec.embedding_dim,
            (_, Form::Adaface) => 2 * spec.embedding_dim,
            _ => 0,
        };
        assert_eq!(numbers, spec.parameter_count() + fixed + statistics + clips, "{spec:?}");
        for (name, (shape, numbers)) in &file.constants {
            assert_eq!(shape.iter().product::<u64>() as usize, numbers.len(), "{name}");
        }
    }
}

#[test]
fn slopes_belong_to_channels_and_nothing_fixes_the_batch() {
    let counts = |kind: &str, file: &File| file.nodes.iter().filter(|node| node.kind == kind).count();
    let mobile = file(&spec(Net::MobileFaceNet, Form::Usual, Pooling::Auto));
    for node in mobile.nodes.iter().filter(|node| node.kind == "PRelu") {
        let shape = &mobile.constants[&node.inputs[1]].0;
        assert_eq!(shape[1..], [1, 1], "{}", node.output);
    }
    assert!(mobile.nodes.iter().all(|node| node.kind != "Reshape"));
    assert_eq!((counts("Flatten", &mobile), counts("Gemm", &mobile), counts("Add", &mobile)), (1, 1, 12));
    let groups = |node: &Node| node.numbers.get("group").map(|groups| groups[0]);
    let depthwise: Vec<u64> = mobile.nodes.iter().filter_map(groups).filter(|groups| *groups > 1).collect();
    assert_eq!(depthwise.first(), Some(&64));
    assert_eq!(depthwise.len(), 1 + 15 + 1);
    let gate = file(&spec(Net::Iresnet18, Form::EvolveSe, Pooling::Flatten));
    assert_eq!((counts("Sigmoid", &gate), counts("MaxPool", &gate), counts("Add", &gate)), (8, 1, 8));
    let averaged = file(&spec(Net::Resnet18, Form::Usual, Pooling::Average));
    assert_eq!((counts("GlobalAveragePool", &averaged), counts("Relu", &averaged)), (1, 17));
    let gap = file(&spec(Net::Iresnet18, Form::Usual, Pooling::AveragePrelu));
    let last: Vec<&str> = gap.nodes[gap.nodes.len() - 6..].iter().map(|node| node.kind.as_str()).collect();
    assert_eq!(last, ["BatchNormalization", "PRelu", "GlobalAveragePool", "Flatten", "Gemm", "BatchNormalization"]);
}

#[test]
fn weights_stand_in_the_graph_as_they_are() {
    use burn::module::Param;
    let spec = spec(Net::Small, Form::Usual, Pooling::Average);
    let net = spec.init_seeded::<Flex>(&Default::default(), 1);
    let file = read(&onnx(&net, &spec, &BTreeMap::new()));
    let crate::model::Embedder::Residual(net) = &net else { panic!("another network") };
    let first = &file.nodes[0];
    assert_eq!((first.kind.as_str(), first.numbers["strides"].as_slice()), ("Conv", &[1, 1][..]));
    assert_eq!(first.numbers["pads"], [1; 4]);
    let values = |data: burn::tensor::TensorData| data.iter::<f32>().collect::<Vec<_>>();
    assert_eq!(file.constants[&first.inputs[1]].1, values(net.conv1.weight.val().into_data()));
    let gemm = file.nodes.iter().find(|node| node.kind == "Gemm").unwrap();
    assert_eq!(file.constants[&gemm.inputs[1]].1, values(net.fc.weight.val().into_data()));
    assert_eq!(file.constants[&gemm.inputs[2]].1, values(net.fc.bias.as_ref().map(Param::val).unwrap().into_data()));
    let last = file.nodes.last().unwrap();
    assert_eq!(file.constants[&last.inputs[4]].1, vec![1.0; 16]);
}

#[test]
fn numbers_are_written_as_protocol_buffers_write_them() {
    let message = super::Message::default().int(1, 150).int(2, -1).float(3, 1.0).text(20, "ab");
    let bytes = message.into_bytes();
    let minus = [0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let wanted = [&[0x08, 0x96, 0x01][..], &minus, &[0x1d, 0, 0, 0x80, 0x3f], &[0xa2, 0x01, 2, b'a', b'b']].concat();
    assert_eq!(bytes, wanted);
    let Field::Four(four) = fields(&bytes)[2].1.clone() else { panic!("no number") };
    assert_eq!(f32::from_le_bytes(four), 1.0);
}

#[test]
fn a_file_says_what_it_is_and_a_part_of_one_is_refused() {
    let spec = spec(Net::Small, Form::default(), Pooling::Average);
    let net = spec.init_seeded::<Flex>(&Default::default(), 1);
    let metadata = BTreeMap::from([("classes".to_owned(), "[\"a\"]".to_owned())]);
    let bytes = onnx(&net, &spec, &metadata);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("net.onnx");
    std::fs::write(&file, &bytes).unwrap();
    let found = OnnxSummary::read(&file).unwrap();
    let sizes = |list: &[&str]| list.iter().map(|size| (*size).to_owned()).collect::<Vec<_>>();
    assert_eq!(found.inputs, [("images".to_owned(), sizes(&["batch", "3", "32", "32"]))]);
    assert_eq!(found.outputs, [("embedding".to_owned(), sizes(&["batch", "16"]))]);
    assert_eq!((found.opset, found.metadata), (17, metadata));
    assert!(found.producer.starts_with("ArcLens ") && found.nodes > 10, "{}", found.producer);
    let graph = messages(&bytes, 7)[0];
    let four_bytes: usize = messages(graph, 5).iter().map(|tensor| messages(tensor, 9)[0].len() / 4).sum();
    assert_eq!(found.weights, four_bytes as u64);
    for len in (0..bytes.len()).step_by(bytes.len() / 97) {
        std::fs::write(&file, &bytes[..len]).unwrap();
        assert!(OnnxSummary::read(&file).is_err(), "{len} of {} bytes", bytes.len());
    }
    // A message that holds itself for ever, as far as its lengths go.
    std::fs::write(&file, [0x3a, 0x7f].repeat(64)).unwrap();
    assert!(OnnxSummary::read(&file).is_err());
}
