//! Numbers that a loss keeps from step to step and that no gradient moves: they are saved and resumed with the weights.

use super::{adaface, curricularface};
use crate::config::Head;

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
