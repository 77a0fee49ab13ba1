//! Networks beside other programs: weights that were published against the same network run elsewhere, and our exports
//! against the names that others read. What needs the shared data is skipped, with a word, where it is missing.

use super::{described, request};
use crate::config::{Net, Pooling, RunConfig};
use crate::data::Protocol;
use crate::data::testing::shared_data;
use crate::eval::OperatingRule;
use crate::model::testing::{COUNTER, Shapes, arcface_shapes, ir_shapes};
use crate::model::{EmbedderSpec, Form, save_weights};
use crate::train::checkpoint::CheckpointState;
use crate::train::import::import;
use crate::train::session::Saved;
use crate::train::{Control, Device, ExportFormat, Place, RunFolder, TrainedModel, evaluate_protocol, export};
use burn::backend::Flex;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use tempfile::TempDir;

/// Weights that were published as PyTorch's file, as a run of ours in a folder that goes with the test.
fn published() -> Option<(TempDir, TrainedModel)> {
    let weights = shared_data("models/mobilefacenet_foamliu.pt")?;
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let done = import(&request(&weights, &run)).unwrap();
    let spec = &done.info.network.embedder;
    assert_eq!((spec.net, spec.form), (Net::MobileFaceNetClassic, Form::Relu6));
    assert_eq!((spec.image_px, spec.embedding_dim, done.left_out.len()), (112, 128, 0));
    let model = TrainedModel::open(&run, Device::Cpu).unwrap();
    Some((folder, model))
}

/// Their authors published the network as a graph too.
#[cfg(feature = "faces")]
#[test]
fn published_weights_embed_as_the_published_graph_does_in_another_program() {
    use tract_onnx::prelude::*;
    const PHOTOGRAPHS: [&str; 4] = [
        "Abdullah_Gul/Abdullah_Gul_0013.jpg",
        "Abdullah_Gul/Abdullah_Gul_0014.jpg",
        "Miguel_Aldana_Ibarra/Miguel_Aldana_Ibarra_0001.jpg",
        "Aaron_Guiel/Aaron_Guiel_0001.jpg",
    ];
    // Of ImageNet, in torchvision's digits: said here again, because the importer's are what is tested.
    let (mean, deviation) = ([0.485_f32, 0.456, 0.406], [0.229_f32, 0.224, 0.225]);
    let (Some(graph), Some(photographs)) =
        (shared_data("models/mobilefacenet_foamliu.onnx"), shared_data("lfw112/test"))
    else {
        return;
    };
    let Some((_folder, model)) = published() else { return };
    let shape: [usize; 4] = [1, 3, 112, 112];
    let bytes = std::fs::read(graph).unwrap();
    let graph = tract_onnx::onnx().model_for_read(&mut bytes.as_slice()).unwrap();
    let graph = graph.with_input_fact(0, f32::fact(shape).into()).unwrap();
    let graph = graph.into_optimized().unwrap().into_runnable().unwrap();
    for name in PHOTOGRAPHS {
        let photograph = crate::data::decode_file(&photographs.join(name)).unwrap();
        let (ours, pixels) = model.embed_image(&photograph).unwrap();
        let value = |channel: usize, y: usize, x: usize| f32::from(pixels[(112 * y + x) * 3 + channel]) / 255.0;
        let planes =
            tract_ndarray::Array4::from_shape_fn(shape, |(_, c, y, x)| (value(c, y, x) - mean[c]) / deviation[c]);
        let input: Tensor = planes.into();
        let theirs = graph.run(tvec!(input.into())).unwrap();
        let theirs: Vec<f32> = theirs[0].to_plain_array_view::<f32>().unwrap().iter().copied().collect();
        assert_eq!((ours.len(), theirs.len()), (128, 128));
        let largest = theirs.iter().fold(0f32, |largest, number| largest.max(number.abs()));
        for (a, b) in ours.iter().zip(&theirs) {
            assert!((a - b).abs() < 1e-4 * largest, "{name}: {a} instead of {b}");
        }
    }
}

/// Measured once with the published graph in onnxruntime and thresholds swept in NumPy: equal error rates, and where.
#[test]
fn published_weights_have_the_error_rates_that_another_program_measured() {
    let Some((_folder, model)) = published() else { return };
    for (name, pairs, eer, threshold) in
        [("lfw112/pairsDevTest.txt", 1000, 0.008, 0.286), ("lfw_bin/lfw_dev200.bin", 200, 0.010, 0.262)]
    {
        let Some(file) = shared_data(name) else { continue };
        let protocol = Protocol::open(&file, None, &|_| (), &|| false).unwrap();
        let (control, rule) = (Control::default(), OperatingRule::Eer);
        let found = evaluate_protocol(&model, &protocol, rule, &control, &mut |_, _| ()).unwrap();
        let report = found.report;
        assert_eq!(report.pairs, pairs, "{name}");
        assert!((report.eer - eer).abs() <= 0.002, "{name}: {} instead of {eer}", report.eer);
        let at = f64::from(report.eer_threshold);
        assert!((at - threshold).abs() < 0.02, "{name}: at {at} instead of {threshold}");
    }
}

/// A run with a network whose weights are all 0: names and shapes are what is looked at.
fn run_of(spec: EmbedderSpec, path: &Path) {
    let folder = RunFolder::create(&Place::NewAt(path.to_owned()), "test").unwrap();
    folder.write_config(&RunConfig::default()).unwrap();
    let model = save_weights(&spec.init::<Flex>(&Default::default()), &BTreeMap::new()).unwrap();
    let saved = Saved { model, head: Vec::new(), resume: Vec::new() };
    let info = described(&spec, false);
    folder.write_checkpoint(&saved, &info, &CheckpointState { format: 1, ..CheckpointState::default() }).unwrap();
    folder.set_best(0).unwrap();
}

/// Names, types and shapes in the header of a safetensors file.
fn header(file: &Path) -> BTreeMap<String, (String, Vec<u64>)> {
    let mut file = std::fs::File::open(file).unwrap();
    let mut length = [0; 8];
    file.read_exact(&mut length).unwrap();
    let mut header = Vec::new();
    file.take(u64::from_le_bytes(length)).read_to_end(&mut header).unwrap();
    let entries: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&header).unwrap();
    let tensors = entries.into_iter().filter(|(name, _)| name != "__metadata__");
    let entry = |(name, entry): (String, serde_json::Value)| {
        let shape = serde_json::from_value(entry["shape"].clone()).unwrap();
        (name, (entry["dtype"].as_str().unwrap().to_owned(), shape))
    };
    tensors.map(entry).collect()
}

/// What `load_state_dict` with `strict=True` takes of a network with these shapes: 32-bit numbers under its names. PyTorch's
/// counters (`num_batches_tracked`) may be left out: a normalisation asks for them only in a dictionary whose `_metadata`
/// gives its version as 2 or more, which one that torch.save wrote has and one read from safetensors has not (tried with
/// 1.13, and the same in the source of 2.15).
fn check_export(net: Net, form: Form, shapes: Shapes) {
    let wanted: BTreeMap<String, (String, Vec<u64>)> = shapes
        .into_iter()
        .filter(|(name, _)| !name.ends_with(COUNTER))
        .map(|(name, shape)| (name, ("F32".to_owned(), shape.into_iter().map(|size| size as u64).collect())))
        .collect();
    let spec = EmbedderSpec {
        net,
        form,
        pooling: Pooling::Auto,
        channels: 3,
        image_px: 112,
        embedding_dim: 512,
        dropout: 0.0,
    };
    // The largest is a quarter of a gigabyte: each goes before the next is made.
    let folder = tempfile::tempdir().unwrap();
    let (run, out) = (folder.path().join("run"), folder.path().join("net.safetensors"));
    run_of(spec, &run);
    export(&run, ExportFormat::Safetensors, &out, false).unwrap();
    assert_eq!(header(&out), wanted, "{net:?}, {form:?}");
}

/// Every network of `arcface_torch` that the file lists.
#[test]
fn every_exported_network_has_the_names_and_shapes_that_strict_loading_in_pytorch_asks_for() {
    let golden = arcface_shapes();
    let nets = [
        ("r18", Net::Iresnet18),
        ("r34", Net::Iresnet34),
        ("r50", Net::Iresnet50),
        ("r100", Net::Iresnet100),
        ("mbf", Net::MobileFaceNet),
        ("mbf_large", Net::MobileFaceNetLarge),
    ];
    assert_eq!(golden.len(), nets.len());
    nets.into_iter().for_each(|(name, net)| check_export(net, Form::Usual, golden[name].clone()));
}

#[test]
fn exported_ir_networks_have_the_names_and_shapes_of_their_projects() {
    for (net, form, units) in [
        (Net::Iresnet18, Form::Adaface, [2, 2, 2, 2]),
        (Net::Iresnet50, Form::Evolve, [3, 4, 14, 3]),
        (Net::Iresnet50, Form::EvolveSe, [3, 4, 14, 3]),
    ] {
        check_export(net, form, ir_shapes(form, units));
    }
}
