//! One network being trained on one device, behind a face without tensors. The only place where the backend is chosen.

use super::device::Device;
use super::gradients::DeviceClip;
use super::loss_scale::LossScale;
use super::measured::{self, Measured, Usable, scaled};
use super::net::TrainNet;
use super::optimizer::{self, Groups, ParamGroups};
use super::{TrainError, gradients};
use crate::config::{Precision, TrainConfig};
use crate::data::HostBatch;
use crate::kernels::{Cpu, Engine};
use crate::loss::HeadSpec;
use crate::model::{EmbedderSpec, Inference, save_weights};
use burn::module::{AutodiffModule, Module};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::record::{BinBytesRecorder, FullPrecisionSettings, Recorder};
use burn::tensor::backend::Backend;
use burn::tensor::{FloatDType, Int, Tensor, TensorData};
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// One step's result.
#[derive(Clone, Debug, PartialEq)]
pub struct StepOutcome {
    /// Mean loss with margin.
    pub loss: f64,
    /// Images whose largest margin-free logit is their own class.
    pub correct: usize,
    /// Margin-free cosine between each image and its class.
    pub target_cosines: Vec<f32>,
    /// The weights were changed; `false` when loss or gradient was not a number.
    pub applied: bool,
}

/// A checkpoint's bytes.
#[derive(Clone, Debug)]
pub struct Saved {
    /// The network, safetensors, names as in PyTorch.
    pub model: Vec<u8>,
    /// The head, safetensors.
    pub head: Vec<u8>,
    /// Everything again in the form that resumes exactly (records keep burn's parameter ids, which the optimisers need).
    pub resume: Vec<u8>,
}

/// A training session: plain data in, plain data out.
pub trait Session {
    /// One step. `noise` seeds the dropout of this step. Returns what has become known: this step's outcome, or nothing for
    /// some steps and then those of all of them, in order.
    ///
    /// # Errors
    /// When the device fails.
    fn step(&mut self, batch: &HostBatch, lr: f64, margin: f64, noise: u64) -> Result<Vec<StepOutcome>, TrainError>;
    /// Waits for the device: the outcomes of all steps that [`Session::step`] still owes.
    ///
    /// # Errors
    /// When the device fails.
    fn settle(&mut self) -> Result<Vec<StepOutcome>, TrainError>;
    /// Embeddings (N × D, not normalised) with the present weights, no dropout, running statistics.
    ///
    /// # Errors
    /// When the device fails.
    fn embed(&self, batch: &HostBatch) -> Result<Vec<f32>, TrainError>;
    /// Margin-free logits (N × classes) of embeddings as [`Session::embed`] returns them.
    ///
    /// # Errors
    /// When the device fails.
    fn logits(&self, embeddings: Vec<f32>) -> Result<Vec<f32>, TrainError>;
    /// The state for a checkpoint.
    ///
    /// # Errors
    /// When the device fails.
    fn save(&self) -> Result<Saved, TrainError>;
    /// Puts a saved state back (`Saved::resume`).
    ///
    /// # Errors
    /// When the bytes do not fit this network.
    fn restore(&mut self, resume: &[u8]) -> Result<(), TrainError>;
    /// Weights of network and head.
    fn parameter_count(&self) -> usize;
}

/// Opens a session with fresh weights.
///
/// # Errors
/// When this build has no support for the device.
pub fn open_session(
    device: Device,
    embedder: &EmbedderSpec,
    head: &HeadSpec,
    config: &TrainConfig,
) -> Result<Box<dyn Session>, TrainError> {
    match device {
        Device::Cpu => {
            let mode = Mode { precision: Precision::F32, read_every: 1 };
            Ok(Box::new(BurnSession::<Cpu>::new(embedder, head, config, Devices::same(Default::default()), mode)))
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(index) => {
            let plain = burn::DispatchDevice::Cuda(burn::backend::cuda::CudaDevice::new(index));
            let mode = Mode { precision: config.precision, read_every: READ_EVERY };
            let devices = Devices::dispatched(plain);
            Ok(Box::new(BurnSession::<crate::kernels::Gpu>::new(embedder, head, config, devices, mode)))
        }
        #[cfg(not(feature = "cuda"))]
        Device::Cuda(index) => Err(TrainError::Device {
            wanted: format!("cuda:{index}"),
            reason: "this build has no CUDA support".to_owned(),
        }),
    }
}

/// Where training tensors and plain tensors live. For `Autodiff` that is one device; for burn's dispatch, whether a
/// tensor is differentiable is a property of its device.
pub(super) struct Devices<B: Engine> {
    training: B::Device,
    plain: B::Device,
}

impl<B: Engine> Devices<B> {
    pub(super) fn same(device: B::Device) -> Self {
        Self { training: device.clone(), plain: device }
    }
}

#[cfg(feature = "cuda")]
impl Devices<crate::kernels::Gpu> {
    pub(super) fn dispatched(plain: burn::DispatchDevice) -> Self {
        Self { training: burn::DispatchDevice::autodiff(plain.clone()), plain }
    }
}

/// Steps that a GPU is given before the first of them is read back: the host uploads the next batches and queues their
/// kernels while the device computes.
#[cfg(feature = "cuda")]
const READ_EVERY: usize = 16;

/// How steps are computed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mode {
    /// Of the convolutions. The CPU has only f32.
    pub precision: Precision,
    /// Steps between two looks at their outcomes. With 1 an unusable step changes nothing at all; with more the device
    /// decides, and an unusable step goes on with the last step's momentum.
    pub read_every: usize,
}

pub(super) struct BurnSession<B: Engine> {
    net: TrainNet<B>,
    groups: ParamGroups,
    optimizer: Box<dyn Groups<B>>,
    grad_clip: f64,
    micro_batches: usize,
    mode: Mode,
    loss_scale: LossScale,
    /// Steps that nobody has looked at.
    pending: Vec<Measured<B::InnerBackend>>,
    embedding_dim: usize,
    devices: Devices<B>,
    /// The network as it was when an embedding was last asked for; gone after the next step.
    frozen: OnceCell<Inference<B::InnerBackend>>,
}

/// Gradients of the two groups of parameters: decayed, plain.
type Grads = [GradientsParams; 2];

impl<B: Engine> BurnSession<B> {
    pub(super) fn new(
        embedder: &EmbedderSpec,
        head: &HeadSpec,
        config: &TrainConfig,
        devices: Devices<B>,
        mode: Mode,
    ) -> Self {
        let net = TrainNet::<B>::new(embedder, head, &devices.training, u64::from(config.seed));
        Self {
            groups: ParamGroups::of(&net),
            optimizer: optimizer::make(config),
            grad_clip: config.grad_clip,
            micro_batches: config.micro_batches as usize,
            mode,
            loss_scale: LossScale::new(mode.precision),
            pending: Vec::new(),
            embedding_dim: embedder.embedding_dim,
            net,
            devices,
            frozen: OnceCell::new(),
        }
    }

    /// Forward and backward, part by part; the gradients are those of the scaled mean loss.
    fn gradients(&self, batch: &HostBatch, margin: f64) -> Option<(Measured<B::InnerBackend>, Grads)> {
        let mut total: Option<(Measured<B::InnerBackend>, Grads)> = None;
        for part in batch.parts(self.micro_batches) {
            let share = part.len() as f64 / batch.len() as f64;
            let found = self.part_gradients(&part, margin, share);
            total = Some(match total {
                None => found,
                Some((measured, grads)) => (measured.and(found.0), self.added(grads, found.1)),
            });
        }
        total
    }

    fn part_gradients(&self, part: &HostBatch, margin: f64, share: f64) -> (Measured<B::InnerBackend>, Grads) {
        let images = in_precision(images::<B>(part, &self.devices.training), self.mode.precision);
        let labels = labels::<B>(part, &self.devices.training);
        let output = self.net.head.forward(self.net.embedder.forward(images), labels.clone(), margin);
        let measured = Measured::of(&output, labels, share);
        let mut all = scaled(output.loss, share * self.loss_scale.factor()).backward();
        let grads = [&self.groups.decayed, &self.groups.plain];
        (measured, grads.map(|group| GradientsParams::from_params(&mut all, &self.net, group)))
    }

    fn added(&self, [decayed, plain]: Grads, [more_decayed, more_plain]: Grads) -> Grads {
        let add = |a, b| {
            let mut sum = GradientsAccumulator::new();
            sum.accumulate(&self.net, a);
            sum.accumulate(&self.net, b);
            sum.grads()
        };
        [add(decayed, more_decayed), add(plain, more_plain)]
    }

    /// Clips and applies, asking the device whether the gradients can be used.
    fn apply(&mut self, [mut decayed, mut plain]: Grads, loss: f64, lr: f64) -> Result<bool, TrainError> {
        let scale = self.loss_scale.factor();
        let norm =
            gradients::global_norm(&self.net, &decayed)?.hypot(gradients::global_norm(&self.net, &plain)?) / scale;
        if !norm.is_finite() || !loss.is_finite() {
            return Ok(false);
        }
        let clip = if self.grad_clip > 0.0 && norm > self.grad_clip { self.grad_clip / norm } else { 1.0 };
        if clip / scale != 1.0 {
            gradients::scale(&self.net, &mut decayed, clip / scale);
            gradients::scale(&self.net, &mut plain, clip / scale);
        }
        self.net = self.optimizer.step(lr, self.net.clone(), decayed, plain);
        Ok(true)
    }

    /// The same without asking.
    fn apply_on_device(
        &mut self,
        [mut decayed, mut plain]: Grads,
        loss: Tensor<B::InnerBackend, 1>,
        lr: f64,
    ) -> Usable<B::InnerBackend> {
        let norms = [&decayed, &plain].map(|grads| gradients::square_norm(&self.net, grads));
        let Some(norm) = norms.into_iter().flatten().reduce(|a, b| a + b) else { return Usable::Known(false) };
        let clip = DeviceClip::new(norm, loss, self.loss_scale.factor(), self.grad_clip);
        gradients::clip_on_device(&self.net, &mut decayed, &clip);
        gradients::clip_on_device(&self.net, &mut plain, &clip);
        self.net = self.optimizer.step(lr, self.net.clone(), decayed, plain);
        Usable::OnDevice(clip.usable())
    }
}

/// Images in the type that the convolutions compute in; the layers follow.
fn in_precision<B: Backend>(images: Tensor<B, 4>, precision: Precision) -> Tensor<B, 4> {
    match precision {
        Precision::F32 => images,
        Precision::Bf16 => images.cast(FloatDType::BF16),
        Precision::F16 => images.cast(FloatDType::F16),
    }
}

impl<B: Engine> Session for BurnSession<B> {
    fn step(&mut self, batch: &HostBatch, lr: f64, margin: f64, noise: u64) -> Result<Vec<StepOutcome>, TrainError> {
        // Dropout draws from the backend's one generator: seeding it per step makes a resumed run equal.
        B::seed(&self.devices.training, noise);
        self.frozen.take();
        let Some((mut measured, grads)) = self.gradients(batch, margin) else { return Ok(Vec::new()) };
        if self.mode.read_every > 1 {
            measured.usable = self.apply_on_device(grads, measured.loss.clone(), lr);
            self.pending.push(measured);
            return if self.pending.len() < self.mode.read_every { Ok(Vec::new()) } else { self.settle() };
        }
        let loss = scalar(measured.loss.clone())?;
        let applied = self.apply(grads, loss, lr)?;
        self.loss_scale.observe(applied);
        measured.usable = Usable::Known(applied);
        measured::read(vec![measured])
    }

    fn settle(&mut self) -> Result<Vec<StepOutcome>, TrainError> {
        let outcomes = measured::read(std::mem::take(&mut self.pending))?;
        outcomes.iter().for_each(|outcome| self.loss_scale.observe(outcome.applied));
        Ok(outcomes)
    }

    fn embed(&self, batch: &HostBatch) -> Result<Vec<f32>, TrainError> {
        let frozen = self.frozen.get_or_init(|| Inference::new(&self.net.embedder.valid()));
        floats(frozen.forward(images::<B::InnerBackend>(batch, &self.devices.plain)))
    }

    fn logits(&self, embeddings: Vec<f32>) -> Result<Vec<f32>, TrainError> {
        let head = self.net.head.valid();
        floats(head.logits_plain(upload_rows(embeddings, self.embedding_dim, &self.devices.plain)))
    }

    fn save(&self) -> Result<Saved, TrainError> {
        let failed = |error: String| TrainError::Compute(format!("the weights could not be read: {error}"));
        let net = self.net.valid();
        let recorder = BinBytesRecorder::<FullPrecisionSettings>::default();
        let record = Recorder::<B>::record(&recorder, self.net.clone().into_record(), ())
            .map_err(|error| failed(error.to_string()))?;
        let [decayed, plain] = self.optimizer.save()?;
        let metadata = BTreeMap::from([
            ("format".to_owned(), "pt".to_owned()),
            ("producer".to_owned(), format!("arclens {}", env!("CARGO_PKG_VERSION"))),
        ]);
        Ok(Saved {
            model: save_weights(&net.embedder, &metadata).map_err(|error| failed(error.to_string()))?,
            head: save_weights(&net.head, &metadata).map_err(|error| failed(error.to_string()))?,
            resume: join(&[&record, &decayed, &plain]),
        })
    }

    fn restore(&mut self, resume: &[u8]) -> Result<(), TrainError> {
        let [record, decayed, plain] =
            split(resume).ok_or_else(|| TrainError::CannotResume("the checkpoint's state is cut off".to_owned()))?;
        let recorder = BinBytesRecorder::<FullPrecisionSettings>::default();
        let record = Recorder::<B>::load(&recorder, record.to_vec(), &self.devices.training)
            .map_err(|error| TrainError::CannotResume(format!("the network's state cannot be read ({error})")))?;
        self.net = self.net.clone().load_record(record);
        self.frozen.take();
        self.groups = ParamGroups::of(&self.net);
        self.optimizer.load([decayed, plain], &self.devices.training)
    }

    fn parameter_count(&self) -> usize {
        self.net.num_params()
    }
}

/// Uploads the images of a batch: [N, C, side, side].
pub(super) fn images<B: Backend>(batch: &HostBatch, device: &B::Device) -> Tensor<B, 4> {
    let count = batch.labels.len();
    Tensor::from_data(TensorData::new(batch.images.clone(), [count, batch.channels, batch.px, batch.px]), device)
}

/// Uploads rows of `dim` numbers: [N, dim].
pub(super) fn upload_rows<B: Backend>(values: Vec<f32>, dim: usize, device: &B::Device) -> Tensor<B, 2> {
    let rows = values.len() / dim.max(1);
    Tensor::from_data(TensorData::new(values, [rows, dim]), device)
}

fn labels<B: Backend>(batch: &HostBatch, device: &B::Device) -> Tensor<B, 1, Int> {
    let labels: Vec<i64> = batch.labels.iter().map(|label| i64::from(*label)).collect();
    Tensor::from_data(TensorData::new(labels, [batch.labels.len()]), device)
}

/// Reads a tensor back.
pub(super) fn floats<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Result<Vec<f32>, TrainError> {
    let data = tensor.try_into_data().map_err(|error| TrainError::Compute(format!("{error:?}")))?;
    data.into_vec::<f32>().map_err(|error| TrainError::Compute(format!("{error:?}")))
}

fn scalar<B: Backend>(tensor: Tensor<B, 1>) -> Result<f64, TrainError> {
    Ok(floats(tensor)?.first().copied().map_or(f64::NAN, f64::from))
}

fn rows<'a>(logits: &'a [f32], labels: &[u32]) -> std::slice::ChunksExact<'a, f32> {
    logits.chunks_exact((logits.len() / labels.len().max(1)).max(1))
}

/// Rows whose largest value is at their label; the first of equal values counts.
pub(super) fn count_correct(logits: &[f32], labels: &[u32]) -> usize {
    let best = |row: &[f32]| {
        row.iter().enumerate().fold((0, f32::NEG_INFINITY), |best, (i, v)| if *v > best.1 { (i, *v) } else { best }).0
    };
    rows(logits, labels).zip(labels).filter(|(row, label)| best(row) == **label as usize).count()
}

/// Sum over rows of −log softmax at the label, in f64 with the maximum taken out.
pub(super) fn cross_entropy_sum(logits: &[f32], labels: &[u32]) -> f64 {
    let one = |row: &[f32], label: u32| {
        let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = row.iter().map(|v| f64::from(*v - top).exp()).sum();
        let own = row.get(label as usize).copied().unwrap_or(f32::NAN);
        sum.ln() - f64::from(own - top)
    };
    rows(logits, labels).zip(labels).map(|(row, label)| one(row, *label)).sum()
}

/// Parts with their lengths in front, little-endian.
fn join(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

fn split<const N: usize>(mut bytes: &[u8]) -> Option<[&[u8]; N]> {
    let mut parts = [&[][..]; N];
    for part in &mut parts {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        (*part, bytes) = rest.split_at_checked(length)?;
    }
    bytes.is_empty().then_some(parts)
}
