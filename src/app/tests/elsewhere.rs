//! Runs that lie elsewhere than the others, as those of the command line do: once opened, they are used as any other.

use super::*;
use crate::worker::protocol::{EvaluateOn, RunEntry};

/// A run in a folder of its own, as far as a look at the folder tells, by the path that the program gives it.
fn run_below(folder: &Path) -> PathBuf {
    let run = folder.join("work/a");
    std::fs::create_dir_all(run.join("checkpoints")).unwrap();
    std::fs::write(run.join("run.toml"), "").unwrap();
    run.canonicalize().unwrap()
}

fn entry_of(run: &Path) -> RunEntry {
    RunEntry { path: run.to_owned(), is_elsewhere: true, ..entry("a", "x", None) }
}

/// The list that is asked for: the job, and the runs from elsewhere that are to be in it.
fn listing(effects: &[Effect]) -> (JobId, Vec<PathBuf>) {
    let of_effect = |effect: &Effect| match effect {
        Effect::Send(Job { id, request: Request::ListRuns { elsewhere, .. }, .. }) => Some((*id, elsewhere.clone())),
        _ => None,
    };
    effects.iter().find_map(of_effect).expect("the list is asked for")
}

fn listed(state: &mut State, id: JobId, runs: Vec<RunEntry>) {
    on_event(state, Event::Runs { job: id, runs });
    on_event(state, Event::Ended { job: id, outcome: Outcome::Finished });
}

/// What an evaluation is asked of.
fn asked(effects: &[Effect]) -> Option<&EvaluateOn> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(Job { request: Request::Evaluate { on, .. }, .. }) => Some(on),
        _ => None,
    })
}

fn is_possible(state: &State, id: &str) -> bool {
    (command(id).unwrap().action)(state).is_some()
}

#[test]
fn a_run_from_elsewhere_is_read_and_can_be_used_as_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let run = run_below(folder.path());
    let mut state = with_runs();
    let effects = update(&mut state, Action::Dropped(vec![run.clone()]));
    let (id, elsewhere) = listing(&effects);
    assert_eq!(elsewhere, std::slice::from_ref(&run));
    assert!(asked(&effects).is_some() && !state.has_model(), "nothing is known of it yet");
    listed(&mut state, id, vec![entry("b", "x", None), entry_of(&run)]);
    // Whether or not it can be measured on its own images.
    let measuring = state.evaluate.job.unwrap();
    on_event(&mut state, Event::Ended { job: measuring, outcome: failure() });
    assert!(state.has_model() && state.run_name(&run) == "a");
    assert!(is_possible(&state, "run.evaluate"));
    let effects = measure_on_pairs(&mut state, Path::new("/protocols/pairs.txt"));
    assert!(matches!(asked(&effects), Some(EvaluateOn::Protocol { .. })), "{effects:?}");
    let image = |name: &str| crate::worker::protocol::ImageSource::File(name.into());
    let effects = update(&mut state, Action::VerifyImages(vec![image("1.png"), image("2.png")]));
    assert!(matches!(&job(&effects).request, Request::Verify { run: used, .. } if *used == run), "{effects:?}");
}

#[test]
fn an_imported_run_from_elsewhere_is_measured_on_the_open_images() {
    let images = folder();
    let mut state = state();
    open(&mut state, images.path());
    let run = PathBuf::from("/work/net");
    let effects = update(&mut state, Action::UseRun(run.clone()));
    let mut known = entry_of(&run);
    known.config.run.as_mut().unwrap().imported = "net.pth, somebody's".into();
    listed(&mut state, listing(&effects).0, vec![known]);
    let effects = update(&mut state, Action::Evaluate(run));
    assert!(matches!(asked(&effects), Some(EvaluateOn::Whole(_))), "{effects:?}");
}

#[test]
fn a_run_that_was_measured_has_a_model_whether_or_not_the_list_knows_it() {
    let images = folder();
    let mut state = state();
    open(&mut state, images.path());
    let run = PathBuf::from("/work/a");
    update(&mut state, Action::UseRun(run.clone()));
    assert!(!state.has_model());
    let measuring = state.evaluate.job.unwrap();
    let evaluation = measured(&run, Arc::clone(&state.open_data().unwrap().catalog));
    on_event(&mut state, Event::Evaluated { job: measuring, evaluation: Arc::new(evaluation) });
    assert!(state.has_model());
}

#[test]
fn the_place_of_a_run_from_elsewhere_follows_its_folder_until_it_is_gone_or_listed_as_the_others() {
    let mut state = state();
    let run = PathBuf::from("/work/a");
    let id = listing(&update(&mut state, Action::UseRun(run.clone()))).0;
    listed(&mut state, id, vec![entry_of(&run)]);
    let after = PathBuf::from("/work/b");
    let effects = on_event(&mut state, Event::RunChanged { job: JobId(0), before: run, after: Some(after.clone()) });
    let (id, elsewhere) = listing(&effects);
    assert_eq!(elsewhere, std::slice::from_ref(&after));
    // It was moved to the others, and is listed there.
    listed(&mut state, id, vec![RunEntry { is_elsewhere: false, ..entry_of(&after) }]);
    assert!(listing(&update(&mut state, Action::RefreshRuns)).1.is_empty());
    state.jobs.clear();
    let other = PathBuf::from("/work/c");
    let id = listing(&update(&mut state, Action::UseRun(other.clone()))).0;
    listed(&mut state, id, vec![entry_of(&other)]);
    let effects = on_event(&mut state, Event::RunChanged { job: JobId(0), before: other, after: None });
    assert!(listing(&effects).1.is_empty(), "it is in the bin");
}
