//! A finished network, ready to embed: weights and preprocessing from a checkpoint, no gradients.

use super::checkpoint::{Checkpoint, HEAD_FILE, MODEL_FILE};
use super::device::Device;
use super::run_folder::read_config;
use super::session::{floats, images, upload_rows};
use super::validate::at_once;
use super::{ModelInfo, TrainError, find_checkpoint};
use crate::data::{HostBatch, fit};
use crate::kernels::Kernels;
use crate::loss::MarginHead;
use crate::model::{Inference, load_weights};
use burn::backend::Flex;
use image::DynamicImage;
use std::path::{Path, PathBuf};

/// What a device does for us, without its tensor types.
trait Infer {
    fn embed(&self, batch: &HostBatch) -> Result<Vec<f32>, TrainError>;
    fn logits(&self, embeddings: Vec<f32>) -> Result<Vec<f32>, TrainError>;
}

/// A network loaded from a run.
pub struct TrainedModel {
    info: ModelInfo,
    run: PathBuf,
    sha256: String,
    epoch: u32,
    told: Vec<String>,
    at_once: usize,
    infer: Box<dyn Infer>,
}

impl std::fmt::Debug for TrainedModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrainedModel").field("run", &self.run).field("sha256", &self.sha256).finish_non_exhaustive()
    }
}

impl TrainedModel {
    /// Loads the best checkpoint of a run.
    ///
    /// # Errors
    /// When the run has no usable checkpoint, or its weights do not fit its description.
    pub fn open(run: &Path, device: Device) -> Result<Self, TrainError> {
        let (checkpoint, told) = find_checkpoint::best_usable(run)?;
        Ok(Self { told, ..Self::from_checkpoint(run, &checkpoint, device)? })
    }

    /// Loads one checkpoint.
    ///
    /// # Errors
    /// As [`TrainedModel::open`].
    pub fn from_checkpoint(run: &Path, checkpoint: &Checkpoint, device: Device) -> Result<Self, TrainError> {
        let info = checkpoint.info()?;
        if info.format > ModelInfo::FORMAT {
            return Err(TrainError::NoCheckpoint {
                reason: format!(
                    "it was written by a newer ArcLens (form {}, this one reads {})",
                    info.format,
                    ModelInfo::FORMAT
                ),
                path: checkpoint.path.clone(),
            });
        }
        let infer: Box<dyn Infer> = match device {
            Device::Cpu => Box::new(BurnModel::<Flex>::load(&info, checkpoint, Default::default())?),
            #[cfg(feature = "cuda")]
            Device::Cuda(index) => {
                let device = burn::DispatchDevice::Cuda(burn::backend::cuda::CudaDevice::new(index));
                Box::new(BurnModel::<burn::Dispatch>::load(&info, checkpoint, device)?)
            }
            #[cfg(not(feature = "cuda"))]
            Device::Cuda(_) => Box::new(BurnModel::<Flex>::load(&info, checkpoint, Default::default())?),
        };
        // Settings that cannot be read are no reason not to embed: the network says all that this needs.
        let train = read_config(run).unwrap_or_default().train;
        let sha256 = checkpoint.digest(MODEL_FILE).to_owned();
        let run = run.to_owned();
        let (epoch, told) = (checkpoint.state.epoch, Vec::new());
        Ok(Self { info, run, sha256, epoch, told, at_once: at_once(&train), infer })
    }

    /// What it was made for.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Epochs that it had learned when it was kept; 0 for weights that were imported, and for what a run started from.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// SHA-256 of its weights: what was measured with others says nothing of it.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Sentences about the checkpoints that had to be passed over, the best one above all.
    pub fn told(&self) -> &[String] {
        &self.told
    }

    /// Images that it embeds at once where there are many.
    pub fn at_once(&self) -> usize {
        self.at_once
    }

    /// Its run.
    pub fn run(&self) -> &Path {
        &self.run
    }

    /// Embeddings (N × D, not normalised); the means with those of the mirrored images if the run says so, so that they are
    /// as long as the loss saw them.
    ///
    /// # Errors
    /// When the device fails.
    pub fn embed(&self, batch: &HostBatch) -> Result<Vec<f32>, TrainError> {
        let plain = self.infer.embed(batch)?;
        self.with_mirror(plain, batch)
    }

    /// Embeddings as [`TrainedModel::embed`], and the margin-free logits (N × classes) of the images as they are;
    /// none where the weights were imported without classes.
    ///
    /// # Errors
    /// When the device fails.
    pub fn embed_and_logits(&self, batch: &HostBatch) -> Result<(Vec<f32>, Vec<f32>), TrainError> {
        let plain = self.infer.embed(batch)?;
        let logits = self.infer.logits(plain.clone())?;
        Ok((self.with_mirror(plain, batch)?, logits))
    }

    fn with_mirror(&self, mut plain: Vec<f32>, batch: &HostBatch) -> Result<Vec<f32>, TrainError> {
        if self.info.network.add_mirror {
            let mirrored = self.infer.embed(&mirror(batch))?;
            plain.iter_mut().zip(mirrored).for_each(|(a, b)| *a = (*a + b) * 0.5);
        }
        Ok(plain)
    }

    /// Embeds one picture; also returns the pixels the network saw (side × side × channels).
    ///
    /// # Errors
    /// When the device fails.
    pub fn embed_image(&self, image: &DynamicImage) -> Result<(Vec<f32>, Vec<u8>), TrainError> {
        let preprocess = &self.info.network.preprocess;
        let pixels = fit(image, preprocess);
        let mut planes = vec![0f32; preprocess.sample_len()];
        preprocess.normalise(&pixels, &mut planes);
        let batch = HostBatch {
            images: planes,
            labels: vec![0],
            items: vec![0],
            channels: preprocess.channels as usize,
            px: preprocess.image_px as usize,
        };
        Ok((self.embed(&batch)?, pixels))
    }
}

fn mirror(batch: &HostBatch) -> HostBatch {
    let mut mirrored = batch.clone();
    for row in mirrored.images.chunks_exact_mut(batch.px.max(1)) {
        row.reverse();
    }
    mirrored
}

struct BurnModel<B: Kernels> {
    embedder: Inference<B>,
    /// Imported weights have none.
    head: Option<MarginHead<B>>,
    embedding_dim: usize,
    device: B::Device,
}

impl<B: Kernels> BurnModel<B> {
    fn load(info: &ModelInfo, checkpoint: &Checkpoint, device: B::Device) -> Result<Self, TrainError> {
        let damaged = |name: &str| {
            let path = checkpoint.path.join(name);
            move |error: crate::model::ModelError| TrainError::Damaged { reason: error.to_string(), path }
        };
        let spec = &info.network.embedder;
        let mut embedder = spec.init::<B>(&device);
        load_weights(&mut embedder, &checkpoint.read(MODEL_FILE)?).map_err(damaged(MODEL_FILE))?;
        let head = if info.head.classes > 0 {
            let mut head = info.head.init_seeded::<B>(&device, 0);
            load_weights(&mut head, &checkpoint.read(HEAD_FILE)?).map_err(damaged(HEAD_FILE))?;
            Some(head)
        } else {
            None
        };
        Ok(Self { embedder: Inference::new(&embedder), head, embedding_dim: spec.embedding_dim, device })
    }
}

impl<B: Kernels> Infer for BurnModel<B> {
    fn embed(&self, batch: &HostBatch) -> Result<Vec<f32>, TrainError> {
        floats(self.embedder.forward(images::<B>(batch, &self.device)))
    }

    fn logits(&self, embeddings: Vec<f32>) -> Result<Vec<f32>, TrainError> {
        let Some(head) = &self.head else { return Ok(Vec::new()) };
        floats(head.logits_plain(upload_rows(embeddings, self.embedding_dim, &self.device)))
    }
}
