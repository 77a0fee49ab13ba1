//! The list of classes: a picture, the name, how many images; found by typing a part of the name.

use super::facts::Facts;
use crate::app::OpenData;
use crate::data::SplitKind;
use crate::ui::Media;
use crate::ui::theme;
use crate::ui::widgets::neighbour_strip::fit_picture;
use eframe::egui::{self, Align, Label, Layout, RichText, Sense, Ui, vec2};
use egui_extras::{Column, TableBuilder, TableRow};

const ROW_HEIGHT: f32 = 40.0;
const THUMB_PX: u32 = 64;

/// What is typed and selected.
#[derive(Debug, Default)]
pub(super) struct ClassList {
    typed: String,
    selected: u32,
}

impl ClassList {
    /// The class shown beside the list.
    pub(super) fn selected(&self, data: &OpenData) -> u32 {
        self.selected.min(data.catalog.classes.len().saturating_sub(1) as u32)
    }

    /// Draws the list over the height that is left.
    pub(super) fn ui(&mut self, ui: &mut Ui, data: &OpenData, facts: &Facts, media: &mut Media) {
        self.search_ui(ui);
        let typed = self.typed.to_lowercase();
        let names = data.catalog.classes.iter().enumerate();
        let found: Vec<u32> = names
            .filter(|(_, name)| typed.is_empty() || name.to_lowercase().contains(&typed))
            .map(|(class, _)| class as u32)
            .collect();
        if found.is_empty() {
            ui.label(RichText::new("No class has this in its name").weak());
        }
        let selected = self.selected(data);
        let mut chosen = None;
        // The scroll bar lives in the card's own margin, so that names and counts stay aligned with the heading.
        let table = TableBuilder::new(ui)
            .id_salt("classes")
            .sense(Sense::click())
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::exact(ROW_HEIGHT - 4.0))
            .column(Column::remainder().clip(true))
            .column(Column::exact(44.0))
            .auto_shrink([false, false]);
        table.body(|body| {
            body.rows(ROW_HEIGHT, found.len(), |mut row| {
                let Some(&class) = found.get(row.index()) else { return };
                row.set_selected(class == selected);
                if row_ui(&mut row, data, facts, class, media) {
                    chosen = Some(class);
                }
            });
        });
        self.selected = chosen.unwrap_or(selected);
    }

    fn search_ui(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            let label = ui.label(theme::subheading("Classes"));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let edit = egui::TextEdit::singleline(&mut self.typed).hint_text("Find").desired_width(120.0);
                ui.add(edit).labelled_by(label.id);
            });
        });
    }
}

/// What "held out" takes beside a name, in points.
const HELD_OUT_PT: f32 = 64.0;

fn row_ui(row: &mut TableRow<'_, '_>, data: &OpenData, facts: &Facts, class: u32, media: &mut Media) -> bool {
    let name = data.catalog.classes.get(class as usize).map_or("", String::as_str);
    let items = facts.items(class);
    row.col(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(32.0, 32.0), Sense::hover());
        ui.painter().rect_filled(rect, 6.0, theme::tokens(ui).control);
        let first = items.first().and_then(|item| media.item(ui.ctx(), &data.catalog, *item, THUMB_PX));
        if let Some(texture) = first {
            fit_picture(ui, rect, &texture);
        }
    });
    row.col(|ui| {
        let room = ui.available_width();
        let written = ui.add(Label::new(name).truncate().selectable(false)).rect.width();
        // A part of the words would say nothing.
        if is_held_out(data, class) && written + HELD_OUT_PT <= room {
            ui.add(Label::new(theme::caption("held out")).selectable(false));
        }
    });
    let count = data.class_counts.get(class as usize).copied().unwrap_or(0);
    row.col(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let text = RichText::new(count.to_string());
            ui.add(
                Label::new(if count < 2 { text.color(theme::tokens(ui).warning) } else { text.weak() })
                    .selectable(false),
            );
        });
    });
    let response = row.response();
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Class {name}")));
    response.clicked()
}

/// The present split holds out the whole class.
fn is_held_out(data: &OpenData, class: u32) -> bool {
    let Ok(split) = &data.split else { return false };
    split.kind == SplitKind::ByIdentity && split.validation_classes.binary_search(&class).is_ok()
}
