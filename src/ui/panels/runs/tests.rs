//! The list under a pointer, without drawing pixels.

use super::runs_ui;
use crate::app::{Action, RunAction, RunOrder, State, on_event};
use crate::config::{RunConfig, RunInfo, SeriesInfo};
use crate::train::RunSummary;
use crate::ui::theme;
use crate::worker::protocol::{Event, JobId, RunEntry};
use eframe::egui::Ui;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use std::path::PathBuf;
use std::sync::Arc;

/// A run with this seed, finished where it has a rate.
pub(super) fn entry(name: &str, seed: u32, eer: Option<f64>) -> RunEntry {
    let mut config = RunConfig { run: Some(RunInfo::default()), ..RunConfig::default() };
    config.train.seed = seed;
    let path = PathBuf::from("runs").join(name);
    let summary = |eer| RunSummary {
        run: path.clone(),
        epochs: 3,
        images_per_second: 0.0,
        input_wait_share: 0.0,
        train_loss: None,
        train_accuracy: None,
        val_loss: None,
        val_accuracy: None,
        eer: Some(eer),
        verification: None,
        seconds: 0.0,
        stopped: false,
    };
    RunEntry {
        finished: eer.map(summary),
        path,
        name: name.into(),
        config,
        note: String::new(),
        epochs: Arc::from([]),
        epochs_done: 3,
        eer: Some(0.5),
        has_model: true,
        network: None,
        resumable: eer.is_none(),
    }
}

/// A state that was told this list of runs, and has it in the order of their names.
pub(super) fn listing(runs: Vec<RunEntry>) -> State {
    let mut state = State::new("runs".into());
    state.runs_view.order = RunOrder::Name;
    on_event(&mut state, Event::Runs { job: JobId(0), runs });
    state
}

struct Page {
    state: State,
    out: Vec<Action>,
}

fn harness(runs: Vec<RunEntry>) -> Harness<'static, Page> {
    let state = listing(runs);
    let draw = |ui: &mut Ui, page: &mut Page| {
        // Fonts are there from the next pass on.
        if ui.ctx().cumulative_pass_nr() == 0 {
            return theme::install(ui.ctx());
        }
        runs_ui(ui, &page.state, &mut page.out);
    };
    let page = Page { state, out: Vec::new() };
    let mut harness = Harness::builder().with_size((1200.0, 800.0)).build_ui_state(draw, page);
    harness.run_steps(3);
    harness
}

#[test]
fn the_menu_of_a_run_continues_its_series_while_something_is_left_of_it() {
    let of_series = |seeds| {
        let mut run = entry("a", 1, Some(0.1));
        run.config.run = Some(RunInfo::before(SeriesInfo { id: "one".into(), first_seed: 1, seeds }));
        run
    };
    for (run, is_offered) in [(entry("a", 1, None), false), (of_series(1), false), (of_series(2), true)] {
        let path = run.path.clone();
        let mut harness = harness(vec![run]);
        harness.get_by_label("More for a").click();
        harness.run_steps(3);
        assert_eq!(harness.query_by_label("Continue the series").is_some(), is_offered);
        if is_offered {
            harness.get_by_label("Continue the series").click();
            harness.run_steps(1);
            assert_eq!(harness.state().out, [Action::from(RunAction::ContinueSeries(path))]);
        }
    }
}
