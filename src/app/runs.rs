//! The list of runs: in which order, which are compared, and what is done to their folders.

use super::action::{Action, Dialog, Effect};
use super::evaluate::is_surpassed;
use super::longer::{self, LongerView};
use super::notice::{Notice, Severity};
use super::run_edit::{self, RunEdit};
use super::series::{SeriesFacts, all_facts, continue_series};
use super::start_from;
use super::state::{State, TrainView, Workspace};
use super::training::is_noted;
use super::update::{open_data, replace_config, start};
use crate::config::{RunInfo, natural_order};
use crate::train::{EpochMetrics, ExportFormat};
use crate::worker::protocol::{Evaluation, JobId, JobKind, Request, RunChange, RunEntry};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What runs are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunOrder {
    /// Newest first.
    #[default]
    Newest,
    /// Name, ascending.
    Name,
    /// Lowest error rate first; runs without one last.
    BestEer,
    /// Loss, then newest.
    Loss,
    /// Data set, then newest.
    Data,
}

impl RunOrder {
    /// Every order, with its name on screen.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Newest, "newest first"),
        (Self::Name, "by name"),
        (Self::BestEer, "lowest EER first"),
        (Self::Loss, "by loss"),
        (Self::Data, "by data set"),
    ];

    fn compare(self, a: &RunEntry, b: &RunEntry) -> Ordering {
        // Begun at; the name of a renamed run no longer tells.
        let newest = || b.started().cmp(a.started()).then_with(|| natural_order(&b.name, &a.name));
        match self {
            Self::Newest => newest(),
            Self::Name => natural_order(&a.name, &b.name),
            Self::BestEer => {
                let rate = |run: &RunEntry| run.eer.unwrap_or(f64::INFINITY);
                rate(a).total_cmp(&rate(b)).then_with(newest)
            }
            Self::Loss => a.config.loss.head.label().cmp(b.config.loss.head.label()).then_with(newest),
            Self::Data => a.data_name().cmp(&b.data_name()).then_with(newest),
        }
    }
}

/// The page of runs.
#[derive(Clone, Debug, Default)]
pub struct RunsView {
    /// Order of the list.
    pub order: RunOrder,
    /// Runs compared, in the order they were chosen; their colour is the position.
    pub compared: Vec<PathBuf>,
    /// The dialog for name and note, when it is open.
    pub edit: Option<RunEdit>,
    /// Names and notes as they were typed, with the jobs that keep them. One that could not be kept, which says why, waits here
    /// until its dialog can be shown.
    pub(super) saving: Vec<(JobId, RunEdit)>,
    /// The dialog that makes a run longer, when it is open.
    pub longer: Option<LongerView>,
    /// The run to be exported, while a person chooses the file.
    pub exporting: Option<PathBuf>,
    /// Why the folder of runs could not be read when it was last looked into; what is listed is from before.
    pub error: Option<Notice>,
    /// Runs that were opened from elsewhere, which are listed with those below the folder of runs.
    pub(super) elsewhere: Vec<PathBuf>,
    /// Changes whenever the list was read anew, so that pages know when what they made of it is old.
    pub list_revision: u64,
    /// The list was asked for again while it was being made: it is made once more.
    pub(super) is_stale: bool,
    /// A run was changed while the list was being made, which may not know of it: that list is not taken.
    pub(super) is_overtaken: bool,
    /// Runs compared when the list was asked for: only of those it can tell that they are gone.
    pub(super) compared_when_asked: Vec<PathBuf>,
    /// What the list tells of every series in it, by its name; see [`State::series_facts`].
    pub(super) series: BTreeMap<String, SeriesFacts>,
}

/// More runs are not compared at once: their colours would run out.
pub const MOST_COMPARED: usize = 6;

/// A run is opened: where the list does not know it, it is read with the list from now on.
pub(super) fn remember_place(state: &mut State, run: &Path) {
    let is_known = state.run_entry(run).is_some() || state.runs_view.elsewhere.iter().any(|path| path == run);
    if !is_known {
        state.runs_view.elsewhere.push(run.to_owned());
    }
}

/// Takes the runs found on disk in.
pub(super) fn found(state: &mut State, mut runs: Vec<RunEntry>) {
    let order = state.runs_view.order;
    runs.sort_by(|a, b| order.compare(a, b));
    let view = &mut state.runs_view;
    // One that was not listed yet when it was opened needs no place of its own.
    view.elsewhere.retain(|path| !runs.iter().any(|run| run.path == *path && !run.is_elsewhere));
    let is_gone = |path: &PathBuf| !runs.iter().any(|run| run.path == *path);
    view.compared.retain(|path| !(view.compared_when_asked.contains(path) && is_gone(path)));
    // One that was measured here may have learned in another window, or on the command line.
    state.evaluate.outdate(|measured| {
        let best = |list: &[RunEntry]| best_epoch(list, state.training.as_ref(), &measured.run);
        is_surpassed(measured, best(&state.runs), best(&runs))
    });
    relist(state, runs);
    let mut overlays = std::mem::take(&mut state.evaluate.overlays);
    for overlay in &mut overlays {
        overlay.evaluation = named(state, &overlay.evaluation);
    }
    state.evaluate.overlays = overlays;
}

/// Puts another list in the place of the one of now.
fn relist(state: &mut State, runs: Vec<RunEntry>) {
    let (revision, started_from) = (state.next_id(), state.start_network().cloned());
    state.runs_view.list_revision = revision;
    // Once for the whole list: a page that is drawn anew in every frame only looks them up.
    state.runs_view.series = all_facts(&runs);
    state.runs = runs;
    if state.start_network() != started_from.as_ref() {
        state.refresh_preview();
    }
}

/// The epoch of a run's best network, as far as a list and the run watched last tell.
fn best_epoch(list: &[RunEntry], watched: Option<&TrainView>, run: &Path) -> Option<u32> {
    let listed = list.iter().find(|entry| entry.path == run).and_then(RunEntry::best_epoch);
    let watched = watched.filter(|view| view.is_of(run)).and_then(|view| EpochMetrics::best_of(&view.epochs));
    listed.max(watched)
}

impl State {
    /// The epoch of a run's best network, as far as is known here.
    pub(super) fn best_epoch(&self, run: &Path) -> Option<u32> {
        best_epoch(&self.runs, self.training.as_ref(), run)
    }

    /// The run watched last was moved to the bin, and is not back as far as the list tells: nothing can go on with it.
    pub fn is_watched_run_gone(&self) -> bool {
        let gone = self.training.as_ref().filter(|view| view.is_gone);
        gone.is_some_and(|view| !self.runs.iter().any(|run| view.is_of(&run.path)))
    }

    /// What a run is called: as in the list of runs; by its folder where the list does not know it.
    pub fn run_name(&self, run: &Path) -> String {
        let own = || run.file_name().unwrap_or(run.as_os_str()).to_string_lossy().into_owned();
        self.run_entry(run).map_or_else(own, |entry| entry.name.clone())
    }

    /// A dialog about one of the runs is in front: it is, as long as a page is shown that has it.
    pub fn shows_run_dialog(&self) -> bool {
        let view = &self.runs_view;
        match self.workspace {
            Workspace::Runs => view.edit.is_some() || view.longer.is_some(),
            // The run that is done there can be made longer.
            Workspace::Train => view.longer.is_some(),
            _ => false,
        }
    }

    /// This run is being trained: its folder may not be touched, and its name stays.
    pub fn is_being_trained(&self, run: &Path) -> bool {
        self.is_training() && self.training.as_ref().is_some_and(|view| view.is_of(run))
    }

    /// The run with a model that was begun last, in whatever order the list is.
    pub fn newest_model(&self) -> Option<&RunEntry> {
        self.runs.iter().filter(|run| run.has_model).min_by(|a, b| RunOrder::Newest.compare(a, b))
    }
}

/// What was measured, with its run called as in the list of runs: runs of two series may have folders of the same name.
pub(super) fn named(state: &State, evaluation: &Arc<Evaluation>) -> Arc<Evaluation> {
    let name = state.run_name(&evaluation.run);
    if name == evaluation.name {
        return Arc::clone(evaluation);
    }
    Arc::new(Evaluation { name, ..(**evaluation).clone() })
}

/// Does what a person asked for on the page of runs.
pub(super) fn update(state: &mut State, action: RunAction) -> Vec<Effect> {
    match action {
        RunAction::Sort(order) => {
            state.runs_view.order = order;
            state.runs.sort_by(|a, b| order.compare(a, b));
            Vec::new()
        }
        RunAction::Compare(run) => {
            toggle(&mut state.runs_view.compared, run);
            Vec::new()
        }
        RunAction::CompareNone => {
            state.runs_view.compared.clear();
            Vec::new()
        }
        RunAction::Edit(run) => {
            run_edit::open(state, &run);
            Vec::new()
        }
        RunAction::Write(edit) => {
            state.runs_view.edit = Some(edit);
            Vec::new()
        }
        RunAction::CancelEdit => {
            state.runs_view.edit = None;
            Vec::new()
        }
        RunAction::SaveEdit => run_edit::save(state),
        RunAction::AskLonger(run) => {
            longer::ask(state, &run);
            Vec::new()
        }
        RunAction::SetEpochs(epochs) => {
            longer::choose(state, epochs);
            Vec::new()
        }
        RunAction::CancelLonger => {
            state.runs_view.longer = None;
            Vec::new()
        }
        RunAction::TrainLonger => longer::start(state),
        RunAction::Delete(run) => change(state, run, RunChange::Delete),
        RunAction::OpenFolder(run) => vec![Effect::ShowFolder(for_file_manager(run))],
        RunAction::Export(run) => {
            state.runs_view.exporting = Some(run);
            vec![Effect::Ask(Dialog::ExportRun)]
        }
        RunAction::ExportTo(out) => export_to(state, out),
        RunAction::Duplicate(run) => duplicate(state, &run),
        RunAction::FineTune(run) => fine_tune(state, &run),
        RunAction::ContinueSeries(run) => continue_series(state, run),
    }
}

/// What can be asked for on the page of runs.
#[derive(Clone, Debug, PartialEq)]
pub enum RunAction {
    /// Sort the list.
    Sort(RunOrder),
    /// Compare a run with the others chosen, or no longer.
    Compare(PathBuf),
    /// Compare none.
    CompareNone,
    /// Open the dialog for name and note.
    Edit(PathBuf),
    /// What was typed there.
    Write(RunEdit),
    /// Close it.
    CancelEdit,
    /// Keep what was typed.
    SaveEdit,
    /// Open the dialog that makes a run longer.
    AskLonger(PathBuf),
    /// The run should have so many epochs in all.
    SetEpochs(u32),
    /// Close it.
    CancelLonger,
    /// Go on with the run until it has them.
    TrainLonger,
    /// Move a run to the bin beside the runs.
    Delete(PathBuf),
    /// Show the folder in the file manager.
    OpenFolder(PathBuf),
    /// Ask where a run's network should be written to.
    Export(PathBuf),
    /// Write it there.
    ExportTo(PathBuf),
    /// Take a run's settings for a new one.
    Duplicate(PathBuf),
    /// Start the next run from this one's network.
    FineTune(PathBuf),
    /// Go on with the series that a run is one of.
    ContinueSeries(PathBuf),
}

impl From<RunAction> for Action {
    fn from(action: RunAction) -> Self {
        Self::Runs(action)
    }
}

fn toggle(compared: &mut Vec<PathBuf>, run: PathBuf) {
    match compared.iter().position(|path| *path == run) {
        Some(index) => drop(compared.remove(index)),
        None if compared.len() < MOST_COMPARED => compared.push(run),
        None => {}
    }
}

/// Windows' file manager does not take paths in the long form that runs are listed by.
fn for_file_manager(run: PathBuf) -> PathBuf {
    // What lies on another machine means something else without the beginning.
    let plain = run.to_str().and_then(|path| path.strip_prefix(r"\\?\")).filter(|path| !path.starts_with("UNC"));
    plain.map(PathBuf::from).unwrap_or(run)
}

fn change(state: &mut State, run: PathBuf, change: RunChange) -> Vec<Effect> {
    if let Some(reason) = why_not_changed(state, &run) {
        state.notify(reason);
        return Vec::new();
    }
    start(state, Request::ChangeRun { run, change }).1
}

/// Why the folder of a run may not be touched now; `None` where it may.
pub(super) fn why_not_changed(state: &State, run: &Path) -> Option<Notice> {
    if state.is_being_trained(run) {
        let notice = Notice::new(Severity::Warning, "The run is being trained and cannot be changed");
        return Some(notice.hint("Stop it first, or wait until it is done."));
    }
    // It has the path of now, and would fail at its end.
    let mut jobs = state.jobs.iter().filter(|job| job.run.as_deref() == Some(run));
    let job = jobs.find(|job| !job.control.is_cancelled())?;
    let what = if job.kind == JobKind::Export { "exported" } else { "measured" };
    let notice = Notice::new(Severity::Warning, format!("The run is being {what} and cannot be changed"));
    Some(notice.hint("Wait until that is done, or cancel it."))
}

/// The run whose folder a job reads until its end.
pub(super) fn run_of(request: &Request) -> Option<PathBuf> {
    match request {
        Request::Evaluate { run, .. } | Request::Export { run, .. } => Some(run.clone()),
        _ => None,
    }
}

/// A run has another folder now, or none.
pub(super) fn changed(state: &mut State, before: &Path, after: Option<&Path>) {
    let moved = |path: &mut PathBuf| {
        if let (true, Some(after)) = (path == before, after) {
            *path = after.to_owned();
        }
    };
    state.runs_view.compared.iter_mut().for_each(moved);
    state.runs_view.elsewhere.iter_mut().for_each(moved);
    state.runs_view.longer.iter_mut().for_each(|longer| moved(&mut longer.run));
    state.runs_view.exporting.iter_mut().for_each(moved);
    state.evaluate.choices.iter_mut().for_each(|(_, choice)| moved(choice.run_mut()));
    run_edit::moved(state, before, after);
    if let Some(after) = after {
        rename_listed(state, before, after);
    }
    for overlay in &mut state.evaluate.overlays {
        if let (true, Some(after)) = (overlay.evaluation.run == before, after) {
            let mut evaluation = (*overlay.evaluation).clone();
            evaluation.run = after.to_owned();
            evaluation.name = after.file_name().unwrap_or_default().to_string_lossy().into_owned();
            overlay.evaluation = Arc::new(evaluation);
        }
    }
    if let Some(after) = after {
        // Another run takes the folder of one that was moved to the bin.
        drop(state.training.take_if(|view| view.is_gone && view.is_of(after)));
    }
    if let Some(view) = &mut state.training {
        view.started.iter_mut().for_each(|started| moved(&mut started.run));
        view.resumed.iter_mut().for_each(moved);
    }
    if let Some((_, continuing)) = &mut state.continuing {
        moved(continuing.run_mut());
    }
    if let Some(series) = &mut state.series {
        series.folders_mut().for_each(moved);
    }
    let is_start_gone = start_from::moved(state, before, after);
    if state.active_run.as_deref() == Some(before) {
        state.active_run = after.map(Path::to_owned);
    }
    if after.is_none() {
        remove_listed(state, before);
        state.runs_view.compared.retain(|path| path != before);
        state.runs_view.elsewhere.retain(|path| path != before);
        drop(state.runs_view.longer.take_if(|longer| longer.run == before));
        let place = before.parent().unwrap_or(before).display();
        let mut hint = format!("It lies in the folder bin in {place}; move it out of bin to have it again.");
        if is_start_gone {
            hint += " The next run was to start from it: choose another one in Train, or empty Start from.";
        }
        state.notify(Notice::new(Severity::Success, "The run was moved to the bin").hint(hint));
    }
}

/// The list, which is read anew only now, shows a run where it is: whatever is asked of it meanwhile is asked of its new folder.
fn rename_listed(state: &mut State, before: &Path, after: &Path) {
    let revision = state.next_id();
    let Some(entry) = state.runs.iter_mut().find(|entry| entry.path == before) else { return };
    let folder = entry.name.len() - entry.own_name().len();
    entry.name.truncate(folder);
    entry.name.push_str(&after.file_name().unwrap_or_default().to_string_lossy());
    entry.path = after.to_owned();
    state.runs_view.list_revision = revision;
}

/// The list, which is read anew only now, has the run no more; where it was watched last, nothing goes on with it.
fn remove_listed(state: &mut State, run: &Path) {
    let left = state.runs.iter().filter(|entry| entry.path != run).cloned().collect();
    relist(state, left);
    if let Some(view) = state.training.as_mut().filter(|view| view.is_of(run)) {
        view.is_gone = true;
    }
}

/// The settings of a run go to Train, where they can be changed; its images are opened if others are open. The list may be from
/// before the run watched last began or went on; that one has told its settings itself. But it may have gone on elsewhere since.
fn duplicate(state: &mut State, run: &Path) -> Vec<Effect> {
    let listed = state.run_entry(run);
    let is_newer = |view: &TrainView| {
        let done = view.epochs.last().map_or(0, |epoch| epoch.epoch);
        view.is_of(run) && !view.is_gone && listed.is_none_or(|entry| entry.epochs_done <= done)
    };
    let watched = state.training.as_ref().filter(|view| is_newer(view)).and_then(|view| view.started.as_ref());
    let own = watched.map(|started| &started.config).or(listed.map(|entry| &entry.config));
    let Some(own) = own else { return Vec::new() };
    let (name, facts, config) = (state.run_name(run), own.run.clone(), own.as_asked());
    let is_open = |facts: &RunInfo| state.open_data().is_some_and(|data| is_noted(facts, &data.catalog));
    let elsewhere = facts.filter(|facts| !is_open(facts));
    let mut effects = elsewhere.map(|facts| open_data(state, PathBuf::from(facts.data))).unwrap_or_default();
    effects.extend(replace_config(state, config));
    show_next_run(state);
    state.say(format!("Settings of {name} taken over; change them and start"));
    effects
}

/// The settings that were taken over are to be looked at in Train, with what they will do beside them.
fn show_next_run(state: &mut State) {
    state.workspace = Workspace::Train;
    state.settings_taken = state.next_id();
}

/// The next run starts from this one's network.
fn fine_tune(state: &mut State, run: &Path) -> Vec<Effect> {
    let Some(entry) = state.run_entry(run).filter(|entry| entry.has_model) else { return Vec::new() };
    let (name, own) = (entry.name.clone(), entry.config.clone());
    let config = start_from::take_over(state, run, &own);
    let effects = replace_config(state, config);
    // In the form of Train it is a choice like any other: what is shown beside the form stays.
    if state.workspace != Workspace::Train {
        show_next_run(state);
    }
    state.say(format!("The next run starts from {name}; classes of the same name keep their weights"));
    effects
}

/// The file's ending says what is written.
fn export_to(state: &mut State, out: PathBuf) -> Vec<Effect> {
    let Some(run) = state.runs_view.exporting.take() else { return Vec::new() };
    let Some(format) = ExportFormat::of(&out) else {
        let notice =
            Notice::new(Severity::Warning, "The network was not exported: the file's ending says what to write");
        state.notify(
            notice.hint("Choose a name that ends in .safetensors (weights for PyTorch) or .onnx (the whole network)."),
        );
        return Vec::new();
    };
    start(state, Request::Export { run, format, out }).1
}
