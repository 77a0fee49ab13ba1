//! From (state, action or event) to the next state and the effects it wants. Pure: no thread, no file, no window.

use super::action::{Action, Dialog, Effect};
use super::check::{self, Cause, CheckView};
use super::closing;
use super::drop::{self, DropTarget, drop_target};
use super::evaluate::{evaluate, evaluate_open, remove_overlay, set_rule, show_overlay};
use super::events::{data_ended, train_ended};
use super::explore::{ExploreView, start_map};
use super::export::{self, ExportAction};
use super::faces::{self, FaceAction};
use super::history::Step;
use super::import;
use super::notice::{Notice, Severity};
use super::pairs::{self, PairsAction};
use super::picture::{self, PictureAction};
use super::run_edit;
use super::runs::{self, RunAction};
use super::series::MOST_SEEDS;
use super::start_from;
use super::state::{DataState, JobView, OpenData, State, VerifyView, Workspace};
use super::training::{Awaited, continue_run, does_not_come, start_training, stop_training, toggle_pause};
use crate::config::{RunConfig, Value};
use crate::worker::protocol::{ImageSource, Job, JobId, JobKind, Progress, Request};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Does what a person asked for.
pub fn update(state: &mut State, action: Action) -> Vec<Effect> {
    let effects = carry_out(state, action);
    // It may have closed the dialog that another one waits for.
    run_edit::show_next(state);
    effects
}

fn carry_out(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Go(workspace) => go(state, workspace),
        Action::Ask(dialog) => vec![Effect::Ask(dialog)],
        Action::OpenData(path) => open_data(state, path),
        Action::OpenSample => open_sample(state),
        Action::CloseData => close_data(state),
        Action::Set { key, value } => set(state, key, value),
        Action::Reset(key) => reset(state, key),
        Action::ResetAll => replace_config(state, RunConfig::default()),
        Action::UsePreset(preset) => {
            let settings = preset.settings(&state.config);
            replace_config(state, settings)
        }
        Action::SealEdit => {
            state.history.seal();
            Vec::new()
        }
        Action::Undo => travel(state, true),
        Action::Redo => travel(state, false),
        Action::StartTraining => start_training(state),
        Action::SetSeeds(seeds) => {
            state.seeds = seeds.clamp(1, MOST_SEEDS);
            Vec::new()
        }
        Action::TogglePause => toggle_pause(state),
        Action::StopTraining => stop_training(state),
        Action::ContinueRun(run) => continue_run(state, run),
        Action::ImportWeights(weights) => import::look(state, weights),
        Action::Import(action) => import::update(state, action),
        Action::UseRun(run) => use_run(state, run),
        Action::Evaluate(run) => {
            state.workspace = Workspace::Evaluate;
            evaluate(state, run)
        }
        Action::EvaluateOpen(run) => evaluate_open(state, run),
        Action::LookAtPairs(file) => pairs::look(state, file),
        Action::Pairs(action) => pairs::update(state, action),
        Action::SetMethod(method) => {
            state.explore.method = method;
            request_map(state)
        }
        Action::RedoMap => request_map(state),
        Action::Select(row) => select(state, row),
        Action::Isolate(classes) => {
            state.explore.isolated = classes;
            Vec::new()
        }
        Action::ToggleOverlay(index) => {
            if let Some(overlay) = state.evaluate.overlays.get_mut(index) {
                overlay.visible = !overlay.visible;
            }
            Vec::new()
        }
        Action::RemoveOverlay(index) => remove_overlay(state, index),
        Action::ShowOverlay(index) => show_overlay(state, index),
        Action::Picture(action) => picture::update(state, action),
        Action::SetRule { run, rule } => set_rule(state, &run, rule),
        Action::SetSlot(slot, source) => set_slot(state, slot, source),
        Action::VerifyImages(images) => verify_images(state, images),
        Action::ClearSlot(slot) => clear_slot(state, slot),
        Action::SwapSlots => {
            state.verify.slots.swap(0, 1);
            if let Some(result) = &mut state.verify.result {
                result.crops.swap(0, 1);
                result.neighbours.swap(0, 1);
                result.lengths.iter_mut().for_each(|lengths| lengths.swap(0, 1));
            }
            Vec::new()
        }
        Action::Paste => vec![Effect::ReadClipboard],
        Action::Dropped(paths) => dropped(state, &paths),
        Action::Check(action) => check::update(state, action),
        Action::ExportData(action) => export::update(state, action),
        Action::RefreshRuns => refresh_runs(state),
        Action::Runs(action) => runs::update(state, action),
        Action::Faces(action) => faces::update(state, action),
        Action::CancelJob(id) => cancel_job(state, id),
        Action::Dismiss(id) => {
            state.notices.retain(|notice| notice.id != id);
            Vec::new()
        }
        Action::Say(severity, text) => {
            state.notify(Notice::new(severity, text));
            Vec::new()
        }
        Action::RequestClose => closing::request(state),
        Action::ConfirmClose => vec![Effect::Close],
        Action::CancelClose => {
            state.asks_before_closing = false;
            Vec::new()
        }
    }
}

/// Makes a job, remembers it, and asks for it to be sent.
pub(super) fn start(state: &mut State, request: Request) -> (JobId, Vec<Effect>) {
    let id = JobId(state.next_id());
    let job = Job { id, request, control: crate::train::Control::default() };
    state.jobs.push(JobView {
        id,
        kind: job.request.kind(),
        run: runs::run_of(&job.request),
        progress: Progress::default(),
        control: job.control.clone(),
    });
    (id, vec![Effect::Send(job)])
}

/// Stops the running job of a kind: its result is no longer wanted.
pub(super) fn supersede(state: &mut State, kind: JobKind) {
    state.jobs.iter().filter(|job| job.kind == kind).for_each(|job| job.control.cancel());
}

/// Shows a workspace; the list of runs is read anew for the page of runs.
pub(super) fn go(state: &mut State, workspace: Workspace) -> Vec<Effect> {
    state.workspace = workspace;
    if workspace == Workspace::Runs { refresh_runs(state) } else { Vec::new() }
}

pub(super) fn open_data(state: &mut State, path: PathBuf) -> Vec<Effect> {
    make_way(state);
    let (job, effects) = start(state, Request::OpenData { path: path.clone() });
    state.data = DataState::Opening { job, path };
    effects
}

/// Other images are about to be opened: what is done with those of now, or waits for some, is no longer wanted.
fn make_way(state: &mut State) {
    for kind in [JobKind::OpenData, JobKind::DrawSample, JobKind::CheckData] {
        supersede(state, kind);
    }
    faces::put_away(state);
    state.continuing = None;
    state.workspace = Workspace::Data;
}

fn open_sample(state: &mut State) -> Vec<Effect> {
    make_way(state);
    let fallback = state.runs_root.parent().unwrap_or(Path::new(".")).join("sample-data");
    let (job, effects) = start(state, Request::OpenSample { fallback });
    state.data = DataState::Opening { job, path: PathBuf::from("sample-data") };
    effects
}

fn close_data(state: &mut State) -> Vec<Effect> {
    if state.is_training() {
        state.notify(
            Notice::new(Severity::Warning, "These images are being trained on").hint("Stop the training first."),
        );
        return Vec::new();
    }
    supersede(state, JobKind::CheckData);
    faces::put_away(state);
    state.continuing = None;
    state.data = DataState::Empty;
    state.history.forget_excluded();
    Vec::new()
}

pub(super) fn set(state: &mut State, key: &'static str, value: Value) -> Vec<Effect> {
    let mut config = state.config.clone();
    if let Err(error) = config.set(key, value) {
        state.notify(Notice::told(Severity::Warning, &error.to_string()));
        return Vec::new();
    }
    if config == state.config {
        return Vec::new();
    }
    if key == "train.start_from" && !config.train.is_fine_tuned() {
        start_from::let_go(state, &mut config);
    }
    state.history.remember(&state.config, Some(key));
    apply_config(state, config)
}

fn reset(state: &mut State, key: &'static str) -> Vec<Effect> {
    match RunConfig::default().get(key) {
        Ok(value) => {
            state.history.seal();
            let effects = set(state, key, value);
            state.history.seal();
            effects
        }
        Err(_) => Vec::new(),
    }
}

pub(super) fn replace_config(state: &mut State, config: RunConfig) -> Vec<Effect> {
    if config != state.config {
        state.history.remember(&state.config, None);
    }
    apply_config(state, config)
}

fn travel(state: &mut State, back: bool) -> Vec<Effect> {
    // What is being written cannot be undone yet.
    let open = state.open_data();
    if open.is_some_and(|data| data.check.change.is_some()) {
        return Vec::new();
    }
    let excluded = open.map(|data| data.catalog.excluded().to_vec()).unwrap_or_default();
    let history = &mut state.history;
    let (other, cause) = if back {
        (history.undo(&state.config, &excluded), Cause::Undo)
    } else {
        (history.redo(&state.config, &excluded), Cause::Redo)
    };
    match other {
        Some(Step::Settings(config)) => apply_config(state, *config),
        Some(Step::Excluded(excluded)) => check::change(state, excluded, cause),
        None => Vec::new(),
    }
}

fn apply_config(state: &mut State, config: RunConfig) -> Vec<Effect> {
    state.config = config;
    state.refresh_preview();
    start_from::settings_changed(state)
}

pub(super) fn use_run(state: &mut State, run: PathBuf) -> Vec<Effect> {
    state.active_run = Some(run.clone());
    state.verify.result = None;
    runs::remember_place(state, &run);
    let mut effects = refresh_runs(state);
    effects.extend(evaluate(state, run));
    effects
}

/// Lays out what Explore shows.
pub(super) fn request_map(state: &mut State) -> Vec<Effect> {
    supersede(state, JobKind::Map);
    state.explore.error = None;
    let Some(table) = state.explore.table.clone() else { return Vec::new() };
    start_map(state, table, state.explore.method)
}

/// Neighbours listed beside a selected point.
const NEIGHBOURS: usize = 12;

pub(super) fn select(state: &mut State, row: Option<u32>) -> Vec<Effect> {
    let explore = &mut state.explore;
    explore.selected = row.filter(|row| explore.table.as_ref().is_some_and(|table| (*row as usize) < table.len()));
    explore.neighbours = match (&explore.table, explore.selected) {
        (Some(table), Some(row)) => {
            crate::eval::nearest(table, table.row(row as usize), NEIGHBOURS, Some(row as usize))
        }
        _ => Vec::new(),
    };
    Vec::new()
}

/// Shows the embeddings of an evaluation in Explore.
pub(super) fn explore_evaluation(
    state: &mut State,
    evaluation: &Arc<crate::worker::protocol::Evaluation>,
) -> Vec<Effect> {
    let method = state.explore.method;
    state.explore = ExploreView {
        table: Some(Arc::clone(&evaluation.table)),
        catalog: Some(Arc::clone(&evaluation.catalog)),
        source: format!("{}, {}", evaluation.name, evaluation.on),
        method,
        ..ExploreView::default()
    };
    request_map(state)
}

pub(super) fn set_slot(state: &mut State, slot: usize, source: ImageSource) -> Vec<Effect> {
    let Some(place) = state.verify.slots.get_mut(slot) else { return Vec::new() };
    *place = Some(source);
    state.workspace = Workspace::Verify;
    state.verify.result = None;
    request_verify(state)
}

fn verify_images(state: &mut State, images: Vec<ImageSource>) -> Vec<Effect> {
    let surplus = images.len().saturating_sub(2);
    let mut images = images.into_iter();
    let (Some(first), second) = (images.next(), images.next()) else { return Vec::new() };
    if let Some(second) = second {
        state.verify.slots = [Some(first), Some(second)];
    } else {
        let free = if state.verify.slots[0].is_none() { 0 } else { 1 };
        state.verify.slots[free] = Some(first);
    }
    if surplus > 0 {
        state.say(format!("Two images are compared at a time; {surplus} more were left out"));
    }
    state.workspace = Workspace::Verify;
    state.verify.result = None;
    request_verify(state)
}

fn clear_slot(state: &mut State, slot: usize) -> Vec<Effect> {
    if let Some(place) = state.verify.slots.get_mut(slot) {
        *place = None;
    }
    supersede(state, JobKind::Verify);
    state.verify = VerifyView { slots: std::mem::take(&mut state.verify.slots), ..VerifyView::default() };
    Vec::new()
}

/// Compares the two slots if both are filled and there is a model.
pub(super) fn request_verify(state: &mut State) -> Vec<Effect> {
    supersede(state, JobKind::Verify);
    state.verify.error = None;
    state.verify.job = None;
    let Some(run) = state.active_run.clone().filter(|_| state.has_model()) else { return Vec::new() };
    let [Some(a), Some(b)] = state.verify.slots.clone() else { return Vec::new() };
    let measured = state.active_evaluation().map(Arc::clone);
    let (job, effects) = start(state, Request::Verify { run, images: Box::new([a, b]), measured });
    state.verify.job = Some(job);
    effects
}

fn dropped(state: &mut State, paths: &[PathBuf]) -> Vec<Effect> {
    match drop_target(paths) {
        DropTarget::Data(path) => open_data(state, path),
        DropTarget::Weights(path) => import::look(state, path),
        DropTarget::Pairs(path) => pairs::look(state, path),
        DropTarget::Archive(path) | DropTarget::Set(path) | DropTarget::Text(path) | DropTarget::Onnx(path) => {
            drop::look(state, path)
        }
        DropTarget::Run(run) => {
            state.workspace = Workspace::Evaluate;
            use_run(state, run)
        }
        DropTarget::Images(images) => verify_images(state, images.into_iter().map(ImageSource::File).collect()),
        DropTarget::Unknown(paths) => {
            let names: Vec<String> = paths
                .iter()
                .take(3)
                .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
                .collect();
            state.notify(
                Notice::new(Severity::Warning, format!("ArcLens does not know what to do with {}", names.join(", ")))
                    .hint("Drop a folder of images, a file that holds or lists images, one or two images, a run folder, a list of pairs, a file of weights, or a face detector."),
            );
            Vec::new()
        }
    }
}

pub(super) fn refresh_runs(state: &mut State) -> Vec<Effect> {
    if state.jobs.iter().any(|job| job.kind == JobKind::ListRuns) {
        // It may have read the folder before the change that this is about.
        state.runs_view.is_stale = true;
        return Vec::new();
    }
    (state.runs_view.is_stale, state.runs_view.is_overtaken) = (false, false);
    state.runs_view.compared_when_asked.clone_from(&state.runs_view.compared);
    let (root, elsewhere) = (state.runs_root.clone(), state.runs_view.elsewhere.clone());
    start(state, Request::ListRuns { root, elsewhere }).1
}

fn cancel_job(state: &mut State, id: JobId) -> Vec<Effect> {
    if state.training.as_ref().is_some_and(|view| view.job == id) {
        return stop_training(state);
    }
    state.cancel(id);
    Vec::new()
}

/// What the program does when it starts.
pub fn on_start(state: &mut State, open: Option<PathBuf>) -> Vec<Effect> {
    let mut effects = start(state, Request::Devices).1;
    effects.extend(refresh_runs(state));
    if let Some(path) = open {
        effects.extend(dropped(state, &[path]));
    }
    effects
}

/// A job that could not be handed over: its queue is full.
pub fn on_refused(state: &mut State, job: &Job) {
    state.jobs.retain(|view| view.id != job.id);
    let headline = match job.request.kind() {
        JobKind::ChangeRun => "The change was not begun: too much is going on".to_owned(),
        kind => format!("{} has to wait: too much is going on", kind.label()),
    };
    let notice = Notice::new(Severity::Warning, headline).hint("Try again when the running job is done.");
    run_edit::not_kept(state, job.id, notice);
    let id = Some(job.id);
    if state.explore.waits_for(job.id) {
        state.explore.job = None;
    }
    if state.evaluate.job == id {
        state.evaluate.job = None;
    }
    if state.verify.job == id {
        state.verify.job = None;
    }
    match job.request.kind() {
        JobKind::Train => {
            // None of a series follows a run for which there is no room.
            train_ended(state, job.id, None);
        }
        JobKind::OpenData | JobKind::DrawSample => data_ended(state, job.id, None),
        JobKind::ListRuns => does_not_come(state, Awaited::Runs),
        _ => {}
    }
    start_from::ended(state, job.id);
    check::ended(state, job.id, None);
    export::refused(state, job.id);
    faces::ended(state, job.id, None);
    import::ended(state, job.id, None);
    pairs::ended(state, job.id, None);
    picture::ended(state, job.id, None);
}

impl OpenData {
    /// A freshly opened data set.
    pub(super) fn new(catalog: Arc<crate::data::Catalog>) -> Self {
        Self {
            class_counts: catalog.class_counts(),
            check: CheckView::new(&catalog),
            catalog,
            split: Err("not divided yet".to_owned()),
            resolved: Err("not divided yet".to_owned()),
            revision: 0,
        }
    }
}

/// The file that was meant: dialogs of some systems leave the ending out when it is not typed.
pub(super) fn with_ending(chosen: PathBuf, ending: &str) -> PathBuf {
    let mut name = chosen.into_os_string();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Dialogs answer with these actions.
pub fn dialog_answer(dialog: Dialog, path: PathBuf) -> Action {
    match dialog {
        Dialog::OpenFolder | Dialog::OpenFile => Action::OpenData(path),
        Dialog::PickImage(slot) => Action::SetSlot(slot, ImageSource::File(path)),
        Dialog::OpenRun => Action::Dropped(vec![path]),
        Dialog::ImportWeights => Action::ImportWeights(path),
        Dialog::PickPairs => Action::LookAtPairs(path),
        Dialog::PickPairImages => PairsAction::LookIn(path).into(),
        Dialog::ExportRun => RunAction::ExportTo(path).into(),
        Dialog::ExportData(order) => ExportAction::WriteTo { order, out: path }.into(),
        Dialog::PickDetector => FaceAction::UseDetector(path).into(),
        Dialog::SavePicture => PictureAction::SaveTo(path).into(),
        Dialog::PickLandmarks => FaceAction::UseList(path).into(),
    }
}
