//! `arclens verify`.

use super::model::open_model;
use super::output::{self, percent};
use super::{Answer, args};
use crate::data::decode_named_file;
use crate::eval::{Decision, angle_deg, cosine_similarity, vector_length};
use crate::train::{Threshold, threshold_of};
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
    let point = if let Threshold::Known(point) = &threshold { Some(point) } else { None };
    let (word, answer) = match point.map(|point| point.decide(similarity)) {
        Some(Decision::Same) => ("same", Answer::Yes),
        Some(Decision::Different) => ("different", Answer::No),
        Some(Decision::Undecided) | None => ("undecided", Answer::Undecided),
    };
    output::line(sentence(word, similarity, &threshold, run));
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

fn sentence(word: &str, similarity: f32, threshold: &Threshold, run: &Path) -> String {
    let alike = format!("similarity {similarity:.4} (angle {:.1}°)", angle_deg(similarity));
    let point = match threshold {
        Threshold::Known(point) => point,
        Threshold::Outdated => {
            return format!(
                "{alike}; this run has learned since its threshold was measured, so nothing is decided; measure it again \
                 with: arclens evaluate {}",
                run.display()
            );
        }
        Threshold::Missing => {
            return format!(
                "{alike}; this run has no threshold yet, so nothing is decided; measure one with: arclens evaluate {} \
                 --data … or --pairs …",
                run.display()
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

    #[test]
    fn without_a_threshold_for_this_network_it_is_said_why_and_what_to_do() {
        let said = |threshold| sentence("undecided", 0.5, &threshold, Path::new("runs/a"));
        let outdated = said(Threshold::Outdated);
        assert!(outdated.contains("has learned since") && outdated.ends_with("arclens evaluate runs/a"), "{outdated}");
        let missing = said(Threshold::Missing);
        assert!(missing.contains("no threshold yet") && missing.contains("evaluate runs/a --data"), "{missing}");
    }
}
