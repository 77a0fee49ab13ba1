//! `arclens train`.

mod changes;
mod ignored;
mod progress;
mod series;
mod which;

use super::output::{self, Meter};
use super::signals::stop_on_signals;
use super::{Answer, args};
use crate::config::{RunConfig, RunInfo, SeriesInfo, counted};
use crate::data::Catalog;
use crate::train::{Control, Place, RunSummary, TrainRequest, data_of, data_of_series, is_same_place, train};
use anyhow::Context as _;
use changes::Changes;
use clap::ArgMatches;
use ignored::ignored;
use progress::Watcher;
use series::{Series, series_folder};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Trains, with progress on standard error and the result on standard output.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let place = place(matches)?;
    // A series of one is a series: more seeds can join it later.
    let seeds = matches.get_one::<u32>("seeds").copied();
    let folder = seeds.map(|_| series_folder(&place)).transpose()?;
    let InForce { config, changes, data } = settings(matches, &place, seeds)?;
    let control = Control::default();
    stop_on_signals(&control)?;
    let mut watcher = Watcher::new();
    let catalog = open(&data, &control, &mut watcher.meter)?;
    let json = matches.get_flag("json");
    let request = TrainRequest { catalog, config, place };
    if let (Some(seeds), Some(folder)) = (seeds, folder) {
        Series { request, folder, seeds, changes }.run(json, &control, &mut watcher)?;
    } else {
        let summary = train(&request, &control, &mut watcher);
        watcher.meter.finish();
        report(&summary?, json)?;
    }
    Ok(Answer::Yes)
}

/// What is trained with.
struct InForce {
    config: RunConfig,
    /// What was typed of it that a run which goes on takes on.
    changes: Changes,
    /// Where the images are.
    data: PathBuf,
}

/// The settings in force: those asked for, or where a run or a series goes on, its own with what can still be changed.
/// Flags that then change nothing are named.
fn settings(matches: &ArgMatches, place: &Place, seeds: Option<u32>) -> anyhow::Result<InForce> {
    let is_series = seeds.is_some();
    let mut asked = args::settings(matches)?;
    let changes = Changes::of(matches, &asked);
    let begun = which::begun_with(matches, &asked, place, seeds)?;
    let data = data(matches, &begun)?;
    let Some(own) = begun.first() else {
        args::warn_without_effect(matches, &asked);
        asked.run = seeds.map(|seeds| RunInfo::before(SeriesInfo::begun_now(asked.train.seed, seeds)));
        return Ok(InForce { config: asked, changes, data });
    };
    let ignored = ignored(matches, &asked, own, is_series);
    if !ignored.is_empty() {
        output::warning(format!(
            "ignored {}: a run goes on with the settings that it was begun with; only --epochs (more than the {} it has) \
             and --device can be changed, and --start-from where the run that it started from lies elsewhere now",
            ignored.join(", "),
            own.train.epochs
        ));
    }
    let mut config = changes.made_to(own);
    if is_series {
        let is_typed = args::is_typed(matches, "train.seed");
        config.train.seed = if is_typed { asked.train.seed } else { which::first_seed(begun.iter()) };
    }
    config.run = seeds.and_then(|seeds| in_series(own, config.train.seed, seeds));
    Ok(InForce { config, changes, data })
}

/// Where the images are: what was typed, or where the run that goes on has them from, or the series ([`data_of_series`]).
fn data(matches: &ArgMatches, begun: &[RunConfig]) -> anyhow::Result<PathBuf> {
    if let Some(typed) = matches.get_one::<PathBuf>("data") {
        return Ok(typed.clone());
    }
    let last = begun
        .last()
        .context("no run of a series has begun in this folder, so the images have to be named, too: DATA")?;
    if let Some(data) = data_of_series(begun.iter()) {
        return Ok(data);
    }
    anyhow::bail!(
        "the images are not where they were when the run was trained last; name the place that they have now as DATA, in \
         front of --resume: {}",
        data_of(last)?.display()
    )
}

/// What a further run of a series says of it. One whose runs do not say that they are of a series stays without a name.
fn in_series(begun: &RunConfig, first_seed: u32, seeds: u32) -> Option<RunInfo> {
    let series = begun.run.as_ref()?.series.clone()?;
    Some(RunInfo::before(SeriesInfo { first_seed, seeds, ..series }))
}

fn place(matches: &ArgMatches) -> anyhow::Result<Place> {
    let out = matches.get_one::<PathBuf>("out").cloned();
    if !args::is_typed(matches, "resume") {
        return Ok(out.map_or_else(|| Place::NewIn(PathBuf::from("runs")), Place::NewAt));
    }
    let run = matches.get_one::<PathBuf>("resume").cloned();
    if let (Some(run), Some(out)) = (&run, &out) {
        anyhow::ensure!(
            is_same_place(run, out),
            "--resume and --out name two folders, but a run goes on in its own; leave --out out, or if the first of them is \
             where the images are, put it in front of --resume, as DATA: {} and {}",
            run.display(),
            out.display()
        );
    }
    run.or(out)
        .map(Place::Resume)
        .context("--resume needs the run's folder: --resume RUN, or --resume together with --out RUN")
}

/// Opens a data set and prints its problems as warnings.
pub fn open(path: &Path, control: &Control, meter: &mut Meter) -> anyhow::Result<Arc<Catalog>> {
    meter.report(0, 0, "reading");
    let catalog = Catalog::open(path, &|_| {}, &|| control.is_cancelled())?;
    for group in catalog.warnings.groups() {
        let examples = group.examples.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
        meter.note(&format!("warning: {} ({examples})", group.headline));
    }
    Ok(Arc::new(catalog))
}

fn report(summary: &RunSummary, json: bool) -> anyhow::Result<()> {
    output::line(what_came_of(summary));
    if summary.stopped {
        output::line(format!("continue with: arclens train --resume {}", output::typed(&summary.run)));
    }
    if json {
        output::json(&serde_json::to_value(summary)?);
    }
    Ok(())
}

fn what_came_of(summary: &RunSummary) -> String {
    let done = how_far(summary.epochs, summary.stopped);
    let eer = summary.eer.map(|eer| format!(", EER {}", output::percent(eer))).unwrap_or_default();
    format!("{done} in {:.0} s{eer}: {}", summary.seconds, summary.run.display())
}

/// `trained 1 epoch`, `stopped after 90 epochs`.
fn how_far(epochs: u32, is_stopped: bool) -> String {
    let word = if is_stopped { "stopped after" } else { "trained" };
    format!("{word} {}", counted(epochs as usize, "epoch"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(words: &[&str]) -> anyhow::Result<Place> {
        let matches = args::command().try_get_matches_from([&["arclens", "train", "data"][..], words].concat())?;
        place(matches.subcommand_matches("train").unwrap())
    }

    #[test]
    fn resuming_without_a_folder_goes_on_in_that_of_out() {
        let resumed = |run: &str| Place::Resume(run.into());
        assert_eq!(placed(&["--out", "run", "--resume"]).unwrap(), resumed("run"));
        assert_eq!(placed(&["--resume", "--out", "run"]).unwrap(), resumed("run"));
        assert_eq!(placed(&["--resume", "other"]).unwrap(), resumed("other"));
        assert_eq!(placed(&["--out", "run"]).unwrap(), Place::NewAt("run".into()));
        let error = placed(&["--resume"]).unwrap_err().to_string();
        assert!(error.contains("--resume RUN") && error.contains("--out RUN"), "{error}");
    }

    #[test]
    fn a_run_does_not_go_on_in_two_folders() {
        assert_eq!(placed(&["--out", "run", "--resume", "./run"]).unwrap(), Place::Resume("./run".into()));
        let error = placed(&["--resume", "images", "--out", "run"]).unwrap_err().to_string();
        assert!(error.contains("two folders") && error.contains("DATA: images and run"), "{error}");
    }

    #[test]
    fn one_epoch_is_told_in_the_singular() {
        assert_eq!([how_far(1, false), how_far(90, true)], ["trained 1 epoch", "stopped after 90 epochs"]);
    }
}
