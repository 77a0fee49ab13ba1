//! Sends events and wakes the reader; thins progress, because only the newest is of interest.

use super::Wake;
use super::protocol::{Event, JobId, Outcome, Progress};
use crate::data;
use std::sync::Mutex;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration, Instant};

/// Progress is sent at most this often.
const EVERY: Duration = Duration::from_millis(50);

/// The worker's end of the event queue.
#[derive(Clone)]
pub struct Emitter {
    send: SyncSender<Event>,
    wake: Wake,
}

impl std::fmt::Debug for Emitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Emitter")
    }
}

impl Emitter {
    pub(super) fn new(send: SyncSender<Event>, wake: Wake) -> Self {
        Self { send, wake }
    }

    /// Sends an event that must arrive; waits for room.
    pub fn send(&self, event: Event) {
        // A closed queue means that the program is ending: there is nobody to tell.
        self.send.send(event).ok();
        (self.wake)();
    }

    /// Sends an event of which only the newest matters; drops it when there is no room.
    pub fn offer(&self, event: Event) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.send.try_send(event) {
            return;
        }
        (self.wake)();
    }

    /// Sends what a person should know, although the job goes on.
    pub fn warn(&self, job: JobId, told: &[String]) {
        told.iter().for_each(|text| self.send(Event::Warned { job, text: text.clone() }));
    }

    /// The last event of a job.
    pub fn end(&self, job: JobId, outcome: Outcome) {
        tracing::debug!(job = job.0, ?outcome, "job ended");
        self.send(Event::Ended { job, outcome });
    }

    /// A progress reporter for one job.
    pub fn progress(&self, job: JobId) -> ProgressMeter<'_> {
        ProgressMeter { emitter: self, job, began: Instant::now(), last: None }
    }

    /// A progress reporter that several threads share.
    pub fn shared_progress(&self, job: JobId) -> impl Fn(data::Progress) + Sync {
        let meter = Mutex::new(self.progress(job));
        move |progress| {
            // Another thread is reporting: this report is no news.
            if let Ok(mut meter) = meter.try_lock() {
                meter.report(progress.done as usize, progress.total as usize);
            }
        }
    }
}

/// Turns (done, total) into thinned progress events with an estimate of the time left.
#[derive(Debug)]
pub struct ProgressMeter<'a> {
    emitter: &'a Emitter,
    job: JobId,
    began: Instant,
    last: Option<Instant>,
}

impl ProgressMeter<'_> {
    /// Reports; most calls do nothing.
    pub fn report(&mut self, done: usize, total: usize) {
        if self.last.is_some_and(|last| last.elapsed() < EVERY) && done < total {
            return;
        }
        self.last = Some(Instant::now());
        let elapsed = self.began.elapsed().as_secs_f64();
        let eta_secs = (done > 0 && total >= done).then(|| elapsed * (total - done) as f64 / done as f64);
        let progress = Progress { done: done as u64, total: total as u64, eta_secs };
        self.emitter.offer(Event::Progress { job: self.job, progress });
    }
}
