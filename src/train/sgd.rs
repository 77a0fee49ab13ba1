//! SGD on our own kernel, in the shape burn's optimisers have.

use crate::kernels::update::{SgdRule, UpdateBackend, sgd};
use burn::module::AutodiffModule;
use burn::optim::adaptor::OptimizerAdaptor;
use burn::optim::{LearningRate, SimpleOptimizer};
use burn::record::Record;
use burn::tensor::Tensor;
use burn::tensor::backend::{AutodiffBackend, Backend};

/// Stochastic gradient descent with momentum and decay (see [`SgdRule`]).
#[derive(Clone, Debug)]
pub(super) struct Sgd {
    momentum: f32,
    decay: f32,
    nesterov: bool,
}

impl Sgd {
    pub(super) fn new(momentum: f32, decay: f32, nesterov: bool) -> Self {
        Self { momentum, decay, nesterov }
    }

    pub(super) fn adapt<B, M>(self) -> OptimizerAdaptor<Self, M, B>
    where
        B: AutodiffBackend<InnerBackend: UpdateBackend>,
        M: AutodiffModule<B>,
    {
        self.into()
    }
}

/// State per parameter, written as burn writes that of its own SGD: runs from before this optimiser go on.
#[derive(Record, Clone, Debug)]
pub(super) struct SgdState<B: Backend, const D: usize> {
    /// `None` without momentum.
    momentum: Option<Velocity<B, D>>,
}

#[derive(Record, Clone, Debug)]
pub(super) struct Velocity<B: Backend, const D: usize> {
    velocity: Tensor<B, D>,
}

impl<B: UpdateBackend> SimpleOptimizer<B> for Sgd {
    type State<const D: usize> = SgdState<B, D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        weight: Tensor<B, D>,
        gradient: Tensor<B, D>,
        state: Option<SgdState<B, D>>,
    ) -> (Tensor<B, D>, Option<SgdState<B, D>>) {
        let rule = SgdRule { lr: lr as f32, momentum: self.momentum, decay: self.decay, nesterov: self.nesterov };
        let velocity = state.and_then(|state| state.momentum).map(|momentum| momentum.velocity);
        let [weight, velocity] = sgd(weight, gradient, velocity, rule);
        let momentum = (self.momentum > 0.0).then_some(Velocity { velocity });
        (weight, Some(SgdState { momentum }))
    }

    fn to_device<const D: usize>(state: SgdState<B, D>, device: &B::Device) -> SgdState<B, D> {
        let move_to = |Velocity { velocity }| Velocity { velocity: velocity.to_device(device) };
        SgdState { momentum: state.momentum.map(move_to) }
    }
}

#[cfg(test)]
mod tests {
    use super::Sgd;
    use crate::kernels::Cpu;
    use crate::kernels::random::Draw;
    use burn::nn::Linear;
    use burn::optim::decay::WeightDecayConfig;
    use burn::optim::momentum::MomentumConfig;
    use burn::optim::{GradientsParams, Optimizer, SgdConfig};
    use burn::record::{BinBytesRecorder, FullPrecisionSettings, Recorder};
    use burn::tensor::Tensor;

    type Net = Linear<Cpu>;
    type Bytes = BinBytesRecorder<FullPrecisionSettings>;

    /// Weights after three steps and the record of the optimiser.
    fn train<O: Optimizer<Net, Cpu>>(mut net: Net, mut optimizer: O) -> (Vec<f32>, Vec<u8>) {
        let draw = &mut Draw::new(1, "sgd");
        for _ in 0..3 {
            let x: Tensor<Cpu, 2> = draw.normal([4, 6], 1.0, &Default::default()).into_value();
            let gradients = net.forward(x).powi_scalar(2).sum().backward();
            let gradients = GradientsParams::from_grads(gradients, &net);
            net = optimizer.step(0.01, net, gradients);
        }
        let bytes = Recorder::<Cpu>::record(&Bytes::default(), optimizer.to_record(), ()).unwrap();
        (net.weight.val().to_data().iter::<f32>().collect(), bytes)
    }

    #[test]
    fn steps_and_saved_state_are_those_of_burns_sgd() {
        for nesterov in [false, true] {
            compare(nesterov);
        }
    }

    fn compare(nesterov: bool) {
        let weight = Draw::new(2, "sgd").normal([6, 5], 1.0, &Default::default());
        let net = Net { weight, bias: None };
        let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0).with_nesterov(nesterov);
        let config = SgdConfig::new().with_momentum(Some(momentum));
        let theirs = config.with_weight_decay(Some(WeightDecayConfig::new(5e-4))).init::<Cpu, Net>();
        let (weights, bytes) = train(net.clone(), Sgd::new(0.9, 5e-4, nesterov).adapt::<Cpu, Net>());
        let (their_weights, their_bytes) = train(net, theirs);
        assert_eq!(bytes.len(), their_bytes.len());
        let record = Recorder::<Cpu>::load(&Bytes::default(), their_bytes.clone(), &Default::default()).unwrap();
        let loaded = Sgd::new(0.9, 5e-4, nesterov).adapt::<Cpu, Net>().load_record(record);
        assert_eq!(Recorder::<Cpu>::record(&Bytes::default(), loaded.to_record(), ()).unwrap(), their_bytes);
        for (ours, theirs) in weights.iter().zip(&their_weights) {
            assert!((ours - theirs).abs() < 1e-6, "{ours} and {theirs}");
        }
    }
}
