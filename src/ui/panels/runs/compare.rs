//! Runs side by side: their curves in one plot, what they came to, and the settings in which they differ.

use crate::app::{Action, RunAction, SeriesFacts, State};
use crate::config::{PARAMS, ParamSpec, Value, spec};
use crate::train::{EpochMetrics, MeanSd, Measure, RunSummary, measures};
use crate::ui::format;
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::curve::{Curve, CurvePlot, CurveStyle, curve_plot};
use crate::ui::widgets::figures::rate_text;
use crate::worker::protocol::RunEntry;
use eframe::egui::{self, Align, Color32, Label, Layout, ScrollArea, Sense, Stroke, Ui, vec2};
use std::path::PathBuf;

/// The lower half of the page. What it says is kept until it would be something else: it takes every setting, every measure and
/// every epoch of the runs to make.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    made: Option<(Asked, Table)>,
}

/// Runs whose columns fit beside the curves in the smallest window; the table of more stands below them.
const MOST_BESIDE: usize = 2;

/// What the table depends on.
#[derive(Debug, PartialEq)]
struct Asked {
    compared: Vec<PathBuf>,
    list_revision: u64,
}

/// What the curves and the table say.
#[derive(Debug)]
struct Table {
    /// The place of each run among those that are compared, which is its colour: the list may not know all of them.
    places: Vec<usize>,
    /// Both plots, the last epoch of which is `last_epoch`.
    drawn: [Drawn; 2],
    last_epoch: u32,
    /// The settings in which the runs differ, each with one value per run.
    differing: Vec<(&'static str, Vec<String>)>,
    measures: Vec<Row>,
    /// Runs over which means are taken.
    n_repeated: usize,
    /// Mean and spread of the series that the runs are of.
    series: Option<String>,
}

impl Comparison {
    /// Draws it.
    pub(super) fn ui(&mut self, ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
        let runs = compared(state);
        let table = self.table(state, &runs);
        table.drawn.iter_mut().for_each(|drawn| drawn.colour(ui));
        let table = &*table;
        ui.add_space(SPACE);
        theme::card(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(theme::subheading("Compared"));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if ui.button("Compare none").on_hover_text("Takes every run out of the comparison").clicked() {
                        out.push(RunAction::CompareNone.into());
                    }
                });
            });
            ScrollArea::vertical().id_salt("compared").auto_shrink([false, false]).show(ui, |ui| {
                let is_below = runs.len() > MOST_BESIDE;
                theme::columns(ui, 2, |index, ui| match (is_below, table.drawn.get(index)) {
                    (true, Some(drawn)) => curves_ui(ui, drawn, table.last_epoch),
                    (false, _) if index == 0 => {
                        table.drawn.iter().for_each(|drawn| curves_ui(ui, drawn, table.last_epoch));
                    }
                    (false, _) => table_ui(ui, &runs, table),
                    (true, None) => {}
                });
                if is_below {
                    ui.add_space(SPACE);
                    table_ui(ui, &runs, table);
                }
            });
        });
    }

    fn table(&mut self, state: &State, runs: &[&RunEntry]) -> &mut Table {
        let view = &state.runs_view;
        let asked = Asked { compared: view.compared.clone(), list_revision: view.list_revision };
        if self.made.as_ref().is_some_and(|(before, _)| *before != asked) {
            self.made = None;
        }
        &mut self.made.get_or_insert_with(|| (asked, Table::of(state, runs))).1
    }
}

impl Table {
    fn of(state: &State, runs: &[&RunEntry]) -> Self {
        let differing = differences(runs);
        let repeated = repeated(state, runs, &differing);
        let compared = &state.runs_view.compared;
        let place = |run: &&RunEntry| compared.iter().position(|path| *path == run.path).unwrap_or_default();
        let places: Vec<usize> = runs.iter().map(place).collect();
        let last_epoch = runs.iter().flat_map(|run| run.epochs.iter()).map(|epoch| epoch.epoch).max();
        Self {
            drawn: CURVES.each_ref().map(|kind| Drawn::of(kind, runs, &places)),
            places,
            last_epoch: last_epoch.unwrap_or(1),
            measures: measure_rows(runs, &repeated),
            n_repeated: repeated.len(),
            series: series_of_all(state, runs).and_then(|series| series.words.clone()),
            differing,
        }
    }
}

/// The runs that are compared, as far as the list knows them.
fn compared(state: &State) -> Vec<&RunEntry> {
    state.runs_view.compared.iter().filter_map(|path| state.run_entry(path)).collect()
}

/// A measure over the epochs, one curve per run.
#[derive(Debug)]
struct Curves {
    title: &'static str,
    help: &'static str,
    value: fn(&EpochMetrics) -> Option<f64>,
    y_text: fn(f64) -> String,
}

/// What is drawn of every run.
static CURVES: [Curves; 2] = [
    Curves { title: "Held-out EER", help: "Lower is better", value: |epoch| epoch.eer, y_text: rate_text },
    Curves {
        title: "Training loss",
        help: "Losses of different kinds or scales cannot be compared with each other",
        value: |epoch| Some(epoch.train_loss),
        y_text: format::significant,
    },
];

/// The curves of one plot, each with the place of its run among those that are compared.
#[derive(Debug)]
struct Drawn {
    kind: &'static Curves,
    places: Vec<usize>,
    curves: Vec<Curve>,
}

impl Drawn {
    /// Of runs in these places; one without a value has no curve. The colours are given when they are drawn.
    fn of(kind: &'static Curves, runs: &[&RunEntry], places: &[usize]) -> Self {
        let curve = |run: &&RunEntry| Curve {
            name: run.name.clone().into(),
            colour: Color32::default(),
            points: run.epochs.iter().filter_map(|at| Some([f64::from(at.epoch), (kind.value)(at)?])).collect(),
            style: CurveStyle::Dots,
        };
        let curves = places.iter().copied().zip(runs.iter().map(curve));
        let (places, curves) = curves.filter(|(_, curve)| !curve.points.is_empty()).unzip();
        Self { kind, places, curves }
    }

    /// Gives the curves the colours of the theme of now.
    fn colour(&mut self, ui: &Ui) {
        for (curve, place) in self.curves.iter_mut().zip(&self.places) {
            curve.colour = theme::series(ui, *place);
        }
    }
}

fn curves_ui(ui: &mut Ui, drawn: &Drawn, last_epoch: u32) {
    let Drawn { kind, curves, .. } = drawn;
    let plot = CurvePlot {
        title: kind.title,
        help: kind.help,
        curves,
        x: (0.0, f64::from(last_epoch)),
        x_step: None,
        x_unit: "epoch",
        include_y: &[0.0],
        y_text: kind.y_text,
        mark: None,
        height: 150.0,
    };
    curve_plot(ui, &plot);
    ui.add_space(SPACE);
}

/// What a run without a value has in its cell.
const NOTHING: &str = "–";
/// Width of a run's column, in points.
const RUN_WIDTH: f32 = 96.0;
/// A value of more bytes than these is a path or a list of names, and is cut: in lines it would push all others away.
const MOST_IN_LINES: usize = 48;

/// Colour and name over a run's column: in a printed picture, and to many eyes, the colour alone says nothing.
fn head_ui(ui: &mut Ui, name: &str, colour: Color32) {
    ui.vertical(|ui| {
        ui.set_width(RUN_WIDTH);
        let (rect, _) = ui.allocate_exact_size(vec2(RUN_WIDTH, 12.0), Sense::hover());
        ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(3.0, colour));
        ui.add(Label::new(theme::caption(name)).wrap());
    });
}

/// A setting of a run; one that is empty is not to look like one that was forgotten.
fn value_ui(ui: &mut Ui, value: &str) {
    let label = Label::new(if value.is_empty() { NOTHING } else { value });
    ui.add(if value.len() > MOST_IN_LINES { label.truncate() } else { label.wrap() });
}

/// What the rows of the settings do not say by themselves; `None` where they do.
fn what_is_known(runs: &[&RunEntry], table: &Table) -> Option<&'static str> {
    match (table.differing.is_empty(), runs.iter().any(|run| run.is_imported())) {
        (true, false) => Some("The runs have the same settings."),
        (true, true) => {
            Some("The runs have the same settings, as far as is known: how imported weights were trained is not.")
        }
        (false, true) => Some("How imported weights were trained is not known."),
        (false, false) => None,
    }
}

/// One row per measure, and one per setting in which the runs differ.
fn table_ui(ui: &mut Ui, runs: &[&RunEntry], table: &Table) {
    ui.label(theme::strong("Measures, and settings that differ").size(14.0));
    ui.label(theme::caption("In the colours of the boxes beside the runs."));
    if let Some(words) = &table.series {
        ui.label(theme::caption(format!("The whole series, measured at the end: {words}")));
    }
    ui.add_space(SPACE / 2.0);
    if let Some(words) = what_is_known(runs, table) {
        ui.label(theme::caption(words));
    }
    ScrollArea::horizontal().id_salt("differences").show(ui, |ui| {
        egui::Grid::new("differences").spacing([SPACE * 2.0, SPACE / 2.0]).show(ui, |ui| {
            ui.label("");
            for (run, place) in runs.iter().zip(&table.places) {
                let colour = theme::series(ui, *place);
                head_ui(ui, &run.name, colour);
            }
            if table.measures.iter().any(|row| row.spread.is_some()) {
                let help = "Mean and standard deviation over runs that differ in their seed only, finished and measured at \
                            their end: all of the series, or those compared";
                let title = format!("mean ± sd of {} runs", table.n_repeated);
                ui.label(theme::caption(title)).on_hover_text(help);
            }
            ui.end_row();
            ui.label(theme::caption("Best EER")).on_hover_text("Lowest of the epochs, on some of the held-out images");
            for run in runs {
                ui.label(run.eer.map_or_else(|| NOTHING.to_owned(), rate_text));
            }
            ui.end_row();
            for row in &table.measures {
                ui.label(theme::caption(&row.label)).on_hover_text("At the end of the run");
                for value in &row.values {
                    ui.label(value);
                }
                if let Some(spread) = &row.spread {
                    ui.label(theme::strong(spread));
                }
                ui.end_row();
            }
            for (label, values) in &table.differing {
                ui.label(theme::caption(*label));
                values.iter().for_each(|value| value_ui(ui, value));
                ui.end_row();
            }
        });
    });
}

/// A measure as the table shows it.
#[derive(Debug, PartialEq)]
struct Row {
    label: String,
    /// One per run.
    values: Vec<String>,
    /// Mean and spread over at least two runs.
    spread: Option<String>,
}

/// One row per measure that one of the runs has, with mean and spread over the runs in `repeated`.
fn measure_rows(runs: &[&RunEntry], repeated: &[&RunSummary]) -> Vec<Row> {
    let over = measures(repeated.iter().copied());
    let row = |measure: Measure| {
        let mut values = measure.values.iter().copied();
        // Runs that are not finished stand in the table, too, but have nothing that was measured.
        let cells = runs.iter().map(|run| run.finished.as_ref().and_then(|_| values.next().flatten()));
        let cells = cells.map(|value| value.map_or_else(|| NOTHING.to_owned(), |value| measure.text(value))).collect();
        let spread = over.iter().find(|other| other.key == measure.key).and_then(|all| spread(all, repeated.len()));
        Row { values: cells, spread, label: measure.label.clone() }
    };
    measures(runs.iter().filter_map(|run| run.finished.as_ref())).into_iter().map(row).collect()
}

/// Mean and spread of a measure, with the number of the runs that have it where not all of `runs` have.
fn spread(measure: &Measure, runs: usize) -> Option<String> {
    let MeanSd { runs: having, .. } = measure.mean_sd().filter(|mean| mean.sd.is_some())?;
    let text = measure.mean_text()?;
    Some(if having < runs { format!("{text} (of {having})") } else { text })
}

/// What the runs came to over which a mean says something: all finished ones of the series that the runs are of, or the
/// runs themselves where they are on the same images and differ in their seed only. Else none.
fn repeated<'a>(state: &'a State, runs: &[&'a RunEntry], differing: &[(&str, Vec<String>)]) -> Vec<&'a RunSummary> {
    if let Some(series) = series_of_all(state, runs) {
        return series.finished.iter().collect();
    }
    let seed = spec("train.seed").map_or("", |spec| spec.label);
    let only_seed = matches!(differing, [(label, _)] if *label == seed);
    let same_images = runs.iter().any(|one| runs.iter().all(|other| have_same_images(one, other)));
    let finished = runs.iter().copied().filter_map(|run| run.finished.as_ref());
    finished.filter(|_| only_seed && same_images).collect()
}

fn have_same_images(a: &RunEntry, b: &RunEntry) -> bool {
    match (&a.config.run, &b.config.run) {
        (Some(a), Some(b)) => a.has_images_of(b),
        (None, None) => true,
        _ => false,
    }
}

/// What is known of the series that all of the runs are of; it may have more runs than can be compared. `None` where they
/// are of none or of several, and where some were opened from elsewhere: the rest of their series is not in the list.
fn series_of_all<'a>(state: &'a State, runs: &[&RunEntry]) -> Option<&'a SeriesFacts> {
    let id = |run: &RunEntry| run.series().map(|series| series.id.clone());
    let is_one = runs.windows(2).all(|pair| id(pair[0]) == id(pair[1])) && runs.iter().all(|run| !run.is_elsewhere);
    state.series_facts(runs.first().filter(|_| is_one)?)
}

/// The settings in which some of the runs differ, with the value of each run as a person reads it. A setting without effect on a
/// run has none there. Of a run that was imported, only what is known of its network is told; what others have chosen beside it
/// otherwise than the program does is told, too.
fn differences(runs: &[&RunEntry]) -> Vec<(&'static str, Vec<String>)> {
    let values: Vec<Vec<Value>> = runs.iter().map(|run| run.config.values()).collect();
    let row = |(index, spec): (usize, &'static ParamSpec)| {
        let row = values.iter().filter_map(|values| values.get(index));
        (spec, row.map(|value| spec.text(value)).collect::<Vec<String>>())
    };
    let rows = PARAMS.iter().enumerate().map(row);
    let differing = rows.filter(|(_, values)| values.windows(2).any(|pair| pair[0] != pair[1]));
    let told = differing.map(|(spec, values)| (spec.label, as_known(runs, spec, values)));
    told.filter(|(_, values)| values.iter().any(|value| value != NOTHING)).collect()
}

/// The values of a setting, one per run, without those that nobody knows and those that have no effect.
fn as_known(runs: &[&RunEntry], spec: &ParamSpec, values: Vec<String>) -> Vec<String> {
    let is_known = |run: &RunEntry| run.config.run.as_ref().is_none_or(|facts| facts.is_known(spec));
    let is_told = |run: &RunEntry| (spec.applies)(&run.config) && is_known(run);
    let as_told = |(value, run): (String, &&RunEntry)| if is_told(run) { value } else { NOTHING.to_owned() };
    values.into_iter().zip(runs).map(as_told).collect()
}

#[cfg(test)]
mod tests;
