//! What a training run reports: plain data, no tensors. The window, the terminal and `metrics.jsonl` all read these.

use super::{Footprint, Verification};
use crate::config::{Reason, RunConfig};
use crate::eval::{EmbeddingTable, VerificationReport};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// Number of bins of [`AngleHistogram`]: five degrees each over 0° to 180°.
pub const ANGLE_BINS: usize = 36;

/// Angles between embeddings and the centre of their own class, as counts per five degrees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AngleHistogram {
    /// `counts[i]` lies in `[5·i, 5·(i+1))` degrees.
    pub counts: Vec<u32>,
}

impl Default for AngleHistogram {
    fn default() -> Self {
        Self { counts: vec![0; ANGLE_BINS] }
    }
}

impl AngleHistogram {
    /// Adds one cosine.
    pub fn add_cosine(&mut self, cosine: f32) {
        let degrees = cosine.clamp(-1.0, 1.0).acos().to_degrees();
        let bin = ((degrees / 5.0) as usize).min(ANGLE_BINS - 1);
        if let Some(count) = self.counts.get_mut(bin) {
            *count += 1;
        }
    }
}

/// What begins.
#[derive(Clone, Debug)]
pub struct RunStarted {
    /// The run folder.
    pub run: PathBuf,
    /// The device in words.
    pub device: String,
    /// Classes trained on.
    pub classes: usize,
    /// Images trained on.
    pub train_images: usize,
    /// Images held out.
    pub validation_images: usize,
    /// Its size, work and memory.
    pub footprint: Footprint,
    /// Steps per epoch.
    pub steps_per_epoch: usize,
    /// Epochs in all.
    pub epochs: u32,
    /// Steps already done by the run that is continued; 0 for a new run.
    pub resumed_at_step: u64,
    /// Its settings, every automatic value replaced, and its facts.
    pub config: RunConfig,
    /// Why the automatic values are what they are.
    pub reasons: Vec<Reason>,
}

/// A few steps, averaged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepMetrics {
    /// Steps done since the run began.
    pub step: u64,
    /// Position in epochs (2.5 = half of the third).
    pub epoch: f64,
    /// Mean loss, margin included.
    pub loss: f64,
    /// Share of images whose nearest class centre is their own, margin left out, in [0, 1]; of the classes that a step compares
    /// with, where that is a share of them (Partial FC).
    pub accuracy: f64,
    /// Learning rate.
    pub lr: f64,
    /// Margin in force (rad or cosine, as the head has it).
    pub margin: f64,
    /// Training images per second.
    #[serde(skip)]
    pub images_per_second: f64,
    /// Seconds left at this speed.
    #[serde(skip)]
    pub eta_secs: f64,
}

/// One epoch with its validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// 1 after the first; 0 is the network that a run started from, before its first step.
    pub epoch: u32,
    /// Steps done.
    pub step: u64,
    /// Mean training loss of the epoch; NaN when no step of it could be used, or there was none.
    #[serde(deserialize_with = "number_or_nan")]
    pub train_loss: f64,
    /// Margin-free training accuracy in [0, 1], of the same classes as [`StepMetrics::accuracy`]; NaN as the loss.
    #[serde(deserialize_with = "number_or_nan")]
    pub train_accuracy: f64,
    /// Validation loss without margin; `None` when the held-out classes are new.
    pub val_loss: Option<f64>,
    /// Validation accuracy in [0, 1]; `None` when the held-out classes are new.
    pub val_accuracy: Option<f64>,
    /// Equal error rate on the validation pairs, in [0, 1].
    pub eer: Option<f64>,
    /// This epoch is the best so far.
    pub best: bool,
    /// Training images per second over the epoch.
    #[serde(skip)]
    pub images_per_second: f64,
    /// Seconds since the run began or was continued.
    #[serde(skip)]
    pub elapsed_secs: f64,
}

impl EpochMetrics {
    /// Of the epochs of a run, in their order, the one that its log marks as the best so far; `None` where none was measured.
    pub fn best_of(epochs: &[Self]) -> Option<u32> {
        epochs.iter().rfind(|epoch| epoch.best).map(|epoch| epoch.epoch)
    }
}

/// JSON has no NaN, which is written as null: a checkpoint with one must not count as damaged.
fn number_or_nan<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// Embeddings of the held-out images after an epoch.
#[derive(Clone, Debug)]
pub struct ValidationSnapshot {
    /// The epoch, 0 before training.
    pub epoch: u32,
    /// One unit vector per held-out image.
    pub table: Arc<EmbeddingTable>,
    /// Error rates, if there are genuine and impostor pairs.
    pub report: Option<Arc<VerificationReport>>,
}

/// Everything a run tells while it works.
#[derive(Clone, Debug)]
pub enum TrainEvent {
    /// Images are being read before the first step, once to decode them and once for new class weights to begin at; (done,
    /// total) of each.
    Preparing(usize, usize),
    /// The first step is about to be taken.
    Started(Box<RunStarted>),
    /// Progress; only the newest matters.
    Step(StepMetrics),
    /// Target angles of the last few steps; only the newest matters.
    Angles(AngleHistogram),
    /// An epoch ended, or the network that the run starts from was measured (epoch 0). Never dropped.
    Epoch(EpochMetrics),
    /// New embeddings; only the newest matters.
    Validation(ValidationSnapshot),
    /// Something a person should know, and that is as it should be.
    Note(String),
    /// Something went wrong that the run survives.
    Warning(String),
    /// A step that cannot have been of use; a run that goes astray has many of them.
    DoubtfulStep {
        /// Counted from 1.
        step: u64,
        /// What was wrong with it, as a sentence without its end.
        reason: &'static str,
    },
    /// All is on disk up to this step.
    Saved(u64),
}

/// What a finished or stopped run leaves.
#[derive(Clone, Debug, Serialize)]
pub struct RunSummary {
    /// The run folder.
    pub run: PathBuf,
    /// Epochs done.
    pub epochs: u32,
    /// The epoch whose network is kept as the best, and is what all is measured on but the training loss and accuracy; 0 is
    /// the network that the run started from. `None` before there is any.
    pub best_epoch: Option<u32>,
    /// Mean training speed.
    pub images_per_second: f64,
    /// Share of the time of its steps that the training thread waited for images, in [0, 1].
    pub input_wait_share: f64,
    /// Last epoch's training loss.
    pub train_loss: Option<f64>,
    /// Last epoch's margin-free training accuracy in [0, 1].
    pub train_accuracy: Option<f64>,
    /// Best epoch's validation loss; until a run is evaluated at its end, this and the next two are the last epoch's.
    pub val_loss: Option<f64>,
    /// Best epoch's validation accuracy in [0, 1].
    pub val_accuracy: Option<f64>,
    /// Best epoch's equal error rate in [0, 1], on all validation pairs.
    pub eer: Option<f64>,
    /// What else was measured on them; `None` when the run was not evaluated at its end, or has no pairs to be.
    #[serde(flatten)]
    pub verification: Option<Verification>,
    /// Wall time of this session.
    pub seconds: f64,
    /// The run was stopped before its last epoch.
    pub stopped: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_without_a_usable_step_is_read_back() {
        let epoch = EpochMetrics {
            epoch: 2,
            step: 6,
            train_loss: f64::NAN,
            train_accuracy: f64::NAN,
            val_loss: None,
            val_accuracy: None,
            eer: Some(0.25),
            best: false,
            images_per_second: 0.0,
            elapsed_secs: 0.0,
        };
        let text = serde_json::to_string(&epoch).unwrap();
        let read: EpochMetrics = serde_json::from_str(&text).unwrap();
        assert!(read.train_loss.is_nan() && read.train_accuracy.is_nan());
        assert_eq!((read.epoch, read.step, read.eer), (2, 6, Some(0.25)));
        let sound: EpochMetrics =
            serde_json::from_str(&text.replace("null,\"train_accuracy\":null", "1.5,\"train_accuracy\":0.5")).unwrap();
        assert_eq!((sound.train_loss, sound.train_accuracy), (1.5, 0.5));
        assert!(serde_json::from_str::<EpochMetrics>(&text.replace("\"train_loss\":null,", "")).is_err());
    }
}
