//! A run in the list of runs, and what can be done to its folder.

use crate::config::{RunConfig, RunInfo, SeriesInfo};
use crate::eval::folder_names;
use crate::train::{EpochMetrics, RunSummary};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run on disk.
#[derive(Clone, Debug)]
pub struct RunEntry {
    /// The folder.
    pub path: PathBuf,
    /// Its name; that of a run in the folder of a series begins with the folder and a slash, and so does that of a run from
    /// elsewhere whose folder is called as another run's.
    pub name: String,
    /// Its settings.
    pub config: RunConfig,
    /// What a person wrote about it; empty for nothing.
    pub note: String,
    /// Epochs done.
    pub epochs_done: u32,
    /// Measures of the epochs done.
    pub epochs: Arc<[EpochMetrics]>,
    /// Best equal error rate so far.
    pub eer: Option<f64>,
    /// A finished checkpoint exists.
    pub has_model: bool,
    /// It can be continued.
    pub resumable: bool,
    /// What it came to: of a run that is over and was measured since, or has no pairs to be measured on.
    pub finished: Option<RunSummary>,
    /// It does not lie among the runs, and was opened from its own place.
    pub is_elsewhere: bool,
}

impl RunEntry {
    /// Names a run from elsewhere whose folder is called as that of another run with as many of the folders above as it takes
    /// to tell them apart: `softmax/seed-1`.
    pub fn tell_apart(runs: &mut [Self]) {
        let elsewhere = runs.iter().filter(|run| run.is_elsewhere);
        let given: BTreeSet<Option<OsString>> = elsewhere.map(Self::folder_name).collect();
        let is_alike = |run: &Self| given.contains(&run.folder_name());
        let alike: Vec<&Path> = runs.iter().filter(|run| is_alike(run)).map(|run| run.path.as_path()).collect();
        let mut names = folder_names(&alike).into_iter();
        for run in runs.iter_mut().filter(|run| is_alike(run)) {
            if let Some(name) = names.next().filter(|_| run.is_elsewhere) {
                run.name = name;
            }
        }
    }

    /// What its folder is called by itself.
    fn folder_name(&self) -> Option<OsString> {
        self.path.file_name().map(ToOwned::to_owned)
    }

    /// Its weights were made elsewhere.
    pub fn is_imported(&self) -> bool {
        self.config.run.as_ref().is_some_and(RunInfo::is_imported)
    }

    /// The epoch whose network is its best so far.
    pub fn best_epoch(&self) -> Option<u32> {
        EpochMetrics::best_of(&self.epochs)
    }

    /// The series that it is one of.
    pub fn series(&self) -> Option<&SeriesInfo> {
        self.config.run.as_ref()?.series.as_ref()
    }

    /// The name of its own folder.
    pub fn own_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }

    /// The folder of a series that it lies in; `None` where it lies directly among the runs, or elsewhere.
    pub fn series_folder(&self) -> Option<&Path> {
        // No folder's own name has a slash.
        self.path.parent().filter(|_| self.name.contains('/') && !self.is_elsewhere)
    }

    /// When it was begun, as text that sorts by time; the name where the run file does not say.
    pub fn started(&self) -> &str {
        self.config.run.as_ref().map_or(&self.name, |run| &run.started)
    }

    /// Name of the data set.
    pub fn data_name(&self) -> String {
        let path = self.config.run.as_ref().map_or("unknown data", |facts| facts.data.as_str());
        Path::new(path).file_name().map_or(path.into(), |name| name.to_string_lossy()).into_owned()
    }
}

#[cfg(test)]
impl RunEntry {
    /// A run with a model after one epoch, of which nothing else is known: what tests of the window begin with.
    pub fn with_model(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self {
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            path,
            config: RunConfig::default(),
            note: String::new(),
            epochs_done: 1,
            epochs: Arc::from([]),
            eer: None,
            has_model: true,
            resumable: false,
            finished: None,
            is_elsewhere: false,
        }
    }
}

/// What is done to a run's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunChange {
    /// A new name, and a note (empty for none).
    Describe { name: String, note: String },
    /// To the bin beside the runs.
    Delete,
}
