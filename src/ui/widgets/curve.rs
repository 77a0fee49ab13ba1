//! Small line plots of a run's measures: value over epochs, read off under the pointer.
//!
//! Built on `egui_plot`, without zooming or dragging: a small plot that moves under the pointer loses more than it shows.

mod legend;
mod pointed;

use crate::ui::format;
use crate::ui::theme::{self, SPACE};
use eframe::egui::{Align2, Color32, FontId, Pos2, RichText, Role, Sense, Stroke, Ui, Vec2b, WidgetInfo, vec2};
use egui_plot::{
    AxisHints, GridInput, GridMark, Line, LineStyle, Plot, PlotPoint, PlotPoints, PlotTransform, PlotUi, Points, VLine,
};
use legend::heading_ui;
use pointed::pointed_line;
use std::borrow::Cow;
use std::cell::Cell;

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
    /// A thin line beside the one that matters: one of many. It is strong, and the legend names it, while the pointer is on
    /// it.
    Beside,
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
    /// Unit of the x axis, written at it.
    pub x_unit: &'a str,
    /// Values the y axis shows in any case.
    pub include_y: &'a [f64],
    /// How a y value is written.
    pub y_text: fn(f64) -> String,
    /// A place on the x axis worth a line, and the word beside it.
    pub mark: Option<(f64, &'a str)>,
    /// Height in points.
    pub height: f32,
}

impl Curve {
    /// Its colour behind or beside others.
    fn pale(&self) -> Color32 {
        self.colour.gamma_multiply(if self.style == CurveStyle::Faint { 0.3 } else { 0.45 })
    }

    fn stroke(&self, is_pointed: bool) -> Stroke {
        match self.style {
            CurveStyle::Beside if is_pointed => Stroke::new(2.0, self.colour),
            CurveStyle::Faint | CurveStyle::Beside => Stroke::new(1.0, self.pale()),
            CurveStyle::Line | CurveStyle::Dots => Stroke::new(2.0, self.colour),
        }
    }
}

impl CurvePlot<'_> {
    fn has_beside(&self) -> bool {
        self.curves.iter().any(|curve| curve.style == CurveStyle::Beside)
    }

    /// The plot for those who do not see it.
    fn described(&self) -> String {
        let shown = self.curves.iter().filter(|curve| curve.style != CurveStyle::Faint);
        let names: Vec<&str> = shown.map(|curve| curve.name.as_ref()).collect();
        let of = if names.is_empty() { "" } else { " of " };
        format!("{}, plot{of}{}", self.title, names.join("; "))
    }
}

/// What the pointer is on.
#[derive(Clone, Copy, Debug)]
struct Pointed {
    /// Index of the curve.
    curve: usize,
    /// The point of it next to the pointer, (x, y).
    at: [f64; 2],
}

/// Between the title of a figure and the figure. The label of the highest tick reaches above the plot by half its height.
pub const TITLE_GAP: f32 = SPACE;
/// Size of the words at the axes.
const AXIS_PT: f32 = 11.0;
/// Least width of the labels of the y axis; the first tick of the x axis stands to the right of them.
const Y_LABELS_WIDTH: f32 = 44.0;
/// Between the unit of the x axis and the label of its first tick, which is centred below the tick.
const UNIT_TO_PLOT: f32 = 8.0;
/// How far letters reach below the middle of their line, as a share of its height; with a little room.
const LETTERS_BELOW: f32 = 0.33;
/// Curves drawn with more points than this are thinned: a small plot has fewer pixels.
const MAX_POINTS: usize = 600;

/// Draws a titled plot as wide as there is room.
pub fn curve_plot(ui: &mut Ui, plot: &CurvePlot<'_>) {
    ui.spacing_mut().item_spacing.y = SPACE / 2.0;
    ui.spacing_mut().interact_size.y = 16.0;
    // The legend stands above the plot and is drawn before the pointer is looked for: it names what was found last.
    let memory = ui.make_persistent_id((plot.title, "curve under the pointer"));
    let before = ui.data(|data| data.get_temp::<Option<usize>>(memory)).flatten();
    heading_ui(ui, plot, before);
    ui.add_space(TITLE_GAP - ui.spacing().item_spacing.y);
    let (axis_x, axis_y) = (quiet(ui, AxisHints::new_x()), quiet(ui, AxisHints::new_y()));
    let (y_text, x_step) = (plot.y_text, plot.x_step);
    let tokens = theme::tokens(ui);
    let unit = ui.painter().layout_no_wrap(plot.x_unit.to_owned(), FontId::proportional(AXIS_PT), tokens.text_dim);
    // Before the first tick the unit takes no height; only a long one has a line of its own, below the ticks.
    let is_unit_short = unit.size().x + UNIT_TO_PLOT <= Y_LABELS_WIDTH;
    let least_share = if is_unit_short { unit.size().y * LETTERS_BELOW / (plot.height - unit.size().y) } else { 0.0 };
    let axis_x = if is_unit_short { axis_x } else { axis_x.label(axis_name(plot.x_unit)) };
    let pointed = Cell::<Option<Pointed>>::new(None);
    let mut drawn = Plot::new(plot.title)
        .height(plot.height)
        .sense(Sense::hover())
        .allow_zoom(false)
        .allow_drag(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .allow_double_click_reset(false)
        .show_background(false)
        .show_crosshair(false)
        .grid_color(tokens.plot_grid)
        .show_grid(Vec2b::new(false, true))
        .set_margin_fraction(vec2(0.01, 0.08))
        .include_x(plot.x.0)
        .include_x(plot.x.1.max(plot.x.0 + 1e-9))
        .custom_x_axes(vec![axis_x.formatter(|mark, _| format::significant(mark.value))])
        .custom_y_axes(vec![axis_y.formatter(move |mark, _| y_text(mark.value)).min_thickness(Y_LABELS_WIDTH)])
        .x_grid_spacer(move |input| ticks(&input, x_step, 5.0))
        .y_grid_spacer(move |input| ticks_above(&input, f64::from(least_share)))
        .label_formatter(|_| hover_text(plot, pointed.get()?));
    for y in plot.include_y {
        drawn = drawn.include_y(*y);
    }
    let shown = drawn.show(ui, |ui| {
        if let Some((mark, _)) = plot.mark {
            ui.vline(
                VLine::new("", mark)
                    .stroke(Stroke::new(1.0, tokens.accent))
                    .style(LineStyle::dashed_loose())
                    .allow_hover(false),
            );
        }
        let points: Vec<Vec<PlotPoint>> = plot.curves.iter().map(|curve| thinned(&curve.points)).collect();
        let on = under_pointer(ui, plot, &points);
        pointed.set(on);
        draw_curves(ui, plot, points, on);
    });
    shown.response.widget_info(|| WidgetInfo::labeled(Role::Image, true, plot.described()));
    if is_unit_short {
        let at = shown.transform.frame().left_bottom() - vec2(UNIT_TO_PLOT + unit.size().x, 0.0);
        ui.painter().galley(at, unit, tokens.text_dim);
    }
    if let Some((mark, word)) = plot.mark {
        mark_word_ui(ui, &shown.transform, mark, word);
    }
    let now = pointed.get().map(|pointed| pointed.curve);
    if now != before {
        ui.data_mut(|data| data.insert_temp(memory, now));
        ui.request_repaint();
    }
}

/// The word beside the upper end of the mark, on the side with more room.
fn mark_word_ui(ui: &Ui, transform: &PlotTransform, mark: f64, word: &str) {
    let frame = transform.frame();
    let x = transform.position_from_point_x(mark);
    let (anchor, aside) = if x < frame.center().x { (Align2::LEFT_TOP, 4.0) } else { (Align2::RIGHT_TOP, -4.0) };
    let at = Pos2::new(x + aside, frame.top());
    ui.painter().text(at, anchor, word, FontId::proportional(AXIS_PT), theme::tokens(ui).text_dim);
}

/// Where the pointer is on a curve; those behind others are not read.
fn under_pointer(ui: &PlotUi<'_>, plot: &CurvePlot<'_>, points: &[Vec<PlotPoint>]) -> Option<Pointed> {
    let pointer = ui.response().hover_pos()?;
    // Of the frame before: where values come to lie in this one is known when everything is drawn.
    let transform = ui.transform();
    let on_screen = |(curve, points): (&Curve, &Vec<PlotPoint>)| match curve.style {
        CurveStyle::Faint => Vec::new(),
        CurveStyle::Line | CurveStyle::Dots | CurveStyle::Beside => {
            points.iter().map(|point| transform.position_from_point(point)).collect()
        }
    };
    let lines: Vec<Vec<Pos2>> = plot.curves.iter().zip(points).map(on_screen).collect();
    let (curve, vertex) = pointed_line(&lines, pointer)?;
    let point = points.get(curve)?.get(vertex)?;
    Some(Pointed { curve, at: [point.x, point.y] })
}

/// Draws the curves in their order, the one under the pointer on top. None is left to `egui_plot` to be hovered.
fn draw_curves(ui: &mut PlotUi<'_>, plot: &CurvePlot<'_>, points: Vec<Vec<PlotPoint>>, on: Option<Pointed>) {
    let is_pointed = |index: usize| on.is_some_and(|on| on.curve == index);
    let mut curves: Vec<_> = plot.curves.iter().zip(points).enumerate().collect();
    curves.sort_by_key(|(index, _)| is_pointed(*index));
    for (index, (curve, points)) in curves {
        if curve.style == CurveStyle::Dots {
            ui.points(
                Points::new(curve.name.as_ref(), PlotPoints::Owned(points.clone()))
                    .color(curve.colour)
                    .radius(2.5)
                    .allow_hover(false),
            );
        }
        let line = Line::new(curve.name.as_ref(), PlotPoints::Owned(points));
        ui.line(line.stroke(curve.stroke(is_pointed(index))).allow_hover(false));
        if let Some(on) = on.filter(|on| on.curve == index) {
            ui.points(Points::new("", vec![on.at]).color(curve.colour).radius(3.5).allow_hover(false));
        }
    }
}

fn hover_text(plot: &CurvePlot<'_>, Pointed { curve, at: [x, y] }: Pointed) -> Option<String> {
    let name = &plot.curves.get(curve)?.name;
    Some(format!("{name}: {}\n{} {}", (plot.y_text)(y), plot.x_unit, format::significant(x)))
}

/// An axis with small, quiet labels at every tick.
pub fn quiet<'a>(ui: &Ui, hints: AxisHints<'a>) -> AxisHints<'a> {
    hints
        .tick_label_font(FontId::proportional(AXIS_PT))
        .tick_label_color(theme::tokens(ui).text_dim)
        .label_spacing(4.0..=8.0)
}

/// What an axis counts, as quiet as its labels.
pub fn axis_name(name: &str) -> RichText {
    theme::caption(name).size(AXIS_PT)
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

/// Ticks of the y axis, without one so low that its label would reach into the unit of the x axis below it.
fn ticks_above(input: &GridInput, least_share: f64) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    let mut marks = ticks(input, None, 3.0);
    marks.retain(|mark| mark.value - low >= least_share * (high - low));
    marks
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
    use crate::ui::test_page::text_shape;
    use eframe::egui::Rect;
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    /// Three level lines, drawn in a narrow window.
    fn levels() -> Harness<'static> {
        levels_over("place")
    }

    fn levels_over(x_unit: &'static str) -> Harness<'static> {
        let level = |name: &'static str, y: f64, style| {
            let points = vec![[0.0, y], [5.0, y], [10.0, y]];
            Curve { name: name.into(), colour: theme::tokens_of(true).text_dim, points, style }
        };
        let curves = vec![
            level("upper", 3.0, CurveStyle::Beside),
            level("lower", 1.0, CurveStyle::Beside),
            level("chosen", 2.0, CurveStyle::Line),
        ];
        drawn(curves, x_unit)
    }

    /// A plot of these curves in a narrow window.
    fn drawn(curves: Vec<Curve>, x_unit: &'static str) -> Harness<'static> {
        let draw = move |ui: &mut Ui| {
            // Fonts are there from the next pass on.
            if ui.ctx().cumulative_pass_nr() == 0 {
                return theme::install(ui.ctx());
            }
            let plot = CurvePlot {
                title: "Levels",
                help: "",
                curves: &curves,
                x: (0.0, 10.0),
                x_step: None,
                x_unit,
                include_y: &[],
                y_text: format::significant,
                mark: Some((9.0, "best")),
                height: 190.0,
            };
            curve_plot(ui, &plot);
        };
        let mut harness = Harness::builder().with_size((300.0, 300.0)).build_ui(draw);
        harness.run_steps(4);
        harness
    }

    #[test]
    fn the_curve_under_the_pointer_is_named_with_its_value_and_the_plot_stays_where_it_is() {
        let mut harness = levels();
        let others = "others: point at a line";
        let place = |harness: &Harness<'_>| harness.get_by_label("Levels, plot of upper; lower; chosen").rect();
        let rect = place(&harness);
        assert!(harness.query_by_label(others).is_some() && harness.query_by_label("chosen").is_some());
        // The axis shows 1 to 3 and 8 % more at either end.
        let at = |y: f32| rect.lerp_inside(eframe::egui::vec2(0.45, (3.16 - y) / 2.32));
        for (y, name) in [(3.0, "upper"), (1.0, "lower")] {
            harness.hover_at(at(y));
            harness.run_steps(4);
            assert!(harness.query_by_label(name).is_some(), "the legend names {name}");
            assert!(harness.query_by_label(&format!("{name}: {y}\nplace 5")).is_some(), "the tooltip reads {name}");
            assert!(harness.query_by_label(others).is_none());
            assert_eq!(place(&harness), rect);
        }
        harness.hover_at(at(2.0));
        harness.run_steps(4);
        assert!(harness.query_by_label("chosen: 2\nplace 5").is_some() && harness.query_by_label(others).is_some());
        harness.hover_at(at(2.5));
        harness.run_steps(4);
        assert!(harness.query_by_label("chosen: 2\nplace 5").is_none(), "nothing is read between the lines");
    }

    /// Where these words are painted.
    fn place_of(harness: &Harness<'_>, words: &str) -> Rect {
        text_shape(harness, words).unwrap_or_else(|| panic!("{words} is painted")).visual_bounding_rect()
    }

    #[test]
    fn the_x_axis_has_its_unit_and_the_mark_its_word() {
        let plot = |harness: &Harness<'_>| {
            let title = harness.get_by_label("Levels").rect();
            let plot = harness.get_by_label("Levels, plot of upper; lower; chosen").rect();
            let legend = harness.get_by_label("chosen").rect();
            assert!(plot.top() >= title.bottom().max(legend.bottom()) + 7.0, "{title:?}, {legend:?}, {plot:?}");
            plot
        };
        let harness = levels();
        let (rect, unit, first) = (plot(&harness), place_of(&harness, "place"), place_of(&harness, "0"));
        assert!(unit.right() < first.left() && unit.left() >= 0.0, "{unit:?} is before {first:?}");
        assert!(
            (rect.bottom()..rect.bottom() + 16.0).contains(&unit.center().y),
            "{unit:?} is in the line of the ticks"
        );
        let word = place_of(&harness, "best");
        assert!(rect.contains_rect(word) && word.top() < rect.top() + 8.0, "{word:?} is at the top of {rect:?}");
        let mark = rect.lerp_inside(vec2(9.0 / 10.0, 0.0)).x;
        assert!((mark - 16.0..mark).contains(&word.right()), "{word:?} is beside {mark}");

        let harness = levels_over("angle in degrees");
        let (rect, unit, first) = (plot(&harness), place_of(&harness, "angle in degrees"), place_of(&harness, "0"));
        assert!(unit.top() >= first.bottom() - 2.0 && rect.x_range().contains(unit.center().x), "{unit:?}, {first:?}");
    }

    #[test]
    fn the_unit_of_the_x_axis_is_not_painted_over_a_label_of_the_y_axis() {
        let between = |low: f64, high: f64, x_unit| {
            let points = vec![[0.0, low], [10.0, high]];
            let colour = theme::tokens_of(true).text_dim;
            drawn(vec![Curve { name: "level".into(), colour, points, style: CurveStyle::Line }], x_unit)
        };
        // With 8 % more at either end, the axis begins just below 100.
        let labels = |harness: &Harness<'_>| ["100", "200", "300"].map(|label| text_shape(harness, label).is_some());
        assert_eq!(labels(&between(115.5, 315.5, "place")), [false, true, true]);
        // Below the ticks it is in nobody's way.
        assert_eq!(labels(&between(115.5, 315.5, "angle in degrees")), [true; 3]);
        assert_eq!(labels(&between(100.0, 300.0, "place")), [true; 3]);
    }

    #[test]
    fn every_name_of_a_legend_stands_whole_beside_its_colour_or_is_cut_to_a_line() {
        let names = ["short", "b", "a-run-that-has-a-longer-name-1", "a-run-that-has-a-longer-name-2"];
        let endless = "a-name-that-is-far-longer-than-any-line-of-this-legend-could-ever-be";
        let curve = |name: &'static str| Curve {
            name: name.into(),
            colour: theme::tokens_of(true).text_dim,
            points: vec![[0.0, 1.0], [1.0, 2.0]],
            style: CurveStyle::Dots,
        };
        let curves: Vec<Curve> = names.into_iter().chain([endless]).map(curve).collect();
        let harness = drawn(curves, "place");
        let rects = names.map(|name| harness.get_by_label(name).rect());
        let cut = harness.get_by_label(endless).rect();
        let is_in_a_line = |rect: &eframe::egui::Rect| rect.height() < 20.0 && rect.right() <= 300.0;
        assert!(rects.iter().chain([&cut]).all(is_in_a_line), "{rects:?}, {cut:?}");
        let [short, b, first, second] = rects;
        assert!(b.left() > short.right() && b.center().y == short.center().y, "these share a line");
        assert_eq!([first, second, cut].map(|rect| rect.left()), [short.left(); 3], "each of these begins one");
    }

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
