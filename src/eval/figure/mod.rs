//! The DET curves of several runs as one figure for a paper: a picture (SVG), or the points behind it (CSV).
//!
//! Not for the screen, where the window draws a plot that can be dragged, and not for files: a figure becomes text, which
//! whoever asked for it writes.

mod colours;
mod legend;
mod svg;

pub use colours::{RUN_COLOURS_DARK, RUN_COLOURS_LIGHT};
pub use legend::{LegendRun, folder_names, legend_names};

use super::{DetPoint, VerificationReport};
use std::ops::RangeInclusive;
use std::path::Path;

/// Widths that a picture can have, in millimetres: from a narrow column to a poster.
pub const WIDTH_MM_RANGE: RangeInclusive<i64> = 60..=1000;
/// The usual width in millimetres: most of a page, all that is written on it well readable.
pub const USUAL_WIDTH_MM: u32 = 120;
/// Normal deviates further out belong to no rate that can be measured.
const MOST_DEVIATES: f64 = 10.0;

/// What a figure is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureForm {
    /// A picture.
    Svg,
    /// A table of the points.
    Csv,
}

impl FigureForm {
    /// What the ending of a file's name says; none where it says nothing.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_lowercase();
        match ending.as_str() {
            "svg" => Some(Self::Svg),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// One run of a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureCurve {
    /// Its name in the legend; any text.
    pub name: String,
    /// Its position among the runs, from 0, which gives it its colour and its line.
    pub series: usize,
    /// Its DET curve, thresholds rising.
    pub points: Vec<DetPoint>,
    /// Equal error rate, in [0, 1].
    pub eer: f64,
    /// Lower end of its 95 % interval.
    pub eer_low: f64,
    /// Upper end of that interval.
    pub eer_high: f64,
}

impl FigureCurve {
    /// The curve of a report.
    pub fn of(name: String, series: usize, report: &VerificationReport) -> Self {
        Self {
            name,
            series,
            points: report.det.clone(),
            eer: report.eer,
            eer_low: report.eer_low,
            eer_high: report.eer_high,
        }
    }

    /// The points that are points: what is read from a file may hold anything.
    fn drawable(&self) -> impl Iterator<Item = &DetPoint> {
        let is_rate = |rate: f64| (0.0..=1.0).contains(&rate);
        self.points.iter().filter(move |point| {
            let rates = [point.fmr, point.fnmr, point.fnmr_low, point.fnmr_high];
            rates.into_iter().all(is_rate) && point.x.abs() < MOST_DEVIATES && point.y.abs() < MOST_DEVIATES
        })
    }
}

/// DET curves in one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct DetFigure {
    /// What stands above the plot.
    pub title: Option<String>,
    /// Width in millimetres; kept within [`WIDTH_MM_RANGE`].
    pub width_mm: u32,
    /// For a dark page.
    pub dark: bool,
    /// The runs in the order of the legend.
    pub curves: Vec<FigureCurve>,
}

impl DetFigure {
    /// A figure of the usual width for a white page.
    pub fn new(curves: Vec<FigureCurve>) -> Self {
        Self { title: None, width_mm: USUAL_WIDTH_MM, dark: false, curves }
    }

    /// The file's whole text.
    ///
    /// The picture shows FNMR over FMR on normal-deviate axes (Martin et al., "The DET curve in assessment of detection
    /// task performance", 1997), the 95 % interval of FNMR as a band, and each run's EER in the legend. The table has the
    /// columns `run,threshold,fmr,fnmr,fnmr_low,fnmr_high`; rates are shares in [0, 1], the threshold is a cosine.
    pub fn text(&self, form: FigureForm) -> String {
        match form {
            FigureForm::Svg => svg::svg(self),
            FigureForm::Csv => self.csv(),
        }
    }

    fn csv(&self) -> String {
        let mut text = "run,threshold,fmr,fnmr,fnmr_low,fnmr_high\n".to_owned();
        for curve in &self.curves {
            let name = csv_field(&curve.name);
            for point in curve.drawable() {
                let DetPoint { threshold, fmr, fnmr, fnmr_low, fnmr_high, .. } = point;
                text += &format!("{name},{threshold},{fmr},{fnmr},{fnmr_low},{fnmr_high}\n");
            }
        }
        text
    }
}

/// A field of a CSV file, in quotes where it needs them (RFC 4180).
fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests;
