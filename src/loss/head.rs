//! The path all heads share: cosines to the class weights, the margin on the target, the scale, cross-entropy.

use super::{HeadSpec, arcface, cosface, softmax};
use crate::config::Head;
use crate::kernels::random::{Draw, constant};
use crate::kernels::{Kernels, cross_entropy, normalize_rows};
use burn::module::{Module, Param};
use burn::tensor::backend::Backend;
use burn::tensor::{IndexingUpdateOp, Int, Tensor};

/// Class weights and the rule that turns cosines into logits.
#[derive(Module, Debug)]
pub struct MarginHead<B: Backend> {
    /// One row per class, `[classes, embedding_dim]`.
    pub weight: Param<Tensor<B, 2>>,
    /// `[classes]`, plain softmax only.
    pub bias: Option<Param<Tensor<B, 1>>>,
    /// Which loss.
    #[module(skip)]
    pub head: Head,
    /// Factor on the cosine.
    pub scale: f64,
}

/// What a head says about a batch of `n` samples and `c` classes.
#[derive(Clone, Debug)]
pub struct HeadOutput<B: Backend> {
    /// Mean loss, `[1]`.
    pub loss: Tensor<B, 1>,
    /// Loss per sample, `[n]`.
    pub per_sample: Tensor<B, 1>,
    /// Logits with the margin, `[n, c]`.
    pub logits: Tensor<B, 2>,
    /// Cosine of every embedding to every class weight, without margin and without gradient, `[n, c]`: for the
    /// histogram of target angles, and for accuracy (plain softmax: take accuracy from `logits`, which have no margin).
    pub cosine: Tensor<B, 2>,
}

impl<B: Backend> MarginHead<B> {
    /// Rows of expected length 1 in random directions: the length sets how fast rows turn (the gradient of a normalised
    /// row goes with one over its length), so it must not depend on the number of classes or the embedding size.
    pub(super) fn init(spec: &HeadSpec, seed: u64, device: &B::Device) -> Self {
        let mut draw = Draw::new(seed, "head");
        let std = 1.0 / (spec.embedding_dim as f64).sqrt();
        let bias = (spec.head == Head::Softmax).then(|| constant(0.0, [spec.classes], device));
        Self {
            weight: draw.normal([spec.classes, spec.embedding_dim], std, device),
            bias,
            head: spec.head,
            scale: spec.scale,
        }
    }
}

impl<B: Kernels> MarginHead<B> {
    /// Loss of a batch with the margin of this step (the ramp's; 0 = normalised softmax).
    ///
    /// # Shapes
    /// `embeddings [n, embedding_dim]` as the network gives them (not normalised), `labels [n]` in `0..classes`
    pub fn forward(&self, embeddings: Tensor<B, 2>, labels: Tensor<B, 1, Int>, margin: f64) -> HeadOutput<B> {
        let (logits, cosine) = match self.head {
            Head::Softmax => {
                let cosine = self.cosine(embeddings.clone().detach());
                (self.raw(embeddings), cosine)
            }
            Head::ArcFace => self.with_margin(embeddings, &labels, |c| arcface::target(c, margin)),
            Head::CosFace => self.with_margin(embeddings, &labels, |c| cosface::target(c, margin)),
        };
        let per_sample = cross_entropy(logits.clone(), labels);
        HeadOutput { loss: per_sample.clone().mean(), per_sample, logits, cosine: cosine.detach() }
    }

    /// Logits without margin, `[n, classes]`: for validation loss and accuracy.
    pub fn logits_plain(&self, embeddings: Tensor<B, 2>) -> Tensor<B, 2> {
        match self.head {
            Head::Softmax => self.raw(embeddings),
            Head::ArcFace | Head::CosFace => self.cosine(embeddings) * self.scale,
        }
    }

    fn raw(&self, embeddings: Tensor<B, 2>) -> Tensor<B, 2> {
        softmax::logits(embeddings, self.weight.val(), self.bias.as_ref().map(Param::val))
    }

    fn cosine(&self, embeddings: Tensor<B, 2>) -> Tensor<B, 2> {
        normalize_rows(embeddings).matmul(normalize_rows(self.weight.val()).transpose())
    }

    /// (logits, margin-free cosines); `target` is the head's change to the target cosine.
    fn with_margin(
        &self,
        embeddings: Tensor<B, 2>,
        labels: &Tensor<B, 1, Int>,
        target: impl FnOnce(Tensor<B, 2>) -> Tensor<B, 2>,
    ) -> (Tensor<B, 2>, Tensor<B, 2>) {
        let cosine = self.cosine(embeddings);
        let n = labels.dims()[0];
        let columns = labels.clone().reshape([n, 1]);
        let own = cosine.clone().gather(1, columns.clone());
        let change = target(own.clone()) - own;
        let logits = cosine.clone().scatter(1, columns, change, IndexingUpdateOp::Add) * self.scale;
        (logits, cosine)
    }
}
