//! The folder of a run: who may write it, where its parts lie, which checkpoints are kept.

use super::TrainError;
use super::checkpoint::{self, Checkpoint, CheckpointState};
use super::model_info::ModelInfo;
use super::session::Saved;
use crate::config::{self, RunConfig};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

const LOCK_FILE: &str = "run.lock";
const CONFIG_FILE: &str = "run.toml";
const BEST: &str = "best";
/// Besides the best, this many of the newest checkpoints stay: if the newest is damaged, the one before is used.
const KEPT: usize = 2;

/// Where a run goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A new folder with a name of its own inside this one.
    NewIn(PathBuf),
    /// Exactly this folder, which must be new or empty.
    NewAt(PathBuf),
    /// This existing run.
    Resume(PathBuf),
}

/// A run folder this process may write.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Held as long as we may write; the system lets go of it when the process dies.
    _lock: File,
}

impl RunFolder {
    /// Makes a new run folder and takes its lock. `label` becomes part of a name of our own choosing.
    ///
    /// # Errors
    /// When the folder exists already, or the disk refuses.
    pub fn create(place: &Place, label: &str) -> Result<Self, TrainError> {
        let path = match place {
            Place::NewIn(root) => fresh_name(root, label),
            Place::NewAt(path) => {
                let taken = std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
                if taken {
                    return Err(TrainError::Exists(path.clone()));
                }
                path.clone()
            }
            Place::Resume(path) => return Self::open(path),
        };
        std::fs::create_dir_all(path.join("checkpoints")).map_err(TrainError::disk("make the run folder", &path))?;
        let path = path.canonicalize().unwrap_or(path);
        let lock = lock(&path)?;
        Ok(Self { path, _lock: lock })
    }

    /// Opens an existing run for writing.
    ///
    /// # Errors
    /// When it is no run, or another process holds it.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        require_run(path)?;
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let lock = lock(&path)?;
        Ok(Self { path, _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `run.toml`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write_config(&self, config: &RunConfig) -> Result<(), TrainError> {
        Ok(config::save(config, &self.path.join(CONFIG_FILE))?)
    }

    /// Writes the checkpoint of `state.step` and removes old ones.
    ///
    /// # Errors
    /// When the disk refuses; earlier checkpoints are then untouched.
    pub fn write_checkpoint(&self, saved: &Saved, info: &ModelInfo, state: &CheckpointState) -> Result<(), TrainError> {
        checkpoint::write(&checkpoint_path(&self.path, state.step), saved, info, state)?;
        self.prune(state);
        Ok(())
    }

    /// Points `best` at a checkpoint.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn set_best(&self, step: u64) -> Result<(), TrainError> {
        let target = format!("checkpoints/{step:06}");
        let link = self.path.join(BEST);
        point_at(&link, &target).map_err(TrainError::disk("mark the best checkpoint", link))
    }

    /// A checkpoint that cannot be removed only costs space, so failures are left to the next round.
    fn prune(&self, state: &CheckpointState) {
        let best = state.best.map(|best| best.step);
        let mut steps = checkpoint_steps(&self.path);
        steps.truncate(steps.len().saturating_sub(KEPT));
        for step in steps.into_iter().filter(|step| Some(*step) != best) {
            std::fs::remove_dir_all(checkpoint_path(&self.path, step)).ok();
        }
    }
}

/// The settings of a run.
///
/// # Errors
/// When it is no run or the file is wrong.
pub fn read_config(run: &Path) -> Result<RunConfig, TrainError> {
    require_run(run)?;
    Ok(config::load(&run.join(CONFIG_FILE))?)
}

/// The newest checkpoint whose checksums hold, and a sentence about each damaged one passed over.
///
/// # Errors
/// When there is none.
pub fn latest_checkpoint(run: &Path) -> Result<(Checkpoint, Vec<String>), TrainError> {
    let mut damaged = Vec::new();
    for step in checkpoint_steps(run).into_iter().rev() {
        match Checkpoint::open(&checkpoint_path(run, step)) {
            Ok(found) => return Ok((found, damaged)),
            Err(error) => damaged.push(format!("the checkpoint of step {step} was passed over: {error}")),
        }
    }
    let reason = damaged.first().cloned().unwrap_or_else(|| "none was written yet".to_owned());
    Err(TrainError::NoCheckpoint { reason, path: run.to_owned() })
}

/// The best checkpoint; the newest when none is marked or the marked one is damaged.
///
/// # Errors
/// When the run has no usable checkpoint.
pub fn best_checkpoint(run: &Path) -> Result<Checkpoint, TrainError> {
    require_run(run)?;
    let link = run.join(BEST);
    let marked = if link.is_dir() {
        Some(link)
    } else {
        std::fs::read_to_string(&link).ok().map(|target| run.join(target.trim()))
    };
    if let Some(Ok(found)) = marked.map(|path| Checkpoint::open(&path)) {
        return Ok(found);
    }
    latest_checkpoint(run).map(|(found, _)| found)
}

fn require_run(path: &Path) -> Result<(), TrainError> {
    let reason = if !path.exists() {
        "it does not exist"
    } else if !path.join(CONFIG_FILE).is_file() {
        "it has no run.toml"
    } else {
        return Ok(());
    };
    Err(TrainError::NotARun { reason: reason.to_owned(), path: path.to_owned() })
}

fn checkpoint_path(run: &Path, step: u64) -> PathBuf {
    run.join("checkpoints").join(format!("{step:06}"))
}

/// Steps with a checkpoint folder, ascending.
fn checkpoint_steps(run: &Path) -> Vec<u64> {
    let entries = std::fs::read_dir(run.join("checkpoints"));
    let mut steps: Vec<u64> =
        entries.into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    steps.sort_unstable();
    steps
}

fn lock(path: &Path) -> Result<File, TrainError> {
    let file_path = path.join(LOCK_FILE);
    let file = File::create(&file_path).map_err(TrainError::disk("lock the run folder", &file_path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(TrainError::Locked(path.to_owned())),
        // A file system without locks: one process is by far the usual case.
        Err(TryLockError::Error(_)) => Ok(file),
    }
}

fn fresh_name(root: &Path, label: &str) -> PathBuf {
    let now = chrono::Local::now().format("%Y-%m-%d-%H%M");
    let label: String =
        label.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).take(60).collect();
    let name = format!("{now}-{}", label.trim_matches('-'));
    let first = root.join(&name);
    if !first.exists() {
        return first;
    }
    (2..10_000).map(|n| root.join(format!("{name}-{n}"))).find(|path| !path.exists()).unwrap_or(first)
}

#[cfg(unix)]
fn point_at(link: &Path, target: &str) -> std::io::Result<()> {
    let temporary = link.with_extension("new");
    std::fs::remove_file(&temporary).ok();
    std::os::unix::fs::symlink(target, &temporary)?;
    std::fs::rename(&temporary, link)
}

/// Symbolic links need special rights on Windows: a text file with the path says the same.
#[cfg(not(unix))]
fn point_at(link: &Path, target: &str) -> std::io::Result<()> {
    config::atomic_write(link, target.as_bytes())
}
