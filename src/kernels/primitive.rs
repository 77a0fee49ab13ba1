//! Between burn's tensors and the primitives its backends compute with; between 32 bits and the 16 of mixed precision.

use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;
use burn::tensor::{DType, FloatDType, Tensor, TensorPrimitive};

/// A float tensor around a primitive.
pub(super) fn tensor<B: Backend, const D: usize>(primitive: FloatTensor<B>) -> Tensor<B, D> {
    Tensor::from_primitive(TensorPrimitive::Float(primitive))
}

/// The primitive of a float tensor.
pub(super) fn primitive<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> FloatTensor<B> {
    tensor.into_primitive().tensor()
}

/// In 32 bits: for sums, normalisation, features and everything behind them.
pub fn full<B: Backend, const D: usize>(x: Tensor<B, D>) -> Tensor<B, D> {
    in_type(x, DType::F32)
}

/// In the type of the maps around it.
pub fn in_type<B: Backend, const D: usize>(y: Tensor<B, D>, dtype: DType) -> Tensor<B, D> {
    if y.dtype() == dtype { y } else { y.cast(FloatDType::from(dtype)) }
}
