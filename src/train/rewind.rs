//! Going back: a run that has diverged goes on from its last good state with a lower learning rate.

use super::events::{AngleHistogram, TrainEvent};
use super::guard::Guard;
use super::metrics_log::MetricsLog;
use super::prepare::{Start, restore};
use super::run::{Observer, Run};
use super::session::open_session;
use super::tensorboard::Board;
use super::{CheckpointState, TrainError};

/// The learning rate is multiplied by this each time.
pub(super) const RATE: f64 = 0.5;
/// After so many times the settings are to blame, and a person has to say what to change.
const MOST: u32 = 3;

impl Run {
    /// Puts the last usable checkpoint back, or the start where there is none yet.
    pub(super) fn go_back(&mut self, observer: &mut dyn Observer) -> Result<(), TrainError> {
        let (at, rewinds) = (self.state.step + 1, self.state.rewinds + 1);
        if rewinds > MOST {
            return Err(TrainError::Diverged { step: at, rewinds: MOST, lr: self.rate(self.state.step) });
        }
        let mut session = open_session(self.device, &self.info.embedder, &self.info.head, &self.resolved.config.train)?;
        let start = Start {
            folder: &self.folder,
            info: &self.info,
            origin: self.origin.as_ref(),
            best: self.resolved.config.train.best,
        };
        let state = restore(&start, session.as_mut(), observer)?;
        self.session = session;
        self.log = MetricsLog::open(self.folder.path(), state.step, state.epoch)?;
        self.board = Board::open(self.folder.path(), state.step);
        self.issued = state.step;
        // The steps of a checkpoint from before the last time back carry an older count.
        self.state = CheckpointState { rewinds, ..state };
        (self.guard, self.must_go_back, self.angles) = (Guard::default(), false, AngleHistogram::default());
        observer.event(TrainEvent::Warning(format!(
            "the run diverged at step {at}; it goes on from step {} with {} times the planned learning rate",
            self.state.step,
            RATE.powi(rewinds as i32),
        )));
        Ok(())
    }
}
