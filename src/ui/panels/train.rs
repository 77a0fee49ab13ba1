//! Train: settings on the left, on the right what they will do, and once a run exists, how it is going.
//!
//! The settings are always those of the *next* run; a run under way keeps the ones it was started with, and the panel
//! says so. Curves are the run's own reports; nothing is smoothed.

mod live;
mod margin;
mod plan;
mod settings;

use crate::app::{Action, State};
use crate::ui::Media;
use crate::ui::panels::first_step::{Lack, first_step_ui};
use crate::ui::panels::runs::longer::longer_ui;
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::param_form::{LEAST_WIDTH, ParamForm};
use crate::ui::widgets::segmented::{Segment, segmented};
use crate::worker::protocol::JobId;
use eframe::egui::{self, Panel, ScrollArea, Ui};
use settings::Start;

/// Width of the settings.
const SETTINGS_WIDTH: f32 = 372.0;
/// The same where the whole panel is narrower than [`NARROW`]: the form, with margins, border and scroll bar of its card.
const SETTINGS_WIDTH_NARROW: f32 = LEAST_WIDTH + 34.0 + 12.0;
const NARROW: f32 = 900.0;

/// What is shown beside the settings while there is a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Page {
    #[default]
    Run,
    Next,
}

/// The form, which page is shown, and the live map's point of view.
#[derive(Debug, Default)]
pub struct TrainPanel {
    form: ParamForm,
    page: Page,
    /// The run that was shown last: a new one is looked at first.
    shown: Option<JobId>,
    /// [`State::settings_taken`] when it was looked at last: beside settings that are to be changed stands what they will do.
    settings_taken: u64,
    live: live::LiveView,
    plan: plan::PlanView,
}

impl TrainPanel {
    /// Draws the panel.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, media: &mut Media, out: &mut Vec<Action>) {
        // Whatever is on the page: as long as it is open, it has the keys of the window.
        longer_ui(ui, state, out);
        self.turn_page(state);
        if state.open_data().is_none() && state.training.is_none() {
            empty_ui(ui, state, out);
            return;
        }
        let view = state.training.as_ref();
        // Without images there is no next run to be shown.
        let page = if state.open_data().is_some() { self.page } else { Page::Run };
        let view = view.filter(|_| page == Page::Run);
        let next_step = view.and_then(|view| live::NextStep::of(state, view));
        let start = if next_step.is_some() { Start::Aside } else { Start::Main };
        let width = if ui.available_width() < NARROW { SETTINGS_WIDTH_NARROW } else { SETTINGS_WIDTH };
        Panel::left("train settings")
            .frame(egui::Frame::NONE)
            .size_range(SETTINGS_WIDTH_NARROW..=460.0)
            .default_size(width)
            .resizable(true)
            .show_separator_line(false)
            .show(ui, |ui| settings::settings_ui(ui, &mut self.form, start, state, out));
        let frame = egui::Frame::NONE.inner_margin(egui::Margin { left: 16, ..egui::Margin::ZERO });
        egui::CentralPanel::default().frame(frame).show(ui, |ui| {
            if state.open_data().is_some() && state.training.is_some() {
                self.pages_ui(ui);
            }
            let area = ScrollArea::vertical().id_salt(("train details", page == Page::Run));
            area.auto_shrink([false, false]).show(ui, |ui| match view {
                Some(view) => self.live.ui(ui, state, view, out),
                None => plan::plan_ui(ui, state, &mut self.plan, media),
            });
        });
    }

    /// Turns to what is new.
    fn turn_page(&mut self, state: &State) {
        let run = state.training.as_ref().map(|view| view.job);
        if self.shown != run {
            (self.shown, self.page) = (run, Page::Run);
        }
        if self.settings_taken != state.settings_taken {
            (self.settings_taken, self.page) = (state.settings_taken, Page::Next);
        }
    }

    fn pages_ui(&mut self, ui: &mut Ui) {
        let pages = vec![
            Segment::new(Page::Run, "This run", "How the run goes, or how it went"),
            Segment::new(Page::Next, "The next run", "What the settings on the left will do"),
        ];
        if let Some(page) = segmented(ui, pages, &self.page) {
            self.page = page;
        }
        ui.add_space(SPACE);
    }
}

fn empty_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let text =
        "Training needs a data set. Open a folder in which every sub-folder holds the images of one person or thing.";
    theme::empty_state(ui, "There are no images to train on yet", text, |ui| {
        first_step_ui(ui, state, Lack::Images, out);
    });
}

#[cfg(test)]
mod tests;
