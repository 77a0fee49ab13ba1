//! ArcLens: margin-based embeddings from a folder of images to a verifier one can trust.
//!
//! Layers, each of which may only use those below it (checked by `tests/architecture.rs`):
//!
//! | layer | module | holds |
//! |---|---|---|
//! | 6 | `ui` | the window: the only place with egui |
//! | 6 | [`cli`] | the subcommands |
//! | 5 | [`app`] | what the program is, without pixels |
//! | 4 | [`worker`] | threads, requests and events |
//! | 3 | [`train`] | the loop, checkpoints, resume, inference |
//! | 2 | [`model`], [`loss`] | networks and margin heads |
//! | 2 | [`kernels`] | our own tensor operations |
//! | 1 | [`data`], [`faces`], [`eval`], [`map`] | files to batches; photographs to aligned faces; scores to rates; vectors to maps |
//! | 1 | [`convert`] | data sets in the forms other trainers read |
//! | 0 | [`config`] | what a run is |
#![recursion_limit = "256"]

pub mod app;
pub mod cli;
pub mod config;
pub mod convert;
pub mod data;
pub mod eval;
pub mod faces;
pub mod kernels;
pub mod loss;
pub mod map;
pub mod model;
pub mod train;
#[cfg(feature = "gui")]
pub mod ui;
pub mod worker;
