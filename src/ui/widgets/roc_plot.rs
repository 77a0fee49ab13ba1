//! The ROC: genuine pairs accepted over impostor pairs accepted, the latter on a logarithmic axis.
//!
//! Not the place to choose a threshold (the DET plot is, where both errors are readable). Logarithmic, because on the
//! linear axis of textbooks every usable system hugs the corner.

use super::det_plot::{RateCurve, draw_curve, read_curve};
use super::figures::{rate_text, tick_text};
use super::plot_frame::{Axis, dashed, plot_frame};
use super::run_names::run_names;
use crate::eval::OperatingPoint;
use crate::ui::theme;
use eframe::egui::{Align2, Role, Sense, Stroke, Ui, Vec2, WidgetInfo};

/// Decades never drawn below this.
const LOWEST_DECADE: f64 = -6.0;
/// At least this decade is shown.
const FIRST_DECADE: f64 = -2.0;

/// Draws the curves with their bands and the operating point of the current run.
pub fn roc_plot(ui: &mut Ui, size: Vec2, curves: &[RateCurve<'_>], operating: Option<&OperatingPoint>) {
    let low = lowest_decade(curves);
    let x = Axis { title: "False accept rate (FAR)", low, high: 0.0, ticks: decade_ticks(low) };
    let bottom = lowest_tar(curves);
    let y = Axis { title: "True accept rate (TAR)", low: bottom, high: 1.0, ticks: tar_ticks(bottom) };
    let drawn = plot_frame(ui, size, &x, &y, Sense::hover());
    let place = |point: &crate::eval::DetPoint| (log_rate(point.fmr), 1.0 - point.fnmr);
    for curve in curves {
        draw_curve(&drawn, curve, place, |point| (1.0 - point.fnmr_high, 1.0 - point.fnmr_low));
    }
    run_names(ui, &drawn, curves, Align2::RIGHT_BOTTOM);
    if let Some(point) = operating {
        let tokens = theme::tokens(ui);
        let (far, tar) = (log_rate(point.far).max(low), 1.0 - point.frr);
        let at = drawn.frame.at(far, tar.max(bottom));
        dashed(&drawn.inside, [at, drawn.frame.at(far, bottom)], Stroke::new(1.0, tokens.text_dim));
        drawn.painter.circle(at, 5.0, tokens.card, Stroke::new(2.0, tokens.text));
    }
    let name = operating.map_or_else(
        || "ROC curve".to_owned(),
        |point| format!("ROC curve; TAR {} at FAR {}", rate_text(1.0 - point.frr), rate_text(point.far)),
    );
    drawn.response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
    read_curve(&drawn, curves, place);
}

/// log10 of a rate; a rate of 0 is at minus infinity.
fn log_rate(rate: f64) -> f64 {
    rate.log10()
}

/// The decade below the smallest rate that was measured.
fn lowest_decade(curves: &[RateCurve<'_>]) -> f64 {
    let rates = curves.iter().flat_map(|curve| curve.points).map(|point| point.fmr).filter(|rate| *rate > 0.0);
    rates.map(|rate| rate.log10().floor()).fold(FIRST_DECADE, f64::min).max(LOWEST_DECADE)
}

fn decade_ticks(low: f64) -> Vec<(f64, String)> {
    (low as i32..=0).map(|decade| (f64::from(decade), tick_text(10f64.powi(decade)))).collect()
}

/// The tenth below the smallest true accept rate at a measurable FAR, so that good curves use the height.
fn lowest_tar(curves: &[RateCurve<'_>]) -> f64 {
    let measurable = curves.iter().flat_map(|curve| curve.points).filter(|point| point.fmr > 0.0);
    let lowest = measurable.map(|point| 1.0 - point.fnmr).fold(0.9, f64::min);
    ((lowest * 10.0).floor() / 10.0).clamp(0.0, 0.9)
}

fn tar_ticks(bottom: f64) -> Vec<(f64, String)> {
    let step = if bottom >= 0.85 {
        2
    } else if bottom >= 0.5 {
        10
    } else {
        20
    };
    (0..=100).step_by(step).map(|percent| (f64::from(percent) / 100.0, format!("{percent} %"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{DetPoint, ErrorRates, det_curve};

    fn curve(genuine: &[f32], impostors: usize) -> Vec<DetPoint> {
        let impostor: Vec<f32> = (0..impostors).map(|i| i as f32 / impostors as f32 * 0.5).collect();
        det_curve(&ErrorRates::new(genuine, &impostor).expect("finite"), 600)
    }

    #[test]
    fn the_axis_begins_at_the_decade_of_the_smallest_measured_rate() {
        let points = curve(&[0.4, 0.6, 0.8], 5000);
        let curves = [RateCurve {
            name: "run".to_owned(),
            points: &points,
            colour: eframe::egui::Color32::WHITE,
            current: true,
        }];
        assert!((lowest_decade(&curves) + 4.0).abs() < 1e-12, "1/5000 lies in the decade of 0.01 %");
        assert_eq!(decade_ticks(-4.0).first().map(|tick| tick.1.as_str()), Some("0.01 %"));
        assert!((lowest_decade(&[]) - FIRST_DECADE).abs() < 1e-12);
    }

    #[test]
    fn a_good_curve_gets_the_whole_height() {
        let points = curve(&[0.6, 0.7, 0.8, 0.9], 100);
        let curves = [RateCurve {
            name: "run".to_owned(),
            points: &points,
            colour: eframe::egui::Color32::WHITE,
            current: true,
        }];
        assert!((lowest_tar(&curves) - 0.9).abs() < 1e-12);
        let points = curve(&[0.0, 0.1, 0.8, 0.9], 100);
        let curves = [RateCurve {
            name: "run".to_owned(),
            points: &points,
            colour: eframe::egui::Color32::WHITE,
            current: true,
        }];
        assert!(lowest_tar(&curves) <= 0.5);
    }
}
