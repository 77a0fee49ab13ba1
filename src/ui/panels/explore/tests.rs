//! The map under a pointer and a keyboard, without drawing pixels.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a skipped test says why")]

use super::ExplorePanel;
use crate::app::{Action, State};
use crate::data::Catalog;
use crate::map::MapMethod;
use crate::ui::demo_data::{demo_layout, demo_table};
use crate::ui::media::Media;
use crate::ui::theme;
use eframe::egui::{Key, Ui};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use std::path::Path;
use std::sync::Arc;

struct Page {
    panel: ExplorePanel,
    state: State,
    media: Media,
    out: Vec<Action>,
}

fn harness(state: State) -> Harness<'static, Page> {
    let page = Page { panel: ExplorePanel::default(), state, media: Media::blocking(), out: Vec::new() };
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
fn the_method_is_chosen_by_name() {
    let Some(state) = mapped() else { return };
    let mut harness = harness(state);
    harness.get_by_label("Sphere").click();
    harness.run_steps(1);
    assert_eq!(harness.state().out, [Action::SetMethod(MapMethod::Sphere)]);
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
