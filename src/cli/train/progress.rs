//! What is printed while a run learns.

use crate::cli::output::{self, Meter};
use crate::train::{EpochMetrics, Footprint, Observer, TrainEvent};

/// Prints what happens while a run learns.
pub(super) struct Watcher {
    pub meter: Meter,
    total_steps: u64,
    /// What is said behind the training accuracy: among which classes it is, where these are not all.
    among: &'static str,
}

impl Watcher {
    pub fn new() -> Self {
        Self { meter: Meter::new("train"), total_steps: 0, among: "" }
    }
}

impl Observer for Watcher {
    fn event(&mut self, event: TrainEvent) {
        match event {
            TrainEvent::Preparing(done, total) => self.meter.report(done as u64, total as u64, "images read"),
            TrainEvent::Started(started) => {
                self.total_steps = started.steps_per_epoch as u64 * u64::from(started.epochs);
                self.among = if started.config.loss.is_partial() { AMONG_SOME } else { "" };
                self.meter.note(&format!(
                    "{}: {} images of {} classes, {} held out, on {}",
                    started.run.display(),
                    started.train_images,
                    started.classes,
                    started.validation_images,
                    started.device
                ));
                let Footprint { parameters, multiply_adds, training_bytes, .. } = started.footprint;
                self.meter.note(&format!(
                    "network and head: {:.2} million weights, {:.3} GMAC per image; the run takes about {:.1} GB of memory \
                     beside the images",
                    parameters as f64 / 1e6,
                    multiply_adds as f64 / 1e9,
                    training_bytes as f64 / 1e9
                ));
                let steps = started.steps_per_epoch as u64;
                goes_on(started.resumed_at_step, steps, started.epochs).iter().for_each(|text| self.meter.note(text));
                for reason in &started.reasons {
                    self.meter.note(&format!("  {} = {}: {}", reason.key, reason.value, reason.why));
                }
            }
            TrainEvent::Step(step) => {
                let message = format!(
                    "loss {:.3}, accuracy {:.1} %{}, {:.0} images/s, {:.0} s left",
                    step.loss,
                    step.accuracy * 100.0,
                    self.among,
                    step.images_per_second,
                    step.eta_secs
                );
                self.meter.report(step.step, self.total_steps, &message);
            }
            TrainEvent::Epoch(epoch) => self.meter.note(&epoch_line(&epoch, self.among)),
            TrainEvent::Note(text) => self.meter.note(&text),
            TrainEvent::Warning(text) => self.meter.note(&format!("warning: {text}")),
            TrainEvent::DoubtfulStep { step, reason } => self.meter.note(&format!("warning: step {step}: {reason}")),
            TrainEvent::Angles(_) | TrainEvent::Validation(_) | TrainEvent::Saved(_) => {}
        }
    }
}

/// Where a run goes on that has done so many steps; `None` for a new one.
fn goes_on(done: u64, steps_per_epoch: u64, epochs: u32) -> Option<String> {
    let total = steps_per_epoch * u64::from(epochs);
    match done {
        0 => None,
        _ if done >= total => Some(format!(
            "nothing is left to train: it has done all of its epochs ({epochs}); a larger --epochs makes the run longer"
        )),
        _ => {
            let epoch = done / steps_per_epoch.max(1) + 1;
            Some(format!("it goes on after step {done} of {total}, in epoch {epoch} of {epochs}"))
        }
    }
}

/// With Partial FC, the training accuracy says nothing of the classes that a step leaves out.
const AMONG_SOME: &str = " among the classes of a step";

/// What is said after an epoch, and of the network that a run starts from, which is its epoch 0. `among`: see [`Watcher`].
fn epoch_line(epoch: &EpochMetrics, among: &str) -> String {
    let eer = epoch.eer.map(|eer| format!(", EER {}", output::percent(eer))).unwrap_or_default();
    let accuracy = epoch.val_accuracy.map(|a| format!(", held-out accuracy {:.2} %", a * 100.0)).unwrap_or_default();
    if epoch.epoch == 0 {
        return format!("epoch   0: the network it starts from{accuracy}{eer}");
    }
    let best = if epoch.best { " (best)" } else { "" };
    format!(
        "epoch {:>3}: loss {:.4}, accuracy {:.1} %{among}{accuracy}{eer}, {:.0} images/s, {:.0} s{best}",
        epoch.epoch,
        epoch.train_loss,
        epoch.train_accuracy * 100.0,
        epoch.images_per_second,
        epoch.elapsed_secs
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_that_a_run_starts_from_is_told_without_a_loss_that_it_has_not() {
        let mut epoch = EpochMetrics {
            epoch: 0,
            step: 0,
            train_loss: f64::NAN,
            train_accuracy: f64::NAN,
            val_loss: None,
            val_accuracy: None,
            eer: Some(0.0027),
            best: true,
            images_per_second: 0.0,
            elapsed_secs: 0.0,
        };
        let eer = output::percent(0.0027);
        assert_eq!(epoch_line(&epoch, AMONG_SOME), format!("epoch   0: the network it starts from, EER {eer}"));
        (epoch.epoch, epoch.train_loss, epoch.train_accuracy) = (12, 0.5, 0.75);
        assert!(
            epoch_line(&epoch, "").starts_with("epoch  12: loss 0.5000, accuracy 75.0 %, EER "),
            "{}",
            epoch_line(&epoch, "")
        );
        assert!(epoch_line(&epoch, AMONG_SOME).contains("accuracy 75.0 % among the classes of a step, EER "));
    }

    #[test]
    fn a_run_that_is_continued_says_where_it_goes_on() {
        assert_eq!(goes_on(0, 32, 3), None);
        let said = |done| goes_on(done, 32, 3).unwrap();
        assert_eq!(said(31), "it goes on after step 31 of 96, in epoch 1 of 3");
        assert_eq!(said(32), "it goes on after step 32 of 96, in epoch 2 of 3");
        assert!(said(96).starts_with("nothing is left to train: it has done all of its epochs (3);"));
    }
}
