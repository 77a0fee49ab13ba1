//! The same run over several seeds: what a measure is worth is its mean and its spread, not the luckiest run.

use super::checkpoint;
use super::evaluate::{StoredEvaluation, load_evaluation, no_pairs_path, report_path};
use super::events::EpochMetrics;
use super::find_checkpoint::latest_checkpoint;
use super::prepare::settings;
use super::run_folder::is_run;
use super::{Place, RunOnDisk, RunSummary, TrainError, TrainRequest, patience};
use serde::Serialize;
use std::fs::DirEntry;
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
        let config = settings(request)?;
        let Ok((checkpoint, _)) = latest_checkpoint(run) else { return Ok(None) };
        let state = &checkpoint.state;
        let is_over = state.epoch >= config.train.epochs || patience::is_over(state, &config.train);
        if !is_over || state.step_in_epoch > 0 {
            return Ok(None);
        }
        let end = End::after(run, &checkpoint.path);
        Ok(end.map(|end| Self::of_folder(run, state.epoch, state.last_epoch.as_ref(), &end)))
    }

    /// What a run of the list came to, of which `newest` is the newest checkpoint; `None` when something is still to be
    /// trained or measured. Its checkpoints are not looked into: that would take long for a list.
    pub(super) fn of_listed(run: &RunOnDisk, newest: &Path) -> Option<Self> {
        if run.is_unfinished() || run.is_imported() {
            return None;
        }
        let last = run.epochs.last()?;
        let end = End::after(&run.path, newest)?;
        Some(Self::of_folder(&run.path, last.epoch, Some(last), &end))
    }

    /// Nothing was done for it now, so it took no time.
    fn of_folder(run: &Path, epochs: u32, last: Option<&EpochMetrics>, end: &End) -> Self {
        let mut summary = Self {
            run: run.canonicalize().unwrap_or_else(|_| run.to_owned()),
            epochs,
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
    /// Of what the run learned in the end: what was found before its newest checkpoint is of an earlier state. Only its own
    /// held-out images count, whatever else it was measured on. `None` when it is still to be measured.
    fn after(run: &Path, checkpoint: &Path) -> Option<Self> {
        let written = |path: PathBuf| std::fs::metadata(path).and_then(|facts| facts.modified()).ok();
        let saved = written(checkpoint.join(checkpoint::INFO_FILE))?;
        let is_later = |path: PathBuf| written(path).is_some_and(|at| at >= saved);
        let evaluation = if is_later(report_path(run)) { load_evaluation(run) } else { None };
        match evaluation.filter(StoredEvaluation::is_own) {
            Some(evaluation) => Some(Self::Measured(Box::new(evaluation))),
            None => is_later(no_pairs_path(run)).then_some(Self::NoPairs),
        }
    }
}

/// Begins the name of a run in the folder of a series; its seed follows.
const SEED: &str = "seed-";

/// Where a series that has a folder of its own keeps the run with this seed.
pub fn run_of_seed(series: &Path, seed: u32) -> PathBuf {
    series.join(format!("{SEED}{seed}"))
}

/// The runs that have begun in the folder of a series, by their seeds, ascending.
pub fn begun_runs(series: &Path) -> impl Iterator<Item = PathBuf> {
    let seed = |entry: DirEntry| entry.file_name().to_str()?.strip_prefix(SEED)?.parse::<u32>().ok();
    let mut seeds: Vec<u32> = std::fs::read_dir(series).into_iter().flatten().flatten().filter_map(seed).collect();
    seeds.sort_unstable();
    seeds.into_iter().map(move |seed| run_of_seed(series, seed)).filter(|run| is_run(run))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_that_of_a_sample() {
        let found = MeanSd::of(&[1.0, 2.0, 4.0]).unwrap();
        assert!((found.mean - 7.0 / 3.0).abs() < 1e-12);
        assert!((found.sd.unwrap() - 1.527_525_231_651_947).abs() < 1e-12);
        assert_eq!(MeanSd::of(&[3.0]), Some(MeanSd { mean: 3.0, sd: None, runs: 1 }));
        assert_eq!(MeanSd::of(&[]), None);
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
