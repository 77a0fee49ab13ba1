//! The names of several runs in a corner of their plot, so that a plot is read without looking for a list of colours.
//!
//! Not where runs are chosen or taken out, and not for those who hear the page: that is the list beside the plot.

use super::det_plot::RateCurve;
use super::plot_frame::{DrawnFrame, TICK_PT};
use crate::ui::theme::{self, SPACE};
use eframe::egui::text::LayoutJob;
use eframe::egui::{Align2, Color32, FontId, Painter, Pos2, Ui, Vec2};

/// Runs named at most: more would cover the curves.
const MOST_NAMED: usize = 6;
/// Widest name, as a share of the plot.
const WIDEST: f32 = 0.45;

/// Writes the names, each in the colour of its curve. A run that is alone needs none.
pub(super) fn run_names(ui: &Ui, drawn: &DrawnFrame, curves: &[RateCurve<'_>], corner: Align2) {
    if curves.len() < 2 {
        return;
    }
    let (tokens, area) = (theme::tokens(ui), drawn.frame.area);
    let widest = area.width() * WIDEST;
    let mut names: Vec<(String, Color32)> = curves
        .iter()
        .take(MOST_NAMED)
        .map(|curve| (fitting(&curve.name, |text| width(&drawn.painter, text) <= widest), curve.colour))
        .collect();
    let more = curves.len().saturating_sub(MOST_NAMED);
    if more > 0 {
        names.push((format!("and {more} more"), tokens.text_dim));
    }
    let lines: Vec<_> =
        names.into_iter().map(|(name, colour)| (drawn.painter.layout_job(line(&name, colour)), colour)).collect();
    let size =
        lines.iter().fold(Vec2::ZERO, |size, (line, _)| Vec2::new(size.x.max(line.size().x), size.y + line.size().y));
    let block = corner.align_size_within_rect(size, area.shrink(SPACE));
    // A curve or the line of equal errors may pass behind.
    drawn.inside.rect_filled(block.expand(SPACE / 2.0), SPACE / 2.0, tokens.card.gamma_multiply(0.85));
    let mut top = block.top();
    for (line, colour) in lines {
        let height = line.size().y;
        drawn.inside.galley(Pos2::new(block.right() - line.size().x, top), line, colour);
        top += height;
    }
}

fn line(text: &str, colour: Color32) -> LayoutJob {
    LayoutJob::simple_singleline(text.to_owned(), FontId::proportional(TICK_PT), colour)
}

fn width(painter: &Painter, text: &str) -> f32 {
    painter.layout_job(line(text, Color32::PLACEHOLDER)).size().x
}

/// The name, or its beginning and its end where the whole does not fit: names of runs differ at either.
fn fitting(name: &str, fits: impl Fn(&str) -> bool) -> String {
    if fits(name) {
        return name.to_owned();
    }
    let letters: Vec<char> = name.chars().collect();
    let cut = |kept: usize| -> String {
        let (head, tail) = (letters.iter().take(kept.div_ceil(2)), letters.iter().skip(letters.len() - kept / 2));
        head.chain(&['…']).chain(tail).collect()
    };
    // The more letters are kept, the wider it is: an endless name, too, is measured only a few times.
    let (mut most, mut too_many) = (0, letters.len());
    while too_many - most > 1 {
        let middle = usize::midpoint(most, too_many);
        if fits(&cut(middle)) {
            most = middle;
        } else {
            too_many = middle;
        }
    }
    cut(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{DetPoint, ErrorRates, det_curve};
    use crate::ui::test_page::text_shape;
    use crate::ui::widgets::det_plot::det_plot;
    use crate::ui::widgets::roc_plot::roc_plot;
    use eframe::egui::{Rect, vec2};
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;
    use std::cell::Cell;

    const COLOURS: [Color32; 8] = [
        Color32::RED,
        Color32::GREEN,
        Color32::BLUE,
        Color32::BROWN,
        Color32::GOLD,
        Color32::KHAKI,
        Color32::ORANGE,
        Color32::PURPLE,
    ];

    fn points() -> Vec<DetPoint> {
        let genuine: Vec<f32> = (0..200).map(|i| 0.2 + 0.004 * i as f32).collect();
        let impostor: Vec<f32> = (0..1000).map(|i| -0.5 + 0.001 * i as f32).collect();
        det_curve(&ErrorRates::new(&genuine, &impostor).expect("finite scores"), 100)
    }

    /// Both plots, one below the other, of runs with these names.
    fn plots(names: Vec<String>) -> Harness<'static> {
        let points = points();
        let draw = move |ui: &mut Ui| {
            // Fonts are there from the next pass on.
            if ui.ctx().cumulative_pass_nr() == 0 {
                return theme::install(ui.ctx());
            }
            let curve = |(index, (name, colour)): (usize, (&String, Color32))| RateCurve {
                name: name.clone(),
                points: &points,
                colour,
                current: index == 0,
            };
            let curves: Vec<RateCurve<'_>> = names.iter().zip(COLOURS).enumerate().map(curve).collect();
            det_plot(ui, vec2(400.0, 300.0), &curves, None);
            let curves = curves.iter().map(|curve| RateCurve { name: format!("roc {}", curve.name), ..curve.clone() });
            roc_plot(ui, vec2(400.0, 300.0), &curves.collect::<Vec<_>>(), None);
        };
        let mut harness = Harness::builder().with_size((440.0, 660.0)).build_ui(draw);
        harness.run_steps(3);
        harness
    }

    fn place_of(harness: &Harness<'_>, words: &str) -> Rect {
        text_shape(harness, words).unwrap_or_else(|| panic!("{words} is painted")).visual_bounding_rect()
    }

    #[test]
    fn several_runs_are_named_in_their_colours_in_the_corner_that_is_empty() {
        let harness = plots((0..8).map(|run| format!("run {run}")).collect());
        let (det, roc) = (harness.get_by_label("DET curve").rect(), harness.get_by_label("ROC curve").rect());
        for (run, colour) in COLOURS.into_iter().enumerate().take(6) {
            for (plot, words) in [(det, format!("run {run}")), (roc, format!("roc run {run}"))] {
                let place = place_of(&harness, &words);
                let is_upper = place.center().y < plot.center().y;
                assert!(place.left() > plot.center().x && plot.contains_rect(place), "{words}: {place:?} in {plot:?}");
                assert_eq!(is_upper, plot == det, "{words}: {place:?} in {plot:?}");
                let text = text_shape(&harness, &words).expect("it was found");
                assert_eq!(text.galley.job.sections[0].format.color, colour);
            }
        }
        assert!(text_shape(&harness, "run 6").is_none() && text_shape(&harness, "and 2 more").is_some());
        assert!(place_of(&harness, "run 1").top() > place_of(&harness, "run 0").top());
    }

    #[test]
    fn a_run_that_is_alone_is_not_named() {
        let harness = plots(vec!["run 0".to_owned()]);
        assert!(text_shape(&harness, "run 0").is_none() && text_shape(&harness, "roc run 0").is_none());
    }

    #[test]
    fn a_long_name_keeps_its_beginning_and_its_end() {
        let fits = |text: &str| text.chars().count() <= 9;
        assert_eq!(fitting("arcface", fits), "arcface");
        assert_eq!(fitting("2026-11-22-arcface", fits), "2026…face");
        assert_eq!(fitting("2026-11-22-arcface", |_| false), "…");
        let measured = Cell::new(0);
        let counted = |text: &str| {
            measured.set(measured.get() + 1);
            fits(text)
        };
        let endless = fitting(&"é".repeat(9000), counted);
        assert_eq!((endless.chars().count(), endless.chars().nth(4)), (9, Some('…')));
        assert!(measured.get() < 20, "measured {} times", measured.get());
        let harness = plots(vec!["a".repeat(300), "b".repeat(300)]);
        let widths = harness.output().shapes.iter().filter_map(|clipped| match &clipped.shape {
            eframe::egui::Shape::Text(text) if text.galley.text().contains('…') => Some(text.galley.size().x),
            _ => None,
        });
        let widths: Vec<f32> = widths.collect();
        assert_eq!(widths.len(), 4, "each of two runs in either plot");
        assert!(widths.iter().all(|width| *width <= 400.0 * WIDEST), "{widths:?}");
    }
}
