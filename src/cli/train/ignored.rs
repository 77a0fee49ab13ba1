//! The flags that a run which goes on cannot follow.

use crate::cli::args;
use crate::config::{PARAMS, RunConfig};
use crate::train::is_same_place;
use clap::ArgMatches;
use std::path::Path;

/// The settings that `--margin` may stand for.
const MARGINS: [&str; 3] = ["loss.margin_factor", "loss.margin_rad", "loss.margin_cos"];

/// The flags that ask for something else than the run has, and cannot have it. One that repeats what the run was begun
/// with is none of them: the same command with `--resume` at its end is how a run goes on.
pub(super) fn ignored(matches: &ArgMatches, asked: &RunConfig, own: &RunConfig, is_series: bool) -> Vec<String> {
    let wish = Wish { asked, own, before: own.as_asked(), usual: RunConfig::default(), is_series };
    let is_of_file = |key: &str| !args::is_typed(matches, key) && wish.is_ignored_of_file(key);
    let is_ignored = |id: &str| match id {
        "margin" => MARGINS.iter().any(|key| wish.differs(key)),
        "config" | "preset" => PARAMS.iter().any(|spec| is_of_file(spec.key)),
        key => wish.is_ignored(key),
    };
    let typed = args::typed_settings(matches).into_iter();
    typed.filter(|(id, _)| is_ignored(id)).map(|(_, flag)| flag).collect()
}

/// The settings that are asked for of a run that has its own.
struct Wish<'a> {
    asked: &'a RunConfig,
    own: &'a RunConfig,
    /// What it was begun with: automatic settings as such.
    before: RunConfig,
    usual: RunConfig,
    is_series: bool,
}

impl Wish<'_> {
    /// The run neither has this nor was it begun with it.
    fn differs(&self, key: &str) -> bool {
        let wanted = self.asked.get(key).ok();
        wanted != self.own.get(key).ok() && wanted != self.before.get(key).ok()
    }

    /// A setting that was typed is not followed.
    fn is_ignored(&self, key: &str) -> bool {
        match key {
            "train.device" => false,
            "train.epochs" => self.asked.train.epochs < self.own.train.epochs,
            // The trainer finds out whether it is the same run.
            "train.start_from" if self.own.train.is_fine_tuned() && self.asked.train.is_fine_tuned() => false,
            // The first of a series is the one with this seed.
            "train.seed" if self.is_series => false,
            key => self.differs(key),
        }
    }

    /// A setting of a run file or a preset is not followed: nothing is taken on from these.
    fn is_ignored_of_file(&self, key: &str) -> bool {
        match key {
            // A run may be longer now than the file says that it was begun with.
            "train.epochs" => self.is_said(key) && self.asked.train.epochs > self.own.train.epochs,
            "train.device" => self.is_said(key),
            "train.seed" if self.is_series => self.is_said(key) && !self.is_first_seed(),
            "train.start_from" => {
                let place = |config: &RunConfig| Path::new(config.train.start_from.trim()).to_owned();
                !is_same_place(&place(self.asked), &place(self.own))
            }
            key => self.is_ignored(key),
        }
    }

    /// The file asks for something else. Where it says what is usual, it may only not have said anything else.
    fn is_said(&self, key: &str) -> bool {
        self.differs(key) && self.asked.get(key).ok() != self.usual.get(key).ok()
    }

    /// The series begins at the seed that is asked for.
    fn is_first_seed(&self) -> bool {
        let series = self.own.run.as_ref().and_then(|facts| facts.series.as_ref());
        series.is_some_and(|series| series.first_seed == self.asked.train.seed)
    }
}
