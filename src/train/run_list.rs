//! The runs on disk, as a list.

use super::events::{EpochMetrics, RunSummary};
use super::{Network, TrainError, metrics_log, patience, run_change, run_folder};
use crate::config::{RunConfig, RunInfo};
use std::path::{Path, PathBuf};

/// A run as far as its folder tells.
#[derive(Clone, Debug)]
pub struct RunOnDisk {
    /// The folder.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// Its settings.
    pub config: RunConfig,
    /// What a person wrote about it.
    pub note: String,
    /// Epochs logged.
    pub epochs: Vec<EpochMetrics>,
    /// A checkpoint exists.
    pub has_model: bool,
    /// Its network, as far as a checkpoint describes it.
    pub network: Option<Network>,
    /// What it came to: of a run that is over and was measured since, or has no pairs to be measured on.
    pub finished: Option<RunSummary>,
}

impl RunOnDisk {
    /// Lowest equal error rate so far.
    pub fn best_eer(&self) -> Option<f64> {
        self.epochs.iter().filter_map(|epoch| epoch.eer).min_by(f64::total_cmp)
    }

    /// Its weights were made elsewhere.
    pub fn is_imported(&self) -> bool {
        self.config.run.as_ref().is_some_and(RunInfo::is_imported)
    }

    /// It has epochs left, and did not end early.
    pub fn is_unfinished(&self) -> bool {
        let train = &self.config.train;
        let done = self.epochs.last().map_or(0, |epoch| epoch.epoch);
        let best = self.epochs.iter().rfind(|epoch| epoch.best).map_or(0, |epoch| epoch.epoch);
        !self.is_imported() && done < train.epochs && !patience::ends_early(done, best, train)
    }
}

/// Reads one run.
///
/// # Errors
/// When the folder is no run.
pub fn read_run(path: &Path) -> Result<RunOnDisk, TrainError> {
    let config = run_folder::read_config(path)?;
    let (_, epochs) = metrics_log::read(path);
    let has_model = run_folder::has_model(path);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let note = run_change::read_note(path);
    let network = run_folder::described_network(path);
    let mut run = RunOnDisk { path: path.to_owned(), name, config, note, epochs, has_model, network, finished: None };
    run.finished = RunSummary::of_listed(&run);
    Ok(run)
}

/// Every run directly below `root`, newest first (names begin with the date). What is no run is passed over.
pub fn list_runs(root: &Path) -> Vec<RunOnDisk> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| run_folder::is_run(path))
        .collect();
    folders.sort_unstable_by(|a, b| b.cmp(a));
    folders.iter().filter_map(|path| read_run(path).ok()).collect()
}
