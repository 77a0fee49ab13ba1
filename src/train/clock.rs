//! A run's wall time.

use std::time::{Duration, Instant};

/// At most this long is lost when the machine fails.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);

/// Wall time, kept apart from everything that has to be reproducible.
pub(super) struct Clock {
    pub began: Instant,
    pub epoch_began: Instant,
    pub window_began: Instant,
    pub last_saved: Instant,
    pub steps: u64,
    pub images: u64,
    /// In the steps of all epochs, waiting for images included.
    pub training: Duration,
    /// Waiting for images.
    pub waiting: Duration,
}

impl Clock {
    pub fn start() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            epoch_began: now,
            window_began: now,
            last_saved: now,
            steps: 0,
            images: 0,
            training: Duration::ZERO,
            waiting: Duration::ZERO,
        }
    }

    /// The last checkpoint is so old that another one should be written.
    pub fn is_save_due(&self) -> bool {
        self.last_saved.elapsed() > CHECKPOINT_EVERY
    }

    /// Share of the steps' time that went by waiting for images; 0 without steps.
    pub fn input_wait_share(&self) -> f64 {
        let training = self.training.as_secs_f64();
        if training > 0.0 { self.waiting.as_secs_f64() / training } else { 0.0 }
    }
}
