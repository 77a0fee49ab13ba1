//! The sheet under a pointer and a keyboard, without drawing pixels.

use crate::app::{Action, Dialog, Effect, ImportAction, PreprocessChoice, State, look_of, on_event, update};
use crate::model::{Misfit, Misshaped};
use crate::train::{Refusal, WeightsLook};
use crate::ui::panels::runs::tests::{Page, page_of};
use crate::ui::test_page::{apply, click};
use crate::worker::protocol::{Event, JobError, JobId, Outcome};
use eframe::egui::Key;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use std::sync::Arc;

fn looking() -> (State, JobId) {
    let mut state = State::new("runs".into());
    let effects = update(&mut state, Action::ImportWeights("/downloads/net.pth".into()));
    let sent = effects.iter().find_map(|effect| if let Effect::Send(job) = effect { Some(job.id) } else { None });
    (state, sent.expect("a look is asked for"))
}

fn looked_at(look: WeightsLook) -> Harness<'static, Page> {
    let (mut state, job) = looking();
    on_event(&mut state, Event::WeightsLooked { job, look: Arc::new(look) });
    on_event(&mut state, Event::Ended { job, outcome: Outcome::Finished });
    page_of(state)
}

#[test]
fn what_the_file_is_stands_beside_what_is_left_out_and_what_was_not_run() {
    let mut look = look_of(3, false);
    look.foreign = vec!["os.system".to_owned()];
    let names = (0..12).map(|number| format!("head.{number:02}.weight"));
    look.network.as_mut().unwrap().left_out = names.collect();
    let mut harness = looked_at(look);
    assert!(harness.query_by_label("net.pth").is_some());
    assert!(harness.query_by_label("Recognised as somebody's").is_some());
    assert!(harness.query_by_label_contains("iResNet-50: colour images of 112×112 px").is_some());
    assert!(harness.query_by_label("The file names Python code. None of it was run.").is_some());
    assert!(harness.query_by_label("head.00.weight").is_none(), "folded away");
    assert!(click(&mut harness, "Names left out (12)").is_empty());
    harness.run_steps(20);
    assert!(harness.query_by_label("head.00.weight").is_some());
}

#[test]
fn own_numbers_are_typed_checked_beside_the_field_and_imported() {
    let mut harness = looked_at(look_of(3, true));
    assert!(harness.query_by_label("As its project does (0.5, 0.5, blue first)").is_some());
    let actions = click(&mut harness, "Own numbers");
    assert!(
        matches!(&actions[..], [Action::Import(ImportAction::Write(form))] if form.choice == PreprocessChoice::Own),
        "{actions:?}"
    );
    let field = harness.get_by_label("Mean of green");
    field.focus();
    field.type_text("x");
    harness.run_steps(4);
    apply(&mut harness);
    assert!(harness.query_by_label_contains("The mean must be a number").is_some());
    assert!(harness.get_by_label("Import").accesskit_node().is_disabled());
    click(&mut harness, "ImageNet");
    assert!(harness.query_by_label_contains("The mean must be a number").is_none());
    let actions = click(&mut harness, "RGB");
    assert!(matches!(&actions[..], [Action::Import(ImportAction::Write(form))] if !form.blue_first), "{actions:?}");
    assert_eq!(click(&mut harness, "Import"), [ImportAction::Start.into()]);
    assert!(harness.query_by_label("Import").is_none(), "it is under way");
    assert_eq!(click(&mut harness, "Cancel the import"), [ImportAction::Cancel.into()]);
    assert!(harness.query_by_label("Import weights").is_none());
}

#[test]
fn a_grey_network_is_asked_for_one_number_and_no_order() {
    let mut harness = looked_at(look_of(1, false));
    click(&mut harness, "Own numbers");
    assert!(harness.query_by_label("Mean of red").is_none() && harness.query_by_label("RGB").is_none());
}

#[test]
fn escape_leaves_a_field_first_and_the_sheet_then() {
    let mut harness = looked_at(look_of(3, false));
    click(&mut harness, "Own numbers");
    harness.get_by_label("Deviation of blue").focus();
    harness.run_steps(2);
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    assert!(apply(&mut harness).is_empty());
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    assert_eq!(apply(&mut harness), [ImportAction::Cancel.into()]);
}

#[test]
fn a_look_can_be_cancelled_and_its_failure_is_shown() {
    let (state, job) = looking();
    let mut busy = page_of(state.clone());
    assert!(busy.query_by_label_contains("Looking at the file").is_some());
    assert_eq!(click(&mut busy, "Cancel the import"), [ImportAction::Cancel.into()]);
    let mut state = state;
    let error = JobError {
        headline: "The file is neither".to_owned(),
        hint: Some("Save the network".to_owned()),
        ..JobError::default()
    };
    on_event(&mut state, Event::Ended { job, outcome: Outcome::Failed(error) });
    let mut failed = page_of(state);
    assert!(failed.query_by_label("The file is neither").is_some());
    assert_eq!(click(&mut failed, "Choose another file…"), [Action::Ask(Dialog::ImportWeights)]);
}

#[test]
fn a_file_that_does_not_fit_says_why_and_lists_every_name() {
    let found_type = None;
    let misshaped = Misshaped { name: "fc.weight".into(), expected: vec![512], found: vec![8], found_type };
    let missing = (0..25).map(|number| format!("layer4.{number:02}.bias")).collect();
    let misfit = Misfit { missing, misshaped: vec![misshaped], unexpected: Vec::new() };
    let reason = "its weights are not whole".to_owned();
    let refusal = Refusal { reason, advice: "Save it again.", misfit, ..Refusal::default() };
    let mut harness = looked_at(WeightsLook { refusal: Some(refusal), ..look_of(3, false) });
    assert!(harness.query_by_label("This file cannot be used: its weights are not whole.").is_some());
    assert!(harness.query_by_label("Save it again.").is_some());
    assert!(harness.query_by_label("Import").is_none() && harness.query_by_label("Unexpected (0)").is_none());
    click(&mut harness, "Missing (25)");
    click(&mut harness, "Of another shape (1)");
    harness.run_steps(20);
    assert!(harness.query_by_label("layer4.00.bias").is_some());
    assert!(harness.query_by_label_contains("fc.weight (expected [512]").is_some());
    assert_eq!(click(&mut harness, "Close the import"), [ImportAction::Cancel.into()]);
}
