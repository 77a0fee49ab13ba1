//! A network made elsewhere, from its weights to a run with a margin.

use super::super::checkpoint::{HEAD_FILE, MODEL_FILE};
use super::super::run::Run;
use super::fine_tune::weights;
use super::*;
use crate::config::{Net, Pooling};
use crate::model::weights::{Weights, weights_from_bytes};
use crate::model::{EmbedderSpec, Form, save_weights};
use crate::train::{ImportRequest, PreprocessChange, import};
use burn::backend::Flex;
use std::collections::BTreeMap;

/// A run of imported weights, which knows no classes.
fn imported(folder: &Path) -> PathBuf {
    let embedder = EmbedderSpec {
        net: Net::MobileFaceNetClassic,
        form: Form::Usual,
        pooling: Pooling::Auto,
        channels: 3,
        image_px: 32,
        embedding_dim: 16,
        dropout: 0.0,
    };
    let net = embedder.init_seeded::<Flex>(&Default::default(), 5);
    let (file, out) = (folder.join("net.safetensors"), folder.join("imported"));
    std::fs::write(&file, save_weights(&net, &BTreeMap::new()).unwrap()).unwrap();
    let (preprocess, control) = (PreprocessChange::default(), Control::default());
    import(&ImportRequest { weights: &file, out: &out, preprocess, control }).unwrap();
    out
}

fn from_run(start: &Path, head: Head, [frozen, epochs]: [u32; 2]) -> RunConfig {
    let mut config = config();
    config.data.split = SplitBy::Image;
    config.model.dropout = 0.0;
    config.loss.head = head;
    config.train.start_from = start.to_string_lossy().into_owned();
    config.train.freeze_epochs = Auto::Set(frozen);
    config.train.epochs = epochs;
    config
}

fn network(run: &Path) -> Weights {
    weights(&latest_checkpoint(run).unwrap().0, MODEL_FILE)
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn an_imported_network_learns_with_softmax_and_then_with_a_margin_from_the_classes_of_the_same_names() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let start = imported(folder.path());
    let catalog = draw(&at("data"), 5, 8);
    let (first, config) = (at("softmax"), from_run(&start, Head::Softmax, [2, 3]));
    let place = Place::NewAt(first.clone());
    let request = TrainRequest { catalog: Arc::clone(&catalog), config: config.clone(), place };
    let is_second = |event: &TrainEvent| matches!(event, TrainEvent::Epoch(epoch) if epoch.epoch == 2);
    run_until(&request, is_second).0.unwrap();
    assert_eq!(latest_checkpoint(&first).unwrap().0.state.epoch, 2);
    // To the bit, the running statistics among them.
    assert_eq!(network(&first).tensors, network(&start).tensors);
    assert_eq!(run(&catalog, &config, Place::Resume(first.clone()), None).unwrap().epochs, 3);
    assert_ne!(network(&first).tensors, network(&start).tensors);

    // Strangers in front of the classes that both have, and others gone between them: no class keeps its number but the last.
    draw_classes(&at("others"), 5, 8);
    for (name, stranger) in [("p01", "a stranger"), ("p03", "b stranger")] {
        std::fs::rename(at("others").join(name), at("others").join(stranger)).unwrap();
    }
    let others = Arc::new(Catalog::open(&at("others"), &|_| {}, &|| false).unwrap());
    let config = from_run(&first, Head::ArcFace, [1, 2]);
    let place = Place::NewAt(at("prepared"));
    let request = TrainRequest { catalog: Arc::clone(&others), config: config.clone(), place };
    let prepared = Run::prepare(&request, &Control::default(), &mut Watcher::default()).unwrap();
    let (begun, saved) = (best_checkpoint(&first).unwrap(), prepared.session.save().unwrap());
    assert_eq!(weights_from_bytes(&saved.model).unwrap().tensors, weights(&begun, MODEL_FILE).tensors);
    let (old, new) = (weights(&begun, HEAD_FILE), weights_from_bytes(&saved.head).unwrap());
    let row = |weights: &Weights, class: usize| weights.tensors["weight"].data[class * 16..(class + 1) * 16].to_vec();
    let known = begun.info().unwrap().classes;
    let mut numbers = Vec::new();
    for (class, name) in prepared.info.classes.iter().enumerate() {
        let Some(before) = known.iter().position(|known| known == name) else { continue };
        assert!(cosine(&row(&old, before), &row(&new, class)) > 0.9999, "{name}");
        numbers.push((before, class));
    }
    assert_eq!(numbers, [(0, 2), (2, 3), (4, 4)], "{known:?} and {:?}", prepared.info.classes);

    let path = at("margin");
    assert_eq!(run(&others, &config, Place::NewAt(path.clone()), None).unwrap().epochs, 2);
    assert_ne!(network(&path).tensors, weights(&begun, MODEL_FILE).tensors);
}
