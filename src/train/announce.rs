//! What a run says before its first step.

use super::Footprint;
use super::device::Device;
use super::events::{RunStarted, TrainEvent};
use super::footprint::specs;
use super::run::{Observer, Run};
use crate::config::{Precision, Resolved};
use crate::model::Form;

/// What a person may not have meant by the loss of a run with these settings, over so many classes.
pub fn loss_warning(resolved: &Resolved, classes: usize) -> Option<String> {
    // The form is the network's; the head is the same whatever it is.
    let (_, head) = specs(resolved, classes, Form::default());
    head.warning(!resolved.config.train.is_fine_tuned())
}

impl Run {
    /// Tells what begins, and what of the settings a person may not have meant.
    pub(super) fn announce(&self, device: String, observer: &mut dyn Observer) {
        let precision = self.resolved.config.train.precision;
        if self.device == Device::Cpu && precision != Precision::F32 {
            let words = format!("train.precision {} has no effect: the CPU computes in 32 bits", precision.word());
            observer.event(TrainEvent::Warning(words));
        }
        if let Some(words) = loss_warning(&self.resolved, self.info.head.classes) {
            observer.event(TrainEvent::Warning(words));
        }
        let run = self.folder.path().display();
        tracing::info!(%run, %device, step = self.state.step, weights = self.session.parameter_count(), "training");
        observer.event(TrainEvent::Started(Box::new(RunStarted {
            run: self.folder.path().to_owned(),
            device,
            classes: self.info.head.classes,
            train_images: self.split.train.len(),
            validation_images: self.split.validation.len(),
            footprint: Footprint::of(&self.resolved, self.info.head.classes, self.info.network.embedder.form),
            steps_per_epoch: self.resolved.steps_per_epoch,
            epochs: self.resolved.config.train.epochs,
            resumed_at_step: self.state.step,
            config: self.resolved.config.clone(),
            reasons: self.resolved.reasons.clone(),
        })));
    }
}
