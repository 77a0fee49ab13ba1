//! The list of runs, asked for while it is being made.

use super::*;

fn listed(state: &mut State, job: JobId, runs: Vec<crate::worker::protocol::RunEntry>) -> Vec<Effect> {
    on_event(state, Event::Runs { job, runs });
    on_event(state, Event::Ended { job, outcome: Outcome::Finished })
}

#[test]
fn a_list_that_is_asked_for_while_it_is_made_is_made_once_more() {
    let mut state = with_runs();
    let first = job(&update(&mut state, Action::RefreshRuns)).id;
    for _ in 0..2 {
        assert!(update(&mut state, Action::RefreshRuns).is_empty(), "one at a time");
    }
    let again = listed(&mut state, first, Vec::new());
    assert!(matches!(job(&again).request, Request::ListRuns { .. }), "{again:?}");
    let second = job(&again).id;
    assert!(listed(&mut state, second, vec![entry("a", "x", None)]).is_empty(), "nobody asked since");
    assert_eq!(names(&state), ["a"]);
}

#[test]
fn a_run_that_is_compared_while_the_list_is_made_is_not_gone_because_it_is_not_in_it() {
    let mut state = with_runs();
    update(&mut state, RunAction::Compare("/runs/a".into()).into());
    let older = job(&update(&mut state, Action::RefreshRuns)).id;
    update(&mut state, RunAction::Compare("/runs/new".into()).into());
    listed(&mut state, older, Vec::new());
    assert_eq!(state.runs_view.compared, [PathBuf::from("/runs/new")]);
    let newer = job(&update(&mut state, Action::RefreshRuns)).id;
    listed(&mut state, newer, Vec::new());
    assert!(state.runs_view.compared.is_empty());
}

/// The folder of runs cannot be read.
fn not_listed(state: &mut State, job: JobId, elsewhere: Vec<crate::worker::protocol::RunEntry>) -> Vec<Effect> {
    on_event(state, Event::RunsElsewhere { job, runs: elsewhere });
    on_event(state, Event::Ended { job, outcome: failure() })
}

#[test]
fn runs_of_a_folder_that_cannot_be_read_stay_listed_until_it_can() {
    let mut state = with_runs();
    let before = state.runs.len();
    update(&mut state, RunAction::Compare("/runs/a".into()).into());
    let failed = job(&update(&mut state, Action::RefreshRuns)).id;
    let other = crate::worker::protocol::RunEntry { is_elsewhere: true, ..entry("other", "x", None) };
    assert!(not_listed(&mut state, failed, vec![other]).is_empty());
    assert_eq!(state.runs_view.error.as_ref().unwrap().headline, "It broke");
    assert!(state.runs.len() == before + 1 && names(&state).contains(&"other"));
    assert_eq!(state.runs_view.compared, [PathBuf::from("/runs/a")]);
    let read = job(&update(&mut state, Action::RefreshRuns)).id;
    listed(&mut state, read, vec![entry("a", "x", None)]);
    assert!(state.runs_view.error.is_none());
    assert_eq!(names(&state), ["a"]);
}

#[test]
fn a_run_from_elsewhere_is_told_from_one_that_stays_listed_under_the_same_name() {
    let mut state = with_runs();
    let failed = job(&update(&mut state, Action::RefreshRuns)).id;
    let path = PathBuf::from("/work/a");
    let other = crate::worker::protocol::RunEntry { path: path.clone(), is_elsewhere: true, ..entry("a", "x", None) };
    not_listed(&mut state, failed, vec![other]);
    assert_eq!(state.run_entry(&path).unwrap().name, "work/a");
    assert_eq!(state.run_entry(Path::new("/runs/a")).unwrap().name, "a");
}

#[test]
fn a_folder_that_cannot_be_read_is_said_once_and_not_over_the_page_that_says_it() {
    for (workspace, told) in [(Workspace::Data, 1), (Workspace::Runs, 0)] {
        let mut state = state();
        state.workspace = workspace;
        for _ in 0..2 {
            let failed = job(&update(&mut state, Action::RefreshRuns)).id;
            not_listed(&mut state, failed, Vec::new());
        }
        assert!(state.runs_view.error.is_some());
        assert_eq!(state.notices.len(), told, "{workspace:?}");
    }
}

#[test]
fn who_waits_for_a_list_that_cannot_be_made_is_told() {
    let mut state = with_runs();
    state.workspace = Workspace::Runs;
    let asked = job(&update(&mut state, RunAction::ContinueSeries("/runs/a".into()).into())).id;
    assert!(state.continuing.is_some());
    assert!(not_listed(&mut state, asked, Vec::new()).is_empty(), "nothing goes on with an older list");
    assert!(state.continuing.is_none());
    assert_eq!(state.notices.last().unwrap().headline, "It broke");
}
