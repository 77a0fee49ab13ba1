//! Title and legend of a small plot.

use super::{Curve, CurvePlot, CurveStyle};
use crate::ui::theme;
use eframe::egui::{Align, Color32, Label, Layout, Sense, Stroke, TextStyle, Ui, WidgetText, vec2};

/// Width of a curve's colour in the legend.
const SWATCH_WIDTH: f32 = 14.0;
/// Stands for the curves of the style [`CurveStyle::Beside`] while the pointer is on none of them.
const OTHERS: &str = "others: point at a line";

/// The title, and beside or below it the names of the curves.
pub(super) fn heading_ui(ui: &mut Ui, plot: &CurvePlot<'_>, pointed: Option<usize>) {
    if plot.has_beside() {
        title_ui(ui, plot);
        ui.horizontal(|ui| one_line_ui(ui, plot, pointed));
        return;
    }
    let beside = ui.horizontal(|ui| {
        title_ui(ui, plot);
        let fits = legend_width(ui, plot) <= ui.available_width();
        if fits {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| legend_ui(ui, plot));
        }
        fits
    });
    if !beside.inner {
        lines_ui(ui, plot);
    }
}

fn title_ui(ui: &mut Ui, plot: &CurvePlot<'_>) {
    let title = ui.label(theme::strong(plot.title).size(14.0));
    if !plot.help.is_empty() {
        title.on_hover_text(plot.help);
    }
}

/// The curves that matter, and after them the one of many that the pointer is on. Each has its share of one line however
/// long its name is: a second line would move the plot away from under the pointer.
fn one_line_ui(ui: &mut Ui, plot: &CurvePlot<'_>, pointed: Option<usize>) {
    let is_beside = |curve: &&Curve| curve.style == CurveStyle::Beside;
    let mut entries: Vec<(&str, Color32)> =
        main_curves(plot).map(|curve| (curve.name.as_ref(), curve.colour)).collect();
    let read = pointed.and_then(|index| plot.curves.get(index)).filter(is_beside);
    if let Some(curve) = read {
        entries.push((curve.name.as_ref(), curve.colour));
    } else if let Some(curve) = plot.curves.iter().find(is_beside) {
        entries.push((OTHERS, curve.pale()));
    }
    let gap = ui.spacing().item_spacing.x;
    let share = ui.available_width() / entries.len().max(1) as f32 - SWATCH_WIDTH - 2.0 * gap;
    let size = vec2(share.max(0.0), ui.spacing().interact_size.y);
    for (name, colour) in entries {
        swatch_ui(ui, colour);
        ui.allocate_ui(size, |ui| ui.add(Label::new(theme::caption(name)).truncate()));
    }
}

/// The curves that are neither behind nor beside others.
fn main_curves<'a>(plot: &CurvePlot<'a>) -> impl Iterator<Item = &'a Curve> {
    plot.curves.iter().filter(|curve| matches!(curve.style, CurveStyle::Line | CurveStyle::Dots))
}

/// The curves of the legend; none where there is only one.
fn named<'a>(plot: &CurvePlot<'a>) -> Vec<&'a Curve> {
    let named: Vec<&Curve> = main_curves(plot).collect();
    if named.len() > 1 { named } else { Vec::new() }
}

/// What a curve takes in the legend, in points.
fn entry_width(ui: &Ui, curve: &Curve) -> f32 {
    let text = WidgetText::from(theme::caption(curve.name.as_ref()));
    let galley = text.into_galley(ui, None, f32::INFINITY, TextStyle::Body);
    galley.size().x + SWATCH_WIDTH + 2.0 * ui.spacing().item_spacing.x
}

/// What the legend takes in one line, in points.
fn legend_width(ui: &Ui, plot: &CurvePlot<'_>) -> f32 {
    named(plot).into_iter().map(|curve| entry_width(ui, curve)).sum()
}

/// Their names in their colours, from the right; the pointer tells them too.
fn legend_ui(ui: &mut Ui, plot: &CurvePlot<'_>) {
    for curve in named(plot).into_iter().rev() {
        ui.label(theme::caption(curve.name.as_ref()));
        swatch_ui(ui, curve.colour);
    }
}

/// The same in lines of its own, from the left. No name goes on in the next line, away from its colour; one that is longer
/// than a line is cut, and whole under the pointer.
fn lines_ui(ui: &mut Ui, plot: &CurvePlot<'_>) {
    let room = ui.available_width();
    let curves = named(plot);
    let mut rest = curves.as_slice();
    while !rest.is_empty() {
        let mut used = 0.0;
        let fit = rest.iter().take_while(|curve| {
            used += entry_width(ui, curve);
            used <= room
        });
        let (line, later) = rest.split_at(fit.count().max(1).min(rest.len()));
        ui.horizontal(|ui| {
            for curve in line {
                swatch_ui(ui, curve.colour);
                ui.add(Label::new(theme::caption(curve.name.as_ref())).truncate());
            }
        });
        rest = later;
    }
}

fn swatch_ui(ui: &mut Ui, colour: Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(SWATCH_WIDTH, 12.0), Sense::hover());
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(2.0, colour));
}
