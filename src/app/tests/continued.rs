//! Runs that are continued: on which images, with which curves, and what waits for images to be opened.

use super::*;
use crate::config::RunInfo;
use crate::train::{Place, ValidationSnapshot};

mod series;

fn whole(folder: &Path) -> Arc<Catalog> {
    Arc::new(Catalog::open(folder, &|_| {}, &|| false).unwrap())
}

/// A run of two epochs on the images in `data`, the only one in the list.
fn with_run(state: &mut State, data: &Path, fingerprint: &str) -> PathBuf {
    let mut run = entry("a", "x", None);
    run.config.run = Some(RunInfo {
        data: data.to_string_lossy().into_owned(),
        data_fingerprint: fingerprint.to_owned(),
        ..RunInfo::default()
    });
    run.epochs = Arc::from([epoch(1), epoch(2)]);
    let path = run.path.clone();
    on_event(state, Event::Runs { job: JobId(0), runs: vec![run] });
    path
}

/// The job that goes on with a run, which run, and on which images.
fn continued(effects: &[Effect]) -> Option<(JobId, PathBuf, Arc<Catalog>)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(Job { id, request: Request::Train { catalog, place: Place::Resume(run), .. }, .. }) => {
            Some((*id, run.clone(), Arc::clone(catalog)))
        }
        _ => None,
    })
}

/// What follows from images that a job has opened.
fn opened(state: &mut State, opening: JobId, catalog: &Arc<Catalog>) -> Vec<Effect> {
    let data = OpenedData { catalog: Arc::clone(catalog), elapsed_secs: 0.1 };
    let effects = on_event(state, Event::DataOpened { job: opening, data });
    on_event(state, Event::Ended { job: opening, outcome: Outcome::Finished });
    effects
}

fn report(state: &mut State, id: JobId, event: TrainEvent) {
    on_event(state, Event::Train { job: id, event });
}

/// Numbers of the steps and of the epochs that are shown.
fn shown(state: &State) -> (Vec<u64>, Vec<u32>) {
    let view = state.training.as_ref().expect("a run is watched");
    (view.steps.iter().map(|step| step.step).collect(), view.epochs.iter().map(|epoch| epoch.epoch).collect())
}

#[test]
fn a_run_goes_on_by_itself_when_its_images_are_open() {
    let folder = folder();
    let catalog = whole(folder.path());
    let mut state = state();
    let run = with_run(&mut state, folder.path(), &catalog.fingerprint);
    let opening = job(&update(&mut state, Action::ContinueRun(run.clone()))).id;
    assert!(!state.is_training() && state.workspace == Workspace::Data);
    let effects = opened(&mut state, opening, &catalog);
    let (_, place, _) = continued(&effects).expect("it goes on");
    assert_eq!(place, run);
    assert!(state.is_training() && state.workspace == Workspace::Train);
    let again = job(&update(&mut state, Action::OpenData(folder.path().to_owned()))).id;
    assert!(continued(&opened(&mut state, again, &catalog)).is_none(), "once only");
}

#[test]
fn what_was_typed_about_a_run_stays_where_it_goes_on_meanwhile() {
    let folder = folder();
    let catalog = whole(folder.path());
    let mut state = state();
    let run = with_run(&mut state, folder.path(), &catalog.fingerprint);
    let opening = job(&update(&mut state, Action::ContinueRun(run.clone()))).id;
    // Its images are still being read.
    update(&mut state, RunAction::Edit(run.clone()).into());
    opened(&mut state, opening, &catalog);
    assert!(state.is_being_trained(&run));
    let effects = update(&mut state, RunAction::SaveEdit.into());
    assert!(effects.is_empty());
    let reason = state.runs_view.edit.as_ref().and_then(|edit| edit.error.as_ref()).expect("it says why");
    assert!(reason.headline.contains("is being trained"));
}

/// Epochs that a training is asked to have.
fn epochs_asked(effects: &[Effect]) -> Option<u32> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(Job { request: Request::Train { config, .. }, .. }) => Some(config.train.epochs),
        _ => None,
    })
}

#[test]
fn a_run_made_longer_goes_on_with_the_epochs_asked_for_when_its_images_are_open() {
    let folder = folder();
    let catalog = whole(folder.path());
    let mut state = state();
    let run = with_run(&mut state, folder.path(), &catalog.fingerprint);
    state.runs[0].resumable = false;
    (state.runs[0].config.train.epochs, state.workspace) = (24, Workspace::Runs);
    let ask = |state: &mut State, epochs: u32| {
        update(state, RunAction::AskLonger(run.clone()).into());
        assert!(state.shows_run_dialog());
        let planned = state.run_so_far(&run).map(|run| run.planned);
        assert_eq!((planned, state.runs_view.longer.as_ref().map(|view| view.epochs)), (Some(24), Some(36)));
        update(state, RunAction::SetEpochs(epochs).into());
        update(state, RunAction::TrainLonger.into())
    };
    assert!(ask(&mut state, 24).is_empty() && !state.shows_run_dialog(), "it has so many");
    let opening = job(&ask(&mut state, 30)).id;
    assert!(!state.shows_run_dialog());
    let effects = opened(&mut state, opening, &catalog);
    let (id, place, _) = continued(&effects).expect("it goes on");
    assert_eq!((place, epochs_asked(&effects)), (run.clone(), Some(30)));
    // Stopped and continued, it is still to have so many; of any other, what was planned counts.
    on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Cancelled });
    let effects = update(&mut state, Action::ContinueRun(run.clone()));
    assert_eq!(epochs_asked(&effects), Some(30));
    // It never began: a smaller number that is asked for afterwards counts.
    let (id, ..) = continued(&effects).expect("it goes on");
    on_event(&mut state, Event::Ended { job: id, outcome: failure() });
    state.workspace = Workspace::Runs;
    assert_eq!(epochs_asked(&ask(&mut state, 26)), Some(26));
}

#[test]
fn a_run_that_is_just_done_is_made_longer_before_the_list_knows_it() {
    let (_folder, mut state, id) = training();
    report(&mut state, id, TrainEvent::Epoch(epoch(1)));
    on_event(&mut state, Event::Trained { job: id, summary: Box::new(summary("/runs/a", 0.1)) });
    on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Finished });
    let run = PathBuf::from("/runs/a");
    assert!(state.run_entry(&run).is_none() && state.workspace == Workspace::Train);
    update(&mut state, RunAction::AskLonger(run.clone()).into());
    assert!(state.shows_run_dialog(), "the page of the training has the dialog, too");
    let planned = state.config.train.epochs;
    let known = state.run_so_far(&run).map(|run| (run.planned, run.epochs_done));
    assert_eq!(known, Some((planned, 1)));
    update(&mut state, RunAction::SetEpochs(planned + 5).into());
    let effects = update(&mut state, RunAction::TrainLonger.into());
    let (_, place, _) = continued(&effects).expect("it goes on at once");
    assert_eq!((place, epochs_asked(&effects)), (run.clone(), Some(planned + 5)));
    // The list is from before: of what has begun, the run itself tells.
    let mut listed = entry("a", "x", None);
    listed.config.train.epochs = planned;
    on_event(&mut state, Event::Runs { job: JobId(0), runs: vec![listed] });
    let id = state.training.as_ref().unwrap().job;
    report(&mut state, id, TrainEvent::Started(Box::new(started(&run))));
    assert_eq!(state.run_so_far(&run).map(|run| run.planned), Some(planned + 5));
}

#[test]
fn a_run_of_one_epoch_is_offered_another_and_none_more_than_there_can_be() {
    let mut state = with_runs();
    let run = state.runs[0].path.clone();
    for (planned, offered) in [(1, 2), (2, 3), (9_999, 10_000), (10_000, 10_000)] {
        state.runs[0].config.train.epochs = planned;
        update(&mut state, RunAction::AskLonger(run.clone()).into());
        assert_eq!(state.runs_view.longer.as_ref().map(|view| view.epochs), Some(offered), "{planned}");
        update(&mut state, RunAction::CancelLonger.into());
        assert!(state.runs_view.longer.is_none());
    }
}

#[test]
fn who_went_elsewhere_while_the_images_were_read_stays_there() {
    let folder = folder();
    let catalog = whole(folder.path());
    let mut state = state();
    let run = with_run(&mut state, folder.path(), &catalog.fingerprint);
    let opening = job(&update(&mut state, Action::ContinueRun(run))).id;
    update(&mut state, Action::Go(Workspace::Verify));
    assert!(continued(&opened(&mut state, opening, &catalog)).is_some());
    assert_eq!(state.workspace, Workspace::Verify);
}

#[test]
fn a_run_does_not_go_on_when_its_images_do_not_come() {
    let folder = folder();
    let catalog = whole(folder.path());
    for outcome in [Outcome::Cancelled, failure()] {
        let mut state = state();
        let run = with_run(&mut state, folder.path(), &catalog.fingerprint);
        let opening = job(&update(&mut state, Action::ContinueRun(run))).id;
        on_event(&mut state, Event::Ended { job: opening, outcome });
        assert!(state.continuing.is_none());
        let other = job(&update(&mut state, Action::OpenData(folder.path().to_owned()))).id;
        assert!(continued(&opened(&mut state, other, &catalog)).is_none());
    }
    for instead in [Action::OpenData("/other".into()), Action::OpenSample] {
        let mut state = state();
        let run = with_run(&mut state, folder.path(), &catalog.fingerprint);
        let opening = job(&update(&mut state, Action::ContinueRun(run))).id;
        let other = job(&update(&mut state, instead)).id;
        assert!(continued(&opened(&mut state, opening, &catalog)).is_none(), "of no interest any more");
        assert!(continued(&opened(&mut state, other, &catalog)).is_none(), "something else was opened");
        assert!(!state.is_training());
    }
}

#[test]
fn images_that_changed_since_are_refused_by_the_trainer_and_not_opened_again_and_again() {
    let folder = folder();
    let catalog = whole(folder.path());
    let mut state = state();
    let run = with_run(&mut state, folder.path(), "of other images");
    let opening = job(&update(&mut state, Action::ContinueRun(run))).id;
    let (id, _, _) = continued(&opened(&mut state, opening, &catalog)).expect("the trainer is asked");
    on_event(&mut state, Event::Ended { job: id, outcome: failure() });
    assert_eq!(state.training.as_ref().unwrap().phase, TrainPhase::Failed);
    assert_eq!(shown(&state).1, [1, 2], "nothing of the run is lost");
}

#[test]
fn a_run_goes_on_with_the_images_it_began_with_after_some_were_excluded() {
    let folder = folder();
    let catalog = whole(folder.path());
    crate::data::exclude(&catalog, &[0]).unwrap();
    let mut state = state();
    open(&mut state, folder.path());
    assert_ne!(state.open_data().unwrap().catalog.fingerprint, catalog.fingerprint);
    let run = with_run(&mut state, folder.path(), &catalog.fingerprint);
    let effects = update(&mut state, Action::ContinueRun(run.clone()));
    let (id, place, images) = continued(&effects).expect("nothing has to be opened");
    assert_eq!((place, images.fingerprint.as_str()), (run.clone(), catalog.fingerprint.as_str()));
    assert!(state.notices.last().unwrap().headline.contains("began with"));
    // The map is of those images, too: the open ones have other numbers.
    let table = measured(&run, Arc::clone(&images)).table;
    report(&mut state, id, TrainEvent::Validation(ValidationSnapshot { epoch: 3, table, report: None }));
    assert!(Arc::ptr_eq(state.explore.catalog.as_ref().unwrap(), &images));
    assert_eq!(state.explore.job.unwrap().method, crate::map::MapMethod::Pca, "whatever is chosen, as it is quick");
}

#[test]
fn a_map_of_images_that_were_replaced_on_its_way_is_followed_by_one_of_those_shown() {
    use crate::eval::EmbeddingTable;
    use crate::map::{Layout, MapMethod};
    let (_folder, mut state, id) = training();
    let table = |items: Vec<u32>| {
        let (n, classes) = (items.len(), vec![0; items.len()]);
        Arc::new(EmbeddingTable::new(2, vec![1.0; 2 * n], items, classes).unwrap())
    };
    let [before, shown] = [table(vec![0, 1, 2]), table(vec![3, 4])];
    let layout = Layout { dims: 2, xy: vec![0.0; 6], method: MapMethod::Tsne, note: None, rows: vec![0, 1, 2] };
    state.explore.table = Some(Arc::clone(&before));
    state.explore.layout = Some(Arc::new(layout.clone()));
    let old = job(&update(&mut state, Action::SetMethod(MapMethod::Tsne))).id;
    let snapshot = ValidationSnapshot { epoch: 1, table: Arc::clone(&shown), report: None };
    report(&mut state, id, TrainEvent::Validation(snapshot));
    assert!(state.explore.layout.is_none(), "it shows other images");
    assert_eq!(state.explore.job.map(|job| (job.id, job.images)), Some((old, 3)), "one at a time");
    let mapped = Event::Mapped { job: old, table: before, layout: Arc::new(layout) };
    let Request::Map { table, method, .. } = job(&on_event(&mut state, mapped)).request.clone() else { panic!() };
    assert!(Arc::ptr_eq(&table, &shown) && method == MapMethod::Pca);
    on_event(&mut state, Event::Ended { job: old, outcome: Outcome::Finished });
    assert!(state.explore.layout.is_none() && state.explore.job.is_some_and(|job| job.id != old && job.images == 2));
}

#[test]
fn what_earlier_versions_noted_of_records_is_not_looked_for_where_the_run_was_noted_by_this_one() {
    let (pictures, records) = (folder(), tempfile::tempdir().unwrap());
    let items = [0, 1, 4, 5];
    crate::data::export_records(&whole(pictures.path()), &items, None, records.path(), &|_| {}, &|| false).unwrap();
    let mut state = state();
    let run = with_run(&mut state, Path::new("/other"), "of other images");
    for noted in ["as earlier versions do", ""] {
        state.runs[0].config.run.as_mut().unwrap().earlier_fingerprint = noted.into();
        for action in [Action::ContinueRun(run.clone()), RunAction::Duplicate(run.clone()).into()] {
            open(&mut state, records.path());
            let catalog = Arc::clone(&state.open_data().unwrap().catalog);
            let effects = update(&mut state, action);
            assert!(matches!(&job(&effects).request, Request::OpenData { path } if path == Path::new("/other")));
            // Of millions of records that takes seconds, for which the window would wait.
            assert_eq!(catalog.is_earlier_fingerprint_pending(), !noted.is_empty(), "{noted}");
        }
    }
    // What it noted is enough.
    open(&mut state, records.path());
    let catalog = Arc::clone(&state.open_data().unwrap().catalog);
    let facts = state.runs[0].config.run.as_mut().unwrap();
    (facts.data_fingerprint, facts.earlier_fingerprint) = (catalog.fingerprint.clone(), "under other names".into());
    let (_, _, images) = continued(&update(&mut state, Action::ContinueRun(run))).expect("nothing has to be opened");
    assert!(Arc::ptr_eq(&images, &catalog));
}

/// A run from the list that was just asked to go on, and its job.
fn going_on() -> (tempfile::TempDir, State, PathBuf, JobId) {
    let folder = folder();
    let catalog = whole(folder.path());
    let mut state = state();
    open(&mut state, folder.path());
    let run = with_run(&mut state, folder.path(), &catalog.fingerprint);
    let (id, _, _) = continued(&update(&mut state, Action::ContinueRun(run.clone()))).unwrap();
    (folder, state, run, id)
}

#[test]
fn a_run_from_the_list_goes_on_from_the_epochs_it_has() {
    let (_folder, mut state, run, id) = going_on();
    assert_eq!(shown(&state), (vec![], vec![1, 2]));
    // Stopped before its first step, it is where it was.
    on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Cancelled });
    assert_eq!(state.training.as_ref().unwrap().phase, TrainPhase::Stopped);
    assert_eq!(shown(&state).1, [1, 2]);
    assert_eq!((command("train.continue").unwrap().action)(&state), Some(Action::ContinueRun(run.clone())));
    let (id, _, _) = continued(&update(&mut state, Action::ContinueRun(run.clone()))).unwrap();
    // The newest checkpoint was damaged: it goes on from the one before.
    let begun = RunStarted { resumed_at_step: 2, ..started(&run) };
    report(&mut state, id, TrainEvent::Started(Box::new(begun)));
    assert_eq!(shown(&state).1, [1]);
    report(&mut state, id, TrainEvent::Step(step(3)));
    report(&mut state, id, TrainEvent::Epoch(epoch(2)));
    assert_eq!(shown(&state), (vec![3], vec![1, 2]));
}

#[test]
fn the_run_that_was_watched_goes_on_without_list_or_open_images_and_keeps_its_curves() {
    let (_folder, mut state, id) = training();
    for number in 1..=3 {
        report(&mut state, id, TrainEvent::Step(step(number)));
        if number == 2 {
            report(&mut state, id, TrainEvent::Epoch(epoch(1)));
        }
    }
    update(&mut state, Action::StopTraining);
    let stopped = RunSummary { stopped: true, ..summary("/runs/a", 0.1) };
    on_event(&mut state, Event::Trained { job: id, summary: Box::new(stopped) });
    on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Cancelled });
    update(&mut state, Action::CloseData);
    let effects = update(&mut state, Action::ContinueRun("/runs/a".into()));
    let (id, place, _) = continued(&effects).expect("it goes on at once");
    assert_eq!((place, shown(&state)), (PathBuf::from("/runs/a"), (vec![1, 2, 3], vec![1])));
    let begun = RunStarted { resumed_at_step: 3, ..started(Path::new("/runs/a")) };
    report(&mut state, id, TrainEvent::Started(Box::new(begun)));
    report(&mut state, id, TrainEvent::Step(step(4)));
    assert_eq!(shown(&state), (vec![1, 2, 3, 4], vec![1]));
}

#[test]
fn a_run_that_goes_back_takes_its_curves_back() {
    let (_folder, mut state, id) = training();
    for number in 1..=3 {
        report(&mut state, id, TrainEvent::Step(step(u64::from(number) * 2 - 1)));
        report(&mut state, id, TrainEvent::Step(step(u64::from(number) * 2)));
        report(&mut state, id, TrainEvent::Epoch(epoch(number)));
    }
    assert_eq!(shown(&state), (vec![1, 2, 3, 4, 5, 6], vec![1, 2, 3]));
    report(&mut state, id, TrainEvent::Step(step(3)));
    assert_eq!(shown(&state), (vec![1, 2, 3], vec![1]));
    report(&mut state, id, TrainEvent::Epoch(epoch(2)));
    report(&mut state, id, TrainEvent::Epoch(epoch(2)));
    assert_eq!(shown(&state).1, [1, 2]);
}

#[test]
fn a_run_that_is_about_to_go_on_is_not_moved_away() {
    let (_folder, mut state, run, id) = going_on();
    assert_eq!(state.training.as_ref().unwrap().phase, TrainPhase::Preparing);
    assert!(update(&mut state, RunAction::Delete(run.clone()).into()).is_empty());
    assert!(state.notices.last().unwrap().headline.contains("being trained"));
    // The trainer may know the folder by another name.
    report(&mut state, id, TrainEvent::Started(Box::new(started(Path::new("/disk/runs/a")))));
    for name in [run.clone(), PathBuf::from("/disk/runs/a")] {
        assert!(update(&mut state, RunAction::Delete(name).into()).is_empty());
    }
    on_event(&mut state, Event::Ended { job: id, outcome: failure() });
    assert!(!update(&mut state, RunAction::Delete(run.clone()).into()).is_empty());
    // Where it was watched, nothing goes on with it as long as it is in the bin.
    let is_offered = |state: &State| (command("train.continue").unwrap().action)(state).is_some();
    assert!(is_offered(&state));
    let changed = |state: &mut State, before: &Path, after: Option<&Path>| {
        let (before, after) = (before.to_owned(), after.map(Path::to_owned));
        on_event(state, Event::RunChanged { job: JobId(0), before, after });
    };
    changed(&mut state, &run, None);
    assert!(state.is_watched_run_gone() && !is_offered(&state));
    on_event(&mut state, Event::Runs { job: JobId(0), runs: vec![entry("a", "x", None)] });
    assert!(!state.is_watched_run_gone() && is_offered(&state));
    // Another run takes its folder: what was watched is not that one.
    state.jobs.clear();
    changed(&mut state, &run, None);
    changed(&mut state, Path::new("/runs/another"), Some(&run));
    assert!(state.training.is_none() && !is_offered(&state));
}

#[test]
fn the_list_of_runs_is_read_again_when_a_training_ends_under_the_eyes_of_its_reader() {
    for (workspace, is_read) in [(Workspace::Runs, true), (Workspace::Train, false)] {
        let (_folder, mut state, id) = training();
        state.workspace = workspace;
        let effects = on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Cancelled });
        let is_list = |effect: &Effect| matches!(effect, Effect::Send(job) if job.request.kind() == JobKind::ListRuns);
        assert_eq!(effects.iter().any(is_list), is_read);
    }
}
