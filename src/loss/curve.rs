//! The curve of a loss: what shows what its margin does, and which losses share one.

use super::magface::Line;
use super::{
    HeadOptions, arcface, arcface_easy, arcface_exact, arcface_facexzoo, arcface_fallback, arcface_insightface,
    combined, combined_exact, cosface, curricularface, li_arcface, sphereface, sphereface_r, sphereface_scaled,
};
use crate::config::{Head, Margins};

/// The target logit of a head for a sample at angle `theta_rad` from its class.
///
/// Where more than the angle decides, a plain case is drawn: plain softmax and A-softmax for embeddings as long as the
/// scale, A-softmax with the λ of the last step, MagFace for a length half-way between its bounds, AdaFace for images of
/// average quality, ElasticFace for the mean margin, AdaCos for the scale it starts with. That of SphereFace-R v2 has no
/// margin: it is in the logits of the other classes.
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

/// Steps in which a curve is sampled, of one degree.
const STEPS: u16 = 180;
/// Logits this far apart, as a share of the scale, are the same number computed in two ways.
const SAME: f64 = 1e-9;

/// A curve, and the losses that have it.
#[derive(Clone, Debug, PartialEq)]
pub struct CurveFamily {
    /// At least one, in the order of the list of losses; the chosen one before others.
    pub heads: Vec<Head>,
    /// (angle in degrees, target logit), every degree from 0 to 180.
    pub points: Vec<[f64; 2]>,
}

/// The curves of all losses, those of `chosen` (with `margins`) first, the others with the margins that their authors
/// publish, all with the same scale. Losses whose curves are the same everywhere come as one.
pub fn curve_families(chosen: Head, scale: f64, margins: Margins, options: &HeadOptions) -> Vec<CurveFamily> {
    let mut families: Vec<CurveFamily> = Vec::new();
    for head in std::iter::once(chosen).chain(Head::every().filter(|head| *head != chosen)) {
        let margins = if head == chosen { margins } else { head.published_margins() };
        let at = |degrees: f64| [degrees, target_logit(head, scale, margins, options, degrees.to_radians())];
        let points: Vec<[f64; 2]> = (0..=STEPS).map(|degrees| at(f64::from(degrees))).collect();
        let is_same = |family: &&mut CurveFamily| {
            family.points.iter().zip(&points).all(|([_, a], [_, b])| (a - b).abs() <= SAME * scale)
        };
        match families.iter_mut().find(is_same) {
            Some(family) => family.heads.push(head),
            None => families.push(CurveFamily { heads: vec![head], points }),
        }
    }
    families
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families(chosen: Head, margins: Margins) -> Vec<CurveFamily> {
        curve_families(chosen, 16.0, margins, &HeadOptions::default())
    }

    #[test]
    fn every_loss_is_in_one_family_and_the_chosen_one_comes_first() {
        for chosen in Head::every() {
            let families = families(chosen, chosen.published_margins());
            assert_eq!(families[0].heads[0], chosen);
            let mut heads: Vec<&str> =
                families.iter().flat_map(|family| &family.heads).map(|head| head.word()).collect();
            heads.sort_unstable();
            let mut every: Vec<&str> = Head::every().map(Head::word).collect();
            every.sort_unstable();
            assert_eq!(heads, every);
        }
    }

    #[test]
    fn losses_share_a_curve_exactly_where_the_formulas_are_the_same() {
        let with = |chosen: Head, margins: Margins| families(chosen, margins).swap_remove(0).heads;
        let published = |chosen: Head| with(chosen, chosen.published_margins());
        assert_eq!(published(Head::ArcFace), [Head::ArcFace], "the other forms differ beyond π − m");
        assert_eq!(
            published(Head::ArcFaceInsightface),
            [Head::ArcFaceInsightface, Head::ArcFaceExact, Head::ElasticArcFace]
        );
        assert_eq!(published(Head::UniFace), [Head::UniFace, Head::AdaFace]);
        assert_eq!(published(Head::NormSoftmax), [Head::NormSoftmax, Head::Softmax, Head::AdaCos, Head::SphereFaceR2]);
        // Of the present settings: another margin is another curve, and the general form can be any of the others.
        let cos = |cos| Margins { cos, ..Margins::NONE };
        assert_eq!(with(Head::UniFace, cos(0.35)), [Head::UniFace, Head::CosFace, Head::ElasticCosFace]);
        assert_eq!(with(Head::Combined, cos(0.2)), [Head::Combined]);
        assert_eq!(with(Head::Combined, Margins { rad: 0.5, ..Margins::NONE }), [Head::Combined, Head::ArcFace]);
    }

    #[test]
    fn the_curve_of_sphereface_is_that_of_the_last_step() {
        let (head, cosine) = (Head::SphereFace, 0.6_f64);
        let margins = head.published_margins();
        let drawn = target_logit(head, 1.0, margins, &HeadOptions::default(), cosine.acos());
        for run_steps in [10, 456, 50_000] {
            let lambda = sphereface::lambda(run_steps - 1, run_steps);
            let psi = sphereface_scaled::target_scalar(cosine, margins.factor);
            let last = (lambda * cosine + psi) / (1.0 + lambda);
            assert!((drawn - last).abs() < 1e-9, "{run_steps} steps: {drawn} instead of {last}");
        }
    }

    #[test]
    fn a_curve_is_the_formula_of_its_loss() {
        let of = |head: Head| {
            let families = families(head, head.published_margins());
            move |degrees: usize| families[0].points[degrees]
        };
        let (cosine, third) = (0.5, std::f64::consts::FRAC_PI_3);
        let wanted: [(Head, f64); 4] = [
            (Head::NormSoftmax, cosine),
            (Head::CosFace, cosine - 0.35),
            (Head::ArcFace, (third + 0.5).cos()),
            (Head::LiArcFace, 1.0 - 2.0 * (third + 0.45) / std::f64::consts::PI),
        ];
        for (head, share) in wanted {
            let [degrees, logit] = of(head)(60);
            assert!((logit - 16.0 * share).abs() < 1e-6 && degrees == 60.0, "{head:?}: {logit}");
        }
        assert_eq!((of(Head::ArcFace)(0)[0], of(Head::ArcFace)(180)[0]), (0.0, 180.0));
    }
}
