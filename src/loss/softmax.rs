//! Plain softmax (as ArcFace's authors write it: Deng et al., arXiv:1801.07698, eq. 1): `z = x·Wᵀ + b` on raw embeddings and
//! weights. The baseline every margin is measured against.
//!
//! Nothing to set: no scale and no margin. Logits are dot products, which have no unit.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// `[n, d]`, `[c, d]`, `[c]` → `[n, c]`
pub(super) fn logits<B: Backend>(x: Tensor<B, 2>, weight: Tensor<B, 2>, bias: Option<Tensor<B, 1>>) -> Tensor<B, 2> {
    let z = x.matmul(weight.transpose());
    match bias {
        Some(bias) => {
            let c = bias.dims()[0];
            z + bias.reshape([1, c])
        }
        None => z,
    }
}
