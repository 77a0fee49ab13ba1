//! Fine-tuning: a run begins with the network of another one, and with its class weights where classes have the same names,
//! unless those are mere numbers in other images, or the other run has more centres per class. For the other classes see
//! `imprint`.
//!
//! The network's shape and its preprocessing come with it, whatever the settings say: other ones would make the weights
//! meaningless. The optimiser and the schedule begin anew.

use super::checkpoint::{Checkpoint, HEAD_FILE, MODEL_FILE};
use super::find_checkpoint;
use super::imprint::apart;
use super::run_folder::{Place, is_run, read_config};
use super::session::Session;
use super::{ModelInfo, TrainError};
use crate::config::{Head, Reason, RunConfig, RunInfo};
use crate::data::Catalog;
use crate::kernels::random::Draw;
use crate::loss::HeadSpec;
use crate::model::weights::{looks_like_weights, weights_from_bytes};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The network that a run starts from.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// Its shape and preprocessing.
    pub info: ModelInfo,
    /// Its weights; a run that has checkpoints of its own needs them no more.
    weights: Option<Checkpoint>,
    /// Sentences about the checkpoints that had to be passed over.
    pub told: Vec<String>,
    /// Fingerprint of the images that its class weights were learnt from; empty where that is not known.
    data_fingerprint: String,
}

/// A run that starts from a network.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewRun<'a> {
    /// Names of its classes, in the order of the head's rows.
    pub classes: &'a [String],
    /// Its images.
    pub data: &'a Arc<Catalog>,
    /// Draws the centres that a class did not have.
    pub seed: u64,
}

/// What a run was given of the class weights that it could have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// Of each class, whether its weights are those of the run to start from.
    pub known: Vec<bool>,
    /// Why classes that both runs have were given none, as the rest of a sentence; none where they were.
    pub withheld: Option<String>,
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
    /// What a run with these settings starts from; none when it starts from scratch. `followed` is what
    /// [`follow`](Self::follow) found already.
    ///
    /// # Errors
    /// When the run it should start from has no usable checkpoint, or has changed since; when a continued run has
    /// checkpoints of its own, and none of them can be used.
    pub fn find(config: &mut RunConfig, place: &Place, followed: Option<Self>) -> Result<Option<Self>, TrainError> {
        if !config.train.is_fine_tuned() {
            return Ok(None);
        }
        if let Place::Resume(run) = place
            && let Some((own, _)) = find_checkpoint::newest_usable(run)?
        {
            let info = own.info()?;
            return Ok(Some(Self { info, weights: None, told: Vec::new(), data_fingerprint: String::new() }));
        }
        if followed.is_some() {
            return Ok(followed);
        }
        let (origin, found_at) = Self::open(config)?;
        config.train.start_from = whole(found_at);
        Ok(Some(origin))
    }

    /// Takes `wanted` for the run that a continued one, in the folder `run`, started from, if it is that one: it may have got
    /// another name or place since. Where there is no usable run, the continued one goes on without, if it can. What was found
    /// comes back; none where it was not looked for, or not found.
    ///
    /// # Errors
    /// When other weights lie there than those that it started from; while it has no checkpoint, also when there are none.
    pub fn follow(config: &mut RunConfig, run: &Path, wanted: &str) -> Result<Option<Self>, TrainError> {
        let wanted = wanted.trim();
        let is_asked = config.train.is_fine_tuned() && !wanted.is_empty();
        if !is_asked || is_same_place(Path::new(wanted), Path::new(config.train.start_from.trim())) {
            return Ok(None);
        }
        let mut moved = config.clone();
        moved.train.start_from = wanted.to_owned();
        let needs_it = find_checkpoint::checkpoints(run).is_empty();
        match Self::open(&moved) {
            Ok((origin, found_at)) => {
                config.train.start_from = whole(found_at);
                Ok(Some(origin))
            }
            Err(TrainError::CannotResume(_)) => Err(TrainError::CannotResume(format!(
                "train.start_from names a run with other weights than those that it started from; name the run that it started \
                 from, or none: {wanted}"
            ))),
            Err(error) if needs_it => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// The network that a run with these settings begins with, whatever it has learnt since, and where it was found.
    ///
    /// # Errors
    /// When the run to start from has no usable checkpoint, or has changed since this run began, or the first of its series.
    pub fn open(config: &RunConfig) -> Result<(Self, PathBuf), TrainError> {
        let path = place(config);
        let known = config.run.as_ref().filter(|facts| !facts.start_sha256.is_empty());
        let found = find_checkpoint::best_usable(&path);
        let (checkpoint, told) = found.map_err(|error| of_origin(error, &path, known.is_some()))?;
        let other = |facts: &&RunInfo| facts.start_sha256 != checkpoint.digest(MODEL_FILE);
        if let Some(facts) = known.filter(other) {
            return Err(changed(&path, facts));
        }
        let begun = read_config(&path).ok().and_then(|config| config.run);
        let data_fingerprint = begun.map(|facts| facts.data_fingerprint).unwrap_or_default();
        Ok((Self { info: checkpoint.info()?, weights: Some(checkpoint), told, data_fingerprint }, path))
    }

    /// SHA-256 of the weights file; empty when it is not needed any more.
    pub fn digest(&self) -> String {
        self.weights.as_ref().map(|checkpoint| checkpoint.digest(MODEL_FILE).to_owned()).unwrap_or_default()
    }

    /// Makes the settings say what the network is; returns what had to be changed.
    pub fn settle(&self, config: &mut RunConfig) -> Vec<Reason> {
        self.info.network.settle(config)
    }

    /// Puts network and class weights into a fresh session. Returns which class weights; `None` when there was nothing to do.
    ///
    /// # Errors
    /// When the weights do not fit their own description.
    pub fn give(
        &self,
        session: &mut dyn Session,
        head: &HeadSpec,
        run: &NewRun<'_>,
    ) -> Result<Option<Given>, TrainError> {
        let Some(checkpoint) = &self.weights else { return Ok(None) };
        let withheld = self.withheld(head, run);
        let rows = if withheld.is_some() { Vec::new() } else { self.rows(checkpoint, head, run)? };
        session.start_from(&checkpoint.read(MODEL_FILE)?, &rows)?;
        let mut known = vec![false; run.classes.len()];
        for row in &rows {
            if let Some(known) = known.get_mut(row.row / head.options.subcenters.max(1)) {
                *known = true;
            }
        }
        Ok(Some(Given { known, withheld }))
    }

    /// Why the weights of classes that both runs have are of no use to the new one; none where they are, or there are none.
    fn withheld(&self, head: &HeadSpec, run: &NewRun<'_>) -> Option<String> {
        let own = &self.info.classes;
        let names: HashSet<&String> = own.iter().collect();
        if !run.classes.iter().any(|name| names.contains(name)) {
            return None;
        }
        if (are_numbers(own) || are_numbers(run.classes)) && run.data.with_fingerprint(&self.data_fingerprint).is_none()
        {
            let why = "classes have numbers for names here, which stand for other classes in other images than those of the \
                       run it starts from";
            return Some(why.to_owned());
        }
        let (before, now) = (self.info.head.options.subcenters, head.options.subcenters);
        // Which of the centres its images are near is not kept, and the first may be that of the wrong labels.
        (before > now).then(|| format!("a class has {before} centres in the run it starts from and {now} in this one"))
    }

    /// The class weights of classes that both runs have, by name, sub-centre by sub-centre. Further sub-centres begin beside
    /// the first one: in random directions they would be far from every image of their class, and never be its nearest.
    fn rows(&self, checkpoint: &Checkpoint, head: &HeadSpec, run: &NewRun<'_>) -> Result<Vec<StartRow>, TrainError> {
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
        let mut draw = Draw::new(run.seed, "further centres");
        let mut rows = Vec::new();
        for (class, name) in run.classes.iter().enumerate() {
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

/// The names are the numbers of labels, all of them, as those of a file that names no classes: each data set counts anew.
/// Numbers with zeros in front are names, as those of the folders of CASIA-WebFace.
fn are_numbers(names: &[String]) -> bool {
    names.iter().all(|name| name.parse::<u32>().is_ok_and(|number| number.to_string() == *name))
}

/// Where the run lies that one with these settings starts from. A run that was renamed since is known by its weights, where it
/// lies beside its former place.
fn place(config: &RunConfig) -> PathBuf {
    let path = Path::new(config.train.start_from.trim());
    let sha256 = config.run.as_ref().map(|facts| facts.start_sha256.as_str()).filter(|sha256| !sha256.is_empty());
    let renamed = sha256.filter(|_| !is_run(path)).and_then(|sha256| renamed(path, sha256));
    renamed.unwrap_or_else(|| path.to_owned())
}

/// A place as the settings name it: whole, links followed.
fn whole(path: PathBuf) -> String {
    path.canonicalize().unwrap_or(path).to_string_lossy().into_owned()
}

/// The run beside `path` whose best network has this checksum. One that started from the same weights, and has them as its
/// best still, is another run: its class weights differ.
fn renamed(path: &Path, sha256: &str) -> Option<PathBuf> {
    let beside = std::fs::read_dir(path.parent()?).ok()?.flatten().map(|entry| entry.path());
    let is_origin = |run: &PathBuf| {
        let facts = || read_config(run).ok().and_then(|config| config.run);
        find_checkpoint::best_sha256(run).as_deref() == Some(sha256)
            && facts().is_none_or(|facts| facts.start_sha256 != sha256)
    };
    beside.filter(|run| is_run(run) && is_origin(run)).min()
}

/// Both lead to the same folder, as far as can be told.
pub fn is_same_place(a: &Path, b: &Path) -> bool {
    let whole = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path));
    a == b || matches!((whole(a), whole(b)), (Ok(a), Ok(b)) if a == b)
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

/// The error of the run that another one starts from, in words for who starts the other one. Where its weights are known, it
/// would be found under another name, too.
fn of_origin(error: TrainError, origin: &Path, is_known: bool) -> TrainError {
    match error {
        TrainError::NotARun { .. } if looks_like_weights(origin) => TrainError::StartFromFile(origin.to_owned()),
        TrainError::NotARun { reason, path } if is_known => TrainError::OriginGone { reason, path },
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
    fn names_are_numbers_when_all_are_numbers_of_labels() {
        let of = |names: &[&str]| are_numbers(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert!(of(&["0", "17", "4294967295"]));
        assert!(!of(&["0", "ann"]) && !of(&["0000045", "6573224"]) && !of(&["+1"]) && !of(&["-1"]));
    }

    #[test]
    fn rows_of_cosine_heads_begin_at_length_one() {
        assert_eq!(start_weight(&[3.0, 4.0], Head::ArcFace), [0.6, 0.8]);
        assert_eq!(start_weight(&[3.0, 4.0], Head::Softmax), [3.0, 4.0]);
        assert_eq!(start_weight(&[0.0, 0.0], Head::CosFace), [0.0, 0.0]);
    }
}
