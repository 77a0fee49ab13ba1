//! Margin heads: embeddings and labels in, loss out.
//!
//! A file per loss holds its formula, its source and what it does to the cosines; `rule.rs` says which loss uses what,
//! `head.rs` is the path they share. What can be added to every loss has a file of its own too: `subcenters`, `partial_fc`,
//! `others` (the filter), `batch_negatives`, `focal`.
//!
//! Formulas are those of the papers; `tests/loss_golden.rs` compares every head, values and gradients, with numbers
//! computed in double precision elsewhere. Accuracy is always taken from the margin-free cosines: with the margin a
//! correct sample looks wrong for most of a run.

mod adacos;
mod adaface;
pub mod angles;
mod arcface;
mod arcface_easy;
mod arcface_exact;
mod arcface_facexzoo;
mod arcface_fallback;
mod arcface_insightface;
mod batch;
mod batch_negatives;
mod combined;
mod combined_exact;
mod cosface;
mod curricularface;
mod curve;
mod elastic;
mod focal;
mod head;
mod li_arcface;
mod magface;
mod norm_softmax;
mod norms;
mod options;
mod others;
mod partial_fc;
mod rule;
mod softmax;
mod spec;
mod sphereface;
mod sphereface_curve;
mod sphereface_r;
mod sphereface_scaled;
mod statistics;
mod subcenters;
#[cfg(test)]
mod tests;
mod uniface;

pub use batch::{HeadBatch, Moment};
pub use curve::{CurveFamily, curve_families, target_logit};
pub use head::{HeadOutput, MarginHead};
pub use options::HeadOptions;
pub use spec::HeadSpec;
