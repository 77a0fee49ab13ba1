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
