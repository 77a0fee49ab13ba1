//! ArcFace (Deng et al., arXiv:1801.07698, eq. 3) as `arcface_torch` trains it since December 2022 (`losses.py`): the value of
//! `cos(θ + m)`, the gradient of `cos θ`.
//!
//! ```text
//! φ(θ) = cos(θ + m)     everywhere
//! dφ/d cos θ = 1        in place of sin(θ + m)/sin θ
//! ```
//! There the target cosine is changed in place where no gradient is recorded, so the margin enters the softmax but not the
//! derivative ("straight-through"; opensphere calls it characteristic gradient detachment). Stable, and the form behind
//! today's published checkpoints; its gradients are not the paper's.
//!
//! The formula is [`super::arcface_exact`]'s; what differs is that its slope is left out, as `loss.margin_detached` does for
//! every loss. θ and m in radians; trained there with m = 0.5 and s = 64.

pub(super) use super::arcface_exact::{target, target_scalar};
