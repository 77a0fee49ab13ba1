//! The text of a figure: well-formed whatever the names are, everything at its place, every run in the legend.

use super::svg::{LEFT, MM_PER_PT, RIGHT, escaped, fitted, lines_of};
use super::*;
use crate::eval::{
    ErrorRates, OperatingRule, ScoredPairs, det_axis_start, det_curve, interval_text, probit, rate_text,
    verification_report,
};

/// A report of scores on two straight lines that overlap the less the better the run is.
fn report(quality: f32) -> VerificationReport {
    let genuine = (0..300).map(|i| (0.1 + 0.3 * quality + 0.002 * i as f32, true));
    let impostor = (0..2000).map(|i| (-0.5 + 0.000_5 * i as f32, false));
    let (scores, same) = genuine.chain(impostor).unzip();
    verification_report(&ScoredPairs { scores, same }, OperatingRule::Eer, false, 1).unwrap()
}

fn figure(names: &[&str]) -> DetFigure {
    let curve = |(series, name): (usize, &&str)| {
        FigureCurve::of((*name).to_owned(), series, &report(1.0 - 0.2 * series as f32))
    };
    DetFigure::new(names.iter().enumerate().map(curve).collect())
}

fn svg(figure: &DetFigure) -> String {
    figure.text(FigureForm::Svg)
}

/// Every tag is closed in its order, and no character outside of tags could be read as markup.
fn assert_well_formed(xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    let body = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("a declaration");
    for (index, piece) in body.split('<').enumerate() {
        if index == 0 {
            assert_eq!(piece, "");
            continue;
        }
        let (tag, words) = piece.split_once('>').unwrap_or_else(|| panic!("not closed: <{piece}"));
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        for entity in words.split('&').skip(1).chain(tag.split('&').skip(1)) {
            let name = entity.split(';').next().unwrap();
            assert!(["amp", "lt", "gt", "quot", "#39"].contains(&name), "&{entity}");
        }
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    let is_writable =
        |letter: char| letter == '\n' || (!letter.is_control() && letter < '\u{FFFE}') || letter > '\u{FFFF}';
    assert!(xml.chars().all(is_writable));
}

/// The places of the path of a class, in the order of the file.
fn paths(svg: &str, class: &str) -> Vec<Vec<(f64, f64)>> {
    let place = |pair: &str| {
        let (x, y) = pair.split_once(' ').unwrap();
        (x.parse::<f64>().unwrap(), y.parse::<f64>().unwrap())
    };
    let begin = format!("<path class=\"{class}\" d=\"M");
    svg.split(&begin)
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().trim_end_matches('Z').split('L').map(place).collect())
        .collect()
}

/// A number behind `name="`, the first after `from`.
fn number(svg: &str, from: &str, name: &str) -> f64 {
    let rest = svg.split_once(from).unwrap_or_else(|| panic!("{from} in {svg}")).1;
    let value = rest.split_once(&format!("{name}=\"")).unwrap().1;
    value.split(|c: char| !(c.is_ascii_digit() || c == '.')).next().unwrap().parse().unwrap()
}

/// The labels of an axis with their places.
fn labels(svg: &str, axis: &str) -> Vec<(String, f64, f64)> {
    let group = svg.split_once(&format!("<g class=\"{axis}\"")).unwrap().1.split("</g>").next().unwrap();
    let label = |line: &str| {
        let words = line.split_once('>').unwrap().1.split('<').next().unwrap().to_owned();
        (words, number(line, "", " x"), number(line, "", " y"))
    };
    group.lines().filter(|line| line.starts_with("<text")).map(label).collect()
}

#[test]
fn a_figure_has_its_parts_in_their_order() {
    let figure = DetFigure { title: Some("LFW".to_owned()), ..figure(&["arcface", "softmax"]) };
    let text = svg(&figure);
    assert_well_formed(&text);
    let parts = [
        "<title>DET curves of arcface, softmax</title>",
        ">LFW</text>",
        "class=\"grid\"",
        "class=\"equal-errors\"",
        ">FMR = FNMR</text>",
        "class=\"frame\"",
        "class=\"x-ticks\"",
        "class=\"y-ticks\"",
        ">False match rate (FMR)</text>",
        ">False non-match rate (FNMR)</text>",
        "class=\"band\"",
        "class=\"curve\"",
        "class=\"legend\"",
    ];
    let mut from = 0;
    for part in parts {
        from += text[from..].find(part).unwrap_or_else(|| panic!("{part} is missing or too early"));
    }
    assert_eq!((paths(&text, "band").len(), paths(&text, "curve").len()), (2, 2));
    assert!(text.contains("font-family=\"sans-serif\""));
}

#[test]
fn the_size_on_paper_is_the_one_asked_for_and_letters_keep_theirs() {
    for (asked, written) in [(88, 88.0), (0, 60.0), (5000, 1000.0)] {
        let text = svg(&DetFigure { width_mm: asked, ..figure(&["run"]) });
        assert!(text.contains(&format!(" width=\"{written:.2}mm\"")) && text.contains("font-size=\"8\""), "{asked}");
        let points = text.split_once("viewBox=\"0 0 ").unwrap().1.split(' ').next().unwrap();
        assert!((points.parse::<f64>().unwrap() * MM_PER_PT - written).abs() < 0.01);
    }
}

#[test]
fn ticks_are_plain_rates_at_their_probit() {
    let figure = figure(&["run"]);
    let text = svg(&figure);
    let left = LEFT;
    let right = f64::from(figure.width_mm) / MM_PER_PT - RIGHT;
    let start = det_axis_start(figure.curves[0].points.iter().map(|point| point.x));
    let shown = labels(&text, "x-ticks");
    assert!(shown.len() >= 5, "{shown:?}");
    for (words, x, _) in &shown {
        let rate = words.trim_end_matches(" %").parse::<f64>().unwrap() / 100.0;
        let expected = left + (probit(rate) - start) / -start * (right - left);
        assert!((x - expected).abs() < 0.01, "{words} at {x}, not {expected}");
    }
    let half = shown.iter().find(|(words, ..)| words == "50 %").unwrap();
    assert!((half.1 - right).abs() < 0.01);
    assert!(shown.iter().any(|(words, ..)| words == "1 %"));
    let mut up: Vec<f64> = labels(&text, "y-ticks").into_iter().map(|label| label.2).collect();
    up.sort_unstable_by(|a, b| b.total_cmp(a));
    assert!(up.len() >= 5 && up.windows(2).all(|pair| pair[1] < pair[0] - 7.0), "no label touches the next: {up:?}");
}

#[test]
fn curves_run_up_and_to_the_left_inside_their_band() {
    let text = svg(&figure(&["arcface", "softmax"]));
    let (curves, bands) = (paths(&text, "curve"), paths(&text, "band"));
    assert_eq!((curves.len(), bands.len()), (2, 2));
    for (curve, band) in curves.iter().zip(bands) {
        assert!(curve.len() > 50);
        assert!(curve.windows(2).all(|pair| pair[1].0 <= pair[0].0 && pair[1].1 <= pair[0].1), "{curve:?}");
        assert_eq!(band.len(), 2 * curve.len());
        for (index, (x, y)) in curve.iter().enumerate() {
            let (upper, lower) = (band[index], band[band.len() - 1 - index]);
            assert_eq!((upper.0, lower.0), (*x, *x));
            // At no error at all the point stands for half an error, which lies within the interval as well.
            assert!(upper.1 <= *y && *y <= lower.1, "{y} between {upper:?} and {lower:?}");
        }
    }
}

#[test]
fn every_run_is_in_the_legend_with_its_rate_and_a_line_of_its_own() {
    let figure = figure(&["arcface", "softmax", "cosface"]);
    let text = svg(&figure);
    let legend = text.split_once("<g class=\"legend\">").unwrap().1;
    for curve in &figure.curves {
        assert!(legend.contains(&format!(">{}</text>", curve.name)), "{legend}");
        let worth = format!("EER {} [{}]", rate_text(curve.eer), interval_text(curve.eer_low, curve.eer_high));
        assert!(legend.contains(&worth), "{worth} in {legend}");
    }
    let strokes: std::collections::BTreeSet<&str> =
        legend.split("fill=\"none\"").skip(1).map(|rest| rest.split(" stroke-width").next().unwrap()).collect();
    assert_eq!(strokes.len(), 3, "{strokes:?}");
    for stroke in strokes {
        assert_eq!(text.matches(&format!("{stroke} stroke-width=\"1.4\"")).count(), 2, "the curve and its sample");
    }
}

#[test]
fn a_run_keeps_its_colour_when_another_is_left_out_and_a_dark_page_has_its_own() {
    let both = figure(&["arcface", "softmax"]);
    let second = DetFigure { curves: vec![both.curves[1].clone()], ..both };
    let colour = |dark: bool, hex: u32| svg(&DetFigure { dark, ..second.clone() }).contains(&format!("#{hex:06x}"));
    assert!(colour(false, RUN_COLOURS_LIGHT[1]) && !colour(false, RUN_COLOURS_LIGHT[0]));
    assert!(colour(true, RUN_COLOURS_DARK[1]) && !colour(true, RUN_COLOURS_LIGHT[1]));
}

#[test]
fn hostile_names_stay_names() {
    let evil = "</text><script>alert('&\"1\"')</script>\u{0}\u{8}\u{1b}\u{fffe}\r\n]]>";
    let figure = DetFigure {
        title: Some(evil.to_owned()),
        width_mm: 300,
        curves: vec![FigureCurve::of(evil.to_owned(), 0, &report(1.0))],
        ..figure(&[])
    };
    let text = svg(&figure);
    assert_well_formed(&text);
    assert!(!text.contains("<script") && text.contains("&lt;script&gt;alert(&#39;&amp;&quot;1&quot;&#39;)"), "{text}");
    assert_eq!(escaped("a\tb"), "a b");
    let table = figure.text(FigureForm::Csv);
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    assert!(reader.records().all(|record| &record.unwrap()[0] == evil));
}

#[test]
fn a_name_without_room_for_the_rate_gets_a_line_of_its_own_and_an_endless_one_is_cut() {
    let height = |name: &str| number(&svg(&DetFigure { width_mm: 88, ..figure(&[name]) }), "<svg", " height");
    let long = "2026-11-22-1405-sample-data-arcface";
    assert!((height(long) - height("arcface") - 12.0 * MM_PER_PT).abs() < 0.02);
    let narrow = svg(&DetFigure { width_mm: 88, ..figure(&[long]) });
    assert!(narrow.contains(&format!(">{long}</text>")));
    let endless = svg(&figure(&["x".repeat(5000).as_str()]));
    assert!(endless.contains("xxx…</text>"));
    assert_well_formed(&endless);
    assert_eq!((fitted("abc", 100.0, 8.0), fitted("abcdefgh", 20.0, 8.0)), ("abc".to_owned(), "ab…".to_owned()));
    assert_eq!(lines_of("one two three", 40.0, 8.0), ["one two", "three"]);
    assert!(lines_of("  ", 40.0, 8.0).is_empty());
}

#[test]
fn numbers_no_evaluation_gives_are_left_out() {
    let mut strange = figure(&["run"]);
    let whole = strange.curves[0].points.clone();
    let point = whole[3];
    let bad = [
        DetPoint { x: f64::NAN, ..point },
        DetPoint { y: f64::NEG_INFINITY, ..point },
        DetPoint { x: 1e300, ..point },
        DetPoint { fmr: -0.1, ..point },
        DetPoint { fnmr_high: 1.5, ..point },
    ];
    drop(strange.curves[0].points.splice(2..2, bad));
    assert_eq!(svg(&strange), svg(&figure(&["run"])));
    assert_eq!(strange.text(FigureForm::Csv).lines().count(), whole.len() + 1);
    strange.curves[0].points = bad.to_vec();
    strange.curves[0].eer = 1e300;
    let text = svg(&strange);
    assert_well_formed(&text);
    assert!(paths(&text, "curve").is_empty() && text.contains(">run</text>"));
    assert_well_formed(&svg(&figure(&[])));
}

#[test]
fn the_table_holds_every_point_to_the_last_digit() {
    let rates = ErrorRates::new(&[0.5, 0.7, 0.9], &[-0.1, 0.2, 0.3, 0.6]).unwrap();
    let points = det_curve(&rates, 600);
    let curve = FigureCurve { name: "a, b".into(), series: 0, points, eer: 0.3, eer_low: 0.1, eer_high: 0.6 };
    let table = DetFigure::new(vec![curve.clone()]).text(FigureForm::Csv);
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    assert_eq!(
        reader.headers().unwrap().iter().collect::<Vec<_>>(),
        ["run", "threshold", "fmr", "fnmr", "fnmr_low", "fnmr_high"]
    );
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), curve.points.len());
    for (row, point) in rows.iter().zip(&curve.points) {
        assert_eq!((&row[0], row[1].parse::<f32>()), ("a, b", Ok(point.threshold)));
        let numbers: Vec<f64> = (2..6).map(|column| row[column].parse().unwrap()).collect();
        assert_eq!(numbers, [point.fmr, point.fnmr, point.fnmr_low, point.fnmr_high]);
    }
}

#[test]
fn the_ending_says_what_is_written() {
    let form = |name: &str| FigureForm::of(Path::new(name));
    assert_eq!((form("det.svg"), form("DET.CSV")), (Some(FigureForm::Svg), Some(FigureForm::Csv)));
    assert_eq!((form("det.png"), form("svg"), form("det")), (None, None, None));
}
