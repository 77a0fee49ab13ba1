//! Focal weights (Lin et al., arXiv:1708.02002, eq. 4): `(1 − p)^γ · cross-entropy` of every sample, p = exp(−cross-entropy).
//!
//! Several trainers (`ronghuaiyang/arcface-pytorch`, `face.evoLVe`) take the weight of the batch's *mean* cross-entropy, which
//! weighs no sample against another; this does not.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// Weighted cross-entropies, `[n]`. γ = 0 changes nothing.
pub(super) fn weighted<B: Backend>(cross_entropy: Tensor<B, 1>, gamma: f64) -> Tensor<B, 1> {
    if gamma == 0.0 {
        return cross_entropy;
    }
    // 1 − p is kept off 0, where a power below 1 has no derivative.
    let missing = (-(-cross_entropy.clone()).exp() + 1.0).clamp_min(1e-12);
    missing.powf_scalar(gamma) * cross_entropy
}
