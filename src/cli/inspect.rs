//! `arclens inspect`: what is it, how much of it, what is wrong with it.

mod exclusions;
mod findings;
mod protocol;
mod runs;
mod weights;

use super::output::{self, Meter};
use super::{Answer, args};
use crate::config::{classes_text, counted};
use crate::data::endings::{LIST_ENDINGS, ends_with, names_pairs};
use crate::data::{
    Catalog, DataError, Examination, PairList, VerificationSet, decode_file, examine, looks_like_image,
    named_pair_list, pair_list, read_pairs,
};
use crate::faces::Detector;
use crate::model::OnnxSummary;
use crate::model::weights::{WEIGHTS_ENDINGS, looks_like_weights, without_control};
use anyhow::Context as _;
use clap::{Arg, ArgAction, ArgMatches, Command};
use exclusions::{Changed, Changes};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
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
            "Anything: a folder of images, an IDX or .rec file, an archive, a list, a verification .bin, a run or a folder \
             of runs, a file of weights, an ONNX file, an image",
        ))
        .arg(
            Arg::new("quick")
                .long("quick")
                .action(ArgAction::SetTrue)
                .help(
                    "Do not read and compare every image of a data set, nor read some of a list of pairs; what takes no \
                     pixels to know is said",
                ),
        )
        .arg(args::option(
            "images",
            "Folder that the names in a list of pairs belong to (default: the list's own folder)",
        ))
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
    let (changes, quick) = (Changes::of(matches), matches.get_flag("quick"));
    let images = matches.get_one::<PathBuf>("images").map(PathBuf::as_path);
    changes.check(quick)?;
    let object = if let Some(run) = runs::run_of(path) {
        runs::run(&run)?
    } else if is_weights(path) {
        weights::weights(path)?
    } else if path.is_file() && ends_with(path, &["onnx"]) {
        onnx(path)?
    } else if looks_like_image(path) {
        image(path)?
    } else if path.is_file() && VerificationSet::is_one(path) {
        protocol::set(path)?
    } else if let Some(list) = pairs_of(path, images) {
        protocol::list(path, &list, images, quick)?
    } else {
        match Catalog::open(path, &|_| {}, &|| false) {
            Ok(catalog) => {
                // Before images are read and some are excluded.
                check_images(images, path)?;
                data_set(path, Arc::new(catalog), quick, &changes)?
            }
            Err(error) => no_data_set(path, images, error)?,
        }
    };
    anyhow::ensure!(
        object["kind"] == "data" || changes.is_none(),
        "--exclude and --include are for data sets of images with classes, which this is not: {}",
        path.display()
    );
    if object["kind"] != "pairs" {
        check_images(images, path)?;
    }
    if matches.get_flag("json") {
        output::json(&object);
    }
    Ok(Answer::Yes)
}

/// The pairs of a list. Where a folder of images is named for it, it is no list of images with their labels, which lie
/// beside theirs: CALFW's has two fields in a line and any name.
fn pairs_of(path: &Path, images: Option<&Path>) -> Option<PairList> {
    if images.is_some() { named_pair_list(path) } else { pair_list(path) }
}

/// Checks that no folder of images was named for what is no list of pairs.
fn check_images(images: Option<&Path>, path: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(images.is_none(), "--images is for lists of pairs, which this is not: {}", path.display());
    Ok(())
}

/// What cannot be opened as a data set may be runs beside each other, or a list of pairs with a line that is none: then that
/// line is worth more words than the images that the list does not name.
fn no_data_set(path: &Path, images: Option<&Path>, error: DataError) -> anyhow::Result<Value> {
    if path.is_dir()
        && let Some(found) = runs::list(path)
    {
        return Ok(found);
    }
    if path.is_file() && (names_pairs(path) || images.is_some()) && ends_with(path, &LIST_ENDINGS) {
        read_pairs(path)?;
    }
    Err(error.into())
}

/// By its name, because what is wrong with such a file is worth knowing; by its content whatever its name.
fn is_weights(path: &Path) -> bool {
    path.is_file() && (ends_with(path, &WEIGHTS_ENDINGS) || looks_like_weights(path))
}

fn onnx(path: &Path) -> anyhow::Result<Value> {
    let found = OnnxSummary::read(path).with_context(|| format!("could not read {} as ONNX", path.display()))?;
    let is_detector = Detector::open(path).is_ok();
    onnx_lines(&found).iter().for_each(output::line);
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

/// What the file says of itself. Its texts may hold what a terminal would obey.
fn onnx_lines(found: &OnnxSummary) -> Vec<String> {
    let by = if found.producer.is_empty() {
        String::new()
    } else {
        format!(", written by {}", without_control(&found.producer))
    };
    // Files from before the operators had versions say nothing.
    let opset = if found.opset == 0 { "unknown".to_owned() } else { found.opset.to_string() };
    let mut lines = vec![format!("ONNX network, opset {opset}{by}")];
    for (what, list) in [("input ", &found.inputs), ("output", &found.outputs)] {
        for (name, sizes) in list {
            let (name, sizes) = (without_control(name), without_control(&sizes.join(", ")));
            lines.push(format!("{what}   {name} [{sizes}]"));
        }
    }
    let (numbers, operations) = (counted(found.weights as usize, "number"), counted(found.nodes, "operation"));
    lines.push(format!("weights  {numbers} in {operations}"));
    for (key, text) in &found.metadata {
        let short: String = text.chars().take(MAX_SHOWN).collect();
        let dots = if short.len() < text.len() { "…" } else { "" };
        lines.push(format!("says     {}: {}{dots}", without_control(key), without_control(&short)));
    }
    lines
}

fn image(path: &Path) -> anyhow::Result<Value> {
    let image = decode_file(path)?;
    let colour = if image.color().has_color() { "colour" } else { "grey" };
    output::line(format!("image, {}×{} px, {colour}", image.width(), image.height()));
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

/// How many images the classes have: `20 each`, `2 to 530 each`.
fn each(counts: &[u32]) -> String {
    match (counts.iter().min(), counts.iter().max()) {
        (Some(least), Some(most)) if least < most => format!("{least} to {most} each"),
        (_, most) => format!("{} each", most.unwrap_or(&0)),
    }
}

/// The files beside the records that others are measured on, which are said, too.
fn verification_sets(catalog: &Catalog) -> Vec<String> {
    let sets: Vec<String> = catalog.verification_sets.iter().map(|path| path.display().to_string()).collect();
    if !sets.is_empty() {
        let names = catalog.verification_sets.iter().filter_map(|path| path.file_name());
        let names: Vec<_> = names.map(|name| name.to_string_lossy()).collect();
        output::line(format!(
            "sets     {} beside it: {}; `arclens evaluate RUN --bin FILE` measures on one",
            counted(sets.len(), "verification set"),
            names.join(", ")
        ));
    }
    sets
}

fn data_set(path: &Path, catalog: Arc<Catalog>, quick: bool, changes: &Changes) -> anyhow::Result<Value> {
    let examination = examination(&catalog, quick)?;
    let Changed { catalog, diagnosis, excluded, included } = changes.apply(catalog, &examination)?;
    let (images, classes) = (catalog.items.len(), classes_text(catalog.classes.len()));
    output::line(format!("{}: {}", catalog.layout, path.display()));
    output::line(format!("images   {images} of {classes}, {}", each(&catalog.class_counts())));
    output::line(format!(
        "size     about {} px, {}",
        catalog.typical_px(),
        if catalog.all_grey() { "grey" } else { "colour" }
    ));
    let sets = verification_sets(&catalog);
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
        "verification_sets": sets, "problems": problems, "excluded": catalog.excluded().len(),
        "newly_excluded": excluded, "newly_included": included, "checked": diagnosis.examination.has_looked(),
        "compared_all": diagnosis.examination.has_compared_all(), "findings": found,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_onnx_file_says_is_no_command_to_the_terminal() {
        let odd = |text: &str| format!("{text}\u{1b}[2J\u{9b}é'\"");
        let found = OnnxSummary {
            producer: odd("maker"),
            inputs: vec![(odd("images"), vec![odd("batch"), "3".to_owned()])],
            outputs: vec![(odd("embedding"), vec!["512".to_owned()])],
            metadata: [(odd("key"), odd("two\nlines")), ("long".to_owned(), "x".repeat(101))].into(),
            ..OnnxSummary::default()
        };
        let lines = onnx_lines(&found);
        assert!(!lines.iter().any(|line| line.contains(char::is_control)), "{lines:?}");
        let told = r#"\u{1b}[2J\u{9b}é'""#;
        assert_eq!(lines[0], format!("ONNX network, opset unknown, written by maker{told}"));
        assert_eq!(lines[1], format!("input    images{told} [batch{told}, 3]"));
        assert_eq!(lines[4], format!("says     key{told}: two\\nlines{told}"));
        assert_eq!(lines[5], format!("says     long: {}…", "x".repeat(100)));
    }
}
