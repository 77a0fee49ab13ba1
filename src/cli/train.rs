//! `arclens train`.

use super::output::{self, Meter};
use super::{Answer, args};
use crate::config::{PARAMS, RunConfig, RunInfo, SeriesInfo};
use crate::data::Catalog;
use crate::train::{
    Control, Footprint, Observer, Place, RunSummary, TrainError, TrainEvent, TrainRequest, is_run, measures,
    read_config, train,
};
use anyhow::Context as _;
use clap::ArgMatches;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The settings that `--margin` may stand for.
const MARGINS: [&str; 3] = ["loss.margin_factor", "loss.margin_rad", "loss.margin_cos"];

/// Trains, with progress on standard error and the result on standard output.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let place = place(matches)?;
    let seeds = matches.get_one::<u32>("seeds").copied().filter(|seeds| *seeds > 1);
    let (config, changes) = settings(matches, &place, seeds)?;
    let folder = seeds.map(|_| series_folder(&place)).transpose()?;
    let control = Control::default();
    stop_on_ctrl_c(&control)?;
    let mut watcher = Watcher::new();
    let catalog = open(args::get_path(matches, "data")?, &control, &mut watcher.meter)?;
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

/// The settings in force: those asked for, or where a run or a series goes on, its own with what can still be changed.
/// Flags that then change nothing are named.
fn settings(matches: &ArgMatches, place: &Place, seeds: Option<u32>) -> anyhow::Result<(RunConfig, Changes)> {
    let is_series = seeds.is_some();
    let mut asked = args::settings(matches)?;
    let changes = Changes::of(matches, &asked);
    let Some(own) = begun_with(place, is_series)? else {
        asked.run = seeds.map(|seeds| RunInfo::before(SeriesInfo::begun_now(asked.train.seed, seeds)));
        return Ok((asked, changes));
    };
    let ignored = ignored(matches, &asked, &own, is_series);
    if !ignored.is_empty() {
        output::warning(format!(
            "ignored {}: a run goes on with the settings that it was begun with; only --epochs (more of them) and \
             --device can be changed",
            ignored.join(", ")
        ));
    }
    let mut config = changes.made_to(&own);
    if is_series && args::is_typed(matches, "train.seed") {
        config.train.seed = asked.train.seed;
    }
    config.run = seeds.and_then(|seeds| in_series(&own, config.train.seed, seeds));
    Ok((config, changes))
}

/// What a further run of a series says of it. One whose runs do not say that they are of a series stays without a name.
fn in_series(begun: &RunConfig, first_seed: u32, seeds: u32) -> Option<RunInfo> {
    let series = begun.run.as_ref()?.series.clone()?;
    Some(RunInfo::before(SeriesInfo { first_seed, seeds, ..series }))
}

/// The settings of the run that goes on, or of the first of a series; none where nothing has begun.
fn begun_with(place: &Place, is_series: bool) -> anyhow::Result<Option<RunConfig>> {
    let Place::Resume(folder) = place else { return Ok(None) };
    let run = if is_series { begun_runs(folder).next() } else { Some(folder.clone()) };
    Ok(run.map(|run| read_config(&run)).transpose()?)
}

/// The flags that ask for something else than the run has, and cannot have it. One that repeats what the run was begun
/// with is none of them: the same command with `--resume` at its end is how a run goes on.
fn ignored(matches: &ArgMatches, asked: &RunConfig, own: &RunConfig, is_series: bool) -> Vec<String> {
    let before = own.as_asked();
    let differs = |key: &str| {
        let wanted = asked.get(key).ok();
        wanted != own.get(key).ok() && wanted != before.get(key).ok()
    };
    let is_ignored = |id: &str| match id {
        "train.device" => false,
        "train.epochs" => asked.train.epochs < own.train.epochs,
        // The first of a series is the one with this seed.
        "train.seed" if is_series => false,
        "margin" => MARGINS.iter().any(|key| differs(key)),
        "config" | "preset" => PARAMS.iter().any(|spec| !args::is_typed(matches, spec.key) && differs(spec.key)),
        key => differs(key),
    };
    let typed = args::typed_settings(matches).into_iter();
    typed.filter(|(id, _)| is_ignored(id)).map(|(_, flag)| flag).collect()
}

/// What was typed of the settings that a run takes on when it goes on.
struct Changes {
    epochs: Option<u32>,
    device: Option<String>,
}

impl Changes {
    fn of(matches: &ArgMatches, asked: &RunConfig) -> Self {
        Self {
            epochs: args::is_typed(matches, "train.epochs").then_some(asked.train.epochs),
            device: args::is_typed(matches, "train.device").then(|| asked.train.device.clone()),
        }
    }

    /// The settings of a run with the changes. It can become longer, not shorter.
    fn made_to(&self, own: &RunConfig) -> RunConfig {
        let mut config = own.as_asked();
        config.train.epochs = config.train.epochs.max(self.epochs.unwrap_or_default());
        if let Some(device) = &self.device {
            config.train.device.clone_from(device);
        }
        config
    }
}

/// The same settings over several seeds.
struct Series {
    /// The settings of runs that have not begun; the seed is the first one's.
    request: TrainRequest,
    folder: PathBuf,
    seeds: u32,
    changes: Changes,
}

/// What came of a series.
#[derive(Default)]
struct Outcome {
    finished: Vec<RunSummary>,
    /// The run that was stopped before its last epoch.
    stopped: Option<RunSummary>,
    failure: Option<anyhow::Error>,
}

impl Series {
    /// Trains what is left to train. What is finished is reported, whatever ends the series.
    fn run(&self, json: bool, control: &Control, watcher: &mut Watcher) -> anyhow::Result<()> {
        let outcome = self.train(control, watcher);
        watcher.meter.finish();
        if outcome.finished.is_empty() && outcome.stopped.is_none() {
            return Err(outcome.failure.unwrap_or_else(|| TrainError::Cancelled.into()));
        }
        self.report(&outcome, json)?;
        outcome.failure.map_or(Ok(()), Err)
    }

    fn train(&self, control: &Control, watcher: &mut Watcher) -> Outcome {
        let mut outcome = Outcome::default();
        let first = self.request.config.train.seed;
        for seed in (0..self.seeds).map(|n| first.wrapping_add(n)) {
            if control.is_cancelled() {
                break;
            }
            match self.one(seed, control, watcher) {
                Ok(summary) if summary.stopped => outcome.stopped = Some(summary),
                Ok(summary) => outcome.finished.push(summary),
                Err(TrainError::Cancelled) => break,
                Err(error) => {
                    let error = anyhow::Error::from(error);
                    outcome.failure = Some(error.context(format!("the run with seed {seed} failed")));
                    break;
                }
            }
        }
        outcome
    }

    /// One run in a folder of its own. What has begun goes on with its own settings; what is finished stays as it is.
    fn one(&self, seed: u32, control: &Control, watcher: &mut Watcher) -> Result<RunSummary, TrainError> {
        let run = run_of(&self.folder, seed);
        let mut request = self.request.clone();
        if matches!(request.place, Place::Resume(_)) && is_run(&run) {
            request.config = self.changes.made_to(&read_config(&run)?);
            request.place = Place::Resume(run);
        } else {
            request.config = self.further(seed);
            request.place = Place::NewAt(run);
        }
        if let Some(summary) = RunSummary::of_finished(&request)? {
            watcher.meter.note(&format!("{}: was finished before", summary.run.display()));
            return Ok(summary);
        }
        train(&request, control, watcher)
    }

    /// The settings of a run that has not begun. What it starts from and its network are those of the first of the series.
    fn further(&self, seed: u32) -> RunConfig {
        let mut config = self.request.config.clone();
        config.train.seed = seed;
        if let Some(first) = series_id(&config).and_then(|id| first_of(&self.folder, id)) {
            config.follow(&first);
        }
        config
    }

    fn report(&self, outcome: &Outcome, json: bool) -> anyhow::Result<()> {
        let runs: Vec<&RunSummary> = outcome.finished.iter().chain(&outcome.stopped).collect();
        runs.iter().for_each(|summary| output::line(what_came_of(summary)));
        let (finished, seeds) = (outcome.finished.len(), self.seeds);
        let of_all = if finished < seeds as usize { format!(" of {seeds}") } else { String::new() };
        let measures = measures(&outcome.finished);
        for measure in &measures {
            if let (Some(text), Some(mean)) = (measure.mean_text(), measure.mean_sd()) {
                output::line(format!("{}: {text} over {}{of_all} runs", measure.key, mean.runs));
            }
        }
        if finished < seeds as usize && outcome.failure.is_none() {
            let folder = self.folder.display();
            output::line(format!("stopped after {finished} of {seeds} runs"));
            output::line(format!("continue with: arclens train DATA --seeds {seeds} --resume {folder}"));
        }
        if json {
            let measures: serde_json::Map<_, _> = measures
                .iter()
                .filter_map(|measure| Some((measure.key.clone(), measure.mean_sd()?)))
                .map(|(key, mean)| Ok((key, serde_json::to_value(mean)?)))
                .collect::<anyhow::Result<_>>()?;
            output::json(&serde_json::json!({ "runs": runs, "measures": measures }));
        }
        Ok(())
    }
}

/// The folder that the runs of a series lie in.
fn series_folder(place: &Place) -> anyhow::Result<PathBuf> {
    match place {
        Place::NewAt(folder) | Place::Resume(folder) => Ok(folder.clone()),
        Place::NewIn(_) => anyhow::bail!("--seeds needs the folder that the runs go into: --out FOLDER"),
    }
}

/// Where a series keeps the run with this seed.
fn run_of(folder: &Path, seed: u32) -> PathBuf {
    folder.join(format!("seed-{seed}"))
}

/// The runs that have begun in a folder of series, by their seeds.
fn begun_runs(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let seed = |entry: std::fs::DirEntry| entry.file_name().to_str()?.strip_prefix("seed-")?.parse::<u32>().ok();
    let mut seeds: Vec<u32> = std::fs::read_dir(folder).into_iter().flatten().flatten().filter_map(seed).collect();
    seeds.sort_unstable();
    seeds.into_iter().map(move |seed| run_of(folder, seed)).filter(|run| is_run(run))
}

/// The settings of the run with the lowest seed of those of a series. The folder may hold runs of an earlier series, too.
fn first_of(folder: &Path, id: &str) -> Option<RunConfig> {
    begun_runs(folder).filter_map(|run| read_config(&run).ok()).find(|config| series_id(config) == Some(id))
}

/// The name of the series that a run is one of.
fn series_id(config: &RunConfig) -> Option<&str> {
    Some(config.run.as_ref()?.series.as_ref()?.id.as_str())
}

fn place(matches: &ArgMatches) -> anyhow::Result<Place> {
    let out = matches.get_one::<PathBuf>("out").cloned();
    match matches.get_one::<PathBuf>("resume") {
        Some(run) if run.as_os_str().is_empty() => Ok(Place::Resume(
            out.context("--resume needs the run's folder: --resume RUN, or --resume together with --out RUN")?,
        )),
        Some(run) => Ok(Place::Resume(run.clone())),
        None => Ok(out.map_or_else(|| Place::NewIn(PathBuf::from("runs")), Place::NewAt)),
    }
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

/// Ctrl+C asks for a stop, which keeps what was learned; a second one ends the program at once.
pub fn stop_on_ctrl_c(control: &Control) -> anyhow::Result<()> {
    let control = control.clone();
    ctrlc::set_handler(move || {
        if control.is_cancelled() {
            std::process::exit(130);
        }
        control.cancel();
    })
    .context("Ctrl+C cannot be watched for")
}

struct Watcher {
    meter: Meter,
    total_steps: u64,
}

impl Watcher {
    fn new() -> Self {
        Self { meter: Meter::new("train"), total_steps: 0 }
    }
}

impl Observer for Watcher {
    fn event(&mut self, event: TrainEvent) {
        match event {
            TrainEvent::Preparing(done, total) => self.meter.report(done as u64, total as u64, "images decoded"),
            TrainEvent::Started(started) => {
                self.total_steps = started.steps_per_epoch as u64 * u64::from(started.epochs);
                self.meter.note(&format!(
                    "{}: {} images of {} classes, {} held out, on {}",
                    started.run.display(),
                    started.train_images,
                    started.classes,
                    started.validation_images,
                    started.device
                ));
                let Footprint { parameters, multiply_adds, training_bytes } = started.footprint;
                self.meter.note(&format!(
                    "network and head: {:.2} million weights, {:.3} GMAC per image, about {:.1} GB of memory",
                    parameters as f64 / 1e6,
                    multiply_adds as f64 / 1e9,
                    training_bytes as f64 / 1e9
                ));
                for reason in &started.reasons {
                    self.meter.note(&format!("  {} = {}: {}", reason.key, reason.value, reason.why));
                }
            }
            TrainEvent::Step(step) => {
                let message = format!(
                    "loss {:.3}, accuracy {:.1} %, {:.0} images/s, {:.0} s left",
                    step.loss,
                    step.accuracy * 100.0,
                    step.images_per_second,
                    step.eta_secs
                );
                self.meter.report(step.step, self.total_steps, &message);
            }
            TrainEvent::Epoch(epoch) => {
                let eer = epoch.eer.map(|eer| format!(", EER {}", output::percent(eer))).unwrap_or_default();
                let accuracy =
                    epoch.val_accuracy.map(|a| format!(", held-out accuracy {:.2} %", a * 100.0)).unwrap_or_default();
                let best = if epoch.best { " (best)" } else { "" };
                self.meter.note(&format!(
                    "epoch {:>3}: loss {:.4}, accuracy {:.1} %{accuracy}{eer}, {:.0} images/s, {:.0} s{best}",
                    epoch.epoch,
                    epoch.train_loss,
                    epoch.train_accuracy * 100.0,
                    epoch.images_per_second,
                    epoch.elapsed_secs
                ));
            }
            TrainEvent::Note(text) => self.meter.note(&text),
            TrainEvent::Warning(text) => self.meter.note(&format!("warning: {text}")),
            TrainEvent::Angles(_) | TrainEvent::Validation(_) | TrainEvent::Saved(_) => {}
        }
    }
}

fn report(summary: &RunSummary, json: bool) -> anyhow::Result<()> {
    output::line(what_came_of(summary));
    if summary.stopped {
        output::line(format!("continue with: arclens train DATA --resume {}", summary.run.display()));
    }
    if json {
        output::json(&serde_json::to_value(summary)?);
    }
    Ok(())
}

fn what_came_of(summary: &RunSummary) -> String {
    let word = if summary.stopped { "stopped" } else { "trained" };
    let eer = summary.eer.map(|eer| format!(", EER {}", output::percent(eer))).unwrap_or_default();
    format!("{word} {} epochs in {:.0} s{eer}: {}", summary.epochs, summary.seconds, summary.run.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Auto, save};
    use crate::data::testing::draw_classes;

    #[test]
    fn a_further_run_follows_the_first_of_its_series_and_no_other_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        draw_classes(&data, 2, 2);
        let catalog = Arc::new(Catalog::open(&data, &|_| {}, &|| false).unwrap());
        let of_series = |id: &str| RunInfo::before(SeriesInfo { id: id.into(), first_seed: 3, seeds: 3 });
        let begun = |seed: u32, id: &str, start_sha256: &str, embedding_dim: u32| {
            let mut config = RunConfig::default();
            config.train.seed = seed;
            config.model.embedding_dim = Auto::Set(embedding_dim);
            let (version, start_sha256) = ("1.0.0".into(), start_sha256.into());
            let automatic = vec!["model.embedding_dim".into()];
            config.run = Some(RunInfo { version, start_sha256, automatic, ..of_series(id) });
            let run = run_of(folder.path(), seed);
            std::fs::create_dir(&run).unwrap();
            save(&config, &run.join("run.toml")).unwrap();
        };
        begun(1, "earlier", "of the earlier one", 32);
        let config = RunConfig { run: Some(of_series("one")), ..RunConfig::default() };
        let request = TrainRequest { catalog, config, place: Place::NewAt(folder.path().to_owned()) };
        let changes = Changes { epochs: None, device: None };
        let series = Series { request, folder: folder.path().to_owned(), seeds: 3, changes };
        let start = |config: &RunConfig| config.run.clone().unwrap().start_sha256;
        let first = series.further(3);
        assert_eq!((start(&first).as_str(), first.model.embedding_dim), ("", Auto::Auto));
        // Of numbers, ten comes after four.
        begun(10, "one", "of the last", 128);
        begun(4, "one", "of the first", 64);
        let further = series.further(5);
        assert_eq!((start(&further).as_str(), further.model.embedding_dim), ("of the first", Auto::Set(64)));
        assert_eq!(further.train.seed, 5);
    }
}
