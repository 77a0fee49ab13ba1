//! From held-out images to embeddings and error rates; used after every epoch and by `evaluate`.

use super::session::{count_correct, cross_entropy_sum};
use super::{Control, TrainError};
use crate::config::{EvalConfig, TrainConfig};
use crate::data::{Catalog, DataError, HostBatch, ImageStore, Warnings, largest_part, plain_batches};
use crate::eval::{
    EmbeddingTable, ErrorRates, OperatingRule, ScoredPairs, VerificationReport, make_pairs, score_pairs,
    verification_report,
};

/// Images embedded at once: more are hardly faster.
const MOST_AT_ONCE: usize = 64;
/// Fewer would leave cores without work.
const LEAST_AT_ONCE: usize = 8;
/// After an epoch at most this many held-out images are looked at, evenly over them; the end of the run takes all.
pub const LIVE_IMAGES: usize = 2000;

/// Images that the network of a run embeds at once: as many as a training step computes at once, so that looking at the
/// held-out images takes no more memory than learning from the others.
///
/// It depends on nothing but the settings of the run. How many images come together decides how a convolution is computed, and
/// so the last bits of an embedding; what a run measured at its end has to be what is measured again later.
pub(super) fn at_once(train: &TrainConfig) -> usize {
    largest_part(train.batch as usize, train.micro_batches as usize).clamp(LEAST_AT_ONCE, MOST_AT_ONCE)
}

/// Images to go through.
#[derive(Clone, Copy, Debug)]
pub struct InBatches<'a> {
    /// Where they come from.
    pub store: &'a ImageStore,
    /// Which of them, in this order.
    pub items: &'a [u32],
    /// How many at once.
    pub at_once: usize,
}

/// Calls `each` for every batch of plain (unaugmented) images. Those that cannot be read (any more) are left out and
/// returned as warnings.
///
/// # Errors
/// When no image can be read or `each` fails; [`TrainError::Cancelled`] when asked to stop.
pub fn for_batches(
    InBatches { store, items, at_once }: InBatches<'_>,
    control: &Control,
    progress: &mut dyn FnMut(usize, usize),
    each: &mut dyn FnMut(&HostBatch) -> Result<(), TrainError>,
) -> Result<Warnings, TrainError> {
    let failed: std::collections::BTreeSet<u32> = store.failed().iter().copied().collect();
    let items: Vec<u32> = items.iter().copied().filter(|item| !failed.contains(item)).collect();
    let (mut done, mut read) = (0, 0);
    let mut warnings = Warnings::default();
    for (batch, left_out) in plain_batches(store, &items, at_once, false) {
        if control.is_cancelled() {
            return Err(TrainError::Cancelled);
        }
        if !batch.is_empty() {
            each(&batch)?;
        }
        read += batch.len();
        done += batch.len() + left_out.len();
        left_out.into_iter().for_each(|warning| warnings.add(warning));
        progress(done, items.len());
    }
    if read == 0 && !items.is_empty() {
        return Err(DataError::all_unreadable(items.len(), &warnings).into());
    }
    Ok(warnings)
}

/// Loss and hits of images whose classes the head knows.
#[derive(Debug, Default)]
pub(super) struct Classified {
    loss: f64,
    correct: usize,
    known: usize,
}

impl Classified {
    /// Adds a batch: margin-free logits, and the head's row of each image.
    pub(super) fn add(&mut self, logits: &[f32], labels: &[u32]) {
        self.loss += cross_entropy_sum(logits, labels);
        self.correct += count_correct(logits, labels);
        self.known += labels.len();
    }

    /// (mean loss, share recognised); `None` before the first image.
    pub(super) fn means(&self) -> Option<(f64, f64)> {
        let known = self.known as f64;
        (self.known > 0).then(|| (self.loss / known, self.correct as f64 / known))
    }
}

/// Gathers rows into a table.
#[derive(Debug, Default)]
pub struct TableBuilder {
    data: Vec<f32>,
    items: Vec<u32>,
}

impl TableBuilder {
    /// Adds a batch's embeddings.
    pub fn add(&mut self, batch: &HostBatch, embeddings: &[f32]) {
        self.data.extend_from_slice(embeddings);
        self.items.extend_from_slice(&batch.items);
    }

    /// The table, rows normalised.
    ///
    /// # Errors
    /// When a row is zero or not a number.
    pub fn finish(self, dim: usize, catalog: &Catalog) -> Result<EmbeddingTable, TrainError> {
        let classes =
            self.items.iter().map(|item| catalog.items.get(*item as usize).map_or(0, |item| item.class)).collect();
        Ok(EmbeddingTable::new(dim, self.data, self.items, classes)?)
    }
}

/// Scores pairs of a table and computes every rate.
///
/// # Errors
/// When the table has no genuine or no impostor pair.
pub fn error_rates(
    table: &EmbeddingTable,
    config: &EvalConfig,
    rule: OperatingRule,
    seed: u64,
) -> Result<(VerificationReport, ErrorRates), TrainError> {
    let pairs = make_pairs(table.classes(), config.max_genuine as usize, config.max_impostor as usize, seed);
    let scored = score_pairs(table, &pairs)?;
    rates_of(&scored, rule, false, seed)
}

/// Every rate of scored pairs. `contiguous_folds`: the list is already divided as published (`pairs.txt`).
///
/// # Errors
/// When a kind of pair is missing.
pub fn rates_of(
    scored: &ScoredPairs,
    rule: OperatingRule,
    contiguous_folds: bool,
    seed: u64,
) -> Result<(VerificationReport, ErrorRates), TrainError> {
    let of = |same: bool| -> Vec<f32> {
        scored.scores.iter().zip(&scored.same).filter(|(_, s)| **s == same).map(|(score, _)| *score).collect()
    };
    let (genuine, impostor) = (of(true), of(false));
    if genuine.is_empty() || impostor.is_empty() {
        // Of held-out images and of a data set that was named alike.
        let what =
            if genuine.is_empty() { "no class that is compared has two images" } else { "only one class is compared" };
        return Err(TrainError::NoPairs(what.to_owned()));
    }
    let rates = ErrorRates::new(&genuine, &impostor)?;
    Ok((verification_report(scored, rule, contiguous_folds, seed)?, rates))
}

/// Every k-th element, so that at most `limit` remain.
pub fn thin(items: &[u32], limit: usize) -> Vec<u32> {
    let step = items.len().div_ceil(limit.max(1)).max(1);
    items.iter().copied().step_by(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RunConfig;

    #[test]
    fn no_more_images_are_embedded_at_once_than_a_step_computes_at_once() {
        let at_once = |batch: u32, micro_batches: u32| {
            at_once(&TrainConfig { batch, micro_batches, ..RunConfig::default().train })
        };
        assert_eq!((at_once(32, 1), at_once(64, 4), at_once(33, 2)), (32, 16, 17));
        assert_eq!((at_once(512, 1), at_once(512, 64)), (MOST_AT_ONCE, LEAST_AT_ONCE));
        assert_eq!((at_once(4, 1), at_once(32, 256)), (LEAST_AT_ONCE, LEAST_AT_ONCE));
    }
}
