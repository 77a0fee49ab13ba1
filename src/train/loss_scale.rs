//! The factor that keeps 16-bit gradients off zero (Micikevicius et al. 2018, arXiv:1710.03740, section 3.2).

use crate::config::Precision;

/// Start value, as in PyTorch's `GradScaler`.
const START: f64 = 65_536.0;
/// Smallest factor: below it the run has diverged, not overflowed.
const LEAST: f64 = 1.0;
/// Usable steps after which the factor is doubled.
const PATIENCE: u32 = 2000;

/// A factor on the loss, taken out of the gradients again: halved when they overflow, doubled after a long while without.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LossScale {
    factor: f64,
    adapts: bool,
    usable_steps: u32,
}

impl LossScale {
    /// Only f16 needs one: bf16 has the range of f32.
    pub fn new(precision: Precision) -> Self {
        let adapts = precision == Precision::F16;
        Self { factor: if adapts { START } else { 1.0 }, adapts, usable_steps: 0 }
    }

    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// The gradients of a step could be used, or not.
    pub fn observe(&mut self, usable: bool) {
        if !self.adapts {
            return;
        }
        self.usable_steps = if usable { self.usable_steps + 1 } else { 0 };
        if !usable {
            self.factor = (self.factor / 2.0).max(LEAST);
        } else if self.usable_steps == PATIENCE {
            self.factor = (self.factor * 2.0).min(START * START);
            self.usable_steps = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_falls_with_every_overflow_and_rises_slowly() {
        let mut scale = LossScale::new(Precision::F16);
        scale.observe(false);
        scale.observe(false);
        assert_eq!(scale.factor(), START / 4.0);
        (0..PATIENCE - 1).for_each(|_| scale.observe(true));
        assert_eq!(scale.factor(), START / 4.0);
        scale.observe(true);
        assert_eq!(scale.factor(), START / 2.0);
        (0..100).for_each(|_| scale.observe(false));
        assert_eq!(scale.factor(), LEAST);
    }

    #[test]
    fn other_precisions_are_left_alone() {
        for precision in [Precision::F32, Precision::Bf16] {
            let mut scale = LossScale::new(precision);
            scale.observe(false);
            assert_eq!(scale.factor(), 1.0);
        }
    }
}
