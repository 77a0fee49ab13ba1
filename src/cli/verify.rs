//! `arclens verify`.

use super::output::{self, percent};
use super::{Answer, args};
use crate::data::decode_file;
use crate::eval::{Decision, OperatingPoint, angle_deg, cosine_similarity, vector_length};
use crate::train::{TrainedModel, load_operating_point};
use clap::ArgMatches;
use serde_json::json;
use std::path::Path;

/// Compares two images and answers with the exit code too.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let run = args::get_path(matches, "run")?;
    let model = TrainedModel::open(run, args::get_device(matches)?)?;
    let embed = |name: &str| -> anyhow::Result<Vec<f32>> {
        Ok(model.embed_image(&decode_file(args::get_path(matches, name)?)?)?.0)
    };
    let embeddings = [embed("first")?, embed("second")?];
    let similarity = cosine_similarity(&embeddings[0], &embeddings[1]);
    anyhow::ensure!(
        similarity.is_finite(),
        "one of the two images has no usable embedding; train the run longer or choose another image"
    );
    let point = load_operating_point(run);
    let (word, answer) = match point.as_ref().map(|point| point.decide(similarity)) {
        Some(Decision::Same) => ("same", Answer::Yes),
        Some(Decision::Different) => ("different", Answer::No),
        Some(Decision::Undecided) | None => ("undecided", Answer::Undecided),
    };
    output::line(sentence(word, similarity, point.as_ref(), run));
    if matches.get_flag("json") {
        output::json(&json!({
            "decision": word,
            "similarity": similarity,
            "angle_deg": angle_deg(similarity),
            "length": embeddings.each_ref().map(|embedding| vector_length(embedding) as f32),
            "threshold": point.as_ref().map(|point| point.threshold),
            "far": point.as_ref().map(|point| point.far),
            "frr": point.as_ref().map(|point| point.frr),
        }));
    }
    Ok(answer)
}

fn sentence(word: &str, similarity: f32, point: Option<&OperatingPoint>, run: &Path) -> String {
    let alike = format!("similarity {similarity:.4} (angle {:.1}°)", angle_deg(similarity));
    let Some(point) = point else {
        return format!(
            "{alike}; this run has no threshold yet, so nothing is decided; measure one with: arclens evaluate {} --data … or --pairs …",
            run.display()
        );
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
