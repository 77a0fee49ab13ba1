//! MobileFaceNet, frozen: nothing is left but convolutions.

use super::{folded, folded_prelu};
use crate::kernels::{FoldedConv, FoldedGrouped, Kernels, Tail};
use crate::model::layers::folded_factors;
use crate::model::{Bottleneck, ConvBlock, GroupedBlock, MobileFaceNet};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

#[derive(Debug)]
pub(super) struct Folded<B: Backend> {
    stem: FoldedConv<B>,
    second: FoldedGrouped<B>,
    bottlenecks: Vec<FoldedBottleneck<B>>,
    last: FoldedConv<B>,
    global: FoldedGrouped<B>,
}

#[derive(Debug)]
struct FoldedBottleneck<B: Backend> {
    up: FoldedConv<B>,
    depthwise: FoldedGrouped<B>,
    down: FoldedConv<B>,
    residual: bool,
}

fn dense<B: Kernels>(block: &ConvBlock<B>) -> FoldedConv<B> {
    let (conv, bn, prelu) = &block.layers;
    folded_prelu(conv, bn, prelu)
}

fn grouped<B: Kernels>(block: &GroupedBlock<B>) -> FoldedGrouped<B> {
    let (conv, bn, prelu) = &block.layers;
    FoldedGrouped::new(conv.weight.val(), folded_factors(bn), Some(prelu.weight.val()), conv.grouping())
}

impl<B: Kernels> FoldedBottleneck<B> {
    fn new(bottleneck: &Bottleneck<B>, residual: bool) -> Self {
        let (up, depthwise, down) = &bottleneck.layers;
        let (conv, bn) = &down.layers;
        Self { up: dense(up), depthwise: grouped(depthwise), down: folded(conv, bn, Tail::Linear), residual }
    }

    fn forward(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let shortcut = self.residual.then(|| x.clone());
        self.down.forward(self.depthwise.forward(self.up.forward(x, None)), shortcut)
    }
}

impl<B: Kernels> Folded<B> {
    pub fn new(net: &MobileFaceNet<B>) -> Self {
        let (stem, second, ..) = &net.layers;
        let (global, ..) = &net.features.layers;
        let (conv, bn) = &global.layers;
        Self {
            stem: dense(stem),
            second: grouped(second),
            bottlenecks: net
                .bottlenecks()
                .map(|(bottleneck, added)| FoldedBottleneck::new(bottleneck, added))
                .collect(),
            last: dense(&net.conv_sep),
            global: FoldedGrouped::new(conv.weight.val(), folded_factors(bn), None, conv.grouping()),
        }
    }

    pub fn features(&self, images: Tensor<B, 4>) -> Tensor<B, 2> {
        let maps = self.second.forward(self.stem.forward(images, None));
        let maps = self.bottlenecks.iter().fold(maps, |maps, bottleneck| bottleneck.forward(maps));
        let features = self.global.forward(self.last.forward(maps, None));
        let [n, _, _, c] = features.dims();
        features.reshape([n, c])
    }
}
