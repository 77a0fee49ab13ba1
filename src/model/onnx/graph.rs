//! The walk that writes layers down as the nodes of an ONNX graph.
//!
//! Field numbers are those of onnx.proto (onnx 1.12, IR version 8).

use super::proto::Message;
use crate::kernels::{Grouping, Kernels};
use crate::model::forward::SIX;
use crate::model::layers::{Conv, GroupedConv, SqueezeExcite};
use crate::model::walk::{Act, After, EmbeddingLayer, MaxPool, Walk};
use burn::nn::BatchNorm;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// Name of the graph's input and output.
pub(super) const INPUT: &str = "images";
pub(super) const OUTPUT: &str = "embedding";

/// onnx.proto's number for 32-bit numbers.
pub(super) const FLOAT: i64 = 1;

/// Fields of GraphProto.
const NODE: u32 = 1;
const INITIALIZER: u32 = 5;

/// A graph under construction.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// Nodes and initialisers.
    pub message: Message,
    nodes: usize,
}

/// Maps in the graph.
#[derive(Clone, Debug)]
pub(super) struct Maps {
    name: String,
    channels: usize,
    px: usize,
}

impl Maps {
    /// The graph's input.
    pub fn images(channels: usize, px: usize) -> Self {
        Self { name: INPUT.to_owned(), channels, px }
    }
}

/// A node's attribute.
enum Attribute<'a> {
    Int(usize),
    Ints(&'a [usize]),
    Float(f32),
}

impl Graph {
    /// Adds a node with one output, called by its kind and number, and returns the output's name.
    fn node(&mut self, kind: &str, inputs: &[&str], attributes: &[(&str, Attribute<'_>)]) -> String {
        self.nodes += 1;
        let output = format!("{}_{}", kind.to_lowercase(), self.nodes);
        self.node_to(&output, kind, inputs, attributes);
        output
    }

    fn node_to(&mut self, output: &str, kind: &str, inputs: &[&str], attributes: &[(&str, Attribute<'_>)]) {
        let node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
        let mut node = node.text(2, output).text(3, output).text(4, kind);
        for (name, attribute) in attributes {
            let message = Message::default().text(1, name);
            node.add(
                5,
                &match attribute {
                    Attribute::Float(value) => message.float(2, *value).int(20, 1),
                    Attribute::Int(value) => message.int(3, *value as i64).int(20, 2),
                    Attribute::Ints(values) => message.ints(8, values).int(20, 7),
                },
            );
        }
        self.message.add(NODE, &node);
    }

    /// Adds constant numbers and returns their name.
    fn constant(&mut self, name: String, shape: &[usize], values: &[f32]) -> String {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let tensor = Message::default().ints(1, shape).int(2, FLOAT).text(8, &name).bytes(9, &raw);
        self.message.add(INITIALIZER, &tensor);
        name
    }

    /// A layer's weight, called after the node that comes next. A shape other than the tensor's own may be asked for.
    fn weight<B: Backend, const D: usize>(
        &mut self,
        what: &str,
        tensor: Tensor<B, D>,
        shape: Option<&[usize]>,
    ) -> String {
        let own = tensor.dims();
        let values: Vec<f32> = tensor.into_data().iter::<f32>().collect();
        self.constant(format!("{what}_{}", self.nodes + 1), shape.unwrap_or(&own), &values)
    }

    fn convolved<B: Backend>(&mut self, x: &Maps, weight: Tensor<B, 4>, grouping: Grouping) -> Maps {
        let [channels, _, side, _] = weight.dims();
        let weight = self.weight("weight", weight, None);
        let Grouping { groups, stride, pad } = grouping;
        let name = self.node(
            "Conv",
            &[&x.name, &weight],
            &[
                ("kernel_shape", Attribute::Ints(&[side; 2])),
                ("strides", Attribute::Ints(&[stride; 2])),
                ("pads", Attribute::Ints(&[pad; 4])),
                ("group", Attribute::Int(groups)),
            ],
        );
        Maps { name, channels, px: grouping.output_px(x.px, side) }
    }

    /// The normalisation's output, called `output` where that is given.
    fn normed<B: Backend>(&mut self, x: &str, bn: &BatchNorm<B>, output: Option<&str>) -> String {
        let scale = self.weight("scale", bn.gamma.val(), None);
        let offset = self.weight("offset", bn.beta.val(), None);
        let mean = self.weight("mean", bn.running_mean.value_sync(), None);
        let variance = self.weight("variance", bn.running_var.value_sync(), None);
        let inputs = [x, &scale, &offset, &mean, &variance];
        let epsilon = [("epsilon", Attribute::Float(bn.epsilon as f32))];
        match output {
            Some(output) => {
                self.node_to(output, "BatchNormalization", &inputs, &epsilon);
                output.to_owned()
            }
            None => self.node("BatchNormalization", &inputs, &epsilon),
        }
    }

    fn activated<B: Backend>(&mut self, x: String, act: Act<'_, B>) -> String {
        match act {
            Act::Linear => x,
            Act::Relu => self.node("Relu", &[&x], &[]),
            Act::Relu6 => {
                let least = self.constant(format!("least_{}", self.nodes + 1), &[], &[0.0]);
                let most = self.constant(format!("most_{}", self.nodes + 1), &[], &[SIX]);
                self.node("Clip", &[&x, &least, &most], &[])
            }
            Act::Prelu(prelu) => {
                // A slope per channel must say so: without the two last axes it would belong to the last axis of the maps.
                let slope = prelu.weight.val();
                let channels = slope.dims()[0];
                let slope = self.weight("slope", slope, Some(&[channels, 1, 1]));
                self.node("PRelu", &[&x, &slope], &[])
            }
        }
    }
}

impl<B: Kernels> Walk<B> for Graph {
    type Maps = Maps;
    type Rows = ();

    fn conv(&mut self, x: Maps, conv: &Conv<B>, after: After<'_, B, Maps>) -> Maps {
        let weight = conv.weight.val();
        let pad = weight.dims()[2] / 2;
        let y = self.convolved(&x, weight, Grouping { groups: 1, stride: conv.stride, pad });
        let mut name = y.name;
        if let Some(bn) = after.bn {
            name = self.normed(&name, bn, None);
        }
        if let Some(shortcut) = after.shortcut {
            name = self.node("Add", &[&name, &shortcut.name], &[]);
        }
        Maps { name: self.activated(name, after.act), ..y }
    }

    fn grouped(&mut self, x: Maps, conv: &GroupedConv<B>, bn: &BatchNorm<B>, act: Act<'_, B>) -> Maps {
        let y = self.convolved(&x, conv.weight.val(), conv.grouping());
        let name = self.normed(&y.name, bn, None);
        Maps { name: self.activated(name, act), ..y }
    }

    fn norm(&mut self, x: Maps, bn: &BatchNorm<B>, act: Act<'_, B>) -> Maps {
        let name = self.normed(&x.name, bn, None);
        Maps { name: self.activated(name, act), ..x }
    }

    fn max_pool(&mut self, x: Maps, pool: MaxPool) -> Maps {
        let MaxPool { side, stride } = pool;
        if (side, stride) == (1, 1) {
            return x;
        }
        let attributes = [("kernel_shape", Attribute::Ints(&[side; 2])), ("strides", Attribute::Ints(&[stride; 2]))];
        Maps { name: self.node("MaxPool", &[&x.name], &attributes), px: pool.output_px(x.px), ..x }
    }

    fn excite(&mut self, x: Maps, gate: &SqueezeExcite<B>, shortcut: Maps) -> Maps {
        let plain = Grouping { groups: 1, stride: 1, pad: 0 };
        let means = Maps { name: self.node("GlobalAveragePool", &[&x.name], &[]), px: 1, ..x };
        let few = self.convolved(&means, gate.fc1.weight.val(), plain);
        let few = Maps { name: self.node("Relu", &[&few.name], &[]), ..few };
        let gates = self.convolved(&few, gate.fc2.weight.val(), plain);
        let gates = self.node("Sigmoid", &[&gates.name], &[]);
        let name = self.node("Mul", &[&x.name, &gates], &[]);
        Maps { name: self.node("Add", &[&name, &shortcut.name], &[]), ..x }
    }

    fn embed(&mut self, x: Maps, layer: EmbeddingLayer<'_, B>) {
        let mut name = x.name;
        if let Some(bn) = layer.before {
            name = self.normed(&name, bn, None);
        }
        if x.px > 1 && layer.weight.dims()[0] == x.channels {
            name = self.node("GlobalAveragePool", &[&name], &[]);
        }
        // Keeps the first axis, whatever the batch.
        name = self.node("Flatten", &[&name], &[("axis", Attribute::Int(1))]);
        let weight = self.weight("weight", layer.weight, None);
        name = match layer.bias {
            Some(bias) => {
                let bias = self.weight("bias", bias, None);
                self.node("Gemm", &[&name, &weight, &bias], &[])
            }
            None => self.node("Gemm", &[&name, &weight], &[]),
        };
        self.normed(&name, layer.norm, Some(OUTPUT));
    }
}
