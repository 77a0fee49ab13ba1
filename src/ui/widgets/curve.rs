//! Small line plots of a run's measures: value over epochs, read off under the pointer.
//!
//! Built on `egui_plot`, without zooming or dragging: a small plot that moves under the pointer loses more than it shows.

use crate::ui::format;
use crate::ui::theme::{self, SPACE};
use eframe::egui::{Align, Color32, FontId, Layout, Stroke, Ui, Vec2b};
use egui_plot::{
    AxisHints, GridInput, GridMark, HoverPosition, Line, LineStyle, Plot, PlotPoint, PlotPoints, Points, VLine,
};
use std::borrow::Cow;

/// One curve.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Name in the legend and under the pointer.
    pub name: Cow<'static, str>,
    /// Colour.
    pub colour: Color32,
    /// (x, y), x ascending; not finite values are left out.
    pub points: Vec<[f64; 2]>,
    /// How it is drawn.
    pub style: CurveStyle,
}

/// How a curve is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurveStyle {
    /// A line.
    Line,
    /// A line with a dot at every point: few points, each a measurement.
    Dots,
    /// A thin, pale line behind the others, not in the legend: single values behind their mean.
    Faint,
}

/// What a plot shows.
#[derive(Clone, Copy)]
pub struct CurvePlot<'a> {
    /// Title, which names the y axis and its unit.
    pub title: &'a str,
    /// Hover text of the title.
    pub help: &'a str,
    /// The curves.
    pub curves: &'a [Curve],
    /// Ends of the x axis.
    pub x: (f64, f64),
    /// Distance between ticks of the x axis; `None` = as fits.
    pub x_step: Option<f64>,
    /// Unit of the x axis.
    pub x_unit: &'a str,
    /// Values the y axis shows in any case.
    pub include_y: &'a [f64],
    /// How a y value is written.
    pub y_text: fn(f64) -> String,
    /// A place on the x axis worth a line.
    pub mark: Option<f64>,
    /// Height in points.
    pub height: f32,
}

/// Curves drawn with more points than this are thinned: a small plot has fewer pixels.
const MAX_POINTS: usize = 600;

/// Width of a curve's colour in the legend.
const SWATCH_WIDTH: f32 = 14.0;

/// Draws a titled plot as wide as there is room.
pub fn curve_plot(ui: &mut Ui, plot: &CurvePlot<'_>) {
    ui.spacing_mut().item_spacing.y = SPACE / 2.0;
    ui.spacing_mut().interact_size.y = 16.0;
    let beside = ui.horizontal(|ui| {
        let title = ui.label(crate::ui::theme::strong(plot.title).size(14.0));
        if !plot.help.is_empty() {
            title.on_hover_text(plot.help);
        }
        let fits = legend_width(ui, plot) <= ui.available_width();
        if fits {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| legend_ui(ui, plot));
        }
        fits
    });
    if !beside.inner {
        ui.horizontal_wrapped(|ui| legend_ui(ui, plot));
    }
    let (axis_x, axis_y) = (quiet(ui, AxisHints::new_x()), quiet(ui, AxisHints::new_y()));
    let (x_unit, y_text, x_step) = (plot.x_unit.to_owned(), plot.y_text, plot.x_step);
    let tick_text = y_text;
    let tokens = theme::tokens(ui);
    let mut drawn = Plot::new(plot.title)
        .height(plot.height)
        .allow_zoom(false)
        .allow_drag(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .show_background(false)
        .show_crosshair(false)
        .grid_color(tokens.plot_grid)
        .show_grid(Vec2b::new(false, true))
        .set_margin_fraction(eframe::egui::vec2(0.01, 0.08))
        .include_x(plot.x.0)
        .include_x(plot.x.1.max(plot.x.0 + 1e-9))
        .custom_x_axes(vec![axis_x.formatter(|mark, _| format::significant(mark.value))])
        .custom_y_axes(vec![axis_y.formatter(move |mark, _| tick_text(mark.value)).min_thickness(44.0)])
        .x_grid_spacer(move |input| ticks(&input, x_step, 5.0))
        .y_grid_spacer(|input| ticks(&input, None, 3.0))
        .label_formatter(move |at| hover_text(at, &x_unit, y_text));
    for y in plot.include_y {
        drawn = drawn.include_y(*y);
    }
    drawn.show(ui, |ui| {
        if let Some(mark) = plot.mark {
            ui.vline(
                VLine::new("", mark)
                    .stroke(Stroke::new(1.0, tokens.accent))
                    .style(LineStyle::dashed_loose())
                    .allow_hover(false),
            );
        }
        for curve in plot.curves {
            let points = thinned(&curve.points);
            if curve.style == CurveStyle::Dots {
                ui.points(
                    Points::new(curve.name.as_ref(), PlotPoints::Owned(points.clone()))
                        .color(curve.colour)
                        .radius(2.5)
                        .allow_hover(false),
                );
            }
            let stroke = match curve.style {
                CurveStyle::Faint => Stroke::new(1.0, curve.colour.gamma_multiply(0.3)),
                CurveStyle::Line | CurveStyle::Dots => Stroke::new(2.0, curve.colour),
            };
            let line = Line::new(curve.name.as_ref(), PlotPoints::Owned(points)).stroke(stroke);
            ui.line(line.allow_hover(curve.style != CurveStyle::Faint));
        }
    });
}

/// The curves of the legend; none where there is only one.
fn named<'a>(plot: &CurvePlot<'a>) -> Vec<&'a Curve> {
    let named: Vec<&Curve> = plot.curves.iter().filter(|curve| curve.style != CurveStyle::Faint).collect();
    if named.len() > 1 { named } else { Vec::new() }
}

/// What the legend takes in one line, in points.
fn legend_width(ui: &Ui, plot: &CurvePlot<'_>) -> f32 {
    let width = |curve: &Curve| {
        let text = eframe::egui::WidgetText::from(theme::caption(curve.name.as_ref()));
        let galley = text.into_galley(ui, None, f32::INFINITY, eframe::egui::TextStyle::Body);
        galley.size().x + SWATCH_WIDTH + 2.0 * ui.spacing().item_spacing.x
    };
    named(plot).into_iter().map(width).sum()
}

/// Their names in their colours; the pointer tells them too. A line of its own is read from the left, the colour first.
fn legend_ui(ui: &mut Ui, plot: &CurvePlot<'_>) {
    let swatch = |ui: &mut Ui, curve: &Curve| {
        let size = eframe::egui::vec2(SWATCH_WIDTH, 12.0);
        let (rect, _) = ui.allocate_exact_size(size, eframe::egui::Sense::hover());
        ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(2.0, curve.colour));
    };
    let name = |ui: &mut Ui, curve: &Curve| ui.label(theme::caption(curve.name.as_ref()));
    if ui.layout().prefer_right_to_left() {
        for curve in named(plot).into_iter().rev() {
            name(ui, curve);
            swatch(ui, curve);
        }
    } else {
        for curve in named(plot) {
            swatch(ui, curve);
            name(ui, curve);
        }
    }
}

fn hover_text(at: &HoverPosition<'_>, x_unit: &str, y_text: fn(f64) -> String) -> Option<String> {
    match at {
        HoverPosition::NearDataPoint { plot_name, position, .. } => {
            Some(format!("{plot_name} {}\n{x_unit} {}", y_text(position.y), format::significant(position.x)))
        }
        HoverPosition::Elsewhere { .. } => None,
    }
}

/// An axis with small, quiet labels at every tick.
pub fn quiet<'a>(ui: &Ui, hints: AxisHints<'a>) -> AxisHints<'a> {
    hints
        .tick_label_font(FontId::proportional(11.0))
        .tick_label_color(theme::tokens(ui).text_dim)
        .label_spacing(4.0..=8.0)
}

/// Ticks at round numbers, about `wanted` of them, or every `step`.
pub fn ticks(input: &GridInput, step: Option<f64>, wanted: f64) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    let step_size = step.unwrap_or_else(|| round_step((high - low) / wanted));
    let (first, last) = ((low / step_size).ceil(), (high / step_size).floor());
    if !(step_size > 0.0 && last - first < 1000.0) {
        return Vec::new();
    }
    (0..=(last - first) as u32).map(|i| GridMark { value: (first + f64::from(i)) * step_size, step_size }).collect()
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= least * 0.999_999)
        .unwrap_or(power)
}

/// Every n-th point and the last.
fn thinned(points: &[[f64; 2]]) -> Vec<PlotPoint> {
    let finite = || points.iter().filter(|[x, y]| x.is_finite() && y.is_finite());
    let stride = finite().count().div_ceil(MAX_POINTS).max(1);
    let mut kept: Vec<PlotPoint> = finite().step_by(stride).map(|&[x, y]| PlotPoint::new(x, y)).collect();
    if let Some(&[x, y]) = finite().next_back()
        && kept.last().is_none_or(|last| last.x < x)
    {
        kept.push(PlotPoint::new(x, y));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few_and_survive_nonsense() {
        let values = |low, high, wanted| -> Vec<f64> {
            let input = GridInput { bounds: (low, high), base_step_size: 1.0 };
            ticks(&input, None, wanted).iter().map(|mark| mark.value).collect()
        };
        assert_eq!(values(0.0, 9.3, 3.0), [0.0, 5.0]);
        assert_eq!(values(-0.2, 20.1, 5.0), [0.0, 5.0, 10.0, 15.0, 20.0]);
        assert_eq!(values(0.0, 1.05, 3.0), [0.0, 0.5, 1.0]);
        assert!(values(0.0, 0.0, 3.0).is_empty() && values(0.0, f64::NAN, 3.0).is_empty());
    }

    #[test]
    fn thinning_keeps_both_ends_and_drops_what_is_not_a_number() {
        let points: Vec<[f64; 2]> = (0..5000).map(|i| [f64::from(i), if i == 7 { f64::NAN } else { 1.0 }]).collect();
        let kept = thinned(&points);
        assert!(kept.len() <= MAX_POINTS + 1, "{}", kept.len());
        assert_eq!((kept.first().map(|p| p.x), kept.last().map(|p| p.x)), (Some(0.0), Some(4999.0)));
        assert!(thinned(&[[1.0, f64::NAN]]).is_empty());
    }
}
