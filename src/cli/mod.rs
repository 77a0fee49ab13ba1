//! The commands without a window: the same jobs, the same settings, the same run folders.
//!
//! Results go to standard output, progress and warnings to standard error. An error is one message: what happened,
//! where, what to do. Exit codes: 0 done (or "same"), 1 a negative answer, 2 an error, 3 undecided.

mod align;
mod args;
mod bench;
mod convert;
mod det;
mod devices;
mod embed;
mod evaluate;
mod export;
mod import;
mod inspect;
mod map;
mod model;
mod npy;
mod output;
mod own_images;
mod place;
mod sample;
mod signals;
mod train;
mod verify;

use clap::ArgMatches;
use std::process::ExitCode;

/// What a command answers with, beside its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done, or "same".
    Yes,
    /// "Different".
    No,
    /// "Cannot tell".
    Undecided,
}

impl From<Answer> for ExitCode {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Yes => Self::SUCCESS,
            Answer::No => Self::from(1),
            Answer::Undecided => Self::from(3),
        }
    }
}

/// Exit code of every error.
const ERROR: u8 = 2;

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let matches = match args::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            // Help and version are no errors: clap prints them to standard output.
            error.print().ok();
            return if error.use_stderr() { ExitCode::from(ERROR) } else { ExitCode::SUCCESS };
        }
    };
    output::start_log(matches.get_flag("verbose"));
    match dispatch(&matches) {
        Ok(answer) => answer.into(),
        Err(error) => {
            output::error(&error);
            ExitCode::from(ERROR)
        }
    }
}

fn dispatch(matches: &ArgMatches) -> anyhow::Result<Answer> {
    match matches.subcommand() {
        Some(("train", matches)) => train::run(matches),
        Some(("evaluate", matches)) => evaluate::run(matches),
        Some(("det", matches)) => det::run(matches),
        Some(("embed", matches)) => embed::run(matches),
        Some(("map", matches)) => map::run(matches),
        Some(("verify", matches)) => verify::run(matches),
        Some(("export", matches)) => export::run(matches),
        Some(("import", matches)) => import::run(matches),
        Some(("inspect", matches)) => inspect::run(matches),
        Some(("convert", matches)) => convert::run(matches),
        Some(("align", matches)) => align::run(matches),
        Some(("sample", matches)) => sample::run(matches),
        Some(("bench", matches)) => bench::run(matches),
        Some(("devices", matches)) => devices::run(matches),
        _ => window(matches),
    }
}

#[cfg(feature = "gui")]
fn window(matches: &ArgMatches) -> anyhow::Result<Answer> {
    crate::ui::run(matches.get_one::<std::path::PathBuf>("path").cloned())?;
    Ok(Answer::Yes)
}

#[cfg(not(feature = "gui"))]
fn window(_: &ArgMatches) -> anyhow::Result<Answer> {
    anyhow::bail!(
        "this build has no window; `arclens train sample-data` does the same job without one (see `arclens --help`)"
    )
}
