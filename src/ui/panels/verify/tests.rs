//! The two slots under a pointer, without drawing pixels.

use super::VerifyPanel;
use crate::app::{Action, Dialog, FaceAction, Notice, Overlay, Severity, State, on_event, update};
use crate::config::RunInfo;
use crate::eval::OperatingRule;
use crate::train::Threshold;
use crate::ui::test_page::{self, apply};
use crate::ui::theme;
use crate::ui::widgets::figures::interval_text;
use crate::worker::protocol::{Evaluation, Event, FoundFace, ImageSource, Outcome, RunEntry, VerifyResult};
use eframe::egui::Key;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use std::path::PathBuf;
use std::sync::Arc;

type Page = test_page::Page<VerifyPanel>;

fn harness(state: State) -> Harness<'static, Page> {
    test_page::page_of(state, [1200.0, 800.0], VerifyPanel::ui)
}

fn with_model() -> State {
    let mut state = State::new("runs".into());
    state.runs = vec![RunEntry::with_model("runs/one")];
    state.active_run = Some("runs/one".into());
    state
}

fn grey() -> ImageSource {
    ImageSource::Pixels { width: 2, height: 2, rgba: Arc::from([128_u8; 16]) }
}

#[test]
fn a_click_on_a_slot_asks_for_a_file_and_clear_empties_it() {
    let mut state = with_model();
    state.verify.slots[0] = Some(grey());
    let mut harness = harness(state);
    harness.get_by_label("Second image: empty. Click to choose a file").click();
    harness.run_steps(1);
    harness.get_by_label("Clear first image").click();
    harness.run_steps(1);
    assert_eq!(harness.state().out, [Action::Ask(Dialog::PickImage(1)), Action::ClearSlot(0)]);
}

#[test]
fn an_error_offers_to_replace_the_file_it_names() {
    let mut state = with_model();
    state.verify.slots = [Some(grey()), Some(ImageSource::File("gone/broken.png".into()))];
    state.verify.error = Some(Notice::new(Severity::Error, "broken.png cannot be read as an image"));
    let mut harness = harness(state);
    assert!(harness.query_by_label("Replace pasted picture, 2×2").is_none());
    harness.get_by_label("Replace broken.png").click();
    harness.run_steps(1);
    assert_eq!(harness.state().out, [Action::Ask(Dialog::PickImage(1))]);
}

/// The dialog for the first slot, with a picture of 200 × 100 px in it.
fn marking() -> Harness<'static, Page> {
    let mut state = with_model();
    state.verify.slots[0] = Some(grey());
    update(&mut state, FaceAction::Open(0).into());
    let job = state.faces.align.as_ref().and_then(|view| view.mark.job).unwrap();
    let found = FoundFace {
        width_px: 200,
        height_px: 100,
        picture: crate::data::Thumb { width: 200, height: 100, rgba: vec![90; 80_000] },
        small: Arc::new(image::DynamicImage::new_rgb8(200, 100)),
        face: Ok(None),
    };
    on_event(&mut state, Event::FaceFound { job, found: Arc::new(found) });
    harness(state)
}

#[test]
fn the_dialog_stays_where_the_model_is_gone_meanwhile() {
    let mut harness = marking();
    harness.state_mut().state.runs.clear();
    harness.run_steps(2);
    assert!(!harness.state().state.has_model());
    assert!(harness.query_by_label("Apply").is_some());
}

#[test]
fn the_slot_offers_to_align_its_image() {
    let mut state = with_model();
    state.verify.slots[1] = Some(grey());
    let mut harness = harness(state);
    assert!(harness.query_by_label("Align first image").is_none(), "an empty slot has nothing to align");
    harness.get_by_label("Align second image").click();
    harness.run_steps(1);
    assert_eq!(harness.state().out, [FaceAction::Open(1).into()]);
}

#[test]
fn eyes_are_marked_moved_by_arrows_and_applied_with_enter() {
    let mut harness = marking();
    assert!(harness.query_by_label("Apply").is_some());
    for name in ["Picture: mark the eyes", "Picture: mark the other eye"] {
        // Where the pointer is not, the usual places are meant; both clicks of the harness hit the centre.
        harness.get_by_label(name).focus();
        harness.run_steps(2);
        harness.key_press(Key::Space);
        harness.run_steps(2);
        let actions = apply(&mut harness);
        assert!(matches!(actions[..], [Action::Faces(FaceAction::Place(_))]), "{actions:?}");
    }
    let points = harness.state().state.faces.align.as_ref().unwrap().mark.points.clone();
    assert_eq!(points, [[72.0, 42.0], [128.0, 42.0]]);
    harness.get_by_label("Left eye").focus();
    harness.run_steps(2);
    harness.key_press(Key::ArrowRight);
    harness.run_steps(1);
    let actions = apply(&mut harness);
    assert!(matches!(actions[..], [Action::Faces(FaceAction::Move(0, [x, _]))] if x > 72.0), "{actions:?}");
    harness.get_by_label("Apply").click();
    harness.run_steps(1);
    assert_eq!(apply(&mut harness), [FaceAction::Apply.into()]);
    let slot = harness.state().state.verify.slots[0].clone().unwrap();
    assert_eq!(slot.name(), "pasted picture, 2×2, aligned");
}

#[test]
fn escape_leaves_the_image_as_it_is_and_a_detector_can_be_chosen() {
    let mut harness = marking();
    if cfg!(feature = "faces") {
        harness.get_by_label("Choose a YuNet file").click();
        harness.run_steps(1);
        assert_eq!(apply(&mut harness), [FaceAction::AskDetector.into()]);
    }
    harness.key_press(Key::Escape);
    harness.run_steps(1);
    assert_eq!(apply(&mut harness), [FaceAction::Cancel.into()]);
    assert!(matches!(harness.state().state.verify.slots[0], Some(ImageSource::Pixels { .. })));
}

#[test]
fn the_face_cannot_be_applied_before_both_eyes_are_marked_and_says_so() {
    let mut harness = marking();
    harness.get_by_label("Apply").hover();
    harness.run_steps(8);
    assert!(harness.query_by_label("Mark both eyes first").is_some());
}

/// Two images compared by a network that was not measured.
fn compared() -> VerifyResult {
    let crop = crate::data::Thumb { width: 1, height: 1, rgba: vec![128; 4] };
    VerifyResult {
        similarity: 0.5,
        angle_deg: 60.0,
        model_sha256: "now".into(),
        threshold: Threshold::Missing,
        measured: None,
        crops: [crop.clone(), crop],
        lengths: None,
        neighbours: [Vec::new(), Vec::new()],
    }
}

#[test]
fn scores_of_an_older_network_are_not_drawn_and_it_is_said_why_there_is_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::draw_classes(folder.path(), 4, 3);
    let catalog = Arc::new(crate::data::Catalog::open(folder.path(), &|_| {}, &|| false).unwrap());
    let evaluation = crate::ui::demo_data::demo_evaluation("one", 1.0, catalog).unwrap();
    for (model_sha256, is_of_result) in [("now", true), ("before", false)] {
        let mut state = with_model();
        state.verify.slots = [Some(grey()), Some(grey())];
        let threshold = if is_of_result { Threshold::Missing } else { Threshold::Outdated };
        let evaluation = Arc::new(Evaluation { model_sha256: model_sha256.into(), ..evaluation.clone() });
        state.evaluate.overlays = vec![Overlay { evaluation, visible: true, is_outdated: false }];
        state.verify.result = Some(Box::new(VerifyResult { threshold, ..compared() }));
        let harness = harness(state);
        assert_eq!(harness.query_by_label("Scores and threshold").is_some(), is_of_result);
        let said =
            "The run has learned since its error rates were measured: its threshold was that of an earlier network.";
        assert_eq!(harness.query_by_label(said).is_some(), !is_of_result);
    }
}

#[test]
fn a_verdict_of_an_earlier_network_says_so_and_can_be_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::draw_classes(folder.path(), 4, 3);
    let catalog = Arc::new(crate::data::Catalog::open(folder.path(), &|_| {}, &|| false).unwrap());
    let evaluation = crate::ui::demo_data::demo_evaluation("one", 1.0, catalog).unwrap();
    for is_outdated in [true, false] {
        let mut state = with_model();
        state.verify.slots = [Some(grey()), Some(grey())];
        let result = compared();
        let threshold = Threshold::Known(crate::eval::operating_point(&evaluation.rates, evaluation.rule));
        let evaluation = Arc::new(Evaluation { model_sha256: result.model_sha256.clone(), ..evaluation.clone() });
        state.evaluate.overlays = vec![Overlay { evaluation, visible: true, is_outdated }];
        state.verify.result = Some(Box::new(VerifyResult { threshold, ..result }));
        let harness = harness(state);
        assert_eq!(harness.query_by_label("Compare again").is_some(), is_outdated);
        let said = "The run has learned since: this is what its earlier network says.";
        assert_eq!(harness.query_by_label(said).is_some(), is_outdated);
    }
}

#[test]
fn the_length_of_an_embedding_stands_under_its_image_where_it_tells_something() {
    for lengths in [None, Some([24.31, 9.02])] {
        let mut state = with_model();
        state.verify.slots = [Some(grey()), Some(grey())];
        state.verify.result = Some(Box::new(VerifyResult { lengths, ..compared() }));
        let shown = |harness: &Harness<'static, Page>| {
            let of = |text: &str| harness.query_by_label(text).map(|node| node.rect().left());
            [of("Length 24.3"), of("Length 9.0")]
        };
        let mut harness = harness(state);
        let [first, second] = shown(&harness);
        assert_eq!((first.is_some(), second.is_some()), (lengths.is_some(), lengths.is_some()));
        update(&mut harness.state_mut().state, Action::SwapSlots);
        harness.run_steps(2);
        assert_eq!(shown(&harness), [second, first], "each goes with its image");
    }
}

#[test]
fn the_newest_run_is_offered_in_whatever_order_the_list_is() {
    let mut state = with_model();
    state.active_run = None;
    let begun = |name: &str, started: &str, has_model: bool| {
        let mut run = state.runs[0].clone();
        run.path = PathBuf::from("runs").join(name);
        run.config.run = Some(RunInfo { started: started.into(), ..RunInfo::default() });
        RunEntry { has_model, ..run }
    };
    state.runs = vec![
        begun("a", "2026-11-20 10:00", true),
        begun("b", "2026-11-22 10:00", true),
        begun("c", "2026-11-23 10:00", false),
    ];
    let mut harness = harness(state);
    harness.get_by_label("Use the newest run").click();
    harness.run_steps(1);
    assert_eq!(harness.state().out, [Action::UseRun("runs/b".into())]);
}

#[test]
fn a_comparison_is_stopped_where_it_is_told_of_and_can_be_asked_for_again() {
    let mut state = with_model();
    update(&mut state, Action::VerifyImages(vec![grey(), grey()]));
    let job = state.verify.job.expect("they are compared");
    let mut harness = harness(state);
    harness.get_by_label("Cancel").click();
    harness.run_steps(1);
    assert_eq!(harness.state().out, [Action::CancelJob(job)]);
    on_event(&mut harness.state_mut().state, Event::Ended { job, outcome: Outcome::Cancelled });
    harness.state_mut().out.clear();
    harness.run_steps(2);
    assert!(harness.query_by_label("Comparing").is_none());
    harness.get_by_label("Compare again").click();
    harness.run_steps(1);
    assert!(matches!(harness.state().out[..], [Action::VerifyImages(_)]), "{:?}", harness.state().out);
}

#[test]
fn what_the_threshold_costs_stands_in_rows_with_their_intervals() {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::draw_classes(folder.path(), 4, 3);
    let catalog = Arc::new(crate::data::Catalog::open(folder.path(), &|_| {}, &|| false).unwrap());
    let evaluation = crate::ui::demo_data::demo_evaluation("one", 1.0, catalog).unwrap();
    let result = crate::ui::demo_data::demo_verify_result(&evaluation, [0, 1], OperatingRule::Eer);
    let point = result.threshold.point().cloned().unwrap();
    let mut state = with_model();
    state.verify.slots = [Some(grey()), Some(grey())];
    state.verify.result = Some(Box::new(result));
    let harness = harness(state);
    let names = ["95 % interval", "Different pairs accepted (FAR)", "Same pairs rejected (FRR)"];
    let intervals = [(point.far_low, point.far_high), (point.frr_low, point.frr_high)];
    for text in names.map(str::to_owned).into_iter().chain(intervals.map(|(low, high)| interval_text(low, high))) {
        assert!(harness.query_all_by_label(&text).next().is_some(), "{text}");
    }
}

#[test]
fn the_slots_are_one_gap_apart_and_the_buttons_of_one_are_not() {
    let mut state = with_model();
    state.verify.slots = [Some(grey()), Some(grey())];
    let harness = harness(state);
    let buttons = harness.get_by_label("Clear first image").rect().left()
        - harness.get_by_label("Align first image").rect().right();
    assert!((buttons - theme::SPACE).abs() < 0.6, "{buttons}");
    let slot = |title: &str| harness.get_by(|node| node.label().is_some_and(|label| label.starts_with(title))).rect();
    let slots = slot("Second image:").left() - slot("First image:").right();
    assert!((slots - theme::GAP).abs() < 0.6, "{slots}");
}
