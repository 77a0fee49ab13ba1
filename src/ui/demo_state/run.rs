//! A training run as its events: a loss that falls, an error rate that falls more slowly, a map that forms.

use super::{Demo, DemoKind, RUNS};
use crate::app::Action;
use crate::train::{
    ANGLE_BINS, AngleHistogram, EpochMetrics, Footprint, RunStarted, RunSummary, StepMetrics, TrainError, TrainEvent,
    ValidationSnapshot,
};
use crate::ui::demo_data::demo_table;
use crate::worker::protocol::{Event, JobId};
use std::path::PathBuf;
use std::sync::Arc;

const EPOCHS: u32 = 24;
const STEPS: u32 = 16;

impl Demo {
    /// A run: at its twelfth epoch, done, or ended by an error.
    pub(super) fn train(&mut self, kind: DemoKind) -> Option<()> {
        self.ready()?;
        let job = self.act(Action::StartTraining).first()?.id;
        let run = PathBuf::from("runs").join(RUNS[0]);
        self.train_event(job, TrainEvent::Started(Box::new(self.started(run.clone()))));
        let until = match kind {
            DemoKind::Busy => 12 * STEPS + 6,
            DemoKind::Error => 7 * STEPS + 3,
            DemoKind::Done | DemoKind::Empty => EPOCHS * STEPS,
        };
        for step in 1..=until {
            self.train_event(job, TrainEvent::Step(step_metrics(step)));
            if step % STEPS == 0 {
                self.train_event(job, TrainEvent::Epoch(epoch_metrics(step / STEPS)));
            }
        }
        let progress = f64::from(until) / f64::from(EPOCHS * STEPS);
        self.train_event(job, TrainEvent::Angles(angles(progress)));
        self.validation(job, until / STEPS, progress)?;
        match kind {
            DemoKind::Error => self.fail_of(job, &diverged(until)),
            DemoKind::Done => {
                let next = self.tell(Event::Trained { job, summary: Box::new(summary(run)) });
                self.end(job);
                for job in next {
                    self.end(job.id);
                }
            }
            DemoKind::Busy | DemoKind::Empty => {}
        }
        Some(())
    }

    fn train_event(&mut self, job: JobId, event: TrainEvent) {
        self.tell(Event::Train { job, event });
    }

    fn started(&self, run: PathBuf) -> RunStarted {
        let data = self.state.open_data();
        let split = data.and_then(|data| data.split.as_ref().ok());
        let resolved = data.and_then(|data| data.resolved.as_ref().ok());
        RunStarted {
            run,
            device: "CPU, 8 threads".into(),
            classes: split.map_or(0, |split| split.train_classes.len()),
            train_images: split.map_or(0, |split| split.train.len()),
            validation_images: split.map_or(0, |split| split.validation.len()),
            footprint: Footprint {
                parameters: 284_096,
                multiply_adds: 29_000_000,
                step_bytes: 210_000_000,
                training_bytes: 210_000_000,
            },
            steps_per_epoch: STEPS as usize,
            epochs: EPOCHS,
            resumed_at_step: 0,
            config: self.state.config.clone(),
            reasons: resolved.map(|resolved| resolved.reasons.clone()).unwrap_or_default(),
        }
    }

    fn validation(&mut self, job: JobId, epoch: u32, progress: f64) -> Option<()> {
        let catalog = Arc::clone(&self.state.open_data()?.catalog);
        let table = Arc::new(demo_table(0.4 + progress as f32, &catalog).ok()?);
        let snapshot = ValidationSnapshot { epoch, table, report: None };
        let next = self.tell(Event::Train { job, event: TrainEvent::Validation(snapshot) });
        for job in next {
            self.map(job);
        }
        Some(())
    }
}

/// What the trainer says of a run that took so many steps.
fn diverged(steps: u32) -> TrainError {
    let (step, lr) = (u64::from(steps) + 1, step_metrics(steps).lr);
    TrainError::Diverged { step, rewinds: 3, lr, has_checkpoint: true }
}

/// Something between -1 and 1 that looks like noise and is always the same.
fn wobble(step: u32) -> f64 {
    let step = f64::from(step);
    ((step * 12.9898).sin() * 43_758.547).fract()
}

fn step_metrics(step: u32) -> StepMetrics {
    let epoch = f64::from(step) / f64::from(STEPS);
    let progress = epoch / f64::from(EPOCHS);
    let warm = (epoch / 1.0).min(1.0);
    StepMetrics {
        step: u64::from(step),
        epoch,
        loss: 1.1 + 8.2 * (-3.2 * progress).exp() + 0.35 * wobble(step) * (1.2 - progress),
        accuracy: (1.0 - 0.97 * (-4.5 * progress).exp() + 0.02 * wobble(step + 7)).clamp(0.0, 1.0),
        lr: 0.1 * warm * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()),
        margin: 0.5 * (progress / 0.15).min(1.0),
        images_per_second: 412.0 + 9.0 * wobble(step),
        eta_secs: (1.0 - progress) * 50.0,
    }
}

/// The epochs of a run in the list, whose best error rate is `eer`.
pub(super) fn epochs(done: u32, eer: Option<f64>) -> Vec<EpochMetrics> {
    let shown = 1..=done.min(EPOCHS);
    let lowest = shown.clone().filter_map(|epoch| epoch_metrics(epoch).eer).fold(f64::INFINITY, f64::min);
    let scaled = |metrics: EpochMetrics| EpochMetrics {
        // A power keeps rates below one; a factor would not.
        eer: metrics.eer.zip(eer).map(|(at, eer)| at.powf(eer.ln() / lowest.ln())),
        ..metrics
    };
    shown.map(|epoch| scaled(epoch_metrics(epoch))).collect()
}

fn epoch_metrics(epoch: u32) -> EpochMetrics {
    let last = step_metrics(epoch * STEPS);
    let eer = |epoch: u32| 0.021 + 0.23 * (-f64::from(epoch) / 4.5).exp() + 0.006 * wobble(epoch * 31);
    let best = (1..epoch).all(|earlier| eer(earlier) > eer(epoch));
    EpochMetrics {
        epoch,
        step: last.step,
        train_loss: last.loss,
        train_accuracy: last.accuracy,
        val_loss: None,
        val_accuracy: None,
        eer: Some(eer(epoch)),
        best,
        images_per_second: 412.0,
        elapsed_secs: f64::from(epoch) * 2.5,
    }
}

/// A hump that moves from a right angle towards zero.
fn angles(progress: f64) -> AngleHistogram {
    let (centre, width) = (88.0 - 50.0 * progress, 7.0 + 3.0 * progress);
    let count = |bin: usize| {
        let distance = (bin as f64 * 5.0 + 2.5 - centre) / width;
        (520.0 * (-0.5 * distance * distance).exp()) as u32
    };
    AngleHistogram { counts: (0..ANGLE_BINS).map(count).collect() }
}

fn summary(run: PathBuf) -> RunSummary {
    let last = epoch_metrics(EPOCHS);
    RunSummary {
        run,
        epochs: EPOCHS,
        best_epoch: Some(EPOCHS),
        images_per_second: 412.0,
        input_wait_share: 0.01,
        train_loss: Some(last.train_loss),
        train_accuracy: Some(last.train_accuracy),
        val_loss: None,
        val_accuracy: None,
        eer: last.eer,
        verification: None,
        seconds: 50.0,
        stopped: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_of_a_run_comes_down_to_its_best_error_rate() {
        for (done, best) in [(EPOCHS, 0.021), (13, 0.118), (1, 0.3)] {
            let rates = epochs(done, Some(best)).into_iter().filter_map(|epoch| epoch.eer);
            let lowest = rates.fold(f64::INFINITY, f64::min);
            assert!((lowest - best).abs() < 1e-9, "{lowest} after {done} epochs, not {best}");
        }
    }
}
