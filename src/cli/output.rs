//! What the commands print: results, progress, one error.
#![expect(clippy::print_stderr, reason = "this is the one place that writes to the terminal")]

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Plain progress lines come at most this often.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Stands between thousands in the window.
const THIN_SPACE: char = '\u{2009}';

/// Writes the log to standard error; warnings only, unless asked for more.
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

/// A line of result on standard output, in [`plain`] digits. A closed pipe is no reason to fail.
pub fn line(text: impl AsRef<str>) {
    write_line(&mut std::io::stdout(), text.as_ref());
}

fn write_line(out: &mut impl std::io::Write, text: &str) {
    writeln!(out, "{}", plain(text)).ok();
}

/// A text whose numbers have their digits together. The window's have a space between thousands, but what the commands
/// print is read by programs, too.
pub fn plain(text: &str) -> String {
    let mut parts = text.split(THIN_SPACE);
    let mut plain = parts.next().unwrap_or_default().to_owned();
    let is_digit = |letter: char| letter.is_ascii_digit();
    for part in parts {
        if !(plain.ends_with(is_digit) && part.starts_with(is_digit)) {
            plain.push(THIN_SPACE);
        }
        plain.push_str(part);
    }
    plain
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

/// A rate as a percentage with sensible digits.
pub fn percent(rate: f64) -> String {
    if rate < 0.001 { format!("{:.3} %", rate * 100.0) } else { format!("{:.2} %", rate * 100.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{classes_text, counted};

    #[test]
    fn the_numbers_of_a_line_have_their_digits_together_and_names_stay() {
        let mut out = Vec::new();
        let [images, classes] = [counted(1_234_567, "image"), classes_text(85_000)];
        write_line(&mut out, &format!("{images} of {classes} in a\u{2009}7\u{2009}b"));
        let expected = "1234567 images of 85000 classes in a\u{2009}7\u{2009}b\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
