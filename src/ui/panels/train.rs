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
use crate::ui::command_button::CommandButton;
use crate::ui::panels::data::sample_button;
use crate::ui::panels::runs::longer::longer_ui;
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::param_form::ParamForm;
use crate::ui::widgets::segmented::{Segment, segmented};
use crate::worker::protocol::JobId;
use eframe::egui::{self, Panel, ScrollArea, Ui};

/// Width of the settings.
const SETTINGS_WIDTH: f32 = 372.0;
/// The same where the whole panel is narrower than [`NARROW`]: what the heading and its buttons need.
const SETTINGS_WIDTH_NARROW: f32 = 336.0;
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
    live: live::LiveView,
    plan: plan::PlanView,
}

impl TrainPanel {
    /// Draws the panel.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, media: &mut Media, out: &mut Vec<Action>) {
        // Whatever is on the page: as long as it is open, it has the keys of the window.
        longer_ui(ui, state, out);
        if state.open_data().is_none() && state.training.is_none() {
            empty_ui(ui, state, out);
            return;
        }
        let width = if ui.available_width() < NARROW { SETTINGS_WIDTH_NARROW } else { SETTINGS_WIDTH };
        Panel::left("train settings")
            .frame(egui::Frame::NONE)
            .size_range(SETTINGS_WIDTH_NARROW..=460.0)
            .default_size(width)
            .resizable(true)
            .show_separator_line(false)
            .show(ui, |ui| settings::settings_ui(ui, &mut self.form, state, out));
        let frame = egui::Frame::NONE.inner_margin(egui::Margin { left: 16, ..egui::Margin::ZERO });
        egui::CentralPanel::default().frame(frame).show(ui, |ui| {
            let view = state.training.as_ref();
            if self.shown != view.map(|view| view.job) {
                self.shown = view.map(|view| view.job);
                self.page = Page::Run;
            }
            if state.open_data().is_none() {
                self.page = Page::Run;
            } else if view.is_some() {
                self.pages_ui(ui);
            }
            let area = ScrollArea::vertical().id_salt(("train details", self.page == Page::Run));
            area.auto_shrink([false, false]).show(ui, |ui| match view.filter(|_| self.page == Page::Run) {
                Some(view) => self.live.ui(ui, state, view, out),
                None => plan::plan_ui(ui, state, &mut self.plan, media),
            });
        });
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
        CommandButton::new("data.open_folder").primary_ui(ui, state, out);
        ui.add_space(SPACE);
        sample_button(ui, out);
    });
}
