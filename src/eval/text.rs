//! Rates as people read them, in the window and in figures alike.
//!
//! Not arithmetic. The digits follow the size of the number, because "1.20000 %" claims a precision that a few hundred
//! pairs do not have, and "0.0 %" hides a rate that was measured.

/// Two significant digits of a percentage, but never fewer than one decimal below 99 % ("1.2", "0.043", "99.87"), and as
/// many as it takes not to say 100 of what is less ("99.998").
pub fn percent_digits(percent: f64) -> usize {
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
    }

    #[test]
    fn both_ends_of_an_interval_have_the_same_digits() {
        assert_eq!(interval_text(0.004, 0.031), "0.4–3.1 %");
        assert_eq!(interval_text(0.0, 0.0021), "0.00–0.21 %");
        assert_eq!(interval_text(0.95, 1.0), "95–100 %");
    }

    #[test]
    fn ticks_carry_no_trailing_zeros() {
        let texts: Vec<String> = [0.000_01, 0.001, 0.005, 0.1, 0.4].into_iter().map(tick_text).collect();
        assert_eq!(texts, ["0.001 %", "0.1 %", "0.5 %", "10 %", "40 %"]);
    }
}
