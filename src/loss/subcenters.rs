//! Sub-centre ArcFace (Deng et al., ECCV 2020): K centres per class, a sample belongs to the nearest.
//!
//! Only the nearest centre gets a gradient, so the bulk of a class gathers at one and wrong labels at the others. Rows of the
//! weight are `class·K + centre`, the order of insightface's code and of PyTorch Metric Learning.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// The largest cosine of each class.
///
/// # Shapes
/// `[n, c·k]` → `[n, c]`
pub(super) fn nearest<B: Backend>(cosine: Tensor<B, 2>, subcenters: usize) -> Tensor<B, 2> {
    if subcenters == 1 {
        return cosine;
    }
    let [n, rows] = cosine.dims();
    let classes = rows / subcenters;
    cosine.reshape([n, classes, subcenters]).max_dim(2).reshape([n, classes])
}
