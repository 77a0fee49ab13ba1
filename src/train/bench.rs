//! Timing of single steps on made-up images: what `arclens bench` reports. The step is the one training takes, through
//! the same [`super::Session`], with the batch already in memory.

use super::TrainError;
use super::device::Device;
use super::session::open_session;
use crate::config::{Precision, RunConfig, TrainConfig};
use crate::data::HostBatch;
use crate::kernels;
use crate::loss::{HeadSpec, Moment};
use crate::model::EmbedderSpec;
use std::time::Instant;

/// Learning rate of the timed steps: small, so that nothing diverges.
const LR: f64 = 0.01;

/// What is timed.
#[derive(Clone, Debug)]
pub struct StepBench {
    /// The network.
    pub embedder: EmbedderSpec,
    /// The head.
    pub head: HeadSpec,
    /// Images per step.
    pub batch: usize,
    /// Steps that are not counted: memory is found, caches fill, kernels are tuned.
    pub warmup: usize,
    /// Steps that are counted, at least 1.
    pub steps: usize,
    /// Parts a step is computed in.
    pub micro_batches: usize,
    /// Maps are computed again for the gradients.
    pub recompute: bool,
    /// Of the convolutions, on a GPU.
    pub precision: Precision,
    /// Embedding alone, as after training, instead of a training step.
    pub forward_only: bool,
}

/// Side of the matrices by which a card is measured: large enough for all of its units.
#[cfg(feature = "cuda")]
const CARD_SIDE: usize = 4096;

/// What the device does in matrix products alone, in GFLOP/s: what a step could reach. `None` where it cannot be measured.
pub fn peak_gflops(device: Device, precision: Precision) -> Option<f64> {
    match device {
        Device::Cpu => Some(kernels::peak_gflops()),
        #[cfg(feature = "cuda")]
        Device::Cuda(index) => {
            let card = burn::DispatchDevice::Cuda(burn::backend::cuda::CudaDevice::new(index));
            kernels::product_gflops::<burn::Dispatch>(&card, super::session::float_type(precision), CARD_SIDE)
        }
        #[cfg(not(feature = "cuda"))]
        Device::Cuda(_) => {
            let _ = precision;
            None
        }
    }
}

impl StepBench {
    /// Arithmetic of one step in GFLOP, convolutions and linear layers only; a training step is three forward passes'
    /// worth (the output, the gradient of the input and that of the weight).
    pub fn gflop(&self) -> f64 {
        let passes = if self.forward_only { 1.0 } else { 3.0 };
        let head = if self.forward_only { 0 } else { self.head.classes * self.head.embedding_dim };
        2.0 * passes * self.batch as f64 * (self.embedder.multiply_adds() as f64 + head as f64) / 1e9
    }

    /// Seconds of every counted step.
    ///
    /// # Errors
    /// When the device fails.
    pub fn run(&self, device: Device) -> Result<Vec<f64>, TrainError> {
        let config = TrainConfig {
            precision: self.precision,
            micro_batches: self.micro_batches as u32,
            recompute: self.recompute,
            ..RunConfig::default().train
        };
        let mut session = open_session(device, &self.embedder, &self.head, &config)?;
        let batch = self.made_up_batch();
        let mut seconds = Vec::with_capacity(self.steps);
        for step in 0..self.warmup + self.steps {
            let began = Instant::now();
            if self.forward_only {
                session.embed(&batch)?;
            } else {
                session.step(&batch, LR, Moment { step: step as u64, seed: step as u64, ..Moment::LATE })?;
                session.settle()?;
            }
            if step >= self.warmup {
                seconds.push(began.elapsed().as_secs_f64());
            }
        }
        Ok(seconds)
    }

    fn made_up_batch(&self) -> HostBatch {
        let EmbedderSpec { channels, image_px: px, .. } = self.embedder;
        let value = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0;
        HostBatch {
            images: (0..self.batch * channels * px * px).map(value).collect(),
            labels: (0..self.batch).map(|i| (i * 7919 % self.head.classes.max(1)) as u32).collect(),
            items: (0..self.batch as u32).collect(),
            channels,
            px,
        }
    }
}
