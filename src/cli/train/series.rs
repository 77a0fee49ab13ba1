//! `arclens train --seeds`: the same settings over several seeds, one run after the other.

use super::{Changes, Watcher, what_came_of};
use crate::cli::output;
use crate::config::{RunConfig, counted};
use crate::data::Catalog;
use crate::train::{
    BegunRun, Control, Place, RunSummary, TrainError, TrainRequest, begun_run, begun_runs, different_lengths,
    free_place, is_run, measures, read_config, run_of_seed, train,
};
use std::path::PathBuf;
use std::sync::Arc;

/// The same settings over several seeds.
pub(super) struct Series {
    /// The settings of runs that have not begun; the seed is the first one's.
    pub(super) request: TrainRequest,
    pub(super) folder: PathBuf,
    pub(super) seeds: u32,
    pub(super) changes: Changes,
}

/// What came of a series.
#[derive(Default)]
struct Outcome {
    finished: Vec<RunSummary>,
    /// The run that was stopped before its last epoch.
    stopped: Option<RunSummary>,
    /// A person asked for a stop, whether or not a run was at work.
    is_stopped: bool,
    /// Seeds whose runs failed, and why.
    failed: Vec<(u32, TrainError)>,
}

impl Outcome {
    /// There is something to report beside an error that kept everything from beginning.
    fn has_runs(&self) -> bool {
        !self.finished.is_empty() || self.stopped.is_some() || self.failed.iter().any(|(_, error)| error.is_of_seed())
    }

    /// What going on with the series does; none where there is nothing to go on with.
    fn what_goes_on(&self, is_whole: bool) -> Option<&'static str> {
        let has_failed = self.failed.iter().any(|(_, error)| error.is_of_seed());
        match (has_failed, !is_whole && self.is_stopped) {
            (true, false) => Some("try again what failed, from its last checkpoint if it has one, with"),
            (true, true) => Some("continue, and try again what failed, from its last checkpoint if it has one, with"),
            (false, true) => Some("continue with"),
            (false, false) => None,
        }
    }

    /// What of it is an error.
    fn result(mut self, seeds: u32) -> anyhow::Result<()> {
        if self.failed.len() > 1 {
            let failed: Vec<String> = self.failed.iter().map(|(seed, _)| seed.to_string()).collect();
            let all = counted(seeds as usize, "run");
            anyhow::bail!("{} of {all} failed, those with the seeds {}", failed.len(), failed.join(", "));
        }
        match self.failed.pop() {
            Some((seed, error)) => Err(anyhow::Error::from(error).context(format!("the run with seed {seed} failed"))),
            None => Ok(()),
        }
    }
}

impl Series {
    /// Trains what is left to train. What is finished is reported, whatever ends the series.
    pub(super) fn run(&self, json: bool, control: &Control, watcher: &mut Watcher) -> anyhow::Result<()> {
        let outcome = self.train(control, watcher);
        watcher.meter.finish();
        if outcome.has_runs() {
            self.report(&outcome, json)?;
        } else if outcome.failed.is_empty() {
            return Err(TrainError::Cancelled.into());
        }
        outcome.result(self.seeds)
    }

    fn train(&self, control: &Control, watcher: &mut Watcher) -> Outcome {
        let mut outcome = Outcome::default();
        let first = self.request.config.train.seed;
        for seed in (0..self.seeds).map(|n| first.wrapping_add(n)) {
            if control.is_cancelled() {
                outcome.is_stopped = true;
                break;
            }
            match self.one(seed, control, watcher) {
                Ok(summary) if summary.stopped => outcome.stopped = Some(summary),
                Ok(summary) => outcome.finished.push(summary),
                Err(TrainError::Cancelled) => {
                    outcome.is_stopped = true;
                    break;
                }
                Err(error) => {
                    let goes_on = error.is_of_seed();
                    if goes_on {
                        watcher.meter.note(&format!("warning: the run with seed {seed} failed: {error}"));
                    }
                    outcome.failed.push((seed, error));
                    if !goes_on {
                        break;
                    }
                }
            }
        }
        outcome.is_stopped |= outcome.stopped.is_some();
        outcome
    }

    /// One run in a folder of its own. What has begun goes on with its own settings; what is finished stays as it is.
    fn one(&self, seed: u32, control: &Control, watcher: &mut Watcher) -> Result<RunSummary, TrainError> {
        let mut request = self.request.clone();
        let is_resumed = matches!(request.place, Place::Resume(_));
        let begun = is_resumed.then(|| begun_run(&self.folder, seed, series_id(&request.config))).flatten();
        if let Some(BegunRun { path, config }) = begun {
            request.config = self.changes.made_to(&config?);
            request.place = Place::Resume(path);
        } else {
            let first = self.first();
            request.catalog = self.images(first.as_ref())?;
            request.config = self.further(seed, first.as_ref());
            let usual = || Place::NewAt(run_of_seed(&self.folder, seed));
            request.place = if is_resumed { free_place(&self.folder, seed)? } else { usual() };
        }
        if let Some(summary) = RunSummary::of_finished(&request)? {
            watcher.meter.note(&format!("{}: was finished before", summary.run.display()));
            return Ok(summary);
        }
        train(&request, control, watcher)
    }

    /// The settings of the run with the lowest seed of those of the series, once one has begun. The folder may hold runs of an
    /// earlier series, too.
    fn first(&self) -> Option<RunConfig> {
        let id = series_id(&self.request.config)?;
        // Most series have it in its place, and there may be a thousand others.
        let usual = read_config(&run_of_seed(&self.folder, self.request.config.train.seed)).ok();
        if let Some(usual) = usual.filter(|config| series_id(config) == Some(id)) {
            return Some(usual);
        }
        let mut begun = begun_runs(&self.folder).into_iter().filter_map(|run| run.config.ok());
        begun.find(|config| series_id(config) == Some(id))
    }

    /// The settings of a run that has not begun. What it starts from and its network are those of the first of the series.
    fn further(&self, seed: u32, first: Option<&RunConfig>) -> RunConfig {
        let mut config = self.request.config.clone();
        config.train.seed = seed;
        if let Some(first) = first {
            config.follow(first);
        }
        config
    }

    /// The images of a run that has not begun: those of the first of the series, whatever was excluded since.
    fn images(&self, first: Option<&RunConfig>) -> Result<Arc<Catalog>, TrainError> {
        let catalog = &self.request.catalog;
        let facts = first.and_then(|first| first.run.as_ref()).filter(|facts| !facts.data_fingerprint.is_empty());
        let Some(facts) = facts else { return Ok(Arc::clone(catalog)) };
        catalog.with_fingerprint(&facts.data_fingerprint).ok_or_else(|| {
            TrainError::CannotResume(format!(
                "the images differ from those that the other runs of its series were trained with; put them and the list of \
                 those excluded ({}) back as they were, or start a new series",
                catalog.exclude_path().display()
            ))
        })
    }

    /// With what the series goes on. With the seed: the folder may hold several series. What was typed for its runs is for those
    /// that are still to come, too: else they would not learn for the same time.
    fn command(&self) -> String {
        let (seeds, first, folder) = (self.seeds, self.request.config.train.seed, output::typed(&self.folder));
        let is_resumed = matches!(self.request.place, Place::Resume(_));
        let changes = if is_resumed { self.changes.typed_again() } else { String::new() };
        format!("arclens train --seeds {seeds} --seed {first} --resume {folder}{changes}")
    }

    fn report(&self, outcome: &Outcome, json: bool) -> anyhow::Result<()> {
        let runs: Vec<&RunSummary> = outcome.finished.iter().chain(&outcome.stopped).collect();
        runs.iter().for_each(|summary| output::line(what_came_of(summary)));
        for (seed, error) in &outcome.failed {
            output::line(format!("seed {seed} failed: {error}"));
        }
        let (finished, seeds) = (outcome.finished.len(), self.seeds);
        let (is_whole, all) = (finished >= seeds as usize, counted(seeds as usize, "run"));
        let measures = measures(&outcome.finished);
        for measure in &measures {
            if let (Some(text), Some(mean)) = (measure.mean_text(), measure.mean_sd()) {
                let runs = if is_whole { counted(mean.runs, "run") } else { format!("{} of {all}", mean.runs) };
                output::line(format!("{}: {text} over {runs}", measure.key));
            }
        }
        if let Some(lengths) = different_lengths(&outcome.finished) {
            output::line(format!("the runs did not learn for the same time, but for {lengths}"));
        }
        if !is_whole && outcome.is_stopped {
            output::line(format!("stopped after {finished} of {all}"));
        }
        if let Some(words) = outcome.what_goes_on(is_whole) {
            output::line(format!("{words}: {}", self.command()));
        }
        if json {
            let measures: serde_json::Map<_, _> = measures
                .iter()
                .filter_map(|measure| Some((measure.key.clone(), measure.mean_sd()?)))
                .map(|(key, mean)| Ok((key, serde_json::to_value(mean)?)))
                .collect::<anyhow::Result<_>>()?;
            let reason =
                |(seed, error): &(u32, TrainError)| serde_json::json!({ "seed": seed, "reason": error.to_string() });
            let failed: Vec<serde_json::Value> = outcome.failed.iter().map(reason).collect();
            output::json(&serde_json::json!({ "runs": runs, "measures": measures, "failed": failed }));
        }
        Ok(())
    }
}

/// The folder that the runs of a series lie in.
pub(super) fn series_folder(place: &Place) -> anyhow::Result<PathBuf> {
    let (Place::NewAt(folder) | Place::Resume(folder)) = place else {
        anyhow::bail!("--seeds needs the folder that the runs go into: --out FOLDER");
    };
    anyhow::ensure!(
        !is_run(folder),
        "this is a run by itself, in which no others can lie; leave --seeds out to continue it, or name another folder \
         for the series: {}",
        folder.display()
    );
    Ok(folder.clone())
}

/// The name of the series that a run is one of.
fn series_id(config: &RunConfig) -> Option<&str> {
    Some(config.run.as_ref()?.series.as_ref()?.id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Auto, RunInfo, SeriesInfo, save};
    use crate::data::testing::draw_classes;
    use std::path::Path;

    #[test]
    fn a_series_does_not_go_into_a_run() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Resume(folder.path().to_owned());
        assert_eq!(series_folder(&place).unwrap(), folder.path());
        save(&RunConfig::default(), &folder.path().join("run.toml")).unwrap();
        assert!(series_folder(&place).unwrap_err().to_string().contains("leave --seeds out"));
    }

    fn of_series(id: &str) -> RunInfo {
        RunInfo::before(SeriesInfo { id: id.into(), first_seed: 3, seeds: 3 })
    }

    /// A series of the seeds 3 to 5 in a folder with images beside it.
    fn series(folder: &Path) -> Series {
        let data = folder.join("data");
        draw_classes(&data, 2, 2);
        let catalog = Arc::new(Catalog::open(&data, &|_| {}, &|| false).unwrap());
        let config = RunConfig { run: Some(of_series("one")), ..RunConfig::default() };
        let request = TrainRequest { catalog, config, place: Place::NewAt(folder.to_owned()) };
        let changes = Changes { epochs: None, device: None, start_from: None };
        Series { request, folder: folder.to_owned(), seeds: 3, changes }
    }

    #[test]
    fn a_further_run_follows_the_first_of_its_series_and_no_other_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let series = series(folder.path());
        let begun = |seed: u32, id: &str, start_sha256: &str, embedding_dim: u32| {
            let mut config = RunConfig::default();
            config.train.seed = seed;
            config.model.embedding_dim = Auto::Set(embedding_dim);
            let (version, start_sha256) = ("1.0.0".into(), start_sha256.into());
            let automatic = vec!["model.embedding_dim".into()];
            config.run = Some(RunInfo { version, start_sha256, automatic, ..of_series(id) });
            let run = run_of_seed(folder.path(), seed);
            std::fs::create_dir(&run).unwrap();
            save(&config, &run.join("run.toml")).unwrap();
        };
        begun(1, "earlier", "of the earlier one", 32);
        let start = |config: &RunConfig| config.run.clone().unwrap().start_sha256;
        let first = series.further(3, series.first().as_ref());
        assert_eq!((start(&first).as_str(), first.model.embedding_dim), ("", Auto::Auto));
        // Of numbers, ten comes after four.
        begun(10, "one", "of the last", 128);
        begun(4, "one", "of the first", 64);
        let further = series.further(5, series.first().as_ref());
        assert_eq!((start(&further).as_str(), further.model.embedding_dim), ("of the first", Auto::Set(64)));
        assert_eq!(further.train.seed, 5);
    }

    #[test]
    fn a_further_run_has_the_images_of_the_first_after_some_were_excluded() {
        let folder = tempfile::tempdir().unwrap();
        let mut series = series(folder.path());
        let whole = Arc::clone(&series.request.catalog);
        let begun_on = |fingerprint: &str| {
            let facts = RunInfo { data_fingerprint: fingerprint.to_owned(), ..of_series("one") };
            RunConfig { run: Some(facts), ..RunConfig::default() }
        };
        series.request.catalog = crate::data::exclude(&whole, &[0]).unwrap();
        let print = |first: Option<&RunConfig>| series.images(first).unwrap().fingerprint.clone();
        assert_eq!(print(Some(&begun_on(&whole.fingerprint))), whole.fingerprint);
        assert_eq!(print(None), series.request.catalog.fingerprint);
        let error = series.images(Some(&begun_on("of other images"))).unwrap_err().to_string();
        assert!(error.contains("start a new series"), "{error}");
    }

    #[test]
    fn the_command_that_goes_on_with_a_series_asks_for_the_changes_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut series = series(folder.path());
        let text = |text: &str| Some(text.to_owned());
        series.changes = Changes { epochs: Some(40), device: text("cpu"), start_from: text("runs/my first") };
        series.request.config.train.seed = 3;
        let begun = format!("arclens train --seeds 3 --seed 3 --resume {}", output::typed(folder.path()));
        assert_eq!(series.command(), begun, "its runs have begun with them");
        series.request.place = Place::Resume(folder.path().to_owned());
        assert_eq!(series.command(), begun + " --epochs 40 --device cpu --start-from \"runs/my first\"");
    }

    #[test]
    fn only_what_one_seed_comes_to_lets_the_next_one_begin() {
        let diverged = || TrainError::Diverged { step: 7, rewinds: 3, lr: 0.1, has_checkpoint: true };
        assert!(diverged().is_of_seed() && !TrainError::Compute("lost".into()).is_of_seed());
        let outcome = |failed| Outcome { failed, ..Outcome::default() };
        assert!(outcome(vec![(3, diverged())]).has_runs() && !outcome(vec![]).has_runs());
        assert!(!outcome(vec![(3, TrainError::Compute("lost".into()))]).has_runs(), "nothing was trained");
        let text = |failed| format!("{:#}", outcome(failed).result(5).unwrap_err());
        let one = text(vec![(3, diverged())]);
        assert!(one.starts_with("the run with seed 3 failed: the run diverged at step 7"), "{one}");
        assert_eq!(text(vec![(3, diverged()), (5, diverged())]), "2 of 5 runs failed, those with the seeds 3, 5");
        outcome(vec![]).result(5).unwrap();

        let going_on = |is_stopped, failed| Outcome { is_stopped, ..outcome(failed) }.what_goes_on(false);
        assert_eq!([going_on(false, vec![]), going_on(true, vec![])], [None, Some("continue with")]);
        assert_eq!(going_on(false, vec![(3, TrainError::Compute("lost".into()))]), None);
        for is_stopped in [false, true] {
            let words = going_on(is_stopped, vec![(3, diverged())]).unwrap();
            assert!(
                words.contains("from its last checkpoint") && words.starts_with("continue") == is_stopped,
                "{words}"
            );
        }
    }
}
