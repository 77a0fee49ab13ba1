//! `arclens inspect`: what is it, how much of it, what is wrong with it.

mod exclusions;
mod findings;
mod protocol;
mod weights;

use super::output::{self, Meter};
use super::{Answer, args};
use crate::data::endings::ends_with;
use crate::data::{Catalog, Examination, VerificationSet, decode_file, examine, pair_list};
use crate::faces::Detector;
use crate::model::OnnxSummary;
use crate::model::weights::{WEIGHTS_ENDINGS, looks_like_weights};
use crate::train::{is_run, read_run};
use anyhow::Context as _;
use clap::{Arg, ArgAction, ArgMatches, Command};
use exclusions::{Changed, Changes};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Letters of a text in an ONNX file that are shown.
const MAX_SHOWN: usize = 100;
/// Problems listed per kind.
const EXAMPLES: usize = 5;

/// The command line.
pub fn command() -> Command {
    let kinds = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("KIND").action(ArgAction::Append).value_delimiter(',').help(help)
    };
    args::with_json(Command::new("inspect").about("Say what a folder, file or run is, with counts and problems"))
        .arg(args::path(
            "what",
            "Anything: a folder of images, an IDX or .rec file, an archive, a list, a verification .bin, a run, an image",
        ))
        .arg(
            Arg::new("quick")
                .long("quick")
                .action(ArgAction::SetTrue)
                .help("Do not read and compare every image of a data set; what takes no pixels to know is said"),
        )
        .arg(
            kinds(
                "exclude",
                "Leave out the images that are found, of copies all but the first of each group. Kept in \
                 arclens-exclude.toml beside the data; no image is touched",
            )
            .value_parser(exclusions::excludable()),
        )
        .arg(
            kinds(
                "include",
                "Use excluded images again: those of a kind, or all. Done before --exclude, so that `--include all \
                 --exclude unreadable` leaves out the unreadable images and no others",
            )
            .value_parser(exclusions::includable()),
        )
}

/// Looks and prints.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let path = args::get_path(matches, "what")?;
    let changes = Changes::of(matches);
    let object = if is_run(path) {
        run_folder(path)?
    } else if is_weights(path) {
        weights::weights(path)?
    } else if path.is_file() && ends_with(path, &["onnx"]) {
        onnx(path)?
    } else if path.is_file() && decode_file(path).is_ok() {
        image(path)?
    } else if path.is_file() && VerificationSet::is_one(path) {
        protocol::set(path)?
    } else if let Some(list) = pair_list(path) {
        protocol::list(path, &list)?
    } else {
        data_set(path, matches.get_flag("quick"), &changes)?
    };
    anyhow::ensure!(
        object["kind"] == "data" || changes.is_none(),
        "--exclude and --include are for data sets of images with classes, which this is not: {}",
        path.display()
    );
    if matches.get_flag("json") {
        output::json(&object);
    }
    Ok(Answer::Yes)
}

fn run_folder(path: &Path) -> anyhow::Result<Value> {
    let run = read_run(path)?;
    let epochs = run.epochs.last().map_or(0, |epoch| epoch.epoch);
    let info = run.config.run.clone().unwrap_or_default();
    output::line(format!("run {}", run.name));
    if run.is_imported() {
        output::line(format!("weights  imported: {}", info.imported));
    } else {
        output::line(format!("loss     {}", run.config.loss.head.label()));
    }
    output::line(format!(
        "network  {}, {} numbers per embedding",
        run.config.model.net.label(),
        run.config.model.embedding_dim.set().unwrap_or_default()
    ));
    if !run.is_imported() {
        output::line(format!("images   {} of {} classes from {}", info.images, info.classes, info.data));
        output::line(format!("epochs   {epochs} of {}", run.config.train.epochs));
    }
    if let Some(eer) = run.best_eer() {
        output::line(format!("best EER {}", output::percent(eer)));
    }
    Ok(json!({
        "kind": "run", "name": run.name, "imported": run.is_imported(), "epochs": epochs, "epochs_planned": run.config.train.epochs,
        "eer": run.best_eer(), "has_model": run.has_model, "data": info.data, "classes": info.classes, "images": info.images,
    }))
}

/// By its name first: other files are not read as a whole for this.
fn is_weights(path: &Path) -> bool {
    ends_with(path, &WEIGHTS_ENDINGS) && path.is_file() && looks_like_weights(path)
}

fn onnx(path: &Path) -> anyhow::Result<Value> {
    let found = OnnxSummary::read(path).with_context(|| format!("could not read {} as ONNX", path.display()))?;
    let is_detector = Detector::open(path).is_ok();
    let by = if found.producer.is_empty() { String::new() } else { format!(", written by {}", found.producer) };
    output::line(format!("ONNX network, opset {}{by}", found.opset));
    for (what, list) in [("input ", &found.inputs), ("output", &found.outputs)] {
        for (name, sizes) in list {
            output::line(format!("{what}   {name} [{}]", sizes.join(", ")));
        }
    }
    output::line(format!("weights  {} numbers in {} operations", found.weights, found.nodes));
    for (key, text) in &found.metadata {
        let short: String = text.chars().take(MAX_SHOWN).collect();
        let dots = if short.len() < text.len() { "…" } else { "" };
        output::line(format!("says     {key}: {short}{dots}"));
    }
    if is_detector {
        output::line("use      a face detector (YuNet): `arclens align FOLDER --detector` takes it");
    }
    let shaped = |list: &[(String, Vec<String>)]| -> Vec<Value> {
        list.iter().map(|(name, sizes)| json!({ "name": name, "sizes": sizes })).collect()
    };
    Ok(json!({
        "kind": "onnx", "producer": found.producer, "opset": found.opset, "inputs": shaped(&found.inputs),
        "outputs": shaped(&found.outputs), "nodes": found.nodes, "weights": found.weights, "metadata": found.metadata,
        "face_detector": is_detector,
    }))
}

fn image(path: &Path) -> anyhow::Result<Value> {
    let image = decode_file(path)?;
    output::line(format!("image, {}×{} px, {:?}", image.width(), image.height(), image.color()));
    Ok(
        json!({ "kind": "image", "width": image.width(), "height": image.height(), "colour": format!("{:?}", image.color()) }),
    )
}

/// Reads and compares every image, unless that would take too long.
fn examination(catalog: &Arc<Catalog>, quick: bool) -> anyhow::Result<Arc<Examination>> {
    if quick {
        return Ok(Arc::new(Examination::none(catalog)));
    }
    let meter = Mutex::new(Meter::new("check"));
    let report = |progress: crate::data::Progress| {
        if let Ok(mut meter) = meter.try_lock() {
            meter.report(progress.done, progress.total, "");
        }
    };
    let examination = examine(catalog, &report, &|| false)?;
    if let Ok(meter) = meter.lock() {
        meter.finish();
    }
    Ok(Arc::new(examination))
}

fn data_set(path: &Path, quick: bool, changes: &Changes) -> anyhow::Result<Value> {
    changes.check(quick)?;
    let catalog = Arc::new(Catalog::open(path, &|_| {}, &|| false)?);
    let diagnosis = examination(&catalog, quick)?.diagnose(catalog.excluded());
    let Changed { catalog, diagnosis, excluded, included } = changes.apply(catalog, diagnosis)?;
    let counts = catalog.class_counts();
    let (least, most) = (counts.iter().min().copied().unwrap_or(0), counts.iter().max().copied().unwrap_or(0));
    output::line(format!("{}: {}", catalog.layout, path.display()));
    output::line(format!(
        "images   {} of {} classes, {least} to {most} each",
        catalog.items.len(),
        catalog.classes.len()
    ));
    output::line(format!(
        "size     about {} px, {}",
        catalog.typical_px(),
        if catalog.all_grey() { "grey" } else { "colour" }
    ));
    let split = crate::data::split(&catalog, &crate::config::DataConfig::default(), 1);
    match &split {
        Ok(split) => output::line(format!(
            "split    {} for training, {} held out ({})",
            split.train.len(),
            split.validation.len(),
            match split.kind {
                crate::data::SplitKind::ByIdentity => "by identity: the held-out classes are new",
                crate::data::SplitKind::ByImage => "by image: the classes are the same",
            }
        )),
        Err(error) => output::line(format!("split    none: {error}")),
    }
    let problems = protocol::problems_but(&catalog.warnings, &findings::said(&diagnosis));
    let found = findings::print(&diagnosis);
    Ok(json!({
        "kind": "data", "layout": catalog.layout.to_string(), "images": catalog.items.len(), "classes": catalog.classes.len(),
        "grey": catalog.all_grey(), "typical_px": catalog.typical_px(), "fingerprint": catalog.fingerprint,
        "train": split.as_ref().ok().map(|split| split.train.len()), "validation": split.as_ref().ok().map(|split| split.validation.len()),
        "problems": problems, "excluded": catalog.excluded().len(),
        "newly_excluded": excluded, "newly_included": included, "checked": diagnosis.examination.has_looked(), "findings": found,
    }))
}
