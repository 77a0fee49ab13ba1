//! The runs on disk, as a list.

use super::events::{EpochMetrics, RunSummary};
use super::metrics_log::Logged;
use super::{TrainError, find_checkpoint, metrics_log, patience, run_change, run_folder};
use crate::config::{RunConfig, RunInfo, SeriesInfo, natural_order};
use std::fs::DirEntry;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A run as far as its folder tells.
#[derive(Clone, Debug)]
pub struct RunOnDisk {
    /// The folder.
    pub path: PathBuf,
    /// Its name; in a list, that of a run in the folder of a series begins with the folder and a slash.
    pub name: String,
    /// Its settings.
    pub config: RunConfig,
    /// What a person wrote about it.
    pub note: String,
    /// Epochs logged.
    pub epochs: Vec<EpochMetrics>,
    /// Why its log cannot be read, in a sentence; `None` where it can, or there is none yet.
    pub log_problem: Option<String>,
    /// A checkpoint exists.
    pub has_model: bool,
    /// What it came to: of a run that is over and was measured since, or has no pairs to be measured on.
    pub finished: Option<RunSummary>,
}

impl RunOnDisk {
    /// Lowest equal error rate so far.
    pub fn best_eer(&self) -> Option<f64> {
        self.epochs.iter().filter_map(|epoch| epoch.eer).min_by(f64::total_cmp)
    }

    /// The best epoch as the log tells; `None` where none was measured.
    pub(super) fn best_epoch(&self) -> Option<u32> {
        EpochMetrics::best_of(&self.epochs)
    }

    /// Its weights were made elsewhere.
    pub fn is_imported(&self) -> bool {
        self.config.run.as_ref().is_some_and(RunInfo::is_imported)
    }

    /// It has epochs left, and did not end early.
    pub fn is_unfinished(&self) -> bool {
        let train = &self.config.train;
        let done = self.epochs.last().map_or(0, |epoch| epoch.epoch);
        let best = self.best_epoch().unwrap_or_default();
        !self.is_imported() && done < train.epochs && !patience::ends_early(done, best, &self.config)
    }
}

/// Reads one run.
///
/// # Errors
/// When the folder is no run.
pub fn read_run(path: &Path) -> Result<RunOnDisk, TrainError> {
    let config = run_folder::read_config(path)?;
    let Logged { epochs, problem: log_problem } = metrics_log::read(path);
    // The folder is listed once, and only names are looked at: there may be hundreds of runs.
    let checkpoints = find_checkpoint::checkpoints(path);
    let has_model = checkpoints.iter().any(|checkpoint| find_checkpoint::has_network(checkpoint));
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let note = run_change::read_note(path);
    let path = path.to_owned();
    let mut run = RunOnDisk { path, name, config, note, epochs, log_problem, has_model, finished: None };
    run.finished = checkpoints.last().and_then(|newest| RunSummary::of_listed(&run, newest));
    Ok(run)
}

/// Every run below `root`: those directly in it, and those of a folder in it that is no run itself, as the command line
/// makes one for a series. The names of these say the folder, too: `softmax/seed-1`. Names that begin with the date come
/// newest first. What is no run is passed over, and so is what cannot be read below `root`: it hides no other run. Before
/// the first run there is no folder, and the list is empty.
///
/// # Errors
/// When `root` itself cannot be read to its end: whether there are more runs is not known then.
pub fn list_runs(root: &Path) -> Result<Vec<RunOnDisk>, TrainError> {
    let unread = |source| TrainError::RunsFolder { path: root.to_owned(), source };
    let entries = match std::fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(unread(source)),
    };
    let mut runs = Vec::new();
    for entry in entries {
        // It is the folder that broke off here: what would have come behind is missing, too.
        let entry = entry.map_err(unread)?;
        let path = entry.path();
        if run_folder::is_run(&path) {
            runs.extend(read_run(&path));
        } else if is_folder(&entry) && !entry.file_name().eq_ignore_ascii_case(run_change::BIN) {
            runs.extend(runs_of_series(&path));
        }
    }
    runs.sort_unstable_by(|a, b| natural_order(&b.name, &a.name));
    Ok(runs)
}

/// A folder with more entries holds something else than series, of which the longest has a quarter as many runs.
const MOST_ENTRIES: usize = 4 * SeriesInfo::MOST_SEEDS as usize;

/// The runs in a folder that may be that of a series. Of a folder with something else in it, no more is looked at than
/// whether there are settings of runs.
fn runs_of_series(series: &Path) -> Vec<RunOnDisk> {
    let entries = std::fs::read_dir(series).into_iter().flatten().flatten();
    let entries: Vec<DirEntry> = entries.take(MOST_ENTRIES + 1).collect();
    if entries.len() > MOST_ENTRIES {
        return Vec::new();
    }
    let folders = entries.iter().filter(|entry| is_folder(entry)).map(DirEntry::path);
    // Asked first: of a folder that is no run, `read_run` would look for runs in it, to name them in its error.
    let mut runs: Vec<RunOnDisk> =
        folders.filter(|path| run_folder::is_run(path)).filter_map(|path| read_run(&path).ok()).collect();
    let folder = series.file_name().unwrap_or_default().to_string_lossy();
    for run in &mut runs {
        run.name = format!("{folder}/{}", run.name);
    }
    runs
}

/// Links do not count: one that leads back to the runs would show every run twice.
fn is_folder(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::save;

    fn run(folder: &Path, name: &str) {
        let path = folder.join(name);
        std::fs::create_dir_all(&path).unwrap();
        save(&RunConfig::default(), &path.join("run.toml")).unwrap();
    }

    fn names(root: &Path) -> Vec<String> {
        list_runs(root).unwrap().into_iter().map(|run| run.name).collect()
    }

    #[test]
    fn runs_of_a_series_are_listed_with_its_folder_and_nothing_deeper_is() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["2026-11-25-faces", "2026-11-24-glyphs", "softmax/seed-1", "softmax/seed-2", "arcface/seed-1"] {
            run(root, name);
        }
        // Neither what was deleted nor what lies in a run or too deep.
        for name in ["bin/a", "softmax/bin/seed-3", "2026-11-25-faces/inner", "projects/old/seed-1"] {
            run(root, name);
        }
        std::fs::write(root.join("softmax/notes.txt"), "why").unwrap();
        let wanted = ["softmax/seed-2", "softmax/seed-1", "arcface/seed-1", "2026-11-25-faces", "2026-11-24-glyphs"];
        assert_eq!(names(root), wanted);
        let found = list_runs(root).unwrap();
        assert_eq!(found[0].path, root.join("softmax/seed-2"));
        assert_eq!(read_run(&found[0].path).unwrap().name, "seed-2", "by itself it is called what its folder is");
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_not_taken_for_one_without_runs() {
        let folder = tempfile::tempdir().unwrap();
        assert!(names(&folder.path().join("runs")).is_empty(), "nothing was trained yet");
        // What a person may not read, root may; nobody can list a file.
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = list_runs(&file).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("the folder of runs cannot be read (") && text.ends_with("file"), "{text}");
        assert!(error.hint().is_some());
    }

    #[test]
    fn the_tenth_run_of_a_series_is_newer_than_the_second() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["seed-10", "seed-2", "seed-1"] {
            run(folder.path(), name);
        }
        assert_eq!(names(folder.path()), ["seed-10", "seed-2", "seed-1"]);
        let error = run_folder::require_run(folder.path()).unwrap_err().to_string();
        assert!(error.contains("seed-1, seed-2, seed-10"), "{error}");
    }

    #[test]
    fn a_folder_with_more_in_it_than_series_have_is_not_looked_into() {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), "series/seed-1");
        assert_eq!(names(folder.path()), ["series/seed-1"]);
        for number in 0..MOST_ENTRIES {
            std::fs::write(folder.path().join(format!("series/{number}.png")), "").unwrap();
        }
        assert!(names(folder.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_back_to_the_runs_shows_none_of_them_twice() {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), "a");
        run(folder.path(), "series/seed-1");
        std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("a"), folder.path().join("series/last")).unwrap();
        assert_eq!(names(folder.path()), ["series/seed-1", "a"]);
    }
}
