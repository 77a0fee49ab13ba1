//! The flags of `arclens bench`.

use crate::cli::args::{device, path, with_json};
use crate::config::{Net, Precision, RunConfig};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

/// The command with its sub-commands.
pub fn command() -> Command {
    Command::new("bench")
        .about("Time the parts of the program on this machine")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(step())
        .subcommand(
            common(Command::new("embed").about("Time embedding the images of a folder with a run, decoding included"))
                .arg(path("run", "Run folder"))
                .arg(path("data", "Folder of images or IDX file"))
                .arg(device()),
        )
        .subcommand(
            common(
                Command::new("input").about("Time decoding and augmenting a folder to batches ready for the network"),
            )
            .arg(path("data", "Folder of images or IDX file"))
            .arg(number("image", "112", "Side of the network's images in pixels"))
            .arg(number("batch", "64", "Images per batch"))
            .arg(number("steps", "3", "Passes over the images that are counted"))
            .arg(number("warmup", "1", "Passes before that")),
        )
        .subcommand(
            common(Command::new("pairs").about("Time scoring every pair of made-up embeddings up to the error rates"))
                .arg(number("images", "5000", "Embeddings"))
                .arg(number("dim", "512", "Numbers per embedding"))
                .arg(number("identities", "500", "Identities"))
                .arg(number("steps", "3", "Repetitions that are counted"))
                .arg(number("warmup", "1", "Repetitions before that")),
        )
        .subcommand(
            common(Command::new("map").about("Time laying made-up embeddings out"))
                .arg(number("points", "1000", "Embeddings"))
                .arg(number("dim", "128", "Numbers per embedding"))
                .arg(number("identities", "50", "Identities"))
                .arg(number("steps", "1", "Repetitions that are counted"))
                .arg(number("warmup", "0", "Repetitions before that"))
                .arg(Arg::new("method").long("method").default_value("tsne").help("pca, tsne or sphere")),
        )
}

fn step() -> Command {
    common(Command::new("step").about("Time training steps (forward, loss, backward, optimiser) on made-up images"))
        .arg(Arg::new("net").long("net").default_value("resnet18").value_parser(words(Net::ALL)).help("The network"))
        .arg(number("image", "28", "Side of the images in pixels"))
        .arg(number("channels", "3", "Channels of the images, 1 or 3"))
        .arg(number("batch", "32", "Images per step"))
        .arg(number("dim", "512", "Numbers per embedding"))
        .arg(number("classes", "1000", "Classes of the ArcFace head"))
        .arg(number("micro-batches", "1", "Parts a step is computed in"))
        .arg(
            Arg::new("precision")
                .long("precision")
                .default_value("f32")
                .value_parser(words(Precision::ALL))
                .help("Arithmetic of the convolutions on a GPU"),
        )
        .arg(
            Arg::new("recompute")
                .long("recompute")
                .action(ArgAction::SetTrue)
                .help("Compute maps again for the gradients, which needs less memory"),
        )
        .arg(Arg::new("forward-only").long("forward-only").action(ArgAction::SetTrue).help("Embedding alone"))
        .arg(number("steps", "10", "Steps that are counted"))
        .arg(number("warmup", "2", "Steps before that"))
        .arg(device())
}

/// What a choice may be on the command line.
fn words(choices: &[(&'static str, &'static str)]) -> Vec<&'static str> {
    choices.iter().map(|(word, _)| *word).collect()
}

fn common(command: Command) -> Command {
    with_json(command).arg(
        Arg::new("threads")
            .long("threads")
            .value_parser(value_parser!(u32))
            .help("Threads of the CPU work (default: all cores)"),
    )
}

fn number(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_parser(value_parser!(u32)).default_value(default).help(help)
}

/// A number with a default, at least `least`.
///
/// # Errors
/// When it is smaller.
pub fn get(matches: &ArgMatches, name: &str, least: u32) -> anyhow::Result<usize> {
    let value = matches.get_one::<u32>(name).copied().unwrap_or(least);
    anyhow::ensure!(value >= least, "--{name} must be at least {least}, not {value}");
    Ok(value as usize)
}

/// Network and precision, from the words that name them in a run file too.
///
/// # Errors
/// When there is no such network or precision.
pub fn net_and_precision(matches: &ArgMatches) -> anyhow::Result<(Net, Precision)> {
    let mut config = RunConfig::default();
    for (name, key) in [("net", "model.net"), ("precision", "train.precision")] {
        if let Some(word) = matches.get_one::<String>(name) {
            config.set_text(key, word)?;
        }
    }
    Ok((config.model.net, config.train.precision))
}
