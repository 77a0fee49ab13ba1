//! The improved residual networks of the ArcFace paper (Deng et al., arXiv:1801.07698, section 3.1, "L-ResNet-E-IR"; Han et
//! al., arXiv:1610.02915, for the unit) as `arcface_torch` has them: names and shapes are those of its checkpoints.
//!
//! Every stage, the first too, halves the maps; nothing follows the addition. The embedding layer sees all positions
//! (insightface's head "E"), their mean, or what a depthwise convolution makes of them ("GDC"); their mean behind a PReLU
//! ("GAP") is [`super::iresnet_gap`].

use super::EmbedderSpec;
use super::count::Count;
use super::global::{Global, count_features, features_in};
use super::layers::{Conv, Prelu, batch_norm, linear};
use super::walk::{Act, After, EmbeddingLayer, Walk};
use crate::config::{Net, Pooling};
use crate::kernels::Kernels;
use crate::kernels::random::Draw;
use burn::module::Module;
use burn::nn::{BatchNorm, Dropout, DropoutConfig, Linear};
use burn::tensor::backend::Backend;

/// Channels of the stem and of the four stages.
pub(super) const STEM: usize = 64;
pub(super) const WIDTHS: [usize; 4] = [64, 128, 256, Net::FACE_CHANNELS];
/// Start values of a convolution: standard deviation.
pub(super) const CONV_STD: f64 = 0.1;

/// Units per stage.
pub(super) fn units(net: Net) -> [usize; 4] {
    match net {
        Net::Iresnet34 => [3, 4, 6, 3],
        Net::Iresnet50 => [3, 4, 14, 3],
        Net::Iresnet100 => [3, 13, 30, 3],
        Net::Iresnet200 => [6, 26, 60, 6],
        _ => [2, 2, 2, 2],
    }
}

/// (channels in, channels out, stride) of every unit of a stage.
fn stage(net: Net, stage: usize) -> impl Iterator<Item = ([usize; 2], usize)> {
    let (before, width) = (if stage == 0 { STEM } else { WIDTHS[stage - 1] }, WIDTHS[stage]);
    (0..units(net)[stage]).map(move |i| if i == 0 { ([before, width], 2) } else { ([width, width], 1) })
}

/// The units of all stages in order.
pub(super) fn stages(net: Net) -> impl Iterator<Item = ([usize; 2], usize)> {
    (0..WIDTHS.len()).flat_map(move |i| stage(net, i))
}

pub(super) fn count(spec: &EmbedderSpec) -> Count {
    let mut count = Count::default();
    let mut px = spec.image_px;
    count.conv_norm_prelu([spec.channels, STEM], 3, px);
    count.end_unit(STEM, px);
    for i in 0..WIDTHS.len() {
        for ([c_in, c_out], stride) in stage(spec.net, i) {
            count.norm(c_in, px);
            count.conv_norm_prelu([c_in, c_out], 3, px);
            px = px.div_ceil(stride);
            count.conv_norm([c_out, c_out], 3, px);
            if stride != 1 || c_in != c_out {
                count.conv_norm([c_in, c_out], 1, px);
            }
            count.end_unit(c_out, px);
        }
    }
    count.norm(WIDTHS[3], px);
    if spec.pooling() == Pooling::AveragePrelu {
        count.parameters += WIDTHS[3];
    }
    count_features(&mut count, spec, WIDTHS[3], px);
    // The factors of the last normalisation are fixed.
    count.parameters += spec.embedding_dim;
    count
}

/// BN–conv–BN–PReLU–conv–BN plus the input; the second convolution carries the stride.
#[derive(Module, Debug)]
pub struct IrUnit<B: Backend> {
    /// Before `conv1`.
    pub bn1: BatchNorm<B>,
    /// 3×3.
    pub conv1: Conv<B>,
    /// After `conv1`.
    pub bn2: BatchNorm<B>,
    /// After `bn2`.
    pub prelu: Prelu<B>,
    /// 3×3, with the stride.
    pub conv2: Conv<B>,
    /// After `conv2`.
    pub bn3: BatchNorm<B>,
    /// 1×1 convolution and normalisation of the shortcut, where the shape changes.
    pub downsample: Option<(Conv<B>, BatchNorm<B>)>,
}

impl<B: Backend> IrUnit<B> {
    fn init(draw: &mut Draw, [c_in, c_out]: [usize; 2], stride: usize, device: &B::Device) -> Self {
        let conv =
            |draw: &mut Draw, channels, side, stride| Conv::init_normal(draw, channels, side, stride, CONV_STD, device);
        let conv1 = conv(draw, [c_in, c_out], 3, 1);
        let conv2 = conv(draw, [c_out, c_out], 3, stride);
        let changes = stride != 1 || c_in != c_out;
        Self {
            bn1: batch_norm(c_in, device),
            conv1,
            bn2: batch_norm(c_out, device),
            prelu: Prelu::init(c_out, device),
            conv2,
            bn3: batch_norm(c_out, device),
            downsample: changes.then(|| (conv(draw, [c_in, c_out], 1, stride), batch_norm(c_out, device))),
        }
    }
}

impl<B: Kernels> IrUnit<B> {
    /// `[n, h, w, c_in]` → `[n, ⌈h/stride⌉, ⌈w/stride⌉, c_out]`
    fn walk<W: Walk<B>>(&self, walk: &mut W, x: W::Maps) -> W::Maps {
        let shortcut = match &self.downsample {
            Some((conv, bn)) => walk.conv(x.clone(), conv, After::norm(bn)),
            None => x.clone(),
        };
        let y = walk.norm(x, &self.bn1, Act::Linear);
        let y = walk.conv(y, &self.conv1, After::act(&self.bn2, Act::Prelu(&self.prelu)));
        walk.conv(y, &self.conv2, After::norm(&self.bn3).plus(Some(shortcut)))
    }
}

/// The network.
#[derive(Module, Debug)]
pub struct IResNet<B: Backend> {
    /// Stem, stride 1.
    pub conv1: Conv<B>,
    /// After the stem.
    pub bn1: BatchNorm<B>,
    /// After `bn1`.
    pub prelu: Prelu<B>,
    /// First stage.
    pub layer1: Vec<IrUnit<B>>,
    /// Second stage.
    pub layer2: Vec<IrUnit<B>>,
    /// Third stage.
    pub layer3: Vec<IrUnit<B>>,
    /// Fourth stage.
    pub layer4: Vec<IrUnit<B>>,
    /// After the last stage.
    pub bn2: BatchNorm<B>,
    /// How features are gathered, where it is neither the average nor every position.
    pub global: Option<Global<B>>,
    /// Only in training; draws from burn's process-wide generator, as in [`super::ResNet`].
    pub dropout: Dropout,
    /// Embedding layer.
    pub fc: Linear<B>,
    /// Normalisation of the embedding; its factors stay 1.
    pub features: BatchNorm<B>,
}

impl<B: Backend> IResNet<B> {
    pub(super) fn init(spec: &EmbedderSpec, draw: &mut Draw, device: &B::Device) -> Self {
        let units = |draw: &mut Draw, i| {
            stage(spec.net, i).map(|(channels, stride)| IrUnit::init(draw, channels, stride, device)).collect()
        };
        let conv1 = Conv::init_normal(draw, [spec.channels, STEM], 3, 1, CONV_STD, device);
        let [layer1, layer2, layer3, layer4] = [0, 1, 2, 3].map(|i| units(draw, i));
        let last_px = Net::face_maps_side(spec.image_px);
        let global = Global::init(spec, WIDTHS[3], last_px, draw, device);
        let mut features = batch_norm(spec.embedding_dim, device);
        features.gamma = features.gamma.set_require_grad(false);
        Self {
            conv1,
            bn1: batch_norm(STEM, device),
            prelu: Prelu::init(STEM, device),
            layer1,
            layer2,
            layer3,
            layer4,
            bn2: batch_norm(WIDTHS[3], device),
            dropout: DropoutConfig::new(spec.dropout).init(),
            global,
            fc: linear(draw, [features_in(spec, WIDTHS[3], last_px), spec.embedding_dim], true, device),
            features,
        }
    }
}

/// Stem and units.
pub(super) fn trunk<B: Kernels, W: Walk<B>>(
    walk: &mut W,
    images: W::Maps,
    (conv, bn, prelu): (&Conv<B>, &BatchNorm<B>, &Prelu<B>),
    stages: [&[IrUnit<B>]; 4],
) -> W::Maps {
    let stem = After::act(bn, Act::Prelu(prelu));
    let mut maps = walk.unit(images, |walk, images| walk.conv(images, conv, stem));
    for unit in stages.into_iter().flatten() {
        maps = walk.unit(maps, |walk, maps| unit.walk(walk, maps));
    }
    maps
}

impl<B: Kernels> IResNet<B> {
    /// `[n, image_px, image_px, channels]` → `[n, embedding_dim]`
    pub(super) fn walk<W: Walk<B>>(&self, walk: &mut W, images: W::Maps) -> W::Rows {
        let stem = (&self.conv1, &self.bn1, &self.prelu);
        let maps = trunk(walk, images, stem, [&self.layer1, &self.layer2, &self.layer3, &self.layer4]);
        let layer = EmbeddingLayer::linear(&self.fc, &self.features);
        let layer = layer.with_dropout(&self.dropout);
        match &self.global {
            Some(global) => {
                let maps = walk.unit(maps, |walk, maps| {
                    let maps = walk.norm(maps, &self.bn2, Act::Linear);
                    global.walk(walk, maps)
                });
                walk.embed(maps, layer)
            }
            None => walk.embed(maps, layer.with_norm_before(&self.bn2)),
        }
    }
}
