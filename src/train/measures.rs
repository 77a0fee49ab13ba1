//! What runs are compared by: the one list of measures, with their names and how they are written.
//!
//! The command line prints them, JSON has them under their keys, and the window shows them in a table.

use super::{MeanSd, RunSummary, StoredEvaluation};
use crate::eval::{FAR_TARGETS, VerificationReport, tick_text};
use serde::{Serialize, Serializer};

/// What the evaluation at the end of a run yields beside the equal error rate. Keys are those of `arclens evaluate`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verification {
    /// Area under the ROC curve, in [0, 1].
    pub auc: f64,
    /// Mean accuracy over ten folds, in [0, 1]; `None` with fewer than ten pairs to make them of.
    pub accuracy_10fold: Option<f64>,
    /// (FAR target, true accept rate), both in [0, 1]; `None` where the impostor pairs are too few.
    #[serde(serialize_with = "by_target")]
    pub tar_at_far: Vec<(f64, Option<f64>)>,
    /// Separation of the score distributions in standard deviations.
    pub d_prime: f64,
}

impl From<&VerificationReport> for Verification {
    fn from(report: &VerificationReport) -> Self {
        let tar = |target: f64| {
            let found = report.tar_at_far.iter().find(|(far, _)| *far == target)?;
            found.1.map(|found| found.tar)
        };
        Self {
            auc: report.auc,
            accuracy_10fold: report.accuracy_10fold,
            tar_at_far: FAR_TARGETS.iter().map(|far| (*far, tar(*far))).collect(),
            d_prime: report.d_prime,
        }
    }
}

/// As an object: `{"1e-1": 0.98, "1e-2": null}`.
fn by_target<S: Serializer>(rates: &[(f64, Option<f64>)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(rates.iter().map(|(far, tar)| (format!("{far:e}"), tar)))
}

impl RunSummary {
    /// Takes in what was measured at the end, with the network of the best epoch.
    pub(super) fn take_in(&mut self, evaluation: &StoredEvaluation) {
        self.eer = Some(evaluation.report.eer);
        self.verification = Some(Verification::from(&evaluation.report));
        if let Some((loss, accuracy)) = evaluation.classification {
            (self.val_loss, self.val_accuracy) = (Some(loss), Some(accuracy));
        }
    }
}

/// How a measure is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// A share in [0, 1] as a percentage.
    Percent,
    /// A number with so many decimals.
    Decimals(usize),
}

impl Style {
    fn text(self, measure: &MeanSd) -> String {
        match self {
            Self::Percent => measure.percent_text(),
            Self::Decimals(digits) => measure.decimals_text(digits),
        }
    }
}

/// One measure of some runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Its name in JSON and on the command line: `tar_at_far_1e-3`.
    pub key: String,
    /// Its name on screen: `TAR at FAR 0.1 %`.
    pub label: String,
    /// One value per run, in the order of the runs, in [0, 1] where it is a share; `None` where a run could not measure it.
    pub values: Vec<Option<f64>>,
    style: Style,
}

impl Measure {
    /// Mean and spread over the runs that have it; `None` when none has.
    pub fn mean_sd(&self) -> Option<MeanSd> {
        MeanSd::of(&self.values.iter().flatten().copied().collect::<Vec<f64>>())
    }

    /// The same in words: `93.1 ± 1.4 %`.
    pub fn mean_text(&self) -> Option<String> {
        self.mean_sd().map(|measure| self.style.text(&measure))
    }

    /// The value of one run in words: `93.12 %`.
    pub fn text(&self, value: f64) -> String {
        self.style.text(&MeanSd { mean: value, sd: None, runs: 1 })
    }
}

/// Every measure that one of the runs has, in the order in which papers give them.
pub fn measures<'a>(runs: impl IntoIterator<Item = &'a RunSummary>) -> Vec<Measure> {
    let runs: Vec<&RunSummary> = runs.into_iter().collect();
    let measured = |run: &'a RunSummary| run.verification.as_ref();
    let mut all = vec![measure(&runs, ("eer", "EER"), Style::Percent, |run| run.eer)];
    all.extend(FAR_TARGETS.map(|far| {
        let (key, label) = (format!("tar_at_far_{far:e}"), format!("TAR at FAR {}", tick_text(far)));
        measure(&runs, (&key, &label), Style::Percent, |run| {
            measured(run)?.tar_at_far.iter().find(|(target, _)| *target == far)?.1
        })
    }));
    let folds = ("accuracy_10fold", "10-fold accuracy");
    all.extend([
        measure(&runs, folds, Style::Percent, |run| measured(run)?.accuracy_10fold),
        measure(&runs, ("auc", "AUC"), Style::Decimals(5), |run| Some(measured(run)?.auc)),
        measure(&runs, ("d_prime", "d'"), Style::Decimals(3), |run| Some(measured(run)?.d_prime)),
        measure(&runs, ("val_accuracy", "Held-out accuracy"), Style::Percent, |run| run.val_accuracy),
        measure(&runs, ("val_loss", "Held-out loss"), Style::Decimals(5), |run| run.val_loss),
        measure(&runs, ("train_accuracy", "Training accuracy"), Style::Percent, |run| run.train_accuracy),
        measure(&runs, ("train_loss", "Training loss"), Style::Decimals(5), |run| run.train_loss),
    ]);
    all.retain(|measure| measure.values.iter().any(Option::is_some));
    all
}

/// How long some runs learned, where that is not the same: `1 to 4 epochs`. Their mean is then not that of one training: one
/// ended early, or is longer since.
pub fn different_lengths<'a>(runs: impl IntoIterator<Item = &'a RunSummary>) -> Option<String> {
    let epochs: Vec<u32> = runs.into_iter().map(|run| run.epochs).collect();
    let (shortest, longest) = (epochs.iter().min()?, epochs.iter().max()?);
    (shortest < longest).then(|| format!("{shortest} to {longest} epochs"))
}

/// One of them, whether or not a run has it. What is no number is none.
fn measure<'a>(
    runs: &[&'a RunSummary],
    (key, label): (&str, &str),
    style: Style,
    value: impl Fn(&'a RunSummary) -> Option<f64>,
) -> Measure {
    let values = runs.iter().copied().map(|run| value(run).filter(|value| value.is_finite())).collect();
    Measure { key: key.to_owned(), label: label.to_owned(), values, style }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{OperatingRule, ScoredPairs, verification_report};

    /// A run that measured `genuine` and `impostor` similarities at its end.
    fn run(genuine: &[f32], impostor: &[f32], val_accuracy: Option<f64>) -> RunSummary {
        let scores = [genuine, impostor].concat();
        let same = (0..scores.len()).map(|pair| pair < genuine.len()).collect();
        let report = verification_report(&ScoredPairs { scores, same }, OperatingRule::Eer, false, 1).unwrap();
        let classification = val_accuracy.map(|accuracy| (0.5, accuracy));
        let (on, rule) = ("20 held-out images".into(), OperatingRule::Eer);
        let evaluation = StoredEvaluation { on, own: Some(true), rule, report, classification, model_sha256: None };
        let mut summary = RunSummary {
            run: "run".into(),
            epochs: 1,
            best_epoch: Some(1),
            images_per_second: 0.0,
            input_wait_share: 0.0,
            train_loss: Some(f64::NAN),
            train_accuracy: None,
            val_loss: None,
            val_accuracy: None,
            eer: None,
            verification: None,
            seconds: 0.0,
            stopped: false,
        };
        summary.take_in(&evaluation);
        summary
    }

    /// So many similarities from `low` on, a hundredth apart.
    fn scores(count: u8, low: f32) -> Vec<f32> {
        (0..count).map(|n| low + f32::from(n) / 100.0).collect()
    }

    fn of_key(found: &[Measure], key: &str) -> Measure {
        found.iter().find(|measure| measure.key == key).unwrap().clone()
    }

    #[test]
    fn a_series_has_every_measure_that_papers_table() {
        let one = run(&scores(20, 0.5), &scores(100, -0.5), None);
        let other = run(&scores(20, 0.4), &scores(100, -0.5), None);
        let found = measures([&one, &other]);
        let keys: Vec<&str> = found.iter().map(|measure| measure.key.as_str()).collect();
        // A hundred impostor pairs cannot measure a rate of one in a thousand; nothing was learnt to classify.
        assert_eq!(keys, ["eer", "tar_at_far_1e-1", "tar_at_far_1e-2", "accuracy_10fold", "auc", "d_prime"]);
        let labels: Vec<&str> = found.iter().map(|measure| measure.label.as_str()).collect();
        assert_eq!(labels, ["EER", "TAR at FAR 10 %", "TAR at FAR 1 %", "10-fold accuracy", "AUC", "d'"]);
        let tar = of_key(&found, "tar_at_far_1e-2");
        let rates = [&one, &other].map(|run| run.verification.clone().unwrap().tar_at_far[1]);
        assert_eq!(tar.values, rates.map(|(far, tar)| tar.filter(|_| far == 1e-2)));
        let mean = tar.mean_sd().unwrap();
        assert!((mean.mean - tar.values.iter().flatten().sum::<f64>() / 2.0).abs() < 1e-12);
        assert!(mean.runs == 2 && mean.sd.unwrap() > 0.0, "{mean:?}");
        assert!(tar.mean_text().unwrap().ends_with(" %") && tar.text(0.25) == "25.00 %");
        assert!(of_key(&found, "auc").mean_text().unwrap().contains(" ± "));
        assert_eq!(
            (of_key(&found, "auc").text(0.987_654_3), of_key(&found, "d_prime").text(2.5)),
            ("0.98765".into(), "2.500".into())
        );
    }

    #[test]
    fn a_run_that_could_not_measure_something_is_left_out_of_its_mean() {
        let few = run(&scores(3, 0.5), &scores(5, -0.5), Some(0.75));
        let many = run(&scores(20, 0.4), &scores(100, -0.5), None);
        let found = measures([&few, &many]);
        let tar = of_key(&found, "tar_at_far_1e-2");
        assert!(tar.values[0].is_none() && tar.values[1].is_some());
        assert_eq!(tar.mean_sd().map(|mean| (mean.runs, mean.sd)), Some((1, None)));
        assert_eq!(of_key(&found, "accuracy_10fold").values[0], None);
        assert_eq!(of_key(&found, "val_accuracy").values, [Some(0.75), None]);
        // A loss that is no number is none.
        assert!(found.iter().all(|measure| measure.key != "train_loss"));
        assert!(measures([]).is_empty());
    }

    #[test]
    fn runs_of_different_lengths_are_told() {
        let of = |epochs| RunSummary { epochs, ..run(&scores(3, 0.5), &scores(5, -0.5), None) };
        assert_eq!(different_lengths(&[of(4), of(1), of(3)]).as_deref(), Some("1 to 4 epochs"));
        assert_eq!((different_lengths(&[of(4), of(4)]), different_lengths(&[])), (None, None));
    }

    #[test]
    fn json_has_the_keys_of_an_evaluation_beside_those_of_the_run() {
        let summary = run(&scores(20, 0.5), &scores(100, -0.5), Some(0.75));
        let json = serde_json::to_value(&summary).unwrap();
        let report = summary.verification.clone().unwrap();
        assert_eq!((json["eer"].as_f64(), json["val_accuracy"].as_f64()), (summary.eer, Some(0.75)));
        assert_eq!((json["auc"].as_f64(), json["d_prime"].as_f64()), (Some(report.auc), Some(report.d_prime)));
        assert_eq!(json["accuracy_10fold"].as_f64(), report.accuracy_10fold);
        assert_eq!((json["epochs"].as_u64(), json["best_epoch"].as_u64()), (Some(1), Some(1)));
        assert_eq!(json["tar_at_far"]["1e-1"].as_f64(), report.tar_at_far[0].1);
        assert!(json["tar_at_far"]["1e-4"].is_null());
        let unmeasured = serde_json::to_value(RunSummary { verification: None, ..summary }).unwrap();
        assert!(unmeasured.get("auc").is_none() && unmeasured.get("eer").is_some());
    }
}
