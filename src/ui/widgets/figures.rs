//! Numbers as people read them: rates in percent, intervals, counts, the names of operating rules.
//!
//! Not arithmetic; the digits of rates are `eval`'s, which figures in files share.

use crate::eval::{Decision, OperatingRule, percent_digits};

// Notices have counts too; a figure that is written to a file says its numbers in the same words.
pub use crate::app::{classes_spaced, count_text, counted_spaced};
pub use crate::eval::{interval_text, rate_text, tick_text};

/// The area under a ROC, in [0, 1], with as many digits as it takes not to say 1 of what is less.
pub fn auc_text(auc: f64) -> String {
    let almost_one = auc < 1.0 && auc > 0.9999;
    let digits = if almost_one { ((-(1.0 - auc).log10()).ceil() as usize).clamp(4, 8) } else { 4 };
    format!("{auc:.digits$}")
}

/// An accuracy over ten parts with its standard error, both in [0, 1], with one unit: `97.8 ± 0.52 %`.
pub fn accuracy_text(mean: f64, standard_error: f64) -> String {
    let mean = mean * 100.0;
    format!("{mean:.*} ± {}", percent_digits(mean), rate_text(standard_error))
}

/// The standard error of an accuracy over ten parts.
pub fn standard_error_text(error: f64) -> String {
    if error > 0.0 { format!("± {} standard error", rate_text(error)) } else { "the same in all ten parts".to_owned() }
}

/// How an operating rule is named on buttons.
pub fn rule_text(rule: OperatingRule) -> String {
    match rule {
        OperatingRule::Eer => "EER".to_owned(),
        OperatingRule::Far(far) => format!("FAR {}", far_text(far)),
    }
}

/// A false accept rate as a rule names it: a plain tick where it is one, else few digits.
pub fn far_text(far: f64) -> String {
    let tick = tick_text(far);
    // A dragged rate has more digits than anyone wants to read.
    if tick.len() <= 6 && tick != "0 %" { tick } else { rate_text(far) }
}

/// The verdict in words.
pub fn decision_text(decision: Decision) -> &'static str {
    match decision {
        Decision::Same => "Same",
        Decision::Different => "Different",
        Decision::Undecided => "Cannot tell",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_almost_perfect_is_not_called_perfect() {
        let texts: Vec<String> = [0.5, 0.9979, 0.999_98, 1.0].into_iter().map(auc_text).collect();
        assert_eq!(texts, ["0.5000", "0.9979", "0.99998", "1.0000"]);
        assert_eq!(standard_error_text(0.000_012), "± 0.0012 % standard error");
        assert_eq!(accuracy_text(0.999_58, 0.000_012), "99.96 ± 0.0012 %");
        assert_eq!(accuracy_text(0.978, 0.0052), "97.8 ± 0.52 %");
        assert_eq!(standard_error_text(0.0), "the same in all ten parts");
    }

    #[test]
    fn a_dragged_rule_is_named_with_few_digits() {
        assert_eq!(rule_text(OperatingRule::Far(0.01)), "FAR 1 %");
        assert_eq!(rule_text(OperatingRule::Far(0.0001)), "FAR 0.01 %");
        assert_eq!(rule_text(OperatingRule::Far(0.013_746_2)), "FAR 1.4 %");
        assert_eq!(rule_text(OperatingRule::Eer), "EER");
    }
}
