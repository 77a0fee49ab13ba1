//! The run for TensorBoard: `events.out.tfevents.*` with the curves and the histogram of angles, and the held-out embeddings
//! for its projector. Nothing is ever read back from these files, and a disk that refuses them does not stop a run.
//!
//! Every file begins with a session start. To TensorBoard the first one is the run's beginning, and each later one (of a run
//! that was continued, or went back) a restart: it forgets what it has seen of that step and of later ones.

mod projector;
mod wire;

use super::events::{AngleHistogram, EpochMetrics, StepMetrics};
use crate::eval::EmbeddingTable;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wire::Message;

/// Writes a run's event file. After a first failure it keeps quiet: the run has better things to do than to try again.
#[derive(Debug)]
pub(super) struct Board {
    run: PathBuf,
    file: Option<File>,
}

impl Board {
    /// Begins a file for a run; `first` is the first step that is still to come, or 0 for the start of a run.
    pub fn open(run: &Path, first: u64) -> Self {
        // Files are read in the order of their names; a run may go back more than once in a second.
        let now = since_epoch();
        let (secs, nanos) = (now.as_secs(), now.subsec_nanos());
        let name = format!("events.out.tfevents.{secs:010}.{nanos:09}.arclens.{}", std::process::id());
        let mut board = Self { run: run.to_owned(), file: File::create(run.join(name)).ok() };
        board.write(&event(0).text(3, "brain.Event:2"));
        // SessionLog with status START: what was said of this step and of later ones is said anew.
        board.write(&event(first).message(7, &Message::default().int(1, 1)));
        board
    }

    /// Curves over steps.
    pub fn step(&mut self, metrics: &StepMetrics) {
        let values = [
            ("train/loss", metrics.loss),
            ("train/accuracy", metrics.accuracy),
            ("train/learning_rate", metrics.lr),
            ("train/margin", metrics.margin),
            ("train/images_per_second", metrics.images_per_second),
        ];
        self.scalars(metrics.step, &values.map(|(tag, value)| (tag, Some(value))));
    }

    /// Curves over epochs, at the epoch's last step.
    pub fn epoch(&mut self, metrics: &EpochMetrics) {
        self.scalars(
            metrics.step,
            &[
                ("epoch/train_loss", Some(metrics.train_loss)),
                ("epoch/train_accuracy", Some(metrics.train_accuracy)),
                ("validation/loss", metrics.val_loss),
                ("validation/accuracy", metrics.val_accuracy),
                ("validation/eer", metrics.eer),
            ],
        );
    }

    /// The angles to the own class since the last report.
    pub fn angles(&mut self, step: u64, angles: &AngleHistogram) {
        let histogram = histogram(angles);
        let value = Message::default().text(1, "train/angle_to_own_class_degrees").message(5, &histogram);
        self.write(&event(step).message(5, &Message::default().message(1, &value)));
    }

    /// The held-out embeddings, in place of those of the last epoch. `name` gives each class a name.
    pub fn embeddings(&mut self, table: &EmbeddingTable, name: &dyn Fn(u32) -> String) {
        if self.file.is_some() && projector::write(&self.run, table, name).is_err() {
            self.file = None;
        }
    }

    fn scalars(&mut self, step: u64, values: &[(&str, Option<f64>)]) {
        let mut summary = Message::default();
        for (tag, value) in values {
            if let Some(value) = value.filter(|value| value.is_finite()) {
                summary = summary.message(1, &Message::default().text(1, tag).float(2, value as f32));
            }
        }
        self.write(&event(step).message(5, &summary));
    }

    fn write(&mut self, event: &Message) {
        let written = self.file.as_mut().map(|file| file.write_all(&event.record()));
        if let Some(Err(error)) = written {
            tracing::warn!(%error, "the TensorBoard file cannot be written any more");
            self.file = None;
        }
    }
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// An `Event` of now.
fn event(step: u64) -> Message {
    Message::default().double(1, since_epoch().as_secs_f64()).int(2, step)
}

/// A `HistogramProto`; a bin counts as its middle.
fn histogram(angles: &AngleHistogram) -> Message {
    let width = 180.0 / angles.counts.len().max(1) as f64;
    let counts: Vec<f64> = angles.counts.iter().map(|count| f64::from(*count)).collect();
    let middle = |bin: usize| width * (bin as f64 + 0.5);
    let limits: Vec<f64> = (1..=counts.len()).map(|bin| width * bin as f64).collect();
    let moment =
        |power: i32| counts.iter().enumerate().map(|(bin, count)| count * middle(bin).powi(power)).sum::<f64>();
    let first = counts.iter().position(|count| *count > 0.0).unwrap_or(0);
    let last = counts.iter().rposition(|count| *count > 0.0).unwrap_or(0);
    Message::default()
        .double(1, width * first as f64)
        .double(2, width * (last + 1) as f64)
        .double(3, moment(0))
        .double(4, moment(1))
        .double(5, moment(2))
        .doubles(6, &limits)
        .doubles(7, &counts)
}
