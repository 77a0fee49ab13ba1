//! Which checkpoint of a run is used: the newest, the best, the one to go back to, and what names alone tell of them.

use super::TrainError;
use super::checkpoint::{self, Checkpoint};
use super::model_info::Network;
use super::run_folder::{BEST, NAMED, checkpoint_path, checkpoint_steps, require_run};
use crate::config;
use std::path::{Path, PathBuf};

/// Longest description of a network that is read for a plan: enough for the names of three million classes.
const MAX_INFO_BYTES: u64 = 64 << 20;

/// A checkpoint whose checksums hold, and a sentence about each damaged one passed over.
pub(super) type Found = (Checkpoint, Vec<String>);

/// The newest checkpoint that can be used.
///
/// # Errors
/// When there is none, or none that can be used.
pub fn latest_checkpoint(run: &Path) -> Result<Found, TrainError> {
    let none = || TrainError::NoCheckpoint { reason: "none was written yet".to_owned(), path: run.to_owned() };
    newest_usable(run)?.ok_or_else(none)
}

/// As [`latest_checkpoint`], but `None` when none was written yet. Only then may a run begin anew.
///
/// # Errors
/// When there are some, and none of them can be used, or when it cannot be told.
pub fn newest_usable(run: &Path) -> Result<Option<Found>, TrainError> {
    let mut passed_over = Vec::new();
    for step in checkpoint_steps(run)?.into_iter().rev() {
        match Checkpoint::open(&checkpoint_path(run, step)) {
            Ok(found) => return Ok(Some((found, passed_over.iter().map(sentence).collect()))),
            Err(error) => passed_over.push((step, error)),
        }
    }
    if passed_over.is_empty() {
        return Ok(None);
    }
    Err(TrainError::AllDamaged { reasons: in_short(&passed_over), path: run.to_owned() })
}

/// The checkpoint that a run which has diverged goes back to; `None` when it goes back to its start. Its newest state says
/// which one that is, see [`CheckpointState::rewind_step`](checkpoint::CheckpointState::rewind_step). Where that one is missing (older versions wrote none within an
/// epoch) or damaged, it is the newest usable one, whatever its step: one from before would cost what was learnt since.
///
/// # Errors
/// As [`newest_usable`].
pub(super) fn newest_rewind_target(run: &Path) -> Result<Option<Found>, TrainError> {
    let newest = checkpoint_steps(run)?.last().map(|step| checkpoint::read_state(&checkpoint_path(run, *step)));
    let Some(Ok(newest)) = newest else { return newest_usable(run) };
    let step = newest.rewind_step();
    // A run that starts from another network has a checkpoint of its start.
    if let Ok(target) = Checkpoint::open(&checkpoint_path(run, step)) {
        return Ok(Some((target, Vec::new())));
    }
    if step == 0 {
        return Ok(None);
    }
    let used_instead = |(used, mut told): Found| {
        told.push(format!(
            "the checkpoint of step {step}, which the run should go back to, is missing or damaged; that of step {} is \
             used in its place",
            used.state.step
        ));
        (used, told)
    };
    Ok(newest_usable(run)?.map(used_instead))
}

fn sentence((step, error): &(u64, TrainError)) -> String {
    format!("the checkpoint of step {step} was passed over: {error}")
}

/// Why the first few cannot be used, without the paths and the advice that the sentence around it gives.
fn in_short(passed_over: &[(u64, TrainError)]) -> String {
    let reason = |error: &TrainError| match error {
        TrainError::Disk { source, .. } => source.to_string(),
        TrainError::Damaged { reason, .. } => reason.clone(),
        other => other.to_string(),
    };
    let named = passed_over.iter().take(NAMED).map(|(step, error)| format!("step {step}: {}", reason(error)));
    let more = passed_over.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("and {more} more"));
    named.chain(more).collect::<Vec<_>>().join("; ")
}

/// The checkpoints of a run, oldest first, as far as names tell: nothing in them was looked at. None where they cannot be
/// listed.
pub(super) fn checkpoints(run: &Path) -> Vec<PathBuf> {
    checkpoint_steps(run).unwrap_or_default().into_iter().map(|step| checkpoint_path(run, step)).collect()
}

/// There is a checkpoint with something learned in it, as far as names tell: the one of step 0, which a run has that starts from
/// another network, is what was there before.
pub(super) fn has_learned(run: &Path) -> bool {
    checkpoint_steps(run).unwrap_or_default().into_iter().any(|step| step > 0)
}

/// The checkpoint describes a network, as far as names tell.
pub(super) fn has_network(checkpoint: &Path) -> bool {
    checkpoint.join(checkpoint::INFO_FILE).is_file()
}

/// The network of a run, as its newest checkpoint describes it; `None` when none does. Weights are not looked at, and no
/// checksum: it is for a plan, and the trainer looks again. The description may name millions of classes, so it is read
/// for one run, not for a list of them.
pub fn described_network(run: &Path) -> Option<Network> {
    let described = |checkpoint: PathBuf| {
        let bytes = config::read_at_most(&checkpoint.join(checkpoint::INFO_FILE), MAX_INFO_BYTES).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    checkpoints(run).into_iter().rev().find_map(described)
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
