//! Fine-tuning: a run begins with the network of another one, and with its class weights where classes have the same names.
//! For the other classes see `imprint`.
//!
//! The network's shape and its preprocessing come with it, whatever the settings say: other ones would make the weights
//! meaningless. The optimiser and the schedule begin anew.

use super::checkpoint::{Checkpoint, HEAD_FILE, MODEL_FILE};
use super::find_checkpoint;
use super::imprint::apart;
use super::run_folder::Place;
use super::session::Session;
use super::{ModelInfo, TrainError};
use crate::config::{Head, Reason, RunConfig, RunInfo};
use crate::kernels::random::Draw;
use crate::loss::HeadSpec;
use crate::model::weights::weights_from_bytes;
use std::collections::HashMap;
use std::path::Path;

/// The network that a run starts from.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// Its shape and preprocessing.
    pub info: ModelInfo,
    /// Its weights; a run that has checkpoints of its own needs them no more.
    weights: Option<Checkpoint>,
}

/// A row of class weights and the class's bias, where the loss has one.
#[derive(Clone, Debug, PartialEq)]
pub struct StartRow {
    /// Row of the new head.
    pub row: usize,
    /// Its weights, `embedding_dim` of them.
    pub weight: Vec<f32>,
    /// Its bias (plain softmax).
    pub bias: Option<f32>,
}

impl Origin {
    /// What a run with these settings starts from; none when it starts from scratch.
    ///
    /// # Errors
    /// When the run it should start from has no usable checkpoint, or has changed since; when a continued run has
    /// checkpoints of its own, and none of them can be used.
    pub fn find(config: &mut RunConfig, place: &Place) -> Result<Option<Self>, TrainError> {
        if !config.train.is_fine_tuned() {
            return Ok(None);
        }
        if let Place::Resume(run) = place
            && let Some((own, _)) = find_checkpoint::newest_usable(run)?
        {
            return Ok(Some(Self { info: own.info()?, weights: None }));
        }
        let origin = Self::open(config)?;
        let path = Path::new(config.train.start_from.trim());
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        config.train.start_from = whole.to_string_lossy().into_owned();
        Ok(Some(origin))
    }

    /// The network that a run with these settings begins with, whatever it has learnt since.
    ///
    /// # Errors
    /// When the run to start from has no usable checkpoint, or has changed since this run began, or the first of its series.
    pub fn open(config: &RunConfig) -> Result<Self, TrainError> {
        let path = Path::new(config.train.start_from.trim());
        let checkpoint = find_checkpoint::best_checkpoint(path).map_err(of_origin)?;
        let other = |facts: &&RunInfo| facts.start_sha256 != checkpoint.digest(MODEL_FILE);
        let known = config.run.as_ref().filter(|facts| !facts.start_sha256.is_empty());
        if let Some(facts) = known.filter(other) {
            return Err(changed(path, facts));
        }
        Ok(Self { info: checkpoint.info()?, weights: Some(checkpoint) })
    }

    /// SHA-256 of the weights file; empty when it is not needed any more.
    pub fn digest(&self) -> String {
        self.weights.as_ref().map(|checkpoint| checkpoint.digest(MODEL_FILE).to_owned()).unwrap_or_default()
    }

    /// Makes the settings say what the network is; returns what had to be changed.
    pub fn settle(&self, config: &mut RunConfig) -> Vec<Reason> {
        self.info.network.settle(config)
    }

    /// Puts network and class weights into a fresh session. Returns of each class whether it knew its weights; `None` when there
    /// was nothing to do. `seed` is that of the run, for centres that a class did not have.
    ///
    /// # Errors
    /// When the weights do not fit their own description.
    pub fn give(
        &self,
        session: &mut dyn Session,
        head: &HeadSpec,
        classes: &[String],
        seed: u64,
    ) -> Result<Option<Vec<bool>>, TrainError> {
        let Some(checkpoint) = &self.weights else { return Ok(None) };
        let rows = self.rows(checkpoint, head, classes, seed)?;
        session.start_from(&checkpoint.read(MODEL_FILE)?, &rows)?;
        let mut known = vec![false; classes.len()];
        for row in &rows {
            if let Some(known) = known.get_mut(row.row / head.options.subcenters.max(1)) {
                *known = true;
            }
        }
        Ok(Some(known))
    }

    /// The class weights of classes that both runs have, by name, sub-centre by sub-centre. Further sub-centres begin beside
    /// the first one: in random directions they would be far from every image of their class, and never be its nearest.
    fn rows(
        &self,
        checkpoint: &Checkpoint,
        head: &HeadSpec,
        classes: &[String],
        seed: u64,
    ) -> Result<Vec<StartRow>, TrainError> {
        let old = &self.info.head;
        if old.classes == 0 || old.embedding_dim != head.embedding_dim {
            return Ok(Vec::new());
        }
        let damaged = |reason: String| TrainError::Damaged { reason, path: checkpoint.path.join(HEAD_FILE) };
        let weights =
            weights_from_bytes(&checkpoint.read(HEAD_FILE)?).map_err(|problem| damaged(problem.to_string()))?;
        let matrix = weights.tensors.get("weight").filter(|weight| weight.shape == [old.rows(), old.embedding_dim]);
        let matrix = matrix.ok_or_else(|| damaged("its class weights are not those it describes".to_owned()))?;
        // UniFace's is one threshold for all classes.
        let have_biases = old.head == Head::Softmax && head.head == Head::Softmax;
        let bias = have_biases.then(|| weights.tensors.get("bias")).flatten();
        let known: HashMap<&str, usize> =
            self.info.classes.iter().enumerate().map(|(class, name)| (name.as_str(), class)).collect();
        let (old_centres, new_centres) = (old.options.subcenters, head.options.subcenters);
        let mut draw = Draw::new(seed, "further centres");
        let mut rows = Vec::new();
        for (class, name) in classes.iter().enumerate() {
            let Some(&from) = known.get(name.as_str()) else { continue };
            let old_centre = |centre: usize| {
                let row = matrix.data.chunks_exact(old.embedding_dim).nth(from * old_centres + centre)?;
                Some(start_weight(row, head.head))
            };
            for centre in 0..new_centres {
                let weight = if centre < old_centres {
                    old_centre(centre)
                } else {
                    old_centre(0).and_then(|first| beside(&first, &mut draw))
                };
                rows.extend(weight.map(|weight| StartRow {
                    row: class * new_centres + centre,
                    weight,
                    bias: bias.and_then(|bias| bias.data.get(from).copied()),
                }));
            }
        }
        Ok(rows)
    }
}

/// The weights in `path` are not those that a run started from, or the earlier runs of its series.
fn changed(path: &Path, facts: &RunInfo) -> TrainError {
    if !facts.has_begun() {
        return TrainError::OriginChanged(path.to_owned());
    }
    TrainError::CannotResume(format!(
        "the run it started from has other weights now, and it has no checkpoint of its own yet; start a new run: {}",
        path.display()
    ))
}

/// The error of the run that another one starts from, in words for who starts the other one.
fn of_origin(error: TrainError) -> TrainError {
    match error {
        TrainError::AllDamaged { reasons, path } => TrainError::OriginDamaged { reasons, path },
        other => other,
    }
}

/// Where a further centre begins of a class that has one already.
fn beside(first: &[f32], draw: &mut Draw) -> Option<Vec<f32>> {
    let first: Vec<f64> = first.iter().map(|value| f64::from(*value)).collect();
    Some(apart(&first, draw)?.into_iter().map(|value| value as f32).collect())
}

/// Cosine heads ignore the length of a row but turn long rows slowly: their rows begin at length 1, as fresh ones do.
fn start_weight(row: &[f32], head: Head) -> Vec<f32> {
    let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
    if head == Head::Softmax || length <= f32::MIN_POSITIVE {
        return row.to_vec();
    }
    row.iter().map(|value| value / length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_cosine_heads_begin_at_length_one() {
        assert_eq!(start_weight(&[3.0, 4.0], Head::ArcFace), [0.6, 0.8]);
        assert_eq!(start_weight(&[3.0, 4.0], Head::Softmax), [3.0, 4.0]);
        assert_eq!(start_weight(&[0.0, 0.0], Head::CosFace), [0.0, 0.0]);
    }
}
