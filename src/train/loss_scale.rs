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
    /// No step was usable yet.
    searching: bool,
}

impl LossScale {
    /// Only f16 needs one: bf16 has the range of f32.
    pub fn new(precision: Precision) -> Self {
        let adapts = precision == Precision::F16;
        Self { factor: if adapts { START } else { 1.0 }, adapts, usable_steps: 0, searching: adapts }
    }

    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// An unusable step may be the factor's fault.
    pub fn can_fall(&self) -> bool {
        self.adapts && self.factor > LEAST
    }

    /// The first usable factor is still to be found: every step should be looked at.
    pub fn is_searching(&self) -> bool {
        self.searching
    }

    /// Steps that were taken with the present factor: so many were usable, and some others perhaps were not. The factor
    /// falls once however many those were: they say nothing about the factor that comes next.
    pub fn observe(&mut self, usable: u32, overflow: bool) {
        if !self.adapts {
            return;
        }
        self.searching &= usable == 0;
        self.usable_steps = if overflow { 0 } else { self.usable_steps + usable };
        if overflow {
            self.factor = (self.factor / 2.0).max(LEAST);
        } else if self.usable_steps >= PATIENCE {
            self.factor = (self.factor * 2.0).min(START * START);
            self.usable_steps = 0;
        }
    }

    /// The state for a checkpoint.
    pub fn save(&self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&self.factor.to_le_bytes());
        bytes[8..].copy_from_slice(&self.usable_steps.to_le_bytes());
        bytes
    }

    /// Puts a saved state back; a state that no run can have reached is left aside.
    pub fn load(&mut self, bytes: &[u8]) {
        let Some((factor, rest)) = bytes.split_first_chunk() else { return };
        let (factor, Some((steps, []))) = (f64::from_le_bytes(*factor), rest.split_first_chunk()) else { return };
        if self.adapts && (LEAST..=START * START).contains(&factor) {
            (self.factor, self.usable_steps) = (factor, u32::from_le_bytes(*steps));
            self.searching = factor == START && self.usable_steps == 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_falls_with_every_overflow_and_rises_slowly() {
        let mut scale = LossScale::new(Precision::F16);
        scale.observe(0, true);
        scale.observe(3, true);
        assert_eq!(scale.factor(), START / 4.0);
        (0..PATIENCE - 1).for_each(|_| scale.observe(1, false));
        assert_eq!(scale.factor(), START / 4.0);
        scale.observe(16, false);
        assert_eq!(scale.factor(), START / 2.0);
        (0..100).for_each(|_| scale.observe(0, true));
        assert!(scale.factor() == LEAST && !scale.can_fall());
    }

    #[test]
    fn a_saved_factor_comes_back_and_a_broken_one_does_not() {
        let mut scale = LossScale::new(Precision::F16);
        scale.observe(0, true);
        scale.observe(7, false);
        let mut other = LossScale::new(Precision::F16);
        other.load(&scale.save());
        assert_eq!(other, scale);
        for broken in [&[][..], &[1; 5], &[0xff; 12], &[0; 12]] {
            other.load(broken);
            assert_eq!(other, scale);
        }
    }

    #[test]
    fn other_precisions_are_left_alone() {
        for precision in [Precision::F32, Precision::Bf16] {
            let mut scale = LossScale::new(precision);
            scale.observe(0, true);
            assert!(scale.factor() == 1.0 && !scale.can_fall());
        }
    }
}
