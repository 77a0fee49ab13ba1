//! The dialogs of a folder of faces under pointer and keys, with the jobs done as the worker does them.

use super::super::DataPanel;
use crate::app::{Action, FaceAction, FinderKind, QueueAction, State, on_event, update};
use crate::data::Catalog;
use crate::data::testing::draw_classes;
use crate::faces::{AlignOptions, Aligned, CropFormat, FinderFile};
use crate::ui::test_page::{self, apply, job_of, press};
use crate::worker::protocol::{Event, FoundFace, HandDone, HandStep, Job, OpenedData, Outcome, Request};
use eframe::egui::{Key, Role};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use std::path::Path;
use std::sync::Arc;

type Page = test_page::Page<DataPanel>;

/// The dialog for `root`, a folder of 2 classes of 2 images.
fn harness(root: &Path) -> Harness<'static, Page> {
    draw_classes(root, 2, 2);
    let mut state = State::new("runs".into());
    let job = update(&mut state, Action::OpenData(root.to_owned())).into_iter().find_map(job_of).unwrap().id;
    let catalog = Arc::new(Catalog::open(root, &|_| {}, &|| false).unwrap());
    on_event(&mut state, Event::DataOpened { job, data: OpenedData { catalog, elapsed_secs: 0.1 } });
    on_event(&mut state, Event::Ended { job, outcome: Outcome::Finished });
    update(&mut state, FaceAction::OpenFolder.into());
    test_page::page_of(state, [1200.0, 900.0], |panel: &mut DataPanel, ui, state, media, out| {
        panel.ui(ui, state, media, out);
        if state.asks_before_closing {
            crate::ui::closing::closing_ui(ui, state.unfinished(), out);
        }
    })
}

/// Does the jobs that wait, and those that follow from them.
fn work(harness: &mut Harness<'static, Page>) {
    let page = harness.state_mut();
    while let Some(job) = page.jobs.pop() {
        let id = job.id;
        let event = match job.request {
            Request::MarkFaces { spec, step } => {
                let done = match step {
                    HandStep::List => HandDone::Listed(spec.images(&|| false).unwrap().into()),
                    HandStep::Mark { image, landmarks } => HandDone::Marked(spec.mark(&image, &landmarks).unwrap()),
                    HandStep::Unmark { image, former } => {
                        spec.unmark(&image, &former).unwrap();
                        HandDone::Unmarked
                    }
                };
                Event::FacesMarked { job: id, done }
            }
            Request::FindFace { .. } => Event::FaceFound { job: id, found: picture() },
            other => panic!("{other:?}"),
        };
        page.jobs.extend(on_event(&mut page.state, event).into_iter().filter_map(job_of));
        on_event(&mut page.state, Event::Ended { job: id, outcome: Outcome::Finished });
    }
    harness.run_steps(2);
}

/// A picture as the worker sends it, without a face.
fn picture() -> Arc<FoundFace> {
    Arc::new(FoundFace {
        width_px: 16,
        height_px: 16,
        picture: crate::data::Thumb { width: 16, height: 16, rgba: vec![90; 1024] },
        small: Arc::new(image::DynamicImage::new_rgb8(16, 16)),
        face: Ok(None),
    })
}

fn click(harness: &mut Harness<'static, Page>, name: &str) -> Vec<Action> {
    harness.get_by_role_and_label(Role::Button, name).click();
    harness.run_steps(2);
    apply(harness)
}

/// Marks both eyes of the picture in front, without a pointer.
fn mark_eyes(harness: &mut Harness<'static, Page>) {
    for x in [5.0, 11.0] {
        update(&mut harness.state_mut().state, FaceAction::Place([x, 8.0]).into());
    }
    harness.run_steps(2);
}

#[test]
fn a_list_of_points_needs_no_detector_and_the_choices_go_along() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = harness(&folder.path().join("data"));
    assert!(apply(&mut harness).is_empty(), "drawing alone asks for nothing");
    assert_eq!(click(&mut harness, "List of points"), [FaceAction::FindBy(FinderKind::List).into()]);
    assert!(click(&mut harness, "Align").is_empty(), "there is no list yet");
    assert_eq!(click(&mut harness, "Choose a list of points"), [FaceAction::AskList.into()]);
    harness.state_mut().out.push(FaceAction::UseList("eyes.csv".into()).into());
    apply(&mut harness);
    let jpeg = AlignOptions { format: CropFormat::Jpeg, ..AlignOptions::default() };
    assert_eq!(click(&mut harness, "JPEG"), [FaceAction::SetOptions(jpeg).into()]);
    let keeping = AlignOptions { keep_unfound: true, ..jpeg };
    harness.get_by_role_and_label(Role::CheckBox, "Write the middle of the image").click();
    harness.run_steps(2);
    assert_eq!(apply(&mut harness), [FaceAction::SetOptions(keeping).into()]);
    assert_eq!(click(&mut harness, "Align"), [FaceAction::StartFolder.into()]);
    let job = harness.state_mut().jobs.pop().unwrap();
    let Request::AlignFolder { finder, options, .. } = job.request else { panic!("{:?}", job.request) };
    assert_eq!((finder, options), (FinderFile::List("eyes.csv".into()), keeping));
    // What was left can be marked, or aligned by other choices.
    let doubt = Some("left may be right");
    let done = Box::new(Aligned { images: 4, aligned: 3, unfound: 1, doubt, ..Aligned::default() });
    let page = harness.state_mut();
    on_event(&mut page.state, Event::FolderAligned { job: job.id, done });
    on_event(&mut page.state, Event::Ended { job: job.id, outcome: Outcome::Finished });
    harness.run_steps(2);
    assert!(harness.query_by_label("Left may be right.").is_some());
    assert!(harness.query_by_role_and_label(Role::Button, "Mark by hand…").is_some());
    assert_eq!(click(&mut harness, "Align again…"), [FaceAction::ReviseFolder.into()]);
    assert!(harness.query_by_role_and_label(Role::Button, "Align").is_some());
}

#[test]
fn a_folder_is_marked_by_hand_image_by_image() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data");
    let crops = folder.path().join("data-aligned");
    let mut harness = harness(&root);
    assert_eq!(click(&mut harness, "Mark by hand…"), [QueueAction::Open.into()]);
    assert!(harness.query_by_label("Looking for images without an aligned face…").is_some());
    work(&mut harness);
    assert!(harness.query_by_label("1 of 4: p00/0.png").is_some());
    assert!(press(&mut harness, Key::Enter).is_empty(), "no eye is marked");
    harness.get_by_label("Picture: mark the eyes").click();
    harness.run_steps(2);
    let placed = apply(&mut harness);
    assert!(matches!(placed[..], [Action::Faces(FaceAction::Place(_))]), "{placed:?}");
    mark_eyes(&mut harness);
    assert_eq!(press(&mut harness, Key::Enter), [QueueAction::Next.into()]);
    assert!(harness.query_by_label("Writing…").is_some());
    assert!(press(&mut harness, Key::S).is_empty(), "one step at a time");
    work(&mut harness);
    assert!(crops.join("p00/0.png").is_file());
    assert!(harness.query_by_label("2 of 4: p00/1.png").is_some());
    assert_eq!(press(&mut harness, Key::S), [QueueAction::Skip.into()]);
    work(&mut harness);
    mark_eyes(&mut harness);
    assert_eq!(click(&mut harness, "Next"), [QueueAction::Next.into()]);
    work(&mut harness);
    assert!(crops.join("p01/0.png").is_file());
    assert_eq!(press(&mut harness, Key::Backspace), [QueueAction::Back.into()]);
    work(&mut harness);
    assert!(!crops.join("p01/0.png").exists(), "taken back");
    assert!(harness.query_by_label("3 of 4: p01/0.png").is_some());
    // The marks are there still.
    assert_eq!(press(&mut harness, Key::Enter), [QueueAction::Next.into()]);
    work(&mut harness);
    assert_eq!(click(&mut harness, "Skip"), [QueueAction::Skip.into()]);
    assert!(harness.query_by_label("2 faces marked, 2 skipped.").is_some());
    assert!(harness.get_by_role_and_label(Role::Button, "Open the aligned images").is_focused());
    assert_eq!(press(&mut harness, Key::Backspace), [QueueAction::Back.into()], "a button takes no letters");
    work(&mut harness);
    assert_eq!(click(&mut harness, "Skip"), [QueueAction::Skip.into()]);
    assert!(harness.query_by_label("2 faces marked, 2 skipped.").is_some());
    assert_eq!(press(&mut harness, Key::Escape), [QueueAction::Close.into()]);
    // Back in the folder's dialog.
    assert!(harness.query_by_label("2 faces marked by hand.").is_some());
    click(&mut harness, "Mark by hand…");
    work(&mut harness);
    assert!(harness.query_by_label("1 of 2: p00/1.png").is_some());
}

#[test]
fn where_nothing_is_left_to_mark_it_says_so_and_opens_the_crops() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = harness(&folder.path().join("data"));
    click(&mut harness, "Mark by hand…");
    let job = harness.state_mut().jobs.pop().unwrap();
    harness.key_down(Key::Enter);
    harness.run_steps(2);
    let done = HandDone::Listed(Arc::from([]));
    on_event(&mut harness.state_mut().state, Event::FacesMarked { job: job.id, done });
    harness.run_steps(2);
    assert!(harness.query_by_label("Every image has its aligned face already.").is_some());
    assert!(harness.get_by_role_and_label(Role::Button, "Open the aligned images").is_focused());
    harness.key_down(Key::Enter);
    harness.run_steps(2);
    assert!(apply(&mut harness).is_empty(), "it is held down since before");
    harness.key_up(Key::Enter);
    harness.run_steps(2);
    assert_eq!(press(&mut harness, Key::Enter), [FaceAction::OpenAligned.into()]);
    assert!(matches!(harness.state().jobs[..], [Job { request: Request::OpenData { .. }, .. }]));
    assert!(!harness.state().state.shows_faces());
}

/// A key that stays down: what the system repeats reaches the dialog as presses without a release.
fn hold(harness: &mut Harness<'static, Page>, key: Key) -> Vec<Action> {
    let mut actions = Vec::new();
    for _ in 0..4 {
        harness.key_down(key);
        harness.run_steps(2);
        actions.extend(apply(harness));
        work(harness);
    }
    harness.key_up(key);
    harness.run_steps(2);
    actions.extend(apply(harness));
    actions
}

#[test]
fn a_key_that_is_held_down_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = harness(&folder.path().join("data"));
    click(&mut harness, "Mark by hand…");
    work(&mut harness);
    assert_eq!(hold(&mut harness, Key::S), [QueueAction::Skip.into()]);
    assert_eq!(hold(&mut harness, Key::S), [QueueAction::Skip.into()]);
    assert_eq!(hold(&mut harness, Key::Backspace), [QueueAction::Back.into()]);
    mark_eyes(&mut harness);
    assert_eq!(hold(&mut harness, Key::Enter), [QueueAction::Next.into()]);
    assert!(harness.query_by_label("3 of 4: p01/0.png").is_some());
}

#[test]
fn keys_for_the_closing_question_do_not_reach_the_dialog_beneath() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = harness(&folder.path().join("data"));
    click(&mut harness, "Mark by hand…");
    work(&mut harness);
    mark_eyes(&mut harness);
    harness.state_mut().state.asks_before_closing = true;
    harness.run_steps(3);
    assert!(press(&mut harness, Key::S).is_empty());
    assert_eq!(press(&mut harness, Key::Enter), [Action::ConfirmClose], "the question has the keyboard");
    harness.state_mut().state.asks_before_closing = false;
    harness.run_steps(3);
    assert_eq!(press(&mut harness, Key::Enter), [QueueAction::Next.into()]);
}

#[test]
fn a_picture_that_was_not_loaded_can_be_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = harness(&folder.path().join("data"));
    click(&mut harness, "Mark by hand…");
    let page = harness.state_mut();
    let (list, images) = match page.jobs.pop().unwrap() {
        Job { id, request: Request::MarkFaces { spec, .. }, .. } => (id, spec.images(&|| false).unwrap()),
        other => panic!("{other:?}"),
    };
    let event = Event::FacesMarked { job: list, done: HandDone::Listed(images.into()) };
    let load = on_event(&mut page.state, event).into_iter().find_map(job_of).unwrap().id;
    // It was refused, or stopped: there is no picture.
    on_event(&mut page.state, Event::Ended { job: load, outcome: Outcome::Cancelled });
    harness.run_steps(2);
    assert_eq!(click(&mut harness, "Try again"), [QueueAction::Reload.into()]);
    work(&mut harness);
    assert!(harness.query_by_role_and_label(Role::Button, "Try again").is_none());
    assert!(harness.query_by_label("Picture: mark the eyes").is_some());
}

#[test]
fn what_is_missing_for_a_pass_over_the_folder_is_told() {
    use super::obstacle;
    use crate::ui::widgets::detector_row::NO_FINDER;
    assert_eq!(obstacle(FinderKind::List, false, false), Some("Choose a list of points first"));
    assert_eq!(obstacle(FinderKind::List, true, false), None);
    assert_eq!(obstacle(FinderKind::Detector, true, false), Some(NO_FINDER));
    assert_eq!(obstacle(FinderKind::Detector, false, true), Some("Choose a detector first"));
    assert_eq!(obstacle(FinderKind::Detector, true, true), None);
    assert!(!NO_FINDER.contains("cargo"), "who uses a program need not build it");
}
