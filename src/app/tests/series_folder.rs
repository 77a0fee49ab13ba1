//! Runs that lie in the folder of a series: what they are called, and what is done to them.

use super::*;
use crate::worker::protocol::RunChange;

/// The first runs of two series.
fn with_two_series() -> State {
    let mut state = state();
    let runs = ["arcface/seed-1", "softmax/seed-1"].map(|name| entry(name, name, None)).to_vec();
    on_event(&mut state, Event::Runs { job: JobId(0), runs });
    state
}

#[test]
fn a_run_of_a_series_is_called_by_both_names_and_renamed_by_its_own() {
    let mut state = with_two_series();
    let run = PathBuf::from("/runs/softmax/seed-1");
    assert_eq!(state.run_name(&run), "softmax/seed-1");
    assert_eq!(state.run_name(Path::new("/elsewhere/seed-1")), "seed-1");
    let listed = state.run_entry(&run).unwrap();
    assert_eq!((listed.own_name(), listed.series_folder()), ("seed-1", Some(Path::new("/runs/softmax"))));
    let alone = entry("a", "x", None);
    assert_eq!((alone.own_name(), alone.series_folder()), ("a", None));
    let elsewhere = crate::worker::protocol::RunEntry { is_elsewhere: true, ..listed.clone() };
    assert_eq!((elsewhere.own_name(), elsewhere.series_folder()), ("seed-1", None), "its name tells it from others");

    update(&mut state, RunAction::Edit(run.clone()).into());
    let mut edit = state.runs_view.edit.clone().unwrap();
    assert_eq!(edit.name, "seed-1", "the folder of the series is not for the dialog to change");
    edit.name = "best".into();
    update(&mut state, RunAction::Write(edit).into());
    let effects = update(&mut state, RunAction::SaveEdit.into());
    let Request::ChangeRun { run: changed, change: RunChange::Describe { name, .. } } = &job(&effects).request else {
        panic!("{effects:?}")
    };
    assert_eq!((changed, name.as_str()), (&run, "best"));

    let after = PathBuf::from("/runs/softmax/best");
    on_event(&mut state, Event::RunChanged { job: JobId(0), before: run, after: Some(after.clone()) });
    assert_eq!(state.run_name(&after), "softmax/best", "before the list is read anew");
    assert_eq!(state.run_entry(&after).map(|listed| listed.own_name()), Some("best"));

    on_event(&mut state, Event::RunChanged { job: JobId(0), before: after, after: None });
    let hint = state.notices.last().unwrap().hint.clone().unwrap();
    assert!(hint.contains("bin in /runs/softmax;"), "{hint}");
}

#[test]
fn what_was_measured_of_two_series_is_told_apart_by_their_folders() {
    let folder = folder();
    let mut state = with_two_series();
    open(&mut state, folder.path());
    let catalog = Arc::clone(&state.open_data().unwrap().catalog);
    let names = |state: &State| -> Vec<String> {
        state.evaluate.overlays.iter().map(|overlay| overlay.evaluation.label()).collect()
    };
    let measure = |state: &mut State, run: &str| {
        let sent = job(&update(state, Action::Evaluate(run.into()))).id;
        let evaluation = Arc::new(measured(Path::new(run), Arc::clone(&catalog)));
        on_event(state, Event::Evaluated { job: sent, evaluation });
    };
    measure(&mut state, "/runs/softmax/seed-1");
    // The list does not know this one yet.
    measure(&mut state, "/runs/softmax/seed-2");
    assert_eq!(names(&state), ["softmax/seed-1", "seed-2"]);
    let mut runs = state.runs.clone();
    runs.push(entry("softmax/seed-2", "x", None));
    on_event(&mut state, Event::Runs { job: JobId(0), runs });
    assert_eq!(names(&state), ["softmax/seed-1", "softmax/seed-2"]);
}
