//! The map: thousands of points under the pointer, flat or as a globe that turns.
//!
//! Not `egui_plot`: ten thousand points are one batch of quads here, drawn in an order the map needs (dimmed first, near
//! last), and a drag turns the sphere instead of panning. Everything about *which* points are emphasised is decided by the
//! caller; this file knows positions, classes and the pointer.

mod drawing;

use self::drawing::{draw_globe, draw_marks, draw_points};
use super::figures::counted_spaced;
use super::projection::{Bounds, Projected, Projection, Viewpoint, pick};
use super::sheet::is_covered;
use crate::eval::Neighbour;
use crate::map::{Direction, Layout, next_towards};
use crate::ui::theme;
use eframe::egui::{
    self, Color32, FontId, Key, Modifiers, Painter, Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo, vec2,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How near the pointer has to be to a point, in points.
const REACH_PT: f32 = 12.0;
/// Class names drawn at most; more would hide the map.
const MAX_LABELS: usize = 40;
/// Points moved per press of an arrow key.
const KEY_STEP_PT: f32 = 24.0;
/// A row that is walked to keeps at least this far from the edge, in points.
const MARGIN_PT: f32 = 16.0;
/// A cluster that reaches further up than this carries its name in its middle, in points.
const WIDE_PT: f32 = 44.0;

/// What is drawn, and how.
pub struct ScatterInput<'a> {
    /// Positions.
    pub layout: &'a Arc<Layout>,
    /// Class of every row of the table behind the layout.
    pub classes: &'a [u32],
    /// Colour of every class.
    pub palette: &'a [Color32],
    /// Whether a row is drawn in full; the rest is dimmed.
    pub emphasised: &'a dyn Fn(u32) -> bool,
    /// The selected row.
    pub selected: Option<u32>,
    /// Its nearest rows by true cosine.
    pub neighbours: &'a [Neighbour],
    /// Name of a class, for the labels; `None` draws no labels.
    pub class_name: Option<&'a dyn Fn(u32) -> String>,
    /// Whether a class may be named; those that are dimmed need no name.
    pub names_class: &'a dyn Fn(u32) -> bool,
    /// Arrow keys walk from row to row, and move or turn the map with Shift only.
    pub walks: bool,
}

/// What the pointer and the arrow keys are doing.
pub struct ScatterReply {
    /// The row under the pointer.
    pub hovered: Option<u32>,
    /// The pointer was clicked (on nothing, if `hovered` is `None`).
    pub clicked: bool,
    /// The row that an arrow key leads to.
    pub walked_to: Option<u32>,
    /// The map itself.
    pub response: Response,
}

/// Where the person looks from, and what is expensive to find out about the layout.
#[derive(Debug, Default)]
pub struct ScatterView {
    view: Viewpoint,
    shown: Option<Shown>,
}

#[derive(Debug)]
struct Shown {
    layout: Arc<Layout>,
    bounds: Bounds,
    /// By falling size.
    classes: Vec<ClassPlace>,
}

/// Where the name of a class belongs.
#[derive(Debug, PartialEq)]
struct ClassPlace {
    class: u32,
    /// The middle of its points.
    centre: [f32; 3],
    /// How far above the middle nine tenths of its points end.
    reach_up: f32,
}

impl ScatterView {
    /// Shows everything again.
    pub fn reset(&mut self) {
        self.view = Viewpoint::default();
    }

    /// Draws the map over all the room there is.
    pub fn ui(&mut self, ui: &mut Ui, input: &ScatterInput<'_>) -> ScatterReply {
        self.follow(input);
        let (response, painter) = ui.allocate_painter(ui.available_size(), Sense::click_and_drag());
        let name = format!("Map of {}", counted_spaced(input.layout.rows.len(), "image"));
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, &name));
        let Some(bounds) = self.shown.as_ref().map(|shown| shown.bounds) else {
            return ScatterReply { hovered: None, clicked: false, walked_to: None, response };
        };
        let solid = bounds.dims == 3;
        self.steer(ui, &response, input);
        let projection = Projection::new(&bounds, response.rect.shrink(theme::SPACE * 2.0), &self.view);
        let points = place_all(&projection, input);
        let walked_to = self.walk(ui, &response, input, &points);
        let hovered = response.hover_pos().filter(|_| !response.dragged()).and_then(|pointer| {
            let candidates = points.iter().filter(|point| point.emphasised);
            pick(candidates.map(|point| (point.row, point.place)), pointer, REACH_PT)
        });
        if solid {
            draw_globe(ui, &painter, &projection);
        }
        draw_points(ui, &painter, input, &points, solid);
        self.draw_labels(ui, &painter, input, &projection);
        draw_marks(ui, &painter, input, &points, hovered);
        super::plot_frame::focus_outline(ui, &response, response.rect.shrink(5.0));
        if hovered.is_some() {
            ui.set_cursor_icon(egui::CursorIcon::PointingHand);
        }
        ScatterReply { hovered, clicked: response.clicked(), walked_to, response }
    }

    /// Takes notice of a new layout; the view is kept while the method stays the same.
    fn follow(&mut self, input: &ScatterInput<'_>) {
        if self.shown.as_ref().is_some_and(|shown| Arc::ptr_eq(&shown.layout, input.layout)) {
            return;
        }
        if self.shown.as_ref().is_some_and(|shown| shown.layout.method != input.layout.method) {
            self.reset();
        }
        self.shown = Some(Shown {
            layout: Arc::clone(input.layout),
            bounds: Bounds::of(&input.layout.xy, input.layout.dims),
            classes: class_places(input.layout, input.classes),
        });
    }

    fn steer(&mut self, ui: &Ui, response: &Response, input: &ScatterInput<'_>) {
        let solid = input.layout.dims == 3;
        if response.dragged() {
            self.view.drag(response.drag_delta(), solid);
        }
        if response.double_clicked() {
            self.reset();
        }
        if let Some(pointer) = response.hover_pos() {
            let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
            let factor = pinch * (scroll * 0.004).exp();
            if (factor - 1.0).abs() > 1e-4 {
                let around = if solid { Vec2::ZERO } else { pointer - response.rect.center() };
                self.view.zoom_by(factor, around);
            }
        }
        if response.has_focus() {
            self.steer_by_keys(ui, response, input);
        }
    }

    fn steer_by_keys(&mut self, ui: &Ui, response: &Response, input: &ScatterInput<'_>) {
        let solid = input.layout.dims == 3;
        let arrows = egui::EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        let step = |more, less| (f32::from(u8::from(pressed(more))) - f32::from(u8::from(pressed(less)))) * KEY_STEP_PT;
        let delta = vec2(step(Key::ArrowLeft, Key::ArrowRight), step(Key::ArrowUp, Key::ArrowDown));
        if delta != Vec2::ZERO && (!input.walks || ui.input(|input| input.modifiers.shift)) {
            self.view.drag(if solid { delta * 0.5 } else { delta }, solid);
        }
        if pressed(Key::Plus) || pressed(Key::Equals) {
            self.view.zoom_by(1.25, Vec2::ZERO);
        }
        if pressed(Key::Minus) {
            self.view.zoom_by(0.8, Vec2::ZERO);
        }
        if pressed(Key::Home) {
            self.reset();
        }
    }

    /// From the selected row to the next one in the direction of the arrow key that is pressed; without one, to the first row.
    /// What is dimmed, or behind the globe, is passed over.
    fn walk(&mut self, ui: &Ui, map: &Response, input: &ScatterInput<'_>, points: &[Point]) -> Option<u32> {
        let direction = if input.walks { pressed_arrow(ui, map)? } else { return None };
        let solid = input.layout.dims == 3;
        let can_be_seen = |point: &&Point| point.emphasised && (!solid || point.place.depth > 0.0);
        let open: Vec<(u32, [f32; 2])> =
            points.iter().filter(can_be_seen).map(|point| (point.row, point.place.at.into())).collect();
        let at = |row: u32| points.iter().find(|point| point.row == row).map(|point| point.place.at);
        let row = match input.selected.and_then(|row| Some((row, at(row)?))) {
            Some((row, from)) => next_towards(&open, (row, from.into()), direction)?,
            None => open.iter().map(|(row, _)| *row).min()?,
        };
        // The globe is in sight as a whole, unless it was made larger: then it is turned by hand.
        if let Some(to) = at(row).filter(|to| !solid && !map.rect.shrink(MARGIN_PT).contains(*to)) {
            self.view.drag(map.rect.center() - to, false);
        }
        Some(row)
    }

    /// Names of classes, the largest first, none over another: above a small cluster, in the middle of a wide one.
    fn draw_labels(&self, ui: &Ui, painter: &Painter, input: &ScatterInput<'_>, projection: &Projection) {
        let (Some(name), Some(shown)) = (input.class_name, &self.shown) else { return };
        let tokens = theme::tokens(ui);
        let mut taken: Vec<Rect> = Vec::new();
        let wanted = shown.classes.iter().filter(|place| (input.names_class)(place.class));
        for place in wanted.take(4 * MAX_LABELS) {
            let point = projection.project(place.centre.get(..shown.layout.dims).unwrap_or_default());
            if point.depth < 0.15 || !painter.clip_rect().contains(point.at) || taken.len() >= MAX_LABELS {
                continue;
            }
            let reach_pt = place.reach_up * projection.disc().1;
            let lift = if shown.layout.dims == 2 && reach_pt < WIDE_PT { reach_pt + 18.0 } else { 0.0 };
            let galley = painter.layout_no_wrap(name(place.class), FontId::proportional(11.5), tokens.text);
            let rect = Rect::from_center_size(point.at - vec2(0.0, lift), galley.size()).expand2(vec2(5.0, 2.0));
            if taken.iter().any(|other| other.intersects(rect)) {
                continue;
            }
            painter.rect_filled(rect, 5.0, tokens.card.gamma_multiply(0.82));
            painter.galley(rect.shrink2(vec2(5.0, 2.0)).min, galley, tokens.text);
            taken.push(rect);
        }
    }
}

/// The arrow key that is pressed for the map: it has the keyboard, or nothing has, and no dialog or menu is in front.
fn pressed_arrow(ui: &Ui, map: &Response) -> Option<Direction> {
    let has_keyboard = ui.memory(|memory| memory.focused().is_none_or(|focused| focused == map.id));
    if !has_keyboard || is_covered(ui.ctx()) || ui.input(|input| input.modifiers.any()) {
        return None;
    }
    let arrows = [
        (Key::ArrowLeft, Direction::Left),
        (Key::ArrowRight, Direction::Right),
        (Key::ArrowUp, Direction::Up),
        (Key::ArrowDown, Direction::Down),
    ];
    let is_pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    arrows.into_iter().find(|(key, _)| is_pressed(*key)).map(|(_, direction)| direction)
}

/// The middle of each class: the median per axis, because one stray point must not pull a name off its cluster; on the
/// globe the mean direction.
fn class_places(layout: &Layout, classes: &[u32]) -> Vec<ClassPlace> {
    let mut of_class = BTreeMap::<u32, Vec<usize>>::new();
    for (i, row) in layout.rows.iter().enumerate() {
        if let Some(class) = classes.get(*row as usize) {
            of_class.entry(*class).or_default().push(i);
        }
    }
    let mut groups: Vec<(u32, Vec<usize>)> = of_class.into_iter().collect();
    groups.sort_by_key(|(class, members)| (usize::MAX - members.len(), *class));
    let place = |(class, members): (u32, Vec<usize>)| {
        let centre = middle(layout, &members);
        let reach_up = quantile(layout, &members, 1, 0.9) - centre.get(1).copied().unwrap_or(0.0);
        ClassPlace { class, centre, reach_up }
    };
    groups.into_iter().map(place).collect()
}

fn middle(layout: &Layout, members: &[usize]) -> [f32; 3] {
    let mut centre = [0.0; 3];
    for (axis, value) in centre.iter_mut().enumerate().take(layout.dims) {
        *value = quantile(layout, members, axis, 0.5);
    }
    if layout.dims == 3 {
        let length = centre.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-6);
        centre = centre.map(|value| value / length);
    }
    centre
}

/// The value on one axis below which this share of the points lies.
fn quantile(layout: &Layout, members: &[usize], axis: usize, share: f32) -> f32 {
    let mut values: Vec<f32> = members.iter().filter_map(|&i| layout.position(i).get(axis).copied()).collect();
    values.sort_by(f32::total_cmp);
    values.get((values.len() as f32 * share) as usize).or(values.last()).copied().unwrap_or(0.0)
}

/// A row on the screen.
#[derive(Clone, Copy)]
struct Point {
    row: u32,
    place: Projected,
    emphasised: bool,
}

/// All rows, what is nearest to the viewer last.
fn place_all(projection: &Projection, input: &ScatterInput<'_>) -> Vec<Point> {
    let layout = input.layout;
    let rows = layout.rows.iter().enumerate();
    let place = |(i, row): (usize, &u32)| Point {
        row: *row,
        place: projection.project(layout.position(i)),
        emphasised: (input.emphasised)(*row),
    };
    let mut points: Vec<Point> = rows.map(place).collect();
    if layout.dims == 3 {
        points.sort_unstable_by(|a, b| a.place.depth.total_cmp(&b.place.depth).then(a.row.cmp(&b.row)));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::MapMethod;

    fn layout() -> Layout {
        let xy = vec![0.0, 0.0, 1.0, 0.0, 100.0, 0.0, 5.0, 5.0];
        Layout { dims: 2, xy, method: MapMethod::Pca, note: None, rows: vec![0, 1, 2, 3] }
    }

    #[test]
    fn names_stand_at_the_median_of_the_largest_classes_first() {
        let places = class_places(&layout(), &[7, 7, 7, 2]);
        assert_eq!(places.iter().map(|place| place.class).collect::<Vec<_>>(), [7, 2]);
        assert!((places[0].centre[0] - 1.0).abs() < 1e-6, "one stray point does not pull the name away");
        assert!(places[1].reach_up.abs() < 1e-6, "a single point reaches nowhere");
    }

    #[test]
    fn rows_without_a_class_are_left_out_of_the_labels() {
        assert_eq!(class_places(&layout(), &[]), Vec::new());
    }

    #[test]
    fn many_points_are_drawn_smaller_than_few() {
        use super::drawing::point_radius;
        assert!(point_radius(50) > point_radius(10_000));
        assert!(point_radius(1_000_000) >= 2.0);
    }
}
