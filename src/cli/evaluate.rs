//! `arclens evaluate`.

use super::model::open_model;
use super::output::{self, Meter};
use super::own_images::own_catalog;
use super::{Answer, args};
use crate::config::{Auto, RunInfo, counted};
use crate::data::{Catalog, Protocol};
use crate::eval::{OperatingRule, VerificationReport};
use crate::train::{
    Control, Doubt, EvaluationResult, StoredEvaluation, TrainedModel, Verification, changed_images, evaluate_all,
    evaluate_protocol, evaluate_split, kept_rule, read_config, rule_of, store_evaluation, store_first_evaluation,
    store_own_evaluation,
};
use anyhow::Context as _;
use clap::ArgMatches;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Measures and prints.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let run = args::get_path(matches, "run")?;
    let model = open_model(run, matches)?;
    let rule = rule(matches, run)?;
    let mut meter = Meter::new("embed");
    let mut progress = |done: usize, total: usize| meter.report(done as u64, total as u64, "images");
    let given = |name: &str| matches.get_one::<PathBuf>(name).map(PathBuf::as_path);
    let done = match (given("pairs"), given("bin"), given("data")) {
        (Some(file), None, None) | (None, Some(file), None) => {
            on_pairs(&model, file, given("images"), rule, &mut progress)?
        }
        (None, None, data) => on_images(&model, run, data, rule, &mut progress)?,
        _ => {
            anyhow::bail!("--pairs, --bin and --data are three ways to say what is evaluated; give one of them")
        }
    };
    meter.finish();
    keep(run, &done, rule, matches.contains_id("eval.far_target"))?;
    output::line(&done.on);
    lines(&done.report, done.accuracy()).iter().for_each(output::line);
    if matches.get_flag("json") {
        output::json(&object(&done.report, done.accuracy(), &done.on));
    }
    Ok(Answer::Yes)
}

struct Done {
    on: String,
    report: VerificationReport,
    classification: Option<(f64, f64)>,
    /// On the images that the run held out.
    own: bool,
    /// On what is now in the place of the run's images.
    is_changed: bool,
    /// SHA-256 of the weights that were measured.
    model_sha256: String,
}

impl Done {
    fn new(on: String, result: EvaluationResult, own: bool) -> Self {
        output::left_out(&result.warnings);
        if let Some(doubt) = result.doubt() {
            output::warning(doubt_text(doubt));
        }
        let EvaluationResult { report, classification, model_sha256, .. } = result;
        Self { on, report, classification, own, is_changed: false, model_sha256 }
    }

    fn accuracy(&self) -> Option<f64> {
        self.classification.map(|(_, accuracy)| accuracy)
    }
}

/// The sentence with what to do about it.
fn doubt_text(doubt: Doubt) -> String {
    let advice = match doubt {
        Doubt::Collapsed => "",
        Doubt::Copies { .. } => ", so look for them with `arclens inspect` before you trust these rates",
    };
    doubt.words(counted) + advice
}

/// The run's own images give it its threshold, unless a person chose one on others and asks for no other now; others only while
/// its network has none; changed images of its own never, for the run has learned from some of them. `is_asked`: the rule was typed.
fn keep(run: &Path, done: &Done, rule: OperatingRule, is_asked: bool) -> anyhow::Result<()> {
    const NOT_KEPT: &str = "the rates were measured, but not kept";
    let stored = StoredEvaluation {
        on: done.on.clone(),
        own: Some(done.own),
        rule,
        report: done.report.clone(),
        classification: done.classification,
        model_sha256: Some(done.model_sha256.clone()),
    };
    if done.is_changed {
        output::line("nothing of this is kept: what was measured before stays with the run, and so does its threshold");
    } else if done.own && is_asked {
        store_evaluation(run, &stored).context(NOT_KEPT)?;
    } else if done.own {
        if !store_own_evaluation(run, &stored).context(NOT_KEPT)? {
            output::line("the threshold of this run was chosen on other images and stays; --far chooses it on these");
        }
    } else if store_first_evaluation(run, &stored).context(NOT_KEPT)? {
        output::line("this network had no threshold yet: the operating point below is kept for `arclens verify`");
    }
    Ok(())
}

/// As asked for, else as the threshold of the run was chosen.
fn rule(matches: &ArgMatches, run: &Path) -> anyhow::Result<OperatingRule> {
    let mut config = read_config(run)?;
    let Some(far) = matches.get_one::<String>("eval.far_target") else { return Ok(kept_rule(run, &config.eval)) };
    config.eval.far_target = Auto::Auto;
    config.set_text("eval.far_target", far)?;
    Ok(rule_of(&config.eval))
}

fn on_pairs(
    model: &TrainedModel,
    file: &Path,
    images: Option<&Path>,
    rule: OperatingRule,
    progress: &mut dyn FnMut(usize, usize),
) -> anyhow::Result<Done> {
    let protocol = Protocol::open(file, images, &|_| {}, &|| false)?;
    // What the list names in vain is why there are no pairs.
    let result = evaluate_protocol(model, &protocol, rule, &Control::default(), progress)
        .inspect_err(|_| output::left_out(&protocol.catalog.warnings))?;
    Ok(Done::new(format!("{} of {}", counted(result.report.pairs, "pair"), file.display()), result, false))
}

fn on_images(
    model: &TrainedModel,
    run: &Path,
    data: Option<&Path>,
    rule: OperatingRule,
    progress: &mut dyn FnMut(usize, usize),
) -> anyhow::Result<Done> {
    let control = Control::default();
    let config = read_config(run)?;
    let info = config.run.clone().unwrap_or_default();
    let catalog = match data {
        Some(data) => whole_if_own(&Arc::new(Catalog::open(data, &|_| {}, &|| false)?), &info),
        None => own_catalog(run, &control)?,
    };
    let place = catalog.root.display();
    if config.run.is_some() && catalog.has_fingerprint(&info.data_fingerprint) {
        let result = evaluate_split(model, &catalog, rule, &control, progress)?;
        let on = format!("{} of {place}", counted(result.table.len(), "held-out image"));
        return Ok(Done::new(on, result, true));
    }
    // Other images may be asked for; in the place of the run's own, one expects those.
    let is_expected = data.is_none() || is_place_of(&catalog, &info);
    let change = if is_expected { changed_images(&config, &catalog) } else { None };
    if let Some(change) = &change {
        output::warning(format!(
            "the images are not those that the run was trained with ({change}); all of them are compared, training images \
             among them"
        ));
    }
    let result = evaluate_all(model, &catalog, rule, &control, progress)?;
    let (images, is_changed) = (counted(result.table.len(), "image"), change.is_some());
    let since = if is_changed { ", changed since training" } else { "" };
    Ok(Done { is_changed, ..Done::new(format!("{images} of {place}{since}"), result, false) })
}

/// The run's own images also where some of them were excluded since.
fn whole_if_own(catalog: &Arc<Catalog>, info: &RunInfo) -> Arc<Catalog> {
    catalog.with_fingerprint(&info.data_fingerprint).unwrap_or_else(|| Arc::clone(catalog))
}

/// The images lie where the run's own lay.
fn is_place_of(catalog: &Catalog, info: &RunInfo) -> bool {
    catalog.root.canonicalize().is_ok_and(|root| root == Path::new(&info.data))
}

/// What was measured, one below the other.
fn lines(report: &VerificationReport, accuracy: Option<f64>) -> Vec<String> {
    use output::percent;
    // As wide as the longest name.
    let row = |name: &str, text: String| format!("{name:<17} {text}");
    let rate = |[rate, low, high]: [f64; 3], threshold: f32| {
        format!("{} [{} to {}] at similarity {threshold:.4}", percent(rate), percent(low), percent(high))
    };
    let mut lines = vec![
        row("pairs", format!("{} genuine, {} impostor", report.n_genuine, report.n_impostor)),
        row("EER", rate([report.eer, report.eer_low, report.eer_high], report.eer_threshold)),
        row("AUC", format!("{:.5}", report.auc)),
        row("d'", format!("{:.3}", report.d_prime)),
    ];
    if let (Some(mean), Some(error)) = (report.accuracy_10fold, report.accuracy_10fold_se) {
        lines.push(row("10-fold accuracy", format!("{} ± {}", percent(mean), percent(error))));
    }
    for (target, tar) in &report.tar_at_far {
        let text = match tar {
            Some(tar) => rate([tar.tar, tar.tar_low, tar.tar_high], tar.threshold),
            None => format!("needs at least {:.0} impostor pairs", 1.0 / target),
        };
        lines.push(row(&format!("TAR at FAR {target}"), text));
    }
    lines.extend(accuracy.map(|accuracy| row("accuracy", percent(accuracy))));
    let point = &report.operating;
    let (far, frr) = (percent(point.far), percent(point.frr));
    lines.push(row("operating point", format!("similarity {:.4}: FAR {far}, FRR {frr}", point.threshold)));
    lines
}

/// The keys scripts rely on.
fn object(report: &VerificationReport, accuracy: Option<f64>, on: &str) -> Value {
    let measured = json!(Verification::from(report));
    json!({
        "on": on,
        "pairs": report.pairs,
        "genuine": report.n_genuine,
        "impostor": report.n_impostor,
        "eer": report.eer,
        "eer_threshold": report.eer_threshold,
        "eer_interval": [report.eer_low, report.eer_high],
        "auc": report.auc,
        "accuracy_10fold": report.accuracy_10fold,
        "accuracy_10fold_se": report.accuracy_10fold_se,
        "tar_at_far": measured["tar_at_far"],
        "d_prime": report.d_prime,
        "accuracy": accuracy,
        "threshold": report.operating.threshold,
        "far": report.operating.far,
        "frr": report.operating.frr,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{ScoredPairs, verification_report};
    use crate::train::{KeptPoint, load_operating_point, save_operating_point};

    /// What twenty genuine and forty impostor pairs of the run's own images came to.
    fn measured(rule: OperatingRule) -> Done {
        let scores = (0..60_u8).map(|pair| f32::from(pair % 40) / 50.0).collect();
        let same = (0..60).map(|pair| pair >= 40).collect();
        let report = verification_report(&ScoredPairs { scores, same }, rule, false, 1).unwrap();
        let (on, model_sha256) = ("20 held-out images".into(), "now".into());
        Done { on, report, classification: None, own: true, is_changed: false, model_sha256 }
    }

    #[test]
    fn every_value_begins_in_the_same_column() {
        let report = measured(OperatingRule::Eer).report;
        let column = |line: &String| {
            let (name, value) = line.split_at(18);
            name.ends_with(' ') && !value.starts_with(' ')
        };
        let lines = lines(&report, Some(0.9));
        assert!(lines.iter().all(column), "{lines:#?}");
        assert!(lines.iter().any(|line| line.starts_with("TAR at FAR 0.0001 ")), "{lines:#?}");
    }

    #[test]
    fn a_threshold_that_was_chosen_on_other_images_stays_until_another_one_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let (run, rule) = (folder.path(), OperatingRule::Eer);
        let (done, point) = (measured(rule), measured(OperatingRule::Far(0.05)).report.operating);
        assert_ne!(point, done.report.operating, "this test needs two thresholds");
        let model_sha256 = Some("now".to_owned());
        let kept = KeptPoint { point: point.clone(), rule: Some(rule), on_other_images: true, model_sha256 };
        save_operating_point(run, &kept).unwrap();
        keep(run, &done, rule, false).unwrap();
        assert_eq!(load_operating_point(run), Some(point));
        keep(run, &done, rule, true).unwrap();
        assert_eq!(load_operating_point(run), Some(done.report.operating.clone()));
        // The run learned on: a threshold for another network is none to keep.
        save_operating_point(run, &KeptPoint { model_sha256: Some("before".to_owned()), ..kept }).unwrap();
        keep(run, &done, rule, false).unwrap();
        assert_eq!(load_operating_point(run), Some(done.report.operating));
    }

    #[test]
    fn copies_are_told_with_what_finds_them_and_a_network_that_learned_nothing_is_told_as_such() {
        let said = doubt_text(Doubt::Copies { genuine: 3, impostor: 0 });
        assert!(said.contains("of 3 genuine pairs have") && said.contains("arclens inspect"), "{said}");
        assert!(doubt_text(Doubt::Collapsed).ends_with("its threshold means nothing"));
    }

    #[test]
    fn images_that_changed_since_the_training_give_no_threshold() {
        let folder = tempfile::tempdir().unwrap();
        let done = Done { own: false, is_changed: true, ..measured(OperatingRule::Eer) };
        keep(folder.path(), &done, OperatingRule::Eer, true).unwrap();
        assert_eq!(load_operating_point(folder.path()), None);
    }
}
