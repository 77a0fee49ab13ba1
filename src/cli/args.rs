//! The command line. Every setting's flag comes from the table of settings, so none can be forgotten or drift.

use crate::config::{Kind, MarginUse, PARAMS, Preset, RunConfig, SeriesInfo, load_over};
use anyhow::Context as _;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::path::{Path, PathBuf};

/// The whole command line.
pub fn command() -> Command {
    Command::new("arclens")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A studio for margin-based embeddings: train, explore, evaluate and verify on your own images")
        .after_help("Without a command, the window opens; `arclens FOLDER` opens it on that folder.")
        .args_conflicts_with_subcommands(true)
        .arg(
            Arg::new("path")
                .value_parser(value_parser!(PathBuf))
                .help("Folder, data file or run to open in the window"),
        )
        .arg(
            Arg::new("verbose")
                .long("verbose")
                .short('v')
                .action(ArgAction::SetTrue)
                .global(true)
                .help("Write what the program does to standard error"),
        )
        .subcommand(train())
        .subcommand(evaluate())
        .subcommand(super::det::command())
        .subcommand(embed())
        .subcommand(map())
        .subcommand(verify())
        .subcommand(super::inspect::command())
        .subcommand(super::convert::command())
        .subcommand(super::align::command())
        .subcommand(super::import::command())
        .subcommand(super::export::command())
        .subcommand(sample())
        .subcommand(super::bench::command())
        .subcommand(with_json(Command::new("devices").about("List the devices and why one cannot be used")))
}

/// The flag that asks for the JSON object.
pub fn with_json(command: Command) -> Command {
    command.arg(
        Arg::new("json")
            .long("json")
            .action(ArgAction::SetTrue)
            .help("Print one JSON object as the last line of standard output"),
    )
}

/// A required path.
pub fn path(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).required(true).value_parser(value_parser!(PathBuf)).help(help)
}

/// A path that may be given.
pub fn option(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_parser(value_parser!(PathBuf)).help(help)
}

/// The device to compute on.
pub fn device() -> Arg {
    Arg::new("train.device").long("device").default_value("auto").help("auto, cpu, or cuda:0 (see `arclens devices`)")
}

fn train() -> Command {
    let command = with_json(
        Command::new("train").about("Train an embedding on a folder of images, or a file that holds or lists them"),
    )
    .arg(
        Arg::new("data").required_unless_present("resume").value_parser(value_parser!(PathBuf)).help(
            "Folder with one sub-folder per class, a train/ + test/ tree, an archive of one, a .rec, IDX or list file; with \
             --resume only where the images have moved",
        ),
    )
    .arg(option("config", "Run file with settings; flags come on top of it"))
    .arg(option("out", "Folder of the new run (default: a dated folder below ./runs)"))
    .arg(
        Arg::new("resume")
            .long("resume")
            .value_name("RUN")
            .num_args(0..=1)
            .value_parser(value_parser!(PathBuf))
            .help("Continue a run from its last checkpoint (RUN, or the folder given with --out)"),
    )
    .arg(
        Arg::new("preset")
            .long("preset")
            .value_parser(Preset::ALL.iter().map(|(word, _)| *word).collect::<Vec<_>>())
            .help("Settings for a kind of data to start from; a run file and flags change them"),
    )
    .arg(
        Arg::new("seeds")
            .long("seeds")
            .value_name("K")
            .value_parser(value_parser!(u32).range(1..=i64::from(SeriesInfo::MOST_SEEDS)))
            .help(
                "Train K times with seeds in a row, into FOLDER/seed-N, and report mean and deviation. Each seed also \
         holds out other identities or images, unless data.held_out or a val/test folder says which",
            ),
    )
    .arg(
        Arg::new("margin")
            .long("margin")
            .help("Margin of the chosen loss: radians for ArcFace, cosine for CosFace, factor for SphereFace")
            .help_heading("Loss"),
    );
    PARAMS.iter().fold(command, |command, spec| {
        let unit = spec.unit.map(|unit| format!(" [{unit}]")).unwrap_or_default();
        let words = match spec.kind {
            Kind::Choice(choices) => {
                format!(" ({})", choices.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", "))
            }
            _ => String::new(),
        };
        let mut arg = Arg::new(spec.key)
            .long(spec.key)
            .value_name("VALUE")
            .help(format!("{}{unit}{words}", spec.help))
            .help_heading(spec.group.label());
        if let Some(short) = spec.short {
            arg = arg.visible_alias(short);
        }
        command.arg(arg)
    })
}

fn evaluate() -> Command {
    with_json(Command::new("evaluate").about("Measure a run's error rates"))
        .arg(path("run", "Run folder"))
        .arg(option(
            "data",
            "Another data set, all of whose images are compared (default: the held-out part of the run's own)",
        ))
        .arg(option("pairs", "List of pairs (pairs.txt)"))
        .arg(option("bin", "Verification set as InsightFace packs it (lfw.bin); nothing in it is run"))
        .arg(
            option("images", "Folder the names in --pairs belong to (default: the list's own folder)")
                .requires("pairs"),
        )
        .arg(
            Arg::new("eval.far_target")
                .long("far")
                .help("False accept rate of the operating point (default: as the threshold was chosen last)"),
        )
        .arg(device())
}

fn embed() -> Command {
    with_json(Command::new("embed").about("Write embeddings of images as .npy, with a .csv of path, label and length"))
        .arg(path("run", "Run folder"))
        .arg(
            Arg::new("images")
                .required(true)
                .num_args(1..)
                .value_parser(value_parser!(PathBuf))
                .help("Images, or one data set"),
        )
        .arg(option("out", "The .npy file").required(true))
        .arg(device())
}

fn map() -> Command {
    let command = with_json(Command::new("map").about("Lay embeddings out in two or three dimensions"))
        .arg(path("source", "Run folder (its held-out images), or embeddings written by `embed`"))
        .arg(option("out", "The .csv table or .png picture").required(true))
        .arg(option("data", "With a run: another data set, all of whose images are laid out"))
        .arg(
            Arg::new("seed")
                .long("seed")
                .value_parser(value_parser!(u32))
                .default_value("1")
                .help("Seed of the layout"),
        )
        .arg(device());
    PARAMS.iter().filter(|spec| spec.group == crate::config::Group::Map).fold(command, |command, spec| {
        let arg = Arg::new(spec.key).long(spec.key).value_name("VALUE").help(spec.help);
        command.arg(match spec.short {
            Some(short) => arg.visible_alias(short),
            None => arg,
        })
    })
}

fn verify() -> Command {
    with_json(
        Command::new("verify")
            .about("Tell whether two images show the same identity (exit code 0 same, 1 different, 3 undecided)"),
    )
    .arg(path("run", "Run folder"))
    .arg(path("first", "First image"))
    .arg(path("second", "Second image"))
    .arg(device())
}

fn sample() -> Command {
    let number = |name: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_parser(value_parser!(u32)).default_value(default).help(help)
    };
    with_json(
        Command::new("sample")
            .about("Draw the sample data: procedural portraits, free of rights, the same for the same seed"),
    )
    .arg(path("dir", "New folder"))
    .arg(number("identities", "78", "Identities; two thirds for training"))
    .arg(number("images", "20", "Images of each"))
    .arg(number("size", "64", "Side in pixels"))
    .arg(Arg::new("seed").long("seed").value_parser(value_parser!(u64)).default_value("7").help("Seed"))
}

/// Settings in their order of precedence: defaults < preset < run file < flags. A flag that repeats the default still wins over
/// the file, because what counts is that it was typed.
///
/// # Errors
/// When the file or a flag cannot be used.
pub fn settings(matches: &ArgMatches) -> anyhow::Result<RunConfig> {
    let word = matches.try_get_one::<String>("preset").ok().flatten();
    let preset = word.and_then(|word| Preset::every().find(|preset| preset.word() == word));
    let base = preset.map_or_else(RunConfig::default, |preset| preset.settings(&RunConfig::default()));
    let mut config = match matches.try_get_one::<PathBuf>("config") {
        Ok(Some(path)) => load_over(&base, path)?,
        _ => base,
    };
    config.run = None;
    for spec in PARAMS {
        if let Some(text) = typed(matches, spec.key) {
            config.set_text(spec.key, text)?;
        }
    }
    if let Some(text) = typed(matches, "margin") {
        set_margin(&mut config, text)?;
    }
    Ok(config)
}

/// Warns of what was typed and changes nothing, given all the other settings. What a run file says is not typed.
pub fn warn_without_effect(matches: &ArgMatches, config: &RunConfig) {
    let flags = without_effect(matches, config);
    if !flags.is_empty() {
        super::output::warning(format!(
            "without effect: {}; the loss, the schedule or whatever else was chosen has no use for it",
            flags.join(", ")
        ));
    }
}

/// The flags of settings that have no effect, as a person writes them.
fn without_effect(matches: &ArgMatches, config: &RunConfig) -> Vec<String> {
    let unused = PARAMS.iter().filter(|spec| !(spec.applies)(config) && typed(matches, spec.key).is_some());
    unused.map(|spec| format!("--{}", spec.short.unwrap_or(spec.key))).collect()
}

fn typed<'a>(matches: &'a ArgMatches, id: &str) -> Option<&'a str> {
    let text = matches.try_get_one::<String>(id).ok().flatten()?;
    is_typed(matches, id).then_some(text.as_str())
}

/// This argument of the command was typed.
pub fn is_typed(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// What was typed of `train`'s arguments that say something about the settings: each one's id, and its flag as a person
/// writes it.
pub fn typed_settings(matches: &ArgMatches) -> Vec<(&'static str, String)> {
    let settings = PARAMS.iter().map(|spec| (spec.key, spec.short.unwrap_or(spec.key)));
    let all = settings.chain(["margin", "config", "preset"].map(|name| (name, name)));
    all.filter(|(id, _)| is_typed(matches, id)).map(|(id, flag)| (id, format!("--{flag}"))).collect()
}

/// `--margin` is the one margin of a loss that has one.
fn set_margin(config: &mut RunConfig, text: &str) -> anyhow::Result<()> {
    let (head, used) = (config.loss.head, config.loss.head.margin_use());
    match used {
        MarginUse { factor: true, rad: false, cos: false } => config.set_text("loss.margin_factor", text)?,
        MarginUse { factor: false, rad: true, cos: false } => config.set_text("loss.margin_rad", text)?,
        MarginUse { factor: false, rad: false, cos: true } => config.set_text("loss.margin_cos", text)?,
        MarginUse { factor: false, rad: false, cos: false } => {
            anyhow::ensure!(
                text.parse() == Ok(0.0),
                "{} has no margin; choose --loss arcface or cosface, or leave --margin out",
                head.label()
            );
        }
        _ => anyhow::bail!(
            "{} has several margins; name them with --loss.margin_factor, --loss.margin_rad and --loss.margin_cos",
            head.label()
        ),
    }
    Ok(())
}

/// A required path.
///
/// # Errors
/// Never in practice: clap has checked that it is there.
pub fn get_path<'a>(matches: &'a ArgMatches, name: &str) -> anyhow::Result<&'a Path> {
    matches.get_one::<PathBuf>(name).map(PathBuf::as_path).with_context(|| format!("{name} is missing; see --help"))
}

/// The device named with `--device`.
///
/// # Errors
/// When it cannot be used.
pub fn get_device(matches: &ArgMatches) -> anyhow::Result<crate::train::Device> {
    let wanted = matches.get_one::<String>("train.device").map_or("auto", String::as_str);
    Ok(crate::train::choose(wanted)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Auto;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn every_setting_has_its_flag() {
        let mut command = command();
        let train = command.find_subcommand_mut("train").unwrap();
        let help = train.render_long_help().to_string();
        for spec in PARAMS {
            assert!(help.contains(&format!("--{}", spec.key)), "{}", spec.key);
        }
    }

    fn parse(words: &[&str]) -> anyhow::Result<RunConfig> {
        let matches = command().try_get_matches_from(words)?;
        let (_, matches) = matches.subcommand().unwrap();
        settings(matches)
    }

    #[test]
    fn a_flag_that_repeats_the_default_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.toml");
        std::fs::write(&file, "[train]\nseed = 7\nepochs = 3\n").unwrap();
        let file = file.to_str().unwrap();
        let config = parse(&["arclens", "train", "x", "--config", file, "--seed", "1"]).unwrap();
        assert_eq!((config.train.seed, config.train.epochs), (1, 3));
    }

    #[test]
    fn margin_goes_to_the_chosen_loss() {
        let config = parse(&["arclens", "train", "x", "--loss", "cosface", "--margin", "0.3"]).unwrap();
        assert_eq!(config.loss.margin_cos, Auto::Set(0.3));
        let config = parse(&["arclens", "train", "x", "--margin", "0.4"]).unwrap();
        assert_eq!(config.loss.margin_rad, Auto::Set(0.4));
        let config = parse(&["arclens", "train", "x", "--loss", "sphereface", "--margin", "3"]).unwrap();
        assert_eq!(config.loss.margin_factor, Auto::Set(3.0));
        for head in ["softmax", "combined"] {
            assert!(parse(&["arclens", "train", "x", "--loss", head, "--margin", "0.4"]).is_err(), "{head}");
        }
    }

    #[test]
    fn a_folder_of_images_is_taken_with_a_list_of_pairs_only() {
        let parse =
            |words: &[&str]| command().try_get_matches_from([&["arclens", "evaluate", "run"][..], words].concat());
        assert!(parse(&["--pairs", "pairs.txt", "--images", "photos"]).is_ok());
        for words in [&["--images", "photos"][..], &["--images", "photos", "--bin", "lfw.bin"]] {
            let error = parse(words).unwrap_err().to_string();
            assert!(error.contains("--pairs"), "{words:?}: {error}");
        }
    }

    #[test]
    fn flags_that_change_nothing_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.toml");
        std::fs::write(&file, "[loss]\nhead = \"softmax\"\nscale = 30.0\n").unwrap();
        let unused = |words: &[&str]| {
            let matches = command().try_get_matches_from([&["arclens"][..], words].concat()).unwrap();
            let (_, matches) = matches.subcommand().unwrap();
            without_effect(matches, &settings(matches).unwrap()).join(" ")
        };
        let train = |words: &[&str]| unused(&[&["train", "x"][..], words].concat());
        assert_eq!(train(&["--loss", "cosface", "--loss.margin_rad", "0.3"]), "--loss.margin_rad");
        assert_eq!(train(&["--loss", "softmax", "--scale", "30"]), "--scale");
        assert_eq!(train(&["--train.freeze_epochs", "2", "--train.power", "2"]), "--train.freeze_epochs --train.power");
        assert_eq!(train(&["--start-from", "run", "--train.freeze_epochs", "2", "--scale", "30"]), "");
        assert_eq!(train(&["--config", file.to_str().unwrap()]), "", "a run file says everything");
        // MobileFaceNet has a way of its own to gather its features.
        let pooling = ["--pooling", "average", "--net"];
        assert_eq!(train(&[&pooling[..], &["mobilefacenet"]].concat()), "--pooling");
        assert_eq!(train(&[&pooling[..], &["iresnet18"]].concat()), "");
        let map = ["map", "run", "--out", "map.csv", "--perplexity", "20"];
        assert_eq!(
            (unused(&map).as_str(), unused(&[&map[..], &["--method", "pca"]].concat()).as_str()),
            ("", "--perplexity")
        );
    }

    #[test]
    fn long_and_short_flags_set_the_same() {
        let long = parse(&["arclens", "train", "x", "--train.epochs", "4"]).unwrap();
        let short = parse(&["arclens", "train", "x", "--epochs", "4"]).unwrap();
        assert_eq!(long, short);
    }
}
