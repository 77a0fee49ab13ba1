//! The CPU version: parallel and in the memory of the gradient and the velocity, which nobody needs afterwards.

use super::{SgdRule, UpdateBackend, reference};
use crate::kernels::flex_tensor::{contiguous, f32_slice, from_vec};
use crate::kernels::lanes::sum2;
use burn::backend::Flex;
use burn::tensor::DType;
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// Numbers per task. A constant, so that the parts of a sum are the same on every number of threads.
const TASK_LEN: usize = 32_768;

/// The numbers of a [`contiguous`] f32 tensor, copied first if somebody else holds them too.
fn numbers(tensor: &mut FlexTensor) -> &mut [f32] {
    let len = tensor.layout().shape().num_elements();
    &mut tensor.storage_mut::<f32>()[..len]
}

/// The first step: the gradient becomes the velocity.
fn start(weight: &mut [f32], gradient: &mut [f32], SgdRule { lr, momentum, decay, nesterov }: SgdRule) {
    let lr = if nesterov { lr * (1.0 + momentum) } else { lr };
    let tasks = weight.par_chunks_mut(TASK_LEN).zip(gradient.par_chunks_mut(TASK_LEN));
    tasks.for_each(|(w, g)| {
        for (w, g) in w.iter_mut().zip(g) {
            *g += decay * *w;
            *w -= lr * *g;
        }
    });
}

/// Every later step: the gradient becomes the new weight.
fn step(weight: &[f32], gradient: &mut [f32], velocity: &mut [f32], rule: SgdRule) {
    let SgdRule { lr, momentum, decay, nesterov } = rule;
    let tasks = gradient.par_chunks_mut(TASK_LEN).zip(velocity.par_chunks_mut(TASK_LEN));
    tasks.zip(weight.par_chunks(TASK_LEN)).for_each(|((g, v), w)| {
        if nesterov {
            for ((g, v), w) in g.iter_mut().zip(v).zip(w) {
                let d = *g + decay * w;
                *v = d + momentum * *v;
                *g = w - lr * (d + momentum * *v);
            }
        } else {
            for ((g, v), w) in g.iter_mut().zip(v).zip(w) {
                *v = (*g + decay * w) + momentum * *v;
                *g = w - lr * *v;
            }
        }
    });
}

impl UpdateBackend for Flex {
    fn sgd(weight: FlexTensor, gradient: FlexTensor, velocity: Option<FlexTensor>, rule: SgdRule) -> [FlexTensor; 2] {
        let tensors = [Some(&weight), Some(&gradient), velocity.as_ref()];
        if tensors.into_iter().flatten().any(|tensor| tensor.dtype() != DType::F32) {
            return reference::sgd::<Self>(weight, gradient, velocity, rule);
        }
        let (mut weight, mut gradient) = (contiguous(weight), contiguous(gradient));
        match velocity.map(contiguous) {
            None => {
                start(numbers(&mut weight), numbers(&mut gradient), rule);
                [weight, gradient]
            }
            Some(mut velocity) => {
                let weight = &weight.storage::<f32>()[..weight.layout().shape().num_elements()];
                step(weight, numbers(&mut gradient), numbers(&mut velocity), rule);
                [gradient, velocity]
            }
        }
    }

    fn square_sum(x: FlexTensor) -> FlexTensor {
        let x = x.to_contiguous();
        let Some(values) = f32_slice(&x) else { return reference::square_sum::<Self>(x) };
        let parts: Vec<f64> = values.par_chunks(TASK_LEN).map(|part| sum2(part, part, |a, b| a * b)).collect();
        from_vec(vec![parts.iter().sum::<f64>() as f32], [1])
    }
}
