//! The findings as they are drawn, without drawing pixels.

use super::CheckPanel;
use crate::app::{Action, CheckAction, Effect, State, on_event, update};
use crate::data::{Catalog, examine};
use crate::ui::test_page;
use crate::worker::protocol::{Event, JobId, OpenedData, Outcome};
use eframe::egui::{ColorImage, Role};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use std::path::Path;
use std::sync::Arc;

type Page = test_page::Page<CheckPanel>;

/// The job that an action asks for.
fn job(state: &mut State, action: Action) -> JobId {
    let effects = update(state, action);
    let [Effect::Send(job)] = effects.as_slice() else { panic!("{effects:?}") };
    job.id
}

fn opened(folder: &Path) -> State {
    let mut state = State::new("runs".into());
    let job = job(&mut state, Action::OpenData(folder.to_owned()));
    let catalog = Arc::new(Catalog::open(folder, &|_| {}, &|| false).unwrap());
    on_event(&mut state, Event::DataOpened { job, data: OpenedData { catalog, elapsed_secs: 0.1 } });
    state
}

fn harness(folder: &Path) -> Harness<'static, Page> {
    drawn(opened(folder))
}

fn drawn(state: State) -> Harness<'static, Page> {
    test_page::page_of(state, [1200.0, 800.0], |panel: &mut CheckPanel, ui, state, media, out| {
        if let Some(data) = state.open_data() {
            panel.ui(ui, state, data, media, out);
        }
    })
}

#[test]
fn files_left_out_are_all_counted_and_the_rest_of_the_list_is_told() {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::draw_classes(folder.path(), 3, 3);
    for number in 0..205 {
        std::fs::write(folder.path().join(format!("p00/empty{number}.png")), b"").unwrap();
    }
    let harness = harness(folder.path());
    assert!(harness.query_by_label("Left out when the data set was opened (205)").is_some());
    assert!(harness.query_by_label("and 5 more").is_some());
}

#[test]
fn files_left_out_are_ticked_and_excluded() {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::draw_classes(folder.path(), 3, 3);
    for name in ["p00/a.png", "p01/b.png"] {
        std::fs::write(folder.path().join(name), b"").unwrap();
    }
    let mut harness = harness(folder.path());
    assert_eq!(harness.query_all_by_role(Role::CheckBox).count(), 2, "one for each file");
    harness.get_by_label_contains("p01/b.png").click();
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::Button, "Exclude the ticked (1)").click();
    harness.run_steps(2);
    assert_eq!(harness.state().out, [Action::Check(CheckAction::Exclude(vec![10]))]);
    harness.get_by_role_and_label(Role::Button, "Tick none").click();
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::Button, "Tick all").click();
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::Button, "Exclude the ticked (2)").click();
    harness.run_steps(2);
    assert_eq!(harness.state().out.last(), Some(&Action::Check(CheckAction::Exclude(vec![9, 10]))));
}

#[test]
fn the_few_examples_of_an_imbalance_can_be_looked_at_and_not_excluded() {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::draw_classes(folder.path(), 2, 2);
    for number in 2..41 {
        std::fs::copy(folder.path().join("p00/0.png"), folder.path().join(format!("p00/{number}.png"))).unwrap();
    }
    let harness = harness(folder.path());
    assert!(harness.query_all_by_role(Role::Image).next().is_some(), "the examples");
    assert!(harness.query_all_by_role(Role::CheckBox).next().is_none());
    assert!(harness.query_by_role_and_label(Role::Button, "Tick all").is_none());
}

#[test]
fn a_button_for_ticked_images_says_that_nothing_is_ticked() {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::draw_classes(folder.path(), 3, 3);
    std::fs::write(folder.path().join("p00/a.png"), b"").unwrap();
    let mut harness = harness(folder.path());
    harness.get_by_role_and_label(Role::Button, "Exclude the ticked (0)").hover();
    harness.run_steps(8);
    assert!(harness.query_by_label("Tick an image or a file first").is_some());
}

/// What a check of the images in a folder finds.
fn checked(folder: &Path) -> Harness<'static, Page> {
    let mut state = opened(folder);
    let job = job(&mut state, Action::Check(CheckAction::Start));
    let catalog = Arc::clone(&state.open_data().unwrap().catalog);
    let examination = Arc::new(examine(&catalog, &|_| {}, &|| false).unwrap());
    on_event(&mut state, Event::Checked { job, examination });
    on_event(&mut state, Event::Ended { job, outcome: Outcome::Finished });
    drawn(state)
}

#[test]
fn every_image_of_a_finding_is_shown_in_its_own_place() {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::draw_classes(folder.path(), 3, 3);
    let copies = [("p00/1.png", "p02/again.png"), ("p01/0.png", "p00/other.png")];
    for (image, copy) in copies {
        std::fs::copy(folder.path().join(image), folder.path().join(copy)).unwrap();
    }
    let harness = checked(folder.path());
    let pictures = test_page::pictures(&harness);
    let names: Vec<&str> = copies.into_iter().flat_map(|(image, copy)| [image, copy]).collect();
    assert_eq!(pictures.len(), names.len(), "those of the finding and no others");
    for name in names {
        let tile = harness.get_by_role_and_label(Role::CheckBox, name).rect();
        let (_, shown) = pictures.iter().find(|(place, _)| tile.contains_rect(*place)).expect(name);
        let file = image::open(folder.path().join(name)).unwrap().to_rgba8();
        let size = [file.width() as usize, file.height() as usize];
        assert!(**shown == ColorImage::from_rgba_unmultiplied(size, &file), "{name}");
    }
}

#[test]
fn that_not_all_were_compared_is_said_where_nothing_was_found() {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::draw_alike(folder.path(), 66);
    let harness = checked(folder.path());
    assert!(harness.query_by_label("Nothing wrong was found, but not all was compared").is_some());
    assert!(harness.query_by_label_contains("compare all by their looks").is_some());
    assert!(harness.query_by_label_contains("with every other").is_none());
}
