use super::{ExportFormat, INFO_KEY, export};
use crate::config::{Head, Margins, Net, Pooling, RunConfig};
use crate::data::Preprocess;
use crate::loss::HeadSpec;
use crate::model::weights::weights_from_bytes;
use crate::model::{EmbedderSpec, Form, OnnxSummary, save_weights};
use crate::train::checkpoint::CheckpointState;
use crate::train::session::Saved;
use crate::train::{ModelInfo, Network, Place, RunFolder, TrainError};
use burn::backend::Flex;
use std::collections::BTreeMap;
use std::path::Path;

/// More bytes than a name may have, and letters that JSON and protocol buffers each write in their own way.
fn classes() -> Vec<String> {
    (0..900).map(|i| format!("p{i:03} \"Åse\"\\{}", if i % 2 == 0 { "李" } else { "\n" })).collect()
}

/// Nothing of it is what a program would assume where a file says nothing.
fn info() -> ModelInfo {
    let (form, pooling) = (Form::Usual, Pooling::AveragePrelu);
    let embedder =
        EmbedderSpec { net: Net::Iresnet18, form, pooling, channels: 3, image_px: 24, embedding_dim: 12, dropout: 0.1 };
    let classes = classes();
    let head = HeadSpec::plain(Head::CosFace, [classes.len(), 12], 30.0, Margins { cos: 0.2, ..Margins::NONE });
    let usual = Preprocess::new(24, 3).imagenet();
    let preprocess = Preprocess { blue_first: true, ..usual };
    let network = Network { embedder, preprocess, add_mirror: true };
    ModelInfo { format: ModelInfo::FORMAT, network, head, classes }
}

/// A run with one checkpoint.
fn run(path: &Path, info: &ModelInfo) {
    let folder = RunFolder::create(&Place::NewAt(path.to_owned()), "test").unwrap();
    folder.write_config(&RunConfig::default()).unwrap();
    let net = info.network.embedder.init_seeded::<Flex>(&Default::default(), 3);
    let saved = Saved { model: save_weights(&net, &BTreeMap::new()).unwrap(), head: Vec::new(), resume: Vec::new() };
    folder.write_checkpoint(&saved, info, &CheckpointState { format: 1, ..CheckpointState::default() }).unwrap();
    folder.set_best(0).unwrap();
}

/// Every entry against what the run says, whatever the kind of file.
fn check(metadata: &BTreeMap<String, String>, info: &ModelInfo) {
    let text = |key: &str| metadata[key].as_str();
    let numbers = |key: &str| serde_json::from_str::<[f32; 3]>(text(key)).unwrap();
    assert_eq!((numbers("mean"), numbers("std")), (info.network.preprocess.mean, info.network.preprocess.std));
    assert_eq!((text("image_px"), text("embedding_dim")), ("24", "12"));
    assert_eq!(
        (text("colour_order"), text("mean_std_order"), text("add_mirror")),
        ("BGR", "RGB", if info.network.add_mirror { "true" } else { "false" })
    );
    assert_eq!(text("input"), "(value / 255 - mean) / std");
    assert!(text("embedding").contains("not normalised") && text("grey").contains("0.7152 green"));
    assert_eq!(serde_json::from_str::<Vec<String>>(text("classes")).unwrap(), info.classes);
    assert_eq!(&serde_json::from_str::<ModelInfo>(text(INFO_KEY)).unwrap(), info);
    let mirror = if info.network.add_mirror { "add the two embeddings and normalise the sum" } else { "alone" };
    assert!(text("mirror").contains(mirror), "{}", text("mirror"));
    assert_eq!(metadata.len(), 13, "{:?}", metadata.keys());
}

#[test]
fn an_onnx_file_of_a_run_says_all_that_its_reader_must_know() {
    let folder = tempfile::tempdir().unwrap();
    let (from, out) = (folder.path().join("run"), folder.path().join("net.onnx"));
    let info = info();
    run(&from, &info);
    export(&from, ExportFormat::Onnx, &out, false).unwrap();
    let found = OnnxSummary::read(&out).unwrap();
    assert!(found.metadata["classes"].len() > 4096, "longer than a name may be");
    check(&found.metadata, &info);
    let sizes = |list: &[&str]| list.iter().map(|size| (*size).to_owned()).collect::<Vec<_>>();
    assert_eq!(found.inputs, [("images".to_owned(), sizes(&["batch", "3", "24", "24"]))]);
    assert_eq!(found.outputs, [("embedding".to_owned(), sizes(&["batch", "12"]))]);
    assert_eq!(found.producer, concat!("ArcLens ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_safetensors_file_of_a_run_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (from, out) = (folder.path().join("run"), folder.path().join("net.safetensors"));
    let info = info();
    run(&from, &info);
    export(&from, ExportFormat::Safetensors, &out, false).unwrap();
    check(&weights_from_bytes(&std::fs::read(&out).unwrap()).unwrap().metadata, &info);
}

#[test]
fn what_is_to_be_done_beside_running_the_network_is_said_where_the_mirrored_image_counts() {
    let folder = tempfile::tempdir().unwrap();
    for (add_mirror, name) in [(true, "with"), (false, "without")] {
        let (from, out) = (folder.path().join(name), folder.path().join(format!("{name}.safetensors")));
        let mut info = info();
        info.network.add_mirror = add_mirror;
        run(&from, &info);
        let done = export(&from, ExportFormat::Safetensors, &out, false).unwrap();
        check(&weights_from_bytes(&std::fs::read(&out).unwrap()).unwrap().metadata, &info);
        assert_eq!(done.advice().is_some_and(|advice| advice.contains("mirror image")), add_mirror);
    }
}

#[test]
fn a_file_that_is_there_gives_way_only_when_it_may_be_replaced_and_is_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let (from, out) = (folder.path().join("run"), folder.path().join("net.safetensors"));
    run(&from, &info());
    std::fs::write(&out, b"mine").unwrap();
    let error = export(&from, ExportFormat::Safetensors, &out, false).unwrap_err();
    assert!(matches!(&error, TrainError::FileExists(path) if *path == out), "{error}");
    assert_eq!(std::fs::read(&out).unwrap(), b"mine");
    let written = || {
        export(&from, ExportFormat::Safetensors, &out, true).unwrap();
        std::fs::read(&out).unwrap()
    };
    let first = written();
    assert!(written() == first, "the same network is other bytes");
}
