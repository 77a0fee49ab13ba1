//! The list under a pointer, without drawing pixels.

use super::RunsPanel;
use crate::app::{Action, Dialog, Effect, RunAction, RunOrder, State, Workspace, on_event, update};
use crate::config::{RunConfig, RunInfo, SeriesInfo};
use crate::data::Catalog;
use crate::train::{EpochMetrics, RunSummary};
use crate::ui::demo_state::{self, DemoKind};
use crate::ui::test_page;
use crate::worker::protocol::{Event, JobError, JobId, OpenedData, Outcome, RunEntry};
use eframe::egui::Key;
use eframe::egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run with this seed, finished where it has a rate.
pub(super) fn entry(name: &str, seed: u32, eer: Option<f64>) -> RunEntry {
    let mut config = RunConfig { run: Some(RunInfo::default()), ..RunConfig::default() };
    config.train.seed = seed;
    let path = PathBuf::from("runs").join(name);
    let summary = |eer| RunSummary {
        run: path.clone(),
        epochs: 3,
        best_epoch: Some(2),
        images_per_second: 0.0,
        input_wait_share: 0.0,
        train_loss: None,
        train_accuracy: None,
        val_loss: None,
        val_accuracy: None,
        eer: Some(eer),
        verification: None,
        seconds: 0.0,
        stopped: false,
    };
    RunEntry {
        name: name.into(),
        finished: eer.map(summary),
        config,
        epochs_done: 3,
        eer: Some(0.5),
        resumable: eer.is_none(),
        ..RunEntry::with_model(path)
    }
}

/// A state that was told this list of runs, and has it in the order of their names.
pub(super) fn listing(runs: Vec<RunEntry>) -> State {
    let mut state = State::new("runs".into());
    state.runs_view.order = RunOrder::Name;
    on_event(&mut state, Event::Runs { job: JobId(0), runs });
    state
}

pub(super) type Page = test_page::Page<RunsPanel>;

pub(super) fn page_of(state: State) -> Harness<'static, Page> {
    test_page::page_of(state, [1200.0, 800.0], |panel: &mut RunsPanel, ui, state, _, out| panel.ui(ui, state, out))
}

fn harness(runs: Vec<RunEntry>) -> Harness<'static, Page> {
    page_of(listing(runs))
}

#[test]
fn the_menu_of_a_run_continues_its_series_while_something_is_left_of_it() {
    let of_series = |seeds| {
        let mut run = entry("a", 1, Some(0.1));
        run.config.run = Some(RunInfo::before(SeriesInfo { id: "one".into(), first_seed: 1, seeds }));
        run
    };
    for (run, is_offered) in [(entry("a", 1, None), false), (of_series(1), false), (of_series(2), true)] {
        let path = run.path.clone();
        let mut harness = harness(vec![run]);
        harness.get_by_label("More for a").click();
        harness.run_steps(3);
        assert_eq!(harness.query_by_label("Continue the series").is_some(), is_offered);
        if is_offered {
            harness.get_by_label("Continue the series").click();
            harness.run_steps(1);
            assert_eq!(harness.state().out, [Action::from(RunAction::ContinueSeries(path))]);
        }
    }
}

#[test]
fn a_run_without_a_model_offers_nothing_that_takes_its_network() {
    for has_model in [true, false] {
        let mut run = entry("a", 1, None);
        run.has_model = has_model;
        let mut harness = harness(vec![run]);
        harness.get_by_label("More for a").click();
        harness.run_steps(3);
        for (label, needs_model) in [("Fine-tune", true), ("Export…", true), ("Name and note…", false)] {
            let is_disabled = harness.get_by_label(label).accesskit_node().is_disabled();
            assert_eq!(is_disabled, needs_model && !has_model, "{label}");
        }
    }
}

#[test]
fn a_folder_of_runs_that_cannot_be_read_is_not_taken_for_an_empty_one() {
    let state = demo_state::state(Workspace::Runs, DemoKind::Error);
    let headline = state.runs_view.error.as_ref().unwrap().headline.clone();
    let mut unread = page_of(state.clone());
    assert!(headline.starts_with("The folder of runs cannot be read") && unread.query_by_label(&headline).is_some());
    assert!(unread.query_by_label("No runs yet").is_none());
    for (label, wanted) in [("Try again", Action::RefreshRuns), ("Open a run…", Action::Ask(Dialog::OpenRun))] {
        unread.get_by_label(label).click();
        unread.run_steps(2);
        assert_eq!(std::mem::take(&mut unread.state_mut().out), [wanted], "{label}");
    }
    // What was read before stays in sight.
    let mut known = listing(vec![entry("a", 1, None)]);
    known.runs_view.error.clone_from(&state.runs_view.error);
    let harness = page_of(known);
    for label in [headline.as_str(), "1 run as last read, kept in runs", "Use a"] {
        assert!(harness.query_by_label(label).is_some(), "{label}");
    }
    assert_eq!(super::kept_text(&state), "Kept in runs", "how many there are is not known");
}

#[test]
fn a_run_from_elsewhere_says_so_and_is_counted_apart() {
    let mut run = entry("a", 1, None);
    run.is_elsewhere = true;
    let harness = harness(vec![run, entry("b", 2, None)]);
    assert!(harness.query_by_label_contains("classes, opened from elsewhere").is_some());
    assert!(harness.query_by_label("1 run, kept in runs; 1 opened from elsewhere").is_some());
}

/// What an epoch of a run came to.
pub(super) fn epoch(epoch: u32, eer: f64) -> EpochMetrics {
    EpochMetrics {
        epoch,
        step: u64::from(epoch),
        train_loss: 1.0 / f64::from(epoch),
        train_accuracy: 0.5,
        val_loss: None,
        val_accuracy: None,
        eer: Some(eer),
        best: false,
        images_per_second: 0.0,
        elapsed_secs: 0.0,
    }
}

/// The page with all of these runs compared.
fn comparing(mut runs: Vec<RunEntry>) -> Harness<'static, Page> {
    for run in &mut runs {
        run.epochs = vec![epoch(1, 0.3), epoch(2, 0.2)].into();
    }
    let paths: Vec<PathBuf> = runs.iter().map(|run| run.path.clone()).collect();
    let mut state = listing(runs);
    for path in paths {
        update(&mut state, RunAction::Compare(path).into());
    }
    page_of(state)
}

#[test]
fn runs_that_are_compared_show_their_curves_and_the_settings_that_differ() {
    let mut runs = vec![entry("a", 1, Some(0.02)), entry("b", 1, Some(0.04))];
    (runs[0].config.train.batch, runs[1].config.train.batch) = (48, 96);
    runs[1].config.data.held_out = "s31..s40".into();
    let mut harness = comparing(runs);
    let shown = ["Compared", "Held-out EER", "Training loss", "Batch size", "48", "96", "Held-out classes", "–"];
    for label in shown.into_iter().chain(["Held-out EER, plot of a; b", "Training loss, plot of a; b"]) {
        assert!(harness.query_by_label(label).is_some(), "{label}");
    }
    // In the list, in the legends of both plots, and over its column.
    assert_eq!(["a", "b"].map(|name| harness.query_all_by_label(name).count()), [4, 4]);
    test_page::click(&mut harness, "Compare none");
    assert!(harness.state().state.runs_view.compared.is_empty());
    assert!(harness.query_by_label("Compared").is_none());
}

#[test]
fn the_table_of_many_runs_has_the_whole_width_and_no_long_value_widens_it() {
    let (table, long) = ("Measures, and settings that differ", "/data/runs/".repeat(30));
    let long_name = |number: u32| format!("2026-11-22-1405-photographs-of-animals-arcface-{number}");
    for (count, is_below) in [(2, false), (5, true)] {
        let mut runs: Vec<RunEntry> = (1..=count).map(|number| entry(&long_name(number), number, Some(0.1))).collect();
        runs[0].config.train.start_from = long.clone();
        let harness = comparing(runs);
        let plot = harness.get_by_label_contains("Training loss, plot of").rect();
        let title = harness.get_by_label(table).rect();
        assert_eq!((title.top() > plot.bottom(), title.left() > plot.right()), (is_below, !is_below), "{count} runs");
        assert!(harness.get_by_label(&long).rect().width() < 100.0, "{count} runs");
        let names = (1..=count).flat_map(|number| {
            harness.query_all_by_label(&long_name(number)).map(|name| name.rect().right()).collect::<Vec<f32>>()
        });
        assert!(names.fold(0.0, f32::max) < 1200.0, "{count} runs");
    }
}

/// Opens the images in `folder`.
fn open(state: &mut State, folder: &Path) {
    let effects = update(state, Action::OpenData(folder.to_owned()));
    let Some(Effect::Send(job)) = effects.first() else { panic!("{effects:?}") };
    let catalog = Arc::new(Catalog::open(folder, &|_| {}, &|| false).unwrap());
    on_event(state, Event::DataOpened { job: job.id, data: OpenedData { catalog, elapsed_secs: 0.0 } });
}

#[test]
fn a_run_is_measured_on_the_open_images_from_its_menu() {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::draw_classes(folder.path(), 4, 4);
    for is_open in [false, true] {
        let mut state = listing(vec![entry("a", 1, None)]);
        if is_open {
            open(&mut state, folder.path());
        }
        let mut harness = page_of(state);
        harness.get_by_label("More for a").click();
        harness.run_steps(3);
        let item = harness.get_by_label("Measure on the open images");
        assert_eq!(item.accesskit_node().is_disabled(), !is_open);
        if is_open {
            item.click();
            harness.run_steps(1);
            assert_eq!(harness.state().out, [Action::EvaluateOpen("runs/a".into())]);
        }
    }
}

#[test]
fn a_finished_run_is_made_longer_from_its_menu() {
    let mut run = entry("a", 1, Some(0.1));
    run.config.train.epochs = 24;
    let mut harness = harness(vec![run]);
    harness.get_by_label("More for a").click();
    harness.run_steps(3);
    let asked = test_page::click(&mut harness, "Train longer…");
    assert_eq!(asked, [Action::from(RunAction::AskLonger("runs/a".into()))]);
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("learning rate falls towards the new end").is_some());
    assert!(harness.query_by_label("3 of 24 epochs are done.").is_some());
    let view = harness.state().state.runs_view.longer.clone().unwrap();
    assert_eq!(view.epochs, 36);
    // As many as before are no more.
    update(&mut harness.state_mut().state, RunAction::SetEpochs(24).into());
    harness.run_steps(2);
    let is_disabled = |harness: &Harness<'_, Page>| {
        harness.get_by_role_and_label(Role::Button, "Train longer").accesskit_node().is_disabled()
    };
    assert!(is_disabled(&harness));
    update(&mut harness.state_mut().state, RunAction::SetEpochs(30).into());
    harness.run_steps(2);
    assert!(!is_disabled(&harness));
    harness.get_by_role_and_label(Role::Button, "Train longer").click();
    harness.run_steps(2);
    assert_eq!(harness.state().out, [Action::from(RunAction::TrainLonger)]);
}

#[test]
fn a_run_is_made_longer_only_where_it_could_go_on() {
    let imported = |run: &mut RunEntry| {
        run.config.run = Some(RunInfo { imported: "net.pt".into(), ..RunInfo::default() });
    };
    let without_model = |run: &mut RunEntry| run.has_model = false;
    let is_offered = |change: &dyn Fn(&mut RunEntry)| {
        let mut run = entry("a", 1, Some(0.1));
        change(&mut run);
        let mut harness = harness(vec![run]);
        harness.get_by_label("More for a").click();
        harness.run_steps(3);
        harness.query_by_label("Train longer…").map(|item| !item.accesskit_node().is_disabled())
    };
    assert_eq!(
        (is_offered(&|_| {}), is_offered(&imported), is_offered(&without_model)),
        (Some(true), None, Some(false))
    );
}

#[test]
fn every_button_and_every_entry_of_the_menu_asks_for_what_it_says() {
    let run = || PathBuf::from("runs/a");
    let mut harness = harness(vec![entry("a", 1, None), entry("b", 2, Some(0.1))]);
    let buttons = [
        ("Compare a", RunAction::Compare(run()).into()),
        ("Measure a", Action::Evaluate(run())),
        ("Continue a", Action::ContinueRun(run())),
        ("Use a", Action::UseRun(run())),
    ];
    for (label, wanted) in buttons {
        harness.get_by_label(label).click();
        harness.run_steps(2);
        assert_eq!(std::mem::take(&mut harness.state_mut().out), [wanted], "{label}");
    }
    let entries = [
        ("Name and note…", RunAction::Edit(run())),
        ("New run with these settings", RunAction::Duplicate(run())),
        ("Fine-tune", RunAction::FineTune(run())),
        ("Export…", RunAction::Export(run())),
        ("Show folder", RunAction::OpenFolder(run())),
        ("Train longer…", RunAction::AskLonger(run())),
        ("Move to the bin", RunAction::Delete(run())),
    ];
    for (label, wanted) in entries {
        harness.get_by_label("More for a").click();
        harness.run_steps(3);
        harness.get_by_label(label).click();
        harness.run_steps(3);
        assert_eq!(std::mem::take(&mut harness.state_mut().out), [Action::from(wanted)], "{label}");
        assert!(harness.query_by_label(label).is_none(), "the menu closes after {label}");
    }
}

#[test]
fn a_name_that_could_not_be_kept_stays_in_its_dialog_with_the_reason() {
    let mut harness = editing();
    let state = &mut harness.state_mut().state;
    state.workspace = Workspace::Runs;
    if let Some(edit) = &mut state.runs_view.edit {
        edit.name = "better".into();
    }
    test_page::click(&mut harness, "Save");
    assert!(harness.query_by_label("Name and note").is_none(), "it is being kept");
    let job = harness.state().jobs.last().unwrap().id;
    let error = JobError { headline: "the folder cannot be renamed: no space left".into(), ..JobError::default() };
    let ended = Event::Ended { job, outcome: Outcome::Failed(error) };
    on_event(&mut harness.state_mut().state, ended);
    harness.run_steps(3);
    assert!(harness.query_by_label("Name and note").is_some());
    assert!(harness.query_by_label("The folder cannot be renamed: no space left").is_some());
    let typed = harness.state().state.runs_view.edit.as_ref().map(|edit| edit.name.as_str());
    assert_eq!(typed, Some("better"));
    test_page::click(&mut harness, "Cancel");
    assert!(harness.state().state.runs_view.edit.is_none());
}

#[test]
fn the_run_that_is_being_trained_is_not_changed_and_no_other_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::draw_classes(folder.path(), 4, 4);
    let mut other = entry("b", 2, Some(0.1));
    other.config.run = Some(RunInfo::before(SeriesInfo { id: "one".into(), first_seed: 2, seeds: 2 }));
    let mut state = listing(vec![entry("a", 1, None), other]);
    open(&mut state, folder.path());
    let print = state.open_data().unwrap().catalog.fingerprint.clone();
    state.runs[0].config.run.as_mut().unwrap().data_fingerprint = print;
    update(&mut state, Action::ContinueRun("runs/a".into()));
    assert!(state.is_being_trained(Path::new("runs/a")) && !state.is_being_trained(Path::new("runs/b")));
    let expected: [(&str, &[(&str, bool)]); 2] = [
        ("a", &[("Name and note…", true), ("Move to the bin", true), ("Train longer…", true)]),
        ("b", &[("Name and note…", false), ("Move to the bin", false), ("Continue the series", true)]),
    ];
    for (name, items) in expected {
        let mut harness = page_of(state.clone());
        harness.get_by_label(&format!("More for {name}")).click();
        harness.run_steps(3);
        for (label, is_disabled) in items {
            let item = harness.get_by_label(label);
            assert_eq!(item.accesskit_node().is_disabled(), *is_disabled, "{label} of {name}");
        }
    }
    // A dialog that was opened before the training began.
    update(&mut state, RunAction::AskLonger("runs/b".into()).into());
    let harness = page_of(state);
    assert!(harness.get_by_role_and_label(Role::Button, "Train longer").accesskit_node().is_disabled());
}

/// The dialog for the name and the note of the run a.
fn editing() -> Harness<'static, Page> {
    let mut harness = harness(vec![entry("a", 1, None)]);
    let edit = RunAction::Edit("runs/a".into());
    update(&mut harness.state_mut().state, edit.into());
    harness.run_steps(3);
    harness
}

#[test]
fn the_dialog_of_another_run_has_the_keyboard_in_its_first_field() {
    let mut harness = harness(vec![entry("a", 1, None), entry("b", 2, None)]);
    let open = |harness: &mut Harness<'static, Page>, run: &str| {
        update(&mut harness.state_mut().state, RunAction::Edit(run.into()).into());
        harness.run_steps(3);
    };
    open(&mut harness, "runs/a");
    harness.get_by_role_and_label(Role::MultilineTextInput, "Note: what was tried, and why").focus();
    harness.run_steps(2);
    // As where one follows that could not be kept.
    open(&mut harness, "runs/b");
    assert!(harness.get_by_role_and_label(Role::TextInput, "Name (of the folder, too)").is_focused());
}

#[test]
fn dialogs_stay_or_close_where_no_run_is_left() {
    let mut harness = editing();
    harness.state_mut().state.runs.clear();
    harness.run_steps(2);
    assert!(harness.query_by_label("Save").is_some(), "what was typed can still be copied");
    let state = &mut harness.state_mut().state;
    state.runs_view.edit = None;
    state.runs = vec![entry("a", 1, Some(0.1))];
    update(state, RunAction::AskLonger("runs/a".into()).into());
    assert!(state.runs_view.longer.is_some());
    state.runs.clear();
    harness.run_steps(1);
    assert!(test_page::apply(&mut harness).contains(&RunAction::CancelLonger.into()));
    assert!(harness.state().state.runs_view.longer.is_none());
}

#[test]
fn enter_saves_a_name_and_not_an_empty_one() {
    for (name, is_saved) in [("b", true), (" ", false)] {
        let mut harness = editing();
        if let Some(edit) = &mut harness.state_mut().state.runs_view.edit {
            edit.name = name.into();
        }
        harness.run_steps(1);
        // The name has the keyboard as soon as the dialog is there.
        harness.key_press(Key::Enter);
        harness.run_steps(2);
        let is_asked = harness.state().out.contains(&RunAction::SaveEdit.into());
        assert_eq!(is_asked, is_saved, "{name:?}");
    }
}
