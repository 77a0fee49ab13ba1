//! A checkpoint: a folder that is either whole or not there, with a checksum for every file.

use super::TrainError;
use super::events::EpochMetrics;
use super::model_info::ModelInfo;
use super::session::Saved;
use crate::config::{Best, open_file, read_at_most};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The network's weights.
pub const MODEL_FILE: &str = "model.safetensors";
/// The head's weights.
pub const HEAD_FILE: &str = "head.safetensors";
/// The state that resumes exactly.
pub const RESUME_FILE: &str = "resume.bin";
/// [`ModelInfo`].
pub const INFO_FILE: &str = "model.json";
const STATE_FILE: &str = "state.json";
/// Longest state that is read: it has some dozen numbers, and one for every fall of the learning rate.
const MAX_STATE_BYTES: u64 = 16 << 20;
/// Begins the name of a checkpoint that is being written.
const WRITING: &str = ".writing-";
/// Begins the name of a checkpoint that gives way to a newer one of the same step.
const REPLACED: &str = ".replaced-";
/// Begins the name of a checkpoint that is being removed.
const REMOVED: &str = ".removed-";
/// In a long epoch, a run that has diverged goes back by less than this many steps.
pub(super) const STEPS_BETWEEN_TARGETS: usize = 500;

/// Sums since some point of the run. The f64 is kept as bits so that a resumed run adds up to exactly the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    loss_bits: u64,
    /// Images recognised.
    pub correct: u64,
    /// Images seen.
    pub seen: u64,
}

impl Sums {
    /// Adds a batch with this mean loss.
    pub fn add(&mut self, loss: f64, correct: usize, count: usize) {
        let sum = f64::from_bits(self.loss_bits) + loss * count as f64;
        self.loss_bits = sum.to_bits();
        self.correct += correct as u64;
        self.seen += count as u64;
    }

    /// Mean loss; NaN when nothing was seen.
    pub fn loss(&self) -> f64 {
        f64::from_bits(self.loss_bits) / self.seen as f64
    }

    /// Share recognised; NaN when nothing was seen.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.seen as f64
    }
}

/// The best epoch so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestSoFar {
    /// Epoch.
    pub epoch: u32,
    /// Its checkpoint's step.
    pub step: u64,
    /// Value of the measure; smaller is better.
    pub value: f64,
    /// Which measure; `None` when the epoch could not be measured. Older versions did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Best>,
}

/// `state.json`: where the run stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckpointState {
    /// Version of this file's form.
    pub format: u32,
    /// Steps done.
    pub step: u64,
    /// Epochs completed.
    pub epoch: u32,
    /// Steps done in the present epoch.
    pub step_in_epoch: usize,
    /// Sums of the present epoch.
    pub epoch_sums: Sums,
    /// Sums since the last logged step.
    pub window: Sums,
    /// Best epoch so far.
    pub best: Option<BestSoFar>,
    /// Epochs after which the plateau schedule lowered the learning rate.
    #[serde(default)]
    pub falls: Vec<u32>,
    /// Times the run went back to its last good state.
    #[serde(default)]
    pub rewinds: u32,
    /// The newest step with a checkpoint that the run may go back to, this one among them; 0 is its start. Older versions did
    /// not note it.
    #[serde(default)]
    pub rewind_target: Option<u64>,
    /// Bits of what this run's losses are like, told from its first step: what an exploding loss is measured by.
    #[serde(default)]
    pub first_loss_bits: Option<u64>,
    /// The last completed epoch.
    pub last_epoch: Option<EpochMetrics>,
    /// SHA-256 of every other file, by name.
    pub files: BTreeMap<String, String>,
}

impl CheckpointState {
    /// The step that a run which diverges after this one goes back to; 0 is its start. See [`is_rewind_target`].
    pub(super) fn rewind_step(&self) -> u64 {
        let usual = || self.step.saturating_sub((self.step_in_epoch % STEPS_BETWEEN_TARGETS) as u64);
        self.rewind_target.unwrap_or_else(usual)
    }

    /// The last epoch that was measured; 0 is the network that a run started from. `None` before there is any.
    pub(super) fn last_measured(&self) -> Option<u32> {
        (self.epoch > 0 || self.last_epoch.is_some()).then_some(self.epoch)
    }

    /// Nothing was done yet: no step was taken, and the network that the run starts from was not measured either.
    pub(super) fn is_fresh(&self) -> bool {
        self.step == 0 && self.last_measured().is_none()
    }

    /// The first step that there is something to tell of from here on; 0 is the start, while it may still be measured.
    pub(super) fn first_to_come(&self) -> u64 {
        if self.is_fresh() { 0 } else { self.step + 1 }
    }

    /// The state as its checkpoint says it. Only what is written can be gone back to: at a step that was in doubt, or that a
    /// full disk did not take, the target before it stays.
    pub(super) fn to_save(&self) -> Self {
        let own = is_rewind_target(self.step_in_epoch).then_some(self.step);
        Self { rewind_target: own.or(self.rewind_target), ..self.clone() }
    }
}

/// A run that has diverged may go back to here: to the end of an epoch, or to every so many steps of it. A function of the
/// steps alone. Checkpoints that the clock, a pause or a stop asked for are no targets: the run would go
/// on otherwise on a slower machine, and after an interruption.
pub(super) fn is_rewind_target(step_in_epoch: usize) -> bool {
    step_in_epoch.is_multiple_of(STEPS_BETWEEN_TARGETS)
}

/// A checkpoint on disk whose checksums hold.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Its folder.
    pub path: PathBuf,
    /// Where the run stood.
    pub state: CheckpointState,
}

impl Checkpoint {
    /// Reads `state.json` and checks every file against it.
    ///
    /// # Errors
    /// When a file is missing or differs from its checksum.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        let checkpoint = Self { path: path.to_owned(), state: read_state(path)? };
        for name in [MODEL_FILE, INFO_FILE] {
            checkpoint.check(name)?;
        }
        // Imported weights have neither.
        for name in [HEAD_FILE, RESUME_FILE] {
            if checkpoint.state.files.contains_key(name) {
                checkpoint.check(name)?;
            }
        }
        Ok(checkpoint)
    }

    /// Looks whether a file is the one that was written. It is read piece by piece: damaged, it may be of any size.
    fn check(&self, name: &str) -> Result<(), TrainError> {
        let path = self.path.join(name);
        let found = sha256_of_file(&path).map_err(TrainError::disk("read the checkpoint", &path))?;
        if self.state.files.get(name) == Some(&found) { Ok(()) } else { Err(differs(path)) }
    }

    /// One file's bytes, checked.
    ///
    /// # Errors
    /// When it cannot be read or its checksum differs.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, TrainError> {
        let path = self.path.join(name);
        let bytes = std::fs::read(&path).map_err(TrainError::disk("read the checkpoint", &path))?;
        if self.state.files.get(name) == Some(&sha256_hex(&bytes)) { Ok(bytes) } else { Err(differs(path)) }
    }

    /// SHA-256 of a file, as it was written; empty when the checkpoint has no such file.
    pub fn digest(&self, name: &str) -> &str {
        self.state.files.get(name).map_or("", String::as_str)
    }

    /// What inference needs to know.
    ///
    /// # Errors
    /// As [`Checkpoint::read`], and when the file does not parse.
    pub fn info(&self) -> Result<ModelInfo, TrainError> {
        let bytes = self.read(INFO_FILE)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| TrainError::Damaged { reason: error.to_string(), path: self.path.join(INFO_FILE) })
    }
}

fn differs(path: PathBuf) -> TrainError {
    TrainError::Damaged { reason: "its checksum differs from the one it was written with".to_owned(), path }
}

/// Where the run stood; the checkpoint's other files are not looked at.
///
/// # Errors
/// When `state.json` cannot be read, does not parse, or is not as it was written.
pub(super) fn read_state(checkpoint: &Path) -> Result<CheckpointState, TrainError> {
    let path = checkpoint.join(STATE_FILE);
    let bytes = read_at_most(&path, MAX_STATE_BYTES).map_err(TrainError::disk("read the checkpoint", &path))?;
    let damaged = |error: serde_json::Error| TrainError::Damaged { reason: error.to_string(), path: path.clone() };
    let state: CheckpointState = serde_json::from_slice(&bytes).map_err(damaged)?;
    let Seal { state_sha256 } = serde_json::from_slice(&bytes).map_err(damaged)?;
    match state_sha256 {
        Some(sha256) if sha256_hex(&unsealed(&bytes, &sha256)) != sha256 => Err(differs(path)),
        _ => Ok(state),
    }
}

/// `state.json` with its own checksum, which is that of the file while it has no digits. A wrong number in it would be taken
/// for where the run stood, or for what its best epoch has to be beaten by. Older versions wrote none.
#[derive(Serialize)]
struct Sealed<'a> {
    #[serde(flatten)]
    state: &'a CheckpointState,
    state_sha256: &'a str,
}

/// What is read of it besides the state.
#[derive(Deserialize)]
struct Seal {
    #[serde(default)]
    state_sha256: Option<String>,
}

fn seal(sha256: &str) -> String {
    format!("\"state_sha256\": \"{sha256}\"")
}

fn sealed(state: &CheckpointState) -> serde_json::Result<String> {
    let text = serde_json::to_string_pretty(&Sealed { state, state_sha256: "" })?;
    let sha256 = sha256_hex(text.as_bytes());
    Ok(text.replacen(&seal(""), &seal(&sha256), 1))
}

/// What the checksum was taken of.
fn unsealed(bytes: &[u8], sha256: &str) -> Vec<u8> {
    String::from_utf8_lossy(bytes).replacen(&seal(sha256), &seal(""), 1).into_bytes()
}

/// Writes a checkpoint folder in one move: temporary name, flush, rename. An existing one of the same state is kept;
/// one of the same step before its epoch was closed is replaced. Parts of `saved` that are empty are not written.
///
/// # Errors
/// When the disk refuses; what was there is then untouched, and the temporary folder is removed.
pub fn write(target: &Path, saved: &Saved, info: &ModelInfo, state: &CheckpointState) -> Result<(), TrainError> {
    if Checkpoint::open(target).is_ok_and(|found| says_the_same(&found.state, state)) {
        return Ok(());
    }
    let disk = |source| TrainError::Disk { verb: "write the checkpoint", path: target.to_owned(), source };
    let parent = target.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(disk)?;
    let folder = tempfile::Builder::new().prefix(WRITING).tempdir_in(parent).map_err(disk)?;
    let info = serde_json::to_vec_pretty(info).map_err(|error| disk(error.into()))?;
    let mut state = state.clone();
    let files =
        [(MODEL_FILE, &saved.model), (HEAD_FILE, &saved.head), (RESUME_FILE, &saved.resume), (INFO_FILE, &info)];
    for (name, bytes) in files.into_iter().filter(|(_, bytes)| !bytes.is_empty()) {
        write_flushed(&folder.path().join(name), bytes).map_err(disk)?;
        state.files.insert(name.to_owned(), sha256_hex(bytes));
    }
    let state = sealed(&state).map_err(|error| disk(error.into()))?;
    write_flushed(&folder.path().join(STATE_FILE), state.as_bytes()).map_err(disk)?;
    put_in_place(folder.path(), target).map_err(disk)?;
    // The folder has moved away; dropping the guard must not complain that it is gone.
    drop(folder.keep());
    flush_folder(parent);
    Ok(())
}

/// Both are written alike, checksums aside. Not everything is written (what an epoch took), and a loss that is not a number would
/// differ from itself.
fn says_the_same(a: &CheckpointState, b: &CheckpointState) -> bool {
    let written = |state: &CheckpointState| {
        serde_json::to_string(&CheckpointState { files: BTreeMap::new(), ..state.clone() }).ok()
    };
    let (a, b) = (written(a), written(b));
    a.is_some() && a == b
}

/// Moves a whole checkpoint to its place. One that lies there already goes only when the new one is there: it may be
/// the only one of the run.
fn put_in_place(folder: &Path, target: &Path) -> std::io::Result<()> {
    if !target.exists() {
        return std::fs::rename(folder, target);
    }
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let replaced = target.with_file_name(format!("{REPLACED}{name}"));
    std::fs::remove_dir_all(&replaced).ok();
    std::fs::rename(target, &replaced)?;
    if let Err(error) = std::fs::rename(folder, target) {
        std::fs::rename(&replaced, target).ok();
        return Err(error);
    }
    // What stays costs space only, until the run is opened again.
    std::fs::remove_dir_all(replaced).ok();
    Ok(())
}

/// Removes a checkpoint. It loses its name first: half of one would count as a damaged checkpoint.
pub(super) fn remove(checkpoint: &Path) -> std::io::Result<()> {
    let name = checkpoint.file_name().unwrap_or_default().to_string_lossy();
    let removed = checkpoint.with_file_name(format!("{REMOVED}{name}"));
    std::fs::remove_dir_all(&removed).ok();
    std::fs::rename(checkpoint, &removed)?;
    // What stays costs space only, until the run is opened again.
    std::fs::remove_dir_all(removed).ok();
    Ok(())
}

/// Clears away what a process that was killed while it wrote or removed has left among the checkpoints in `folder`; one that had
/// already given way comes back when nothing took its place. Only for who holds the run: a checkpoint that another
/// process is writing looks the same.
pub(super) fn clear_leftovers(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let place = name.strip_prefix(REPLACED).map(|step| folder.join(step));
        if let Some(place) = place.filter(|place| !place.exists()) {
            std::fs::rename(path, place).ok();
        } else if [WRITING, REPLACED, REMOVED].iter().any(|prefix| name.starts_with(prefix)) {
            std::fs::remove_dir_all(path).ok();
        }
    }
}

fn write_flushed(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the rename itself durable where the system can (not on Windows, where a folder cannot be opened as a file).
fn flush_folder(path: &Path) {
    if let Ok(folder) = File::open(path) {
        folder.sync_all().ok();
    }
}

pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

fn sha256_of_file(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    std::io::copy(&mut open_file(path)?, &mut hash)?;
    Ok(format!("{:x}", hash.finalize()))
}
