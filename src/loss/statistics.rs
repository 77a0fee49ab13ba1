//! Numbers that a loss keeps from step to step and that no gradient moves: they are saved and resumed with the weights.

use super::{adaface, curricularface};
use crate::config::Head;
use burn::module::RunningState;
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// Values before the first step; `None` for losses that keep nothing.
pub(super) fn start(head: Head, scale: f64) -> Option<Vec<f32>> {
    match head {
        Head::AdaFace => Some(adaface::START.to_vec()),
        Head::CurricularFace => Some(vec![curricularface::START]),
        // The scale.
        Head::AdaCos => Some(vec![scale as f32]),
        _ => None,
    }
}

/// Stores what the next step starts from. The second `value_sync` applies it at once: burn would keep it pending, and a
/// visitor (saving) reads only what is applied.
pub(super) fn store<B: Backend>(state: &RunningState<Tensor<B, 1>>, new: Tensor<B, 1>) {
    state.update(new.detach());
    let _ = state.value_sync();
}
