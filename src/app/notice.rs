//! What the program says on its own: a headline, the causes, and what to do.

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

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A failed job.
    pub fn from_error(error: &JobError) -> Self {
        Self {
            id: NoticeId(0),
            severity: Severity::Error,
            headline: error.headline.clone(),
            causes: error.causes.clone(),
            hint: error.hint.clone(),
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
