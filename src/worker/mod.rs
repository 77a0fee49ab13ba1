//! Threads. One owns the device and every tensor, two read files and compute maps, two decode thumbnails.
//!
//! Nothing here decides anything: requests come in, events go out ([`protocol`]). All queues are bounded. A job that
//! panics becomes [`protocol::Outcome::Failed`]; its thread goes on.

mod compute;
mod convert;
mod desk;
mod emit;
mod exchange;
mod explain;
mod faces;
pub mod protocol;
mod sample;
mod source;
mod thumbs;

pub use emit::Emitter;
pub use sample::{find_or_draw_sample, runs_root};
pub use source::{SourceError, load as load_source};
pub use thumbs::{ThumbReply, ThumbRequest, ThumbWork, Thumbs, make_thumb, plane_thumb};

use crate::train::Control;
use protocol::{Event, Job, Request};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Jobs waiting per thread.
const REQUESTS: usize = 8;
/// Events waiting for the window; a full queue makes the worker wait, which is the only brake it needs.
const EVENTS: usize = 1024;

/// Wakes whoever reads the events.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// The threads and the ends of their queues.
#[derive(Debug)]
pub struct Workers {
    compute: Option<SyncSender<Job>>,
    desk: Option<SyncSender<Job>>,
    events: Receiver<Event>,
    thumbs: Thumbs,
    /// The brakes of the jobs sent last, for closing.
    running: Vec<Control>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts the threads; `wake` is called whenever there is something to read.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(wake: Wake) -> std::io::Result<Self> {
        let (send, events) = sync_channel(EVENTS);
        let (compute, compute_jobs) = sync_channel::<Job>(REQUESTS);
        let (desk, desk_jobs) = sync_channel::<Job>(REQUESTS);
        let emitter = Emitter::new(send, Arc::clone(&wake));
        let for_compute = emitter.clone();
        let mut threads = vec![
            std::thread::Builder::new()
                .name("compute".into())
                .stack_size(COMPUTE_STACK)
                .spawn(move || compute::serve(&compute_jobs, &for_compute))?,
        ];
        let desk_jobs = Arc::new(std::sync::Mutex::new(desk_jobs));
        for index in 0..DESKS {
            let (jobs, emitter) = (Arc::clone(&desk_jobs), emitter.clone());
            threads.push(
                std::thread::Builder::new()
                    .name(format!("desk-{index}"))
                    .spawn(move || desk::serve(&jobs, &emitter))?,
            );
        }
        Ok(Self {
            compute: Some(compute),
            desk: Some(desk),
            events,
            thumbs: Thumbs::start(wake)?,
            running: Vec::new(),
            threads,
        })
    }

    /// Hands a job over; gives it back when the queue is full.
    ///
    /// # Errors
    /// The job itself.
    pub fn send(&mut self, job: Job) -> Result<(), Box<Job>> {
        let queue = if needs_tensors(&job.request) { &self.compute } else { &self.desk };
        let Some(queue) = queue else { return Err(Box::new(job)) };
        tracing::debug!(job = job.id.0, kind = ?job.request.kind(), "job handed over");
        let control = job.control.clone();
        match queue.try_send(job) {
            Ok(()) => {
                self.running.push(control);
                let surplus = self.running.len().saturating_sub(REQUESTS * 4);
                self.running.drain(..surplus);
                Ok(())
            }
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => Err(Box::new(job)),
        }
    }

    /// The next event, if there is one.
    pub fn poll(&self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// The decoder of small pictures.
    pub fn thumbs(&self) -> &Thumbs {
        &self.thumbs
    }
}

impl Drop for Workers {
    /// Asks every job to stop and waits for the compute thread, which writes its checkpoint first.
    fn drop(&mut self) {
        self.running.iter().for_each(Control::leave);
        drop(self.compute.take());
        drop(self.desk.take());
        for thread in self.threads.drain(..) {
            // A map cannot be interrupted inside; it must not keep the window from closing.
            while !thread.is_finished() && thread.thread().name() == Some("compute") {
                while self.events.try_recv().is_ok() {}
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
    }
}

/// Threads for files and maps: one may be busy with a map that cannot be interrupted.
const DESKS: usize = 2;
/// Deep networks and debug builds recurse in the backward pass.
const COMPUTE_STACK: usize = 32 << 20;

fn needs_tensors(request: &Request) -> bool {
    match request {
        Request::Train { .. }
        | Request::Evaluate { .. }
        | Request::Verify { .. }
        | Request::Import { .. }
        | Request::Export { .. }
        | Request::Devices => true,
        Request::OpenData { .. }
        | Request::OpenSample { .. }
        | Request::CheckData { .. }
        | Request::Exclude { .. }
        | Request::ExportData { .. }
        | Request::Map { .. }
        | Request::SaveOperatingPoint { .. }
        | Request::ListRuns { .. }
        | Request::ChangeRun { .. }
        | Request::LookAtWeights { .. }
        | Request::FindFace { .. }
        | Request::AlignFolder { .. } => false,
    }
}

#[cfg(test)]
mod tests;
