//! Statistics that survive a broken batch.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// New numbers, but the old ones where a batch with NaN or infinite values made the new ones undefined.
pub fn unless_undefined<B: Backend>(new: Tensor<B, 1>, old: Tensor<B, 1>) -> Tensor<B, 1> {
    let undefined = new.clone().is_nan().bool_or(new.clone().is_inf());
    new.mask_where(undefined, old)
}
