//! What only a CUDA card can show; skipped, with the reason printed, where there is none.

use super::super::session::{BurnSession, Mode};
use super::*;
use crate::config::{Net, Precision, TrainConfig};
use crate::kernels::{Cpu, Engine, Gpu, Grouping, conv2d, grouped_conv2d};
use burn::DispatchDevice;
use burn::backend::cuda::CudaDevice;
use burn::tensor::{FloatDType, Tensor, TensorData};

fn card() -> Option<DispatchDevice> {
    let list = devices();
    match find_device(&list, "cuda").map(|card| (card.usable, card.reason.clone())) {
        Some((true, _)) => Some(DispatchDevice::Cuda(CudaDevice::new(0))),
        found => {
            eprintln!("skipped: {}", found.and_then(|(_, reason)| reason).unwrap_or_else(|| "no CUDA card".into()));
            None
        }
    }
}

/// Numbers in −1..1 that repeat nowhere.
fn numbers<B: Engine>(shape: [usize; 4], seed: u32, device: &B::Device) -> Tensor<B, 4> {
    let number = |i: usize| ((i as u32 ^ seed).wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0;
    let values: Vec<f32> = (0..shape.iter().product()).map(number).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Output, gradient of the input and of the weight.
fn computed<B: Engine>(
    [x, w]: [[usize; 4]; 2],
    dtype: FloatDType,
    device: &B::Device,
    forward: impl Fn(Tensor<B, 4>, Tensor<B, 4>) -> Tensor<B, 4>,
) -> [Vec<f32>; 3] {
    let (x, w) = (numbers::<B>(x, 1, device).require_grad(), numbers::<B>(w, 2, device).require_grad());
    let y = forward(x.clone().cast(dtype), w.clone().cast(dtype)).cast(FloatDType::F32);
    let grads = (y.clone() * numbers::<B>(y.dims(), 3, device)).sum().backward();
    let values = |data: TensorData| data.iter::<f32>().collect::<Vec<f32>>();
    [values(y.into_data()), values(x.grad(&grads).unwrap().into_data()), values(w.grad(&grads).unwrap().into_data())]
}

/// A card multiplies f32 in tensor cores that keep ten bits of it (TF32); bf16 keeps eight.
fn assert_close(name: &str, found: &[Vec<f32>; 3], wanted: &[Vec<f32>; 3], tolerance: f32) {
    for (what, (found, wanted)) in ["y", "dx", "dw"].iter().zip(found.iter().zip(wanted)) {
        assert_eq!(found.len(), wanted.len(), "{what} of {name}");
        let largest = wanted.iter().fold(1e-3_f32, |largest, value| largest.max(value.abs()));
        for (a, b) in found.iter().zip(wanted) {
            assert!((a - b).abs() < tolerance * largest, "{what} of {name}: {a} instead of {b}");
        }
    }
}

const TYPES: [(FloatDType, f32); 2] = [(FloatDType::F32, 0.01), (FloatDType::BF16, 0.04)];

#[test]
fn convolutions_on_a_card_have_the_outputs_and_gradients_of_the_cpu() {
    let Some(card) = card() else { return };
    for ([x, w], stride) in [
        ([[3, 8, 8, 16], [24, 16, 1, 1]], 2),
        ([[3, 7, 9, 16], [24, 16, 1, 1]], 2),
        ([[3, 7, 9, 16], [24, 16, 1, 1]], 1),
        ([[3, 8, 8, 16], [24, 16, 3, 3]], 2),
        ([[3, 7, 9, 16], [24, 16, 3, 3]], 2),
        ([[2, 28, 28, 8], [16, 8, 3, 3]], 1),
    ] {
        let wanted = computed::<Cpu>([x, w], FloatDType::F32, &Default::default(), |x, w| conv2d(x, w, stride));
        for (dtype, tolerance) in TYPES {
            let found = computed::<Gpu>([x, w], dtype, &card, |x, w| conv2d(x, w, stride));
            assert_close(&format!("{x:?} * {w:?} / {stride} in {dtype:?}"), &found, &wanted, tolerance);
        }
    }
}

#[test]
fn grouped_convolutions_on_a_card_have_the_outputs_and_gradients_of_the_cpu() {
    let Some(card) = card() else { return };
    for (x, [channels, side, stride, pad]) in [
        ([2, 8, 8, 32], [1, 3, 2, 1]),
        ([2, 7, 9, 32], [1, 3, 1, 1]),
        ([40, 28, 28, 32], [1, 3, 1, 1]),
        ([5, 7, 7, 64], [1, 7, 1, 0]),
        ([2, 9, 7, 64], [2, 3, 1, 1]),
    ] {
        let (grouping, w) = (Grouping { groups: x[3] / channels, stride, pad }, [x[3], channels, side, side]);
        let wanted =
            computed::<Cpu>([x, w], FloatDType::F32, &Default::default(), |x, w| grouped_conv2d(x, w, grouping));
        for (dtype, tolerance) in TYPES {
            let found = computed::<Gpu>([x, w], dtype, &card, |x, w| grouped_conv2d(x, w, grouping));
            assert_close(&format!("{x:?} * {w:?} / {stride} in {dtype:?}"), &found, &wanted, tolerance);
        }
    }
}

#[test]
fn a_card_takes_the_steps_of_the_cpu_and_goes_on_after_a_checkpoint() {
    let Some(card) = card() else { return };
    let (config, batch) = (RunConfig::default().train, tiny_batch());
    let steps = |session: &mut dyn Session| {
        let mut outcomes: Vec<_> = (0..4).flat_map(|step| session.step(&batch, 0.01, moment(step)).unwrap()).collect();
        outcomes.extend(session.settle().unwrap());
        assert_eq!(outcomes.len(), 4);
        outcomes
    };
    for net in [Net::Small, Net::Iresnet18, Net::MobileFaceNet] {
        let (embedder, head) = tiny_specs(net);
        let wanted = steps(open_session(Device::Cpu, &embedder, &head, &config).unwrap().as_mut());
        for (precision, tolerance) in [(Precision::F32, 0.03), (Precision::Bf16, 0.1), (Precision::F16, 0.1)] {
            let mode = Mode { precision, read_every: 3 };
            let open = |seed| {
                let config = TrainConfig { seed, ..config.clone() };
                BurnSession::<Gpu>::new(&embedder, &head, &config, card.clone(), mode)
            };
            let is_close = |a: f64, b: f64| (a - b).abs() < tolerance * b.abs().max(1.0);
            let mut first = open(config.seed);
            for (found, wanted) in steps(&mut first).iter().zip(&wanted) {
                // f16 looks for its factor in the first steps, and does not take all of them.
                let is_right = found.fate == Fate::Applied && is_close(found.loss, wanted.loss);
                assert!(is_right || precision == Precision::F16, "{net:?}, {precision:?}: {found:?}, not {wanted:?}");
            }
            let mut second = open(config.seed + 1);
            second.restore(&first.save().unwrap().resume).unwrap();
            for (resumed, whole) in steps(&mut second).iter().zip(steps(&mut first)) {
                let is_same = resumed.fate == whole.fate && is_close(resumed.loss, whole.loss);
                assert!(is_same, "{net:?}, {precision:?} after a checkpoint: {resumed:?}, not {whole:?}");
            }
        }
    }
}
