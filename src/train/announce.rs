//! What a run says before its first step.

use super::Footprint;
use super::device::Device;
use super::events::{RunStarted, TrainEvent};
use super::footprint::specs;
use super::memory::memory_warning;
use super::run::{Observer, Run};
use crate::config::{Precision, Resolved, Schedule, TrainConfig, counted};
use crate::model::Form;

/// What a person may not have meant by a run with these settings, over so many classes and at this cost, in the order in which it
/// is said. Without a device, for as long as that is not known, what only one of them makes wrong is left out. One owner for
/// the plan and the run: what the plan has said, the run need not say again.
pub fn plan_warnings(resolved: &Resolved, classes: usize, cost: &Footprint, device: Option<Device>) -> Vec<String> {
    let train = &resolved.config.train;
    let is_cpu = device == Some(Device::Cpu);
    let warnings = [
        precision_warning(train).filter(|_| is_cpu),
        loss_warning(resolved, classes),
        schedule_warning(train),
        memory_warning(cost).filter(|_| is_cpu),
    ];
    warnings.into_iter().flatten().collect()
}

/// What a person may not have meant by the precision of a run on the CPU.
fn precision_warning(train: &TrainConfig) -> Option<String> {
    let word = train.precision.word();
    (train.precision != Precision::F32)
        .then(|| format!("train.precision is {word}, to no effect: the CPU computes in 32 bits"))
}

/// What a person may not have meant by the loss.
fn loss_warning(resolved: &Resolved, classes: usize) -> Option<String> {
    // The form is the network's; the head is the same whatever it is.
    let (_, head) = specs(resolved, classes, Form::default());
    head.warning(!resolved.config.train.is_fine_tuned())
}

/// What a person may not have meant by the schedule: falls that the run does not live to see, as where those of a longer run
/// were taken over.
fn schedule_warning(train: &TrainConfig) -> Option<String> {
    let falls = train.falls().ok().filter(|_| train.schedule == Schedule::Step)?;
    let is_late = |fall: &&f64| **fall >= f64::from(train.epochs);
    let late: Vec<String> = falls.iter().filter(is_late).map(f64::to_string).collect();
    let what_follows = if late.len() == falls.len() { "never falls" } else { "does not fall there" };
    (!late.is_empty()).then(|| {
        format!(
            "train.step_epochs has {}, but the run is over after {}: the learning rate {what_follows}",
            late.join(", "),
            counted(train.epochs as usize, "epoch")
        )
    })
}

impl Run {
    /// Tells what begins, and what of the settings a person may not have meant.
    pub(super) fn announce(&self, device: String, observer: &mut dyn Observer) {
        let classes = self.info.head.classes;
        let footprint = Footprint::of(&self.resolved, classes, self.info.network.embedder.form);
        for words in plan_warnings(&self.resolved, classes, &footprint, Some(self.device)) {
            observer.event(TrainEvent::Warning(words));
        }
        let run = self.folder.path().display();
        tracing::info!(%run, %device, step = self.state.step, weights = self.session.parameter_count(), "training");
        observer.event(TrainEvent::Started(Box::new(RunStarted {
            run: self.folder.path().to_owned(),
            device,
            classes,
            train_images: self.split.train.len(),
            validation_images: self.split.validation.len(),
            footprint,
            steps_per_epoch: self.resolved.steps_per_epoch,
            epochs: self.resolved.config.train.epochs,
            resumed_at_step: self.state.step,
            config: self.resolved.config.clone(),
            reasons: self.resolved.reasons.clone(),
        })));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_after_the_end_of_the_run_are_told() {
        let said = |schedule, epochs, falls: &str| {
            let step_epochs = falls.to_owned();
            schedule_warning(&TrainConfig { schedule, epochs, step_epochs, ..TrainConfig::default() })
        };
        assert_eq!(said(Schedule::Step, 25, "12, 20, 24"), None);
        assert_eq!(said(Schedule::Step, 2, ""), None);
        assert_eq!(said(Schedule::Cosine, 2, "12, 20, 24"), None);
        let some = said(Schedule::Step, 20, "12, 20, 24").unwrap();
        assert_eq!(
            some,
            "train.step_epochs has 20, 24, but the run is over after 20 epochs: the learning rate does not fall there"
        );
        assert!(
            said(Schedule::Step, 1, "12, 20, 24").unwrap().ends_with("after 1 epoch: the learning rate never falls")
        );
    }
}
