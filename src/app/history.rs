//! Undo and redo of the settings and of excluded images: whole configurations and whole lists, because they are small.

use crate::config::RunConfig;

/// Oldest states are forgotten beyond this many.
const LIMIT: usize = 200;

/// Something as it was before a change.
#[derive(Clone, Debug)]
pub enum Step {
    /// The settings.
    Settings(Box<RunConfig>),
    /// The excluded images of the open data set.
    Excluded(Vec<u32>),
}

/// The settings and exclusions before and after the present ones.
#[derive(Clone, Debug, Default)]
pub struct History {
    past: Vec<Step>,
    future: Vec<Step>,
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
        self.push(Step::Settings(Box::new(before.clone())));
    }

    /// Remembers which images were excluded.
    pub fn remember_excluded(&mut self, before: Vec<u32>) {
        self.future.clear();
        self.last_key = None;
        self.push(Step::Excluded(before));
    }

    fn push(&mut self, step: Step) {
        self.past.push(step);
        if self.past.len() > LIMIT {
            self.past.remove(0);
        }
    }

    /// Another data set is open: exclusions of the old one mean nothing there.
    pub fn forget_excluded(&mut self) {
        let is_setting = |step: &Step| matches!(step, Step::Settings(_));
        self.past.retain(is_setting);
        self.future.retain(is_setting);
    }

    /// The next change starts a new step (focus moved, mouse released).
    pub fn seal(&mut self) {
        self.last_key = None;
    }

    /// One step back: what to put back, given what is there now.
    pub fn undo(&mut self, config: &RunConfig, excluded: &[u32]) -> Option<Step> {
        let before = self.past.pop()?;
        self.future.push(before.present(config, excluded));
        self.last_key = None;
        Some(before)
    }

    /// One step forward.
    pub fn redo(&mut self, config: &RunConfig, excluded: &[u32]) -> Option<Step> {
        let after = self.future.pop()?;
        self.past.push(after.present(config, excluded));
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

impl Step {
    /// The same thing as it is now.
    fn present(&self, config: &RunConfig, excluded: &[u32]) -> Self {
        match self {
            Self::Settings(_) => Self::Settings(Box::new(config.clone())),
            Self::Excluded(_) => Self::Excluded(excluded.to_vec()),
        }
    }
}
