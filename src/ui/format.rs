//! Durations, sizes and numbers as people read them; rates and counts are in `widgets/figures.rs`.

/// `1 h 05 min`, `3 min 20 s`, `12 s`.
pub fn duration(seconds: f64) -> String {
    let seconds = seconds.clamp(0.0, 1e9).round() as u64;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest} s"),
        (0, _) => format!("{minutes} min {rest:02} s"),
        _ => format!("{hours} h {minutes:02} min"),
    }
}

/// `412 MB`, `1.3 GB`.
pub fn bytes(bytes: u64) -> String {
    let megabytes = bytes as f64 / 1e6;
    if megabytes < 1000.0 { format!("{megabytes:.0} MB") } else { format!("{:.1} GB", megabytes / 1000.0) }
}

/// A number with about three significant digits: `0.0012`, `1.34`, `1.2e-5`.
pub fn significant(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if !(1e-4..1e6).contains(&size) {
        format!("{number:.1e}")
    } else {
        let digits = (2 - size.log10().floor() as i32).clamp(0, 6) as usize;
        let text = format!("{number:.digits$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_like_numbers() {
        assert_eq!([duration(8.4), duration(200.0), duration(3900.0)], ["8 s", "3 min 20 s", "1 h 05 min"]);
        assert_eq!([bytes(412_000_000), bytes(1_340_000_000)], ["412 MB", "1.3 GB"]);
        assert_eq!(
            [significant(0.001_234), significant(1.3), significant(128.0), significant(1.2e-5), significant(0.0)],
            ["0.00123", "1.3", "128", "1.2e-5", "0"]
        );
        assert_eq!([duration(f64::INFINITY).is_empty(), duration(-3.0) == "0 s"], [false, true]);
    }
}
