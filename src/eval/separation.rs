//! How far apart genuine and impostor scores lie, in one number.
//!
//! Not an error rate: d' is one only if both kinds of scores are normally distributed, which they rarely
//! are. It is here because it moves smoothly while a model trains, where the EER moves in steps.

/// Separation of the two score distributions in standard deviations:
/// `|mean_g - mean_i| / sqrt((var_g + var_i) / 2)`, population variances.
///
/// Always finite: the spread is taken as at least the resolution of an f32 score. 0 if a list is empty.
pub fn d_prime(genuine: &[f32], impostor: &[f32]) -> f64 {
    let (Some((mean_g, var_g)), Some((mean_i, var_i))) = (mean_variance(genuine), mean_variance(impostor)) else {
        return 0.0;
    };
    let spread = f64::midpoint(var_g, var_i).sqrt().max(f64::from(f32::EPSILON));
    (mean_g - mean_i).abs() / spread
}

fn mean_variance(scores: &[f32]) -> Option<(f64, f64)> {
    if scores.is_empty() {
        return None;
    }
    let n = scores.len() as f64;
    let mean = scores.iter().map(|&s| f64::from(s)).sum::<f64>() / n;
    let variance = scores.iter().map(|&s| (f64::from(s) - mean).powi(2)).sum::<f64>() / n;
    Some((mean, variance))
}
