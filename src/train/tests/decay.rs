//! What the weight decay reaches: convolutions, the embedding layer and the class weights; nothing else.

use super::super::gradients::global_norm;
use super::super::net::TrainNet;
use super::super::optimizer::{Grads, ParamGroups, make};
use super::super::session::images;
use super::*;
use crate::config::{Margins, Net, Optimizer, TrainConfig};
use crate::kernels::Cpu;
use crate::loss::{HeadBatch, HeadSpec};
use crate::model::save_weights;
use crate::model::weights::weights_from_bytes;
use burn::module::AutodiffModule as _;
use burn::optim::GradientsParams;
use std::collections::BTreeMap;

/// Learning rate of the network.
const LR: f64 = 0.01;
const DECAY: f64 = 0.1;

/// The weights by their names in a file, those of the head as "head.…"; without running statistics.
fn weights(net: &TrainNet<Cpu>) -> BTreeMap<String, Vec<f32>> {
    let net = net.valid();
    let none = BTreeMap::new();
    let files = [("", save_weights(&net.embedder, &none).unwrap()), ("head.", save_weights(&net.head, &none).unwrap())];
    let mut found = BTreeMap::new();
    for (prefix, bytes) in files {
        let tensors = weights_from_bytes(&bytes).unwrap().tensors.into_iter();
        let learnt = tensors.filter(|(name, _)| !name.contains("running_"));
        found.extend(learnt.map(|(name, weight)| (format!("{prefix}{name}"), weight.data)));
    }
    found
}

/// Whether a weight of a residual network is a matrix or a convolution, by its name in PyTorch.
fn decays(name: &str) -> bool {
    let is_layer = name.contains("conv") || name.contains("downsample.0.") || name.starts_with("fc.");
    name.ends_with("weight") && (is_layer || name.starts_with("head."))
}

/// Gradients of a loss that is 0 whatever the weights are.
fn no_gradients(net: &TrainNet<Cpu>, groups: &ParamGroups) -> Grads {
    let device = Default::default();
    let batch = tiny_batch();
    let told = HeadBatch::<Cpu>::new(&net.head.spec, &batch.labels, moment(0), &device);
    let embeddings = net.embedder.forward(images::<Cpu>(&batch, &device));
    let mut all = net.head.forward(embeddings, &told).loss.mul_scalar(0.0).backward();
    groups.0.each_ref().map(|group| GradientsParams::from_params(&mut all, net, group))
}

fn length(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn without_a_gradient_matrices_shrink_and_norms_biases_and_slopes_stay() {
    // A rate of its own puts the head into groups of its own.
    for (net, head_lr_factor) in [(Net::Small, 1.0), (Net::Iresnet18, 2.0)] {
        let (embedder, _) = tiny_specs(net);
        // The loss whose classes have biases.
        let head = HeadSpec::plain(Head::Softmax, [3, embedder.embedding_dim], 16.0, Margins::NONE);
        for optimizer in Optimizer::every() {
            let config = TrainConfig { optimizer, weight_decay: DECAY, ..TrainConfig::default() };
            let net = TrainNet::<Cpu>::new(&embedder, &head, &Default::default(), 1);
            let groups = ParamGroups::of(&net, head_lr_factor);
            let grads = no_gradients(&net, &groups);
            assert_eq!(global_norm(&net, &grads).unwrap(), 0.0, "this test needs gradients that are 0");
            let before = weights(&net);
            let after = weights(&make::<Cpu>(&config).step([LR, LR * head_lr_factor], net, grads));
            assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
            for (name, old) in &before {
                let new = &after[name];
                if !decays(name) {
                    assert_eq!(old, new, "{optimizer:?}: {name} moved");
                    continue;
                }
                let lr = if name.starts_with("head.") { LR * head_lr_factor } else { LR };
                let share = length(new) / length(old);
                // Adam takes the decay for a gradient, whose size it ignores: it shrinks more.
                let expected = 1.0 - lr * DECAY;
                let is_as_expected = match optimizer {
                    Optimizer::Adam => share < expected,
                    Optimizer::Sgd | Optimizer::AdamW => (share - expected).abs() < 1e-5,
                };
                assert!(is_as_expected, "{optimizer:?}: {name} has {share} of its length, {expected} was expected");
            }
            let names =
                ["conv1.weight", "bn1.weight", "fc.weight", "fc.bias", "features.bias", "head.weight", "head.bias"];
            assert!(names.iter().all(|name| before.contains_key(*name)), "{:?}", before.keys());
        }
    }
}
