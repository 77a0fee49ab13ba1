//! The frame every plot of error rates shares: title above the y axis, faint grid, ticks, and the way between values
//! and pixels.
//!
//! Not a general plotting library, and not `egui_plot`: the rates live on normal-deviate and logarithmic axes whose
//! ticks are plain rates, the operating point is dragged *along* a curve rather than panning the plot, and the whole
//! figure must be reachable by keyboard. That is less code on a painter than against a plot that owns the pointer.

use crate::eval::labels_with_room;
use crate::ui::theme;
use eframe::egui::{self, Align2, FontId, Painter, Pos2, Rect, Response, Sense, Stroke, Ui, Vec2, pos2, vec2};

/// Least room for tick labels on the left, room for them below, for the y title above, and for half a label on the right.
const LEFT: f32 = 48.0;
const BOTTOM: f32 = 40.0;
const TOP: f32 = 24.0;
const RIGHT: f32 = 14.0;
/// Between a tick label of the y axis and the plot.
const LABEL_TO_AXIS: f32 = 8.0;
/// Room between two tick labels of the x axis.
const LABEL_GAP_X: f64 = 10.0;
/// Tick labels of the y axis nearer than this would touch.
const LABEL_GAP_Y: f64 = 16.0;
/// Size of tick labels and axis titles, in points.
pub const TICK_PT: f32 = 11.0;
/// Pieces into which a dashed line is cut.
const DASH: f32 = 4.0;

/// One axis: the title, the values at its ends, and its ticks with their text.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Name with unit.
    pub title: &'static str,
    /// Value at the left or lower end.
    pub low: f64,
    /// Value at the other end.
    pub high: f64,
    /// Ticks, the most important first; those outside the ends are not drawn.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// The ticks between the ends.
    fn shown(&self) -> impl Iterator<Item = &(f64, String)> {
        self.ticks.iter().filter(|(value, _)| (self.low..=self.high).contains(value))
    }
}

/// Where the values of a plot are on the screen.
#[derive(Clone, Copy, Debug)]
pub struct PlotFrame {
    /// The plot without its labels.
    pub area: Rect,
    x: (f64, f64),
    y: (f64, f64),
}

impl PlotFrame {
    /// A frame without anything drawn.
    pub fn new(area: Rect, x: (f64, f64), y: (f64, f64)) -> Self {
        Self { area, x, y }
    }

    /// Values to a place on the screen.
    pub fn at(&self, x: f64, y: f64) -> Pos2 {
        let fraction =
            |value: f64, (low, high): (f64, f64)| ((value - low) / (high - low).max(f64::MIN_POSITIVE)) as f32;
        let (right, up) = (fraction(x, self.x), fraction(y, self.y));
        pos2(self.area.left() + right * self.area.width(), self.area.bottom() - up * self.area.height())
    }

    /// A place on the screen to values.
    pub fn values(&self, at: Pos2) -> (f64, f64) {
        let right = f64::from((at.x - self.area.left()) / self.area.width().max(1.0));
        let up = f64::from((self.area.bottom() - at.y) / self.area.height().max(1.0));
        (self.x.0 + right * (self.x.1 - self.x.0), self.y.0 + up * (self.y.1 - self.y.0))
    }
}

/// A frame that was put on the screen.
pub struct DrawnFrame {
    /// Values and pixels.
    pub frame: PlotFrame,
    /// Draws inside the axes only.
    pub inside: Painter,
    /// Draws everywhere in the widget.
    pub painter: Painter,
    /// The pointer over the whole widget.
    pub response: Response,
}

/// Takes `size` from the layout and draws axes, grid and ticks.
pub fn plot_frame(ui: &mut Ui, size: Vec2, x: &Axis, y: &Axis, sense: Sense) -> DrawnFrame {
    let (response, painter) = ui.allocate_painter(size, sense);
    let outer = response.rect;
    let left = room_on_the_left(&painter, y);
    let area = Rect::from_min_max(outer.min + vec2(left, TOP), outer.max - vec2(RIGHT, BOTTOM));
    let frame = PlotFrame::new(area, (x.low, x.high), (y.low, y.high));
    draw_axes(ui, &painter, frame, x, y);
    let inside = painter.with_clip_rect(area.intersect(painter.clip_rect()));
    DrawnFrame { frame, inside, painter, response }
}

/// Room for the widest tick label of the y axis: small rates have long names ("0.005 %").
fn room_on_the_left(painter: &Painter, y: &Axis) -> f32 {
    let width = |text: &str| {
        let font = FontId::proportional(TICK_PT);
        painter.layout_no_wrap(text.to_owned(), font, egui::Color32::PLACEHOLDER).size().x
    };
    let widest = y.shown().map(|(_, text)| width(text)).fold(0.0, f32::max);
    if y.ticks.is_empty() { RIGHT } else { (widest + LABEL_TO_AXIS).max(LEFT) }
}

fn draw_axes(ui: &Ui, painter: &Painter, frame: PlotFrame, x: &Axis, y: &Axis) {
    let tokens = theme::tokens(ui);
    let (area, font) = (frame.area, FontId::proportional(TICK_PT));
    // A line whose label found no room is fainter: it cannot be read off, only followed.
    let grid = |labelled: bool| Stroke::new(1.0, tokens.plot_grid.gamma_multiply(if labelled { 0.3 } else { 0.12 }));
    let label = |text: &str| painter.layout_no_wrap(text.to_owned(), font.clone(), tokens.text_dim);
    let below: Vec<_> = x.shown().map(|(value, text)| (frame.at(*value, y.low), label(text))).collect();
    let widths = below.iter().map(|(at, label)| (f64::from(at.x), f64::from(label.size().x / 2.0)));
    let has_room = labels_with_room(widths, LABEL_GAP_X);
    for ((at, label), has_room) in below.into_iter().zip(has_room) {
        painter.vline(at.x, area.y_range(), grid(has_room));
        if has_room {
            painter.galley(at + vec2(-label.size().x / 2.0, 6.0), label, tokens.text_dim);
        }
    }
    let beside: Vec<_> = y.shown().map(|(value, text)| (frame.at(x.low, *value), text)).collect();
    let has_room = labels_with_room(beside.iter().map(|(at, _)| (f64::from(at.y), 0.0)), LABEL_GAP_Y);
    for ((at, text), has_room) in beside.into_iter().zip(has_room) {
        painter.hline(area.x_range(), at.y, grid(has_room));
        if has_room {
            painter.text(at - vec2(LABEL_TO_AXIS, 0.0), Align2::RIGHT_CENTER, text, font.clone(), tokens.text_dim);
        }
    }
    painter.hline(area.x_range(), area.bottom(), Stroke::new(1.0, tokens.plot_grid));
    painter.text(area.left_top() - vec2(0.0, 8.0), Align2::LEFT_BOTTOM, y.title, font.clone(), tokens.text_dim);
    painter.text(area.right_bottom() + vec2(0.0, 22.0), Align2::RIGHT_TOP, x.title, font, tokens.text_dim);
}

/// A dashed straight line.
pub fn dashed(painter: &Painter, ends: [Pos2; 2], stroke: Stroke) {
    painter.extend(egui::Shape::dashed_line(&ends, stroke, DASH, DASH));
}

/// The area between two curves over the same places, as a strip: convex polygons only would not do.
pub fn band(painter: &Painter, upper: &[Pos2], lower: &[Pos2], fill: egui::Color32) {
    let mut mesh = egui::Mesh::default();
    for (above, below) in upper.iter().zip(lower) {
        mesh.colored_vertex(*above, fill);
        mesh.colored_vertex(*below, fill);
    }
    let pairs = (upper.len().min(lower.len())) as u32;
    for i in 1..pairs {
        let (a, b) = (2 * (i - 1), 2 * i);
        mesh.add_triangle(a, a + 1, b);
        mesh.add_triangle(a + 1, b, b + 1);
    }
    painter.add(mesh);
}

/// The outline of a figure that has the keyboard.
pub fn focus_outline(ui: &Ui, response: &Response, area: Rect) {
    if response.has_focus() {
        let stroke = Stroke::new(1.5, theme::tokens(ui).accent);
        ui.painter().rect_stroke(area.expand(3.0), 4.0, stroke, egui::StrokeKind::Outside);
    }
}

/// The vertex of a curve nearest to `at`, with its distance in points.
pub fn nearest_vertex(vertices: impl Iterator<Item = Pos2>, at: Pos2) -> Option<(usize, f32)> {
    vertices
        .enumerate()
        .map(|(index, vertex)| (index, vertex.distance(at)))
        .filter(|(_, distance)| distance.is_finite())
        .min_by(|a, b| a.1.total_cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_way_to_the_screen_and_back() {
        let area = Rect::from_min_max(pos2(50.0, 20.0), pos2(450.0, 220.0));
        let frame = PlotFrame::new(area, (-3.0, 0.5), (0.0, 2.0));
        assert_eq!(frame.at(-3.0, 0.0), area.left_bottom());
        assert_eq!(frame.at(0.5, 2.0), area.right_top());
        let (x, y) = frame.values(frame.at(-1.25, 0.75));
        assert!((x + 1.25).abs() < 1e-4 && (y - 0.75).abs() < 1e-4, "{x} {y}");
    }

    #[test]
    fn the_plot_leaves_room_for_its_longest_label() {
        let axis = |text: &str| Axis { title: "FRR", low: 0.0, high: 1.0, ticks: vec![(0.5, text.to_owned())] };
        let context = egui::Context::default();
        let mut room = Vec::new();
        let _ = context.run_ui(egui::RawInput::default(), |ui| {
            room =
                ["1 %", "0.0005 % and more"].iter().map(|text| room_on_the_left(ui.painter(), &axis(text))).collect();
            room.push(room_on_the_left(ui.painter(), &Axis { ticks: Vec::new(), ..axis("") }));
        });
        assert_eq!(room[0], LEFT);
        assert!(room[1] > LEFT + 20.0, "{room:?}");
        assert_eq!(room[2], RIGHT);
    }

    #[test]
    fn the_nearest_vertex_wins_and_a_vertex_at_infinity_does_not() {
        let vertices = [pos2(0.0, 0.0), pos2(f32::INFINITY, 0.0), pos2(10.0, 0.0)];
        assert_eq!(nearest_vertex(vertices.into_iter(), pos2(7.0, 4.0)), Some((2, 5.0)));
        assert_eq!(nearest_vertex(std::iter::empty(), Pos2::ZERO), None);
    }
}
