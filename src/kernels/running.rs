//! Running statistics: numbers that follow the batches and that no gradient moves.

use burn::module::RunningState;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// New numbers, but the old ones where a batch with NaN or infinite values made the new ones undefined.
pub fn unless_undefined<B: Backend>(new: Tensor<B, 1>, old: Tensor<B, 1>) -> Tensor<B, 1> {
    // What is finite leaves 0 when taken from itself, everything else NaN.
    let undefined = (new.clone() - new.clone()).is_nan();
    new.mask_where(undefined, old)
}

/// Stores what the next step starts from. The second `value_sync` applies it at once: burn would keep it pending, and a
/// visitor (saving, counting) reads only what is applied.
pub fn store<B: Backend>(state: &RunningState<Tensor<B, 1>>, new: Tensor<B, 1>) {
    state.update(new.detach());
    let _ = state.value_sync();
}
