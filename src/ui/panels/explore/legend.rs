//! The classes of the map by size, with their colours; a click leaves one and dims the rest.

use super::Shown;
use crate::app::Action;
use crate::data::Catalog;
use crate::eval::EmbeddingTable;
use crate::ui::theme;
use crate::ui::widgets::figures::{classes_spaced, count_text, counted_spaced};
use eframe::egui::{self, Align2, Color32, CursorIcon, FontId, Role, Sense, Ui, WidgetInfo, vec2};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Height of a row, in points.
const ROW_PT: f32 = 26.0;

/// Names, counts and colours of classes, found out once per table and theme.
#[derive(Debug, Default)]
pub(super) struct Legend {
    table: Option<Arc<EmbeddingTable>>,
    dark: bool,
    /// (class, rows), the largest first.
    counts: Vec<(u32, usize)>,
    names: BTreeMap<u32, String>,
    palette: Vec<Color32>,
}

impl Legend {
    /// Takes notice of another table or theme.
    pub(super) fn follow(&mut self, ui: &Ui, table: &Arc<EmbeddingTable>, catalog: &Catalog) {
        let same_table = self.table.as_ref().is_some_and(|known| Arc::ptr_eq(known, table));
        let dark = ui.visuals().dark_mode;
        if same_table && dark == self.dark {
            return;
        }
        let mut counts = BTreeMap::<u32, usize>::new();
        self.names.clear();
        for (class, item) in table.classes().iter().zip(table.items()) {
            *counts.entry(*class).or_default() += 1;
            self.names.entry(*class).or_insert_with(|| catalog.class_name(*item as usize).to_owned());
        }
        let classes = counts.keys().next_back().map_or(0, |class| *class as usize + 1);
        self.palette = (0..classes).map(|class| theme::class_colour(ui, class)).collect();
        self.counts = counts.into_iter().collect();
        self.counts.sort_by_key(|(class, count)| (usize::MAX - count, *class));
        self.dark = dark;
        self.table = Some(Arc::clone(table));
    }

    /// Colour of every class.
    pub(super) fn palette(&self) -> &[Color32] {
        &self.palette
    }

    /// Name of a class.
    pub(super) fn name(&self, class: u32) -> &str {
        self.names.get(&class).map_or("", String::as_str)
    }

    /// Colour of a class.
    pub(super) fn colour(&self, class: u32) -> Color32 {
        self.palette.get(class as usize).copied().unwrap_or_default()
    }
}

/// Draws the list.
pub(super) fn legend_ui(ui: &mut Ui, legend: &Legend, shown: &Shown<'_>, out: &mut Vec<Action>) {
    let isolated = &shown.explore.isolated;
    ui.horizontal(|ui| {
        ui.set_min_height(28.0);
        ui.label(theme::subheading(classes_spaced(legend.counts.len())));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if !isolated.is_empty() && ui.button("Show all").on_hover_text("Shows all classes again (Esc)").clicked() {
                out.push(Action::Isolate(Vec::new()));
            }
        });
    });
    ui.spacing_mut().item_spacing.y = 0.0;
    let scroll = egui::ScrollArea::vertical().auto_shrink([false, true]).max_height(ui.available_height());
    scroll.show_rows(ui, ROW_PT, legend.counts.len(), |ui, rows| {
        for (class, count) in legend.counts.get(rows).unwrap_or_default() {
            if row_ui(ui, legend, *class, *count, isolated) {
                let adds = ui.input(|input| input.modifiers.command || input.modifiers.shift);
                out.push(Action::Isolate(isolate(isolated, *class, adds)));
            }
        }
    });
}

/// What is isolated after a click: only this class, or with a modifier this one more or less.
fn isolate(isolated: &[u32], class: u32, adds: bool) -> Vec<u32> {
    let others: Vec<u32> = isolated.iter().copied().filter(|other| *other != class).collect();
    let was_in = others.len() < isolated.len();
    match (adds, was_in) {
        (true, true) => others,
        (true, false) => others.into_iter().chain([class]).collect(),
        (false, true) if isolated.len() == 1 => Vec::new(),
        (false, _) => vec![class],
    }
}

fn row_ui(ui: &mut Ui, legend: &Legend, class: u32, count: usize, isolated: &[u32]) -> bool {
    let tokens = theme::tokens(ui);
    let pressed = isolated.contains(&class);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW_PT), Sense::click());
    let name = legend.name(class);
    let label = format!("{name}, {}", counted_spaced(count, "image"));
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, pressed, &label));
    let fill = match (pressed, response.hovered() || response.has_focus()) {
        (true, _) => Some(tokens.accent_faint),
        (false, true) => Some(tokens.control),
        (false, false) => None,
    };
    if let Some(fill) = fill {
        ui.painter().rect_filled(rect, 5.0, fill);
    }
    let dimmed = !isolated.is_empty() && !pressed;
    let text = if dimmed { tokens.text_dim } else { tokens.text };
    let dot = rect.left_center() + vec2(9.0, 0.0);
    ui.painter().circle_filled(dot, 5.0, legend.colour(class).gamma_multiply(if dimmed { 0.4 } else { 1.0 }));
    let mut job = egui::text::LayoutJob::simple_singleline(name.to_owned(), FontId::proportional(13.0), text);
    job.wrap = egui::text::TextWrapping::truncate_at_width((rect.width() - 80.0).max(20.0));
    let galley = ui.painter().layout_job(job);
    ui.painter().galley(rect.left_center() + vec2(21.0, -galley.size().y / 2.0), galley, text);
    let at = rect.right_center() - vec2(10.0, 0.0);
    ui.painter().text(at, Align2::RIGHT_CENTER, count_text(count), FontId::proportional(12.0), tokens.text_dim);
    response
        .on_hover_cursor(CursorIcon::PointingHand)
        .on_hover_text("Shows only this class; with Ctrl or Shift one more")
        .clicked()
}

#[cfg(test)]
mod tests {
    use super::isolate;

    #[test]
    fn a_click_isolates_a_second_click_shows_all_again() {
        assert_eq!(isolate(&[], 3, false), [3]);
        assert_eq!(isolate(&[3], 3, false), Vec::<u32>::new());
        assert_eq!(isolate(&[3, 5], 3, false), [3]);
        assert_eq!(isolate(&[3], 5, true), [3, 5]);
        assert_eq!(isolate(&[3, 5], 3, true), [5]);
    }
}
