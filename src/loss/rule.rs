//! From cosines to logits: which loss does what, in one place.

use super::magface::{self, Line};
use super::norms::{self, WithNorm};
use super::{
    HeadBatch, HeadSpec, adacos, adaface, arcface, arcface_easy, arcface_exact, arcface_facexzoo, arcface_fallback,
    arcface_insightface, combined, combined_exact, cosface, curricularface, elastic, li_arcface, norm_softmax, others,
    sphereface, sphereface_r, sphereface_scaled,
};
use crate::config::Head;
use crate::kernels::Target;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use std::cell::OnceCell;

/// What a rule starts from.
pub(super) struct Seen<'a, B: Backend> {
    pub spec: &'a HeadSpec,
    pub batch: &'a HeadBatch<B>,
    /// To every class that takes part, `[n, c]`, recorded for gradients.
    pub cosine: Tensor<B, 2>,
    /// Not normalised, `[n, embedding_dim]`, recorded.
    pub embeddings: Tensor<B, 2>,
    /// See [`Self::length`].
    pub length: OnceCell<Tensor<B, 1>>,
    /// To the own class, `[n]`, plain.
    pub own: Tensor<B, 1>,
    /// After this batch, plain.
    pub statistics: Option<Tensor<B, 1>>,
}

impl<B: Backend> Seen<'_, B> {
    /// Lengths of the embeddings, `[n]`, recorded; most losses have no use for them.
    pub fn length(&self) -> Tensor<B, 1> {
        self.length.get_or_init(|| norms::lengths(self.embeddings.clone())).clone()
    }
}

/// `scale · matrix`, but `scale · target` in the column of the label.
pub(super) struct Logits<B: Backend> {
    /// `[n, c]`, recorded.
    pub matrix: Tensor<B, 2>,
    /// Its slope is by the matrix.
    pub target: Target<B, 1>,
    /// Derivative of the target by the length of the embedding.
    pub norm_slope: Option<Tensor<B, 1>>,
    pub scale: f64,
}

/// Statistics after a batch: of those before it, plain.
pub(super) fn followed<B: Backend>(seen: &Seen<'_, B>, before: Tensor<B, 1>) -> Tensor<B, 1> {
    let share = seen.spec.options.statistics_share;
    match seen.spec.head {
        Head::AdaFace => {
            let share = adaface::share_at(share, seen.batch.step, seen.batch.run_steps);
            adaface::follow(before, seen.length().detach(), share)
        }
        Head::CurricularFace => curricularface::follow(before, seen.own.clone(), share),
        Head::AdaCos => adacos::follow(before, seen.cosine.clone().detach(), not_own(seen), seen.own.clone()),
        _ => before,
    }
}

/// The logits of a batch.
pub(super) fn logits<B: Backend>(seen: &Seen<'_, B>) -> Logits<B> {
    let (mut target, mut norm_slope) = target(seen);
    let mut matrix = matrix(seen);
    let options = &seen.spec.options;
    if options.detached {
        (target.slope, norm_slope) = (target.slope.ones_like(), None);
    }
    if options.filter_above < 1.0 {
        let plain = seen.cosine.clone().detach();
        matrix = others::filtered(matrix, plain, not_own(seen), options.filter_above);
    }
    let scale = match seen.spec.head {
        Head::SphereFace | Head::AdaCos => 1.0,
        _ => seen.spec.scale,
    };
    Logits { matrix, target, norm_slope, scale }
}

fn not_own<B: Backend>(seen: &Seen<'_, B>) -> Tensor<B, 2, burn::tensor::Bool> {
    others::not_own(seen.batch.labels.clone(), seen.cosine.dims()[1])
}

/// The own class.
fn target<B: Backend>(seen: &Seen<'_, B>) -> (Target<B, 1>, Option<Tensor<B, 1>>) {
    let Seen { spec, batch, own, .. } = seen;
    let (own, margins) = (own.clone(), batch.margins);
    let length = || seen.length().detach();
    let each = |margin: f64| match &batch.drawn {
        Some(drawn) if spec.options.margin_by_rank => elastic::by_rank(drawn.clone(), own.clone()),
        Some(drawn) => drawn.clone(),
        None => own.full_like(margin),
    };
    let magface_line = || Line::new(&spec.options, margins.rad, batch.share);
    let with_norm = |WithNorm { target, norm_slope }: WithNorm<B>| (target, Some(norm_slope));
    let plain = match spec.head {
        // Plain softmax has logits of its own and does not come here.
        Head::Softmax | Head::NormSoftmax | Head::SphereFaceR2 => norm_softmax::target(own),
        Head::ArcFace => arcface::target(own.clone(), each(margins.rad)),
        Head::ArcFaceExact | Head::ElasticArcFace => arcface_exact::target(own.clone(), each(margins.rad)),
        Head::ArcFaceFallback => arcface_fallback::target(own.clone(), each(margins.rad)),
        Head::ArcFaceEasy => arcface_easy::target(own.clone(), each(margins.rad)),
        Head::ArcFaceFaceXZoo => arcface_facexzoo::target(own.clone(), each(margins.rad)),
        Head::ArcFaceInsightface => arcface_insightface::target(own.clone(), each(margins.rad)),
        Head::CurricularFace => curricularface::target(own.clone(), each(margins.rad)),
        Head::CosFace | Head::ElasticCosFace | Head::UniFace => cosface::target(own.clone(), each(margins.cos)),
        Head::Combined => combined::target(own, margins),
        Head::CombinedExact => combined_exact::target(own, margins),
        Head::SphereFaceScaled | Head::SphereFaceR0 => sphereface_scaled::target(own, margins.factor),
        Head::SphereFaceR1 => sphereface_r::target_v1(own, margins.factor),
        Head::LiArcFace => li_arcface::target(own.clone(), each(margins.rad)),
        Head::AdaFace => adaface::target(own, length(), statistics(seen), margins.cos),
        Head::AdaCos => norm_softmax::target(own * statistics(seen)),
        Head::SphereFace => {
            let learning = |steps: u64| steps.saturating_sub(batch.frozen_steps);
            let lambda = sphereface::lambda(learning(batch.step), learning(batch.run_steps));
            return with_norm(sphereface::target(own, length(), margins.factor, lambda));
        }
        Head::MagFace => return with_norm(magface::easy(own, length(), magface_line())),
        Head::MagFaceFallback => return with_norm(magface::fallback(own, length(), magface_line())),
    };
    (plain, None)
}

/// All classes, before the own one is replaced.
fn matrix<B: Backend>(seen: &Seen<'_, B>) -> Tensor<B, 2> {
    let Seen { spec, batch, cosine, own, .. } = seen;
    let cosine = cosine.clone();
    let plain = || cosine.clone().detach();
    match spec.head {
        Head::SphereFace => {
            let n = own.dims()[0];
            cosine * seen.length().reshape([n, 1])
        }
        Head::AdaCos => cosine * statistics(seen).reshape([1, 1]),
        Head::LiArcFace => others::with_slope(cosine.clone(), li_arcface::all(plain())),
        Head::SphereFaceR2 => {
            let mut others = sphereface_r::others_v2(plain(), batch.margins.factor);
            if spec.options.detached {
                others.slope = others.slope.ones_like();
            }
            others::replaced(cosine.clone(), not_own(seen), others)
        }
        Head::CurricularFace => {
            let margin = own.full_like(batch.margins.rad);
            let (reweighted, hard) = curricularface::hard_impostors(plain(), own.clone(), margin, statistics(seen));
            others::replaced(cosine.clone(), hard.bool_and(not_own(seen)), reweighted)
        }
        _ => cosine,
    }
}

/// What the cosines of pairs within the batch are multiplied by, `[1]`: the scale of the loss. That of A-softmax is the length
/// of each embedding; all samples have the same pairs, so theirs is the mean length.
pub(super) fn pair_scale<B: Backend>(seen: &Seen<'_, B>) -> Tensor<B, 1> {
    match seen.spec.head {
        Head::AdaCos => statistics(seen),
        Head::SphereFace => seen.length().mean(),
        _ => Tensor::full([1], seen.spec.scale, &seen.cosine.device()),
    }
}

/// The loss's statistics; a head that has none is not asked.
fn statistics<B: Backend>(seen: &Seen<'_, B>) -> Tensor<B, 1> {
    seen.statistics.clone().unwrap_or_else(|| Tensor::ones([1], &seen.own.device()))
}
