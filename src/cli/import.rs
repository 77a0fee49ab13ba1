//! `arclens import`: weights made elsewhere become a run folder.

use super::output;
use super::{Answer, args, signals};
use crate::config::counted_as;
use crate::data::Preprocess;
use crate::train::{Control, ImportRequest, PreprocessChange, PreprocessPreset, TrainError, import};
use anyhow::{Context as _, anyhow};
use clap::{Arg, ArgMatches, Command};
use serde_json::json;
use std::path::Path;

/// Names listed of what was left out; `--json` has them all.
const LISTED: usize = 10;

/// The command line.
pub fn command() -> Command {
    let text = |name: &'static str, help: &'static str| Arg::new(name).long(name).help(help);
    let three = |name, help| text(name, help).value_name("R,G,B").allow_hyphen_values(true);
    args::with_json(
        Command::new("import").about(
            "Make a run of weights from PyTorch (.pth, .pt, .ckpt) or safetensors; nothing in the file is executed",
        ),
    )
    .arg(args::path("weights", "File with the weights of an iResNet, IR or MobileFaceNet"))
    .arg(text("out", "Folder of the new run").required(true).value_parser(clap::value_parser!(std::path::PathBuf)))
    .arg(
        text("preprocess", "How the network was trained to see pixels (default: as its project does)")
            .value_parser(PreprocessPreset::ALL.map(PreprocessPreset::word)),
    )
    .arg(three("mean", "Taken from each colour, as shares of 255 (0.5,0.5,0.5)"))
    .arg(three("std", "Divides what remains (0.5,0.5,0.5)"))
    .arg(
        text("colour-order", "Order in which the network takes the colours (default: as its project does)")
            .value_parser(["rgb", "bgr"]),
    )
    .arg(
        // An export of this program may say that it is on: then only a word turns it off. The equals sign keeps the name of a file
        // behind a plain `--mirror` from being taken for the word.
        text(
            "mirror",
            "Add the embedding of the mirrored image, or not (default: as an export of ArcLens says, else not)",
        )
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .value_parser(clap::value_parser!(bool)),
    )
}

/// Imports and says what it was. Ctrl+C or SIGTERM stops it, and what is half written is taken away.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let weights = args::get_path(matches, "weights")?;
    let out = args::get_path(matches, "out")?;
    let control = Control::default();
    signals::stop_on_signals(&control)?;
    let request = ImportRequest { weights, out, preprocess: change(matches)?, control };
    let done = import(&request).map_err(in_words)?;
    if let (Some(doubt), None) = (done.doubt, request.preprocess.blue_first) {
        output::warning(format!(
            "the names of its weights do not tell for sure whose network it is: {doubt}; for one of theirs give --colour-order bgr"
        ));
    }
    if !done.foreign.is_empty() {
        output::warning(format!("the file names Python code, none of which was run: {}", some(&done.foreign)));
    }
    if !done.left_out.is_empty() {
        output::warning(format!(
            "{}: {}",
            counted_as(
                done.left_out.len(),
                "name does not belong to the network and was left out",
                "names do not belong to the network and were left out"
            ),
            some(&done.left_out)
        ));
    }
    let (spec, preprocess) = (&done.info.network.embedder, &done.info.network.preprocess);
    output::line(format!("weights  {}", done.flavour));
    output::line(format!(
        "network  {}, {} numbers per embedding, {} parameters",
        spec.net.label(),
        spec.embedding_dim,
        spec.parameter_count()
    ));
    output::line(images_line(preprocess));
    output::line(format!("run      {}", done.run.display()));
    output::line(next_step(&done.run));
    if matches.get_flag("json") {
        output::json(&json!({
            "run": done.run, "flavour": done.flavour, "net": spec.net.word(), "form": spec.form, "embedding_dim": spec.embedding_dim,
            "parameters": spec.parameter_count(), "preprocess": output::as_meant(preprocess), "left_out": done.left_out, "foreign": done.foreign,
        }));
    }
    Ok(Answer::Yes)
}

/// How a network sees images. The order of the colours is told because the names of weights cannot tell it for sure, and a
/// wrong one fails nowhere: the embeddings are only worse.
pub(super) fn images_line(preprocess: &Preprocess) -> String {
    let order = match (preprocess.channels, preprocess.blue_first) {
        (1, _) => "grey",
        (_, true) => "blue, green, red",
        (_, false) => "red, green, blue",
    };
    let Preprocess { image_px, mean, std, .. } = preprocess;
    format!("images   {image_px} px, {order}, mean {mean:?}, deviation {std:?}")
}

/// Of a stop it is said what is left.
fn in_words(error: TrainError) -> anyhow::Error {
    match error {
        TrainError::Cancelled => anyhow!("stopped; no run was written"),
        other => other.into(),
    }
}

fn next_step(run: &Path) -> String {
    format!("measure a threshold for it on your own images: arclens evaluate {} --data FOLDER", output::typed(run))
}

fn some(names: &[String]) -> String {
    let shown = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more (--json lists all)"),
    }
}

fn change(matches: &ArgMatches) -> anyhow::Result<PreprocessChange> {
    let word = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let named = |word: &str| PreprocessPreset::ALL.into_iter().find(|preset| preset.word() == word);
    let preset = word("preprocess").and_then(named).map(PreprocessPreset::change).unwrap_or_default();
    let three = |name: &str| word(name).map(|text| numbers(name, text)).transpose();
    Ok(PreprocessChange {
        mean: three("mean")?.or(preset.mean),
        std: three("std")?.or(preset.std),
        blue_first: word("colour-order").map(|order| order == "bgr"),
        add_mirror: matches.get_one::<bool>("mirror").copied(),
    })
}

/// `0.5` for all colours, or one number each.
fn numbers(name: &str, text: &str) -> anyhow::Result<[f32; 3]> {
    let parsed: Result<Vec<f32>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let found = match parsed.as_deref() {
        Ok([all]) => Some([*all; 3]),
        Ok([red, green, blue]) => Some([*red, *green, *blue]),
        _ => None,
    };
    found.with_context(|| format!("--{name} takes one number, or three with commas (0.485,0.456,0.406), not {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_says_how_many_more_there_are_and_how_to_see_them() {
        let names = |count: usize| -> Vec<String> { (0..count).map(|number| format!("head.{number}")).collect() };
        assert_eq!(some(&names(2)), "head.0, head.1");
        assert!(some(&names(10)).ends_with("head.9"));
        assert!(some(&names(14)).ends_with("head.9 and 4 more (--json lists all)"));
    }

    #[test]
    fn a_stop_says_what_is_left_and_other_errors_say_what_they_say() {
        assert_eq!(in_words(TrainError::Cancelled).to_string(), "stopped; no run was written");
        assert!(in_words(TrainError::FileExists("x".into())).to_string().contains("already"));
    }

    #[test]
    fn the_next_step_can_be_typed() {
        assert!(next_step(Path::new("my nets/a")).ends_with("arclens evaluate \"my nets/a\" --data FOLDER"));
    }

    #[test]
    fn numbers_are_printed_as_they_were_given() {
        let preprocess = crate::data::Preprocess::new(112, 3).imagenet();
        let text = output::as_meant(&preprocess).to_string();
        assert!(text.contains("[0.485,0.456,0.406]") && text.contains("[0.229,0.224,0.225]"), "{text}");
    }

    #[test]
    fn a_preset_gives_what_is_not_given_by_number() {
        let words = ["import", "net.pth", "--out", "run", "--preprocess", "imagenet", "--mean", "0.1", "--mirror"];
        let matches = command().try_get_matches_from(words).unwrap();
        let wanted = PreprocessChange {
            mean: Some([0.1; 3]),
            std: Some([0.229, 0.224, 0.225]),
            blue_first: None,
            add_mirror: Some(true),
        };
        assert_eq!(change(&matches).unwrap(), wanted);
        let matches = command().try_get_matches_from(&words[..4]).unwrap();
        assert_eq!(change(&matches).unwrap(), PreprocessChange::default());
        let plain = ["import", "--mirror", "net.pth", "--out", "run"];
        let matches = command().try_get_matches_from(plain).unwrap();
        assert_eq!(change(&matches).unwrap().add_mirror, Some(true));
        for (word, wanted) in [("--mirror=true", true), ("--mirror=false", false)] {
            let words = [&words[..4], &[word]].concat();
            let matches = command().try_get_matches_from(words).unwrap();
            assert_eq!(change(&matches).unwrap().add_mirror, Some(wanted));
        }
    }
}
