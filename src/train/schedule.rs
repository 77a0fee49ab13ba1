//! Learning rate and margin as pure functions of the step, so that a resumed run needs no state for them.

use crate::config::{Resolved, Schedule};

/// The numbers that fix both curves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Steps in all.
    pub total_steps: u64,
    /// Steps of the warm-up.
    pub warmup_steps: u64,
    /// Steps over which the margin grows.
    pub ramp_steps: u64,
    /// Peak learning rate.
    pub lr: f64,
    /// Final margin.
    pub margin: f64,
    /// Shape of the fall.
    pub schedule: Schedule,
}

impl Plan {
    /// The plan of a resolved configuration.
    pub fn new(resolved: &Resolved) -> Self {
        let steps = resolved.steps_per_epoch as f64;
        let train = &resolved.config.train;
        let total = steps * f64::from(train.epochs);
        Self {
            total_steps: total as u64,
            warmup_steps: (steps * train.warmup_epochs).round() as u64,
            ramp_steps: (total * resolved.config.loss.margin_ramp).round() as u64,
            lr: resolved.lr,
            margin: resolved.margin,
            schedule: train.schedule,
        }
    }
}

/// Learning rate of step `step` (0 = first). Linear warm-up whose first step is `lr / warmup_steps`, not zero and not
/// the full rate; then the fall, which would reach its end one step after the last.
pub fn lr_at(plan: &Plan, step: u64) -> f64 {
    if step < plan.warmup_steps {
        return plan.lr * (step + 1) as f64 / plan.warmup_steps as f64;
    }
    let rest = plan.total_steps.saturating_sub(plan.warmup_steps).max(1) as f64;
    let share = ((step - plan.warmup_steps) as f64 / rest).min(1.0);
    let factor = match plan.schedule {
        Schedule::Constant => 1.0,
        Schedule::Linear => 1.0 - share,
        Schedule::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * share).cos()),
        Schedule::Step if share < 0.5 => 1.0,
        Schedule::Step if share < 0.75 => 0.1,
        Schedule::Step => 0.01,
    };
    plan.lr * factor
}

/// Margin of step `step`: from 0 to its full value in a straight line over the ramp.
pub fn margin_at(plan: &Plan, step: u64) -> f64 {
    if plan.ramp_steps == 0 {
        return plan.margin;
    }
    plan.margin * (step as f64 / plan.ramp_steps as f64).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(schedule: Schedule) -> Plan {
        Plan { total_steps: 100, warmup_steps: 10, ramp_steps: 20, lr: 0.5, margin: 0.4, schedule }
    }

    #[test]
    fn the_warm_up_starts_at_a_tenth_and_reaches_the_peak() {
        let plan = plan(Schedule::Cosine);
        assert!((lr_at(&plan, 0) - 0.05).abs() < 1e-12);
        assert!((lr_at(&plan, 9) - 0.5).abs() < 1e-12);
        assert!((lr_at(&plan, 10) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn every_schedule_falls_and_stays_positive_until_the_last_step() {
        for schedule in [Schedule::Cosine, Schedule::Linear, Schedule::Step, Schedule::Constant] {
            let plan = plan(schedule);
            for step in 10..99 {
                assert!(lr_at(&plan, step + 1) <= lr_at(&plan, step), "{schedule:?} at {step}");
                assert!(lr_at(&plan, step + 1) > 0.0, "{schedule:?} at {step}");
            }
        }
    }

    #[test]
    fn past_the_end_nothing_is_negative_or_undefined() {
        for schedule in [Schedule::Cosine, Schedule::Linear, Schedule::Step, Schedule::Constant] {
            let rate = lr_at(&plan(schedule), 1_000_000);
            assert!(rate.is_finite() && rate >= 0.0);
        }
        let empty = Plan { total_steps: 0, warmup_steps: 0, ramp_steps: 0, ..plan(Schedule::Linear) };
        assert!(lr_at(&empty, 0).is_finite());
        assert!((margin_at(&empty, 0) - 0.4).abs() < 1e-12);
    }

    #[test]
    fn the_margin_grows_in_a_straight_line() {
        let plan = plan(Schedule::Cosine);
        assert_eq!(margin_at(&plan, 0), 0.0);
        assert!((margin_at(&plan, 10) - 0.2).abs() < 1e-12);
        assert!((margin_at(&plan, 20) - 0.4).abs() < 1e-12);
        assert!((margin_at(&plan, 99) - 0.4).abs() < 1e-12);
    }
}
