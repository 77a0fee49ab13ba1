//! Cancel and pause: two flags looked at every step. No messages, so that a stop is never stuck in a queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Shared by the job and whoever may stop it; clones see the same flags.
#[derive(Clone, Debug, Default)]
pub struct Control {
    flags: Arc<Flags>,
}

#[derive(Debug, Default)]
struct Flags {
    cancel: AtomicBool,
    pause: AtomicBool,
}

impl Control {
    /// Asks the job to stop, keeping what it has.
    pub fn cancel(&self) {
        self.flags.cancel.store(true, Ordering::Relaxed);
    }

    /// Was the job asked to stop?
    pub fn is_cancelled(&self) -> bool {
        self.flags.cancel.load(Ordering::Relaxed)
    }

    /// Asks the job to wait, or to go on.
    pub fn set_paused(&self, paused: bool) {
        self.flags.pause.store(paused, Ordering::Relaxed);
    }

    /// Was the job asked to wait?
    pub fn is_paused(&self) -> bool {
        self.flags.pause.load(Ordering::Relaxed)
    }

    /// Blocks while paused; `idle` runs about fifty times a second meanwhile. Returns at once when cancelled.
    pub fn wait_while_paused(&self, mut idle: impl FnMut()) {
        while self.is_paused() && !self.is_cancelled() {
            idle();
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
