//! Choosing the threshold by what it may cost, and the rates it then has; used by Evaluate and Verify alike.
//!
//! Not the computation itself (`eval::operating_point`), but its memory: with a million pairs it takes longer than a frame,
//! so it is done once per run and rule and kept.

use super::figures::{count_text, far_text, rule_text};
use super::segmented::{Segment, segmented};
use crate::eval::{ErrorRates, OperatingPoint, OperatingRule, operating_point};
use eframe::egui::Ui;
use std::sync::Arc;

/// False accept rates offered as a button.
const OFFERED_FAR: [f64; 4] = [0.1, 0.01, 0.001, 0.0001];

/// With less room than this the false accept rates stand without "FAR", in points.
const SPELLED_OUT_PT: f32 = 440.0;

/// The operating point of one run, computed when the run or the rule changes.
#[derive(Debug, Default)]
pub struct OperatingMemory {
    held: Option<(Arc<ErrorRates>, OperatingRule, OperatingPoint)>,
}

impl OperatingMemory {
    /// The operating point of `rates` under `rule`.
    pub fn get(&mut self, rates: &Arc<ErrorRates>, rule: OperatingRule) -> OperatingPoint {
        if let Some((held_rates, held_rule, point)) = &self.held
            && Arc::ptr_eq(held_rates, rates)
            && *held_rule == rule
        {
            return point.clone();
        }
        let point = operating_point(rates, rule);
        self.held = Some((Arc::clone(rates), rule, point.clone()));
        point
    }
}

/// Fewest impostor pairs with which a false accept rate can be measured.
pub fn pairs_needed(far: f64) -> usize {
    // 1 / 0.1 is 10.000000000000002 in some roundings; half a pair is not asked for.
    (1.0 / far.max(f64::MIN_POSITIVE) - 1e-6).ceil() as usize
}

/// Buttons for the rules; rates that the pairs at hand cannot measure are shown, but refused with the reason.
pub fn rule_chooser(ui: &mut Ui, rule: OperatingRule, n_impostor: usize) -> Option<OperatingRule> {
    let spelled_out = ui.available_size_before_wrap().x >= SPELLED_OUT_PT;
    let label = |rule: OperatingRule| match rule {
        OperatingRule::Far(far) if !spelled_out => far_text(far),
        _ => rule_text(rule),
    };
    let eer = "Equal error rate: the threshold at which as many impostor pairs are accepted as genuine pairs rejected";
    let mut segments = vec![Segment::new(OperatingRule::Eer, rule_text(OperatingRule::Eer), eer)];
    for far in OFFERED_FAR {
        let needed = pairs_needed(far);
        let measurable = n_impostor >= needed;
        let (label, name) = (label(OperatingRule::Far(far)), rule_text(OperatingRule::Far(far)));
        let tooltip = if measurable {
            format!(
                "False accept rate: the lowest threshold that accepts at most one in {} impostor pairs",
                count_text(needed)
            )
        } else {
            format!("Needs at least {} impostor pairs; there are {}", count_text(needed), count_text(n_impostor))
        };
        segments.push(Segment { value: OperatingRule::Far(far), label, name, tooltip, enabled: measurable });
    }
    if !segments.iter().any(|segment| segment.value == rule) {
        let chosen = Segment::new(rule, label(rule), "The false accept rate chosen on the DET curve");
        segments.push(Segment { name: rule_text(rule), ..chosen });
    }
    segmented(ui, segments, &rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_one_in_n_needs_n_pairs() {
        let needed: Vec<usize> = OFFERED_FAR.iter().map(|&far| pairs_needed(far)).collect();
        assert_eq!(needed, [10, 100, 1000, 10_000]);
    }

    #[test]
    fn the_point_follows_the_rule_and_the_run() {
        let rates = |shift: f32| {
            let genuine: Vec<f32> = (0..100).map(|i| shift + i as f32 / 200.0).collect();
            let impostor: Vec<f32> = (0..100).map(|i| i as f32 / 200.0).collect();
            Arc::new(ErrorRates::new(&genuine, &impostor).expect("finite"))
        };
        let (first, second) = (rates(0.2), rates(0.3));
        let mut memory = OperatingMemory::default();
        let eer = memory.get(&first, OperatingRule::Eer);
        assert_eq!(eer, operating_point(&first, OperatingRule::Eer));
        assert_ne!(memory.get(&first, OperatingRule::Far(0.01)), eer);
        assert_ne!(memory.get(&second, OperatingRule::Eer), eer);
        assert_eq!(memory.get(&first, OperatingRule::Eer), eer);
    }
}
