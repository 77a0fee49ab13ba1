//! `arclens convert`: a data set in the forms other trainers read.

use super::output::{self, Meter};
use super::{Answer, args};
use crate::data::{
    Catalog, Exported, ItemPair, Part, Progress, VerificationSet, export_pairs, export_records, export_verification,
};
use crate::eval::make_pairs;
use clap::ArgMatches;
use serde_json::json;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Converts.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let (data, out) = (args::get_path(matches, "data")?, args::get_path(matches, "out")?);
    let to = matches.get_one::<String>("to").map_or("", String::as_str);
    let px = matches.get_one::<u32>("px").copied();
    let catalog = Catalog::open(data, &|_| {}, &|| false)?;
    let items = chosen(&catalog, matches.get_one::<String>("part").map(String::as_str), to)?;
    let meter = Mutex::new(Meter::new("convert"));
    let progress = |at: Progress| {
        meter.lock().unwrap_or_else(PoisonError::into_inner).report(at.done, at.total, "images");
    };
    let done = match to {
        "rec" => export_records(&catalog, &items, px, out, &progress, &|| false)?,
        "bin" => export_verification(&catalog, &pairs(matches, &catalog, &items)?, px, out, &progress, &|| false)?,
        _ => export_pairs(&catalog, &pairs(matches, &catalog, &items)?, VerificationSet::FOLDS, out)?,
    };
    meter.lock().unwrap_or_else(PoisonError::into_inner).finish();
    report(&done, to, matches.get_flag("json"));
    Ok(Answer::Yes)
}

fn report(done: &Exported, to: &str, as_json: bool) {
    output::left_out(&done.warnings);
    let groups = if to == "rec" { "classes" } else { "pairs" };
    let names: Vec<String> = done.files.iter().map(|file| file.display().to_string()).collect();
    output::line(format!("{} images, {} {groups}: {}", done.images, done.groups, names.join(", ")));
    if as_json {
        output::json(&json!({
            "to": to, "images": done.images, groups: done.groups, "files": names, "left_out": done.warnings.total(),
        }));
    }
}

/// The images to write: of a divided data set everything for `rec`, the held-out part for pairs.
fn chosen(catalog: &Catalog, part: Option<&str>, to: &str) -> anyhow::Result<Vec<u32>> {
    let part = match part {
        Some("train") => Some(Part::Train),
        Some("held-out") => Some(Part::HeldOut),
        None if to != "rec" && catalog.has_parts() => Some(Part::HeldOut),
        _ => None,
    };
    anyhow::ensure!(
        part.is_none() || catalog.has_parts(),
        "the data set is not divided into a training and a held-out part; leave --part out: {}",
        catalog.root.display()
    );
    let is_chosen =
        |item: &u32| part.is_none_or(|part| catalog.items.get(*item as usize).is_some_and(|i| i.part == part));
    Ok((0..catalog.items.len() as u32).filter(is_chosen).collect())
}

/// As many pairs of one class as of two, in ten blocks, the pairs of one class first in each (LFW's order).
fn pairs(matches: &ArgMatches, catalog: &Catalog, items: &[u32]) -> anyhow::Result<Vec<ItemPair>> {
    let wanted = matches.get_one::<u32>("pairs").copied().unwrap_or_default() as usize;
    let seed = matches.get_one::<u64>("seed").copied().unwrap_or_default();
    let class = |item: &u32| catalog.items.get(*item as usize).map_or(u32::MAX, |item| item.class);
    let classes: Vec<u32> = items.iter().map(class).collect();
    let of_items = |row: u32| items.get(row as usize).copied().unwrap_or(u32::MAX);
    let (mut same, mut different) = (Vec::new(), Vec::new());
    for pair in make_pairs(&classes, wanted, wanted, seed) {
        let place = if pair.same { &mut same } else { &mut different };
        place.push((of_items(pair.a), of_items(pair.b), pair.same));
    }
    let folds = VerificationSet::FOLDS;
    let per_fold = same.len().min(different.len()) / folds;
    anyhow::ensure!(
        per_fold > 0,
        "{} pairs of one class and {} of two can be made, {folds} of each are needed for {folds} folds: {}",
        same.len(),
        different.len(),
        display(&catalog.root)
    );
    let blocks = spread(&same, folds, per_fold).into_iter().zip(spread(&different, folds, per_fold));
    Ok(blocks.flat_map(|(same, different)| same.into_iter().chain(different)).collect())
}

fn display(path: &Path) -> String {
    path.display().to_string()
}

/// `folds` blocks of `each`: every tenth pair, so that no block is of the first classes only.
fn spread<T: Copy>(pairs: &[T], folds: usize, each: usize) -> Vec<Vec<T>> {
    (0..folds).map(|fold| pairs.iter().skip(fold).step_by(folds).take(each).copied().collect()).collect()
}
