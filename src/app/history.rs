//! Undo and redo of the settings and of excluded images: whole configurations and whole lists, because they are small.

use crate::config::RunConfig;
use std::path::Path;

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

    /// A run has another folder now: settings that start from it, and can be gone back or forward to, name the new one.
    pub fn rename_start(&mut self, before: &Path, after: &Path) {
        for step in self.past.iter_mut().chain(&mut self.future) {
            if let Step::Settings(config) = step {
                rename_start(config, before, after);
            }
        }
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

    /// The step back to these excluded images was not made, because they could not be kept: it can be tried again. Settings
    /// may have changed meanwhile; then nothing can be redone, and it is the next step back all the same.
    pub fn put_back_undo(&mut self, excluded: Vec<u32>) {
        if self.future.last().is_some_and(Step::is_excluded) {
            self.future.pop();
        }
        self.push(Step::Excluded(excluded));
    }

    /// As [`Self::put_back_undo`], of a step forward. Where settings changed meanwhile it is gone, as after any change.
    pub fn put_back_redo(&mut self, excluded: Vec<u32>) {
        let Some(there) = self.past.iter().rposition(Step::is_excluded) else { return };
        self.past.remove(there);
        if there == self.past.len() {
            self.future.push(Step::Excluded(excluded));
        }
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

/// Settings that start from the run at `before` start from `after`; others stay as they are.
pub(super) fn rename_start(config: &mut RunConfig, before: &Path, after: &Path) {
    if config.train.starts_from(before) {
        config.train.start_from = after.to_string_lossy().into_owned();
    }
}

impl Step {
    fn is_excluded(&self) -> bool {
        matches!(self, Self::Excluded(_))
    }

    /// The same thing as it is now.
    fn present(&self, config: &RunConfig, excluded: &[u32]) -> Self {
        match self {
            Self::Settings(_) => Self::Settings(Box::new(config.clone())),
            Self::Excluded(_) => Self::Excluded(excluded.to_vec()),
        }
    }
}
