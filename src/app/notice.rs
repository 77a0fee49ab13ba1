//! What the program says on its own: a headline, the causes, and what to do.

use crate::config::{window_text, with_labels};
use crate::worker::protocol::JobError;

/// Names a notice so that it can be dismissed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NoticeId(pub u64);

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Good to know; goes away by itself.
    Info,
    /// Done; goes away by itself.
    Success,
    /// Something was left out or repaired.
    Warning,
    /// Something did not work.
    Error,
}

/// A message to the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Name.
    pub id: NoticeId,
    /// Weight.
    pub severity: Severity,
    /// What happened, in one sentence.
    pub headline: String,
    /// Causes, outermost first; shown on request.
    pub causes: Vec<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl Notice {
    /// A notice with a headline only; the state gives it its id.
    pub fn new(severity: Severity, headline: impl Into<String>) -> Self {
        Self { id: NoticeId(0), severity, headline: headline.into(), causes: Vec::new(), hint: None }
    }

    /// What the core says, in the words that the terminal prints as well: they begin with a small letter and name settings by
    /// their keys, which nobody sees in the window.
    pub(super) fn told(severity: Severity, words: &str) -> Self {
        Self::new(severity, window_text(words))
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A failed job.
    pub fn from_error(error: &JobError) -> Self {
        Self {
            causes: error.causes.iter().map(|cause| with_labels(cause)).collect(),
            hint: error.hint.as_deref().map(with_labels),
            ..Self::told(Severity::Error, &error.headline)
        }
    }

    /// All of it as text, for copying.
    pub fn text(&self) -> String {
        let mut text = self.headline.clone();
        for cause in &self.causes {
            text += &format!("\n  because: {cause}");
        }
        if let Some(hint) = &self.hint {
            text += &format!("\n{hint}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::TrainError;

    #[test]
    fn the_core_s_words_begin_with_a_capital_and_name_settings_by_their_labels() {
        let told = Notice::told(Severity::Warning, "the run ended early, as train.stop_after asks");
        assert_eq!(told.headline, "The run ended early, as \"Stop early\" asks");
        let words = |words: &str| words.to_owned();
        let error = JobError {
            headline: words("lower train.batch"),
            causes: vec![words("train.batch is 9")],
            hint: Some(words("Set train.batch.")),
            ..JobError::default()
        };
        let notice = Notice::from_error(&error);
        assert_eq!(notice.text(), "Lower \"Batch size\"\n  because: \"Batch size\" is 9\nSet \"Batch size\".");
        assert_eq!(notice.severity, Severity::Error);
        let diverged = TrainError::Diverged { step: 7, rewinds: 3, lr: 0.1, has_checkpoint: true };
        for error in [diverged, TrainError::Compute("no memory".into())] {
            let told = Notice::told(Severity::Error, &error.to_string()).headline;
            assert!(told.starts_with("The ") && !told.contains("train.") && !told.contains("data."), "{told}");
        }
        // What the window says itself may begin with the name of a file.
        assert_eq!(Notice::new(Severity::Success, "det.csv was written").headline, "det.csv was written");
    }
}
