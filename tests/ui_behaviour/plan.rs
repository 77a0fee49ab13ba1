//! What Train says before a run and after it: what it costs, when to use its loss, how it goes on. And dialogs, which have the
//! keys of the window to themselves.

use super::*;
use arclens::app::on_event;
use arclens::config::Value;
use arclens::ui::format;
use arclens::worker::protocol::{Event, JobId};
use std::collections::BTreeSet;

fn is_shown(window: &Window, label: &str) -> bool {
    window.query_all_by_label(label).next().is_some()
}

#[test]
fn the_cost_of_a_run_is_shown_as_it_is_planned_and_follows_the_size_of_the_image() {
    let Some(state) = ready_to_train() else { return };
    let mut window = window(state);
    let mut before: Option<[String; 2]> = None;
    // Not 32 and 64: the small net halves the larger ones once more, and so costs the same.
    for px in [48, 64] {
        let size = Action::Set { key: "data.image_px", value: Value::Int(px) };
        update(&mut window.state_mut().state, size);
        window.run_steps(2);
        let cost = window.state().state.footprint().unwrap();
        let shown = [format::significant(cost.multiply_adds as f64 / 1e9), format::bytes(cost.training_bytes)];
        for (name, value) in ["GMAC per image", "Memory, about"].into_iter().zip(&shown) {
            assert!(is_shown(&window, name) && is_shown(&window, value), "{name}: {value}");
        }
        if let Some([multiply_adds, memory]) = before.replace(shown.clone()) {
            assert!(multiply_adds != shown[0] && memory != shown[1], "{shown:?}");
        }
    }
}

#[test]
fn the_heading_of_the_settings_keeps_clear_of_its_buttons_in_the_smallest_window() {
    let Some(state) = ready_to_train() else { return };
    let window = sized(state, egui::vec2(1024.0, 700.0), egui::Theme::Dark);
    let title = window.get_by_label("Settings").rect();
    let undo = window.get_by_role_and_label(Role::Button, "Undo").rect();
    assert!(title.right() < undo.left(), "{title}, {undo}");
}

#[test]
fn every_loss_is_shown_with_its_curve_and_with_advice_of_its_own() {
    let Some(state) = ready_to_train() else { return };
    let mut window = sized(state, egui::vec2(1280.0, 1600.0), egui::Theme::Dark);
    let mut told = BTreeSet::new();
    for head in Head::every() {
        let choice = Action::Set { key: "loss.head", value: Value::Text(head.word().to_owned()) };
        update(&mut window.state_mut().state, choice);
        window.run_steps(2);
        assert!(is_shown(&window, head.advice()), "{head:?}");
        assert!(told.insert(head.advice()), "{head:?} has the advice of another loss");
        let curves = window.query_by(|node| {
            node.label().is_some_and(|label| label.starts_with("The margin: target logit over angle, plot of "))
        });
        let named = curves.and_then(|curves| curves.accesskit_node().label()).unwrap_or_default();
        assert!(named.contains(head.label()), "{head:?}: {named}");
    }
}

#[test]
fn a_finished_run_is_made_longer_where_it_was_watched() {
    let Some(state) = demo(Workspace::Train, DemoKind::Done) else { return };
    let mut window = window(state);
    click(&mut window, Role::Button, "Train longer…");
    let state = &window.state().state;
    assert!(state.shows_run_dialog() && state.workspace == Workspace::Train);
    let epochs = state.runs_view.longer.as_ref().unwrap().epochs;
    // Keys belong to the dialog while it is in front.
    press(&mut window, Modifiers::NONE, Key::Num1);
    assert_eq!(window.state().state.workspace, Workspace::Train);
    click(&mut window, Role::Button, "Train longer");
    assert!(!window.state().state.shows_run_dialog());
    let asked = window.state().effects.iter().find_map(|effect| match effect {
        Effect::Send(job) => match &job.request {
            Request::Train { config, .. } => Some(config.train.epochs),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(asked, Some(epochs));
}

#[test]
fn a_run_in_the_bin_is_not_offered_to_go_on_where_it_was_watched() {
    let Some(mut state) = demo(Workspace::Train, DemoKind::Done) else { return };
    let run = state.training.as_ref().and_then(|view| view.run()).unwrap().to_owned();
    on_event(&mut state, Event::RunChanged { job: JobId(0), before: run, after: None });
    let window = window(state);
    assert!(!is_shown(&window, "Train longer…") && !is_shown(&window, "Verify two images"));
    assert!(is_shown(&window, "The run was moved to the bin: nothing goes on with it from here."));
}

#[test]
fn the_palette_does_not_open_over_a_dialog() {
    const LINE: &str = "Type a few letters of a command";
    let is_open = |window: &Window| window.query_by_role_and_label(Role::TextInput, LINE).is_some();
    let Some(mut naming) = demo(Workspace::Runs, DemoKind::Done) else { return };
    let run = naming.runs[0].path.clone();
    update(&mut naming, RunAction::Edit(run).into());
    let Some(mut closing) = demo(Workspace::Train, DemoKind::Busy) else { return };
    update(&mut closing, Action::RequestClose);
    let Some(mut exporting) = demo(Workspace::Data, DemoKind::Done) else { return };
    update(&mut exporting, arclens::app::ExportAction::Open.into());
    for state in [naming, closing, exporting] {
        let mut window = window(state);
        press(&mut window, Modifiers::COMMAND, Key::P);
        assert!(!is_open(&window));
        press(&mut window, Modifiers::NONE, Key::Escape);
        let state = &window.state().state;
        assert!(!state.shows_run_dialog() && !state.asks_before_closing && !state.shows_export());
        // It opens where nothing is in front, and its own key closes it.
        for is_wanted in [true, false] {
            press(&mut window, Modifiers::COMMAND, Key::P);
            assert_eq!(is_open(&window), is_wanted);
        }
    }
}

#[test]
fn a_dialog_that_comes_by_itself_takes_the_place_of_the_palette() {
    const LINE: &str = "Type a few letters of a command";
    let is_open = |window: &Window| window.query_by_role_and_label(Role::TextInput, LINE).is_some();
    let Some(state) = demo(Workspace::Runs, DemoKind::Done) else { return };
    let run = state.runs[0].path.clone();
    let mut window = window(state);
    press(&mut window, Modifiers::COMMAND, Key::P);
    assert!(is_open(&window));
    // As where a name could not be kept.
    update(&mut window.state_mut().state, RunAction::Edit(run).into());
    window.run_steps(3);
    assert!(!is_open(&window) && is_shown(&window, "Name and note"));
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(!window.state().state.shows_run_dialog() && !is_open(&window), "it does not come back");
}

#[test]
fn of_two_dialogs_about_runs_one_is_shown_after_the_other() {
    let Some(mut state) = demo(Workspace::Runs, DemoKind::Done) else { return };
    let run = state.runs[0].path.clone();
    update(&mut state, RunAction::Edit(run.clone()).into());
    // As in Train, where the first is not shown.
    update(&mut state, RunAction::AskLonger(run).into());
    let mut window = window(state);
    assert!(is_shown(&window, "Train longer") && !is_shown(&window, "Name and note"));
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(!is_shown(&window, "Train longer") && is_shown(&window, "Name and note"));
}

#[test]
fn what_the_division_of_the_images_means_stands_in_one_line() {
    let Some(state) = demo(Workspace::Data, DemoKind::Done) else { return };
    let window = sized(state, egui::vec2(1280.0, 1200.0), egui::Theme::Dark);
    let shapes = window.output().shapes.iter().map(|clipped| &clipped.shape);
    let texts = shapes.filter_map(|shape| if let egui::Shape::Text(text) = shape { Some(text) } else { None });
    let meaning = texts.filter(|text| text.galley.text().contains("are held out: the error rates"));
    let lines: Vec<usize> = meaning.map(|text| text.galley.rows.len()).collect();
    assert_eq!(lines, [1]);
}
