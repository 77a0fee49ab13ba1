//! The residual networks, frozen.

use super::folded;
use crate::kernels::{FoldedConv, Kernels, Tail};
use crate::model::resnet::pool;
use crate::model::{Block, ResNet};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

#[derive(Debug)]
pub(super) struct Folded<B: Backend> {
    stem: FoldedConv<B>,
    blocks: Vec<FoldedBlock<B>>,
}

#[derive(Debug)]
struct FoldedBlock<B: Backend> {
    first: FoldedConv<B>,
    second: FoldedConv<B>,
    shortcut: Option<FoldedConv<B>>,
}

impl<B: Kernels> FoldedBlock<B> {
    fn new(block: &Block<B>) -> Self {
        Self {
            first: folded(&block.conv1, &block.bn1, Tail::Relu),
            second: folded(&block.conv2, &block.bn2, Tail::Relu),
            shortcut: block.downsample.as_ref().map(|(conv, bn)| folded(conv, bn, Tail::Linear)),
        }
    }

    fn forward(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let shortcut = match &self.shortcut {
            Some(conv) => conv.forward(x.clone(), None),
            None => x.clone(),
        };
        self.second.forward(self.first.forward(x, None), Some(shortcut))
    }
}

impl<B: Kernels> Folded<B> {
    pub fn new(net: &ResNet<B>) -> Self {
        let stages = [&net.layer1, &net.layer2, &net.layer3, &net.layer4];
        let blocks = stages.into_iter().flatten().map(FoldedBlock::new).collect();
        Self { stem: folded(&net.conv1, &net.bn1, Tail::Relu), blocks }
    }

    pub fn features(&self, images: Tensor<B, 4>, features: usize) -> Tensor<B, 2> {
        let stem = self.stem.forward(images, None);
        pool(self.blocks.iter().fold(stem, |maps, block| block.forward(maps)), features)
    }
}
