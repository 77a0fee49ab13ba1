//! A running average of the weights (Polyak; `ema` in other trainers): less noisy than the last weights, most of all at a
//! constant learning rate.
//!
//! `a ← d·a + (1 − d)·w` after every step, over the weights and the statistics of the normalisations alike. In the first steps
//! d is smaller, `(1 + t)/(10 + t)`, so that the start values do not linger.

use super::net::TrainNet;
use super::{TrainError, record};
use crate::kernels::Engine;
use burn::module::{AutodiffModule, Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use std::collections::HashMap;

/// What is saved, in an error's words.
const STATE: &str = "the state of the averaged weights";

pub(super) struct Average<B: Engine> {
    net: TrainNet<B::InnerBackend>,
    keep: f64,
    steps: u64,
}

impl<B: Engine> Average<B> {
    /// Starts at the weights of `net`; `keep` is the share of the old value, in (0, 1).
    pub fn start(net: &TrainNet<B>, keep: f64) -> Self {
        Self { net: net.valid(), keep, steps: 0 }
    }

    /// Begins again at the weights of `net`.
    pub fn restart(&mut self, net: &TrainNet<B>) {
        *self = Self::start(net, self.keep);
    }

    /// The averaged network.
    pub fn net(&self) -> &TrainNet<B::InnerBackend> {
        &self.net
    }

    /// Takes the weights after a step in.
    pub fn follow(&mut self, net: &TrainNet<B>) {
        let early = (1.0 + self.steps as f64) / (10.0 + self.steps as f64);
        let mut latest = Flat::<B::InnerBackend> { values: HashMap::new() };
        net.valid().visit(&mut latest);
        let mut towards = Towards { latest: latest.values, keep: self.keep.min(early) };
        self.net = self.net.clone().map(&mut towards);
        self.steps += 1;
    }

    /// The state for a checkpoint.
    ///
    /// # Errors
    /// When the device fails.
    pub fn save(&self) -> Result<Vec<u8>, TrainError> {
        let record = record::to_bytes::<B::InnerBackend>(self.net.clone().into_record(), STATE)?;
        Ok([&self.steps.to_le_bytes()[..], &record].concat())
    }

    /// Puts a saved state back; a checkpoint without one starts the average at its weights.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn load(&mut self, bytes: &[u8], net: &TrainNet<B>, device: &B::Device) -> Result<(), TrainError> {
        let Some((steps, record)) = bytes.split_first_chunk() else {
            self.restart(net);
            return Ok(());
        };
        self.net = self.net.clone().load_record(record::from_bytes::<B::InnerBackend, _>(record, STATE, device)?);
        self.steps = u64::from_le_bytes(*steps);
        Ok(())
    }
}

/// All numbers of a module, by parameter, each as one row.
struct Flat<B: Backend> {
    values: HashMap<ParamId, Tensor<B, 1>>,
}

impl<B: Backend> ModuleVisitor<B> for Flat<B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let tensor = param.val();
        let count = tensor.dims().iter().product::<usize>();
        self.values.insert(param.id, tensor.reshape([count]));
    }
}

struct Towards<B: Backend> {
    latest: HashMap<ParamId, Tensor<B, 1>>,
    keep: f64,
}

impl<B: Backend> ModuleMapper<B> for Towards<B> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let Some(latest) = self.latest.remove(&param.id) else { return param };
        let keep = self.keep;
        param.map(|old| {
            let dims = old.dims();
            old * keep + latest.reshape(dims) * (1.0 - keep)
        })
    }
}
