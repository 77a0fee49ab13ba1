//! The one thread that owns every tensor: training, evaluation, verification, the search for devices.
//!
//! While a network is being trained, short jobs (comparing two images) are served between two steps, so that trying a
//! model out does not wait for the next one to be finished.

use super::emit::Emitter;
use super::protocol::{
    Classification, EvaluateOn, Evaluation, Event, ImageSource, Job, JobError, JobId, Outcome, Request, VerifyResult,
};
use super::source;
use super::{exchange, explain};
use crate::config::RunConfig;
use crate::data::{Catalog, DataError, Progress, Protocol, Thumb};
use crate::eval::{EmbeddingTable, OperatingPoint, OperatingRule, angle_deg, cosine_similarity, nearest};
use crate::train::{
    Control, Device, Observer, Place, StoredEvaluation, TrainError, TrainEvent, TrainRequest, TrainedModel, choose,
    devices, evaluate_all, evaluate_protocol, evaluate_split, load_operating_point, read_config, reopen,
    store_evaluation, store_first_evaluation, train,
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
            Request::Evaluate { run, on, rule } => self.evaluate(job, run, on, *rule),
            Request::Verify { .. } => self.bench.verify(job, self.emitter),
            Request::Import { weights, root, preprocess } => {
                exchange::import(job, weights, root, *preprocess, self.emitter)
            }
            Request::Export { run, format, out } => exchange::export(job, run, *format, out, self.emitter),
            Request::Devices => {
                self.emitter.send(Event::Devices { job: job.id, devices: devices() });
                Ok(())
            }
            _ => Ok(()),
        };
        match done {
            Ok(()) if job.control.is_cancelled() => Outcome::Cancelled,
            Ok(()) => Outcome::Finished,
            Err(_) if job.control.is_cancelled() => Outcome::Cancelled,
            Err(error) => Outcome::Failed(*error),
        }
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
            Err(error) => Outcome::Failed(explain::from_train(&error)),
        }
    }

    fn evaluate(&mut self, job: &Job, run: &Path, on: &EvaluateOn, rule: OperatingRule) -> Result<(), Box<JobError>> {
        let explain = |error: TrainError| Box::new(explain::from_train(&error));
        let mut meter = self.emitter.progress(job.id);
        let mut progress = |done, total| meter.report(done, total);
        let control = &job.control;
        let look = Look { looked: &self.emitter.shared_progress(job.id), control };
        let target = match on {
            EvaluateOn::OwnSplit => Target::Split(self.bench.catalog_of(run, look)?),
            EvaluateOn::Whole(catalog) => Target::Whole(Arc::clone(catalog)),
            EvaluateOn::Protocol { file, images } => Target::Pairs(open_protocol(file, images.as_deref(), look)?),
        };
        self.bench.load(run).map_err(explain)?;
        let Some(model) = &self.bench.model else { return Ok(()) };
        let result = match &target {
            Target::Split(catalog) => {
                evaluate_split(model, catalog, Some(rule), control, &mut progress).map(|(result, _)| result)
            }
            Target::Whole(catalog) => evaluate_all(model, catalog, rule, control, &mut progress),
            Target::Pairs(protocol) => evaluate_protocol(model, protocol, rule, control, &mut progress),
        }
        .map_err(explain)?;
        let catalog = target.catalog();
        let source = catalog.root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let on_words = match target {
            Target::Split(_) => format!("{} held-out images of {source}", result.table.len()),
            Target::Whole(_) => format!("{} images of {source}", result.table.len()),
            Target::Pairs(_) => format!("{} pairs of {source}", result.report.pairs),
        };
        let stored = StoredEvaluation {
            on: on_words.clone(),
            own: Some(matches!(target, Target::Split(_))),
            rule,
            report: result.report.clone(),
            classification: result.classification,
        };
        // An imported network has no images of its own.
        let kept = match target {
            Target::Split(_) => store_evaluation(run, &stored),
            Target::Whole(_) | Target::Pairs(_) => store_first_evaluation(run, &stored).map(|_| ()),
        };
        kept.map_err(explain)?;
        let evaluation = Evaluation {
            run: run.to_owned(),
            name: run.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            on: on_words,
            is_own: stored.is_own(),
            protocol: matches!(target, Target::Pairs(_)).then_some(source),
            report: result.report,
            rates: Arc::new(result.rates),
            classification: result.classification.map(|(loss, accuracy)| Classification { loss, accuracy }),
            table: Arc::new(result.table),
            catalog,
        };
        self.emitter.send(Event::Evaluated { job: job.id, evaluation: Arc::new(evaluation) });
        Ok(())
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
    Pairs(Protocol),
}

impl Target {
    fn catalog(&self) -> Arc<Catalog> {
        match self {
            Self::Split(catalog) | Self::Whole(catalog) => Arc::clone(catalog),
            Self::Pairs(protocol) => Arc::clone(&protocol.catalog),
        }
    }
}

/// The images of a list are looked for beside it, then in the folder that is open.
fn open_protocol(file: &Path, images: Option<&Path>, look: Look<'_>) -> Result<Protocol, Box<JobError>> {
    let open = |images: Option<&Path>| Protocol::open(file, images, look.looked, &|| look.control.is_cancelled());
    let opened = match (open(None), images) {
        (Err(DataError::NoPairs { .. }), Some(folder)) => open(Some(folder)),
        (opened, _) => opened,
    };
    opened.map_err(|error| {
        let hint = matches!(error, DataError::NoPairs { .. }).then(|| {
            "Put the list beside its images, or open the folder of the images in Data and choose the list again."
                .to_owned()
        });
        Box::new(explain::from_error(&error, hint))
    })
}

impl Bench {
    /// Loads the best checkpoint of `run`, unless exactly that one lies ready.
    fn load(&mut self, run: &Path) -> Result<(), TrainError> {
        let best = run.join("best").canonicalize().ok();
        let ready =
            self.model.as_ref().is_some_and(|model| model.run() == run && best.as_deref() == Some(model.checkpoint()));
        if !ready {
            let device = choose("auto").map_or(Device::Cpu, |(device, _)| device);
            self.model = Some(TrainedModel::open(run, device)?);
        }
        Ok(())
    }

    /// The data set a run was trained with.
    fn catalog_of(&mut self, run: &Path, look: Look<'_>) -> Result<Arc<Catalog>, Box<JobError>> {
        let info = read_config(run).map_err(|error| Box::new(explain::from_train(&error)))?.run.unwrap_or_default();
        let known = self.catalog.as_ref().and_then(|catalog| catalog.with_fingerprint(&info.data_fingerprint));
        if let Some(catalog) = known {
            return Ok(catalog);
        }
        let catalog = reopen(&info, look.looked, look.control).map_err(|error| {
            let hint =
                "The run remembers where its images were; open them again and evaluate the run on the open data set.";
            Box::new(explain::from_error(&error, Some(hint.to_owned())))
        })?;
        self.catalog = Some(Arc::clone(&catalog));
        Ok(catalog)
    }

    fn verify(&mut self, job: &Job, emitter: &Emitter) -> Result<(), Box<JobError>> {
        let Request::Verify { run, images, gallery, operating } = &job.request else { return Ok(()) };
        let explain = |error: TrainError| Box::new(explain::from_train(&error));
        self.load(run).map_err(explain)?;
        let Some(model) = &self.model else { return Ok(()) };
        let operating = operating.clone().or_else(|| load_operating_point(run));
        let result = compare(model, images, gallery.as_deref(), operating)?;
        emitter.send(Event::Verified { job: job.id, result: Box::new(result) });
        Ok(())
    }
}

/// Embeds two pictures and compares them.
///
/// # Errors
/// When a picture cannot be read or the device fails.
fn compare(
    model: &TrainedModel,
    images: &[ImageSource; 2],
    gallery: Option<&EmbeddingTable>,
    operating: Option<OperatingPoint>,
) -> Result<VerifyResult, Box<JobError>> {
    let embed = |source: &ImageSource| {
        let image = source::load(source).map_err(|error| {
            let hint = format!("Choose another picture instead of {}.", source.name());
            Box::new(explain::from_error(&error, Some(hint)))
        })?;
        let (embedding, pixels) = model.embed_image(&image).map_err(|error| Box::new(explain::from_train(&error)))?;
        Ok::<_, Box<JobError>>((embedding, crop(&pixels, model)))
    };
    let (first, first_crop) = embed(&images[0])?;
    let (second, second_crop) = embed(&images[1])?;
    let similarity = cosine_similarity(&first, &second);
    let dim = model.info().embedder.embedding_dim;
    let known = |embedding: &[f32]| {
        gallery
            .filter(|table| table.dim() == dim)
            .map_or_else(Vec::new, |table| nearest(table, embedding, NEIGHBOURS, None))
    };
    Ok(VerifyResult {
        similarity,
        angle_deg: angle_deg(similarity),
        neighbours: [known(&first), known(&second)],
        operating,
        crops: [first_crop, second_crop],
    })
}

fn crop(pixels: &[u8], model: &TrainedModel) -> Thumb {
    let preprocess = &model.info().preprocess;
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

impl Observer for Watcher<'_> {
    fn event(&mut self, event: TrainEvent) {
        let newest_only = matches!(event, TrainEvent::Preparing(..) | TrainEvent::Angles(_));
        let event = Event::Train { job: self.id, event };
        if newest_only { self.emitter.offer(event) } else { self.emitter.send(event) }
    }

    fn idle(&mut self) {
        while self.backlog.len() < BACKLOG {
            let Ok(job) = self.jobs.try_recv() else { return };
            if !matches!(job.request, Request::Verify { .. }) {
                self.backlog.push_back(job);
                continue;
            }
            let result = catch_unwind(AssertUnwindSafe(|| self.bench.verify(&job, self.emitter)));
            let outcome = match result {
                Ok(Ok(())) => Outcome::Finished,
                Ok(Err(error)) => Outcome::Failed(*error),
                Err(panic) => Outcome::Failed(explain::from_panic(job.request.kind(), &*panic)),
            };
            self.emitter.end(job.id, outcome);
        }
    }
}
