//! The network of the run that the next one starts from. A worker reads it when the run is chosen: what a checkpoint says of
//! its network may name millions of classes, which is too long for every run of a list.

use super::action::Effect;
use super::state::State;
use super::update::{start, supersede};
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
