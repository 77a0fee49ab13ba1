//! `arclens align`: photographs become the aligned crops that face networks take.

use super::output::{self, Meter};
use super::{Answer, args, signals};
use crate::data::Progress;
use crate::faces::{AlignOptions, AlignSpec, Aligned, CROP_PX_RANGE, CropFormat, FaceError, FinderFile, align_folder};
use crate::train::Control;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, value_parser};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The command line.
pub fn command() -> Command {
    let usual = AlignOptions::default();
    let file = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("FILE").value_parser(value_parser!(PathBuf)).help(help)
    };
    args::with_json(
        Command::new("align")
            .about("Find the face of every image and write it upright, at the place and size that face networks take"),
    )
    .arg(
        Arg::new("images")
            .required(true)
            .num_args(1..)
            .value_parser(value_parser!(PathBuf))
            .help("Images, or a folder whose sub-folders are kept"),
    )
    .arg(
        Arg::new("out")
            .long("out")
            .required(true)
            .value_parser(value_parser!(PathBuf))
            .help("Folder of the crops and of align.csv; the same command again goes on where it stopped"),
    )
    .arg(file("detector", "A YuNet face detector as ONNX (OpenCV Zoo: face_detection_yunet_….onnx)"))
    .arg(file(
        "landmarks",
        "Instead of a detector: a list of path and 4 numbers (x and y of the left and right eye as seen) or 10 (and nose, \
         left and right corner of the mouth), in pixels; align.csv is one",
    ))
    .group(ArgGroup::new("finder").args(["detector", "landmarks"]).required(true))
    .arg(
        Arg::new("size")
            .long("size")
            .value_name("PX")
            .value_parser(value_parser!(u32).range(i64::from(*CROP_PX_RANGE.start())..=i64::from(*CROP_PX_RANGE.end())))
            .help(format!("Side of the crops in pixels (default: {})", usual.size_px)),
    )
    .arg(
        Arg::new("min-score")
            .long("min-score")
            .value_name("SCORE")
            .value_parser(score)
            .conflicts_with("landmarks")
            .help(format!(
                "With --detector: faces that it is less sure of are passed over, 0 to 1 (default: {})",
                usual.min_score
            )),
    )
    .arg(
        Arg::new("keep-unfound")
            .long("keep-unfound")
            .action(ArgAction::SetTrue)
            .help("Write the middle of an image in which no face was found"),
    )
    .arg(
        Arg::new("format")
            .long("format")
            .value_parser(CropFormat::ALL.map(CropFormat::word))
            .default_value(usual.format.word())
            .help("Kind of file: without loss, or a fifth of the size"),
    )
}

fn score(text: &str) -> Result<f32, String> {
    let score = text.parse::<f32>().ok().filter(|score| (0.0..=1.0).contains(score));
    score.ok_or_else(|| "a score is a number from 0 to 1".to_owned())
}

/// Aligns; the answer is "no" when there is not one crop.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let spec = spec(matches)?;
    let control = Control::default();
    signals::stop_on_signals(&control)?;
    let meter = Mutex::new(Meter::new("align"));
    let lock = || meter.lock().unwrap_or_else(PoisonError::into_inner);
    let progress = |at: Progress| lock().report(at.done, at.total, "images");
    let done = align_folder(&spec, &progress, &|| control.is_cancelled());
    lock().finish();
    let done = done.map_err(|error| with_options(error, &spec.out))?;
    report(&done, matches.get_flag("json"));
    Ok(if done.aligned + done.already > 0 || done.stopped { Answer::Yes } else { Answer::No })
}

fn spec(matches: &ArgMatches) -> anyhow::Result<AlignSpec> {
    let finder = match matches.get_one::<PathBuf>("landmarks") {
        Some(list) => FinderFile::List(list.clone()),
        None => FinderFile::Detector(args::get_path(matches, "detector")?.to_owned()),
    };
    let usual = AlignOptions::default();
    let word = matches.get_one::<String>("format").map_or("", String::as_str);
    let options = AlignOptions {
        size_px: matches.get_one::<u32>("size").copied().unwrap_or(usual.size_px),
        min_score: matches.get_one::<f32>("min-score").copied().unwrap_or(usual.min_score),
        keep_unfound: matches.get_flag("keep-unfound"),
        format: CropFormat::ALL.into_iter().find(|format| format.word() == word).unwrap_or(usual.format),
    };
    let out = args::get_path(matches, "out")?.to_owned();
    Ok(AlignSpec {
        inputs: matches.get_many::<PathBuf>("images").unwrap_or_default().cloned().collect(),
        finder: finder.open().map_err(with_list)?,
        out,
        options,
    })
}

/// Adds the option that helps where there is no detector. The library's own sentences name none, because the window shows
/// them too.
fn with_list(error: FaceError) -> anyhow::Error {
    match error {
        FaceError::NotBuilt => anyhow::anyhow!("{error} (--landmarks takes a list of points)"),
        other => other.into(),
    }
}

/// As [`with_list`], where the folder of the crops cannot be used. A list that is refused may lie in that folder, too, and
/// these options do not help it.
fn with_options(error: FaceError, out: &Path) -> anyhow::Error {
    match &error {
        FaceError::Refused { path, .. } if path.starts_with(out) => {
            anyhow::anyhow!("{error} (--size sets the size, --out another folder)")
        }
        _ => error.into(),
    }
}

fn report(done: &Aligned, as_json: bool) {
    output::left_out(&done.warnings);
    if let Some(doubt) = done.doubt {
        output::warning(doubt);
    }
    output::line(format!("{}: {}", done.words(|count| count.to_string()), done.out.display()));
    if let Some(otherwise) = otherwise(done) {
        output::line(otherwise);
    }
    if done.unfound + done.left_out > 0 {
        output::line(format!("the reasons are in {}", done.record.display()));
    }
    if done.stopped {
        output::line("stopped; the same command goes on");
    }
    if as_json {
        output::json(&json!({
            "images": done.images, "aligned": done.aligned, "already": done.already, "unfound": done.unfound,
            "otherwise": done.otherwise, "kept": done.kept, "left_out": done.left_out, "excluded": done.excluded,
            "stopped": done.stopped, "out": done.out, "record": done.record,
        }));
    }
}

/// Of crops that are there already, and are not as they would be made now.
fn otherwise(done: &Aligned) -> Option<String> {
    let words = done.otherwise_words(|count| count.to_string())?;
    Some(format!("{words}; remove such crops, or give another folder as --out, to have them made anew"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_crops_that_are_otherwise_it_is_said_what_helps() {
        let said = otherwise(&Aligned { otherwise: 2, ..Aligned::default() }).unwrap();
        assert!(said.contains("stay as before; remove such crops") && said.contains("--out"), "{said}");
        assert_eq!(otherwise(&Aligned::default()), None);
    }

    #[test]
    fn a_list_of_points_has_no_scores_that_could_be_too_low() {
        let parse = |finder: &str| {
            let words = ["align", "photos", "--out", "crops", finder, "file", "--min-score", "0.5"];
            command().try_get_matches_from(words)
        };
        assert!(parse("--detector").is_ok());
        let error = parse("--landmarks").unwrap_err().to_string();
        assert!(error.contains("--min-score") && error.contains("--landmarks"), "{error}");
    }

    #[test]
    fn an_error_about_the_crops_names_the_options_and_one_about_an_image_does_not() {
        let refused = |path: &str| FaceError::Refused { reason: "no".to_owned(), path: path.into() };
        let said = |error| with_options(error, Path::new("crops")).to_string();
        assert!(said(refused("crops/align.csv")).contains("--out") && said(refused("crops")).contains("--size"));
        assert_eq!(said(refused("photos")), refused("photos").to_string());
    }

    #[test]
    fn an_error_about_the_finder_names_no_option_of_the_crops_wherever_its_file_lies() {
        assert!(with_list(FaceError::NotBuilt).to_string().contains("--landmarks"));
        let folder = tempfile::tempdir().unwrap();
        let crops = folder.path().to_str().unwrap();
        let list = folder.path().join("eyes.csv");
        std::fs::write(&list, "z.png,60,40,30,40,46,55,58,70,34,70\n").unwrap();
        let words = ["align", "photos", "--out", crops, "--landmarks", list.to_str().unwrap()];
        let said = spec(&command().try_get_matches_from(words).unwrap()).unwrap_err().to_string();
        assert!(said.contains("left and right are exchanged") && !said.contains("--size"), "{said}");
    }
}
