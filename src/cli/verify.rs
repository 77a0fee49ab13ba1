//! `arclens verify`.

use super::output::{self, percent};
use super::{Answer, args};
use crate::data::decode_file;
use crate::eval::{Decision, angle_deg, cosine_similarity};
use crate::train::{TrainedModel, load_operating_point};
use anyhow::Context as _;
use clap::ArgMatches;
use serde_json::json;

/// Compares two images and answers with the exit code too.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let run = args::get_path(matches, "run")?;
    let model = TrainedModel::open(run, args::get_device(matches)?)?;
    let point = load_operating_point(run).with_context(|| {
        format!("this run has no threshold yet; measure one with: arclens evaluate {}", run.display())
    })?;
    let embed = |name: &str| -> anyhow::Result<Vec<f32>> {
        Ok(model.embed_image(&decode_file(args::get_path(matches, name)?)?)?.0)
    };
    let similarity = cosine_similarity(&embed("first")?, &embed("second")?);
    anyhow::ensure!(
        similarity.is_finite(),
        "one of the two images has no usable embedding; train the run longer or choose another image"
    );
    let (word, sentence, answer) = match point.decide(similarity) {
        Decision::Same => ("same", "same", Answer::Yes),
        Decision::Different => ("different", "different", Answer::No),
        Decision::Undecided => ("undecided", "cannot tell", Answer::Undecided),
    };
    output::line(format!(
        "{sentence}: similarity {similarity:.4} (angle {:.1}°), threshold {:.4}, FAR {} [{} to {}], FRR {} [{} to {}]",
        angle_deg(similarity),
        point.threshold,
        percent(point.far),
        percent(point.far_low),
        percent(point.far_high),
        percent(point.frr),
        percent(point.frr_low),
        percent(point.frr_high),
    ));
    if matches.get_flag("json") {
        output::json(&json!({
            "decision": word,
            "similarity": similarity,
            "angle_deg": angle_deg(similarity),
            "threshold": point.threshold,
            "far": point.far,
            "frr": point.frr,
        }));
    }
    Ok(answer)
}
