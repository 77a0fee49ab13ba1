//! The network as it is used: running statistics folded into the convolutions and the embedding layer, no gradients.

use super::Embedder;
use super::block::Block;
use super::embedder::pool;
use super::layers::{Conv, folded_factors};
use crate::kernels::{FoldedConv, Kernels, Tail};
use burn::nn::BatchNorm;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// A frozen copy of an [`Embedder`].
#[derive(Debug)]
pub struct Inference<B: Backend> {
    stem: FoldedConv<B>,
    blocks: Vec<FoldedBlock<B>>,
    /// `[features, embedding_dim]`
    weight: Tensor<B, 2>,
    /// `[1, embedding_dim]`
    offset: Tensor<B, 2>,
}

#[derive(Debug)]
struct FoldedBlock<B: Backend> {
    first: FoldedConv<B>,
    second: FoldedConv<B>,
    shortcut: Option<FoldedConv<B>>,
}

fn folded<B: Kernels>(conv: &Conv<B>, bn: &BatchNorm<B>, tail: Tail) -> FoldedConv<B> {
    FoldedConv::new(conv.weight.val(), folded_factors(bn), conv.stride, tail)
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

impl<B: Kernels> Inference<B> {
    /// Freezes the weights and running statistics of now. Dropout is left out.
    pub fn new(net: &Embedder<B>) -> Self {
        let [scale, shift] = folded_factors(&net.features);
        let weight = net.fc.weight.val() * scale.clone().unsqueeze();
        let offset = match &net.fc.bias {
            Some(bias) => bias.val() * scale + shift,
            None => shift,
        };
        let stages = [&net.layer1, &net.layer2, &net.layer3, &net.layer4];
        Self {
            stem: folded(&net.conv1, &net.bn1, Tail::Relu),
            blocks: stages.into_iter().flatten().map(FoldedBlock::new).collect(),
            weight,
            offset: offset.unsqueeze(),
        }
    }

    /// # Shapes
    /// `[n, channels, image_px, image_px]` → `[n, embedding_dim]`, not normalised
    pub fn forward(&self, images: Tensor<B, 4>) -> Tensor<B, 2> {
        B::on_pool(|| {
            let stem = self.stem.forward(images.permute([0, 2, 3, 1]), None);
            let maps = self.blocks.iter().fold(stem, |maps, block| block.forward(maps));
            let features = pool(maps, self.weight.dims()[0]);
            features.matmul(self.weight.clone()) + self.offset.clone()
        })
    }
}
