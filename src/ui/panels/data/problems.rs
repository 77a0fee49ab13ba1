//! What is wrong with some of the images: one line per kind, with what follows from it and a few examples.

use crate::data::{WarningGroup, Warnings};
use crate::ui::theme;
use crate::ui::widgets::figures::count_text;
use eframe::egui::{self, RichText, Ui};

/// Draws the groups; the rest of the data set can be used.
pub(super) fn problems_ui(ui: &mut Ui, warnings: &Warnings) {
    ui.horizontal(|ui| {
        ui.label(theme::subheading("Problems"));
        ui.label(theme::caption(format!("{} in all; everything else can be used", count_text(warnings.total()))));
    });
    for group in warnings.groups() {
        group_ui(ui, &group);
    }
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
