//! The two slots under a pointer, without drawing pixels.

use super::VerifyPanel;
use crate::app::{Action, Dialog, Notice, Severity, State, Workspace};
use crate::config::RunConfig;
use crate::ui::media::Media;
use crate::ui::theme;
use crate::worker::protocol::{ImageSource, RunEntry};
use eframe::egui::Ui;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use std::path::PathBuf;
use std::sync::Arc;

struct Page {
    panel: VerifyPanel,
    state: State,
    media: Media,
    out: Vec<Action>,
}

fn harness(state: State) -> Harness<'static, Page> {
    let page = Page { panel: VerifyPanel::default(), state, media: Media::blocking(), out: Vec::new() };
    let draw = |ui: &mut Ui, page: &mut Page| {
        // Fonts are there from the next pass on.
        if ui.ctx().cumulative_pass_nr() == 0 {
            return theme::install(ui.ctx());
        }
        page.panel.ui(ui, &page.state, &mut page.media, &mut page.out);
    };
    let mut harness = Harness::builder().with_size((1200.0, 800.0)).build_ui_state(draw, page);
    harness.run_steps(3);
    harness
}

fn with_model() -> State {
    let mut state = State::new("runs".into());
    let path = PathBuf::from("runs/one");
    state.active_run = Some(path.clone());
    let config = RunConfig::default();
    state.runs = vec![RunEntry {
        path,
        name: "one".into(),
        config,
        note: String::new(),
        epochs: Arc::from([]),
        epochs_done: 3,
        eer: None,
        has_model: true,
        resumable: false,
    }];
    state
}

fn grey() -> ImageSource {
    ImageSource::Pixels { width: 2, height: 2, rgba: Arc::from([128_u8; 16]) }
}

#[test]
fn without_a_model_it_leads_to_training() {
    let mut harness = harness(State::new("runs".into()));
    harness.get_by_label("Go to training").click();
    harness.run_steps(1);
    assert_eq!(harness.state().out, [Action::Go(Workspace::Train)]);
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
