//! The page under a pointer and a keyboard, without drawing pixels.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a skipped test says why")]

use super::EvaluatePanel;
use crate::app::{
    Action, Dialog, Effect, Notice, Overlay, PictureAction, Severity, State, Workspace, on_event, update,
};
use crate::data::{Catalog, WarningKind};
use crate::eval::{OperatingPoint, OperatingRule, operating_point};
use crate::train::Doubt;
use crate::ui::demo_data::demo_evaluation;
use crate::ui::test_page;
use crate::ui::theme;
use crate::ui::widgets::figures::interval_text;
use crate::worker::protocol::{Event, OpenedData, Progress, RunEntry};
use eframe::egui::{self, Key, Pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use std::path::Path;
use std::sync::Arc;

type Page = test_page::Page<EvaluatePanel>;

/// A page with two evaluated runs; `None` without the sample data.
fn page() -> Option<Harness<'static, Page>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/test");
    let Ok(catalog) = Catalog::open(&folder, &|_| {}, &|| false).map(Arc::new) else {
        eprintln!("skipped: there is no sample data in {}", folder.display());
        return None;
    };
    let mut state = State::new("runs".into());
    for (name, separation) in [("arcface", 1.0), ("softmax", 0.62)] {
        let evaluation =
            Arc::new(demo_evaluation(name, separation, Arc::clone(&catalog)).expect("the sample has pairs"));
        state.evaluate.overlays.push(Overlay { evaluation, visible: true, is_outdated: false });
    }
    Some(test_page::page_of(state, [1200.0, 1400.0], EvaluatePanel::ui))
}

fn chosen_far(harness: &Harness<'_, Page>) -> Option<f64> {
    harness.state().out.iter().find_map(|action| match action {
        Action::SetRule { rule: OperatingRule::Far(far), .. } => Some(*far),
        _ => None,
    })
}

fn det_rect(harness: &Harness<'_, Page>) -> egui::Rect {
    harness.get_by(|node| node.label().is_some_and(|label| label.starts_with("DET curve"))).rect()
}

/// A place near the curve of the current run: the equal error rate lies on the diagonal of the plot.
fn on_the_curve(harness: &mut Harness<'_, Page>) -> Pos2 {
    let rect = det_rect(harness);
    let steps = (0..60_u8).map(|step| rect.left_top() + rect.size() * (f32::from(step) / 60.0));
    for at in steps {
        harness.hover_at(at);
        harness.run_steps(1);
        if harness.output().platform_output.cursor_icon == egui::CursorIcon::Grab {
            return at;
        }
    }
    panic!("the pointer found no curve in {rect:?}");
}

#[test]
fn dragging_the_operating_point_sets_the_rule_once_when_it_is_let_go() {
    let Some(mut harness) = page() else { return };
    let start = on_the_curve(&mut harness);
    harness.drag_at(start);
    harness.run_steps(1);
    harness.hover_at(start + vec2(40.0, 30.0));
    harness.run_steps(2);
    assert!(harness.state().out.is_empty(), "moving is a preview only");
    assert!(harness.state().panel.preview_far.is_some());
    harness.drop_at(start + vec2(40.0, 30.0));
    harness.run_steps(2);
    assert!(chosen_far(&harness).is_some_and(|far| far > 0.0 && far < 1.0), "{:?}", harness.state().out);
    assert_eq!(harness.state().out.len(), 1);
}

#[test]
fn arrow_keys_move_the_operating_point() {
    let Some(mut harness) = page() else { return };
    let eer = harness.state().state.evaluate.overlays[0].evaluation.report.eer;
    harness.get_by(|node| node.label().is_some_and(|label| label.starts_with("DET curve"))).focus();
    harness.run_steps(2);
    harness.key_press(Key::ArrowRight);
    harness.run_steps(1);
    assert!(chosen_far(&harness).is_some_and(|far| far > eer), "{:?}", harness.state().out);
}

#[test]
fn runs_can_be_hidden_shown_and_removed_by_name() {
    let Some(mut harness) = page() else { return };
    harness.get_by_label("Draw softmax").click();
    harness.run_steps(1);
    harness.get_by_label("Remove softmax").click();
    harness.run_steps(1);
    assert_eq!(harness.state().out, [Action::ToggleOverlay(1), Action::RemoveOverlay(1)]);
}

#[test]
fn copies_among_the_pairs_are_told_above_the_figures() {
    let Some(mut harness) = page() else { return };
    assert!(harness.query_by_label_contains("have the same embedding").is_none());
    let doubts = [
        (Doubt::Copies { genuine: 12, impostor: 3 }, "The two images of 12 genuine pairs and of 3 impostor pairs"),
        (Doubt::Collapsed, "Most images have the same embedding"),
    ];
    for (doubt, beginning) in doubts {
        let evaluation = &mut harness.state_mut().state.evaluate.overlays[0].evaluation;
        Arc::make_mut(evaluation).doubt = Some(doubt);
        harness.run_steps(2);
        assert!(harness.query_by_label_contains(beginning).is_some(), "{doubt:?}");
    }
}

#[test]
fn figures_of_a_network_that_is_not_the_best_any_more_say_of_which_they_are() {
    let Some(mut harness) = page() else { return };
    for (epoch, told) in
        [(7, "with the checkpoint of epoch 7, and another"), (0, "that the run started from, and another")]
    {
        assert!(harness.query_by_label_contains(told).is_none());
        let overlay = &mut harness.state_mut().state.evaluate.overlays[0];
        overlay.is_outdated = true;
        Arc::make_mut(&mut overlay.evaluation).epoch = epoch;
        harness.run_steps(2);
        assert!(harness.query_by_label_contains(told).is_some(), "{epoch}");
    }
}

#[test]
fn no_caption_of_a_figure_is_cut_in_the_smallest_window() {
    let Some(mut harness) = page() else { return };
    // Five figures in a row, as where the held-out classes are others.
    Arc::make_mut(&mut harness.state_mut().state.evaluate.overlays[0].evaluation).classification = None;
    for width in [820.0, 1000.0] {
        harness.set_size(vec2(width, 1400.0));
        harness.run_steps(3);
        let shapes = harness.output().shapes.iter().map(|clipped| &clipped.shape);
        let texts = shapes.filter_map(|shape| if let egui::Shape::Text(text) = shape { Some(text) } else { None });
        let captions: Vec<bool> = texts
            .filter(|text| text.galley.text().starts_with("1 is perfect"))
            .map(|text| text.galley.elided)
            .collect();
        assert_eq!(captions, [false], "{width}");
    }
}

#[test]
fn the_run_on_the_page_is_measured_on_the_open_images_from_the_menu() {
    let Some(mut harness) = page() else { return };
    let state = &mut harness.state_mut().state;
    let catalog = Arc::clone(&state.evaluate.overlays[0].evaluation.catalog);
    let effects = update(state, Action::OpenData(catalog.root.clone()));
    let Some(Effect::Send(job)) = effects.first() else { panic!("{effects:?}") };
    on_event(state, Event::DataOpened { job: job.id, data: OpenedData { catalog, elapsed_secs: 0.0 } });
    harness.run_steps(2);
    harness.get_by_label("Measure another run").click();
    harness.run_steps(3);
    harness.get_by_label("Measure it on the open images").click();
    harness.run_steps(1);
    assert_eq!(harness.state().out, [Action::EvaluateOpen("runs/arcface".into())]);
}

#[test]
fn runs_that_the_menu_has_no_room_for_are_counted_and_lead_to_their_page() {
    let Some(mut harness) = page() else { return };
    let runs = (0..14).map(|i| RunEntry::with_model(format!("runs/r{i}")));
    harness.state_mut().state.runs = runs.collect();
    harness.run_steps(1);
    harness.get_by_label("Measure another run").click();
    harness.run_steps(3);
    harness.get_by_label("2 more runs in Runs").click();
    harness.run_steps(1);
    assert_eq!(harness.state().out, [Action::Go(Workspace::Runs)]);
}

#[test]
fn verification_sets_beside_the_open_data_are_offered() {
    let Some(mut harness) = page() else { return };
    assert!(harness.query_by_label("Verification sets").is_none());
    let state = &mut harness.state_mut().state;
    let root = state.evaluate.overlays[0].evaluation.catalog.root.clone();
    let mut catalog = Catalog::open(&root, &|_| {}, &|| false).unwrap();
    catalog.verification_sets = vec!["/faces/agedb_30.bin".into(), "/faces/lfw.bin".into()];
    let job = update(state, Action::OpenData(root)).into_iter().find_map(test_page::job_of).unwrap().id;
    let data = OpenedData { catalog: Arc::new(catalog), elapsed_secs: 0.0 };
    on_event(state, Event::DataOpened { job, data });
    harness.run_steps(2);
    harness.get_by_label("Verification sets").click();
    harness.run_steps(3);
    harness.get_by_label("lfw.bin").click();
    harness.run_steps(1);
    assert_eq!(harness.state().out, [Action::LookAtPairs("/faces/lfw.bin".into())]);
}

#[test]
fn a_rule_is_chosen_by_its_full_name() {
    let Some(mut harness) = page() else { return };
    harness.get_by_label("FAR 1 %").click();
    harness.run_steps(1);
    assert_eq!(harness.state().out, [set_rule("runs/arcface", OperatingRule::Far(0.01))]);
}

fn set_rule(run: &str, rule: OperatingRule) -> Action {
    Action::SetRule { run: run.into(), rule }
}

#[test]
fn a_threshold_from_other_images_is_told_and_gives_way_to_the_one_on_the_page() {
    let Some(mut harness) = page() else { return };
    let told = "The run keeps a threshold of 0.750 from other images; Verify uses that one.";
    assert!(harness.query_by_label(told).is_none());
    let state = &mut harness.state_mut().state;
    let evaluation = Arc::make_mut(&mut state.evaluate.overlays[0].evaluation);
    let point = operating_point(&evaluation.rates, evaluation.rule);
    evaluation.kept_elsewhere = Some(OperatingPoint { threshold: 0.75, ..point });
    harness.run_steps(2);
    assert!(harness.query_by_label(told).is_some());
    harness.get_by_label("Use the one above").click();
    harness.run_steps(1);
    assert_eq!(test_page::apply(&mut harness), [set_rule("runs/arcface", OperatingRule::Eer)]);
    assert!(harness.query_by_label(told).is_none());
}

#[test]
fn the_curves_are_saved_and_their_file_is_shown() {
    let Some(mut harness) = page() else { return };
    assert!(harness.query_by_label("Show in folder").is_none(), "nothing was saved yet");
    harness.get_by_label("Save picture…").click();
    harness.run_steps(1);
    harness.state_mut().state.evaluate.picture.saved = Some("figures/det.svg".into());
    harness.set_size(vec2(800.0, 1400.0));
    harness.run_steps(2);
    let [title, button] =
        ["Detection error trade-off", "Show in folder"].map(|label| harness.get_by_label(label).rect());
    assert!(title.right() <= button.left(), "{title} reaches into {button}");
    harness.set_size(vec2(1200.0, 1400.0));
    harness.run_steps(2);
    harness.get_by_label("Show in folder").click();
    harness.run_steps(1);
    let expected = [PictureAction::Choose, PictureAction::ShowFolder].map(Action::from);
    assert_eq!(harness.state().out, expected);
}

#[test]
fn images_that_were_left_out_are_told_beside_the_figures() {
    let Some(mut harness) = page() else { return };
    let kinds = [
        (WarningKind::Unreadable, "1 file could not be read. Left out. Replace or delete them if they matter."),
        (WarningKind::MissingPair, "covers a part of the protocol"),
    ];
    for (kind, told) in kinds {
        assert!(harness.query_by_label_contains(told).is_none());
        let state = &mut harness.state_mut().state;
        Arc::make_mut(&mut state.evaluate.overlays[0].evaluation).warnings.push(kind, "Ann/Ann_0001.jpg", "");
        harness.run_steps(2);
        assert!(harness.query_by_label_contains(told).is_some());
    }
}

#[test]
fn where_the_images_of_a_run_are_gone_and_none_are_open_a_folder_is_offered() {
    let mut state = State::new("runs".into());
    state.runs = vec![RunEntry::with_model("runs/faces")];
    state.active_run = Some("runs/faces".into());
    let headline = "The images of this run are not where they were";
    state.evaluate.error = Some(Notice::new(Severity::Error, headline));
    let mut harness = test_page::page_of(state, [1000.0, 700.0], EvaluatePanel::ui);
    assert!(harness.query_by_label("Measure on the open images").is_none());
    harness.get_by_label("Open a folder…").click();
    harness.run_steps(2);
    assert_eq!(harness.state().out, [Action::Ask(Dialog::OpenFolder)]);
}

/// The cards on the page, from the top down.
fn cards(harness: &Harness<'_, Page>) -> Vec<egui::Rect> {
    let tokens = theme::tokens_of(harness.ctx.theme() == egui::Theme::Dark);
    let shapes = harness.output().shapes.iter().map(|clipped| &clipped.shape);
    let rects = shapes.filter_map(|shape| if let egui::Shape::Rect(rect) = shape { Some(rect) } else { None });
    let round = egui::CornerRadius::same(theme::RADIUS);
    let are_cards = rects.filter(|rect| rect.fill == tokens.card && rect.corner_radius == round);
    let mut cards: Vec<egui::Rect> = are_cards.map(|rect| rect.rect).collect();
    cards.sort_by(|a, b| a.top().total_cmp(&b.top()));
    cards
}

#[test]
fn cards_are_one_gap_apart_and_end_on_one_line_however_many_digits_the_rates_have() {
    let Some(mut harness) = page() else { return };
    let evaluation = &mut harness.state_mut().state.evaluate.overlays[0].evaluation;
    for (_, found) in &mut Arc::make_mut(evaluation).report.tar_at_far {
        if let Some(found) = found {
            (found.tar, found.tar_low, found.tar_high) = (0.999_93, 0.999_62, 0.999_99);
        }
    }
    harness.run_steps(3);
    let title = harness.get_by_label("True accept rate").rect().left();
    let cards = cards(&harness);
    let (beside, others): (Vec<egui::Rect>, Vec<egui::Rect>) =
        cards.into_iter().partition(|card| card.left() < title && title - card.left() < 20.0);
    assert_eq!(beside.len(), 3, "{beside:?}");
    let is_gap = |points: f32| (points - theme::GAP).abs() < 0.6;
    for pair in beside.windows(2) {
        assert!((pair[0].right() - pair[1].right()).abs() < 0.6, "{beside:?}");
        assert!(is_gap(pair[1].top() - pair[0].bottom()), "{beside:?}");
    }
    assert!(others.iter().any(|card| is_gap(beside[0].left() - card.right())), "{beside:?} beside {others:?}");
    assert!(others.iter().any(|card| is_gap(beside[0].top() - card.bottom())), "{beside:?} below {others:?}");
}

#[test]
fn every_interval_is_called_one() {
    let Some(harness) = page() else { return };
    let report = &harness.state().state.evaluate.overlays[0].evaluation.report;
    let below_eer = format!("95 %: {}", interval_text(report.eer_low, report.eer_high));
    assert!(harness.query_by_label(&below_eer).is_some(), "{below_eer}");
    let top = |label: &str| harness.get_by_label(label).rect().top();
    let mut titles = harness.query_all_by_label("95 % interval").map(|node| node.rect().top());
    let operating = top("Operating point")..top("True accept rate");
    assert!(titles.any(|title| operating.contains(&title)), "none in {operating:?}");
}

#[test]
fn a_measurement_says_how_far_it_is_and_how_long_it_takes_still() {
    let mut state = State::new("runs".into());
    update(&mut state, Action::UseRun("runs/a".into()));
    let job = state.evaluate.job.expect("it is measured");
    on_event(&mut state, Event::Progress { job, progress: Progress { done: 310, total: 520, eta_secs: Some(200.0) } });
    let harness = test_page::page_of(state, [1200.0, 800.0], EvaluatePanel::ui);
    assert!(harness.query_by_label("310 of 520 images embedded, 3 min 20 s left").is_some());
}
