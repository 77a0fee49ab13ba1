//! What happens when validation stops improving: the plateau schedule lowers the rate, and a run may end early. Both are
//! functions of the epochs alone, which a checkpoint holds.

use super::CheckpointState;
use crate::config::{Schedule, TrainConfig};

/// Epochs since the best one; all of them when none was the best.
fn since_best(state: &CheckpointState) -> u32 {
    state.epoch - state.best.map_or(0, |best| best.epoch).min(state.epoch)
}

/// Notes a fall of the plateau schedule, if one is due after the epoch just ended.
pub(super) fn follow(state: &mut CheckpointState, config: &TrainConfig) {
    let since_fall = state.epoch - state.falls.last().map_or(0, |epoch| *epoch).min(state.epoch);
    let due = since_best(state).min(since_fall) >= config.plateau_epochs;
    if config.schedule == Schedule::Plateau && due {
        state.falls.push(state.epoch);
    }
}

/// The run has waited long enough for an improvement.
pub(super) fn is_over(state: &CheckpointState, config: &TrainConfig) -> bool {
    config.stop_after > 0 && state.epoch < config.epochs && since_best(state) >= config.stop_after
}

/// Why it ended.
pub(super) fn words(config: &TrainConfig) -> String {
    let epochs = if config.stop_after == 1 { "1 epoch".to_owned() } else { format!("{} epochs", config.stop_after) };
    format!("the run ended early: {epochs} without improvement (train.stop_after)")
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint::BestSoFar;
    use super::*;

    fn after(epoch: u32, best: u32, falls: &[u32]) -> CheckpointState {
        let best = (best > 0).then_some(BestSoFar { epoch: best, step: 0, value: 0.0 });
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
}
