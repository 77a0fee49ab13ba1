//! What a run that goes on can still take on.

use crate::cli::{args, output};
use crate::config::RunConfig;
use clap::ArgMatches;
use std::path::Path;

/// What was typed of the settings that a run takes on when it goes on.
pub(super) struct Changes {
    pub epochs: Option<u32>,
    pub device: Option<String>,
    /// Where the run lies now that it started from.
    pub start_from: Option<String>,
}

impl Changes {
    pub fn of(matches: &ArgMatches, asked: &RunConfig) -> Self {
        Self {
            epochs: args::is_typed(matches, "train.epochs").then_some(asked.train.epochs),
            device: args::is_typed(matches, "train.device").then(|| asked.train.device.clone()),
            start_from: args::is_typed(matches, "train.start_from").then(|| asked.train.start_from.clone()),
        }
    }

    /// The settings of a run with the changes. It can become longer, not shorter.
    pub fn made_to(&self, own: &RunConfig) -> RunConfig {
        let mut config = own.as_asked();
        config.train.epochs = config.train.epochs.max(self.epochs.unwrap_or_default());
        if let Some(device) = &self.device {
            config.train.device.clone_from(device);
        }
        if let Some(start_from) = self.start_from.as_ref().filter(|_| own.train.is_fine_tuned()) {
            config.train.start_from.clone_from(start_from);
        }
        config
    }

    /// As they are typed behind a command, each with a space in front of it.
    pub fn typed_again(&self) -> String {
        let text = |flag: &str, value: &String| format!(" --{flag} {}", output::typed(Path::new(value)));
        let epochs = self.epochs.map(|epochs| format!(" --epochs {epochs}"));
        let device = self.device.as_ref().map(|device| text("device", device));
        let start_from = self.start_from.as_ref().filter(|start_from| !start_from.trim().is_empty());
        let start_from = start_from.map(|start_from| text("start-from", start_from));
        [epochs, device, start_from].into_iter().flatten().collect()
    }
}
