use super::*;
use crate::app::{Dialog, command, dialog_answer, on_event, on_refused};
use crate::data::testing::look_of_list;
use crate::worker::protocol::{Event, Job, JobError, Outcome, RunEntry};
use std::path::Path;

const FILE: &str = "/protocols/pairs.txt";

fn state() -> State {
    State::new(PathBuf::from("/nowhere/runs"))
}

/// A state in which this run is in use.
fn with_model() -> State {
    let mut state = state();
    state.runs = vec![RunEntry::with_model("/nowhere/runs/a")];
    state.active_run = Some("/nowhere/runs/a".into());
    state
}

fn act(state: &mut State, action: impl Into<Action>) -> Vec<Effect> {
    crate::app::update(state, action.into())
}

fn job(effects: &[Effect]) -> &Job {
    let sent = effects.iter().find_map(|effect| if let Effect::Send(job) = effect { Some(job) } else { None });
    sent.expect("a job is sent")
}

fn phase(state: &State) -> Option<PairsPhase> {
    state.pairs.as_ref().map(PairsView::phase)
}

/// Has the file looked at.
fn look_at(state: &mut State, look: ProtocolLook) {
    let id = job(&act(state, Action::LookAtPairs(FILE.into()))).id;
    on_event(state, Event::PairsLooked { job: id, look: Arc::new(look) });
    on_event(state, Event::Ended { job: id, outcome: Outcome::Finished });
}

fn refused() -> ProtocolLook {
    let obstacle = Some("none of the 6000 pairs has both images below the folder".to_owned());
    ProtocolLook { folder: None, images: 0, complete: 0, obstacle, ..look_of_list() }
}

fn failure() -> Outcome {
    let headline = "Line 3 of the pair list".to_owned();
    Outcome::Failed(JobError { headline, ..JobError::default() })
}

#[test]
fn a_file_is_looked_at_and_measured_on_only_when_asked_where_its_images_were_found() {
    let mut state = with_model();
    let effects = act(&mut state, Action::Dropped(vec![FILE.into()]));
    assert_eq!((state.workspace, phase(&state)), (Workspace::Evaluate, Some(PairsPhase::Looking)));
    let Request::LookAtPairs { file, folders } = &job(&effects).request else { panic!("{effects:?}") };
    assert_eq!((file.as_path(), folders.as_slice()), (Path::new(FILE), [PathBuf::from("/protocols")].as_slice()));
    look_at(&mut state, look_of_list());
    assert_eq!(phase(&state), Some(PairsPhase::Ready));
    assert!(state.evaluate.job.is_none(), "nothing is measured yet");
    let effects = act(&mut state, PairsAction::Measure);
    let Request::Evaluate { run, on: EvaluateOn::Protocol { file, images }, .. } = &job(&effects).request else {
        panic!("{effects:?}")
    };
    assert_eq!((Some(run), file.as_path()), (state.active_run.as_ref(), Path::new(FILE)));
    assert_eq!(images.as_deref(), Some(Path::new("/photos")));
    assert!(phase(&state) == Some(PairsPhase::Measuring) && state.pairs_sheet().is_none());
    assert!(act(&mut state, PairsAction::Measure).is_empty(), "once is enough");
}

#[test]
fn the_file_stays_while_there_is_no_model_and_is_measured_on_once_there_is() {
    let mut state = state();
    look_at(&mut state, look_of_list());
    assert!(state.notices.is_empty(), "{:?}", state.notices);
    assert!(act(&mut state, PairsAction::Measure).is_empty());
    assert_eq!(phase(&state), Some(PairsPhase::Ready));
    let with_model = with_model();
    (state.runs, state.active_run) = (with_model.runs, with_model.active_run);
    let effects = act(&mut state, PairsAction::Measure);
    assert!(matches!(job(&effects).request, Request::Evaluate { .. }));
}

#[test]
fn a_measurement_under_way_is_stopped_by_another_and_not_by_a_look() {
    let mut state = with_model();
    let run = state.active_run.clone().unwrap();
    let effects = act(&mut state, Action::Evaluate(run));
    let under_way = job(&effects);
    look_at(&mut state, look_of_list());
    act(&mut state, PairsAction::Cancel);
    look_at(&mut state, look_of_list());
    assert!(!under_way.control.is_cancelled() && state.evaluate.job == Some(under_way.id));
    act(&mut state, PairsAction::Measure);
    assert!(under_way.control.is_cancelled() && state.evaluate.job != Some(under_way.id));
}

#[test]
fn a_measurement_that_comes_to_nothing_can_be_asked_for_again() {
    let mut state = with_model();
    look_at(&mut state, look_of_list());
    for outcome in [failure(), Outcome::Cancelled] {
        let id = job(&act(&mut state, PairsAction::Measure)).id;
        on_event(&mut state, Event::Ended { job: id, outcome });
        assert_eq!(phase(&state), Some(PairsPhase::Ready));
    }
    let effects = act(&mut state, PairsAction::Measure);
    on_refused(&mut state, job(&effects));
    assert_eq!((phase(&state), state.evaluate.job), (Some(PairsPhase::Ready), None));
}

#[test]
fn of_several_files_the_last_one_wins() {
    let mut state = state();
    let first = act(&mut state, Action::LookAtPairs("/a.txt".into()));
    let second = job(&act(&mut state, Action::LookAtPairs("/b.bin".into()))).id;
    let first = job(&first);
    assert!(first.control.is_cancelled());
    on_event(&mut state, Event::PairsLooked { job: first.id, look: Arc::new(refused()) });
    on_event(&mut state, Event::Ended { job: first.id, outcome: Outcome::Cancelled });
    assert_eq!(phase(&state), Some(PairsPhase::Looking));
    on_event(&mut state, Event::PairsLooked { job: second, look: Arc::new(look_of_list()) });
    let view = state.pairs.as_ref().unwrap();
    assert_eq!((view.name(), view.phase()), ("b.bin".to_owned(), PairsPhase::Ready));
}

#[test]
fn the_images_of_a_list_are_chosen_by_hand_and_looked_for_there_only() {
    let mut state = with_model();
    look_at(&mut state, refused());
    assert_eq!(phase(&state), Some(PairsPhase::Refused));
    assert!(state.pairs.as_ref().unwrap().has_images_elsewhere());
    assert!(act(&mut state, PairsAction::Measure).is_empty());
    let effects = act(&mut state, dialog_answer(Dialog::PickPairImages, "/photos".into()));
    let Request::LookAtPairs { file, folders } = &job(&effects).request else { panic!("{effects:?}") };
    assert_eq!((file.as_path(), folders.as_slice()), (Path::new(FILE), [PathBuf::from("/photos")].as_slice()));
    assert_eq!(phase(&state), Some(PairsPhase::Looking));
    act(&mut state, PairsAction::Cancel);
    act(&mut state, PairsAction::Cancel);
    assert!(act(&mut state, PairsAction::LookIn("/photos".into())).is_empty(), "the sheet is gone");
}

#[test]
fn a_search_that_is_stopped_leaves_the_sheet_as_it_was() {
    let mut state = with_model();
    look_at(&mut state, look_of_list());
    let look_in = |state: &mut State| {
        let effects = act(state, PairsAction::LookIn("/other".into()));
        assert_eq!(phase(state), Some(PairsPhase::Looking));
        job(&effects).clone()
    };
    // By the button of the sheet, by that of the status bar, and after a second choice.
    let sent = look_in(&mut state);
    act(&mut state, PairsAction::Cancel);
    assert!(sent.control.is_cancelled() && phase(&state) == Some(PairsPhase::Ready));
    on_event(&mut state, Event::PairsLooked { job: sent.id, look: Arc::new(refused()) });
    on_event(&mut state, Event::Ended { job: sent.id, outcome: Outcome::Cancelled });
    assert_eq!(phase(&state), Some(PairsPhase::Ready));
    look_in(&mut state);
    let sent = look_in(&mut state);
    act(&mut state, Action::CancelJob(sent.id));
    on_event(&mut state, Event::Ended { job: sent.id, outcome: Outcome::Cancelled });
    let view = state.pairs.as_ref().unwrap();
    assert_eq!((view.phase(), view.look.as_deref()), (PairsPhase::Ready, Some(&look_of_list())));
    // A search that fails says so, and one that comes to an end counts.
    let sent = look_in(&mut state);
    on_event(&mut state, Event::Ended { job: sent.id, outcome: failure() });
    assert_eq!(phase(&state), Some(PairsPhase::Unread));
    act(&mut state, PairsAction::Cancel);
    assert!(state.pairs.is_none());
    look_at(&mut state, look_of_list());
    let sent = look_in(&mut state);
    on_event(&mut state, Event::PairsLooked { job: sent.id, look: Arc::new(refused()) });
    on_event(&mut state, Event::Ended { job: sent.id, outcome: Outcome::Finished });
    assert_eq!(phase(&state), Some(PairsPhase::Refused));
    // Of another file nothing was known.
    let other = job(&act(&mut state, Action::LookAtPairs("/b.bin".into()))).id;
    act(&mut state, Action::CancelJob(other));
    on_event(&mut state, Event::Ended { job: other, outcome: Outcome::Cancelled });
    assert!(state.pairs.is_none());
}

#[test]
fn a_file_that_cannot_be_read_stays_with_the_reason_which_is_told_where_it_is_out_of_sight() {
    let mut state = state();
    let id = job(&act(&mut state, Action::LookAtPairs(FILE.into()))).id;
    on_event(&mut state, Event::Ended { job: id, outcome: failure() });
    let view = state.pairs.as_ref().unwrap();
    let error = view.error.as_ref().unwrap();
    assert_eq!((view.phase(), error.headline.as_str()), (PairsPhase::Unread, "Line 3 of the pair list"));
    assert!(state.notices.is_empty(), "it is in sight");
    let id = job(&act(&mut state, Action::LookAtPairs(FILE.into()))).id;
    act(&mut state, Action::Go(Workspace::Data));
    on_event(&mut state, Event::Ended { job: id, outcome: failure() });
    assert_eq!(state.notices.last().unwrap().headline, "Line 3 of the pair list");
}

#[test]
fn cancel_stops_the_look_and_puts_the_sheet_away() {
    let mut state = state();
    let effects = act(&mut state, Action::LookAtPairs(FILE.into()));
    act(&mut state, PairsAction::Cancel);
    assert!(job(&effects).control.is_cancelled() && state.pairs.is_none());
    on_event(&mut state, Event::Ended { job: job(&effects).id, outcome: Outcome::Cancelled });
    assert!(state.notices.is_empty(), "{:?}", state.notices);
    // The status bar's Cancel ends a look, too.
    let id = job(&act(&mut state, Action::LookAtPairs(FILE.into()))).id;
    act(&mut state, Action::CancelJob(id));
    on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Cancelled });
    assert!(state.pairs.is_none());
}

#[test]
fn escape_belongs_to_the_sheet_while_it_is_in_sight() {
    let mut state = with_model();
    state.explore.isolated = vec![1];
    let escape = command("map.clear").unwrap().action;
    let clears = Some(Action::Isolate(Vec::new()));
    assert_eq!(escape(&state), clears);
    look_at(&mut state, look_of_list());
    assert_eq!(escape(&state), None);
    act(&mut state, PairsAction::Measure);
    assert_eq!(escape(&state), clears, "the measurement has taken its place");
}
