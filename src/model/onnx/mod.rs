//! A network as an ONNX file that other programs run: one input `images` `[batch, channels, image_px, image_px]`, one output
//! `embedding` `[batch, embedding_dim]`, any number of images at once.
//!
//! Written by hand, because a file of thirteen kinds of node needs six messages and no schema compiler; normalisation stays
//! in its inference form, which runtimes fold themselves.

mod graph;
mod proto;
mod summary;
#[cfg(test)]
mod tests;

pub use summary::OnnxSummary;

use super::{Embedder, EmbedderSpec};
use crate::kernels::Kernels;
use graph::{FLOAT, Graph, INPUT, Maps, OUTPUT};
use proto::Message;
use std::collections::BTreeMap;

/// BatchNormalization, PRelu and Clip have been as they are here since 15, 16 and 13.
const OPSET: i64 = 17;
/// Of the file format, which goes with that.
const IR_VERSION: i64 = 8;

/// The file, with `metadata` among its properties. Embeddings are not normalised, as everywhere here.
pub fn onnx<B: Kernels>(net: &Embedder<B>, spec: &EmbedderSpec, metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let mut graph = Graph::default();
    net.walk(&mut graph, Maps::images(spec.channels, spec.image_px));
    let graph = graph
        .message
        .text(2, spec.net.word())
        .message(11, &value(INPUT, &[spec.channels, spec.image_px, spec.image_px]))
        .message(12, &value(OUTPUT, &[spec.embedding_dim]));
    let opset = Message::default().text(1, "").int(2, OPSET);
    let mut model = Message::default()
        .int(1, IR_VERSION)
        .text(2, "ArcLens")
        .text(3, env!("CARGO_PKG_VERSION"))
        .message(7, &graph)
        .message(8, &opset);
    for (key, value) in metadata {
        model.add(14, &Message::default().text(1, key).text(2, value));
    }
    model.into_bytes()
}

/// An input or output: a batch of tensors of this shape.
fn value(name: &str, shape: &[usize]) -> Message {
    let batch = Message::default().text(2, "batch");
    let dims = shape.iter().fold(Message::default().message(1, &batch), |dims, size| {
        dims.message(1, &Message::default().int(1, *size as i64))
    });
    let tensor = Message::default().int(1, FLOAT).message(2, &dims);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}
