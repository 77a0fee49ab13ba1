//! Threads. One owns the device and every tensor, two read files and compute maps, one writes what a person must find
//! again, three do what may take hours with files, two decode thumbnails. One more comes and goes (`warm`).
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
mod figure;
mod file_kind;
mod last_read;
mod pairs;
pub mod protocol;
mod sample;
mod source;
mod thumbs;
mod warm;

pub use emit::Emitter;
pub use figure::{FigureError, write_figure};
pub use sample::{find_or_draw_sample, runs_root};
pub use source::{SourceError, load as load_source};
pub use thumbs::{ThumbReply, ThumbRequest, ThumbWork, Thumbs, make_thumb, plane_thumb};

use crate::train::Control;
use faces::Detectors;
use protocol::{Event, HandStep, Job, JobId, Request};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use warm::Warmer;

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
    writing: Option<SyncSender<Job>>,
    long: Option<SyncSender<Job>>,
    events: Receiver<Event>,
    thumbs: Thumbs,
    /// The brakes of all jobs that have not ended, for closing. Their number is that of the places in the queues.
    running: Vec<(JobId, Control)>,
    /// What closing waits for: these threads end soon when they are asked to, and would leave half of something behind.
    waited_for: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts the threads; `wake` is called whenever there is something to read.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(wake: Wake) -> std::io::Result<Self> {
        let (send, events) = sync_channel(EVENTS);
        let (compute, compute_jobs) = sync_channel::<Job>(REQUESTS);
        let emitter = Emitter::new(send, Arc::clone(&wake));
        let for_compute = emitter.clone();
        let mut waited_for = vec![
            std::thread::Builder::new()
                .name("compute".into())
                .stack_size(COMPUTE_STACK)
                .spawn(move || compute::serve(&compute_jobs, &for_compute))?,
        ];
        let warmer = Arc::new(Warmer::default());
        // A map cannot be interrupted inside; it must not keep the window from closing.
        let (desk, _) = desks("desk", DESKS, &warmer, &emitter)?;
        let (writing, writing_threads) = desks("writing", WRITING_DESKS, &warmer, &emitter)?;
        waited_for.extend(writing_threads);
        let (long, long_threads) = desks("long", LONG_DESKS, &warmer, &emitter)?;
        waited_for.extend(long_threads);
        Ok(Self {
            compute: Some(compute),
            desk: Some(desk),
            writing: Some(writing),
            long: Some(long),
            events,
            thumbs: Thumbs::start(wake)?,
            running: Vec::new(),
            waited_for,
        })
    }

    /// Hands a job over; gives it back when the queue is full.
    ///
    /// # Errors
    /// The job itself.
    pub fn send(&mut self, job: Job) -> Result<(), Box<Job>> {
        let queue = match lane(&job.request) {
            Lane::Compute => &self.compute,
            Lane::Desk => &self.desk,
            Lane::Writing => &self.writing,
            Lane::Long => &self.long,
        };
        let Some(queue) = queue else { return Err(Box::new(job)) };
        tracing::debug!(job = job.id.0, kind = ?job.request.kind(), "job handed over");
        let running = (job.id, job.control.clone());
        match queue.try_send(job) {
            Ok(()) => {
                self.running.push(running);
                Ok(())
            }
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => Err(Box::new(job)),
        }
    }

    /// The next event, if there is one.
    pub fn poll(&mut self) -> Option<Event> {
        let event = self.events.try_recv().ok()?;
        if let Event::Ended { job, .. } = &event {
            self.running.retain(|(id, _)| id != job);
        }
        Some(event)
    }

    /// The decoder of small pictures.
    pub fn thumbs(&self) -> &Thumbs {
        &self.thumbs
    }
}

impl Drop for Workers {
    /// Asks every job to stop and waits for the compute thread, which writes its checkpoint first, for the long jobs, which
    /// take their unfinished files away, and for what is being written, which is written to its end.
    fn drop(&mut self) {
        self.running.iter().for_each(|(_, control)| control.leave());
        drop(self.compute.take());
        drop(self.desk.take());
        drop(self.writing.take());
        drop(self.long.take());
        for thread in self.waited_for.drain(..) {
            while !thread.is_finished() {
                while self.events.try_recv().is_ok() {}
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
    }
}

/// Threads for files and maps: one may be busy with a map that cannot be interrupted.
const DESKS: usize = 2;
/// Threads for short writes: one, so that they come in the order in which they were asked for.
const WRITING_DESKS: usize = 1;
/// Threads for what may take hours: one for each kind of such work, of which the window has one at a time.
const LONG_DESKS: usize = 3;
/// Deep networks and debug builds recurse in the backward pass.
const COMPUTE_STACK: usize = 32 << 20;

/// Threads for jobs without tensors, which take them from one queue.
fn desks(
    name: &str,
    count: usize,
    warmer: &Arc<Warmer>,
    emitter: &Emitter,
) -> std::io::Result<(SyncSender<Job>, Vec<JoinHandle<()>>)> {
    let (send, jobs) = sync_channel::<Job>(REQUESTS);
    let jobs = Arc::new(Mutex::new(jobs));
    let detectors = Arc::new(Detectors::default());
    let thread = |index| {
        let (jobs, detectors) = (Arc::clone(&jobs), Arc::clone(&detectors));
        let (warmer, emitter) = (Arc::clone(warmer), emitter.clone());
        let serve = move || desk::serve(&jobs, &detectors, &warmer, &emitter);
        std::thread::Builder::new().name(format!("{name}-{index}")).spawn(serve)
    };
    let threads: std::io::Result<Vec<_>> = (0..count).map(thread).collect();
    Ok((send, threads?))
}

/// Which threads a job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    /// The one that owns the tensors.
    Compute,
    /// Those for files and maps.
    Desk,
    /// The one for short writes: what a person has done already, and must find again after closing.
    Writing,
    /// Those for files that go on for hours where there are millions: opening, listing and looking must not wait for them.
    Long,
}

fn lane(request: &Request) -> Lane {
    match request {
        Request::Train { .. }
        | Request::Evaluate { .. }
        | Request::Verify { .. }
        | Request::Import { .. }
        | Request::Export { .. }
        | Request::Devices => Lane::Compute,
        Request::CheckData { .. } | Request::ExportData { .. } | Request::AlignFolder { .. } => Lane::Long,
        Request::SaveFigure { .. }
        | Request::SaveOperatingPoint { .. }
        | Request::ChangeRun { .. }
        | Request::Exclude { .. } => Lane::Writing,
        Request::MarkFaces { step, .. } => match step {
            HandStep::Mark { .. } | HandStep::Unmark { .. } => Lane::Writing,
            HandStep::List => Lane::Desk,
        },
        Request::OpenData { .. }
        | Request::OpenSample { .. }
        | Request::Map { .. }
        | Request::ListRuns { .. }
        | Request::ReadNetwork { .. }
        | Request::LookAtFile { .. }
        | Request::LookAtWeights { .. }
        | Request::LookAtPairs { .. }
        | Request::FindFace { .. } => Lane::Desk,
    }
}

#[cfg(test)]
mod tests;
