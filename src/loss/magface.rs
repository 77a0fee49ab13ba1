//! MagFace (Meng et al., arXiv:2103.06627, eq. 4 and 5): the margin grows with the length a of the embedding, and a term
//! draws embeddings to greater length, so that the length tells how good an image is.
//!
//! ```text
//! m(a) = m_l + (m_u − m_l)·(a − a_l)/(a_u − a_l)        a = ‖x‖ within [a_l, a_u]
//! φ(θ) = cos(θ + m(a))     within 90° (easy margin, the authors' default), cos θ beyond
//! loss = cross-entropy + λ·G(a),   G(a) = a/a_u² + 1/a
//! ```
//! Published: a in [10, 110], m in [0.45, 0.8] rad, λ = 35, s = 64. Outside [a_l, a_u] neither term has a gradient by the
//! length. [`fallback`] is the form with ArcFace's hard fallback instead of the easy margin.
//!
//! For when the length of an embedding shall tell the quality of its image.

use super::angles::sine;
use super::norms::WithNorm;
use super::{HeadOptions, arcface_easy, arcface_fallback};
use crate::kernels::Target;
use burn::tensor::backend::Backend;
use burn::tensor::{Bool, Tensor};

/// The line from length to margin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    low: f64,
    high: f64,
    margin_low_rad: f64,
    slope: f64,
}

impl Line {
    /// `share` of the margins is in force.
    pub fn new(options: &HeadOptions, margin_low_rad: f64, share: f64) -> Self {
        let (low, high) = (options.length_low, options.length_high);
        let rise = options.length_margin_rad * share - margin_low_rad;
        Self { low, high, margin_low_rad, slope: rise / (high - low) }
    }

    /// Margins of embeddings of these lengths, and where the length is within its bounds.
    fn margins<B: Backend>(self, length: Tensor<B, 1>) -> (Tensor<B, 1>, Tensor<B, 1, Bool>) {
        let inside = length.clone().greater_equal_elem(self.low).bool_and(length.clone().lower_equal_elem(self.high));
        let a = length.clamp(self.low, self.high);
        ((a - self.low) * self.slope + self.margin_low_rad, inside)
    }

    /// The margin half-way, which a plot shows.
    pub fn middle_rad(self) -> f64 {
        self.margin_low_rad + self.slope * (self.high - self.low) / 2.0
    }
}

/// `−sin(θ + m)`, the derivative of `cos(θ + m)` by m.
fn by_margin<B: Backend>(cosine: Tensor<B, 1>, margin: Tensor<B, 1>) -> Tensor<B, 1> {
    -(sine(cosine.clone()) * margin.clone().cos() + cosine * margin.sin())
}

/// Chain rule from margin to length.
fn with_norm<B: Backend>(
    target: Target<B, 1>,
    by_margin: Tensor<B, 1>,
    inside: Tensor<B, 1, Bool>,
    line: Line,
) -> WithNorm<B> {
    WithNorm { target, norm_slope: (by_margin * line.slope).mask_fill(inside.bool_not(), 0.0) }
}

/// The easy margin.
pub(super) fn easy<B: Backend>(cosine: Tensor<B, 1>, length: Tensor<B, 1>, line: Line) -> WithNorm<B> {
    let (margin, inside) = line.margins(length);
    let far = cosine.clone().lower_equal_elem(0.0);
    let by_margin = by_margin(cosine.clone(), margin.clone()).mask_fill(far, 0.0);
    with_norm(arcface_easy::target(cosine, margin), by_margin, inside, line)
}

/// The hard fallback.
pub(super) fn fallback<B: Backend>(cosine: Tensor<B, 1>, length: Tensor<B, 1>, line: Line) -> WithNorm<B> {
    let (margin, inside) = line.margins(length);
    let beyond = cosine.clone().lower_equal(-margin.clone().cos());
    // Of c − m·sin m.
    let line_by_margin = -(margin.clone().sin() + margin.clone() * margin.clone().cos());
    let by_margin = by_margin(cosine.clone(), margin.clone()).mask_where(beyond, line_by_margin);
    with_norm(arcface_fallback::target(cosine, margin), by_margin, inside, line)
}

/// λ·G of embeddings of these (recorded) lengths, averaged, `[1]`.
pub(super) fn pull<B: Backend>(length: Tensor<B, 1>, options: &HeadOptions) -> Tensor<B, 1> {
    let high = options.length_high;
    let a = length.clamp(options.length_low, high);
    (a.clone() / (high * high) + a.recip()).mean() * options.length_weight
}

/// What a scale, at the least, needs λ to be so that a best length exists (the authors' script prints it):
/// `s·K·a_u²·a_l² / (a_u² − a_l²)`, K = slope of m.
pub(super) fn least_weight(options: &HeadOptions, margin_low_rad: f64, scale: f64) -> f64 {
    let Line { low, high, slope, .. } = Line::new(options, margin_low_rad, 1.0);
    scale * slope * (high * high * low * low) / (high * high - low * low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_weight_is_the_one_the_authors_print() {
        let options = HeadOptions::default();
        // 64 · 0.0035 · (110²·10²)/(110² − 10²)
        assert!((least_weight(&options, 0.45, 64.0) - 22.586_666_7).abs() < 1e-3);
        assert!((Line::new(&options, 0.45, 1.0).middle_rad() - 0.625).abs() < 1e-12);
    }
}
