//! A run's wall time.

use std::time::{Duration, Instant};

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

    /// Share of the steps' time that went by waiting for images; 0 without steps.
    pub fn input_wait_share(&self) -> f64 {
        let training = self.training.as_secs_f64();
        if training > 0.0 { self.waiting.as_secs_f64() / training } else { 0.0 }
    }
}
