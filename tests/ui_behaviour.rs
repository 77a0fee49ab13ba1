//! The window used by hand, without a renderer: find by accessible name, click, type, drop; then look at the state and
//! at the effects it asked for. The harness also fails on a control without a name and on a glyph no font has.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may stop, and says why it skips"
)]
#![cfg(feature = "gui")]

use arclens::app::{
    Action, DataState, Dialog, Effect, Notice, RunAction, Severity, State, TrainPhase, Workspace, dialog_answer, update,
};
use arclens::config::{Auto, Head};
use arclens::convert::ConvertForm;
use arclens::ui::demo_state::{self, DemoKind};
use arclens::ui::{App, theme};
use arclens::worker::protocol::{EvaluateOn, ImageSource, Request};
use eframe::egui::{self, Key, Modifiers, Role};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[path = "ui_behaviour/check.rs"]
mod check;
#[path = "ui_behaviour/pairs.rs"]
mod pairs;
#[path = "ui_behaviour/plan.rs"]
mod plan;

type Window = Harness<'static, App>;

fn window(state: State) -> Window {
    sized(state, egui::vec2(1280.0, 800.0), egui::Theme::Dark)
}

fn sized(state: State, size: egui::Vec2, theme: egui::Theme) -> Window {
    let builder = Harness::builder().with_size(size).with_theme(theme).with_pixels_per_point(1.0);
    let mut window = builder.build_eframe(|cc| {
        theme::install(&cc.egui_ctx);
        App::for_test(state)
    });
    window.run_steps(3);
    window
}

fn empty() -> State {
    State::new(PathBuf::from("runs"))
}

/// A state with the sample data open and Train shown; `None` (and a printed reason) without sample data.
fn ready_to_train() -> Option<State> {
    let mut state = demo(Workspace::Data, DemoKind::Done)?;
    update(&mut state, Action::Go(Workspace::Train));
    Some(state)
}

fn demo(workspace: Workspace, kind: DemoKind) -> Option<State> {
    let state = demo_state::state(workspace, kind);
    if demo_state::state(Workspace::Data, DemoKind::Done).open_data().is_none() {
        println!("skipped: no sample data");
        return None;
    }
    Some(state)
}

fn click(window: &mut Window, role: Role, name: &str) {
    window.get_by_role_and_label(role, name).click();
    window.run_steps(3);
}

fn press(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.run_steps(3);
}

/// What was asked of the outside, in words.
fn effects(window: &Window) -> Vec<String> {
    let word = |effect: &Effect| match effect {
        Effect::Send(job) => format!("{:?}", job.request.kind()),
        Effect::Ask(dialog) => format!("{dialog:?}"),
        Effect::ReadClipboard => "ReadClipboard".to_owned(),
        Effect::ShowFolder(_) => "ShowFolder".to_owned(),
        Effect::Close => "Close".to_owned(),
    };
    window.state().effects.iter().map(word).collect()
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }
    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("not read in this test".to_owned())
    }
}

fn drop_files(window: &mut Window, paths: &[&Path]) {
    for path in paths {
        window.input_mut().dropped_files.push(Arc::new(Dropped((*path).to_owned())));
    }
    window.run_steps(2);
}

#[test]
fn every_screen_draws_in_both_themes_and_at_the_smallest_size() {
    for workspace in Workspace::ALL {
        for kind in DemoKind::ALL {
            for theme in [egui::Theme::Dark, egui::Theme::Light] {
                sized(demo_state::state(workspace, kind), egui::vec2(1024.0, 700.0), theme);
            }
        }
    }
}

#[test]
fn drawing_alone_changes_nothing_and_asks_for_nothing() {
    for head in ["arcface", "cosface", "softmax"] {
        let Some(mut state) = ready_to_train() else { return };
        state.config.set_text("loss.head", head).unwrap();
        let before = state.config.clone();
        let mut window = sized(state, egui::vec2(1280.0, 3000.0), egui::Theme::Dark);
        click(&mut window, Role::DisclosureTriangle, "Advanced");
        window.run_steps(20);
        assert_eq!(window.state().state.config, before, "{head}");
        assert!(!window.state().state.history.can_undo(), "{head}");
        assert_eq!(effects(&window), Vec::<String>::new());
    }
}

#[test]
fn the_number_keys_and_the_navigation_switch_the_workspace() {
    let mut window = window(empty());
    for (key, workspace) in
        [(Key::Num4, Workspace::Evaluate), (Key::Num2, Workspace::Train), (Key::Num6, Workspace::Runs)]
    {
        press(&mut window, Modifiers::NONE, key);
        assert_eq!(window.state().state.workspace, workspace);
    }
    click(&mut window, Role::Button, "Verify");
    assert_eq!(window.state().state.workspace, Workspace::Verify);
}

#[test]
fn a_shortcut_does_not_fire_while_text_is_typed() {
    let Some(state) = demo(Workspace::Data, DemoKind::Done) else { return };
    let mut window = window(state);
    let field = window.get_by_role_and_label(Role::TextInput, "Classes");
    field.focus();
    field.type_text("p02");
    press(&mut window, Modifiers::NONE, Key::Num2);
    assert_eq!(window.state().state.workspace, Workspace::Data);
    assert!(window.query_by_role_and_label(Role::Button, "Class p021").is_some());
    assert!(window.query_by_role_and_label(Role::Button, "Class p001").is_none());
}

#[test]
fn a_class_is_shown_when_it_is_clicked() {
    let Some(state) = demo(Workspace::Data, DemoKind::Done) else { return };
    let mut window = window(state);
    click(&mut window, Role::Button, "Class p003");
    // Once in the list, once as the title of the gallery.
    assert_eq!(window.query_all_by_label("p003").count(), 2);
}

#[test]
fn the_faces_of_the_open_folder_are_aligned_from_a_dialog() {
    for theme in [egui::Theme::Dark, egui::Theme::Light] {
        let Some(state) = demo(Workspace::Data, DemoKind::Done) else { return };
        let mut window = sized(state, egui::vec2(1024.0, 700.0), theme);
        click(&mut window, Role::Button, "Align faces…");
        assert!(window.state().state.shows_faces());
        // Keys belong to the dialog while it is in front.
        press(&mut window, Modifiers::NONE, Key::Num2);
        assert_eq!(window.state().state.workspace, Workspace::Data);
        // A dropped file may show another workspace: there is no dialog there.
        update(&mut window.state_mut().state, Action::Go(Workspace::Runs));
        window.run_steps(2);
        press(&mut window, Modifiers::NONE, Key::Num1);
        assert_eq!(window.state().state.workspace, Workspace::Data);
        if cfg!(feature = "faces") {
            window.state_mut().state.faces.detector = Some(PathBuf::from("yunet.onnx"));
            window.run_steps(2);
            click(&mut window, Role::Button, "Align");
            assert_eq!(effects(&window), ["AlignFolder"]);
            click(&mut window, Role::Button, "Go on in the background");
        } else {
            press(&mut window, Modifiers::NONE, Key::Escape);
        }
        assert!(!window.state().state.shows_faces());
    }
}

#[test]
fn a_run_whose_images_are_gone_is_measured_on_the_open_ones() {
    let Some(state) = demo(Workspace::Evaluate, DemoKind::Error) else { return };
    let mut window = window(state);
    click(&mut window, Role::Button, "Measure on the open images");
    let is_asked = |effect: &Effect| match effect {
        Effect::Send(job) => matches!(&job.request, Request::Evaluate { on: EvaluateOn::Whole(_), .. }),
        _ => false,
    };
    assert!(window.state().effects.iter().any(is_asked), "{:?}", effects(&window));
}

#[test]
fn the_open_images_are_exported_from_a_dialog() {
    for theme in [egui::Theme::Dark, egui::Theme::Light] {
        let Some(state) = demo(Workspace::Data, DemoKind::Done) else { return };
        let mut window = sized(state, egui::vec2(1024.0, 700.0), theme);
        click(&mut window, Role::Button, "Export…");
        assert!(window.state().state.shows_export());
        // Keys belong to the dialog while it is in front.
        press(&mut window, Modifiers::NONE, Key::Num2);
        assert_eq!(window.state().state.workspace, Workspace::Data);
        click(&mut window, Role::Button, "Square");
        assert_eq!(window.state().state.export.request.px, Some(112));
        click(&mut window, Role::Button, "Verification set");
        click(&mut window, Role::Button, "Choose where…");
        let asked = window.state().effects.last().cloned();
        let Some(Effect::Ask(dialog)) = asked else { panic!("{:?}", effects(&window)) };
        let wanted = ConvertForm::VerificationSet;
        assert!(matches!(&dialog, Dialog::ExportData(order) if order.request.form == wanted), "{dialog:?}");
        let answer = dialog_answer(dialog, PathBuf::from("/out/dev.bin"));
        let asked = update(&mut window.state_mut().state, answer);
        assert!(matches!(&asked[..], [Effect::Send(job)] if matches!(job.request, Request::ExportData { .. })));
        window.run_steps(3);
        click(&mut window, Role::Button, "Go on in the background");
        assert!(!window.state().state.shows_export());
        click(&mut window, Role::Button, "Export…");
        click(&mut window, Role::Button, "Stop");
        press(&mut window, Modifiers::NONE, Key::Escape);
        assert!(!window.state().state.shows_export());
    }
}

#[test]
fn the_empty_screen_offers_a_folder_and_the_sample_data() {
    let mut window = window(empty());
    let buttons: Vec<_> = window.query_all_by_label("Open a folder…").collect();
    buttons.last().unwrap().click();
    window.run_steps(2);
    assert!(matches!(window.state().effects.last(), Some(Effect::Ask(Dialog::OpenFolder))));
    click(&mut window, Role::Button, "Open the sample data");
    assert!(matches!(window.state().state.data, DataState::Opening { .. }));
}

#[test]
fn files_that_hover_are_announced_and_a_dropped_folder_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("birds");
    std::fs::create_dir(&path).unwrap();
    let mut window = window(empty());
    window.input_mut().hovered_files.push(egui::HoveredFile { path: Some(path.clone()), mime: String::new() });
    window.run_steps(2);
    assert!(window.query_by_label("Open birds as a data set").is_some());
    window.input_mut().hovered_files.clear();
    drop_files(&mut window, &[&path]);
    assert!(matches!(&window.state().state.data, DataState::Opening { path: opening, .. } if *opening == path));
    assert_eq!(effects(&window), ["OpenData"]);
}

#[test]
fn two_dropped_images_go_to_verify_and_an_unknown_file_is_answered() {
    let mut window = window(empty());
    let images = [Path::new("a.png"), Path::new("b.jpg")];
    drop_files(&mut window, &images);
    let state = &window.state().state;
    assert_eq!(state.workspace, Workspace::Verify);
    assert_eq!(state.verify.slots, images.map(|path| Some(ImageSource::File(path.to_owned()))));
    drop_files(&mut window, &[Path::new("notes.docx")]);
    let notices = &window.state().state.notices;
    assert!(
        notices.iter().any(|notice| notice.severity == Severity::Warning && notice.headline.contains("notes.docx")),
        "{notices:?}"
    );
}

#[test]
fn a_pasted_picture_goes_to_verify_and_an_empty_clipboard_is_asked() {
    let mut window = window(empty());
    window.event(egui::Event::PasteImage(Arc::new(egui::ColorImage::example())));
    window.run_steps(2);
    assert!(matches!(window.state().state.verify.slots[0], Some(ImageSource::Pixels { .. })));
    press(&mut window, Modifiers::COMMAND, Key::V);
    assert_eq!(effects(&window), ["ReadClipboard"]);
}

#[test]
fn the_palette_finds_a_command_and_runs_it() {
    let mut window = window(empty());
    press(&mut window, Modifiers::COMMAND, Key::P);
    window.get_by_role_and_label(Role::TextInput, "Type a few letters of a command").type_text("gover");
    window.run_steps(2);
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(window.state().state.workspace, Workspace::Verify);
    assert!(window.query_by_label("Type a few letters of a command").is_none());
    press(&mut window, Modifiers::COMMAND, Key::P);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Type a few letters of a command").is_none());
}

#[test]
fn a_typed_setting_is_undone_and_made_again_by_keys() {
    let Some(state) = ready_to_train() else { return };
    let mut window = window(state);
    let default = arclens::config::RunConfig::default().train.epochs;
    click(&mut window, Role::SpinButton, "Epochs");
    window.get_by_role_and_label(Role::SpinButton, "Epochs").type_text("7");
    window.run_steps(1);
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(window.state().state.config.train.epochs, 7);
    press(&mut window, Modifiers::COMMAND, Key::Z);
    assert_eq!(window.state().state.config.train.epochs, default);
    press(&mut window, Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::Z);
    assert_eq!(window.state().state.config.train.epochs, 7);
    click(&mut window, Role::Button, "Reset Epochs");
    assert_eq!(window.state().state.config.train.epochs, default);
}

#[test]
fn a_choice_and_an_automatic_value_are_taken_over_by_hand() {
    let Some(state) = ready_to_train() else { return };
    let mut window = sized(state, egui::vec2(1280.0, 4000.0), egui::Theme::Dark);
    click(&mut window, Role::ComboBox, "Loss");
    click(&mut window, Role::Button, "CosFace");
    assert_eq!(window.state().state.config.loss.head, Head::CosFace);
    click(&mut window, Role::DisclosureTriangle, "Advanced");
    window.run_steps(20);
    click(&mut window, Role::Button, "Automatic scale");
    let scale = window.state().state.config.loss.scale;
    assert!(matches!(scale, Auto::Set(value) if value > 1.0), "{scale:?}");
    click(&mut window, Role::Button, "Automatic scale");
    assert_eq!(window.state().state.config.loss.scale, Auto::Auto);
    // What is no number is said in words, and by hand it begins with what is usual.
    assert!(window.query_by_label("not chosen yet").is_none());
    assert!(window.query_all_by_label("equal error rates").count() > 0);
    click(&mut window, Role::Button, "Automatic target far");
    assert_eq!(window.state().state.config.eval.far_target, Auto::Set(0.001));
}

#[test]
fn settings_that_do_not_fit_are_named_and_keep_training_from_starting() {
    let Some(mut state) = ready_to_train() else { return };
    update(&mut state, Action::Set { key: "train.warmup_epochs", value: arclens::config::Value::Float(50.0) });
    let mut window = window(state);
    assert!(window.query_by_label_contains("\"Warm-up\" is 50, but").is_some());
    assert!(window.query_by_label_contains("train.warmup_epochs").is_none());
    press(&mut window, Modifiers::COMMAND, Key::Enter);
    assert!(window.state().state.training.is_none());
    assert!(window.get_by_role_and_label(Role::Button, "Start training").accesskit_node().is_disabled());
}

#[test]
fn training_starts_by_button_and_by_key_and_pauses_with_space() {
    let Some(state) = ready_to_train() else { return };
    let mut window = window(state);
    click(&mut window, Role::Button, "Start training");
    assert!(
        matches!(window.state().effects.last(), Some(Effect::Send(job)) if matches!(job.request, Request::Train { .. }))
    );
    assert_eq!(window.state().state.training.as_ref().map(|view| view.phase), Some(TrainPhase::Preparing));

    let Some(state) = ready_to_train() else { return };
    let mut by_key = self::window(state);
    press(&mut by_key, Modifiers::COMMAND, Key::Enter);
    assert_eq!(effects(&by_key), ["Train"]);

    let Some(state) = demo(Workspace::Train, DemoKind::Busy) else { return };
    let mut running = self::window(state);
    assert!(running.query_by_role_and_label(Role::Image, "Angle to the own class centre, histogram").is_some());
    press(&mut running, Modifiers::NONE, Key::Space);
    let phase = |window: &Window| window.state().state.training.as_ref().map(|view| view.phase);
    assert_eq!(phase(&running), Some(TrainPhase::Paused));
    running.query_all_by_label("Resume").next().unwrap().click();
    running.run_steps(2);
    assert_eq!(phase(&running), Some(TrainPhase::Running));
    click(&mut running, Role::Button, "Stop training");
    assert_eq!(phase(&running), Some(TrainPhase::Stopping));
}

#[test]
fn a_finished_run_leads_on() {
    let Some(state) = demo(Workspace::Train, DemoKind::Done) else { return };
    let mut window = window(state);
    click(&mut window, Role::Button, "Explore the map");
    assert_eq!(window.state().state.workspace, Workspace::Explore);
}

#[test]
fn beside_a_run_stands_what_the_settings_will_do_next() {
    let Some(state) = demo(Workspace::Train, DemoKind::Done) else { return };
    let mut window = window(state);
    let margin = "The margin: target logit over angle";
    assert!(window.query_by_label(margin).is_none());
    window.get_by_label("The next run").click();
    window.run_steps(3);
    assert!(window.query_by_label(margin).is_some());
    assert!(window.query_by_label("Each change by itself").is_some());
    // Where their strengths are is told in Data; here they are beside it.
    let strengths = "The strengths are in Train";
    assert!(window.query_by_label_contains(strengths).is_none());
    press(&mut window, Modifiers::NONE, Key::Num1);
    assert!(window.query_by_label_contains(strengths).is_some());
    press(&mut window, Modifiers::NONE, Key::Num2);
    window.get_by_label("This run").click();
    window.run_steps(3);
    assert!(window.query_by_label(margin).is_none());
}

#[test]
fn closing_while_training_asks_once() {
    let Some(state) = demo(Workspace::Train, DemoKind::Busy) else { return };
    let mut window = window(state);
    press(&mut window, Modifiers::COMMAND, Key::Q);
    assert!(window.query_by_label("Training is running").is_some());
    click(&mut window, Role::Button, "Keep training");
    assert!(window.query_by_label("Training is running").is_none());
    press(&mut window, Modifiers::COMMAND, Key::Q);
    click(&mut window, Role::Button, "Close and continue later");
    assert_eq!(effects(&window), ["Close"]);
}

#[test]
fn the_closing_question_is_answered_by_keys() {
    let Some(state) = demo(Workspace::Train, DemoKind::Busy) else { return };
    let mut window = window(state);
    press(&mut window, Modifiers::COMMAND, Key::Q);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Training is running").is_none() && effects(&window).is_empty());
    press(&mut window, Modifiers::COMMAND, Key::Q);
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(effects(&window), ["Close"], "what was trained is kept, so Enter closes");
}

#[test]
fn the_window_button_asks_as_well() {
    let Some(state) = demo(Workspace::Train, DemoKind::Busy) else { return };
    let mut window = window(state);
    let id = window.input().viewport_id;
    window.input_mut().viewports.entry(id).or_default().events.push(egui::ViewportEvent::Close);
    window.run_steps(1);
    assert!(window.state().state.asks_before_closing);
}

#[test]
fn a_notice_shows_its_causes_on_request_and_is_dismissed() {
    let mut state = empty();
    let mut notice = Notice::new(Severity::Error, "The disk is full").hint("Free some space.");
    notice.causes.push("no space left on device".to_owned());
    state.notify(notice);
    let mut window = window(state);
    assert!(window.query_by_label("no space left on device").is_none());
    click(&mut window, Role::DisclosureTriangle, "Details");
    window.run_steps(20);
    assert!(window.query_by_label("no space left on device").is_some());
    click(&mut window, Role::Button, "Dismiss");
    assert!(window.state().state.notices.is_empty());
}

#[test]
fn a_run_can_be_used_and_a_finished_one_cannot_be_continued() {
    let Some(state) = demo(Workspace::Runs, DemoKind::Done) else { return };
    let runs = state.runs.clone();
    let mut window = window(state);
    let finished = format!("Continue {}", runs[0].name);
    assert!(window.get_by_role_and_label(Role::Button, &finished).accesskit_node().is_disabled());
    click(&mut window, Role::Button, &format!("Use {}", runs[1].name));
    assert_eq!(window.state().state.active_run.as_ref(), Some(&runs[1].path));
    assert!(effects(&window).contains(&"Evaluate".to_owned()));
}

#[test]
fn keys_belong_to_the_dialog_of_a_runs_name_while_it_is_in_front() {
    let Some(mut state) = demo(Workspace::Runs, DemoKind::Done) else { return };
    let run = state.runs[0].path.clone();
    update(&mut state, RunAction::Edit(run).into());
    state.explore.selected = Some(0);
    let mut window = window(state);
    press(&mut window, Modifiers::NONE, Key::Num2);
    assert_eq!(window.state().state.workspace, Workspace::Runs);
    press(&mut window, Modifiers::NONE, Key::Escape);
    let state = &window.state().state;
    assert!(state.runs_view.edit.is_none() && state.explore.selected.is_some());
    press(&mut window, Modifiers::NONE, Key::Num2);
    assert_eq!(window.state().state.workspace, Workspace::Train);
}

#[test]
fn the_theme_is_switched_by_its_button() {
    let mut window = window(empty());
    click(&mut window, Role::Button, "Light");
    assert_eq!(window.ctx.theme(), egui::Theme::Light);
}
