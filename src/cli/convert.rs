//! `arclens convert`: a data set in the forms other trainers read.

use super::output::{self, Meter};
use super::{Answer, args, signals};
use crate::config::{classes_text, counted};
use crate::convert::{ConvertForm, ConvertRequest, OWN_LABELS, PAIRS_RANGE, PX_RANGE, convert};
use crate::data::{Catalog, DataError, Exported, Part, Progress};
use crate::train::Control;
use anyhow::Context as _;
use clap::builder::PossibleValue;
use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::json;
use std::sync::{Mutex, PoisonError};

/// The parts by the words that `--part` takes.
const PARTS: [(&str, Part); 3] = [("all", Part::All), ("train", Part::Train), ("held-out", Part::HeldOut)];

/// The command line.
pub fn command() -> Command {
    let usual = ConvertRequest::default();
    let form = |form: ConvertForm| {
        PossibleValue::new(form.word()).help(format!("{}, usually named {}", form.label(), form.file_name()))
    };
    args::with_json(Command::new("convert").about("Write a data set in the forms other trainers read"))
        .arg(args::path("data", "Data set: anything that `train` opens"))
        .arg(
            Arg::new("to").long("to").required(true).value_parser(ConvertForm::ALL.map(form)).help(
                "What to write: records or a verification set as InsightFace has them, or pairs as LFW lists them",
            ),
        )
        .arg(args::option("out", "The folder (rec) or file (bin, pairs) to write").required(true))
        .arg(
            Arg::new("part")
                .long("part")
                .value_parser(PARTS.map(|(word, _)| word))
                .help(format!("Part of a divided data set (default: {})", usual_parts())),
        )
        .arg(
            Arg::new("px")
                .long("px")
                .value_parser(value_parser!(u32).range(PX_RANGE))
                .help("Make every image a square of this side, as PNG (InsightFace's trainers need 112)"),
        )
        .arg(
            Arg::new("pairs")
                .long("pairs")
                .value_parser(value_parser!(u32).range(PAIRS_RANGE))
                .help(format!("At most so many pairs of one class, and as many of two (default: {})", usual.pairs)),
        )
        .arg(
            Arg::new("seed")
                .long("seed")
                .value_parser(value_parser!(u64))
                .help(format!("Seed of the pairs (default: {})", usual.seed)),
        )
}

/// `all for rec, held-out for bin, held-out for pairs`.
fn usual_parts() -> String {
    let usual = |form: ConvertForm| format!("{} for {}", part_word(form.default_part(true)), form.word());
    ConvertForm::ALL.map(usual).join(", ")
}

/// Converts. Ctrl+C or SIGTERM stops it, and what is half written is taken away.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let control = Control::default();
    signals::stop_on_signals(&control)?;
    let written = write(matches, &|| control.is_cancelled())?;
    report(&written, matches.get_flag("json"));
    Ok(Answer::Yes)
}

/// What was written.
struct Written {
    done: Exported,
    form: ConvertForm,
    /// Of which part.
    part: Part,
    /// What the program took of a divided data set, where nobody chose.
    choice: Option<String>,
}

/// Writes what is asked for, unless `is_stopped` says meanwhile that it is no longer wanted.
fn write(matches: &ArgMatches, is_stopped: &(dyn Fn() -> bool + Sync)) -> anyhow::Result<Written> {
    let (data, out) = (args::get_path(matches, "data")?, args::get_path(matches, "out")?);
    let catalog = Catalog::open(data, &|_| {}, is_stopped).map_err(in_words)?;
    let request = request(matches, &catalog)?;
    let is_chosen = matches.get_one::<String>("part").is_some();
    let choice = (!is_chosen && catalog.has_parts()).then(|| choice(&catalog, request.part));
    let unit = if request.form == ConvertForm::VerificationSet { "images read and written" } else { "images" };
    let meter = Mutex::new(Meter::new("convert"));
    let progress = |at: Progress| {
        meter.lock().unwrap_or_else(PoisonError::into_inner).report(at.done, at.total, unit);
    };
    let done = convert(&catalog, &request, out, &progress, is_stopped);
    meter.lock().unwrap_or_else(PoisonError::into_inner).finish();
    Ok(Written { done: done.map_err(in_words)?, form: request.form, part: request.part, choice })
}

/// Which part of a divided data set was taken, and how another is. By itself, a form takes both or what is held out.
fn choice(catalog: &Catalog, part: Part) -> String {
    let images = |part| counted(catalog.items.iter().filter(|item| item.part == part).count(), "image");
    let taken = if part == Part::HeldOut { "the held-out part" } else { "both parts" };
    let others: Vec<&str> = PARTS.iter().filter(|(_, other)| *other != part).map(|(word, _)| *word).collect();
    let (train, held_out, others) = (images(Part::Train), images(Part::HeldOut), others.join(" or --part "));
    format!(
        "of {taken}: the data set has {train} to train on and {held_out} held out; choose another with --part {others}"
    )
}

/// The word for a part that `--part` takes.
fn part_word(part: Part) -> &'static str {
    PARTS.iter().find(|(_, known)| *known == part).map_or("all", |(word, _)| *word)
}

/// Of a stop it is said what is left.
fn in_words(error: DataError) -> anyhow::Error {
    match error {
        DataError::Cancelled => anyhow::anyhow!("stopped; no file was written"),
        other => other.into(),
    }
}

/// What was asked for; without `--part`, the form's usual one.
fn request(matches: &ArgMatches, catalog: &Catalog) -> anyhow::Result<ConvertRequest> {
    let to = matches.get_one::<String>("to").map_or("", String::as_str);
    let form = ConvertForm::ALL.into_iter().find(|form| form.word() == to);
    let form = form.context("--to is missing; see --help")?;
    let part_of = |typed: &String| PARTS.iter().find(|(word, _)| word == typed).map(|(_, part)| *part);
    let part = matches.get_one::<String>("part").and_then(part_of);
    let part = part.unwrap_or_else(|| form.default_part(catalog.has_parts()));
    let usual = ConvertRequest::default();
    Ok(ConvertRequest {
        form,
        part,
        px: matches.get_one("px").copied(),
        pairs: matches.get_one("pairs").copied().unwrap_or(usual.pairs),
        seed: matches.get_one("seed").copied().unwrap_or(usual.seed),
    })
}

fn report(Written { done, form, part, choice }: &Written, as_json: bool) {
    output::left_out(&done.warnings);
    let count = done.groups as usize;
    let (groups, of_groups) =
        if form.is_of_pairs() { ("pairs", counted(count, "pair")) } else { ("classes", classes_text(count)) };
    let names: Vec<String> = done.files.iter().map(|file| file.display().to_string()).collect();
    output::line(format!("{}, {of_groups}: {}", counted(done.images as usize, "image"), names.join(", ")));
    if let Some(choice) = choice {
        output::line(choice);
    }
    if let Some(warning) = sizes_text(done) {
        output::warning(warning);
    }
    if done.own_labels {
        output::warning(OWN_LABELS);
    }
    if as_json {
        output::json(&json!({
            "to": form.word(), "part": part_word(*part), "images": done.images, groups: done.groups, "files": names,
            "left_out": done.warnings.total(), "other_sizes": done.other_sizes,
        }));
    }
}

/// Of images that are not of one size.
fn sizes_text(done: &Exported) -> Option<String> {
    let words = done.sizes_words(|count| count.to_string())?;
    Some(format!("{words}; trainers that need one size take squares (--px 112)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::draw_classes;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_stop_is_told_and_leaves_no_file_whenever_it_comes() {
        let folder = tempfile::tempdir().unwrap();
        let (data, out) = (folder.path().join("data"), folder.path().join("out"));
        draw_classes(&data, 4, 3);
        let words = ["convert", data.to_str().unwrap(), "--to", "rec", "--out", out.to_str().unwrap()];
        let matches = command().try_get_matches_from(words).unwrap();
        let files = || std::fs::read_dir(&out).into_iter().flatten().count();
        let mut patience = 0;
        loop {
            let looks = AtomicU32::new(0);
            match write(&matches, &|| looks.fetch_add(1, Ordering::Relaxed) >= patience) {
                Ok(_) => break,
                Err(error) => assert!(error.to_string().contains("no file was written"), "{patience}: {error}"),
            }
            assert_eq!(files(), 0, "{patience}");
            patience += 1;
        }
        assert!(patience > 1 && files() == 4, "{patience}");
    }

    fn asked(words: &[&str], catalog: &Catalog) -> ConvertRequest {
        let words = [&["arclens", "convert", "data", "--out", "out"][..], words].concat();
        let matches = args::command().try_get_matches_from(words).unwrap();
        request(matches.subcommand_matches("convert").unwrap(), catalog).unwrap()
    }

    #[test]
    fn the_help_names_every_form_and_what_is_usual() {
        let help = command().render_long_help().to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        for form in ConvertForm::ALL {
            assert!(help.contains(&format!("{}: {}", form.word(), form.label())), "{help}");
        }
        for usual in ["all for rec, held-out for bin, held-out for pairs", "(default: 3000)", "(default: 1)"] {
            assert!(help.contains(usual), "{usual}: {help}");
        }
    }

    #[test]
    fn of_images_of_other_sizes_it_is_said_what_helps() {
        let said = |other_sizes| sizes_text(&Exported { other_sizes, ..Exported::default() });
        assert_eq!(said(0), None);
        let [one, more] = [1, 2].map(|others| said(others).unwrap());
        assert!(one.starts_with("1 image has another size") && more.starts_with("2 images have"), "{one}; {more}");
        assert!(one.contains("--px 112"), "{one}");
    }

    #[test]
    fn what_was_taken_of_a_divided_data_set_is_told_where_nobody_chose() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        draw_classes(&data.join("train"), 3, 5);
        draw_classes(&data.join("test"), 3, 4);
        draw_classes(&folder.path().join("plain"), 3, 2);
        let written = |data: &str, out: &str, words: &[&str]| {
            let [data, out] = [data, out].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
            let words = [&["convert", data.as_str(), "--out", out.as_str()][..], words].concat();
            write(&command().try_get_matches_from(words).unwrap(), &|| false).unwrap()
        };
        let both = written("data", "both", &["--to", "rec"]);
        let told = both.choice.unwrap();
        assert!(both.done.images == 27 && both.part == Part::All, "{told}");
        assert!(told.contains("both parts") && told.contains("15 images to train on and 12 images held out"), "{told}");
        assert!(told.contains("--part train or --part held-out"), "{told}");
        let pairs = written("data", "pairs.txt", &["--to", "pairs", "--pairs", "10"]);
        let told = pairs.choice.unwrap();
        assert!(told.contains("of the held-out part") && told.contains("--part all or --part train"), "{told}");
        assert_eq!(written("data", "train", &["--to", "rec", "--part", "train"]).choice, None);
        assert_eq!(written("plain", "rec", &["--to", "rec"]).choice, None);
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
