//! The norm of the whole gradient, and clipping by it (burn clips per tensor, which changes the direction).

use super::TrainError;
use super::net::TrainNet;
use super::optimizer::Grads;
use crate::kernels::Engine;
use crate::kernels::update::{UpdateBackend, square_sum};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::{Bool, Tensor};

/// Sum of the squares of all gradients, `[1]`; `None` without gradients.
pub fn square_norm<B: Engine>(net: &TrainNet<B>, gradients: &Grads) -> Option<Tensor<B::InnerBackend, 1>> {
    let mut sum = SquareSum::<B> { gradients, sum: None };
    net.visit(&mut sum);
    sum.sum
}

/// Euclidean norm over all gradients; one read from the device.
///
/// # Errors
/// When the device fails.
pub fn global_norm<B: Engine>(net: &TrainNet<B>, gradients: &Grads) -> Result<f64, TrainError> {
    let Some(sum) = square_norm(net, gradients) else { return Ok(0.0) };
    let data = sum.try_into_data().map_err(|error| TrainError::Compute(format!("{error:?}")))?;
    Ok(data.iter::<f64>().next().unwrap_or(f64::NAN).sqrt())
}

/// Clipping without asking the device for the norm.
pub struct DeviceClip<B: Backend> {
    /// What every gradient is multiplied by, `[1]`.
    factor: Tensor<B, 1>,
    /// The loss or the norm is not a number, `[1]`.
    unusable: Tensor<B, 1, Bool>,
}

impl<B: Backend> DeviceClip<B> {
    /// For gradients of this squared norm (of a loss that was multiplied by `loss_scale`) and a largest norm; 0 for none.
    pub fn new(square_norm: Tensor<B, 1>, loss: Tensor<B, 1>, loss_scale: f64, largest: f64) -> Self {
        let norm = square_norm.sqrt() / loss_scale;
        let sum = norm.clone() + loss;
        let unusable = sum.clone().is_nan().bool_or(sum.is_inf());
        let factor = if largest > 0.0 { (norm.recip() * largest).clamp_max(1.0) } else { norm.ones_like() };
        Self { factor: factor / loss_scale, unusable }
    }

    /// 1 where the step can be used, else 0, `[1]`.
    pub fn usable(&self) -> Tensor<B, 1> {
        self.unusable.clone().bool_not().float()
    }
}

/// Clips every gradient; those of an unusable step become 0.
pub fn clip_on_device<B: Engine>(
    net: &TrainNet<B>,
    gradients: &mut GradientsParams,
    clip: &DeviceClip<B::InnerBackend>,
) {
    net.visit(&mut ClipOnDevice::<'_, B> { gradients, clip });
}

struct ClipOnDevice<'a, B: AutodiffBackend> {
    gradients: &'a mut GradientsParams,
    clip: &'a DeviceClip<B::InnerBackend>,
}

impl<B: AutodiffBackend> ModuleVisitor<B> for ClipOnDevice<'_, B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        if let Some(gradient) = self.gradients.remove::<B::InnerBackend, D>(param.id) {
            let unusable = self.clip.unusable.clone().reshape([1; D]).expand(gradient.dims());
            let clipped = (gradient * self.clip.factor.clone().reshape([1; D])).mask_fill(unusable, 0.0);
            self.gradients.register::<B::InnerBackend, D>(param.id, clipped);
        }
    }
}

/// Multiplies every gradient by `factor`.
pub fn scale<B: Engine>(net: &TrainNet<B>, gradients: &mut GradientsParams, factor: f64) {
    net.visit(&mut Scale::<'_> { gradients, factor });
}

struct SquareSum<'a, B: AutodiffBackend<InnerBackend: UpdateBackend>> {
    gradients: &'a Grads,
    sum: Option<Tensor<B::InnerBackend, 1>>,
}

impl<B: AutodiffBackend<InnerBackend: UpdateBackend>> ModuleVisitor<B> for SquareSum<'_, B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let gradient = self.gradients.iter().find_map(|group| group.get::<B::InnerBackend, D>(param.id));
        let Some(gradient) = gradient else { return };
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
