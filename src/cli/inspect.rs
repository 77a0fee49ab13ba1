//! `arclens inspect`: what is it, how much of it, what is wrong with it.

mod findings;
mod protocol;

use super::output::{self, Meter};
use super::{Answer, args};
use crate::data::endings::ends_with;
use crate::data::{Catalog, Examination, VerificationSet, decode_file, examine, pair_list};
use crate::faces::Detector;
use crate::model::weights::{WEIGHTS_ENDINGS, looks_like_weights, read_weights};
use crate::model::{OnnxSummary, recognise};
use crate::train::read_run;
use anyhow::Context as _;
use clap::ArgMatches;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};

pub use findings::EXCLUDABLE;

/// Letters of a text in an ONNX file that are shown.
const MAX_SHOWN: usize = 100;
/// Problems listed per kind.
const EXAMPLES: usize = 5;

/// Looks and prints.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let path = args::get_path(matches, "what")?;
    let object = if path.join("run.toml").is_file() {
        run_folder(path)?
    } else if is_weights(path) {
        weights(path)?
    } else if path.is_file() && ends_with(path, &["onnx"]) {
        onnx(path)?
    } else if path.is_file() && decode_file(path).is_ok() {
        image(path)?
    } else if path.is_file() && VerificationSet::is_one(path) {
        protocol::set(path)?
    } else if let Some(list) = pair_list(path) {
        protocol::list(path, &list)?
    } else {
        data_set(path, matches)?
    };
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

fn weights(path: &Path) -> anyhow::Result<Value> {
    let weights = read_weights(path)?;
    let (names, foreign) = (weights.tensors.len(), weights.foreign.clone());
    let numbers: usize = weights.tensors.values().map(|weight| weight.data.len()).sum();
    output::line(format!("weights  {names} tensors, {numbers} numbers"));
    if !foreign.is_empty() {
        output::line(format!("code     named in the file, not run: {}", foreign.join(", ")));
    }
    let found = recognise(weights);
    match &found {
        Ok(found) => output::line(format!(
            "network  {} with {} numbers per embedding, as in {}",
            found.embedder.net.label(),
            found.embedder.embedding_dim,
            found.flavour.label()
        )),
        Err(error) => output::line(format!("network  {error}")),
    }
    let flavour = found.as_ref().ok().map(|found| found.flavour.label());
    let net = found.as_ref().ok().map(|found| found.embedder.net.word());
    Ok(
        json!({ "kind": "weights", "tensors": names, "numbers": numbers, "flavour": flavour, "net": net, "foreign": foreign }),
    )
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

fn data_set(path: &Path, matches: &ArgMatches) -> anyhow::Result<Value> {
    let catalog = Arc::new(Catalog::open(path, &|_| {}, &|| false)?);
    let diagnosis = examination(&catalog, matches.get_flag("quick"))?.diagnose(catalog.excluded());
    let kinds: Vec<&String> = matches.get_many("exclude").into_iter().flatten().collect();
    let (catalog, diagnosis) = findings::exclude(&kinds, catalog, diagnosis)?;
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
        "problems": problems, "excluded": catalog.excluded().len(), "checked": diagnosis.examination.has_looked(), "findings": found,
    }))
}
