//! The margin as a curve: what the chosen loss makes of an angle, among what all the others make of it.

use crate::config::{Head, Margins, Resolved};
use crate::loss::{CurveFamily, HeadOptions, curve_families};
use crate::ui::format;
use crate::ui::theme::{self, Tokens};
use crate::ui::widgets::curve::{Curve, CurvePlot, CurveStyle, curve_plot};
use eframe::egui::{Color32, Ui};

const PLOT_HEIGHT: f32 = 190.0;

/// The plot. Its curves are kept until they would be others: all losses together take half a millisecond.
#[derive(Debug, Default)]
pub(super) struct MarginPlot {
    drawn: Option<(Asked, Vec<Curve>)>,
}

/// What the curves depend on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Asked {
    chosen: Head,
    scale: f64,
    margins: Margins,
    options: HeadOptions,
    dark: bool,
}

impl MarginPlot {
    /// Draws the plot, and in one sentence when to use the chosen loss.
    pub(super) fn ui(&mut self, ui: &mut Ui, resolved: &Resolved) {
        let loss = &resolved.config.loss;
        let curves = self.curves(Asked {
            chosen: loss.head,
            scale: resolved.scale,
            margins: resolved.margins,
            options: HeadOptions::of(loss, resolved.margin_detached),
            dark: ui.visuals().dark_mode,
        });
        let plot = CurvePlot {
            title: "The margin: target logit over angle",
            help: "What the loss sees of an image at this angle from its class; the lower the curve, the harder the network is pushed. The thin lines are the other losses with the margins that their authors publish",
            curves,
            x: (0.0, 180.0),
            x_step: Some(30.0),
            x_unit: "angle in degrees",
            include_y: &[],
            y_text: format::significant,
            mark: None,
            height: PLOT_HEIGHT,
        };
        curve_plot(ui, &plot);
        if let Some(words) = elsewhere(loss.head) {
            ui.label(theme::caption(words));
        }
        ui.label(theme::caption(loss.head.advice()));
    }

    fn curves(&mut self, asked: Asked) -> &[Curve] {
        if self.drawn.as_ref().is_none_or(|(before, _)| *before != asked) {
            self.drawn = Some((asked, curves(&asked)));
        }
        self.drawn.as_ref().map(|(_, curves)| curves.as_slice()).unwrap_or_default()
    }
}

/// What there is to say where the curve of a loss does not show its margin.
fn elsewhere(head: Head) -> Option<&'static str> {
    let words =
        "Its curve is that of no margin: its margin is in the other classes, which count as nearer than they are.";
    (head == Head::SphereFaceR2).then_some(words)
}

/// One per family of losses; that of the chosen one last, so that it lies on top.
fn curves(asked: &Asked) -> Vec<Curve> {
    let Asked { chosen, scale, margins, ref options, dark } = *asked;
    let tokens: &Tokens = theme::tokens_of(dark);
    let curve = |family: CurveFamily, colour: Color32, style: CurveStyle| {
        let name = name(&family.heads);
        Curve { name: name.into(), colour, points: family.points, style }
    };
    let mut families = curve_families(chosen, scale, margins, options).into_iter();
    let strong = families.next().map(|family| curve(family, tokens.accent, CurveStyle::Line));
    families.map(|family| curve(family, tokens.text_dim, CurveStyle::Beside)).chain(strong).collect()
}

/// The losses of a curve by name. Some names have a comma in them.
fn name(heads: &[Head]) -> String {
    let labels: Vec<&str> = heads.iter().map(|head| head.label()).collect();
    labels.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(chosen: Head) -> Asked {
        let (margins, options) = (chosen.published_margins(), HeadOptions::default());
        Asked { chosen, scale: 16.0, margins, options, dark: true }
    }

    #[test]
    fn every_loss_is_drawn_and_the_chosen_one_lies_on_top() {
        for chosen in Head::every() {
            let curves = curves(&asked(chosen));
            let (last, others) = curves.split_last().unwrap();
            assert_eq!(last.style, CurveStyle::Line);
            assert!(last.name.starts_with(chosen.label()), "{}", last.name);
            assert!(others.iter().all(|curve| curve.style == CurveStyle::Beside));
            let mut names: Vec<&str> = curves.iter().flat_map(|curve| curve.name.split("; ")).collect();
            let mut every: Vec<&str> = Head::every().map(Head::label).collect();
            names.sort_unstable();
            every.sort_unstable();
            assert_eq!(names, every);
        }
    }

    #[test]
    fn a_margin_that_the_curve_does_not_show_is_told_of() {
        for chosen in Head::every() {
            let curves = curves(&asked(chosen));
            let points = &curves.last().unwrap().points;
            let is_plain =
                points.iter().all(|[degrees, logit]| (logit - 16.0 * degrees.to_radians().cos()).abs() < 1e-6);
            assert_eq!(elsewhere(chosen).is_some(), is_plain && chosen.has_margin(), "{chosen:?}");
        }
    }

    #[test]
    fn losses_with_one_curve_have_one_name() {
        let curves = curves(&asked(Head::ArcFace));
        let is_drawn = |name: &str| curves.iter().any(|curve| curve.name == name);
        assert!(is_drawn("CosFace; ElasticFace-Cos") && is_drawn("AdaFace; UniFace") && is_drawn("ArcFace"));
    }

    #[test]
    fn the_curves_are_kept_until_the_settings_change() {
        let mut plot = MarginPlot::default();
        let mut asked = asked(Head::CosFace);
        let at_0 = |curves: &[Curve]| curves.last().map(|curve| curve.points[0][1]);
        let first = plot.curves(asked).as_ptr();
        assert_eq!(plot.curves(asked).as_ptr(), first);
        assert_eq!(at_0(plot.curves(asked)), Some(16.0 * (1.0 - 0.35)));
        asked.margins.cos = 0.5;
        assert_eq!(at_0(plot.curves(asked)), Some(8.0));
    }
}
