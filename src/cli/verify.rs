//! `arclens verify`.

use super::model::open_model;
use super::output::{self, percent};
use super::{Answer, args};
use crate::data::decode_named_file;
use crate::eval::{Decision, angle_deg, cosine_similarity, vector_length};
use crate::train::{Threshold, read_config, threshold_of};
use clap::ArgMatches;
use serde_json::json;
use std::path::Path;

/// Compares two images and answers with the exit code too.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let run = args::get_path(matches, "run")?;
    let model = open_model(run, matches)?;
    let embed = |name: &str| -> anyhow::Result<Vec<f32>> {
        Ok(model.embed_image(&decode_named_file(args::get_path(matches, name)?)?)?.0)
    };
    let embeddings = [embed("first")?, embed("second")?];
    let similarity = cosine_similarity(&embeddings[0], &embeddings[1]);
    anyhow::ensure!(
        similarity.is_finite(),
        "one of the two images has no usable embedding; train the run longer or choose another image"
    );
    let threshold = threshold_of(&model);
    let point = threshold.point();
    let (word, answer) = match point.map(|point| point.decide(similarity)) {
        Some(Decision::Same) => ("same", Answer::Yes),
        Some(Decision::Different) => ("different", Answer::No),
        Some(Decision::Undecided) | None => ("undecided", Answer::Undecided),
    };
    output::line(sentence(word, similarity, &threshold, &measuring(model.run())));
    if matches.get_flag("json") {
        output::json(&json!({
            "decision": word,
            "similarity": similarity,
            "angle_deg": angle_deg(similarity),
            "length": embeddings.each_ref().map(|embedding| vector_length(embedding) as f32),
            "threshold": point.map(|point| point.threshold),
            "far": point.map(|point| point.far),
            "frr": point.map(|point| point.frr),
        }));
    }
    Ok(answer)
}

/// The command that gives a run its threshold. One that was trained here held images out for that; imported weights have none.
fn measuring(run: &Path) -> String {
    let facts = read_config(run).ok().and_then(|config| config.run);
    let on = if facts.is_some_and(|facts| facts.is_imported()) { " --data … or --pairs …" } else { "" };
    format!("arclens evaluate {}{on}", output::typed(run))
}

/// What is said of the two images; `measuring` is the command that gives the run its threshold.
fn sentence(word: &str, similarity: f32, threshold: &Threshold, measuring: &str) -> String {
    let alike = format!("similarity {similarity:.4} (angle {:.1}°)", angle_deg(similarity));
    let point = match threshold {
        Threshold::Known(point) => point,
        Threshold::Outdated => {
            return format!(
                "{alike}; this run has learned since its threshold was measured, so nothing is decided; measure it again \
                 with: {measuring}"
            );
        }
        Threshold::Missing => {
            return format!(
                "{alike}; this run has no threshold yet, so nothing is decided; measure one with: {measuring}"
            );
        }
    };
    format!(
        "{}: {alike}, threshold {:.4}, FAR {} [{} to {}], FRR {} [{} to {}]",
        if word == "undecided" { "cannot tell" } else { word },
        point.threshold,
        percent(point.far),
        percent(point.far_low),
        percent(point.far_high),
        percent(point.frr),
        percent(point.frr_low),
        percent(point.frr_high),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{RunConfig, RunInfo, save};

    #[test]
    fn a_run_is_measured_on_the_images_that_it_held_out_and_imported_weights_on_others() {
        let folder = tempfile::tempdir().unwrap();
        let run = &folder.path().join("my run");
        std::fs::create_dir(run).unwrap();
        let plain = format!("arclens evaluate \"{}\"", run.display());
        assert_eq!(measuring(run), plain, "what keeps it from being read is told there");
        for (imported, wanted) in [("", plain.clone()), ("net.pt", format!("{plain} --data … or --pairs …"))] {
            let facts = RunInfo { imported: imported.into(), ..RunInfo::default() };
            save(&RunConfig { run: Some(facts), ..RunConfig::default() }, &run.join("run.toml")).unwrap();
            assert_eq!(measuring(run), wanted);
        }
    }

    #[test]
    fn without_a_threshold_for_this_network_it_is_said_why_and_what_to_do() {
        let said = |threshold| sentence("undecided", 0.5, &threshold, "arclens evaluate runs/a");
        let outdated = said(Threshold::Outdated);
        assert!(outdated.contains("has learned since") && outdated.ends_with("arclens evaluate runs/a"), "{outdated}");
        let missing = said(Threshold::Missing);
        assert!(missing.contains("no threshold yet") && missing.ends_with("arclens evaluate runs/a"), "{missing}");
    }
}
