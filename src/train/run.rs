//! The training loop: epochs, validation, checkpoints, resume. Everything random is a function of (seed, epoch, step),
//! so that a run that was killed and continued goes through the same numbers as one that was not.

use super::checkpoint::CheckpointState;
use super::clock::Clock;
use super::events::{AngleHistogram, RunSummary, StepMetrics, TrainEvent};
use super::guard::{Guard, Verdict, usual_loss};
use super::imprint::TrainingPart;
use super::kept_point::kept_rule;
use super::metrics_log::MetricsLog;
use super::origin::Origin;
use super::prepare::{
    InForce, Start, batch_size, build_store, data_facts, model_info, restore, run_info, run_label, sampling, settings,
};
use super::run_folder::{Place, RunFolder};
use super::schedule::{Plan, lr_at, margin_at, moment_at};
use super::session::{Fate, Session, StepOutcome, open_session};
use super::tensorboard::Board;
use super::{Control, ModelInfo, TrainError, TrainedModel, device, evaluate, find_checkpoint, patience, rewind};
use crate::config::{Resolved, RunConfig, resolve};
use crate::data::{
    Augment, Catalog, EpochPlan, HostBatch, ImageStore, Loader, Preprocess, Split, split, steps_per_epoch,
};
use crate::model::Form;
use std::sync::Arc;
use std::time::Instant;

/// Who watches a run.
pub trait Observer {
    /// Something happened.
    fn event(&mut self, event: TrainEvent);
    /// Called between steps on the thread that owns the tensors: the place for short jobs that cannot wait.
    fn idle(&mut self) {}
}

/// What to train.
#[derive(Clone, Debug)]
pub struct TrainRequest {
    /// The data set.
    pub catalog: Arc<Catalog>,
    /// The settings. A resumed run uses its own, except for the device, the number of epochs when that is larger here, and the
    /// place of the run that it started from.
    pub config: RunConfig,
    /// Where the run lives.
    pub place: Place,
}

/// Trains until the last epoch or until stopped; in both cases what was learned is on disk.
///
/// # Errors
/// When data, settings, device or disk do not allow it. What was saved before stays.
pub fn train(request: &TrainRequest, control: &Control, observer: &mut dyn Observer) -> Result<RunSummary, TrainError> {
    let mut run = Run::prepare(request, control, observer)?;
    let finished = run.epochs(control, observer)?;
    run.finish(finished, control, observer)
}

/// How the steps of an epoch came to an end.
enum Steps {
    Done,
    /// A person asked for it.
    Stopped,
    /// The run has diverged.
    GoBack,
}

pub(super) struct Run {
    pub(super) folder: RunFolder,
    pub(super) catalog: Arc<Catalog>,
    pub(super) resolved: Resolved,
    pub(super) split: Arc<Split>,
    pub(super) store: Arc<ImageStore>,
    pub(super) session: Box<dyn Session>,
    pub(super) info: ModelInfo,
    pub(super) plan: Plan,
    pub(super) log: MetricsLog,
    pub(super) board: Board,
    pub(super) state: CheckpointState,
    pub(super) clock: Clock,
    pub(super) device: device::Device,
    pub(super) guard: Guard,
    pub(super) must_go_back: bool,
    /// The step whose checkpoint the disk refused last, which is told once; `None` where it has taken one since.
    pub(super) refused_at: Option<u64>,
    pub(super) angles: AngleHistogram,
    /// Steps given to the device; `state.step` counts those whose outcome is known.
    pub(super) issued: u64,
}

impl Run {
    pub(super) fn prepare(
        request: &TrainRequest,
        control: &Control,
        observer: &mut dyn Observer,
    ) -> Result<Self, TrainError> {
        let InForce { mut config, catalog, origin, notes, is_longer } = settings(request)?;
        notes.into_iter().for_each(|text| observer.event(TrainEvent::Note(text)));
        let origin = Origin::find(&mut config, &request.place, origin)?;
        let reasons = origin.as_ref().map(|origin| origin.settle(&mut config)).unwrap_or_default();
        let mut split = split(&catalog, &config.data, u64::from(config.train.seed))?;
        let mut resolved = resolve(&config, &data_facts(&catalog, &split))?;
        resolved.reasons.extend(reasons);
        let (device, device_name) = device::choose(&config.train.device)?;
        let (preprocess, form) = match &origin {
            Some(origin) => (origin.info.network.preprocess.clone(), origin.info.network.embedder.form),
            None => (Preprocess::new(resolved.image_px, resolved.channels), Form::default()),
        };
        let store = build_store(&catalog, &split, &resolved, &preprocess, control, observer)?;
        split.remove(store.failed());
        if split.train.len() < 2 {
            return Err(TrainError::CannotResume(format!("only {} training images can be read", split.train.len())));
        }
        let split = Arc::new(split);
        let info = model_info(&resolved, &split, &catalog, preprocess, form);
        let mut session = open_session(device, &info.network.embedder, &info.head, &resolved.config.train)?;
        let folder = RunFolder::create(&request.place, &run_label(&catalog, &resolved.config))?;
        let best = resolved.config.train.best;
        let part = TrainingPart::of(&store, &split, &resolved.config.train, control);
        let start = Start { folder: &folder, info: &info, origin: origin.as_ref(), part, best };
        let state = match restore(&start, session.as_mut(), observer) {
            Ok(state) => state,
            Err(error) => {
                folder.take_back();
                return Err(error);
            }
        };
        resolved.steps_per_epoch = steps_per_epoch(split.train.len(), batch_size(&resolved, split.train.len()));
        if let Some(facts) = config.run.as_mut().filter(|_| is_longer) {
            facts.longer_from = Some(state.epoch);
        }
        let digest = origin.as_ref().map(Origin::digest).unwrap_or_default();
        resolved.config.run = Some(run_info(&catalog, &split, &device_name, digest, &config));
        folder.write_config(&resolved.config)?;
        let log = MetricsLog::open(folder.path(), state.step, state.last_measured(), state.rewinds)?;
        let board = Board::open(folder.path(), state.first_to_come());
        let run = Self {
            plan: Plan::new(&resolved),
            folder,
            catalog,
            resolved,
            split,
            store,
            session,
            info,
            log,
            board,
            issued: state.step,
            state,
            device,
            clock: Clock::start(),
            guard: Guard::default(),
            must_go_back: false,
            refused_at: None,
            angles: AngleHistogram::default(),
        };
        run.announce(device_name, observer);
        Ok(run)
    }

    /// All remaining epochs; `false` when stopped before the last.
    pub(super) fn epochs(&mut self, control: &Control, observer: &mut dyn Observer) -> Result<bool, TrainError> {
        loop {
            // Before the run ends for want of a better epoch: the disk may take now what it refused.
            if patience::is_over(&self.state, &self.resolved.config) && self.best_not_kept().is_some() {
                self.save(observer)?;
            }
            if self.is_over(observer) {
                return Ok(true);
            }
            self.measure_start(control, observer)?;
            self.clock.epoch_began = Instant::now();
            self.clock.window_began = Instant::now();
            self.clock.images = 0;
            match self.epoch_steps(control, observer)? {
                Steps::Stopped => {
                    self.save(observer)?;
                    return Ok(false);
                }
                Steps::GoBack => match self.go_back(control, observer) {
                    // What is in memory has diverged, and what is on disk is as it was.
                    Err(TrainError::Cancelled) if self.has_checkpoint() => return Ok(false),
                    result => result?,
                },
                Steps::Done => self.end_of_epoch(control, observer)?,
            }
        }
    }

    /// No epoch is left, or none that promises anything, which is then said.
    fn is_over(&self, observer: &mut dyn Observer) -> bool {
        let config = &self.resolved.config;
        let ends_early = patience::is_over(&self.state, config);
        if ends_early {
            observer.event(TrainEvent::Warning(patience::words(&config.train, self.clock.steps == 0)));
        }
        ends_early || self.state.epoch >= config.train.epochs
    }

    /// The rest of the present epoch.
    fn epoch_steps(&mut self, control: &Control, observer: &mut dyn Observer) -> Result<Steps, TrainError> {
        let mut loader = self.loader()?;
        self.session.hold_network(self.state.epoch < self.resolved.config.train.frozen_epochs());
        loop {
            if control.is_paused() {
                self.save(observer)?;
                control.wait_while_paused(|| observer.idle());
                self.clock.window_began = Instant::now();
            }
            if self.must_go_back {
                return Ok(Steps::GoBack);
            }
            if control.is_cancelled() {
                return Ok(Steps::Stopped);
            }
            let asked = Instant::now();
            let next = loader.next();
            self.clock.waiting += asked.elapsed();
            let Some(batch) = next else {
                self.settle(observer)?;
                return Ok(if self.must_go_back { Steps::GoBack } else { Steps::Done });
            };
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) => {
                    self.save(observer)?;
                    return Err(error.into());
                }
            };
            self.step(&batch, observer)?;
            self.clock.training += asked.elapsed();
            observer.idle();
            if self.is_checkpoint_due() {
                self.save(observer)?;
            }
        }
    }

    /// What is left of the present epoch, as the network is to see it.
    pub(super) fn loader(&self) -> Result<Loader, TrainError> {
        let changes = Augment::of(&self.resolved.config.augment, self.resolved.flip);
        let plan = EpochPlan {
            seed: u64::from(self.resolved.config.train.seed),
            epoch: self.state.epoch,
            first_step: self.state.step_in_epoch,
            sampling: sampling(&self.resolved, self.split.train.len()),
        };
        Ok(Loader::start(Arc::clone(&self.store), Arc::clone(&self.split), changes, plan)?)
    }

    /// Learning rate of a step: the plan's, lowered by what happened so far.
    pub(super) fn rate(&self, step: u64) -> f64 {
        let fallen = self.plan.fall_factor.powi(self.state.falls.len() as i32);
        lr_at(&self.plan, step) * fallen * rewind::RATE.powi(self.state.rewinds as i32)
    }

    fn batch(&self) -> usize {
        batch_size(&self.resolved, self.split.train.len())
    }

    fn step(&mut self, batch: &HostBatch, observer: &mut dyn Observer) -> Result<(), TrainError> {
        let step = self.issued;
        let moment = moment_at(&self.plan, step, u64::from(self.resolved.config.train.seed));
        self.issued += 1;
        let outcomes = self.session.step(batch, self.rate(step), moment)?;
        self.account(&outcomes, observer)
    }

    /// Waits for the steps that the device still has: before anything that has to know where the run stands.
    fn settle(&mut self, observer: &mut dyn Observer) -> Result<(), TrainError> {
        let outcomes = self.session.settle()?;
        self.account(&outcomes, observer)
    }

    pub(super) fn account(&mut self, outcomes: &[StepOutcome], observer: &mut dyn Observer) -> Result<(), TrainError> {
        for outcome in outcomes {
            // What the device had been given already is taken anew. Were one such step sound, the state would look so, too.
            if self.must_go_back {
                return Ok(());
            }
            let step = self.state.step;
            let (lr, margin) = (self.rate(step), margin_at(&self.plan, step));
            if !self.is_sound(outcome, observer) {
                self.must_go_back = true;
                return Ok(());
            }
            if outcome.fate == Fate::Applied {
                let usual = usual_loss(outcome.loss, self.info.head.classes);
                self.state.first_loss_bits.get_or_insert(usual.to_bits());
            }
            let count = outcome.target_cosines.len();
            if outcome.loss.is_finite() {
                self.state.epoch_sums.add(outcome.loss, outcome.correct, count);
                self.state.window.add(outcome.loss, outcome.correct, count);
            }
            outcome.target_cosines.iter().for_each(|cosine| self.angles.add_cosine(*cosine));
            self.state.step += 1;
            self.state.step_in_epoch += 1;
            self.clock.steps += 1;
            self.clock.images += count as u64;
            if self.state.step.is_multiple_of(self.log_every()) {
                self.report_step(lr, margin, observer)?;
            }
        }
        Ok(())
    }

    /// Says what was wrong with a step, if anything; `false` when the run has to go back.
    fn is_sound(&mut self, outcome: &StepOutcome, observer: &mut dyn Observer) -> bool {
        let first_loss = self.state.first_loss_bits.map(f64::from_bits);
        let (reason, go_back) = match self.guard.look(outcome, first_loss) {
            Verdict::Sound => return true,
            Verdict::Doubtful(reason) => (reason, false),
            Verdict::GoBack(reason) => (reason, true),
        };
        let step = self.state.step + 1;
        // For whoever wonders afterwards why the run went as it did.
        if let Err(error) = self.log.doubtful(step, self.state.rewinds, reason) {
            observer.event(TrainEvent::Warning(error.to_string()));
        }
        observer.event(TrainEvent::DoubtfulStep { step, reason });
        !go_back
    }

    /// About twenty points per epoch, depending on the step only.
    fn log_every(&self) -> u64 {
        (self.resolved.steps_per_epoch as u64 / 20).clamp(1, 50)
    }

    fn report_step(&mut self, lr: f64, margin: f64, observer: &mut dyn Observer) -> Result<(), TrainError> {
        let window = std::mem::take(&mut self.state.window);
        if window.seen == 0 {
            return Ok(());
        }
        let seconds = self.clock.window_began.elapsed().as_secs_f64().max(1e-9);
        self.clock.window_began = Instant::now();
        let left = self.plan.total_steps.saturating_sub(self.state.step) as f64;
        let metrics = StepMetrics {
            step: self.state.step,
            epoch: self.state.step as f64 / self.resolved.steps_per_epoch as f64,
            loss: window.loss(),
            accuracy: window.accuracy(),
            lr,
            margin,
            images_per_second: window.seen as f64 / seconds,
            eta_secs: left * self.clock.secs_per_step(Instant::now()),
        };
        if let Err(error) = self.log.step(&metrics) {
            observer.event(TrainEvent::Warning(error.to_string()));
        }
        let angles = std::mem::take(&mut self.angles);
        self.board.step(&metrics);
        self.board.angles(metrics.step, &angles);
        observer.event(TrainEvent::Step(metrics));
        observer.event(TrainEvent::Angles(angles));
        Ok(())
    }

    /// Writes a checkpoint; `false` when the state is not on disk. A full disk does not end the run: the next attempt
    /// may succeed, and the network is in memory.
    pub(super) fn save(&mut self, observer: &mut dyn Observer) -> Result<bool, TrainError> {
        self.settle(observer)?;
        self.clock.last_saved = Instant::now();
        // A state that is in doubt must not take the place of a good one.
        if self.state.is_fresh() || self.guard.is_in_doubt() {
            return Ok(false);
        }
        let (saved, mut state) = (self.session.save()?, self.state.to_save());
        let refused_before = self.best_not_kept();
        if let Some((best, metrics)) = &refused_before {
            (state.best, state.last_epoch) = (Some(*best), Some(metrics.clone()));
            self.tell_epoch(metrics, observer);
        }
        self.log.keep();
        if let Err(error) = self.folder.write_checkpoint(&saved, &self.info, &state) {
            if self.refused_at.replace(self.state.step) != Some(self.state.step) {
                observer.event(TrainEvent::Warning(format!("training goes on, but {error}")));
            }
            if let (Some(_), Some(last)) = (refused_before, self.state.last_epoch.clone()) {
                self.tell_epoch(&last, observer);
            }
            return Ok(false);
        }
        (self.state, self.refused_at) = (state, None);
        tracing::debug!(step = self.state.step, took = ?self.clock.last_saved.elapsed(), "checkpoint written");
        observer.event(TrainEvent::Saved(self.state.step));
        if let Some((_, metrics)) = refused_before {
            observer.event(TrainEvent::Epoch(metrics));
        }
        Ok(true)
    }

    /// The disk may have refused the last checkpoint, and no state in doubt is written: it is tried once more, and told where
    /// what was learned last is not there. That nothing is there at all is an error now.
    fn save_rest(&mut self, observer: &mut dyn Observer) -> Result<(), TrainError> {
        let stands = (self.state.step, self.state.epoch);
        let newest = find_checkpoint::newest_usable(self.folder.path()).ok().flatten();
        if newest.is_some_and(|(newest, _)| (newest.state.step, newest.state.epoch) == stands) {
            return Ok(());
        }
        self.save(observer)?;
        let (newest, _) = find_checkpoint::latest_checkpoint(self.folder.path())?;
        if (newest.state.step, newest.state.epoch) != stands {
            observer.event(TrainEvent::Warning(format!(
                "the last steps of the run could not be kept: continued, it goes on from step {} of the {} that were done",
                newest.state.step, self.state.step
            )));
        }
        Ok(())
    }

    /// Measures the best checkpoint on all held-out images, which also sets the run's operating point.
    fn finish(
        mut self,
        finished: bool,
        control: &Control,
        observer: &mut dyn Observer,
    ) -> Result<RunSummary, TrainError> {
        if self.state.step == 0 {
            return Err(TrainError::Cancelled);
        }
        self.save_rest(observer)?;
        self.say_if_start_is_best(observer);
        let began = self.clock.began;
        let seconds = began.elapsed().as_secs_f64();
        let last = self.state.last_epoch.clone();
        let mut summary = RunSummary {
            run: self.folder.path().to_owned(),
            epochs: self.state.epoch,
            best_epoch: self.state.best.map(|best| best.epoch),
            images_per_second: self.clock.steps as f64 * self.batch() as f64 / seconds.max(1e-9),
            input_wait_share: self.clock.input_wait_share(),
            train_loss: last.as_ref().map(|epoch| epoch.train_loss),
            train_accuracy: last.as_ref().map(|epoch| epoch.train_accuracy),
            val_loss: last.as_ref().and_then(|epoch| epoch.val_loss),
            val_accuracy: last.as_ref().and_then(|epoch| epoch.val_accuracy),
            eer: last.as_ref().and_then(|epoch| epoch.eer),
            verification: None,
            seconds,
            stopped: !finished,
        };
        match self.final_evaluation(control, observer) {
            Ok(evaluation) => summary.take_in(&evaluation),
            Err(TrainError::Cancelled) => {}
            Err(error) => observer.event(TrainEvent::Warning(format!("the run is saved, but not evaluated: {error}"))),
        }
        summary.seconds = began.elapsed().as_secs_f64();
        Ok(summary)
    }

    fn final_evaluation(
        self,
        control: &Control,
        observer: &mut dyn Observer,
    ) -> Result<evaluate::StoredEvaluation, TrainError> {
        // What is measured comes from the disk: the network that learned, its optimiser's state and all that goes with them
        // would only lie beside it.
        drop(self.session);
        let model = TrainedModel::open(self.folder.path(), self.device)?;
        model.told().iter().for_each(|text| observer.event(TrainEvent::Warning(text.clone())));
        let eval = &self.resolved.config.eval;
        let task = evaluate::EvaluationTask {
            store: &self.store,
            items: &self.split.validation,
            split: Some(&self.split),
            eval,
            // Who goes on with a run has its threshold chosen as before.
            rule: kept_rule(self.folder.path(), eval),
            seed: u64::from(self.resolved.config.train.seed),
        };
        // A stop asks for the run to end, not for the operating point to be missing.
        let control = if control.is_cancelled() { control.after_stop() } else { control.clone() };
        let has_learned = self.clock.steps > 0;
        evaluate::evaluate_end(&model, &task, has_learned, &control)
    }
}
