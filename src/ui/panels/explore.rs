//! The map: where every held-out image lies, and what is near it.
//!
//! Not the computation of the map (a worker's) nor of neighbours (found on the embeddings when a point is selected). This
//! panel keeps only how one looks at it: zoom and turn, the search text, and caches of what is expensive to find out.

mod legend;
mod search;
mod selection;
mod waiting;

use self::legend::{Legend, legend_ui};
use self::search::Search;
use self::selection::selection_ui;
use self::waiting::{busy_ui, empty_ui, first_map_ui};
use crate::app::{Action, ExploreView, State};
use crate::data::Catalog;
use crate::eval::EmbeddingTable;
use crate::map::{Layout, MapMethod};
use crate::ui::command_button::CommandButton;
use crate::ui::media::Media;
use crate::ui::theme;
use crate::ui::widgets::figures::{classes_spaced, counted_spaced};
use crate::ui::widgets::scatter::{ScatterInput, ScatterReply, ScatterView};
use crate::ui::widgets::segmented::{Segment, segmented};
use crate::ui::widgets::sheet::is_covered;
use eframe::egui::{self, Align, Key, Ui, vec2};
use std::sync::Arc;

/// Width of the side panel, in points.
const SIDE_PT: f32 = 288.0;
/// Pixels of the image shown while hovering.
const HOVER_PX: u32 = 192;
/// What the button says that computes the map again.
const AGAIN: &str = "Compute again";
/// What PCA is.
const PCA_HELP: &str = "Principal components: linear, instant, repeatable";
/// Why the map cannot be computed again.
const BEING_COMPUTED: &str = "The map is being computed";

/// How the map is looked at.
#[derive(Debug, Default)]
pub struct ExplorePanel {
    view: ScatterView,
    search: Search,
    legend: Legend,
    hides_names: bool,
}

/// The three things without which there is nothing to look at.
struct Shown<'a> {
    table: &'a Arc<EmbeddingTable>,
    catalog: &'a Arc<Catalog>,
    explore: &'a ExploreView,
}

impl ExplorePanel {
    /// Draws the workspace.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, media: &mut Media, out: &mut Vec<Action>) {
        let explore = &state.explore;
        let (Some(table), Some(catalog)) = (&explore.table, &explore.catalog) else {
            empty_ui(ui, state, out);
            return;
        };
        let shown = Shown { table, catalog, explore };
        self.search.follow(table, catalog);
        self.legend.follow(ui, table, catalog);
        self.keys(ui, explore, out);
        header_ui(ui, state, &shown, out);
        self.tool_row(ui, &shown, out);
        ui.add_space(theme::SPACE / 2.0);
        let side = egui::Panel::right("explore side")
            .frame(egui::Frame::NONE.inner_margin(egui::Margin { left: 16, ..egui::Margin::ZERO }));
        side.exact_size(SIDE_PT)
            .resizable(false)
            .show_separator_line(false)
            .show(ui, |ui| self.side_ui(ui, &shown, media, out));
        egui::CentralPanel::no_frame().show(ui, |ui| self.centre_ui(ui, state, &shown, media, out));
    }

    /// Escape clears search, selection and isolation, unless a menu or a dialog is in front, which it closes.
    fn keys(&mut self, ui: &Ui, explore: &ExploreView, out: &mut Vec<Action>) {
        if is_covered(ui.ctx()) || !ui.input(|input| input.key_pressed(Key::Escape)) {
            return;
        }
        self.search.clear();
        if explore.selected.is_some() {
            out.push(Action::Select(None));
        }
        if !explore.isolated.is_empty() {
            out.push(Action::Isolate(Vec::new()));
        }
    }

    /// Search, names, reset.
    fn tool_row(&mut self, ui: &mut Ui, shown: &Shown<'_>, out: &mut Vec<Action>) {
        ui.horizontal(|ui| {
            let field = egui::TextEdit::singleline(&mut self.search.text)
                .hint_text("Search class or file")
                .desired_width(220.0);
            let response = ui.add(field.margin(egui::Margin::symmetric(8, 5)));
            let response = response.accessible_name("Search class or file");
            if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
                out.extend(self.search.first(shown.table).map(|row| Action::Select(Some(row))));
            }
            self.search.update(shown.table, shown.catalog);
            if let Some(count) = self.search.count() {
                ui.label(theme::caption(if count == 0 {
                    "nothing found".to_owned()
                } else {
                    format!("{} found", counted_spaced(count, "image"))
                }));
            } else if !shown.explore.isolated.is_empty() {
                let classes = classes_spaced(shown.explore.isolated.len());
                ui.label(theme::caption(format!("{classes} shown, the rest dimmed")));
            }
            ui.with_layout(egui::Layout::right_to_left(Align::Center), |ui| {
                if ui
                    .button("Fit")
                    .on_hover_text(
                        "Shows the whole map again (double click on the map, or Home; Shift and arrow keys move it)",
                    )
                    .clicked()
                {
                    self.view.reset();
                }
                let mut names = !self.hides_names;
                theme::checkbox(ui, &mut names, "Class names")
                    .on_hover_text("Writes the names of the largest classes on the map");
                self.hides_names = !names;
            });
        });
    }

    fn side_ui(&mut self, ui: &mut Ui, shown: &Shown<'_>, media: &mut Media, out: &mut Vec<Action>) {
        if let Some(row) = shown.explore.selected {
            theme::card(ui, |ui| selection_ui(ui, shown, row, media, out));
            ui.add_space(theme::SPACE);
        }
        theme::card(ui, |ui| {
            if shown.explore.selected.is_none() {
                let text = "Click a point, or walk with the arrow keys, to see an image and its nearest neighbours.";
                ui.label(theme::caption(text));
                ui.add_space(theme::SPACE / 2.0);
            }
            legend_ui(ui, &self.legend, shown, out);
        });
    }

    fn centre_ui(&mut self, ui: &mut Ui, state: &State, shown: &Shown<'_>, media: &mut Media, out: &mut Vec<Action>) {
        if let Some(notice) = &shown.explore.error {
            theme::error_card(ui, notice, out);
            ui.add_space(theme::SPACE);
            ui.horizontal(|ui| {
                CommandButton::new("map.redo").label(AGAIN).why_not(BEING_COMPUTED).ui(ui, state, out);
                if shown.explore.may_pca_do && ui.button("Show PCA instead").on_hover_text(PCA_HELP).clicked() {
                    out.push(Action::SetMethod(MapMethod::Pca));
                }
            });
            ui.add_space(theme::SPACE);
        }
        let Some(layout) = &shown.explore.layout else {
            if shown.explore.job.is_some() {
                first_map_ui(ui, state, shown.explore, out);
            }
            return;
        };
        if shown.explore.job.is_some() {
            theme::card(ui, |ui| busy_ui(ui, state, shown.explore, out));
            ui.add_space(theme::SPACE);
        }
        ui.with_layout(egui::Layout::bottom_up(Align::Min), |ui| {
            note_ui(ui, layout);
            ui.add_space(2.0);
            self.map_ui(ui, shown, layout, media, out);
        });
    }

    fn map_ui(
        &mut self,
        ui: &mut Ui,
        shown: &Shown<'_>,
        layout: &Arc<Layout>,
        media: &mut Media,
        out: &mut Vec<Action>,
    ) {
        let isolated = &shown.explore.isolated;
        let classes = shown.table.classes();
        let search = &self.search;
        let emphasised = |row: u32| {
            let class = classes.get(row as usize);
            (isolated.is_empty() || class.is_some_and(|class| isolated.contains(class))) && search.finds(row)
        };
        let legend = &self.legend;
        let name = |class: u32| legend.name(class).to_owned();
        let input = ScatterInput {
            layout,
            classes,
            palette: legend.palette(),
            emphasised: &emphasised,
            selected: shown.explore.selected,
            neighbours: &shown.explore.neighbours,
            class_name: if self.hides_names { None } else { Some(&name) },
            names_class: &|class| isolated.is_empty() || isolated.contains(&class),
            walks: true,
        };
        let frame = theme::card_frame(ui).inner_margin(egui::Margin::same(1));
        let view = &mut self.view;
        let reply = frame.show(ui, |ui| view.ui(ui, &input)).inner;
        if reply.clicked && reply.hovered != shown.explore.selected {
            out.push(Action::Select(reply.hovered));
        }
        out.extend(reply.walked_to.map(|row| Action::Select(Some(row))));
        hover_ui(ui, shown, &reply, media);
    }
}

/// The method to mark: that of the map on its way, else that of the one that is seen.
fn method_shown(explore: &ExploreView) -> MapMethod {
    let on_its_way = explore.job.map(|job| job.method);
    let seen = explore.layout.as_ref().map(|layout| layout.method);
    on_its_way.or(seen).unwrap_or(explore.method)
}

/// Title, source, method.
fn header_ui(ui: &mut Ui, state: &State, shown: &Shown<'_>, out: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.set_min_height(32.0);
        ui.label(theme::heading("Explore"));
        ui.add_space(theme::SPACE);
        ui.with_layout(egui::Layout::right_to_left(Align::Center), |ui| {
            CommandButton::new("map.redo").label(AGAIN).why_not(BEING_COMPUTED).ui(ui, state, out);
            let methods = vec![
                Segment::new(MapMethod::Pca, "PCA", PCA_HELP),
                Segment::new(
                    MapMethod::Tsne,
                    "t-SNE",
                    "Keeps neighbourhoods together; distances and sizes of clusters mean little",
                ),
                Segment::new(
                    MapMethod::Sphere,
                    "Sphere",
                    "Three principal components on the unit sphere; drag to turn it",
                ),
            ];
            if let Some(method) = segmented(ui, methods, &method_shown(shown.explore)) {
                out.push(Action::SetMethod(method));
            }
            ui.with_layout(egui::Layout::left_to_right(Align::Center), |ui| {
                ui.add(egui::Label::new(theme::caption(&shown.explore.source)).truncate());
            });
        });
    });
}

/// What the method shows and does not show, and what was changed about the request.
fn note_ui(ui: &mut Ui, layout: &Layout) {
    let text = match layout.method {
        MapMethod::Pca => {
            "PCA shows the two directions in which the embeddings differ most. Images that differ only in other directions fall together."
        }
        MapMethod::Tsne => {
            "t-SNE keeps neighbours together. The size of a cluster and the distance between clusters mean little."
        }
        MapMethod::Sphere => {
            "The three directions in which the embeddings differ most, on the unit sphere. Angles are only roughly kept."
        }
    };
    let note = layout.note.as_deref().map_or_else(String::new, |note| format!(" Note: {note}."));
    ui.add(egui::Label::new(theme::caption(format!("{text}{note}"))).wrap());
}

/// The image under the pointer, at once.
fn hover_ui(ui: &Ui, shown: &Shown<'_>, reply: &ScatterReply, media: &mut Media) {
    let Some(row) = reply.hovered else { return };
    let Some(item) = shown.table.items().get(row as usize).copied() else { return };
    let id = reply.response.id.with("hovered image");
    let tooltip = egui::Tooltip::always_open(ui.ctx().clone(), ui.layer_id(), id, egui::PopupAnchor::Pointer);
    tooltip.gap(16.0).show(|ui| {
        ui.set_max_width(160.0);
        if let Some(texture) = media.item(ui.ctx(), shown.catalog, item, HOVER_PX) {
            let image = egui::Image::from_texture(&texture).fit_to_exact_size(vec2(144.0, 144.0)).corner_radius(4);
            ui.add(image.alt_text("Image under the pointer"));
        }
        ui.label(theme::subheading(shown.catalog.class_name(item as usize)));
        ui.label(theme::caption(shown.catalog.name(item as usize)));
    });
}

#[cfg(test)]
mod tests;
