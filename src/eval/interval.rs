//! How far a measured rate may be from the true one.
//!
//! Wilson's score interval, because the textbook interval `p ± 1.96·sqrt(p(1-p)/n)` is empty exactly where
//! biometrics lives: at 0 false matches. It assumes independent trials; pairs that share an image are not
//! quite independent, so the true uncertainty is somewhat larger.

/// 97.5 % point of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson 95 % interval of `successes` out of `n`; (0, 1), "anything is possible", for `n` of 0.
///
/// ```text
/// (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)        Wilson 1927
/// ```
pub fn wilson95(successes: usize, n: usize) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    wilson95_rate(successes.min(n) as f64 / n as f64, n)
}

/// The same for a rate that is not a whole number of trials, such as an interpolated equal error rate.
pub fn wilson95_rate(rate: f64, n: usize) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let (n, p) = (n as f64, rate.clamp(0.0, 1.0));
    let centre = p + Z * Z / (2.0 * n);
    let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    // At the ends rounding would leave 1e-18 instead of the exact end.
    let low = if p <= 0.0 { 0.0 } else { ((centre - spread) / scale).clamp(0.0, 1.0) };
    let high = if p >= 1.0 { 1.0 } else { ((centre + spread) / scale).clamp(0.0, 1.0) };
    (low, high)
}
