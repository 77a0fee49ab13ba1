//! The detection error trade-off: both error rates on normal-deviate axes, and the operating point in the hand.
//!
//! Not a computation: points come ready from `eval`. The pointer moves the operating point along the *measured* curve,
//! vertex by vertex, so that every position it can take is one these pairs really gave; a point between two vertices
//! would promise a rate nobody measured. The choice is reported once, when the pointer is let go.

use super::figures::{interval_text, rate_text, tick_text};
use super::plot_frame::{
    Axis, DrawnFrame, PlotFrame, TICK_PT, band, dashed, focus_outline, nearest_vertex, plot_frame,
};
use super::run_names::run_names;
use crate::eval::{DET_LOWEST_RATE, DET_TICKS, DetPoint, OperatingPoint, det_axis_start, det_band, probit};
use crate::ui::theme;
use eframe::egui::{self, Align2, Color32, CursorIcon, FontId, Key, Pos2, Sense, Stroke, Ui, Vec2, WidgetInfo, vec2};

/// How far from the curve the pointer may be to take hold of it, in points.
const REACH_PT: f32 = 36.0;
/// How far from a curve the pointer may be to read it, in points.
const READ_PT: f32 = 14.0;

/// One run in the plot.
#[derive(Clone, Debug)]
pub struct RateCurve<'a> {
    /// Name of the run.
    pub name: String,
    /// Its DET curve, thresholds rising.
    pub points: &'a [DetPoint],
    /// Its colour in every plot.
    pub colour: Color32,
    /// The run whose operating point is in the hand.
    pub current: bool,
}

/// What the person did with the operating point.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DetReply {
    /// The false accept rate under the pointer while it is dragged.
    pub preview: Option<f64>,
    /// The false accept rate that was chosen.
    pub chosen: Option<f64>,
}

/// Draws the curves and lets the operating point of the current one be dragged.
pub fn det_plot(ui: &mut Ui, size: Vec2, curves: &[RateCurve<'_>], operating: Option<&OperatingPoint>) -> DetReply {
    let x = rate_axis("False accept rate (FAR)", curves, |point| point.x);
    let y = rate_axis("False reject rate (FRR)", curves, |point| point.y);
    let drawn = plot_frame(ui, size, &x, &y, Sense::click_and_drag());
    let name = operating.map_or_else(
        || "DET curve".to_owned(),
        |point| format!("DET curve; operating point at FAR {}, FRR {}", rate_text(point.far), rate_text(point.frr)),
    );
    drawn.response.widget_info(|| WidgetInfo::slider(true, operating.map_or(0.0, |point| point.far * 100.0), &name));
    equal_error_line(ui, &drawn, &x, &y);
    for curve in curves {
        draw_curve(&drawn, curve, |point| (point.x, point.y), |point| det_band(point, y.low));
    }
    // Of what is drawn, only the line of equal errors comes near this corner.
    run_names(ui, &drawn, curves, Align2::RIGHT_TOP);
    if let Some(point) = operating {
        draw_operating(ui, &drawn, point, &x, &y);
    }
    focus_outline(ui, &drawn.response, drawn.frame.area);
    let reply = handle(ui, &drawn, curves, operating);
    if reply.preview.is_none() {
        read_curve(&drawn, curves, |point| (point.x, point.y));
    }
    reply
}

/// An axis from the smallest measured rate to one half, with ticks at plain rates.
fn rate_axis(title: &'static str, curves: &[RateCurve<'_>], coordinate: impl Fn(&DetPoint) -> f64) -> Axis {
    let low = det_axis_start(curves.iter().flat_map(|curve| curve.points).map(coordinate));
    Axis { title, low, high: 0.0, ticks: DET_TICKS.map(|rate| (probit(rate), tick_text(rate))).into() }
}

/// A curve with its confidence band; shared with the ROC, which has other axes.
pub(super) fn draw_curve(
    drawn: &DrawnFrame,
    curve: &RateCurve<'_>,
    place: impl Fn(&DetPoint) -> (f64, f64),
    interval: impl Fn(&DetPoint) -> (f64, f64),
) {
    let at = |x: f64, y: f64| drawn.frame.at(x, y);
    // A rate of 0 has no place on a logarithmic axis: such points are left out rather than drawn somewhere.
    let placed = || curve.points.iter().filter(|point| place(point).0.is_finite());
    let line: Vec<Pos2> = placed().map(&place).map(|(x, y)| at(x, y)).collect();
    let edge = |pick: fn((f64, f64)) -> f64| -> Vec<Pos2> {
        placed().map(|point| at(place(point).0, pick(interval(point)))).collect()
    };
    let strength = if curve.current { 0.20 } else { 0.10 };
    band(&drawn.inside, &edge(|ends| ends.1), &edge(|ends| ends.0), curve.colour.gamma_multiply(strength));
    let width = if curve.current { 2.25 } else { 1.5 };
    drawn.inside.line(line, Stroke::new(width, curve.colour));
}

/// Where both errors are equal.
fn equal_error_line(ui: &Ui, drawn: &DrawnFrame, x: &Axis, y: &Axis) {
    let tokens = theme::tokens(ui);
    let (low, high) = (x.low.max(y.low), x.high.min(y.high));
    let stroke = Stroke::new(1.0, tokens.text_dim.gamma_multiply(0.7));
    dashed(&drawn.inside, [drawn.frame.at(low, low), drawn.frame.at(high, high)], stroke);
    let along = low + 0.12 * (high - low);
    let at = drawn.frame.at(along, along) + vec2(8.0, 4.0);
    drawn.inside.text(at, Align2::LEFT_TOP, "FAR = FRR", FontId::proportional(TICK_PT), tokens.text_dim);
}

/// Coordinates of an operating point, kept inside the axes.
fn operating_place(point: &OperatingPoint, x: &Axis, y: &Axis) -> (f64, f64) {
    (probit(point.far).clamp(x.low, x.high), probit(point.frr).clamp(y.low, y.high))
}

fn draw_operating(ui: &Ui, drawn: &DrawnFrame, point: &OperatingPoint, x: &Axis, y: &Axis) {
    let tokens = theme::tokens(ui);
    let place = operating_place(point, x, y);
    let at = drawn.frame.at(place.0, place.1);
    let guide = Stroke::new(1.0, tokens.text_dim);
    dashed(&drawn.inside, [at, drawn.frame.at(place.0, y.low)], guide);
    dashed(&drawn.inside, [at, drawn.frame.at(x.low, place.1)], guide);
    let held = drawn.response.dragged() || drawn.response.has_focus();
    let radius = if held { 8.0 } else { 6.5 };
    drawn.painter.circle(at, radius, tokens.card, Stroke::new(2.5, tokens.text));
    drawn.painter.circle_filled(at, radius - 4.0, tokens.text);
}

/// Dragging, clicking and the arrow keys.
fn handle(ui: &Ui, drawn: &DrawnFrame, curves: &[RateCurve<'_>], operating: Option<&OperatingPoint>) -> DetReply {
    let mut reply = DetReply::default();
    let (Some(curve), Some(operating)) = (curves.iter().find(|curve| curve.current), operating) else { return reply };
    let response = &drawn.response;
    let grip = response.id.with("operating point held");
    if response.drag_started() {
        let near =
            ui.input(|input| input.pointer.press_origin()).and_then(|at| far_under(drawn.frame, curve, at, REACH_PT));
        ui.data_mut(|data| data.insert_temp(grip, near.is_some()));
    }
    let held = ui.data(|data| data.get_temp(grip)).unwrap_or(false);
    if let Some(at) = response.interact_pointer_pos() {
        if held && response.dragged() {
            reply.preview = far_under(drawn.frame, curve, at, f32::INFINITY);
        } else if held && response.drag_stopped() {
            reply.chosen = far_under(drawn.frame, curve, at, f32::INFINITY);
        } else if response.clicked() {
            reply.chosen = far_under(drawn.frame, curve, at, REACH_PT);
        }
    }
    if response.drag_stopped() {
        ui.data_mut(|data| data.remove_temp::<bool>(grip));
    }
    if response.hover_pos().is_some_and(|at| far_under(drawn.frame, curve, at, REACH_PT).is_some()) {
        ui.set_cursor_icon(if held { CursorIcon::Grabbing } else { CursorIcon::Grab });
    }
    if response.has_focus() {
        let arrows = egui::EventFilter { horizontal_arrows: true, ..Default::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        let direction = i32::from(pressed(Key::ArrowRight)) - i32::from(pressed(Key::ArrowLeft));
        if direction != 0 {
            reply.chosen = next_far(curve.points, operating.far, direction);
        }
    }
    reply
}

/// The false accept rate of the vertex nearest to the pointer; vertices that accept nobody cannot be chosen, because no
/// rate could be promised there.
fn far_under(frame: PlotFrame, curve: &RateCurve<'_>, at: Pos2, reach: f32) -> Option<f64> {
    let vertices: Vec<&DetPoint> = curve.points.iter().filter(|point| point.fmr > 0.0 && point.fmr < 1.0).collect();
    let (index, distance) = nearest_vertex(vertices.iter().map(|point| frame.at(point.x, point.y)), at)?;
    (distance <= reach).then(|| vertices.get(index).map(|point| point.fmr)).flatten()
}

/// The next measured rate about a twentieth of a standard deviation further along the curve.
fn next_far(points: &[DetPoint], far: f64, direction: i32) -> Option<f64> {
    let target = probit(far.clamp(DET_LOWEST_RATE, 1.0 - DET_LOWEST_RATE)) + 0.05 * f64::from(direction);
    let measured = points.iter().map(|point| point.fmr).filter(|fmr| *fmr > 0.0 && *fmr < 1.0);
    let beyond = |fmr: &f64| if direction > 0 { *fmr > far } else { *fmr < far };
    measured.filter(beyond).min_by(|a, b| (probit(*a) - target).abs().total_cmp(&(probit(*b) - target).abs()))
}

/// A tooltip with the rates of the curve under the pointer; shared with the ROC.
pub(super) fn read_curve(drawn: &DrawnFrame, curves: &[RateCurve<'_>], place: impl Fn(&DetPoint) -> (f64, f64)) {
    let Some(at) = drawn.response.hover_pos() else { return };
    let vertex = |point: &DetPoint| {
        let (x, y) = place(point);
        drawn.frame.at(x, y)
    };
    let nearest = curves
        .iter()
        .filter_map(|curve| {
            let (index, distance) = nearest_vertex(curve.points.iter().map(vertex), at)?;
            Some((curve, curve.points.get(index)?, distance))
        })
        .filter(|(_, _, distance)| *distance <= READ_PT)
        .min_by(|a, b| a.2.total_cmp(&b.2));
    let Some((curve, point, _)) = nearest else { return };
    drawn.inside.circle_filled(vertex(point), 3.5, curve.colour);
    drawn.response.clone().on_hover_ui_at_pointer(|ui| {
        ui.label(theme::subheading(&curve.name));
        ui.label(format!("FAR {}", rate_text(point.fmr)));
        ui.label(format!("FRR {} [{}]", rate_text(point.fnmr), interval_text(point.fnmr_low, point.fnmr_high)));
        ui.label(theme::caption(format!("Threshold {:.3}", point.threshold)));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{ErrorRates, det_curve, inverse_probit};
    use eframe::egui::{Rect, pos2};

    fn curve() -> Vec<DetPoint> {
        let genuine: Vec<f32> = (0..200).map(|i| 0.2 + 0.004 * i as f32).collect();
        let impostor: Vec<f32> = (0..1000).map(|i| -0.5 + 0.001 * i as f32).collect();
        det_curve(&ErrorRates::new(&genuine, &impostor).expect("finite scores"), 600)
    }

    fn shown(points: &[DetPoint]) -> RateCurve<'_> {
        RateCurve { name: "run".to_owned(), points, colour: Color32::WHITE, current: true }
    }

    #[test]
    fn ticks_are_plain_rates_at_their_probit() {
        let points = curve();
        let axis = rate_axis("FAR", &[shown(&points)], |point| point.x);
        let one_percent = axis.ticks.iter().find(|(_, text)| text == "1 %").expect("1 % has a tick");
        assert!((inverse_probit(one_percent.0) - 0.01).abs() < 1e-12);
        assert!(axis.low <= probit(0.02) && axis.low >= probit(DET_LOWEST_RATE) && axis.high == 0.0);
    }

    #[test]
    fn the_pointer_takes_the_nearest_measured_rate_and_only_within_reach() {
        let points = curve();
        let frame = PlotFrame::new(Rect::from_min_max(pos2(0.0, 0.0), pos2(300.0, 300.0)), (-3.0, 0.0), (-3.0, 0.0));
        let target = points.iter().find(|point| point.fmr < 0.05 && point.fmr > 0.0).expect("small rates are measured");
        let at = frame.at(target.x, target.y);
        assert_eq!(far_under(frame, &shown(&points), at, REACH_PT), Some(target.fmr));
        assert_eq!(far_under(frame, &shown(&points), at + vec2(4000.0, 4000.0), REACH_PT), None);
        let nobody_accepted = far_under(frame, &shown(&points), pos2(-5000.0, 150.0), f32::INFINITY);
        assert!(nobody_accepted.is_some_and(|far| far > 0.0));
    }

    #[test]
    fn arrow_keys_walk_the_measured_rates_and_stop_at_the_end() {
        let points = curve();
        let smaller = next_far(&points, 0.1, -1).expect("smaller rates exist");
        let larger = next_far(&points, 0.1, 1).expect("larger rates exist");
        assert!(smaller < 0.1 && larger > 0.1);
        assert_eq!(next_far(&points, 1e-9, -1), None);
    }
}
