//! What an ONNX file may hold to be run here, looked at before any of it is built.
//!
//! The library that runs networks trusts its files: a hostile one could make it allocate without bound or read other
//! files. A detector needs few kinds of operations and little memory, so everything else is refused by name.

use std::collections::HashMap;
use tract_onnx::pb::tensor_shape_proto::dimension;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, type_proto};

/// More than any YuNet file has.
const MAX_NODES: usize = 2000;
/// Numbers of all weights together, and of each tensor that is computed of constants alone.
const MAX_WEIGHTS: u64 = 8 << 20;
/// Dimensions of a tensor, which are the numbers that `Shape` answers with.
const MAX_DIMENSIONS: u64 = 8;
/// Kernel sides, strides, paddings and the like.
const MAX_ATTRIBUTE: i64 = 4096;
/// What exporters write for a YuNet: the network itself, normalisation not yet folded, and arithmetic about shapes.
const OPERATIONS: [&str; 28] = [
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Clip",
    "Concat",
    "Constant",
    "Conv",
    "Div",
    "Flatten",
    "Floor",
    "Gather",
    "Identity",
    "LeakyRelu",
    "MaxPool",
    "Mul",
    "PRelu",
    "Relu",
    "Reshape",
    "Resize",
    "Shape",
    "Sigmoid",
    "Slice",
    "Squeeze",
    "Sub",
    "Transpose",
    "Unsqueeze",
    "Upsample",
];

/// Height and width of the input, where the file says them.
pub(super) type InputSize = [Option<usize>; 2];

/// Checks the file and says how large its input is.
///
/// # Errors
/// A clause that says what a YuNet file does not have.
pub(super) fn check(model: &ModelProto) -> Result<InputSize, String> {
    let graph = model.graph.as_ref().ok_or("it holds no network")?;
    if graph.node.is_empty() {
        return Err("it holds no network".to_owned());
    }
    if graph.node.len() > MAX_NODES {
        return Err(format!("it has {} operations, a detector has about a hundred", graph.node.len()));
    }
    for node in &graph.node {
        if !OPERATIONS.contains(&node.op_type.as_str()) || !matches!(node.domain.as_str(), "" | "ai.onnx") {
            return Err(format!("it uses the operation {}", shortened(&node.op_type)));
        }
        node.attribute.iter().try_for_each(check_attribute)?;
    }
    let constants =
        graph.node.iter().flat_map(|node| node.attribute.iter().filter_map(|attribute| attribute.t.as_ref()));
    let mut numbers = 0_u64;
    for tensor in graph.initializer.iter().chain(constants) {
        numbers = numbers.saturating_add(check_tensor(tensor)?);
    }
    if numbers > MAX_WEIGHTS {
        return Err(format!("it has {numbers} weights, a detector has fewer than 100,000"));
    }
    let size = input_size(graph)?;
    check_constants(graph)?;
    Ok(size)
}

/// What does not depend on the image (arithmetic about shapes, as a rule) the library computes while it reads the file,
/// before anything can be said of its size: two vectors of weights, added as a row and a column, would fill any memory.
fn check_constants(graph: &GraphProto) -> Result<(), String> {
    // The most numbers that a tensor can have; none for what depends on the image.
    let mut known: HashMap<&str, Option<u64>> = graph.input.iter().map(|input| (input.name.as_str(), None)).collect();
    for tensor in &graph.initializer {
        known.insert(&tensor.name, Some(check_tensor(tensor)?));
    }
    for node in &graph.node {
        let given = node.input.iter().filter(|name| !name.is_empty()).map(|name| known.get(name.as_str()).copied());
        let given: Option<Vec<Option<u64>>> = given.collect();
        let made = most_made(node, &given.ok_or("its operations are not in order")?)?;
        if made.is_some_and(|numbers| numbers > MAX_WEIGHTS) {
            return Err(format!("its operation {} makes too much of constants alone", shortened(&node.op_type)));
        }
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            if known.insert(name, made).is_some() {
                return Err("two of its tensors have one name".to_owned());
            }
        }
    }
    Ok(())
}

/// The most numbers that a node can make of tensors with so many; none where one of them depends on the image.
fn most_made(node: &NodeProto, given: &[Option<u64>]) -> Result<Option<u64>, String> {
    match node.op_type.as_str() {
        "Shape" => return Ok(Some(MAX_DIMENSIONS)),
        "Constant" => {
            let mut most = 1;
            for attribute in &node.attribute {
                let listed = attribute.floats.len().max(attribute.ints.len()) as u64;
                most = attribute.t.as_ref().map(check_tensor).transpose()?.unwrap_or(0).max(listed).max(most);
            }
            return Ok(Some(most));
        }
        _ => {}
    }
    let Some(given) = given.iter().copied().collect::<Option<Vec<u64>>>() else { return Ok(None) };
    Ok(Some(match node.op_type.as_str() {
        "Cast" | "Flatten" | "Floor" | "Identity" | "LeakyRelu" | "Relu" | "Reshape" | "Sigmoid" | "Slice"
        | "Squeeze" | "Transpose" | "Unsqueeze" => given.first().copied().unwrap_or(0),
        "Concat" => given.iter().fold(0, |sum, numbers| sum.saturating_add(*numbers)),
        // Each with each, where one is a row and the other a column.
        "Add" | "Clip" | "Div" | "Gather" | "Mul" | "PRelu" | "Sub" => {
            given.iter().fold(1, |product, numbers| product.saturating_mul(*numbers))
        }
        // A picture that is part of the file is not enlarged, blurred or looked at.
        _ => u64::MAX,
    }))
}

fn check_attribute(attribute: &AttributeProto) -> Result<(), String> {
    let whole = attribute.ints.iter().chain(std::iter::once(&attribute.i));
    let too_large = whole.clone().any(|value| value.unsigned_abs() > MAX_ATTRIBUTE.unsigned_abs());
    // The end of a slice is "as far as it goes".
    if too_large && !matches!(attribute.name.as_str(), "ends" | "starts") {
        return Err(format!("its {} is out of range", shortened(&attribute.name)));
    }
    if attribute.g.is_some() || !attribute.graphs.is_empty() || attribute.sparse_tensor.is_some() {
        return Err("it has a network within the network".to_owned());
    }
    Ok(())
}

/// The numbers in it.
fn check_tensor(tensor: &TensorProto) -> Result<u64, String> {
    // Such weights lie in another file, which would be read.
    if tensor.data_location.is_some_and(|location| location != 0) || !tensor.external_data.is_empty() {
        return Err("its weights lie in another file".to_owned());
    }
    tensor.dims.iter().try_fold(1_u64, |product, &side| {
        let side = u64::try_from(side).map_err(|_negative| "a tensor in it has a negative side".to_owned())?;
        Ok(product.saturating_mul(side))
    })
}

fn input_size(graph: &GraphProto) -> Result<InputSize, String> {
    let is_weight = |input: &&ValueInfoProto| graph.initializer.iter().any(|tensor| tensor.name == input.name);
    let inputs: Vec<&ValueInfoProto> = graph.input.iter().filter(|input| !is_weight(input)).collect();
    let [input] = inputs.as_slice() else {
        return Err(format!("it has {} inputs instead of one image", inputs.len()));
    };
    let kind = input.r#type.as_ref().and_then(|kind| kind.value.as_ref());
    let shape = match kind {
        Some(type_proto::Value::TensorType(tensor)) => tensor.shape.as_ref(),
        _ => None,
    };
    let dims = shape.map(|shape| shape.dim.as_slice()).unwrap_or_default();
    let [_, channels, height, width] = dims else {
        return Err(format!("its input has {} dimensions instead of 4", dims.len()));
    };
    let known = |dim: &tract_onnx::pb::tensor_shape_proto::Dimension| match dim.value {
        Some(dimension::Value::DimValue(value)) => usize::try_from(value).ok().filter(|&value| value > 0),
        _ => None,
    };
    if known(channels).is_some_and(|channels| channels != 3) {
        return Err("its input is no colour image".to_owned());
    }
    Ok([known(height), known(width)])
}

/// A name from the file, for a message.
fn shortened(name: &str) -> String {
    name.chars().filter(|letter| letter.is_ascii_graphic()).take(40).collect()
}
