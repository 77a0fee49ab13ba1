//! Learning rate and margin as pure functions of the step, so that a resumed run needs no state for them.
//!
//! While the network rests, only the class weights learn, and they need neither: warm-up, fall and margin begin when the network
//! begins to learn. Else both would have run out by then, and the network would get the full rate and the full margin at once.
//!
//! A run that is made longer has its rate fall towards the new end. Its margin goes on as it was begun: as a share of the longer
//! run the ramp would not be over any more, and the margin would become smaller than it was.

use crate::config::{Margins, Resolved, Schedule};
use crate::loss::Moment;

/// The numbers that fix both curves.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Steps in all.
    pub total_steps: u64,
    /// The same when the run was begun: fewer where it was made longer since.
    pub begun_steps: u64,
    /// Steps at the start in which the network rests.
    pub frozen_steps: u64,
    /// Steps of the warm-up, after the frozen ones.
    pub warmup_steps: u64,
    /// Steps over which the margin grows, after the frozen ones.
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
        let frozen = steps * f64::from(train.frozen_epochs());
        let begun = resolved.config.run.as_ref().and_then(|facts| facts.begun_epochs).unwrap_or(train.epochs);
        let begun = steps * f64::from(begun.min(train.epochs));
        let ramp = (begun - frozen).max(0.0) * resolved.margin_ramp;
        Self {
            total_steps: total as u64,
            begun_steps: begun as u64,
            frozen_steps: frozen as u64,
            warmup_steps: (steps * resolved.warmup_epochs).round() as u64,
            ramp_steps: if loss.head.ramps() { ramp.round() as u64 } else { 0 },
            lr: resolved.lr,
            margins: resolved.margins,
            schedule: train.schedule,
            power: train.power,
            falls: train.falls().unwrap_or_default().into_iter().map(|epoch| (steps * epoch).round() as u64).collect(),
            fall_factor: train.fall_factor,
        }
    }
}

/// Learning rate of step `step` (0 = first). The full rate while the network rests; a linear warm-up whose first step is
/// `lr / warmup_steps`, not zero and not the full rate; then the fall, which would reach its end one step after the last.
pub fn lr_at(plan: &Plan, step: u64) -> f64 {
    let Some(learned) = step.checked_sub(plan.frozen_steps) else { return plan.lr };
    if learned < plan.warmup_steps {
        return plan.lr * (learned + 1) as f64 / plan.warmup_steps as f64;
    }
    let rest = plan.total_steps.saturating_sub(plan.frozen_steps + plan.warmup_steps).max(1) as f64;
    let share = ((learned - plan.warmup_steps) as f64 / rest).min(1.0);
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

/// Share of the margins in force at step `step`: from 0 to 1 in a straight line over the ramp, which begins when the network
/// learns. Without a ramp it is 1 from the first step on.
pub fn margin_share_at(plan: &Plan, step: u64) -> f64 {
    if plan.ramp_steps == 0 {
        return 1.0;
    }
    (step.saturating_sub(plan.frozen_steps) as f64 / plan.ramp_steps as f64).min(1.0)
}

/// What the head is told of step `step`; `seed` is that of the run, from which each step gets one of its own.
pub(super) fn moment_at(plan: &Plan, step: u64, seed: u64) -> Moment {
    Moment {
        share: margin_share_at(plan, step),
        step,
        frozen_steps: plan.frozen_steps,
        run_steps: plan.begun_steps,
        seed: seed ^ (step + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15),
    }
}

/// The main margin of step `step`, for tables and curves.
pub fn margin_at(plan: &Plan, step: u64) -> f64 {
    plan.margins.share(margin_share_at(plan, step)).main()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Auto, ConfigError, DataFacts, Head, RunConfig, RunInfo, resolve};

    fn plan(schedule: Schedule) -> Plan {
        let margins = Margins { rad: 0.4, ..Margins::NONE };
        Plan {
            total_steps: 100,
            begun_steps: 100,
            frozen_steps: 0,
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
    fn a_third_and_half_of_the_way_down_every_curve_is_where_its_formula_says() {
        for (schedule, wanted) in [
            (Schedule::Cosine, [0.75, 0.5]),
            (Schedule::Linear, [2.0 / 3.0, 0.5]),
            (Schedule::Polynomial, [4.0 / 9.0, 0.25]),
            (Schedule::Constant, [1.0, 1.0]),
            (Schedule::Plateau, [1.0, 1.0]),
        ] {
            // After the ten steps of the warm-up, 90 are left.
            for (step, wanted) in [40, 55].into_iter().zip(wanted) {
                assert!((lr_at(&plan(schedule), step) - 0.5 * wanted).abs() < 1e-12, "{schedule:?} at {step}");
            }
        }
    }

    #[test]
    fn the_warm_up_starts_at_a_tenth_and_reaches_the_peak() {
        let plan = plan(Schedule::Cosine);
        assert!((lr_at(&plan, 0) - 0.05).abs() < 1e-12);
        assert!((lr_at(&plan, 9) - 0.5).abs() < 1e-12);
        assert!((lr_at(&plan, 10) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn warm_up_fall_and_margin_wait_for_the_network() {
        for schedule in ALL {
            let (usual, late) = (plan(schedule), Plan { total_steps: 130, frozen_steps: 30, ..plan(schedule) });
            for step in 0..30 {
                assert_eq!((lr_at(&late, step), margin_at(&late, step)), (0.5, 0.0), "{schedule:?} at {step}");
            }
            // The step schedule falls at epochs of the run, whoever learns in them.
            for step in (0..100).filter(|_| schedule != Schedule::Step) {
                assert_eq!(lr_at(&late, step + 30), lr_at(&usual, step), "{schedule:?} at {step}");
                assert_eq!(margin_at(&late, step + 30), margin_at(&usual, step));
            }
        }
        let late = Plan { total_steps: 130, frozen_steps: 30, ..plan(Schedule::Step) };
        assert_eq!([30, 39, 49, 50].map(|step| lr_at(&late, step)), [0.05, 0.5, 0.5, 0.05]);
        assert!((margin_at(&Plan { ramp_steps: 0, ..late }, 0) - 0.4).abs() < 1e-12);
    }

    #[test]
    fn a_plan_counts_from_the_end_of_the_frozen_epochs() {
        let mut config = RunConfig::default();
        config.train.epochs = 10;
        config.train.start_from = "runs/published".to_owned();
        config.train.freeze_epochs = Auto::Set(2);
        let facts =
            DataFacts { train_classes: 10, train_images: 320, validation_images: 10, typical_px: 64, all_grey: false };
        let plan = |config: &RunConfig| Plan::new(&resolve(config, &facts).unwrap());
        let late = plan(&config);
        assert_eq!((late.total_steps, late.frozen_steps, late.warmup_steps, late.ramp_steps), (100, 20, 10, 12));
        config.train.start_from.clear();
        let usual = plan(&config);
        assert_eq!((usual.frozen_steps, usual.warmup_steps, usual.ramp_steps), (0, 10, 15));
    }

    /// The plan of a run of ten steps an epoch, of which the first warms up.
    fn planned(change: impl FnOnce(&mut RunConfig)) -> Result<Plan, ConfigError> {
        let facts =
            DataFacts { train_classes: 10, train_images: 320, validation_images: 10, typical_px: 64, all_grey: false };
        let mut config = RunConfig::default();
        config.train.lr = Auto::Set(0.5);
        config.train.warmup_epochs = Auto::Set(1.0);
        change(&mut config);
        resolve(&config, &facts).map(|resolved| Plan::new(&resolved))
    }

    fn assert_rates(plan: &Plan, expected: &[(u64, f64)]) {
        for (step, rate) in expected {
            let found = lr_at(plan, *step);
            assert!((found - rate).abs() < 1e-12, "{found} and not {rate} in step {step}");
        }
    }

    #[test]
    fn the_rate_falls_at_the_epochs_and_by_the_factor_of_the_settings() {
        let steps = |epochs: u32, falls: &str| {
            planned(|config| {
                (config.train.schedule, config.train.epochs, config.train.fall_factor) = (Schedule::Step, epochs, 0.2);
                config.train.step_epochs = falls.to_owned();
            })
        };
        let listed = [(9, 0.5), (10, 0.5), (19, 0.5), (20, 0.1), (29, 0.1), (30, 0.02), (39, 0.02)];
        assert_rates(&steps(4, "2, 3").unwrap(), &listed);
        assert_rates(&steps(4, "1.5").unwrap(), &[(14, 0.5), (15, 0.1), (39, 0.1)]);
        // Without a list at a half and three quarters.
        assert_rates(&steps(8, " ").unwrap(), &[(39, 0.5), (40, 0.1), (59, 0.1), (60, 0.02), (79, 0.02)]);
        for broken in ["3, 2", "2,, 3", "2; 3", "0, 2", "-1", "two", "inf", "NaN"] {
            let error = steps(4, broken).unwrap_err().to_string();
            assert!(error.contains("train.step_epochs") && error.contains(broken), "{error}");
        }
    }

    #[test]
    fn the_power_is_that_of_the_settings() {
        let cubic = planned(|config| {
            (config.train.schedule, config.train.epochs, config.train.power) = (Schedule::Polynomial, 4, 3.0);
        });
        // Of the 30 steps after the warm-up none, a third, and a half.
        assert_rates(&cubic.unwrap(), &[(10, 0.5), (20, 0.5 * 8.0 / 27.0), (25, 0.5 / 8.0)]);
    }

    #[test]
    fn a_run_that_is_made_longer_keeps_the_margin_that_it_had_and_its_rate_falls_to_the_new_end() {
        let facts =
            DataFacts { train_classes: 10, train_images: 320, validation_images: 10, typical_px: 64, all_grey: false };
        for head in [Head::ArcFace, Head::SphereFace] {
            let mut config = RunConfig::default();
            (config.loss.head, config.train.epochs) = (head, 4);
            let begun = Plan::new(&resolve(&config, &facts).unwrap());
            config.run = Some(RunInfo::default());
            assert_eq!(Plan::new(&resolve(&config, &facts).unwrap()), begun, "nothing was made longer");
            (config.train.epochs, config.run) = (60, Some(RunInfo { begun_epochs: Some(4), ..RunInfo::default() }));
            let longer = Plan::new(&resolve(&config, &facts).unwrap());
            assert_eq!((longer.total_steps, longer.begun_steps, longer.ramp_steps), (600, 40, begun.ramp_steps));
            for step in [0, 3, 20, 39] {
                assert_eq!(moment_at(&longer, step, 1), moment_at(&begun, step, 1), "{head:?} at {step}");
            }
            assert_eq!((margin_share_at(&longer, 40), margin_share_at(&longer, 599)), (1.0, 1.0));
            assert!(lr_at(&longer, 40) > lr_at(&begun, 39) && lr_at(&longer, 599) < lr_at(&longer, 40));
        }
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

    #[test]
    fn a_step_is_told_where_in_the_run_it_is_and_gets_a_seed_of_its_own() {
        let plan = Plan { frozen_steps: 10, total_steps: 150, ..plan(Schedule::Cosine) };
        let moment = moment_at(&plan, 20, 7);
        assert_eq!((moment.share, moment.step, moment.frozen_steps, moment.run_steps), (0.5, 20, 10, 100));
        assert_eq!(moment, moment_at(&plan, 20, 7));
        assert!(moment.seed != moment_at(&plan, 21, 7).seed && moment.seed != moment_at(&plan, 20, 8).seed);
    }
}
