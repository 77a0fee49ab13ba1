//! Several measured times as one line and as JSON, and how much memory it took.

use crate::cli::output;
use serde_json::{Map, Value, json};

/// Times of the same work, in seconds.
#[derive(Clone, Debug)]
pub struct Timing {
    /// Ascending.
    seconds: Vec<f64>,
}

impl Timing {
    /// From times in any order, at least one.
    pub fn new(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        Self { seconds }
    }

    /// The time at a share of the way from the fastest (0) to the slowest (1).
    fn at(&self, share: f64) -> f64 {
        let last = self.seconds.len().saturating_sub(1) as f64;
        self.seconds.get((last * share).round() as usize).copied().unwrap_or(f64::NAN)
    }

    /// The middle one.
    pub fn median(&self) -> f64 {
        self.at(0.5)
    }

    /// "12.1 ms [11.8 to 13.0]".
    pub fn words(&self) -> String {
        let ms = |share| self.at(share) * 1e3;
        format!("{:.1} ms [{:.1} to {:.1}]", ms(0.5), ms(0.0), ms(1.0))
    }

    /// Median, fastest and slowest under names that begin with `name`.
    pub fn put(&self, name: &str, object: &mut Map<String, Value>) {
        for (end, share) in [("median", 0.5), ("min", 0.0), ("max", 1.0)] {
            object.insert(format!("{name}_ms_{end}"), json!(rounded(self.at(share) * 1e3)));
        }
    }
}

/// Three decimals are more than any clock here can promise.
pub fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// Prints rows of (name, value), and the object if it was asked for.
pub fn report(title: &str, rows: &[(&str, String)], object: Map<String, Value>, as_json: bool) {
    output::line(title);
    for (name, value) in rows {
        output::line(format!("{name:<12} {value}"));
    }
    if as_json {
        output::json(&Value::Object(object));
    }
}

/// The most memory this process ever held, in MiB; `None` where the system does not tell.
pub fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kib| kib / 1024)
}

/// The same in words.
pub fn peak_words(mib: Option<u64>) -> String {
    mib.map_or("unknown".to_owned(), |mib| format!("{mib} MiB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one_and_the_ends_are_the_ends() {
        let timing = Timing::new(vec![0.5, 0.1, 0.2, 9.0, 0.3]);
        assert_eq!((timing.median(), timing.at(0.0), timing.at(1.0)), (0.3, 0.1, 9.0));
        assert_eq!(timing.words(), "300.0 ms [100.0 to 9000.0]");
        let mut object = Map::new();
        timing.put("step", &mut object);
        assert_eq!(object["step_ms_median"], json!(300.0));
    }
}
