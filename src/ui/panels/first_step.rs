//! What there is to begin with, offered by every page that has nothing to show yet.
//!
//! One situation, one way on: the same commands in the same order on every page, and the first of them does at once what is
//! missing. Not the words above them: what a page will show, and what it lacks, it says itself.

use crate::app::{Action, DataState, State};
use crate::ui::command_button::CommandButton;
use crate::ui::theme::{self, SPACE};
use eframe::egui::Ui;

/// What a page lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// Images, and nothing in their place.
    Images,
    /// A run, which is trained on images or opened.
    Run,
}

/// The buttons that lead on, the most direct one first.
pub(super) fn first_step_ui(ui: &mut Ui, state: &State, lack: Lack, out: &mut Vec<Action>) {
    if let DataState::Opening { path, .. } = &state.data {
        // Opening others now would stop that, and forget what waits for these images.
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        ui.label(theme::caption(format!("The images of {name} are being read.")));
        CommandButton::new("go.data").primary_ui(ui, state, out);
        ui.add_space(SPACE);
    } else if state.open_data().is_none() {
        CommandButton::new("data.open_folder").primary_ui(ui, state, out);
        ui.add_space(SPACE);
        CommandButton::new("data.sample").ui(ui, state, out);
    } else {
        CommandButton::new("go.train").primary_ui(ui, state, out);
        ui.add_space(SPACE);
    }
    if lack == Lack::Run {
        CommandButton::new("run.open").ui(ui, state, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{Dialog, Workspace, on_event, update};
    use crate::data::Catalog;
    use crate::data::testing::draw_classes;
    use crate::ui::demo_state::{self, DemoKind};
    use crate::ui::panels::Panels;
    use crate::ui::test_page::{Page, job_of, page_of};
    use crate::worker::protocol::{Event, OpenedData};
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;
    use std::sync::Arc;

    fn page(state: State) -> Harness<'static, Page<Panels>> {
        page_of(state, [1000.0, 700.0], Panels::ui)
    }

    /// What a click on the button with this label asks for.
    fn asked(harness: &mut Harness<'static, Page<Panels>>, label: &str) -> Vec<Action> {
        harness.get_by_label(label).click();
        harness.run_steps(2);
        std::mem::take(&mut harness.state_mut().out)
    }

    fn height(harness: &Harness<'static, Page<Panels>>, label: &str) -> f32 {
        harness.get_by_label(label).rect().height()
    }

    #[test]
    fn with_nothing_open_every_page_begins_with_a_folder_and_then_the_sample_data() {
        for workspace in Workspace::ALL {
            let mut harness = page(demo_state::state(workspace, DemoKind::Empty));
            let (folder, sample) = ("Open a folder…", "Open the sample data");
            assert!(height(&harness, folder) > height(&harness, sample), "{workspace:?}: the folder is the main thing");
            assert_eq!(asked(&mut harness, folder), [Action::Ask(Dialog::OpenFolder)], "{workspace:?}");
            assert_eq!(asked(&mut harness, sample), [Action::OpenSample], "{workspace:?}");
            let would_a_run_do = !matches!(workspace, Workspace::Data | Workspace::Train);
            assert_eq!(harness.query_by_label("Open a run…").is_some(), would_a_run_do, "{workspace:?}");
            assert!(harness.query_by_label("Go to Train").is_none(), "{workspace:?}: a detour");
        }
    }

    #[test]
    fn while_images_are_read_no_page_offers_to_open_others() {
        let mut state = State::new("runs".into());
        update(&mut state, Action::OpenData("/pictures/birds".into()));
        for workspace in [Workspace::Train, Workspace::Explore, Workspace::Evaluate, Workspace::Verify, Workspace::Runs]
        {
            update(&mut state, Action::Go(workspace));
            let mut harness = page(state.clone());
            assert!(harness.query_by_label("Open a folder…").is_none(), "{workspace:?}");
            assert!(harness.query_by_label("Open the sample data").is_none(), "{workspace:?}");
            assert!(harness.query_by_label("The images of birds are being read.").is_some(), "{workspace:?}");
            assert_eq!(asked(&mut harness, "Go to Data"), [Action::Go(Workspace::Data)], "{workspace:?}");
        }
    }

    #[test]
    fn with_images_but_no_run_every_page_leads_to_train() {
        let folder = tempfile::tempdir().unwrap();
        draw_classes(folder.path(), 4, 4);
        let catalog = Arc::new(Catalog::open(folder.path(), &|_| {}, &|| false).unwrap());
        let mut state = State::new("runs".into());
        let effects = update(&mut state, Action::OpenData(folder.path().to_owned()));
        let job = effects.into_iter().find_map(job_of).expect("they are read");
        on_event(&mut state, Event::DataOpened { job: job.id, data: OpenedData { catalog, elapsed_secs: 0.0 } });
        for workspace in [Workspace::Explore, Workspace::Evaluate, Workspace::Verify, Workspace::Runs] {
            update(&mut state, Action::Go(workspace));
            let mut harness = page(state.clone());
            assert!(height(&harness, "Go to Train") > height(&harness, "Open a run…"), "{workspace:?}");
            assert_eq!(asked(&mut harness, "Go to Train"), [Action::Go(Workspace::Train)], "{workspace:?}");
            assert_eq!(asked(&mut harness, "Open a run…"), [Action::Ask(Dialog::OpenRun)], "{workspace:?}");
            assert!(harness.query_by_label("Open the sample data").is_none(), "{workspace:?}");
        }
    }
}
