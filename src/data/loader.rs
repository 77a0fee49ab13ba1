//! Makes the batches of one epoch on a thread of its own while the network is busy with the last one.
//!
//! Every image's changes come from a stream named by (seed, epoch, position), so the batches are the same whatever the
//! number of threads, and a run resumed at `first_step` sees what it would have seen. An image that cannot be read any
//! more ends the epoch with an error: training on without it would silently change the run.

use super::batch::fill_images;
use super::{Augment, DataError, HostBatch, ImageStore, Sampling, Split, seeded, steps_per_epoch};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Batches made ahead.
const PREFETCH: usize = 3;

/// Which batches are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochPlan {
    /// Seed of the run.
    pub seed: u64,
    /// Counted from 0.
    pub epoch: u32,
    /// Steps of this epoch that are already done.
    pub first_step: usize,
    /// Order and size of the batches.
    pub sampling: Sampling,
}

/// The batches of one epoch, made ahead. Dropping it ends its thread.
#[derive(Debug)]
pub struct Loader {
    receiver: Option<Receiver<Result<HostBatch, DataError>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Loader {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system grants no thread.
    pub fn start(
        store: Arc<ImageStore>,
        split: Arc<Split>,
        augment: Augment,
        plan: EpochPlan,
    ) -> Result<Self, DataError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = sync_channel(PREFETCH);
        let maker = Maker { store, split, augment, plan, stop: Arc::clone(&stop) };
        let thread = std::thread::Builder::new()
            .name("arclens-loader".to_owned())
            .spawn(move || maker.run(&sender))
            .map_err(DataError::Thread)?;
        Ok(Self { receiver: Some(receiver), stop, thread: Some(thread) })
    }
}

impl Iterator for Loader {
    type Item = Result<HostBatch, DataError>;

    /// Waits for the next batch; `None` at the end of the epoch.
    fn next(&mut self) -> Option<Self::Item> {
        self.receiver.as_ref()?.recv().ok()
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Without a receiver a thread that waits to send gives up.
        drop(self.receiver.take());
        if let Some(thread) = self.thread.take() {
            // A panic on the thread has already ended the epoch; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

struct Maker {
    store: Arc<ImageStore>,
    split: Arc<Split>,
    augment: Augment,
    plan: EpochPlan,
    stop: Arc<AtomicBool>,
}

impl Maker {
    fn run(&self, sender: &SyncSender<Result<HostBatch, DataError>>) {
        let items = &self.store.catalog().items;
        let class = |item: &u32| items.get(*item as usize).map_or(u32::MAX, |item| item.class);
        let classes: Vec<u32> = self.split.train.iter().map(class).collect();
        let order = self.plan.sampling.epoch_order(&classes, self.plan.seed, self.plan.epoch);
        let batch = self.plan.sampling.batch.max(1);
        let steps = steps_per_epoch(order.len(), batch);
        for (step, positions) in order.chunks(batch).take(steps).enumerate().skip(self.plan.first_step) {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let batch = self.make((step * batch) as u64, positions);
            let failed = batch.is_err();
            if sender.send(batch).is_err() || failed {
                return;
            }
        }
    }

    /// `start` is the position of the batch in the epoch.
    fn make(&self, start: u64, positions: &[u32]) -> Result<HostBatch, DataError> {
        let pre = self.store.preprocess();
        let (px, channels) = (pre.image_px as usize, pre.channels as usize);
        let items: Vec<u32> = positions.iter().filter_map(|&p| self.split.train.get(p as usize).copied()).collect();
        let epoch = u64::from(self.plan.epoch) << 32;
        let (images, failed) = fill_images(&self.store, &items, |position, pixels, out| {
            let mut rng = seeded::stream(self.plan.seed, "augment", epoch | (start + position as u64));
            self.augment.apply(pixels, px, channels, &mut rng, out, pre);
        });
        if let Some((_, error)) = failed.into_iter().next() {
            return Err(error);
        }
        let catalog = self.store.catalog();
        let label = |&item: &u32| {
            let class = catalog.items.get(item as usize).map(|item| item.class);
            let count = catalog.items.len();
            class.and_then(|class| self.split.label(class)).ok_or(DataError::NoSuchItem { item: item as usize, count })
        };
        let labels = items.iter().map(label).collect::<Result<_, _>>()?;
        Ok(HostBatch { images, labels, items, channels, px })
    }
}

#[cfg(test)]
mod tests;
