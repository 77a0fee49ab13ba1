//! The network as it is used: running statistics folded into the convolutions and the embedding layer, no gradients.
//!
//! A normalisation in front of a padded convolution stays: folding its offset into the convolution would be wrong at the
//! border. That in front of the embedding layer goes into the layer's weights.

use super::Embedder;
use super::forward::{SIX, max_pool, pool};
use super::layers::{Conv, GroupedConv, SqueezeExcite, folded_factors};
use super::walk::{Act, After, EmbeddingLayer, MaxPool, Walk};
use crate::kernels::{FoldedConv, FoldedGrouped, Kernels, Tail, affine, prelu};
use burn::nn::BatchNorm;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// A frozen copy of an [`Embedder`].
#[derive(Debug)]
pub struct Inference<B: Backend> {
    lines: Vec<Line<B>>,
    embedding: Embedding<B>,
}

/// A layer, and which maps it takes: 0 are the images, i + 1 what line i computed.
#[derive(Debug)]
struct Line<B: Backend> {
    layer: Layer<B>,
    input: usize,
    shortcut: Option<usize>,
}

#[derive(Debug)]
enum Layer<B: Backend> {
    Conv(FoldedConv<B>),
    Grouped(FoldedGrouped<B>),
    /// Scale and shift per channel.
    Norm([Tensor<B, 1>; 2], Tail),
    /// The same with a PReLU's slopes behind it.
    NormPrelu([Tensor<B, 1>; 2], Tensor<B, 1>),
    MaxPool(MaxPool),
    Excite(SqueezeExcite<B>),
    /// Values above this become this.
    Cap(f32),
}

impl<B: Kernels> Inference<B> {
    /// Freezes the weights and running statistics of now. Dropout is left out.
    pub fn new(net: &Embedder<B>) -> Self {
        let mut freezer = Freezer { lines: Vec::new() };
        let embedding = net.walk(&mut freezer, 0);
        Self { lines: freezer.lines, embedding }
    }

    /// # Shapes
    /// `[n, channels, image_px, image_px]` → `[n, embedding_dim]`, not normalised
    pub fn forward(&self, images: Tensor<B, 4>) -> Tensor<B, 2> {
        B::on_pool(|| {
            let maps = self.maps(images.permute([0, 2, 3, 1]));
            self.embedding.forward(pool(maps, self.embedding.features()))
        })
    }

    fn maps(&self, images: Tensor<B, 4>) -> Tensor<B, 4> {
        // Maps are let go of after the last line that takes them.
        let mut last = vec![0; self.lines.len() + 1];
        for (i, line) in self.lines.iter().enumerate() {
            line.shortcut.into_iter().chain([line.input]).for_each(|maps| last[maps] = i);
        }
        let mut held = vec![Some(images)];
        for (i, line) in self.lines.iter().enumerate() {
            let shortcut = line.shortcut.map(|maps| take(&mut held[maps], last[maps] == i && maps != line.input));
            let input = take(&mut held[line.input], last[line.input] == i);
            held.push(Some(line.layer.forward(input, shortcut)));
        }
        take(&mut held[self.lines.len()], true)
    }
}

fn take<T: Clone>(held: &mut Option<T>, last: bool) -> T {
    let maps = if last { held.take() } else { held.clone() };
    maps.expect("maps are held up to the last line that takes them")
}

impl<B: Kernels> Layer<B> {
    fn forward(&self, x: Tensor<B, 4>, shortcut: Option<Tensor<B, 4>>) -> Tensor<B, 4> {
        match self {
            Self::Conv(conv) => conv.forward(x, shortcut),
            Self::Grouped(conv) => conv.forward(x),
            Self::Norm(factors, tail) => affine(x, factors.clone(), shortcut, *tail),
            Self::NormPrelu(factors, slope) => prelu(affine(x, factors.clone(), shortcut, Tail::Linear), slope.clone()),
            Self::MaxPool(pool) => max_pool(x, *pool),
            Self::Excite(gate) => match shortcut {
                Some(shortcut) => gate.forward(x) + shortcut,
                None => gate.forward(x),
            },
            Self::Cap(most) => x.clamp_max(*most),
        }
    }
}

/// The walk that collects frozen layers; maps are the numbers of [`Line`].
struct Freezer<B: Backend> {
    lines: Vec<Line<B>>,
}

impl<B: Kernels> Freezer<B> {
    fn push(&mut self, layer: Layer<B>, input: usize, shortcut: Option<usize>) -> usize {
        self.lines.push(Line { layer, input, shortcut });
        self.lines.len()
    }

    fn capped(&mut self, maps: usize, caps: bool) -> usize {
        if caps { self.push(Layer::Cap(SIX), maps, None) } else { maps }
    }
}

impl<B: Kernels> Walk<B> for Freezer<B> {
    type Maps = usize;
    type Rows = Embedding<B>;

    fn conv(&mut self, x: usize, conv: &Conv<B>, after: After<'_, B, usize>) -> usize {
        let weight = conv.weight.val();
        let factors = after.bn.map_or_else(|| unchanged(weight.dims()[0], &weight.device()), folded_factors);
        let caps = matches!(after.act, Act::Relu6);
        let folded = match after.act {
            Act::Prelu(prelu) => FoldedConv::with_prelu(weight, factors, prelu.weight.val(), conv.stride),
            act => FoldedConv::new(weight, factors, conv.stride, tail(&act)),
        };
        let y = self.push(Layer::Conv(folded), x, after.shortcut);
        self.capped(y, caps)
    }

    fn grouped(&mut self, x: usize, conv: &GroupedConv<B>, bn: &BatchNorm<B>, act: Act<'_, B>) -> usize {
        let weight = conv.weight.val();
        let slope = match act {
            Act::Linear => None,
            // A slope of 0 is a ReLU.
            Act::Relu | Act::Relu6 => Some(Tensor::zeros([weight.dims()[0]], &weight.device())),
            Act::Prelu(prelu) => Some(prelu.weight.val()),
        };
        let folded = FoldedGrouped::new(weight, folded_factors(bn), slope, conv.grouping());
        let y = self.push(Layer::Grouped(folded), x, None);
        self.capped(y, matches!(act, Act::Relu6))
    }

    fn norm(&mut self, x: usize, bn: &BatchNorm<B>, act: Act<'_, B>) -> usize {
        let factors = folded_factors(bn);
        let caps = matches!(act, Act::Relu6);
        let layer = match act {
            Act::Prelu(prelu) => Layer::NormPrelu(factors, prelu.weight.val()),
            act => Layer::Norm(factors, tail(&act)),
        };
        let y = self.push(layer, x, None);
        self.capped(y, caps)
    }

    fn max_pool(&mut self, x: usize, pool: MaxPool) -> usize {
        if pool == (MaxPool { side: 1, stride: 1 }) { x } else { self.push(Layer::MaxPool(pool), x, None) }
    }

    fn excite(&mut self, x: usize, gate: &SqueezeExcite<B>, shortcut: usize) -> usize {
        self.push(Layer::Excite(gate.clone()), x, Some(shortcut))
    }

    fn embed(&mut self, _: usize, layer: EmbeddingLayer<'_, B>) -> Embedding<B> {
        Embedding::new(layer)
    }
}

/// The part of an activation that a folded layer takes along: the upper end of a ReLU6 is a line of its own, the slopes
/// of a PReLU are numbers of the layer.
fn tail<B: Backend>(act: &Act<'_, B>) -> Tail {
    match act {
        Act::Linear | Act::Prelu(_) => Tail::Linear,
        Act::Relu | Act::Relu6 => Tail::Relu,
    }
}

/// Scale and shift that change nothing.
fn unchanged<B: Backend>(channels: usize, device: &B::Device) -> [Tensor<B, 1>; 2] {
    [Tensor::ones([channels], device), Tensor::zeros([channels], device)]
}

/// The embedding layer with the normalisations around it.
#[derive(Debug)]
struct Embedding<B: Backend> {
    /// `[features, embedding_dim]`
    weight: Tensor<B, 2>,
    /// `[1, embedding_dim]`
    offset: Tensor<B, 2>,
}

impl<B: Backend> Embedding<B> {
    fn new(layer: EmbeddingLayer<'_, B>) -> Self {
        let [scale, shift] = folded_factors(layer.norm);
        let weight = layer.weight * scale.clone().unsqueeze();
        let offset = match layer.bias {
            Some(bias) => bias * scale + shift,
            None => shift,
        };
        let folded = Self { weight, offset: offset.unsqueeze() };
        match layer.before {
            Some(bn) => folded.with_norm_before(folded_factors(bn)),
            None => folded,
        }
    }

    /// For maps that a last normalisation has not seen.
    fn with_norm_before(self, [scale, shift]: [Tensor<B, 1>; 2]) -> Self {
        let [rows, dim] = self.weight.dims();
        // Rows are channels, or channel after channel the positions of its map.
        let channels = scale.dims()[0];
        let weight = self.weight.reshape([channels, rows / channels, dim]);
        let moved = (weight.clone() * shift.reshape([channels, 1, 1])).sum_dim(0).sum_dim(1).reshape([1, dim]);
        let weight = (weight * scale.reshape([channels, 1, 1])).reshape([rows, dim]);
        Self { weight, offset: self.offset + moved }
    }

    fn features(&self) -> usize {
        self.weight.dims()[0]
    }

    fn forward(&self, features: Tensor<B, 2>) -> Tensor<B, 2> {
        features.matmul(self.weight.clone()) + self.offset.clone()
    }
}
