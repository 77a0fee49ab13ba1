//! `metrics.jsonl`: one line per logged step and per epoch, and one per doubtful step. It holds nothing that depends on the
//! clock, so that a resumed run writes the same file as one that was never interrupted.

use super::TrainError;
use super::events::{EpochMetrics, StepMetrics};
use crate::config::{atomic_write, read_at_most};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line {
    Step(StepMetrics),
    Epoch(EpochMetrics),
    /// A step that cannot have been of use.
    Doubtful {
        step: u64,
        /// How often the run had gone back before.
        rewinds: u32,
        reason: String,
    },
}

/// The open log.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    file: File,
    /// What a full disk has not taken yet; it goes first when there is room again.
    pending: Vec<u8>,
}

/// Lines are no longer kept for later beyond this.
const MAX_PENDING_BYTES: usize = 4 << 20;
/// Longest log that is read: some million lines.
const MAX_BYTES: u64 = 1 << 30;
const NAME: &str = "metrics.jsonl";

impl MetricsLog {
    /// Opens the log for appending; lines after `step` and `epoch` (written by a process that was killed after its
    /// last checkpoint) are taken out first. `None` leaves no epoch, not even that of the network that the run started from.
    /// Doubtful steps from which the run has gone back (`rewinds` times by now) stay: they say why it did.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open(run: &Path, step: u64, epoch: Option<u32>, rewinds: u32) -> Result<Self, TrainError> {
        let path = run.join(NAME);
        let disk = |source| TrainError::Disk { verb: "write the metrics", path: path.clone(), source };
        if path.exists() {
            let written = read_at_most(&path, MAX_BYTES).map_err(TrainError::disk("read the metrics", &path))?;
            let kept = lines_up_to(&written, step, epoch, rewinds);
            if kept != written {
                atomic_write(&path, &kept).map_err(disk)?;
            }
        }
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(disk)?;
        Ok(Self { path, file, pending: Vec::new() })
    }

    /// Appends a step.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn step(&mut self, metrics: &StepMetrics) -> Result<(), TrainError> {
        self.write(&Line::Step(metrics.clone()))
    }

    /// Appends an epoch.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn epoch(&mut self, metrics: &EpochMetrics) -> Result<(), TrainError> {
        self.write(&Line::Epoch(metrics.clone()))
    }

    /// Appends a doubtful step of a run that had gone back so often before.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn doubtful(&mut self, step: u64, rewinds: u32, reason: &str) -> Result<(), TrainError> {
        self.write(&Line::Doubtful { step, rewinds, reason: reason.to_owned() })
    }

    fn write(&mut self, line: &Line) -> Result<(), TrainError> {
        let text = serde_json::to_string(line).map_err(|error| TrainError::Compute(error.to_string()))?;
        if self.pending.len() < MAX_PENDING_BYTES {
            self.pending.extend(text.bytes().chain([b'\n']));
        }
        self.flush().map_err(TrainError::disk("write the metrics", &self.path))
    }

    /// Makes what was written durable, as far as the disk can: a checkpoint says that the lines before it are there.
    pub fn keep(&self) {
        self.file.sync_data().ok();
    }

    /// Writes what it can; a line that was cut by a full disk is completed later.
    fn flush(&mut self) -> std::io::Result<()> {
        while !self.pending.is_empty() {
            match self.file.write(&self.pending) {
                Ok(0) => return Err(std::io::ErrorKind::WriteZero.into()),
                Ok(written) => drop(self.pending.drain(..written)),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The lines that can be read, with their text. One that was torn by a kill or damaged since is left out.
fn lines(written: &[u8]) -> impl Iterator<Item = (&[u8], Line)> {
    written.split(|byte| *byte == b'\n').filter_map(|text| Some((text, serde_json::from_slice(text).ok()?)))
}

/// What stays of a log, every line whole.
fn lines_up_to(written: &[u8], step: u64, epoch: Option<u32>, rewinds: u32) -> Vec<u8> {
    let mut kept = Vec::new();
    for (text, line) in lines(written) {
        let is_kept = match line {
            Line::Step(metrics) => metrics.step <= step,
            Line::Epoch(metrics) => epoch.is_some_and(|epoch| metrics.epoch <= epoch),
            Line::Doubtful { step: at, rewinds: before, .. } => before < rewinds || (before == rewinds && at <= step),
        };
        if is_kept {
            kept.extend_from_slice(text);
            kept.push(b'\n');
        }
    }
    kept
}

/// What the log of a run says of its epochs.
#[derive(Debug)]
pub struct Logged {
    /// Those logged so far; lines that do not parse are left out.
    pub epochs: Vec<EpochMetrics>,
    /// Why the log cannot be read, in a sentence; `None` where it can, or there is none yet.
    pub problem: Option<String>,
}

/// Reads the log of a run.
pub fn read(run: &Path) -> Logged {
    let mut epochs = Vec::new();
    let path = run.join(NAME);
    let (written, problem) = match read_at_most(&path, MAX_BYTES) {
        Ok(written) => (written, None),
        Err(error) => (Vec::new(), problem(&error, &path)),
    };
    for (_, line) in lines(&written) {
        match line {
            Line::Epoch(metrics) => {
                // An epoch is told again where it turns out not to be the best: its checkpoint could not be written.
                epochs.pop_if(|last: &mut EpochMetrics| last.epoch == metrics.epoch);
                epochs.push(metrics);
            }
            Line::Step(_) | Line::Doubtful { .. } => {}
        }
    }
    Logged { epochs, problem }
}

/// What that the log cannot be read means; `None` where there is none yet.
fn problem(error: &std::io::Error, path: &Path) -> Option<String> {
    let path = path.display();
    let text = format!(
        "the metrics of the run cannot be read ({error}), so its epochs are not known; put the file back: {path}"
    );
    (error.kind() != std::io::ErrorKind::NotFound).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(step: u64) -> StepMetrics {
        StepMetrics {
            step,
            epoch: 0.5,
            loss: 1.25,
            accuracy: 0.5,
            lr: 0.1,
            margin: 0.3,
            images_per_second: 0.0,
            eta_secs: 0.0,
        }
    }

    fn line(step: u64) -> Vec<u8> {
        serde_json::to_vec(&Line::Step(metrics(step))).unwrap()
    }

    fn logged(run: &Path) -> Vec<u64> {
        let written = std::fs::read(run.join(NAME)).unwrap();
        let step = |(_, line)| if let Line::Step(metrics) = line { Some(metrics.step) } else { None };
        lines(&written).filter_map(step).collect()
    }

    #[test]
    fn the_network_that_a_run_started_from_is_measured_once() {
        let folder = tempfile::tempdir().unwrap();
        let epoch = |epoch| EpochMetrics {
            epoch,
            step: u64::from(epoch) * 10,
            train_loss: f64::NAN,
            train_accuracy: f64::NAN,
            val_loss: None,
            val_accuracy: None,
            eer: Some(0.25),
            best: true,
            images_per_second: 0.0,
            elapsed_secs: 0.0,
        };
        let mut log = MetricsLog::open(folder.path(), 0, None, 0).unwrap();
        [0, 1].into_iter().for_each(|number| log.epoch(&epoch(number)).unwrap());
        drop(log);
        let left = |measured| {
            drop(MetricsLog::open(folder.path(), 0, measured, 0).unwrap());
            read(folder.path()).epochs.iter().map(|metrics| metrics.epoch).collect::<Vec<u32>>()
        };
        assert_eq!(left(Some(1)), [0, 1]);
        assert_eq!(left(Some(0)), [0]);
        // Killed before its checkpoint was written: it is measured again.
        assert!(left(None).is_empty());
    }

    #[test]
    fn doubtful_steps_stay_once_the_run_has_gone_back_from_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let open = |step, rewinds| MetricsLog::open(folder.path(), step, None, rewinds).unwrap();
        let doubted = || -> Vec<(u64, u32)> {
            let written = std::fs::read(&path).unwrap();
            let doubtful = |(_, line)| match line {
                Line::Doubtful { step, rewinds, .. } => Some((step, rewinds)),
                _ => None,
            };
            lines(&written).filter_map(doubtful).collect()
        };
        let mut log = open(0, 0);
        log.step(&metrics(1)).unwrap();
        [2, 5].into_iter().for_each(|step| log.doubtful(step, 0, "it was left out").unwrap());
        drop(log);
        // Killed after a checkpoint of step 3: what came later is done anew.
        let mut log = open(3, 0);
        assert_eq!((logged(folder.path()), doubted()), (vec![1], vec![(2, 0)]));
        log.doubtful(5, 0, "it was left out").unwrap();
        drop(log);
        // It went back to step 1, and once more.
        let mut log = open(1, 1);
        assert_eq!(doubted(), [(2, 0), (5, 0)]);
        log.doubtful(3, 1, "it was left out").unwrap();
        drop(log);
        drop(open(0, 2));
        assert_eq!((logged(folder.path()), doubted()), (vec![], vec![(2, 0), (5, 0), (3, 1)]));
        // Killed before a checkpoint says that it has gone back.
        drop(open(2, 0));
        assert_eq!(doubted(), [(2, 0)]);
        assert!(std::fs::read_to_string(&path).unwrap().contains("\"reason\":\"it was left out\""));
    }

    #[test]
    fn what_is_no_log_is_told_and_neither_read_nor_written() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).problem, None, "the run has just begun");
        drop(MetricsLog::open(folder.path(), 0, None, 0).unwrap());
        assert_eq!(read(folder.path()).problem, None);
        let path = folder.path().join("metrics.jsonl");
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let logged = read(folder.path());
        let said = logged.problem.unwrap();
        assert!(logged.epochs.is_empty());
        assert!(said.contains("not a file") && said.contains("metrics.jsonl"), "{said}");
        let error = MetricsLog::open(folder.path(), 0, None, 0).unwrap_err().to_string();
        assert!(error.contains("could not read the metrics (not a file)"), "{error}");
    }

    #[test]
    fn damaged_lines_are_left_out_and_the_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let lines =
            [line(1), b"{\"kind\":\"step\",\"step\":\xff\xfe\x80".to_vec(), line(2), b"{\"kind\":".to_vec(), line(3)];
        // The last line lost its end to the kill.
        std::fs::write(&path, lines.join(&b'\n')).unwrap();
        assert_eq!(logged(folder.path()), [1, 2, 3]);
        let mut log = MetricsLog::open(folder.path(), 3, None, 0).unwrap();
        log.step(&metrics(4)).unwrap();
        drop(log);
        assert_eq!(logged(folder.path()), [1, 2, 3, 4]);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 4);
        drop(MetricsLog::open(folder.path(), 2, None, 0).unwrap());
        assert_eq!(logged(folder.path()), [1, 2]);
    }
}
