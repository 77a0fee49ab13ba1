//! What is done with the runs of the list: sorted, compared, renamed, exported, and taken for the next run.

use super::*;
use crate::train::ExportFormat;
use crate::worker::protocol::RunChange;

mod edit;

#[test]
fn continuing_a_run_opens_its_images_first_when_they_are_not_open() {
    let mut state = state();
    let entry = entry("a", "x", None);
    let run = entry.path.clone();
    let id = job(&update(&mut state, Action::RefreshRuns)).id;
    on_event(&mut state, Event::Runs { job: id, runs: vec![entry] });
    let effects = update(&mut state, Action::ContinueRun(run));
    assert!(matches!(&job(&effects).request, Request::OpenData { path } if path == Path::new("/pictures")));
}

#[test]
fn a_run_that_does_not_say_where_its_images_are_is_not_continued_without_them() {
    let mut state = state();
    let mut entry = entry("a", "x", None);
    entry.config.run.as_mut().unwrap().data.clear();
    let run = entry.path.clone();
    let id = job(&update(&mut state, Action::RefreshRuns)).id;
    on_event(&mut state, Event::Runs { job: id, runs: vec![entry] });
    assert!(update(&mut state, Action::ContinueRun(run)).is_empty());
    let told = &state.notices.last().unwrap().headline;
    assert!(told.contains("does not say where its images are"), "{told}");
}

#[test]
fn runs_are_sorted_as_asked() {
    let mut state = with_runs();
    assert_eq!(names(&state), ["C", "b", "a"]);
    for (order, wanted) in
        [(RunOrder::Name, ["a", "b", "C"]), (RunOrder::BestEer, ["a", "b", "C"]), (RunOrder::Newest, ["C", "b", "a"])]
    {
        update(&mut state, RunAction::Sort(order).into());
        assert_eq!(names(&state), wanted, "{order:?}");
    }
    let runs = ["s/seed-10", "s/seed-2", "s/seed-1"].map(|name| entry(name, "x", None)).to_vec();
    on_event(&mut state, Event::Runs { job: JobId(0), runs });
    // Begun in the same second, the later seed counts as newer.
    assert_eq!(names(&state), ["s/seed-10", "s/seed-2", "s/seed-1"]);
    update(&mut state, RunAction::Sort(RunOrder::Name).into());
    assert_eq!(names(&state), ["s/seed-1", "s/seed-2", "s/seed-10"]);
}

#[test]
fn runs_are_compared_up_to_a_limit_and_forgotten_when_gone() {
    let mut state = with_runs();
    for name in ["a", "b"] {
        update(&mut state, RunAction::Compare(PathBuf::from("/runs").join(name)).into());
    }
    assert_eq!(state.runs_view.compared.len(), 2);
    update(&mut state, RunAction::Compare("/runs/a".into()).into());
    assert_eq!(state.runs_view.compared, [PathBuf::from("/runs/b")]);
    for i in 0..20 {
        update(&mut state, RunAction::Compare(format!("/runs/x{i}").into()).into());
    }
    assert_eq!(state.runs_view.compared.len(), MOST_COMPARED);
    let id = job(&update(&mut state, Action::RefreshRuns)).id;
    on_event(&mut state, Event::Runs { job: id, runs: vec![entry("a", "x", None)] });
    assert!(state.runs_view.compared.is_empty());
}

#[test]
fn a_renamed_run_stays_in_use_and_a_deleted_one_does_not() {
    let mut state = with_runs();
    state.active_run = Some("/runs/a".into());
    update(&mut state, RunAction::Compare("/runs/a".into()).into());
    update(&mut state, RunAction::Edit("/runs/a".into()).into());
    let mut edit = state.runs_view.edit.clone().expect("the dialog is open");
    assert_eq!((edit.name.as_str(), edit.note.as_str()), ("a", "why"));
    edit.name = " better ".into();
    update(&mut state, RunAction::Write(edit).into());
    let effects = update(&mut state, RunAction::SaveEdit.into());
    let sent = job(&effects);
    assert!(
        matches!(&sent.request, Request::ChangeRun { change: RunChange::Describe { name, .. }, .. } if name == "better")
    );
    assert!(state.runs_view.edit.is_none());
    let (before, after) = (PathBuf::from("/runs/a"), PathBuf::from("/runs/better"));
    let effects = on_event(&mut state, Event::RunChanged { job: sent.id, before, after: Some(after.clone()) });
    assert_eq!(state.active_run, Some(after.clone()));
    assert_eq!(state.runs_view.compared.first(), Some(&after));
    assert!(matches!(job(&effects).request, Request::ListRuns { .. }), "the list is read again");
    let revision = state.runs_view.list_revision;
    let sent = job(&update(&mut state, RunAction::Delete(after.clone()).into())).id;
    on_event(&mut state, Event::RunChanged { job: sent, before: after, after: None });
    assert_eq!(state.active_run, None);
    // Before the list is read anew.
    assert_eq!(names(&state), ["C", "b"]);
    assert_ne!(state.runs_view.list_revision, revision);
    assert!(state.runs_view.compared.is_empty());
    assert!(state.notices.last().unwrap().headline.contains("bin"));
}

/// The dialog for the run a with a name and a note typed, and the job that was to keep them.
fn saving() -> (State, Job) {
    let mut state = with_runs();
    state.workspace = Workspace::Runs;
    update(&mut state, RunAction::Edit("/runs/a".into()).into());
    let typed = RunEdit { name: "better".into(), note: "two hours of thought".into(), ..edit_of(&state) };
    update(&mut state, RunAction::Write(typed).into());
    let sent = job(&update(&mut state, RunAction::SaveEdit.into())).clone();
    (state, sent)
}

fn edit_of(state: &State) -> RunEdit {
    state.runs_view.edit.clone().expect("the dialog is open")
}

#[test]
fn what_was_typed_about_a_run_comes_back_with_the_reason_where_it_could_not_be_kept() {
    for is_refused in [false, true] {
        let (mut state, sent) = saving();
        let before = state.notices.len();
        if is_refused {
            on_refused(&mut state, &sent);
        } else {
            on_event(&mut state, Event::Ended { job: sent.id, outcome: failure() });
        }
        let edit = edit_of(&state);
        assert_eq!((edit.name.as_str(), edit.note.as_str()), ("better", "two hours of thought"));
        let reason = edit.error.expect("it says why").headline;
        let wanted = if is_refused { "The change was not begun: too much is going on" } else { "It broke" };
        assert_eq!(reason, wanted);
        assert_eq!(state.notices.len(), before, "it is said once, in the dialog");
        // Tried again, it is kept, and nothing comes back.
        let again = job(&update(&mut state, RunAction::SaveEdit.into())).id;
        on_event(&mut state, Event::Ended { job: again, outcome: Outcome::Finished });
        assert!(state.runs_view.edit.is_none());
    }
}

#[test]
fn what_could_not_be_kept_of_a_run_takes_no_place_of_what_is_typed_now_and_is_told_elsewhere() {
    let (mut state, sent) = saving();
    update(&mut state, RunAction::Edit("/runs/b".into()).into());
    on_event(&mut state, Event::Ended { job: sent.id, outcome: failure() });
    assert_eq!(edit_of(&state).run, Path::new("/runs/b"));
    assert_eq!(state.notices.last().unwrap().headline, "It broke");
    update(&mut state, RunAction::CancelEdit.into());
    assert_eq!(edit_of(&state).note, "two hours of thought", "it comes when the other dialog is closed");
    let (mut state, sent) = saving();
    update(&mut state, Action::Go(Workspace::Train));
    on_event(&mut state, Event::Ended { job: sent.id, outcome: failure() });
    let told = state.notices.last().unwrap();
    let hint = told.hint.as_deref().unwrap_or_default();
    assert_eq!((told.headline.as_str(), hint), ("It broke", "mend it What was typed about a waits in Runs."));
    assert!(!state.shows_run_dialog() && edit_of(&state).error.is_some(), "it waits on the page of runs");
}

/// A name and a note are typed for a run, and the job that is to keep them.
fn type_and_save(state: &mut State, run: &str, note: &str) -> Job {
    update(state, RunAction::Edit(run.into()).into());
    let typed = RunEdit { note: note.into(), ..edit_of(state) };
    update(state, RunAction::Write(typed).into());
    job(&update(state, RunAction::SaveEdit.into())).clone()
}

fn end(state: &mut State, job: &Job, outcome: Outcome) {
    on_event(state, Event::Ended { job: job.id, outcome });
}

#[test]
fn what_could_not_be_kept_of_a_run_waits_for_every_other_dialog() {
    let (mut state, sent) = saving();
    update(&mut state, RunAction::AskLonger("/runs/b".into()).into());
    end(&mut state, &sent, failure());
    assert!(state.runs_view.longer.is_some() && state.runs_view.edit.is_none(), "one dialog at a time");
    assert_eq!(state.notices.last().unwrap().headline, "It broke", "it is told meanwhile");
    update(&mut state, RunAction::CancelLonger.into());
    let edit = edit_of(&state);
    assert_eq!((edit.note.as_str(), edit.error.is_some()), ("two hours of thought", true));

    let (mut state, sent) = saving();
    state.asks_before_closing = true;
    end(&mut state, &sent, failure());
    assert!(state.runs_view.edit.is_none());
    update(&mut state, Action::CancelClose);
    assert_eq!(edit_of(&state).run, Path::new("/runs/a"));
}

#[test]
fn nothing_is_lost_of_several_names_and_notes_that_could_not_be_kept() {
    for is_first_kept in [false, true] {
        let mut state = with_runs();
        state.workspace = Workspace::Runs;
        let jobs = [("/runs/a", "one"), ("/runs/b", "two"), ("/runs/C", "three")]
            .map(|(run, note)| type_and_save(&mut state, run, note));
        end(&mut state, &jobs[0], if is_first_kept { Outcome::Finished } else { failure() });
        end(&mut state, &jobs[1], failure());
        on_refused(&mut state, &jobs[2]);
        let mut shown = Vec::new();
        while let Some(edit) = state.runs_view.edit.clone() {
            assert!(edit.error.is_some(), "{edit:?}");
            shown.push(edit.note);
            update(&mut state, RunAction::CancelEdit.into());
        }
        let wanted: &[&str] = if is_first_kept { &["two", "three"] } else { &["one", "two", "three"] };
        assert_eq!(shown, wanted);
    }
}

#[test]
fn what_is_typed_about_a_run_follows_it_to_its_new_folder_and_is_put_away_with_it() {
    let (before, after) = (PathBuf::from("/runs/a"), PathBuf::from("/runs/better"));
    let moved = |state: &mut State, after: Option<&PathBuf>| {
        let event = Event::RunChanged { job: JobId(0), before: before.clone(), after: after.cloned() };
        on_event(state, event);
    };
    let asked = |effects: &[Effect]| match &job(effects).request {
        Request::ChangeRun { run, change: RunChange::Describe { name, .. } } => (run.clone(), name.clone()),
        other => panic!("{other:?}"),
    };
    // It was opened while another name was being kept.
    let mut state = with_runs();
    let sent = type_and_save(&mut state, "/runs/a", "kept later");
    update(&mut state, RunAction::Edit(before.clone()).into());
    moved(&mut state, Some(&after));
    end(&mut state, &sent, Outcome::Finished);
    assert_eq!(state.run_entry(&after).map(|run| run.note.as_str()), Some("kept later"), "before it is read again");
    let effects = update(&mut state, RunAction::SaveEdit.into());
    assert_eq!(asked(&effects), (after.clone(), "better".to_owned()));
    end(&mut state, job(&effects), failure());
    let edit = edit_of(&state);
    assert_eq!((edit.run, edit.name.as_str(), edit.note.as_str()), (after.clone(), "better", "kept later"));

    // It is opened before the list is read again.
    let mut state = with_runs();
    moved(&mut state, Some(&after));
    assert_eq!((state.run_name(&after).as_str(), state.run_entry(&before).is_none()), ("better", true));
    update(&mut state, RunAction::Edit(after.clone()).into());
    assert_eq!(asked(&update(&mut state, RunAction::SaveEdit.into())), (after.clone(), "better".to_owned()));

    let mut state = with_runs();
    update(&mut state, RunAction::AskLonger(before.clone()).into());
    moved(&mut state, Some(&after));
    assert_eq!(state.runs_view.longer.as_ref().map(|view| &view.run), Some(&after));

    for open in [RunAction::Edit(before.clone()), RunAction::AskLonger(before.clone())] {
        let mut state = with_runs();
        let sent = type_and_save(&mut state, "/runs/a", "of no use any more");
        update(&mut state, open.into());
        moved(&mut state, None);
        end(&mut state, &sent, failure());
        assert!(state.runs_view.edit.is_none() && state.runs_view.longer.is_none());
    }
}

#[test]
fn settings_that_start_from_a_renamed_run_follow_it_and_a_deleted_one_is_told() {
    let mut state = with_runs();
    let (run, other) = (PathBuf::from("/runs/a"), PathBuf::from("/runs/b"));
    update(&mut state, RunAction::FineTune(run.clone()).into());
    update(&mut state, RunAction::FineTune(other.clone()).into());
    let renamed = |state: &mut State, before: &Path, after: Option<&Path>| {
        let (before, after) = (before.to_owned(), after.map(Path::to_owned));
        on_event(state, Event::RunChanged { job: JobId(0), before, after });
    };
    renamed(&mut state, &other, Some(Path::new("/runs/better")));
    assert_eq!(state.config.train.start_from, "/runs/better");
    // So does what can be gone back to.
    renamed(&mut state, &run, Some(Path::new("/runs/good")));
    update(&mut state, Action::Undo);
    assert_eq!(state.config.train.start_from, "/runs/good");
    update(&mut state, Action::Redo);
    assert_eq!(state.config.train.start_from, "/runs/better");
    renamed(&mut state, Path::new("/runs/good"), None);
    let hint = |state: &State| state.notices.last().unwrap().hint.clone().unwrap();
    assert!(!hint(&state).contains("start from it"), "{}", hint(&state));
    renamed(&mut state, Path::new("/runs/better"), None);
    assert!(hint(&state).contains("was to start from it"), "{}", hint(&state));
}

#[test]
fn the_runs_of_a_series_that_have_not_begun_follow_the_run_that_they_start_from() {
    let pictures = folder();
    let mut state = with_runs();
    let run = state.runs[0].path.clone();
    open(&mut state, pictures.path());
    update(&mut state, RunAction::FineTune(run.clone()).into());
    update(&mut state, Action::SetSeeds(2));
    let (first, _) = train_job(&update(&mut state, Action::StartTraining)).unwrap();
    on_event(&mut state, Event::RunChanged { job: JobId(0), before: run, after: Some("/runs/good".into()) });
    let effects = on_event(&mut state, Event::Trained { job: first, summary: Box::new(summary("/runs/x", 0.1)) });
    let of_training = |effect: &Effect| match effect {
        Effect::Send(Job { request: Request::Train { config, .. }, .. }) => Some(config.train.start_from.clone()),
        _ => None,
    };
    assert_eq!(effects.iter().find_map(of_training).as_deref(), Some("/runs/good"));
}

#[test]
fn the_folder_of_a_run_is_shown_by_a_path_that_file_managers_take() {
    for (run, wanted) in
        [("/runs/a", "/runs/a"), (r"\\?\C:\runs\a", r"C:\runs\a"), (r"\\?\UNC\server\runs\a", r"\\?\UNC\server\runs\a")]
    {
        let effects = update(&mut state(), RunAction::OpenFolder(run.into()).into());
        assert!(matches!(&effects[..], [Effect::ShowFolder(path)] if path == Path::new(wanted)), "{effects:?}");
    }
}

#[test]
fn the_settings_of_a_run_become_those_of_the_next_and_can_be_undone() {
    let mut state = with_runs();
    state.runs[0].config.train.epochs = 77;
    let run = state.runs[0].path.clone();
    let effects = update(&mut state, RunAction::Duplicate(run).into());
    assert!(matches!(&job(&effects).request, Request::OpenData { path } if path == Path::new("/pictures")));
    assert_eq!((state.workspace, state.config.train.epochs), (Workspace::Train, 77));
    assert!(state.config.run.is_none());
    update(&mut state, Action::Undo);
    assert_eq!(state.config.train.epochs, crate::config::RunConfig::default().train.epochs);
}

#[test]
fn the_next_run_starts_from_a_run_with_that_runs_network() {
    let mut state = with_runs();
    let run = state.runs[0].path.clone();
    state.runs[0].has_model = false;
    assert!(update(&mut state, RunAction::FineTune(run.clone()).into()).is_empty(), "nothing to start from");
    state.runs[0].has_model = true;
    state.runs[0].config.model.net = crate::config::Net::Resnet18;
    state.runs[0].config.data.image_px = crate::config::Auto::Set(48);
    state.config.model.dropout = 0.25;
    update(&mut state, RunAction::FineTune(run.clone()).into());
    assert_eq!(state.workspace, Workspace::Train);
    let config = &state.config;
    assert_eq!(PathBuf::from(&config.train.start_from), run);
    assert_eq!((config.model.net, config.data.image_px), (crate::config::Net::Resnet18, crate::config::Auto::Set(48)));
    assert_eq!(config.model.dropout, 0.25, "what the weights do not decide stays");
    update(&mut state, Action::Undo);
    assert!(state.config.train.start_from.is_empty());
}

#[test]
fn a_network_is_exported_as_the_name_of_the_file_says() {
    let mut state = with_runs();
    let run = state.runs[0].path.clone();
    let effects = update(&mut state, RunAction::Export(run.clone()).into());
    assert!(matches!(effects[..], [Effect::Ask(Dialog::ExportRun)]));
    let effects = update(&mut state, RunAction::ExportTo("/out/net.onnx".into()).into());
    let sent = job(&effects);
    assert!(matches!(&sent.request, Request::Export { format: ExportFormat::Onnx, .. }));
    let written = |advice: Option<&str>| Event::Exported {
        job: sent.id,
        out: "/out/net.onnx".into(),
        bytes: 2_500_000,
        advice: advice.map(str::to_owned),
    };
    on_event(&mut state, written(None));
    let notice = state.notices.last().unwrap();
    assert!(notice.headline.contains("2.5 MB") && notice.hint.as_deref() == Some("It is in /out."), "{notice:?}");
    on_event(&mut state, written(Some("Add the mirror image")));
    assert_eq!(state.notices.last().unwrap().hint.as_deref(), Some("It is in /out. Add the mirror image."));
    update(&mut state, RunAction::Export(run).into());
    assert!(update(&mut state, RunAction::ExportTo("/out/net.txt".into()).into()).is_empty());
    assert!(state.notices.last().unwrap().hint.as_ref().unwrap().contains(".safetensors"));
}
