//! What is wrong with some of the images: one line per kind, with what follows from it and a few examples. Not what the
//! check shows with its images.

use crate::app::OpenData;
use crate::data::{WarningGroup, WarningKind};
use crate::ui::theme;
use crate::ui::widgets::figures::count_text;
use eframe::egui::{self, RichText, Ui};

/// Draws the groups; the rest of the data set can be used.
pub(super) fn problems_ui(ui: &mut Ui, groups: &[WarningGroup]) {
    ui.horizontal(|ui| {
        let total = groups.iter().map(|group| group.count).sum();
        ui.label(theme::subheading("Problems"));
        ui.label(theme::caption(format!("{} in all; everything else can be used", count_text(total))));
    });
    for group in groups {
        group_ui(ui, group);
    }
}

/// The problems that the check does not list among its findings.
pub(super) fn besides(data: &OpenData) -> Vec<WarningGroup> {
    let findings = data.check.diagnosis.findings.iter();
    let said: Vec<WarningKind> = findings.flat_map(|finding| finding.kind.covers()).copied().collect();
    data.catalog.warnings.groups().into_iter().filter(|group| !said.contains(&group.kind)).collect()
}

fn group_ui(ui: &mut Ui, group: &WarningGroup) {
    let title = RichText::new(&group.headline).color(theme::tokens(ui).warning);
    egui::CollapsingHeader::new(title).id_salt(("problem", group.kind)).show(ui, |ui| {
        ui.label(group.hint);
        for example in &group.examples {
            ui.add(egui::Label::new(theme::caption(example.clone())).truncate()).on_hover_text(example);
        }
        let more = group.count.saturating_sub(group.examples.len());
        if more > 0 && !group.examples.is_empty() {
            ui.label(theme::caption(format!("and {} more", count_text(more))));
        }
    });
}
