//! The threshold of a run as it is kept with it, and how it was chosen: whoever measures the run again chooses it in the
//! same way, so that looking at a run does not move the threshold that others rely on.

use super::evaluate::{FOLDER, load_evaluation, rule_of, write_json};
use super::{TrainError, TrainedModel};
use crate::config::{EvalConfig, read_at_most};
use crate::eval::{OperatingPoint, OperatingRule};
use serde::{Deserialize, Serialize};
use std::path::Path;

const FILE: &str = "operating_point.json";
/// The file has a dozen numbers.
const MAX_BYTES: u64 = 64 << 10;

/// `evaluation/operating_point.json` of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptPoint {
    /// The threshold and its measured error rates; in the file, its fields stand beside the others.
    #[serde(flatten)]
    pub point: OperatingPoint,
    /// How it was chosen; `None` in files from before this was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<OperatingRule>,
    /// A person chose it on other images than those that the run held out: measuring these does not move it, unless that
    /// person asks for another one, or the run has learned since.
    #[serde(default)]
    pub on_other_images: bool,
    /// SHA-256 of the weights that it was measured with: for what the run learns later it says nothing. `None` in files from
    /// before this was noted, which are taken at their word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_sha256: Option<String>,
}

impl KeptPoint {
    /// It was measured with these weights, as far as is known.
    pub(super) fn is_of(&self, sha256: &str) -> bool {
        self.model_sha256.as_deref().is_none_or(|measured| measured == sha256)
    }
}

/// The threshold of a run for the network that is used.
#[derive(Clone, Debug, PartialEq)]
pub enum Threshold {
    /// Measured with this network, as far as is known.
    Known(OperatingPoint),
    /// The run has one, but it was measured with other weights: the run has learned since.
    Outdated,
    /// The run was not measured.
    Missing,
}

impl Threshold {
    /// With its measured error rates, where it holds for the network.
    pub fn point(&self) -> Option<&OperatingPoint> {
        if let Self::Known(point) = self { Some(point) } else { None }
    }
}

/// Makes `kept` the threshold of this run.
///
/// # Errors
/// When the disk refuses.
pub fn save_operating_point(run: &Path, kept: &KeptPoint) -> Result<(), TrainError> {
    write_json(run, FILE, kept)
}

/// The threshold of a run, whichever of its weights it was measured with.
#[cfg(test)]
pub fn load_operating_point(run: &Path) -> Option<OperatingPoint> {
    kept_point(run).map(|kept| kept.point)
}

/// The threshold that the run of this network has for it.
pub fn threshold_of(model: &TrainedModel) -> Threshold {
    kept_for(model.run(), model.sha256())
}

fn kept_for(run: &Path, sha256: &str) -> Threshold {
    match kept_point(run) {
        Some(kept) if kept.is_of(sha256) => Threshold::Known(kept.point),
        Some(_) => Threshold::Outdated,
        None => Threshold::Missing,
    }
}

/// How the threshold of a run is chosen: as the one that is kept with it was, or as its settings `eval` say.
pub fn kept_rule(run: &Path, eval: &EvalConfig) -> OperatingRule {
    let kept = kept_point(run).and_then(|kept| kept.rule);
    // Files from before the threshold had its rule beside it.
    let measured = || load_evaluation(run).map(|stored| stored.rule);
    kept.or_else(measured).filter(|rule| is_possible(*rule)).unwrap_or_else(|| rule_of(eval))
}

/// The threshold of a run with how it was chosen.
pub(super) fn kept_point(run: &Path) -> Option<KeptPoint> {
    let bytes = read_at_most(&run.join(FOLDER).join(FILE), MAX_BYTES).ok()?;
    serde_json::from_slice(&bytes).ok().filter(|kept: &KeptPoint| is_sound(&kept.point))
}

/// Its rates are rates, and its similarities numbers: one of more digits than 32 bits hold is read as infinite.
fn is_sound(point: &OperatingPoint) -> bool {
    let rates = [point.far, point.far_low, point.far_high, point.frr, point.frr_low, point.frr_high];
    let similarities = [point.threshold, point.undecided_low, point.undecided_high];
    rates.iter().all(|rate| (0.0..=1.0).contains(rate))
        && similarities.iter().all(|similarity| similarity.is_finite())
        && point.undecided_low <= point.undecided_high
}

/// Anyone may have written the file.
fn is_possible(rule: OperatingRule) -> bool {
    match rule {
        OperatingRule::Eer => true,
        OperatingRule::Far(far) => (0.0..=1.0).contains(&far),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Auto;
    use crate::eval::{ScoredPairs, verification_report};
    use crate::train::{StoredEvaluation, store_evaluation, store_first_evaluation, store_own_evaluation};

    /// What twenty genuine and forty impostor pairs came to.
    fn measured(rule: OperatingRule) -> StoredEvaluation {
        let scores = (0..60_u8).map(|pair| f32::from(pair % 40) / 50.0).collect();
        let same = (0..60).map(|pair| pair >= 40).collect();
        let report = verification_report(&ScoredPairs { scores, same }, rule, false, 1).unwrap();
        let on = "20 held-out images".into();
        StoredEvaluation { on, own: Some(true), rule, report, classification: None, model_sha256: None }
    }

    fn chosen(rule: OperatingRule, on_other_images: bool) -> KeptPoint {
        KeptPoint { point: measured(rule).report.operating, rule: Some(rule), on_other_images, model_sha256: None }
    }

    #[test]
    fn the_rule_is_the_settings_until_a_threshold_is_kept_and_then_that_of_the_threshold() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path();
        let eval = EvalConfig { far_target: Auto::Set(0.1), ..EvalConfig::default() };
        assert_eq!(kept_rule(run, &EvalConfig::default()), OperatingRule::Eer);
        assert_eq!(kept_rule(run, &eval), OperatingRule::Far(0.1));
        store_evaluation(run, &measured(OperatingRule::Far(0.05))).unwrap();
        assert_eq!(kept_rule(run, &eval), OperatingRule::Far(0.05));
        let kept = chosen(OperatingRule::Eer, false);
        save_operating_point(run, &kept).unwrap();
        assert_eq!((kept_rule(run, &eval), load_operating_point(run)), (OperatingRule::Eer, Some(kept.point)));
    }

    #[test]
    fn the_files_of_earlier_versions_are_read_and_have_the_rule_of_what_was_measured() {
        let folder = tempfile::tempdir().unwrap();
        let (run, eval) = (folder.path(), EvalConfig::default());
        let stored = measured(OperatingRule::Far(0.05));
        store_evaluation(run, &stored).unwrap();
        let older = serde_json::to_vec(&stored.report.operating).unwrap();
        std::fs::write(run.join(FOLDER).join(FILE), older).unwrap();
        assert_eq!(load_operating_point(run), Some(stored.report.operating));
        assert_eq!(kept_rule(run, &eval), OperatingRule::Far(0.05));
        // No share of pairs.
        let strange = KeptPoint { rule: Some(OperatingRule::Far(7.0)), ..chosen(OperatingRule::Eer, false) };
        save_operating_point(run, &strange).unwrap();
        assert_eq!(kept_rule(run, &eval), OperatingRule::Eer);
    }

    #[test]
    fn what_cannot_have_been_measured_is_no_threshold_and_no_report() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path();
        let (kept, stored) = (chosen(OperatingRule::Eer, false), measured(OperatingRule::Eer));
        let changes: [fn(&mut OperatingPoint); 2] = [|point| point.far = -3.0, |point| point.undecided_low = 2.0];
        for change in changes {
            let mut strange = kept.clone();
            change(&mut strange.point);
            save_operating_point(run, &strange).unwrap();
            assert_eq!((kept_point(run), kept_for(run, "a")), (None, Threshold::Missing), "{strange:?}");
        }
        save_operating_point(run, &kept).unwrap();
        assert_eq!(kept_point(run), Some(kept.clone()));
        let place = run.join(FOLDER).join(FILE);
        let text = std::fs::read_to_string(&place).unwrap();
        let threshold = format!("\"threshold\": {}", kept.point.threshold);
        assert!(text.contains(&threshold), "{text}");
        std::fs::write(&place, text.replace(&threshold, "\"threshold\": 1e39")).unwrap();
        assert_eq!(kept_point(run), None);
        let mut strange = stored.clone();
        strange.report.eer = 7.0;
        store_evaluation(run, &strange).unwrap();
        assert!(load_evaluation(run).is_none());
        store_evaluation(run, &stored).unwrap();
        assert!(load_evaluation(run).is_some());
    }

    #[test]
    fn measuring_a_run_again_leaves_the_threshold_that_a_person_chose_on_other_images() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path();
        for (on_other_images, stays) in [(true, true), (false, false)] {
            let kept = chosen(OperatingRule::Far(0.05), on_other_images);
            save_operating_point(run, &kept).unwrap();
            let again = measured(OperatingRule::Eer);
            assert_ne!(again.report.operating, kept.point, "this test needs two thresholds");
            assert_eq!(store_own_evaluation(run, &again).unwrap(), !stays);
            assert_eq!(load_operating_point(run) == Some(kept.point), stays);
            assert!(load_evaluation(run).is_some_and(|stored| stored.is_own()), "what was measured is kept");
        }
    }

    #[test]
    fn a_threshold_holds_for_the_weights_that_it_was_measured_with() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path();
        assert_eq!(kept_for(run, "a"), Threshold::Missing);
        let older = chosen(OperatingRule::Eer, true);
        save_operating_point(run, &older).unwrap();
        assert_eq!(kept_for(run, "a"), Threshold::Known(older.point.clone()), "older files are taken at their word");

        let of = |sha256: &str| Some(sha256.to_owned());
        save_operating_point(run, &KeptPoint { model_sha256: of("a"), ..older.clone() }).unwrap();
        let found = [kept_for(run, "a"), kept_for(run, "b")];
        assert_eq!(found, [Threshold::Known(older.point.clone()), Threshold::Outdated]);
        // How it was chosen is how it is chosen again.
        assert_eq!(kept_rule(run, &EvalConfig::default()), OperatingRule::Eer);

        let anew = |sha256: &str| StoredEvaluation { model_sha256: of(sha256), ..measured(OperatingRule::Far(0.05)) };
        assert!(!store_first_evaluation(run, &anew("a")).unwrap() && !store_own_evaluation(run, &anew("a")).unwrap());
        assert_eq!(
            kept_for(run, "a"),
            Threshold::Known(older.point),
            "it was chosen on other images, for these weights"
        );
        assert!(store_first_evaluation(run, &anew("b")).unwrap(), "the first for these weights");
        let point = anew("b").report.operating;
        assert_eq!([kept_for(run, "a"), kept_for(run, "b")], [Threshold::Outdated, Threshold::Known(point)]);
    }

    #[test]
    fn a_threshold_that_was_chosen_on_other_images_gives_way_to_that_of_other_weights() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path();
        let kept = KeptPoint { model_sha256: Some("a".to_owned()), ..chosen(OperatingRule::Far(0.05), true) };
        save_operating_point(run, &kept).unwrap();
        let again = StoredEvaluation { model_sha256: Some("b".to_owned()), ..measured(OperatingRule::Eer) };
        assert!(store_own_evaluation(run, &again).unwrap());
        assert_eq!(load_operating_point(run), Some(again.report.operating));
    }
}
