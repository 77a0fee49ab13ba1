//! The losses to choose from, and what every part of the program has to know of each: its margins, the values its
//! authors publish, when to use it.

use super::Margins;
use super::choices::choice;
use serde::{Deserialize, Serialize};

choice! {
    /// The loss.
    Head {
        /// `W·x + b`: the baseline without margin.
        Softmax = "softmax", "plain softmax";
        /// Cosines times the scale, no margin.
        NormSoftmax = "norm_softmax", "normalised softmax";
        /// The same with a scale that follows the training.
        AdaCos = "adacos", "AdaCos";
        /// Additive angular margin, guarded by reflection.
        ArcFace = "arcface", "ArcFace";
        /// The paper's formula without a guard.
        ArcFaceExact = "arcface_exact", "ArcFace, exact";
        /// A straight line past π − m.
        ArcFaceFallback = "arcface_fallback", "ArcFace, hard fallback";
        /// The margin only within 90°.
        ArcFaceEasy = "arcface_easy", "ArcFace, easy margin";
        /// No margin past π − m.
        ArcFaceFaceXZoo = "arcface_facexzoo", "ArcFace, margin dropped";
        /// The paper's value with the gradient of no margin.
        ArcFaceInsightface = "arcface_insightface", "ArcFace, straight-through";
        /// Additive cosine margin.
        CosFace = "cosface", "CosFace";
        /// Factor on the angle, angle added, cosine taken, guarded by reflection.
        Combined = "combined", "combined margins";
        /// The same without a guard.
        CombinedExact = "combined_exact", "combined margins, exact";
        /// Factor on the angle, annealed; the length of the embedding counts.
        SphereFace = "sphereface", "SphereFace (A-softmax)";
        /// Factor on the angle, fixed scale.
        SphereFaceScaled = "sphereface_scaled", "SphereFace, fixed scale";
        /// The first curve of SphereFace-R.
        SphereFaceR0 = "sphereface_r_v0", "SphereFace-R v0";
        /// The second curve of SphereFace-R.
        SphereFaceR1 = "sphereface_r_v1", "SphereFace-R v1";
        /// The other classes come nearer instead of the own going away.
        SphereFaceR2 = "sphereface_r_v2", "SphereFace-R v2";
        /// Logits that are straight lines in the angle.
        LiArcFace = "li_arcface", "Li-ArcFace";
        /// The margin grows with the length of the embedding.
        MagFace = "magface", "MagFace";
        /// The same with ArcFace's hard fallback in place of the easy margin.
        MagFaceFallback = "magface_fallback", "MagFace, hard fallback";
        /// The margin follows the quality of the image.
        AdaFace = "adaface", "AdaFace";
        /// Hard impostors count more and more.
        CurricularFace = "curricularface", "CurricularFace";
        /// ArcFace's margin, drawn for every sample.
        ElasticArcFace = "elastic_arcface", "ElasticFace-Arc";
        /// CosFace's margin, drawn for every sample.
        ElasticCosFace = "elastic_cosface", "ElasticFace-Cos";
        /// One threshold for all classes, learned.
        UniFace = "uniface", "UniFace";
    } default ArcFace
}

/// Which margins a loss has; see [`Margins`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MarginUse {
    /// It multiplies the angle.
    pub factor: bool,
    /// It adds to the angle.
    pub rad: bool,
    /// It takes from the cosine.
    pub cos: bool,
}

impl Head {
    /// Which margins it has: those that its authors give a value. The factor of the combined margins is one that may be
    /// set and is 1 in the paper's first mixture.
    pub fn margin_use(self) -> MarginUse {
        let published = self.published_margins();
        let has_factor = published.factor != 1.0 || matches!(self, Self::Combined | Self::CombinedExact);
        MarginUse { factor: has_factor, rad: published.rad > 0.0, cos: published.cos > 0.0 }
    }

    /// It has a margin of any kind.
    pub fn has_margin(self) -> bool {
        self.margin_use() != MarginUse::default()
    }

    /// The margins that its authors publish.
    pub fn published_margins(self) -> Margins {
        let none = Margins::NONE;
        match self {
            Self::Softmax | Self::NormSoftmax | Self::AdaCos => none,
            Self::ArcFace
            | Self::ArcFaceExact
            | Self::ArcFaceFallback
            | Self::ArcFaceEasy
            | Self::ArcFaceInsightface
            | Self::CurricularFace
            | Self::ElasticArcFace => Margins { rad: 0.5, ..none },
            Self::ArcFaceFaceXZoo => Margins { rad: 0.35, ..none },
            Self::LiArcFace | Self::MagFace | Self::MagFaceFallback => Margins { rad: 0.45, ..none },
            Self::CosFace | Self::ElasticCosFace => Margins { cos: 0.35, ..none },
            Self::AdaFace | Self::UniFace => Margins { cos: 0.4, ..none },
            Self::Combined | Self::CombinedExact => Margins { factor: 1.0, rad: 0.3, cos: 0.2 },
            Self::SphereFace => Margins { factor: 4.0, ..none },
            Self::SphereFaceScaled => Margins { factor: 1.7, ..none },
            Self::SphereFaceR0 | Self::SphereFaceR1 | Self::SphereFaceR2 => Margins { factor: 1.5, ..none },
        }
    }

    /// Whose values [`Head::published_margins`] are: what a person reads where they are taken.
    pub fn margin_source(self) -> &'static str {
        match self {
            Self::ArcFaceFaceXZoo => "FaceX-Zoo's value",
            Self::SphereFaceScaled | Self::SphereFaceR0 | Self::SphereFaceR1 | Self::SphereFaceR2 => {
                "the value of opensphere, its authors' trainer"
            }
            _ => "the paper's value",
        }
    }

    /// Its margin is drawn anew for every sample.
    pub fn draws_margin(self) -> bool {
        matches!(self, Self::ElasticArcFace | Self::ElasticCosFace)
    }

    /// The standard deviation of a drawn margin that ElasticFace's authors publish (arXiv:2109.09416), in the unit of the
    /// margin; smaller where the margins are handed out by rank (ElasticFace+). Losses that draw none do not look at it.
    pub fn published_margin_std(self, by_rank: bool) -> f64 {
        match self {
            Self::ElasticArcFace if by_rank => 0.0175,
            Self::ElasticCosFace if by_rank => 0.02,
            _ => 0.05,
        }
    }

    /// Its margin grows over the ramp. A-softmax has an annealing of its own.
    pub fn ramps(self) -> bool {
        self.has_margin() && self != Self::SphereFace
    }

    /// A scale can be set. Plain softmax and A-softmax take the length of the embedding, AdaCos finds its own.
    pub fn has_scale(self) -> bool {
        !matches!(self, Self::Softmax | Self::SphereFace | Self::AdaCos)
    }

    /// UniFace's threshold b (ICCV 2023, eq. 6) before the first step, of `class_share` of the classes in a step: ln(10·r·C),
    /// at least 0.
    pub fn uniface_threshold(class_share: f64, classes: usize) -> f64 {
        (10.0 * class_share * classes as f64).max(1.0).ln()
    }

    /// Smallest scale that AdaCos starts with and moves to. Its formulas go below with fewer than five classes.
    pub const LEAST_ADACOS_SCALE: f64 = 1.0;

    /// Its logits are cosines before the margin, so that what is made for cosines (sub-centres) can be used with it.
    pub fn is_cosine(self) -> bool {
        self != Self::Softmax
    }

    /// Pairs of the batch can count as impostors: they are further terms of a softmax over cosines. UniFace asks one question
    /// per class instead.
    pub fn takes_batch_negatives(self) -> bool {
        self.is_cosine() && self != Self::UniFace
    }

    /// As published, its margin counts in the loss but not in its gradient.
    pub fn detached_as_published(self) -> bool {
        matches!(
            self,
            Self::ArcFaceInsightface
                | Self::SphereFaceScaled
                | Self::SphereFaceR0
                | Self::SphereFaceR1
                | Self::SphereFaceR2
        )
    }

    /// The length of an embedding tells how good its image is: the loss draws good ones to greater length.
    pub fn length_tells_quality(self) -> bool {
        matches!(self, Self::MagFace | Self::MagFaceFallback)
    }

    /// When to use it, in one sentence.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Softmax => "The baseline: whatever a margin gains is measured against it.",
            Self::NormSoftmax => "Angles without a margin: shows what the margin itself adds.",
            Self::AdaCos => "Nothing to set: the scale follows the training; good for a first look at unknown data.",
            Self::ArcFace => "The usual choice: pushes hardest near the class and never pushes a sample away from it.",
            Self::ArcFaceExact => "The paper's formula, to reproduce it: samples beyond π − m are pushed further away.",
            Self::ArcFaceFallback => "To reproduce older trainers: falls by a step at π − m instead of turning round.",
            Self::ArcFaceEasy => "For nets that do not start to learn: far samples feel no margin.",
            Self::ArcFaceFaceXZoo => "To reproduce FaceX-Zoo: no margin beyond π − m.",
            Self::ArcFaceInsightface => {
                "To reproduce arcface_torch of today: the margin counts in the loss, not in its gradient."
            }
            Self::CosFace => "The numerically safest margin; a good second run beside ArcFace.",
            Self::Combined => "All three margins at once; the paper's mixtures, guarded beyond 180°.",
            Self::CombinedExact => "To reproduce arcface_mxnet: all three margins without a guard.",
            Self::SphereFace => {
                "The first angular margin, to reproduce it: starts as plain softmax and hardens slowly, in a short run over its first half."
            }
            Self::SphereFaceScaled => "To reproduce opensphere: SphereFace with a fixed scale, no annealing.",
            Self::SphereFaceR0 => "To reproduce SphereFace-R with the original curve.",
            Self::SphereFaceR1 => "SphereFace-R with the curve that its authors recommend.",
            Self::SphereFaceR2 => "SphereFace-R that draws the other classes near instead of pushing the own away.",
            Self::LiArcFace => {
                "For small networks and embeddings: logits fall in a straight line, nothing turns round."
            }
            Self::MagFace => "When the length of an embedding shall tell the quality of its image.",
            Self::MagFaceFallback => "MagFace that also moves samples beyond 90°.",
            Self::AdaFace => "For mixed quality: blurred and dark images are not forced to fit.",
            Self::CurricularFace => "For large clean sets: the hardest impostors count more as training goes on.",
            Self::ElasticArcFace => "ArcFace for classes of uneven spread: every sample gets a margin of its own.",
            Self::ElasticCosFace => "CosFace for classes of uneven spread: every sample gets a margin of its own.",
            Self::UniFace => "When one threshold shall hold for all classes: it is learned along with the network.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::facts;
    use super::super::{Auto, RunConfig, load, resolve};
    use super::*;

    #[test]
    fn a_loss_publishes_exactly_the_margins_it_has() {
        for head in Head::every().filter(|head| !matches!(head, Head::Combined | Head::CombinedExact)) {
            let (used, published) = (head.margin_use(), head.published_margins());
            let published =
                MarginUse { factor: published.factor != 1.0, rad: published.rad > 0.0, cos: published.cos > 0.0 };
            assert_eq!(used, published, "{head:?}");
        }
    }

    #[test]
    fn the_spread_is_the_published_one_of_each_elasticface_until_a_person_sets_it() {
        let spread = |config: &RunConfig| {
            let resolved = resolve(config, &facts()).unwrap();
            let reason = resolved.reasons.into_iter().find(|reason| reason.key == "loss.margin_std");
            (resolved.config.loss.margin_std, reason.map(|reason| reason.why))
        };
        let mut config = RunConfig::default();
        assert_eq!(spread(&config).1, None, "no reason for a loss that draws no margin");
        for (head, by_rank, std, name) in [
            (Head::ElasticArcFace, false, 0.05, "ElasticFace-Arc"),
            (Head::ElasticArcFace, true, 0.0175, "ElasticFace-Arc+"),
            (Head::ElasticCosFace, false, 0.05, "ElasticFace-Cos"),
            (Head::ElasticCosFace, true, 0.02, "ElasticFace-Cos+"),
        ] {
            (config.loss.head, config.loss.margin_by_rank) = (head, by_rank);
            let why = format!("the paper's value for {name}");
            assert_eq!(spread(&config), (Auto::Set(std), Some(why)));
        }
        // What a run file of an earlier version says.
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.toml");
        std::fs::write(&file, "[loss]\nhead = \"elastic_arcface\"\nmargin_std = 0.05\nmargin_by_rank = true\n")
            .unwrap();
        assert_eq!(spread(&load(&file).unwrap()), (Auto::Set(0.05), None));
    }

    #[test]
    fn a_margin_is_called_the_value_of_those_who_chose_it() {
        let why = |head: Head| {
            let mut config = RunConfig::default();
            config.loss.head = head;
            let reasons = resolve(&config, &facts()).unwrap().reasons;
            let of_margin = |key: &str| ["loss.margin_rad", "loss.margin_cos", "loss.margin_factor"].contains(&key);
            reasons.into_iter().find(|reason| of_margin(reason.key)).map(|reason| reason.why)
        };
        assert_eq!(why(Head::ArcFace).as_deref(), Some("the paper's value"));
        assert_eq!(why(Head::ArcFaceFaceXZoo).as_deref(), Some("FaceX-Zoo's value"));
        assert!(why(Head::SphereFaceScaled).is_some_and(|why| why.contains("opensphere")));
        assert_eq!(why(Head::NormSoftmax), None);
    }

    #[test]
    fn every_advice_is_one_sentence() {
        for head in Head::every() {
            let advice = head.advice();
            assert!(advice.ends_with('.') && !advice.trim_end_matches('.').contains(". "), "{advice}");
        }
    }
}
