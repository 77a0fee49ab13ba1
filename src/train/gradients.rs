//! The norm of the whole gradient, and clipping by it (burn clips per tensor, which changes the direction).

use super::TrainError;
use super::net::TrainNet;
use crate::kernels::Engine;
use crate::kernels::update::{UpdateBackend, square_sum};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use burn::tensor::backend::AutodiffBackend;

/// Euclidean norm over all gradients; one read from the device.
///
/// # Errors
/// When the device fails.
pub fn global_norm<B: Engine>(net: &TrainNet<B>, gradients: &GradientsParams) -> Result<f64, TrainError> {
    let mut sum = SquareSum::<B> { gradients, sum: None };
    net.visit(&mut sum);
    let Some(sum) = sum.sum else { return Ok(0.0) };
    let data = sum.try_into_data().map_err(|error| TrainError::Compute(format!("{error:?}")))?;
    Ok(data.iter::<f64>().next().unwrap_or(f64::NAN).sqrt())
}

/// Multiplies every gradient by `factor`.
pub fn scale<B: Engine>(net: &TrainNet<B>, gradients: &mut GradientsParams, factor: f64) {
    net.visit(&mut Scale::<'_> { gradients, factor });
}

struct SquareSum<'a, B: AutodiffBackend<InnerBackend: UpdateBackend>> {
    gradients: &'a GradientsParams,
    sum: Option<Tensor<B::InnerBackend, 1>>,
}

impl<B: AutodiffBackend<InnerBackend: UpdateBackend>> ModuleVisitor<B> for SquareSum<'_, B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let Some(gradient) = self.gradients.get::<B::InnerBackend, D>(param.id) else { return };
        let square = square_sum(gradient);
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum + square,
            None => square,
        });
    }
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    factor: f64,
}

impl<B: AutodiffBackend> ModuleVisitor<B> for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        if let Some(gradient) = self.gradients.remove::<B::InnerBackend, D>(param.id) {
            self.gradients.register::<B::InnerBackend, D>(param.id, gradient.mul_scalar(self.factor));
        }
    }
}
