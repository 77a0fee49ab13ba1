//! `arclens export`: a run's network for other programs.

use super::output;
use super::{Answer, args};
use crate::train::{ExportFormat, TrainError, export};
use anyhow::bail;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::json;
use std::path::{Path, PathBuf};

/// The command line.
pub fn command() -> Command {
    args::with_json(
        Command::new("export")
            .about("Write a run's network as safetensors (for PyTorch, names as published) or ONNX (any batch size)"),
    )
    .arg(args::path("run", "Run folder"))
    .arg(
        Arg::new("format")
            .long("format")
            .value_parser(["safetensors", "onnx"])
            .help("The kind of file (default: as the ending of --out says)"),
    )
    .arg(Arg::new("out").long("out").required(true).value_parser(clap::value_parser!(PathBuf)).help("The file"))
    .arg(Arg::new("force").long("force").action(ArgAction::SetTrue).help("Replace the file if it is there already"))
}

/// Writes the file.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let (run, out) = (args::get_path(matches, "run")?, args::get_path(matches, "out")?);
    let format = format(matches, out)?;
    let done = match export(run, format, out, matches.get_flag("force")) {
        Ok(done) => done,
        Err(error @ TrainError::FileExists(_)) => bail!("{error}; give another name, or --force to replace it"),
        Err(error) => return Err(error.into()),
    };
    done.told.iter().for_each(output::warning);
    output::line(format!("{:.1} MB: {}", done.bytes as f64 / 1e6, out.display()));
    done.advice().into_iter().for_each(output::line);
    if matches.get_flag("json") {
        output::json(&json!({ "out": out, "bytes": done.bytes, "add_mirror": done.add_mirror }));
    }
    Ok(Answer::Yes)
}

fn format(matches: &ArgMatches, out: &Path) -> anyhow::Result<ExportFormat> {
    let asked = match matches.get_one::<String>("format").map(String::as_str) {
        Some("onnx") => Some(ExportFormat::Onnx),
        Some(_) => Some(ExportFormat::Safetensors),
        None => ExportFormat::of(out),
    };
    match asked {
        Some(format) => Ok(format),
        None => {
            bail!("say what to write with --format safetensors or --format onnx, or by the ending of {}", out.display())
        }
    }
}
