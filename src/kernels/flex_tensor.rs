//! Getting at the numbers of a Flex tensor and wrapping new ones, without copies.
//!
//! `None` means "not f32": the caller then takes the reference path, so half precision stays correct.

use burn::tensor::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout};
use rayon::prelude::*;

/// The values in row-major order; `None` unless the tensor is contiguous f32. Call `to_contiguous` (free where it
/// already is) first.
pub(super) fn f32_slice(tensor: &FlexTensor) -> Option<&[f32]> {
    if tensor.dtype() != DType::F32 {
        return None;
    }
    tensor.as_slice::<f32>().and_then(|values| values.get(..tensor.layout().shape().num_elements()))
}

/// The values of a tensor that may be absent: `None` where it is there but not f32, `Some(None)` where it is absent.
#[expect(clippy::option_option, reason = "absent and unusable are different answers")]
pub(super) fn optional_slice(tensor: Option<&FlexTensor>) -> Option<Option<&[f32]>> {
    match tensor {
        Some(tensor) => f32_slice(tensor).map(Some),
        None => Some(None),
    }
}

/// In row-major order. Takes the tensor whole: a second holder would make writing to it a copy.
pub(super) fn contiguous(tensor: FlexTensor) -> FlexTensor {
    let in_order = tensor.layout().contiguous_offsets().is_some_and(|(start, _)| start == 0);
    if in_order { tensor } else { tensor.to_contiguous() }
}

/// The values of an integer tensor as indices; `None` for unusual integer types and for negative values.
pub(super) fn index_vec(tensor: &FlexTensor) -> Option<Vec<usize>> {
    let tensor = tensor.to_contiguous();
    let n = tensor.layout().shape().num_elements();
    match tensor.dtype() {
        DType::I64 => tensor.as_slice::<i64>()?.get(..n)?.iter().map(|&v| usize::try_from(v).ok()).collect(),
        DType::I32 => tensor.as_slice::<i32>()?.get(..n)?.iter().map(|&v| usize::try_from(v).ok()).collect(),
        _ => None,
    }
}

/// A contiguous f32 tensor that takes over `values`.
pub(super) fn from_vec<const D: usize>(values: Vec<f32>, dims: [usize; D]) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(Shape::from(dims)), DType::F32)
}

/// Zeros, written by all threads: the system hands out and clears fresh pages where they are first written.
pub(super) fn zeros(len: usize) -> Vec<f32> {
    const PIECE: usize = 1 << 16;
    if len < 4 * PIECE {
        return vec![0f32; len];
    }
    let mut values = Vec::with_capacity(len);
    values.par_extend(rayon::iter::repeat_n(0f32, len).with_min_len(PIECE));
    values
}
