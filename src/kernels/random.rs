//! Start values of parameters, drawn on the host.
//!
//! burn draws a parameter at its first use from one generator per process: the values would depend on the order of
//! first use, on other jobs, and on the device. Drawn here, the same seed gives the same network on every device.

use burn::module::{Param, ParamId};
use burn::tensor::{Shape, Tensor, TensorData, backend::Backend};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A named stream of start values.
#[derive(Debug)]
pub struct Draw {
    /// None draws 0.
    rng: Option<ChaCha8Rng>,
    /// Parameters are views of a single number.
    shapes_only: bool,
}

impl Draw {
    /// The stream called `purpose` of a run's seed. Streams of one seed are independent of each other.
    pub fn new(seed: u64, purpose: &str) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // FNV-1a: a fixed hash, unlike the standard library's.
        let stream =
            purpose.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        rng.set_stream(stream);
        Self { rng: Some(rng), shapes_only: false }
    }

    /// No numbers but 0: for weights that are about to be replaced.
    pub fn zeros() -> Self {
        Self { rng: None, shapes_only: false }
    }

    /// Parameters that have a shape and no memory of their own: every number is one and the same 0. For asking a network
    /// what it consists of.
    pub fn shapes() -> Self {
        Self { rng: None, shapes_only: true }
    }

    /// Normal with mean 0 and standard deviation `std`.
    pub fn normal<B: Backend, const D: usize>(
        &mut self,
        shape: [usize; D],
        std: f64,
        device: &B::Device,
    ) -> Param<Tensor<B, D>> {
        self.drawn(shape, device, |rng| std * standard_normal(rng))
    }

    /// Uniform in `[-bound, bound)`.
    pub fn uniform<B: Backend, const D: usize>(
        &mut self,
        shape: [usize; D],
        bound: f64,
        device: &B::Device,
    ) -> Param<Tensor<B, D>> {
        self.drawn(shape, device, |rng| (2.0 * rng.r#gen::<f64>() - 1.0) * bound)
    }

    /// One number with mean 0 and standard deviation 1.
    pub fn standard_normal(&mut self) -> f64 {
        self.rng.as_mut().map_or(0.0, standard_normal)
    }

    fn drawn<B: Backend, const D: usize>(
        &mut self,
        shape: [usize; D],
        device: &B::Device,
        mut one: impl FnMut(&mut ChaCha8Rng) -> f64,
    ) -> Param<Tensor<B, D>> {
        if self.shapes_only {
            let tensor = Tensor::<B, D>::zeros([1; D], device).expand::<D, _>(Shape::from(shape));
            return Param::initialized(ParamId::new(), tensor.require_grad());
        }
        let count = shape.iter().product();
        let values = match &mut self.rng {
            Some(rng) => (0..count).map(|_| one(rng) as f32).collect(),
            None => vec![0.0; count],
        };
        parameter(values, shape, device)
    }
}

/// Box–Muller; `1 - u` keeps the logarithm finite.
fn standard_normal(rng: &mut ChaCha8Rng) -> f64 {
    let (u, v): (f64, f64) = (rng.r#gen(), rng.r#gen());
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// A trainable parameter with the same value everywhere.
pub fn constant<B: Backend, const D: usize>(value: f32, shape: [usize; D], device: &B::Device) -> Param<Tensor<B, D>> {
    parameter(vec![value; shape.iter().product()], shape, device)
}

fn parameter<B: Backend, const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &B::Device,
) -> Param<Tensor<B, D>> {
    let tensor = Tensor::from_data(TensorData::new(values, shape), device);
    Param::initialized(ParamId::new(), tensor.require_grad())
}
