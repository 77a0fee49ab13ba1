//! Dots, marks and the globe on a painter.
//!
//! No `egui_plot` and no cache: dots move with every drag, so they are placed and batched anew each frame; ten thousand
//! take about two milliseconds.

use super::{Point, ScatterInput};
use crate::ui::theme;
use crate::ui::widgets::projection::{Projected, Projection};
use eframe::egui::{self, Color32, Painter, Pos2, Rect, Shape, Stroke, Ui, Vec2};

/// Meridians and parallels of the globe.
const GRATICULE: usize = 6;
/// More points than this are drawn as squares.
const MANY: usize = 20_000;

/// Radius that lets a hundred points be seen and ten thousand be told apart.
pub(super) fn point_radius(count: usize) -> f32 {
    (9.0 - 1.6 * (count.max(1) as f32).log10()).clamp(2.2, 5.0)
}

/// Dimmed rows first, then the others.
pub(super) fn draw_points(ui: &Ui, painter: &Painter, input: &ScatterInput<'_>, points: &[Point], solid: bool) {
    let tokens = theme::tokens(ui);
    let clip = painter.clip_rect().expand(6.0);
    let radius = point_radius(points.len());
    let dimmed = theme::mix(tokens.card, tokens.text_dim, 0.22);
    let visible =
        |emphasised| points.iter().filter(move |point| point.emphasised == emphasised && clip.contains(point.place.at));
    let size = |point: &Point| if solid { radius * (1.05 + 0.35 * point.place.depth) } else { radius };
    let back = visible(false).map(|point| (point.place.at, size(point) * 0.8, dimmed));
    let front = visible(true).map(|point| {
        let class = input.classes.get(point.row as usize).copied().unwrap_or_default() as usize;
        let colour = input.palette.get(class).copied().unwrap_or(tokens.text_dim);
        let fog = (0.78 - 0.39 * (point.place.depth + 1.0)).max(0.0);
        let colour = if solid { theme::mix(colour, tokens.card, fog) } else { colour.gamma_multiply(0.88) };
        (point.place.at, size(point), colour)
    });
    draw_dots(painter, back.chain(front), points.len());
}

/// Round dots; where there are very many, squares in one mesh, which cost a third and look the same at that size.
fn draw_dots(painter: &Painter, dots: impl Iterator<Item = (Pos2, f32, Color32)>, count: usize) {
    if count <= MANY {
        painter.extend(dots.map(|(at, radius, colour)| Shape::circle_filled(at, radius, colour)));
        return;
    }
    let mut mesh = egui::Mesh::default();
    mesh.reserve_vertices(4 * count);
    mesh.reserve_triangles(2 * count);
    for (at, radius, colour) in dots {
        // A square of the same area as the disc.
        mesh.add_colored_rect(Rect::from_center_size(at, Vec2::splat(1.77 * radius)), colour);
    }
    painter.add(mesh);
}

/// The selection, its neighbours and the row under the pointer.
pub(super) fn draw_marks(ui: &Ui, painter: &Painter, input: &ScatterInput<'_>, points: &[Point], hovered: Option<u32>) {
    let tokens = theme::tokens(ui);
    let place = |row: u32| points.iter().find(|point| point.row == row).map(|point| point.place.at);
    let radius = point_radius(points.len());
    if let Some(at) = input.selected.and_then(place) {
        for near in input.neighbours.iter().filter_map(|neighbour| place(neighbour.row as u32)) {
            painter.line_segment([at, near], Stroke::new(1.0, tokens.text_dim.gamma_multiply(0.4)));
            painter.circle_stroke(near, radius + 1.0, Stroke::new(1.25, tokens.text));
        }
        painter.circle_stroke(at, radius + 1.5, Stroke::new(2.0, tokens.text));
        painter.circle_stroke(at, radius + 5.0, Stroke::new(2.5, tokens.accent));
    }
    if let Some(at) = hovered.and_then(place) {
        painter.circle_stroke(at, radius + 3.0, Stroke::new(2.0, tokens.text));
    }
}

/// Rim, meridians and parallels of the globe; what faces away is fainter.
pub(super) fn draw_globe(ui: &Ui, painter: &Painter, projection: &Projection) {
    let tokens = theme::tokens(ui);
    let (middle, radius) = projection.disc();
    painter.circle(
        middle,
        radius,
        tokens.background.gamma_multiply(0.6),
        Stroke::new(1.0, tokens.plot_grid.gamma_multiply(0.8)),
    );
    let line = |points: Vec<Projected>| {
        for pair in points.windows(2) {
            let [from, to] = pair else { continue };
            let strength = if from.depth + to.depth > 0.0 { 0.38 } else { 0.12 };
            painter.line_segment([from.at, to.at], Stroke::new(1.0, tokens.plot_grid.gamma_multiply(strength)));
        }
    };
    let full = std::f32::consts::TAU;
    let around = |steps: usize| (0..=steps).map(move |step| step as f32 / steps as f32 * full);
    for meridian in 0..GRATICULE {
        let (sin, cos) = (meridian as f32 / GRATICULE as f32 * full / 2.0).sin_cos();
        line(around(64).map(|t| projection.project(&[t.cos() * cos, t.sin(), t.cos() * sin])).collect());
    }
    for parallel in 1..GRATICULE {
        let (height, width) = (full / 4.0 - parallel as f32 / GRATICULE as f32 * full / 2.0).sin_cos();
        line(around(64).map(|t| projection.project(&[t.cos() * width, height, t.sin() * width])).collect());
    }
}
