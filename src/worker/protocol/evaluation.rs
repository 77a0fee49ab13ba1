//! What was measured of a run, and what came of comparing two images with it.

use crate::data::{Catalog, Thumb, Warnings};
use crate::eval::{
    Decision, EmbeddingTable, ErrorRates, Neighbour, OperatingPoint, OperatingRule, VerificationReport, operating_point,
};
use crate::train::{Doubt, Threshold};
use std::path::PathBuf;
use std::sync::Arc;

/// Error rates of a run with the embeddings they come from.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The run.
    pub run: PathBuf,
    /// Name for legends.
    pub name: String,
    /// What was evaluated, in words ("320 held-out images of sample-data").
    pub on: String,
    /// Those are the images that the run itself held out.
    pub is_own: bool,
    /// Says that the images where those of the run were are others now, and which; `None` where they are the same, or
    /// others were asked for.
    pub changed: Option<String>,
    /// The name of the public protocol whose pairs these are, if it is one.
    pub protocol: Option<String>,
    /// How the threshold of the run is chosen.
    pub rule: OperatingRule,
    /// The threshold that is kept with the run, where the rule gives another one on these images: it comes from others.
    pub kept_elsewhere: Option<OperatingPoint>,
    /// The numbers.
    pub report: VerificationReport,
    /// The exact sweep behind them, for other thresholds.
    pub rates: Arc<ErrorRates>,
    /// Loss and accuracy where classes are known.
    pub classification: Option<Classification>,
    /// The embeddings.
    pub table: Arc<EmbeddingTable>,
    /// The images behind `table.items()`.
    pub catalog: Arc<Catalog>,
    /// Images that were left out, because they could not be read while they were embedded; of a protocol, whatever is
    /// wrong with its images.
    pub warnings: Warnings,
    /// Why the rates should not be trusted as they are, if there is a reason.
    pub doubt: Option<Doubt>,
    /// SHA-256 of the weights that were measured: once the run has learned on, it says nothing of its network.
    pub model_sha256: String,
    /// Epochs that the network had learned when it was kept.
    pub epoch: u32,
}

impl Evaluation {
    /// The threshold of the run, which decides about two images whatever they are compared with.
    pub fn threshold(&self) -> OperatingPoint {
        self.kept_elsewhere.clone().unwrap_or_else(|| operating_point(&self.rates, self.rule))
    }

    /// The run for legends; with what it was measured on, where that is not its own choice.
    pub fn label(&self) -> String {
        match &self.protocol {
            Some(protocol) => format!("{}, {protocol}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Closed-set result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Classification {
    /// Mean loss without margin.
    pub loss: f64,
    /// Share recognised, in [0, 1].
    pub accuracy: f64,
}

/// Two images compared.
#[derive(Clone, Debug)]
pub struct VerifyResult {
    /// Cosine of the two embeddings, in [-1, 1].
    pub similarity: f32,
    /// The same as an angle.
    pub angle_deg: f32,
    /// SHA-256 of the weights that compared them.
    pub model_sha256: String,
    /// That of these weights, or why there is none.
    pub threshold: Threshold,
    /// What was measured with these weights, if it was at hand: the rows of the neighbours are those of its table.
    pub measured: Option<Arc<Evaluation>>,
    /// What the network saw of each image.
    pub crops: [Thumb; 2],
    /// Lengths of the two embeddings before they are normalised, where the loss makes them tell how good the images are.
    pub lengths: Option<[f32; 2]>,
    /// Nearest known images to each, of those that were measured.
    pub neighbours: [Vec<Neighbour>; 2],
}

impl VerifyResult {
    /// The verdict, where there is a threshold.
    pub fn decision(&self) -> Option<Decision> {
        self.threshold.point().map(|point| point.decide(self.similarity))
    }
}
