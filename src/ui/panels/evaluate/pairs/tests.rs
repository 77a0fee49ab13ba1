//! The sheet under a pointer and a keyboard, without drawing pixels.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a skipped test says why")]

use super::*;
use crate::app::{Effect, Workspace, on_event, update};
use crate::data::testing::look_of_list;
use crate::ui::demo_state::{self, DemoKind};
use crate::ui::panels::evaluate::EvaluatePanel;
use crate::ui::test_page::{self, click, press};
use crate::worker::protocol::{Event, JobError, JobId, Outcome, Progress, RunEntry};
use eframe::egui::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use std::sync::Arc;

type Page = test_page::Page<EvaluatePanel>;

fn page_of(state: State) -> Harness<'static, Page> {
    test_page::page_of(state, [1000.0, 700.0], EvaluatePanel::ui)
}

/// A state in which a list is looked at; with a run in use or not.
fn looking(has_model: bool) -> (State, JobId) {
    let mut state = State::new("runs".into());
    if has_model {
        state.runs = vec![RunEntry::with_model("runs/faces")];
        state.active_run = Some("runs/faces".into());
    }
    let effects = update(&mut state, Action::LookAtPairs("/protocols/pairs.txt".into()));
    let sent = effects.iter().find_map(|effect| if let Effect::Send(job) = effect { Some(job.id) } else { None });
    (state, sent.expect("a look is asked for"))
}

fn looked_at(look: ProtocolLook, has_model: bool) -> Harness<'static, Page> {
    let (mut state, job) = looking(has_model);
    on_event(&mut state, Event::PairsLooked { job, look: Arc::new(look) });
    on_event(&mut state, Event::Ended { job, outcome: Outcome::Finished });
    page_of(state)
}

#[test]
fn what_the_list_is_stands_beside_what_of_it_is_not_there() {
    let mut harness = looked_at(look_of_list(), true);
    for text in [
        "pairs.txt",
        "A list of pairs",
        "6000 pairs: 3000 genuine, 3000 impostor, 10 folds",
        "7699 images in /photos, about 250 px",
        "12 pairs name images that are not there, for example Ann/Ann_0001.",
        "5988 of 6000 pairs can be compared: the result covers a part of the protocol.",
        "The run faces is in use and will be measured.",
    ] {
        assert!(harness.query_by_label(text).is_some(), "{text}");
    }
    assert_eq!(click(&mut harness, "Choose images…"), [Action::Ask(Dialog::PickPairImages)]);
    assert_eq!(click(&mut harness, "Measure"), [PairsAction::Measure.into()]);
    assert!(harness.query_by_label("Measure on pairs").is_none(), "the measurement has taken its place");
    assert!(harness.query_by_label("Measuring error rates").is_some());
}

#[test]
fn enter_measures_and_escape_puts_the_sheet_away() {
    let mut harness = looked_at(look_of_list(), true);
    assert_eq!(press(&mut harness, Key::Enter), [PairsAction::Measure.into()]);
    let mut harness = looked_at(look_of_list(), true);
    assert_eq!(press(&mut harness, Key::Escape), [PairsAction::Cancel.into()]);
    assert!(harness.query_by_label("Measure on pairs").is_none());
    assert!(press(&mut harness, Key::Escape).is_empty() && press(&mut harness, Key::Enter).is_empty());
}

#[test]
fn enter_presses_the_button_that_has_the_focus() {
    let mut harness = looked_at(look_of_list(), true);
    harness.get_by_label("Cancel the pairs").focus();
    harness.run_steps(2);
    assert_eq!(press(&mut harness, Key::Enter), [PairsAction::Cancel.into()]);
}

#[test]
fn without_a_model_the_sheet_stays_and_says_what_is_missing() {
    let mut harness = looked_at(look_of_list(), false);
    assert!(harness.get_by_label("Measure").accesskit_node().is_disabled());
    assert!(harness.query_by_label(&format!("{NO_MODEL}.")).is_some());
    assert!(press(&mut harness, Key::Enter).is_empty());
    assert!(harness.query_by_label("Measure on pairs").is_some());
    assert!(harness.query_by_label("Open a folder…").is_some(), "there is a way on");
}

#[test]
fn a_set_holds_its_images_and_a_single_pair_is_one() {
    let mut look = look_of_list();
    (look.kind, look.folder, look.missing, look.complete) = (ProtocolKind::Set, None, 1, 6000);
    let harness = looked_at(look, true);
    assert!(harness.query_by_label("A verification set, which holds its images").is_some());
    assert!(harness.query_by_label("7699 images, about 250 px").is_some());
    assert!(harness.query_by_label_contains("1 pair names an image that is not there").is_some());
    assert!(harness.query_by_label("Choose images…").is_none());
}

#[test]
fn another_number_of_folds_than_the_accuracy_has_is_told() {
    let harness = looked_at(ProtocolLook { folds: Some(2), ..look_of_list() }, true);
    assert!(harness.query_by_label_contains("2 folds, so the ten of the accuracy are drawn").is_some());
}

#[test]
fn images_that_are_not_found_are_told_and_chosen() {
    let obstacle = Some("none of the 6000 pairs has both images below the folder".to_owned());
    let mut look = ProtocolLook { folder: None, images: 0, complete: 0, folds: None, obstacle, ..look_of_list() };
    look.warnings = crate::data::Warnings::default();
    let mut harness = looked_at(look, true);
    assert!(harness.query_by_label_contains("no folds, so they are drawn").is_some());
    assert!(harness.query_by_label_contains("Nothing can be measured on it: none of the 6000 pairs").is_some());
    assert!(harness.query_by_label("Measure").is_none());
    assert!(press(&mut harness, Key::Enter).is_empty());
    assert_eq!(click(&mut harness, "Choose another file…"), [Action::Ask(Dialog::PickPairs)]);
    assert_eq!(click(&mut harness, "Close the pairs"), [PairsAction::Cancel.into()]);
}

#[test]
fn a_look_shows_how_far_it_is_and_its_failure() {
    let (mut state, job) = looking(true);
    assert!(page_of(state.clone()).query_by_label_contains("Nothing in it is run").is_some());
    on_event(&mut state, Event::Progress { job, progress: Progress { done: 310, total: 7701, eta_secs: None } });
    let mut busy = page_of(state.clone());
    assert!(busy.query_by_label("310 of 7701 images").is_some());
    assert_eq!(click(&mut busy, "Cancel the pairs"), [PairsAction::Cancel.into()]);
    let error = JobError { headline: "Line 3 of the pair list".to_owned(), ..JobError::default() };
    on_event(&mut state, Event::Ended { job, outcome: Outcome::Failed(error) });
    let mut failed = page_of(state);
    assert!(failed.query_by_label("Line 3 of the pair list").is_some());
    assert_eq!(click(&mut failed, "Choose another file…"), [Action::Ask(Dialog::PickPairs)]);
}

#[test]
fn a_measurement_under_way_goes_on_beside_the_sheet() {
    let (mut state, job) = looking(true);
    update(&mut state, Action::Evaluate("runs/faces".into()));
    on_event(&mut state, Event::PairsLooked { job, look: Arc::new(look_of_list()) });
    let mut harness = page_of(state);
    assert!(harness.query_by_label("Measuring error rates").is_some());
    assert!(harness.query_by_label_contains("Measure stops that").is_some());
    click(&mut harness, "Cancel the pairs");
    assert!(harness.query_by_label("Measuring error rates").is_some());
}

#[test]
fn what_failed_on_its_own_images_can_be_tried_again_beside_the_sheet_which_asks_for_its_pairs() {
    for on_pairs in [false, true] {
        let (mut state, job) = looking(true);
        on_event(&mut state, Event::PairsLooked { job, look: Arc::new(look_of_list()) });
        on_event(&mut state, Event::Ended { job, outcome: Outcome::Finished });
        let asked = if on_pairs { Action::from(PairsAction::Measure) } else { Action::Evaluate("runs/faces".into()) };
        update(&mut state, asked);
        let job = state.evaluate.job.expect("it is being measured");
        let headline = "The images are gone".to_owned();
        let error = JobError { headline, ..JobError::default() };
        on_event(&mut state, Event::Ended { job, outcome: Outcome::Failed(error) });
        let mut harness = page_of(state);
        assert!(harness.query_by_label("Measure on pairs").is_some());
        assert_eq!(harness.query_by_label("Try again").is_some(), !on_pairs);
        if !on_pairs {
            assert_eq!(click(&mut harness, "Try again"), [Action::Evaluate("runs/faces".into())]);
        }
    }
}

#[test]
fn while_a_network_is_trained_it_is_said_that_measuring_waits() {
    let mut state = demo_state::state(Workspace::Train, DemoKind::Busy);
    if !state.is_training() {
        eprintln!("skipped: there is no sample data");
        return;
    }
    update(&mut state, Action::LookAtPairs("/protocols/pairs.txt".into()));
    let job = state.pairs.as_ref().and_then(|view| view.job).expect("a look is asked for");
    on_event(&mut state, Event::PairsLooked { job, look: Arc::new(look_of_list()) });
    let mut harness = page_of(state);
    assert!(harness.query_by_label_contains("measuring it waits until the training is over").is_some());
    click(&mut harness, "Measure");
    assert!(harness.query_by_label("Measuring error rates").is_some());
    assert!(harness.query_by_label("Waits until the training is over").is_some());
    assert!(harness.query_by_role(Role::ProgressIndicator).is_none(), "nothing of it is done");
    let job = harness.state().state.evaluate.job.expect("it waits");
    let progress = Progress { done: 64, total: 7699, eta_secs: None };
    on_event(&mut harness.state_mut().state, Event::Progress { job, progress });
    harness.run_steps(2);
    assert!(harness.query_by_label("64 of 7699 images embedded").is_some(), "it has begun");
    assert!(harness.query_by_role(Role::ProgressIndicator).is_some());
}
