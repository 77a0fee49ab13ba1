//! What the workers report, taken into the state. Results of jobs that are no longer current are ignored.

use super::action::Effect;
use super::check;
use super::count_text::{classes_spaced, counted_spaced};
use super::evaluate::{evaluate, evaluated};
use super::explore::start_map;
use super::notice::{Notice, Severity};
use super::state::{DataState, OpenData, State, TrainPhase, TrainView, Workspace};
use super::training::Awaited;
use super::update::{refresh_runs, select};
use super::{drop, export, faces, import, listing, pairs, picture, run_edit, runs, series, start_from, training};
use crate::config::{RunConfig, noun};
use crate::data::{Catalog, WarningKind, Warnings};
use crate::eval::{EmbeddingTable, rate_text};
use crate::map::{Layout, MapMethod};
use crate::train::{RunSummary, StepMetrics, TrainEvent, ValidationSnapshot};
use crate::worker::protocol::{Event, JobError, JobId, JobKind, OpenedData, Outcome};
use std::path::Path;
use std::sync::Arc;

/// Most points kept of a curve; beyond, every second one goes.
const MAX_CURVE: usize = 4000;

/// Takes a report in.
pub fn on_event(state: &mut State, event: Event) -> Vec<Effect> {
    let effects = take_in(state, event);
    // It may have put the dialog away that another one waits for.
    run_edit::show_next(state);
    effects
}

fn take_in(state: &mut State, event: Event) -> Vec<Effect> {
    match event {
        Event::Progress { job, progress } => {
            if let Some(view) = state.jobs.iter_mut().find(|view| view.id == job) {
                view.progress = progress;
            }
            Vec::new()
        }
        Event::DataOpened { job, data } => data_opened(state, job, data),
        Event::Checked { job, examination } => check::checked(state, job, &examination),
        Event::Excluded { job, change } => check::changed(state, job, *change),
        Event::DataExported { job, done } => export::exported(state, job, done),
        Event::Train { job, event } => train_event(state, job, event),
        Event::Trained { job, summary } => trained(state, job, *summary),
        Event::Evaluated { job, evaluation } => {
            pairs::measured(state, job);
            evaluated(state, job, &evaluation)
        }
        Event::Mapped { job, table, layout } => mapped(state, job, table, layout),
        Event::Verified { job, result } => {
            if state.verify.job == Some(job) {
                state.verify.result = Some(result);
            }
            Vec::new()
        }
        Event::Warned { text, .. } => {
            state.notify(Notice::told(Severity::Warning, &text));
            Vec::new()
        }
        Event::FigureSaved { job, out } => picture::saved(state, job, out),
        // A change came in between; the next list is asked for when this one has ended.
        Event::Runs { .. } | Event::RunsElsewhere { .. } if std::mem::take(&mut state.runs_view.is_overtaken) => {
            Vec::new()
        }
        Event::RunsElsewhere { runs, .. } => {
            listing::found_elsewhere(state, runs);
            Vec::new()
        }
        Event::Runs { runs, .. } => {
            runs::found(state, runs);
            let mut effects = training::runs_listed(state);
            effects.extend(start_from::runs_listed(state));
            effects
        }
        Event::NetworkRead { job, run, network } => start_from::network_read(state, job, run, network),
        Event::RunChanged { job, before, after } => {
            runs::changed(state, &before, after.as_deref());
            run_edit::kept(state, job);
            let effects = refresh_runs(state);
            state.runs_view.is_overtaken = state.runs_view.is_stale;
            effects
        }
        Event::FileLooked { job, file, kind } => drop::looked(state, job, file, kind),
        Event::WeightsLooked { job, look } => import::looked(state, job, look),
        Event::PairsLooked { job, look } => pairs::looked(state, job, look),
        Event::Imported { job, run, flavour } => import::imported(state, job, run, &flavour),
        Event::Exported { out, bytes, advice, .. } => {
            let name = out.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text = format!("{name} was written, {:.1} MB", bytes as f64 / 1e6);
            let mut hint = format!("It is in {}.", out.parent().unwrap_or(&out).display());
            hint.extend(advice.into_iter().map(|advice| format!(" {advice}.")));
            state.notify(Notice::new(Severity::Success, text).hint(hint));
            Vec::new()
        }
        Event::Devices { devices, .. } => {
            state.devices = devices;
            Vec::new()
        }
        Event::FaceFound { job, found } => faces::found(state, job, found),
        Event::FolderAligned { job, done } => faces::folder_aligned(state, job, done),
        Event::FacesMarked { job, done } => faces::marked(state, job, done),
        Event::Ended { job, outcome } => ended(state, job, outcome),
    }
}

fn data_opened(state: &mut State, job: JobId, data: OpenedData) -> Vec<Effect> {
    if !matches!(&state.data, DataState::Opening { job: current, .. } if *current == job) {
        return Vec::new();
    }
    let (problems, excluded) = (problems(&data.catalog.warnings), data.catalog.excluded().len());
    let (images, classes) =
        (counted_spaced(data.catalog.items.len(), "image"), classes_spaced(data.catalog.classes.len()));
    state.data = DataState::Open(Box::new(OpenData::new(data.catalog)));
    state.history.forget_excluded();
    state.export.is_open = false;
    state.refresh_preview();
    let mut text = format!("{images} of {classes} read in {:.1} s", data.elapsed_secs);
    if excluded > 0 {
        text += &format!("; {excluded} excluded");
    }
    match problems {
        Some((severity, problems)) => {
            state.notify(Notice::new(severity, format!("{text}; {problems}")).hint("Data shows it under Check."));
        }
        None => state.notify(Notice::new(Severity::Success, text)),
    }
    training::images_open(state, job)
}

/// Kinds of problem that are named; more are counted.
const NAMED: usize = 2;

/// What is wrong, in words. Classes of one image and the like are no reason for a warning that stays: a set that is only
/// measured on has many of them.
fn problems(warnings: &Warnings) -> Option<(Severity, String)> {
    let mut groups = warnings.groups();
    groups.retain(|group| !matches!(group.kind, WarningKind::Excluded | WarningKind::ExcludedFile));
    let is_harmless = |kind| {
        use WarningKind::{Imbalance, TinyClass, Turned, WrongExtension};
        matches!(kind, TinyClass | Imbalance | WrongExtension | Turned)
    };
    let severity =
        if groups.iter().all(|group| is_harmless(group.kind)) { Severity::Success } else { Severity::Warning };
    let more = groups.len().saturating_sub(NAMED);
    let mut words: Vec<String> = groups.into_iter().take(NAMED).map(|group| group.headline).collect();
    if more > 0 {
        words.push(format!("and {more} more {} of problem", noun(more, "kind", "kinds")));
    }
    (!words.is_empty()).then(|| (severity, words.join(", ")))
}

impl TrainView {
    /// A run that was just asked for.
    pub(super) fn new(job: JobId, config: RunConfig, catalog: Arc<Catalog>) -> Self {
        Self {
            job,
            phase: TrainPhase::Preparing,
            config,
            catalog,
            resumed: None,
            preparing: (0, 0),
            started: None,
            steps: Vec::new(),
            epochs: Vec::new(),
            angles: None,
            validation: None,
            map: None,
            doubtful: (0, None),
            told: Vec::new(),
            summary: None,
            error: None,
            is_of_seed: false,
            is_gone: false,
        }
    }

    /// The folder of the run; none until a new run has one.
    pub fn run(&self) -> Option<&Path> {
        self.started.as_ref().map(|started| started.run.as_path()).or(self.resumed.as_deref())
    }

    /// It is the run in this folder. The trainer follows links, the list names a run as it was found: both names count.
    pub(super) fn is_of(&self, run: &Path) -> bool {
        let started = self.started.as_ref().map(|started| started.run.as_path());
        [started, self.resumed.as_deref()].contains(&Some(run))
    }

    /// What was reported from this step on counts no more: the run went back, or on from an earlier checkpoint.
    fn forget_from(&mut self, step: u64) {
        // Both are in order: where nothing has to go, the last one says so.
        while self.steps.pop_if(|known| known.step >= step).is_some() {}
        while self.epochs.pop_if(|known| known.step >= step).is_some() {}
    }

    fn take_step(&mut self, metrics: StepMetrics) {
        self.forget_from(metrics.step);
        self.steps.push(metrics);
        if self.steps.len() > MAX_CURVE {
            let mut keep = false;
            self.steps.retain(|_| {
                keep = !keep;
                keep
            });
        }
    }
}

fn train_event(state: &mut State, job: JobId, event: TrainEvent) -> Vec<Effect> {
    let Some(view) = state.training.as_mut().filter(|view| view.job == job) else { return Vec::new() };
    match event {
        TrainEvent::Preparing(done, total) => view.preparing = (done, total),
        TrainEvent::Started(started) => {
            if view.phase == TrainPhase::Preparing {
                view.phase = TrainPhase::Running;
            }
            state.active_run = Some(started.run.clone());
            view.forget_from(started.resumed_at_step + 1);
            view.started = Some(*started);
        }
        TrainEvent::Step(metrics) => view.take_step(metrics),
        TrainEvent::Angles(angles) => view.angles = Some(angles),
        TrainEvent::Epoch(metrics) => {
            view.epochs.retain(|known| known.epoch < metrics.epoch);
            let is_best = metrics.best;
            view.epochs.push(metrics);
            // Whatever its number is: a run that went back learns epochs of the same numbers anew.
            if is_best {
                state.evaluate.outdate(|measured| view.is_of(&measured.run));
            }
        }
        TrainEvent::Validation(snapshot) => return validated(state, snapshot),
        TrainEvent::Note(text) => state.notify(Notice::told(Severity::Info, &text)),
        TrainEvent::Warning(text) if view.told.contains(&text) => {}
        TrainEvent::Warning(text) => {
            if view.steps.is_empty() && view.epochs.is_empty() {
                // Every run of a series would say it again at its start.
                view.told.push(text.clone());
            }
            state.notify(Notice::told(Severity::Warning, &text));
        }
        TrainEvent::DoubtfulStep { step, reason } => doubtful_step(state, step, reason),
        TrainEvent::Saved(_) => {}
    }
    Vec::new()
}

/// One notice for all doubtful steps of a run, for it stays until a person takes it away: it counts them, and says what was
/// wrong with the last one.
fn doubtful_step(state: &mut State, step: u64, reason: &str) {
    let Some(view) = &state.training else { return };
    let (count, before) = (view.doubtful.0 + 1, view.doubtful.1);
    let words = match count {
        1 => format!("Step {step}: {reason}"),
        _ => format!("{} were doubtful; the last, step {step}: {reason}", counted_spaced(count, "step")),
    };
    let notice = state.replace(before, Notice::told(Severity::Warning, &words));
    if let Some(view) = &mut state.training {
        view.doubtful = (count, Some(notice));
    }
}

/// New embeddings: Explore follows the run, and the live map is asked for (PCA, which takes milliseconds).
fn validated(state: &mut State, snapshot: ValidationSnapshot) -> Vec<Effect> {
    let table = Arc::clone(&snapshot.table);
    let epoch = snapshot.epoch;
    if let Some(view) = &mut state.training {
        view.validation = Some(snapshot);
        state.explore.catalog = Some(Arc::clone(&view.catalog));
    }
    // The same images in the same rows: what was selected stays selected, with its neighbours of now.
    let same = state.explore.table.as_ref().is_some_and(|shown| shown.items() == table.items());
    let selected = state.explore.selected.filter(|_| same);
    state.explore.table = Some(Arc::clone(&table));
    if !same {
        // It shows other images.
        state.explore.layout = None;
    }
    state.explore.source = match epoch {
        0 => "held-out images, by the network that the run starts from".to_owned(),
        _ => format!("held-out images after epoch {epoch}"),
    };
    select(state, selected);
    if state.jobs.iter().any(|job| job.kind == JobKind::Map) {
        return Vec::new();
    }
    start_map(state, table, MapMethod::Pca)
}

fn trained(state: &mut State, job: JobId, summary: RunSummary) -> Vec<Effect> {
    let Some(view) = state.training.as_mut().filter(|view| view.job == job) else { return Vec::new() };
    view.phase = if summary.stopped { TrainPhase::Stopped } else { TrainPhase::Done };
    let run = summary.run.clone();
    let rate = summary.eer.map(|eer| format!(", EER {}", rate_text(eer))).unwrap_or_default();
    let epochs = counted_spaced(summary.epochs as usize, "epoch");
    let text = if summary.stopped {
        format!("Stopped after {epochs}{rate}; everything is kept")
    } else {
        format!("Trained {epochs}{rate}")
    };
    view.summary = Some(summary.clone());
    state.active_run = Some(run.clone());
    let notice = Notice::new(Severity::Success, text);
    let mut effects = if is_measuring_asked_for(state) {
        // Measuring this run would stop that, or take what a person waited for off the page.
        state.notify(notice.hint("What you asked for meanwhile is measured now; Measure, in Runs, measures this run."));
        Vec::new()
    } else {
        state.notify(notice);
        evaluate(state, run)
    };
    effects.extend(series::trained(state, &summary));
    effects
}

/// A measurement waits, or is under way, that a person has not stopped.
fn is_measuring_asked_for(state: &State) -> bool {
    let job = state.evaluate.job.and_then(|id| state.job(id));
    job.is_some_and(|job| !job.control.is_cancelled())
}

fn mapped(state: &mut State, job: JobId, table: Arc<EmbeddingTable>, mut layout: Arc<Layout>) -> Vec<Effect> {
    if let Some(view) = &mut state.training {
        let live = view.validation.as_ref().is_some_and(|snapshot| Arc::ptr_eq(&snapshot.table, &table));
        if live {
            if let Some((_, before)) = &view.map {
                crate::map::align(Arc::make_mut(&mut layout), before);
            }
            view.map = Some((Arc::clone(&table), Arc::clone(&layout)));
        }
    }
    if !state.explore.waits_for(job) {
        return Vec::new();
    }
    match state.explore.table.clone() {
        Some(shown) if Arc::ptr_eq(&shown, &table) => {
            if let Some(before) = &state.explore.layout {
                crate::map::align(Arc::make_mut(&mut layout), before);
            }
            state.explore.layout = Some(layout);
            Vec::new()
        }
        // A run under way has told of others meanwhile, and asked for no map because this one was on its way.
        Some(shown) if state.explore.layout.is_none() => start_map(state, shown, MapMethod::Pca),
        _ => Vec::new(),
    }
}

fn ended(state: &mut State, job: JobId, outcome: Outcome) -> Vec<Effect> {
    let kind = state.job(job).map(|view| view.kind);
    state.jobs.retain(|view| view.id != job);
    let is_cancelled = matches!(outcome, Outcome::Cancelled);
    let failure = match outcome {
        Outcome::Failed(error) => Some(error),
        Outcome::Finished | Outcome::Cancelled => None,
    };
    let notice = failure.as_ref().map(Notice::from_error);
    if kind == Some(JobKind::Evaluate) {
        pairs::ended(state, job, None);
    }
    match kind {
        Some(JobKind::OpenData | JobKind::DrawSample) => data_ended(state, job, notice),
        Some(JobKind::Train) => {
            let mut effects = train_ended(state, job, failure.as_ref());
            // Who looks at the list meanwhile sees it as it is now.
            if state.workspace == Workspace::Runs {
                effects.extend(refresh_runs(state));
            }
            return effects;
        }
        Some(JobKind::Evaluate) if state.evaluate.job == Some(job) => {
            state.evaluate.job = None;
            state.evaluate.error.clone_from(&notice);
            announce(state, notice);
        }
        Some(JobKind::Map) => state.explore.ended(job, failure.as_ref()),
        Some(JobKind::Verify) if state.verify.job == Some(job) => {
            state.verify.job = None;
            state.verify.error = notice;
        }
        Some(JobKind::CheckData | JobKind::Exclude) => check::ended(state, job, notice),
        Some(JobKind::ExportData) => export::ended(state, job, notice),
        Some(JobKind::FindFace | JobKind::AlignFolder | JobKind::MarkFaces) => faces::ended(state, job, notice),
        Some(JobKind::LookAtWeights | JobKind::Import) => import::ended(state, job, notice),
        Some(JobKind::LookAtPairs) => pairs::ended(state, job, notice),
        Some(JobKind::SaveFigure) => picture::ended(state, job, notice),
        Some(JobKind::ReadNetwork) => {
            start_from::ended(state, job);
            announce(state, notice);
        }
        Some(JobKind::ListRuns) => return listing::ended(state, notice, is_cancelled),
        Some(JobKind::ChangeRun) => match notice {
            Some(reason) => run_edit::not_kept(state, job, reason),
            None if is_cancelled => run_edit::stopped(state, job),
            None => run_edit::kept(state, job),
        },
        Some(JobKind::SaveOperatingPoint | JobKind::Devices | JobKind::Export | JobKind::LookAtFile) => {
            announce(state, notice);
        }
        _ => {}
    }
    Vec::new()
}

fn announce(state: &mut State, notice: Option<Notice>) {
    if let Some(notice) = notice {
        state.notify(notice);
    }
}

/// The images are open, or will not be; `notice` when opening them failed.
pub(super) fn data_ended(state: &mut State, job: JobId, notice: Option<Notice>) {
    let path = match &state.data {
        DataState::Opening { job: current, path } if *current == job => path.clone(),
        _ => return,
    };
    training::does_not_come(state, Awaited::Images(job));
    state.data = match notice {
        Some(notice) => DataState::Failed { path, notice },
        None => DataState::Empty,
    };
}

/// A training is over, or was never begun; `failure` when it failed.
pub(super) fn train_ended(state: &mut State, job: JobId, failure: Option<&JobError>) -> Vec<Effect> {
    let Some(view) = state.training.as_mut().filter(|view| view.job == job) else { return Vec::new() };
    let is_unfinished = failure.is_some() || view.summary.is_none();
    let of_seed = failure.filter(|error| error.is_of_seed);
    match failure {
        Some(error) => {
            let notice = Notice::from_error(error);
            view.phase = TrainPhase::Failed;
            view.error = Some(notice.clone());
            view.is_of_seed = error.is_of_seed;
            state.notify(notice);
        }
        // Cancelled before the first step: there is nothing to show.
        None if view.summary.is_none() && view.epochs.is_empty() && view.steps.is_empty() => state.training = None,
        None if view.summary.is_none() => view.phase = TrainPhase::Stopped,
        None => {}
    }
    if let Some(error) = of_seed {
        return series::failed(state, &error.headline);
    }
    if is_unfinished {
        series::ended(state);
    }
    Vec::new()
}
