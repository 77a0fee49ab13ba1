//! The path all heads share: cosines to the class weights, the loss's rule, cross-entropy, and what is added to it.

use super::rule::{self, Logits, Seen};
use super::{
    HeadBatch, HeadSpec, batch_negatives, focal, magface, norms, others, softmax, sphereface_r, statistics, subcenters,
    uniface,
};
use crate::config::Head;
use crate::kernels::random::{Draw, constant};
use crate::kernels::{Kernels, cross_entropy, margin_loss, normalize_rows, running};
use burn::module::{Module, Param, RunningState};
use burn::tensor::backend::Backend;
use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData};
use std::cell::OnceCell;

/// Class weights and the rule that turns cosines into logits.
#[derive(Module, Debug)]
pub struct MarginHead<B: Backend> {
    /// One row per class and sub-centre, `[classes · subcenters, embedding_dim]`.
    pub weight: Param<Tensor<B, 2>>,
    /// `[classes]` for plain softmax, `[1]` (the threshold) for UniFace.
    pub bias: Option<Param<Tensor<B, 1>>>,
    /// What the loss keeps from step to step: AdaFace's mean and deviation of lengths `[2]`, CurricularFace's t `[1]`, AdaCos's
    /// scale `[1]`.
    pub statistics: Option<RunningState<Tensor<B, 1>>>,
    /// Which loss.
    #[module(skip)]
    pub spec: HeadSpec,
}

/// What a head says about a batch of `n` samples and `c` classes.
#[derive(Clone, Debug)]
pub struct HeadOutput<B: Backend> {
    /// What training makes smaller, `[1]`: the mean of `per_sample`, weighted (SphereFace-R) and with MagFace's pull.
    pub loss: Tensor<B, 1>,
    /// Loss per sample, `[n]`.
    pub per_sample: Tensor<B, 1>,
    /// What decides without margin, `[n, c]`, without gradient: cosines, or the logits of plain softmax.
    pub scores: Tensor<B, 2>,
    /// Cosine between each embedding and its class's (nearest) weight, without margin and gradient, `[n]`.
    pub own_cosine: Tensor<B, 1>,
}

impl<B: Backend> MarginHead<B> {
    /// Rows of expected length 1 in random directions: the length sets how fast rows turn (the gradient of a normalised
    /// row goes with one over its length), so it must not depend on the number of classes or the embedding size.
    pub(super) fn init(spec: &HeadSpec, seed: u64, device: &B::Device) -> Self {
        let mut draw = Draw::new(seed, "head");
        let std = 1.0 / (spec.embedding_dim as f64).sqrt();
        let bias = match spec.head {
            Head::Softmax => Some(constant(0.0, [spec.classes], device)),
            Head::UniFace => Some(constant(uniface::start_bias(spec.options.class_share, spec.classes), [1], device)),
            _ => None,
        };
        let statistics = statistics::start(spec.head, spec.scale).map(|values| {
            let count = values.len();
            RunningState::new(Tensor::from_data(TensorData::new(values, [count]), device))
        });
        Self {
            weight: draw.normal([spec.rows(), spec.embedding_dim], std, device),
            bias,
            statistics,
            spec: spec.clone(),
        }
    }
}

impl<B: Kernels> MarginHead<B> {
    /// Loss of a batch; statistics that the loss keeps follow it.
    ///
    /// # Shapes
    /// `embeddings [n, embedding_dim]` as the network gives them (not normalised)
    pub fn forward(&self, embeddings: Tensor<B, 2>, batch: &HeadBatch<B>) -> HeadOutput<B> {
        if self.spec.head == Head::Softmax {
            return self.plain_softmax(embeddings, batch);
        }
        let unit = normalize_rows(embeddings.clone());
        let seen = self.seen(&unit, &embeddings, batch);
        if let (Some(state), Some(new)) = (&self.statistics, &seen.statistics) {
            running::store(state, new.clone());
        }
        let logits = rule::logits(&seen);
        let mut per_sample = self.cross_entropy(&logits, &seen);
        if let Some(pairs) = &batch.pairs {
            let log_sum = batch_negatives::log_sum(unit, pairs.clone(), rule::pair_scale(&seen));
            per_sample = batch_negatives::added(per_sample, own_logit(&logits, &seen), log_sum);
        }
        let per_sample = focal::weighted(per_sample, self.spec.options.focal_gamma);
        HeadOutput {
            loss: self.whole_loss(per_sample.clone().mean(), &seen),
            per_sample,
            scores: seen.cosine.detach(),
            own_cosine: seen.own,
        }
    }

    fn plain_softmax(&self, embeddings: Tensor<B, 2>, batch: &HeadBatch<B>) -> HeadOutput<B> {
        let own_cosine = self.own_cosine(embeddings.clone().detach(), batch);
        let logits = self.plain_logits(embeddings, batch);
        let per_sample = cross_entropy(logits.clone(), batch.labels.clone());
        let per_sample = focal::weighted(per_sample, self.spec.options.focal_gamma);
        HeadOutput { loss: per_sample.clone().mean(), per_sample, scores: logits.detach(), own_cosine }
    }

    /// The logits of plain softmax to the classes that take part. Only the filter needs cosines there.
    fn plain_logits(&self, embeddings: Tensor<B, 2>, batch: &HeadBatch<B>) -> Tensor<B, 2> {
        let weight = batch.taking_part(self.weight.val());
        let bias = self.bias.as_ref().map(|bias| batch.taking_part(bias.val()));
        let above = self.spec.options.filter_above;
        let cosine = (above < 1.0).then(|| {
            let [embeddings, weight] = [&embeddings, &weight].map(|rows| normalize_rows(rows.clone().detach()));
            embeddings.matmul(weight.transpose())
        });
        let logits = softmax::logits(embeddings, weight, bias);
        let Some(cosine) = cosine else { return logits };
        let not_own = others::not_own(batch.labels.clone(), cosine.dims()[1]);
        others::filtered(logits, cosine, not_own, above)
    }

    /// Cosines, lengths, and the statistics after this batch.
    fn seen<'a>(&'a self, unit: &Tensor<B, 2>, embeddings: &Tensor<B, 2>, batch: &'a HeadBatch<B>) -> Seen<'a, B> {
        let cosine = self.nearest(unit.clone(), batch.taking_part(self.weight.val()));
        let own = own(cosine.clone().detach(), batch.labels.clone());
        let (embeddings, length) = (embeddings.clone(), OnceCell::new());
        let mut seen = Seen { spec: &self.spec, batch, cosine, embeddings, length, own, statistics: None };
        seen.statistics = self.statistics.as_ref().map(|state| rule::followed(&seen, state.value_sync().detach()));
        seen
    }

    fn cross_entropy(&self, logits: &Logits<B>, seen: &Seen<'_, B>) -> Tensor<B, 1> {
        let labels = seen.batch.labels.clone();
        if let (Head::UniFace, Some(bias)) = (self.spec.head, &self.bias) {
            let is_own = others::not_own(labels, logits.matrix.dims()[1]).bool_not().float();
            let own = own_logit(logits, seen);
            return uniface::loss(logits.matrix.clone() * logits.scale, own, is_own, bias.val(), logits.scale);
        }
        let loss = margin_loss(logits.matrix.clone(), labels, logits.target.clone(), logits.scale);
        match &logits.norm_slope {
            Some(slope) => norms::pass_on(loss, seen.length(), slope.clone(), logits.scale),
            None => loss,
        }
    }

    fn whole_loss(&self, mean: Tensor<B, 1>, seen: &Seen<'_, B>) -> Tensor<B, 1> {
        match self.spec.head {
            Head::SphereFaceR0 | Head::SphereFaceR1 | Head::SphereFaceR2 => {
                mean * sphereface_r::loss_weight(self.spec.scale)
            }
            Head::MagFace | Head::MagFaceFallback => mean + magface::pull(seen.length(), &self.spec.options),
            _ => mean,
        }
    }

    /// The logits that [`Self::forward`] takes the loss of, margin included, without gradient, `[n, classes of the batch]`.
    /// Training never needs them as a matrix.
    pub fn logits(&self, embeddings: Tensor<B, 2>, batch: &HeadBatch<B>) -> Tensor<B, 2> {
        let embeddings = embeddings.detach();
        if self.spec.head == Head::Softmax {
            return self.plain_logits(embeddings, batch).detach();
        }
        let seen = self.seen(&normalize_rows(embeddings.clone()), &embeddings, batch);
        let Logits { matrix, target, scale, .. } = rule::logits(&seen);
        let matrix = matrix.detach();
        let n = seen.own.dims()[0];
        let place = batch.labels.clone().reshape([n, 1]);
        let change = target.value.reshape([n, 1]) - matrix.clone().gather(1, place.clone());
        let logits = matrix.scatter(1, place, change, IndexingUpdateOp::Add) * scale;
        match (self.spec.head, &self.bias) {
            (Head::UniFace, Some(threshold)) => logits - threshold.val().detach().reshape([1, 1]),
            _ => logits,
        }
    }

    /// Logits without margin, `[n, classes]`: for validation loss and accuracy.
    pub fn logits_plain(&self, embeddings: Tensor<B, 2>) -> Tensor<B, 2> {
        let n = embeddings.dims()[0];
        match (self.spec.head, &self.statistics) {
            (Head::Softmax, _) => self.raw(embeddings),
            (Head::SphereFace, _) => {
                let length = norms::lengths(embeddings.clone()).reshape([n, 1]);
                self.cosine(embeddings) * length
            }
            (Head::AdaCos, Some(scale)) => self.cosine(embeddings) * scale.value_sync().reshape([1, 1]),
            _ => self.cosine(embeddings) * self.spec.scale,
        }
    }

    /// Cosines of embeddings `[n, embedding_dim]` to every class (its nearest centre), `[n, classes]`.
    pub fn cosine(&self, embeddings: Tensor<B, 2>) -> Tensor<B, 2> {
        self.nearest(normalize_rows(embeddings), self.weight.val())
    }

    fn nearest(&self, unit: Tensor<B, 2>, weight: Tensor<B, 2>) -> Tensor<B, 2> {
        subcenters::nearest(unit.matmul(normalize_rows(weight).transpose()), self.spec.options.subcenters)
    }

    fn raw(&self, embeddings: Tensor<B, 2>) -> Tensor<B, 2> {
        softmax::logits(embeddings, self.weight.val(), self.bias.as_ref().map(Param::val))
    }

    /// Cosines to the own classes alone, without gradient, for the one head that has no other use for cosines.
    fn own_cosine(&self, embeddings: Tensor<B, 2>, batch: &HeadBatch<B>) -> Tensor<B, 1> {
        let n = embeddings.dims()[0];
        let rows = batch.taking_part(self.weight.val().detach()).select(0, batch.labels.clone());
        (normalize_rows(embeddings) * normalize_rows(rows)).sum_dim(1).reshape([n])
    }
}

/// The own logit with its gradient, `[n]`.
fn own_logit<B: Backend>(logits: &Logits<B>, seen: &Seen<'_, B>) -> Tensor<B, 1> {
    let entry = own(logits.matrix.clone(), seen.batch.labels.clone());
    let nothing = entry.clone() - entry.detach();
    let logit = nothing * logits.target.slope.clone() + logits.target.value.clone();
    let logit = match &logits.norm_slope {
        Some(slope) => norms::with_slope(logit, seen.length(), slope.clone()),
        None => logit,
    };
    logit * logits.scale
}

/// The number of each row `[n, c]` at its label.
fn own<B: Backend>(matrix: Tensor<B, 2>, labels: Tensor<B, 1, Int>) -> Tensor<B, 1> {
    let n = labels.dims()[0];
    matrix.gather(1, labels.reshape([n, 1])).reshape([n])
}
