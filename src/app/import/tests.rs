use super::*;
use crate::app::{command, on_event, on_refused};
use crate::config::Net;
use crate::train::Refusal;
use crate::worker::protocol::{Event, Job, JobError, Outcome};
use std::path::Path;

fn state() -> State {
    State::new(PathBuf::from("/nowhere/runs"))
}

fn act(state: &mut State, action: impl Into<Action>) -> Vec<Effect> {
    crate::app::update(state, action.into())
}

fn job(effects: &[Effect]) -> &Job {
    let sent = effects.iter().find_map(|effect| if let Effect::Send(job) = effect { Some(job) } else { None });
    sent.expect("a job is sent")
}

/// A file that was dropped and looked at.
fn looked_at(look: WeightsLook) -> State {
    let mut state = state();
    let effects = act(&mut state, Action::Dropped(vec!["/downloads/net.pth".into()]));
    on_event(&mut state, Event::WeightsLooked { job: job(&effects).id, look: Arc::new(look) });
    // The look, and the list of runs of the page that shows it.
    for effect in effects {
        if let Effect::Send(Job { id, .. }) = effect {
            on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Finished });
        }
    }
    state
}

fn phase(state: &State) -> Option<ImportPhase> {
    state.import.as_ref().map(ImportView::phase)
}

fn write(state: &mut State, change: impl FnOnce(&mut PreprocessForm)) {
    let mut form = state.import.as_ref().expect("a sheet is shown").form.clone();
    change(&mut form);
    act(state, ImportAction::Write(form));
}

fn failure(headline: &str) -> Outcome {
    let hint = Some("mend it".to_owned());
    Outcome::Failed(JobError { headline: headline.to_owned(), hint, ..JobError::default() })
}

#[test]
fn a_dropped_file_is_looked_at_and_imported_only_when_asked_with_the_preprocessing_chosen() {
    let mut state = state();
    let effects = act(&mut state, Action::Dropped(vec!["/downloads/net.pth".into()]));
    assert_eq!((state.workspace, phase(&state)), (Workspace::Runs, Some(ImportPhase::Looking)));
    let sent = job(&effects);
    assert!(matches!(&sent.request, Request::LookAtWeights { weights } if weights == Path::new("/downloads/net.pth")));
    let mut state = looked_at(look_of(3, true));
    assert_eq!(phase(&state), Some(ImportPhase::Ready));
    assert!(state.jobs.is_empty(), "nothing is imported yet");
    let form = &state.import.as_ref().unwrap().form;
    assert_eq!((form.choice, form.mean[0].as_str(), form.blue_first), (PreprocessChoice::AsProject, "0.5", true));
    write(&mut state, |form| {
        form.choice = PreprocessChoice::Own;
        form.mean = ["0.1", " 0,2 ", "0.3"].map(str::to_owned);
        form.blue_first = false;
        form.add_mirror = true;
    });
    let effects = act(&mut state, ImportAction::Start);
    let Request::Import { root, preprocess, .. } = &job(&effects).request else { panic!("{effects:?}") };
    assert_eq!(root, Path::new("/nowhere/runs"));
    let wanted = PreprocessChange {
        mean: Some([0.1, 0.2, 0.3]),
        std: Some([0.5; 3]),
        blue_first: Some(false),
        add_mirror: Some(true),
    };
    assert_eq!(*preprocess, wanted);
    assert_eq!(phase(&state), Some(ImportPhase::Importing));
    assert!(act(&mut state, ImportAction::Start).is_empty(), "once is enough");
    let run = PathBuf::from("/nowhere/runs/net");
    let id = job(&effects).id;
    on_event(&mut state, Event::Imported { job: id, run: run.clone(), flavour: "somebody's".into() });
    on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Finished });
    assert!(state.import.is_none());
    assert_eq!(state.active_run, Some(run));
    let notice = state.notices.last().unwrap();
    assert!(notice.headline.contains("somebody's") && notice.headline.contains(Net::Iresnet50.label()), "{notice:?}");
    assert!(notice.hint.as_deref().unwrap().contains("measure a threshold"), "{notice:?}");
}

#[test]
fn the_projects_own_preprocessing_is_asked_for_by_changing_nothing() {
    let mut state = looked_at(look_of(3, true));
    // Numbers and an order that were typed before the choice went back count no more.
    write(&mut state, |form| {
        form.mean = ["", "x", "9e9"].map(str::to_owned);
        form.blue_first = false;
    });
    let effects = act(&mut state, ImportAction::Start);
    let Request::Import { preprocess, .. } = &job(&effects).request else { panic!("{effects:?}") };
    assert_eq!(*preprocess, PreprocessChange { add_mirror: Some(false), ..PreprocessChange::default() });
}

#[test]
fn numbers_that_cannot_be_used_are_told_in_the_words_of_the_import_and_stop_it() {
    let mut state = looked_at(look_of(3, false));
    for text in ["", "half", "nan", "20000"] {
        write(&mut state, |form| {
            form.choice = PreprocessChoice::Own;
            form.mean[2] = text.to_owned();
        });
        let form = &state.import.as_ref().unwrap().form;
        assert_eq!(form.own_mean(3).unwrap_err(), PreprocessChange::check_mean(f32::NAN).unwrap_err(), "{text}");
        assert!(form.own_std(3).is_ok());
        assert!(act(&mut state, ImportAction::Start).is_empty(), "{text}");
    }
    let form = &state.import.as_ref().unwrap().form;
    assert_eq!(form.own_mean(1), Ok([0.5; 3]), "a grey network has the first number only");
}

#[test]
fn a_grey_network_has_no_order_of_colours() {
    let mut state = looked_at(look_of(1, false));
    write(&mut state, |form| {
        form.choice = PreprocessChoice::Preset(PreprocessPreset::Insightface);
        form.blue_first = true;
    });
    let effects = act(&mut state, ImportAction::Start);
    let Request::Import { preprocess, .. } = &job(&effects).request else { panic!("{effects:?}") };
    assert_eq!((preprocess.blue_first, preprocess.mean), (Some(false), Some([0.5; 3])));
}

#[test]
fn of_several_drops_the_last_one_wins() {
    let mut state = state();
    let first = act(&mut state, Action::Dropped(vec!["/a.pth".into()]));
    let second = job(&act(&mut state, Action::Dropped(vec!["/b.pth".into()]))).id;
    let first = job(&first);
    assert!(first.control.is_cancelled());
    on_event(&mut state, Event::WeightsLooked { job: first.id, look: Arc::new(look_of(3, false)) });
    on_event(&mut state, Event::Ended { job: first.id, outcome: Outcome::Cancelled });
    assert_eq!(phase(&state), Some(ImportPhase::Looking));
    on_event(&mut state, Event::WeightsLooked { job: second, look: Arc::new(look_of(3, false)) });
    let view = state.import.as_ref().unwrap();
    assert_eq!((view.name(), view.phase()), ("b.pth".to_owned(), ImportPhase::Ready));
}

#[test]
fn an_import_goes_on_behind_the_sheet_of_another_file() {
    let mut state = looked_at(look_of(3, false));
    let effects = act(&mut state, ImportAction::Start);
    let sent = job(&effects);
    act(&mut state, Action::Dropped(vec!["/b.pth".into()]));
    assert!(!sent.control.is_cancelled());
    on_event(&mut state, Event::Imported { job: sent.id, run: "/runs/net".into(), flavour: "somebody's".into() });
    assert_eq!(state.active_run.as_deref(), Some(Path::new("/runs/net")));
    assert_eq!(state.import.as_ref().map(ImportView::name).as_deref(), Some("b.pth"));
    on_event(&mut state, Event::Ended { job: sent.id, outcome: failure("the disk is full") });
    assert_eq!(state.notices.last().unwrap().headline, "The disk is full");
    assert_eq!(phase(&state), Some(ImportPhase::Looking));
}

#[test]
fn cancel_stops_what_is_under_way_and_puts_the_sheet_away() {
    let mut state = state();
    let effects = act(&mut state, Action::ImportWeights("/a.pth".into()));
    act(&mut state, ImportAction::Cancel);
    assert!(job(&effects).control.is_cancelled() && state.import.is_none());
    let mut state = looked_at(look_of(3, false));
    let effects = act(&mut state, ImportAction::Start);
    act(&mut state, ImportAction::Cancel);
    assert!(job(&effects).control.is_cancelled() && state.import.is_none());
    on_event(&mut state, Event::Ended { job: job(&effects).id, outcome: Outcome::Cancelled });
    assert!(state.notices.is_empty(), "{:?}", state.notices);
    // Too late: the run is there, which is said, and it is not used.
    let mut state = looked_at(look_of(3, false));
    let id = job(&act(&mut state, ImportAction::Start)).id;
    act(&mut state, ImportAction::Cancel);
    let effects = on_event(
        &mut state,
        Event::Imported { job: id, run: "/nowhere/runs/net".into(), flavour: "somebody's".into() },
    );
    assert!(matches!(job(&effects).request, Request::ListRuns { .. }), "{effects:?}");
    on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Cancelled });
    assert!(state.import.is_none() && state.active_run.is_none());
    assert_eq!(state.notices.len(), 1, "{:?}", state.notices);
    assert_eq!(state.notices[0].headline, "net was imported before it could be stopped");
    // The status bar's Cancel ends a look, too.
    let id = job(&act(&mut state, Action::ImportWeights("/a.pth".into()))).id;
    act(&mut state, Action::CancelJob(id));
    on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Cancelled });
    assert!(state.import.is_none());
}

#[test]
fn a_file_that_cannot_be_used_stays_on_the_sheet_with_the_reason() {
    let mut state = state();
    let id = job(&act(&mut state, Action::ImportWeights("/a.pth".into()))).id;
    on_event(&mut state, Event::Ended { job: id, outcome: failure("it is a text") });
    let view = state.import.as_ref().unwrap();
    assert_eq!((view.phase(), view.error.as_ref().unwrap().headline.as_str()), (ImportPhase::Unread, "It is a text"));
    assert!(state.notices.is_empty(), "it is in sight");
    let refusal = Refusal { reason: "its weights are not whole".into(), ..Refusal::default() };
    let mut state = looked_at(WeightsLook { refusal: Some(refusal), ..look_of(3, false) });
    assert_eq!(phase(&state), Some(ImportPhase::Refused));
    assert!(act(&mut state, ImportAction::Start).is_empty());
}

#[test]
fn a_failed_import_can_be_tried_again_and_is_told_where_the_sheet_is_out_of_sight() {
    let mut state = looked_at(look_of(3, false));
    let id = job(&act(&mut state, ImportAction::Start)).id;
    act(&mut state, Action::Go(Workspace::Data));
    on_event(&mut state, Event::Ended { job: id, outcome: failure("the disk is full") });
    assert_eq!(phase(&state), Some(ImportPhase::Ready));
    assert_eq!(state.notices.last().unwrap().headline, "The disk is full");
    let effects = act(&mut state, ImportAction::Start);
    assert!(state.import.as_ref().unwrap().error.is_none());
    on_refused(&mut state, job(&effects));
    assert_eq!(phase(&state), Some(ImportPhase::Ready));
}

#[test]
fn escape_belongs_to_the_sheet_while_it_is_in_sight() {
    let mut state = looked_at(look_of(3, false));
    state.explore.isolated = vec![1];
    let escape = command("map.clear").unwrap().action;
    assert_eq!(escape(&state), None);
    act(&mut state, ImportAction::Cancel);
    assert_eq!(escape(&state), Some(Action::Isolate(Vec::new())));
}
