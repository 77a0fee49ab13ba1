//! The optimisers over groups of parameters: weights decay, norms and biases do not, and the head may have a rate of its own.
//!
//! burn 0.21 has no parameter groups. Two optimisers of the same kind over disjoint parameters are the same thing as one that
//! decays some of them; and an optimiser that is asked twice in a step, for disjoint gradients, keeps its state for each.

use super::TrainError;
use super::net::TrainNet;
use super::sgd::Sgd;
use crate::config::{Optimizer as Kind, TrainConfig};
use crate::kernels::Engine;
use burn::module::{ModuleVisitor, Param, ParamId};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{AdamConfig, AdamWConfig, GradientsParams, Optimizer};
use burn::record::{BinBytesRecorder, FullPrecisionSettings, Recorder};
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

struct Pair<O> {
    decayed: O,
    plain: O,
}

impl<B: Engine, O: Optimizer<TrainNet<B>, B> + Clone> Groups<B> for Pair<O> {
    fn step(&mut self, [lr, head_lr]: [f64; 2], net: TrainNet<B>, grads: Grads) -> TrainNet<B> {
        let [decayed, plain, head_decayed, head_plain] = grads;
        let net = self.decayed.step(lr, net, decayed);
        let net = self.plain.step(lr, net, plain);
        let net = self.decayed.step(head_lr, net, head_decayed);
        self.plain.step(head_lr, net, head_plain)
    }

    fn save(&self) -> Result<[Vec<u8>; 2], TrainError> {
        let recorder = BinBytesRecorder::<FullPrecisionSettings>::default();
        let write = |optimizer: &O| {
            Recorder::<B>::record(&recorder, optimizer.to_record(), ())
                .map_err(|error| TrainError::Compute(error.to_string()))
        };
        Ok([write(&self.decayed)?, write(&self.plain)?])
    }

    fn load(&mut self, bytes: [&[u8]; 2], device: &B::Device) -> Result<(), TrainError> {
        let recorder = BinBytesRecorder::<FullPrecisionSettings>::default();
        let read = |bytes: &[u8]| {
            Recorder::<B>::load::<O::Record>(&recorder, bytes.to_vec(), device)
                .map_err(|error| TrainError::CannotResume(format!("the optimiser's state cannot be read ({error})")))
        };
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
/// the head.
#[derive(Debug, Default)]
pub struct ParamGroups(pub [Vec<ParamId>; 4]);

impl ParamGroups {
    /// Sorts the parameters of a network.
    pub fn of<B: Engine>(net: &TrainNet<B>) -> Self {
        let by_rank = |module: &dyn Fn(&mut ByRank)| {
            let mut found = ByRank::default();
            module(&mut found);
            [found.decayed, found.plain]
        };
        let [decayed, plain] = by_rank(&|found| burn::module::Module::visit(&net.embedder, found));
        let [head_decayed, head_plain] = by_rank(&|found| burn::module::Module::visit(&net.head, found));
        Self([decayed, plain, head_decayed, head_plain])
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
