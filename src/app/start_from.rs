//! The network of the run that the next one starts from. A worker reads it when the run is chosen: what a checkpoint says of
//! its network may name millions of classes, which is too long for every run of a list.

use super::action::Effect;
use super::history::rename_start;
use super::state::State;
use super::update::{start, supersede};
use crate::config::{ModelConfig, NETWORK_KEYS, RunConfig, Value};
use crate::train::Network;
use crate::worker::protocol::{JobId, JobKind, Request};
use std::path::{Path, PathBuf};

/// What is known of that network.
#[derive(Clone, Debug, Default)]
pub(super) struct StartNetwork {
    /// The run whose network is being read, and the job that does it.
    asked: Option<(JobId, PathBuf)>,
    /// The run whose network was read last; `None` in it when it had none.
    read: Option<(PathBuf, Option<Network>)>,
    /// What the settings were before a network was chosen; see [`let_go`].
    taken: Option<TakenOver>,
}

/// What the choice of a network changed of the settings.
#[derive(Clone, Debug)]
struct TakenOver {
    /// The run, as the settings name it.
    run: String,
    /// Setting, what it was, and what it became.
    settings: Vec<(&'static str, Value, Value)>,
}

impl State {
    /// The network that the next run starts from and takes over; `None` when it starts from scratch, from a run that the
    /// list does not know, or while the network is being read. The trainer reads it anew.
    pub(super) fn start_network(&self) -> Option<&Network> {
        let (run, network) = self.start_network.read.as_ref()?;
        network.as_ref().filter(|_| chosen(self) == Some(run.as_path()))
    }
}

/// The run that the next one starts from, if the list knows it.
fn chosen(state: &State) -> Option<&Path> {
    let start = state.config.train.start_from.trim();
    state.run_entry(Path::new(start)).map(|entry| entry.path.as_path())
}

/// The settings of a run that starts from the network of `run`, whose settings are `own`. What the network decides is set with
/// it, so that the form shows it. Whether the mirror image is added is told where the settings are checked against the data: a
/// person may have chosen it.
pub(super) fn take_over(state: &mut State, run: &Path, own: &RunConfig) -> RunConfig {
    let mut before = state.config.clone();
    let_go(state, &mut before);
    let mut config = before.clone();
    config.train.start_from = run.to_string_lossy().into_owned();
    config.model = ModelConfig { dropout: before.model.dropout, ..own.model.clone() };
    config.data.image_px = own.data.image_px;
    config.data.colour = own.data.colour;
    let change = |key: &'static str| Some((key, before.get(key).ok()?, config.get(key).ok()?));
    let settings = NETWORK_KEYS.into_iter().filter_map(change).collect();
    state.start_network.taken = Some(TakenOver { run: config.train.start_from.clone(), settings });
    config
}

/// Puts back into `config` what the network that is in force has decided of it: another one is chosen, or none. What a person has
/// changed since stays. Where nobody knows what was before, as with settings from a file, it is left to the program; the
/// backbone, which the program never chooses, stays.
pub(super) fn let_go(state: &State, config: &mut RunConfig) {
    let start = state.config.train.start_from.trim();
    if start.is_empty() {
        return;
    }
    let mut put_back = |key: &str, value: Value| {
        // What has no such value keeps what it has.
        config.set(key, value).ok();
    };
    match state.start_network.taken.as_ref().filter(|taken| taken.run.trim() == start) {
        Some(taken) => {
            for (key, was, became) in &taken.settings {
                if state.config.get(key).is_ok_and(|value| value == *became) {
                    put_back(key, was.clone());
                }
            }
        }
        None => NETWORK_KEYS.into_iter().for_each(|key| put_back(key, Value::Text("auto".to_owned()))),
    }
}

/// The run has another folder now, or none: settings that start from it follow, also those of runs of a series that have not
/// begun, and those that can be gone back to. `true` where the next run was to start from it, which is gone.
pub(super) fn moved(state: &mut State, before: &Path, after: Option<&Path>) -> bool {
    let Some(after) = after else {
        return state.config.train.starts_from(before);
    };
    rename_start(&mut state.config, before, after);
    if let Some(series) = &mut state.series {
        rename_start(series.settings_mut(), before, after);
    }
    state.history.rename_start(before, after);
    if let Some(taken) = &mut state.start_network.taken
        && Path::new(&taken.run) == before
    {
        taken.run = after.to_string_lossy().into_owned();
    }
    false
}

/// Other settings are in force: the network of the run that they start from is read, unless it is known.
pub(super) fn settings_changed(state: &mut State) -> Vec<Effect> {
    let is_known = state.start_network.read.as_ref().is_some_and(|(run, _)| chosen(state) == Some(run.as_path()));
    if is_known { Vec::new() } else { read(state) }
}

/// The list of runs was read: the run may have a network by now, or another one.
pub(super) fn runs_listed(state: &mut State) -> Vec<Effect> {
    read(state)
}

fn read(state: &mut State) -> Vec<Effect> {
    let Some(run) = chosen(state).map(Path::to_owned) else { return Vec::new() };
    // Settings may change many times a second.
    if state.start_network.asked.as_ref().is_some_and(|(_, asked)| *asked == run) {
        return Vec::new();
    }
    supersede(state, JobKind::ReadNetwork);
    let (job, effects) = start(state, Request::ReadNetwork { run: run.clone() });
    state.start_network.asked = Some((job, run));
    effects
}

/// A network was read; the plan follows it.
pub(super) fn network_read(state: &mut State, job: JobId, run: PathBuf, network: Option<Network>) -> Vec<Effect> {
    let is_asked = state.start_network.asked.take_if(|(asked, _)| *asked == job).is_some();
    if !is_asked || chosen(state) != Some(run.as_path()) {
        return Vec::new();
    }
    let before = state.start_network().cloned();
    state.start_network.read = Some((run, network));
    if state.start_network() != before.as_ref() {
        state.refresh_preview();
    }
    Vec::new()
}

/// The job is over, or could not be begun.
pub(super) fn ended(state: &mut State, job: JobId) {
    drop(state.start_network.asked.take_if(|(asked, _)| *asked == job));
}
