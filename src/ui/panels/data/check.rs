//! The check of the images: what was found on the left, the images of one finding on the right, and what to leave out.
//!
//! Decides nothing: findings come ready made, and what is excluded is asked for as an action. Positions of images are
//! those of the whole data set, because excluded images are shown too.

mod groups;
mod list;
#[cfg(test)]
mod tests;

use crate::app::{Action, CheckAction, OpenData, State};
use crate::data::{Diagnosis, Finding, FindingKind};
use crate::ui::Media;
use crate::ui::command_button::CommandButton;
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::figures::count_text;
use crate::ui::widgets::job_bar::{images_text, job_bar};
use eframe::egui::{self, Align, Layout, RichText, Ui, vec2};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Width of the list of findings.
const LIST_WIDTH: f32 = 340.0;

/// Selected finding, ticked images and ticked files.
#[derive(Debug, Default)]
pub(super) struct CheckPanel {
    selected: Option<FindingKind>,
    ticked: BTreeSet<u32>,
    /// Of whom they are ticked.
    of: Option<Arc<Diagnosis>>,
}

impl CheckPanel {
    /// Draws the check over the room that is left.
    pub(super) fn ui(&mut self, ui: &mut Ui, state: &State, data: &OpenData, media: &mut Media, out: &mut Vec<Action>) {
        let diagnosis = &data.check.diagnosis;
        if self.of.as_ref().is_none_or(|of| !Arc::ptr_eq(of, diagnosis)) {
            self.ticked.clear();
            self.of = Some(Arc::clone(diagnosis));
        }
        let height = ui.available_height();
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = theme::GAP;
            ui.allocate_ui_with_layout(vec2(LIST_WIDTH, height), Layout::top_down(Align::Min), |ui| {
                theme::card(ui, |ui| {
                    ui.set_min_height(ui.available_height());
                    job_ui(ui, state, data, out);
                    ui.add_space(SPACE);
                    if let Some(kind) = list::list_ui(ui, diagnosis, self.selected_of(diagnosis)) {
                        self.ticked.clear();
                        self.selected = Some(kind);
                    }
                });
            });
            ui.allocate_ui_with_layout(vec2(ui.available_width(), height), Layout::top_down(Align::Min), |ui| {
                theme::card(ui, |ui| {
                    ui.set_min_height(ui.available_height());
                    let selected = self.selected_of(diagnosis);
                    match diagnosis.findings.iter().find(|finding| Some(finding.kind) == selected) {
                        Some(finding) => self.finding_ui(ui, data, finding, media, out),
                        None => nothing_ui(ui, data),
                    }
                });
            });
        });
    }

    /// The finding chosen, else the gravest.
    fn selected_of(&self, diagnosis: &Diagnosis) -> Option<FindingKind> {
        let has = |kind: FindingKind| diagnosis.findings.iter().any(|finding| finding.kind == kind);
        self.selected.filter(|kind| has(*kind)).or_else(|| diagnosis.findings.first().map(|finding| finding.kind))
    }

    fn finding_ui(
        &mut self,
        ui: &mut Ui,
        data: &OpenData,
        finding: &Finding,
        media: &mut Media,
        out: &mut Vec<Action>,
    ) {
        ui.label(theme::subheading(finding.headline.clone()));
        ui.label(RichText::new(finding.kind.advice()).weak());
        if finding.is_cut {
            let text = "There is too much alike in this data set to compare everything; there may be more.";
            ui.label(theme::caption(text).color(theme::tokens(ui).warning));
        }
        ui.add_space(SPACE / 2.0);
        let is_changing = data.check.change.is_some();
        ui.add_enabled_ui(!is_changing, |ui| self.buttons_ui(ui, finding, is_changing, out));
        ui.add_space(SPACE / 2.0);
        if !finding.files.is_empty() {
            files_ui(ui, finding, &mut self.ticked);
        }
        let catalog = data.check.diagnosis.examination.catalog();
        groups::groups_ui(ui, catalog, finding, can_change(finding).then_some(&mut self.ticked), media);
    }

    /// What can be done with the images and files of a finding, unless the last change is still being written.
    fn buttons_ui(&mut self, ui: &mut Ui, finding: &Finding, is_changing: bool, out: &mut Vec<Action>) {
        if !can_change(finding) {
            return;
        }
        let include = finding.kind == FindingKind::Excluded;
        let verb = if include { "Include" } else { "Exclude" };
        let ask = |items: Vec<u32>| {
            Action::Check(if include { CheckAction::Include(items) } else { CheckAction::Exclude(items) })
        };
        let help = if include { "They are used again" } else { "They are left out; the files stay as they are" };
        let why_not =
            if is_changing { "The last change is still being written" } else { "Tick an image or a file first" };
        ui.horizontal_wrapped(|ui| {
            let button = |ui: &mut Ui, text: String, enabled: bool| {
                let button = ui.add_enabled(enabled, egui::Button::new(text));
                button.on_hover_text(help).on_disabled_hover_text(why_not).clicked()
            };
            let ticked = count_text(self.ticked.len());
            if button(ui, format!("{verb} the ticked ({ticked})"), !self.ticked.is_empty()) {
                out.push(ask(self.ticked.iter().copied().collect()));
            }
            if finding.has_copies() && button(ui, "Exclude all but the first of each group".to_owned(), true) {
                out.push(ask(finding.all_but_first()));
            }
            if include && button(ui, "Include all".to_owned(), true) {
                out.push(ask(finding.items()));
            }
            let tick = if self.ticked.is_empty() { "Tick all" } else { "Tick none" };
            let turn = ui.button(tick).on_hover_text("Nothing happens to the images yet");
            if turn.on_disabled_hover_text(why_not).clicked() {
                self.ticked =
                    if self.ticked.is_empty() { finding.items().into_iter().collect() } else { BTreeSet::new() };
            }
        });
    }
}

/// Its images or files can be excluded, or included again.
fn can_change(finding: &Finding) -> bool {
    finding.kind.can_be_excluded() || finding.kind == FindingKind::Excluded
}

/// The button, or how far the check is, and what went wrong.
fn job_ui(ui: &mut Ui, state: &State, data: &OpenData, out: &mut Vec<Action>) {
    ui.label(theme::subheading("Check"));
    let check = &data.check;
    let has_looked = check.diagnosis.examination.has_looked();
    if let Some(id) = check.job {
        let progress = state.job(id).map(|job| job.progress).unwrap_or_default();
        job_bar(ui, &progress);
        ui.horizontal(|ui| {
            ui.label(theme::caption(images_text(&progress, "Reading the images")));
            if ui.button("Stop checking").on_hover_text("Nothing is changed").clicked() {
                out.push(Action::CancelJob(id));
            }
        });
        return;
    }
    let text = match (has_looked, check.diagnosis.examination.has_compared_all()) {
        (true, true) => "Every image was read and compared with every other.",
        (true, false) => {
            "Every image was read, and copies were looked for. The images are too many, or too many of them alike, to \
             compare all by their looks: near copies across classes may have been missed."
        }
        (false, _) => {
            "Reads every image, and finds broken files, copies, and images that look almost the same under two names. \
             Nothing is changed."
        }
    };
    ui.label(RichText::new(text).weak());
    if let Some(error) = &check.error {
        ui.label(RichText::new(&error.headline).color(theme::tokens(ui).bad));
        error.hint.iter().for_each(|hint| {
            ui.label(theme::caption(hint.clone()));
        });
    }
    let label = if has_looked { "Check again" } else { "Check the images" };
    CommandButton::new("data.check").label(label).ui(ui, state, out);
}

/// There is no finding to show.
fn nothing_ui(ui: &mut Ui, data: &OpenData) {
    let examination = &data.check.diagnosis.examination;
    let (title, text) = match (examination.has_looked(), examination.has_compared_all()) {
        (true, true) => (
            "Nothing wrong was found",
            "Every image can be read, none is there twice, and the classes are of similar size.",
        ),
        (true, false) => (
            "Nothing wrong was found, but not all was compared",
            "Every image can be read, no file is there twice, and the classes are of similar size. Near copies across \
             classes may have been missed.",
        ),
        (false, _) => {
            ("Not checked yet", "So far only names, sizes and counts are known, and nothing is wrong with them.")
        }
    };
    theme::empty_state(ui, title, text, |_| ());
}

/// Files that are not among the images, each with a tick.
fn files_ui(ui: &mut Ui, finding: &Finding, ticked: &mut BTreeSet<u32>) {
    let title = match finding.kind {
        FindingKind::Excluded => format!("Files that could not be read ({})", count_text(finding.files_total)),
        _ => format!("Left out when the data set was opened ({})", count_text(finding.files_total)),
    };
    egui::CollapsingHeader::new(title).id_salt("files left out").default_open(finding.groups.is_empty()).show(
        ui,
        |ui| {
            egui::ScrollArea::vertical().id_salt("files").max_height(180.0).auto_shrink([false, true]).show(ui, |ui| {
                ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Truncate);
                for (file, position) in finding.files.iter().zip(&finding.file_positions) {
                    let mut is_ticked = ticked.contains(position);
                    let tick = theme::checkbox(ui, &mut is_ticked, theme::caption(file.clone()));
                    if tick.on_hover_text(file).changed() && !ticked.remove(position) {
                        ticked.insert(*position);
                    }
                }
                let more = finding.files_total.saturating_sub(finding.files.len());
                if more > 0 {
                    ui.label(theme::caption(format!("and {} more", count_text(more))));
                }
            });
        },
    );
}
