//! Numbers as people read them: rates in percent, intervals, counts, the names of operating rules.
//!
//! Not arithmetic. The digits follow the size of the number, because "1.20000 %" claims a precision that a few hundred
//! pairs do not have, and "0.0 %" hides a rate that was measured.

use crate::eval::{Decision, OperatingRule};

/// Two significant digits of a percentage, but never fewer than one decimal below 99 % ("1.2", "0.043", "99.87"), and as
/// many as it takes not to say 100 of what is less ("99.998").
fn percent_digits(percent: f64) -> usize {
    if percent <= 0.0 || percent >= 100.0 {
        0
    } else if percent > 99.99 {
        ((-(100.0 - percent).log10()).ceil() as usize).clamp(2, 7)
    } else if percent > 99.0 {
        2
    } else if percent >= 1.0 {
        1
    } else {
        // 0.1 … 1 → 2, 0.01 … 0.1 → 3, and so on.
        ((1.0 - percent.log10().floor()) as usize).clamp(2, 7)
    }
}

/// A rate in [0, 1] as a percentage: `0.0123` → `1.2 %`.
pub fn rate_text(rate: f64) -> String {
    let percent = rate * 100.0;
    format!("{percent:.*} %", percent_digits(percent))
}

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

/// An interval of rates with one unit: `0.4–3.1 %`.
pub fn interval_text(low: f64, high: f64) -> String {
    let (low, high) = (low * 100.0, high * 100.0);
    // Two ends with different digits ("0.043–1.2") read as two different measurements.
    let digits = percent_digits(high.max(low)).max(usize::from(low > 0.0 && low < 10.0));
    format!("{low:.digits$}–{high:.digits$} %")
}

/// A rate as it stands at a tick: no trailing zeros, so that 0.1 and 40 share an axis.
pub fn tick_text(rate: f64) -> String {
    let text = format!("{:.4}", rate * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A count with thin spaces between thousands; four digits are read at a glance and stay together.
pub fn count_text(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && digits.len() > 4 && (digits.len() - position).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

/// `1 image`, `12 images`.
pub fn counted(count: usize, singular: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {singular}{plural}", count_text(count))
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
    fn rates_have_the_digits_their_size_deserves() {
        let texts: Vec<String> =
            [0.0, 0.000_043, 0.0012, 0.0123, 0.25, 0.9987, 1.0].into_iter().map(rate_text).collect();
        assert_eq!(texts, ["0 %", "0.0043 %", "0.12 %", "1.2 %", "25.0 %", "99.87 %", "100 %"]);
    }

    #[test]
    fn what_is_almost_perfect_is_not_called_perfect() {
        let texts: Vec<String> = [0.999_96, 0.999_98, 0.999_999_4].into_iter().map(rate_text).collect();
        assert_eq!(texts, ["99.996 %", "99.998 %", "99.99994 %"]);
        let texts: Vec<String> = [0.5, 0.9979, 0.999_98, 1.0].into_iter().map(auc_text).collect();
        assert_eq!(texts, ["0.5000", "0.9979", "0.99998", "1.0000"]);
        assert_eq!(standard_error_text(0.000_012), "± 0.0012 % standard error");
        assert_eq!(accuracy_text(0.999_58, 0.000_012), "99.96 ± 0.0012 %");
        assert_eq!(accuracy_text(0.978, 0.0052), "97.8 ± 0.52 %");
        assert_eq!(standard_error_text(0.0), "the same in all ten parts");
    }

    #[test]
    fn both_ends_of_an_interval_have_the_same_digits() {
        assert_eq!(interval_text(0.004, 0.031), "0.4–3.1 %");
        assert_eq!(interval_text(0.0, 0.0021), "0.00–0.21 %");
        assert_eq!(interval_text(0.95, 1.0), "95–100 %");
    }

    #[test]
    fn ticks_carry_no_trailing_zeros() {
        let texts: Vec<String> = [0.001, 0.005, 0.1, 0.4].into_iter().map(tick_text).collect();
        assert_eq!(texts, ["0.1 %", "0.5 %", "10 %", "40 %"]);
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!(
            [count_text(999), count_text(1234), count_text(1_234_567)],
            ["999", "1234", "1\u{2009}234\u{2009}567"]
        );
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(
            [counted(1, "image"), counted(0, "image"), counted(20_000, "pair")],
            ["1 image", "0 images", "20\u{2009}000 pairs"]
        );
    }

    #[test]
    fn a_dragged_rule_is_named_with_few_digits() {
        assert_eq!(rule_text(OperatingRule::Far(0.01)), "FAR 1 %");
        assert_eq!(rule_text(OperatingRule::Far(0.0001)), "FAR 0.01 %");
        assert_eq!(rule_text(OperatingRule::Far(0.013_746_2)), "FAR 1.4 %");
        assert_eq!(rule_text(OperatingRule::Eer), "EER");
    }
}
