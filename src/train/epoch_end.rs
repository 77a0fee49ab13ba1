//! What comes at the end of an epoch: its validation, its line in the logs, its checkpoint.
//!
//! A run that starts from another network measures that one first, as its epoch 0. It is what the run has to be better than,
//! and its best as long as no epoch is: nobody should come out of fine-tuning with a worse network without being told.

use super::TrainError;
use super::checkpoint::{BestSoFar, Sums};
use super::events::{EpochMetrics, TrainEvent, ValidationSnapshot};
use super::run::{Observer, Run};
use super::validate::{Classified, InBatches, LIVE_IMAGES, TableBuilder, at_once, error_rates, for_batches, thin};
use super::{Control, evaluate, patience};
use crate::data::SplitKind;
use std::sync::Arc;
use std::time::Instant;

impl Run {
    /// Measures the network that the run starts from, before the first step and only once. Without held-out images there is
    /// nothing to compare, and so no epoch 0.
    pub(super) fn measure_start(&mut self, control: &Control, observer: &mut dyn Observer) -> Result<(), TrainError> {
        if !self.state.is_fresh() || !self.resolved.config.train.is_fine_tuned() || control.is_cancelled() {
            return Ok(());
        }
        let asked = Instant::now();
        let validation = self.validate(control, observer)?;
        self.clock.before_steps += asked.elapsed();
        let metrics = self.metrics(Sums::default(), validation, 0.0);
        if metrics.eer.is_none() && metrics.val_loss.is_none() {
            return Ok(());
        }
        self.close(metrics, observer)
    }

    /// All steps of an epoch are done.
    pub(super) fn end_of_epoch(&mut self, control: &Control, observer: &mut dyn Observer) -> Result<(), TrainError> {
        let train_secs = self.clock.epoch_began.elapsed().as_secs_f64().max(1e-9);
        let sums = std::mem::take(&mut self.state.epoch_sums);
        self.state.epoch += 1;
        self.state.step_in_epoch = 0;
        let validation = self.validate(control, observer)?;
        self.close(self.metrics(sums, validation, self.clock.images as f64 / train_secs), observer)
    }

    /// Measures of the present epoch. Whether it is the best is still to be told.
    fn metrics(&self, sums: Sums, validation: Option<(f64, f64, f64)>, images_per_second: f64) -> EpochMetrics {
        EpochMetrics {
            epoch: self.state.epoch,
            step: self.state.step,
            train_loss: sums.loss(),
            train_accuracy: sums.accuracy(),
            val_loss: validation.map(|(loss, _, _)| loss).filter(|loss| loss.is_finite()),
            val_accuracy: validation.map(|(_, accuracy, _)| accuracy).filter(|share| share.is_finite()),
            eer: validation.map(|(_, _, eer)| eer).filter(|eer| eer.is_finite()),
            best: false,
            images_per_second,
            elapsed_secs: self.clock.began.elapsed().as_secs_f64(),
        }
    }

    /// Tells whether the epoch is the best, and writes it down.
    fn close(&mut self, mut metrics: EpochMetrics, observer: &mut dyn Observer) -> Result<(), TrainError> {
        let before = self.state.best;
        // What is in doubt is not written, and so it is no epoch that anybody could get back.
        let is_sound = !self.guard.is_in_doubt();
        let better = patience::better(&metrics, before, &self.resolved.config.train).filter(|_| is_sound);
        metrics.best = better.is_some();
        self.state.best = better.or(before);
        tracing::info!(epoch = metrics.epoch, loss = metrics.train_loss, eer = ?metrics.eer, "epoch");
        patience::follow(&mut self.state, &self.resolved.config);
        self.state.last_epoch = Some(metrics.clone());
        // Before the checkpoint: a line too many is taken out on resume, a missing one could not be made up.
        self.tell_epoch(&metrics, observer);
        self.board.epoch(&metrics);
        if !self.save(observer)? {
            // What is not on disk cannot be gone back to: the best before it stays, mark and checkpoint.
            self.state.best = before;
            if std::mem::take(&mut metrics.best) {
                self.state.last_epoch = Some(metrics.clone());
                self.tell_epoch(&metrics, observer);
            }
        }
        observer.event(TrainEvent::Epoch(metrics));
        Ok(())
    }

    /// The last epoch as the best one, where it is that but for a disk that did not take its checkpoint, and the run still stands
    /// at its end: now that it can be written, it can be gone back to.
    pub(super) fn best_not_kept(&self) -> Option<(BestSoFar, EpochMetrics)> {
        let stands_there = |last: &&EpochMetrics| last.step == self.state.step && self.state.step_in_epoch == 0;
        let last = self.state.last_epoch.as_ref().filter(|last| !last.best).filter(stands_there)?;
        let best = patience::better(last, self.state.best, &self.resolved.config.train)?;
        Some((best, EpochMetrics { best: true, ..last.clone() }))
    }

    pub(super) fn tell_epoch(&mut self, metrics: &EpochMetrics, observer: &mut dyn Observer) {
        if let Err(error) = self.log.epoch(metrics) {
            observer.event(TrainEvent::Warning(error.to_string()));
        }
    }

    /// A run that learned nothing is told as such. After its frozen epochs the network is still the one that it started from.
    pub(super) fn say_if_start_is_best(&self, observer: &mut dyn Observer) {
        let frozen = self.resolved.config.train.frozen_epochs();
        if self.state.epoch > frozen && self.state.best.is_some_and(|best| best.epoch <= frozen) {
            observer.event(TrainEvent::Note(
                "no epoch was better than the network that the run started from, which is kept as its best".to_owned(),
            ));
        }
    }

    /// (loss, accuracy, EER) on the held-out images, NaN where there is none.
    fn validate(
        &mut self,
        control: &Control,
        observer: &mut dyn Observer,
    ) -> Result<Option<(f64, f64, f64)>, TrainError> {
        let items = thin(&self.split.validation, LIVE_IMAGES);
        if items.is_empty() {
            return Ok(None);
        }
        let mut rows = TableBuilder::default();
        let mut classified = Classified::default();
        let closed = self.split.kind == SplitKind::ByImage;
        let session = &self.session;
        let split = &self.split;
        let patient = Control::default();
        let at_once = at_once(&self.resolved.config.train);
        let images = InBatches { store: &self.store, items: &items, at_once };
        let left_out = for_batches(images, &patient, &mut |_, _| {}, &mut |batch| {
            let embeddings = session.embed(batch)?;
            rows.add(batch, &embeddings);
            let labels: Option<Vec<u32>> = batch.labels.iter().map(|class| split.label(*class)).collect();
            if let Some(labels) = labels.filter(|_| closed) {
                classified.add(&session.logits(embeddings)?, &labels);
            }
            Ok(())
        })?;
        // Its frozen copy would lie beside the checkpoint while that is written.
        self.session.end_embedding();
        left_out.groups().iter().for_each(|group| observer.event(TrainEvent::Warning(group.headline.clone())));
        let table = match rows.finish(self.info.network.embedder.embedding_dim, &self.catalog) {
            Ok(table) => Arc::new(table),
            Err(error) => {
                let when = match self.state.epoch {
                    0 => "before the first step".to_owned(),
                    epoch => format!("after epoch {epoch}"),
                };
                observer.event(TrainEvent::Warning(format!("no validation {when}: {error}")));
                return Ok(None);
            }
        };
        let eval = &self.resolved.config.eval;
        let seed = u64::from(self.resolved.config.train.seed);
        let report = error_rates(&table, eval, evaluate::rule_of(eval), seed).ok().map(|(report, _)| Arc::new(report));
        let eer = report.as_ref().map_or(f64::NAN, |report| report.eer);
        let name = |class: u32| self.catalog.classes.get(class as usize).cloned().unwrap_or_default();
        self.board.embeddings(&table, &name);
        if !control.is_cancelled() {
            observer.event(TrainEvent::Validation(ValidationSnapshot { epoch: self.state.epoch, table, report }));
        }
        let (loss, accuracy) = classified.means().unwrap_or((f64::NAN, f64::NAN));
        Ok(Some((loss, accuracy, eer)))
    }
}
