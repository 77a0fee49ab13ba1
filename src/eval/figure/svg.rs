//! The picture: axes with plain rates, grid, bands, curves and legend, as the text of an SVG file.
//!
//! Lengths are points (1/72 inch), so that letters keep their size on paper however wide the picture is. Text stays text,
//! in whatever sans-serif the reader has, so that journals can set it in theirs; its width can therefore only be guessed.

use super::colours::Look;
use super::{DetFigure, DetPoint, FigureCurve, WIDTH_MM_RANGE};
use crate::eval::{DET_TICKS, det_axis_start, det_band, interval_text, labels_with_room, probit, rate_text, tick_text};

/// Millimetres in a point.
pub(super) const MM_PER_PT: f64 = 25.4 / 72.0;
/// Around everything.
const MARGIN: f64 = 8.0;
/// Room for tick labels and the title of the y axis.
pub(super) const LEFT: f64 = 54.0;
/// Room for half a tick label.
pub(super) const RIGHT: f64 = 14.0;
/// Room for tick labels and the title of the x axis.
const BELOW: f64 = 36.0;
/// Height of the plot over its width.
const HEIGHT_TO_WIDTH: f64 = 0.8;
/// Sizes of letters.
const TITLE_PT: f64 = 9.5;
const TEXT_PT: f64 = 8.0;
const TICK_PT: f64 = 7.0;
/// From one line to the next.
const TITLE_LINE: f64 = 13.0;
const LEGEND_LINE: f64 = 12.0;
/// The piece of a line in the legend, long enough for every pattern of dashes.
const SAMPLE: f64 = 26.0;
/// Between things that must not touch.
const GAP: f64 = 6.0;
/// Where names begin in the legend.
const NAME_AT: f64 = MARGIN + SAMPLE + GAP;
/// From the middle of a line of text to the line it stands on, in letter sizes.
const MIDDLE: f64 = 0.35;
/// Widths of a letter in letter sizes: a generous mean, and that of letters as broad as high.
const NARROW_LETTER: f64 = 0.6;
const BROAD_LETTER: f64 = 1.0;

/// Where normal deviates are on the page.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x_start: f64,
    y_start: f64,
}

impl Frame {
    /// Both axes end at a deviate of 0, which is a rate of one half, and begin below it.
    fn x(&self, deviate: f64) -> f64 {
        self.right - deviate / self.x_start * (self.right - self.left)
    }

    fn y(&self, deviate: f64) -> f64 {
        self.top + deviate / self.y_start * (self.bottom - self.top)
    }
}

/// Draws a figure.
pub(super) fn svg(figure: &DetFigure) -> String {
    let look = Look::of(figure.dark);
    let width_mm = i64::from(figure.width_mm).clamp(*WIDTH_MM_RANGE.start(), *WIDTH_MM_RANGE.end()) as f64;
    let width = width_mm / MM_PER_PT;
    let title = lines_of(figure.title.as_deref().unwrap_or_default(), width - 2.0 * MARGIN, TITLE_PT);
    let (top, right) = (MARGIN + GAP + title.len() as f64 * TITLE_LINE, width - RIGHT);
    let points = || figure.curves.iter().flat_map(|curve| curve.drawable());
    let frame = Frame {
        left: LEFT,
        right,
        top,
        bottom: top + (right - LEFT) * HEIGHT_TO_WIDTH,
        x_start: det_axis_start(points().map(|point| point.x)),
        y_start: det_axis_start(points().map(|point| point.y)),
    };
    let legend_lines = figure.curves.len() * lines_per_run(figure, right);
    let height = frame.bottom + BELOW + legend_lines as f64 * LEGEND_LINE + MARGIN;
    let mut svg = head(figure, look, (width, height));
    for (line, words) in title.iter().enumerate() {
        let at = (width / 2.0, MARGIN + TITLE_PT + line as f64 * TITLE_LINE);
        svg += &text(at, &format!(r#" text-anchor="middle" font-size="{TITLE_PT}" font-weight="bold""#), words);
    }
    svg += &axes(&frame, look);
    svg += &curves(figure, &frame, look);
    svg += &legend(figure, &frame, look);
    svg + "</svg>\n"
}

fn head(figure: &DetFigure, look: &Look, (width, height): (f64, f64)) -> String {
    let names: Vec<&str> = figure.curves.iter().map(|curve| curve.name.as_str()).collect();
    let (width_mm, height_mm) = (width * MM_PER_PT, height * MM_PER_PT);
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="{width_mm:.2}mm" height="{height_mm:.2}mm" viewBox="0 0 {width:.2} {height:.2}" font-family="sans-serif" font-size="{TEXT_PT}" fill="{ink}">
<title>{title}</title>
<rect width="100%" height="100%" fill="{page}"/>
"#,
        ink = look.ink,
        page = look.page,
        title = escaped(&format!("DET curves of {}", names.join(", "))),
    )
}

/// Grid, tick labels, titles, and the line on which both errors are equal.
fn axes(frame: &Frame, look: &Look) -> String {
    let Frame { left, right, top, bottom, .. } = *frame;
    let ticks = |start: f64| DET_TICKS.into_iter().filter(move |&rate| probit(rate) >= start - 1e-9);
    let (mut grid, mut x_labels, mut y_labels) = (String::new(), String::new(), String::new());
    let (x_ticks, y_ticks): (Vec<f64>, Vec<f64>) = (ticks(frame.x_start).collect(), ticks(frame.y_start).collect());
    let (x_of, y_of) = (|rate: f64| frame.x(probit(rate)), |rate: f64| frame.y(probit(rate)));
    let widths = x_ticks.iter().map(|&rate| (x_of(rate), text_width(&tick_text(rate), TICK_PT) / 2.0));
    for (&rate, has_room) in x_ticks.iter().zip(labels_with_room(widths, GAP / 3.0)) {
        let x = x_of(rate);
        grid += &format!("M{x:.2} {top:.2}V{bottom:.2}");
        if has_room {
            x_labels += &text((x, bottom + GAP + TICK_PT), "", &tick_text(rate));
        }
    }
    let heights = y_ticks.iter().map(|&rate| (y_of(rate), TICK_PT / 2.0));
    for (&rate, has_room) in y_ticks.iter().zip(labels_with_room(heights, GAP / 2.0)) {
        let y = y_of(rate);
        grid += &format!("M{left:.2} {y:.2}H{right:.2}");
        if has_room {
            y_labels += &text((left - GAP, y + MIDDLE * TICK_PT), "", &tick_text(rate));
        }
    }
    let (grid_colour, ink) = (look.grid, look.ink);
    let (plot_width, plot_height) = (right - left, bottom - top);
    let (across, down) = (f64::midpoint(left, right), f64::midpoint(top, bottom));
    let mut svg =
        format!("<path class=\"grid\" d=\"{grid}\" fill=\"none\" stroke=\"{grid_colour}\" stroke-width=\"0.5\"/>\n");
    svg += &equal_error_line(frame, look);
    svg += &format!(
        r#"<rect class="frame" x="{left:.2}" y="{top:.2}" width="{plot_width:.2}" height="{plot_height:.2}" fill="none" stroke="{ink}" stroke-width="0.75"/>
<g class="x-ticks" font-size="{TICK_PT}" text-anchor="middle">
{x_labels}</g>
<g class="y-ticks" font-size="{TICK_PT}" text-anchor="end">
{y_labels}</g>
"#
    );
    svg += &text((across, bottom + BELOW - GAP - 2.0), r#" text-anchor="middle""#, "False match rate (FMR)");
    // Moved, then turned: simple readers do not know a rotation about a point.
    let turned =
        format!(r#" text-anchor="middle" transform="translate({x:.2} {down:.2}) rotate(-90)""#, x = MARGIN + TEXT_PT);
    svg + &text((0.0, 0.0), &turned, "False non-match rate (FNMR)")
}

/// Where both errors are equal.
fn equal_error_line(frame: &Frame, look: &Look) -> String {
    let start = frame.x_start.max(frame.y_start);
    let (x, y) = (frame.x(start), frame.y(start));
    let dim = look.dim;
    let line = format!(
        "<path class=\"equal-errors\" d=\"M{x:.2} {y:.2}L{:.2} {:.2}\" fill=\"none\" stroke=\"{dim}\" stroke-width=\"0.6\" stroke-dasharray=\"2 2\"/>\n",
        frame.right, frame.top
    );
    // Low on the line, where curves of any use are rare.
    let along = 0.9 * start;
    let at = (frame.x(along) + GAP, frame.y(along) + MIDDLE * TICK_PT);
    line + &text(at, &format!(r#" font-size="{TICK_PT}" fill="{dim}""#), "FMR = FNMR")
}

/// Bands first, so that no band covers a curve.
fn curves(figure: &DetFigure, frame: &Frame, look: &Look) -> String {
    let Frame { left, right, top, bottom, .. } = *frame;
    let mut svg = format!(
        r##"<clipPath id="plot"><rect x="{left:.2}" y="{top:.2}" width="{:.2}" height="{:.2}"/></clipPath>
<g clip-path="url(#plot)">
"##,
        right - left,
        bottom - top
    );
    let drawn = || figure.curves.iter().filter(|curve| curve.drawable().next().is_some());
    for curve in drawn() {
        let (area, colour) = (band(curve, frame), look.colour(curve.series));
        svg += &format!("<path class=\"band\" d=\"{area}Z\" fill=\"{colour}\" fill-opacity=\"0.15\"/>\n");
    }
    for curve in drawn() {
        let line = path(curve.drawable().map(|point| (frame.x(point.x), frame.y(point.y))));
        let stroke = look.stroke(curve.series);
        svg += &format!(
            "<path class=\"curve\" d=\"{line}\" fill=\"none\"{stroke} stroke-width=\"1.4\" stroke-linejoin=\"round\"/>\n"
        );
    }
    svg + "</g>\n"
}

/// The outline of the confidence band: along the upper ends and back along the lower ones.
fn band(curve: &FigureCurve, frame: &Frame) -> String {
    let edge = |pick: fn((f64, f64)) -> f64| -> Vec<(f64, f64)> {
        let place = |point: &DetPoint| (frame.x(point.x), frame.y(pick(det_band(point, frame.y_start))));
        curve.drawable().map(place).collect()
    };
    let mut lower = edge(|ends| ends.0);
    lower.reverse();
    path(edge(|ends| ends.1).into_iter().chain(lower))
}

fn path(places: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (x, y) in places {
        let letter = if path.is_empty() { 'M' } else { 'L' };
        path += &format!("{letter}{x:.2} {y:.2}");
    }
    path
}

/// Below the plot: each run's line, its name, and what it is worth.
fn legend(figure: &DetFigure, frame: &Frame, look: &Look) -> String {
    let mut svg = "<g class=\"legend\">\n".to_owned();
    let lines = lines_per_run(figure, frame.right);
    for (row, curve) in figure.curves.iter().enumerate() {
        let middle = frame.bottom + BELOW + ((row * lines) as f64 + 0.5) * LEGEND_LINE;
        let base = middle + MIDDLE * TEXT_PT;
        let stroke = look.stroke(curve.series);
        svg += &format!("<path d=\"M{MARGIN} {middle:.2}h{SAMPLE}\" fill=\"none\"{stroke} stroke-width=\"1.4\"/>\n");
        svg += &text((NAME_AT, base), "", &fitted(&curve.name, frame.right - NAME_AT, TEXT_PT));
        svg += &if lines == 1 {
            text((frame.right, base), r#" text-anchor="end""#, &worth(curve))
        } else {
            text((NAME_AT, base + LEGEND_LINE), "", &worth(curve))
        };
    }
    svg + "</g>\n"
}

fn worth(curve: &FigureCurve) -> String {
    format!("EER {} [{}]", rate_text(curve.eer), interval_text(curve.eer_low, curve.eer_high))
}

/// One, or two where some name leaves no room for the rate behind it.
fn lines_per_run(figure: &DetFigure, right: f64) -> usize {
    let fits = |curve: &FigureCurve| {
        NAME_AT + text_width(&curve.name, TEXT_PT) + GAP + text_width(&worth(curve), TEXT_PT) <= right
    };
    if figure.curves.iter().all(fits) { 1 } else { 2 }
}

/// Words at a place; `attributes` begin with a space.
fn text((x, y): (f64, f64), attributes: &str, words: &str) -> String {
    format!("<text x=\"{x:.2}\" y=\"{y:.2}\"{attributes}>{}</text>\n", escaped(words))
}

/// Any text as XML can hold it.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' | '\r' => safe.push(' '),
            // XML has no way to write these.
            '\u{FFFE}' | '\u{FFFF}' => safe.push(char::REPLACEMENT_CHARACTER),
            control if control.is_control() => safe.push(char::REPLACEMENT_CHARACTER),
            plain => safe.push(plain),
        }
    }
    safe
}

/// About how wide a text is, in points.
fn text_width(text: &str, size_pt: f64) -> f64 {
    text.chars().map(|letter| if letter.is_ascii() { NARROW_LETTER } else { BROAD_LETTER }).sum::<f64>() * size_pt
}

/// The text, or as much of its beginning as there is room for.
pub(super) fn fitted(text: &str, room: f64, size_pt: f64) -> String {
    if text_width(text, size_pt) <= room {
        return text.to_owned();
    }
    let mut left = room - BROAD_LETTER * size_pt;
    let fits = |letter: &char| {
        left -= text_width(letter.encode_utf8(&mut [0; 4]), size_pt);
        left >= 0.0
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// The text in lines of this width, broken between words.
pub(super) fn lines_of(text: &str, room: f64, size_pt: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match longer.filter(|longer| text_width(longer, size_pt) <= room) {
            Some(longer) => {
                lines.pop();
                lines.push(longer);
            }
            None => lines.push(fitted(word, room, size_pt)),
        }
    }
    lines
}
