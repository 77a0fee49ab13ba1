//! The CPU version: one pass per direction, parallel over rows.

use super::{NormalizeBackend, SHORTEST, reference};
use crate::kernels::flex_tensor::{f32_slice, from_vec};
use crate::kernels::lanes::sum2;
use burn::backend::Flex;
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// Rows per task: enough that a task is worth its hand-over.
fn min_rows(d: usize) -> usize {
    (16_384 / d.max(1)).max(1)
}

fn forward(x: &[f32], n: usize, d: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut unit, mut length) = (vec![0f32; n * d], vec![0f32; n]);
    let rows = unit.par_chunks_mut(d).zip(x.par_chunks(d)).zip(length.par_iter_mut());
    rows.with_min_len(min_rows(d)).for_each(|((unit, x), length)| {
        *length = (sum2(x, x, |a, b| a * b).sqrt() as f32).max(SHORTEST);
        let inverse = 1.0 / *length;
        for (unit, x) in unit.iter_mut().zip(x) {
            *unit = x * inverse;
        }
    });
    (unit, length)
}

fn backward(unit: &[f32], length: &[f32], dy: &[f32], d: usize) -> Vec<f32> {
    let mut dx = vec![0f32; dy.len()];
    let rows = dx.par_chunks_mut(d).zip(unit.par_chunks(d)).zip(dy.par_chunks(d)).zip(length);
    rows.with_min_len(min_rows(d)).for_each(|(((dx, unit), dy), length)| {
        let along = sum2(unit, dy, |a, b| a * b) as f32;
        let inverse = 1.0 / length;
        for ((dx, unit), dy) in dx.iter_mut().zip(unit).zip(dy) {
            *dx = (dy - unit * along) * inverse;
        }
    });
    dx
}

impl NormalizeBackend for Flex {
    fn normalize_rows(x: FlexTensor) -> [FlexTensor; 2] {
        let x = x.to_contiguous();
        let [n, d] = x.layout().shape().dims::<2>();
        match f32_slice(&x) {
            Some(xs) if n > 0 && d > 0 => {
                let (unit, length) = forward(xs, n, d);
                [from_vec(unit, [n, d]), from_vec(length, [n])]
            }
            _ => reference::forward::<Self>(x),
        }
    }

    fn normalize_rows_backward(unit: FlexTensor, length: FlexTensor, dy: FlexTensor) -> FlexTensor {
        let dy = dy.to_contiguous();
        let [n, d] = dy.layout().shape().dims::<2>();
        match (f32_slice(&unit), f32_slice(&length), f32_slice(&dy)) {
            (Some(units), Some(lengths), Some(dys)) if n > 0 && d > 0 => {
                from_vec(backward(units, lengths, dys, d), [n, d])
            }
            _ => reference::backward::<Self>(unit, length, dy),
        }
    }
}
