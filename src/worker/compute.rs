//! The one thread that owns every tensor: training, evaluation, verification, the search for devices.
//!
//! While a network is being trained, short jobs are served between two steps: comparing two images, so that trying a model
//! out does not wait for the next one to be finished, and weights that come in or go out, which touch no run under way.

use super::emit::Emitter;
use super::protocol::{
    Classification, EvaluateOn, Evaluation, Event, ImageSource, Job, JobError, JobId, Outcome, Request, VerifyResult,
};
use super::source;
use super::{exchange, explain};
use crate::config::{RunConfig, counted};
use crate::data::{Catalog, DataError, Progress, Protocol, Thumb};
use crate::eval::{angle_deg, cosine_similarity, nearest, operating_point, vector_length};
use crate::train::{
    Control, Device, Observer, Place, StoredEvaluation, Threshold, TrainError, TrainEvent, TrainRequest, TrainedModel,
    best_sha256, changed_images, choose, devices, evaluate_all, evaluate_protocol, evaluate_split, kept_rule,
    read_config, reopen, rule_of, store_first_evaluation, store_own_evaluation, threshold_of, train,
};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// Jobs set aside while training; beyond that they wait in the queue.
const BACKLOG: usize = 8;
/// Neighbours listed for each verified image.
const NEIGHBOURS: usize = 5;

/// Serves jobs until the queue is closed.
pub fn serve(jobs: &Receiver<Job>, emitter: &Emitter) {
    let mut compute = Compute { jobs, emitter, backlog: VecDeque::new(), bench: Bench::default() };
    while let Some(job) = compute.next() {
        let outcome = compute.guarded(&job);
        emitter.end(job.id, outcome);
    }
}

struct Compute<'a> {
    jobs: &'a Receiver<Job>,
    emitter: &'a Emitter,
    backlog: VecDeque<Job>,
    bench: Bench,
}

/// What the last jobs left lying ready.
#[derive(Default)]
struct Bench {
    model: Option<TrainedModel>,
    /// SHA-256 of the weights that its run marked as the best when it was loaded.
    best: Option<String>,
    catalog: Option<Arc<Catalog>>,
}

impl Compute<'_> {
    fn next(&mut self) -> Option<Job> {
        self.backlog.pop_front().or_else(|| self.jobs.recv().ok())
    }

    fn guarded(&mut self, job: &Job) -> Outcome {
        let result = catch_unwind(AssertUnwindSafe(|| self.run(job)));
        match result {
            Ok(outcome) => outcome,
            Err(panic) => {
                self.bench = Bench::default();
                Outcome::Failed(explain::from_panic(job.request.kind(), &*panic))
            }
        }
    }

    fn run(&mut self, job: &Job) -> Outcome {
        let done = match &job.request {
            Request::Train { catalog, config, place } => return self.train(job, catalog, config, place),
            Request::Evaluate { run, on } => self.evaluate(job, run, on),
            Request::Devices => {
                self.emitter.send(Event::Devices { job: job.id, devices: devices() });
                Ok(())
            }
            _ => self.bench.serve_short(job, self.emitter).unwrap_or(Ok(())),
        };
        outcome(job, done)
    }

    fn train(&mut self, job: &Job, catalog: &Arc<Catalog>, config: &RunConfig, place: &Place) -> Outcome {
        self.bench.catalog = Some(Arc::clone(catalog));
        let request = TrainRequest { catalog: Arc::clone(catalog), config: config.clone(), place: place.clone() };
        let mut watcher = Watcher {
            id: job.id,
            jobs: self.jobs,
            emitter: self.emitter,
            backlog: &mut self.backlog,
            bench: &mut self.bench,
        };
        match train(&request, &job.control, &mut watcher) {
            Ok(summary) => {
                let stopped = summary.stopped;
                self.emitter.send(Event::Trained { job: job.id, summary: Box::new(summary) });
                if stopped { Outcome::Cancelled } else { Outcome::Finished }
            }
            Err(TrainError::Cancelled) => Outcome::Cancelled,
            Err(_) if job.control.is_cancelled() => Outcome::Cancelled,
            Err(error) => Outcome::Failed(JobError::from(&error)),
        }
    }

    fn evaluate(&mut self, job: &Job, run: &Path, on: &EvaluateOn) -> Result<(), Box<JobError>> {
        let explain = |error: TrainError| Box::new(JobError::from(&error));
        let mut meter = self.emitter.progress(job.id);
        let mut progress = |done, total| meter.report(done, total);
        let control = &job.control;
        let look = Look { looked: &self.emitter.shared_progress(job.id), control };
        let target = match on {
            EvaluateOn::OwnSplit { open } => self.bench.own_images(run, open.as_ref(), look)?,
            EvaluateOn::Whole(catalog) => open_images(run, catalog).map_err(explain)?,
            EvaluateOn::Protocol { file, images } => Target::Pairs(open_protocol(file, images.as_deref(), look)?),
        };
        self.bench.load(run, job, self.emitter).map_err(explain)?;
        let Some(model) = &self.bench.model else { return Ok(()) };
        let eval = read_config(run).map_err(explain)?.eval;
        let usual = rule_of(&eval);
        let mut result = match &target {
            Target::Split(catalog) => evaluate_split(model, catalog, usual, control, &mut progress),
            Target::Whole(catalog) | Target::Changed(catalog, _) => {
                evaluate_all(model, catalog, usual, control, &mut progress)
            }
            Target::Pairs(protocol) => evaluate_protocol(model, protocol, usual, control, &mut progress),
        }
        .map_err(explain)?;
        // Asked for only now: embedding takes a while, and a person may choose another rule meanwhile.
        let rule = kept_rule(run, &eval);
        if rule != usual {
            result.report.operating = operating_point(&result.rates, rule);
        }
        let catalog = target.catalog();
        let source = catalog.root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let on_words = match target {
            Target::Split(_) => format!("{} of {source}", counted(result.table.len(), "held-out image")),
            Target::Whole(_) => format!("{} of {source}", counted(result.table.len(), "image")),
            Target::Changed(..) => {
                format!("{} of {source}, changed since training", counted(result.table.len(), "image"))
            }
            Target::Pairs(_) => format!("{} of {source}", counted(result.report.pairs, "pair")),
        };
        let stored = StoredEvaluation {
            on: on_words.clone(),
            own: Some(matches!(target, Target::Split(_))),
            rule,
            report: result.report.clone(),
            classification: result.classification,
            model_sha256: Some(result.model_sha256.clone()),
        };
        // An imported network has no images of its own. What others are measured on does not take the place of those, and
        // images that it may have learned from give it no threshold.
        let kept = match target {
            Target::Split(_) => store_own_evaluation(run, &stored),
            Target::Whole(_) | Target::Pairs(_) => store_first_evaluation(run, &stored),
            Target::Changed(..) => Ok(false),
        };
        kept.map_err(explain)?;
        let kept_elsewhere = match threshold_of(model) {
            Threshold::Known(point) if point != result.report.operating => Some(point),
            _ => None,
        };
        let evaluation = Evaluation {
            run: run.to_owned(),
            name: run.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            on: on_words,
            is_own: stored.is_own(),
            protocol: matches!(target, Target::Pairs(_)).then_some(source),
            rule,
            kept_elsewhere,
            changed: target.change(),
            doubt: result.doubt(),
            report: result.report,
            rates: Arc::new(result.rates),
            classification: result.classification.map(|(loss, accuracy)| Classification { loss, accuracy }),
            table: Arc::new(result.table),
            catalog,
            warnings: result.warnings,
            model_sha256: result.model_sha256,
            epoch: model.epoch(),
        };
        self.emitter.send(Event::Evaluated { job: job.id, evaluation: Arc::new(evaluation) });
        Ok(())
    }
}

/// How a job ended that came to this.
fn outcome(job: &Job, done: Result<(), Box<JobError>>) -> Outcome {
    match done {
        Ok(()) if job.control.is_cancelled() => Outcome::Cancelled,
        Ok(()) => Outcome::Finished,
        Err(_) if job.control.is_cancelled() => Outcome::Cancelled,
        Err(error) => Outcome::Failed(*error),
    }
}

/// How a look at many images is followed and broken off.
#[derive(Clone, Copy)]
struct Look<'a> {
    looked: &'a (dyn Fn(Progress) + Sync),
    control: &'a Control,
}

/// What is evaluated, opened.
enum Target {
    Split(Arc<Catalog>),
    Whole(Arc<Catalog>),
    /// The run's images, which are others now; a sentence that says so.
    Changed(Arc<Catalog>, String),
    Pairs(Protocol),
}

impl Target {
    fn catalog(&self) -> Arc<Catalog> {
        match self {
            Self::Split(catalog) | Self::Whole(catalog) | Self::Changed(catalog, _) => Arc::clone(catalog),
            Self::Pairs(protocol) => Arc::clone(&protocol.catalog),
        }
    }

    fn change(self) -> Option<String> {
        match self {
            Self::Changed(_, change) => Some(change),
            Self::Split(_) | Self::Whole(_) | Self::Pairs(_) => None,
        }
    }
}

/// All images that are open; where they are the run's own, those that it held out.
///
/// # Errors
/// When the folder is no run.
fn open_images(run: &Path, open: &Arc<Catalog>) -> Result<Target, TrainError> {
    let config = read_config(run)?;
    let info = config.run.clone().unwrap_or_default();
    if let Some(own) = open.with_fingerprint(&info.data_fingerprint) {
        return Ok(Target::Split(own));
    }
    // In the place of its own there may be images that it has learned from.
    let is_place_of_own = open.root.canonicalize().is_ok_and(|root| root == Path::new(&info.data));
    let change = if is_place_of_own { changed_images(&config, open) } else { None };
    let open = Arc::clone(open);
    Ok(match change {
        Some(change) => Target::Changed(open, change),
        None => Target::Whole(open),
    })
}

/// The images of a list lie in `images`, or else beside it.
fn open_protocol(file: &Path, images: Option<&Path>, look: Look<'_>) -> Result<Protocol, Box<JobError>> {
    Protocol::open(file, images, look.looked, &|| look.control.is_cancelled()).map_err(|error| {
        let hint = matches!(error, DataError::NoPairs { .. })
            .then(|| "Choose the list again, and there the folder that its images lie in.".to_owned());
        Box::new(explain::from_error(&error, hint))
    })
}

impl Bench {
    /// Loads the best checkpoint of `run`, unless exactly that one lies ready. A run that went back to an earlier state may
    /// have other weights in a folder of the same name.
    fn load(&mut self, run: &Path, job: &Job, emitter: &Emitter) -> Result<(), TrainError> {
        let best = best_sha256(run);
        let is_ready =
            self.model.as_ref().is_some_and(|model| model.run() == run) && best.is_some() && best == self.best;
        if !is_ready {
            let device = choose("auto").map_or(Device::Cpu, |(device, _)| device);
            let model = TrainedModel::open(run, device)?;
            emitter.warn(job.id, model.told());
            (self.model, self.best) = (Some(model), best);
        }
        Ok(())
    }

    /// Does what takes a moment and touches no run under way; `None` for any other job.
    fn serve_short(&mut self, job: &Job, emitter: &Emitter) -> Option<Result<(), Box<JobError>>> {
        let is_unwanted = job.control.is_cancelled();
        Some(match &job.request {
            Request::Verify { .. } | Request::Import { .. } | Request::Export { .. } if is_unwanted => Ok(()),
            Request::Verify { .. } => self.verify(job, emitter),
            Request::Import { weights, root, preprocess } => exchange::import(job, weights, root, *preprocess, emitter),
            Request::Export { run, format, out } => exchange::export(job, run, *format, out, emitter),
            _ => return None,
        })
    }

    /// The data set a run was trained with, or what is in its place now; of an imported run, what is open.
    fn own_images(&mut self, run: &Path, open: Option<&Arc<Catalog>>, look: Look<'_>) -> Result<Target, Box<JobError>> {
        let config = read_config(run).map_err(|error| Box::new(JobError::from(&error)))?;
        let info = config.run.clone().unwrap_or_default();
        if info.is_imported() {
            let open = open.ok_or_else(|| Box::new(JobError::no_images_to_measure_on()))?;
            return Ok(Target::Whole(Arc::clone(open)));
        }
        let mut at_hand = open.into_iter().chain(&self.catalog);
        if let Some(own) = at_hand.find_map(|catalog| catalog.with_fingerprint(&info.data_fingerprint)) {
            return Ok(Target::Split(own));
        }
        let catalog = reopen(&info, look.looked, look.control).map_err(|error| {
            let hint = "The run remembers where its images were. If they were moved, open them in Data and measure the \
                        run again.";
            Box::new(explain::from_error(&error, Some(hint.to_owned())))
        })?;
        self.catalog = Some(Arc::clone(&catalog));
        Ok(match changed_images(&config, &catalog) {
            Some(change) => Target::Changed(catalog, change),
            None => Target::Split(catalog),
        })
    }

    fn verify(&mut self, job: &Job, emitter: &Emitter) -> Result<(), Box<JobError>> {
        let Request::Verify { run, images, measured } = &job.request else { return Ok(()) };
        let explain = |error: TrainError| Box::new(JobError::from(&error));
        self.load(run, job, emitter).map_err(explain)?;
        let Some(model) = &self.model else { return Ok(()) };
        let result = compare(model, images, measured.as_ref())?;
        emitter.send(Event::Verified { job: job.id, result: Box::new(result) });
        Ok(())
    }
}

/// Embeds two pictures and compares them. What was `measured` with other weights of the run has neither a threshold for
/// these nor embeddings that they could be compared with.
///
/// # Errors
/// When a picture cannot be read or the device fails.
fn compare(
    model: &TrainedModel,
    images: &[ImageSource; 2],
    measured: Option<&Arc<Evaluation>>,
) -> Result<VerifyResult, Box<JobError>> {
    let embed = |source: &ImageSource| {
        let image = source::load(source).map_err(|error| {
            let hint = format!("Choose another picture instead of {}.", source.name());
            Box::new(explain::from_error(&error, Some(hint)))
        })?;
        let (embedding, pixels) = model.embed_image(&image).map_err(|error| Box::new(JobError::from(&error)))?;
        Ok::<_, Box<JobError>>((embedding, crop(&pixels, model)))
    };
    let (first, first_crop) = embed(&images[0])?;
    let (second, second_crop) = embed(&images[1])?;
    let similarity = cosine_similarity(&first, &second);
    let tells_quality = model.info().head.head.length_tells_quality();
    let of_these = measured.filter(|measured| measured.model_sha256 == model.sha256());
    let known = |embedding: &[f32]| {
        of_these.map_or_else(Vec::new, |measured| nearest(&measured.table, embedding, NEIGHBOURS, None))
    };
    let threshold = match of_these {
        Some(measured) => Threshold::Known(measured.threshold()),
        None => match threshold_of(model) {
            // Measured it was, with other weights.
            Threshold::Missing if measured.is_some() => Threshold::Outdated,
            kept => kept,
        },
    };
    Ok(VerifyResult {
        similarity,
        angle_deg: angle_deg(similarity),
        neighbours: [known(&first), known(&second)],
        threshold,
        measured: of_these.map(Arc::clone),
        model_sha256: model.sha256().to_owned(),
        crops: [first_crop, second_crop],
        lengths: tells_quality.then(|| [&first, &second].map(|embedding| vector_length(embedding) as f32)),
    })
}

fn crop(pixels: &[u8], model: &TrainedModel) -> Thumb {
    let preprocess = &model.info().network.preprocess;
    let rgba = pixels
        .chunks_exact(preprocess.channels.max(1) as usize)
        .flat_map(|pixel| match pixel {
            [r, g, b] => [*r, *g, *b, 255],
            [grey, ..] => [*grey, *grey, *grey, 255],
            [] => [0, 0, 0, 255],
        })
        .collect();
    Thumb { width: preprocess.image_px, height: preprocess.image_px, rgba }
}

/// Passes a run's news on, and serves short jobs between its steps.
struct Watcher<'a> {
    id: JobId,
    jobs: &'a Receiver<Job>,
    emitter: &'a Emitter,
    backlog: &'a mut VecDeque<Job>,
    bench: &'a mut Bench,
}

impl Watcher<'_> {
    /// Ends what waits for the end of the training and was stopped meanwhile.
    fn end_unwanted(&mut self) {
        let emitter = self.emitter;
        self.backlog.retain(|job| {
            let is_unwanted = job.control.is_cancelled();
            if is_unwanted {
                emitter.end(job.id, Outcome::Cancelled);
            }
            !is_unwanted
        });
    }
}

impl Observer for Watcher<'_> {
    fn event(&mut self, event: TrainEvent) {
        let newest_only = matches!(event, TrainEvent::Preparing(..) | TrainEvent::Angles(_));
        let event = Event::Train { job: self.id, event };
        if newest_only { self.emitter.offer(event) } else { self.emitter.send(event) }
    }

    fn idle(&mut self) {
        self.end_unwanted();
        while self.backlog.len() < BACKLOG {
            let Ok(job) = self.jobs.try_recv() else { return };
            let result = catch_unwind(AssertUnwindSafe(|| self.bench.serve_short(&job, self.emitter)));
            let outcome = match result {
                Ok(Some(done)) => outcome(&job, done),
                Ok(None) => {
                    self.backlog.push_back(job);
                    continue;
                }
                Err(panic) => Outcome::Failed(explain::from_panic(job.request.kind(), &*panic)),
            };
            self.emitter.end(job.id, outcome);
        }
    }
}
