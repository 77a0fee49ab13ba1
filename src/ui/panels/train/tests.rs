//! The page of a run under a pointer, without drawing pixels.

use super::TrainPanel;
use crate::app::{Action, RunAction, State, Workspace, update};
use crate::ui::demo_state::{self, DemoKind};
use crate::ui::panels::runs::SETTINGS_AGAIN;
use crate::ui::test_page::{self, apply, click};
use crate::ui::theme;
use eframe::egui::{Rect, Shape};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use std::path::PathBuf;

type Page = test_page::Page<TrainPanel>;

fn harness(state: State, width: f32) -> Harness<'static, Page> {
    test_page::page_of(state, [width, 800.0], TrainPanel::ui)
}

/// The page at this moment, in which the runs of the list were made with the open images.
fn run_at(kind: DemoKind) -> State {
    let mut state = demo_state::state(Workspace::Train, kind);
    let open = state.open_data().expect("the sample data can be drawn").catalog.fingerprint.clone();
    for facts in state.runs.iter_mut().filter_map(|run| run.config.run.as_mut()) {
        facts.data_fingerprint.clone_from(&open);
    }
    state
}

/// The buttons that are drawn as the one that does the main thing.
fn loud_buttons(harness: &Harness<'static, Page>) -> Vec<Rect> {
    let accent = theme::tokens_of(true).accent;
    let shapes = harness.output().shapes.iter().map(|clipped| &clipped.shape);
    let rects = shapes.filter_map(|shape| if let Shape::Rect(rect) = shape { Some(rect) } else { None });
    rects.filter(|rect| rect.fill == accent && rect.rect.height() > 30.0).map(|rect| rect.rect).collect()
}

fn is_loud(harness: &Harness<'static, Page>, label: &str) -> bool {
    let button = harness.get_by_label(label).rect();
    loud_buttons(harness).iter().any(|loud| loud.contains(button.center()))
}

#[test]
fn beside_a_run_that_is_over_the_next_step_is_louder_than_another_run() {
    for (kind, main) in [(DemoKind::Done, "Explore the map"), (DemoKind::Error, SETTINGS_AGAIN)] {
        let mut harness = harness(run_at(kind), 1200.0);
        assert!(is_loud(&harness, main) && !is_loud(&harness, "Start a new run"), "{kind:?}");
        assert_eq!(loud_buttons(&harness).len(), 1, "{kind:?}");
        click(&mut harness, "The next run");
        assert!(is_loud(&harness, "Start training"), "{kind:?}");
        assert_eq!(loud_buttons(&harness).len(), 1, "{kind:?}");
    }
    let mut state = demo_state::state(Workspace::Data, DemoKind::Done);
    update(&mut state, Action::Go(Workspace::Train));
    assert!(is_loud(&harness(state, 1200.0), "Start training"));
}

#[test]
fn a_run_that_diverged_leads_to_a_new_one_as_its_message_says_and_any_other_goes_on() {
    let state = run_at(DemoKind::Error);
    let run = state.training.as_ref().and_then(|view| view.run()).unwrap().to_owned();
    let mut diverged = harness(state.clone(), 1200.0);
    assert!(diverged.query_by_label_contains("and start a new run").is_some());
    assert!(diverged.query_by_label("Continue training").is_none());
    let asked = click(&mut diverged, SETTINGS_AGAIN);
    assert_eq!(asked, [Action::from(RunAction::Duplicate(run.clone()))]);
    assert!(diverged.query_by_label("Start training").is_some(), "beside the settings stands what they will do");
    let mut state = state;
    if let Some(view) = &mut state.training {
        view.is_of_seed = false;
    }
    let mut full_disk = harness(state, 1200.0);
    assert!(is_loud(&full_disk, "Continue training") && full_disk.query_by_label(SETTINGS_AGAIN).is_none());
    full_disk.get_by_label("Continue training").click();
    full_disk.run_steps(2);
    assert_eq!(full_disk.state().out, [Action::ContinueRun(run)]);
}

#[test]
fn what_is_taken_over_from_runs_is_shown_with_what_it_will_do_and_a_choice_in_the_form_turns_no_page() {
    let takes = [RunAction::Duplicate as fn(PathBuf) -> RunAction, RunAction::FineTune];
    let cases = takes.map(|take| (take, Workspace::Runs, true));
    for (take, from, is_turned) in cases.into_iter().chain([(takes[1], Workspace::Train, false)]) {
        let state = run_at(DemoKind::Done);
        let run = state.runs.iter().find(|run| run.has_model).expect("the list has a run with a model").path.clone();
        let mut harness = harness(state, 1200.0);
        assert!(harness.query_by_label("Start a new run").is_some());
        harness.state_mut().state.workspace = from;
        let asked = Action::from(take(run));
        harness.state_mut().out.push(asked.clone());
        apply(&mut harness);
        assert_eq!(harness.state().state.workspace, Workspace::Train);
        assert_eq!(harness.query_by_label("Start training").is_some(), is_turned, "{asked:?} in {from:?}");
        assert_eq!(harness.query_by_label("Start a new run").is_none(), is_turned, "{asked:?} in {from:?}");
    }
}

#[test]
fn settings_say_that_they_are_those_of_the_next_run_while_one_is_trained() {
    let note = "For the next run; the one under way keeps its own.";
    for (kind, is_told) in [(DemoKind::Busy, true), (DemoKind::Done, false)] {
        assert_eq!(harness(run_at(kind), 1200.0).query_by_label(note).is_some(), is_told, "{kind:?}");
    }
}

#[test]
fn the_number_of_weights_is_told_whole_or_not_at_all() {
    let weights = "284\u{2009}096 weights";
    for (width, is_told) in [(900.0, false), (2400.0, true)] {
        let harness = harness(run_at(DemoKind::Busy), width);
        assert!(harness.query_by_label_contains("sample-data-arcface · CPU").is_some(), "{width}");
        assert_eq!(harness.query_by_label_contains(weights).is_some(), is_told, "{width}");
    }
}
