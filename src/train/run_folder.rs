//! The folder of a run: who may write it, where its parts lie, which checkpoints are kept.

use super::TrainError;
use super::checkpoint::{self, Checkpoint, CheckpointState};
use super::model_info::ModelInfo;
use super::session::Saved;
use crate::config::{self, RunConfig};
use std::fs::{DirEntry, File, TryLockError};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

const LOCK_FILE: &str = "run.lock";
const CONFIG_FILE: &str = "run.toml";
const CHECKPOINTS: &str = "checkpoints";
pub(super) const BEST: &str = "best";
/// Begins the name of a checkpoint that could not be used and was moved out of the way.
const DAMAGED: &str = "damaged-";
/// Besides the best and the one that a diverged run goes back to, this many of the newest checkpoints stay: if the newest
/// is damaged, the one before is used. Of damaged ones as many, for who can save something of them.
const KEPT: usize = 2;
/// An error names this many of the checkpoints that cannot be used, or of the runs in a folder that is none.
pub(super) const NAMED: usize = 3;
/// Entries of such a folder that are looked at: it may be a data set with millions of them.
const LOOKED_AT: usize = 1000;

/// Where a run goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A new folder with a name of its own inside this one.
    NewIn(PathBuf),
    /// Exactly this folder, which must be new, empty, or what a process left that was killed before it had written any
    /// settings.
    NewAt(PathBuf),
    /// This existing run.
    Resume(PathBuf),
}

/// A run folder this process may write.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    made: Made,
    /// Held as long as we may write; the system lets go of it when the process dies.
    _lock: File,
}

/// What of a run folder was not there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    /// An existing run was opened.
    Nothing,
    /// What lies in an empty folder.
    Contents,
    /// The folder, too.
    Folder,
}

impl RunFolder {
    /// Makes a new run folder and takes its lock. `label` becomes part of a name of our own choosing.
    ///
    /// # Errors
    /// When the folder exists already, or the disk refuses.
    pub fn create(place: &Place, label: &str) -> Result<Self, TrainError> {
        let path = match place {
            Place::NewIn(root) => fresh_name(root, label),
            Place::NewAt(path) => path.clone(),
            Place::Resume(path) => return Self::open(path),
        };
        if !is_unused(&path) {
            return Err(TrainError::Exists(path));
        }
        let made = if path.exists() { Made::Contents } else { Made::Folder };
        std::fs::create_dir_all(path.join(CHECKPOINTS)).map_err(TrainError::disk("make the run folder", &path))?;
        let folder = Self { made, ..Self::claim(path)? };
        // Another process may have used it between the first look and our lock.
        if !is_unused(&folder.path) {
            return Err(TrainError::Exists(folder.path));
        }
        clear_unfinished_configs(&folder.path);
        Ok(folder)
    }

    /// Opens an existing run for writing.
    ///
    /// # Errors
    /// When it is no run, or another process holds it.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        require_run(path)?;
        Self::claim(path.to_owned())
    }

    /// Takes the lock, and clears away what a killed process left.
    fn claim(path: PathBuf) -> Result<Self, TrainError> {
        let path = path.canonicalize().unwrap_or(path);
        let lock = lock(&path)?;
        checkpoint::clear_leftovers(&path.join(CHECKPOINTS));
        Ok(Self { path, made: Made::Nothing, _lock: lock })
    }

    /// Removes what [`RunFolder::create`] made, for a run that cannot begin after all. Folders with something else in them
    /// stay, and so does an existing run. What cannot be removed only costs a name.
    pub fn take_back(self) {
        let Self { path, made, _lock: lock } = self;
        if made == Made::Nothing {
            return;
        }
        // Not with all that is in them: others may have put something there.
        std::fs::remove_dir(path.join(CHECKPOINTS)).ok();
        std::fs::remove_file(path.join(LOCK_FILE)).ok();
        // Windows removes no folder with an open file in it.
        drop(lock);
        if made == Made::Folder {
            std::fs::remove_dir(path).ok();
        }
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

    /// Writes the checkpoint of `state.step`, points `best` at that of `state.best`, and removes old ones.
    ///
    /// # Errors
    /// When the disk refuses; earlier checkpoints are then untouched.
    pub fn write_checkpoint(&self, saved: &Saved, info: &ModelInfo, state: &CheckpointState) -> Result<(), TrainError> {
        checkpoint::write(&checkpoint_path(&self.path, state.step), saved, info, state)?;
        // Before the old best goes: the mark must not point at nothing, not even for a moment.
        if let Some(best) = state.best {
            self.set_best(best.step)?;
        }
        self.prune(state);
        Ok(())
    }

    /// The checkpoint of this step, its checksums looked at.
    ///
    /// # Errors
    /// When it is gone or damaged.
    pub(super) fn checkpoint(&self, step: u64) -> Result<Checkpoint, TrainError> {
        Checkpoint::open(&checkpoint_path(&self.path, step))
    }

    /// Makes the folder that of a run which goes on from `state`. Checkpoints of later steps, none of which could be
    /// used, are moved out of the way: they would count as the newest, and crowd out every new one. `best` is that of
    /// then.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn return_to(&self, state: &CheckpointState) -> Result<(), TrainError> {
        // Not even where one could be used now: a disk that failed for a moment must not cost what was learned.
        self.leave_later(state, |_| false)
    }

    /// As [`RunFolder::return_to`], of a run that has diverged and takes the later steps anew: their checkpoints are
    /// removed where they can be used.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn rewind_to(&self, state: &CheckpointState) -> Result<(), TrainError> {
        self.leave_later(state, |checkpoint| Checkpoint::open(checkpoint).is_ok())
    }

    /// Removes the checkpoints of later steps that are no longer wanted, and moves the others out of the way.
    fn leave_later(&self, state: &CheckpointState, is_unwanted: impl Fn(&Path) -> bool) -> Result<(), TrainError> {
        for later in checkpoint_steps(&self.path)?.into_iter().filter(|later| *later > state.step) {
            let path = checkpoint_path(&self.path, later);
            if is_unwanted(&path) {
                checkpoint::remove(&path).map_err(TrainError::disk("remove the checkpoint", &path))?;
            } else {
                self.set_aside(later)?;
            }
        }
        for surplus in all_but_newest(&self.path, DAMAGED) {
            std::fs::remove_dir_all(entry_path(&self.path, DAMAGED, surplus)).ok();
        }
        match state.best {
            Some(best) => self.set_best(best.step),
            None => self.unset_best(),
        }
    }

    fn set_aside(&self, step: u64) -> Result<(), TrainError> {
        let (from, to) = (checkpoint_path(&self.path, step), entry_path(&self.path, DAMAGED, step));
        if to.exists() {
            std::fs::remove_dir_all(&to).map_err(TrainError::disk("remove a damaged checkpoint", &to))?;
        }
        std::fs::rename(&from, &to).map_err(TrainError::disk("move a damaged checkpoint aside", &from))
    }

    /// Points `best` at a checkpoint.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn set_best(&self, step: u64) -> Result<(), TrainError> {
        let target = format!("{CHECKPOINTS}/{step:06}");
        let link = self.path.join(BEST);
        point_at(&link, &target).map_err(TrainError::disk("mark the best checkpoint", link))
    }

    fn unset_best(&self) -> Result<(), TrainError> {
        let link = self.path.join(BEST);
        match std::fs::remove_file(&link) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(TrainError::disk("mark the best checkpoint", link)(error))
            }
            _ => Ok(()),
        }
    }

    /// A checkpoint that cannot be removed only costs space, so failures are left to the next round.
    fn prune(&self, state: &CheckpointState) {
        let kept = [state.best.map(|best| best.step), Some(state.rewind_step())];
        for step in all_but_newest(&self.path, "").into_iter().filter(|step| !kept.contains(&Some(*step))) {
            checkpoint::remove(&checkpoint_path(&self.path, step)).ok();
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

/// The folder is a run that has begun: its settings are written.
pub fn is_run(path: &Path) -> bool {
    path.join(CONFIG_FILE).is_file()
}

pub(super) fn require_run(path: &Path) -> Result<(), TrainError> {
    let reason = if !path.exists() {
        "it does not exist".to_owned()
    } else if !is_run(path) {
        runs_inside(path).unwrap_or_else(|| "it has no run.toml".to_owned())
    } else {
        return Ok(());
    };
    Err(TrainError::NotARun { reason, path: path.to_owned() })
}

/// Which runs lie in a folder that is none itself, as the folder of a series has them; `None` where there are none.
fn runs_inside(folder: &Path) -> Option<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(LOOKED_AT);
    let runs = entries.filter(|entry| is_run(&entry.path()));
    let mut names: Vec<String> = runs.map(|run| run.file_name().to_string_lossy().into_owned()).collect();
    names.sort_by(|a, b| config::natural_order(a, b));
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let named = names.join(", ");
    match (names.len(), more) {
        (0, _) => None,
        (1, _) => Some(format!("it holds the run {named}; name that one")),
        (_, 0) => Some(format!("it holds the runs {named}; name one of them")),
        _ => Some(format!("it holds the runs {named} and {more} more; name one of them")),
    }
}

/// Nothing lies in the folder but what [`RunFolder::create`] makes and settings that were never finished: it is no run
/// yet, and nobody can miss anything.
fn is_unused(path: &Path) -> bool {
    let mut entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries.all(|entry| is_made_by_create(&entry) || is_unfinished_config(&entry))
}

fn is_made_by_create(entry: &DirEntry) -> bool {
    match entry.file_name().to_str() {
        Some(LOCK_FILE) => entry.metadata().is_ok_and(|facts| facts.is_file() && facts.len() == 0),
        Some(CHECKPOINTS) => std::fs::read_dir(entry.path()).is_ok_and(|mut entries| entries.next().is_none()),
        _ => false,
    }
}

/// The first `run.toml` as a process leaves it that was killed before the file had its name: a temporary file beside
/// our lock that begins as a run file does.
fn is_unfinished_config(entry: &DirEntry) -> bool {
    let path = entry.path();
    let is_temporary = entry.file_name().to_str().is_some_and(|name| name.starts_with(config::TEMPORARY_PREFIX));
    // A pipe would never end.
    let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
    is_temporary && is_file && path.with_file_name(LOCK_FILE).is_file() && begins_as_config(&path).unwrap_or(false)
}

/// The first line of a run file, or as much of it as there is.
fn begins_as_config(path: &Path) -> std::io::Result<bool> {
    let whole = config::to_toml(&RunConfig::default());
    let first_line = whole.lines().next().unwrap_or_default();
    let mut start = Vec::with_capacity(first_line.len());
    File::open(path)?.take(first_line.len() as u64).read_to_end(&mut start)?;
    Ok(first_line.as_bytes().starts_with(&start))
}

/// One that cannot be removed only costs space.
fn clear_unfinished_configs(path: &Path) {
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten().filter(is_unfinished_config) {
        std::fs::remove_file(entry.path()).ok();
    }
}

pub(super) fn checkpoint_path(run: &Path, step: u64) -> PathBuf {
    entry_path(run, "", step)
}

fn entry_path(run: &Path, prefix: &str, step: u64) -> PathBuf {
    run.join(CHECKPOINTS).join(format!("{prefix}{step:06}"))
}

/// Steps with a checkpoint folder, ascending.
pub(super) fn checkpoint_steps(run: &Path) -> Result<Vec<u64>, TrainError> {
    steps_of(run, "")
}

/// Steps of the entries whose names are `prefix` and a step, ascending.
fn steps_of(run: &Path, prefix: &str) -> Result<Vec<u64>, TrainError> {
    let folder = run.join(CHECKPOINTS);
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(TrainError::disk("list the checkpoints", &folder))?,
    };
    let mut steps = Vec::new();
    for entry in entries {
        let name = entry.map_err(TrainError::disk("list the checkpoints", &folder))?.file_name();
        steps.extend(name.to_str().and_then(|name| step_of(name.strip_prefix(prefix)?)));
    }
    steps.sort_unstable();
    Ok(steps)
}

/// The step in a name as [`entry_path`] makes it.
pub(super) fn step_of(digits: &str) -> Option<u64> {
    digits.parse::<u64>().ok().filter(|step| format!("{step:06}") == digits)
}

/// All but the newest few. When they cannot be listed, there is a next time.
fn all_but_newest(run: &Path, prefix: &str) -> Vec<u64> {
    let mut steps = steps_of(run, prefix).unwrap_or_default();
    steps.truncate(steps.len().saturating_sub(KEPT));
    steps
}

fn lock(path: &Path) -> Result<File, TrainError> {
    let file_path = path.join(LOCK_FILE);
    // Never emptied: in a folder from elsewhere, it may be a link to a file that somebody needs.
    let opened = File::options().create(true).write(true).truncate(false).open(&file_path);
    let file = opened.map_err(TrainError::disk("lock the run folder", &file_path))?;
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

/// Symbolic links need special rights on Windows, and some disks know none: a text file with the path says the same.
fn point_at(link: &Path, target: &str) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let temporary = link.with_extension("new");
        std::fs::remove_file(&temporary).ok();
        if std::os::unix::fs::symlink(target, &temporary).is_ok() {
            return std::fs::rename(&temporary, link);
        }
    }
    config::atomic_write(link, target.as_bytes())
}
