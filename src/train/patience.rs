//! Which epoch is the best, and what happens when none is better any more: the plateau schedule lowers the rate, and a
//! run may end early. All are functions of the epochs alone, which a checkpoint holds.
//!
//! While the network rests, its embeddings are the same after every epoch: nothing can improve but the class weights, so
//! patience begins when it learns, and of equal frozen epochs the last one counts.

use super::events::EpochMetrics;
use super::{BestSoFar, CheckpointState};
use crate::config::{Best, RunConfig, Schedule, TrainConfig};

/// Stands for a measure that is not known: any other is smaller. (JSON has no infinity.)
const UNKNOWN: f64 = 1e30;
/// More than any measure. Some older versions gave an epoch that could not be measured 10¹⁵ less its number.
const MOST: f64 = 1e14;

/// By what an epoch is measured, `None` when nothing could be, and the value; smaller is better. Of epochs that could not be
/// measured the last is the best: each has its number with a minus.
fn measure(metrics: &EpochMetrics, wanted: Best) -> (Option<Best>, f64) {
    let value = |by| match by {
        Best::Eer => metrics.eer,
        Best::ValLoss => metrics.val_loss,
    };
    let other = match wanted {
        Best::Eer => Best::ValLoss,
        Best::ValLoss => Best::Eer,
    };
    let measured = |by| value(by).map(|value| (Some(by), value));
    measured(wanted).or_else(|| measured(other)).unwrap_or((None, -f64::from(metrics.epoch)))
}

/// What an epoch is worth beside others of its run; smaller is better. An error rate and a loss cannot be compared: what was
/// asked for comes before the other one, and that before nothing at all.
fn worth((by, value): (Option<Best>, f64), wanted: Best) -> (u8, f64) {
    (by.map_or(2, |by| u8::from(by != wanted)), value)
}

/// The same of the best epoch before one that is measured by `at_hand`. Older versions did not note by what they measured.
fn worth_before(best: BestSoFar, at_hand: Option<Best>, wanted: Best) -> (u8, f64) {
    match best.by {
        Some(by) => worth((Some(by), best.value), wanted),
        // By the sign, which the number 0 has as well.
        None if best.value.is_sign_negative() || best.value > MOST => worth((None, best.value), wanted),
        None => worth((at_hand.or(Some(wanted)), best.value), wanted),
    }
}

/// The epoch as the best one, if it is better than the best before it. Without any validation the last epoch counts as the
/// best; one that could not be measured is never better than one that was.
pub(super) fn better(metrics: &EpochMetrics, before: Option<BestSoFar>, config: &TrainConfig) -> Option<BestSoFar> {
    let (by, value) = measure(metrics, config.best);
    let own = worth((by, value), config.best);
    let is_frozen = metrics.epoch <= config.frozen_epochs();
    let beats = |best: BestSoFar| {
        let before = worth_before(best, by, config.best);
        own < before || (is_frozen && own <= before)
    };
    let is_better = value.is_finite() && before.is_none_or(beats);
    is_better.then_some(BestSoFar { epoch: metrics.epoch, step: metrics.step, value, by })
}

/// What counts as the best where the best epoch's checkpoint is gone: the one that the run goes on from. In the middle
/// of an epoch it was not measured, and the next epoch is better.
pub(super) fn best_left(state: &CheckpointState, by: Best) -> BestSoFar {
    let last = state.last_epoch.as_ref().filter(|last| last.step == state.step);
    let known = last.map(|last| measure(last, by)).filter(|(_, value)| value.is_finite());
    let (by, value) = known.unwrap_or((None, UNKNOWN));
    BestSoFar { epoch: state.epoch, step: state.step, value, by }
}

/// Epochs in which the network learned since the best one; all of them when none was the best.
fn since_best(epoch: u32, best: u32, config: &TrainConfig) -> u32 {
    epoch.saturating_sub(best.max(config.frozen_epochs()))
}

fn best_epoch(state: &CheckpointState) -> u32 {
    state.best.map_or(0, |best| best.epoch)
}

/// The epoch from which a run waits at the earliest. Whoever made it longer wants it to learn more, and it waits anew from there.
fn waits_from(config: &RunConfig) -> u32 {
    config.run.as_ref().and_then(|facts| facts.longer_from).unwrap_or(0)
}

/// Notes a fall of the plateau schedule, if one is due after the epoch just ended.
pub(super) fn follow(state: &mut CheckpointState, config: &RunConfig) {
    let train = &config.train;
    let since_fall = state.epoch.saturating_sub(state.falls.last().copied().unwrap_or(0));
    let since_best = since_best(state.epoch, best_epoch(state).max(waits_from(config)), train);
    let due = since_best.min(since_fall) >= train.plateau_epochs;
    if train.schedule == Schedule::Plateau && due {
        state.falls.push(state.epoch);
    }
}

/// The run has waited long enough for an improvement.
pub(super) fn is_over(state: &CheckpointState, config: &RunConfig) -> bool {
    ends_early(state.epoch, best_epoch(state), config)
}

/// The same of a run that has done `epoch` epochs, of which `best` is the best (0 for none).
pub(super) fn ends_early(epoch: u32, best: u32, config: &RunConfig) -> bool {
    let (train, best) = (&config.train, best.max(waits_from(config)));
    train.stop_after > 0 && epoch < train.epochs && since_best(epoch, best, train) >= train.stop_after
}

/// Why it ended. Whoever goes on with a run that had ended before (`is_old`) wants it to learn more.
pub(super) fn words(config: &TrainConfig, is_old: bool) -> String {
    let epochs = if config.stop_after == 1 { "1 epoch".to_owned() } else { format!("{} epochs", config.stop_after) };
    let advice = if is_old {
        format!("; made longer, with more than {} for train.epochs, it learns on from here", config.epochs)
    } else {
        String::new()
    };
    format!("the run ended early: {epochs} without improvement, as train.stop_after asks{advice}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Auto, RunInfo};

    fn is_over(state: &CheckpointState, train: &TrainConfig) -> bool {
        super::is_over(state, &RunConfig { train: train.clone(), ..RunConfig::default() })
    }

    fn follow(state: &mut CheckpointState, train: &TrainConfig) {
        super::follow(state, &RunConfig { train: train.clone(), ..RunConfig::default() });
    }

    fn after(epoch: u32, best: u32, falls: &[u32]) -> CheckpointState {
        let best = (best > 0).then_some(BestSoFar { epoch: best, step: 0, value: 0.0, by: None });
        CheckpointState { epoch, best, falls: falls.to_vec(), ..CheckpointState::default() }
    }

    #[test]
    fn the_rate_falls_once_per_patience() {
        let config = TrainConfig { schedule: Schedule::Plateau, plateau_epochs: 2, ..TrainConfig::default() };
        let falls = |epoch, best, falls: &[u32]| {
            let mut state = after(epoch, best, falls);
            follow(&mut state, &config);
            state.falls.len() > falls.len()
        };
        assert!(!falls(4, 3, &[]));
        assert!(falls(5, 3, &[]));
        assert!(!falls(6, 3, &[5]));
        assert!(falls(7, 3, &[5]));
        assert!(!falls(8, 7, &[5]));
        let mut state = after(9, 1, &[]);
        follow(&mut state, &TrainConfig { schedule: Schedule::Cosine, ..config });
        assert!(state.falls.is_empty());
    }

    #[test]
    fn a_run_ends_early_only_when_asked_to() {
        let config = TrainConfig { stop_after: 3, epochs: 20, ..TrainConfig::default() };
        assert!(!is_over(&after(5, 3, &[]), &config));
        assert!(is_over(&after(6, 3, &[]), &config));
        assert!(!is_over(&after(20, 3, &[]), &config), "it is over anyway");
        assert!(!is_over(&after(19, 3, &[]), &TrainConfig { stop_after: 0, ..config }));
    }

    #[test]
    fn a_run_that_was_made_longer_waits_anew_from_there() {
        let train = TrainConfig { stop_after: 3, epochs: 40, ..TrainConfig::default() };
        let run = Some(RunInfo { longer_from: Some(6), ..RunInfo::default() });
        let longer = RunConfig { train, run, ..RunConfig::default() };
        let plain = RunConfig { run: None, ..longer.clone() };
        for (epoch, best, is_over) in [(6, 3, false), (8, 3, false), (9, 3, true), (9, 7, false), (10, 7, true)] {
            assert_eq!(super::is_over(&after(epoch, best, &[]), &longer), is_over, "{epoch}, best {best}");
            assert_eq!(ends_early(epoch, best, &longer), is_over, "a run in a list is told the same");
        }
        assert!(super::is_over(&after(6, 3, &[]), &plain));
        // As where it went back since.
        assert!(!super::is_over(&after(5, 0, &[]), &longer));
    }

    #[test]
    fn the_rate_of_a_run_that_was_made_longer_falls_after_waiting_anew_from_there() {
        let train =
            TrainConfig { schedule: Schedule::Plateau, plateau_epochs: 3, epochs: 40, ..TrainConfig::default() };
        let run = Some(RunInfo { longer_from: Some(6), ..RunInfo::default() });
        let longer = RunConfig { train, run, ..RunConfig::default() };
        let plain = RunConfig { run: None, ..longer.clone() };
        let falls = |epoch, best, fell: u32, config: &RunConfig| {
            let mut state = after(epoch, best, &[fell]);
            super::follow(&mut state, config);
            state.falls.len() > 1
        };
        for (epoch, best, fell, in_longer, in_plain) in [
            (7, 3, 4, false, true),
            (8, 3, 4, false, true),
            (9, 3, 4, true, true),
            (11, 3, 9, false, false),
            (12, 3, 9, true, true),
            (9, 7, 4, false, false),
        ] {
            let found = [&longer, &plain].map(|config| falls(epoch, best, fell, config));
            assert_eq!(found, [in_longer, in_plain], "epoch {epoch}, best {best}, fell after {fell}");
        }
    }

    fn measured(epoch: u32, eer: Option<f64>, val_loss: Option<f64>) -> EpochMetrics {
        EpochMetrics {
            epoch,
            step: u64::from(epoch) * 10,
            train_loss: 1.0,
            train_accuracy: 0.5,
            val_loss,
            val_accuracy: None,
            eer,
            best: false,
            images_per_second: 0.0,
            elapsed_secs: 0.0,
        }
    }

    #[test]
    fn the_best_epoch_is_told_by_what_was_asked_for_or_else_by_what_there_is() {
        let before = Some(BestSoFar { epoch: 1, step: 10, value: 0.2, by: None });
        let by = |best| TrainConfig { best, ..TrainConfig::default() };
        let is_better = |eer, val_loss, best| better(&measured(2, eer, val_loss), before, &by(best)).is_some();
        assert!(is_better(Some(0.1), Some(9.0), Best::Eer) && !is_better(Some(0.2), Some(0.0), Best::Eer));
        assert!(is_better(Some(0.9), Some(0.1), Best::ValLoss) && is_better(None, Some(0.1), Best::Eer));
        let by_eer = by(Best::Eer);
        assert!(better(&measured(1, Some(f64::NAN), None), None, &by_eer).is_none());
        let first = better(&measured(1, None, None), None, &by_eer);
        assert!(better(&measured(2, None, None), first, &by_eer).is_some(), "the last counts");
    }

    #[test]
    fn an_epoch_that_could_not_be_measured_is_no_better_than_one_that_was() {
        let config = TrainConfig::default();
        let is_better = |metrics: &EpochMetrics, before| better(metrics, Some(before), &config).is_some();
        let first = better(&measured(1, Some(0.4), Some(2.0)), None, &config).unwrap();
        assert!(!is_better(&measured(2, None, None), first));
        let lost = better(&measured(2, None, None), None, &config).unwrap();
        assert!(is_better(&measured(3, Some(0.5), None), lost) && is_better(&measured(3, None, None), lost));
        // An error rate and a loss are not compared.
        assert!(!is_better(&measured(3, None, Some(0.01)), first));
        let by_loss = better(&measured(1, None, Some(0.01)), None, &config).unwrap();
        assert!(
            is_better(&measured(2, Some(0.3), None), by_loss) && is_better(&measured(2, None, Some(0.005)), by_loss)
        );
        assert!(!is_better(&measured(2, None, Some(0.02)), by_loss));
        // As older versions wrote it.
        let older = BestSoFar { epoch: 7, step: 70, value: -7.0, by: None };
        assert!(is_better(&measured(8, Some(0.5), None), older) && is_better(&measured(8, None, None), older));
        for value in [1e15 - 7.0, -0.0, UNKNOWN] {
            let older = BestSoFar { value, ..older };
            assert!(is_better(&measured(8, Some(0.5), None), older), "{value}");
            assert!(is_better(&measured(8, None, None), older), "{value}");
        }
        let older = BestSoFar { value: 0.2, ..older };
        assert!(!is_better(&measured(8, None, None), older) && is_better(&measured(8, None, Some(0.1)), older));
    }

    /// Starts from another network, and leaves it as it is for three epochs.
    fn frozen() -> TrainConfig {
        let start_from = "runs/published".to_owned();
        TrainConfig { start_from, freeze_epochs: Auto::Set(3), epochs: 20, ..TrainConfig::default() }
    }

    #[test]
    fn patience_begins_when_the_network_learns() {
        let config = TrainConfig { stop_after: 2, schedule: Schedule::Plateau, plateau_epochs: 2, ..frozen() };
        let falls = |epoch, best| {
            let mut state = after(epoch, best, &[]);
            follow(&mut state, &config);
            !state.falls.is_empty()
        };
        for epoch in 1..=4 {
            assert!(!is_over(&after(epoch, 0, &[]), &config) && !falls(epoch, 1), "{epoch}");
        }
        assert!(is_over(&after(5, 0, &[]), &config) && falls(5, 1));
        assert!(!is_over(&after(5, 4, &[]), &config) && is_over(&after(6, 4, &[]), &config));
        let listed = RunConfig { train: config.clone(), ..RunConfig::default() };
        assert!(!ends_early(4, 1, &listed) && ends_early(5, 1, &listed), "a run in a list is told the same");
        let from_scratch = TrainConfig { start_from: String::new(), ..config };
        assert!(is_over(&after(2, 0, &[]), &from_scratch), "it freezes nothing");
    }

    #[test]
    fn of_equal_frozen_epochs_the_last_is_the_best_and_of_others_the_first() {
        let start = better(&measured(0, Some(0.1), None), None, &frozen());
        assert_eq!(start.unwrap().epoch, 0);
        let of =
            |epoch, eer, before| better(&measured(epoch, Some(eer), None), before, &frozen()).map(|best| best.epoch);
        assert_eq!((of(1, 0.1, start), of(3, 0.1, start)), (Some(1), Some(3)), "their class weights have learned more");
        assert_eq!((of(3, 0.2, start), of(4, 0.1, start), of(4, 0.05, start)), (None, None, Some(4)));
    }

    #[test]
    fn what_is_left_of_a_lost_best_is_what_the_run_goes_on_from() {
        let state = CheckpointState { step: 20, last_epoch: Some(measured(2, Some(0.3), None)), ..after(2, 1, &[]) };
        assert_eq!(best_left(&state, Best::Eer), BestSoFar { epoch: 2, step: 20, value: 0.3, by: Some(Best::Eer) });
        let later = best_left(&CheckpointState { step: 23, ..state }, Best::Eer);
        assert!(
            later.step == 23 && better(&measured(3, Some(0.9), None), Some(later), &TrainConfig::default()).is_some()
        );
    }
}
