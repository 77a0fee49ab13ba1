//! `arclens train`.

use super::output::{self, Meter};
use super::{Answer, args};
use crate::data::Catalog;
use crate::train::{
    Control, Footprint, MeanSd, Observer, Place, RunSummary, TrainEvent, TrainRequest, measures, read_config, train,
};
use anyhow::Context as _;
use clap::ArgMatches;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Trains, with progress on standard error and the result on standard output.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let mut config = args::settings(matches)?;
    let place = place(matches)?;
    if let Place::Resume(run) = &place
        && matches.value_source("seeds").is_none()
        && matches.value_source("train.epochs").is_none()
    {
        // A continued run has as many epochs as it was started with, unless more are asked for.
        config.train.epochs = read_config(run)?.train.epochs;
    }
    let control = Control::default();
    stop_on_ctrl_c(&control)?;
    let mut watcher = Watcher::new();
    let catalog = open(args::get_path(matches, "data")?, &control, &mut watcher.meter)?;
    let json = matches.get_flag("json");
    let request = TrainRequest { catalog, config, place };
    let seeds = matches.get_one::<u32>("seeds").copied().unwrap_or(1);
    if seeds > 1 {
        let summaries = over_seeds(&request, seeds, &control, &mut watcher);
        watcher.meter.finish();
        report_seeds(&summaries?, json)?;
    } else {
        let summary = train(&request, &control, &mut watcher);
        watcher.meter.finish();
        report(&summary?, json)?;
    }
    Ok(Answer::Yes)
}

/// One run per seed, each in a folder of its own; runs that are there already go on where they were.
fn over_seeds(
    request: &TrainRequest,
    seeds: u32,
    control: &Control,
    watcher: &mut Watcher,
) -> anyhow::Result<Vec<RunSummary>> {
    let (Place::NewAt(folder) | Place::Resume(folder)) = &request.place else {
        anyhow::bail!("--seeds needs the folder that the runs go into: --out FOLDER");
    };
    let mut summaries = Vec::new();
    for seed in (request.config.train.seed..).take(seeds as usize) {
        if control.is_cancelled() {
            break;
        }
        let run = folder.join(format!("seed-{seed}"));
        let mut config = request.config.clone();
        config.train.seed = seed;
        let resumes = matches!(request.place, Place::Resume(_)) && run.exists();
        let place = if resumes { Place::Resume(run) } else { Place::NewAt(run) };
        let request = TrainRequest { catalog: Arc::clone(&request.catalog), config, place };
        summaries.push(train(&request, control, watcher)?);
    }
    Ok(summaries)
}

fn report_seeds(summaries: &[RunSummary], json: bool) -> anyhow::Result<()> {
    for summary in summaries {
        report(summary, false)?;
    }
    let measures = measures(summaries);
    for (name, MeanSd { mean, sd, runs }) in &measures {
        let spread = sd.map(|sd| format!(" ± {sd:.5}")).unwrap_or_default();
        output::line(format!("{name}: {mean:.5}{spread} over {runs} runs"));
    }
    if json {
        let measures: serde_json::Map<_, _> = measures
            .into_iter()
            .map(|(name, measure)| Ok((name.to_owned(), serde_json::to_value(measure)?)))
            .collect::<anyhow::Result<_>>()?;
        output::json(&serde_json::json!({ "runs": summaries, "measures": measures }));
    }
    Ok(())
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
    let word = if summary.stopped { "stopped" } else { "trained" };
    let eer = summary.eer.map(|eer| format!(", EER {}", output::percent(eer))).unwrap_or_default();
    output::line(format!(
        "{word} {} epochs in {:.0} s{eer}: {}",
        summary.epochs,
        summary.seconds,
        summary.run.display()
    ));
    if summary.stopped {
        output::line(format!("continue with: arclens train DATA --resume {}", summary.run.display()));
    }
    if json {
        output::json(&serde_json::to_value(summary)?);
    }
    Ok(())
}
