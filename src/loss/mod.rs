//! Margin heads: embeddings and labels in, loss out. One file per loss holds only what it does to the target cosine.
//!
//! Formulas are those of the papers; `tests/loss_golden.rs` compares every head, values and gradients, with numbers
//! computed in double precision elsewhere. Accuracy is always taken from the margin-free cosines: with the margin a
//! correct sample looks wrong for most of a run.

pub mod angles;
mod arcface;
mod arcface_easy;
mod arcface_exact;
mod arcface_fallback;
mod arcface_insightface;
mod cosface;
mod head;
mod norm_softmax;
mod softmax;
mod spec;
#[cfg(test)]
mod tests;

pub use head::{HeadOutput, MarginHead};
pub use spec::{HeadSpec, target_logit};
