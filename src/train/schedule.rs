//! Learning rate and margin as pure functions of the step, so that a resumed run needs no state for them.

use crate::config::{Margins, Resolved, Schedule};

/// The numbers that fix both curves.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Steps in all.
    pub total_steps: u64,
    /// Steps of the warm-up.
    pub warmup_steps: u64,
    /// Steps over which the margin grows.
    pub ramp_steps: u64,
    /// Peak learning rate.
    pub lr: f64,
    /// Final margins.
    pub margins: Margins,
    /// Shape of the fall.
    pub schedule: Schedule,
    /// Power of the polynomial schedule.
    pub power: f64,
    /// Steps at which the step schedule falls.
    pub falls: Vec<u64>,
    /// Factor of every fall.
    pub fall_factor: f64,
}

impl Plan {
    /// The plan of a resolved configuration.
    pub fn new(resolved: &Resolved) -> Self {
        let steps = resolved.steps_per_epoch as f64;
        let (train, loss) = (&resolved.config.train, &resolved.config.loss);
        let total = steps * f64::from(train.epochs);
        Self {
            total_steps: total as u64,
            warmup_steps: (steps * resolved.warmup_epochs).round() as u64,
            ramp_steps: if loss.head.ramps() { (total * resolved.margin_ramp).round() as u64 } else { 0 },
            lr: resolved.lr,
            margins: resolved.margins,
            schedule: train.schedule,
            power: train.power,
            falls: train.falls().unwrap_or_default().into_iter().map(|epoch| (steps * epoch).round() as u64).collect(),
            fall_factor: train.fall_factor,
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
        // What validation has to say about a plateau comes on top.
        Schedule::Constant | Schedule::Plateau => 1.0,
        Schedule::Linear => 1.0 - share,
        Schedule::Polynomial => (1.0 - share).powf(plan.power),
        Schedule::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * share).cos()),
        Schedule::Step => plan.fall_factor.powi(plan.falls.iter().filter(|fall| step >= **fall).count() as i32),
    };
    plan.lr * factor
}

/// Share of the margins in force at step `step`: from 0 to 1 in a straight line over the ramp.
pub fn margin_share_at(plan: &Plan, step: u64) -> f64 {
    if plan.ramp_steps == 0 {
        return 1.0;
    }
    (step as f64 / plan.ramp_steps as f64).min(1.0)
}

/// The main margin of step `step`, for tables and curves.
pub fn margin_at(plan: &Plan, step: u64) -> f64 {
    plan.margins.share(margin_share_at(plan, step)).main()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(schedule: Schedule) -> Plan {
        let margins = Margins { rad: 0.4, ..Margins::NONE };
        Plan {
            total_steps: 100,
            warmup_steps: 10,
            ramp_steps: 20,
            lr: 0.5,
            margins,
            schedule,
            power: 2.0,
            falls: vec![50, 75],
            fall_factor: 0.1,
        }
    }

    const ALL: [Schedule; 6] = [
        Schedule::Cosine,
        Schedule::Linear,
        Schedule::Polynomial,
        Schedule::Step,
        Schedule::Plateau,
        Schedule::Constant,
    ];

    #[test]
    fn steps_fall_where_they_are_told_to() {
        let plan = plan(Schedule::Step);
        for (step, wanted) in [(10, 0.5), (49, 0.5), (50, 0.05), (74, 0.05), (75, 0.005), (99, 0.005)] {
            assert!((lr_at(&plan, step) - wanted).abs() < 1e-12, "{step}");
        }
    }

    #[test]
    fn a_power_of_one_is_a_straight_line() {
        let (line, power) = (plan(Schedule::Linear), Plan { power: 1.0, ..plan(Schedule::Polynomial) });
        (0..100).for_each(|step| assert_eq!(lr_at(&line, step), lr_at(&power, step)));
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
        for schedule in ALL {
            let plan = plan(schedule);
            for step in 10..99 {
                assert!(lr_at(&plan, step + 1) <= lr_at(&plan, step), "{schedule:?} at {step}");
                assert!(lr_at(&plan, step + 1) > 0.0, "{schedule:?} at {step}");
            }
        }
    }

    #[test]
    fn past_the_end_nothing_is_negative_or_undefined() {
        for schedule in ALL {
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
