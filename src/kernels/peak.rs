//! How fast this processor multiplies matrices: what every measured rate is held against.

use super::matrix::square_product;
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
