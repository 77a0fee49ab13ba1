//! `metrics.jsonl`: one line per logged step and per epoch. It holds nothing that depends on the clock, so that a
//! resumed run writes the same file as one that was never interrupted.

use super::TrainError;
use super::events::{EpochMetrics, StepMetrics};
use crate::config::atomic_write;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line {
    Step(StepMetrics),
    Epoch(EpochMetrics),
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

impl MetricsLog {
    /// Opens the log for appending; lines after `step` and `epoch` (written by a process that was killed after its
    /// last checkpoint) are taken out first.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open(run: &Path, step: u64, epoch: u32) -> Result<Self, TrainError> {
        let path = run.join("metrics.jsonl");
        let disk = |source| TrainError::Disk { verb: "write the metrics", path: path.clone(), source };
        if path.exists() {
            let (kept, dropped) = lines_up_to(&path, step, epoch).map_err(disk)?;
            if dropped {
                atomic_write(&path, kept.as_bytes()).map_err(disk)?;
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

    fn write(&mut self, line: &Line) -> Result<(), TrainError> {
        let text = serde_json::to_string(line).map_err(|error| TrainError::Compute(error.to_string()))?;
        if self.pending.len() < MAX_PENDING_BYTES {
            self.pending.extend(text.bytes().chain([b'\n']));
        }
        self.flush().map_err(TrainError::disk("write the metrics", &self.path))
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

fn lines_up_to(path: &Path, step: u64, epoch: u32) -> std::io::Result<(String, bool)> {
    let mut kept = String::new();
    let mut dropped = false;
    for line in BufReader::new(File::open(path)?).lines() {
        let line = line?;
        let keep = match serde_json::from_str(&line) {
            Ok(Line::Step(metrics)) => metrics.step <= step,
            Ok(Line::Epoch(metrics)) => metrics.epoch <= epoch,
            Err(_) => false,
        };
        if keep {
            kept += &line;
            kept.push('\n');
        } else {
            dropped = true;
        }
    }
    Ok((kept, dropped))
}

/// Everything logged so far; lines that do not parse are left out.
pub fn read(run: &Path) -> (Vec<StepMetrics>, Vec<EpochMetrics>) {
    let (mut steps, mut epochs) = (Vec::new(), Vec::new());
    let Ok(file) = File::open(run.join("metrics.jsonl")) else { return (steps, epochs) };
    for line in BufReader::new(file).lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(Line::Step(metrics)) => steps.push(metrics),
            Ok(Line::Epoch(metrics)) => epochs.push(metrics),
            Err(_) => {}
        }
    }
    (steps, epochs)
}
