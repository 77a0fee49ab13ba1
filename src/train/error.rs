//! Why training, loading or evaluating stopped. Each message says what happened and what to do.

use crate::config::ConfigError;
use crate::data::DataError;
use crate::eval::EvalError;
use crate::model::weights::WeightsError;
use std::path::PathBuf;

/// Anything that ends a run or keeps a model from being used.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The settings do not fit.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data do not fit, or vanished.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The scores cannot be turned into rates.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// A file of weights made elsewhere cannot be read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Weights made elsewhere belong to no network here, or not to the one they look like.
    #[error("the weights cannot be imported: {reason}: {}", path.display())]
    Import {
        /// Why.
        reason: String,
        /// The file.
        path: PathBuf,
    },
    /// The network cannot be written for other programs.
    #[error("the network cannot be exported: {0}")]
    Export(String),
    /// The device cannot be used.
    #[error("the device \"{wanted}\" cannot be used: {reason}")]
    Device {
        /// What was asked for.
        wanted: String,
        /// Why not.
        reason: String,
    },
    /// The computation itself failed.
    #[error("the computation on the device failed ({0}); if it ran out of memory, lower train.batch or data.image_px")]
    Compute(String),
    /// Not a number.
    #[error(
        "the run diverged at step {step}, and again after going back {rewinds} times; {}. Lower train.lr (at the last {lr:.4}) or the margin, or raise train.warmup_epochs, and start a new run", what_is_left(*has_checkpoint)
    )]
    Diverged {
        /// Where.
        step: u64,
        /// How often it went back before.
        rewinds: u32,
        /// The rate in force.
        lr: f64,
        /// A checkpoint with something learned is left; none is where the run went back to its start, whatever checkpoint it
        /// has of that.
        has_checkpoint: bool,
    },
    /// A run's folder was not renamed or deleted.
    #[error("the run is unchanged: {reason}: {}", path.display())]
    RunChange {
        /// Why.
        reason: String,
        /// The run.
        path: PathBuf,
    },
    /// Reading or writing a run failed.
    #[error("could not {verb} ({source}); free some space or check the permissions, then continue the run: {}", path.display())]
    Disk {
        /// "write the checkpoint" …
        verb: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Another process works in the folder.
    #[error("another ArcLens is working in this run folder; close it there, or choose another folder: {}", .0.display())]
    Locked(PathBuf),
    /// The folder is taken.
    #[error("the folder for the new run already exists and is not empty; give another --out, or --resume to continue it: {}", .0.display())]
    Exists(PathBuf),
    /// The place of a run of a series is taken by a run that is none of it.
    #[error("the run with seed {seed} cannot begin, because {found} has the name that it should get; give that one another name or move it elsewhere, then continue the series: {}", path.display())]
    PlaceTaken {
        /// Seed of the run that should begin.
        seed: u32,
        /// The run that is there, in words.
        found: String,
        /// Where.
        path: PathBuf,
    },
    /// The folder for weights from elsewhere is taken.
    #[error("the folder for the imported run already exists and is not empty; give another folder: {}", .0.display())]
    ImportExists(PathBuf),
    /// A file of this name must not be replaced.
    #[error("there is a file of this name already, and it was left as it is: {}", .0.display())]
    FileExists(PathBuf),
    /// A run should start from weights that are no run yet.
    #[error(
        "the run to start from is a file of weights; import it first with `arclens import {} --out RUN`, then start from RUN: {}", .0.display(), .0.display()
    )]
    StartFromFile(PathBuf),
    /// There is a folder of runs, or something else in its place, that cannot be listed.
    #[error("the folder of runs cannot be read ({source}): {}", path.display())]
    RunsFolder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Not a run.
    #[error("this is not a run folder ({reason}): {}", path.display())]
    NotARun {
        /// What is missing.
        reason: String,
        /// Where.
        path: PathBuf,
    },
    /// No usable checkpoint.
    #[error("no checkpoint of this run can be used ({reason}): {}", path.display())]
    NoCheckpoint {
        /// Why.
        reason: String,
        /// Where.
        path: PathBuf,
    },
    /// There are checkpoints, and none of them can be used.
    #[error(
        "none of this run's checkpoints can be used ({reasons}); the run was left as it is: put its folder back from a backup and continue it, or start a new run: {}", path.display()
    )]
    AllDamaged {
        /// Why, checkpoint by checkpoint.
        reasons: String,
        /// The run.
        path: PathBuf,
    },
    /// The same of the run that another one starts from.
    #[error(
        "none of the checkpoints of the run to start from can be used ({reasons}); put its folder back from a backup, or choose another run for train.start_from: {}", path.display()
    )]
    OriginDamaged {
        /// Why, checkpoint by checkpoint.
        reasons: String,
        /// The run to start from.
        path: PathBuf,
    },
    /// The run that another one started from, or the first of its series, is no longer where it was.
    #[error(
        "the run to start from is not there ({reason}); put its folder back into the folder that it lay in, under whatever name, and continue: {}", path.display()
    )]
    OriginGone {
        /// What is missing.
        reason: String,
        /// Where it was.
        path: PathBuf,
    },
    /// The run that a series starts from has changed since its first run began.
    #[error(
        "the run to start from has other weights now than those that the earlier runs of this series started from, so that they could not be compared; start a new series, or put the folder of that run back as it was: {}", .0.display()
    )]
    OriginChanged(PathBuf),
    /// The run was made with other data or settings.
    #[error("the run cannot be continued: {0}")]
    CannotResume(String),
    /// A file of ours does not parse.
    #[error("a file of the run is damaged ({reason}): {}", path.display())]
    Damaged {
        /// What is wrong.
        reason: String,
        /// Where.
        path: PathBuf,
    },
    /// The held-out part has no pairs.
    #[error("error rates need genuine and impostor pairs, but {0}")]
    NoPairs(String),
    /// Stopped on request before anything was done.
    #[error("stopped before the first step")]
    Cancelled,
}

/// What a run keeps that has diverged once too often.
fn what_is_left(has_checkpoint: bool) -> &'static str {
    if has_checkpoint {
        "the last good checkpoint is kept"
    } else {
        "it went back to its start, so nothing of what it learned is left"
    }
}

impl TrainError {
    /// One seed comes to this and another may not; what else ends a run would end the next one, too.
    pub fn is_of_seed(&self) -> bool {
        matches!(self, Self::Diverged { .. })
    }

    /// What else a person can do, beside the message. Window and terminal say the same, so it must be true of both.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Device { .. } => Some(
                "The CPU (device cpu) always works; `arclens devices` says what keeps the others from use.".to_owned(),
            ),
            Self::Data(_) => Some("Check the folder and try again; everything saved so far is kept.".to_owned()),
            Self::RunsFolder { .. } => Some(
                "Check that it is a folder and that you may read it; the runs in it are left as they are.".to_owned(),
            ),
            Self::Locked(_) | Self::Exists(_) => None,
            _ => None,
        }
    }

    /// What was to be read is gone or damaged. Whatever else a disk answers may be over by the next time.
    pub(super) fn is_loss(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Disk { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
            _ => false,
        }
    }

    pub(super) fn disk(verb: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Disk { verb, path, source }
    }
}
