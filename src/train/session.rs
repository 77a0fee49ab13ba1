//! One network being trained on one device, behind a face without tensors. The only place where the backend is chosen.

use super::average::Average;
use super::device::Device;
use super::gradients::DeviceClip;
use super::loss_scale::LossScale;
use super::measured::{self, Measured, Usable, scaled};
use super::net::TrainNet;
use super::optimizer::{self, Grads, Groups, ParamGroups};
use super::origin::StartRow;
use super::{TrainError, gradients, record};
use crate::config::{Precision, TrainConfig};
use crate::data::HostBatch;
use crate::kernels::{Cpu, Engine, in_type};
use crate::loss::{HeadBatch, HeadSpec, Moment};
use crate::model::{EmbedderSpec, Inference, Recomputed, Statistics, save_weights};
use burn::module::{AutodiffModule, Module};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::backend::Backend;
use burn::tensor::{FloatDType, Tensor, TensorData};
use std::cell::OnceCell;
use std::collections::BTreeMap;

mod parts;
mod start;

/// One step's result.
#[derive(Clone, Debug, PartialEq)]
pub struct StepOutcome {
    /// Mean loss with margin.
    pub loss: f64,
    /// Images whose largest margin-free logit is their own class.
    pub correct: usize,
    /// Margin-free cosine between each image and its class.
    pub target_cosines: Vec<f32>,
    /// What became of the weights.
    pub fate: Fate,
}

/// What a step did to the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It changed them.
    Applied,
    /// Left out: gradients did not fit into 16 bits. The factor on the loss has been lowered; the run is sound.
    Overflowed,
    /// Left out: loss or gradient was not a number.
    Unusable,
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
    /// One step at a moment of the run, whose seed also draws the dropout. Returns what has become known: this step's outcome, or nothing for
    /// some steps and then those of all of them, in order.
    ///
    /// # Errors
    /// When the device fails.
    fn step(&mut self, batch: &HostBatch, lr: f64, moment: Moment) -> Result<Vec<StepOutcome>, TrainError>;
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
    /// Lets go of the network's frozen copy, which [`Session::embed`] keeps for the next images.
    fn end_embedding(&mut self);
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
    /// Takes over a network, and class weights, of another run. Only before the first step.
    ///
    /// # Errors
    /// When they do not fit this network.
    fn start_from(&mut self, network: &[u8], rows: &[StartRow]) -> Result<(), TrainError>;
    /// Replaces some of the class weights. Only before the first step.
    ///
    /// # Errors
    /// When the device fails.
    fn set_rows(&mut self, rows: &[StartRow]) -> Result<(), TrainError>;
    /// Leaves the network as it is in the steps that follow, so that only the head learns; or lets it learn again.
    fn hold_network(&mut self, hold: bool);
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
            Ok(Box::new(BurnSession::<Cpu>::new(embedder, head, config, Default::default(), mode)))
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(index) => {
            let device = burn::DispatchDevice::Cuda(burn::backend::cuda::CudaDevice::new(index));
            let mode = Mode { precision: config.precision, read_every: READ_EVERY };
            Ok(Box::new(BurnSession::<crate::kernels::Gpu>::new(embedder, head, config, device, mode)))
        }
        #[cfg(not(feature = "cuda"))]
        Device::Cuda(index) => Err(TrainError::Device {
            wanted: format!("cuda:{index}"),
            reason: "this build has no CUDA support".to_owned(),
        }),
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
    head_lr_factor: f64,
    average: Option<Average<B>>,
    micro_batches: usize,
    recompute: bool,
    statistics: Statistics,
    mode: Mode,
    loss_scale: LossScale,
    /// Steps that nobody has looked at.
    pending: Vec<Measured<B::InnerBackend>>,
    embedding_dim: usize,
    device: B::Device,
    /// Dropout, which draws at random.
    draws: bool,
    /// The network as it was when an embedding was last asked for; gone after the next step.
    frozen: OnceCell<Inference<B::InnerBackend>>,
    /// The network while it does not learn: running statistics, no dropout, no gradient.
    held: Option<Inference<B::InnerBackend>>,
}

impl<B: Engine> BurnSession<B> {
    pub(super) fn new(
        embedder: &EmbedderSpec,
        head: &HeadSpec,
        config: &TrainConfig,
        device: B::Device,
        mode: Mode,
    ) -> Self {
        let net = TrainNet::<B>::new(embedder, head, &device, u64::from(config.seed));
        // A run has chosen by now; a step that is measured by itself has nothing to choose by.
        let head_lr_factor = config.head_lr_factor.set().unwrap_or(1.0);
        Self {
            groups: ParamGroups::of(&net, head_lr_factor),
            optimizer: optimizer::make(config),
            grad_clip: config.grad_clip,
            head_lr_factor,
            average: (config.weight_average > 0.0).then(|| Average::start(&net, config.weight_average)),
            micro_batches: config.micro_batches as usize,
            recompute: config.recompute,
            statistics: if config.keeps_norm() { Statistics::Kept } else { Statistics::Usual },
            mode,
            loss_scale: LossScale::new(mode.precision),
            pending: Vec::new(),
            embedding_dim: embedder.embedding_dim,
            net,
            device,
            draws: embedder.dropout > 0.0,
            frozen: OnceCell::new(),
            held: None,
        }
    }

    /// Reads steps back, which were all taken with the present factor on the loss, and lets the factor follow.
    fn look_at(&mut self, steps: Vec<Measured<B::InnerBackend>>) -> Result<Vec<StepOutcome>, TrainError> {
        let mut outcomes = measured::read(steps)?;
        if self.loss_scale.can_fall() {
            let overflowed = |step: &&mut StepOutcome| step.fate == Fate::Unusable && step.loss.is_finite();
            outcomes.iter_mut().filter(overflowed).for_each(|step| step.fate = Fate::Overflowed);
        }
        let usable = outcomes.iter().filter(|step| step.fate == Fate::Applied).count();
        self.loss_scale.observe(usable as u32, usable < outcomes.len());
        Ok(outcomes)
    }

    /// Forward and backward, part by part; the gradients are those of the scaled mean loss.
    fn gradients(&self, batch: &HostBatch, moment: Moment) -> Option<(Measured<B::InnerBackend>, Grads)> {
        let mut total: Option<(Measured<B::InnerBackend>, Grads)> = None;
        for (number, part) in batch.parts(self.micro_batches).enumerate() {
            let share = part.len() as f64 / batch.len() as f64;
            let found = self.part_gradients(&part, moment.of_part(number), share);
            total = Some(match total {
                None => found,
                Some((measured, grads)) => (measured.and(found.0), self.added(grads, found.1)),
            });
        }
        total
    }

    fn part_gradients(&self, part: &HostBatch, moment: Moment, share: f64) -> (Measured<B::InnerBackend>, Grads) {
        let head = &self.net.head;
        let told = HeadBatch::new(&head.spec, &part.labels, moment, &self.device);
        let (embeddings, again) = self.embedded(part);
        let output = head.forward(embeddings, &told);
        let measured = Measured::of(&output, told.labels, share);
        let mut all = scaled(output.loss, share * self.loss_scale.factor()).backward();
        let mut grads = self.by_group(&mut all);
        if let Some(again) = again {
            let mut parts = Vec::new();
            again.backward(&self.net.embedder, &mut all, |mut part| parts.push(self.by_group(&mut part)));
            grads = parts.into_iter().fold(grads, |grads, part| self.added(grads, part));
        }
        (measured, grads)
    }

    /// Embeddings of a training step, and what is left to do behind the gradients of the embedding layer.
    fn embedded(&self, part: &HostBatch) -> (Tensor<B, 2>, Option<Recomputed<B>>) {
        if let Some(held) = &self.held {
            return (self.without_gradient(held, part), None);
        }
        if self.recompute {
            let images = in_precision(images::<B::InnerBackend>(part, &self.device), self.mode.precision);
            let forward = self.net.embedder.forward_recomputing(images, self.statistics);
            return (forward.embeddings.clone(), Some(forward));
        }
        let images = in_precision(images::<B>(part, &self.device), self.mode.precision);
        (self.net.embedder.forward_with(images, self.statistics), None)
    }

    fn by_group(&self, all: &mut B::Gradients) -> Grads {
        self.groups.0.each_ref().map(|group| GradientsParams::from_params(all, &self.net, group))
    }

    fn added(&self, grads: Grads, more: Grads) -> Grads {
        let mut more = more.into_iter();
        grads.map(|grads| {
            let mut sum = GradientsAccumulator::new();
            sum.accumulate(&self.net, grads);
            more.next().into_iter().for_each(|more| sum.accumulate(&self.net, more));
            sum.grads()
        })
    }

    /// Clips and applies, asking the device whether the gradients can be used.
    fn apply(&mut self, mut grads: Grads, loss: f64, lr: f64) -> Result<bool, TrainError> {
        let scale = self.loss_scale.factor();
        let norm = gradients::global_norm(&self.net, &grads)? / scale;
        if !norm.is_finite() || !loss.is_finite() {
            return Ok(false);
        }
        let clip = if self.grad_clip > 0.0 && norm > self.grad_clip { self.grad_clip / norm } else { 1.0 };
        if clip / scale != 1.0 {
            grads.iter_mut().for_each(|grads| gradients::scale(&self.net, grads, clip / scale));
        }
        self.update(lr, grads);
        Ok(true)
    }

    /// The same without asking.
    fn apply_on_device(
        &mut self,
        mut grads: Grads,
        loss: Tensor<B::InnerBackend, 1>,
        lr: f64,
    ) -> Usable<B::InnerBackend> {
        let Some(norm) = gradients::square_norm(&self.net, &grads) else { return Usable::Known(false) };
        let clip = DeviceClip::new(norm, loss, self.loss_scale.factor(), self.grad_clip);
        grads.iter_mut().for_each(|grads| gradients::clip_on_device(&self.net, grads, &clip));
        self.update(lr, grads);
        Usable::OnDevice(clip.usable())
    }

    /// Moves the weights, and the average of the weights after them.
    fn update(&mut self, lr: f64, grads: Grads) {
        self.net = self.optimizer.step([lr, lr * self.head_lr_factor], self.net.clone(), grads);
        if let Some(average) = &mut self.average {
            average.follow(&self.net);
        }
    }

    /// The network that is validated and kept.
    fn shown(&self) -> TrainNet<B::InnerBackend> {
        self.average.as_ref().map_or_else(|| self.net.valid(), |average| average.net().clone())
    }
}

/// What the convolutions compute in.
pub(super) fn float_type(precision: Precision) -> FloatDType {
    match precision {
        Precision::F32 => FloatDType::F32,
        Precision::Bf16 => FloatDType::BF16,
        Precision::F16 => FloatDType::F16,
    }
}

/// Images in the type that the convolutions compute in; the layers follow.
fn in_precision<B: Backend>(images: Tensor<B, 4>, precision: Precision) -> Tensor<B, 4> {
    in_type(images, float_type(precision).into())
}

impl<B: Engine> Session for BurnSession<B> {
    fn step(&mut self, batch: &HostBatch, lr: f64, moment: Moment) -> Result<Vec<StepOutcome>, TrainError> {
        if self.draws {
            // From the backend's one generator: seeding it per step makes a resumed run equal. On a GPU it also waits for the
            // kernels before, so it is done only where it counts.
            B::seed(&self.device, moment.seed);
        }
        self.frozen.take();
        let Some((mut measured, grads)) = self.gradients(batch, moment) else { return Ok(Vec::new()) };
        if self.mode.read_every > 1 {
            measured.usable = self.apply_on_device(grads, measured.loss.clone(), lr);
            self.pending.push(measured);
            let due = if self.loss_scale.is_searching() { 1 } else { self.mode.read_every };
            return if self.pending.len() < due { Ok(Vec::new()) } else { self.settle() };
        }
        let loss = scalar(measured.loss.clone())?;
        let applied = self.apply(grads, loss, lr)?;
        measured.usable = Usable::Known(applied);
        self.look_at(vec![measured])
    }

    fn settle(&mut self) -> Result<Vec<StepOutcome>, TrainError> {
        let pending = std::mem::take(&mut self.pending);
        self.look_at(pending)
    }

    fn embed(&self, batch: &HostBatch) -> Result<Vec<f32>, TrainError> {
        let frozen = self.frozen.get_or_init(|| Inference::new(&self.shown().embedder));
        floats(frozen.forward(images::<B::InnerBackend>(batch, &self.device)))
    }

    fn end_embedding(&mut self) {
        self.frozen.take();
    }

    fn logits(&self, embeddings: Vec<f32>) -> Result<Vec<f32>, TrainError> {
        let head = self.shown().head;
        floats(head.logits_plain(upload_rows(embeddings, self.embedding_dim, &self.device)))
    }

    fn save(&self) -> Result<Saved, TrainError> {
        let failed = |error: String| TrainError::Compute(format!("the weights could not be read: {error}"));
        let net = self.shown();
        // Each part is let go of before the next one is made: together they are larger than all else that a run holds.
        let mut resume = Vec::new();
        parts::add(&mut resume, &record::to_bytes::<B>(self.net.clone().into_record(), "the network's state")?);
        self.optimizer.save()?.into_iter().for_each(|state| parts::add(&mut resume, &state));
        parts::add(&mut resume, &self.loss_scale.save());
        parts::add(&mut resume, &self.average.as_ref().map(Average::save).transpose()?.unwrap_or_default());
        let metadata = BTreeMap::from([
            ("format".to_owned(), "pt".to_owned()),
            ("producer".to_owned(), format!("arclens {}", env!("CARGO_PKG_VERSION"))),
        ]);
        Ok(Saved {
            model: save_weights(&net.embedder, &metadata).map_err(|error| failed(error.to_string()))?,
            head: save_weights(&net.head, &metadata).map_err(|error| failed(error.to_string()))?,
            resume,
        })
    }

    fn restore(&mut self, resume: &[u8]) -> Result<(), TrainError> {
        let [record, decayed, plain, loss_scale, average] = parts::split(resume)
            .ok_or_else(|| TrainError::CannotResume("the checkpoint's state is cut off".to_owned()))?;
        let record = record::from_bytes::<B, _>(record, "the network's state", &self.device)?;
        self.net = self.net.clone().load_record(record);
        self.frozen.take();
        self.groups = ParamGroups::of(&self.net, self.head_lr_factor);
        self.loss_scale.load(loss_scale);
        if let Some(kept) = &mut self.average {
            kept.load(average, &self.net, &self.device)?;
        }
        self.optimizer.load([decayed, plain], &self.device)
    }

    fn start_from(&mut self, network: &[u8], rows: &[StartRow]) -> Result<(), TrainError> {
        self.take_over(network, rows)
    }

    fn set_rows(&mut self, rows: &[StartRow]) -> Result<(), TrainError> {
        self.take_rows(rows)
    }

    fn hold_network(&mut self, hold: bool) {
        self.held = hold.then(|| Inference::new(&self.net.valid().embedder));
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
