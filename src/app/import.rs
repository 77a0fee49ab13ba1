//! A file of weights on its way to becoming a run: looked at, shown with what it is, imported when a person says so.
//!
//! There is one sheet, of the file that was chosen or dropped last. An import under way goes on when another file is
//! looked at; a look does not.

use super::action::{Action, Effect};
use super::notice::{Notice, Severity};
use super::state::{State, Workspace};
use super::update::{go, refresh_runs, start, supersede};
use crate::train::{FoundNetwork, Network, PreprocessChange, PreprocessPreset, WeightsLook};
use crate::worker::protocol::{JobId, JobKind, Request};
use std::path::PathBuf;
use std::sync::Arc;

/// The sheet of a file of weights.
#[derive(Clone, Debug)]
pub struct ImportView {
    /// The file.
    pub weights: PathBuf,
    /// The look or the import under way.
    pub job: Option<JobId>,
    /// What the file is, once that is known.
    pub look: Option<Arc<WeightsLook>>,
    /// How the network is to see pixels.
    pub form: PreprocessForm,
    /// Why the file was not read or not imported.
    pub error: Option<Notice>,
}

/// How far a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportPhase {
    /// It is being read.
    Looking,
    /// It could not be read.
    Unread,
    /// No run can be made of it.
    Refused,
    /// A run can be made of it.
    Ready,
    /// A run is being made of it.
    Importing,
}

impl ImportView {
    /// How far the file is.
    pub fn phase(&self) -> ImportPhase {
        match (&self.look, self.job) {
            (None, Some(_)) => ImportPhase::Looking,
            (None, None) => ImportPhase::Unread,
            (Some(_), Some(_)) => ImportPhase::Importing,
            (Some(look), None) if look.usable().is_some() => ImportPhase::Ready,
            (Some(_), None) => ImportPhase::Refused,
        }
    }

    /// The network, where a run can be made of it.
    pub fn usable(&self) -> Option<&FoundNetwork> {
        self.look.as_ref()?.usable()
    }

    /// Name of the file.
    pub fn name(&self) -> String {
        self.weights.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// Where mean and deviation come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PreprocessChoice {
    /// From the project whose network it is, with its order of colours.
    #[default]
    AsProject,
    /// From a preset.
    Preset(PreprocessPreset),
    /// From the person.
    Own,
}

/// How imported weights are to see pixels, as it is chosen and typed. Of a grey network the first numbers count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreprocessForm {
    /// Where mean and deviation come from.
    pub choice: PreprocessChoice,
    /// Own means of red, green and blue, as shares of 255.
    pub mean: [String; 3],
    /// Own deviations.
    pub std: [String; 3],
    /// The network takes blue, green, red; counts unless the choice is the project's.
    pub blue_first: bool,
    /// The embedding of the mirrored image is added.
    pub add_mirror: bool,
}

impl PreprocessForm {
    /// What the network's project does; its numbers are what own ones begin with.
    fn of(network: &Network) -> Self {
        let Network { preprocess, add_mirror, .. } = network;
        Self {
            choice: PreprocessChoice::AsProject,
            mean: preprocess.mean.map(|number| number.to_string()),
            std: preprocess.std.map(|number| number.to_string()),
            blue_first: preprocess.blue_first,
            add_mirror: *add_mirror,
        }
    }

    /// The own means as numbers.
    ///
    /// # Errors
    /// What they must be.
    pub fn own_mean(&self, channels: u32) -> Result<[f32; 3], &'static str> {
        numbers(&self.mean, channels, PreprocessChange::check_mean)
    }

    /// The own deviations as numbers.
    ///
    /// # Errors
    /// What they must be.
    pub fn own_std(&self, channels: u32) -> Result<[f32; 3], &'static str> {
        numbers(&self.std, channels, PreprocessChange::check_std)
    }

    /// What is asked of the import for a network that takes images of `channels` channels.
    ///
    /// # Errors
    /// Which of the own numbers cannot be used.
    pub fn change(&self, channels: u32) -> Result<PreprocessChange, &'static str> {
        let numbers = match self.choice {
            PreprocessChoice::AsProject => {
                return Ok(PreprocessChange { add_mirror: Some(self.add_mirror), ..PreprocessChange::default() });
            }
            PreprocessChoice::Preset(preset) => preset.change(),
            PreprocessChoice::Own => PreprocessChange {
                mean: Some(self.own_mean(channels)?),
                std: Some(self.own_std(channels)?),
                ..PreprocessChange::default()
            },
        };
        let blue_first = Some(self.blue_first && channels == 3);
        Ok(PreprocessChange { blue_first, add_mirror: Some(self.add_mirror), ..numbers })
    }
}

/// What is no number is refused in the words for numbers that cannot be used.
fn numbers(
    typed: &[String; 3],
    channels: u32,
    check: fn(f32) -> Result<(), &'static str>,
) -> Result<[f32; 3], &'static str> {
    let number = |text: &String| {
        let number = text.trim().replace(',', ".").parse().unwrap_or(f32::NAN);
        check(number).map(|()| number)
    };
    let [red, green, blue] = typed;
    let first = number(red)?;
    if channels == 1 { Ok([first; 3]) } else { Ok([first, number(green)?, number(blue)?]) }
}

/// What a person can do with the sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportAction {
    /// What was chosen and typed.
    Write(PreprocessForm),
    /// Make the run.
    Start,
    /// Put the sheet away and stop what is under way.
    Cancel,
}

impl From<ImportAction> for Action {
    fn from(action: ImportAction) -> Self {
        Self::Import(action)
    }
}

/// Does what a person asked for.
pub(super) fn update(state: &mut State, action: ImportAction) -> Vec<Effect> {
    match action {
        ImportAction::Write(form) => {
            if let Some(view) = &mut state.import {
                view.form = form;
            }
            Vec::new()
        }
        ImportAction::Start => import(state),
        ImportAction::Cancel => {
            let job = state.import.take().and_then(|view| view.job);
            state.cancel(job);
            Vec::new()
        }
    }
}

/// Looks at a file and shows it on the page of runs.
pub(super) fn look(state: &mut State, weights: PathBuf) -> Vec<Effect> {
    supersede(state, JobKind::LookAtWeights);
    let (job, mut effects) = start(state, Request::LookAtWeights { weights: weights.clone() });
    let form = PreprocessForm::default();
    state.import = Some(ImportView { weights, job: Some(job), look: None, form, error: None });
    effects.extend(go(state, Workspace::Runs));
    effects
}

/// It is known what the file is.
pub(super) fn looked(state: &mut State, job: JobId, look: Arc<WeightsLook>) -> Vec<Effect> {
    let Some(view) = state.import.as_mut().filter(|view| view.job == Some(job)) else { return Vec::new() };
    view.job = None;
    view.form = look.usable().map(|found| PreprocessForm::of(&found.info.network)).unwrap_or_default();
    view.look = Some(look);
    Vec::new()
}

fn import(state: &mut State) -> Vec<Effect> {
    let Some(view) = state.import.as_ref().filter(|view| view.phase() == ImportPhase::Ready) else {
        return Vec::new();
    };
    let Some(network) = view.usable() else { return Vec::new() };
    // The button says why it cannot be pressed.
    let Ok(preprocess) = view.form.change(network.info.network.preprocess.channels) else { return Vec::new() };
    let request = Request::Import { weights: view.weights.clone(), root: state.runs_root.clone(), preprocess };
    let (job, effects) = start(state, request);
    if let Some(view) = &mut state.import {
        view.job = Some(job);
        view.error = None;
    }
    effects
}

/// Weights became a run, which is used at once, unless it came too late to be stopped.
pub(super) fn imported(state: &mut State, job: JobId, run: PathBuf, flavour: &str) -> Vec<Effect> {
    let view = state.import.take_if(|view| view.job == Some(job));
    let net = view.as_ref().and_then(ImportView::usable).map(|network| network.info.network.embedder.net.label());
    let what = net.map(|net| format!("{net}, ")).unwrap_or_default();
    let name = run.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if state.job(job).is_some_and(|view| view.control.is_cancelled()) {
        let notice = Notice::new(Severity::Info, format!("{name} was imported before it could be stopped"));
        state.notify(notice.hint("Runs has it; its menu there moves it to the bin."));
        return refresh_runs(state);
    }
    let next = if state.open_data().is_some() {
        "Next, measure a threshold for it on your own images: Measure, in Runs, takes those that are open."
    } else {
        "Next, measure a threshold for it on your own images: open them in Data, then choose Measure beside the run."
    };
    state.notify(Notice::new(Severity::Success, format!("{name} was imported: {what}{flavour}")).hint(next));
    state.active_run = Some(run);
    state.verify.result = None;
    refresh_runs(state)
}

/// A look or an import is over; `notice` when it failed.
pub(super) fn ended(state: &mut State, job: JobId, notice: Option<Notice>) {
    let seen = state.workspace == Workspace::Runs;
    let Some(view) = state.import.as_mut().filter(|view| view.job == Some(job)) else {
        // An import that went on behind another sheet.
        if let Some(notice) = notice {
            state.notify(notice);
        }
        return;
    };
    view.job = None;
    view.error.clone_from(&notice);
    match notice {
        Some(notice) if !seen => state.notify(notice),
        // Stopped before anything was known: there is nothing to show.
        None if view.look.is_none() => state.import = None,
        _ => {}
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
pub(crate) use testing::look_of;

#[cfg(test)]
mod tests;
