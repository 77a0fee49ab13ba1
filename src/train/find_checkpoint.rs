//! Which checkpoint of a run is used: the newest, the best, the one to go back to, and what names alone tell of them.

use super::TrainError;
use super::checkpoint::{self, Checkpoint, MODEL_FILE};
use super::model_info::Network;
use super::run_folder::{BEST, NAMED, checkpoint_path, checkpoint_steps, require_run, step_of};
use crate::config;
use std::path::{Path, PathBuf};

/// Longest description of a network that is read for a plan: enough for the names of three million classes.
const MAX_INFO_BYTES: u64 = 64 << 20;

/// Longest mark of the best checkpoint that is read, where it is a text.
const MAX_MARK_BYTES: u64 = 64 << 10;

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
    let found = search(run)?;
    Ok(found.map(|(newest, passed_over)| (newest, passed_over.iter().map(sentence).collect())))
}

/// Steps with a checkpoint that cannot be used, and why.
type PassedOver = Vec<(u64, TrainError)>;

/// The newest checkpoint that can be used, and those after it.
fn search(run: &Path) -> Result<Option<(Checkpoint, PassedOver)>, TrainError> {
    let mut passed_over = Vec::new();
    for step in checkpoint_steps(run)?.into_iter().rev() {
        match Checkpoint::open(&checkpoint_path(run, step)) {
            Ok(found) => return Ok(Some((found, passed_over))),
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

/// Why a checkpoint cannot be used, without the path and the advice that the sentence around it gives.
pub(super) fn reason(error: &TrainError) -> String {
    match error {
        TrainError::Disk { source, .. } => source.to_string(),
        TrainError::Damaged { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}

/// Why the first few cannot be used.
fn in_short(passed_over: &[(u64, TrainError)]) -> String {
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

/// The best checkpoint; the newest usable one where none is marked, or where the marked one is gone or damaged, which is then
/// the first that is told.
///
/// # Errors
/// When the run has no usable checkpoint.
pub fn best_usable(run: &Path) -> Result<Found, TrainError> {
    require_run(run)?;
    let Some(marked) = marked_best(run) else { return latest_checkpoint(run) };
    let error = match Checkpoint::open(&marked) {
        Ok(found) => return Ok((found, Vec::new())),
        // Another process has marked a better one meanwhile, and may have removed this one.
        Err(_) if marked_best(run).as_ref() != Some(&marked) => return best_usable(run),
        Err(error) => error,
    };
    let Some((newest, mut passed_over)) = search(run)? else {
        return Err(TrainError::NoCheckpoint { reason: reason(&error), path: run.to_owned() });
    };
    let step = marked.file_name().and_then(|name| step_of(name.to_str()?));
    // Once is enough.
    passed_over.retain(|(passed, _)| Some(*passed) != step);
    let mut told = vec![format!(
        "the best checkpoint of the run cannot be used ({}); the newest that can, that of step {}, is used in its place: {}",
        reason(&error),
        newest.state.step,
        run.display()
    )];
    told.extend(passed_over.iter().map(sentence));
    Ok((newest, told))
}

/// The checkpoint that the run marks as its best, whether or not it is there: by a link, or where there are none by a text file.
fn marked_best(run: &Path) -> Option<PathBuf> {
    let mark = run.join(BEST);
    let text = || Some(PathBuf::from(config::read_text_at_most(&mark, MAX_MARK_BYTES).ok()?.trim()));
    let target = std::fs::read_link(&mark).ok().or_else(text);
    // Who copies a run may get the checkpoint itself in place of the link.
    target.map(|target| run.join(target)).or_else(|| mark.is_dir().then_some(mark))
}

/// SHA-256 of the weights that the run marks as its best, as their checkpoint says: the weights themselves are not read, so
/// that this can be asked for a list of runs, and before each use of a network that lies ready. `None` where none is marked.
pub fn best_sha256(run: &Path) -> Option<String> {
    checkpoint::read_state(&marked_best(run)?).ok()?.files.get(MODEL_FILE).cloned()
}

/// What is wrong with the checkpoints of a run, a sentence each; none where the newest and the best can be used, or none was
/// written yet.
pub fn checkpoint_problems(run: &Path) -> Vec<String> {
    let newest = match newest_usable(run) {
        Ok(newest) => newest,
        Err(error) => return vec![error.to_string()],
    };
    match (newest, marked_best(run)) {
        (None, None) => Vec::new(),
        (None, Some(_)) => vec!["the checkpoints of the run are gone; put its folder back from a backup".to_owned()],
        (Some((_, told)), None) => told,
        // Looking at the same files once more would only take time.
        (Some((newest, told)), Some(best)) if newest.path == best => told,
        (Some((_, told)), Some(_)) => match best_usable(run) {
            Ok((_, with_best)) if !with_best.is_empty() => with_best,
            _ => told,
        },
    }
}
