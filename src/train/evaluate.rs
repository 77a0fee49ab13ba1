//! Error rates of a finished network on held-out images or on another data set, and where they are kept.

use super::session::{count_correct, cross_entropy_sum};
use super::validate::{TableBuilder, error_rates, for_batches};
use super::{Control, TrainError, TrainedModel};
use crate::config::{EvalConfig, atomic_write};
use crate::data::{Catalog, ImageStore, Split, SplitKind};
use crate::eval::{EmbeddingTable, ErrorRates, OperatingPoint, OperatingRule, VerificationReport};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// Everything an evaluation yields.
#[derive(Debug)]
pub struct EvaluationResult {
    /// The numbers.
    pub report: VerificationReport,
    /// The sweep behind them.
    pub rates: ErrorRates,
    /// The embeddings.
    pub table: EmbeddingTable,
    /// Mean margin-free loss and share recognised, for classes the head knows.
    pub classification: Option<(f64, f64)>,
}

/// What is kept in the run folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredEvaluation {
    /// What was evaluated, in words.
    pub on: String,
    /// How the threshold was chosen.
    pub rule: OperatingRule,
    /// The numbers, the operating point among them.
    pub report: VerificationReport,
    /// Mean loss and share recognised, if classes are known.
    pub classification: Option<(f64, f64)>,
}

/// Which images, and how they are counted.
#[derive(Clone, Copy, Debug)]
pub struct EvaluationTask<'a> {
    /// The data set.
    pub catalog: &'a Arc<Catalog>,
    /// Images evaluated.
    pub items: &'a [u32],
    /// Gives the head's row of a catalogue class, if the classes are known ones.
    pub split: Option<&'a Split>,
    /// Number of pairs.
    pub eval: &'a EvalConfig,
    /// How the threshold is chosen.
    pub rule: OperatingRule,
    /// Seed of the pair sample.
    pub seed: u64,
    /// Decoded images kept in memory, in bytes.
    pub cache_bytes: u64,
}

/// Embeds `task.items` and computes every rate.
///
/// # Errors
/// When images vanish, the device fails, there are no pairs, or it is cancelled.
pub fn evaluate_items(
    model: &TrainedModel,
    task: &EvaluationTask<'_>,
    control: &Control,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<EvaluationResult, TrainError> {
    let (store, _) = ImageStore::build(
        Arc::clone(task.catalog),
        task.items,
        model.info().preprocess.clone(),
        task.cache_bytes,
        &|_| {},
        &|| control.is_cancelled(),
    )?;
    let mut rows = TableBuilder::default();
    let (mut loss, mut correct, mut known) = (0.0, 0, 0);
    let known_classes = task.split.filter(|split| split.kind == SplitKind::ByImage);
    for_batches(&store, task.items, control, progress, &mut |batch| {
        rows.add(batch, &model.embed(batch)?);
        if let Some(split) = known_classes {
            let labels: Vec<u32> = batch.labels.iter().map(|class| split.label(*class).unwrap_or(u32::MAX)).collect();
            if labels.iter().all(|label| *label != u32::MAX) {
                let logits = model.logits(batch)?;
                loss += cross_entropy_sum(&logits, &labels);
                correct += count_correct(&logits, &labels);
                known += labels.len();
            }
        }
        Ok(())
    })?;
    let table = rows.finish(model.info().embedder.embedding_dim, task.catalog)?;
    let (report, rates) = error_rates(&table, task.eval, task.rule, task.seed)?;
    let classification = (known > 0).then(|| (loss / known as f64, correct as f64 / known as f64));
    Ok(EvaluationResult { report, rates, table, classification })
}

/// Evaluates the held-out part of the split the run was trained with.
///
/// # Errors
/// As [`evaluate_items`].
pub fn evaluate_split(
    model: &TrainedModel,
    catalog: &Arc<Catalog>,
    rule: Option<OperatingRule>,
    control: &Control,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(EvaluationResult, OperatingRule), TrainError> {
    let config = super::run_folder::read_config(model.run())?;
    let seed = u64::from(config.train.seed);
    let split = crate::data::split(catalog, &config.data, seed)?;
    let rule = rule.unwrap_or_else(|| rule_of(&config.eval));
    let task = EvaluationTask {
        catalog,
        items: &split.validation,
        split: Some(&split),
        eval: &config.eval,
        rule,
        seed,
        cache_bytes: 0,
    };
    Ok((evaluate_items(model, &task, control, progress)?, rule))
}

/// The rule a configuration asks for.
pub fn rule_of(config: &EvalConfig) -> OperatingRule {
    config.far_target.set().map_or(OperatingRule::Eer, OperatingRule::Far)
}

/// Keeps an evaluation with the run; its operating point becomes the run's.
///
/// # Errors
/// When the disk refuses.
pub fn store_evaluation(run: &Path, stored: &StoredEvaluation) -> Result<(), TrainError> {
    write_json(run, "report.json", stored)?;
    save_operating_point(run, &stored.report.operating)
}

/// The evaluation kept with a run, if there is one that can be read.
pub fn load_evaluation(run: &Path) -> Option<StoredEvaluation> {
    let bytes = std::fs::read(run.join("evaluation/report.json")).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Makes `point` the threshold of this run.
///
/// # Errors
/// When the disk refuses.
pub fn save_operating_point(run: &Path, point: &OperatingPoint) -> Result<(), TrainError> {
    write_json(run, "operating_point.json", point)
}

/// The threshold of a run, if it was evaluated.
pub fn load_operating_point(run: &Path) -> Option<OperatingPoint> {
    let bytes = std::fs::read(run.join("evaluation/operating_point.json")).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn write_json(run: &Path, name: &str, value: &impl Serialize) -> Result<(), TrainError> {
    let folder = run.join("evaluation");
    let path = folder.join(name);
    std::fs::create_dir_all(&folder).map_err(TrainError::disk("write the evaluation", &folder))?;
    let bytes = serde_json::to_vec_pretty(value).map_err(|error| TrainError::Compute(error.to_string()))?;
    atomic_write(&path, &bytes).map_err(TrainError::disk("write the evaluation", path))
}
