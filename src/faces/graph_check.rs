//! What an ONNX file may hold to be run here, looked at before any of it is built.
//!
//! The library that runs networks trusts its files: a hostile one could make it allocate without bound or read other
//! files. A detector needs few kinds of operations and little memory, so everything else is refused by name.

use tract_onnx::pb::tensor_shape_proto::dimension;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, TensorProto, ValueInfoProto, type_proto};

/// More than any YuNet file has.
const MAX_NODES: usize = 2000;
/// Numbers of all weights together.
const MAX_WEIGHTS: u64 = 8 << 20;
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
    input_size(graph)
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
