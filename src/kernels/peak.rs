//! How fast this processor, or another device, multiplies matrices: what every measured rate is held against.

use super::matrix::square_product;
use burn::tensor::backend::Backend;
use burn::tensor::{FloatDType, Tensor};
use rayon::prelude::*;
use std::time::{Duration, Instant};

/// Side of the square matrices: 1 MB each, the best case for the second-level cache.
const SIDE: usize = 512;
/// Long enough for the clock of the processor to settle.
const ROUNDS: usize = 5;
/// Time of one round.
const ROUND: Duration = Duration::from_millis(120);

/// The best rate of f32 matrix products over all threads of the pool, each with matrices of its own, in GFLOP/s (a
/// multiplication and an addition are two operations). Takes 0.6 s.
pub fn peak_gflops() -> f64 {
    (0..ROUNDS).map(|_| round()).fold(0.0, f64::max)
}

fn round() -> f64 {
    let products: Vec<u64> =
        (0..rayon::current_num_threads()).into_par_iter().with_max_len(1).map(|_| count()).collect();
    let operations = 2.0 * (SIDE * SIDE * SIDE) as f64 * products.iter().sum::<u64>() as f64;
    operations / ROUND.as_secs_f64() / 1e9
}

/// Products finished in the time of a round.
fn count() -> u64 {
    let (left, right) = (vec![1.0f32; SIDE * SIDE], vec![0.5f32; SIDE * SIDE]);
    let mut result = vec![0.0f32; SIDE * SIDE];
    let (began, mut done) = (Instant::now(), 0);
    while began.elapsed() < ROUND {
        square_product(SIDE, &mut result, &left, &right);
        done += 1;
    }
    std::hint::black_box(&result);
    done
}

/// Products that a device is given before the last of them is waited for.
const QUEUED: usize = 10;

/// The best rate of a device's own products of square matrices with this side, in GFLOP/s; `None` where the device fails. The
/// first product is not counted: it chooses and compiles its kernel.
pub fn product_gflops<B: Backend>(device: &B::Device, dtype: FloatDType, side: usize) -> Option<f64> {
    // Its product with itself is itself, in 16 bits, too.
    let matrix = Tensor::<B, 2>::full([side; 2], 1.0 / side as f64, device).cast(dtype);
    let seconds = |products: usize| {
        let began = Instant::now();
        let last = (0..products).fold(matrix.clone(), |product, _| product.matmul(matrix.clone()));
        last.slice([0..1, 0..1]).try_into_data().ok()?;
        Some(began.elapsed().as_secs_f64())
    };
    seconds(1)?;
    let best = (0..ROUNDS).filter_map(|_| seconds(QUEUED)).min_by(f64::total_cmp)?;
    Some(2.0 * (QUEUED * side * side * side) as f64 / best / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Flex;

    #[test]
    fn the_products_of_a_device_can_be_timed_in_every_type() {
        for dtype in [FloatDType::F32, FloatDType::BF16, FloatDType::F16] {
            let found = product_gflops::<Flex>(&Default::default(), dtype, 32).unwrap();
            assert!(found.is_finite() && found > 0.0, "{found} in {dtype:?}");
        }
    }
}
