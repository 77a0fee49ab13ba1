//! Genuine and impostor scores side by side, the threshold between them, and where one measured similarity falls.
//!
//! Not the evidence for a rate (that is counted exactly elsewhere): 80 bins are for the eye. Each kind is scaled to its
//! own number of pairs, because impostors outnumber genuine pairs a hundred to one and would flatten them.

use super::figures::rate_text;
use super::plot_frame::{Axis, DrawnFrame, TICK_PT, dashed, plot_frame};
use crate::eval::{Histogram, OperatingPoint};
use crate::ui::theme;
use eframe::egui::{self, Align2, Color32, FontId, Pos2, Rect, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, vec2};

/// Distance of ticks on the similarity axis.
const TICK_STEP: f64 = 0.2;
/// Narrower than this, the title of the y axis and the legend would touch, in points.
const WHOLE_TITLE_PT: f32 = 400.0;
/// Air above the highest bin, as a share of it.
const HEADROOM: f64 = 1.18;

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct ScoreHistogram<'a> {
    /// Scores of pairs of one class.
    pub genuine: &'a Histogram,
    /// Scores of pairs of two classes, in the same bins.
    pub impostor: &'a Histogram,
    /// Threshold and undecided band.
    pub operating: Option<&'a OperatingPoint>,
    /// The similarity of two images, if two are being compared.
    pub similarity: Option<f32>,
}

/// Draws both histograms.
pub fn score_histogram(ui: &mut Ui, size: Vec2, scores: &ScoreHistogram<'_>) {
    let (genuine, impostor) = (shares(scores.genuine), shares(scores.impostor));
    let (low, high) = shown_range(scores);
    let top = genuine.iter().chain(&impostor).copied().fold(0.0, f64::max).max(1e-9) * HEADROOM;
    let x = Axis { title: "Cosine similarity", low, high, ticks: similarity_ticks(low, high) };
    // The legend stands on the same line.
    let title = if size.x < WHOLE_TITLE_PT { "Share of pairs" } else { "Share of pairs of each kind" };
    let y = Axis { title, low: 0.0, high: top, ticks: Vec::new() };
    let drawn = plot_frame(ui, size, &x, &y, Sense::hover());
    drawn.response.widget_info(|| WidgetInfo::labeled(Role::Image, true, describe(scores)));
    let tokens = theme::tokens(ui);
    if let Some(point) = scores.operating {
        draw_undecided(&drawn, point, top, tokens.warning);
    }
    for (shares, colour) in [(&impostor, tokens.impostor), (&genuine, tokens.genuine)] {
        draw_bins(&drawn, scores.genuine, shares, colour);
    }
    legend(ui, &drawn, [("Genuine pairs", tokens.genuine), ("Impostor pairs", tokens.impostor)]);
    if let Some(point) = scores.operating {
        let line = [drawn.frame.at(f64::from(point.threshold), 0.0), drawn.frame.at(f64::from(point.threshold), top)];
        dashed(&drawn.inside, line, Stroke::new(1.5, tokens.text));
        flag(ui, &drawn, line[1], &format!("Threshold {:.3}", point.threshold), tokens.text);
    }
    if let Some(similarity) = scores.similarity {
        draw_similarity(ui, &drawn, similarity, top);
    }
    read_bin(&drawn, scores, &genuine, &impostor);
}

fn describe(scores: &ScoreHistogram<'_>) -> String {
    let threshold = scores.operating.map_or_else(String::new, |point| format!("; threshold {:.2}", point.threshold));
    let similarity = scores.similarity.map_or_else(String::new, |value| format!("; this pair {value:.2}"));
    format!("Histogram of genuine and impostor scores{threshold}{similarity}")
}

/// Counts as shares of their sum.
fn shares(histogram: &Histogram) -> Vec<f64> {
    let total = histogram.counts.iter().map(|&count| f64::from(count)).sum::<f64>().max(1.0);
    histogram.counts.iter().map(|&count| f64::from(count) / total).collect()
}

/// Left edge of a bin.
fn edge(histogram: &Histogram, bin: usize) -> f64 {
    let width = f64::from(histogram.high - histogram.low) / histogram.counts.len().max(1) as f64;
    f64::from(histogram.low) + width * bin as f64
}

/// From the first to the last bin with a score, widened to whole ticks and to the threshold and the pair shown.
fn shown_range(scores: &ScoreHistogram<'_>) -> (f64, f64) {
    let marks =
        scores.operating.map(|point| f64::from(point.threshold)).into_iter().chain(scores.similarity.map(f64::from));
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    let bins = [scores.genuine, scores.impostor].into_iter().flat_map(|histogram| {
        let filled = histogram.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        filled.flat_map(move |(bin, _)| [edge(histogram, bin), edge(histogram, bin + 1)])
    });
    for value in bins.chain(marks).filter(|value| value.is_finite()) {
        (low, high) = (low.min(value), high.max(value));
    }
    if low > high {
        return (-1.0, 1.0);
    }
    let (low, high) = ((low / TICK_STEP).floor() * TICK_STEP, (high / TICK_STEP).ceil() * TICK_STEP);
    (low.clamp(-1.0, 1.0 - TICK_STEP), high.clamp(TICK_STEP - 1.0, 1.0).max(low + TICK_STEP))
}

fn similarity_ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    let (first, last) = ((low / TICK_STEP).round() as i32, (high / TICK_STEP).round() as i32);
    (first..=last).map(|step| (f64::from(step) * TICK_STEP, format!("{:.1}", f64::from(step) * TICK_STEP))).collect()
}

fn draw_bins(drawn: &DrawnFrame, histogram: &Histogram, shares: &[f64], colour: Color32) {
    let mut outline: Vec<Pos2> = Vec::with_capacity(2 * shares.len());
    for (bin, &share) in shares.iter().enumerate() {
        let (left, right) = (edge(histogram, bin), edge(histogram, bin + 1));
        let (top_left, top_right) = (drawn.frame.at(left, share), drawn.frame.at(right, share));
        outline.extend([top_left, top_right]);
        let bar = Rect::from_min_max(top_left, drawn.frame.at(right, 0.0));
        drawn.inside.rect_filled(bar, 0.0, colour.gamma_multiply(0.28));
    }
    drawn.inside.line(outline, Stroke::new(1.5, colour));
}

/// The band in which the honest answer is "cannot tell".
fn draw_undecided(drawn: &DrawnFrame, point: &OperatingPoint, top: f64, colour: Color32) {
    let corners =
        [drawn.frame.at(f64::from(point.undecided_low), top), drawn.frame.at(f64::from(point.undecided_high), 0.0)];
    drawn.inside.rect_filled(Rect::from_two_pos(corners[0], corners[1]), 0.0, colour.gamma_multiply(0.22));
}

/// Names both kinds above the plot, from the right.
fn legend(ui: &Ui, drawn: &DrawnFrame, kinds: [(&str, Color32); 2]) {
    let mut right = drawn.frame.area.right();
    let middle = drawn.frame.area.top() - 14.0;
    for (name, colour) in kinds {
        let text = theme::tokens(ui).text;
        let galley = ui.painter().layout_no_wrap(name.to_owned(), FontId::proportional(12.0), text);
        let at = Pos2::new(right - galley.size().x, middle - galley.size().y / 2.0);
        let swatch = Rect::from_center_size(Pos2::new(at.x - 10.0, middle), Vec2::splat(9.0));
        drawn.painter.rect(swatch, 2.0, colour.gamma_multiply(0.4), Stroke::new(1.5, colour), egui::StrokeKind::Inside);
        drawn.painter.galley(at, galley, text);
        right = swatch.left() - 16.0;
    }
}

/// A short text beside the upper end of a vertical line, on the side with more room.
fn flag(ui: &Ui, drawn: &DrawnFrame, at: Pos2, text: &str, colour: Color32) {
    let right = at.x < drawn.frame.area.center().x;
    let (anchor, offset) = if right { (Align2::LEFT_TOP, 5.0) } else { (Align2::RIGHT_TOP, -5.0) };
    let galley = ui.painter().layout_no_wrap(text.to_owned(), FontId::proportional(TICK_PT), colour);
    let rect = anchor.anchor_size(at + vec2(offset, 1.0), galley.size());
    drawn.painter.rect_filled(rect.expand2(vec2(3.0, 0.0)), 3.0, theme::tokens(ui).card.gamma_multiply(0.85));
    drawn.painter.galley(rect.min, galley, colour);
}

fn draw_similarity(ui: &Ui, drawn: &DrawnFrame, similarity: f32, top: f64) {
    // Not the accent, which is nearly the blue of the genuine pairs behind it.
    let colour = theme::tokens(ui).text;
    let (foot, head) = (drawn.frame.at(f64::from(similarity), 0.0), drawn.frame.at(f64::from(similarity), top * 0.86));
    drawn.inside.line_segment([foot, head], Stroke::new(2.5, colour));
    drawn.painter.circle_filled(head, 5.0, colour);
    flag(ui, drawn, head - vec2(0.0, 6.0), &format!("This pair {similarity:.3}"), colour);
}

fn read_bin(drawn: &DrawnFrame, scores: &ScoreHistogram<'_>, genuine: &[f64], impostor: &[f64]) {
    let Some(at) = drawn.response.hover_pos().filter(|at| drawn.frame.area.contains(*at)) else { return };
    let (value, _) = drawn.frame.values(at);
    let histogram = scores.genuine;
    let width = f64::from(histogram.high - histogram.low) / histogram.counts.len().max(1) as f64;
    let bin = ((value - f64::from(histogram.low)) / width.max(1e-9)).max(0.0) as usize;
    let (Some(genuine), Some(impostor)) = (genuine.get(bin), impostor.get(bin)) else { return };
    drawn.response.clone().on_hover_ui_at_pointer(|ui| {
        ui.label(format!("Similarity {:.3} to {:.3}", edge(histogram, bin), edge(histogram, bin + 1)));
        ui.label(format!("{} of genuine pairs", rate_text(*genuine)));
        ui.label(format!("{} of impostor pairs", rate_text(*impostor)));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::histogram;
    use crate::ui::test_page::text_shape;
    use egui_kittest::Harness;

    #[test]
    fn the_axis_covers_the_scores_and_the_pair_in_whole_ticks() {
        let genuine = histogram(&[0.5, 0.7], -1.0, 1.0, 80);
        let impostor = histogram(&[0.05, 0.15], -1.0, 1.0, 80);
        let mut scores = ScoreHistogram { genuine: &genuine, impostor: &impostor, operating: None, similarity: None };
        let (low, high) = shown_range(&scores);
        assert!(low.abs() < 1e-9 && (high - 0.8).abs() < 1e-9, "{low} {high}");
        scores.similarity = Some(-0.31);
        assert!((shown_range(&scores).0 + 0.4).abs() < 1e-9);
        let texts: Vec<String> = similarity_ticks(0.0, 0.8).into_iter().map(|tick| tick.1).collect();
        assert_eq!(texts, ["0.0", "0.2", "0.4", "0.6", "0.8"]);
    }

    #[test]
    fn a_pair_is_marked_by_a_line_in_the_colour_of_text() {
        let draw = |ui: &mut Ui| {
            // Fonts are there from the next pass on.
            if ui.ctx().cumulative_pass_nr() == 0 {
                return theme::install(ui.ctx());
            }
            let (genuine, impostor) = (histogram(&[0.5, 0.7], -1.0, 1.0, 80), histogram(&[0.05, 0.15], -1.0, 1.0, 80));
            let (operating, similarity) = (None, Some(0.6));
            let scores = ScoreHistogram { genuine: &genuine, impostor: &impostor, operating, similarity };
            score_histogram(ui, vec2(500.0, 240.0), &scores);
        };
        for (theme, is_dark) in [(egui::Theme::Light, false), (egui::Theme::Dark, true)] {
            let mut harness = Harness::builder().with_size((520.0, 260.0)).with_theme(theme).build_ui(draw);
            harness.run_steps(3);
            let text = theme::tokens_of(is_dark).text;
            let lines = harness.output().shapes.iter().filter_map(|clipped| match &clipped.shape {
                egui::Shape::LineSegment { stroke, .. } if stroke.width > 2.0 => Some(stroke.color),
                _ => None,
            });
            assert_eq!(lines.collect::<Vec<_>>(), [text]);
            let flag = text_shape(&harness, "This pair 0.600").expect("the line has its number");
            assert_eq!(flag.galley.job.sections[0].format.color, text);
        }
    }

    #[test]
    fn an_empty_histogram_shows_the_whole_range() {
        let none = histogram(&[], -1.0, 1.0, 80);
        let scores = ScoreHistogram { genuine: &none, impostor: &none, operating: None, similarity: None };
        assert_eq!(shown_range(&scores), (-1.0, 1.0));
        assert!(shares(&none).iter().all(|share| share.abs() < 1e-12));
    }

    #[test]
    fn shares_of_a_kind_add_up_to_one() {
        let scores = histogram(&[0.1, 0.2, 0.3, 0.31], -1.0, 1.0, 80);
        assert!((shares(&scores).iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
