//! `arclens train`.

mod series;
mod which;

use super::output::{self, Meter};
use super::{Answer, args};
use crate::config::{PARAMS, RunConfig, RunInfo, SeriesInfo, counted};
use crate::data::Catalog;
use crate::train::{
    Control, EpochMetrics, Footprint, Observer, Place, RunSummary, TrainEvent, TrainRequest, data_of, data_of_series,
    is_same_place, train,
};
use anyhow::Context as _;
use clap::ArgMatches;
use series::{Series, series_folder};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The settings that `--margin` may stand for.
const MARGINS: [&str; 3] = ["loss.margin_factor", "loss.margin_rad", "loss.margin_cos"];

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
    let last = begun.last();
    let last =
        last.context("no run of a series has begun in this folder, so the images have to be named, too: DATA")?;
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

/// The flags that ask for something else than the run has, and cannot have it. One that repeats what the run was begun
/// with is none of them: the same command with `--resume` at its end is how a run goes on.
fn ignored(matches: &ArgMatches, asked: &RunConfig, own: &RunConfig, is_series: bool) -> Vec<String> {
    let before = own.as_asked();
    let differs = |key: &str| {
        let wanted = asked.get(key).ok();
        wanted != own.get(key).ok() && wanted != before.get(key).ok()
    };
    let is_ignored_key = |key: &str| match key {
        "train.device" => false,
        "train.epochs" => asked.train.epochs < own.train.epochs,
        // The trainer finds out whether it is the same run.
        "train.start_from" if own.train.is_fine_tuned() && asked.train.is_fine_tuned() => false,
        // The first of a series is the one with this seed.
        "train.seed" if is_series => false,
        key => differs(key),
    };
    // Of a file, nothing is taken on. Where it says what is usual, it may only not have said anything else.
    let usual = RunConfig::default();
    let is_said = |key: &str| differs(key) && asked.get(key).ok() != usual.get(key).ok();
    let begins_at = own.run.as_ref().and_then(|facts| facts.series.as_ref()).map(|series| series.first_seed);
    let [wanted, had] = [asked, own].map(|config| Path::new(config.train.start_from.trim()));
    let is_ignored_of_file = |key: &str| match key {
        // A run may be longer now than the file says that it was begun with.
        "train.epochs" => is_said(key) && asked.train.epochs > own.train.epochs,
        "train.device" => is_said(key),
        "train.seed" if is_series => is_said(key) && begins_at != Some(asked.train.seed),
        "train.start_from" => !is_same_place(wanted, had),
        key => is_ignored_key(key),
    };
    let is_of_file = |key: &str| !args::is_typed(matches, key) && is_ignored_of_file(key);
    let is_ignored = |id: &str| match id {
        "margin" => MARGINS.iter().any(|key| differs(key)),
        "config" | "preset" => PARAMS.iter().any(|spec| is_of_file(spec.key)),
        key => is_ignored_key(key),
    };
    let typed = args::typed_settings(matches).into_iter();
    typed.filter(|(id, _)| is_ignored(id)).map(|(_, flag)| flag).collect()
}

/// What was typed of the settings that a run takes on when it goes on.
struct Changes {
    epochs: Option<u32>,
    device: Option<String>,
    /// Where the run lies now that it started from.
    start_from: Option<String>,
}

impl Changes {
    fn of(matches: &ArgMatches, asked: &RunConfig) -> Self {
        Self {
            epochs: args::is_typed(matches, "train.epochs").then_some(asked.train.epochs),
            device: args::is_typed(matches, "train.device").then(|| asked.train.device.clone()),
            start_from: args::is_typed(matches, "train.start_from").then(|| asked.train.start_from.clone()),
        }
    }

    /// The settings of a run with the changes. It can become longer, not shorter.
    fn made_to(&self, own: &RunConfig) -> RunConfig {
        let mut config = own.as_asked();
        config.train.epochs = config.train.epochs.max(self.epochs.unwrap_or_default());
        if let Some(device) = &self.device {
            config.train.device.clone_from(device);
        }
        if let Some(start_from) = self.start_from.as_ref().filter(|_| own.train.is_fine_tuned()) {
            config.train.start_from.clone_from(start_from);
        }
        config
    }

    /// As they are typed behind a command, each with a space in front of it.
    fn typed_again(&self) -> String {
        let text = |flag: &str, value: &String| format!(" --{flag} {}", output::typed(Path::new(value)));
        let epochs = self.epochs.map(|epochs| format!(" --epochs {epochs}"));
        let device = self.device.as_ref().map(|device| text("device", device));
        let start_from = self.start_from.as_ref().filter(|start_from| !start_from.trim().is_empty());
        let start_from = start_from.map(|start_from| text("start-from", start_from));
        [epochs, device, start_from].into_iter().flatten().collect()
    }
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

/// Ctrl+C asks for a stop, which keeps what was learned; pressed again, it ends the program at once. SIGTERM, by which job
/// schedulers and service managers end a program, asks for a stop, too.
pub fn stop_on_signals(control: &Control) -> anyhow::Result<()> {
    // First: the threads that are started from now on leave the signal to the one that waits for it.
    #[cfg(unix)]
    stop_on_termination(control)?;
    let control = control.clone();
    let stop = move || {
        if control.is_cancelled() {
            std::process::exit(130);
        }
        control.cancel();
    };
    ctrlc::set_handler(stop).context("Ctrl+C cannot be watched for")
}

/// However often it comes, SIGTERM only asks for a stop: `timeout` sends it twice, to the program and to all that it started.
/// Who cannot wait has SIGKILL. `ctrlc` watches for SIGTERM only together with SIGHUP, and a run that was started with `nohup`
/// would then end with the terminal.
#[cfg(unix)]
fn stop_on_termination(control: &Control) -> anyhow::Result<()> {
    use nix::sys::signal::{SigSet, Signal};
    let failed = "the signal to end the program (SIGTERM) cannot be watched for";
    let control = control.clone();
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.thread_block().context(failed)?;
    let watch = move || {
        while signals.wait().is_ok() {
            control.cancel();
        }
    };
    std::thread::Builder::new().name("sigterm".to_owned()).spawn(watch).context(failed)?;
    Ok(())
}

struct Watcher {
    meter: Meter,
    total_steps: u64,
    /// What is said behind the training accuracy: among which classes it is, where these are not all.
    among: &'static str,
}

impl Watcher {
    fn new() -> Self {
        Self { meter: Meter::new("train"), total_steps: 0, among: "" }
    }
}

impl Observer for Watcher {
    fn event(&mut self, event: TrainEvent) {
        match event {
            TrainEvent::Preparing(done, total) => self.meter.report(done as u64, total as u64, "images read"),
            TrainEvent::Started(started) => {
                self.total_steps = started.steps_per_epoch as u64 * u64::from(started.epochs);
                self.among = if started.config.loss.is_partial() { AMONG_SOME } else { "" };
                self.meter.note(&format!(
                    "{}: {} images of {} classes, {} held out, on {}",
                    started.run.display(),
                    started.train_images,
                    started.classes,
                    started.validation_images,
                    started.device
                ));
                let Footprint { parameters, multiply_adds, training_bytes, .. } = started.footprint;
                self.meter.note(&format!(
                    "network and head: {:.2} million weights, {:.3} GMAC per image; the run takes about {:.1} GB of memory \
                     beside the images",
                    parameters as f64 / 1e6,
                    multiply_adds as f64 / 1e9,
                    training_bytes as f64 / 1e9
                ));
                let steps = started.steps_per_epoch as u64;
                goes_on(started.resumed_at_step, steps, started.epochs).iter().for_each(|text| self.meter.note(text));
                for reason in &started.reasons {
                    self.meter.note(&format!("  {} = {}: {}", reason.key, reason.value, reason.why));
                }
            }
            TrainEvent::Step(step) => {
                let message = format!(
                    "loss {:.3}, accuracy {:.1} %{}, {:.0} images/s, {:.0} s left",
                    step.loss,
                    step.accuracy * 100.0,
                    self.among,
                    step.images_per_second,
                    step.eta_secs
                );
                self.meter.report(step.step, self.total_steps, &message);
            }
            TrainEvent::Epoch(epoch) => self.meter.note(&epoch_line(&epoch, self.among)),
            TrainEvent::Note(text) => self.meter.note(&text),
            TrainEvent::Warning(text) => self.meter.note(&format!("warning: {text}")),
            TrainEvent::DoubtfulStep { step, reason } => self.meter.note(&format!("warning: step {step}: {reason}")),
            TrainEvent::Angles(_) | TrainEvent::Validation(_) | TrainEvent::Saved(_) => {}
        }
    }
}

/// Where a run goes on that has done so many steps; `None` for a new one.
fn goes_on(done: u64, steps_per_epoch: u64, epochs: u32) -> Option<String> {
    let total = steps_per_epoch * u64::from(epochs);
    match done {
        0 => None,
        _ if done >= total => Some(format!(
            "nothing is left to train: it has done all of its epochs ({epochs}); a larger --epochs makes the run longer"
        )),
        _ => {
            let epoch = done / steps_per_epoch.max(1) + 1;
            Some(format!("it goes on after step {done} of {total}, in epoch {epoch} of {epochs}"))
        }
    }
}

/// With Partial FC, the training accuracy says nothing of the classes that a step leaves out.
const AMONG_SOME: &str = " among the classes of a step";

/// What is said after an epoch, and of the network that a run starts from, which is its epoch 0. `among`: see [`Watcher`].
fn epoch_line(epoch: &EpochMetrics, among: &str) -> String {
    let eer = epoch.eer.map(|eer| format!(", EER {}", output::percent(eer))).unwrap_or_default();
    let accuracy = epoch.val_accuracy.map(|a| format!(", held-out accuracy {:.2} %", a * 100.0)).unwrap_or_default();
    if epoch.epoch == 0 {
        return format!("epoch   0: the network it starts from{accuracy}{eer}");
    }
    let best = if epoch.best { " (best)" } else { "" };
    format!(
        "epoch {:>3}: loss {:.4}, accuracy {:.1} %{among}{accuracy}{eer}, {:.0} images/s, {:.0} s{best}",
        epoch.epoch,
        epoch.train_loss,
        epoch.train_accuracy * 100.0,
        epoch.images_per_second,
        epoch.elapsed_secs
    )
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
    fn the_network_that_a_run_starts_from_is_told_without_a_loss_that_it_has_not() {
        let mut epoch = EpochMetrics {
            epoch: 0,
            step: 0,
            train_loss: f64::NAN,
            train_accuracy: f64::NAN,
            val_loss: None,
            val_accuracy: None,
            eer: Some(0.0027),
            best: true,
            images_per_second: 0.0,
            elapsed_secs: 0.0,
        };
        let eer = output::percent(0.0027);
        assert_eq!(epoch_line(&epoch, AMONG_SOME), format!("epoch   0: the network it starts from, EER {eer}"));
        (epoch.epoch, epoch.train_loss, epoch.train_accuracy) = (12, 0.5, 0.75);
        assert!(
            epoch_line(&epoch, "").starts_with("epoch  12: loss 0.5000, accuracy 75.0 %, EER "),
            "{}",
            epoch_line(&epoch, "")
        );
        assert!(epoch_line(&epoch, AMONG_SOME).contains("accuracy 75.0 % among the classes of a step, EER "));
    }

    #[test]
    fn a_run_that_is_continued_says_where_it_goes_on() {
        assert_eq!(goes_on(0, 32, 3), None);
        let said = |done| goes_on(done, 32, 3).unwrap();
        assert_eq!(said(31), "it goes on after step 31 of 96, in epoch 1 of 3");
        assert_eq!(said(32), "it goes on after step 32 of 96, in epoch 2 of 3");
        assert!(said(96).starts_with("nothing is left to train: it has done all of its epochs (3);"));
    }

    #[test]
    fn one_epoch_is_told_in_the_singular() {
        assert_eq!([how_far(1, false), how_far(90, true)], ["trained 1 epoch", "stopped after 90 epochs"]);
    }
}
