//! The improved residual networks, frozen.
//!
//! The normalisation in front of a unit's first convolution stays: folding its offset into a padded convolution would be
//! wrong at the border. That in front of the embedding layer goes into the layer's weights.

use super::{Embedding, folded, folded_prelu};
use crate::kernels::{FoldedConv, Kernels, Tail, affine};
use crate::model::layers::folded_factors;
use crate::model::resnet::pool;
use crate::model::{IResNet, IrUnit};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

#[derive(Debug)]
pub(super) struct Folded<B: Backend> {
    stem: FoldedConv<B>,
    units: Vec<FoldedUnit<B>>,
}

#[derive(Debug)]
struct FoldedUnit<B: Backend> {
    /// Scale and shift per channel.
    before: [Tensor<B, 1>; 2],
    first: FoldedConv<B>,
    second: FoldedConv<B>,
    shortcut: Option<FoldedConv<B>>,
}

impl<B: Kernels> FoldedUnit<B> {
    fn new(unit: &IrUnit<B>) -> Self {
        Self {
            before: folded_factors(&unit.bn1),
            first: folded_prelu(&unit.conv1, &unit.bn2, &unit.prelu),
            second: folded(&unit.conv2, &unit.bn3, Tail::Linear),
            shortcut: unit.downsample.as_ref().map(|(conv, bn)| folded(conv, bn, Tail::Linear)),
        }
    }

    fn forward(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let shortcut = match &self.shortcut {
            Some(conv) => conv.forward(x.clone(), None),
            None => x.clone(),
        };
        let y = affine(x, self.before.clone(), None, Tail::Linear);
        self.second.forward(self.first.forward(y, None), Some(shortcut))
    }
}

impl<B: Kernels> Folded<B> {
    pub fn new(net: &IResNet<B>) -> Self {
        let units = net.units().map(FoldedUnit::new).collect();
        Self { stem: folded_prelu(&net.conv1, &net.bn1, &net.prelu), units }
    }

    pub fn features(&self, images: Tensor<B, 4>, features: usize) -> Tensor<B, 2> {
        let stem = self.stem.forward(images, None);
        pool(self.units.iter().fold(stem, |maps, unit| unit.forward(maps)), features)
    }
}

/// The embedding layer of features that the network's last normalisation has not seen.
pub(super) fn embedding<B: Kernels>(net: &IResNet<B>) -> Embedding<B> {
    let Embedding { weight, offset } = Embedding::new(&net.fc, &net.features);
    let [scale, shift] = folded_factors(&net.bn2);
    let [rows, dim] = weight.dims();
    // Rows are channels, or channel after channel the positions of its map.
    let channels = scale.dims()[0];
    let weight = weight.reshape([channels, rows / channels, dim]);
    let offset = offset + (weight.clone() * shift.reshape([channels, 1, 1])).sum_dim(0).sum_dim(1).reshape([1, dim]);
    Embedding { weight: (weight * scale.reshape([channels, 1, 1])).reshape([rows, dim]), offset }
}
