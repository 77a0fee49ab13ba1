//! The curve of a loss: what shows what its margin does.

use super::magface::Line;
use super::{
    HeadOptions, arcface, arcface_easy, arcface_exact, arcface_facexzoo, arcface_fallback, arcface_insightface,
    combined, combined_exact, cosface, curricularface, li_arcface, sphereface, sphereface_r, sphereface_scaled,
};
use crate::config::{Head, Margins};

/// The target logit of a head for a sample at angle `theta_rad` from its class.
///
/// Where more than the angle decides, a plain case is drawn: plain softmax and A-softmax for embeddings as long as the
/// scale, MagFace for a length half-way between its bounds, AdaFace for images of average quality, ElasticFace for the mean
/// margin, AdaCos for the scale it starts with.
pub fn target_logit(head: Head, scale: f64, margins: Margins, options: &HeadOptions, theta_rad: f64) -> f64 {
    let cosine = theta_rad.cos();
    let (rad, factor) = (margins.rad, margins.factor);
    let middle_rad = || Line::new(options, rad, 1.0).middle_rad();
    scale
        * match head {
            Head::Softmax | Head::NormSoftmax | Head::AdaCos | Head::SphereFaceR2 => cosine,
            Head::ArcFace => arcface::target_scalar(cosine, rad),
            Head::ArcFaceExact | Head::ElasticArcFace => arcface_exact::target_scalar(cosine, rad),
            Head::ArcFaceFallback => arcface_fallback::target_scalar(cosine, rad),
            Head::ArcFaceEasy => arcface_easy::target_scalar(cosine, rad),
            Head::ArcFaceFaceXZoo => arcface_facexzoo::target_scalar(cosine, rad),
            Head::ArcFaceInsightface => arcface_insightface::target_scalar(cosine, rad),
            Head::CurricularFace => curricularface::target_scalar(cosine, rad),
            Head::CosFace | Head::ElasticCosFace | Head::UniFace | Head::AdaFace => {
                cosface::target_scalar(cosine, margins.cos)
            }
            Head::Combined => combined::target_scalar(cosine, margins),
            Head::CombinedExact => combined_exact::target_scalar(cosine, margins),
            Head::SphereFace => sphereface::target_scalar(cosine, factor),
            Head::SphereFaceScaled | Head::SphereFaceR0 => sphereface_scaled::target_scalar(cosine, factor),
            Head::SphereFaceR1 => sphereface_r::target_scalar_v1(cosine, factor),
            Head::LiArcFace => li_arcface::target_scalar(cosine, rad),
            Head::MagFace => arcface_easy::target_scalar(cosine, middle_rad()),
            Head::MagFaceFallback => arcface_fallback::target_scalar(cosine, middle_rad()),
        }
}
