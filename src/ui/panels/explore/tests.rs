//! The map under a pointer and a keyboard, without drawing pixels.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a skipped test says why")]

use super::ExplorePanel;
use crate::app::{Action, State, Workspace, on_event, update};
use crate::config::RunInfo;
use crate::data::Catalog;
use crate::map::{MapError, MapMethod};
use crate::ui::demo_data::{demo_layout, demo_table};
use crate::ui::test_page;
use crate::ui::widgets::figures::counted_spaced;
use crate::worker::protocol::{Event, JobError, OpenedData, Outcome, RunEntry};
use eframe::egui::Key;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use std::path::Path;
use std::sync::Arc;

type Page = test_page::Page<ExplorePanel>;

fn harness(state: State) -> Harness<'static, Page> {
    test_page::page_of(state, [1200.0, 800.0], ExplorePanel::ui)
}

/// A state with a map; `None` without the sample data.
fn mapped() -> Option<State> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/test");
    let Ok(catalog) = Catalog::open(&folder, &|_| {}, &|| false).map(Arc::new) else {
        eprintln!("skipped: there is no sample data in {}", folder.display());
        return None;
    };
    let mut state = State::new("runs".into());
    let table = Arc::new(demo_table(1.0, &catalog).expect("the sample has images"));
    state.explore.layout = Some(Arc::new(demo_layout(&table, MapMethod::Tsne)));
    state.explore.table = Some(table);
    state.explore.catalog = Some(catalog);
    Some(state)
}

#[test]
fn without_embeddings_it_offers_the_sample_data() {
    let mut harness = harness(State::new("runs".into()));
    harness.get_by_label("Open the sample data").click();
    harness.run_steps(1);
    assert_eq!(harness.state().out, [Action::OpenSample]);
}

#[test]
fn without_embeddings_a_run_in_the_list_is_used_before_another_is_trained() {
    let mut state = State::new("runs".into());
    state.runs = vec![RunEntry::with_model("runs/a")];
    let mut harness = harness(state);
    assert!(harness.query_by_label("Open a folder…").is_none());
    harness.get_by_label("Use the newest run").click();
    harness.run_steps(1);
    assert_eq!(harness.state().out, [Action::UseRun("runs/a".into())]);
}

#[test]
fn embeddings_on_their_way_are_told_of_and_can_be_stopped() {
    let mut state = State::new("runs".into());
    update(&mut state, Action::UseRun("runs/a".into()));
    let job = state.evaluate.job.expect("it is measured");
    let mut harness = harness(state);
    assert!(harness.query_by_label("No embeddings yet").is_none());
    harness.get_by_label("Cancel").click();
    harness.run_steps(1);
    assert_eq!(harness.state().out, [Action::CancelJob(job)]);
}

#[test]
fn before_the_first_epoch_the_map_is_promised() {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::draw_classes(folder.path(), 4, 4);
    let catalog = Arc::new(Catalog::open(folder.path(), &|_| {}, &|| false).unwrap());
    let mut state = State::new("runs".into());
    let info = RunInfo { data_fingerprint: catalog.fingerprint.clone(), ..RunInfo::default() };
    let mut run = RunEntry::with_model("runs/a");
    run.config.run = Some(info);
    state.runs = vec![run];
    let opening =
        update(&mut state, Action::OpenData(folder.path().to_owned())).into_iter().find_map(test_page::job_of);
    let data = OpenedData { catalog, elapsed_secs: 0.0 };
    on_event(&mut state, Event::DataOpened { job: opening.expect("they are read").id, data });
    update(&mut state, Action::ContinueRun("runs/a".into()));
    assert!(state.is_training() && state.evaluate.job.is_none());
    let mut harness = harness(state);
    assert!(harness.query_by_label_contains("appears after the first epoch").is_some());
    harness.get_by_label("See how the training goes").click();
    harness.run_steps(1);
    assert_eq!(harness.state().out, [Action::Go(Workspace::Train)]);
}

#[test]
fn a_click_in_the_legend_isolates_and_escape_clears() {
    let Some(mut state) = mapped() else { return };
    state.explore.selected = Some(3);
    let mut harness = harness(state);
    let class = harness.state().state.explore.catalog.as_ref().expect("mapped").classes[0].clone();
    harness.get_by_label(&format!("{class}, 20 images")).click();
    harness.run_steps(1);
    assert_eq!(harness.state().out, [Action::Isolate(vec![0])]);
    harness.state_mut().state.explore.isolated = vec![0];
    harness.state_mut().out.clear();
    harness.key_press(Key::Escape);
    harness.run_steps(1);
    assert_eq!(harness.state().out, [Action::Select(None), Action::Isolate(Vec::new())]);
}

#[test]
fn keys_for_a_question_in_front_do_not_reach_the_map() {
    let Some(mut state) = mapped() else { return };
    state.explore.selected = Some(3);
    let mut harness = test_page::page_of(state, [1200.0, 800.0], |panel: &mut ExplorePanel, ui, state, media, out| {
        panel.ui(ui, state, media, out);
        crate::ui::closing::closing_ui(ui, state.unfinished(), out);
    });
    harness.key_press(Key::ArrowRight);
    harness.run_steps(2);
    assert!(harness.state().out.is_empty(), "{:?}", harness.state().out);
    harness.key_press(Key::Escape);
    harness.run_steps(1);
    assert_eq!(harness.state().out, [Action::CancelClose]);
}

#[test]
fn the_method_is_chosen_by_name() {
    let Some(state) = mapped() else { return };
    let mut harness = harness(state);
    harness.get_by_label("Sphere").click();
    harness.run_steps(1);
    assert_eq!(harness.state().out, [Action::SetMethod(MapMethod::Sphere)]);
}

#[test]
fn arrow_keys_walk_over_the_map_while_no_field_has_the_keyboard() {
    let Some(state) = mapped() else { return };
    let layout = state.explore.layout.clone().expect("mapped");
    let place = |row: u32| {
        let shown = layout.rows.iter().position(|known| *known == row).expect("on the map");
        <[f32; 2]>::try_from(layout.position(shown)).expect("flat")
    };
    let mut harness = harness(state);
    let mut walk = |from: Option<u32>, key: Key| {
        harness.state_mut().state.explore.selected = from;
        harness.state_mut().out.clear();
        harness.key_press(key);
        harness.run_steps(1);
        std::mem::take(&mut harness.state_mut().out)
    };
    assert_eq!(walk(None, Key::ArrowUp), [Action::Select(layout.rows.first().copied())]);
    // From the middle there is something on every side.
    let off = |row: &u32| place(*row).into_iter().map(f32::abs).sum::<f32>();
    let from = layout.rows.iter().copied().min_by(|a, b| off(a).total_cmp(&off(b))).expect("the sample has images");
    for (key, axis, sign) in
        [(Key::ArrowLeft, 0, -1.0), (Key::ArrowRight, 0, 1.0), (Key::ArrowUp, 1, 1.0), (Key::ArrowDown, 1, -1.0)]
    {
        let out = walk(Some(from), key);
        let [Action::Select(Some(to))] = out.as_slice() else { panic!("{key:?}: {out:?}") };
        assert!((place(*to)[axis] - place(from)[axis]) * sign > 0.0, "{key:?}");
    }
    harness.get_by_label("Search class or file").focus();
    harness.run_steps(1);
    harness.state_mut().out.clear();
    harness.key_press(Key::ArrowRight);
    harness.run_steps(1);
    assert!(harness.state().out.is_empty(), "the arrow belongs to the field");
}

#[test]
fn search_dims_what_does_not_match_and_enter_selects_the_first() {
    let Some(state) = mapped() else { return };
    let mut harness = harness(state);
    let (table, catalog) = (harness.state().state.explore.table.clone(), harness.state().state.explore.catalog.clone());
    let (table, catalog) = (table.expect("mapped"), catalog.expect("mapped"));
    let class = catalog.classes[4].clone();
    harness.get_by_label("Search class or file").focus();
    harness.run_steps(1);
    harness.get_by_label("Search class or file").type_text(&class);
    harness.run_steps(2);
    assert_eq!(harness.state().panel.search.count(), Some(20));
    harness.key_press(Key::Enter);
    harness.run_steps(1);
    let first = table.classes().iter().position(|class| *class == 4).expect("the class has rows") as u32;
    assert_eq!(harness.state().out, [Action::Select(Some(first))]);
}

#[test]
fn a_map_that_failed_can_be_made_by_pca_where_that_may_do() {
    let Some(mut state) = mapped() else { return };
    state.explore.layout = None;
    let of_tsne = MapError::Tsne { points: 9, reason: "positions are not finite".to_owned() };
    for (method, error, is_offered) in [
        (MapMethod::Tsne, of_tsne, true),
        (MapMethod::Tsne, MapError::Empty, false),
        (MapMethod::Sphere, MapError::Empty, false),
    ] {
        update(&mut state, Action::SetMethod(method));
        let job = state.explore.job.expect("it is on its way").id;
        on_event(&mut state, Event::Ended { job, outcome: Outcome::Failed(JobError::no_map(&error)) });
        let mut harness = harness(state.clone());
        assert_eq!(harness.query_all_by_label("Compute again").count(), 2, "what does the same is called the same");
        assert_eq!(harness.query_by_label("Show PCA instead").is_some(), is_offered, "{method:?}");
        if is_offered {
            harness.get_by_label("Show PCA instead").click();
            harness.run_steps(1);
            assert_eq!(harness.state().out, [Action::SetMethod(MapMethod::Pca)]);
        }
    }
}

#[test]
fn a_map_on_its_way_says_what_it_is_and_of_how_many_images() {
    let Some(mut state) = mapped() else { return };
    let images = counted_spaced(state.explore.table.as_ref().expect("mapped").len(), "image");
    for (method, most, words) in [
        (MapMethod::Tsne, 3000, format!("t-SNE of {images} takes a while.")),
        (MapMethod::Tsne, 50, format!("t-SNE of 50 of {images} takes a while.")),
        (MapMethod::Pca, 50, format!("PCA of {images} takes a moment.")),
    ] {
        state.config.map.max_points = most;
        update(&mut state, Action::SetMethod(method));
        let harness = harness(state.clone());
        assert!(harness.query_by_label_contains(&words).is_some(), "{words}");
    }
}

#[test]
fn a_map_on_its_way_is_told_of_as_it_was_sent() {
    let Some(mut state) = mapped() else { return };
    let images = counted_spaced(state.explore.table.as_ref().expect("mapped").len(), "image");
    state.config.map.max_points = 50;
    update(&mut state, Action::SetMethod(MapMethod::Tsne));
    // What a person sets meanwhile.
    state.config.map.max_points = 3000;
    state.explore.method = MapMethod::Sphere;
    let harness = harness(state);
    let words = format!("t-SNE of 50 of {images} takes a while.");
    assert!(harness.query_by_label_contains(&words).is_some());
}

#[test]
fn the_classes_keep_room_below_a_selected_image_whose_file_is_named_alone() {
    let Some(mut state) = mapped() else { return };
    update(&mut state, Action::Select(Some(3)));
    let catalog = state.explore.catalog.clone().expect("mapped");
    // What a window of 1280×800 leaves for the page, and a little more.
    let harness = test_page::page_of(state, [1052.0, 740.0], ExplorePanel::ui);
    let classes = harness.query_all_by_label_contains(", 20 images").count();
    assert!(classes >= 8, "{classes} classes");
    let path = catalog.name(3);
    let file = path.rsplit('/').next().expect("it has a name");
    assert!(file != path && harness.query_by_label(file).is_some(), "{file} of {path}");
}
