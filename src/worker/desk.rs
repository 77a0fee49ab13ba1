//! Jobs without tensors: reading folders, drawing the sample, maps, lists.

use super::convert;
use super::emit::Emitter;
use super::exchange;
use super::explain;
use super::faces;
use super::figure;
use super::file_kind;
use super::protocol::{Event, ExclusionChange, Job, JobError, OpenedData, Outcome, Request, RunChange, RunEntry};
use super::sample::find_or_draw_sample;
use super::{Lane, lane};
use crate::data::{Catalog, Examination, Progress, examine, write_exclusions};
use crate::map::lay_out;
use crate::train::{delete_run, describe_run, list_runs, save_operating_point};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Serves jobs until the queue is closed.
pub fn serve(jobs: &Mutex<Receiver<Job>>, emitter: &Emitter) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        if is_unwanted(&job) {
            emitter.end(job.id, Outcome::Cancelled);
            continue;
        }
        let outcome = match catch_unwind(AssertUnwindSafe(|| run(&job, emitter))) {
            Ok(Ok(())) if job.control.is_cancelled() => Outcome::Cancelled,
            Ok(Ok(())) => Outcome::Finished,
            Ok(Err(_)) if job.control.is_cancelled() => Outcome::Cancelled,
            Ok(Err(error)) => Outcome::Failed(*error),
            Err(panic) => {
                Outcome::Failed(JobError { device_lost: false, ..explain::from_panic(job.request.kind(), &*panic) })
            }
        };
        emitter.end(job.id, outcome);
    }
}

/// The job was stopped while it waited. What a person has done already is written although the program is closing.
fn is_unwanted(job: &Job) -> bool {
    let is_closing = job.control.after_stop().is_cancelled();
    job.control.is_cancelled() && !(is_closing && lane(&job.request) == Lane::Writing)
}

fn run(job: &Job, emitter: &Emitter) -> Result<(), Box<JobError>> {
    match &job.request {
        Request::OpenData { path } => open(job, path, emitter),
        Request::OpenSample { fallback } => {
            let drawn = emitter.shared_progress(job.id);
            let report = |done: u32, total: u32| drawn(Progress { done: done.into(), total: total.into() });
            let path = find_or_draw_sample(fallback, &report, &|| job.control.is_cancelled())
                .map_err(|error| plain(&error))?;
            open(job, &path, emitter)
        }
        Request::CheckData { catalog } => check(job, catalog, emitter),
        Request::Exclude { examination, excluded } => exclude(job, examination, excluded, emitter),
        Request::ExportData { catalog, request, out } => convert::export(job, catalog, request, out, emitter),
        Request::Map { table, method, tsne } => {
            let layout =
                lay_out(table, *method, tsne, &|| job.control.is_cancelled()).map_err(|error| plain(&error))?;
            emitter.send(Event::Mapped { job: job.id, table: Arc::clone(table), layout: Arc::new(layout) });
            Ok(())
        }
        Request::SaveOperatingPoint { run, point } => {
            save_operating_point(run, point).map_err(|error| Box::new(explain::from_train(&error)))
        }
        Request::SaveFigure { figure, out, replace } => figure::save(job, figure, out, *replace, emitter),
        Request::ListRuns { root } => {
            emitter.send(Event::Runs { job: job.id, runs: entries(root) });
            Ok(())
        }
        Request::ChangeRun { run, change } => {
            let after = match change {
                RunChange::Describe { name, note } => describe_run(run, name, note).map(Some),
                RunChange::Delete => delete_run(run).map(|_| None),
            };
            let after = after.map_err(|error| Box::new(explain::from_train(&error)))?;
            emitter.send(Event::RunChanged { job: job.id, before: run.clone(), after });
            Ok(())
        }
        Request::LookAtFile { file } => file_kind::look(job, file, emitter),
        Request::LookAtWeights { weights } => exchange::look(job, weights, emitter),
        Request::FindFace { source, detector, min_score } => {
            faces::find(job, source, detector.as_deref().map(|path| (path, *min_score)), emitter)
        }
        Request::AlignFolder { root, out, finder, options } => {
            faces::align(job, &faces::Folder { root, out, finder, options: *options }, emitter)
        }
        Request::MarkFaces { spec, step } => faces::by_hand(job, spec, step, emitter),
        // What needs tensors goes to the compute thread.
        _ => Ok(()),
    }
}

fn plain(error: &dyn std::error::Error) -> Box<JobError> {
    Box::new(explain::from_error(error, None))
}

fn open(job: &Job, path: &Path, emitter: &Emitter) -> Result<(), Box<JobError>> {
    let began = Instant::now();
    let report = emitter.shared_progress(job.id);
    let catalog = Catalog::open(path, &report, &|| job.control.is_cancelled()).map_err(|error| plain(&error))?;
    let data = OpenedData { catalog: Arc::new(catalog), elapsed_secs: began.elapsed().as_secs_f64() };
    emitter.send(Event::DataOpened { job: job.id, data });
    Ok(())
}

fn check(job: &Job, catalog: &Arc<Catalog>, emitter: &Emitter) -> Result<(), Box<JobError>> {
    let report = emitter.shared_progress(job.id);
    let examination = examine(catalog, &report, &|| job.control.is_cancelled()).map_err(|error| plain(&error))?;
    emitter.send(Event::Checked { job: job.id, examination: Arc::new(examination) });
    Ok(())
}

/// The smaller data set is made before the file is written: what cannot be opened again is not kept.
fn exclude(
    job: &Job,
    examination: &Arc<Examination>,
    excluded: &[u32],
    emitter: &Emitter,
) -> Result<(), Box<JobError>> {
    let whole = examination.catalog();
    let catalog = match excluded {
        [] => Arc::clone(whole),
        some => Arc::new(whole.without(some).map_err(|error| plain(&error))?),
    };
    write_exclusions(whole, excluded).map_err(|error| plain(&error))?;
    let diagnosis = Arc::new(examination.diagnose(excluded));
    emitter.send(Event::Excluded { job: job.id, change: Box::new(ExclusionChange { catalog, diagnosis }) });
    Ok(())
}

/// The runs below `root`, by the paths that the trainer gives them: it follows links, and makes paths absolute.
fn entries(root: &Path) -> Vec<RunEntry> {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    list_runs(&root)
        .into_iter()
        .map(|run| RunEntry {
            epochs_done: run.epochs.last().map_or(0, |epoch| epoch.epoch),
            eer: run.best_eer(),
            resumable: run.is_unfinished(),
            has_model: run.has_model,
            network: run.network,
            finished: run.finished,
            note: run.note,
            epochs: run.epochs.into(),
            path: run.path,
            name: run.name,
            config: run.config,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn runs_are_listed_by_the_path_that_the_trainer_has() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("runs/a");
        std::fs::create_dir_all(&run).unwrap();
        crate::config::save(&crate::config::RunConfig::default(), &run.join("run.toml")).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("runs"), &link).unwrap();
        let trained = crate::train::RunFolder::open(&link.join("a")).unwrap();
        let listed = entries(&link);
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].path, trained.path());
        assert!(entries(&folder.path().join("nothing")).is_empty());
    }
}
