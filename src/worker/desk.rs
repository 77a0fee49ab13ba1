//! Jobs without tensors: reading folders, drawing the sample, maps, lists.

use super::convert;
use super::emit::Emitter;
use super::exchange;
use super::explain;
use super::faces::{self, Detectors};
use super::figure;
use super::file_kind;
use super::pairs;
use super::protocol::{Event, ExclusionChange, Job, JobError, OpenedData, Outcome, Request, RunChange, RunEntry};
use super::sample::find_or_draw_sample;
use super::warm::Warmer;
use super::{Lane, lane};
use crate::data::{Catalog, Examination, Progress, examine, exclude};
use crate::map::lay_out;
use crate::train::{
    RunOnDisk, TrainError, delete_run, describe_run, described_network, list_runs, read_config, read_run,
    save_operating_point,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Serves jobs until the queue is closed.
pub(super) fn serve(jobs: &Mutex<Receiver<Job>>, detectors: &Detectors, warmer: &Arc<Warmer>, emitter: &Emitter) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        if is_unwanted(&job) {
            emitter.end(job.id, Outcome::Cancelled);
            continue;
        }
        let outcome = match catch_unwind(AssertUnwindSafe(|| run(&job, detectors, warmer, emitter))) {
            Ok(Ok(())) if job.control.is_cancelled() => Outcome::Cancelled,
            Ok(Ok(())) => Outcome::Finished,
            Ok(Err(_)) if job.control.is_cancelled() => Outcome::Cancelled,
            Ok(Err(error)) => Outcome::Failed(*error),
            Err(panic) => Outcome::Failed(explain::from_panic(job.request.kind(), &*panic)),
        };
        emitter.end(job.id, outcome);
    }
}

/// The job was stopped while it waited. What a person has done already is written although the program is closing.
fn is_unwanted(job: &Job) -> bool {
    let is_closing = job.control.after_stop().is_cancelled();
    job.control.is_cancelled() && !(is_closing && lane(&job.request) == Lane::Writing)
}

fn run(job: &Job, detectors: &Detectors, warmer: &Arc<Warmer>, emitter: &Emitter) -> Result<(), Box<JobError>> {
    match &job.request {
        Request::OpenData { path } => open(job, path, warmer, emitter),
        Request::OpenSample { fallback } => {
            let drawn = emitter.shared_progress(job.id);
            let report = |done: u32, total: u32| drawn(Progress { done: done.into(), total: total.into() });
            let path = find_or_draw_sample(fallback, &report, &|| job.control.is_cancelled())
                .map_err(|error| plain(&error))?;
            open(job, &path, warmer, emitter)
        }
        Request::CheckData { catalog } => check(job, catalog, emitter),
        Request::Exclude { examination, excluded } => leave_out(job, examination, excluded, warmer, emitter),
        Request::ExportData { catalog, request, out } => convert::export(job, catalog, request, out, emitter),
        Request::Map { table, method, tsne } => {
            let layout = lay_out(table, *method, tsne, &|| job.control.is_cancelled())
                .map_err(|error| Box::new(JobError::no_map(&error)))?;
            emitter.send(Event::Mapped { job: job.id, table: Arc::clone(table), layout: Arc::new(layout) });
            Ok(())
        }
        Request::SaveOperatingPoint { run, kept } => {
            // What was measured stays on the screen when its run has gone; no folder is made anew for its threshold.
            let saved = read_config(run).and_then(|_| save_operating_point(run, kept));
            saved.map_err(|error| Box::new(JobError::from(&error)))
        }
        Request::SaveFigure { figure, out, replace } => figure::save(job, figure, out, *replace, emitter),
        Request::ListRuns { root, elsewhere } => {
            let (runs, read) = entries(root, elsewhere);
            emitter.send(match read {
                Ok(()) => Event::Runs { job: job.id, runs },
                Err(_) => Event::RunsElsewhere { job: job.id, runs },
            });
            read.map_err(|error| Box::new(JobError::from(&error)))
        }
        Request::ReadNetwork { run } => {
            let network = described_network(run);
            emitter.send(Event::NetworkRead { job: job.id, run: run.clone(), network });
            Ok(())
        }
        Request::ChangeRun { run, change } => {
            let after = match change {
                RunChange::Describe { name, note } => describe_run(run, name, note).map(Some),
                RunChange::Delete => delete_run(run).map(|_| None),
            };
            let after = after.map_err(|error| Box::new(JobError::from(&error)))?;
            emitter.send(Event::RunChanged { job: job.id, before: run.clone(), after });
            Ok(())
        }
        Request::LookAtFile { file } => file_kind::look(job, file, emitter),
        Request::LookAtWeights { weights } => exchange::look(job, weights, emitter),
        Request::LookAtPairs { file, folders } => pairs::look(job, file, folders, emitter),
        Request::FindFace { source, detector, min_score } => {
            let finder = detector.as_deref().map(|path| (path, *min_score));
            faces::find(job, source, finder, detectors, emitter)
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

fn open(job: &Job, path: &Path, warmer: &Arc<Warmer>, emitter: &Emitter) -> Result<(), Box<JobError>> {
    let began = Instant::now();
    let report = emitter.shared_progress(job.id);
    let catalog = Catalog::open(path, &report, &|| job.control.is_cancelled()).map_err(|error| plain(&error))?;
    let catalog = Arc::new(catalog);
    let data = OpenedData { catalog: Arc::clone(&catalog), elapsed_secs: began.elapsed().as_secs_f64() };
    emitter.send(Event::DataOpened { job: job.id, data });
    warmer.warm(catalog);
    Ok(())
}

fn check(job: &Job, catalog: &Arc<Catalog>, emitter: &Emitter) -> Result<(), Box<JobError>> {
    let report = emitter.shared_progress(job.id);
    let examination = examine(catalog, &report, &|| job.control.is_cancelled()).map_err(|error| plain(&error))?;
    emitter.send(Event::Checked { job: job.id, examination: Arc::new(examination) });
    Ok(())
}

fn leave_out(
    job: &Job,
    examination: &Arc<Examination>,
    excluded: &[u32],
    warmer: &Arc<Warmer>,
    emitter: &Emitter,
) -> Result<(), Box<JobError>> {
    let catalog = exclude(examination.catalog(), excluded).map_err(|error| plain(&error))?;
    let diagnosis = Arc::new(examination.diagnose(catalog.excluded()));
    let change = Box::new(ExclusionChange { catalog: Arc::clone(&catalog), diagnosis });
    emitter.send(Event::Excluded { job: job.id, change });
    warmer.warm(catalog);
    Ok(())
}

/// The runs below `root`, by the paths that the trainer gives them: it follows links, and makes paths absolute. Then those
/// of `elsewhere` that are not among them; what is no run any more is left out. Where `root` cannot be read, which is said, those
/// are all.
fn entries(root: &Path, elsewhere: &[PathBuf]) -> (Vec<RunEntry>, Result<(), TrainError>) {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let (listed, read) = match list_runs(&root) {
        Ok(listed) => (listed, Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    };
    let mut runs: Vec<RunEntry> = listed.into_iter().map(|run| entry(run, false)).collect();
    for path in elsewhere {
        if !runs.iter().any(|run| run.path == *path) {
            runs.extend(read_run(path).map(|run| entry(run, true)));
        }
    }
    RunEntry::tell_apart(&mut runs);
    (runs, read)
}

fn entry(run: RunOnDisk, is_elsewhere: bool) -> RunEntry {
    RunEntry {
        epochs_done: run.epochs.last().map_or(0, |epoch| epoch.epoch),
        eer: run.best_eer(),
        resumable: run.is_unfinished(),
        has_model: run.has_model,
        finished: run.finished,
        note: run.note,
        epochs: run.epochs.into(),
        path: run.path,
        name: run.name,
        config: run.config,
        is_elsewhere,
    }
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
        let (listed, _) = entries(&link, &[]);
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].path, trained.path());
        let (listed, read) = entries(&folder.path().join("nothing"), &[]);
        assert!(listed.is_empty() && read.is_ok());
    }

    fn run_in(root: &Path, name: &str) -> PathBuf {
        let path = root.join(name);
        std::fs::create_dir_all(&path).unwrap();
        crate::config::save(&crate::config::RunConfig::default(), &path.join("run.toml")).unwrap();
        path
    }

    #[test]
    fn a_run_from_elsewhere_is_told_from_others_of_its_name_by_the_folders_above() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        run_in(&root, "runs/a");
        run_in(&root, "runs/softmax/seed-2");
        let elsewhere = ["work/a", "work/arcface/seed-1", "work/softmax/seed-1", "work/softmax/seed-2", "work/c"];
        let elsewhere = elsewhere.map(|name| run_in(&root, name));
        let (found, _) = entries(&root.join("runs"), &elsewhere);
        let names: Vec<&str> = found.iter().map(|run| run.name.as_str()).collect();
        let (own, opened) = names.split_at(2);
        assert_eq!(own, ["softmax/seed-2", "a"], "they are called as ever");
        assert_eq!(opened, ["work/a", "arcface/seed-1", "softmax/seed-1", "work/softmax/seed-2", "c"]);
        assert!(found.iter().skip(2).all(|run| run.series_folder().is_none() && !run.own_name().contains('/')));
    }

    #[test]
    fn a_run_from_elsewhere_is_listed_once_and_only_while_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (own, opened) = (run_in(&root, "runs/a"), run_in(&root, "work/b"));
        let elsewhere = [own.clone(), opened.clone(), root.join("gone")];
        let (found, _) = entries(&root.join("runs"), &elsewhere);
        let found: Vec<(&Path, bool)> = found.iter().map(|run| (run.path.as_path(), run.is_elsewhere)).collect();
        assert_eq!(found, [(own.as_path(), false), (opened.as_path(), true)]);
    }
}
