//! The path all heads share: cosines to the class weights, the margin on the target, the scale, cross-entropy.

use super::{
    HeadSpec, arcface, arcface_easy, arcface_exact, arcface_fallback, arcface_insightface, cosface, norm_softmax,
    softmax,
};
use crate::config::Head;
use crate::kernels::random::{Draw, constant};
use crate::kernels::{Kernels, Target, cross_entropy, margin_loss, normalize_rows};
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
    /// What decides without margin, `[n, c]`, without gradient: cosines, or the logits of plain softmax.
    pub scores: Tensor<B, 2>,
    /// Cosine between each embedding and its class's weight, without margin and gradient, `[n]`.
    pub own_cosine: Tensor<B, 1>,
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
        let (per_sample, scores, own_cosine) = if self.head == Head::Softmax {
            let own_cosine = self.own_cosine(embeddings.clone().detach(), labels.clone());
            let logits = self.raw(embeddings);
            (cross_entropy(logits.clone(), labels), logits, own_cosine)
        } else {
            let cosine = self.cosine(embeddings);
            let own_cosine = own(cosine.clone().detach(), labels.clone());
            let target = self.target(own_cosine.clone(), margin);
            (margin_loss(cosine.clone(), labels, target, self.scale), cosine, own_cosine)
        };
        HeadOutput { loss: per_sample.clone().mean(), per_sample, scores: scores.detach(), own_cosine }
    }

    /// The logits that [`Self::forward`] takes the loss of, margin included, without gradient, `[n, classes]`. Training never
    /// needs them as a matrix.
    pub fn logits(&self, embeddings: Tensor<B, 2>, labels: Tensor<B, 1, Int>, margin: f64) -> Tensor<B, 2> {
        let plain = self.logits_plain(embeddings.clone().detach()).detach();
        if self.head == Head::Softmax {
            return plain;
        }
        let own_cosine = self.own_cosine(embeddings.detach(), labels.clone());
        let n = labels.dims()[0];
        let change = (self.target(own_cosine.clone(), margin).value - own_cosine).reshape([n, 1]) * self.scale;
        plain.scatter(1, labels.reshape([n, 1]), change, IndexingUpdateOp::Add)
    }

    /// Logits without margin, `[n, classes]`: for validation loss and accuracy.
    pub fn logits_plain(&self, embeddings: Tensor<B, 2>) -> Tensor<B, 2> {
        if self.head == Head::Softmax { self.raw(embeddings) } else { self.cosine(embeddings) * self.scale }
    }

    /// Cosines of embeddings `[n, embedding_dim]` to every class, `[n, classes]`.
    pub fn cosine(&self, embeddings: Tensor<B, 2>) -> Tensor<B, 2> {
        normalize_rows(embeddings).matmul(normalize_rows(self.weight.val()).transpose())
    }

    fn raw(&self, embeddings: Tensor<B, 2>) -> Tensor<B, 2> {
        softmax::logits(embeddings, self.weight.val(), self.bias.as_ref().map(Param::val))
    }

    /// What the loss makes of the own cosines.
    fn target(&self, own_cosine: Tensor<B, 1>, margin: f64) -> Target<B, 1> {
        match self.head {
            // Plain softmax has logits of its own and does not come here.
            Head::Softmax | Head::NormSoftmax => norm_softmax::target(own_cosine),
            Head::ArcFace => arcface::target(own_cosine, margin),
            Head::ArcFaceExact => arcface_exact::target(own_cosine, margin),
            Head::ArcFaceFallback => arcface_fallback::target(own_cosine, margin),
            Head::ArcFaceEasy => arcface_easy::target(own_cosine, margin),
            Head::ArcFaceInsightface => arcface_insightface::target(own_cosine, margin),
            Head::CosFace => cosface::target(own_cosine, margin),
        }
    }

    /// Cosines to the own classes alone, without gradient.
    fn own_cosine(&self, embeddings: Tensor<B, 2>, labels: Tensor<B, 1, Int>) -> Tensor<B, 1> {
        let n = labels.dims()[0];
        let rows = self.weight.val().detach().select(0, labels);
        (normalize_rows(embeddings) * normalize_rows(rows)).sum_dim(1).reshape([n])
    }
}

/// The number of each row `[n, c]` at its label.
fn own<B: Backend>(matrix: Tensor<B, 2>, labels: Tensor<B, 1, Int>) -> Tensor<B, 1> {
    let n = labels.dims()[0];
    matrix.gather(1, labels.reshape([n, 1])).reshape([n])
}
