//! What the commands print: results, progress, one error.
#![expect(clippy::print_stderr, reason = "this is the one place that writes to the terminal")]

use crate::eval::percent_digits;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// Plain progress lines come at most this often.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Writes the log to standard error: errors only, unless asked for more. What a person should know, warnings among it, is said
/// by the command itself.
pub fn start_log(verbose: bool) {
    use tracing_subscriber::EnvFilter;
    let default = if verbose { "arclens=debug,warn" } else { "error" };
    let filter = EnvFilter::try_from_env("ARCLENS_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    // A second logger (in tests) is not worth stopping for.
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init().ok();
}

/// The one message of a failed command.
pub fn error(error: &anyhow::Error) {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Wrappers repeat their cause in their own words.
        if !text.contains(&cause) {
            text += &format!(": {cause}");
        }
    }
    if let Some(hint) = error.downcast_ref::<crate::train::TrainError>().and_then(crate::train::TrainError::hint) {
        text += &format!("\n{hint}");
    }
    eprintln!("error: {text}");
}

/// A line of result on standard output, as it is: names of files in it may be read by programs. A closed pipe is no reason
/// to fail.
pub fn line(text: impl AsRef<str>) {
    writeln!(std::io::stdout(), "{}", text.as_ref()).ok();
}

/// A warning on standard error.
pub fn warning(text: impl AsRef<str>) {
    eprintln!("warning: {}", text.as_ref());
}

/// Images that could not be read, as warnings.
pub fn left_out(warnings: &crate::data::Warnings) {
    for group in warnings.groups() {
        let examples = group.examples.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
        warning(format!("{} ({examples})", group.headline));
    }
}

/// The JSON object, as the last line of standard output.
pub fn json(value: &serde_json::Value) {
    writeln!(std::io::stdout(), "{value}").ok();
}

/// A value with its 32-bit numbers as short as they were meant: a JSON value holds 64 bits, and 0.485 would be
/// 0.48500001430511475.
pub fn as_meant(value: &impl serde::Serialize) -> serde_json::Value {
    // What is written with 32 bits is read with 64.
    serde_json::to_string(value).and_then(|text| serde_json::from_str(&text)).unwrap_or_default()
}

/// Shows how far a job is: a bar on a terminal, a line now and then elsewhere.
pub struct Meter {
    bar: Option<ProgressBar>,
    label: String,
    last: Instant,
}

impl Meter {
    /// A meter for a job with this name.
    pub fn new(label: &str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
            let style = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
            bar.set_prefix(label.to_owned());
            bar
        });
        Self { bar, label: label.to_owned(), last: Instant::now() }
    }

    /// Reports progress; `message` stands behind the bar.
    pub fn report(&mut self, done: u64, total: u64, message: &str) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(message.to_owned());
        } else if self.last.elapsed() >= LINE_EVERY {
            self.last = Instant::now();
            eprintln!("{} {done}/{total} {message}", self.label);
        }
    }

    /// A line that stays, above the bar.
    pub fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A path as it is typed in a shell, for commands that are told.
pub fn typed(path: &Path) -> String {
    // What parts words, commands or names in the shells of any system, unless it is quoted.
    let is_special = |letter: char| letter.is_whitespace() || "&;|<>()[]{}*?'#".contains(letter);
    let text = path.display().to_string();
    if text.contains(is_special) { format!("\"{text}\"") } else { text }
}

/// A rate as a percentage: two decimals, and more where what is almost none or almost all would be shown as none or all.
pub fn percent(rate: f64) -> String {
    let percent = rate * 100.0;
    format!("{percent:.*} %", percent_digits(percent).max(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_spaces_or_signs_is_told_so_that_it_can_be_typed() {
        let told = |path: &str| typed(Path::new(path));
        assert_eq!(["my faces", "Ann & Bob", "a(1)"].map(told), ["\"my faces\"", "\"Ann & Bob\"", "\"a(1)\""]);
        assert_eq!(
            ["faces", "../runs/2026-11-28_a.b", "Gesichter/Jürgen"].map(told),
            ["faces", "../runs/2026-11-28_a.b", "Gesichter/Jürgen"]
        );
    }

    #[test]
    fn what_is_almost_none_or_almost_all_is_not_shown_as_such() {
        let texts: Vec<String> = [0.0, 2e-6, 0.000_43, 0.151, 0.999_97, 1.0].into_iter().map(percent).collect();
        assert_eq!(texts, ["0.00 %", "0.00020 %", "0.043 %", "15.10 %", "99.997 %", "100.00 %"]);
    }
}
