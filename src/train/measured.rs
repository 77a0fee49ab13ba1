//! What steps measured while it still lies on the device, and reading it back, several steps at once.
//!
//! Reading makes the host wait for everything the device was given before. On the CPU that costs nothing, so every step is
//! read at once; a GPU is kept ahead of the host by reading only now and then.

use super::TrainError;
use super::session::{Fate, StepOutcome};
use crate::kernels::Engine;
use crate::loss::HeadOutput;
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, Transaction};

/// Whether a step changed the weights.
#[derive(Clone, Debug)]
pub(super) enum Usable<B: Backend> {
    /// The host decided.
    Known(bool),
    /// The device decided: above 0 for yes, `[1]`.
    OnDevice(Tensor<B, 1>),
}

/// One step.
#[derive(Clone, Debug)]
pub(super) struct Measured<B: Backend> {
    /// Mean loss, `[1]`.
    pub loss: Tensor<B, 1>,
    /// Images recognised, `[1]`.
    pub correct: Tensor<B, 1>,
    /// Cosine to the own class, `[images]`.
    pub own_cosine: Tensor<B, 1>,
    pub usable: Usable<B>,
}

impl<B: Backend> Measured<B> {
    /// Of a part of a batch that weighs `share` of it.
    pub fn of<E: Engine<InnerBackend = B>>(output: &HeadOutput<E>, labels: Tensor<E, 1, Int>, share: f64) -> Self {
        let n = labels.dims()[0];
        let best = output.scores.clone().inner().argmax(1).reshape([n]);
        Self {
            loss: scaled(output.loss.clone().inner(), share),
            correct: best.equal(labels.inner()).float().sum(),
            own_cosine: output.own_cosine.clone().inner(),
            usable: Usable::Known(true),
        }
    }

    /// Both parts together.
    pub fn and(self, other: Self) -> Self {
        Self {
            loss: self.loss + other.loss,
            correct: self.correct + other.correct,
            own_cosine: Tensor::cat(vec![self.own_cosine, other.own_cosine], 0),
            usable: self.usable,
        }
    }
}

/// Times a factor; a factor of 1 changes no bit and costs nothing.
pub(super) fn scaled<B: Backend>(x: Tensor<B, 1>, factor: f64) -> Tensor<B, 1> {
    if factor == 1.0 { x } else { x * factor }
}

/// Reads steps back, all at once.
///
/// # Errors
/// When the device fails.
pub(super) fn read<B: Backend>(steps: Vec<Measured<B>>) -> Result<Vec<StepOutcome>, TrainError> {
    let mut wanted = Transaction::<B>::default();
    let mut known = Vec::with_capacity(steps.len());
    for step in steps {
        wanted = wanted.register(step.loss).register(step.correct).register(step.own_cosine);
        known.push(match step.usable {
            Usable::Known(usable) => Some(usable),
            Usable::OnDevice(usable) => {
                wanted = wanted.register(usable);
                None
            }
        });
    }
    let data = wanted.try_execute().map_err(|error| TrainError::Compute(format!("{error:?}")))?;
    let mut data = data.into_iter();
    let mut next = || data.next().map(|data| data.iter::<f32>().collect::<Vec<f32>>()).unwrap_or_default();
    let first = |values: Vec<f32>| values.first().copied().unwrap_or(f32::NAN);
    let mut outcome = |known: Option<bool>| {
        let (loss, correct, target_cosines) = (f64::from(first(next())), first(next()) as usize, next());
        let applied = known.unwrap_or_else(|| first(next()) > 0.0);
        StepOutcome { loss, correct, target_cosines, fate: if applied { Fate::Applied } else { Fate::Unusable } }
    };
    Ok(known.into_iter().map(&mut outcome).collect())
}
