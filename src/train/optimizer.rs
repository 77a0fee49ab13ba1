//! The optimisers over groups of parameters: weights decay, norms and biases do not, and the head may have a rate of its own.
//!
//! burn 0.21 has no parameter groups. Two optimisers of the same kind over disjoint parameters are the same thing as one that
//! decays some of them; and an optimiser that is asked twice in a step, for disjoint gradients, keeps its state for each.

use super::net::TrainNet;
use super::sgd::Sgd;
use super::{TrainError, record};
use crate::config::{Optimizer as Kind, TrainConfig};
use crate::kernels::Engine;
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{AdamConfig, AdamWConfig, GradientsParams, Optimizer};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// Epsilon of Adam as PyTorch has it (burn's default is 1e-5).
const ADAM_EPSILON: f32 = 1e-8;

/// Gradients by group, see [`ParamGroups`].
pub type Grads = [GradientsParams; 4];

/// One optimiser, whatever its kind.
pub trait Groups<B: Engine> {
    /// Takes one step: the learning rates are the network's and the head's.
    fn step(&mut self, lr: [f64; 2], net: TrainNet<B>, grads: Grads) -> TrainNet<B>;
    /// The state of what decays and of what does not.
    fn save(&self) -> Result<[Vec<u8>; 2], TrainError>;
    /// Puts the state back.
    fn load(&mut self, bytes: [&[u8]; 2], device: &B::Device) -> Result<(), TrainError>;
}

/// What is saved, in an error's words.
const STATE: &str = "the optimiser's state";

struct Pair<O> {
    decayed: O,
    plain: O,
}

impl<B: Engine, O: Optimizer<TrainNet<B>, B> + Clone> Groups<B> for Pair<O> {
    fn step(&mut self, [lr, head_lr]: [f64; 2], net: TrainNet<B>, grads: Grads) -> TrainNet<B> {
        let [decayed, plain, head_decayed, head_plain] = grads;
        let net = self.decayed.step(lr, net, decayed);
        let net = self.plain.step(lr, net, plain);
        if head_decayed.is_empty() && head_plain.is_empty() {
            // The head is in the network's groups.
            return net;
        }
        let net = self.decayed.step(head_lr, net, head_decayed);
        self.plain.step(head_lr, net, head_plain)
    }

    fn save(&self) -> Result<[Vec<u8>; 2], TrainError> {
        let write = |optimizer: &O| record::to_bytes::<B>(optimizer.to_record(), STATE);
        Ok([write(&self.decayed)?, write(&self.plain)?])
    }

    fn load(&mut self, bytes: [&[u8]; 2], device: &B::Device) -> Result<(), TrainError> {
        let read = |bytes: &[u8]| record::from_bytes::<B, O::Record>(bytes, STATE, device);
        self.decayed = self.decayed.clone().load_record(read(bytes[0])?);
        self.plain = self.plain.clone().load_record(read(bytes[1])?);
        Ok(())
    }
}

/// Makes the optimiser of a configuration.
pub fn make<B: Engine>(config: &TrainConfig) -> Box<dyn Groups<B>> {
    let decay = config.weight_decay as f32;
    let momentum = config.momentum;
    let l2 = move |on: bool| (on && decay > 0.0).then(|| WeightDecayConfig::new(decay));
    match config.optimizer {
        Kind::Sgd => {
            let sgd = |on: bool| Sgd::new(momentum as f32, if on { decay } else { 0.0 }, config.nesterov);
            let make = |on: bool| sgd(on).adapt::<B, TrainNet<B>>();
            Box::new(Pair { decayed: make(true), plain: make(false) })
        }
        Kind::Adam => {
            let make = |on: bool| {
                AdamConfig::new().with_epsilon(ADAM_EPSILON).with_weight_decay(l2(on)).init::<B, TrainNet<B>>()
            };
            Box::new(Pair { decayed: make(true), plain: make(false) })
        }
        Kind::AdamW => {
            let make = |on: bool| {
                let decay = if on { decay } else { 0.0 };
                AdamWConfig::new().with_epsilon(ADAM_EPSILON).with_weight_decay(decay).init::<B, TrainNet<B>>()
            };
            Box::new(Pair { decayed: make(true), plain: make(false) })
        }
    }
}

/// The parameters by group: matrices and convolutions decay, vectors (norms, biases) do not; each of the network, then of
/// the head. A head without a rate of its own is in the network's groups and leaves its own empty.
#[derive(Debug, Default)]
pub struct ParamGroups(pub [Vec<ParamId>; 4]);

impl ParamGroups {
    /// Sorts the parameters of a network.
    pub fn of<B: Engine>(net: &TrainNet<B>, head_lr_factor: f64) -> Self {
        let (mut rest, mut head) = (ByRank::default(), ByRank::default());
        net.embedder.visit(&mut rest);
        net.head.visit(if head_lr_factor == 1.0 { &mut rest } else { &mut head });
        Self([rest.decayed, rest.plain, head.decayed, head.plain])
    }
}

#[derive(Default)]
struct ByRank {
    decayed: Vec<ParamId>,
    plain: Vec<ParamId>,
}

impl<B: Backend> ModuleVisitor<B> for ByRank {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        if D == 1 { self.plain.push(param.id) } else { self.decayed.push(param.id) }
    }
}
