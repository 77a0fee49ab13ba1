//! The page under a pointer, without drawing pixels.

use super::*;
use crate::app::{Dialog, Effect, on_event, update};
use crate::data::Catalog;
use crate::data::testing::draw_classes;
use crate::ui::test_page::{self, text_shape};
use crate::worker::protocol::{Event, Job, JobError, OpenedData, Outcome};
use eframe::egui::{Rect, Shape};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use std::sync::Arc;

type Page = test_page::Page<DataPanel>;

fn page_of(state: State) -> Harness<'static, Page> {
    test_page::page_of(state, [1200.0, 1400.0], DataPanel::ui)
}

/// A state in which a folder is being read.
fn opening(folder: &Path) -> (State, Job) {
    let mut state = State::new("runs".into());
    let effects = update(&mut state, Action::OpenData(folder.to_owned()));
    let sent = effects.into_iter().find_map(|effect| if let Effect::Send(job) = effect { Some(job) } else { None });
    (state, sent.expect("it is read"))
}

/// The colour of the rectangle that this is true of.
fn fill_where(harness: &Harness<'static, Page>, is_it: impl Fn(Rect) -> bool) -> Option<Color32> {
    harness.output().shapes.iter().find_map(|clipped| match &clipped.shape {
        Shape::Rect(shape) if is_it(shape.rect) => Some(shape.fill),
        _ => None,
    })
}

#[test]
fn a_folder_without_images_leads_to_another_one_before_it_is_tried_again() {
    let (mut state, job) = opening(Path::new("/pictures/birds"));
    let error = JobError { headline: "There are no images in this folder".into(), ..JobError::default() };
    on_event(&mut state, Event::Ended { job: job.id, outcome: Outcome::Failed(error) });
    let mut harness = page_of(state);
    let height = |harness: &Harness<'static, Page>, label: &str| harness.get_by_label(label).rect().height();
    assert!(height(&harness, "Open another folder…") > height(&harness, "Try again"), "which is the main thing");
    for (label, asked) in [
        ("Open another folder…", Action::Ask(Dialog::OpenFolder)),
        ("Try again", Action::OpenData("/pictures/birds".into())),
    ] {
        harness.get_by_label(label).click();
        harness.run_steps(2);
        assert_eq!(std::mem::take(&mut harness.state_mut().out), [asked]);
    }
}

#[test]
fn the_split_says_what_it_counts_and_what_its_term_and_its_colours_mean() {
    let folder = tempfile::tempdir().unwrap();
    draw_classes(folder.path(), 8, 4);
    let catalog = Arc::new(Catalog::open(folder.path(), &|_| {}, &|| false).unwrap());
    let (mut state, job) = opening(folder.path());
    state.config.set_text("data.split", "identity").unwrap();
    on_event(&mut state, Event::DataOpened { job: job.id, data: OpenedData { catalog, elapsed_secs: 0.0 } });
    let split = state.open_data().unwrap().split.as_ref().unwrap();
    let held_out = (split.validation.len(), split.validation_classes.len());
    let mut harness = page_of(state);
    let counted = format!("{} in {}", counted_spaced(held_out.0, "image"), classes_spaced(held_out.1));
    assert!(harness.query_by_label("Split").is_some() && harness.query_by_label(&counted).is_some(), "{counted}");

    let bar = |colour: Color32| {
        fill_where(&harness, |rect| (rect.height() - 8.0).abs() < 0.5 && rect.width() > 99.0) == Some(colour)
    };
    let swatch = |name: &str| {
        let name = harness.get_by_label(name).rect();
        let is_before = |rect: Rect| (name.left() - 10.0..name.left()).contains(&rect.right());
        let is_beside = |rect: Rect| (rect.center().y - name.center().y).abs() < 3.0 && rect.width() < 12.0;
        fill_where(&harness, |rect| is_before(rect) && is_beside(rect)).expect("there is a swatch")
    };
    let (to_train_on, rest) = (swatch("To train on"), swatch("Held out"));
    assert!(bar(rest) && rest != to_train_on);

    let name = "by identity (open-set)";
    let drawn = text_shape(&harness, name).expect("it is on the page");
    assert_ne!(drawn.galley.job.sections[0].format.color, to_train_on, "nothing can be clicked there");
    harness.get_by_label(name).hover();
    harness.run_steps(8);
    assert!(harness.query_by_label_contains("Open-set: ").is_some());
}
