//! Cancel, pause and leave: flags looked at every step. No messages, so that a stop is never stuck in a queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Shared by the job and whoever may stop it; clones see the same flags.
#[derive(Clone, Debug, Default)]
pub struct Control {
    flags: Arc<Flags>,
    /// A stop is why there is something to do at all.
    follows_stop: bool,
}

#[derive(Debug, Default)]
struct Flags {
    cancel: AtomicBool,
    leave: AtomicBool,
    pause: AtomicBool,
}

impl Control {
    /// Asks the job to stop, keeping what it has.
    pub fn cancel(&self) {
        self.flags.cancel.store(true, Ordering::Relaxed);
    }

    /// Asks the job to stop, and to leave out what usually follows a stop: the program is closing.
    pub fn leave(&self) {
        self.flags.leave.store(true, Ordering::Relaxed);
        self.cancel();
    }

    /// Was the job asked to stop?
    pub fn is_cancelled(&self) -> bool {
        let flag = if self.follows_stop { &self.flags.leave } else { &self.flags.cancel };
        flag.load(Ordering::Relaxed)
    }

    /// For what follows a stop: only leaving ends it.
    pub fn after_stop(&self) -> Self {
        Self { follows_stop: true, ..self.clone() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_stop_ends_when_the_program_is_left() {
        let control = Control::default();
        let after = control.after_stop();
        control.cancel();
        assert!(control.is_cancelled() && !after.is_cancelled());
        control.leave();
        assert!(after.is_cancelled());
    }
}
