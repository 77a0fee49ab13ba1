//! Everything that happens before the first step: settings, checkpoint, images.

use super::checkpoint::{self, CheckpointState};
use super::events::TrainEvent;
use super::find_checkpoint::{self, Found};
use super::imprint::{self, TrainingPart};
use super::origin::{Given, NewRun, Origin};
use super::run::{Observer, TrainRequest};
use super::run_folder::{self, Place, RunFolder};
use super::session::Session;
use super::{Control, ModelInfo, Network, TrainError, footprint, patience};
use crate::config::{Best, DataFacts, Resolved, RunConfig, RunInfo};
use crate::data::{Catalog, ImageStore, Preprocess, Sampling, Split};
use crate::model::Form;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What a run is trained with.
pub(super) struct InForce {
    /// The settings asked for, or those a continued run was started with.
    pub config: RunConfig,
    /// The images; of a continued run those that it began with.
    pub catalog: Arc<Catalog>,
    /// The network that a continued run starts from, where it had to be looked for already.
    pub origin: Option<Origin>,
    /// What was settled here and a person may not have meant.
    pub notes: Vec<String>,
    /// The run gets more epochs than it was to have.
    pub is_longer: bool,
}

/// The settings and images in force.
pub(super) fn settings(request: &TrainRequest) -> Result<InForce, TrainError> {
    let Place::Resume(run) = &request.place else {
        // What is known of another run is not this one's; a series is what both may be of, and all of its runs have the same
        // network and start from the same weights.
        let before = request.config.run.as_ref().and_then(RunInfo::further);
        let config = RunConfig { run: before, ..request.config.clone() };
        let catalog = Arc::clone(&request.catalog);
        return Ok(InForce { config, catalog, origin: None, notes: Vec::new(), is_longer: false });
    };
    let mut config = run_folder::read_config(run)?;
    // Every key may be left out, so that half a file can be read, too; what the run itself says stands at its end.
    if !config.run.as_ref().is_some_and(RunInfo::has_begun) && find_checkpoint::has_learned(run) {
        return Err(TrainError::CannotResume(
            "its run.toml is cut off or another one, for it does not say what the run was begun with; put it back from a \
             backup, or start a new run"
                .to_owned(),
        ));
    }
    let (mut catalog, mut notes) = (Arc::clone(&request.catalog), Vec::new());
    if let Some(facts) = &config.run {
        if facts.is_imported() {
            return Err(nothing_to_go_on_with());
        }
        let own = catalog.with_fingerprint(&facts.data_fingerprint);
        catalog = own.ok_or_else(|| TrainError::CannotResume(other_images(&request.catalog)))?;
        if catalog.fingerprint != request.catalog.fingerprint {
            notes.push("the run goes on with the images it began with, whatever is excluded now".to_owned());
        }
    }
    let longer = lengthen(&mut config, request.config.train.epochs);
    let is_longer = longer.is_some();
    notes.extend(longer);
    config.train.device.clone_from(&request.config.train.device);
    let origin = Origin::follow(&mut config, run, &request.config.train.start_from)?;
    Ok(InForce { config, catalog, origin, notes, is_longer })
}

/// Where the images of a run that should go on lie, as its settings remember.
///
/// # Errors
/// When they do not, or the run has none.
pub fn data_of(config: &RunConfig) -> Result<PathBuf, TrainError> {
    let facts = config.run.as_ref();
    if facts.is_some_and(RunInfo::is_imported) {
        return Err(nothing_to_go_on_with());
    }
    let data = facts.map(|facts| facts.data.as_str()).filter(|data| !data.is_empty());
    data.map(PathBuf::from).ok_or_else(|| {
        TrainError::CannotResume("its run.toml does not say where its images are, so they have to be named".to_owned())
    })
}

fn nothing_to_go_on_with() -> TrainError {
    TrainError::CannotResume(
        "its weights were imported, so there is nothing to go on with; start a new run with it as train.start_from"
            .to_owned(),
    )
}

/// Why a run does not go on with these images. What was excluded when it began is not kept with it, so that this cannot be
/// brought about for it.
fn other_images(catalog: &Catalog) -> String {
    format!(
        "the images differ from those it was trained with: some were added, removed or changed since, or others are excluded \
         now than then; put the images and the list of those excluded ({}) back as they were, or start a new run",
        catalog.exclude_path().display()
    )
}

/// Makes a run longer that should have more epochs; says so. How long it was is noted: its margin keeps to that.
fn lengthen(config: &mut RunConfig, epochs: u32) -> Option<String> {
    let before = config.train.epochs;
    if epochs <= before {
        return None;
    }
    config.train.epochs = epochs;
    if let Some(facts) = &mut config.run {
        facts.begun_epochs.get_or_insert(before);
    }
    let rate = if config.train.falls_to_its_end() {
        ": the learning rate falls towards the new end now, and is higher until then than it was planned to be"
    } else {
        ""
    };
    let margin = if config.loss.head.has_margin() { "; the margin stays as it was planned" } else { "" };
    Some(format!("the run is made longer, from {before} to {epochs} epochs{rate}{margin}"))
}

/// Where a run goes on from.
pub(super) struct Start<'a> {
    /// Its folder, with the checkpoints.
    pub folder: &'a RunFolder,
    /// What they have to say of their network.
    pub info: &'a ModelInfo,
    /// The run whose network it begins with, while it has no checkpoint.
    pub origin: Option<&'a Origin>,
    /// What it learns from.
    pub part: TrainingPart<'a>,
    /// What the best epoch is told by.
    pub best: Best,
}

/// Puts the newest usable checkpoint into a fresh session, or where there is none yet, what the run starts from.
pub(super) fn restore(
    start: &Start<'_>,
    session: &mut dyn Session,
    observer: &mut dyn Observer,
) -> Result<CheckpointState, TrainError> {
    let state = put_back(find_checkpoint::newest_usable(start.folder.path())?, start, session, observer)?;
    start.folder.return_to(&state)?;
    Ok(state)
}

/// Puts a checkpoint into a fresh session, or without one, what the run starts from. The run's folder stays as it is: see
/// [`RunFolder::return_to`] and [`RunFolder::rewind_to`].
pub(super) fn put_back(
    found: Option<Found>,
    start: &Start<'_>,
    session: &mut dyn Session,
    observer: &mut dyn Observer,
) -> Result<CheckpointState, TrainError> {
    let Some((checkpoint, damaged)) = found else {
        begin(start, session, observer)?;
        return Ok(CheckpointState { format: 1, rewind_target: Some(0), ..CheckpointState::default() });
    };
    damaged.into_iter().for_each(|text| observer.event(TrainEvent::Warning(text)));
    if checkpoint.info()? != *start.info {
        return Err(TrainError::CannotResume(
            "its network differs from the one its settings describe; start a new run".to_owned(),
        ));
    }
    session.restore(&checkpoint.read(checkpoint::RESUME_FILE)?)?;
    Ok(with_best_on_disk(checkpoint.state, start, observer))
}

/// Puts the network that the run starts from into a fresh session, if there is one, and lets the class weights that it does
/// not know begin at the means of their classes.
fn begin(start: &Start<'_>, session: &mut dyn Session, observer: &mut dyn Observer) -> Result<(), TrainError> {
    let info = start.info;
    let Some(origin) = start.origin else { return Ok(()) };
    origin.told.iter().for_each(|text| observer.event(TrainEvent::Warning(text.clone())));
    let run = NewRun { classes: &info.classes, data: start.part.store.catalog(), seed: start.part.seed };
    let Some(Given { known, withheld }) = origin.give(session, &info.head, &run)? else { return Ok(()) };
    let (begun, left_out) = imprint::set_rows(session, &start.part, &info.head, &known, &mut |done, total| {
        observer.event(TrainEvent::Preparing(done, total));
        observer.idle();
    })?;
    left_out.groups().iter().for_each(|group| observer.event(TrainEvent::Warning(group.headline.clone())));
    let given = known.iter().filter(|known| **known).count();
    let others = match begun.len() {
        0 => String::new(),
        1 => "; 1 other begins at the mean of its images".to_owned(),
        begun => format!("; {begun} others begin at the mean of their images"),
    };
    let why = withheld.map(|why| format!(", because {why}")).unwrap_or_default();
    observer.event(TrainEvent::Note(format!(
        "the network is that of the run it starts from, and so are the weights of {given} of {} classes{others}{why}",
        info.classes.len()
    )));
    Ok(())
}

/// A best epoch that cannot be gone back to is none: its checkpoint is damaged, or went when a later one, now damaged, was
/// better. A disk that does not answer at the moment costs nothing: without its mark, a sound checkpoint would be removed
/// soon. That of `state` itself was looked at when it was found.
fn with_best_on_disk(mut state: CheckpointState, start: &Start<'_>, observer: &mut dyn Observer) -> CheckpointState {
    let Some(best) = state.best.filter(|best| best.step != state.step) else { return state };
    let Err(error) = start.folder.checkpoint(best.step) else { return state };
    let (step, reason) = (best.step, find_checkpoint::reason(&error));
    let what_follows = if error.is_loss() {
        state.best = Some(patience::best_left(&state, start.best));
        format!("cannot be used ({reason}); until an epoch is better, that of step {} is", state.step)
    } else {
        format!("cannot be read at the moment ({reason}); it stays the best until an epoch is better")
    };
    observer.event(TrainEvent::Warning(format!("the best checkpoint, that of step {step}, {what_follows}")));
    state
}

/// What the settings have to fit, read off a split.
pub fn data_facts(catalog: &Catalog, split: &Split) -> DataFacts {
    DataFacts {
        train_classes: split.train_classes.len(),
        train_images: split.train.len(),
        validation_images: split.validation.len(),
        typical_px: catalog.typical_px(),
        all_grey: catalog.all_grey(),
    }
}

/// Decodes what is needed, with progress.
pub(super) fn build_store(
    catalog: &Arc<Catalog>,
    split: &Split,
    resolved: &Resolved,
    preprocess: &Preprocess,
    control: &Control,
    observer: &mut dyn Observer,
) -> Result<Arc<ImageStore>, TrainError> {
    let mut items = split.train.clone();
    items.extend(&split.validation);
    items.sort_unstable();
    let (send, receive) = std::sync::mpsc::sync_channel::<(usize, usize)>(1);
    let cache_bytes = u64::from(resolved.config.data.cache_mib) << 20;
    // Decoding runs on other threads; progress comes back through a slot of one and is passed on from here.
    let built = std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            let report = |progress: crate::data::Progress| {
                // A full slot holds a report that was not looked at yet: this one will be followed by another.
                send.try_send((progress.done as usize, progress.total as usize)).ok();
            };
            ImageStore::build(Arc::clone(catalog), &items, preprocess.clone(), cache_bytes, &report, &|| {
                control.is_cancelled()
            })
        });
        while !work.is_finished() {
            if let Ok((done, total)) = receive.recv_timeout(Duration::from_millis(30)) {
                observer.event(TrainEvent::Preparing(done, total));
            }
            observer.idle();
        }
        work.join()
    });
    let (store, warnings) =
        built.map_err(|_| TrainError::Compute("an image decoder stopped unexpectedly".to_owned()))??;
    if control.is_cancelled() {
        return Err(TrainError::Cancelled);
    }
    for group in warnings.groups() {
        observer.event(TrainEvent::Warning(format!("{} ({})", group.headline, group.examples.join(", "))));
    }
    Ok(Arc::new(store))
}

/// What a checkpoint says of its network.
pub(super) fn model_info(
    resolved: &Resolved,
    split: &Split,
    catalog: &Catalog,
    preprocess: Preprocess,
    form: Form,
) -> ModelInfo {
    let name = |class: &u32| catalog.classes.get(*class as usize).cloned().unwrap_or_default();
    let (embedder, head) = footprint::specs(resolved, split.train_classes.len(), form);
    ModelInfo {
        format: ModelInfo::FORMAT,
        network: Network { embedder, preprocess, add_mirror: resolved.add_mirror },
        head,
        classes: split.train_classes.iter().map(name).collect(),
    }
}

/// Images per step: a set smaller than a batch is one batch.
pub(super) fn batch_size(resolved: &Resolved, images: usize) -> usize {
    (resolved.config.train.batch as usize).min(images).max(1)
}

/// In which order an epoch visits so many images.
pub(super) fn sampling(resolved: &Resolved, images: usize) -> Sampling {
    let train = &resolved.config.train;
    Sampling {
        sampler: train.sampler,
        batch: batch_size(resolved, images),
        images_per_class: train.images_per_class as usize,
    }
}

/// The part of a run's name that says what it is.
pub(super) fn run_label(catalog: &Catalog, config: &RunConfig) -> String {
    let data = catalog.root.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    format!("{data}-{}", config.loss.head.word())
}

/// The facts written beside the settings. A continued run has some already, which stay.
pub(super) fn run_info(
    catalog: &Catalog,
    split: &Split,
    device: &str,
    start_sha256: String,
    config: &RunConfig,
) -> RunInfo {
    let path: &Path = &catalog.root;
    let now = RunInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        imported: String::new(),
        start_sha256,
        device: device.to_owned(),
        data: path.canonicalize().unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned(),
        data_fingerprint: catalog.fingerprint.clone(),
        earlier_fingerprint: catalog.earlier_fingerprint().unwrap_or_default().to_owned(),
        started: chrono::Local::now().to_rfc3339(),
        classes: split.train_classes.len() as u32,
        images: split.train.len() as u32,
        begun_epochs: config.run.as_ref().and_then(|before| before.begun_epochs),
        longer_from: None,
        automatic: automatic_keys(config),
        series: config.run.as_ref().and_then(|before| before.series.clone()),
    };
    let Some(before) = config.run.clone().filter(RunInfo::has_begun) else { return now };
    let start_sha256 = if now.start_sha256.is_empty() { before.start_sha256 } else { now.start_sha256 };
    let RunInfo { started, automatic, begun_epochs, longer_from, earlier_fingerprint: noted, .. } = before;
    // The files may have other names by now, which are in it.
    let earlier_fingerprint = if noted.is_empty() { now.earlier_fingerprint } else { noted };
    RunInfo { start_sha256, started, automatic, begun_epochs, longer_from, earlier_fingerprint, ..now }
}

/// Settings that nobody asked for, those among them that were chosen for the first run of the series.
fn automatic_keys(config: &RunConfig) -> Vec<String> {
    let own = config.automatic_keys();
    let chosen = config.run.iter().flat_map(|before| &before.automatic).filter(|key| !own.contains(key));
    own.iter().chain(chosen).cloned().collect()
}
