//! Undo and redo of the settings: whole configurations, because they are small.

use crate::config::RunConfig;

/// Oldest states are forgotten beyond this many.
const LIMIT: usize = 200;

/// The settings before and after the present ones.
#[derive(Clone, Debug, Default)]
pub struct History {
    past: Vec<RunConfig>,
    future: Vec<RunConfig>,
    /// Setting changed last: dragging one slider is one step, not hundreds.
    last_key: Option<String>,
}

impl History {
    /// Remembers `before`, unless the same setting is still being changed.
    pub fn remember(&mut self, before: &RunConfig, key: Option<&str>) {
        self.future.clear();
        if key.is_some() && self.last_key.as_deref() == key {
            return;
        }
        self.last_key = key.map(str::to_owned);
        self.past.push(before.clone());
        if self.past.len() > LIMIT {
            self.past.remove(0);
        }
    }

    /// The next change starts a new step (focus moved, mouse released).
    pub fn seal(&mut self) {
        self.last_key = None;
    }

    /// One step back.
    pub fn undo(&mut self, present: &RunConfig) -> Option<RunConfig> {
        let before = self.past.pop()?;
        self.future.push(present.clone());
        self.last_key = None;
        Some(before)
    }

    /// One step forward.
    pub fn redo(&mut self, present: &RunConfig) -> Option<RunConfig> {
        let after = self.future.pop()?;
        self.past.push(present.clone());
        self.last_key = None;
        Some(after)
    }

    /// Is there something to undo?
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Is there something to redo?
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }
}
