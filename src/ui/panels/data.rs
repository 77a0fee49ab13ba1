//! Data: what was recognised in the folder, what is wrong with it, how it is divided, and what the network will see.
//!
//! Decides nothing about the data: the catalogue, its warnings and the split come ready made. Counts that need a pass
//! over all images are kept from frame to frame ([`Facts`]).

mod align_folder;
mod check;
mod classes;
mod export;
mod facts;
mod gallery;
mod mark_queue;
mod problems;

use super::augmentation::Preview;
use super::first_step::{Lack, first_step_ui};
use crate::app::{Action, CheckAction, DataState, Notice, OpenData, State, Workspace};
use crate::config::window_text;
use crate::data::FindingKind;
use crate::ui::Media;
use crate::ui::command_button::CommandButton;
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::figures::{classes_spaced, count_text, counted_spaced};
use crate::ui::widgets::job_bar::{images_text, job_bar_of};
use crate::ui::widgets::segmented::{Segment, segmented};
use crate::ui::widgets::set_buttons::set_buttons;
use crate::worker::protocol::Progress;
use eframe::egui::{self, Align, Color32, Layout, RichText, ScrollArea, Ui, vec2};
use facts::Facts;
use std::path::{Path, PathBuf};

/// Room for the button in the summary.
const BUTTON_WIDTH: f32 = 150.0;
/// Where the strengths of random changes are set.
const STRENGTHS: &str = "The strengths are in Train, under Advanced, Augmentation.";
/// Width of the list of classes.
const CLASSES_WIDTH: f32 = 300.0;

/// Selected class, typed filter, and what was counted.
#[derive(Debug, Default)]
pub struct DataPanel {
    facts: Option<Facts>,
    classes: classes::ClassList,
    augmentation: Preview,
    check: check::CheckPanel,
}

impl DataPanel {
    /// Draws the panel.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, media: &mut Media, out: &mut Vec<Action>) {
        match &state.data {
            DataState::Empty => empty_ui(ui, state, out),
            DataState::Opening { job, path } => {
                let progress = state.job(*job).map(|job| job.progress).unwrap_or_default();
                opening_ui(ui, path, &progress, || out.push(Action::CancelJob(*job)));
            }
            DataState::Failed { path, notice } => failed_ui(ui, state, path, notice, out),
            DataState::Open(data) => self.open_ui(ui, state, data, media, out),
        }
        if let Some(queue) = &state.faces.queue {
            mark_queue::mark_queue_ui(ui, queue, media, out);
        } else if let Some(folder) = state.faces.folder.as_ref().filter(|folder| folder.is_open) {
            align_folder::align_folder_ui(ui, state, folder, out);
        }
        if let Some(data) = state.open_data().filter(|_| state.shows_export()) {
            export::export_ui(ui, state, data, out);
        }
    }

    fn open_ui(&mut self, ui: &mut Ui, state: &State, data: &OpenData, media: &mut Media, out: &mut Vec<Action>) {
        if self.facts.as_ref().is_none_or(|facts| !facts.are_of(data)) {
            self.facts = Some(Facts::of(data, self.facts.take()));
        }
        let Self { facts: Some(facts), classes, augmentation, check } = self else { return };
        theme::card(ui, |ui| summary_ui(ui, data, facts, out));
        ui.add_space(SPACE);
        view_ui(ui, state, data, out);
        ui.add_space(SPACE);
        if data.check.shown {
            check.ui(ui, state, data, media, out);
            return;
        }
        let height = ui.available_height();
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = theme::GAP;
            ui.allocate_ui_with_layout(vec2(CLASSES_WIDTH, height), Layout::top_down(Align::Min), |ui| {
                theme::card(ui, |ui| classes.ui(ui, data, facts, media));
            });
            ui.allocate_ui_with_layout(vec2(ui.available_width(), height), Layout::top_down(Align::Min), |ui| {
                let area = ScrollArea::vertical().id_salt("data details").auto_shrink([false, false]);
                area.show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = theme::GAP;
                    let selected = classes.selected(data);
                    theme::card(ui, |ui| gallery::gallery_ui(ui, data, facts, selected, media));
                    theme::card(ui, |ui| split_ui(ui, data, facts));
                    let sets = data.catalog.verification_sets.as_slice();
                    if !sets.is_empty() {
                        theme::card(ui, |ui| sets_ui(ui, sets, out));
                    }
                    let problems = problems::besides(data);
                    if !problems.is_empty() {
                        theme::card(ui, |ui| problems::problems_ui(ui, &problems));
                    }
                    let items = facts.items(selected);
                    theme::card(ui, |ui| augmentation.ui(ui, data, Some(items), STRENGTHS, media));
                });
            });
        });
    }
}

/// The images, or what is wrong with them; and what can be made of them.
fn view_ui(ui: &mut Ui, state: &State, data: &OpenData, out: &mut Vec<Action>) {
    let diagnosis = &data.check.diagnosis;
    ui.horizontal(|ui| {
        let views = vec![
            Segment::new(false, "Images", "The classes, their images, and how they are divided"),
            Segment::new(true, "Check", "What is wrong with the images, and which are left out"),
        ];
        if let Some(shown) = segmented(ui, views, &data.check.shown) {
            out.push(Action::Check(CheckAction::Show(shown)));
        }
        let found = diagnosis.findings.iter().filter(|finding| finding.kind != FindingKind::Excluded).count();
        let examination = &diagnosis.examination;
        let mut words = match (examination.has_looked(), found) {
            (true, 0) => "nothing wrong was found".to_owned(),
            (false, 0) => "not checked yet".to_owned(),
            (_, count) => counted_spaced(count, "finding"),
        };
        if examination.has_looked() && !examination.has_compared_all() {
            words += ", not all compared";
        }
        if !diagnosis.excluded.is_empty() {
            words += &format!(", {} excluded", count_text(diagnosis.excluded.len()));
        }
        ui.label(theme::caption(words));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let no_files = "Only images that lie in a folder as files can be aligned";
            CommandButton::new("data.align").why_not(no_files).ui(ui, state, out);
            CommandButton::new("data.export").label("Export…").ui(ui, state, out);
        });
    });
}

fn empty_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let text = "Drop a folder of images anywhere in this window. Every sub-folder becomes a class: one per person, product, \
                animal or glyph. Nothing leaves this computer.";
    theme::empty_state(ui, "Open a folder of images", text, |ui| first_step_ui(ui, state, Lack::Images, out));
}

fn opening_ui(ui: &mut Ui, path: &Path, progress: &Progress, cancel: impl FnOnce()) {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    theme::empty_state(
        ui,
        &format!("Reading {name}"),
        "Every image is looked at once; it is decoded when it is needed.",
        |ui| {
            job_bar_of(ui, progress, vec2(320.0, SPACE));
            ui.label(theme::caption(images_text(progress, "Listing the files")));
            ui.add_space(SPACE);
            if ui.button("Cancel").on_hover_text("Stops reading").clicked() {
                cancel();
            }
        },
    );
}

fn failed_ui(ui: &mut Ui, state: &State, path: &Path, notice: &Notice, out: &mut Vec<Action>) {
    ui.vertical_centered(|ui| {
        ui.add_space(SPACE * 8.0);
        ui.set_max_width(640.0);
        theme::error_card(ui, notice, out);
        ui.add_space(SPACE * 2.0);
        // The same folder once more helps only where it was changed meanwhile.
        CommandButton::new("data.open_folder").label("Open another folder…").primary_ui(ui, state, out);
        ui.add_space(SPACE);
        if ui.button("Try again").on_hover_text(path.display().to_string()).clicked() {
            out.push(Action::OpenData(path.to_owned()));
        }
    });
}

fn summary_ui(ui: &mut Ui, data: &OpenData, facts: &Facts, out: &mut Vec<Action>) {
    let catalog = &data.catalog;
    let colour = if catalog.all_grey() { "grey" } else { "colour" };
    let items = [
        (
            "Classes",
            count_text(catalog.classes.len()),
            "One class per identity: the images of one person, product or glyph",
        ),
        ("Images", count_text(catalog.items.len()), "Images that can be used"),
        ("Per class", facts.per_class.clone(), "Fewest to most images of a class; every class needs at least two"),
        (
            "Size",
            facts.sizes.clone(),
            "Width and height in pixels; images are brought to one size before the network sees them",
        ),
        ("Colour", colour.to_owned(), "Whether the files hold colour"),
        ("Layout", catalog.layout.to_string(), "How the files were recognised"),
    ];
    ui.horizontal(|ui| {
        ui.vertical(|ui| {
            ui.set_max_width(ui.available_width() - BUTTON_WIDTH);
            theme::stats(ui, &items);
        });
        ui.with_layout(Layout::top_down(Align::Max), |ui| {
            if theme::primary_button(ui, "Train on this")
                .on_hover_text("Goes to the settings; nothing starts yet (2)")
                .clicked()
            {
                out.push(Action::Go(Workspace::Train));
            }
        });
    });
}

fn split_ui(ui: &mut Ui, data: &OpenData, facts: &Facts) {
    ui.horizontal(|ui| {
        ui.label(theme::subheading("Split"));
        if let Ok(split) = &data.split {
            let words = facts::kind_in_words(split.kind);
            ui.label(theme::caption(words.name)).on_hover_text(words.term);
        }
    });
    let split = match &data.split {
        Ok(split) => split,
        Err(reason) => {
            ui.label(RichText::new(window_text(reason)).color(theme::tokens(ui).bad));
            ui.label(theme::caption("Change the split, or the fewest images per class, in Train."));
            return;
        }
    };
    ui.label(RichText::new(facts::kind_in_words(split.kind).meaning).weak());
    ui.add_space(SPACE / 2.0);
    share_bar_ui(ui, split.train.len(), split.validation.len());
    ui.add_space(SPACE / 2.0);
    let part =
        |images: usize, classes: usize| format!("{} in {}", counted_spaced(images, "image"), classes_spaced(classes));
    let items = [
        ("To train on", part(split.train.len(), split.train_classes.len()), "Images the network learns from"),
        (
            "Held out",
            part(split.validation.len(), split.validation_classes.len()),
            "Images it is measured on and never learns from",
        ),
        ("Genuine pairs", count_text(facts.genuine), "Pairs of held-out images of the same class"),
        ("Impostor pairs", count_text(facts.impostor), "Pairs of held-out images of different classes"),
    ];
    let colours = share_colours(ui);
    theme::keyed_stats(ui, &items, &colours);
}

/// What lies beside the images for models to be measured on.
fn sets_ui(ui: &mut Ui, sets: &[PathBuf], out: &mut Vec<Action>) {
    ui.label(theme::subheading("Verification sets beside it"));
    ui.label(theme::caption("Pairs of other images, on which a model is measured in Evaluate"));
    ui.add_space(SPACE / 2.0);
    let pressed = ui.horizontal_wrapped(|ui| set_buttons(ui, sets)).inner;
    out.extend(pressed.map(|set| Action::LookAtPairs(set.clone())));
}

/// What is to train on and what is held out, as the bar shows them.
fn share_colours(ui: &Ui) -> [Color32; 2] {
    [theme::tokens(ui).accent, ui.visuals().extreme_bg_color]
}

/// A bar that shows how much is held out.
fn share_bar_ui(ui: &mut Ui, train: usize, held_out: usize) {
    let [to_train_on, rest] = share_colours(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 8.0), egui::Sense::hover());
    let share = train as f32 / (train + held_out).max(1) as f32;
    let middle = rect.left() + rect.width() * share;
    let painter = ui.painter();
    painter.rect_filled(rect, 4.0, rest);
    let left = egui::Rect::from_min_max(rect.min, egui::pos2(middle - 1.0, rect.bottom()));
    painter.rect_filled(left, 4.0, to_train_on);
    response.on_hover_text(format!("{:.0} % to train on", share * 100.0));
}

#[cfg(test)]
mod tests;
