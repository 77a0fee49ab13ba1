//! Going back: a run that has diverged goes on from its last good state with a lower learning rate.
//!
//! Where it goes back to is a function of the steps, so that a diverged run stays a function of its seed: a run that was
//! stopped or killed and continued goes back to the same step as one that was not.
//!
//! Before the first target that is its start, less than `STEPS_BETWEEN_TARGETS` steps back. Earlier targets would save
//! little: in its first steps, those of the warm-up, a network has learned next to nothing, and a state from just before it
//! blew up is often on its way there already.

use super::checkpoint::is_rewind_target;
use super::events::{AngleHistogram, TrainEvent};
use super::find_checkpoint::{self, Found};
use super::guard::Guard;
use super::imprint::TrainingPart;
use super::metrics_log::MetricsLog;
use super::origin::Origin;
use super::prepare::{Start, put_back};
use super::run::{Observer, Run};
use super::session::open_session;
use super::tensorboard::Board;
use super::{CheckpointState, Control, TrainError};
use std::time::Instant;

/// The learning rate is multiplied by this each time.
pub(super) const RATE: f64 = 0.5;
/// After so many times the settings are to blame, and a person has to say what to change.
const MOST: u32 = 3;

impl Run {
    /// A checkpoint should be written now: the last one is too old, or the run may have to go back to this step.
    pub(super) fn is_checkpoint_due(&self) -> bool {
        // Where the run stands when the device has done all that it was given.
        let in_flight = (self.issued - self.state.step) as usize;
        self.clock.is_save_due(Instant::now()) || is_rewind_target(self.state.step_in_epoch + in_flight)
    }

    /// Something is on disk that the run can go on from, as far as names tell.
    pub(super) fn has_checkpoint(&self) -> bool {
        !find_checkpoint::checkpoints(self.folder.path()).is_empty()
    }

    /// Puts back the newest checkpoint that may be gone back to, or the start where there is none yet. Until it is there, the
    /// run stays as it was: in memory and on disk.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] when it has gone back often enough; when what it goes back to cannot be used;
    /// [`TrainError::Cancelled`] when asked to stop while the weights of new classes are computed anew.
    pub(super) fn go_back(&mut self, control: &Control, observer: &mut dyn Observer) -> Result<(), TrainError> {
        let (at, rewinds) = (self.state.step + 1, self.state.rewinds + 1);
        if rewinds > MOST {
            // The last time it may have gone back to its start, and what came later was removed.
            let has_checkpoint = find_checkpoint::has_learned(self.folder.path());
            let lr = self.rate(self.state.step);
            return Err(TrainError::Diverged { step: at, rewinds: MOST, lr, has_checkpoint });
        }
        let (target, origin) = self.rewind_target(observer)?;
        let mut session =
            open_session(self.device, &self.info.network.embedder, &self.info.head, &self.resolved.config.train)?;
        let start = Start {
            folder: &self.folder,
            info: &self.info,
            origin: origin.as_ref(),
            part: TrainingPart::of(&self.store, &self.split, &self.resolved.config.train, control),
            best: self.resolved.config.train.best,
        };
        let state = put_back(target, &start, session.as_mut(), observer)?;
        // Only now, when the state is there: until then the later checkpoints are all that the run has. They belong to steps
        // that are taken anew, and the newest checkpoint is where a run goes on.
        self.folder.rewind_to(&state)?;
        self.session = session;
        self.log = MetricsLog::open(self.folder.path(), state.step, state.last_measured(), rewinds)?;
        self.board = Board::open(self.folder.path(), state.first_to_come());
        self.issued = state.step;
        self.refused_at = None;
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

    /// The checkpoint to go back to. Without one it is the start, and the network that the run began with, if it began
    /// with that of another run.
    fn rewind_target(&self, observer: &mut dyn Observer) -> Result<(Option<Found>, Option<Origin>), TrainError> {
        let target = find_checkpoint::newest_rewind_target(self.folder.path())?;
        if target.is_some() || !self.resolved.config.train.is_fine_tuned() {
            return Ok((target, None));
        }
        let error = match Origin::open(&self.resolved.config) {
            Ok((origin, _)) => return Ok((None, Some(origin))),
            Err(error) => error,
        };
        let newest = find_checkpoint::newest_usable(self.folder.path())?.ok_or(error)?;
        observer.event(TrainEvent::Warning(
            "the run that this one started from is gone or has changed; the last checkpoint is used in place of the start"
                .to_owned(),
        ));
        Ok((Some(newest), None))
    }
}
