//! What is typed about a run until it is kept: which text counts, where it waits, and when the run keeps its folder.

use super::*;

fn note_of(state: &State, run: &str) -> String {
    state.run_entry(Path::new(run)).expect("it is listed").note.clone()
}

fn edit_a(state: &mut State) -> RunEdit {
    update(state, RunAction::Edit("/runs/a".into()).into());
    edit_of(state)
}

fn moved(state: &mut State, job: JobId, before: &str, after: Option<&str>) {
    on_event(state, Event::RunChanged { job, before: before.into(), after: after.map(PathBuf::from) });
}

#[test]
fn the_dialog_shows_what_was_typed_last_about_the_run() {
    let mut state = with_runs();
    state.workspace = Workspace::Runs;
    let sent = type_and_save(&mut state, "/runs/a", "first");
    let opened = edit_a(&mut state);
    assert_eq!(opened.note, "first", "it is still being kept");
    update(&mut state, RunAction::CancelEdit.into());
    end(&mut state, &sent, Outcome::Finished);
    assert_eq!(note_of(&state, "/runs/a"), "first", "before the list is read anew");
    let again = edit_a(&mut state);
    assert_eq!(again.note, "first");
    assert_ne!(again.serial, opened.serial, "another dialog");
}

#[test]
fn of_two_texts_about_a_run_the_older_one_never_comes_back() {
    for is_newer_kept in [false, true] {
        let mut state = with_runs();
        state.workspace = Workspace::Runs;
        let jobs = ["first", "second"].map(|note| type_and_save(&mut state, "/runs/a", note));
        end(&mut state, &jobs[0], failure());
        assert!(state.runs_view.edit.is_none() && state.notices.last().unwrap().headline == "It broke");
        end(&mut state, &jobs[1], if is_newer_kept { Outcome::Finished } else { failure() });
        let shown = state.runs_view.edit.as_ref().map(|edit| edit.note.as_str());
        assert_eq!(shown, (!is_newer_kept).then_some("second"));
        assert_eq!(note_of(&state, "/runs/a"), if is_newer_kept { "second" } else { "why" });
    }
    // It failed while the newer one was typed.
    let mut state = with_runs();
    let sent = type_and_save(&mut state, "/runs/a", "first");
    let opened = edit_a(&mut state);
    end(&mut state, &sent, failure());
    update(&mut state, RunAction::Write(RunEdit { note: "second".into(), ..opened }).into());
    assert!(!update(&mut state, RunAction::SaveEdit.into()).is_empty() && state.runs_view.edit.is_none());
}

#[test]
fn what_waits_with_its_reason_is_in_the_dialog_when_that_is_opened() {
    let (mut state, sent) = saving();
    update(&mut state, RunAction::Edit("/runs/b".into()).into());
    end(&mut state, &sent, failure());
    let opened = edit_a(&mut state);
    assert_eq!((opened.note.as_str(), opened.error.is_some()), ("two hours of thought", true));
    update(&mut state, RunAction::CancelEdit.into());
    assert!(state.runs_view.edit.is_none(), "it was put away");
}

#[test]
fn a_change_that_was_stopped_comes_back_unless_it_was_written_by_then() {
    let (mut state, sent) = saving();
    end(&mut state, &sent, Outcome::Cancelled);
    let edit = edit_of(&state);
    assert_eq!(edit.note, "two hours of thought");
    assert!(edit.error.expect("it says why").headline.contains("was stopped"));

    let (mut state, sent) = saving();
    moved(&mut state, sent.id, "/runs/a", Some("/runs/better"));
    end(&mut state, &sent, Outcome::Cancelled);
    assert!(state.runs_view.edit.is_none());
    assert_eq!(note_of(&state, "/runs/better"), "two hours of thought");
}

#[test]
fn what_waits_comes_when_another_dialog_goes_by_itself() {
    let (mut state, sent) = saving();
    update(&mut state, RunAction::Edit("/runs/b".into()).into());
    end(&mut state, &sent, failure());
    moved(&mut state, JobId(0), "/runs/b", None);
    assert_eq!(edit_of(&state).run, Path::new("/runs/a"));
}

#[test]
fn what_is_typed_and_not_saved_is_asked_about_before_the_window_closes() {
    let is_asked = |state: &State| state.unfinished().typing;
    let (mut state, sent) = saving();
    assert!(!is_asked(&state), "it is written before the program ends");
    edit_a(&mut state);
    assert!(!is_asked(&state), "the same");
    update(&mut state, RunAction::CancelEdit.into());
    end(&mut state, &sent, failure());
    assert!(update(&mut state, Action::RequestClose).is_empty() && state.asks_before_closing);
    update(&mut state, Action::CancelClose);
    update(&mut state, RunAction::CancelEdit.into());
    assert!(!is_asked(&state));
    let opened = edit_a(&mut state);
    assert!(!is_asked(&state), "nothing was typed");
    update(&mut state, RunAction::Write(RunEdit { note: format!("{} ", opened.note), ..opened.clone() }).into());
    assert!(!is_asked(&state));
    update(&mut state, RunAction::Write(RunEdit { note: "because".into(), ..opened }).into());
    assert!(is_asked(&state));
}

#[test]
fn a_run_that_is_measured_or_exported_keeps_its_folder_until_that_is_done() {
    for (what, is_exported) in [("measured", false), ("exported", true)] {
        let mut state = with_runs();
        let run = PathBuf::from("/runs/a");
        let effects = if is_exported {
            update(&mut state, RunAction::Export(run.clone()).into());
            update(&mut state, RunAction::ExportTo("/out/net.onnx".into()).into())
        } else {
            update(&mut state, Action::Evaluate(run.clone()))
        };
        assert!(update(&mut state, RunAction::Delete(run).into()).is_empty());
        assert!(state.notices.last().unwrap().headline.contains(what));
        edit_a(&mut state);
        assert!(update(&mut state, RunAction::SaveEdit.into()).is_empty());
        assert!(edit_of(&state).error.expect("it says why").headline.contains(what));
        let other = RunAction::Delete("/runs/b".into());
        assert!(!update(&mut state, other.into()).is_empty(), "of this one nothing is read");
        end(&mut state, job(&effects), Outcome::Finished);
        assert!(!update(&mut state, RunAction::SaveEdit.into()).is_empty());
    }
}

#[test]
fn a_run_that_is_to_be_exported_is_found_in_its_new_folder() {
    let mut state = with_runs();
    update(&mut state, RunAction::Export("/runs/a".into()).into());
    moved(&mut state, JobId(0), "/runs/a", Some("/runs/better"));
    let effects = update(&mut state, RunAction::ExportTo("/out/net.onnx".into()).into());
    assert!(matches!(&job(&effects).request, Request::Export { run, .. } if run == Path::new("/runs/better")));
}

#[test]
fn a_list_of_runs_that_a_change_overtook_is_not_taken() {
    let mut state = with_runs();
    let older = state.runs.clone();
    let list = job(&update(&mut state, Action::RefreshRuns)).clone();
    let sent = type_and_save(&mut state, "/runs/a", "new");
    moved(&mut state, sent.id, "/runs/a", Some("/runs/renamed"));
    on_event(&mut state, Event::Runs { job: list.id, runs: older.clone() });
    assert_eq!(note_of(&state, "/runs/renamed"), "new");
    let next = job(&on_event(&mut state, Event::Ended { job: list.id, outcome: Outcome::Finished })).id;
    on_event(&mut state, Event::Runs { job: next, runs: older });
    assert_eq!(note_of(&state, "/runs/a"), "why", "what is read after the change counts");
}
