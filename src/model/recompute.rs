//! Training with less memory (gradient checkpointing: Chen et al., arXiv:1604.06174): forward, only the maps in front of each
//! unit are kept; backward, each unit is computed once more, with gradients this time. A step takes about a third longer
//! and its weights change by the same numbers.
//!
//! burn's own checkpointing recomputes single cheap operations; the operations of our kernels keep what they need, so here
//! whole units are recomputed.

use super::Embedder;
use super::forward::Forward;
use super::layers::{Conv, GroupedConv, SqueezeExcite, Statistics};
use super::walk::{Act, After, EmbeddingLayer, MaxPool, Walk};
use crate::kernels::{Engine, Kernels};
use burn::module::AutodiffModule;
use burn::nn::BatchNorm;
use burn::tensor::Tensor;
use burn::tensor::backend::AutodiffBackend;

/// A forward pass whose maps will be computed again.
#[derive(Debug)]
pub struct Recomputed<B: AutodiffBackend> {
    /// Maps in front of every unit.
    inputs: Vec<Tensor<B::InnerBackend, 4>>,
    /// Maps in front of the embedding layer, whose gradient is asked for.
    last: Tensor<B, 4>,
    /// Of the normalisations.
    statistics: Statistics,
    /// `[n, embedding_dim]`, with the gradient of the embedding layer.
    pub embeddings: Tensor<B, 2>,
}

impl<B: Engine> Embedder<B> {
    /// As [`Embedder::forward_with`] in training, keeping little.
    ///
    /// # Shapes
    /// `[n, channels, image_px, image_px]` → `[n, embedding_dim]`
    pub fn forward_recomputing(&self, images: Tensor<B::InnerBackend, 4>, statistics: Statistics) -> Recomputed<B> {
        let forward = Forward { statistics: statistics.once() };
        let mut record = Record { inputs: Vec::new(), last: None, forward };
        self.valid().walk(&mut record, images.permute([0, 2, 3, 1]));
        let last = record.last.expect("every network ends with an embedding layer");
        let last = Tensor::<B, 4>::from_inner(last).require_grad();
        let mut replay = Replay::of_unit(record.inputs.len(), statistics);
        let embeddings = self.walk(&mut replay, last.clone()).expect("the embedding layer was wanted");
        Recomputed { inputs: record.inputs, last, statistics, embeddings }
    }
}

impl<B: Engine> Recomputed<B> {
    /// Goes back through the network. `grads` are those of the loss with respect to [`Self::embeddings`] and everything behind
    /// them; `each` is given the gradients of one unit after the other.
    pub fn backward(self, net: &Embedder<B>, grads: &mut B::Gradients, mut each: impl FnMut(B::Gradients)) {
        let Some(mut slope) = self.last.grad_remove(grads) else { return };
        drop((self.last, self.embeddings));
        let (mut inputs, statistics) = (self.inputs, self.statistics);
        while let Some(input) = inputs.pop() {
            let input = Tensor::<B, 4>::from_inner(input).require_grad();
            let mut replay = Replay::of_unit(inputs.len(), statistics);
            net.walk(&mut replay, input.clone());
            let output = replay.output.expect("every recorded unit is met again");
            // The gradient of this sum is what comes back from the units behind.
            let mut grads = (output * Tensor::from_inner(slope)).sum().backward();
            let passed_on = input.grad_remove(&mut grads);
            each(grads);
            // The images have no use for theirs; a unit without one has nothing before it to teach.
            match passed_on {
                Some(passed_on) => slope = passed_on,
                None => return,
            }
        }
    }
}

/// The walk forward: no gradients, no running statistic follows, inputs of units kept.
struct Record<B: Kernels> {
    inputs: Vec<Tensor<B, 4>>,
    last: Option<Tensor<B, 4>>,
    forward: Forward,
}

impl<B: Kernels> Walk<B> for Record<B> {
    type Maps = Tensor<B, 4>;
    type Rows = ();

    fn conv(&mut self, x: Self::Maps, conv: &Conv<B>, after: After<'_, B, Self::Maps>) -> Self::Maps {
        self.forward.conv(x, conv, after)
    }

    fn grouped(&mut self, x: Self::Maps, conv: &GroupedConv<B>, bn: &BatchNorm<B>, act: Act<'_, B>) -> Self::Maps {
        self.forward.grouped(x, conv, bn, act)
    }

    fn norm(&mut self, x: Self::Maps, bn: &BatchNorm<B>, act: Act<'_, B>) -> Self::Maps {
        self.forward.norm(x, bn, act)
    }

    fn unit(&mut self, x: Self::Maps, unit: impl FnOnce(&mut Self, Self::Maps) -> Self::Maps) -> Self::Maps {
        self.inputs.push(x.clone());
        unit(self, x)
    }

    fn max_pool(&mut self, x: Self::Maps, pool: MaxPool) -> Self::Maps {
        Walk::<B>::max_pool(&mut self.forward, x, pool)
    }

    fn excite(&mut self, x: Self::Maps, gate: &SqueezeExcite<B>, shortcut: Self::Maps) -> Self::Maps {
        self.forward.excite(x, gate, shortcut)
    }

    fn embed(&mut self, x: Self::Maps, _: EmbeddingLayer<'_, B>) {
        self.last = Some(x);
    }
}

/// The walk back: one unit alone, as in an ordinary step; the others pass their input on.
struct Replay<B: Kernels> {
    /// Number of the unit; that behind the last is the embedding layer.
    wanted: usize,
    met: usize,
    output: Option<Tensor<B, 4>>,
    forward: Forward,
}

impl<B: Kernels> Replay<B> {
    fn of_unit(wanted: usize, statistics: Statistics) -> Self {
        Self { wanted, met: 0, output: None, forward: Forward { statistics } }
    }
}

impl<B: Kernels> Walk<B> for Replay<B> {
    type Maps = Tensor<B, 4>;
    type Rows = Option<Tensor<B, 2>>;

    fn conv(&mut self, x: Self::Maps, conv: &Conv<B>, after: After<'_, B, Self::Maps>) -> Self::Maps {
        self.forward.conv(x, conv, after)
    }

    fn grouped(&mut self, x: Self::Maps, conv: &GroupedConv<B>, bn: &BatchNorm<B>, act: Act<'_, B>) -> Self::Maps {
        self.forward.grouped(x, conv, bn, act)
    }

    fn norm(&mut self, x: Self::Maps, bn: &BatchNorm<B>, act: Act<'_, B>) -> Self::Maps {
        self.forward.norm(x, bn, act)
    }

    fn unit(&mut self, x: Self::Maps, unit: impl FnOnce(&mut Self, Self::Maps) -> Self::Maps) -> Self::Maps {
        let number = self.met;
        self.met += 1;
        if number == self.wanted {
            let output = unit(self, x.clone());
            self.output = Some(output);
        }
        x
    }

    fn max_pool(&mut self, x: Self::Maps, pool: MaxPool) -> Self::Maps {
        Walk::<B>::max_pool(&mut self.forward, x, pool)
    }

    fn excite(&mut self, x: Self::Maps, gate: &SqueezeExcite<B>, shortcut: Self::Maps) -> Self::Maps {
        self.forward.excite(x, gate, shortcut)
    }

    fn embed(&mut self, x: Self::Maps, layer: EmbeddingLayer<'_, B>) -> Option<Tensor<B, 2>> {
        (self.met == self.wanted).then(|| self.forward.embed(x, layer))
    }
}
