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
    /// Measuring the network that the run starts from, before the first step.
    pub before_steps: Duration,
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
            before_steps: Duration::ZERO,
            steps: 0,
            images: 0,
            training: Duration::ZERO,
            waiting: Duration::ZERO,
        }
    }

    /// At `now` the last checkpoint is so old that another one should be written.
    pub fn is_save_due(&self, now: Instant) -> bool {
        now.duration_since(self.last_saved) > CHECKPOINT_EVERY
    }

    /// What a step takes until `now`, checkpoints and validations between the steps included: what the time left is told from.
    /// Before the first step it is all the time there was.
    pub fn secs_per_step(&self, now: Instant) -> f64 {
        let taken = now.duration_since(self.began).saturating_sub(self.before_steps);
        taken.as_secs_f64() / self.steps.max(1) as f64
    }

    /// Share of the steps' time that went by waiting for images; 0 without steps.
    pub fn input_wait_share(&self) -> f64 {
        let training = self.training.as_secs_f64();
        if training > 0.0 { self.waiting.as_secs_f64() / training } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_before_the_first_step_counts_for_no_step() {
        let mut clock = Clock::start();
        let now = clock.began + Duration::from_secs(100);
        clock.steps = 10;
        assert_eq!(clock.secs_per_step(now), 10.0);
        clock.before_steps = Duration::from_secs(60);
        assert_eq!(clock.secs_per_step(now), 4.0);
        assert_eq!(clock.secs_per_step(clock.began), 0.0);
    }

    #[test]
    fn a_checkpoint_is_due_a_minute_after_the_last_one() {
        let mut clock = Clock::start();
        let is_due = |clock: &Clock, secs| clock.is_save_due(clock.began + Duration::from_secs(secs));
        assert_eq!([0, 59, 61].map(|secs| is_due(&clock, secs)), [false, false, true]);
        clock.last_saved += Duration::from_secs(61);
        assert_eq!([61, 120, 122].map(|secs| is_due(&clock, secs)), [false, false, true]);
    }
}
