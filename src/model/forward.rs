//! The walk that computes: a batch of images through the layers, as training needs it.

use super::layers::{
    Conv, GroupedConv, SqueezeExcite, Statistics, apply_norm, apply_norm_prelu, apply_prelu, norm_features,
};
use super::walk::{Act, After, EmbeddingLayer, MaxPool, Walk};
use crate::kernels::{Kernels, Tail, full};
use burn::nn::BatchNorm;
use burn::tensor::backend::Backend;
use burn::tensor::module::{linear, max_pool2d};
use burn::tensor::{Slice, Tensor};

/// See [`Walk`]; maps are `[n, h, w, c]`.
pub(super) struct Forward {
    /// Of the normalisations.
    pub statistics: Statistics,
}

/// Upper end of MobileNetV2's activation.
pub(super) const SIX: f32 = 6.0;

impl<B: Kernels> Walk<B> for Forward {
    type Maps = Tensor<B, 4>;
    type Rows = Tensor<B, 2>;

    fn conv(&mut self, x: Tensor<B, 4>, conv: &Conv<B>, after: After<'_, B, Tensor<B, 4>>) -> Tensor<B, 4> {
        let y = conv.forward(x);
        match (after.bn, after.act) {
            (Some(bn), act) => normed(y, bn, after.shortcut, act, self.statistics),
            (None, Act::Prelu(prelu)) => apply_prelu(prelu, y),
            (None, _) => y,
        }
    }

    fn grouped(&mut self, x: Tensor<B, 4>, conv: &GroupedConv<B>, bn: &BatchNorm<B>, act: Act<'_, B>) -> Tensor<B, 4> {
        normed(conv.forward(x), bn, None, act, self.statistics)
    }

    fn norm(&mut self, x: Tensor<B, 4>, bn: &BatchNorm<B>, act: Act<'_, B>) -> Tensor<B, 4> {
        normed(x, bn, None, act, self.statistics)
    }

    fn max_pool(&mut self, x: Tensor<B, 4>, pool: MaxPool) -> Tensor<B, 4> {
        max_pool(x, pool)
    }

    fn excite(&mut self, x: Tensor<B, 4>, gate: &SqueezeExcite<B>, shortcut: Tensor<B, 4>) -> Tensor<B, 4> {
        gate.forward(x) + shortcut
    }

    fn embed(&mut self, x: Tensor<B, 4>, layer: EmbeddingLayer<'_, B>) -> Tensor<B, 2> {
        let maps = match layer.before {
            Some(bn) => apply_norm(bn, x, None, Tail::Linear, self.statistics),
            None => x,
        };
        let features = pool(maps, layer.weight.dims()[0]);
        let features = match layer.dropout {
            Some(dropout) => dropout.forward(features),
            None => features,
        };
        norm_features(layer.norm, linear(features, layer.weight, layer.bias), self.statistics)
    }
}

fn normed<B: Kernels>(
    y: Tensor<B, 4>,
    bn: &BatchNorm<B>,
    shortcut: Option<Tensor<B, 4>>,
    act: Act<'_, B>,
    statistics: Statistics,
) -> Tensor<B, 4> {
    match act {
        Act::Linear => apply_norm(bn, y, shortcut, Tail::Linear, statistics),
        Act::Relu => apply_norm(bn, y, shortcut, Tail::Relu, statistics),
        Act::Relu6 => apply_norm(bn, y, shortcut, Tail::Relu, statistics).clamp_max(SIX),
        Act::Prelu(prelu) => apply_norm_prelu(bn, prelu, y, statistics),
    }
}

/// `[n, h, w, c]` → `[n, …, …, c]`, sizes by [`MaxPool::output_px`]
pub(super) fn max_pool<B: Backend>(x: Tensor<B, 4>, MaxPool { side, stride }: MaxPool) -> Tensor<B, 4> {
    match (side, stride) {
        (1, 1) => x,
        (1, _) => {
            let (all, some) = (Slice::new(0, None, 1), Slice::new(0, None, stride as isize));
            x.slice([all, some, some, all])
        }
        _ => {
            let maps = x.permute([0, 3, 1, 2]);
            max_pool2d(maps, [side; 2], [stride; 2], [0; 2], [1; 2], false).permute([0, 2, 3, 1])
        }
    }
}

/// Maps to features: `[n, h, w, c]` → `[n, features]`. The number of features says whether the embedding layer has weights
/// for every position or one per channel.
pub(super) fn pool<B: Backend>(maps: Tensor<B, 4>, features: usize) -> Tensor<B, 2> {
    let maps = full(maps);
    let [n, h, w, c] = maps.dims();
    if h * w == 1 {
        maps.reshape([n, c])
    } else if features == c {
        maps.reshape([n, h * w, c]).mean_dim(1).reshape([n, c])
    } else {
        // In PyTorch's order: map after map.
        maps.permute([0, 3, 1, 2]).reshape([n, c * h * w])
    }
}
