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

/// The lower half of the page. Its table is kept until it would be another one: it takes every setting and every measure of
/// the runs to make.
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

/// What the table says.
#[derive(Debug)]
struct Table {
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
                if runs.len() > MOST_BESIDE {
                    let [rates, losses] = CURVES;
                    ui.columns(2, |columns| {
                        if let [left, right] = columns {
                            curves_ui(left, &runs, &rates);
                            curves_ui(right, &runs, &losses);
                        }
                    });
                    ui.add_space(SPACE);
                    table_ui(ui, &runs, table);
                } else {
                    ui.columns(2, |columns| {
                        if let [left, right] = columns {
                            CURVES.iter().for_each(|curves| curves_ui(left, &runs, curves));
                            table_ui(right, &runs, table);
                        }
                    });
                }
            });
        });
    }

    fn table(&mut self, state: &State, runs: &[&RunEntry]) -> &Table {
        let view = &state.runs_view;
        let asked = Asked { compared: view.compared.clone(), list_revision: view.list_revision };
        if self.made.as_ref().is_some_and(|(before, _)| *before != asked) {
            self.made = None;
        }
        &self.made.get_or_insert_with(|| (asked, Table::of(state, runs))).1
    }
}

impl Table {
    fn of(state: &State, runs: &[&RunEntry]) -> Self {
        let differing = differences(runs);
        let repeated = repeated(state, runs, &differing);
        Self {
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
struct Curves {
    title: &'static str,
    help: &'static str,
    value: fn(&EpochMetrics) -> Option<f64>,
    y_text: fn(f64) -> String,
}

/// What is drawn of every run.
const CURVES: [Curves; 2] = [
    Curves { title: "EER on held-out pairs", help: "Lower is better", value: |epoch| epoch.eer, y_text: rate_text },
    Curves {
        title: "Training loss",
        help: "Losses of different kinds or scales cannot be compared with each other",
        value: |epoch| Some(epoch.train_loss),
        y_text: format::significant,
    },
];

fn curves_ui(ui: &mut Ui, runs: &[&RunEntry], drawn: &Curves) {
    let last = runs.iter().flat_map(|run| run.epochs.iter()).map(|epoch| epoch.epoch).max().unwrap_or(1);
    let curve = |(index, run): (usize, &&RunEntry)| Curve {
        name: run.name.clone().into(),
        colour: theme::series(ui, index),
        points: run.epochs.iter().filter_map(|at| Some([f64::from(at.epoch), (drawn.value)(at)?])).collect(),
        style: CurveStyle::Dots,
    };
    let curves: Vec<Curve> = runs.iter().enumerate().map(curve).filter(|curve| !curve.points.is_empty()).collect();
    let plot = CurvePlot {
        title: drawn.title,
        help: drawn.help,
        curves: &curves,
        x: (0.0, f64::from(last)),
        x_step: None,
        x_unit: "epoch",
        include_y: &[0.0],
        y_text: drawn.y_text,
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

/// One row per measure, and one per setting in which the runs differ.
fn table_ui(ui: &mut Ui, runs: &[&RunEntry], table: &Table) {
    ui.label(theme::strong("Measures, and settings that differ").size(14.0));
    ui.label(theme::caption("In the colours of the boxes beside the runs."));
    if let Some(words) = &table.series {
        ui.label(theme::caption(format!("The whole series, measured at the end: {words}")));
    }
    ui.add_space(SPACE / 2.0);
    if table.differing.is_empty() {
        ui.label(theme::caption("The runs have the same settings."));
    }
    ScrollArea::horizontal().id_salt("differences").show(ui, |ui| {
        egui::Grid::new("differences").spacing([SPACE * 2.0, SPACE / 2.0]).show(ui, |ui| {
            ui.label("");
            for (index, run) in runs.iter().enumerate() {
                let colour = theme::series(ui, index);
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

/// The settings in which some of the runs differ, with the value of each run as a person reads it.
fn differences(runs: &[&RunEntry]) -> Vec<(&'static str, Vec<String>)> {
    let values: Vec<Vec<Value>> = runs.iter().map(|run| run.config.values()).collect();
    let row = |(index, spec): (usize, &'static ParamSpec)| {
        let row = values.iter().filter_map(|values| values.get(index));
        (spec.label, row.map(|value| spec.text(value)).collect::<Vec<String>>())
    };
    let rows = PARAMS.iter().enumerate().map(row);
    rows.filter(|(_, values)| values.windows(2).any(|pair| pair[0] != pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, listing};
    use super::*;
    use crate::app::on_event;
    use crate::config::{Head, RunInfo, SeriesInfo};
    use crate::train::Verification;
    use crate::worker::protocol::{Event, JobId};

    /// The rows of the table, were these all the runs there are.
    fn rows_of(runs: &[RunEntry]) -> Vec<Row> {
        let mut state = State::new("runs".into());
        state.runs = runs.to_vec();
        Table::of(&state, &runs.iter().collect::<Vec<_>>()).measures
    }

    /// Four runs over the seeds 1 to 4, all of them finished.
    fn of_one_series() -> Vec<RunEntry> {
        let series = SeriesInfo { id: "one".into(), first_seed: 1, seeds: 4 };
        let run = |seed: u32| {
            let mut run = entry(&seed.to_string(), seed, Some(0.01 * f64::from(seed)));
            run.config.run = Some(RunInfo::before(series.clone()));
            run
        };
        (1..=4).map(run).collect()
    }

    fn spread_of(runs: &[RunEntry]) -> Option<String> {
        rows_of(runs).into_iter().find(|row| row.label == "EER")?.spread
    }

    #[test]
    fn only_settings_that_differ_are_told_each_with_the_value_of_every_run() {
        let mut runs = [entry("a", 1, Some(0.02)), entry("b", 1, None)];
        (runs[0].config.train.epochs, runs[1].config.train.epochs) = (24, 40);
        (runs[0].config.loss.head, runs[1].config.loss.head) = (Head::ArcFace, Head::Softmax);
        let differing = |runs: &[RunEntry]| {
            let state = State::new("runs".into());
            Table::of(&state, &runs.iter().collect::<Vec<_>>()).differing
        };
        let row = |label: &'static str, values: [&str; 2]| (label, values.map(str::to_owned).to_vec());
        let expected = [row("Loss", ["ArcFace", "plain softmax"]), row("Epochs", ["24", "40"])];
        assert_eq!(differing(&runs), expected);
        runs.reverse();
        let reversed = [row("Loss", ["plain softmax", "ArcFace"]), row("Epochs", ["40", "24"])];
        assert_eq!(differing(&runs), reversed, "in the order of the runs");
        assert!(differing(&runs[..1]).is_empty());
    }

    /// What was measured beside the error rate, with a true accept rate at one false accept in ten, and maybe in a hundred.
    fn verification(auc: f64, tar: f64, tar_at_1e2: Option<f64>) -> Option<Verification> {
        let tar_at_far = vec![(1e-1, Some(tar)), (1e-2, tar_at_1e2), (1e-3, None), (1e-4, None)];
        Some(Verification { auc, accuracy_10fold: None, tar_at_far, d_prime: 2.5 })
    }

    #[test]
    fn every_measure_has_a_row_with_the_value_of_each_run_and_their_mean() {
        let mut runs =
            [entry("a", 1, Some(0.02)), entry("b", 2, Some(0.04)), entry("c", 3, Some(0.03)), entry("d", 4, None)];
        let measured =
            [verification(0.98, 0.9, Some(0.8)), verification(0.96, 0.7, Some(0.6)), verification(0.97, 0.8, None)];
        for (run, verification) in runs.iter_mut().zip(measured) {
            run.finished.as_mut().unwrap().verification = verification;
        }
        let row = |label: &str, values: [&str; 4], spread: &str| Row {
            label: label.into(),
            values: values.map(str::to_owned).to_vec(),
            spread: Some(spread.into()),
        };
        let expected = [
            row("EER", ["2.00 %", "4.00 %", "3.00 %", "–"], "3.0 ± 1.0 %"),
            row("TAR at FAR 10 %", ["90.00 %", "70.00 %", "80.00 %", "–"], "80.0 ± 10.0 %"),
            row("TAR at FAR 1 %", ["80.00 %", "60.00 %", "–", "–"], "70.0 ± 14.1 % (of 2)"),
            row("AUC", ["0.98000", "0.96000", "0.97000", "–"], "0.97000 ± 0.01000"),
            row("d'", ["2.500", "2.500", "2.500", "–"], "2.500 ± 0.000"),
        ];
        assert_eq!(rows_of(&runs), expected);
        // One run has nothing to spread.
        assert!(rows_of(&runs[..1]).iter().all(|row| row.spread.is_none() && row.values.len() == 1));
        assert!(rows_of(&runs[3..]).is_empty());
    }

    #[test]
    fn the_mean_of_a_series_is_that_of_all_its_runs_however_few_are_compared() {
        let mut state = listing(of_one_series());
        let rows = |state: &State| Table::of(state, &state.runs.iter().take(2).collect::<Vec<_>>()).measures;
        let found = rows(&state);
        assert_eq!((found.len(), found[0].values.len()), (1, 2), "only the EER was measured: {found:?}");
        assert_eq!(found[0].spread.as_deref(), Some("2.5 ± 1.3 %"));
        // By themselves they are compared with each other.
        state.runs.iter_mut().for_each(|run| run.config.run = Some(RunInfo::default()));
        assert_eq!(rows(&state)[0].spread.as_deref(), Some("1.50 ± 0.71 %"));
    }

    #[test]
    fn runs_of_a_series_that_lies_elsewhere_are_compared_with_each_other() {
        let mut runs = of_one_series();
        runs.iter_mut().for_each(|run| run.is_elsewhere = true);
        let state = listing(runs);
        let table = Table::of(&state, &state.runs.iter().take(2).collect::<Vec<_>>());
        assert_eq!(table.measures[0].spread.as_deref(), Some("1.50 ± 0.71 %"));
        assert_eq!((table.n_repeated, &table.series), (2, &None), "of the series, no more is known");
    }

    #[test]
    fn runs_on_other_images_or_with_other_settings_have_no_spread() {
        let mut runs = [entry("a", 1, Some(0.02)), entry("b", 2, Some(0.04))];
        assert!(spread_of(&runs).is_some());
        runs[1].config.run.as_mut().unwrap().data_fingerprint = "of others".into();
        assert_eq!(spread_of(&runs), None);
        runs[0].config.run.as_mut().unwrap().data_fingerprint = "of others".into();
        runs[1].config.train.epochs += 1;
        assert_eq!(spread_of(&runs), None);
        assert_eq!(rows_of(&runs)[0].values, ["2.00 %", "4.00 %"], "the values are there all the same");
    }

    #[test]
    fn runs_that_noted_the_same_images_otherwise_are_repeated_while_one_of_them_knows() {
        let mut runs = [1, 2, 3].map(|seed| entry(&seed.to_string(), seed, Some(0.01 * f64::from(seed))));
        let noted = [("with names", ""), ("without names", ""), ("without names", "with names")];
        for (run, (now, earlier)) in runs.iter_mut().zip(noted) {
            let facts = run.config.run.as_mut().unwrap();
            (facts.data_fingerprint, facts.earlier_fingerprint) = (now.into(), earlier.into());
        }
        assert!(spread_of(&runs).is_some());
        assert_eq!(spread_of(&runs[..2]), None, "neither knows of the other");
    }

    #[test]
    fn a_series_is_told_as_a_whole_however_few_of_it_are_compared() {
        let mut state = listing(of_one_series());
        let words = |state: &State| Table::of(state, &state.runs.iter().take(2).collect::<Vec<_>>()).series;
        assert_eq!(words(&state).as_deref(), Some("4 runs, seeds 1 to 4: EER 2.5 ± 1.3 %"));
        state.runs[1].config.run = None;
        assert_eq!(words(&state), None);
    }

    #[test]
    fn the_table_is_kept_until_other_runs_are_compared_or_the_list_is_read_anew() {
        let entries = || [("a", 0.02), ("b", 0.04), ("c", 0.03)].map(|(name, eer)| entry(name, 1, Some(eer)));
        let mut state = listing(entries().to_vec());
        state.runs_view.compared = vec!["runs/a".into(), "runs/b".into()];
        let mut comparison = Comparison::default();
        let mut eer = |state: &State| comparison.table(state, &compared(state)).measures[0].values.clone();
        assert_eq!(eer(&state), ["2.00 %", "4.00 %"]);
        // Not a change that happens: it shows that nothing was computed.
        state.runs[0].finished.as_mut().unwrap().eer = Some(0.5);
        assert_eq!(eer(&state), ["2.00 %", "4.00 %"]);
        state.runs_view.compared.remove(0);
        state.runs_view.compared.push("runs/c".into());
        assert_eq!(eer(&state), ["4.00 %", "3.00 %"]);
        let mut read = entries();
        read[2].finished.as_mut().unwrap().eer = Some(0.25);
        on_event(&mut state, Event::Runs { job: JobId(0), runs: read.to_vec() });
        assert_eq!(eer(&state), ["4.00 %", "25.00 %"]);
    }
}
