//! Our own tensor operations, one folder each, where burn's are not fast enough on the CPU backend.
//!
//! Every operation is a trait with default bodies written in burn's own operations (`reference.rs`): a backend without a
//! fast path is one empty `impl`, and the tests compare the fast path with the default. Nothing here knows layers or
//! losses. The only `unsafe` of the library is in `conv/tile.rs` (the inner loops) and `matrix.rs` (a call of `gemm`).
//!
//! A reader may wonder why convolution *and* normalisation are rewritten: on Flex a per-channel broadcast takes the
//! strided path and costs more than the convolution before it.

pub mod conv;
pub mod cross_entropy;
mod flex_tensor;
pub mod grouped;
mod lanes;
pub mod margin;
mod matrix;
pub mod norm;
pub mod normalize;
mod peak;
pub mod pool;
mod primitive;
pub mod random;
pub mod running;
#[cfg(test)]
mod testing;
pub mod update;

pub use conv::{ConvBackend, FoldedConv, conv2d};
pub use cross_entropy::{CrossEntropyBackend, cross_entropy};
pub use grouped::{FoldedGrouped, GroupedBackend, Grouping, grouped_conv2d};
pub use margin::{MarginBackend, Target, margin_loss};
pub use norm::{NormBackend, NormPreluBackend, Tail, affine, norm, norm_prelu, prelu};
pub use normalize::{NormalizeBackend, normalize_rows};
pub use peak::{peak_gflops, product_gflops};
pub use pool::PoolBackend;
pub use primitive::{full, in_type};
pub use update::UpdateBackend;

use burn::backend::{Autodiff, Flex};
use burn::tensor::backend::AutodiffBackend;

/// Every operation of this folder.
pub trait Kernels:
    ConvBackend
    + GroupedBackend
    + NormBackend
    + NormPreluBackend
    + NormalizeBackend
    + CrossEntropyBackend
    + MarginBackend
    + PoolBackend
{
}
impl<B> Kernels for B where
    B: ConvBackend
        + GroupedBackend
        + NormBackend
        + NormPreluBackend
        + NormalizeBackend
        + CrossEntropyBackend
        + MarginBackend
        + PoolBackend
{
}

/// Everything training asks of a backend: gradients, and our operations with and without them.
pub trait Engine: AutodiffBackend<InnerBackend: Kernels + UpdateBackend> + Kernels {}
impl<B: AutodiffBackend<InnerBackend: Kernels + UpdateBackend> + Kernels> Engine for B {}

/// The CPU, always there.
pub type Cpu = Autodiff<Flex>;

/// An NVIDIA GPU, through burn's run-time dispatch.
///
/// With `Cuda` in its place the computation would be the same, but every CUDA kernel generator would be compiled as part of
/// this crate, at every build (ten CPU-minutes instead of one). The dispatch could record gradients by itself, on a device
/// of its own kind; but then our own backward passes would not be reached, and burn would record and keep every step of the
/// reference bodies. The devices are therefore always plain ones, and it is `Autodiff` around them that records. Within
/// an operation the reference bodies run: burn's own CUDA kernels and fusion are fast.
#[cfg(feature = "cuda")]
pub type Gpu = Autodiff<burn::Dispatch>;

#[cfg(feature = "cuda")]
mod dispatch {
    use burn::Dispatch;

    impl super::ConvBackend for Dispatch {}
    impl super::GroupedBackend for Dispatch {}
    impl super::NormBackend for Dispatch {}
    impl super::NormPreluBackend for Dispatch {}
    impl super::PoolBackend for Dispatch {}
    impl super::NormalizeBackend for Dispatch {}
    impl super::CrossEntropyBackend for Dispatch {}
    impl super::MarginBackend for Dispatch {}
    impl super::UpdateBackend for Dispatch {}
}
