//! What a step does to the weights, number by number: optimisers, clipping, parts of a batch, the average of the weights.

use super::super::net::TrainNet;
use super::super::optimizer::{Grads, ParamGroups, make};
use super::super::session::{BurnSession, Mode};
use super::*;
use crate::config::{Margins, Net, Optimizer, Precision, TrainConfig};
use crate::data::HostBatch;
use crate::kernels::Cpu;
use crate::loss::HeadSpec;
use crate::model::weights::weights_from_bytes;
use burn::backend::Flex;
use burn::module::{Module as _, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use std::collections::BTreeMap;

const LR: f64 = 0.01;
const DECAY: f64 = 0.1;

/// The numbers of every parameter, in the order in which a module shows them.
#[derive(Default)]
struct Numbers(Vec<Vec<f32>>);

impl ModuleVisitor<Cpu> for Numbers {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<Cpu, D>>) {
        self.0.push(param.val().into_data().iter::<f32>().collect());
    }
}

/// The class weights and the biases.
fn of_head(net: &TrainNet<Cpu>) -> Vec<Vec<f32>> {
    let mut numbers = Numbers::default();
    net.head.visit(&mut numbers);
    numbers.0
}

/// The gradient that a number of a parameter is given in a step.
fn gradient(step: i32, number: usize) -> f32 {
    0.1 * (0.7 * number as f32 + 1.3 * step as f32).sin()
}

/// Gives every parameter of the head its gradient.
struct Giver<'a> {
    step: i32,
    groups: &'a ParamGroups,
    grads: Grads,
}

impl ModuleVisitor<Cpu> for Giver<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<Cpu, D>>) {
        let dims = param.val().dims();
        let count: usize = dims.iter().product();
        let numbers: Vec<f32> = (0..count).map(|number| gradient(self.step, number)).collect();
        let given = Tensor::<Flex, D>::from_data(TensorData::new(numbers, dims), &Default::default());
        let group = self.groups.0.iter().position(|group| group.contains(&param.id)).unwrap();
        self.grads[group].register::<Flex, D>(param.id, given);
    }
}

/// One weight as PyTorch's documentation has it move, in f64.
#[derive(Default)]
struct Reference {
    weight: f64,
    /// SGD's momentum, Adam's first moment.
    first: f64,
    /// Adam's second moment.
    second: f64,
}

impl Reference {
    /// Step `t`, of which the first is 1.
    fn step(&mut self, config: &TrainConfig, decay: f64, gradient: f64, t: i32) {
        let is_decoupled = config.optimizer == Optimizer::AdamW;
        let gradient = if is_decoupled { gradient } else { gradient + decay * self.weight };
        if config.optimizer == Optimizer::Sgd {
            self.first = if t == 1 { gradient } else { config.momentum * self.first + gradient };
            let ahead = if config.nesterov { gradient + config.momentum * self.first } else { self.first };
            self.weight -= LR * ahead;
            return;
        }
        if is_decoupled {
            self.weight *= 1.0 - LR * decay;
        }
        self.first = 0.9 * self.first + 0.1 * gradient;
        self.second = 0.999 * self.second + 0.001 * gradient * gradient;
        let (first, second) = (self.first / (1.0 - 0.9_f64.powi(t)), self.second / (1.0 - 0.999_f64.powi(t)));
        self.weight -= LR * first / (second.sqrt() + 1e-8);
    }
}

#[test]
fn three_steps_of_every_optimiser_are_those_of_its_formula() {
    let (embedder, _) = tiny_specs(Net::Small);
    // The loss whose classes have biases, which do not decay.
    let head = HeadSpec::plain(Head::Softmax, [3, embedder.embedding_dim], 16.0, Margins::NONE);
    for (optimizer, momentum, nesterov) in [
        (Optimizer::Sgd, 0.0, false),
        (Optimizer::Sgd, 0.9, false),
        (Optimizer::Sgd, 0.9, true),
        (Optimizer::Adam, 0.9, false),
        (Optimizer::AdamW, 0.9, false),
    ] {
        let config = TrainConfig { optimizer, momentum, nesterov, weight_decay: DECAY, ..TrainConfig::default() };
        let mut net = TrainNet::<Cpu>::new(&embedder, &head, &Default::default(), 1);
        let begun = |weight: &f32| Reference { weight: f64::from(*weight), ..Reference::default() };
        let mut expected: Vec<Vec<Reference>> =
            of_head(&net).iter().map(|numbers| numbers.iter().map(begun).collect()).collect();
        assert_eq!(expected.iter().map(Vec::len).collect::<Vec<_>>(), [3 * 8, 3]);
        let (groups, mut moved_by) = (ParamGroups::of(&net, 1.0), make::<Cpu>(&config));
        for t in 1..=3 {
            let grads = std::array::from_fn(|_| GradientsParams::new());
            let mut giver = Giver { step: t, groups: &groups, grads };
            net.head.visit(&mut giver);
            net = moved_by.step([LR, LR], net, giver.grads);
            for (numbers, decay) in expected.iter_mut().zip([DECAY, 0.0]) {
                for (number, reference) in numbers.iter_mut().enumerate() {
                    reference.step(&config, decay, f64::from(gradient(t, number)), t);
                }
            }
        }
        for (found, reference) in of_head(&net).iter().flatten().zip(expected.iter().flatten()) {
            let error = (f64::from(*found) - reference.weight).abs();
            assert!(error < 2e-6, "{config:?}: {found} instead of {}", reference.weight);
        }
    }
}

/// Plain descent without decay.
fn plain() -> TrainConfig {
    TrainConfig { momentum: 0.0, weight_decay: 0.0, grad_clip: 0.0, ..RunConfig::default().train }
}

fn open(config: &TrainConfig, read_every: usize) -> BurnSession<Cpu> {
    let (embedder, head) = tiny_specs(Net::Small);
    let mode = Mode { precision: Precision::F32, read_every };
    BurnSession::new(&embedder, &head, config, Default::default(), mode)
}

/// All that is learned, in one order; without running statistics.
fn learned(session: &dyn Session) -> Vec<f64> {
    let saved = session.save().unwrap();
    let mut found: BTreeMap<String, Vec<f32>> = BTreeMap::new();
    for (prefix, bytes) in [("", saved.model), ("head.", saved.head)] {
        let tensors = weights_from_bytes(&bytes).unwrap().tensors.into_iter();
        let learned = tensors.filter(|(name, _)| !name.contains("running_"));
        found.extend(learned.map(|(name, weight)| (format!("{prefix}{name}"), weight.data)));
    }
    found.into_values().flatten().map(f64::from).collect()
}

/// What one step at a learning rate of 1 takes from the weights: the gradient as it was applied.
fn applied(config: &TrainConfig, batch: &HostBatch, read_every: usize) -> Vec<f64> {
    let mut session = open(config, read_every);
    let before = learned(&session);
    let mut outcomes = session.step(batch, 1.0, moment(0)).unwrap();
    outcomes.extend(session.settle().unwrap());
    assert!(outcomes.iter().all(|outcome| outcome.fate == Fate::Applied), "{outcomes:?}");
    before.iter().zip(learned(&session)).map(|(before, after)| before - after).collect()
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// How far apart two gradients are, as a share of the first.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    norm(&difference) / norm(a)
}

#[test]
fn a_gradient_above_the_limit_is_as_long_as_the_limit_and_one_below_stays_as_it_is() {
    for read_every in [1, 3] {
        let clipped = |grad_clip: f64| applied(&TrainConfig { grad_clip, ..plain() }, &tiny_batch(), read_every);
        let whole = clipped(0.0);
        let limit = norm(&whole) / 4.0;
        let shorter = clipped(limit);
        assert!((norm(&shorter) / limit - 1.0).abs() < 1e-4, "{} instead of {limit}", norm(&shorter));
        let quarter: Vec<f64> = whole.iter().map(|value| value / 4.0).collect();
        assert!(apart(&quarter, &shorter) < 1e-3, "its direction changed: {}", apart(&quarter, &shorter));
        assert!(clipped(norm(&whole) * 2.0) == whole, "it was changed below the limit");
    }
}

#[test]
fn parts_of_a_batch_give_the_gradient_of_the_whole() {
    // Normalisations that keep their statistics, so that no image depends on the others in its part.
    let kept = TrainConfig { start_from: "runs/published".to_owned(), freeze_norm: true, ..plain() };
    assert!(kept.keeps_norm());
    let mut five = tiny_batch();
    five.images.truncate(5 * 256);
    five.labels.truncate(5);
    five.items.truncate(5);
    // Also into parts of three and of two images.
    for (batch, parts) in [(tiny_batch(), 2), (tiny_batch(), 3), (five, 2)] {
        let of = |micro_batches| applied(&TrainConfig { micro_batches, ..kept.clone() }, &batch, 1);
        let distance = apart(&of(1), &of(parts));
        assert!(distance < 1e-3, "{} images in {parts} parts: {distance}", batch.labels.len());
    }
}

#[test]
fn the_average_of_the_weights_follows_its_formula() {
    const KEEP: f64 = 0.15;
    let mut averaged = open(&TrainConfig { weight_average: KEEP, ..plain() }, 1);
    let mut session = open(&plain(), 1);
    let mut expected = learned(&session);
    for t in 0..4 {
        for session in [&mut session, &mut averaged] {
            session.step(&tiny_batch(), 0.05, moment(t)).unwrap();
        }
        // In the first of these steps less than the setting.
        let keep = KEEP.min((1.0 + t as f64) / (10.0 + t as f64));
        for (mean, weight) in expected.iter_mut().zip(learned(&session)) {
            *mean = keep * *mean + (1.0 - keep) * weight;
        }
    }
    let found = learned(&averaged);
    assert!(apart(&learned(&session), &found) > 1e-4, "this test needs weights that move");
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-6 * (1.0 + expected.abs()), "{found} instead of {expected}");
    }
}
