//! A run in numbers and curves. Measured rates are drawn as they are; what jumps from step to step is drawn as a running
//! mean in front of every single value.

use super::{MAP_HEIGHT, PLOT_HEIGHT};
use crate::app::{TrainPhase, TrainView};
use crate::config::LossConfig;
use crate::train::StepMetrics;
use crate::ui::format;
use crate::ui::theme;
use crate::ui::widgets::curve::{Curve, CurvePlot, CurveStyle, TITLE_GAP, axis_name, curve_plot, quiet, ticks};
use crate::ui::widgets::figures::{count_text, counted_spaced, rate_text};
use eframe::egui::{Role, Sense, Stroke, Ui, Vec2b, WidgetInfo};
use egui_plot::{AxisHints, Bar, BarChart, Plot};

/// The numbers that matter now.
pub(super) fn numbers_ui(ui: &mut Ui, view: &TrainView) {
    theme::stats(ui, &numbers(view, &eer_help(view)));
}

/// What the equal error rate is, with those that it can be compared with.
fn eer_help(view: &TrainView) -> String {
    let best = view.epochs.iter().filter_map(|epoch| epoch.eer).fold(f64::INFINITY, f64::min);
    let best = if best.is_finite() { format!("; best so far {}", rate_text(best)) } else { String::new() };
    let start = view.epochs.first().filter(|epoch| epoch.epoch == 0).and_then(|epoch| epoch.eer);
    let start = start.map(|eer| format!("; of the network it started from {}", rate_text(eer))).unwrap_or_default();
    let kept = view.summary.as_ref().and_then(|summary| summary.eer).map(|eer| {
        let eer = rate_text(eer);
        format!("; of the network that is kept, measured at the end, {eer}")
    });
    let kept = kept.unwrap_or_default();
    format!("Equal error rate on the held-out pairs: as many wrong accepts as wrong rejects{best}{start}{kept}")
}

/// What is not known.
fn nothing() -> String {
    "–".to_owned()
}

/// Epochs done of those planned: whole ones where the run came to its end.
fn epochs_text(view: &TrainView) -> String {
    let whole = view.summary.as_ref().filter(|_| view.phase == TrainPhase::Done);
    let at = || view.steps.last().map_or_else(nothing, |step| format!("{:.1}", step.epoch));
    let done = whole.map_or_else(at, |summary| summary.epochs.to_string());
    format!("{done} of {}", view.config.train.epochs)
}

/// Name, value and help of each. How fast a run went and how large its last step was tells nothing once it is over.
fn numbers<'a>(view: &TrainView, eer_help: &'a str) -> Vec<(&'static str, String, &'a str)> {
    let is_over = view.phase.is_over();
    let of_step = |text: &dyn Fn(&StepMetrics) -> String| view.steps.last().map_or_else(nothing, text);
    let measured = view.epochs.iter().rev().find_map(|epoch| Some((epoch.epoch, epoch.eer?)));
    // Where the run is done, the title tells that of the network that is kept.
    let eer_name = match measured {
        _ if !is_over => "Held-out EER",
        Some((0, _)) => "EER at the start",
        _ => "Last epoch's EER",
    };
    let mut items = vec![
        ("Epoch", epochs_text(view), "Passes over the training images"),
        (
            "Loss",
            of_step(&|s| format::significant(s.loss)),
            "Mean loss of the last steps, margin included; it starts high because of the margin",
        ),
        ("Accuracy", of_step(&|s| rate_text(s.accuracy)), accuracy_help(&view.config.loss)),
        (eer_name, measured.map_or_else(nothing, |(_, eer)| rate_text(eer)), eer_help),
    ];
    if !is_over {
        let speed = of_step(&|s| count_text(s.images_per_second.round() as usize));
        items.push(("Images/s", speed, "Training images per second"));
    }
    items.extend(time(view));
    if !is_over {
        items.push(("Learning rate", of_step(&|s| format::significant(s.lr)), "How large a step is now"));
    }
    items
}

/// Of the training images. Where a step compares with a share of the classes, the others cannot be the nearest.
fn accuracy_help(loss: &LossConfig) -> &'static str {
    if loss.is_partial() {
        "Training images whose nearest class centre is their own, margin left out, among the classes that their step compares \
         with (Partial FC): among all classes it would be lower"
    } else {
        "Training images whose nearest class centre is their own, margin left out"
    }
}

/// The time left while the run goes on, the time it took when it has come to an end; none where an error ended it.
fn time(view: &TrainView) -> Option<(&'static str, String, &'static str)> {
    if let Some(summary) = &view.summary {
        return Some(("Time", format::duration(summary.seconds), "Wall time since the run was started or continued"));
    }
    let left = || view.steps.last().map_or_else(nothing, |step| format::duration(step.eta_secs));
    (!view.phase.is_over()).then(|| ("Time left", left(), "At the present speed"))
}

fn x_range(view: &TrainView) -> (f64, f64) {
    (0.0, f64::from(view.config.train.epochs))
}

fn plot<'a>(
    view: &TrainView,
    title: &'a str,
    help: &'a str,
    curves: &'a [Curve],
    y_text: fn(f64) -> String,
) -> CurvePlot<'a> {
    CurvePlot {
        title,
        help,
        curves,
        x: x_range(view),
        x_step: None,
        x_unit: "epoch",
        include_y: &[0.0],
        y_text,
        mark: None,
        height: PLOT_HEIGHT,
    }
}

fn steps(view: &TrainView, of: impl Fn(&StepMetrics) -> f64) -> Vec<[f64; 2]> {
    view.steps.iter().map(|step| [step.epoch, of(step)]).collect()
}

fn epochs(view: &TrainView, of: impl Fn(&crate::train::EpochMetrics) -> Option<f64>) -> Vec<[f64; 2]> {
    view.epochs.iter().filter_map(|epoch| Some([f64::from(epoch.epoch), of(epoch)?])).collect()
}

/// Points that a running mean looks back on.
const MEAN_OF: usize = 16;

/// Each value with the mean of those before it; at the beginning of as many as there are.
fn running_mean(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mean = |window: &[[f64; 2]]| window.iter().map(|point| point[1]).sum::<f64>() / window.len().max(1) as f64;
    let upto = |end: usize| points.get(end.saturating_sub(MEAN_OF)..end).unwrap_or_default();
    points.iter().enumerate().map(|(i, point)| [point[0], mean(upto(i + 1))]).collect()
}

/// The curve of the training images, and of the held-out ones where their classes are known.
fn with_validation(ui: &Ui, training: Vec<[f64; 2]>, validation: Vec<[f64; 2]>) -> Vec<Curve> {
    let colour = theme::series(ui, 0);
    let mean = running_mean(&training);
    let mut curves = vec![
        Curve { name: "each step".into(), colour, points: training, style: CurveStyle::Faint },
        Curve { name: "training".into(), colour, points: mean, style: CurveStyle::Line },
    ];
    if !validation.is_empty() {
        curves.push(Curve {
            name: "held out".into(),
            colour: theme::series(ui, 1),
            points: validation,
            style: CurveStyle::Dots,
        });
    }
    curves
}

/// Loss over epochs.
pub(super) fn loss_ui(ui: &mut Ui, view: &TrainView) {
    let curves = with_validation(ui, steps(view, |step| step.loss), epochs(view, |epoch| epoch.val_loss));
    curve_plot(
        ui,
        &plot(
            view,
            "Loss",
            "Training loss with margin (mean of 16 reports, each one behind it); held-out loss without",
            &curves,
            format::significant,
        ),
    );
}

/// Accuracy over epochs.
pub(super) fn accuracy_ui(ui: &mut Ui, view: &TrainView) {
    let curves = with_validation(ui, steps(view, |step| step.accuracy), epochs(view, |epoch| epoch.val_accuracy));
    let help = if view.config.loss.is_partial() {
        "Images whose nearest class centre is their own, margin left out; those trained on among the classes of their step \
         only (Partial FC), held-out ones among all"
    } else {
        "Images whose nearest class centre is their own, margin left out"
    };
    let drawn = plot(view, "Accuracy", help, &curves, axis_rate);
    curve_plot(ui, &CurvePlot { include_y: &[0.0, 1.0], ..drawn });
}

/// Title of the equal error rate over epochs, whether it has points yet or not.
const EER_TITLE: &str = "Held-out EER";

/// Equal error rate over epochs.
pub(super) fn eer_ui(ui: &mut Ui, view: &TrainView) {
    let points = epochs(view, |epoch| epoch.eer);
    if points.is_empty() {
        ui.spacing_mut().item_spacing.y = TITLE_GAP;
        ui.label(theme::strong(EER_TITLE).size(14.0));
        not_yet_ui(ui, "Measured after the first epoch", MAP_HEIGHT);
        return;
    }
    let curves = [Curve { name: "EER".into(), colour: theme::series(ui, 1), points, style: CurveStyle::Dots }];
    let best = view.epochs.iter().rev().find(|epoch| epoch.best).map(|epoch| (f64::from(epoch.epoch), "best"));
    let help = "Equal error rate on held-out pairs; the line marks the best epoch, which is kept";
    let drawn = plot(view, EER_TITLE, help, &curves, axis_rate);
    curve_plot(ui, &CurvePlot { mark: best, height: MAP_HEIGHT, ..drawn });
}

/// Learning rate over epochs.
pub(super) fn lr_ui(ui: &mut Ui, view: &TrainView) {
    let curves = [Curve {
        name: "learning rate".into(),
        colour: theme::series(ui, 2),
        points: steps(view, |step| step.lr),
        style: CurveStyle::Line,
    }];
    curve_plot(ui, &plot(view, "Learning rate", "How large the steps were", &curves, format::significant));
}

/// In the place of a figure that is still to come; as high as that, so that the cards of a row end alike.
pub(super) fn not_yet_ui(ui: &mut Ui, text: &str, height: f32) {
    let label = ui.label(theme::caption(text));
    ui.add_space(height - label.rect.height() - ui.spacing().item_spacing.y);
}

fn axis_rate(rate: f64) -> String {
    format!("{} %", format::significant(rate * 100.0))
}

/// Angles between images and their own class centre.
pub(super) fn angles_ui(ui: &mut Ui, view: &TrainView) {
    ui.spacing_mut().item_spacing.y = TITLE_GAP;
    ui.label(theme::strong("Angle to the own class centre").size(14.0)).on_hover_text(
        "How far the images of the last steps lie from the centre of their class; training pulls them to the left",
    );
    let Some(angles) = &view.angles else {
        not_yet_ui(ui, "Appears with the first steps", PLOT_HEIGHT);
        return;
    };
    let colour = theme::series(ui, 0);
    let (axis_x, axis_y) = (quiet(ui, AxisHints::new_x()), quiet(ui, AxisHints::new_y()).label(axis_name("images")));
    let bars = angles.counts.iter().enumerate().map(|(bin, &count)| {
        Bar::new(bin as f64 * 5.0 + 2.5, f64::from(count)).width(4.4).fill(colour).stroke(Stroke::NONE)
    });
    let chart = BarChart::new("images", bars.collect()).color(colour).element_formatter(Box::new(|bar, _| {
        let images = counted_spaced(bar.value.round() as usize, "image");
        format!("{:.0}° to {:.0}°: {images}", bar.argument - 2.5, bar.argument + 2.5)
    }));
    let shown = Plot::new("angles")
        .height(PLOT_HEIGHT)
        .sense(Sense::hover())
        .allow_zoom(false)
        .allow_drag(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_background(false)
        .show_crosshair(false)
        .show_grid(Vec2b::new(false, true))
        .grid_color(theme::tokens(ui).plot_grid)
        .include_x(0.0)
        .include_x(180.0)
        .custom_x_axes(vec![axis_x.formatter(|mark, _| format!("{:.0}°", mark.value))])
        .custom_y_axes(vec![axis_y.formatter(|mark, _| format::significant(mark.value)).min_thickness(44.0)])
        .x_grid_spacer(|input| ticks(&input, Some(30.0), 6.0))
        .y_grid_spacer(|input| ticks(&input, None, 3.0))
        .label_formatter(|_| None)
        .show(ui, |ui| ui.bar_chart(chart));
    let name = "Angle to the own class centre, histogram";
    shown.response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Workspace;
    use crate::ui::demo_state::{self, DemoKind};

    #[test]
    fn what_a_run_did_last_is_not_told_as_how_it_stands_once_it_is_over() {
        let told = |kind| {
            let view = demo_state::state(Workspace::Train, kind).training.expect("the sample data can be drawn");
            let numbers = numbers(&view, "").into_iter().map(|(name, value, _)| (name, value));
            numbers.collect::<Vec<(&str, String)>>()
        };
        let names = |kind| told(kind).into_iter().map(|(name, _)| name).collect::<Vec<&str>>();
        let busy = ["Epoch", "Loss", "Accuracy", "Held-out EER", "Images/s", "Time left", "Learning rate"];
        assert_eq!(names(DemoKind::Busy), busy);
        assert_eq!(names(DemoKind::Done), ["Epoch", "Loss", "Accuracy", "Last epoch's EER", "Time"]);
        assert_eq!(names(DemoKind::Error), ["Epoch", "Loss", "Accuracy", "Last epoch's EER"]);
        let epochs = |kind| told(kind).swap_remove(0).1;
        assert_eq!([DemoKind::Busy, DemoKind::Done].map(epochs), ["12.4 of 24", "24 of 24"]);
    }

    #[test]
    fn a_run_that_is_over_before_its_first_epoch_tells_what_it_started_from_as_such() {
        let state = demo_state::state(Workspace::Train, DemoKind::Error);
        let mut view = state.training.expect("the sample data can be drawn");
        view.epochs.truncate(1);
        let named = |view: &TrainView| numbers(view, "").swap_remove(3).0;
        assert_eq!(named(&view), "Last epoch's EER");
        view.epochs[0].epoch = 0;
        assert_eq!(named(&view), "EER at the start");
        view.phase = TrainPhase::Running;
        assert_eq!(named(&view), "Held-out EER");
    }

    #[test]
    fn a_running_mean_begins_with_the_first_value_and_forgets_old_ones() {
        let points: Vec<[f64; 2]> = (0..40).map(|i| [f64::from(i), if i < 20 { 4.0 } else { 8.0 }]).collect();
        let mean = running_mean(&points);
        assert_eq!((mean.len(), mean[0], mean[19]), (40, [0.0, 4.0], [19.0, 4.0]));
        assert!(mean[25][1] > 4.0 && mean[25][1] < 8.0);
        assert_eq!(mean[39], [39.0, 8.0]);
    }

    #[test]
    fn an_accuracy_among_some_of_the_classes_is_told_as_such() {
        let of = |class_share| accuracy_help(&LossConfig { class_share, ..LossConfig::default() });
        assert!(of(0.1).contains("Partial FC") && !of(1.0).contains("Partial FC"));
    }
}
