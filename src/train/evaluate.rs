//! Error rates of a finished network on held-out images or on another data set, and where they are kept.

use super::find_checkpoint::best_sha256;
use super::kept_point::{KeptPoint, kept_point, save_operating_point};
use super::validate::{Classified, InBatches, TableBuilder, error_rates, for_batches};
use super::{Control, TrainError, TrainedModel};
use crate::config::{EvalConfig, RunConfig, RunInfo, atomic_write, read_at_most};
use crate::data::{Catalog, DataError, ImageStore, Progress, Split, SplitKind, Warnings};
use crate::eval::{DetPoint, EmbeddingTable, ErrorRates, OperatingRule, VerificationReport};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Folder of a run that holds what was measured.
pub(super) const FOLDER: &str = "evaluation";
const REPORT_FILE: &str = "report.json";
/// A report has a quarter of a million bytes.
const MAX_REPORT_BYTES: u64 = 16 << 20;
/// Says that the held-out images of a run have no genuine or no impostor pairs, and why.
const NO_PAIRS_FILE: &str = "no_pairs.json";

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
    /// Images that could not be read and were left out.
    pub warnings: Warnings,
    /// SHA-256 of the weights that were measured.
    pub model_sha256: String,
}

/// What is kept in the run folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredEvaluation {
    /// What was evaluated, in words.
    pub on: String,
    /// These were the images that the run itself held out; `None` in files from before this was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<bool>,
    /// How the threshold was chosen.
    pub rule: OperatingRule,
    /// The numbers, the operating point among them.
    pub report: VerificationReport,
    /// Mean loss and share recognised, if classes are known.
    pub classification: Option<(f64, f64)>,
    /// SHA-256 of the weights that were measured; `None` in files from before this was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_sha256: Option<String>,
}

impl StoredEvaluation {
    /// It is of the images that the run itself held out: what the run came to. Older files say no more than their words,
    /// which are `20 images of …` and `600 pairs of …` for anything else.
    pub fn is_own(&self) -> bool {
        self.own.unwrap_or_else(|| !matches!(self.on.split_whitespace().nth(1), Some("images" | "pairs")))
    }

    /// It was measured with other weights than those that `run` marks as its best: the run has learned since. Where either is
    /// not known, it is taken at its word.
    pub fn is_outdated(&self, run: &Path) -> bool {
        self.model_sha256.as_ref().zip(best_sha256(run)).is_some_and(|(measured, best)| *measured != best)
    }
}

/// What is kept in place of an evaluation where there can be none.
#[derive(Serialize, Deserialize)]
pub(super) struct NoPairs {
    reason: String,
    /// As [`StoredEvaluation::model_sha256`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_sha256: Option<String>,
}

/// Which images, and how they are counted.
#[derive(Clone, Copy, Debug)]
pub struct EvaluationTask<'a> {
    /// Where the images come from.
    pub store: &'a ImageStore,
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
    let mut rows = TableBuilder::default();
    let mut classified = Classified::default();
    let known_classes = task.split.filter(|split| split.kind == SplitKind::ByImage);
    let images = InBatches { store: task.store, items: task.items, at_once: model.at_once() };
    let warnings = for_batches(images, control, progress, &mut |batch| {
        let labels: Option<Vec<u32>> =
            known_classes.and_then(|split| batch.labels.iter().map(|class| split.label(*class)).collect());
        if let Some(labels) = labels {
            let (embeddings, logits) = model.embed_and_logits(batch)?;
            rows.add(batch, &embeddings);
            classified.add(&logits, &labels);
        } else {
            rows.add(batch, &model.embed(batch)?);
        }
        Ok(())
    })?;
    let table = rows.finish(model.info().network.embedder.embedding_dim, task.store.catalog())?;
    let (report, rates) = error_rates(&table, task.eval, task.rule, task.seed)?;
    let (classification, model_sha256) = (classified.means(), model.sha256().to_owned());
    Ok(EvaluationResult { report, rates, table, classification, warnings, model_sha256 })
}

/// Embeds images of a catalogue as the network of `model` wants them. Those that cannot be read are left out with a warning.
///
/// # Errors
/// When images vanish, the device fails, an embedding has no direction, or it is cancelled.
pub fn embed_items(
    model: &TrainedModel,
    catalog: &Arc<Catalog>,
    items: &[u32],
    control: &Control,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(EmbeddingTable, Warnings), TrainError> {
    let store = ImageStore::on_demand(Arc::clone(catalog), model.info().network.preprocess.clone());
    let mut rows = TableBuilder::default();
    let images = InBatches { store: &store, items, at_once: model.at_once() };
    let left_out = for_batches(images, control, progress, &mut |batch| {
        rows.add(batch, &model.embed(batch)?);
        Ok(())
    })?;
    Ok((rows.finish(model.info().network.embedder.embedding_dim, catalog)?, left_out))
}

/// Evaluates the held-out part of the split the run was trained with. `rule` chooses the threshold; how that of the run was
/// chosen says [`kept_rule`](super::kept_rule).
///
/// # Errors
/// When images vanish, the device fails, there are no pairs, or it is cancelled.
pub fn evaluate_split(
    model: &TrainedModel,
    catalog: &Arc<Catalog>,
    rule: OperatingRule,
    control: &Control,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<EvaluationResult, TrainError> {
    let config = super::run_folder::read_config(model.run())?;
    let seed = u64::from(config.train.seed);
    let split = crate::data::split(catalog, &config.data, seed)?;
    let store = ImageStore::on_demand(Arc::clone(catalog), model.info().network.preprocess.clone());
    let task =
        EvaluationTask { store: &store, items: &split.validation, split: Some(&split), eval: &config.eval, rule, seed };
    evaluate_items(model, &task, control, progress)
}

/// Measures what a run came to, on the images that it held out, and keeps it with the run. That they have no pairs to be
/// measured on is kept, too: the run is done all the same.
///
/// `has_learned`: it took steps since it was begun or continued. A threshold that a person chose on other images, without its
/// weights noted, was that of another network then, and gives way; of a run that merely has nothing left to learn, it stays.
///
/// # Errors
/// As [`evaluate_split`], and when the disk refuses.
pub(super) fn evaluate_end(
    model: &TrainedModel,
    task: &EvaluationTask<'_>,
    has_learned: bool,
    control: &Control,
) -> Result<StoredEvaluation, TrainError> {
    let result = match evaluate_items(model, task, control, &mut |_, _| {}) {
        Err(TrainError::NoPairs(reason)) => {
            let model_sha256 = Some(model.sha256().to_owned());
            write_json(model.run(), NO_PAIRS_FILE, &NoPairs { reason: reason.clone(), model_sha256 })?;
            return Err(TrainError::NoPairs(reason));
        }
        result => result?,
    };
    let EvaluationResult { report, table, classification, model_sha256, .. } = result;
    let on = format!("{} held-out images", table.len());
    let model_sha256 = Some(model_sha256);
    let stored = StoredEvaluation { on, own: Some(true), rule: task.rule, report, classification, model_sha256 };
    let is_undated = kept_point(model.run()).is_some_and(|kept| kept.model_sha256.is_none());
    if has_learned && is_undated {
        store_evaluation(model.run(), &stored)?;
    } else {
        store_own_evaluation(model.run(), &stored)?;
    }
    Ok(stored)
}

/// Evaluates every image of a data set, all of its classes new to the model.
///
/// # Errors
/// As [`evaluate_split`].
pub fn evaluate_all(
    model: &TrainedModel,
    catalog: &Arc<Catalog>,
    rule: OperatingRule,
    control: &Control,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<EvaluationResult, TrainError> {
    let config = super::run_folder::read_config(model.run())?;
    let items: Vec<u32> = (0..catalog.items.len() as u32).collect();
    let store = ImageStore::on_demand(Arc::clone(catalog), model.info().network.preprocess.clone());
    let seed = u64::from(config.train.seed);
    let task = EvaluationTask { store: &store, items: &items, split: None, eval: &config.eval, rule, seed };
    evaluate_items(model, &task, control, progress)
}

/// The data set a run was trained with, opened again from the place it remembers; its whole where images were excluded
/// since. `progress` as in [`Catalog::open`].
///
/// # Errors
/// When it cannot be opened.
pub fn reopen(
    info: &RunInfo,
    progress: &(dyn Fn(Progress) + Sync),
    control: &Control,
) -> Result<Arc<Catalog>, DataError> {
    let catalog = Arc::new(Catalog::open(Path::new(&info.data), progress, &|| control.is_cancelled())?);
    Ok(catalog.with_fingerprint(&info.data_fingerprint).unwrap_or(catalog))
}

/// Says how many images a run learned from and how many it would be now, where `catalog` is not what it was trained with;
/// `None` where it is. `config` are the settings of the run. Which images it held out can then no longer be told: the split
/// depends on all of them. Of those that it would learn from now, some may turn out to be unreadable, which are not among those
/// that it has learned from.
pub fn changed_images(config: &RunConfig, catalog: &Catalog) -> Option<String> {
    let info = config.run.as_ref().filter(|info| !catalog.has_fingerprint(&info.data_fingerprint))?;
    let then = (info.images as usize, info.classes as usize);
    let split = crate::data::split(catalog, &config.data, u64::from(config.train.seed));
    let now = match split.map(|split| (split.train.len(), split.train_classes.len())) {
        Ok(now) if now == then => "; as many would be now, but they are others".to_owned(),
        Ok((images, classes)) => format!(", up to {images} of {classes} would be now"),
        Err(_) => format!(", {} of {} are there now", catalog.items.len(), catalog.classes.len()),
    };
    Some(format!("{} images of {} classes were learned from then{now}", then.0, then.1))
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
    write_json(run, REPORT_FILE, stored)?;
    let point = stored.report.operating.clone();
    let model_sha256 = stored.model_sha256.clone();
    save_operating_point(run, &KeptPoint { point, rule: Some(stored.rule), on_other_images: false, model_sha256 })
}

/// As [`store_evaluation`], of the images that the run held out, by someone who only looks at the run: a threshold that a
/// person chose on other images for the same weights stays. Tells whether that of `stored` became the run's.
///
/// # Errors
/// When the disk refuses.
pub fn store_own_evaluation(run: &Path, stored: &StoredEvaluation) -> Result<bool, TrainError> {
    if kept_of_same(run, stored).is_some_and(|kept| kept.on_other_images) {
        write_json(run, REPORT_FILE, stored)?;
        return Ok(false);
    }
    store_evaluation(run, stored)?;
    Ok(true)
}

/// As [`store_evaluation`], but only where the run has no threshold yet for these weights (imported ones, or those of a run
/// that has learned since): the first that is measured becomes the run's. Tells whether it was kept.
///
/// # Errors
/// When the disk refuses.
pub fn store_first_evaluation(run: &Path, stored: &StoredEvaluation) -> Result<bool, TrainError> {
    let is_first = kept_of_same(run, stored).is_none();
    if is_first {
        store_evaluation(run, stored)?;
    }
    Ok(is_first)
}

/// The threshold that is kept with the run for the weights that were measured.
fn kept_of_same(run: &Path, stored: &StoredEvaluation) -> Option<KeptPoint> {
    kept_point(run).filter(|kept| stored.model_sha256.as_deref().is_none_or(|measured| kept.is_of(measured)))
}

/// Where the evaluation is kept with a run.
pub(super) fn report_path(run: &Path) -> PathBuf {
    run.join(FOLDER).join(REPORT_FILE)
}

/// Where it is kept that a run has no pairs to be measured on.
pub(super) fn no_pairs_path(run: &Path) -> PathBuf {
    run.join(FOLDER).join(NO_PAIRS_FILE)
}

/// The evaluation kept with a run, if there is one that can be read.
pub fn load_evaluation(run: &Path) -> Option<StoredEvaluation> {
    let bytes = read_at_most(&report_path(run), MAX_REPORT_BYTES).ok()?;
    serde_json::from_slice(&bytes).ok().filter(|stored: &StoredEvaluation| is_possible(&stored.report))
}

/// Anyone may have written the file.
fn is_possible(report: &VerificationReport) -> bool {
    let is_rate = |rate: f64| (0.0..=1.0).contains(&rate);
    let has_place =
        |point: &DetPoint| is_rate(point.fmr) && is_rate(point.fnmr) && point.x.is_finite() && point.y.is_finite();
    [report.eer, report.eer_low, report.eer_high].into_iter().all(is_rate) && report.det.iter().all(has_place)
}

/// What is kept in its place, where there can be none.
pub(super) fn load_no_pairs(run: &Path) -> Option<NoPairs> {
    let bytes = read_at_most(&no_pairs_path(run), MAX_REPORT_BYTES).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Writes a file about what was measured.
pub(super) fn write_json(run: &Path, name: &str, value: &impl Serialize) -> Result<(), TrainError> {
    let folder = run.join(FOLDER);
    let path = folder.join(name);
    std::fs::create_dir_all(&folder).map_err(TrainError::disk("write the evaluation", &folder))?;
    let bytes = serde_json::to_vec_pretty(value).map_err(|error| TrainError::Compute(error.to_string()))?;
    atomic_write(&path, &bytes).map_err(TrainError::disk("write the evaluation", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SplitBy;
    use crate::data::split;
    use crate::data::testing::draw_classes;

    #[test]
    fn images_that_are_not_those_of_the_run_are_told_with_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Catalog::open(folder.path(), &|_| {}, &|| false).unwrap();
        let learned = |config: &RunConfig| {
            let split = split(&open(), &config.data, u64::from(config.train.seed)).unwrap();
            (split.train.len(), split.train_classes.len())
        };
        draw_classes(folder.path(), 10, 4);
        let mut config = RunConfig::default();
        config.data.split = SplitBy::Identity;
        assert_eq!(changed_images(&config, &open()), None, "nothing is known of its images");
        let (images, classes) = learned(&config);
        config.run = Some(RunInfo {
            data_fingerprint: open().fingerprint,
            images: images as u32,
            classes: classes as u32,
            ..RunInfo::default()
        });
        assert_eq!(changed_images(&config, &open()), None);

        let then = format!("{images} images of {classes} classes were learned from then");
        std::fs::rename(folder.path().join("p03/3.png"), folder.path().join("p03/x.png")).unwrap();
        let told = changed_images(&config, &open()).unwrap();
        assert_eq!(told, format!("{then}; as many would be now, but they are others"));
        draw_classes(folder.path(), 20, 6);
        let (more_images, more_classes) = learned(&config);
        assert!(more_images > images && more_classes > classes);
        let told = changed_images(&config, &open()).unwrap();
        assert_eq!(told, format!("{then}, up to {more_images} of {more_classes} would be now"));
        // They cannot be divided as they were.
        config.data.held_out = "gone".into();
        assert_eq!(changed_images(&config, &open()).unwrap(), format!("{then}, 121 of 20 are there now"));
    }
}
