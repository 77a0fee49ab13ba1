//! Notices when a run goes wrong: steps that cannot be used, and losses that explode.
//!
//! A loss is known when its step has changed the weights already; on a GPU, which is asked every few steps, further ones have
//! too. That does no harm: a state in doubt is never saved, and a run that goes back (`rewind`) takes weights, optimiser and
//! counters from the disk, as they were before. What stays are doubtful steps that a sound one follows: they count as chance,
//! and the gradient clip, unless it is switched off, bounds what each can do.
//!
//! What it counts need not be saved: no checkpoint is written while anything is counted, so a continued run begins at 0.

use super::session::{Fate, StepOutcome};

/// So many doubtful steps in a row, and the run has diverged.
const MOST_IN_A_ROW: u32 = 5;
/// A loss this many times as large as the first one has exploded. Losses of cosines stay far below it by their nature;
/// those that take the length of the embedding (plain softmax, A-softmax) need not.
const EXPLODED: f64 = 20.0;

/// Counts doubtful steps.
#[derive(Debug, Default)]
pub(super) struct Guard {
    in_a_row: u32,
}

/// What is thought of a step.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Sound,
    /// Wrong, with words for it, but it may have been this step only.
    Doubtful(&'static str),
    /// One too many.
    GoBack(&'static str),
}

impl Guard {
    /// The next step's outcome, beside what the run's losses are like ([`usual_loss`]; `None` before its first step).
    pub fn look(&mut self, outcome: &StepOutcome, usual_loss: Option<f64>) -> Verdict {
        let exploded = usual_loss.is_some_and(|usual| outcome.loss > EXPLODED * (usual + 1.0));
        let reason = match outcome.fate {
            // The factor on the loss is lowered by itself; nothing is wrong with the run.
            Fate::Overflowed => return Verdict::Sound,
            Fate::Unusable => "it was left out, for its loss or gradient is not a number",
            Fate::Applied if exploded => "its loss is many times that of the start",
            Fate::Applied => {
                self.in_a_row = 0;
                return Verdict::Sound;
            }
        };
        self.in_a_row += 1;
        if self.in_a_row < MOST_IN_A_ROW { Verdict::Doubtful(reason) } else { Verdict::GoBack(reason) }
    }

    /// The last step was wrong.
    pub fn is_in_doubt(&self) -> bool {
        self.in_a_row > 0
    }
}

/// What a run's losses are like, told from that of its first step (in nats, as all losses): later steps may have exploded
/// already. A first batch that the network happens to know must not make every other one look bad, so it is no less than
/// the loss of a network that knows nothing, ln(classes).
pub(super) fn usual_loss(first: f64, classes: usize) -> f64 {
    first.max((classes.max(1) as f64).ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(loss: f64, fate: Fate) -> StepOutcome {
        StepOutcome { loss, correct: 0, target_cosines: Vec::new(), fate }
    }

    #[test]
    fn single_bad_steps_are_let_pass_and_five_in_a_row_are_not() {
        let mut guard = Guard::default();
        let bad = step(f64::NAN, Fate::Unusable);
        for _ in 0..3 {
            for _ in 0..4 {
                assert!(matches!(guard.look(&bad, Some(2.0)), Verdict::Doubtful(_)));
                assert!(guard.is_in_doubt());
            }
            assert_eq!(guard.look(&step(2.0, Fate::Applied), Some(2.0)), Verdict::Sound);
            assert!(!guard.is_in_doubt());
        }
        for _ in 0..4 {
            guard.look(&bad, None);
        }
        assert!(matches!(guard.look(&bad, None), Verdict::GoBack(_)));
    }

    #[test]
    fn losses_are_judged_from_the_second_step_on_by_the_first() {
        let judged = |first, later| Guard::default().look(&step(later, Fate::Applied), Some(usual_loss(first, 10)));
        // Plain softmax over ten classes begins near 2.3; its steps may become far worse while lengths grow.
        for later in [2.3, 10.0, 40.0, 60.0] {
            assert_eq!(judged(2.4, later), Verdict::Sound, "{later}");
        }
        assert!(matches!(judged(2.4, 100.0), Verdict::Doubtful(_)));
        // A network that was trained before may know its first batch.
        assert_eq!(judged(0.01, 30.0), Verdict::Sound);
        // At a scale of 64 the first loss is large, and twice the scale is possible.
        assert_eq!(judged(35.0, 140.0), Verdict::Sound);
        assert_eq!(usual_loss(0.5, 0), 0.5);
    }

    #[test]
    fn an_exploding_loss_counts_and_an_overflow_of_half_precision_does_not() {
        let mut guard = Guard::default();
        assert!(matches!(guard.look(&step(1000.0, Fate::Applied), Some(2.0)), Verdict::Doubtful(_)));
        assert_eq!(guard.look(&step(1000.0, Fate::Applied), None), Verdict::Sound);
        for _ in 0..20 {
            assert_eq!(guard.look(&step(2.0, Fate::Overflowed), Some(2.0)), Verdict::Sound);
        }
    }
}
