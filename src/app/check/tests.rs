use super::*;
use crate::app::{Action, on_event, update};
use crate::worker::protocol::{Event, Job, JobError, OpenedData, Outcome};
use std::path::{Path, PathBuf};

/// Six classes of four images, open.
fn opened() -> (tempfile::TempDir, State) {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::draw_classes(folder.path(), 6, 4);
    let mut state = State::new(PathBuf::from("/nowhere/runs"));
    open_again(&mut state, folder.path());
    (folder, state)
}

fn open_again(state: &mut State, path: &Path) {
    let job = sent(&update(state, Action::OpenData(path.to_owned()))).unwrap();
    let catalog = Arc::new(Catalog::open(path, &|_| {}, &|| false).unwrap());
    on_event(state, Event::DataOpened { job: job.id, data: OpenedData { catalog, elapsed_secs: 0.1 } });
    end(state, job.id, Outcome::Finished);
}

fn sent(effects: &[Effect]) -> Option<Job> {
    effects.iter().find_map(|effect| if let Effect::Send(job) = effect { Some(job.clone()) } else { None })
}

fn end(state: &mut State, job: JobId, outcome: Outcome) {
    on_event(state, Event::Ended { job, outcome });
}

fn check(state: &State) -> &CheckView {
    &state.open_data().unwrap().check
}

/// Does an action, and what the desk would do about the exclusions it asks for, without a file.
fn exclude(state: &mut State, action: Action) {
    let job = sent(&update(state, action)).expect("a job");
    let Request::Exclude { examination, excluded } = &job.request else { panic!("{job:?}") };
    let whole = examination.catalog();
    let catalog = if excluded.is_empty() { Arc::clone(whole) } else { Arc::new(whole.without(excluded).unwrap()) };
    let diagnosis = Arc::new(examination.diagnose(excluded));
    let change = Box::new(ExclusionChange { catalog, diagnosis });
    on_event(state, Event::Excluded { job: job.id, change });
    end(state, job.id, Outcome::Finished);
}

fn ask(action: CheckAction) -> Action {
    Action::Check(action)
}

#[test]
fn the_check_runs_once_and_its_result_is_taken_in() {
    let (_folder, mut state) = opened();
    assert!(!check(&state).diagnosis.examination.has_looked());
    let job = sent(&update(&mut state, ask(CheckAction::Start))).unwrap();
    assert!(update(&mut state, ask(CheckAction::Start)).is_empty(), "one at a time");
    assert!(check(&state).shown && check(&state).job == Some(job.id));
    let Request::CheckData { catalog } = &job.request else { panic!("{job:?}") };
    let examination = Arc::new(crate::data::examine(catalog, &|_| {}, &|| false).unwrap());
    on_event(&mut state, Event::Checked { job: JobId(9999), examination: Arc::clone(&examination) });
    assert!(!check(&state).diagnosis.examination.has_looked(), "of another job");
    on_event(&mut state, Event::Checked { job: job.id, examination });
    end(&mut state, job.id, Outcome::Finished);
    assert!(check(&state).diagnosis.examination.has_looked() && check(&state).job.is_none());
}

#[test]
fn excluding_changes_the_data_set_and_is_undone_and_made_again() {
    let (_folder, mut state) = opened();
    let print = state.open_data().unwrap().catalog.fingerprint.clone();
    let images = |state: &State| state.open_data().unwrap().catalog.items.len();
    exclude(&mut state, ask(CheckAction::Exclude(vec![5, 1])));
    assert_eq!((images(&state), check(&state).diagnosis.excluded.as_slice()), (22, [1, 5].as_slice()));
    assert!(state.open_data().unwrap().split.is_ok());
    exclude(&mut state, ask(CheckAction::Include(vec![1])));
    assert_eq!(images(&state), 23);
    exclude(&mut state, Action::Undo);
    exclude(&mut state, Action::Undo);
    assert_eq!((images(&state), state.open_data().unwrap().catalog.fingerprint.as_str()), (24, print.as_str()));
    assert!(!state.history.can_undo());
    exclude(&mut state, Action::Redo);
    assert_eq!(check(&state).diagnosis.excluded, [1, 5]);
    assert!(update(&mut state, ask(CheckAction::Exclude(vec![1]))).is_empty(), "excluded already");
}

#[test]
fn settings_and_exclusions_are_undone_in_the_order_they_were_made() {
    let (folder, mut state) = opened();
    exclude(&mut state, ask(CheckAction::Exclude(vec![0])));
    update(&mut state, Action::Set { key: "train.epochs", value: crate::config::Value::Int(7) });
    assert!(update(&mut state, Action::Undo).is_empty());
    assert_ne!(state.config.train.epochs, 7);
    exclude(&mut state, Action::Undo);
    exclude(&mut state, Action::Redo);
    open_again(&mut state, folder.path());
    assert!(!state.history.can_undo(), "exclusions of a data set end with it");
    assert!(state.history.can_redo(), "settings do not");
}

#[test]
fn a_failed_change_says_so_and_changes_nothing() {
    let (_folder, mut state) = opened();
    let job = sent(&update(&mut state, ask(CheckAction::Exclude(vec![0])))).unwrap();
    assert!(update(&mut state, ask(CheckAction::Exclude(vec![1]))).is_empty(), "one at a time");
    assert!(update(&mut state, Action::Undo).is_empty());
    let error = JobError { headline: "read-only".into(), ..JobError::default() };
    end(&mut state, job.id, Outcome::Failed(error));
    assert_eq!(state.open_data().unwrap().catalog.items.len(), 24);
    assert!(check(&state).change.is_none() && !state.history.can_undo());
    assert!(check(&state).error.as_ref().unwrap().hint.as_ref().unwrap().contains(EXCLUDE_FILE));
}

/// Asks for a change of the exclusions that cannot be kept.
fn fail(state: &mut State, action: Action) {
    let job = sent(&update(state, action)).expect("a job");
    let error = JobError { headline: "disk full".into(), ..JobError::default() };
    end(state, job.id, Outcome::Failed(error));
}

#[test]
fn a_step_back_or_forward_that_failed_can_be_tried_again() {
    let (_folder, mut state) = opened();
    exclude(&mut state, ask(CheckAction::Exclude(vec![5, 1])));
    fail(&mut state, Action::Undo);
    assert_eq!(check(&state).diagnosis.excluded, [1, 5]);
    assert!(state.history.can_undo() && !state.history.can_redo());
    exclude(&mut state, Action::Undo);
    assert!(check(&state).diagnosis.excluded.is_empty() && !state.history.can_undo());
    fail(&mut state, Action::Redo);
    assert!(state.history.can_redo() && !state.history.can_undo());
    exclude(&mut state, Action::Redo);
    assert_eq!(check(&state).diagnosis.excluded, [1, 5]);
    // A setting that is changed while the disk is busy is a step of its own.
    let job = sent(&update(&mut state, Action::Undo)).unwrap();
    update(&mut state, Action::Set { key: "train.epochs", value: crate::config::Value::Int(7) });
    let error = JobError { headline: "disk full".into(), ..JobError::default() };
    end(&mut state, job.id, Outcome::Failed(error));
    exclude(&mut state, Action::Undo);
    assert!(check(&state).diagnosis.excluded.is_empty() && state.config.train.epochs == 7);
    update(&mut state, Action::Undo);
    assert_ne!(state.config.train.epochs, 7);
}

#[test]
fn a_check_that_was_stopped_leaves_what_was_known() {
    let (_folder, mut state) = opened();
    let job = sent(&update(&mut state, ask(CheckAction::Start))).unwrap();
    update(&mut state, Action::CancelJob(job.id));
    assert!(job.control.is_cancelled());
    end(&mut state, job.id, Outcome::Cancelled);
    assert!(check(&state).job.is_none() && check(&state).error.is_none());
}

#[test]
fn unreadable_files_are_excluded_and_included_as_images_are() {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::draw_classes(folder.path(), 6, 4);
    for name in ["p00/a.png", "p00/b.png"] {
        std::fs::write(folder.path().join(name), b"").unwrap();
    }
    let mut state = State::new(PathBuf::from("/nowhere/runs"));
    open_again(&mut state, folder.path());
    let said = |state: &State| state.notices.last().unwrap().headline.clone();
    exclude(&mut state, ask(CheckAction::Exclude(vec![3, 24, 25])));
    assert_eq!(state.open_data().unwrap().catalog.items.len(), 23);
    assert_eq!(said(&state), "1 image and 2 files excluded; nothing is deleted");
    exclude(&mut state, ask(CheckAction::Include(vec![3, 25])));
    assert_eq!(said(&state), "1 image and 1 file included again");
    assert_eq!(check(&state).diagnosis.excluded, [24]);
    exclude(&mut state, Action::Undo);
    assert_eq!(check(&state).diagnosis.excluded, [3, 24, 25]);
    assert!(!state.notices.last().unwrap().hint.clone().unwrap_or_default().contains("not tried"), "they were");
}

#[test]
fn files_that_were_not_tried_are_tried_when_the_data_set_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::draw_classes(folder.path(), 6, 4);
    std::fs::write(folder.path().join("p00/a.png"), b"").unwrap();
    let whole = Catalog::open(folder.path(), &|_| {}, &|| false).unwrap();
    crate::data::exclude(&Arc::new(whole), &[24]).unwrap();
    let mut state = State::new(PathBuf::from("/nowhere/runs"));
    open_again(&mut state, folder.path());
    let opened = state.notices.last().unwrap();
    assert!(opened.severity == Severity::Success && opened.headline.contains("1 excluded"), "{opened:?}");
    exclude(&mut state, ask(CheckAction::Include(vec![24])));
    let hint = state.notices.last().unwrap().hint.clone().unwrap();
    assert!(hint.contains("Open the data set again"), "{hint}");
}
