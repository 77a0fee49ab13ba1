//! The same settings over several seeds, one run after the other: what a measure is worth is its mean and its spread,
//! not the luckiest run.

use super::action::Effect;
use super::notice::{Notice, Severity};
use super::runs::MOST_COMPARED;
use super::state::State;
use super::training::begin_training;
use crate::config::RunConfig;
use crate::data::Catalog;
use crate::train::{MeanSd, Place, RunSummary, measures};
use std::sync::Arc;

/// Runs in a series at most.
pub const MOST_SEEDS: u32 = 20;

/// Runs that differ in their seed only.
#[derive(Clone, Debug)]
pub struct Series {
    /// How many.
    pub seeds: u32,
    config: RunConfig,
    catalog: Arc<Catalog>,
    done: Vec<RunSummary>,
    /// No run follows the one under way.
    is_stopping: bool,
}

impl Series {
    /// A series of as many runs as are asked for; none for a single one.
    pub(super) fn new(seeds: u32, config: &RunConfig, catalog: &Arc<Catalog>) -> Option<Self> {
        let (config, catalog) = (config.clone(), Arc::clone(catalog));
        (seeds > 1).then(|| Self { seeds, config, catalog, done: Vec::new(), is_stopping: false })
    }

    /// A person asked to stop: even if the run under way comes to its end just now, none follows.
    pub(super) fn stop(&mut self) {
        self.is_stopping = true;
    }

    /// The run under way, from 1.
    pub fn number(&self) -> usize {
        self.done.len() + 1
    }
}

/// Takes a finished run in and starts the next, or says what came of them.
pub(super) fn trained(state: &mut State, summary: &RunSummary) -> Vec<Effect> {
    let Some(series) = &mut state.series else { return Vec::new() };
    if summary.stopped {
        ended(state);
        return Vec::new();
    }
    series.done.push(summary.clone());
    if series.is_stopping || series.done.len() >= series.seeds as usize {
        ended(state);
        return Vec::new();
    }
    let mut config = series.config.clone();
    config.train.seed = config.train.seed.wrapping_add(series.done.len() as u32);
    let catalog = Arc::clone(&series.catalog);
    let place = Place::NewIn(state.runs_root.clone());
    begin_training(state, catalog, config, place)
}

/// The series is over, finished or not.
pub(super) fn ended(state: &mut State) {
    let Some(Series { seeds, config, done, .. }) = state.series.take() else { return };
    if done.len() < 2 {
        return;
    }
    let last = config.train.seed.wrapping_add(done.len() as u32 - 1);
    let of = |(name, measure): (&str, MeanSd)| match name {
        "eer" => Some(format!("EER {}", measure.percent_text())),
        "val_accuracy" => Some(format!("accuracy {}", measure.percent_text())),
        _ => None,
    };
    let rates: Vec<String> = measures(&done).into_iter().filter_map(of).collect();
    let of_all = if done.len() < seeds as usize { format!(" of {seeds}") } else { String::new() };
    let text = format!("{}{of_all} runs, seeds {} to {last}: {}", done.len(), config.train.seed, rates.join(", "));
    state.notify(
        Notice::new(Severity::Info, text)
            .hint("Mean and standard deviation over the runs, which are compared in Runs."),
    );
    state.runs_view.compared = done.into_iter().map(|summary| summary.run).take(MOST_COMPARED).collect();
}
