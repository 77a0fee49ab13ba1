//! Computing on a thread of the pool.
//!
//! The CPU operations share their work out over rayon's pool. Called from a thread outside, each of them first hands itself
//! over and waits to be woken again, which costs as much as a small operation; a network of fifty is handed over once.
//!
//! Not for gradients: recording holds locks, and a thread of the pool that waits may meanwhile be given work that needs the
//! same lock.

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::{Autodiff, Flex};
use burn::tensor::backend::Backend;

/// Where a backend's operations are best called from.
pub trait PoolBackend: Backend {
    /// Does `work` there and waits for it. The default is here: a GPU keeps one queue per
    /// thread.
    fn on_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
        work()
    }
}

impl PoolBackend for Flex {
    fn on_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
        rayon::scope(|_| work())
    }
}

impl<B: Backend, C: CheckpointStrategy> PoolBackend for Autodiff<B, C> {}
