//! The improved residual networks as face.evoLVe and AdaFace have them. Their units differ from `arcface_torch`'s
//! ([`super::iresnet`]): where the channels stay, the shortcut takes every `stride`-th pixel instead of a convolution;
//! face.evoLVe has no normalisation between the first convolution and its PReLU, and has a form with squeeze and
//! excitation; AdaFace's last normalisation has no factors of its own. Names and shapes are those of the two projects, so
//! that their checkpoints can be told apart and loaded.

use super::count::Count;
use super::global::features_in;
use super::iresnet::{CONV_STD, STEM, WIDTHS, stages};
use super::layers::{Conv, Prelu, SqueezeExcite, batch_norm, linear};
use super::mobilefacenet::Flatten;
use super::walk::{Act, After, EmbeddingLayer, MaxPool, Walk};
use super::{EmbedderSpec, Form};
use crate::config::Net;
use crate::kernels::Kernels;
use crate::kernels::random::Draw;
use burn::module::Module;
use burn::nn::{BatchNorm, Dropout, DropoutConfig, Linear};
use burn::tensor::backend::Backend;

pub(super) fn count(spec: &EmbedderSpec) -> Count {
    let mut count = Count::default();
    let mut px = spec.image_px;
    count.conv_norm_prelu([spec.channels, STEM], 3, px);
    count.end_unit(STEM, px);
    for ([c_in, c_out], stride) in stages(spec.net) {
        count.norm(c_in, px);
        count.conv_norm_prelu([c_in, c_out], 3, px);
        if spec.form != Form::Adaface {
            count.parameters -= 2 * c_out;
        }
        px = px.div_ceil(stride);
        count.conv_norm([c_out, c_out], 3, px);
        if c_in != c_out {
            count.conv_norm([c_in, c_out], 1, px);
        }
        if spec.form == Form::EvolveSe {
            count.conv([c_out, c_out / 16], 1, 1);
            count.conv([c_out / 16, c_out], 1, 1);
        }
        count.end_unit(c_out, px);
    }
    count.norm(WIDTHS[3], px);
    count.linear([features_in(spec, WIDTHS[3], px), spec.embedding_dim], true);
    if spec.form != Form::Adaface {
        count.norm(spec.embedding_dim, 1);
    }
    count
}

/// With a normalisation between convolution and PReLU.
type AdafaceLayers<B> = (BatchNorm<B>, Conv<B>, BatchNorm<B>, Prelu<B>, Conv<B>, BatchNorm<B>);
/// Without.
type EvolveLayers<B> = (BatchNorm<B>, Conv<B>, Prelu<B>, Conv<B>, BatchNorm<B>);
/// The same with a gate at the end.
type GatedLayers<B> = (BatchNorm<B>, Conv<B>, Prelu<B>, Conv<B>, BatchNorm<B>, SqueezeExcite<B>);

/// What is added to the shortcut.
#[derive(Module, Debug)]
pub enum Branch<B: Backend> {
    /// AdaFace's.
    Adaface(AdafaceLayers<B>),
    /// face.evoLVe's.
    Evolve(EvolveLayers<B>),
    /// The same with squeeze and excitation.
    EvolveSe(GatedLayers<B>),
}

impl<B: Backend> Branch<B> {
    fn init(draw: &mut Draw, form: Form, [c_in, c_out]: [usize; 2], stride: usize, device: &B::Device) -> Self {
        let norm = |channels| batch_norm(channels, device);
        let first = Conv::init_normal(draw, [c_in, c_out], 3, 1, CONV_STD, device);
        let second = Conv::init_normal(draw, [c_out, c_out], 3, stride, CONV_STD, device);
        let prelu = Prelu::init(c_out, device);
        match form {
            Form::Evolve => Self::Evolve((norm(c_in), first, prelu, second, norm(c_out))),
            Form::EvolveSe => {
                let gate = SqueezeExcite::init(draw, c_out, device);
                Self::EvolveSe((norm(c_in), first, prelu, second, norm(c_out), gate))
            }
            _ => Self::Adaface((norm(c_in), first, norm(c_out), prelu, second, norm(c_out))),
        }
    }

    fn stride(&self) -> usize {
        match self {
            Self::Adaface((.., conv, _)) | Self::Evolve((.., conv, _)) | Self::EvolveSe((.., conv, _, _)) => {
                conv.stride
            }
        }
    }
}

/// One unit.
#[derive(Module, Debug)]
pub struct Unit<B: Backend> {
    /// Where the channels change.
    pub shortcut_layer: Option<(Conv<B>, BatchNorm<B>)>,
    /// The rest.
    pub res_layer: Branch<B>,
}

impl<B: Kernels> Unit<B> {
    fn walk<W: Walk<B>>(&self, walk: &mut W, x: W::Maps) -> W::Maps {
        let shortcut = match &self.shortcut_layer {
            Some((conv, bn)) => walk.conv(x.clone(), conv, After::norm(bn)),
            None => walk.max_pool(x.clone(), MaxPool { side: 1, stride: self.res_layer.stride() }),
        };
        match &self.res_layer {
            Branch::Adaface((before, first, between, prelu, second, after)) => {
                let y = walk.norm(x, before, Act::Linear);
                let y = walk.conv(y, first, After::act(between, Act::Prelu(prelu)));
                walk.conv(y, second, After::norm(after).plus(Some(shortcut)))
            }
            Branch::Evolve((before, first, prelu, second, after)) => {
                let y = walk.norm(x, before, Act::Linear);
                let y = walk.conv(y, first, After::prelu_alone(prelu));
                walk.conv(y, second, After::norm(after).plus(Some(shortcut)))
            }
            Branch::EvolveSe((before, first, prelu, second, after, gate)) => {
                let y = walk.norm(x, before, Act::Linear);
                let y = walk.conv(y, first, After::prelu_alone(prelu));
                let y = walk.conv(y, second, After::norm(after));
                walk.excite(y, gate, shortcut)
            }
        }
    }
}

/// The network.
#[derive(Module, Debug)]
pub struct Ir<B: Backend> {
    /// Stem.
    pub input_layer: (Conv<B>, BatchNorm<B>, Prelu<B>),
    /// All units.
    pub body: Vec<Unit<B>>,
    /// Normalisation of the last maps, dropout, a place without weights, embedding layer, normalisation.
    pub output_layer: (BatchNorm<B>, Dropout, Flatten, Linear<B>, BatchNorm<B>),
}

impl<B: Backend> Ir<B> {
    pub(super) fn init(spec: &EmbedderSpec, draw: &mut Draw, device: &B::Device) -> Self {
        let stem = Conv::init_normal(draw, [spec.channels, STEM], 3, 1, CONV_STD, device);
        let body = stages(spec.net)
            .map(|(channels, stride)| Unit {
                shortcut_layer: (channels[0] != channels[1]).then(|| {
                    let conv = Conv::init_normal(draw, channels, 1, stride, CONV_STD, device);
                    (conv, batch_norm(channels[1], device))
                }),
                res_layer: Branch::init(draw, spec.form, channels, stride, device),
            })
            .collect();
        let mut last = batch_norm(spec.embedding_dim, device);
        if spec.form == Form::Adaface {
            last.gamma = last.gamma.set_require_grad(false);
            last.beta = last.beta.set_require_grad(false);
        }
        let features = features_in(spec, WIDTHS[3], Net::face_maps_side(spec.image_px));
        let fc = linear(draw, [features, spec.embedding_dim], true, device);
        let dropout = DropoutConfig::new(spec.dropout).init();
        Self {
            input_layer: (stem, batch_norm(STEM, device), Prelu::init(STEM, device)),
            body,
            output_layer: (batch_norm(WIDTHS[3], device), dropout, Flatten, fc, last),
        }
    }
}

impl<B: Kernels> Ir<B> {
    /// `[n, image_px, image_px, channels]` → `[n, embedding_dim]`
    pub(super) fn walk<W: Walk<B>>(&self, walk: &mut W, images: W::Maps) -> W::Rows {
        let (conv, bn, prelu) = &self.input_layer;
        let mut maps = walk.unit(images, |walk, images| walk.conv(images, conv, After::act(bn, Act::Prelu(prelu))));
        for unit in &self.body {
            maps = walk.unit(maps, |walk, maps| unit.walk(walk, maps));
        }
        let (before, dropout, _, fc, norm) = &self.output_layer;
        walk.embed(maps, EmbeddingLayer::linear(fc, norm).with_norm_before(before).with_dropout(dropout))
    }
}
