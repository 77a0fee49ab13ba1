//! The list of classes: a picture, the name, how many images; found by typing a part of the name.

use super::facts::Facts;
use crate::app::OpenData;
use crate::data::{Catalog, SplitKind};
use crate::ui::Media;
use crate::ui::theme;
use crate::ui::widgets::figures::count_text;
use crate::ui::widgets::neighbour_strip::fit_picture;
use eframe::egui::{self, Align, Label, Layout, RichText, Sense, Ui, vec2};
use egui_extras::{Column, TableBuilder, TableRow};

const ROW_HEIGHT: f32 = 40.0;
const THUMB_PX: u32 = 64;

/// What is typed and selected, and what was found.
#[derive(Debug, Default)]
pub(super) struct ClassList {
    typed: String,
    selected: u32,
    /// Kept from frame to frame: there may be a hundred thousand names to look through.
    found: Option<Found>,
}

/// The classes that have what was typed in their name.
#[derive(Debug)]
struct Found {
    fingerprint: String,
    typed: String,
    classes: Vec<u32>,
}

impl Found {
    fn of(catalog: &Catalog, typed: &str) -> Self {
        let wanted = typed.to_lowercase();
        let names = catalog.classes.iter().enumerate();
        let found = names.filter(|(_, name)| wanted.is_empty() || name.to_lowercase().contains(&wanted));
        let classes = found.map(|(class, _)| class as u32).collect();
        Self { fingerprint: catalog.fingerprint.clone(), typed: typed.to_owned(), classes }
    }
}

impl ClassList {
    /// The class shown beside the list.
    pub(super) fn selected(&self, data: &OpenData) -> u32 {
        self.selected.min(data.catalog.classes.len().saturating_sub(1) as u32)
    }

    /// Draws the list over the height that is left.
    pub(super) fn ui(&mut self, ui: &mut Ui, data: &OpenData, facts: &Facts, media: &mut Media) {
        self.search_ui(ui);
        let selected = self.selected(data);
        let found = self.found(&data.catalog);
        if found.is_empty() {
            ui.label(RichText::new("No class has this in its name").weak());
        }
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

    /// Looked for again only when the text or the data set is another one.
    fn found(&mut self, catalog: &Catalog) -> &[u32] {
        let holds = |found: &Found| found.fingerprint == catalog.fingerprint && found.typed == self.typed;
        if !self.found.as_ref().is_some_and(holds) {
            self.found = Some(Found::of(catalog, &self.typed));
        }
        self.found.as_ref().map(|found| found.classes.as_slice()).unwrap_or_default()
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
            let text = RichText::new(count_text(count as usize));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_through_again_only_when_something_else_is_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        crate::data::testing::draw_classes(folder.path(), 3, 2);
        let catalog = Catalog::open(folder.path(), &|_| {}, &|| false).unwrap();
        let mut list = ClassList::default();
        assert_eq!(list.found(&catalog), [0, 1, 2]);
        let before = list.found(&catalog).as_ptr();
        assert_eq!(list.found(&catalog).as_ptr(), before);
        list.typed = catalog.classes[1].to_uppercase();
        assert_eq!(list.found(&catalog), [1]);
        list.typed = "nobody is called so".to_owned();
        assert!(list.found(&catalog).is_empty());
    }
}
