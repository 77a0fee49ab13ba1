//! The same run over several seeds: what a measure is worth is its mean and its spread, not the luckiest run.

use super::checkpoint;
use super::evaluate::{StoredEvaluation, load_evaluation, load_no_pairs, no_pairs_path, report_path};
use super::events::EpochMetrics;
use super::find_checkpoint::{best_sha256, latest_checkpoint};
use super::prepare::{InForce, data_of, settings};
use super::run_folder::{is_run, read_config};
use super::{Place, RunOnDisk, RunSummary, TrainError, TrainRequest, patience};
use crate::config::{RunConfig, SeriesInfo};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Mean and sample standard deviation of a measure over runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MeanSd {
    /// Mean.
    pub mean: f64,
    /// Standard deviation with n − 1; `None` for a single run.
    pub sd: Option<f64>,
    /// Runs that have the measure.
    pub runs: usize,
}

impl MeanSd {
    /// Of some values; `None` without any.
    pub fn of(values: &[f64]) -> Option<Self> {
        let runs = values.len();
        let mean = (runs > 0).then(|| values.iter().sum::<f64>() / runs as f64)?;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let sd = (runs > 1).then(|| (squares / (runs - 1) as f64).sqrt());
        Some(Self { mean, sd, runs })
    }

    /// Of a measure that is no rate, with so many decimals: `0.41230 ± 0.00120`.
    pub fn decimals_text(&self, digits: usize) -> String {
        let spread = self.sd.map(|sd| format!(" ± {sd:.digits$}")).unwrap_or_default();
        format!("{:.digits$}{spread}", self.mean)
    }

    /// Of a rate, in percent: `2.21 ± 0.31 %`. The digits follow the spread, of which two are shown; without one, two of
    /// what is missing to 0 or to 100 percent, but never fewer than two decimals.
    pub fn percent_text(&self) -> String {
        let (mean, sd) = (self.mean * 100.0, self.sd.unwrap_or_default() * 100.0);
        let missing = mean.min(100.0 - mean);
        let digits = if sd > 0.0 {
            (1.0 - sd.log10().floor()).clamp(1.0, 5.0) as usize
        } else if missing > 0.0 {
            (1.0 - missing.log10().floor()).clamp(2.0, 7.0) as usize
        } else {
            2
        };
        match self.sd {
            Some(_) => format!("{mean:.digits$} ± {sd:.digits$} %"),
            None => format!("{mean:.digits$} %"),
        }
    }
}

impl RunSummary {
    /// What a finished run left, read from its folder; `None` when something is still to be trained or measured, or the
    /// request is for a new run. A repetition that goes on leaves such runs as they are.
    ///
    /// # Errors
    /// When the run is none that could be continued with these images.
    pub fn of_finished(request: &TrainRequest) -> Result<Option<Self>, TrainError> {
        let Place::Resume(run) = &request.place else { return Ok(None) };
        let InForce { config, is_longer, .. } = settings(request)?;
        let Ok((checkpoint, _)) = latest_checkpoint(run) else { return Ok(None) };
        let state = &checkpoint.state;
        let is_over = state.epoch >= config.train.epochs || patience::is_over(state, &config);
        // One that is made longer now learns on, though it had ended early.
        if is_longer || !is_over || state.step_in_epoch > 0 {
            return Ok(None);
        }
        let end = End::after(run, &checkpoint.path);
        Ok(end.map(|end| {
            let best = state.best.map(|best| best.epoch);
            Self::of_folder(run, (state.epoch, best), state.last_epoch.as_ref(), &end)
        }))
    }

    /// What a run of the list came to, of which `newest` is the newest checkpoint; `None` when something is still to be
    /// trained or measured. Its checkpoints are not looked into: that would take long for a list.
    pub(super) fn of_listed(run: &RunOnDisk, newest: &Path) -> Option<Self> {
        if run.is_unfinished() || run.is_imported() {
            return None;
        }
        let last = run.epochs.last()?;
        let end = End::after(&run.path, newest)?;
        Some(Self::of_folder(&run.path, (last.epoch, run.best_epoch()), Some(last), &end))
    }

    /// Nothing was done for it now, so it took no time. Of the epochs, how many there are and which is the best.
    fn of_folder(run: &Path, (epochs, best_epoch): (u32, Option<u32>), last: Option<&EpochMetrics>, end: &End) -> Self {
        let mut summary = Self {
            run: run.canonicalize().unwrap_or_else(|_| run.to_owned()),
            epochs,
            best_epoch,
            images_per_second: 0.0,
            input_wait_share: 0.0,
            train_loss: last.map(|epoch| epoch.train_loss),
            train_accuracy: last.map(|epoch| epoch.train_accuracy),
            val_loss: last.and_then(|epoch| epoch.val_loss),
            val_accuracy: last.and_then(|epoch| epoch.val_accuracy),
            eer: None,
            verification: None,
            seconds: 0.0,
            stopped: false,
        };
        if let End::Measured(evaluation) = end {
            summary.take_in(evaluation);
        }
        summary
    }
}

/// What the measurement at the end of a run came to.
enum End {
    Measured(Box<StoredEvaluation>),
    /// The images that it held out have no genuine or no impostor pairs.
    NoPairs,
}

impl End {
    /// Of what the run learned in the end: what was measured with other weights than its best is of an earlier state. Where
    /// the weights were not noted, it has to be newer than the newest checkpoint. Only the run's own held-out images count,
    /// whatever else it was measured on. `None` when it is still to be measured.
    fn after(run: &Path, newest: &Path) -> Option<Self> {
        let best = best_sha256(run);
        let written = |path: PathBuf| std::fs::metadata(path).and_then(|facts| facts.modified()).ok();
        let saved = written(newest.join(checkpoint::INFO_FILE))?;
        let is_of_end = |measured: Option<&str>, file: PathBuf| match (measured, &best) {
            (Some(measured), Some(best)) => measured == best,
            _ => written(file).is_some_and(|at| at >= saved),
        };
        let own = load_evaluation(run).filter(StoredEvaluation::is_own);
        if let Some(own) = own.filter(|own| is_of_end(own.model_sha256.as_deref(), report_path(run))) {
            return Some(Self::Measured(Box::new(own)));
        }
        let no_pairs = load_no_pairs(run)?;
        is_of_end(no_pairs.model_sha256.as_deref(), no_pairs_path(run)).then_some(Self::NoPairs)
    }
}

/// Begins the name of a run in the folder of a series; its seed follows.
const SEED: &str = "seed-";

/// Where a series that has a folder of its own keeps the run with this seed.
pub fn run_of_seed(series: &Path, seed: u32) -> PathBuf {
    series.join(format!("{SEED}{seed}"))
}

/// A run that has begun in the folder of a series.
#[derive(Debug)]
pub struct BegunRun {
    /// Its folder.
    pub path: PathBuf,
    /// Its settings, or why they cannot be read.
    pub config: Result<RunConfig, TrainError>,
}

impl BegunRun {
    /// What has begun in this folder, if it is that of a run.
    fn at(path: PathBuf) -> Option<Self> {
        is_run(&path).then(|| Self { config: read_config(&path), path })
    }

    /// Its settings, where they can be read.
    pub fn settings(&self) -> Option<&RunConfig> {
        self.config.as_ref().ok()
    }

    /// The series that it says it is of.
    pub fn series(&self) -> Option<&SeriesInfo> {
        self.settings().and_then(series_of)
    }

    /// Its seed, if it is of a series: as it says, or as its name does.
    fn seed(&self) -> Option<u32> {
        let said = self.settings().filter(|config| series_of(config).is_some()).map(|config| config.train.seed);
        let in_name = || self.path.file_name()?.to_str()?.strip_prefix(SEED)?.parse().ok();
        said.or_else(in_name)
    }
}

/// The runs of series that have begun in this folder, by their seeds, ascending. What is called otherwise now is known by what
/// it says of itself.
pub fn begun_runs(series: &Path) -> Vec<BegunRun> {
    let entries = std::fs::read_dir(series).into_iter().flatten().flatten().map(|entry| entry.path());
    let begun = entries.filter_map(BegunRun::at).filter_map(|run| Some((run.seed()?, run)));
    let mut begun: Vec<(u32, BegunRun)> = begun.collect();
    begun.sort_unstable_by(|(a, run_a), (b, run_b)| a.cmp(b).then_with(|| run_a.path.cmp(&run_b.path)));
    begun.into_iter().map(|(_, run)| run).collect()
}

/// The run of the series called `id` that has this seed and has begun in this folder, whatever it is called since. Older runs do
/// not say what series they are of: the usual name is enough for them, unless it was given to a run with another seed or of
/// another series.
pub fn begun_run(series: &Path, seed: u32, id: Option<&str>) -> Option<BegunRun> {
    let has_seed = |run: &BegunRun| run.settings().is_none_or(|config| config.train.seed == seed);
    let may_be_of_series = |run: &BegunRun| run.series().is_none_or(|own| id == Some(own.id.as_str()));
    let usual = BegunRun::at(run_of_seed(series, seed)).filter(|run| has_seed(run) && may_be_of_series(run));
    let Some(id) = id else { return usual };
    let is_it = |run: &BegunRun| has_seed(run) && run.series().is_some_and(|own| own.id == id);
    // Most have their names still, and there may be a thousand of them.
    if usual.as_ref().is_some_and(is_it) {
        return usual;
    }
    begun_runs(series).into_iter().find(is_it).or(usual)
}

/// Where the images of a series are: where the last of its runs that have begun has them from whose images are there still. A run
/// that is finished is not written anew, so that after a move only the later ones know the new place. `None` where the images
/// of all of them are gone. The runs come by their seeds, ascending.
pub fn data_of_series<'a>(begun: impl DoubleEndedIterator<Item = &'a RunConfig>) -> Option<PathBuf> {
    begun.rev().filter_map(|run| data_of(run).ok()).find(|data| data.exists())
}

/// Where a run with this seed begins that the series in this folder has not got yet.
///
/// # Errors
/// When another run lies there.
pub fn free_place(series: &Path, seed: u32) -> Result<Place, TrainError> {
    let path = run_of_seed(series, seed);
    if !is_run(&path) {
        return Ok(Place::NewAt(path));
    }
    let found = match read_config(&path) {
        Ok(config) if config.train.seed != seed => format!("a run with seed {}", config.train.seed),
        Ok(config) => match series_of(&config) {
            Some(other) => format!("a run of the series that was begun {}", other.id),
            None => "another run".to_owned(),
        },
        Err(_) => "a run whose settings cannot be read".to_owned(),
    };
    Err(TrainError::PlaceTaken { seed, found, path })
}

fn series_of(config: &RunConfig) -> Option<&SeriesInfo> {
    config.run.as_ref()?.series.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RunInfo;

    #[test]
    fn the_spread_is_that_of_a_sample() {
        let found = MeanSd::of(&[1.0, 2.0, 4.0]).unwrap();
        assert!((found.mean - 7.0 / 3.0).abs() < 1e-12);
        assert!((found.sd.unwrap() - 1.527_525_231_651_947).abs() < 1e-12);
        assert_eq!(MeanSd::of(&[3.0]), Some(MeanSd { mean: 3.0, sd: None, runs: 1 }));
        assert_eq!(MeanSd::of(&[]), None);
    }

    #[test]
    fn a_run_of_a_series_is_known_by_its_seed_after_it_got_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, seed: u32, id: Option<&str>| {
            let mut config = RunConfig::default();
            config.train.seed = seed;
            let series = |id: &str| SeriesInfo { id: id.to_owned(), first_seed: 1, seeds: 12 };
            config.run = id.map(|id| RunInfo::before(series(id)));
            let run = folder.path().join(name);
            std::fs::create_dir(&run).unwrap();
            crate::config::save(&config, &run.join("run.toml")).unwrap();
        };
        for (name, seed, id) in [
            ("seed-10", 10, Some("one")),
            ("the best", 2, Some("one")),
            ("seed-3", 3, Some("one")),
            ("of another", 4, Some("another")),
            ("seed-5", 5, None),
            ("by itself", 6, None),
            ("seed-8", 9, Some("one")),
            ("seed-11", 11, Some("another")),
        ] {
            write(name, seed, id);
        }
        std::fs::create_dir(folder.path().join("seed-7")).unwrap();
        let begun = |seed, id| {
            let run = begun_run(folder.path(), seed, id)?;
            Some(run.path.file_name()?.to_string_lossy().into_owned())
        };
        let of_one = [2, 3, 4, 5, 6, 7, 10].map(|seed| begun(seed, Some("one")));
        let names = [Some("the best"), Some("seed-3"), None, Some("seed-5"), None, None, Some("seed-10")];
        assert_eq!(of_one.each_ref().map(Option::as_deref), names);
        assert_eq!((begun(5, None).as_deref(), begun(2, None)), (Some("seed-5"), None));
        assert_eq!((begun(8, Some("one")), begun(9, Some("one")).as_deref()), (None, Some("seed-8")), "it was renamed");
        assert_eq!((begun(11, Some("one")), begun(11, None)), (None, None), "it is of another series");
        assert_eq!(begun(11, Some("another")).as_deref(), Some("seed-11"));
        let place = |seed| free_place(folder.path(), seed).map_err(|error| error.to_string());
        assert_eq!(place(12), Ok(Place::NewAt(folder.path().join("seed-12"))));
        for (seed, found) in [(8, "a run with seed 9"), (11, "a run of the series that was begun another")] {
            let said = place(seed).unwrap_err();
            assert!(said.contains(&format!("seed {seed} cannot begin")) && said.contains(found), "{said}");
            assert!(said.contains("another name") && said.ends_with(&format!("seed-{seed}")), "{said}");
        }
        let all = begun_runs(folder.path()).into_iter().map(|run| run.path.file_name().unwrap().to_owned());
        assert_eq!(
            all.collect::<Vec<_>>(),
            ["the best", "seed-3", "of another", "seed-5", "seed-8", "seed-10", "seed-11"]
        );
    }

    #[test]
    fn the_images_of_a_series_are_where_the_last_of_its_runs_finds_them() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let run = |data: &Path| {
            let facts = RunInfo { data: data.to_string_lossy().into_owned(), ..RunInfo::default() };
            RunConfig { run: Some(facts), ..RunConfig::default() }
        };
        ["before", "now"].iter().for_each(|name| std::fs::create_dir(at(name)).unwrap());
        let [before, now, gone] = ["before", "now", "gone"].map(|name| run(&at(name)));
        let unknown = RunConfig::default();
        assert_eq!(data_of_series([&before, &now, &gone, &unknown].into_iter()), Some(at("now")));
        assert_eq!(data_of_series([&gone, &unknown].into_iter()), None);
    }

    #[test]
    fn what_is_no_rate_is_a_plain_number() {
        let text = |sd| MeanSd { mean: 0.412_3, sd, runs: 3 }.decimals_text(5);
        assert_eq!((text(Some(0.001_2)), text(None)), ("0.41230 ± 0.00120".into(), "0.41230".into()));
    }

    #[test]
    fn a_rate_has_the_digits_of_its_spread() {
        let text = |mean, sd| MeanSd { mean, sd, runs: 3 }.percent_text();
        assert_eq!(text(0.022_12, Some(0.003_14)), "2.21 ± 0.31 %");
        assert_eq!(text(0.991_234, Some(0.000_091)), "99.1234 ± 0.0091 %");
        assert_eq!(text(0.31, Some(0.124)), "31.0 ± 12.4 %");
        assert_eq!((text(0.25, Some(0.0)), text(0.25, None)), ("25.00 ± 0.00 %".into(), "25.00 %".into()));
        // What was measured is neither called nothing nor everything.
        let alone = [0.000_43, 0.999_96, 0.0, 1.0].map(|mean| text(mean, None));
        assert_eq!(alone, ["0.043 %", "99.9960 %", "0.00 %", "100.00 %"]);
    }
}
