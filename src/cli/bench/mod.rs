//! `arclens bench`: how fast the parts of the program are on this machine, as medians with their spread.
//!
//! A single time on a shared machine means little: compare with another program by running the two alternately
//! (`benches/compare.py` does).

mod args;
mod embed;
mod input;
mod map;
mod pairs;
mod step;
mod timing;

pub use args::command;

use super::Answer;
use anyhow::Context as _;
use clap::ArgMatches;

/// Runs the chosen benchmark.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let (name, matches) = matches.subcommand().context("say what to time: step, embed, input, pairs or map")?;
    use_threads(matches)?;
    match name {
        "step" => step::run(matches),
        "embed" => embed::run(matches),
        "input" => input::run(matches),
        "pairs" => pairs::run(matches),
        _ => map::run(matches),
    }?;
    Ok(Answer::Yes)
}

/// Limits the pool all CPU work runs on; must come before anything uses it.
fn use_threads(matches: &ArgMatches) -> anyhow::Result<()> {
    let Some(&threads) = matches.get_one::<u32>("threads") else { return Ok(()) };
    anyhow::ensure!(threads >= 1, "--threads must be at least 1");
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads as usize)
        .build_global()
        .context("the threads are running already")
}
