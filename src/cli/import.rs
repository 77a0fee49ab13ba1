//! `arclens import`: weights made elsewhere become a run folder.

use super::output;
use super::{Answer, args};
use crate::train::{ImportRequest, PreprocessChange, import};
use anyhow::Context as _;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::json;
use std::path::Path;

/// Names listed of what was left out.
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
            .value_parser(["insightface", "imagenet"]),
    )
    .arg(three("mean", "Taken from each colour, as shares of 255 (0.5,0.5,0.5)"))
    .arg(three("std", "Divides what remains (0.5,0.5,0.5)"))
    .arg(text("colour-order", "Order in which the network takes the colours").value_parser(["rgb", "bgr"]))
    .arg(text("mirror", "Add the embedding of the mirrored image").action(ArgAction::SetTrue))
}

/// Imports and says what it was.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let weights = args::get_path(matches, "weights")?;
    let out = args::get_path(matches, "out")?;
    let done = import(&ImportRequest { weights, out, preprocess: change(matches)? })?;
    if !done.foreign.is_empty() {
        output::warning(format!("the file names Python code, none of which was run: {}", some(&done.foreign)));
    }
    if !done.left_out.is_empty() {
        output::warning(format!(
            "{} names do not belong to the network and were left out: {}",
            done.left_out.len(),
            some(&done.left_out)
        ));
    }
    let (spec, preprocess) = (&done.info.embedder, &done.info.preprocess);
    let order = if preprocess.blue_first { "blue, green, red" } else { "red, green, blue" };
    output::line(format!("weights  {}", done.flavour));
    output::line(format!(
        "network  {}, {} numbers per embedding, {} parameters",
        spec.net.label(),
        spec.embedding_dim,
        spec.parameter_count()
    ));
    output::line(format!(
        "images   {} px, {}, mean {:?}, deviation {:?}",
        preprocess.image_px,
        if spec.channels == 1 { "grey" } else { order },
        preprocess.mean,
        preprocess.std
    ));
    output::line(format!("run      {}", done.run.display()));
    output::line(next_step(&done.run));
    if matches.get_flag("json") {
        output::json(&json!({
            "run": done.run, "flavour": done.flavour, "net": spec.net.word(), "form": spec.form, "embedding_dim": spec.embedding_dim,
            "parameters": spec.parameter_count(), "preprocess": preprocess, "left_out": done.left_out, "foreign": done.foreign,
        }));
    }
    Ok(Answer::Yes)
}

fn next_step(run: &Path) -> String {
    format!("measure a threshold for it on your own images: arclens evaluate {} --data FOLDER", run.display())
}

fn some(names: &[String]) -> String {
    let shown = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > LISTED { format!("{shown}, …") } else { shown }
}

fn change(matches: &ArgMatches) -> anyhow::Result<PreprocessChange> {
    let word = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let preset = word("preprocess").map(|preset| {
        let usual = crate::data::Preprocess::new(1, 3);
        if preset == "imagenet" { usual.imagenet() } else { usual }
    });
    let three = |name: &str| word(name).map(|text| numbers(name, text)).transpose();
    Ok(PreprocessChange {
        mean: three("mean")?.or(preset.as_ref().map(|preset| preset.mean)),
        std: three("std")?.or(preset.as_ref().map(|preset| preset.std)),
        blue_first: word("colour-order").map(|order| order == "bgr"),
        add_mirror: matches.get_flag("mirror").then_some(true),
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
