//! The network as it is used: running statistics folded into the convolutions and the embedding layer, no gradients.

mod iresnet;
mod mobilefacenet;
mod resnet;

use super::Embedder;
use super::layers::{Conv, Prelu, folded_factors};
use crate::kernels::{FoldedConv, Kernels, Tail};
use burn::nn::{BatchNorm, Linear};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// A frozen copy of an [`Embedder`].
#[derive(Debug)]
pub struct Inference<B: Backend> {
    body: Body<B>,
    embedding: Embedding<B>,
}

/// Images to features `[n, features]`.
#[derive(Debug)]
enum Body<B: Backend> {
    Residual(resnet::Folded<B>),
    Improved(iresnet::Folded<B>),
    Mobile(mobilefacenet::Folded<B>),
}

impl<B: Kernels> Inference<B> {
    /// Freezes the weights and running statistics of now. Dropout is left out.
    pub fn new(net: &Embedder<B>) -> Self {
        let (body, embedding) = match net {
            Embedder::Residual(net) => {
                (Body::Residual(resnet::Folded::new(net)), Embedding::new(&net.fc, &net.features))
            }
            Embedder::Improved(net) => (Body::Improved(iresnet::Folded::new(net)), iresnet::embedding(net)),
            Embedder::Mobile(net) => {
                let (_, _, linear, norm) = &net.features.layers;
                (Body::Mobile(mobilefacenet::Folded::new(net)), Embedding::new(linear, norm))
            }
        };
        Self { body, embedding }
    }

    /// # Shapes
    /// `[n, channels, image_px, image_px]` → `[n, embedding_dim]`, not normalised
    pub fn forward(&self, images: Tensor<B, 4>) -> Tensor<B, 2> {
        B::on_pool(|| {
            let images = images.permute([0, 2, 3, 1]);
            let features = match &self.body {
                Body::Residual(net) => net.features(images, self.embedding.features()),
                Body::Improved(net) => net.features(images, self.embedding.features()),
                Body::Mobile(net) => net.features(images),
            };
            self.embedding.forward(features)
        })
    }
}

/// The embedding layer with the normalisation behind it.
#[derive(Debug)]
struct Embedding<B: Backend> {
    /// `[features, embedding_dim]`
    weight: Tensor<B, 2>,
    /// `[1, embedding_dim]`
    offset: Tensor<B, 2>,
}

impl<B: Backend> Embedding<B> {
    fn new(fc: &Linear<B>, norm: &BatchNorm<B>) -> Self {
        let [scale, shift] = folded_factors(norm);
        let weight = fc.weight.val() * scale.clone().unsqueeze();
        let offset = match &fc.bias {
            Some(bias) => bias.val() * scale + shift,
            None => shift,
        };
        Self { weight, offset: offset.unsqueeze() }
    }

    fn features(&self) -> usize {
        self.weight.dims()[0]
    }

    fn forward(&self, features: Tensor<B, 2>) -> Tensor<B, 2> {
        features.matmul(self.weight.clone()) + self.offset.clone()
    }
}

fn folded<B: Kernels>(conv: &Conv<B>, bn: &BatchNorm<B>, tail: Tail) -> FoldedConv<B> {
    FoldedConv::new(conv.weight.val(), folded_factors(bn), conv.stride, tail)
}

fn folded_prelu<B: Kernels>(conv: &Conv<B>, bn: &BatchNorm<B>, prelu: &Prelu<B>) -> FoldedConv<B> {
    FoldedConv::with_prelu(conv.weight.val(), folded_factors(bn), prelu.weight.val(), conv.stride)
}
