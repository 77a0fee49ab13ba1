//! The images of a finding, group by group, each with a tick; only the rows on screen exist.

use crate::data::{Catalog, Finding, Group};
use crate::ui::Media;
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::neighbour_strip::fit_picture;
use crate::worker::protocol::ImageSource;
use eframe::egui::{
    self, Align2, FontId, Label, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

const TILE: f32 = 88.0;
const TILE_PX: u32 = 176;
const CAPTION: f32 = 18.0;
const TITLE: f32 = 20.0;

/// A line of tiles: a part of a group, or the only images of some groups.
struct Row {
    groups: Range<usize>,
    items: Range<usize>,
}

/// Groups of one image each stand beside each other, without titles.
fn rows_of(finding: &Finding, columns: usize) -> (Vec<Row>, f32) {
    let groups = finding.groups.len();
    if finding.groups.iter().all(|group| group.items.len() == 1) {
        let row = |start: usize| Row { groups: start..groups.min(start + columns), items: 0..1 };
        return ((0..groups).step_by(columns).map(row).collect(), 0.0);
    }
    let parts = |(number, group): (usize, &Group)| {
        let count = group.items.len();
        let row = move |start: usize| Row { groups: number..number + 1, items: start..count.min(start + columns) };
        (0..count).step_by(columns).map(row)
    };
    (finding.groups.iter().enumerate().flat_map(parts).collect(), TITLE)
}

/// Draws the groups; ticks change in place, and without `ticked` there are none.
pub(super) fn groups_ui(
    ui: &mut Ui,
    catalog: &Arc<Catalog>,
    finding: &Finding,
    mut ticked: Option<&mut BTreeSet<u32>>,
    media: &mut Media,
) {
    let width = ui.available_width() - SPACE * 2.0;
    let columns = (((width + SPACE) / (TILE + SPACE)).floor() as usize).max(1);
    let (rows, title_height) = rows_of(finding, columns);
    let height = title_height + TILE + CAPTION;
    let area = ScrollArea::vertical().id_salt(("groups", finding.kind)).auto_shrink([false, false]);
    area.show_rows(ui, height, rows.len(), |ui, visible| {
        for row in rows.get(visible).unwrap_or_default() {
            let groups = finding.groups.get(row.groups.clone()).unwrap_or_default();
            ui.allocate_ui(vec2(ui.available_width(), height), |ui| {
                ui.spacing_mut().item_spacing = vec2(SPACE, 0.0);
                if title_height > 0.0 {
                    title_ui(ui, groups.first().filter(|_| row.items.start == 0).map_or("", |group| &group.title));
                }
                ui.horizontal(|ui| {
                    for &item in groups.iter().flat_map(|group| group.items.get(row.items.clone()).unwrap_or_default())
                    {
                        let tick = ticked.as_deref().map(|ticked| ticked.contains(&item));
                        let is_turned = tile_ui(ui, catalog, item, tick, media);
                        if is_turned
                            && let Some(ticked) = &mut ticked
                            && !ticked.remove(&item)
                        {
                            ticked.insert(item);
                        }
                    }
                });
            });
        }
    });
}

fn title_ui(ui: &mut Ui, title: &str) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), TITLE), Sense::hover());
    ui.put(rect, |ui: &mut Ui| {
        let layout = egui::Layout::left_to_right(egui::Align::Center);
        ui.with_layout(layout, |ui| ui.add(Label::new(theme::caption(title)).truncate())).inner
    });
}

/// Draws one image, with its tick where it has one; tells whether that was turned.
fn tile_ui(ui: &mut Ui, catalog: &Arc<Catalog>, item: u32, tick: Option<bool>, media: &mut Media) -> bool {
    let tokens = theme::tokens(ui);
    let ticked = tick == Some(true);
    let sense = if tick.is_some() { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(TILE, TILE + CAPTION), sense);
    let (name, class) = (catalog.name(item as usize), catalog.class_name(item as usize));
    response.widget_info(|| match tick {
        Some(ticked) => WidgetInfo::selected(Role::CheckBox, true, ticked, &name),
        None => WidgetInfo::labeled(Role::Image, true, &name),
    });
    let picture = Rect::from_min_size(rect.min, Vec2::splat(TILE));
    ui.painter().rect_filled(picture, 6.0, tokens.control);
    if ui.is_rect_visible(rect) {
        match media.source(ui.ctx(), &ImageSource::Item(Arc::clone(catalog), item), TILE_PX) {
            Some(Ok(texture)) => fit_picture(ui, picture, &texture),
            Some(Err(_)) => {
                let font = FontId::proportional(12.0);
                ui.painter().text(picture.center(), Align2::CENTER_CENTER, "No picture", font, tokens.text_dim);
            }
            None => {}
        }
    }
    let border = match (response.hovered() || response.has_focus(), ticked) {
        (true, _) => Stroke::new(2.0, tokens.accent),
        (false, true) => Stroke::new(2.0, tokens.bad),
        (false, false) => Stroke::new(1.0, tokens.card_border),
    };
    ui.painter().rect_stroke(picture, 6.0, border, StrokeKind::Inside);
    if let Some(ticked) = tick {
        tick_ui(ui, Rect::from_min_size(picture.min + vec2(5.0, 5.0), Vec2::splat(18.0)), ticked);
    }
    let mut job =
        egui::text::LayoutJob::simple_singleline(class.to_owned(), FontId::proportional(12.0), tokens.text_dim);
    job.wrap = egui::text::TextWrapping::truncate_at_width(TILE);
    let galley = ui.painter().layout_job(job);
    let left = picture.center().x - galley.size().x / 2.0;
    ui.painter().galley(pos2(left, picture.bottom() + 2.0), galley, tokens.text_dim);
    let response = response.on_hover_ui(|ui| {
        ui.label(&name);
        if let Some(item) = catalog.items.get(item as usize) {
            ui.label(theme::caption(format!("{class}, {}×{} px, {}", item.width, item.height, item.mode)));
        }
    });
    response.clicked()
}

fn tick_ui(ui: &Ui, rect: Rect, ticked: bool) {
    let (tokens, painter) = (theme::tokens(ui), ui.painter());
    painter.rect_filled(rect, 4.0, if ticked { tokens.accent } else { tokens.card });
    painter.rect_stroke(rect, 4.0, Stroke::new(1.0, tokens.text_dim), StrokeKind::Inside);
    if ticked {
        let at = |x: f32, y: f32| rect.min + vec2(x, y);
        painter.line(vec![at(4.0, 9.5), at(7.5, 13.0), at(14.0, 5.5)], Stroke::new(2.0, tokens.accent_text));
    }
}
