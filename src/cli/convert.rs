//! `arclens convert`: a data set in the forms other trainers read.

use super::output::{self, Meter};
use super::{Answer, args};
use crate::convert::{ConvertForm, ConvertRequest, convert};
use crate::data::{Catalog, Exported, Part, Progress};
use anyhow::Context as _;
use clap::ArgMatches;
use serde_json::json;
use std::sync::{Mutex, PoisonError};

/// Converts.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let (data, out) = (args::get_path(matches, "data")?, args::get_path(matches, "out")?);
    let catalog = Catalog::open(data, &|_| {}, &|| false)?;
    let request = request(matches, &catalog)?;
    let unit = if request.form == ConvertForm::VerificationSet { "images read and written" } else { "images" };
    let meter = Mutex::new(Meter::new("convert"));
    let progress = |at: Progress| {
        meter.lock().unwrap_or_else(PoisonError::into_inner).report(at.done, at.total, unit);
    };
    let done = convert(&catalog, &request, out, &progress, &|| false)?;
    meter.lock().unwrap_or_else(PoisonError::into_inner).finish();
    report(&done, request.form, matches.get_flag("json"));
    Ok(Answer::Yes)
}

/// What was asked for; without `--part`, the form's usual one.
fn request(matches: &ArgMatches, catalog: &Catalog) -> anyhow::Result<ConvertRequest> {
    let to = matches.get_one::<String>("to").map_or("", String::as_str);
    let form = ConvertForm::ALL.into_iter().find(|form| form.word() == to);
    let form = form.context("--to is missing; see --help")?;
    let part = match matches.get_one::<String>("part").map(String::as_str) {
        Some("train") => Part::Train,
        Some("held-out") => Part::HeldOut,
        Some(_) => Part::All,
        None => form.default_part(catalog.has_parts()),
    };
    let usual = ConvertRequest::default();
    Ok(ConvertRequest {
        form,
        part,
        px: matches.get_one("px").copied(),
        pairs: matches.get_one("pairs").copied().unwrap_or(usual.pairs),
        seed: matches.get_one("seed").copied().unwrap_or(usual.seed),
    })
}

fn report(done: &Exported, form: ConvertForm, as_json: bool) {
    output::left_out(&done.warnings);
    let groups = if form.is_of_pairs() { "pairs" } else { "classes" };
    let names: Vec<String> = done.files.iter().map(|file| file.display().to_string()).collect();
    output::line(format!("{} images, {} {groups}: {}", done.images, done.groups, names.join(", ")));
    if as_json {
        output::json(&json!({
            "to": form.word(), "images": done.images, groups: done.groups, "files": names,
            "left_out": done.warnings.total(),
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::draw_classes;

    fn asked(words: &[&str], catalog: &Catalog) -> ConvertRequest {
        let words = [&["arclens", "convert", "data", "--out", "out"][..], words].concat();
        let matches = args::command().try_get_matches_from(words).unwrap();
        request(matches.subcommand_matches("convert").unwrap(), catalog).unwrap()
    }

    #[test]
    fn the_command_asks_for_what_the_window_begins_with_unless_told_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        draw_classes(&folder.path().join("train"), 2, 2);
        draw_classes(&folder.path().join("val"), 2, 2);
        let catalog = Catalog::open(folder.path(), &|_| {}, &|| false).unwrap();
        let usual = ConvertRequest::default();
        assert_eq!(asked(&["--to", "rec"], &catalog), usual);
        let of_pairs = ConvertRequest { form: ConvertForm::PairList, part: Part::HeldOut, ..usual };
        assert_eq!(asked(&["--to", "pairs"], &catalog), of_pairs);
        let words = ["--to", "bin", "--part", "all", "--px", "112", "--pairs", "50", "--seed", "9"];
        let all =
            ConvertRequest { form: ConvertForm::VerificationSet, part: Part::All, px: Some(112), pairs: 50, seed: 9 };
        assert_eq!(asked(&words, &catalog), all);
    }
}
